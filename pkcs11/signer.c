/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.c: a key on a token as a signer. The token is found, opened and searched with the calls
 * that the root uses, for their rules about PINs and names; what signs is the EVP_PKEY that libp11
 * makes of the private key. libp11 is not asked to log in, since it keeps the PIN in memory, nor
 * for public keys: in 0.4.12 each one of an EC key leaks the slot that it came from.
 */
#include "pkcs11/signer.h"

#include "pkcs11/object.h"

#include <libp11.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN_MAX 255

/* ---- the token and its keys ------------------------------------------------------------------ */

/* A token that is logged in. */
struct door {
    struct hsm_uri uri;
    struct hsm_token token;
};

static void door_close(struct door *door)
{
    hsm_token_close(&door->token);
    hsm_uri_free(&door->uri);
}

static err_code door_open(struct door *door, const char *text, struct why *why)
{
    const CK_ATTRIBUTE *class;

    TRY(hsm_uri_parse(text, &door->uri, why));
    class = hsm_uri_attribute(&door->uri, CKA_CLASS);
    if (class != NULL && (class->ulValueLen != sizeof(CK_OBJECT_CLASS) ||
                          *(const CK_OBJECT_CLASS *)class->pValue != CKO_PRIVATE_KEY))
        return why_say(why, ERR_KEY_REF, "the URI has another type than private");
    TRY(hsm_token_open(&door->token, &door->uri, NULL, why));
    return hsm_login(&door->token, CKU_USER, (const char *)door->uri.pin.ptr, why);
}

/* The private keys that the URI names; all of them if it names none. */
static err_code keys_of(struct door *door, struct hsm_found *ret, struct why *why)
{
    const CK_ATTRIBUTE *id = hsm_uri_attribute(&door->uri, CKA_ID);
    const CK_ATTRIBUTE *label = hsm_uri_attribute(&door->uri, CKA_LABEL);
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[3] = {HSM_ATTR(CKA_CLASS, class)};
    size_t n = 1;

    if (id != NULL)
        wanted[n++] = *id;
    if (label != NULL)
        wanted[n++] = *label;
    return hsm_find(&door->token, wanted, n, ret, why);
}

/* What a key is called on its token. */
struct named {
    uint8_t label[NAME_LEN_MAX + 1], id[NAME_LEN_MAX];
    size_t label_len, id_len;
};

static err_code name_part(struct door *door, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type,
                          uint8_t space[static NAME_LEN_MAX], size_t *ret_len, struct why *why)
{
    struct slice value = {0};
    err_code err = hsm_attribute(&door->token, key, type, &value, space, NAME_LEN_MAX, why);

    *ret_len = value.len;
    return err == ERR_NOT_FOUND ? ERR_OK : err; /* no such attribute: the name is empty */
}

static err_code name_of(struct door *door, CK_OBJECT_HANDLE key, struct named *ret, struct why *why)
{
    *ret = (struct named){0};
    TRY(name_part(door, key, CKA_LABEL, ret->label, &ret->label_len, why));
    return name_part(door, key, CKA_ID, ret->id, &ret->id_len, why);
}

/* The public-key object that goes by the same id, or by the same label where there is no id. */
static err_code public_of(struct door *door, const struct named *name, struct hw_pubkey *ret,
                          struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    struct named own = *name;
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), {CKA_ID, own.id, own.id_len}};

    if (own.id_len == 0)
        wanted[1] = (CK_ATTRIBUTE){CKA_LABEL, own.label, own.label_len};
    TRY(hsm_find(&door->token, wanted, HSM_N(wanted), &found, why));
    if (found.n != 1)
        return why_say(why, ERR_KEY_MALFORMED,
                       "%zu public keys go with \"%s\" on token \"%s\", wanted 1", found.n,
                       (const char *)name->label, door->token.label);
    TRY(hsm_object_key(&door->token, found.handles[0], ret, why));
    return hw_pubkey_check(ret, why);
}

/* ---- libp11 ---------------------------------------------------------------------------------- */

/* What signs. */
struct pen {
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots;
    unsigned n_slots;
    UI_METHOD *silent;
    EVP_PKEY *pkey;
};

/* PKCS11_CTX_unload() is not called: it would finalise the module that p11-kit initialised before
 * (door_open) and counts the users of, under the feet of every other signer and root of this
 * process. The library stays mapped in any case (token.c). */
static void pen_drop(struct pen *pen)
{
    EVP_PKEY_free(pen->pkey); /* first: it looks into its slot when it goes */
    if (pen->slots != NULL)
        PKCS11_release_all_slots(pen->ctx, pen->slots, pen->n_slots);
    if (pen->ctx != NULL)
        PKCS11_CTX_free(pen->ctx);
    UI_destroy_method(pen->silent);
    *pen = (struct pen){0};
}

/* The token's code, if the last error on OpenSSL's stack is one that libp11 put there
 * (openssl/err.h: the library stands above 23 bits of reason). 0 if it is another one. */
static unsigned long last_ckr(void)
{
    unsigned long err = ERR_peek_last_error();

    ERR_clear_error();
    return (err >> 23) == (unsigned long)ERR_get_CKR_code() ? err & 0x7fffff : 0;
}

static err_code failed(const char *what, struct why *why)
{
    unsigned long rv = last_ckr();

    return why_foreign(why, ERR_HSM_FAILED, "CKR", rv, "libp11 gives no %s: %s (0x%lx)", what,
                       p11_kit_strerror(rv), rv);
}

/* A key that wants its PIN for each signature makes libp11 ask on the terminal. Nobody is there. */
static int no_answer(UI *ui, UI_STRING *string)
{
    (void)ui;
    (void)string;
    return 0;
}

static err_code pen_load(struct pen *pen, const struct door *door, struct why *why)
{
    pen->ctx = PKCS11_CTX_new();
    pen->silent = UI_create_method("none");
    if (pen->ctx == NULL || pen->silent == NULL ||
        UI_method_set_reader(pen->silent, no_answer) != 0)
        return ERR_NO_MEMORY;
    if (PKCS11_CTX_load(pen->ctx, (const char *)door->uri.module.ptr) != 0)
        return failed("module", why);
    (void)PKCS11_set_ui_method(pen->ctx, pen->silent, NULL);
    if (PKCS11_enumerate_slots(pen->ctx, &pen->slots, &pen->n_slots) != 0)
        return failed("slots", why);
    return ERR_OK;
}

static bool same_key(const PKCS11_KEY *key, const struct named *name)
{
    return slice_eq((struct slice){key->id, key->id_len}, (struct slice){name->id, name->id_len}) &&
           slice_eq_str((struct slice){name->label, name->label_len},
                        key->label == NULL ? "" : key->label);
}

static err_code pen_take(struct pen *pen, const struct door *door, const struct named *name,
                         struct why *why)
{
    PKCS11_KEY *keys = NULL;
    unsigned n = 0;

    TRY(pen_load(pen, door, why));
    for (unsigned i = 0; i < pen->n_slots; i++)
        if (pen->slots[i].token != NULL &&
            PKCS11_get_slotid_from_slot(&pen->slots[i]) == door->token.slot &&
            PKCS11_enumerate_keys(pen->slots[i].token, &keys, &n) != 0)
            return failed("keys", why);
    for (unsigned i = 0; i < n && pen->pkey == NULL; i++)
        if (same_key(&keys[i], name))
            pen->pkey = PKCS11_get_private_key(&keys[i]);
    return pen->pkey != NULL ? ERR_OK : failed("private key", why);
}

/* ---- the signer ------------------------------------------------------------------------------ */

struct token_signer {
    struct hw_signer base;
    char *uri;
    struct door door;
    struct pen pen;
};

static void ctx_free(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}

static bool choose(EVP_PKEY_CTX *ctx, enum hw_alg alg)
{
    if (EVP_PKEY_CTX_set_signature_md(ctx, alg == HW_ES384 ? EVP_sha384() : EVP_sha256()) != 1)
        return false;
    return alg != HW_PS256 || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* ret_rv: the token's code when it did not sign; 0 when libp11 gave none. */
static err_code try_to_sign(struct token_signer *self, struct slice digest, struct buf *ret,
                            unsigned long *ret_rv, struct why *why)
{
    CLEANUP(ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(self->pen.pkey, NULL);
    enum hw_alg alg = self->base.key.alg;
    uint8_t out[HW_SIG_MAX];
    size_t len = sizeof out;

    if (ctx == NULL)
        return ERR_NO_MEMORY;
    if (EVP_PKEY_sign_init(ctx) != 1 || !choose(ctx, alg) ||
        EVP_PKEY_sign(ctx, out, &len, digest.ptr, digest.len) != 1) {
        *ret_rv = last_ckr();
        return why_foreign(why, ERR_KEY_SIGN, "CKR", *ret_rv, "the token did not sign: %s (0x%lx)",
                           p11_kit_strerror(*ret_rv), *ret_rv);
    }
    *ret_rv = CKR_OK;
    return alg == HW_PS256 ? buf_add(ret, out, len)
                           : hw_sig_from_der(alg, (struct slice){out, len}, ret);
}

static err_code open_key(struct token_signer *self, const char *uri, struct why *why);

/* From the module on, and to the same key. */
static err_code open_again(struct token_signer *self, struct why *why)
{
    const struct hw_pubkey before = self->base.key;

    pen_drop(&self->pen);
    door_close(&self->door);
    TRY(open_key(self, self->uri, why));
    if (!hw_pubkey_eq(&before, &self->base.key))
        return why_say(why, ERR_KEY_SIGN, "the URI leads to another key than before");
    return ERR_OK;
}

/* When libp11 lets go of a slot it closes every session of this process there, also those of
 * others: so once more, with new ones. A failure may leave an operation active in a session of
 * libp11's, so that none is kept. */
static err_code sign_in_token(struct token_signer *self, struct slice digest, struct buf *ret,
                              struct why *why)
{
    unsigned long rv = CKR_OK;
    err_code err = ERR_KEY_SIGN;

    for (int tries = 0; tries < 2; tries++) {
        if (self->pen.pkey == NULL)
            TRY(open_again(self, why));
        err = try_to_sign(self, digest, ret, &rv, why);
        if (err == ERR_OK)
            return ERR_OK;
        pen_drop(&self->pen);
        if (!hsm_means_lost(rv))
            return err;
    }
    return err;
}

static err_code token_sign(struct hw_signer *signer, struct slice digest, struct buf *ret,
                           struct why *why)
{
    struct hw_statement st = {.key = signer->key};
    CLEANUP(buf_free) struct buf sig = {0};

    if (digest.len != hw_digest_len(signer->key.alg))
        return why_say(why, ERR_KEY_SIGN, "a digest of %zu bytes, wanted %zu", digest.len,
                       hw_digest_len(signer->key.alg));
    TRY(sign_in_token((struct token_signer *)signer, digest, &sig, why));
    if (sig.len > sizeof st.sig)
        return why_say(why, ERR_KEY_SIGN, "a signature of %zu bytes", sig.len);
    memcpy(st.digest, digest.ptr, digest.len);
    memcpy(st.sig, sig.ptr, sig.len);
    st.sig_len = sig.len;
    if (hw_verify_soft(&st, why) != ERR_OK)
        return why_say(why, ERR_KEY_SIGN,
                       "the token's signature does not fit the public key it shows");
    return buf_add_slice(ret, buf_slice(&sig));
}

static void token_close(struct hw_signer *signer)
{
    struct token_signer *self = (struct token_signer *)signer;

    pen_drop(&self->pen); /* before the door: it finalises the module */
    door_close(&self->door);
    free(self->uri);
    free(self);
}

static const struct hw_signer_ops OPS = {.sign = token_sign, .close = token_close};

static err_code open_key(struct token_signer *self, const char *uri, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    struct door *door = &self->door;
    struct named name;

    TRY(door_open(door, uri, why));
    if (hsm_uri_attribute(&door->uri, CKA_ID) == NULL &&
        hsm_uri_attribute(&door->uri, CKA_LABEL) == NULL)
        return why_say(why, ERR_KEY_REF, "the URI names no key: object or id");
    TRY(keys_of(door, &found, why));
    if (found.n == 0)
        return why_say(why, ERR_NOT_FOUND, "token \"%s\" has no private key of the URI's name",
                       door->token.label);
    if (found.n > 1)
        return why_say(why, ERR_KEY_REF,
                       "the URI matches %zu keys on token \"%s\": add id=", found.n,
                       door->token.label);
    TRY(name_of(door, found.handles[0], &name, why));
    TRY(public_of(door, &name, &self->base.key, why));
    return pen_take(&self->pen, door, &name, why);
}

err_code hsm_signer_open(const char *uri, struct hw_signer **ret, struct why *why)
{
    struct token_signer *self = calloc(1, sizeof *self);
    err_code err;

    if (self == NULL)
        return ERR_NO_MEMORY;
    self->base.ops = &OPS;
    self->uri = strdup(uri);
    err = self->uri == NULL ? ERR_NO_MEMORY : open_key(self, uri, why);
    if (err != ERR_OK)
        token_close(&self->base);
    else
        *ret = &self->base;
    return err;
}

/* ---- listing --------------------------------------------------------------------------------- */

static err_code list_one(struct door *door, CK_OBJECT_HANDLE key, struct hsm_listed *ret,
                         struct why *why)
{
    struct hsm_listed out = {0};
    struct why reason = {0};
    struct named name;
    err_code err;

    TRY(name_of(door, key, &name, why));
    const struct hsm_name full = {
        .token = door->token.label,
        .serial = door->token.serial,
        .label = {name.label, name.label_len},
        .id = {name.id, name.id_len},
    };
    TRY(hsm_uri_format(&door->uri, &full, out.uri, sizeof out.uri, why));
    (void)snprintf(out.label, sizeof out.label, "%s", (const char *)name.label);
    err = public_of(door, &name, &out.key, &reason);
    if (err == ERR_HSM_FAILED || err == ERR_HSM_REMOVED)
        return err;
    if (err != ERR_OK) {
        out.key = (struct hw_pubkey){0};
        (void)snprintf(out.reason, sizeof out.reason, "%.95s", reason.text);
    }
    *ret = out;
    return ERR_OK;
}

err_code hsm_signer_list(const char *uri, struct hsm_listed *ret, size_t max, size_t *ret_n,
                         struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CLEANUP(door_close) struct door door = {0};
    size_t listed = 0;

    TRY(door_open(&door, uri, why));
    TRY(keys_of(&door, &found, why));
    if (found.n > max)
        return why_say(why, ERR_TOO_LARGE,
                       "%zu keys on token \"%s\", the limit is %zu; add object=", found.n,
                       door.token.label, max);
    for (size_t i = 0; i < found.n; i++)
        TRY(list_one(&door, found.handles[i], &ret[listed++], why));
    *ret_n = listed;
    return ERR_OK;
}
