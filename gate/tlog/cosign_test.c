/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/cosign.h"
#include "gate/tlog/note_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N 3

struct rig {
    struct note_pair log, witnesses[N];
    struct note_key keys[N];
    struct cosign_policy policy;
    struct buf checkpoint, text;
};

static int set_up(void **state)
{
    static struct rig rig;
    static const char *const NAMES[N] = {"w.example/1", "w.example/2", "w.example/3"};
    const struct checkpoint checkpoint = {.size = 7, .root = {{9}}};
    struct checkpoint_text text = {.origin = slice_str("log.example/a"), .checkpoint = checkpoint};

    rig = (struct rig){.log = note_pair_of(NOTE_ED25519, "log.example/a", 0)};
    for (uint8_t i = 0; i < N; i++) {
        rig.witnesses[i] = note_pair_of(NOTE_COSIGNATURE, NAMES[i], (uint8_t)(i + 1));
        rig.keys[i] = rig.witnesses[i].key;
    }
    rig.policy = (struct cosign_policy){&rig.log.key, rig.keys, N, 0};
    assert_int_equal(checkpoint_note_make(&checkpoint,
                                          &(struct note_signer){&rig.log.key, &rig.log.pair, 0},
                                          &rig.checkpoint, NULL),
                     ERR_OK);
    assert_int_equal(checkpoint_text_make(&text, &rig.text, NULL), ERR_OK);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    buf_free(&rig->checkpoint);
    buf_free(&rig->text);
    return 0;
}

static void add_line(const struct rig *rig, size_t w, uint64_t time, struct buf *ret)
{
    const struct note_signer signer = {&rig->witnesses[w].key, &rig->witnesses[w].pair, time};

    assert_int_equal(note_sign(buf_slice(&rig->text), &signer, ret, NULL), ERR_OK);
}

static size_t lines_of(const struct buf *bytes)
{
    static struct note note;

    assert_int_equal(note_parse(buf_slice(bytes), &note, NULL), ERR_OK);
    return note.n_sigs;
}

static void merged_and_counted(void **state)
{
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf first = {0}, second = {0}, third = {0}, one = {0}, both = {0};
    static struct cosign_verdict verdict;
    struct why why = {0};
    size_t n = 0;

    rig->policy.need = 1;
    assert_int_equal(cosign_open(buf_slice(&rig->checkpoint), &rig->policy, &verdict, &why),
                     ERR_THRESHOLD);
    add_line(rig, 0, 100, &one);
    assert_int_equal(
        cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&one), &rig->policy, &first, &n, &why),
        ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(lines_of(&first), 2);
    assert_int_equal(cosign_open(buf_slice(&first), &rig->policy, &verdict, &why), ERR_OK);
    assert_int_equal(verdict.n_good, 1);
    assert_int_equal(verdict.witnesses[0].time, 100);
    assert_false(verdict.witnesses[1].good);
    assert_int_equal(verdict.text.checkpoint.size, 7);
    rig->policy.need = 2;
    assert_int_equal(cosign_open(buf_slice(&first), &rig->policy, &verdict, &why), ERR_THRESHOLD);

    /* The same witness again: its newer line takes the place of the older one. */
    add_line(rig, 0, 200, &both);
    add_line(rig, 1, 150, &both);
    assert_int_equal(
        cosign_merge(buf_slice(&first), buf_slice(&both), &rig->policy, &second, &n, &why), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(lines_of(&second), 3);
    assert_int_equal(cosign_open(buf_slice(&second), &rig->policy, &verdict, &why), ERR_OK);
    assert_int_equal(verdict.witnesses[0].time, 200);
    assert_int_equal(verdict.witnesses[1].time, 150);
    /* An answer with two lines of one witness gives one. */
    add_line(rig, 1, 160, &both);
    add_line(rig, 1, 155, &both);
    assert_int_equal(
        cosign_merge(buf_slice(&first), buf_slice(&both), &rig->policy, &third, &n, &why), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(lines_of(&third), 3);
    assert_int_equal(cosign_open(buf_slice(&third), &rig->policy, &verdict, &why), ERR_OK);
    assert_int_equal(verdict.witnesses[1].time, 160);
    rig->policy.need = 0;
}

static void what_is_not_merged(void **state)
{
    struct rig *rig = *state;
    const struct note_pair stranger = note_pair_of(NOTE_COSIGNATURE, "w.example/9", 9);
    CLEANUP(buf_free) struct buf strange = {0}, mixed = {0}, out = {0}, other = {0};
    CLEANUP(buf_free) struct buf no_time = {0}, flipped = {0};
    struct note_signer signer = {&stranger.key, &stranger.pair, 5};
    size_t n = 77;

    assert_int_equal(note_sign(buf_slice(&rig->text), &signer, &strange, NULL), ERR_OK);
    assert_int_equal(cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&strange), &rig->policy,
                                  &out, &n, NULL),
                     ERR_SIGNER_UNKNOWN);
    /* Beside a line that is wanted it is left out. */
    assert_int_equal(buf_add_slice(&mixed, buf_slice(&strange)), ERR_OK);
    add_line(rig, 2, 5, &mixed);
    assert_int_equal(
        cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&mixed), &rig->policy, &out, &n, NULL),
        ERR_OK);
    assert_int_equal(lines_of(&out), 2);
    assert_null(memmem(out.ptr, out.len, "w.example/9", 11));
    buf_free(&out);
    n = 77;

    /* The cosignature of another checkpoint. */
    signer = (struct note_signer){&rig->witnesses[0].key, &rig->witnesses[0].pair, 5};
    assert_int_equal(note_sign(slice_str("log.example/a\n8\n"), &signer, &other, NULL), ERR_OK);
    assert_int_equal(
        cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&other), &rig->policy, &out, &n, NULL),
        ERR_SIGNATURE_INVALID);
    add_line(rig, 0, 0, &no_time);
    assert_int_equal(cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&no_time), &rig->policy,
                                  &out, &n, NULL),
                     ERR_SIGNATURE_INVALID);
    static const char *const LINES[] = {"", "\n", "x\n", "\u2014 w.example/1 AAAA\n"};
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++)
        assert_int_equal(cosign_merge(buf_slice(&rig->checkpoint), slice_str(LINES[i]),
                                      &rig->policy, &out, &n, NULL),
                         ERR_FORMAT);
    add_line(rig, 1, 5, &flipped);
    for (size_t bit = 0; bit < 8 * flipped.len; bit++) {
        flipped.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(cosign_merge(buf_slice(&rig->checkpoint), buf_slice(&flipped),
                                          &rig->policy, &out, &n, NULL),
                             ERR_OK);
        flipped.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < flipped.len; len++)
        assert_int_not_equal(cosign_merge(buf_slice(&rig->checkpoint),
                                          (struct slice){flipped.ptr, len}, &rig->policy, &out, &n,
                                          NULL),
                             ERR_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(n, 77);
}

static void a_forged_cosignature_refuses_the_checkpoint(void **state)
{
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct note_signer signer = {&rig->witnesses[1].key, &rig->witnesses[2].pair, 5};
    struct note_key lying = rig->witnesses[2].key;
    static struct cosign_verdict verdict;

    /* Another key signs under the name and id of witness 2. */
    lying.id = rig->witnesses[1].key.id;
    memcpy(lying.name, rig->witnesses[1].key.name, sizeof lying.name);
    signer.key = &lying;
    assert_int_equal(buf_add_slice(&bytes, buf_slice(&rig->checkpoint)), ERR_OK);
    add_line(rig, 0, 5, &bytes);
    assert_int_equal(note_sign(buf_slice(&rig->text), &signer, &bytes, NULL), ERR_OK);
    assert_int_equal(cosign_open(buf_slice(&bytes), &rig->policy, &verdict, NULL),
                     ERR_SIGNATURE_INVALID);
}

static void policies(void **state)
{
    struct rig *rig = *state;
    struct note_key keys[N];
    struct cosign_policy policy = {&rig->log.key, keys, N, N};
    static struct note_key many[COSIGN_WITNESSES_MAX + 1];

    memcpy(keys, rig->keys, sizeof keys);
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_OK);
    policy.need = N + 1;
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_KEY_MALFORMED);
    policy.need = 0;
    keys[2] = note_pair_of(NOTE_COSIGNATURE, "another.name", 1).key; /* the key of witness 0 */
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_KEY_MALFORMED);
    keys[2] = note_pair_of(NOTE_ED25519, "w.example/3", 3).key;
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_KEY_MALFORMED);
    keys[2] = note_pair_of(NOTE_COSIGNATURE, "w.example/3", 0).key; /* the log's */
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_KEY_MALFORMED);
    for (uint8_t i = 0; i <= COSIGN_WITNESSES_MAX; i++)
        many[i] = note_pair_of(NOTE_COSIGNATURE, "w", (uint8_t)(i + 1)).key;
    policy = (struct cosign_policy){&rig->log.key, many, COSIGN_WITNESSES_MAX, 0};
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_OK);
    policy = (struct cosign_policy){&rig->log.key, many, COSIGN_WITNESSES_MAX + 1, 0};
    assert_int_equal(cosign_policy_check(&policy, NULL), ERR_KEY_MALFORMED);
}

/* What golang.org/x/mod/sumdb/note and transparency-dev/formats signed. */
static void checkpoint_of_another_program(void **state)
{
    struct note_key log, witness;
    const struct cosign_policy policy = {&log, &witness, 1, 1};
    CLEANUP(buf_free) struct buf out = {0};
    static struct cosign_verdict verdict;
    size_t n;
    (void)state;

    assert_int_equal(note_key_parse(slice_str(NOTE_PEER_LOG), &log, NULL), ERR_OK);
    assert_int_equal(note_key_parse(slice_str(NOTE_PEER_WITNESS), &witness, NULL), ERR_OK);
    assert_int_equal(cosign_open(slice_str(NOTE_PEER), &policy, &verdict, NULL), ERR_OK);
    assert_int_equal(verdict.witnesses[0].time, NOTE_PEER_TIME);
    assert_int_equal(cosign_merge(slice_str(NOTE_PEER_TEXT "\n" NOTE_PEER_LOG_LINE),
                                  slice_str(NOTE_PEER_WITNESS_LINE), &policy, &out, &n, NULL),
                     ERR_OK);
    assert_true(slice_eq_str(buf_slice(&out),
                             NOTE_PEER_TEXT "\n" NOTE_PEER_LOG_LINE NOTE_PEER_WITNESS_LINE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(merged_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forged_cosignature_refuses_the_checkpoint, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(policies, set_up, tear_down),
        cmocka_unit_test(checkpoint_of_another_program),
    };
    return cmocka_run_group_tests_name("cosign", tests, NULL, NULL);
}
