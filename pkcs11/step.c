/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c: the ratchet. In this order, so that a kill between any two lines is recovered by running
 * the step again (or by attaching, once the certificate is written):
 *
 *     1. the token verifies the mandate's signatures
 *     2. keys that nobody certified are destroyed, K_new is generated
 *     3. K_old and the identity key certify K_new and the snapshot   <- the last use of K_old
 *     4. the certificate is made durable                 <- from here on the epoch is the new one
 *        and put on the token, too, for a disk that is restored: cert_object.h
 *     5. every other epoch key is destroyed, every session closed
 *     6. the token is looked at again, in a new session
 *
 * Until 4 the old key is whole and the old epoch goes on. A key without a certificate is never
 * taken over: somebody else could have put it there.
 */
#include "pkcs11/internal.h"

#include <inttypes.h>

/* Destroys every epoch key of the gate but one, which must be there: without it the others are not
 * ours to judge, and what is known about the token is out of date. */
static err_code destroy_others(struct hsm_root *root, uint64_t kept, struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    bool there = false;
    size_t n = 0;

    TRY(hsm_epoch_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    for (size_t i = 0; i < n; i++)
        there = there || keys[i].epoch == kept;
    if (!there) {
        root->token.state = HSM_TOKEN_LOST;
        return why_say(why, ERR_HSM_KEY_MISSING,
                       "the key of epoch %" PRIu64 " is gone from token \"%s\"", kept,
                       root->token.label);
    }
    for (size_t i = 0; i < n; i++)
        if (keys[i].epoch != kept)
            TRY(hsm_destroy(&root->token, keys[i].handle, why));
    return ERR_OK;
}

static err_code certify(struct hsm_root *root, const struct hw_mandate *mandate, struct buf *chain,
                        struct why *why)
{
    struct hsm_successor next = {
        .previous = root->key,
        .identity = root->identity,
        .epoch = mandate->epoch,
        .snapshot = mandate->snapshot,
    };
    struct hsm_cert last;

    TRY(destroy_others(root, root->top.epoch, why));
    TRY(hsm_epoch_generate(&root->token, &root->space, next.epoch, &next.key, why));
    TRY(hsm_key_public(&root->token, next.key, &next.pub, why));
    TRY(buf_add_slice(chain, buf_slice(&root->chain)));
    TRY(hsm_chain_extend(&root->token, &next, chain, why));
    /* What is written now decides whether the old key may go: look at it as a stranger would. */
    if (hsm_chain_verify_rest(&root->enrolment, buf_slice(chain), root->chain.len / HSM_CERT_LEN,
                              &last, why) != ERR_OK ||
        last.epoch != next.epoch)
        return why_say(why, ERR_HSM_FAILED, "token \"%s\" made a certificate that does not verify",
                       root->token.label);
    return ERR_OK;
}

static err_code advance(struct hsm_root *root, const struct hw_mandate *mandate, struct why *why)
{
    uint64_t epoch = mandate->epoch;
    CLEANUP(buf_free) struct buf chain = {0};

    root->synced = false; /* whatever happens, it is looked at again */
    TRY(hsm_chain_room(root, why));
    TRY(certify(root, mandate, &chain, why));
    TRY(hsm_chain_store(root, buf_slice(&chain), why));
    TRY(hsm_certs_keep(&root->token, &root->space, buf_slice(&chain), why));
    TRY(destroy_others(root, epoch, why));
    TRY(hsm_sessions_close(&root->token, false, why));
    TRY(hsm_sync(root, why));
    if (root->key == 0 || root->epoch != epoch)
        return why_say(why, ERR_HSM_FAILED,
                       "token \"%s\" is at epoch %" PRIu64 " after the step to epoch %" PRIu64,
                       root->token.label, root->epoch, epoch);
    return ERR_OK;
}

static err_code step_op(struct hsm_root *root, const void *in, void *out, struct why *why)
{
    const struct hw_mandate *mandate = in;
    CK_OBJECT_HANDLE anchors[HW_SIGNERS_MAX];
    (void)out;

    if (mandate->epoch < root->epoch)
        return why_say(why, ERR_ROLLBACK,
                       "the token is at epoch %" PRIu64 ", the mandate is for epoch %" PRIu64,
                       root->epoch, mandate->epoch);
    TRY(hsm_mandate_verify(root, mandate, anchors, why));
    if (root->key == 0)
        return hsm_behind(root, why);
    if (mandate->epoch == root->epoch) {
        TRY(hsm_snapshot_check(root, mandate, why));
        (void)hsm_certs_keep(&root->token, &root->space, buf_slice(&root->chain), NULL);
        return ERR_OK;
    }
    return advance(root, mandate, why);
}

/* A step destroys keys, so it never goes by what an earlier operation saw. */
err_code hsm_step(struct hw_root *hw, const struct hw_mandate *mandate, struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;

    root->synced = false;
    return hsm_run(root, step_op, mandate, NULL, why);
}
