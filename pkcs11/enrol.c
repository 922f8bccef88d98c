/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol.c: makes what a gate needs on a token, or finds what an earlier enrol made. Each object is
 * whole or absent, and no usable key is ever destroyed here, so a killed enrol is repeated. An
 * epoch key that stands there without certificates (killed before they were written, or the gate's
 * directory was lost) becomes the beginning of a new chain; the old enrolment is not extended by
 * it.
 */
#include "gate/base/file.h"
#include "pkcs11/internal.h"

#include <inttypes.h>
#include <string.h>

/* ---- anchors --------------------------------------------------------------------------------- */

/* The first authority key without an anchor; n_anchors when there is none. An untrusted object at
 * the place counts as no anchor if the security officer is here to make one. */
static err_code next_missing(struct hsm_root *root, const struct hw_owner *owner, size_t *at,
                             struct why *why)
{
    CK_OBJECT_HANDLE anchor;

    for (; *at < owner->n_anchors; ++*at) {
        err_code err = hsm_anchor_find(&root->token, &owner->anchors[*at], &anchor, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_code make_anchors(struct hsm_root *root, const struct hw_owner *owner, struct why *why)
{
    size_t at = 0;

    TRY(hsm_login(&root->token, CKU_SO, root->options.so_pin_file, why));
    for (;;) {
        err_code err = next_missing(root, owner, &at, why);
        if (err == ERR_OK)
            return ERR_OK;
        if (err != ERR_ANCHOR_MISSING && err != ERR_ANCHOR_FOREIGN)
            return err;
        TRY(hsm_anchor_make(&root->token, owner->domain, &owner->anchors[at], why));
    }
}

/* The officer and the user cannot be logged in together, so each has a session of its own. */
static err_code enrol_anchors(struct hsm_root *root, const struct hw_owner *owner, struct why *why)
{
    size_t at = 0;
    err_code err, closed;

    TRY(hsm_sessions_close(&root->token, false, why));
    TRY(hsm_session_open(&root->token, why));
    err = next_missing(root, owner, &at, why);
    TRY(hsm_sessions_close(&root->token, false, why));
    if ((err != ERR_ANCHOR_MISSING && err != ERR_ANCHOR_FOREIGN) ||
        root->options.so_pin_file == NULL)
        return err;
    err = make_anchors(root, owner, why);
    closed = hsm_sessions_close(&root->token, true, err == ERR_OK ? why : NULL);
    return err != ERR_OK ? err : closed;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* What enrol knows and finds out. */
struct enrolling {
    struct hsm_space space;
    CK_OBJECT_HANDLE identity, key;
    struct hw_pubkey identity_pub;
    struct hsm_key keys[HSM_KEYS_MAX];
    size_t n_keys;
    struct buf chain;
};

static void enrolling_free(struct enrolling *e)
{
    buf_free(&e->chain);
}

/* Takes the keys out of the list, and off the token, that are not protected as they should be:
 * nobody certified those, and nobody will. A token that was switched off while it made a key may
 * leave such. */
static err_code drop_weak(struct hsm_root *root, struct enrolling *e, struct why *why)
{
    size_t kept = 0;

    for (size_t i = 0; i < e->n_keys; i++) {
        err_code err = hsm_epoch_check(&root->token, e->keys[i].handle, why);
        if (err == ERR_HSM_KEY_WEAK)
            err = hsm_destroy(&root->token, e->keys[i].handle, why);
        else if (err == ERR_OK)
            e->keys[kept++] = e->keys[i];
        if (err != ERR_OK)
            return err;
    }
    e->n_keys = kept;
    return ERR_OK;
}

/* The epoch key comes first: it can be destroyed again when it shows that the token does not
 * protect keys as asked, and the identity key cannot. */
static err_code find_epoch_key(struct hsm_root *root, struct enrolling *e, struct why *why)
{
    TRY(hsm_epoch_keys(&root->token, &e->space, e->keys, HSM_N(e->keys), &e->n_keys, why));
    if (e->chain.len > 0)
        return ERR_OK; /* which one it has to be, the chain says */
    TRY(drop_weak(root, e, why));
    if (e->n_keys > 0)
        return ERR_OK;
    TRY(hsm_epoch_generate(&root->token, &e->space, 0, &e->keys[0].handle, why));
    e->keys[0].epoch = 0;
    e->n_keys = 1;
    return ERR_OK;
}

static err_code find_identity(struct hsm_root *root, struct enrolling *e, struct why *why)
{
    err_code err = hsm_identity_find(&root->token, &e->space, &e->identity, why);

    if ((err == ERR_HSM_KEY_MISSING || err == ERR_HSM_KEY_WEAK) && e->chain.len == 0)
        err = hsm_identity_generate(&root->token, &e->space, &e->identity, why);
    if (err != ERR_OK)
        return err;
    return hsm_key_public(&root->token, e->identity, &e->identity_pub, why);
}

static err_code begin_chain(struct hsm_root *root, struct enrolling *e, struct why *why)
{
    struct hsm_successor first = {
        .identity = e->identity,
        .key = e->keys[0].handle,
        .epoch = e->keys[0].epoch,
    };

    TRY(hsm_key_public(&root->token, first.key, &first.pub, why));
    TRY(hsm_chain_extend(&root->token, &first, &e->chain, why));
    return hsm_chain_store(root, buf_slice(&e->chain), why);
}

/* An earlier enrol's chain: its last key has to be on this token. */
static err_code resume_chain(struct hsm_root *root, struct enrolling *e,
                             const struct hw_enrolment *enrolment, struct why *why)
{
    const struct hsm_wanted wanted = {&e->space, enrolment, e->keys, e->n_keys};
    struct hsm_cert last;
    bool longer;

    TRY(hsm_chain_verify(enrolment, buf_slice(&e->chain), &last, why));
    TRY(hsm_certs_extend(&root->token, &wanted, &e->chain, &longer, why));
    if (longer) {
        TRY(hsm_chain_store(root, buf_slice(&e->chain), why));
        TRY(hsm_chain_verify(enrolment, buf_slice(&e->chain), &last, why));
    }
    for (size_t i = 0; i < e->n_keys; i++)
        if (e->keys[i].epoch == last.epoch)
            return hsm_key_prove(&root->token, e->keys[i].handle, &last.key, "the epoch key", why);
    return why_say(why, ERR_HSM_KEY_MISSING,
                   "the certificates reach epoch %" PRIu64
                   ", token \"%s\" (serial %s) has no such key",
                   last.epoch, root->token.label, root->token.serial);
}

static err_code enrol_keys(struct hsm_root *root, struct enrolling *e, struct hw_enrolment *ret,
                           struct why *why)
{
    struct hw_enrolment out = {0};
    struct hsm_cert first;
    bool fresh;
    err_code err = hsm_chain_load(root, &e->chain, why);

    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    fresh = err == ERR_NOT_FOUND;
    TRY(hsm_not_taken(root, &e->space, !fresh, why));
    TRY(find_epoch_key(root, e, why));
    TRY(find_identity(root, e, why));
    if (fresh)
        TRY(begin_chain(root, e, why));
    TRY(hsm_chain_first(buf_slice(&e->chain), &first, why));
    hsm_describe(root, &out.about);
    out.receipt = first.key;
    out.seal = e->identity_pub;
    out.epoch = first.epoch;
    memcpy(out.serial, root->token.serial, sizeof root->token.serial);
    if (!fresh)
        TRY(resume_chain(root, e, &out, why));
    TRY(hsm_certs_keep(&root->token, &e->space, buf_slice(&e->chain), why));
    *ret = out;
    return ERR_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

err_code hsm_enrol(struct hw_root *hw, const struct hw_owner *owner, struct hw_enrolment *ret,
                   struct why *why)
{
    struct hsm_root *root = (struct hsm_root *)hw;
    CLEANUP(enrolling_free) struct enrolling e = {0};
    struct hw_enrolment out;

    TRY(hsm_space_of(owner, &e.space, why));
    if (owner->n_anchors == 0 || owner->n_anchors > HW_ANCHOR_MAX)
        return why_say(why, ERR_ANCHOR_MISSING, "%zu authority keys, wanted 1 to %d",
                       owner->n_anchors, HW_ANCHOR_MAX);
    if (root->options.store_dir == NULL)
        return why_say(why, ERR_STORAGE, "no directory for the epoch certificates was given");
    TRY(file_make_dir(root->options.store_dir, 0700, why));
    hsm_drop(root); /* whatever was attached is looked at again: handles change here */
    if (root->token.state != HSM_TOKEN_GOOD)
        TRY(hsm_token_open(&root->token, &root->uri, NULL, why));
    TRY(enrol_anchors(root, owner, why));
    TRY(hsm_login(&root->token, CKU_USER, (const char *)root->uri.pin.ptr, why));
    TRY(enrol_keys(root, &e, &out, why));
    TRY(hsm_heads_make(root, &e.space, why));
    *ret = out;
    return ERR_OK;
}
