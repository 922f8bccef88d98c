/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/rig.h"

#include "gate/base/file.h"
#include "tpm/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void fx_expect(err_code got, err_code want, const struct why *why, const char *call,
               const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s\n  gave %s, not %s: %s (%s 0x%llx)\n", call, err_name(got), err_name(want),
                why->text, why->foreign != NULL ? why->foreign : "no code",
                (unsigned long long)why->foreign_code);
    _assert_true(0, call, file, line);
}

void fx_rekey(struct fx *fx)
{
    struct tpm_facts facts = {fx->owner.domain,  {{0}},   fx->owner.ratchet, 2,
                              TPM_DEFAULT_INDEX, fx->base};

    (void)snprintf(fx->owner.domain, sizeof fx->owner.domain, "example.test");
    (void)snprintf(fx->owner.gate, sizeof fx->owner.gate, "gate-1");
    fx->owner.n_ratchet = 2;
    fx->owner.ratchet[0] = fx->ratchet[0]->key;
    fx->owner.ratchet[1] = fx->ratchet[1]->key;
    OK(hash_sha256(slice_str("root metadata 1"), &fx->owner.root));
    facts.root = fx->owner.root;
    OK(tpm_plan_make(&facts, &fx->plan, &fx->why));
    fx->grants[0] = fx_grant(fx, HW_GRANT_FIRST, 0, 0);
    fx->grants[1] = fx_grant(fx, HW_GRANT_BUMP, 0, 1);
    fx->owner.grants = fx->grants;
    fx->owner.n_grants = 2;
}

struct fx *fx_new(bool ps256)
{
    struct fx *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    swtpm_start(&fx->tpm);
    (void)snprintf(fx->store, sizeof fx->store, "%s/store", fx->tpm.dir);
    OK(file_make_dir(fx->store, 0700, &fx->why));
    fx->options = (struct hw_options){.allow_simulator = true, .store_dir = fx->store};
    OK(hw_signer_generate(HW_ES256, &fx->ratchet[0], &fx->why));
    OK(hw_signer_generate(ps256 ? HW_PS256 : HW_ES256, &fx->ratchet[1], &fx->why));
    fx->base = TPM_DEFAULT_BASE;
    OK(hash_sha256(slice_str("snapshot"), &fx->snapshot));
    fx_rekey(fx);
    return fx;
}

void fx_free(struct fx *fx)
{
    fx_close(fx);
    swtpm_remove(&fx->tpm);
    hw_signer_close(&fx->ratchet[0]);
    hw_signer_close(&fx->ratchet[1]);
    free(fx);
}

struct hw_grant fx_grant_at(struct fx *fx, enum hw_grant_kind kind, uint64_t base, uint64_t epoch,
                            unsigned by)
{
    const struct tpm_terms terms = {kind, base, epoch, fx->snapshot};
    struct hw_grant grant = {0};
    struct tpm_plan plan = fx->plan;

    if (kind != HW_GRANT_FIRST)
        OK(tpm_plan_rebase(&plan, base));
    OK(tpm_grant_make(&plan, &terms, fx->ratchet[by], &grant, &fx->why));
    return grant;
}

struct hw_grant fx_grant(struct fx *fx, enum hw_grant_kind kind, uint64_t epoch, unsigned by)
{
    return fx_grant_at(fx, kind, kind == HW_GRANT_FIRST ? 0 : fx->base, epoch, by);
}

struct hw_mandate *fx_mandate(struct fx *fx, uint64_t epoch)
{
    static struct hw_mandate mandate;

    fx->grants[2] = fx_grant(fx, HW_GRANT_BUMP, epoch, 0);
    fx->grants[3] = fx_grant(fx, HW_GRANT_SIGN, epoch, 1);
    fx->grants[4] = fx_grant(fx, HW_GRANT_CERTIFY, epoch, 0);
    mandate = (struct hw_mandate){
        .epoch = epoch, .snapshot = fx->snapshot, .grants = fx->grants, .n_grants = 5};
    return &mandate;
}

void fx_close(struct fx *fx)
{
    hw_root_close(&fx->root);
}

void fx_open(struct fx *fx)
{
    fx_close(fx);
    OK(tpm_root_open(fx->tpm.uri, &fx->options, &fx->root, &fx->why));
}

void fx_rebase(struct fx *fx, uint64_t base)
{
    fx->base = base;
    OK(tpm_plan_rebase(&fx->plan, base));
}

/* --- a source with faults --- */

struct faulty_source {
    struct tpm_source source; /* first */
    struct tpm_source *below;
    TSS2_TCTI_CONTEXT *lower;
    struct fault_plan *plan;
};

static err_code faulty_open(struct tpm_source *source, unsigned deadline_ms,
                            TSS2_TCTI_CONTEXT **ret, struct why *why)
{
    struct faulty_source *s = (struct faulty_source *)source;

    TRY(s->below->open(s->below, deadline_ms, &s->lower, why));
    *ret = fault_tcti_new(s->plan, s->lower);
    return *ret == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static void faulty_close(struct tpm_source *source, TSS2_TCTI_CONTEXT **tcti)
{
    struct faulty_source *s = (struct faulty_source *)source;

    fault_tcti_free(tcti);
    s->below->close(s->below, &s->lower);
}

static void faulty_free(struct tpm_source *source)
{
    tpm_source_free(&((struct faulty_source *)source)->below);
    free(source);
}

err_code fx_open_faulty(struct fx *fx, bool real)
{
    struct faulty_source *s = calloc(1, sizeof *s);
    struct tpm_uri uri;

    assert_non_null(s);
    fx_close(fx);
    OK(tpm_uri_parse(fx->tpm.uri, &uri, &fx->why));
    OK(tpm_source_of(&uri, &s->below));
    s->plan = &fx->faults;
    s->source = (struct tpm_source){
        .simulator = !real, .open = faulty_open, .close = faulty_close, .free = faulty_free};
    return tpm_root_open_source(&uri, &s->source, &fx->options, &fx->root, &fx->why);
}

const char *const FX_CUT_TEXT[FX_CUTS] = {"gate dies before", "gate dies after",
                                          "power fails before", "power fails after"};

static void power_cut(void *arg)
{
    swtpm_kill(arg);
}

void fx_cut_at(struct fx *fx, enum fx_cut cut, unsigned nth)
{
    static const enum fault_kind KINDS[] = {FAULT_REFUSE, FAULT_BREAK, FAULT_BEFORE, FAULT_AFTER};

    fault_clear(&fx->faults);
    fault_add(&fx->faults,
              &(struct fault){
                  .kind = KINDS[cut], .nth = nth, .times = 1, .hook = power_cut, .arg = &fx->tpm});
    if (cut <= FX_GATE_AFTER)
        fault_add(&fx->faults, &(struct fault){.kind = FAULT_REFUSE, .nth = nth + 1});
}

/* --- the other user --- */

struct tpm_chip *fx_other(struct fx *fx)
{
    struct tpm_chip *chip = calloc(1, sizeof *chip);
    struct tpm_source *source;
    struct tpm_uri uri;

    assert_non_null(chip);
    OK(tpm_uri_parse(fx->tpm.uri, &uri, &fx->why));
    OK(tpm_source_of(&uri, &source));
    OK(tpm_chip_open(chip, source, &fx->options, &fx->why));
    return chip;
}

void fx_other_close(struct tpm_chip **chip)
{
    if (*chip != NULL)
        tpm_chip_close(*chip);
    free(*chip);
    *chip = NULL;
}

/* Whatever the session holds, it passes this PolicyOR; whether that is what was approved is for
 * PolicyAuthorize to say. */
static TSS2_RC or_served(struct tpm_chip *chip, const struct digest *snapshot)
{
    struct digest branches[TPM_SERVED_BRANCHES] = {{{0}}, *snapshot};
    TSS2_RC rc = tpm_policy_get(chip, chip->session, &branches[0]);

    return rc != TPM2_RC_SUCCESS
               ? rc
               : tpm_policy_or(chip, chip->session, branches, TPM_SERVED_BRANCHES);
}

TSS2_RC fx_satisfy(struct fx *fx, struct tpm_chip *chip, const struct tpm_approval *a,
                   TPM2_CC command)
{
    enum tpm_purpose purpose = tpm_grant_purpose(a->grant.kind);
    bool bump = a->grant.kind == HW_GRANT_BUMP;
    TSS2_RC rc = tpm_chip_session(chip);

    chip->session_dirty = true;
    if (rc == TPM2_RC_SUCCESS && a->grant.kind == HW_GRANT_FIRST)
        rc = tpm_policy_never_written(chip, chip->session);
    else if (rc == TPM2_RC_SUCCESS)
        rc = tpm_policy_pcr(chip, chip->session);
    if (rc == TPM2_RC_SUCCESS && a->grant.kind != HW_GRANT_FIRST)
        rc = tpm_policy_nv(chip, chip->session, fx->plan.index, a->grant.base + a->grant.epoch,
                           bump ? TPM2_EO_UNSIGNED_LT : TPM2_EO_UNSIGNED_LE);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_policy_command(chip, chip->session, command);
    if (rc == TPM2_RC_SUCCESS && tpm_grant_serves(a->grant.kind))
        rc = or_served(chip, &a->served[1]);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_policy_authorize(chip, chip->session, &a->grant.policy, &fx->plan.ref[purpose],
                                  a->verifier, &a->ticket);
    if (rc == TPM2_RC_SUCCESS)
        rc = tpm_policy_or(chip, chip->session, fx->plan.branch[purpose],
                           fx->plan.n_branches[purpose]);
    return rc;
}

void fx_approval(struct fx *fx, enum hw_grant_kind kind, uint64_t epoch, struct tpm_approval *ret)
{
    const struct hw_grant grant = fx_grant(fx, kind, epoch, 0);
    const struct tpm_terms terms = {kind, grant.base, epoch, fx->snapshot};

    OK(tpm_approve(fx_inside(fx), &terms, &grant, 1, ret, &fx->why));
}

void fx_enrol(struct fx *fx)
{
    fx_open(fx);
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
}

void fx_attach(struct fx *fx)
{
    fx_open(fx);
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
}

void fx_step(struct fx *fx, uint64_t epoch)
{
    const struct hw_mandate *mandate = fx_mandate(fx, epoch);

    OK(fx->root->ops->prepare(fx->root, mandate, &fx->why));
    OK(fx->root->ops->step(fx->root, mandate, &fx->why));
}

void fx_no_heads(struct fx *fx)
{
    struct hw_kept kept = {0};

    OK(fx->root->ops->head_check(fx->root, NULL, 0, &kept, &fx->why));
    assert_true(kept.none);
    assert_int_equal(kept.missing, 0);
}

static void verify_soft(struct fx *fx, const struct hw_pubkey *key, const uint8_t *digest,
                        struct slice sig)
{
    struct hw_statement st = {.key = *key, .sig_len = sig.len};

    assert_int_equal(sig.len, 64);
    memcpy(st.digest, digest, SHA256_LEN);
    memcpy(st.sig, sig.ptr, sig.len);
    OK(hw_verify_soft(&st, &fx->why));
}

void fx_round(struct fx *fx)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct digest digest, attest;
    uint8_t sig[64];

    OK(hash_sha256(slice_str("tree head"), &digest));
    OK(fx->root->ops->begin(fx->root, &fx->why));
    OK(fx->root->ops->sign(fx->root, &digest, sig, &fx->why));
    verify_soft(fx, &fx->enrolment.receipt, digest.bytes, SLICE_OF(sig));
    OK(fx->root->ops->seal(fx->root, &digest, &seal, &fx->why));
    assert_int_equal(seal.kind, HW_SEAL_TPM_CERTIFY);
    OK(hash_sha256(buf_slice(&seal.statement), &attest));
    verify_soft(fx, &fx->enrolment.seal, attest.bytes, buf_slice(&seal.sig));
}

struct tpm_root *fx_inside(struct fx *fx)
{
    return (struct tpm_root *)fx->root;
}
