/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/object.h"

#include <stdlib.h>
#include <string.h>

/* ---- finding --------------------------------------------------------------------------------- */

void hsm_found_free(struct hsm_found *found)
{
    free(found->handles);
    *found = (struct hsm_found){0};
}

static err_code gather(struct hsm_token *token, struct hsm_found *found, struct why *why)
{
    CK_ULONG got = 0;

    do {
        TRY(hsm_ckr(token,
                    token->f->C_FindObjects(token->session, found->handles + found->n,
                                            HSM_OBJECTS_MAX + 1 - found->n, &got),
                    "C_FindObjects", why));
        if (got > HSM_OBJECTS_MAX - found->n)
            return why_say(why, ERR_TOO_LARGE, "more than %d objects on token \"%s\"",
                           HSM_OBJECTS_MAX, token->label);
        found->n += got;
    } while (got > 0);
    return ERR_OK;
}

err_code hsm_find(struct hsm_token *token, CK_ATTRIBUTE *wanted, size_t n_wanted,
                  struct hsm_found *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    err_code err;
    CK_RV rv;

    found.handles = calloc(HSM_OBJECTS_MAX + 1, sizeof *found.handles);
    if (found.handles == NULL)
        return ERR_NO_MEMORY;
    rv = token->f->C_FindObjectsInit(token->session, wanted, n_wanted);
    TRY(hsm_ckr(token, rv, "C_FindObjectsInit", why));
    err = gather(token, &found, why);
    rv = token->f->C_FindObjectsFinal(token->session);
    if (err != ERR_OK)
        return err;
    TRY(hsm_ckr(token, rv, "C_FindObjectsFinal", why));
    *ret = found;
    found = (struct hsm_found){0};
    return ERR_OK;
}

/* ---- attributes ------------------------------------------------------------------------------ */

err_code hsm_attribute(struct hsm_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                       struct slice *ret, uint8_t *space, size_t size, struct why *why)
{
    CK_ATTRIBUTE attribute = {type, space, size};
    CK_RV rv = token->f->C_GetAttributeValue(token->session, object, &attribute, 1);

    if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
        rv == CKR_BUFFER_TOO_SMALL)
        return why_foreign(why, ERR_NOT_FOUND, "CKR", rv, "attribute 0x%lx: %s", type,
                           p11_kit_strerror(rv));
    TRY(hsm_ckr(token, rv, "C_GetAttributeValue", why));
    if (attribute.ulValueLen > size)
        return why_say(why, ERR_NOT_FOUND, "attribute 0x%lx has no value", type);
    *ret = (struct slice){space, attribute.ulValueLen};
    return ERR_OK;
}

err_code hsm_flags_check(struct hsm_token *token, const struct hsm_judged *judged,
                         const struct hsm_flag *flags, size_t n_flags, struct why *why)
{
    for (size_t i = 0; i < n_flags; i++) {
        struct slice value;
        CK_BBOOL space = 0;
        err_code err =
            hsm_attribute(token, judged->object, flags[i].type, &value, &space, sizeof space, why);
        if (err == ERR_NOT_FOUND || (err == ERR_OK && value.len != sizeof space))
            return why_say(why, judged->code, "%s has no %s", judged->what, flags[i].name);
        if (err != ERR_OK)
            return err;
        if ((space != CK_FALSE) != (flags[i].value != CK_FALSE))
            return why_say(why, judged->code, "%s has %s=%s, wanted %s", judged->what,
                           flags[i].name, space != CK_FALSE ? "true" : "false",
                           flags[i].value != CK_FALSE ? "true" : "false");
    }
    return ERR_OK;
}

err_code hsm_destroy(struct hsm_token *token, CK_OBJECT_HANDLE object, struct why *why)
{
    return hsm_ckr(token, token->f->C_DestroyObject(token->session, object), "C_DestroyObject",
                   why);
}

/* ---- public keys ----------------------------------------------------------------------------- */

struct slice hsm_ec_params(enum hw_alg alg)
{
    static const uint8_t P256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t P384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

    return alg == HW_ES256 ? SLICE_OF(P256) : alg == HW_ES384 ? SLICE_OF(P384) : (struct slice){0};
}

err_code hsm_ec_point(const struct hw_pubkey *key, struct buf *ret)
{
    size_t len = hw_coord_len(key->alg);

    TRY(buf_add_u8(ret, 0x04)); /* OCTET STRING; both lengths below fit into one byte */
    TRY(buf_add_u8(ret, (uint8_t)(1 + 2 * len)));
    TRY(buf_add_u8(ret, 0x04)); /* uncompressed (SEC 1, 2.3.3) */
    TRY(buf_add(ret, key->x, len));
    return buf_add(ret, key->y, len);
}

static err_code ec_key(struct hsm_token *token, CK_OBJECT_HANDLE object, struct hw_pubkey *ret,
                       struct why *why)
{
    uint8_t params_space[64], point_space[160];
    CLEANUP(buf_free) struct buf again = {0};
    struct slice params, point;
    struct hw_pubkey key = {.alg = HW_ES256};
    size_t len;

    TRY(hsm_attribute(token, object, CKA_EC_PARAMS, &params, params_space, sizeof params_space,
                      why));
    TRY(hsm_attribute(token, object, CKA_EC_POINT, &point, point_space, sizeof point_space, why));
    if (slice_eq(params, hsm_ec_params(HW_ES384)))
        key.alg = HW_ES384;
    else if (!slice_eq(params, hsm_ec_params(HW_ES256)))
        return why_say(why, ERR_COSE_ALG, "an EC key on a curve other than P-256 and P-384");
    len = hw_coord_len(key.alg);
    if (point.len != 3 + 2 * len)
        return why_say(why, ERR_KEY_MALFORMED, "CKA_EC_POINT of %zu bytes, wanted %zu", point.len,
                       3 + 2 * len);
    memcpy(key.x, point.ptr + 3, len);
    memcpy(key.y, point.ptr + 3 + len, len);
    TRY(hsm_ec_point(&key, &again));
    if (!slice_eq(buf_slice(&again), point))
        return why_say(why, ERR_KEY_MALFORMED, "CKA_EC_POINT is not an uncompressed point in DER");
    *ret = key;
    return ERR_OK;
}

static err_code rsa_key(struct hsm_token *token, CK_OBJECT_HANDLE object, struct hw_pubkey *ret,
                        struct why *why)
{
    uint8_t n_space[HW_RSA_MAX + 1], e_space[8];
    struct hw_pubkey key = {.alg = HW_PS256};
    struct slice n, e;

    TRY(hsm_attribute(token, object, CKA_MODULUS, &n, n_space, sizeof n_space, why));
    TRY(hsm_attribute(token, object, CKA_PUBLIC_EXPONENT, &e, e_space, sizeof e_space, why));
    while (n.len > 0 && n.ptr[0] == 0)
        n = slice_part(n, 1, n.len - 1);
    while (e.len > 0 && e.ptr[0] == 0)
        e = slice_part(e, 1, e.len - 1);
    if (n.len == 0 || n.len > sizeof key.n || e.len == 0 || e.len > sizeof key.e)
        return why_say(why, ERR_KEY_MALFORMED, "an RSA key of %zu and %zu bytes", n.len, e.len);
    memcpy(key.n, n.ptr, n.len);
    key.n_len = n.len;
    for (size_t i = 0; i < e.len; i++)
        key.e = key.e << 8 | e.ptr[i];
    *ret = key;
    return ERR_OK;
}

err_code hsm_object_key(struct hsm_token *token, CK_OBJECT_HANDLE object, struct hw_pubkey *ret,
                        struct why *why)
{
    CK_KEY_TYPE type = 0;
    struct slice value;

    TRY(hsm_attribute(token, object, CKA_KEY_TYPE, &value, (uint8_t *)&type, sizeof type, why));
    if (type == CKK_EC)
        return ec_key(token, object, ret, why);
    if (type == CKK_RSA)
        return rsa_key(token, object, ret, why);
    return why_say(why, ERR_COSE_ALG, "a key of CKK 0x%lx is not accepted", type);
}
