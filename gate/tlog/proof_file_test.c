/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/note_testing.h"
#include "gate/tlog/proof_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 11

struct rig {
    struct note_pair log, witness;
    struct cosign_policy policy;
    struct tree tree;
    struct buf checkpoint;
};

static struct slice entry_of(uint64_t i)
{
    static char text[32];

    (void)snprintf(text, sizeof text, "entry %llu", (unsigned long long)i);
    return slice_str(text);
}

static int set_up(void **state)
{
    static struct rig rig;
    struct checkpoint checkpoint = {.size = SIZE};
    static struct note note;

    rig = (struct rig){.log = note_pair_of(NOTE_ED25519, "log.example/a", 0),
                       .witness = note_pair_of(NOTE_COSIGNATURE, "w.example/1", 1)};
    rig.policy = (struct cosign_policy){&rig.log.key, &rig.witness.key, 1, 1};
    for (uint64_t i = 0; i < SIZE; i++) {
        struct digest leaf;
        assert_int_equal(tree_leaf(entry_of(i), &leaf), ERR_OK);
        assert_int_equal(tree_append(&rig.tree, &leaf), ERR_OK);
    }
    assert_int_equal(tree_root(tree_of(&rig.tree), SIZE, &checkpoint.root, NULL), ERR_OK);
    assert_int_equal(checkpoint_note_make(&checkpoint,
                                          &(struct note_signer){&rig.log.key, &rig.log.pair, 0},
                                          &rig.checkpoint, NULL),
                     ERR_OK);
    assert_int_equal(note_parse(buf_slice(&rig.checkpoint), &note, NULL), ERR_OK);
    CLEANUP(buf_free) struct buf line = {0};
    assert_int_equal(note_sign(note.text,
                               &(struct note_signer){&rig.witness.key, &rig.witness.pair, 42},
                               &line, NULL),
                     ERR_OK);
    assert_int_equal(buf_add_slice(&rig.checkpoint, buf_slice(&line)), ERR_OK);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    buf_free(&rig->checkpoint);
    tree_free(&rig->tree);
    return 0;
}

static void make(struct rig *rig, uint64_t index, const char *extra, struct buf *ret)
{
    CLEANUP(proof_file_free)
    struct proof_file file = {.index = index, .checkpoint = buf_slice(&rig->checkpoint)};

    assert_int_equal(buf_add_str(&file.extra, extra), ERR_OK);
    assert_int_equal(tree_prove_inclusion(tree_of(&rig->tree), index, SIZE, &file.path, NULL),
                     ERR_OK);
    assert_int_equal(proof_file_make(&file, ret, NULL), ERR_OK);
}

static err_code verify(struct rig *rig, struct slice bytes, struct slice entry)
{
    CLEANUP(proof_file_free) struct proof_file file = {0};
    static struct cosign_verdict verdict;
    struct why why = {0};

    TRY(proof_file_parse(bytes, &file, &why));
    return proof_file_verify(&file, entry, &rig->policy, &verdict, &why);
}

static void every_entry_is_proved(void **state)
{
    struct rig *rig = *state;

    for (uint64_t i = 0; i < SIZE; i++) {
        CLEANUP(buf_free) struct buf bytes = {0}, again = {0};
        CLEANUP(proof_file_free) struct proof_file file = {0};

        make(rig, i, i % 2 == 0 ? "" : "more", &bytes);
        assert_int_equal(verify(rig, buf_slice(&bytes), entry_of(i)), ERR_OK);
        assert_int_equal(verify(rig, buf_slice(&bytes), entry_of(i + 1)), ERR_LEDGER_INCONSISTENT);
        assert_int_equal(proof_file_parse(buf_slice(&bytes), &file, NULL), ERR_OK);
        assert_int_equal(file.index, i);
        assert_true(slice_eq_str(buf_slice(&file.extra), i % 2 == 0 ? "" : "more"));
        assert_int_equal(proof_file_make(&file, &again, NULL), ERR_OK);
        assert_true(slice_eq(buf_slice(&again), buf_slice(&bytes)));
    }
}

static void what_a_proof_must_hold(void **state)
{
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(proof_file_free) struct proof_file file = {0};
    static struct cosign_verdict verdict;
    const struct note_pair other = note_pair_of(NOTE_ED25519, "log.example/b", 0);
    struct cosign_policy policy = rig->policy;

    make(rig, 3, "", &bytes);
    assert_int_equal(proof_file_parse(buf_slice(&bytes), &file, NULL), ERR_OK);
    assert_int_equal(proof_file_verify(&file, entry_of(3), &policy, &verdict, NULL), ERR_OK);
    assert_int_equal(verdict.n_good, 1);
    assert_int_equal(verdict.witnesses[0].time, 42);
    policy.log = &other.key;
    assert_int_equal(proof_file_verify(&file, entry_of(3), &policy, &verdict, NULL),
                     ERR_SIGNER_UNKNOWN);
    policy = rig->policy;
    policy.need = 2;
    assert_int_equal(proof_file_verify(&file, entry_of(3), &policy, &verdict, NULL),
                     ERR_KEY_MALFORMED);
    file.index = 2;
    assert_int_equal(proof_file_verify(&file, entry_of(3), &rig->policy, &verdict, NULL),
                     ERR_LEDGER_INCONSISTENT);
    file.index = SIZE;
    assert_int_equal(proof_file_verify(&file, entry_of(3), &rig->policy, &verdict, NULL),
                     ERR_FORMAT);
    file.index = 3;
    file.path.n--;
    assert_int_equal(proof_file_verify(&file, entry_of(3), &rig->policy, &verdict, NULL),
                     ERR_FORMAT);
}

/* All but the extra data, for which nothing vouches. */
static void every_octet_counts(void **state)
{
    struct rig *rig = *state;
    CLEANUP(buf_free) struct buf bytes = {0};

    make(rig, 6, "", &bytes);
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_not_equal(verify(rig, (struct slice){bytes.ptr, n}, entry_of(6)), ERR_OK);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verify(rig, buf_slice(&bytes), entry_of(6)) == ERR_OK)
            fail_msg("bit %zu does not count", bit);
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

#define HASH "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define NOTE "t\n\n\u2014 a AAAAAAA=\n"
#define MAGIC "c2sp.org/tlog-proof@v1\n"

static void malformed_files(void **state)
{
    static const struct {
        const char *name, *text;
        err_code want;
    } CASES[] = {
        {"good", MAGIC "index 0\n\n" NOTE, ERR_OK},
        {"with a path", MAGIC "index 5\n" HASH HASH "\n" NOTE, ERR_OK},
        {"with extra", MAGIC "extra Zg==\nindex 5\n" HASH "\n" NOTE, ERR_OK},
        {"largest index", MAGIC "index 18446744073709551615\n\n" NOTE, ERR_OK},
        {"nothing", "", ERR_FORMAT},
        {"another version", "c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"a longer first line", "c2sp.org/tlog-proof@v1 \nindex 0\n\n" NOTE, ERR_FORMAT},
        {"CR", "c2sp.org/tlog-proof@v1\r\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"no index", MAGIC "\n" NOTE, ERR_FORMAT},
        {"index without number", MAGIC "index\n\n" NOTE, ERR_FORMAT},
        {"empty number", MAGIC "index \n\n" NOTE, ERR_FORMAT},
        {"leading zero", MAGIC "index 01\n\n" NOTE, ERR_FORMAT},
        {"negative", MAGIC "index -1\n\n" NOTE, ERR_FORMAT},
        {"too large", MAGIC "index 18446744073709551616\n\n" NOTE, ERR_FORMAT},
        {"two indexes", MAGIC "index 0\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"extra after index", MAGIC "index 0\nextra Zg==\n\n" NOTE, ERR_FORMAT},
        {"two extras", MAGIC "extra Zg==\nextra Zg==\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"empty extra", MAGIC "extra \nindex 0\n\n" NOTE, ERR_FORMAT},
        {"extra not base64", MAGIC "extra Zg=\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"extra in another spelling", MAGIC "extra Zh==\nindex 0\n\n" NOTE, ERR_FORMAT},
        {"extra alone", MAGIC "extra Zg==\n\n" NOTE, ERR_FORMAT},
        {"a short hash", MAGIC "index 0\nAAAA\n\n" NOTE, ERR_FORMAT},
        {"no empty line", MAGIC "index 0\n" NOTE, ERR_FORMAT},
        {"no checkpoint", MAGIC "index 0\n\n", ERR_FORMAT},
        {"two empty lines", MAGIC "index 0\n\n\n", ERR_FORMAT},
        {"unsigned checkpoint", MAGIC "index 0\n\nt\n", ERR_FORMAT},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(proof_file_free) struct proof_file file = {0};
        CLEANUP(buf_free) struct buf again = {0};
        struct why why = {0};
        err_code err = proof_file_parse(slice_str(CASES[i].text), &file, &why);

        if (err != CASES[i].want)
            fail_msg("%s: %s, wanted %s", CASES[i].name, err_name(err), err_name(CASES[i].want));
        if (err != ERR_OK)
            continue;
        assert_int_equal(proof_file_make(&file, &again, NULL), ERR_OK);
        assert_true(slice_eq_str(buf_slice(&again), CASES[i].text));
    }
}

static void limits(void **state)
{
    for (size_t n = TREE_PATH_MAX; n <= TREE_PATH_MAX + 1; n++) {
        CLEANUP(proof_file_free) struct proof_file file = {0};
        CLEANUP(buf_free) struct buf bytes = {0};

        assert_int_equal(buf_add_str(&bytes, MAGIC "index 0\n"), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_str(&bytes, HASH), ERR_OK);
        assert_int_equal(buf_add_str(&bytes, "\n" NOTE), ERR_OK);
        assert_int_equal(proof_file_parse(buf_slice(&bytes), &file, NULL),
                         n == TREE_PATH_MAX ? ERR_OK : ERR_TOO_LARGE);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        struct rig *rig = *state;
        CLEANUP(proof_file_free)
        struct proof_file file = {.checkpoint = buf_slice(&rig->checkpoint)}, back = {0};
        CLEANUP(buf_free) struct buf bytes = {0};
        uint8_t *space;

        assert_int_equal(buf_add_space(&file.extra, PROOF_EXTRA_MAX + extra, &space), ERR_OK);
        assert_int_equal(proof_file_make(&file, &bytes, NULL), extra == 0 ? ERR_OK : ERR_TOO_LARGE);
        if (extra == 0)
            assert_int_equal(proof_file_parse(buf_slice(&bytes), &back, NULL), ERR_OK);
        proof_file_free(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_proved),
        cmocka_unit_test(what_a_proof_must_hold),
        cmocka_unit_test(every_octet_counts),
        cmocka_unit_test(malformed_files),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests_name("proof_file", tests, set_up, tear_down);
}
