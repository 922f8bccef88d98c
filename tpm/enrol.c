/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol.c: makes the counter and the two keys, or finds the ones that an earlier enrol made, in
 * whatever state it was interrupted, and finishes. It deletes nothing and overwrites nothing. The
 * owner authorization is used here and nowhere else.
 *
 * Base: a fresh counter begins above every counter that this TPM ever deleted. If it begins at or
 * below the fleet's base (that of the BUMP grant for epoch 0), it is padded up to it; if above, the
 * gate keeps a base of its own: the value after the first increment, kept in store_dir/base,
 * because later nobody could tell it from a fleet's gate that was bumped.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "tpm/command.h"
#include "tpm/internal.h"
#include "tpm/owner.h"
#include "tpm/pubkey.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BASE_MAX 48

/* --- the base of a gate whose counter began above the fleet's --- */

static err_code base_path(const struct tpm_root *root, struct buf *ret)
{
    return root->options.store_dir == NULL ? ERR_NOT_FOUND
                                           : path_join(root->options.store_dir, "base", ret);
}

/* "BASE 0xINDEX\n". What an earlier enrol at this index wrote: 0 for "about to make the first
 * increment"; the base after it. */
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

/* --- the counter --- */

/* Defines the index unless it is there, ours to the last bit. */
static err_code have_counter(struct tpm_root *root, const TPM2B_AUTH *owner, bool *ret_written,
                             struct why *why)
{
    CLEANUP(buf_free) struct buf area = {0};
    err_code err = tpm_counter_compare(root, ret_written, why);
    TSS2_RC rc;

    if (err != ERR_COUNTER_MISSING)
        return err;
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

        if (g->kind == HW_GRANT_BUMP && g->epoch == 0 && g->index == root->plan.index) {
            *ret = g->base;
            return ERR_OK;
        }
    }
    return why_say(why, ERR_GRANT_INVALID,
                   "none of %zu grants is a bump grant for epoch 0 and NV index 0x%08" PRIx32,
                   owner->n_grants, root->plan.index);
}

static err_code pad_counter(struct tpm_root *root, const struct hw_owner *owner, uint64_t base,
                            struct why *why)
{
    const struct tpm_terms terms = {HW_GRANT_BUMP, base, 0};
    struct tpm_approval approval;
    uint64_t counter;

    TRY(tpm_counter(root, &counter, why));
    if (counter >= base)
        return ERR_OK;
    TRY(tpm_approve(root, &terms, owner->grants, owner->n_grants, &approval, why));
    return tpm_increment_to(root, &approval, base, why);
}

/* Brings the counter to its base, or finds it beyond; settles which base it is. */
static err_code settle_base(struct tpm_root *root, const struct hw_owner *owner, bool written,
                            struct why *why)
{
    uint64_t fleet = 0, counter, kept = 0;
    bool known = base_read(root, &kept);
    bool fresh = !written || (known && kept == 0);

    TRY(fleet_base(root, owner, &fleet, why));
    if (!written) {
        TRY(base_write(root, 0, why));
        TRY(first_increment(root, owner, why));
    }
    TRY(tpm_counter(root, &counter, why));
    if (fresh)
        root->base = counter > fleet ? counter : fleet;
    else
        root->base = known && kept <= counter ? kept : fleet;
    if (fresh && root->base != fleet)
        TRY(base_write(root, root->base, why));
    TRY(pad_counter(root, owner, root->base, why));
    return base_write(root, root->base, why);
}

/* What can be known before anything is made: that the index is free or ours, and that the grants
 * that it will take are there and good. */
static err_code look_first(struct tpm_root *root, const struct hw_owner *owner, struct why *why)
{
    const struct tpm_terms first = {.kind = HW_GRANT_FIRST};
    struct tpm_terms pad = {.kind = HW_GRANT_BUMP};
    struct tpm_approval approval;
    bool written = false;
    err_code err = tpm_counter_compare(root, &written, why);

    if (err != ERR_OK && err != ERR_COUNTER_MISSING)
        return err;
    TRY(fleet_base(root, owner, &pad.base, why));
    if (written)
        return ERR_OK;
    TRY(tpm_approve(root, &first, owner->grants, owner->n_grants, &approval, why));
    return tpm_approve(root, &pad, owner->grants, owner->n_grants, &approval, why);
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

err_code tpm_root_enrol(struct hw_root *hw, const struct hw_owner *owner, struct hw_enrolment *ret,
                        struct why *why)
{
    struct tpm_root *root = (struct tpm_root *)hw;
    const struct tpm_facts facts = {owner->domain, owner->root, owner->ratchet, owner->n_ratchet,
                                    root->uri.index};
    struct hw_enrolment out = {.index = root->uri.index,
                               .receipt_handle = root->uri.receipt,
                               .seal_handle = root->uri.seal};
    CLEANUP(tpm_auth_wipe) TPM2B_AUTH auth = {0};
    bool written = false;

    root->attached = root->prepared = root->begun = false;
    TRY(tpm_plan_make(&facts, &root->plan, why));
    TRY(tpm_auth_read(root->options.owner_auth_file, &auth, why));
    TRY(tpm_chip_ready(&root->chip, why));
    TRY(look_first(root, owner, why));
    TRY(have_keys(root, &auth, &out, why));
    TRY(have_counter(root, &auth, &written, why));
    TRY(settle_base(root, owner, written, why));
    TRY(tpm_epoch(root, &out.epoch, why));
    TRY(tpm_counter_compare(root, &written, why));
    out.base = root->base;
    out.about = root->chip.about;
    memcpy(out.index_name, root->plan.index_name, sizeof out.index_name);
    *ret = out;
    return ERR_OK;
}
