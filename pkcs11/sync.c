/* SPDX-License-Identifier: Apache-2.0 */
/* sync.c: from nothing to a token whose every object is known and compared; and the chain's file.
 */
#include "gate/base/file.h"
#include "pkcs11/internal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- the chain's file ------------------------------------------------------------------------ */

static err_code chain_path(const struct hsm_root *root, struct buf *ret, struct why *why)
{
    if (root->options.store_dir == NULL)
        return why_say(why, ERR_STORAGE, "no directory for the epoch certificates was given");
    return path_join(root->options.store_dir, "epochs", ret);
}

static bool look_at_file(const struct hsm_root *root, struct hsm_chain_file *ret)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct stat st;

    if (chain_path(root, &path, NULL) != ERR_OK || stat((const char *)path.ptr, &st) != 0)
        return false;
    *ret = (struct hsm_chain_file){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    return true;
}

/* Looked at before it is read: what is replaced in between is noticed by the next look. */
err_code hsm_chain_load(struct hsm_root *root, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(chain_path(root, &path, why));
    root->file = (struct hsm_chain_file){0};
    (void)look_at_file(root, &root->file);
    return file_read((const char *)path.ptr, (size_t)HSM_CHAIN_MAX * HSM_CERT_LEN, ret, why);
}

bool hsm_chain_same(const struct hsm_root *root)
{
    const struct hsm_chain_file *old = &root->file;
    struct hsm_chain_file now;

    return look_at_file(root, &now) && now.dev == old->dev && now.ino == old->ino &&
           now.size == old->size && now.changed.tv_sec == old->changed.tv_sec &&
           now.changed.tv_nsec == old->changed.tv_nsec;
}

err_code hsm_chain_store(const struct hsm_root *root, struct slice chain, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(chain_path(root, &path, why));
    return file_write((const char *)path.ptr, chain, 0644, why);
}

err_code hsm_chain_room(const struct hsm_root *root, struct why *why)
{
    size_t n = root->chain.len / HSM_CERT_LEN;

    return n < HSM_CHAIN_MAX ? ERR_OK
                             : why_say(why, ERR_TOO_LARGE,
                                       "the chain has %zu certificates already: enrol again", n);
}

static err_code link_to(struct hsm_token *token, const struct hsm_successor *next,
                        struct slice chain, struct hsm_cert *cert, struct why *why)
{
    struct digest digest;

    if (next->previous != 0) {
        struct hsm_cert last;
        TRY(hsm_chain_last(chain, &last, why));
        cert->previous = last.epoch;
        TRY(hash_sha256(slice_part(chain, chain.len - HSM_CERT_LEN, HSM_CERT_LEN),
                        &cert->previous_cert));
        TRY(hsm_cert_digest(cert, &digest));
        TRY(hsm_key_sign(token, next->previous, &digest, cert->previous_sig, why));
    }
    TRY(hsm_cert_digest(cert, &digest));
    return hsm_key_sign(token, next->identity, &digest, cert->identity_sig, why);
}

/* The one place below main() that looks at the clock: the interface carries no time, and nothing is
 * ever decided by this one. */
err_code hsm_chain_extend(struct hsm_token *token, const struct hsm_successor *next,
                          struct buf *chain, struct why *why)
{
    struct hsm_cert cert = {
        .epoch = next->epoch,
        .since = (uint64_t)time(NULL),
        .key = next->pub,
        .snapshot = next->snapshot,
    };

    TRY(link_to(token, next, buf_slice(chain), &cert, why));
    return hsm_cert_encode(&cert, chain);
}

/* ---- syncing --------------------------------------------------------------------------------- */

void hsm_drop(struct hsm_root *root)
{
    hsm_ahead_drop(root);
    root->synced = false;
    root->begun = false;
    root->identity = root->key = 0;
    root->epoch = 0;
    memset(root->anchors, 0, sizeof root->anchors);
    memset(root->heads.object, 0, sizeof root->heads.object);
}

/* A good token with a session that is logged in. */
static err_code reach(struct hsm_root *root, struct why *why)
{
    const char *serial = root->enrolment.serial;
    const char *pin = (const char *)root->uri.pin.ptr;
    err_code err;

    if (root->token.state != HSM_TOKEN_GOOD) {
        err = hsm_token_open(&root->token, &root->uri, serial[0] != '\0' ? serial : NULL, why);
        if (err == ERR_HSM_TOKEN_NOT_FOUND)
            return why_say(why, ERR_HSM_REMOVED, "the token with serial %s is not there any more",
                           serial);
        if (err != ERR_OK)
            return err;
    }
    if (strcmp(root->token.serial, serial) != 0)
        return why_say(why, ERR_HSM_KEY_MISSING,
                       "token \"%s\" has serial %s, the gate was enrolled on serial %s",
                       root->token.label, root->token.serial, serial);
    return root->token.logged_in ? ERR_OK : hsm_login(&root->token, CKU_USER, pin, why);
}

/* What was verified before in this attachment, and is still there byte for byte, is not verified
 * again: a gate may have thousands of epochs. */
static size_t verified_before(const struct hsm_root *root, struct slice chain)
{
    struct slice old = buf_slice(&root->chain);

    return old.len <= chain.len && slice_eq(slice_part(chain, 0, old.len), old)
               ? old.len / HSM_CERT_LEN
               : 0;
}

static err_code check_chain(struct hsm_root *root, struct why *why)
{
    CLEANUP(buf_free) struct buf chain = {0};
    err_code err = hsm_chain_load(root, &chain, why);

    if (err == ERR_NOT_FOUND)
        return why_say(why, ERR_STATE_CORRUPT, "the epoch certificates \"%s/epochs\" are gone",
                       root->options.store_dir);
    if (err != ERR_OK)
        return err;
    err = hsm_chain_verify_rest(&root->enrolment, buf_slice(&chain),
                                verified_before(root, buf_slice(&chain)), &root->top, why);
    if (err == ERR_FORMAT || err == ERR_SIGNATURE_INVALID) {
        err = err == ERR_FORMAT ? ERR_STATE_CORRUPT : ERR_HSM_KEY_FOREIGN;
        if (why != NULL)
            why->code = err;
    }
    if (err != ERR_OK)
        return err;
    buf_free(&root->chain);
    root->chain = buf_take(&chain);
    return ERR_OK;
}

static err_code check_identity(struct hsm_root *root, struct why *why)
{
    TRY(hsm_identity_find(&root->token, &root->space, &root->identity, why));
    return hsm_key_prove(&root->token, root->identity, &root->enrolment.seal, "the identity key",
                         why);
}

/* The certified key is on the token: that is the epoch, and what is below it goes, as the step that
 * was killed would have done. Uncertified keys above it are remains of a step, too; the next one
 * removes them. */
static err_code take_certified(struct hsm_root *root, const struct hsm_key *keys, size_t n,
                               const struct hsm_key *certified, struct why *why)
{
    bool older = false;

    TRY(hsm_epoch_check(&root->token, certified->handle, why));
    TRY(hsm_key_prove(&root->token, certified->handle, &root->top.key, "the epoch key", why));
    for (size_t i = 0; i < n; i++)
        if (keys[i].epoch < root->top.epoch)
            older = true;
    if (older) /* killed before that, perhaps; the file has it in any case */
        (void)hsm_certs_keep(&root->token, &root->space, buf_slice(&root->chain), NULL);
    for (size_t i = 0; i < n; i++)
        if (keys[i].epoch < root->top.epoch)
            TRY(hsm_destroy(&root->token, keys[i].handle, why));
    root->key = certified->handle;
    root->epoch = root->top.epoch;
    return ERR_OK;
}

/* The token has keys of later epochs than the file has certificates: what the token's own
 * certificates prove is written, and read again. */
static err_code catch_up(struct hsm_root *root, const struct hsm_key *keys, size_t n,
                         struct why *why)
{
    const struct hsm_wanted wanted = {&root->space, &root->enrolment, keys, n};
    CLEANUP(buf_free) struct buf chain = {0};
    bool longer = false;

    if (n == 0 || keys[0].epoch <= root->top.epoch)
        return ERR_OK;
    TRY(buf_add_slice(&chain, buf_slice(&root->chain)));
    TRY(hsm_certs_extend(&root->token, &wanted, &chain, &longer, why));
    if (!longer)
        return ERR_OK;
    TRY(hsm_chain_store(root, buf_slice(&chain), why));
    return check_chain(root, why);
}

static err_code check_epoch_keys(struct hsm_root *root, struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    const struct hsm_key *certified = NULL;
    size_t n = 0;

    TRY(hsm_epoch_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    TRY(catch_up(root, keys, n, why));
    for (size_t i = 0; i < n; i++) {
        if (keys[i].epoch != root->top.epoch)
            continue;
        if (certified != NULL)
            return why_say(why, ERR_HSM_KEY_FOREIGN,
                           "two keys %s:epoch:%" PRIu64 " on token \"%s\"", root->space.prefix,
                           root->top.epoch, root->token.label);
        certified = &keys[i];
    }
    if (certified != NULL)
        return take_certified(root, keys, n, certified, why);
    if (n == 0 || keys[0].epoch < root->top.epoch)
        return why_say(why, ERR_HSM_KEY_MISSING,
                       "the certificates reach epoch %" PRIu64 ", token \"%s\" (serial %s) has %s",
                       root->top.epoch, root->token.label, root->token.serial,
                       n == 0 ? "no epoch key" : "only keys of earlier epochs");
    /* The token is ahead of the disk, and has no certificates either: its epoch is known by the
     * key's name, and nothing is signed. */
    root->key = 0;
    root->epoch = keys[0].epoch;
    return ERR_OK;
}

err_code hsm_behind(const struct hsm_root *root, struct why *why)
{
    return why_say(why, ERR_HSM_CHAIN_STALE,
                   "the certificates in \"%s\" end at epoch %" PRIu64
                   ", token \"%s\" is at epoch %" PRIu64 " and has no certificates that lead there",
                   root->options.store_dir, root->top.epoch, root->token.label, root->epoch);
}

static err_code check_anchors(struct hsm_root *root, struct why *why)
{
    CK_OBJECT_HANDLE anchor;

    for (size_t i = 0; i < root->owner->n_anchors; i++)
        TRY(hsm_anchor_find(&root->token, &root->owner->anchors[i], &anchor, why));
    return ERR_OK;
}

err_code hsm_sync(struct hsm_root *root, struct why *why)
{
    hsm_drop(root);
    TRY(reach(root, why));
    TRY(check_identity(root, why));
    TRY(check_chain(root, why));
    TRY(check_epoch_keys(root, why));
    TRY(check_anchors(root, why));
    root->synced = true;
    return ERR_OK;
}

err_code hsm_look(struct hsm_root *root, struct why *why)
{
    struct hsm_key keys[HSM_KEYS_MAX];
    size_t n = 0;

    TRY(hsm_epoch_keys(&root->token, &root->space, keys, HSM_N(keys), &n, why));
    for (size_t i = 0; i < n; i++)
        if (root->key != 0 && keys[i].handle == root->key && keys[i].epoch == root->epoch)
            return ERR_OK;
    return hsm_sync(root, why);
}
