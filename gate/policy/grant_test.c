/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/policy/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;
static struct world world;

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

static err_code read_one(struct slice bytes, struct grant *ret)
{
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);

    grant_get(&r, ret);
    return cbor_done(&r);
}

static void written_is_read_back(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *root = NULL;
    CLEANUP(buf_free) struct buf root_bytes = {0};
    (void)state;

    root = cast_root(&cast, &root_bytes);
    world_make(&world, &cast);
    world_publish(&world);
    for (size_t i = 0; i < world.n_grants; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct cbor_writer w = cbor_write(&bytes);
        struct grant out, in = {0};
        struct hw_grant hw;
        struct why why = {0};

        assert_int_equal(grant_of_hw(&world.grants[i], &out), ERR_OK);
        grant_put(&w, &out);
        assert_int_equal(cbor_written(&w), ERR_OK);
        assert_int_equal(read_one(buf_slice(&bytes), &in), ERR_OK);
        assert_int_equal(grant_to_hw(&in, root, &hw, &why), ERR_OK);
        assert_int_equal(hw.kind, world.grants[i].kind);
        assert_int_equal(hw.epoch, world.grants[i].epoch);
        assert_int_equal(hw.base, world.grants[i].base);
        assert_int_equal(hw.index, WORLD_INDEX);
        assert_true(digest_eq(&hw.policy, &world.grants[i].policy));
        assert_true(hw_pubkey_eq(&hw.key, &world.grants[i].key));
        assert_int_equal(hw.sig_len, world.grants[i].sig_len);
        assert_memory_equal(hw.sig, world.grants[i].sig, hw.sig_len);
    }
    world_free(&world);
}

#define D "h'0101010101010101010101010101010101010101010101010101010101010101'"
#define REST ", \"digest\": " D ", \"signature\": h'01'}"
#define NUMBERS ", \"base\": 64, \"epoch\": 1, \"index\": 25165824"

static const struct {
    const char *name, *notation;
    err_code want;
} READ[] = {
    {"good", "{\"for\": \"bump\", \"kid\": " D NUMBERS REST, ERR_OK},
    {"unknown kind", "{\"for\": \"none\", \"kid\": " D NUMBERS REST, ERR_FORMAT},
    {"kind missing", "{\"kid\": " D NUMBERS REST, ERR_FORMAT},
    {"kid missing", "{\"for\": \"bump\"" NUMBERS REST, ERR_FORMAT},
    {"short kid", "{\"for\": \"bump\", \"kid\": h'01'" NUMBERS REST, ERR_FORMAT},
    {"index of 33 bits",
     "{\"for\": \"bump\", \"kid\": " D ", \"base\": 64, \"epoch\": 1, \"index\": 4294967296" REST,
     ERR_FORMAT},
    {"base beyond 2^53",
     "{\"for\": \"bump\", \"kid\": " D
     ", \"base\": 9007199254740992, \"epoch\": 1, \"index\": 1" REST,
     ERR_FORMAT},
    {"epoch beyond 2^53",
     "{\"for\": \"bump\", \"kid\": " D
     ", \"base\": 1, \"epoch\": 9007199254740992, \"index\": 1" REST,
     ERR_FORMAT},
    {"empty signature",
     "{\"for\": \"bump\", \"kid\": " D NUMBERS ", \"digest\": " D ", \"signature\": h''}",
     ERR_FORMAT},
    {"surplus member", "{\"for\": \"bump\", \"kid\": " D ", \"top\": 1" NUMBERS REST, ERR_FORMAT},
};

static void read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READ / sizeof *READ; i++) {
        CLEANUP(buf_free) struct buf bytes = cast_cbor(&cast, READ[i].notation);
        struct grant got;
        err_code err = read_one(buf_slice(&bytes), &got);
        if (err != READ[i].want)
            fail_msg("%s: %s, want %s", READ[i].name, err_name(err), err_name(READ[i].want));
    }
}

/* ---- which grants a gate takes --------------------------------------------------------------- */

static void drop_ratchet_a(struct root_meta *next)
{
    assert_int_equal(root_take(next, ROLE_RATCHET, &cast.kids[RATCHET_A], NULL), ERR_OK);
    assert_int_equal(root_give(next, ROLE_RATCHET, &cast.signers[STRANGER]->key, NULL), ERR_OK);
}

static void flip_signature(struct grant *grants, size_t n)
{
    static uint8_t bad[HW_SIG_MAX];

    memcpy(bad, grants[n - 1].sig.ptr, grants[n - 1].sig.len);
    bad[0] ^= 1;
    grants[n - 1].sig.ptr = bad;
}

static void cut_signature(struct grant *grants, size_t n)
{
    grants[n - 1].sig.len--;
}

static void change_digest(struct grant *grants, size_t n)
{
    grants[n - 1].policy.bytes[0] ^= 1;
}

static void swap_kinds(struct grant *grants, size_t n)
{
    grants[n - 1].kind = HW_GRANT_SIGN;
    grants[n - 2].kind = HW_GRANT_CERTIFY;
}

static void relabel_epoch(struct grant *grants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (grants[i].epoch == 1)
            grants[i].epoch = 2;
}

/* Base and epoch enter a policy as their sum; which base it is the counter's Name says. */
static void relabel_base(struct grant *grants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (grants[i].epoch == 1) {
            grants[i].base = WORLD_BASE - 1;
            grants[i].epoch = 2;
        }
}

static void relabel_index(struct grant *grants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grants[i].index++;
}

static void base_in_first(struct grant *grants, size_t n)
{
    (void)n;
    grants[0].base = WORLD_BASE;
}

/* As if the new ratchet key had signed, too, for gates that know it. */
static void newer_key_as_well(struct grant *grants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (digest_eq(&grants[i].kid, &cast.kids[RATCHET_A]))
            grants[i].kid = cast.kids[STRANGER];
}

static const struct {
    const char *name;
    void (*change)(struct grant *grants, size_t n);
    void (*rotate)(struct root_meta *next);
    unsigned revoke;
    uint64_t epoch, base;
    uint32_t index;
    size_t left_out; /* grants at the end that are not offered */
    size_t n;
    err_code want;
} PICKS[] = {
    {"to enrol", NULL, NULL, 0, 0, 64, WORLD_INDEX, 0, 4, ERR_OK},
    {"epoch 1", NULL, NULL, 0, 1, 64, WORLD_INDEX, 0, 6, ERR_OK},
    {"another epoch", NULL, NULL, 0, 2, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"another base", NULL, NULL, 0, 1, 65, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"another index", NULL, NULL, 0, 1, 64, WORLD_INDEX + 1, 0, 0, ERR_GRANT_INVALID},
    {"relabelled epoch", relabel_epoch, NULL, 0, 2, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"relabelled base", relabel_base, NULL, 0, 2, 63, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"relabelled index", relabel_index, NULL, 0, 1, 64, WORLD_INDEX + 1, 0, 0, ERR_GRANT_INVALID},
    {"no certify", NULL, NULL, 0, 1, 64, WORLD_INDEX, 2, 0, ERR_GRANT_INVALID},
    {"one key's certify is enough", NULL, NULL, 0, 1, 64, WORLD_INDEX, 1, 5, ERR_OK},
    {"no certify, to enrol", NULL, NULL, 0, 0, 64, WORLD_INDEX, 2, 4, ERR_OK},
    {"a signature changed", flip_signature, NULL, 0, 1, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"a signature cut", cut_signature, NULL, 0, 1, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"a digest changed", change_digest, NULL, 0, 1, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"kinds swapped", swap_kinds, NULL, 0, 1, 64, WORLD_INDEX, 0, 0, ERR_GRANT_INVALID},
    {"a base in a first grant", base_in_first, NULL, 0, 0, 64, WORLD_INDEX, 0, 0,
     ERR_GRANT_INVALID},
    {"one key revoked", NULL, NULL, BY(RATCHET_A), 1, 64, WORLD_INDEX, 0, 3, ERR_OK},
    {"both keys revoked", NULL, NULL, BY(RATCHET_A) | BY(RATCHET_B), 1, 64, WORLD_INDEX, 0, 0,
     ERR_GRANT_INVALID},
    {"one key dropped", NULL, drop_ratchet_a, 0, 1, 64, WORLD_INDEX, 0, 3, ERR_OK},
    {"a newer key has signed, too", newer_key_as_well, drop_ratchet_a, 0, 1, 64, WORLD_INDEX, 0, 3,
     ERR_OK},
    {"one dropped, one revoked", NULL, drop_ratchet_a, BY(RATCHET_B), 1, 64, WORLD_INDEX, 0, 0,
     ERR_GRANT_INVALID},
};

static void picked(size_t i, const struct root_meta *first, const struct root_meta *newest)
{
    CLEANUP(revoked_free) struct revoked revoked = {0};
    struct grant grants[WORLD_MAX];
    struct grant_pick from = {first, newest, &revoked, grants, world.n_grants - PICKS[i].left_out};
    const struct grant_need need = {PICKS[i].index, PICKS[i].base, PICKS[i].epoch,
                                    world.last_snapshot};
    struct hw_grant *got = NULL;
    struct why why = {0};
    size_t n = 99;
    err_code err;

    for (size_t k = 0; k < world.n_grants; k++)
        assert_int_equal(grant_of_hw(&world.grants[k], &grants[k]), ERR_OK);
    for (int k = 0; k < CAST_END; k++) {
        const struct revocation item = {REVOKED_KEY, cast.kids[k], 5, slice_str("lost")};
        if ((PICKS[i].revoke & BY(k)) != 0)
            assert_int_equal(revoked_add(&revoked, &item), ERR_OK);
    }
    if (PICKS[i].change != NULL)
        PICKS[i].change(grants, world.n_grants);
    err = grant_pick(&from, &need, &got, &n, &why);
    if (err != PICKS[i].want || n != PICKS[i].n)
        fail_msg("%s: %s (%s), %zu grants; want %s, %zu", PICKS[i].name, err_name(err), why.text, n,
                 err_name(PICKS[i].want), PICKS[i].n);
    free(got);
}

static void picks(void **state)
{
    (void)state;
    world_make(&world, &cast);
    world.ratchet_by = BY(RATCHET_A) | BY(RATCHET_B);
    world_publish(&world);
    for (size_t i = 0; i < sizeof PICKS / sizeof *PICKS; i++) {
        CLEANUP(root_meta_free) struct root_meta *first = NULL, *newest = NULL;
        world.n_roots = 1;
        if (PICKS[i].rotate != NULL)
            world_rotate(&world, PICKS[i].rotate, BY(ROOT_A) | BY(ROOT_B));
        assert_int_equal(root_meta_parse(buf_slice(&world.roots[0]), &first, NULL), ERR_OK);
        assert_int_equal(root_meta_parse(buf_slice(&world.roots[world.n_roots - 1]), &newest, NULL),
                         ERR_OK);
        picked(i, first, newest);
        buf_free(&world.roots[1]);
    }
    world.n_roots = 1;
    world_free(&world);
}

/* Genuine grants of the epoch, and every one of its snapshots but the one that they were made for.
 */
static void grants_are_for_one_snapshot(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *root = NULL;
    struct grant grants[WORLD_MAX];
    struct grant_need need = {WORLD_INDEX, WORLD_BASE, 1, {{0}}};
    struct grant_pick from = {.grants = grants};
    struct hw_grant *got = NULL;
    struct why why = {0};
    size_t n;
    (void)state;

    world_make(&world, &cast);
    world_publish(&world);
    assert_int_equal(root_meta_parse(buf_slice(&world.roots[0]), &root, NULL), ERR_OK);
    from.first = from.newest = root;
    from.n_grants = world.n_grants;
    for (size_t i = 0; i < world.n_grants; i++)
        assert_int_equal(grant_of_hw(&world.grants[i], &grants[i]), ERR_OK);
    for (size_t bit = 0; bit < 256; bit += 5) {
        need.snapshot = world.last_snapshot;
        need.snapshot.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(grant_pick(&from, &need, &got, &n, &why), ERR_GRANT_INVALID);
        assert_null(got);
    }
    need.snapshot = (struct digest){0};
    assert_int_equal(grant_pick(&from, &need, &got, &n, &why), ERR_GRANT_INVALID);
    need.epoch = 0; /* to enrol, no snapshot is served yet */
    assert_int_equal(grant_pick(&from, &need, &got, &n, &why), ERR_OK);
    free(got);
    need.epoch = 1;
    need.snapshot = world.last_snapshot;
    assert_int_equal(grant_pick(&from, &need, &got, &n, &why), ERR_OK);
    assert_int_equal(n, 3);
    free(got);
    world_free(&world);
}

/* Two snapshots of one epoch, both well signed: whoever holds the snapshot key alone has the grants
 * of the other one only. The grant to bump serves both. */
static void grants_of_another_snapshot(void **state)
{
    static struct hw_grant genuine[WORLD_MAX];
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(judged_free) struct judged judged = {0};
    struct trust trust = {0};
    struct why why = {0};
    (void)state;

    world_make(&world, &cast);
    (void)world_policy(&world, 0, NULL);
    world_publish(&world);
    memcpy(genuine, world.grants, sizeof genuine);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &bytes, &judged, &why), ERR_OK);
    judged_free(&judged);
    world.epoch--;
    world_revoke(&world, cast.kids[STRANGER], REVOKED_KEY);
    world_publish(&world);
    assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &bytes, &judged, &why), ERR_OK);
    judged_free(&judged);
    for (size_t i = 2; i < world.n_grants; i++) {
        const struct hw_grant own = world.grants[i];
        char has[DIGEST_TEXT], wants[DIGEST_TEXT], snapshot[DIGEST_TEXT];
        bool bump = own.kind == HW_GRANT_BUMP;

        world.grants[i] = genuine[i];
        assert_int_equal(world_judge(&world, &trust, &WORLD_ASK, &bytes, &judged, &why),
                         bump ? ERR_OK : ERR_GRANT_INVALID);
        judged_free(&judged);
        world.grants[i] = own;
        digest_text(&genuine[i].policy, has);
        digest_text(&own.policy, wants);
        digest_text(&world.last_snapshot, snapshot);
        if (!bump && (strstr(why.text, has) == NULL || strstr(why.text, wants) == NULL ||
                      strstr(why.text, snapshot) == NULL))
            fail_msg("names not what disagrees: %s", why.text);
    }
    world_free(&world);
}

static void a_stranger_is_no_ratchet_key(void **state)
{
    CLEANUP(root_meta_free) struct root_meta *root = NULL;
    CLEANUP(buf_free) struct buf root_bytes = {0};
    static const uint8_t SIG[64] = {1};
    struct grant grant = {.kind = HW_GRANT_SIGN, .kid = cast.kids[STRANGER], .sig = SLICE_OF(SIG)};
    struct hw_grant hw;
    struct why why = {0};
    (void)state;

    root = cast_root(&cast, &root_bytes);
    assert_int_equal(grant_to_hw(&grant, root, &hw, &why), ERR_GRANT_INVALID);
    grant.kid = cast.kids[POLICY_A]; /* listed, but for another role */
    assert_int_equal(grant_to_hw(&grant, root, &hw, &why), ERR_GRANT_INVALID);
    grant.kid = cast.kids[RATCHET_A];
    assert_int_equal(grant_to_hw(&grant, root, &hw, &why), ERR_OK);
    grant.sig.len = 63;
    assert_int_equal(grant_to_hw(&grant, root, &hw, &why), ERR_GRANT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back),
        cmocka_unit_test(read_strictly),
        cmocka_unit_test(picks),
        cmocka_unit_test(grants_are_for_one_snapshot),
        cmocka_unit_test(grants_of_another_snapshot),
        cmocka_unit_test(a_stranger_is_no_ratchet_key),
    };
    return cmocka_run_group_tests_name("grant", tests, setup, teardown);
}
