/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round.c: what happens on every decision: the token verifies the authority's signature over the
 * snapshot, and the epoch key signs.
 *
 * That the prepared epoch is still the current one, the token says by C_SignInit: a step ends by
 * destroying the key, in whatever process it runs, and until then the old epoch has not passed.
 * begin adds only that a step of another process is noticed before anything is recorded: every step
 * replaces the file of certificates before it destroys, so begin looks whether that file is the one
 * that was read. Reading an attribute of the key instead would say no more (the key can go the
 * moment after), and costs a round trip to the token in every round: measured on SoftHSM, a seventh
 * of the whole.
 */
#include "gate/base/text.h"
#include "pkcs11/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- verifying ------------------------------------------------------------------------------- */

static err_code verify_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    const struct hw_statement *statement = in;
    CK_OBJECT_HANDLE anchor;
    (void)out;

    TRY(hsm_anchor_find(&root->token, &statement->key, &anchor, why));
    return hsm_anchor_verify(&root->token, anchor, statement, why);
}

err_code hsm_verify(struct hw_root *root, const struct hw_statement *statement, struct why *why)
{
    return hsm_run((struct hsm_root *)root, verify_op, statement, NULL, why);
}

err_code hsm_mandate_verify(struct hsm_root *root, const struct hw_mandate *mandate,
                            CK_OBJECT_HANDLE *handles, struct why *why)
{
    if (mandate->n_statements == 0 || mandate->n_statements > HW_SIGNERS_MAX)
        return why_say(why, ERR_GRANT_INVALID,
                       "%zu signatures on epoch %" PRIu64 ", wanted 1 to %d", mandate->n_statements,
                       mandate->epoch, HW_SIGNERS_MAX);
    for (size_t i = 0; i < mandate->n_statements; i++) {
        const struct hw_statement *statement = &mandate->statements[i];
        TRY(hsm_anchor_find(&root->token, &statement->key, &handles[i], why));
        TRY(hsm_anchor_verify(&root->token, handles[i], statement, why));
    }
    return ERR_OK;
}

/* ---- preparing ------------------------------------------------------------------------------- */

err_code hsm_snapshot_check(const struct hsm_root *root, const struct hw_mandate *mandate,
                            struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (hsm_cert_unbound(&root->top) || digest_eq(&root->top.snapshot, &mandate->snapshot))
        return ERR_OK;
    digest_text(&root->top.snapshot, ours);
    digest_text(&mandate->snapshot, theirs);
    return why_say(why, ERR_EQUIVOCATION,
                   "the snapshot of epoch %" PRIu64
                   " is %s, token \"%s\" was stepped to that epoch "
                   "for %s",
                   root->epoch, theirs, root->token.label, ours);
}

/* The epoch has passed. Let the token say so: demand a signature by the key at that epoch's place.
 * It is destroyed, so nothing answers to the place, and C_SignInit refuses with the token's own
 * code. */
static err_code passed(struct hsm_root *root, uint64_t epoch, struct why *why)
{
    static const struct digest PROBE = {{0}};
    struct hsm_key keys[HSM_KEYS_MAX];
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    struct why own = {0};
    uint8_t sig[64];
    size_t n;

    TRY(hsm_epoch_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    for (size_t i = 0; i < n; i++)
        if (keys[i].epoch == epoch)
            key = keys[i].handle;
    if (hsm_key_sign(&root->token, key, &PROBE, sig, &own) == ERR_OK)
        return why_say(why, ERR_INTERNAL,
                       "token \"%s\" is at epoch %" PRIu64 ", yet signs with the key of %" PRIu64,
                       root->token.label, root->epoch, epoch);
    return why_foreign(why, ERR_ROLLBACK, own.foreign, own.foreign_code,
                       "the token is at epoch %" PRIu64 ", and the key of epoch %" PRIu64
                       " is destroyed: C_SignInit finds none",
                       root->epoch, epoch);
}

static err_code prepare_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    const struct hw_mandate *mandate = in;
    (void)out;

    TRY(hsm_look(root, why));
    if (mandate->epoch < root->epoch)
        return passed(root, mandate->epoch, why);
    if (root->key == 0)
        return hsm_behind(root, why);
    TRY(hsm_mandate_verify(root, mandate, root->anchors, why));
    if (mandate->epoch > root->epoch)
        TRY(hsm_chain_room(root, why));
    return mandate->epoch == root->epoch ? hsm_snapshot_check(root, mandate, why) : ERR_OK;
}

err_code hsm_prepare(struct hw_root *hw, const struct hw_mandate *mandate, struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;
    struct hw_mandate *copy = malloc(sizeof *copy);
    err_code err;

    if (copy == NULL)
        return ERR_NO_MEMORY;
    *copy = *mandate;
    copy->grants = NULL;
    copy->n_grants = 0;
    free(root->prepared);
    root->prepared = NULL;
    root->begun = false;
    err = hsm_run(root, prepare_op, copy, NULL, why);
    if (err != ERR_OK)
        free(copy);
    else
        root->prepared = copy;
    return err;
}

/* ---- the round ------------------------------------------------------------------------------- */

static err_code check_position(const struct hsm_root *root, struct why *why)
{
    if (root->prepared->epoch != root->epoch)
        return why_say(why,
                       root->prepared->epoch < root->epoch ? ERR_ROLLBACK : ERR_NOTHING_INSTALLED,
                       "the token is at epoch %" PRIu64 ", prepared is epoch %" PRIu64, root->epoch,
                       root->prepared->epoch);
    if (root->key == 0)
        return hsm_behind(root, why);
    /* Prepared before the step, perhaps, which somebody else then made for another one. */
    return hsm_snapshot_check(root, root->prepared, why);
}

static err_code begin_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    (void)in;
    (void)out;
    if (!hsm_chain_same(root))
        TRY(hsm_sync(root, why));
    TRY(check_position(root, why));
    for (size_t i = 0; i < root->prepared->n_statements; i++) {
        const struct hw_statement *statement = &root->prepared->statements[i];
        if (root->anchors[i] == 0)
            TRY(hsm_anchor_find(&root->token, &statement->key, &root->anchors[i], why));
    }
    TRY(hsm_verify_abreast(root, why));
    root->begun = true;
    return ERR_OK;
}

err_code hsm_begin(struct hw_root *hw, struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;

    root->begun = false;
    if (root->owner != NULL && root->prepared == NULL)
        return why_say(why, ERR_NOTHING_INSTALLED, "no mandate is prepared");
    return hsm_run(root, begin_op, NULL, NULL, why);
}

err_code hsm_reopen_round(struct hsm_root *root, struct why *why)
{
    return root->begun ? ERR_OK : begin_op(root, NULL, NULL, why);
}

/* Why there is no round: its epoch has passed, or none was begun. */
err_code hsm_no_round(const struct hsm_root *root, struct why *why)
{
    if (root->prepared != NULL && root->prepared->epoch < root->epoch)
        return why_say(why, ERR_HSM_KEY_MISSING,
                       "the key of epoch %" PRIu64 " is destroyed, the token is at epoch %" PRIu64,
                       root->prepared->epoch, root->epoch);
    return why_say(why, ERR_NOTHING_INSTALLED, "no round is open");
}

static err_code sign_with(struct hsm_root *root, hsm_op op, const struct digest *digest,
                          uint8_t ret[static 64], struct why *why)
{
    err_code err;

    if (root->owner != NULL && !root->begun)
        return hsm_no_round(root, why);
    err = hsm_run(root, op, digest, ret, why);
    return err == ERR_ROLLBACK ? hsm_no_round(root, why) : err;
}

/* After a new start in the middle of a round everything that begin asked is asked again. */
static err_code sign_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    TRY(hsm_reopen_round(root, why));
    if (hsm_ahead_take(root, in, out))
        return ERR_OK;
    return hsm_key_sign(&root->token, root->key, in, out, why);
}

err_code hsm_sign(struct hw_root *hw, const struct digest *digest, uint8_t ret[static 64],
                  struct why *why)
{
    return sign_with((struct hsm_root *)hw, sign_op, digest, ret, why);
}

static err_code device_sign_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    TRY(hsm_reopen_round(root, why));
    return hsm_key_sign(&root->token, root->identity, in, out, why);
}

err_code hsm_device_sign(struct hw_root *hw, const struct digest *digest, uint8_t ret[static 64],
                         struct why *why)
{
    return sign_with((struct hsm_root *)hw, device_sign_op, digest, ret, why);
}

static err_code seal_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    (void)in;
    TRY(hsm_reopen_round(root, why));
    return buf_add_slice(out, buf_slice(&root->chain));
}

/* The chain says what the token can say: which key is the one of this epoch. It was read and
 * verified when the round's key was, so no call is needed. */
err_code hsm_seal(struct hw_root *hw, const struct digest *binding, struct hw_seal *ret,
                  struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_EPOCH_CHAIN};
    (void)binding;

    if (root->owner != NULL && !root->begun)
        return hsm_no_round(root, why);
    TRY(hsm_run(root, seal_op, NULL, &seal.statement, why));
    ret->kind = seal.kind;
    ret->statement = buf_take(&seal.statement);
    ret->sig = (struct buf){0};
    return ERR_OK;
}
