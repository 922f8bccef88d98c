/* SPDX-License-Identifier: Apache-2.0 */
/* approve.c: grants that the TPM has verified, and the policy session that they satisfy. */
#include "tpm/command.h"
#include "tpm/internal.h"

#include <inttypes.h>
#include <string.h>

#define TRIES 32 /* sessions built for one command; every PCR change in the machine costs one */

static const char *kind_text(enum hw_grant_kind kind)
{
    switch (kind) {
    case HW_GRANT_FIRST:
        return "first";
    case HW_GRANT_BUMP:
        return "bump";
    case HW_GRANT_SIGN:
        return "sign";
    case HW_GRANT_CERTIFY:
        return "certify";
    case HW_GRANT_NONE:
        break;
    }
    return "unknown";
}

/* Has the TPM verify the grant's signature, and keeps the ticket. */
static err_code take_ticket(struct tpm_root *root, struct tpm_approval *approval, struct why *why)
{
    struct tpm_ticket kept = {0};

    TRY(tpm_verify_ticket(root, &approval->statement, &approval->ticket, why));
    /* An empty ticket is what a key outside every hierarchy gets: of no use. */
    if (approval->ticket.digest.size == 0 ||
        approval->ticket.digest.size > sizeof approval->ticket.digest.buffer)
        return why_say(why, ERR_TPM_FAILED, "the TPM gave a ticket of %u bytes",
                       approval->ticket.digest.size);
    if (approval->ticket.digest.size > sizeof kept.hmac)
        return ERR_OK;
    TRY(tpm_ticket_id(&approval->statement, &kept.id));
    kept.hierarchy = approval->ticket.hierarchy;
    kept.len = (uint8_t)approval->ticket.digest.size;
    memcpy(kept.hmac, approval->ticket.digest.buffer, kept.len);
    tpm_tickets_put(&root->tickets, &kept);
    tpm_tickets_save(root->options.store_dir, &root->tickets);
    return ERR_OK;
}

static err_code find_ticket(struct tpm_root *root, struct tpm_approval *approval, bool *ret)
{
    const struct tpm_ticket *kept;
    struct digest id;

    TRY(tpm_ticket_id(&approval->statement, &id));
    kept = tpm_tickets_find(&root->tickets, &id);
    *ret = kept != NULL;
    if (kept == NULL)
        return ERR_OK;
    approval->ticket = (TPMT_TK_VERIFIED){.tag = TPM2_ST_VERIFIED, .hierarchy = kept->hierarchy};
    approval->ticket.digest.size = kept->len;
    memcpy(approval->ticket.digest.buffer, kept->hmac, kept->len);
    return ERR_OK;
}

/* A signature that the TPM refuses makes the grant invalid; a TPM in trouble stays what it is. */
static err_code as_grant(err_code err, const struct hw_grant *grant, struct why *why)
{
    if (err != ERR_SIGNATURE_INVALID && err != ERR_KEY_MALFORMED && err != ERR_UNSUPPORTED)
        return err;
    if (why != NULL && why->foreign != NULL)
        return why_foreign(why, ERR_GRANT_INVALID, why->foreign, why->foreign_code,
                           "the TPM does not accept the signature of the %s grant for epoch "
                           "%" PRIu64,
                           kind_text(grant->kind), grant->epoch);
    return why_say(why, ERR_GRANT_INVALID,
                   "the signature of the %s grant for epoch %" PRIu64 " is not valid",
                   kind_text(grant->kind), grant->epoch);
}

static err_code approve_one(struct tpm_root *root, const struct tpm_terms *terms,
                            const struct hw_grant *grant, struct tpm_approval *ret, struct why *why)
{
    struct tpm_approval approval = {.grant = *grant};
    bool found = false;

    TRY(tpm_grant_read(&root->plan, grant, &terms->snapshot, &approval.statement, why));
    if (tpm_grant_serves(terms->kind))
        TRY(tpm_served(&root->plan, terms, approval.served, why));
    TRY(tpm_verifier_name(&grant->key, approval.verifier));
    TRY(find_ticket(root, &approval, &found));
    if (!found)
        TRY(as_grant(take_ticket(root, &approval, why), grant, why));
    *ret = approval;
    return ERR_OK;
}

err_code tpm_approve(struct tpm_root *root, const struct tpm_terms *terms,
                     const struct hw_grant *grants, size_t n_grants, struct tpm_approval *ret,
                     struct why *why)
{
    size_t fitting = 0;

    for (size_t i = 0; i < n_grants; i++) {
        const struct hw_grant *g = &grants[i];
        err_code err;

        if (g->kind != terms->kind || g->epoch != terms->epoch || g->base != terms->base ||
            g->index != root->plan.index)
            continue;
        fitting++;
        err = approve_one(root, terms, g, ret, why);
        if (err != ERR_GRANT_INVALID)
            return err;
    }
    if (fitting > 0)
        return ERR_GRANT_INVALID; /* why says what was wrong with the last one */
    return why_say(why, ERR_GRANT_INVALID,
                   "none of %zu grants is a %s grant for epoch %" PRIu64 ", base %" PRIu64
                   ", NV index 0x%08" PRIx32,
                   n_grants, kind_text(terms->kind), terms->epoch, terms->base, root->plan.index);
}

/* --- the session --- */

/* Where a use failed, since one code means different things at different commands. */
struct outcome {
    TSS2_RC rc;
    const char *doing;
    bool at_counter; /* PolicyNV */
    bool at_ticket;  /* PolicyAuthorize */
};

static bool failed(struct outcome *o, TSS2_RC rc, const char *doing)
{
    o->rc = rc;
    o->doing = doing;
    return rc != TPM2_RC_SUCCESS;
}

/* What the grant approves, up to the digest that PolicyAuthorize wants to see. */
static bool satisfy_approved(struct tpm_root *root, const struct tpm_approval *approval,
                             struct outcome *o)
{
    const struct hw_grant *grant = &approval->grant;
    struct tpm_chip *chip = &root->chip;
    uint64_t limit = grant->base + grant->epoch;
    TPM2_CC command = grant->kind == HW_GRANT_SIGN      ? TPM2_CC_Sign
                      : grant->kind == HW_GRANT_CERTIFY ? TPM2_CC_NV_Certify
                                                        : TPM2_CC_NV_Increment;

    if (grant->kind == HW_GRANT_FIRST) {
        if (failed(o, tpm_policy_never_written(chip, chip->session), "TPM2_PolicyNvWritten"))
            return false;
    } else {
        TPM2_EO compare = grant->kind == HW_GRANT_BUMP ? TPM2_EO_UNSIGNED_LT : TPM2_EO_UNSIGNED_LE;

        if (failed(o, tpm_policy_pcr(chip, chip->session), "TPM2_PolicyPCR"))
            return false;
        o->at_counter =
            failed(o, tpm_policy_nv(chip, chip->session, root->plan.index, limit, compare),
                   "TPM2_PolicyNV");
        if (o->at_counter)
            return false;
    }
    if (failed(o, tpm_policy_command(chip, chip->session, command), "TPM2_PolicyCommandCode"))
        return false;
    return !tpm_grant_serves(grant->kind) ||
           !failed(o, tpm_policy_or(chip, chip->session, approval->served, TPM_SERVED_BRANCHES),
                   "TPM2_PolicyOR");
}

static bool satisfy(struct tpm_root *root, const struct tpm_approval *approval, struct outcome *o)
{
    struct tpm_chip *chip = &root->chip;
    const struct tpm_plan *plan = &root->plan;
    enum tpm_purpose purpose = tpm_grant_purpose(approval->grant.kind);

    if (failed(o, tpm_chip_session(chip), "TPM2_StartAuthSession"))
        return false;
    chip->session_dirty = true;
    if (!satisfy_approved(root, approval, o))
        return false;
    o->at_ticket =
        failed(o,
               tpm_policy_authorize(chip, chip->session, &approval->grant.policy,
                                    &plan->ref[purpose], approval->verifier, &approval->ticket),
               "TPM2_PolicyAuthorize");
    if (o->at_ticket)
        return false;
    return !failed(
        o, tpm_policy_or(chip, chip->session, plan->branch[purpose], plan->n_branches[purpose]),
        "TPM2_PolicyOR");
}

/* PolicyAuthorize answers VALUE both for a ticket that it did not make and for a session digest
 * that is not the approved one (part 3, 23.16). */
static bool ticket_refused(const struct outcome *o)
{
    return o->at_ticket &&
           (tpm_rc_error(o->rc) == TPM2_RC_VALUE || tpm_rc_error(o->rc) == TPM2_RC_TICKET ||
            tpm_rc_error(o->rc) == TPM2_RC_HIERARCHY || tpm_rc_error(o->rc) == TPM2_RC_TAG ||
            tpm_rc_error(o->rc) == TPM2_RC_SIZE);
}

static err_code refused(struct tpm_root *root, const struct tpm_approval *approval,
                        const struct outcome *o, struct why *why)
{
    const struct hw_grant *g = &approval->grant;
    uint64_t counter = 0;

    if (o->at_counter && tpm_rc(o->rc) == TPM2_RC_POLICY &&
        tpm_nv_read_counter(&root->chip, root->plan.index, &counter) == TPM2_RC_SUCCESS)
        return why_foreign(why, ERR_TPM_POLICY, "TPM_RC", o->rc,
                           "the counter stands at %" PRIu64 ", the %s grant for epoch %" PRIu64
                           " allows it %s %" PRIu64,
                           counter, kind_text(g->kind), g->epoch,
                           g->kind == HW_GRANT_BUMP ? "below" : "up to", g->base + g->epoch);
    if (ticket_refused(o))
        return why_foreign(why, ERR_GRANT_INVALID, "TPM_RC", o->rc,
                           "the TPM does not accept the %s grant for epoch %" PRIu64,
                           kind_text(g->kind), g->epoch);
    return tpm_chip_fail(&root->chip, o->rc, o->doing, why);
}

err_code tpm_use_approved(struct tpm_root *root, struct tpm_approval *approval, struct tpm_use *use,
                          struct why *why)
{
    struct outcome o = {0};
    bool new_ticket = false, swept = false;

    for (unsigned tries = 0; tries < TRIES; tries++) {
        o = (struct outcome){0};
        if (satisfy(root, approval, &o) && !failed(&o, use->run(root, use), use->name)) {
            /* A policy session starts over after each use (part 1, 19.7.2), so no restart. */
            root->chip.session_dirty = false;
            return ERR_OK;
        }
        if (tpm_rc_from_chip(o.rc))
            tpm_chip_drop_session(&root->chip);
        if (ticket_refused(&o) && !new_ticket) {
            TRY(as_grant(take_ticket(root, approval, why), &approval->grant, why));
            new_ticket = true;
        } else if (!swept && tpm_chip_room(&root->chip, o.rc)) {
            swept = true;
        } else if (tpm_rc(o.rc) != TPM2_RC_PCR_CHANGED && !tpm_rc_gone(o.rc)) {
            break;
        }
    }
    return refused(root, approval, &o, why);
}
