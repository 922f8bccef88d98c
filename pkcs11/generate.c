/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c: makes a key pair of the authority on a token, with attributes that libp11 cannot ask
 * for. */
#include "pkcs11/object.h"
#include "pkcs11/signer.h"

#include <openssl/rand.h>
#include <string.h>

#define RSA_BITS 3072
#define ID_LEN 16
#define NAME_MAX_LEN 255

struct making {
    struct hsm_token token;
    struct hsm_uri uri;
    enum hw_alg alg;
    uint8_t label[NAME_MAX_LEN], id[NAME_MAX_LEN];
    size_t label_len, id_len;
};

static void making_free(struct making *m)
{
    hsm_token_close(&m->token);
    hsm_uri_free(&m->uri);
}

static err_code take_name(struct making *m, struct why *why)
{
    const CK_ATTRIBUTE *label = hsm_uri_attribute(&m->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = hsm_uri_attribute(&m->uri, CKA_ID);

    if (label == NULL || label->ulValueLen == 0)
        return why_say(why, ERR_KEY_REF, "the URI does not name the new key: object=NAME");
    if (label->ulValueLen > sizeof m->label || (id != NULL && id->ulValueLen > sizeof m->id))
        return why_say(why, ERR_KEY_REF, "object or id is longer than %d bytes", NAME_MAX_LEN);
    memcpy(m->label, label->pValue, label->ulValueLen);
    m->label_len = label->ulValueLen;
    if (id != NULL && id->ulValueLen > 0) {
        memcpy(m->id, id->pValue, id->ulValueLen);
        m->id_len = id->ulValueLen;
        return ERR_OK;
    }
    m->id_len = ID_LEN;
    return RAND_bytes(m->id, ID_LEN) == 1
               ? ERR_OK
               : why_say(why, ERR_INTERNAL, "OpenSSL has no random numbers");
}

static err_code must_be_free(struct making *m, struct why *why)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE names[] = {{CKA_LABEL, m->label, m->label_len}, {CKA_ID, m->id, m->id_len}};

    for (size_t i = 0; i < HSM_N(names); i++) {
        CLEANUP(hsm_found_free) struct hsm_found found = {0};
        CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), names[i]};
        TRY(hsm_find(&m->token, wanted, HSM_N(wanted), &found, why));
        if (found.n > 0)
            return why_say(why, ERR_EXISTS, "token \"%s\" has a private key of this %s already",
                           m->token.label, i == 0 ? "object name" : "id");
    }
    return ERR_OK;
}

static const struct hsm_flag KEPT[] = {
    {CKA_TOKEN, "CKA_TOKEN", CK_TRUE}, /* else it is gone with the session */
    {CKA_PRIVATE, "CKA_PRIVATE", CK_TRUE},
    {CKA_SIGN, "CKA_SIGN", CK_TRUE},
    {CKA_DECRYPT, "CKA_DECRYPT", CK_FALSE},
    {CKA_UNWRAP, "CKA_UNWRAP", CK_FALSE},
    {CKA_SENSITIVE, "CKA_SENSITIVE", CK_TRUE},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", CK_FALSE},
    {CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", CK_TRUE},
    {CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", CK_TRUE},
    {CKA_LOCAL, "CKA_LOCAL", CK_TRUE},
};

static err_code make(struct making *m, struct why *why)
{
    bool rsa = m->alg == HW_PS256;
    CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = RSA_BITS;
    uint8_t curve[16] = {0}, exponent[] = {1, 0, 1};
    struct slice params = hsm_ec_params(m->alg);
    CK_ATTRIBUTE public[] = {
        HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, no),
        HSM_ATTR(CKA_VERIFY, yes),
        {CKA_LABEL, m->label, m->label_len},
        {CKA_ID, m->id, m->id_len},
        rsa ? HSM_ATTR(CKA_MODULUS_BITS, bits) : (CK_ATTRIBUTE){CKA_EC_PARAMS, curve, params.len},
        HSM_ATTR(CKA_PUBLIC_EXPONENT, exponent),
    };
    CK_ATTRIBUTE private[] = {
        HSM_ATTR(CKA_TOKEN, yes),     HSM_ATTR(CKA_PRIVATE, yes),
        HSM_ATTR(CKA_SENSITIVE, yes), HSM_ATTR(CKA_EXTRACTABLE, no),
        HSM_ATTR(CKA_SIGN, yes),      HSM_ATTR(CKA_DECRYPT, no),
        HSM_ATTR(CKA_UNWRAP, no),     {CKA_LABEL, m->label, m->label_len},
        {CKA_ID, m->id, m->id_len},
    };
    const size_t n_public = HSM_N(public) - (rsa ? 0 : 1); /* an EC key has no exponent */
    struct hsm_judged judged = {0, "the new key", ERR_HSM_KEY_WEAK};
    CK_OBJECT_HANDLE public_key = 0;
    err_code err;
    CK_RV rv;

    if (params.len > 0)
        memcpy(curve, params.ptr, params.len);
    rv = m->token.f->C_GenerateKeyPair(m->token.session, &mechanism, public, n_public, private,
                                       HSM_N(private), &public_key, &judged.object);
    if (rv == CKR_MECHANISM_INVALID)
        return why_foreign(why, ERR_UNSUPPORTED, "CKR", rv, "token \"%s\" makes no %s keys",
                           m->token.label, hw_alg_name(m->alg));
    TRY(hsm_ckr(&m->token, rv, "C_GenerateKeyPair", why));
    err = hsm_flags_check(&m->token, &judged, KEPT, HSM_N(KEPT), why);
    if (err != ERR_OK) {
        (void)m->token.f->C_DestroyObject(m->token.session, judged.object);
        (void)m->token.f->C_DestroyObject(m->token.session, public_key);
    }
    return err;
}

err_code hsm_signer_generate(const char *uri, enum hw_alg alg, char ret_uri[static HSM_KEY_URI_MAX],
                             struct why *why)
{
    CLEANUP(making_free) struct making m = {.alg = alg};
    struct hsm_name name;

    TRY(hsm_uri_parse(uri, &m.uri, why));
    TRY(take_name(&m, why));
    TRY(hsm_token_open(&m.token, &m.uri, NULL, why));
    TRY(hsm_login(&m.token, CKU_USER, (const char *)m.uri.pin.ptr, why));
    TRY(must_be_free(&m, why));
    TRY(make(&m, why));
    name = (struct hsm_name){
        .token = m.token.label,
        .serial = m.token.serial,
        .label = {m.label, m.label_len},
        .id = {m.id, m.id_len},
    };
    return hsm_uri_format(&m.uri, &name, ret_uri, HSM_KEY_URI_MAX, why);
}
