/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c: finds what enrol made and compares all of it, octet by octet, with what the owner's
 * root metadata and the enrolment say it must be. */
#include "tpm/command.h"
#include "tpm/internal.h"

#include <inttypes.h>
#include <string.h>

bool tpm_name_is(const TPM2B_NAME *name, const uint8_t want[static HW_TPM_NAME_LEN])
{
    return name->size == HW_TPM_NAME_LEN && memcmp(name->name, want, HW_TPM_NAME_LEN) == 0;
}

/* Says in what an index differs; the Name has decided already. */
static err_code counter_foreign(const struct tpm_root *root, const TPMS_NV_PUBLIC *found,
                                struct why *why)
{
    const struct digest *want = &root->plan.auth[TPM_PURPOSE_BUMP];

    if (found->authPolicy.size != sizeof want->bytes ||
        memcmp(found->authPolicy.buffer, want->bytes, sizeof want->bytes) != 0)
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "the policy of NV index 0x%08" PRIx32 " begins %02x%02x%02x%02x (%u bytes), "
                       "ours of base %" PRIu64 " %02x%02x%02x%02x",
                       root->plan.index, found->authPolicy.buffer[0], found->authPolicy.buffer[1],
                       found->authPolicy.buffer[2], found->authPolicy.buffer[3],
                       found->authPolicy.size, root->plan.base, want->bytes[0], want->bytes[1],
                       want->bytes[2], want->bytes[3]);
    return why_say(why, ERR_COUNTER_FOREIGN,
                   "NV index 0x%08" PRIx32 " has attributes 0x%08" PRIx32
                   " and %u bytes; ours is 0x%08" PRIx32 " with 8",
                   root->plan.index, found->attributes, found->dataSize,
                   (uint32_t)(TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT | TPMA_NV_POLICYWRITE |
                              TPMA_NV_AUTHREAD | TPMA_NV_NO_DA | TPMA_NV_WRITTEN));
}

err_code tpm_counter_compare(struct tpm_root *root, bool *ret_written, struct why *why)
{
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;
    TSS2_RC rc = tpm_nv_read_public(&root->chip, root->plan.index, &area, &name);

    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return why_foreign(why, ERR_COUNTER_MISSING, "TPM_RC", rc,
                           "there is no NV index 0x%08" PRIx32, root->plan.index);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_NV_ReadPublic", why);
    if (tpm_name_is(&name, root->plan.index_name))
        *ret_written = true;
    else if (tpm_name_is(&name, root->plan.fresh_name))
        *ret_written = false;
    else
        return counter_foreign(root, &area.nvPublic, why);
    return ERR_OK;
}

static err_code compare_counter(struct tpm_root *root, struct why *why)
{
    const struct hw_enrolment *enrolment = &root->enrolment;
    bool written = false;
    uint64_t epoch;

    TRY(tpm_counter_compare(root, &written, why));
    /* One that was never incremented has no value, which reading it says. */
    TRY(tpm_epoch(root, &epoch, why));
    if (epoch < enrolment->epoch)
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "the counter gives epoch %" PRIu64 ", at enrolment it was %" PRIu64
                       " already: not the same counter",
                       epoch, enrolment->epoch);
    return ERR_OK;
}

/* The key at a handle must be the enrolled one: same point, and the attributes and the policy that
 * the plan gives. All of that is in its Name. */
static err_code compare_key(struct tpm_root *root, TPM2_HANDLE handle, enum tpm_purpose purpose,
                            const struct hw_pubkey *key, struct why *why)
{
    const char *text = purpose == TPM_PURPOSE_SIGN ? "receipt" : "seal";
    uint8_t want[HW_TPM_NAME_LEN];
    TPM2B_PUBLIC area;
    TPM2B_NAME name;
    TSS2_RC rc = tpm_read_public(&root->chip, handle, &area, &name);

    if (tpm_chip_room(&root->chip, rc))
        rc = tpm_read_public(&root->chip, handle, &area, &name);
    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return why_foreign(why, ERR_TPM_KEY_MISSING, "TPM_RC", rc,
                           "the counter is there, but no %s key at 0x%08" PRIx32, text, handle);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_ReadPublic", why);
    TRY(tpm_key_name(&root->plan, purpose, key, want));
    if (!tpm_name_is(&name, want))
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "the Name of the key at 0x%08" PRIx32
                       " ends %02x%02x%02x%02x, that of our %s "
                       "key %02x%02x%02x%02x",
                       handle, name.name[30], name.name[31], name.name[32], name.name[33], text,
                       want[30], want[31], want[32], want[33]);
    return ERR_OK;
}

/* The enrolment is a file: what can be computed must agree with it. */
static err_code compare_enrolment(const struct tpm_root *root, const struct hw_enrolment *e,
                                  struct why *why)
{
    uint8_t name[HW_TPM_NAME_LEN];

    if (e->index != root->uri.index)
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "the enrolment has NV index 0x%08" PRIx32 ", the URI 0x%08" PRIx32, e->index,
                       root->uri.index);
    if (e->receipt_handle != root->uri.receipt || e->seal_handle != root->uri.seal)
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "the enrolment has keys at 0x%08" PRIx32 " and 0x%08" PRIx32
                       ", the URI says 0x%08" PRIx32 " and 0x%08" PRIx32,
                       e->receipt_handle, e->seal_handle, root->uri.receipt, root->uri.seal);
    if (memcmp(e->index_name, root->plan.index_name, sizeof e->index_name) != 0)
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "the counter of the enrolment belongs to another root metadata or base: "
                       "its Name ends %02x%02x%02x%02x, that of base %" PRIu64 " %02x%02x%02x%02x",
                       e->index_name[30], e->index_name[31], e->index_name[32], e->index_name[33],
                       e->base, root->plan.index_name[30], root->plan.index_name[31],
                       root->plan.index_name[32], root->plan.index_name[33]);
    if (e->receipt.alg != HW_ES256 || e->seal.alg != HW_ES256)
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "the enrolment has %s and %s keys, a TPM root ES256 ones",
                       hw_alg_name(e->receipt.alg), hw_alg_name(e->seal.alg));
    TRY(tpm_key_name(&root->plan, TPM_PURPOSE_SIGN, &e->receipt, name));
    if (memcmp(name, e->receipt_name, sizeof name) != 0)
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "the receipt key of the enrolment belongs to another root metadata");
    TRY(tpm_key_name(&root->plan, TPM_PURPOSE_CERTIFY, &e->seal, name));
    if (memcmp(name, e->seal_name, sizeof name) != 0)
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "the seal key of the enrolment belongs to another root metadata");
    return ERR_OK;
}

err_code tpm_root_compare(struct tpm_root *root, struct why *why)
{
    const struct hw_enrolment *e = &root->enrolment;

    TRY(compare_counter(root, why));
    TRY(compare_key(root, e->receipt_handle, TPM_PURPOSE_SIGN, &e->receipt, why));
    return compare_key(root, e->seal_handle, TPM_PURPOSE_CERTIFY, &e->seal, why);
}

err_code tpm_root_compare_all(struct tpm_root *root, const struct hw_owner *owner,
                              const struct hw_enrolment *enrolment, struct why *why)
{
    const struct tpm_facts facts = {owner->domain,    owner->root,     owner->ratchet,
                                    owner->n_ratchet, root->uri.index, enrolment->base};

    TRY(tpm_plan_make(&facts, &root->plan, why));
    TRY(compare_enrolment(root, enrolment, why));
    root->enrolment = *enrolment;
    root->base = enrolment->base;
    TRY(tpm_chip_ready(&root->chip, why));
    return tpm_root_compare(root, why);
}

err_code tpm_root_attach(struct hw_root *hw, const struct hw_owner *owner,
                         const struct hw_enrolment *enrolment, struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    uint64_t epoch;

    root->attached = root->prepared = root->begun = root->heads.known = false;
    TRY(tpm_root_compare_all(root, owner, enrolment, why));
    TRY(tpm_epoch(root, &epoch, why));
    TRY(tpm_settle(root, epoch, why));
    root->attached = true;
    return ERR_OK;
}
