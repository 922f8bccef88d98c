/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/dir_testing.h"
#include "gate/policy/authority.h"

#include "gate/base/file.h"
#include "gate/policy/cast_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct cast cast;
static char dir[64];
static struct hw_signer *everybody[CAST_END];

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

/* The signers of a set of people. */
static struct authority_keys keys(unsigned by)
{
    struct authority_keys out = {everybody, 0};

    for (int i = 0; i < CAST_END; i++)
        if ((by & BY(i)) != 0)
            everybody[out.n++] = cast.signers[i];
    return out;
}

static struct authority_keys all(void)
{
    return keys((1u << CAST_END) - 1);
}

static err_code init(unsigned by)
{
    CLEANUP(root_meta_free) struct root_meta *meta = cast_root_meta(&cast);
    struct authority_keys signers = keys(by);

    return authority_init(dir, meta, &signers, 1000, NULL);
}

static int fresh_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    assert_int_equal(init(BY(ROOT_A) | BY(ROOT_B) | BY(RATCHET_A)), ERR_OK);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

static struct authority *open_it(void)
{
    struct authority *a = NULL;
    struct why why = {0};

    if (authority_open(dir, 5000, &a, &why) != ERR_OK)
        fail_msg("open: %s: %s", err_name(why.code), why.text);
    return a;
}

static err_code sign(const char *alias, unsigned by)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf out = {0};
    struct policy_object draft = cast_policy();
    struct authority_keys signers = keys(by);

    draft.alias = slice_str(alias);
    return authority_policy_sign(a, &draft, &signers, &out, NULL);
}

static err_code publish_at(int64_t now, unsigned by, uint64_t *ret_epoch, struct why *why)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf out = {0};
    const struct publication wish = {.now = now, .exp = now + 1000};
    struct authority_keys signers = keys(by);

    return authority_publish(a, &wish, &signers, &out, ret_epoch, why);
}

static err_code publish(struct why *why)
{
    uint64_t epoch;

    return publish_at(5000, BY(SNAP_A) | BY(RATCHET_A), &epoch, why);
}

#define TWO (BY(POLICY_A) | BY(POLICY_B))

static void first_root_metadata(void **state)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    CLEANUP(judged_free) struct judged judged = {0};
    CLEANUP(authority_close) struct authority *a = open_it();
    const struct trust nobody = {0};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT,
                                   .now = 5000,
                                   .needs_grants = true,
                                   .enrolling = true,
                                   .index = AUTHORITY_INDEX,
                                   .base = AUTHORITY_BASE};
    (void)state;

    assert_int_equal(a->n_roots, 1);
    assert_false(a->has_published);
    assert_int_equal(path_join(dir, "enrol.bundle", &path), ERR_OK);
    assert_int_equal(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, NULL), ERR_OK);
    assert_int_equal(bundle_judge(buf_slice(&bytes), &nobody, &ask, &judged, NULL), ERR_OK);
    assert_int_equal(judged.n_enrol_grants, 2);
    assert_true(digest_eq(&judged.first->digest, &a->first->digest));

    /* an authority is made once, and what gates are enrolled with stays as it was */
    assert_int_equal(init(BY(ROOT_A) | BY(ROOT_B) | BY(RATCHET_A)), ERR_EXISTS);
    buf_free(&bytes);
    judged_free(&judged);
    assert_int_equal(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, NULL), ERR_OK);
    assert_int_equal(bundle_judge(buf_slice(&bytes), &nobody, &ask, &judged, NULL), ERR_OK);
    assert_true(digest_eq(&judged.first->digest, &a->first->digest));
}

static void init_needs_its_signers(void **state)
{
    (void)state;
    (void)remove_dir(NULL);
    assert_int_equal(init(BY(ROOT_A) | BY(RATCHET_A)), ERR_THRESHOLD);
    assert_int_equal(init(BY(ROOT_A) | BY(ROOT_B)), ERR_GRANT_INVALID);
    assert_false(file_exists(dir));
    assert_int_equal(init(BY(ROOT_A) | BY(ROOT_C) | BY(RATCHET_B)), ERR_OK);
}

static void versions_chain(void **state)
{
    CLEANUP(authority_close) struct authority *a = NULL;
    uint64_t epoch = 0;
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(sign("audit", TWO), ERR_OK);
    assert_int_equal(publish_at(5000, BY(SNAP_A) | BY(RATCHET_A), &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 1);
    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish_at(5000, BY(SNAP_A) | BY(RATCHET_A), &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 2);
    a = open_it();
    assert_true(a->has_published);
    assert_int_equal(a->published.snapshot.epoch, 2);
    assert_int_equal(a->published.snapshot.n_policies, 2);
    assert_int_equal(snapshot_find(&a->published.snapshot, slice_str("deploy"))->version, 3);
    assert_int_equal(snapshot_find(&a->published.snapshot, slice_str("audit"))->version, 1);
    assert_int_equal(a->published.bundle.n_policies, 4);
}

static err_code cosign(const char *alias, unsigned by)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf out = {0};
    struct authority_keys signers = keys(by);

    return authority_policy_cosign(a, slice_str(alias), &signers, &out, NULL);
}

static void thresholds_are_met_before_publishing(void **state)
{
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", BY(SNAP_A) | BY(STRANGER)), ERR_SIGNER_UNKNOWN);
    assert_int_equal(sign("deploy", BY(POLICY_A)), ERR_OK);
    assert_int_equal(publish(&why), ERR_THRESHOLD);
    assert_non_null(strstr(why.text, "\"deploy\""));
    assert_int_equal(cosign("deploy", BY(POLICY_A)), ERR_EXISTS);
    assert_int_equal(cosign("deploy", BY(ROOT_A)), ERR_SIGNER_UNKNOWN);
    assert_int_equal(cosign("nothing", BY(POLICY_B)), ERR_NOT_FOUND);
    assert_int_equal(cosign("../deploy", BY(POLICY_B)), ERR_FORMAT);
    assert_int_equal(cosign("deploy", BY(POLICY_B)), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    /* from now on its digest is in a snapshot */
    assert_int_equal(cosign("deploy", BY(POLICY_C)), ERR_EXISTS);
}

static void publishing_needs_its_signers(void **state)
{
    uint64_t epoch = 77;
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish_at(5000, BY(RATCHET_A), &epoch, &why), ERR_SIGNER_UNKNOWN);
    assert_int_equal(publish_at(5000, BY(SNAP_A), &epoch, &why), ERR_SIGNER_UNKNOWN);
    assert_int_equal(publish_at(5000, TWO | BY(ROOT_A), &epoch, &why), ERR_SIGNER_UNKNOWN);
    assert_int_equal(epoch, 77);
    assert_int_equal(publish_at(5000, BY(SNAP_B) | BY(RATCHET_B), &epoch, &why), ERR_OK);
    assert_int_equal(publish_at(4999, BY(SNAP_B) | BY(RATCHET_B), &epoch, &why), ERR_CLOCK_BACK);
    assert_string_equal(
        why.text, "it is 1970-01-01T01:23:19Z, but epoch 1 was published at 1970-01-01T01:23:20Z");
}

static void only_what_gates_evaluate_is_signed(void **state)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf out = {0};
    struct policy_object draft = cast_policy();
    struct authority_keys signers = keys(TWO);
    (void)state;

    draft.text.policies = slice_str("permit (principal == ?principal, action, resource);");
    assert_int_equal(authority_policy_sign(a, &draft, &signers, &out, NULL), ERR_CEDAR_UNSUPPORTED);
    draft.text.policies = slice_str("permit");
    assert_int_equal(authority_policy_sign(a, &draft, &signers, &out, NULL), ERR_CEDAR_SYNTAX);
    draft.text = (struct rules_text){.policies = slice_str("permit (principal, action, resource)"
                                                           " when { principal.level > 1 };"),
                                     .has_schema = true,
                                     .schema = slice_str("entity agent; action a appliesTo "
                                                         "{ principal: agent, resource: agent };")};
    assert_int_equal(authority_policy_sign(a, &draft, &signers, &out, NULL), ERR_CEDAR_INVALID);
    assert_int_equal(out.len, 0);
}

/* ---- revocation ------------------------------------------------------------------------------ */

static err_code take_back(enum revoked_kind kind, const struct digest *id)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    const struct revocation item = {kind, *id, 4000, slice_str("lost")};

    return authority_revoke(a, &item, NULL);
}

static void revoked_keys_sign_nothing(void **state)
{
    uint64_t epoch;
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(take_back(REVOKED_KEY, &cast.kids[POLICY_A]), ERR_OK);
    assert_int_equal(take_back(REVOKED_KEY, &cast.kids[POLICY_A]), ERR_OK); /* once is enough */
    assert_int_equal(sign("deploy", TWO), ERR_REVOKED);
    assert_int_equal(cosign("deploy", BY(POLICY_A)), ERR_REVOKED);
    /* what is in force does not keep the revocation from the gates */
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(sign("deploy", BY(POLICY_B) | BY(POLICY_C)), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);

    assert_int_equal(take_back(REVOKED_KEY, &cast.kids[SNAP_A]), ERR_OK);
    assert_int_equal(publish(&why), ERR_REVOKED);
    assert_int_equal(take_back(REVOKED_KEY, &cast.kids[RATCHET_A]), ERR_OK);
    assert_int_equal(publish_at(5000, BY(SNAP_B) | BY(RATCHET_A), &epoch, &why), ERR_REVOKED);
    assert_int_equal(publish_at(5000, BY(SNAP_B) | BY(RATCHET_B), &epoch, &why), ERR_OK);
    assert_int_equal(epoch, 4);
}

static void revocations_of_two_processes_are_kept(void **state)
{
    CLEANUP(authority_close) struct authority *one = open_it();
    CLEANUP(authority_close) struct authority *two = open_it();
    CLEANUP(authority_close) struct authority *after = NULL;
    const struct revocation a = {REVOKED_KEY, cast.kids[POLICY_A], 4000, slice_str("lost")};
    const struct revocation b = {REVOKED_KEY, cast.kids[POLICY_B], 4000, slice_str("lost")};
    (void)state;

    assert_int_equal(authority_revoke(one, &a, NULL), ERR_OK);
    assert_int_equal(authority_revoke(two, &b, NULL), ERR_OK);
    after = open_it();
    assert_int_equal(after->revoked.n, 2);
}

/* ---- rotation -------------------------------------------------------------------------------- */

static err_code stage(enum root_role role, const struct hw_pubkey *give, const struct digest *take)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *staged = NULL;

    TRY(authority_staged(a, &bytes, &staged, NULL));
    if (give != NULL)
        TRY(root_give(staged, role, give, NULL));
    if (take != NULL)
        TRY(root_take(staged, role, take, NULL));
    return authority_stage(a, staged, NULL);
}

static err_code rotate_until(unsigned by, int64_t exp)
{
    CLEANUP(authority_close) struct authority *a = open_it();
    struct authority_keys signers = keys(by);

    return authority_rotate(a, &signers, 5000, exp, NULL);
}

static err_code rotate(unsigned by)
{
    return rotate_until(by, 0);
}

static void root_keys_are_not_revoked_but_rotated(void **state)
{
    CLEANUP(authority_close) struct authority *a = NULL;
    const struct revocation item = {REVOKED_KEY, cast.kids[ROOT_A], 4000, slice_str("lost")};
    struct why why = {0};
    (void)state;

    a = open_it();
    assert_int_equal(authority_revoke(a, &item, &why), ERR_USAGE);
    assert_non_null(strstr(why.text, "authority rotate"));
    assert_int_equal(a->revoked.n, 0);
    authority_close(&a);
    /* for the other role it counts; what the key signs as a root key still stands */
    assert_int_equal(stage(ROLE_POLICY, &cast.signers[ROOT_A]->key, NULL), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_B)), ERR_OK);
    assert_int_equal(take_back(REVOKED_KEY, &cast.kids[ROOT_A]), ERR_OK);
    assert_int_equal(sign("deploy", BY(ROOT_A) | BY(POLICY_B)), ERR_REVOKED);
    assert_int_equal(stage(ROLE_POLICY, NULL, &cast.kids[ROOT_A]), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_B)), ERR_OK);
}

static void root_metadata_rotates(void **state)
{
    CLEANUP(authority_close) struct authority *a = NULL;
    CLEANUP(buf_free) struct buf path = {0}, left_over = {0};
    uint64_t epoch;
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_B)), ERR_NOT_FOUND);
    assert_int_equal(stage(ROLE_RATCHET, &cast.signers[STRANGER]->key, NULL), ERR_OK);
    assert_int_equal(stage(ROLE_RATCHET, NULL, &cast.kids[RATCHET_A]), ERR_OK);
    assert_int_equal(stage(ROLE_RATCHET, NULL, &cast.kids[RATCHET_B]), ERR_FORMAT); /* one left */
    assert_int_equal(path_join(dir, "root.staged", &path), ERR_OK);
    assert_int_equal(file_read((const char *)path.ptr, ENVELOPE_ROOT_MAX, &left_over, NULL),
                     ERR_OK);
    assert_int_equal(rotate(BY(POLICY_A)), ERR_SIGNER_UNKNOWN);
    assert_int_equal(rotate(BY(ROOT_A)), ERR_THRESHOLD);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_C)), ERR_OK);
    assert_false(file_exists((const char *)path.ptr));
    a = open_it();
    assert_int_equal(a->newest->version, 2);

    /* RATCHET_A is dropped, STRANGER is unknown to the hardware; RATCHET_B is in both versions */
    assert_int_equal(publish_at(5000, BY(SNAP_A) | BY(RATCHET_A), &epoch, &why),
                     ERR_SIGNER_UNKNOWN);
    assert_int_equal(publish_at(5000, BY(SNAP_A) | BY(STRANGER), &epoch, &why), ERR_GRANT_INVALID);
    assert_int_equal(
        publish_at(5000, BY(SNAP_A) | BY(STRANGER) | BY(RATCHET_A) | BY(RATCHET_B), &epoch, &why),
        ERR_OK);

    {
        /* the one that the hardware does not know comes first, and is passed over */
        struct hw_signer *order[] = {cast.signers[STRANGER], cast.signers[RATCHET_B],
                                     cast.signers[SNAP_A]};
        const struct authority_keys signers = {order, 3};
        const struct publication wish = {.now = 5000, .exp = 6000};
        CLEANUP(buf_free) struct buf out = {0};
        authority_close(&a);
        a = open_it();
        assert_int_equal(authority_publish(a, &wish, &signers, &out, &epoch, NULL), ERR_OK);
    }

    /* killed before it could remove what was staged: it is signed, so it is not staged any more */
    assert_int_equal(file_write((const char *)path.ptr, buf_slice(&left_over), 0644, NULL), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_C)), ERR_NOT_FOUND);
    assert_int_equal(stage(ROLE_POLICY, NULL, &cast.kids[POLICY_C]), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_C)), ERR_OK);
    authority_close(&a);
    a = open_it();
    assert_int_equal(a->newest->version, 3);
    assert_false(root_holds(a->newest, ROLE_RATCHET, &cast.kids[RATCHET_A]));
}

static size_t enrol_roots(void)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    CLEANUP(judged_free) struct judged judged = {0};
    const struct trust nobody = {0};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT,
                                   .now = 5000,
                                   .needs_grants = true,
                                   .enrolling = true,
                                   .index = AUTHORITY_INDEX,
                                   .base = AUTHORITY_BASE};

    assert_int_equal(path_join(dir, "enrol.bundle", &path), ERR_OK);
    assert_int_equal(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, NULL), ERR_OK);
    assert_int_equal(bundle_judge(buf_slice(&bytes), &nobody, &ask, &judged, NULL), ERR_OK);
    return judged.bundle.n_roots;
}

static void gates_are_enrolled_with_the_whole_chain(void **state)
{
    CLEANUP(buf_free) struct buf path = {0}, old = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(path_join(dir, "enrol.bundle", &path), ERR_OK);
    assert_int_equal(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &old, NULL), ERR_OK);
    assert_int_equal(enrol_roots(), 1);
    assert_int_equal(rotate_until(BY(ROOT_A) | BY(ROOT_B), 9000), ERR_OK);
    assert_int_equal(enrol_roots(), 2);

    /* killed between the two files: the next publication mends it */
    assert_int_equal(file_write((const char *)path.ptr, buf_slice(&old), 0644, NULL), ERR_OK);
    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(enrol_roots(), 2);
}

static void root_metadata_lives_on(void **state)
{
    static const struct {
        int64_t exp, want; /* 0: none */
    } STEPS[] = {{0, 0}, {6000, 6000}, {0, 6000}, {9000, 9000}, {0, 9000}};
    CLEANUP(authority_close) struct authority *a = NULL;
    uint64_t version = 1;
    (void)state;

    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        bool nothing = i == 0;
        assert_int_equal(rotate_until(BY(ROOT_A) | BY(ROOT_B), STEPS[i].exp),
                         nothing ? ERR_NOT_FOUND : ERR_OK);
        version += !nothing;
        authority_close(&a);
        a = open_it();
        assert_int_equal(a->newest->version, version);
        assert_true(a->newest->has_exp == (STEPS[i].want > 0));
        assert_int_equal(a->newest->exp, STEPS[i].want);
        assert_true(root_holds(a->newest, ROLE_ROOT, &cast.kids[ROOT_C]));
    }
    assert_int_equal(rotate_until(BY(ROOT_A) | BY(ROOT_B), 4000), ERR_FORMAT); /* over already */
}

static void a_dropped_policy_key_has_to_be_replaced_first(void **state)
{
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(stage(ROLE_POLICY, NULL, &cast.kids[POLICY_A]), ERR_OK);
    assert_int_equal(rotate(BY(ROOT_A) | BY(ROOT_B)), ERR_OK);
    assert_int_equal(publish(&why), ERR_THRESHOLD);
    assert_int_equal(sign("deploy", BY(POLICY_B) | BY(POLICY_C)), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
}

/* ---- gates of their own ---------------------------------------------------------------------- */

static void gates_with_a_base_of_their_own(void **state)
{
    static const struct authority_gate GATES[] = {
        {AUTHORITY_INDEX, 4711},
        {AUTHORITY_INDEX + 1, AUTHORITY_BASE},
        {AUTHORITY_INDEX, AUTHORITY_BASE}, /* the fleet's */
    };
    CLEANUP(authority_close) struct authority *a = NULL;
    CLEANUP(buf_free) struct buf out = {0};
    const struct publication wish = {.now = 5000, .exp = 6000, .gates = GATES, .n_gates = 3};
    struct authority_keys signers = all();
    uint64_t epoch;
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    a = open_it();
    assert_int_equal(authority_publish(a, &wish, &signers, &out, &epoch, NULL), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(judged_free) struct judged judged = {0};
        const struct trust trust = {.roots = &a->first->digest, .n_roots = 1};
        const struct bundle_ask ask = {.judge = &JUDGE_SOFT,
                                       .now = 5000,
                                       .needs_grants = true,
                                       .index = i < 3 ? GATES[i].index : 1,
                                       .base = i < 3 ? GATES[i].base : 1};
        assert_int_equal(bundle_judge(buf_slice(&out), &trust, &ask, &judged, NULL),
                         i < 3 ? ERR_OK : ERR_GRANT_INVALID);
        assert_int_equal(judged.n_grants, i < 3 ? 3 : 0);
    }
}

/* ---- files that were changed ----------------------------------------------------------------- */

static void flip(const char *name, size_t from_end)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};

    assert_int_equal(path_join(dir, name, &path), ERR_OK);
    assert_int_equal(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, NULL), ERR_OK);
    bytes.ptr[bytes.len - from_end] ^= 1;
    assert_int_equal(file_write((const char *)path.ptr, buf_slice(&bytes), 0644, NULL), ERR_OK);
}

static void changed_files_are_found(void **state)
{
    CLEANUP(authority_close) struct authority *a = NULL;
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(sign("deploy", TWO), ERR_OK);
    flip("policy/deploy/1.cose", 1); /* version 2 pins its digest */
    assert_int_equal(publish(&why), ERR_SUCCESSION);
    flip("policy/deploy/1.cose", 1);
    flip("policy/deploy/2.cose", 1);
    assert_int_equal(publish(&why), ERR_SIGNATURE_INVALID);
    flip("policy/deploy/2.cose", 1);
    assert_int_equal(publish(&why), ERR_OK);
    flip("publish/1.bundle", 1);
    assert_int_equal(authority_open(dir, 5000, &a, &why), ERR_SIGNATURE_INVALID);
    flip("publish/1.bundle", 1);
    flip("root/1.cose", 1);
    assert_int_equal(authority_open(dir, 5000, &a, &why), ERR_SIGNATURE_INVALID);
}

static void an_alias_does_not_vanish(void **state)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct why why = {0};
    (void)state;

    assert_int_equal(sign("deploy", TWO), ERR_OK);
    assert_int_equal(sign("audit", TWO), ERR_OK);
    assert_int_equal(publish(&why), ERR_OK);
    assert_int_equal(path_join(dir, "policy/audit/1.cose", &path), ERR_OK);
    assert_int_equal(unlink((const char *)path.ptr), 0);
    assert_int_equal(publish(&why), ERR_SUCCESSION);
    assert_non_null(strstr(why.text, "audit"));
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, fresh_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        IN_DIR(first_root_metadata),
        IN_DIR(init_needs_its_signers),
        IN_DIR(versions_chain),
        IN_DIR(thresholds_are_met_before_publishing),
        IN_DIR(publishing_needs_its_signers),
        IN_DIR(only_what_gates_evaluate_is_signed),
        IN_DIR(revoked_keys_sign_nothing),
        IN_DIR(root_keys_are_not_revoked_but_rotated),
        IN_DIR(revocations_of_two_processes_are_kept),
        IN_DIR(root_metadata_rotates),
        IN_DIR(root_metadata_lives_on),
        IN_DIR(gates_are_enrolled_with_the_whole_chain),
        IN_DIR(a_dropped_policy_key_has_to_be_replaced_first),
        IN_DIR(gates_with_a_base_of_their_own),
        IN_DIR(changed_files_are_found),
        IN_DIR(an_alias_does_not_vanish),
    };
    return cmocka_run_group_tests_name("authority", tests, setup, teardown);
}
