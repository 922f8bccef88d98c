/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/verify.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/decide/hardware.h"
#include "gate/policy/grant.h"
#include "gate/policy/issuer.h"
#include "gate/policy/root_chain.h"

#include <string.h>

void verified_free(struct verified *verified)
{
    permit_free(&verified->permit);
    *verified = (struct verified){0};
}

static bool is_tpm(const struct enrolment *enrolment)
{
    return strcmp(enrolment->hw.about.kind, "tpm") == 0;
}

/* A TPM key's Name covers its policy, and the policy names the ratchet keys and root metadata 1. An
 * enrolment whose Names come out otherwise speaks of keys that sign without the authority. */
static err_code tpm_names(const struct root_meta *first, const struct hw_enrolment *hw,
                          struct why *why)
{
    uint8_t receipt[HW_TPM_NAME_LEN], seal[HW_TPM_NAME_LEN];
    struct tpm_plan plan;

    TRY(grant_plan(first, hw->index, hw->base, &plan, why));
    TRY(tpm_key_name(&plan, TPM_PURPOSE_SIGN, &hw->receipt, receipt));
    TRY(tpm_key_name(&plan, TPM_PURPOSE_CERTIFY, &hw->seal, seal));
    if (memcmp(plan.index_name, hw->index_name, HW_TPM_NAME_LEN) != 0)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the enrolment's counter is not bound to this root metadata and base %llu",
                       (unsigned long long)hw->base);
    if (memcmp(receipt, hw->receipt_name, HW_TPM_NAME_LEN) != 0)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the receipt key is not bound to this root metadata");
    if (memcmp(seal, hw->seal_name, HW_TPM_NAME_LEN) != 0)
        return why_say(why, ERR_PERMIT_INVALID, "the seal key is not bound to this root metadata");
    return ERR_OK;
}

err_code verify_enrolment(const struct root_meta *first, const struct enrolment *enrolment,
                          struct why *why)
{
    TRY(root_verify_first(first, &JUDGE_SOFT, why));
    if (!digest_eq(&first->digest, &enrolment->root))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "the enrolment names other root metadata version 1");
    if (!slice_eq(first->domain, enrolment->domain))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "the root metadata is of \"%.*s\", the enrolment of \"%.*s\"",
                       TERM_ARG(first->domain), TERM_ARG(enrolment->domain));
    return is_tpm(enrolment) ? tpm_names(first, &enrolment->hw, why) : ERR_OK;
}

/* The permit speaks of the gate that the enrolment is of. */
static err_code same_gate(const struct permit *permit, const struct enrolment *enrolment,
                          struct why *why)
{
    if (!slice_eq(permit->record.issuer, enrolment->issuer))
        return why_say(why, ERR_PERMIT_INVALID, "issued by \"%.*s\", the enrolment is of \"%.*s\"",
                       TERM_ARG(permit->record.issuer), TERM_ARG(enrolment->issuer));
    if (!slice_eq(permit->record.operator_id, enrolment->domain))
        return why_say(why, ERR_PERMIT_INVALID, "of domain \"%.*s\", the enrolment is of \"%.*s\"",
                       TERM_ARG(permit->record.operator_id), TERM_ARG(enrolment->domain));
    if (permit->record.simulated != enrolment->hw.about.simulator)
        return why_say(why, ERR_PERMIT_INVALID, "the permit says %s, the enrolment %s",
                       permit->record.simulated ? "simulated" : "not simulated",
                       enrolment->hw.about.simulator ? "simulator" : "no simulator");
    if (!slice_eq_str(permit->record.hardware, enrolment->hw.about.model))
        return why_say(why, ERR_PERMIT_INVALID,
                       "the permit names hardware \"%.*s\", the enrolment \"%s\"",
                       TERM_ARG(permit->record.hardware), enrolment->hw.about.model);
    return ERR_OK;
}

static err_code same_snapshot(const struct permit *permit, const struct digest *sealed,
                              struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (digest_eq(&permit->receipt.snapshot, sealed))
        return ERR_OK;
    digest_text(&permit->receipt.snapshot, ours);
    digest_text(sealed, theirs);
    return why_say(why, ERR_PERMIT_INVALID,
                   "the receipt names snapshot %s, the token was stepped to epoch %llu for %s",
                   ours, (unsigned long long)permit->record.epoch, theirs);
}

/* Seal -> epoch and receipt key. The seal's binding needs the tree head, which the receipt gives:
 * for a TPM the receipt key is the enrolled one, for a token it comes out of the seal itself. */
static err_code judge_seal(const struct enrolment *enrolment, struct verified *out, struct why *why)
{
    const struct permit *permit = &out->permit;
    const struct hw_seal seal = {
        .kind = permit->seal.kind,
        .statement = {(uint8_t *)(uintptr_t)permit->seal.statement.ptr, permit->seal.statement.len,
                      0},
        .sig = {(uint8_t *)(uintptr_t)permit->seal.sig.ptr, permit->seal.sig.len, 0},
    };
    const struct hw_seal_head head = {
        .tree_size = out->checkpoint.size,
        .round = permit->receipt.round,
        .epoch = permit->receipt.epoch,
        .tree_root = out->checkpoint.root,
        .snapshot = permit->receipt.snapshot,
        .signer = permit->receipt.signer,
    };
    struct hardware_sealed sealed;
    struct digest binding;

    if (permit->seal.kind == HW_SEAL_NONE && is_tpm(enrolment) && !enrolment->hw.about.seals) {
        out->epoch =
            permit->record.epoch; /* as the signed record says; nobody else vouches for it */
        return ERR_OK;
    }
    TRY(hw_seal_binding(&head, &binding));
    TRY(hardware_seal_verify(&enrolment->hw, &seal, &binding, &sealed, why));
    out->epoch = sealed.epoch;
    out->receipt_key = sealed.receipt_key;
    out->sealed = true;
    if (out->epoch != permit->record.epoch)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the record says epoch %llu, the hardware certifies %llu",
                       (unsigned long long)permit->record.epoch, (unsigned long long)out->epoch);
    return sealed.names_snapshot ? same_snapshot(permit, &sealed.snapshot, why) : ERR_OK;
}

/* The tree head that the receipt's path leads to; its signature is judged after the seal has said
 * which key it is. */
static err_code tree_head(struct verified *out, struct why *why)
{
    struct permit *permit = &out->permit;
    struct digest leaf;

    TRY(tree_leaf(buf_slice(&permit->entry), &leaf));
    out->checkpoint.size = permit->receipt.tree_size;
    if (tree_root_from(&leaf, permit->receipt.leaf_index, permit->receipt.tree_size,
                       &permit->receipt.path, &out->checkpoint.root) != ERR_OK)
        return why_say(why, ERR_PERMIT_INVALID,
                       "the inclusion path does not fit entry %llu of %llu",
                       (unsigned long long)permit->receipt.leaf_index,
                       (unsigned long long)permit->receipt.tree_size);
    return ERR_OK;
}

static err_code judge_signatures(struct verified *out, struct why *why)
{
    struct permit *permit = &out->permit;
    struct checkpoint again;

    TRY(receipt_verify(&permit->receipt, buf_slice(&permit->entry), &out->receipt_key, &again,
                       why));
    TRY(record_verify(&permit->rotation, &out->receipt_key, why));
    return record_verify(&permit->record, &permit->rotation.key, why);
}

/* The certificates say what the seal says, to those who know no seals: the device's is of the
 * enrolled key. They are judged at the time of the record: what has expired since held then. */
static err_code judge_chain(const struct enrolment *enrolment, const struct verified *out,
                            struct why *why)
{
    const struct permit *permit = &out->permit;
    bool own = hw_pubkey_eq(hw_enrolment_device(&enrolment->hw), &out->receipt_key);

    if (permit->chain.n == 0)
        return why_say(why, ERR_PERMIT_INVALID, "the permit carries no certificates");
    return issuer_check(enrolment, &permit->chain, own ? 1 : 2,
                        (int64_t)(permit->record.action_ms / 1000), why);
}

static err_code verify(struct slice bytes, const struct enrolment *enrolment, struct verified *ret,
                       struct why *why)
{
    TRY(permit_parse(bytes, &ret->permit, why));
    TRY(same_gate(&ret->permit, enrolment, why));
    TRY(tree_head(ret, why));
    TRY(judge_seal(enrolment, ret, why));
    TRY(judge_signatures(ret, why));
    return judge_chain(enrolment, ret, why);
}

err_code verify_permit(struct slice bytes, const struct enrolment *enrolment, struct verified *ret,
                       struct why *why)
{
    err_code err;

    *ret = (struct verified){0};
    ret->receipt_key = enrolment->hw.receipt;
    err = verify(bytes, enrolment, ret, why);
    if (err != ERR_OK)
        verified_free(ret);
    return err;
}
