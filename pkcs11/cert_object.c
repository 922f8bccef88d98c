/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/cert_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION "pawl"

/* ---- one object ------------------------------------------------------------------------------ */

static void label_of(const struct hsm_space *space, uint64_t epoch, char ret[static HSM_LABEL_MAX])
{
    (void)snprintf(ret, HSM_LABEL_MAX, "%s:cert:%" PRIu64, space->prefix, epoch);
}

/* Every object that calls itself the certificate of this epoch. None when there are too many to
 * look at, or when the token does not know such objects (the search was not begun then, so nothing
 * is left active). */
static err_code find(struct hsm_token *token, const struct hsm_space *space, uint64_t epoch,
                     struct hsm_found *ret, struct why *why)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char application[] = APPLICATION, label[HSM_LABEL_MAX];
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class),
                             HSM_ATTR(CKA_TOKEN, yes),
                             {CKA_APPLICATION, application, strlen(application)},
                             {CKA_LABEL, label, 0}};
    bool good = token->state == HSM_TOKEN_GOOD;
    struct why own = {0};
    err_code err;

    label_of(space, epoch, label);
    wanted[3].ulValueLen = strlen(label);
    err = hsm_find(token, wanted, HSM_N(wanted), ret, &own);
    if (err == ERR_OK || err == ERR_TOO_LARGE)
        return ERR_OK;
    if (good && err == ERR_HSM_FAILED &&
        (own.foreign_code == CKR_ATTRIBUTE_TYPE_INVALID ||
         own.foreign_code == CKR_ATTRIBUTE_VALUE_INVALID ||
         own.foreign_code == CKR_TEMPLATE_INCONSISTENT)) {
        token->state = HSM_TOKEN_GOOD;
        return ERR_OK;
    }
    if (why != NULL)
        *why = own;
    return err;
}

/* Reads an object's value. False: it is no certificate of this epoch. */
static err_code read_cert(struct hsm_token *token, CK_OBJECT_HANDLE object, uint64_t epoch,
                          uint8_t ret_bytes[static HSM_CERT_LEN], bool *ret, struct why *why)
{
    struct why own = {0};
    struct hsm_cert cert;
    struct slice value;
    err_code err = hsm_attribute(token, object, CKA_VALUE, &value, ret_bytes, HSM_CERT_LEN, &own);

    *ret = false;
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err != ERR_OK) {
        if (why != NULL)
            *why = own;
        return err;
    }
    *ret = hsm_cert_parse(value, &cert, NULL) == ERR_OK && cert.epoch == epoch;
    return ERR_OK;
}

/* A create leaves no operation active, so a refusal leaves the token as good as it was. */
static err_code create(struct hsm_token *token, CK_ATTRIBUTE *template, CK_ULONG n, bool *ret,
                       struct why *why)
{
    CK_OBJECT_HANDLE object = 0;
    bool good = token->state == HSM_TOKEN_GOOD;
    struct why own = {0};
    err_code err = hsm_ckr(token, token->f->C_CreateObject(token->session, template, n, &object),
                           "C_CreateObject", &own);

    *ret = err == ERR_OK;
    if (err == ERR_OK)
        return ERR_OK;
    if (token->state == HSM_TOKEN_LOST) {
        if (why != NULL)
            *why = own;
        return err;
    }
    if (good)
        token->state = HSM_TOKEN_GOOD;
    return ERR_OK;
}

static err_code put(struct hsm_token *token, const struct hsm_space *space, struct slice bytes,
                    bool *ret, struct why *why)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    char application[] = APPLICATION, label[HSM_LABEL_MAX];
    uint8_t value[HSM_CERT_LEN];
    struct hsm_cert cert;
    /* The last two are not known to every token. */
    CK_ATTRIBUTE template[] = {
        HSM_ATTR(CKA_CLASS, class),   HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, no),    {CKA_APPLICATION, application, strlen(application)},
        {CKA_LABEL, label, 0},        HSM_ATTR(CKA_VALUE, value),
        HSM_ATTR(CKA_MODIFIABLE, no), HSM_ATTR(CKA_DESTROYABLE, yes)};

    TRY(hsm_cert_parse(bytes, &cert, why));
    label_of(space, cert.epoch, label);
    template[4].ulValueLen = strlen(label);
    memcpy(value, bytes.ptr, sizeof value);
    TRY(create(token, template, HSM_N(template), ret, why));
    return *ret ? ERR_OK : create(token, template, HSM_N(template) - 2, ret, why);
}

/* ---- keeping --------------------------------------------------------------------------------- */

static struct slice nth(struct slice chain, size_t i)
{
    return slice_part(chain, i * HSM_CERT_LEN, HSM_CERT_LEN);
}

static err_code is_there(struct hsm_token *token, const struct hsm_space *space, struct slice bytes,
                         bool *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    uint8_t value[HSM_CERT_LEN];
    struct hsm_cert cert;

    *ret = false;
    TRY(hsm_cert_parse(bytes, &cert, why));
    TRY(find(token, space, cert.epoch, &found, why));
    for (size_t i = 0; i < found.n && !*ret; i++) {
        bool good;
        TRY(read_cert(token, found.handles[i], cert.epoch, value, &good, why));
        *ret = good && slice_eq(SLICE_OF(value), bytes);
    }
    return ERR_OK;
}

/* Looks downwards and writes upwards: what is cut off in between is done again by the next one. */
err_code hsm_certs_keep(struct hsm_token *token, const struct hsm_space *space, struct slice chain,
                        struct why *why)
{
    bool there = false, taken = true;
    size_t n, first;

    TRY(hsm_chain_count(chain, &n, why));
    for (first = n; first > 0; first--) {
        TRY(is_there(token, space, nth(chain, first - 1), &there, why));
        if (there)
            break;
    }
    for (size_t i = first; i < n && taken; i++)
        TRY(put(token, space, nth(chain, i), &taken, why));
    return ERR_OK;
}

/* ---- extending ------------------------------------------------------------------------------- */

/* The identity key signed it. Cheap, and keeps all those away who have no PIN. */
static bool is_ours(const struct hw_enrolment *enrolment, const struct hsm_cert *cert)
{
    struct hw_statement statement = {.key = enrolment->seal, .sig_len = 64};
    struct digest digest;

    if (hsm_cert_digest(cert, &digest) != ERR_OK)
        return false;
    memcpy(statement.digest, digest.bytes, sizeof digest.bytes);
    memcpy(statement.sig, cert->identity_sig, 64);
    return hw_verify_soft(&statement, NULL) == ERR_OK;
}

/* The certificate that another one names as its predecessor, by its digest. */
static err_code find_previous(struct hsm_token *token, const struct hsm_space *space,
                              const struct hsm_cert *cert, uint8_t ret_bytes[static HSM_CERT_LEN],
                              bool *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};

    *ret = false;
    TRY(find(token, space, cert->previous, &found, why));
    for (size_t i = 0; i < found.n && !*ret; i++) {
        struct digest digest;
        bool good;
        TRY(read_cert(token, found.handles[i], cert->previous, ret_bytes, &good, why));
        if (!good)
            continue;
        TRY(hash_sha256((struct slice){ret_bytes, HSM_CERT_LEN}, &digest));
        *ret = digest_eq(&digest, &cert->previous_cert);
    }
    return ERR_OK;
}

/* Walks from a certificate down to the end of the chain, by what each says of its predecessor. ret:
 * the certificates in between, newest first; empty when they do not lead there. */
static err_code walk_down(struct hsm_token *token, const struct hsm_space *space,
                          struct slice chain, struct slice top, struct buf *ret, struct why *why)
{
    uint8_t bytes[HSM_CERT_LEN];
    struct hsm_cert end, cert;
    bool there = true;

    TRY(hsm_chain_last(chain, &end, why));
    memcpy(bytes, top.ptr, sizeof bytes);
    while (there && chain.len + ret->len < (size_t)HSM_CHAIN_MAX * HSM_CERT_LEN) {
        TRY(hsm_cert_parse(SLICE_OF(bytes), &cert, why));
        TRY(buf_add_slice(ret, SLICE_OF(bytes)));
        if (cert.previous == end.epoch)
            return ERR_OK; /* whether it links, verifying says */
        if (cert.previous < end.epoch || cert.previous >= cert.epoch)
            break;
        TRY(find_previous(token, space, &cert, bytes, &there, why));
    }
    buf_cut(ret, 0);
    return ERR_OK;
}

/* The chain up to this certificate, if it verifies from the enrolment on. */
static err_code join(struct hsm_token *token, const struct hsm_wanted *wanted, struct slice chain,
                     struct slice top, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf down = {0};
    struct hsm_cert last;

    TRY(walk_down(token, wanted->space, chain, top, &down, why));
    if (down.len == 0)
        return ERR_OK;
    TRY(buf_add_slice(ret, chain));
    for (size_t i = down.len / HSM_CERT_LEN; i > 0; i--)
        TRY(buf_add_slice(ret, nth(buf_slice(&down), i - 1)));
    if (hsm_chain_verify(wanted->enrolment, buf_slice(ret), &last, NULL) != ERR_OK)
        buf_cut(ret, 0);
    return ERR_OK;
}

/* The key is protected, and the one that the certificate names. */
static err_code is_proved(struct hsm_token *token, const struct hsm_key *key,
                          const struct hsm_cert *cert, bool *ret, struct why *why)
{
    err_code err = hsm_epoch_check(token, key->handle, why);

    if (err == ERR_OK)
        err = hsm_key_prove(token, key->handle, &cert->key, "the epoch key", why);
    *ret = err == ERR_OK;
    return err == ERR_HSM_KEY_WEAK || err == ERR_HSM_KEY_FOREIGN ? ERR_OK : err;
}

/* Looks for certificates that lead to one key. */
static err_code extend_to(struct hsm_token *token, const struct hsm_wanted *wanted,
                          const struct hsm_key *key, struct buf *chain, bool *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};

    TRY(find(token, wanted->space, key->epoch, &found, why));
    for (size_t i = 0; i < found.n && !*ret; i++) {
        CLEANUP(buf_free) struct buf longer = {0};
        uint8_t bytes[HSM_CERT_LEN];
        struct hsm_cert cert;
        bool good;
        TRY(read_cert(token, found.handles[i], key->epoch, bytes, &good, why));
        if (!good || hsm_cert_parse(SLICE_OF(bytes), &cert, NULL) != ERR_OK ||
            !is_ours(wanted->enrolment, &cert))
            continue;
        TRY(join(token, wanted, buf_slice(chain), SLICE_OF(bytes), &longer, why));
        if (longer.len == 0)
            continue;
        TRY(is_proved(token, key, &cert, ret, why));
        if (*ret) {
            buf_free(chain);
            *chain = buf_take(&longer);
        }
    }
    return ERR_OK;
}

err_code hsm_certs_extend(struct hsm_token *token, const struct hsm_wanted *wanted,
                          struct buf *chain, bool *ret, struct why *why)
{
    struct hsm_cert end;

    *ret = false;
    TRY(hsm_chain_last(buf_slice(chain), &end, why));
    for (size_t i = 0; i < wanted->n_keys && !*ret; i++)
        if (wanted->keys[i].epoch > end.epoch)
            TRY(extend_to(token, wanted, &wanted->keys[i], chain, ret, why));
    return ERR_OK;
}
