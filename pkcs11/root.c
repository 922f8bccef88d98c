/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/internal.h"
#include "pkcs11/sides.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hsm_root *hsm_of(struct hw_root *root)
{
    return (struct hsm_root *)root;
}

/* ---- describing ------------------------------------------------------------------------------ */

/* True if the token verifies with the mechanism at this key size (bits). */
static bool can_verify(const struct hsm_token *token, CK_MECHANISM_TYPE mechanism, CK_ULONG bits)
{
    CK_MECHANISM_INFO info = {0};

    return token->f->C_GetMechanismInfo(token->slot, mechanism, &info) == CKR_OK &&
           (info.flags & CKF_VERIFY) != 0 && info.ulMinKeySize <= bits && bits <= info.ulMaxKeySize;
}

void hsm_describe(const struct hsm_root *root, struct hw_description *ret)
{
    const struct hsm_token *token = &root->token;
    struct hw_description about = {
        .kind = "pkcs11",
        .simulator = token->simulator,
        .refuses_rollback = true, /* by the absence of the old key: see root.h */
        .verifies = can_verify(token, CKM_ECDSA, 256),
        .seals = true,
        .es384 = can_verify(token, CKM_ECDSA, 384),
        .ps256 = can_verify(token, CKM_RSA_PKCS_PSS, 2048),
    };

    (void)snprintf(about.model, sizeof about.model, "%s %s", token->maker, token->model);
    (void)snprintf(about.firmware, sizeof about.firmware, "%s", token->firmware);
    *ret = about;
}

static err_code describe(struct hw_root *hw, struct hw_description *ret, struct why *why)
{
    struct hsm_root *root = hsm_of(hw);

    if (root->token.state == HSM_TOKEN_CLOSED)
        TRY(hsm_token_open(&root->token, &root->uri, NULL, why));
    hsm_describe(root, ret);
    return ERR_OK;
}

/* ---- attaching ------------------------------------------------------------------------------- */

static void detach(struct hsm_root *root)
{
    hsm_drop(root);
    free(root->owner);
    free(root->prepared);
    buf_free(&root->chain);
    root->owner = NULL;
    root->prepared = NULL;
    root->enrolment = (struct hw_enrolment){0};
    root->heads = (struct hsm_heads){0};
}

static err_code take_owner(struct hsm_root *root, const struct hw_owner *owner, struct why *why)
{
    TRY(hsm_space_of(owner, &root->space, why));
    if (owner->n_anchors == 0 || owner->n_anchors > HW_ANCHOR_MAX)
        return why_say(why, ERR_ANCHOR_MISSING, "%zu authority keys, wanted 1 to %d",
                       owner->n_anchors, HW_ANCHOR_MAX);
    root->owner = malloc(sizeof *root->owner);
    if (root->owner == NULL)
        return ERR_NO_MEMORY;
    *root->owner = *owner;
    root->owner->grants = NULL;
    root->owner->n_grants = 0;
    return ERR_OK;
}

/* The session of an earlier operation may have been lost since: then once more, from the module on.
 */
static err_code sync_again(struct hsm_root *root, struct why *why)
{
    err_code err = hsm_sync(root, why);

    return err != ERR_OK && root->token.state == HSM_TOKEN_LOST ? hsm_sync(root, why) : err;
}

static err_code attach(struct hw_root *hw, const struct hw_owner *owner,
                       const struct hw_enrolment *enrolment, struct why *why)
{
    struct hsm_root *root = hsm_of(hw);
    err_code err;

    detach(root);
    TRY(take_owner(root, owner, why));
    root->enrolment = *enrolment;
    err = sync_again(root, why);
    if (err != ERR_OK)
        detach(root);
    return err;
}

err_code hsm_run(struct hsm_root *root, hsm_op op, const void *in, void *out, struct why *why)
{
    err_code err;

    if (root->owner == NULL)
        return why_say(why, ERR_NOT_ENROLLED, "the token is not attached");
    if (!root->synced || root->token.state != HSM_TOKEN_GOOD)
        TRY(sync_again(root, why));
    err = op(root, in, out, why);
    if (err == ERR_OK || root->token.state != HSM_TOKEN_LOST)
        return err;
    TRY(hsm_sync(root, why));
    return op(root, in, out, why);
}

/* ---- small operations ------------------------------------------------------------------------ */

static err_code epoch_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    (void)in;
    TRY(hsm_look(root, why));
    *(uint64_t *)out = root->epoch;
    return ERR_OK;
}

static err_code epoch(struct hw_root *hw, uint64_t *ret, struct why *why)
{
    return hsm_run(hsm_of(hw), epoch_op, NULL, ret, why);
}

static err_code receipt_key_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    (void)in;
    if (root->key == 0)
        return hsm_behind(root, why);
    *(struct hw_pubkey *)out = root->top.key;
    return ERR_OK;
}

static err_code receipt_key(struct hw_root *hw, struct hw_pubkey *ret, struct why *why)
{
    return hsm_run(hsm_of(hw), receipt_key_op, NULL, ret, why);
}

static err_code device_key(struct hw_root *hw, struct hw_pubkey *ret, struct why *why)
{
    const struct hsm_root *root = hsm_of(hw);

    if (root->owner == NULL)
        return why_say(why, ERR_NOT_ENROLLED, "the token is not attached");
    *ret = root->enrolment.seal;
    return ERR_OK;
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* A token keeps nothing in memory that it has acknowledged. */
static err_code rest(struct hw_root *hw, struct why *why)
{
    (void)hw;
    (void)why;
    return ERR_OK;
}

static void close_root(struct hw_root *hw)
{
    struct hsm_root *root = hsm_of(hw);

    detach(root);
    hsm_token_close(&root->token);
    hsm_sides_free(&root->token.sides);
    hsm_uri_free(&root->uri);
    free(root);
}

static const struct hw_root_ops OPS = {
    .name = "pkcs11",
    .describe = describe,
    .enrol = hsm_enrol,
    .attach = attach,
    .verify = hsm_verify,
    .epoch = epoch,
    .step = hsm_step,
    .prepare = hsm_prepare,
    .begin = hsm_begin,
    .sign_ahead = hsm_sign_ahead,
    .sign = hsm_sign,
    .seal = hsm_seal,
    .receipt_key = receipt_key,
    .device_key = device_key,
    .device_sign = hsm_device_sign,
    .head_check = hsm_head_check,
    .head_bind = hsm_head_bind,
    .rest = rest,
    .close = close_root,
};

static err_code open_in(struct hsm_root *root, const char *uri, const struct hw_options *options,
                        struct why *why)
{
    root->base.ops = &OPS;
    root->options = *options;
    TRY(hsm_uri_parse(uri, &root->uri, why));
    if (hsm_uri_names_object(&root->uri))
        return why_say(why, ERR_HARDWARE_URI, "the URI names a key; a gate is given a whole token");
    if (options->sessions > 1)
        TRY(hsm_sides_new(options->sessions - 1, &root->token.sides));
    TRY(hsm_token_open(&root->token, &root->uri, NULL, why));
    if (root->token.simulator && !options->allow_simulator)
        return why_say(why, ERR_SIMULATOR_REFUSED, "token \"%s\" is a %s %s", root->token.label,
                       root->token.maker, root->token.model);
    return ERR_OK;
}

err_code hsm_root_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why)
{
    struct hsm_root *root = calloc(1, sizeof *root);
    err_code err;

    if (root == NULL)
        return ERR_NO_MEMORY;
    err = open_in(root, uri, options, why);
    if (err != ERR_OK)
        close_root(&root->base);
    else
        *ret = &root->base;
    return err;
}
