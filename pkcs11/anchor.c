/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/anchor.h"

#include "gate/base/text.h"

#include <stdio.h>
#include <string.h>

#define NAME_LEN 9 /* 8 hex digits */

struct anchor_id {
    struct digest digest;
    char name[NAME_LEN];
};

static err_code id_of(const struct hw_pubkey *key, struct anchor_id *ret)
{
    CLEANUP(buf_free) struct buf spki = {0};

    TRY(hw_pubkey_to_spki(key, &spki));
    TRY(hash_sha256(buf_slice(&spki), &ret->digest));
    hex_encode((struct slice){ret->digest.bytes, NAME_LEN / 2}, ret->name, sizeof ret->name);
    return ERR_OK;
}

/* ---- finding --------------------------------------------------------------------------------- */

static const struct hsm_flag PROTECTED[] = {
    {CKA_TOKEN, "CKA_TOKEN", CK_TRUE},        {CKA_PRIVATE, "CKA_PRIVATE", CK_FALSE},
    {CKA_TRUSTED, "CKA_TRUSTED", CK_TRUE},    {CKA_MODIFIABLE, "CKA_MODIFIABLE", CK_FALSE},
    {CKA_COPYABLE, "CKA_COPYABLE", CK_FALSE}, {CKA_DESTROYABLE, "CKA_DESTROYABLE", CK_FALSE},
    {CKA_VERIFY, "CKA_VERIFY", CK_TRUE},      {CKA_ENCRYPT, "CKA_ENCRYPT", CK_FALSE},
    {CKA_WRAP, "CKA_WRAP", CK_FALSE},
};

/* Compares one object with the anchor that it should be. */
static err_code judge(struct hsm_token *token, const struct hsm_judged *judged,
                      const struct hw_pubkey *key, struct why *why)
{
    struct hw_pubkey own;
    err_code err;

    TRY(hsm_flags_check(token, judged, PROTECTED, HSM_N(PROTECTED), why));
    err = hsm_object_key(token, judged->object, &own, why);
    if (err == ERR_HSM_FAILED || err == ERR_HSM_REMOVED)
        return err;
    if (err != ERR_OK || !hw_pubkey_eq(&own, key))
        return why_say(why, judged->code, "%s holds another key", judged->what);
    return ERR_OK;
}

/* An untrusted object beside a good anchor is somebody's attempt, or a copy for another program; it
 * is never used, so it does no harm. Alone, it is reported for what it is. */
err_code hsm_anchor_find(struct hsm_token *token, const struct hw_pubkey *key,
                         CK_OBJECT_HANDLE *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    struct anchor_id id;
    CK_ATTRIBUTE wanted[] = {HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_ID, id.digest.bytes)};
    char what[64];
    err_code err = ERR_OK;

    if (id_of(key, &id) != ERR_OK)
        return why_say(why, ERR_KEY_MALFORMED, "not a usable %s key", hw_alg_name(key->alg));
    TRY(hsm_find(token, wanted, HSM_N(wanted), &found, why));
    if (found.n == 0)
        return why_say(why, ERR_ANCHOR_MISSING, "token \"%s\" has no anchor %s for this %s key",
                       token->label, id.name, hw_alg_name(key->alg));
    (void)snprintf(what, sizeof what, "the object at anchor %s", id.name);
    for (size_t i = 0; i < found.n; i++) {
        const struct hsm_judged judged = {found.handles[i], what, ERR_ANCHOR_FOREIGN};
        err = judge(token, &judged, key, why);
        if (err == ERR_OK)
            *ret = found.handles[i];
        if (err != ERR_ANCHOR_FOREIGN)
            return err;
    }
    return err;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* The key material: CKA_EC_PARAMS and CKA_EC_POINT, or CKA_MODULUS and CKA_PUBLIC_EXPONENT. The
 * bytes are copied, because templates do not take const. */
struct material {
    CK_KEY_TYPE type;
    CK_ATTRIBUTE_TYPE first_type, second_type;
    struct buf first, second;
};

static void material_free(struct material *m)
{
    buf_free(&m->first);
    buf_free(&m->second);
}

static err_code material_of(const struct hw_pubkey *key, struct material *ret)
{
    uint8_t e[4];
    size_t skip = 0;

    if (key->alg != HW_PS256) {
        ret->type = CKK_EC;
        ret->first_type = CKA_EC_PARAMS;
        ret->second_type = CKA_EC_POINT;
        TRY(buf_add_slice(&ret->first, hsm_ec_params(key->alg)));
        return hsm_ec_point(key, &ret->second);
    }
    ret->type = CKK_RSA;
    ret->first_type = CKA_MODULUS;
    ret->second_type = CKA_PUBLIC_EXPONENT;
    TRY(buf_add(&ret->first, key->n, key->n_len));
    put_u32(e, key->e);
    while (skip < 3 && e[skip] == 0)
        skip++;
    return buf_add(&ret->second, e + skip, sizeof e - skip);
}

static err_code read_back(struct hsm_token *token, CK_OBJECT_HANDLE object,
                          const struct hw_pubkey *key, struct why *why)
{
    const struct hsm_judged judged = {object, "the anchor as the token made it", ERR_HSM_KEY_WEAK};

    return judge(token, &judged, key, why);
}

err_code hsm_anchor_make(struct hsm_token *token, const char *domain, const struct hw_pubkey *key,
                         struct why *why)
{
    CLEANUP(material_free) struct material material = {0};
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    char label[HW_NAME_MAX + 32];
    CK_OBJECT_HANDLE object = 0;
    struct anchor_id id;
    CK_RV rv;

    TRY(hw_pubkey_check(key, why));
    TRY(id_of(key, &id));
    TRY(material_of(key, &material));
    (void)snprintf(label, sizeof label, "pawl:%s:anchor:%s", domain, id.name);
    CK_ATTRIBUTE template[] = {
        HSM_ATTR(CKA_CLASS, class),
        HSM_ATTR(CKA_KEY_TYPE, material.type),
        HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, no),
        HSM_ATTR(CKA_TRUSTED, yes),
        HSM_ATTR(CKA_MODIFIABLE, no),
        HSM_ATTR(CKA_COPYABLE, no),
        HSM_ATTR(CKA_DESTROYABLE, no),
        HSM_ATTR(CKA_VERIFY, yes),
        HSM_ATTR(CKA_ENCRYPT, no),
        HSM_ATTR(CKA_WRAP, no),
        HSM_ATTR(CKA_VERIFY_RECOVER, no),
        {CKA_ID, id.digest.bytes, sizeof id.digest.bytes},
        {CKA_LABEL, label, strlen(label)},
        {material.first_type, material.first.ptr, material.first.len},
        {material.second_type, material.second.ptr, material.second.len},
    };
    rv = token->f->C_CreateObject(token->session, template, HSM_N(template), &object);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
        rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT)
        return why_foreign(why, ERR_HSM_KEY_WEAK, "CKR", rv,
                           "token \"%s\" does not make an anchor protected as asked: %s (0x%lx)",
                           token->label, p11_kit_strerror(rv), rv);
    TRY(hsm_ckr(token, rv, "C_CreateObject", why));
    return read_back(token, object, key, why);
}

/* ---- verifying ------------------------------------------------------------------------------- */

err_code hsm_anchor_verify(struct hsm_token *token, CK_OBJECT_HANDLE anchor,
                           const struct hw_statement *statement, struct why *why)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, SHA256_LEN};
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    const struct hw_pubkey *key = &statement->key;
    uint8_t digest[HW_DIGEST_MAX], sig[HW_SIG_MAX];
    CK_RV rv;

    if (statement->sig_len == 0 || statement->sig_len != hw_sig_len(key) ||
        statement->sig_len > sizeof sig)
        return why_say(why, ERR_SIGNATURE_INVALID, "a signature of %zu bytes, wanted %zu",
                       statement->sig_len, hw_sig_len(key));
    if (key->alg == HW_PS256)
        mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    memcpy(digest, statement->digest, sizeof digest);
    memcpy(sig, statement->sig, statement->sig_len);
    rv = token->f->C_VerifyInit(token->session, &mechanism, anchor);
    if (rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID)
        return why_foreign(why, ERR_UNSUPPORTED, "CKR", rv,
                           "token \"%s\" does not verify %s: %s (0x%lx)", token->label,
                           hw_alg_name(key->alg), p11_kit_strerror(rv), rv);
    TRY(hsm_ckr(token, rv, "C_VerifyInit", why));
    rv = token->f->C_Verify(token->session, digest, hw_digest_len(key->alg), sig,
                            statement->sig_len);
    if (rv == CKR_SIGNATURE_INVALID || rv == CKR_SIGNATURE_LEN_RANGE)
        return why_foreign(why, ERR_SIGNATURE_INVALID, "CKR", rv,
                           "token \"%s\" refused the %s signature: %s (0x%lx)", token->label,
                           hw_alg_name(key->alg), p11_kit_strerror(rv), rv);
    return hsm_ckr(token, rv, "C_Verify", why);
}
