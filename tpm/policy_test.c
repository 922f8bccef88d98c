/* SPDX-License-Identifier: Apache-2.0 */
/* policy_test.c: the digests and Names of policy.c against the TPM's own. */
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void same_digest(const char *what, const struct digest *ours, const struct digest *theirs)
{
    if (!digest_eq(ours, theirs))
        fail_msg("%s: we say %02x%02x%02x..., the TPM %02x%02x%02x...", what, ours->bytes[0],
                 ours->bytes[1], ours->bytes[2], theirs->bytes[0], theirs->bytes[1],
                 theirs->bytes[2]);
}

static void must(TSS2_RC rc, const char *what)
{
    if (rc != TPM2_RC_SUCCESS)
        fail_msg("%s: 0x%x", what, rc);
}

/* Runs what a grant of these terms approves in a trial session. */
static struct digest trial(struct fx *fx, const struct tpm_terms *terms)
{
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    uint64_t limit = terms->base + terms->epoch;
    struct digest out;
    TPM2_HANDLE s;

    must(tpm_start_session(chip, TPM2_SE_TRIAL, &s), "trial session");
    if (terms->kind == HW_GRANT_FIRST) {
        must(tpm_policy_never_written(chip, s), "PolicyNvWritten");
    } else {
        must(tpm_policy_pcr(chip, s), "PolicyPCR");
        must(
            tpm_policy_nv(chip, s, fx->plan.index, limit,
                          terms->kind == HW_GRANT_BUMP ? TPM2_EO_UNSIGNED_LT : TPM2_EO_UNSIGNED_LE),
            "PolicyNV");
    }
    must(tpm_policy_command(chip, s,
                            terms->kind == HW_GRANT_SIGN      ? TPM2_CC_Sign
                            : terms->kind == HW_GRANT_CERTIFY ? TPM2_CC_NV_Certify
                                                              : TPM2_CC_NV_Increment),
         "PolicyCommandCode");
    if (terms->kind == HW_GRANT_SIGN || terms->kind == HW_GRANT_CERTIFY) {
        struct digest branches[2];
        CLEANUP(buf_free) struct buf tagged = {0};

        must(tpm_policy_get(chip, s, &branches[0]), "PolicyGetDigest");
        OK(buf_add(&tagged, "pawl-served-v1", sizeof "pawl-served-v1"));
        OK(buf_add_slice(&tagged, digest_slice(&terms->snapshot)));
        OK(hash_sha256(buf_slice(&tagged), &branches[1]));
        must(tpm_policy_or(chip, s, branches, 2), "PolicyOR");
    }
    must(tpm_policy_get(chip, s, &out), "PolicyGetDigest");
    must(tpm_flush(chip, s), "FlushContext");
    return out;
}

static void approved_policies_equal_the_tpms(void **state)
{
    static const struct {
        const char *name;
        struct tpm_terms terms;
    } cases[] = {
        {"first", {HW_GRANT_FIRST, 0, 0, {{0}}}},
        {"bump 0", {HW_GRANT_BUMP, 64, 0, {{0}}}},
        {"bump 7", {HW_GRANT_BUMP, 64, 7, {{0}}}},
        {"bump 7, whatever is served", {HW_GRANT_BUMP, 64, 7, {{9}}}},
        {"bump far", {HW_GRANT_BUMP, 64, 0x123456789abcdef, {{0}}}},
        {"sign 1", {HW_GRANT_SIGN, 64, 1, {{1}}}},
        {"sign 1, another snapshot", {HW_GRANT_SIGN, 64, 1, {{2}}}},
        {"sign far", {HW_GRANT_SIGN, 64, 0x123456789abcdef, {{1}}}},
        {"certify 1", {HW_GRANT_CERTIFY, 64, 1, {{1}}}},
        {"certify far", {HW_GRANT_CERTIFY, 64, 0x123456789abcdef, {{1}}}},
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct digest ours, theirs = trial(fx, &cases[i].terms);

        OK(tpm_approved(&fx->plan, &cases[i].terms, &ours, &fx->why));
        same_digest(cases[i].name, &ours, &theirs);
    }
}

/* PolicyAuthorize in a trial session takes any ticket, so this shows branches and PolicyOR. */
static void auth_policies_equal_the_tpms(void **state)
{
    struct fx *fx = *state;
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    const TPMT_TK_VERIFIED none = {.tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER};

    assert_int_equal(fx->plan.n_branches[TPM_PURPOSE_BUMP], 3); /* the third is the base */
    assert_int_equal(fx->plan.n_branches[TPM_PURPOSE_SIGN], 2);
    for (enum tpm_purpose p = TPM_PURPOSE_BUMP; p < TPM_PURPOSES; p++)
        for (size_t i = 0; i < 2; i++) {
            struct digest theirs;
            TPM2_HANDLE s;

            must(tpm_start_session(chip, TPM2_SE_TRIAL, &s), "trial session");
            must(tpm_policy_authorize(chip, s, &fx->plan.ref[0], &fx->plan.ref[p],
                                      fx->plan.ratchet_name[i], &none),
                 "PolicyAuthorize");
            must(tpm_policy_get(chip, s, &theirs), "PolicyGetDigest");
            same_digest("branch", &fx->plan.branch[p][i], &theirs);
            must(tpm_policy_or(chip, s, fx->plan.branch[p], fx->plan.n_branches[p]), "PolicyOR");
            must(tpm_policy_get(chip, s, &theirs), "PolicyGetDigest");
            same_digest("authPolicy", &fx->plan.auth[p], &theirs);
            must(tpm_flush(chip, s), "FlushContext");
        }
}

static void names_equal_the_tpms(void **state)
{
    struct fx *fx = *state;
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    TPM2B_NV_PUBLIC nv;
    TPM2B_PUBLIC area;
    TPM2B_NAME name;

    must(tpm_nv_read_public(chip, fx->plan.index, &nv, &name), "NV_ReadPublic");
    assert_int_equal(name.size, HW_TPM_NAME_LEN);
    assert_memory_equal(name.name, fx->plan.index_name, HW_TPM_NAME_LEN);
    must(tpm_read_public(chip, TPM_DEFAULT_RECEIPT, &area, &name), "ReadPublic");
    assert_memory_equal(name.name, fx->enrolment.receipt_name, HW_TPM_NAME_LEN);
    assert_int_equal(area.publicArea.objectAttributes, 0x00040432);
    must(tpm_read_public(chip, TPM_DEFAULT_SEAL, &area, &name), "ReadPublic");
    assert_memory_equal(name.name, fx->enrolment.seal_name, HW_TPM_NAME_LEN);
    assert_int_equal(area.publicArea.objectAttributes, 0x00050432);
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        TPM2_HANDLE key;

        OK(tpm_verifier_public(&fx->owner.ratchet[i], &bytes));
        must(tpm_load_external(chip, buf_slice(&bytes), &key, &name), "LoadExternal");
        assert_int_equal(name.size, HW_TPM_NAME_LEN);
        assert_memory_equal(name.name, fx->plan.ratchet_name[i], HW_TPM_NAME_LEN);
        must(tpm_flush(chip, key), "FlushContext");
    }
}

/* The Name before the first increment, on an index that is defined and left. */
static void fresh_name_equals_the_tpms(void **state)
{
    struct fx *fx = *state;
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    const struct tpm_facts facts = {fx->owner.domain, fx->owner.root,  fx->owner.ratchet, 2,
                                    0x01800199,       TPM_DEFAULT_BASE};
    CLEANUP(buf_free) struct buf area = {0};
    static struct tpm_plan plan;
    const TPM2B_AUTH empty = {0};
    TPM2B_NV_PUBLIC nv;
    TPM2B_NAME name;

    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(tpm_counter_public(&plan, false, &area));
    must(tpm_nv_define(chip, &empty, buf_slice(&area)), "NV_DefineSpace");
    must(tpm_nv_read_public(chip, plan.index, &nv, &name), "NV_ReadPublic");
    assert_int_equal(name.size, HW_TPM_NAME_LEN);
    assert_memory_equal(name.name, plan.fresh_name, HW_TPM_NAME_LEN);
}

/* --- without a TPM --- */

static void terms_that_no_grant_has(void **state)
{
    static const struct {
        const char *name;
        struct tpm_terms terms;
    } cases[] = {
        {"no kind", {HW_GRANT_NONE, 64, 1, {{1}}}},
        {"unknown kind", {(enum hw_grant_kind)9, 64, 1, {{1}}}},
        {"overflow", {HW_GRANT_SIGN, 64, UINT64_MAX, {{1}}}},
        {"overflow by one", {HW_GRANT_BUMP, 64, UINT64_MAX - 63, {{1}}}},
        {"another base", {HW_GRANT_SIGN, 65, 1, {{1}}}},
        {"another base, the same sum", {HW_GRANT_SIGN, 65, 0, {{1}}}},
        {"no base", {HW_GRANT_BUMP, 0, 65, {{1}}}},
        {"first with a base", {HW_GRANT_FIRST, 64, 0, {{1}}}},
        {"first with an epoch", {HW_GRANT_FIRST, 0, 1, {{1}}}},
        {"sign without a snapshot", {HW_GRANT_SIGN, 64, 1, {{0}}}},
        {"certify without a snapshot", {HW_GRANT_CERTIFY, 64, 1, {{0}}}},
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hw_grant grant;
        struct digest digest;

        EXPECT(tpm_approved(&fx->plan, &cases[i].terms, &digest, &fx->why), ERR_GRANT_INVALID);
        EXPECT(tpm_grant_make(&fx->plan, &cases[i].terms, fx->ratchet[0], &grant, &fx->why),
               ERR_GRANT_INVALID);
    }
}

static void ratchets_that_no_tpm_holds(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_signer_close) struct hw_signer *p384 = NULL, *stranger = NULL;
    const struct tpm_terms terms = {HW_GRANT_SIGN, 64, 1, fx->snapshot};
    struct hw_pubkey keys[HW_RATCHET_MAX + 1];
    struct tpm_facts facts = {fx->owner.domain,  fx->owner.root,  keys, 1,
                              TPM_DEFAULT_INDEX, TPM_DEFAULT_BASE};
    static struct tpm_plan plan;
    struct hw_grant grant;

    for (size_t i = 0; i < HW_RATCHET_MAX + 1; i++)
        keys[i] = fx->owner.ratchet[0];
    EXPECT(tpm_plan_make(&facts, &plan, &fx->why), ERR_GRANT_INVALID);
    facts.n_ratchet = HW_RATCHET_MAX + 1;
    EXPECT(tpm_plan_make(&facts, &plan, &fx->why), ERR_GRANT_INVALID);
    facts.n_ratchet = HW_RATCHET_MAX;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(hw_signer_generate(HW_ES384, &p384, &fx->why));
    keys[1] = p384->key;
    EXPECT(tpm_plan_make(&facts, &plan, &fx->why), ERR_GRANT_INVALID);
    keys[1] = fx->owner.ratchet[0];
    keys[1].y[31] ^= 1;
    EXPECT(tpm_plan_make(&facts, &plan, &fx->why), ERR_KEY_MALFORMED);
    OK(hw_signer_generate(HW_ES256, &stranger, &fx->why));
    EXPECT(tpm_grant_make(&fx->plan, &terms, stranger, &grant, &fx->why), ERR_GRANT_INVALID);
}

/* Every member of the root digest, keys and index changes everything that must depend on it. */
static void plans_are_bound_to_their_facts(void **state)
{
    struct fx *fx = *state;
    struct tpm_facts facts = {fx->owner.domain,  fx->owner.root,  fx->owner.ratchet, 2,
                              TPM_DEFAULT_INDEX, TPM_DEFAULT_BASE};
    static struct tpm_plan plan;
    struct hw_pubkey swapped[2] = {fx->owner.ratchet[1], fx->owner.ratchet[0]};

    facts.root.bytes[31] ^= 1;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    for (enum tpm_purpose p = TPM_PURPOSE_BUMP; p < TPM_PURPOSES; p++) {
        assert_false(digest_eq(&plan.auth[p], &fx->plan.auth[p]));
        assert_false(digest_eq(&plan.unique[p], &fx->plan.unique[p]));
        for (enum tpm_purpose q = TPM_PURPOSE_BUMP; q < p; q++) {
            assert_false(digest_eq(&plan.auth[p], &plan.auth[q]));
            assert_false(digest_eq(&plan.ref[p], &plan.ref[q]));
            assert_false(digest_eq(&plan.unique[p], &plan.unique[q]));
        }
    }
    assert_memory_not_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    facts.root = fx->owner.root;
    facts.domain = "example.tesT";
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    assert_memory_not_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    assert_false(digest_eq(&plan.unique[TPM_PURPOSE_SIGN], &fx->plan.unique[TPM_PURPOSE_SIGN]));
    facts.domain = fx->owner.domain;
    facts.index++;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    assert_memory_not_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    facts.index--;
    /* The base is the counter's alone; rebasing is as good as planning. */
    facts.base++;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    assert_memory_not_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    assert_memory_not_equal(plan.fresh_name, fx->plan.fresh_name, HW_TPM_NAME_LEN);
    assert_true(digest_eq(&plan.auth[TPM_PURPOSE_SIGN], &fx->plan.auth[TPM_PURPOSE_SIGN]));
    OK(tpm_plan_rebase(&plan, --facts.base));
    assert_memory_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    assert_memory_equal(plan.fresh_name, fx->plan.fresh_name, HW_TPM_NAME_LEN);
    facts.ratchet = swapped;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    assert_memory_not_equal(plan.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
}

static void grants_with_any_bit_flipped_are_refused(void **state)
{
    struct fx *fx = *state;

    for (enum hw_grant_kind kind = HW_GRANT_FIRST; kind <= HW_GRANT_CERTIFY; kind++)
        for (unsigned by = 0; by < 2; by++) {
            const struct hw_grant good = fx_grant(fx, kind, kind == HW_GRANT_FIRST ? 0 : 3, by);
            struct hw_grant bad = good;
            uint8_t *bytes = (uint8_t *)&bad;
            size_t checked = 0;

            OK(tpm_grant_check(&fx->plan, &good, &fx->snapshot, &fx->why));
            for (size_t bit = 0; bit < 8 * sizeof bad; bit++) {
                size_t at = bit / 8;
                size_t key = offsetof(struct hw_grant, key), sig = offsetof(struct hw_grant, sig);

                /* Octets that the key's kind and the signature's length do not use. */
                if (at >= sig + good.sig_len && at < offsetof(struct hw_grant, sig_len))
                    continue;
                if (at >= key && at < sig && good.key.alg == HW_ES256 &&
                    !(at < key + sizeof good.key.alg) &&
                    !(at >= key + offsetof(struct hw_pubkey, x) &&
                      at < key + offsetof(struct hw_pubkey, x) + 32) &&
                    !(at >= key + offsetof(struct hw_pubkey, y) &&
                      at < key + offsetof(struct hw_pubkey, y) + 32))
                    continue;
                if (at >= key && at < sig && good.key.alg == HW_PS256 &&
                    !(at >= key + offsetof(struct hw_pubkey, n) &&
                      at < key + offsetof(struct hw_pubkey, n) + good.key.n_len))
                    continue;
                if (at >= offsetof(struct hw_grant, kind) + sizeof bad.kind &&
                    at < offsetof(struct hw_grant, epoch))
                    continue;
                if (at >= offsetof(struct hw_grant, index) + sizeof bad.index &&
                    at < offsetof(struct hw_grant, base))
                    continue;
                bytes[at] ^= (uint8_t)(1u << bit % 8);
                if (tpm_grant_check(&fx->plan, &bad, &fx->snapshot, &fx->why) != ERR_GRANT_INVALID)
                    fail_msg("kind %d, bit %zu of octet %zu is not under any check", kind, bit % 8,
                             at);
                bytes[at] ^= (uint8_t)(1u << bit % 8);
                checked++;
            }
            assert_true(checked > 8 * 100);
        }
}

/* Good by itself, but by a key that is none of the root metadata's. */
static void a_strangers_grant_is_refused(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_signer_close) struct hw_signer *stranger = NULL;
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_grant grant = fx_grant(fx, HW_GRANT_SIGN, 3, 0);
    struct digest approval;

    OK(hw_signer_generate(HW_ES256, &stranger, &fx->why));
    OK(tpm_approval(&fx->plan, TPM_PURPOSE_SIGN, &grant.policy, &approval));
    OK(stranger->ops->sign(stranger, digest_slice(&approval), &sig, &fx->why));
    memcpy(grant.sig, sig.ptr, sig.len);
    EXPECT(tpm_grant_check(&fx->plan, &grant, &fx->snapshot, &fx->why), ERR_GRANT_INVALID);
    grant.key = stranger->key;
    EXPECT(tpm_grant_check(&fx->plan, &grant, &fx->snapshot, &fx->why), ERR_GRANT_INVALID);
}

static int start(void **state)
{
    struct fx *fx = fx_new(true);

    fx_enrol(fx);
    *state = fx;
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approved_policies_equal_the_tpms),
        cmocka_unit_test(auth_policies_equal_the_tpms),
        cmocka_unit_test(names_equal_the_tpms),
        cmocka_unit_test(fresh_name_equals_the_tpms),
        cmocka_unit_test(terms_that_no_grant_has),
        cmocka_unit_test(ratchets_that_no_tpm_holds),
        cmocka_unit_test(plans_are_bound_to_their_facts),
        cmocka_unit_test(grants_with_any_bit_flipped_are_refused),
        cmocka_unit_test(a_strangers_grant_is_refused),
    };

    return cmocka_run_group_tests_name("tpm policy", tests, start, end);
}
