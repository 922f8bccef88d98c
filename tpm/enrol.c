/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol.c: makes the counter and the two keys, or finds the ones that an earlier enrol made, in
 * whatever state it was interrupted, and finishes. It deletes nothing that was used and overwrites
 * nothing. The owner authorization is used here and nowhere else.
 *
 * Base: it is part of the counter's Name, so it must be known before the counter is defined; and a
 * fresh counter begins above every counter that this TPM ever had. A scratch counter, made and
 * removed, tells where the next one will begin. If that is at or below the fleet's base (that of
 * the BUMP grant for epoch 0), the gate has the fleet's and the counter is padded up to it; if
 * above, the gate has a base of its own: just that number.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "tpm/command.h"
#include "tpm/internal.h"
#include "tpm/owner.h"
#include "tpm/pubkey.h"
#include "tpm/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BASE_MAX 48
/* How far from where the counter stands a base is looked for when the hint is lost. */
#define SEARCH_ABOVE 16u
#define SEARCH_BELOW 4096u

/* --- which base an earlier enrol chose: a hint; the counter's Name decides --- */

static err_code base_path(const struct tpm_root *root, struct buf *ret)
{
    return root->options.store_dir == NULL ? ERR_NOT_FOUND
                                           : path_join(root->options.store_dir, "base", ret);
}

/* "BASE 0xINDEX\n": what an earlier enrol chose at this index. */
static bool base_read(const struct tpm_root *root, uint64_t *ret)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};
    uint64_t index;
    char *space;

    if (base_path(root, &path) != ERR_OK ||
        file_read((const char *)path.ptr, BASE_MAX, &text, NULL) != ERR_OK || text.len == 0)
        return false;
    buf_cut(&text, text.len - 1);
    if (buf_terminate(&text) != ERR_OK)
        return false;
    space = strchr((char *)text.ptr, ' ');
    if (space == NULL)
        return false;
    *space = '\0';
    return number_parse((const char *)text.ptr, UINT64_MAX, ret) == ERR_OK &&
           number_parse(space + 1, UINT32_MAX, &index) == ERR_OK && index == root->plan.index;
}

static err_code base_write(const struct tpm_root *root, uint64_t base, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    char text[BASE_MAX];
    int len = snprintf(text, sizeof text, "%" PRIu64 " 0x%08" PRIx32 "\n", base, root->plan.index);

    if (root->options.store_dir == NULL)
        return ERR_OK;
    TRY(base_path(root, &path));
    return file_write((const char *)path.ptr, (struct slice){(const uint8_t *)text, (size_t)len},
                      0600, why);
}

/* --- the scratch counter --- */

/* Is it there, left by an enrol that was killed? Anything else at its place is somebody else's. */
static err_code scratch_look(struct tpm_root *root, bool *ret, struct why *why)
{
    uint8_t fresh[HW_TPM_NAME_LEN], written[HW_TPM_NAME_LEN];
    TPM2_HANDLE index = root->uri.scratch;
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;
    TSS2_RC rc = tpm_nv_read_public(&root->chip, index, &area, &name);

    *ret = rc == TPM2_RC_SUCCESS;
    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return ERR_OK;
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_NV_ReadPublic", why);
    TRY(tpm_scratch_name(index, false, fresh));
    TRY(tpm_scratch_name(index, true, written));
    if (!tpm_name_is(&name, fresh) && !tpm_name_is(&name, written))
        return why_say(why, ERR_COUNTER_FOREIGN,
                       "enrolment needs NV index 0x%08" PRIx32
                       " for a moment, and something else is there, attributes 0x%08" PRIx32
                       ": name a free one with scratch= in the URI",
                       index, area.nvPublic.attributes);
    return ERR_OK;
}

static err_code scratch_remove(struct tpm_root *root, const TPM2B_AUTH *owner, struct why *why)
{
    TSS2_RC rc = tpm_nv_undefine(&root->chip, owner, root->uri.scratch);

    return rc == TPM2_RC_SUCCESS ? ERR_OK
                                 : tpm_chip_fail(&root->chip, rc, "TPM2_NV_UndefineSpace", why);
}

/* Where a counter begins that is made next: above all that ever were, the scratch counter included.
 * One that was left behind is made anew: others may have gone past it since. */
static err_code next_counter(struct tpm_root *root, const TPM2B_AUTH *owner, uint64_t *ret,
                             struct why *why)
{
    CLEANUP(buf_free) struct buf area = {0};
    struct tpm_chip *chip = &root->chip;
    const char *doing = "TPM2_NV_Increment";
    uint64_t value = 0;
    bool there;
    TSS2_RC rc;

    TRY(scratch_look(root, &there, why));
    if (there)
        TRY(scratch_remove(root, owner, why));
    TRY(tpm_scratch_public(root->uri.scratch, false, &area));
    rc = tpm_nv_define(chip, owner, buf_slice(&area));
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_NV_DefineSpace", why);
    rc = tpm_nv_increment_plain(chip, root->uri.scratch);
    if (rc == TPM2_RC_SUCCESS) {
        doing = "TPM2_NV_Read";
        rc = tpm_nv_read_counter(chip, root->uri.scratch, &value);
    }
    if (rc != TPM2_RC_SUCCESS) {
        if (!chip->broken)
            (void)tpm_nv_undefine(chip, owner, root->uri.scratch);
        return tpm_chip_fail(chip, rc, doing, why);
    }
    TRY(scratch_remove(root, owner, why));
    if (value == UINT64_MAX)
        return why_say(why, ERR_TPM_FAILED, "the TPM's counters stand at %" PRIu64, value);
    *ret = value + 1;
    return ERR_OK;
}

/* --- the counter --- */

/* Compares the index that is there with one of ours that has this base. Keeps the plan if so. */
static bool has_base(struct tpm_root *root, uint64_t base, bool *ret_written)
{
    return tpm_plan_rebase(&root->plan, base) == ERR_OK &&
           tpm_counter_compare(root, ret_written, NULL) == ERR_OK;
}

/* The same without the TPM, for many bases. */
static bool search_base(struct tpm_root *root, const TPM2B_NAME *name, uint64_t near)
{
    uint64_t base = near < UINT64_MAX - SEARCH_ABOVE ? near + SEARCH_ABOVE : near;

    for (unsigned i = 0; i < SEARCH_ABOVE + SEARCH_BELOW && base > 0; i++, base--)
        if (tpm_plan_rebase(&root->plan, base) == ERR_OK &&
            (tpm_name_is(name, root->plan.index_name) || tpm_name_is(name, root->plan.fresh_name)))
            return true;
    return false;
}

/* An index that could be ours but for its policy, so that asking it for its value does no harm. */
static bool looks_like_ours(const TPMS_NV_PUBLIC *area)
{
    const TPMA_NV ours = TPM_NV_COUNTER | TPM_NV_POLICYWRITE | TPM_NV_AUTHREAD | TPM_NV_NO_DA;

    return area->nameAlg == TPM2_ALG_SHA256 && area->dataSize == 8 &&
           (area->attributes & ~(TPMA_NV)TPMA_NV_WRITTEN) == ours;
}

/* The hint, the fleet's base, and where those two fail, bases about where the counter stands.
 * COUNTER_FOREIGN when none gives the index its Name. */
static err_code find_base(struct tpm_root *root, const TPM2B_AUTH *owner, uint64_t fleet,
                          bool *ret_written, struct why *why)
{
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;
    uint64_t near = 0;
    TSS2_RC rc;

    if ((base_read(root, &near) && has_base(root, near, ret_written)) ||
        has_base(root, fleet, ret_written))
        return ERR_OK;
    rc = tpm_nv_read_public(&root->chip, root->plan.index, &area, &name);
    if (rc == TPM2_RC_SUCCESS && looks_like_ours(&area.nvPublic)) {
        if ((area.nvPublic.attributes & TPMA_NV_WRITTEN) != 0)
            TRY(tpm_counter(root, &near, why));
        else
            TRY(next_counter(root, owner, &near, why));
        if (search_base(root, &name, near))
            return tpm_counter_compare(root, ret_written, why);
        TRY(tpm_plan_rebase(&root->plan, fleet));
    }
    return tpm_counter_compare(root, ret_written, why);
}

/* Settles the base and defines the counter. */
static err_code make_counter(struct tpm_root *root, const TPM2B_AUTH *owner, uint64_t fleet,
                             bool *ret_written, struct why *why)
{
    CLEANUP(buf_free) struct buf area = {0};
    uint64_t base = 0;
    TSS2_RC rc;

    TRY(next_counter(root, owner, &base, why));
    if (base < fleet)
        base = fleet;
    TRY(base_write(root, base, why));
    TRY(tpm_plan_rebase(&root->plan, base));
    TRY(tpm_counter_public(&root->plan, false, &area));
    rc = tpm_nv_define(&root->chip, owner, buf_slice(&area));
    if (rc != TPM2_RC_SUCCESS && rc != TPM2_RC_NV_DEFINED)
        return tpm_chip_fail(&root->chip, rc, "TPM2_NV_DefineSpace", why);
    return tpm_counter_compare(root, ret_written, why);
}

static TSS2_RC run_increment(struct tpm_root *root, struct tpm_use *use)
{
    (void)use;
    return tpm_nv_increment(&root->chip, root->plan.index);
}

static err_code first_increment(struct tpm_root *root, const struct hw_owner *owner,
                                struct why *why)
{
    const struct tpm_terms terms = {.kind = HW_GRANT_FIRST};
    struct tpm_use use = {run_increment, "TPM2_NV_Increment"};
    struct tpm_approval approval;

    TRY(tpm_approve(root, &terms, owner->grants, owner->n_grants, &approval, why));
    return tpm_use_approved(root, &approval, &use, why);
}

/* The fleet's base: what the BUMP grant of epoch 0 for our index says. */
static err_code fleet_base(const struct tpm_root *root, const struct hw_owner *owner, uint64_t *ret,
                           struct why *why)
{
    for (size_t i = 0; i < owner->n_grants; i++) {
        const struct hw_grant *g = &owner->grants[i];

        if (g->kind == HW_GRANT_BUMP && g->epoch == 0 && g->index == root->uri.index) {
            *ret = g->base;
            return ERR_OK;
        }
    }
    return why_say(why, ERR_GRANT_INVALID,
                   "none of %zu grants is a bump grant for epoch 0 and NV index 0x%08" PRIx32
                   "; the bundle to enrol with is the authority's enrol.bundle",
                   owner->n_grants, root->uri.index);
}

static err_code pad_counter(struct tpm_root *root, const struct hw_owner *owner, uint64_t base,
                            struct why *why)
{
    const struct tpm_terms terms = {.kind = HW_GRANT_BUMP, .base = base};
    struct tpm_approval approval;
    uint64_t counter;

    TRY(tpm_counter(root, &counter, why));
    if (counter >= base)
        return ERR_OK;
    TRY(tpm_approve(root, &terms, owner->grants, owner->n_grants, &approval, why));
    return tpm_increment_to(root, &approval, base, why);
}

/* The first increment, and the padding. Nothing is counted from a counter that began above its
 * base: the caller is told, and may decide to go on from there. */
static err_code raise_counter(struct tpm_root *root, const struct hw_owner *owner, bool written,
                              struct why *why)
{
    uint64_t base = root->plan.base, counter;

    if (!written) {
        TRY(first_increment(root, owner, why));
        TRY(tpm_counter(root, &counter, why));
        if (counter > base)
            return why_say(why, ERR_TPM_BUSY,
                           "somebody made counters meanwhile: NV index 0x%08" PRIx32
                           " began at %" PRIu64 ", above its base %" PRIu64
                           ". Enrolled again, this gate begins at epoch %" PRIu64
                           "; if that is too far, remove the index first",
                           root->plan.index, counter, base, counter - base);
    }
    return pad_counter(root, owner, base, why);
}

/* What can be known before anything is made: that the index is free or ours, that nobody is in the
 * way of the scratch counter, and that the grants that it will take are there and good. The plan
 * has the counter's base afterwards, or the fleet's while there is none. */
static err_code look_first(struct tpm_root *root, const struct hw_owner *owner,
                           const TPM2B_AUTH *auth, bool *ret_there, bool *ret_written,
                           struct why *why)
{
    const struct tpm_terms first = {.kind = HW_GRANT_FIRST};
    const struct tpm_terms pad = {.kind = HW_GRANT_BUMP, .base = root->plan.base};
    struct tpm_approval approval;
    bool scratch;
    err_code err = find_base(root, auth, pad.base, ret_written, why);

    *ret_there = err == ERR_OK;
    if (err == ERR_COUNTER_MISSING)
        err = scratch_look(root, &scratch, why);
    if (err != ERR_OK || *ret_written)
        return err;
    TRY(tpm_approve(root, &first, owner->grants, owner->n_grants, &approval, why));
    if (root->plan.base != pad.base)
        return ERR_OK; /* begins at its base, or above */
    return tpm_approve(root, &pad, owner->grants, owner->n_grants, &approval, why);
}

/* What is there already was made from this directory, or is to be taken over. The counter's base is
 * durable here before the counter steps, and so is the authorization of the heads before there is
 * one of them: an enrol that was killed is known by either. Keys alone keep nothing, nor does a
 * counter that never stepped. */
static err_code not_taken(struct tpm_root *root, const struct hw_owner *owner, bool counter,
                          bool heads, struct why *why)
{
    const uint32_t *index = root->heads.plan.index;
    char which[64] = "the counter";
    char at[48] = "";
    uint64_t base, epoch;

    if ((!counter && !heads) || root->options.take_over || root->options.store_dir == NULL ||
        tpm_heads_known(root) || (!heads && base_read(root, &base) && base == root->plan.base))
        return ERR_OK;
    root->base = root->plan.base;
    if (counter && tpm_epoch(root, &epoch, NULL) == ERR_OK)
        (void)snprintf(at, sizeof at, ", which stands at epoch %" PRIu64, epoch);
    if (heads)
        (void)snprintf(which, sizeof which,
                       "the ledger's head (0x%08" PRIx32 ", 0x%08" PRIx32 ", 0x%08" PRIx32 ")",
                       index[TPM_HEAD_ROUNDS], index[TPM_HEAD_CHAIN], index[TPM_HEAD_DURABLE]);
    return why_say(why, ERR_GATE_EXISTS,
                   "the TPM has %s of a gate of \"%s\" already (counter: 0x%08" PRIx32 "%s), and "
                   "\"%s\" does not know it. With --again that gate is refused from then on "
                   "(HEAD_MISSING), its ledger ends, and a new one begins here",
                   which, owner->domain, root->uri.index, at, root->options.store_dir);
}

/* --- the keys --- */

/* What a key is to be, and where. */
struct key_place {
    enum tpm_purpose purpose;
    TPM2_HANDLE handle;
    bool there; /* at its handle already */
    struct hw_pubkey *ret;
    uint8_t *ret_name;
};

/* The transient key of a place. A primary key comes out the same each time (part 1, 27.2.3). Owns:
 * the caller flushes. */
static err_code make_key(struct tpm_root *root, const TPM2B_AUTH *owner, enum tpm_purpose purpose,
                         struct tpm_primary *ret, struct why *why)
{
    struct tpm_chip *chip = &root->chip;
    CLEANUP(buf_free) struct buf template = {0};
    TSS2_RC rc;

    TRY(tpm_key_public(&root->plan, purpose, NULL, &template));
    rc = tpm_create_primary(chip, owner, NULL, buf_slice(&template), ret);
    if (tpm_chip_room(chip, rc))
        rc = tpm_create_primary(chip, owner, NULL, buf_slice(&template), ret);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, rc, "TPM2_CreatePrimary", why);
    return ERR_OK;
}

/* Whether the handle is free or has just this key. */
static err_code look_at_handle(struct tpm_root *root, struct key_place *place, struct why *why)
{
    TPM2B_PUBLIC area;
    TPM2B_NAME name;
    TSS2_RC rc = tpm_read_public(&root->chip, place->handle, &area, &name);

    if (tpm_chip_room(&root->chip, rc))
        rc = tpm_read_public(&root->chip, place->handle, &area, &name);
    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return ERR_OK;
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_ReadPublic", why);
    if (name.size != HW_TPM_NAME_LEN || memcmp(name.name, place->ret_name, HW_TPM_NAME_LEN) != 0)
        return why_say(why, ERR_HANDLE_FOREIGN,
                       "there is another key at 0x%08" PRIx32
                       ": its Name ends %02x%02x%02x%02x, ours %02x%02x%02x%02x",
                       place->handle, name.name[30], name.name[31], name.name[32], name.name[33],
                       place->ret_name[30], place->ret_name[31], place->ret_name[32],
                       place->ret_name[33]);
    place->there = true;
    return ERR_OK;
}

/* Finds out which key it is to be, by making it once, and looks whether it is there. */
static err_code find_key(struct tpm_root *root, const TPM2B_AUTH *owner, struct key_place *place,
                         struct why *why)
{
    struct tpm_primary made;
    TSS2_RC rc;

    TRY(make_key(root, owner, place->purpose, &made, why));
    rc = tpm_flush(&root->chip, made.handle);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_FlushContext", why);
    TRY(tpm_pubkey_of(&made.area.publicArea, place->ret, why));
    TRY(tpm_key_name(&root->plan, place->purpose, place->ret, place->ret_name));
    if (made.name.size != HW_TPM_NAME_LEN ||
        memcmp(made.name.name, place->ret_name, HW_TPM_NAME_LEN) != 0)
        return why_say(why, ERR_TPM_FAILED,
                       "the TPM made a key with attributes 0x%08" PRIx32 " that was not asked for",
                       made.area.publicArea.objectAttributes);
    return look_at_handle(root, place, why);
}

static err_code keep_key(struct tpm_root *root, const TPM2B_AUTH *owner,
                         const struct key_place *place, struct why *why)
{
    struct tpm_primary made;
    TSS2_RC rc, flushed;

    if (place->there)
        return ERR_OK;
    TRY(make_key(root, owner, place->purpose, &made, why));
    rc = tpm_evict(&root->chip, owner, made.handle, place->handle);
    if (!tpm_rc_from_chip(rc))
        return tpm_chip_fail(&root->chip, rc, "TPM2_EvictControl", why);
    flushed = tpm_flush(&root->chip, made.handle);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_EvictControl", why);
    if (flushed != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, flushed, "TPM2_FlushContext", why);
    return ERR_OK;
}

/* Both are compared before one is kept. Only one is in the TPM's working memory at a time: chips
 * have room for three objects, and a key at a persistent handle takes a place while it is used. */
static err_code have_keys(struct tpm_root *root, const TPM2B_AUTH *owner,
                          struct hw_enrolment *enrolment, struct why *why)
{
    struct key_place places[] = {
        {TPM_PURPOSE_SIGN, root->uri.receipt, false, &enrolment->receipt, enrolment->receipt_name},
        {TPM_PURPOSE_CERTIFY, root->uri.seal, false, &enrolment->seal, enrolment->seal_name},
    };

    for (size_t i = 0; i < 2; i++)
        TRY(find_key(root, owner, &places[i], why));
    for (size_t i = 0; i < 2; i++)
        TRY(keep_key(root, owner, &places[i], why));
    return ERR_OK;
}

/* The work; enrol itself only sees to it that the authorization is gone afterwards. */
static err_code enrol_with(struct tpm_root *root, const struct hw_owner *owner,
                           const TPM2B_AUTH *auth, struct hw_enrolment *ret, struct why *why)
{
    struct hw_enrolment out = {.index = root->uri.index,
                               .receipt_handle = root->uri.receipt,
                               .seal_handle = root->uri.seal};
    uint64_t fleet = root->plan.base;
    bool there = false, heads = false;
    bool written = false;

    TRY(tpm_chip_ready(&root->chip, why));
    TRY(look_first(root, owner, auth, &there, &written, why));
    TRY(tpm_heads_look(root, &heads, why));
    TRY(not_taken(root, owner, written, heads, why));
    TRY(have_keys(root, auth, &out, why));
    if (!there)
        TRY(make_counter(root, auth, fleet, &written, why));
    TRY(base_write(root, root->plan.base, why));
    TRY(raise_counter(root, owner, written, why));
    root->base = root->plan.base;
    TRY(tpm_epoch(root, &out.epoch, why));
    TRY(tpm_counter_compare(root, &written, why));
    TRY(tpm_heads_make(root, auth, why));
    out.base = root->base;
    out.about = root->chip.about;
    memcpy(out.index_name, root->plan.index_name, sizeof out.index_name);
    *ret = out;
    return ERR_OK;
}

err_code tpm_root_enrol(struct hw_root *hw, const struct hw_owner *owner, struct hw_enrolment *ret,
                        struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    struct tpm_facts facts = {owner->domain,    owner->root,     owner->ratchet,
                              owner->n_ratchet, root->uri.index, 0};
    CLEANUP(tpm_auth_wipe) TPM2B_AUTH auth = {0};
    err_code err;

    root->attached = root->prepared = root->begun = false;
    TRY(fleet_base(root, owner, &facts.base, why));
    TRY(tpm_plan_make(&facts, &root->plan, why));
    TRY(tpm_auth_read(root->options.owner_auth_file, &auth, why));
    err = enrol_with(root, owner, &auth, ret, why);
    tpm_chip_forget(&root->chip);
    return err;
}
