/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head_enrol.c: makes the three indexes of the head, or finds those of an earlier enrol and
 * finishes. The authorization is durable before there is an index that has it.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "tpm/command.h"
#include "tpm/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AUTH_LEN 32

/* --- looking --- */

static err_code foreign(const struct tpm_root *root, enum tpm_head_place place,
                        const TPMS_NV_PUBLIC *found, struct why *why)
{
    static const char *const option[] = {"round", "chain", "head"};

    return why_say(why, ERR_COUNTER_FOREIGN,
                   "NV index 0x%08" PRIx32 " is to keep the ledger's head (%s), and something else "
                   "is there, attributes 0x%08" PRIx32
                   " and %u bytes: name a free one with %s= in the URI",
                   root->heads.plan.index[place], tpm_head_place_name(place), found->attributes,
                   found->dataSize, option[place]);
}

err_code tpm_head_look(struct tpm_root *root, enum tpm_head_place place, enum tpm_head_state *ret,
                       struct why *why)
{
    const struct tpm_head_plan *plan = &root->heads.plan;
    uint8_t fresh[HW_TPM_NAME_LEN], written[HW_TPM_NAME_LEN];
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;
    TSS2_RC rc = tpm_nv_read_public(&root->chip, plan->index[place], &area, &name);

    *ret = TPM_HEAD_ABSENT;
    if (tpm_rc_error(rc) == TPM2_RC_HANDLE)
        return ERR_OK;
    if (rc != TPM2_RC_SUCCESS)
        return tpm_chip_fail(&root->chip, rc, "TPM2_NV_ReadPublic", why);
    TRY(tpm_head_name(plan, place, false, fresh));
    TRY(tpm_head_name(plan, place, true, written));
    if (tpm_name_is(&name, written))
        *ret = TPM_HEAD_WRITTEN;
    else if (tpm_name_is(&name, fresh))
        *ret = TPM_HEAD_FRESH;
    else
        return foreign(root, place, &area.nvPublic, why);
    return ERR_OK;
}

static err_code can_count(const struct tpm_root *root, struct why *why)
{
    uint32_t orderly = root->heads.plan.orderly;

    if (orderly > 0 && orderly <= TPM_ORDERLY_MAX && (orderly & (orderly + 1)) == 0)
        return ERR_OK;
    return why_say(why, ERR_UNSUPPORTED,
                   "the TPM's orderly counters may lose %" PRIu32
                   " steps (TPM_PT_ORDERLY_COUNT), and pawl wants 2^n - 1 of at most %u",
                   orderly, TPM_ORDERLY_MAX);
}

bool tpm_heads_known(const struct tpm_root *root)
{
    static const char *const NAMES[] = {TPM_HEAD_AUTH, TPM_HEAD_AUTH_BEFORE};
    bool known = false;

    for (size_t i = 0; i < 2 && !known; i++) {
        CLEANUP(buf_free) struct buf path = {0};
        known = path_join(root->options.store_dir, NAMES[i], &path) == ERR_OK &&
                file_exists((const char *)path.ptr);
    }
    return known;
}

err_code tpm_heads_look(struct tpm_root *root, bool *ret_there, struct why *why)
{
    enum tpm_head_state state;

    *ret_there = false;
    tpm_heads_plan(root);
    if (root->options.store_dir == NULL)
        return ERR_OK;
    TRY(can_count(root, why));
    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        TRY(tpm_head_look(root, place, &state, why));
        *ret_there = *ret_there || state != TPM_HEAD_ABSENT;
    }
    return ERR_OK;
}

/* --- the authorization --- */

static err_code auth_parse(struct slice text, const char *path, TPM2B_AUTH *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf octets = {0};

    if (text.len != (size_t)2 * AUTH_LEN || hex_decode((const char *)text.ptr, &octets) != ERR_OK ||
        octets.len != AUTH_LEN)
        return why_say(why, ERR_STATE_CORRUPT, "\"%s\" is not %d hex digits", path, 2 * AUTH_LEN);
    ret->size = AUTH_LEN;
    memcpy(ret->buffer, octets.ptr, AUTH_LEN);
    return ERR_OK;
}

err_code tpm_head_auth(const struct tpm_root *root, const char *name, TPM2B_AUTH *ret,
                       struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, text = {0};

    TRY(path_join(root->options.store_dir, name, &path));
    TRY(file_read_secret((const char *)path.ptr, &text, why));
    return auth_parse(buf_slice(&text), (const char *)path.ptr, ret, why);
}

/* A TPM cuts zeroes off the end of an authorization (part 1, 19.6.4.3), so there are none. */
static err_code auth_write(struct tpm_root *root, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    TPM2B_AUTH *auth = &root->heads.auth;
    char text[2 * AUTH_LEN + 1];
    err_code err;

    if (RAND_bytes(auth->buffer, AUTH_LEN) != 1)
        return why_say(why, ERR_INTERNAL, "OpenSSL has no random numbers");
    auth->buffer[AUTH_LEN - 1] |= 1;
    auth->size = AUTH_LEN;
    hex_encode((struct slice){auth->buffer, AUTH_LEN}, text, sizeof text);
    TRY(path_join(root->options.store_dir, TPM_HEAD_AUTH, &path));
    err = file_write((const char *)path.ptr, slice_str(text), 0600, why);
    mem_wipe(text, sizeof text);
    return err;
}

static err_code forget_boot(struct tpm_root *root, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(root->options.store_dir, TPM_HEAD_BOOT, &path));
    if (unlink((const char *)path.ptr) != 0 && errno != ENOENT)
        return why_errno(why, errno, "remove", (const char *)path.ptr);
    return file_sync_dir(root->options.store_dir, why);
}

/* --- making --- */

/* Indexes of ours whose authorization nobody has any more. */
static err_code remove_orphans(struct tpm_root *root, const TPM2B_AUTH *owner, struct why *why)
{
    enum tpm_head_state state;
    TSS2_RC rc;

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        TRY(tpm_head_look(root, place, &state, why));
        if (state == TPM_HEAD_ABSENT)
            continue;
        rc = tpm_nv_undefine(&root->chip, owner, root->heads.plan.index[place]);
        if (rc != TPM2_RC_SUCCESS)
            return tpm_chip_fail(&root->chip, rc, "TPM2_NV_UndefineSpace", why);
    }
    return ERR_OK;
}

/* ret_anew: what the indexes hold, if anything, is of an enrolment that was set aside. */
static err_code have_auth(struct tpm_root *root, const TPM2B_AUTH *owner, bool *ret_anew,
                          struct why *why)
{
    struct tpm_heads *heads = &root->heads;
    err_code err = tpm_head_auth(root, TPM_HEAD_AUTH, &heads->auth, why);

    *ret_anew = false;
    if (err != ERR_NOT_FOUND)
        return err;
    *ret_anew = true;
    TRY(forget_boot(root, why));
    err = tpm_head_auth(root, TPM_HEAD_AUTH_BEFORE, &heads->auth, why);
    if (err != ERR_NOT_FOUND)
        return err;
    TRY(remove_orphans(root, owner, why));
    return auth_write(root, why);
}

static err_code define(struct tpm_root *root, const TPM2B_AUTH *owner, enum tpm_head_place place,
                       struct why *why)
{
    CLEANUP(buf_free) struct buf area = {0};
    const struct tpm_heads *heads = &root->heads;
    TSS2_RC rc;

    TRY(tpm_head_public(&heads->plan, place, false, &area));
    rc = tpm_nv_define_with(&root->chip, owner, &heads->auth, buf_slice(&area));
    if (rc == TPM2_RC_SUCCESS)
        return ERR_OK;
    if (rc == TPM2_RC_NV_SPACE)
        return why_foreign(why, ERR_NV_SPACE, "TPM_RC", rc,
                           "the TPM has no room for NV index 0x%08" PRIx32
                           ", which is to keep the ledger's head (%s)",
                           heads->plan.index[place], tpm_head_place_name(place));
    if (tpm_rc_error(rc) == TPM2_RC_ATTRIBUTES || rc == TPM2_RC_ATTRIBUTES)
        return why_foreign(why, ERR_UNSUPPORTED, "TPM_RC", rc,
                           "the TPM takes no %s for NV index 0x%08" PRIx32
                           ", which is to keep the ledger's head (%s)",
                           place == TPM_HEAD_ROUNDS  ? "orderly counter"
                           : place == TPM_HEAD_CHAIN ? "orderly extend index"
                                                     : "ordinary index",
                           heads->plan.index[place], tpm_head_place_name(place));
    return tpm_chip_fail(&root->chip, rc, "TPM2_NV_DefineSpace", why);
}

static err_code begin_count(struct tpm_root *root, bool written, uint64_t *ret, struct why *why)
{
    const struct tpm_nv nv = tpm_heads_nv(root, TPM_HEAD_ROUNDS);
    uint8_t value[8];
    TSS2_RC rc;

    if (!written) {
        rc = tpm_nv_step(&root->chip, &nv);
        if (rc != TPM2_RC_SUCCESS)
            return tpm_head_fail(root, TPM_HEAD_ROUNDS, rc, "TPM2_NV_Increment", why);
    }
    rc = tpm_nv_read(&root->chip, &nv, value, sizeof value);
    if (rc != TPM2_RC_SUCCESS)
        return tpm_head_fail(root, TPM_HEAD_ROUNDS, rc, "TPM2_NV_Read", why);
    *ret = get_u64(value);
    return ERR_OK;
}

/* Where counting begins. A counter that may have jumped is led to where it surely has not. */
static err_code begin(struct tpm_root *root, uint64_t counter, struct why *why)
{
    struct hw_head_record durable = {0};

    while (tpm_rounds_skip(counter, root->heads.plan.orderly))
        TRY(tpm_head_step(root, &counter, why));
    durable.first = tpm_rounds_of(counter, root->heads.plan.orderly).most;
    return tpm_head_put_durable(root, &durable, why);
}

static err_code keep_auth(struct tpm_root *root, struct why *why)
{
    CLEANUP(buf_free) struct buf from = {0}, to = {0};

    TRY(path_join(root->options.store_dir, TPM_HEAD_AUTH_BEFORE, &from));
    TRY(path_join(root->options.store_dir, TPM_HEAD_AUTH, &to));
    if (!file_exists((const char *)from.ptr))
        return ERR_OK;
    if (rename((const char *)from.ptr, (const char *)to.ptr) != 0)
        return why_errno(why, errno, "rename", (const char *)from.ptr);
    return file_sync_dir(root->options.store_dir, why);
}

err_code tpm_heads_make(struct tpm_root *root, const TPM2B_AUTH *owner, struct why *why)
{
    enum tpm_head_state state[TPM_HEAD_PLACES];
    uint64_t counter = 0;
    bool anew;

    if (root->options.store_dir == NULL)
        return ERR_OK;
    root->heads.known = false;
    TRY(have_auth(root, owner, &anew, why));
    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        TRY(tpm_head_look(root, place, &state[place], why));
        if (state[place] == TPM_HEAD_ABSENT)
            TRY(define(root, owner, place, why));
    }
    TRY(begin_count(root, state[TPM_HEAD_ROUNDS] == TPM_HEAD_WRITTEN, &counter, why));
    if (anew || state[TPM_HEAD_DURABLE] != TPM_HEAD_WRITTEN)
        TRY(begin(root, counter, why));
    return anew ? keep_auth(root, why) : ERR_OK;
}
