/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/pubkey.h"

#include <string.h>

/* Numbers of the TPM are big-endian without a fixed length; coordinates have one. */
static bool put_number(const TPM2B_ECC_PARAMETER *from, uint8_t *to, size_t len)
{
    if (from->size > len || from->size > sizeof from->buffer)
        return false;
    memset(to, 0, len);
    memcpy(to + len - from->size, from->buffer, from->size);
    return true;
}

static err_code ecc_of(const TPMT_PUBLIC *area, struct hw_pubkey *ret, struct why *why)
{
    const TPMS_ECC_POINT *p = &area->unique.ecc;
    TPM2_ECC_CURVE curve = area->parameters.eccDetail.curveID;
    size_t len;

    if (curve == TPM2_ECC_NIST_P256)
        ret->alg = HW_ES256;
    else if (curve == TPM2_ECC_NIST_P384)
        ret->alg = HW_ES384;
    else
        return why_say(why, ERR_COSE_ALG, "the key is on TPM curve 0x%04x, not P-256 or P-384",
                       curve);
    len = hw_coord_len(ret->alg);
    if (!put_number(&p->x, ret->x, len) || !put_number(&p->y, ret->y, len))
        return why_say(why, ERR_KEY_MALFORMED, "coordinates of %u and %u bytes on %s", p->x.size,
                       p->y.size, hw_alg_name(ret->alg));
    return ERR_OK;
}

static err_code rsa_of(const TPMT_PUBLIC *area, struct hw_pubkey *ret, struct why *why)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &area->unique.rsa;
    uint32_t e = area->parameters.rsaDetail.exponent;

    if (n->size > sizeof ret->n)
        return why_say(why, ERR_KEY_MALFORMED, "a modulus of %u bytes", n->size);
    ret->alg = HW_PS256;
    ret->n_len = n->size;
    memcpy(ret->n, n->buffer, n->size);
    ret->e = e == 0 ? 65537 : e;
    return ERR_OK;
}

err_code tpm_pubkey_of(const TPMT_PUBLIC *area, struct hw_pubkey *ret, struct why *why)
{
    struct hw_pubkey key = {0};

    if (area->type == TPM2_ALG_ECC)
        TRY(ecc_of(area, &key, why));
    else if (area->type == TPM2_ALG_RSA)
        TRY(rsa_of(area, &key, why));
    else
        return why_say(why, ERR_COSE_ALG, "the object is of TPM type 0x%04x, not ECC or RSA",
                       area->type);
    TRY(hw_pubkey_check(&key, why));
    *ret = key;
    return ERR_OK;
}

err_code tpm_raw_signature(const struct hw_pubkey *key, const TPMT_SIGNATURE *sig, struct buf *ret,
                           struct why *why)
{
    TPM2_ALG_ID hash = key->alg == HW_ES384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    size_t len = hw_coord_len(key->alg);
    uint8_t raw[2 * HW_COORD_MAX];

    if (key->alg == HW_PS256) {
        const TPMS_SIGNATURE_RSASSA *rsa = &sig->signature.rsapss;

        if (sig->sigAlg != TPM2_ALG_RSAPSS || rsa->hash != hash || rsa->sig.size != key->n_len)
            return why_say(why, ERR_KEY_SIGN, "the TPM signed with scheme 0x%04x, %u bytes",
                           sig->sigAlg, rsa->sig.size);
        return buf_add(ret, rsa->sig.buffer, rsa->sig.size);
    }
    if (sig->sigAlg != TPM2_ALG_ECDSA || sig->signature.ecdsa.hash != hash ||
        !put_number(&sig->signature.ecdsa.signatureR, raw, len) ||
        !put_number(&sig->signature.ecdsa.signatureS, raw + len, len))
        return why_say(why, ERR_KEY_SIGN, "the TPM signed with scheme 0x%04x instead of %s",
                       sig->sigAlg, hw_alg_name(key->alg));
    return buf_add(ret, raw, 2 * len);
}
