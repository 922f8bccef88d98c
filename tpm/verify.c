/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: an authority's signature judged inside the TPM: LoadExternal, VerifySignature, flush.
 */
#include "tpm/command.h"
#include "tpm/internal.h"

#include <inttypes.h>
#include <string.h>
#include <tss2/tss2_mu.h>

static void set_ecc(const struct hw_pubkey *key, TPMT_PUBLIC *area)
{
    size_t len = hw_coord_len(key->alg);
    bool p256 = key->alg == HW_ES256;

    area->type = TPM2_ALG_ECC;
    area->parameters.eccDetail = (TPMS_ECC_PARMS){
        .symmetric = {.algorithm = TPM2_ALG_NULL},
        .scheme = {.scheme = TPM2_ALG_ECDSA,
                   .details.ecdsa.hashAlg = p256 ? TPM2_ALG_SHA256 : TPM2_ALG_SHA384},
        .curveID = p256 ? TPM2_ECC_NIST_P256 : TPM2_ECC_NIST_P384,
        .kdf = {.scheme = TPM2_ALG_NULL}};
    area->unique.ecc.x.size = area->unique.ecc.y.size = (uint16_t)len;
    memcpy(area->unique.ecc.x.buffer, key->x, len);
    memcpy(area->unique.ecc.y.buffer, key->y, len);
}

static err_code public_area(const struct hw_pubkey *key, struct buf *ret)
{
    TPMT_PUBLIC area = {.nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH};
    uint8_t bytes[512];
    size_t len = 0;

    /* Keys that may be ratchet keys have the one public area that their Name is known by. */
    if (key->alg != HW_ES384)
        return tpm_verifier_public(key, ret);
    set_ecc(key, &area);
    if (Tss2_MU_TPMT_PUBLIC_Marshal(&area, bytes, sizeof bytes, &len) != TSS2_RC_SUCCESS)
        return ERR_INTERNAL;
    return buf_add(ret, bytes, len);
}

static err_code signature_of(const struct hw_statement *statement, TPMT_SIGNATURE *ret)
{
    size_t len = hw_coord_len(statement->key.alg);
    TPMT_SIGNATURE sig = {0};

    if (statement->sig_len != hw_sig_len(&statement->key) ||
        statement->sig_len > sizeof statement->sig || statement->sig_len == 0)
        return ERR_SIGNATURE_INVALID;
    if (statement->key.alg == HW_PS256) {
        sig.sigAlg = TPM2_ALG_RSAPSS;
        sig.signature.rsapss.hash = TPM2_ALG_SHA256;
        sig.signature.rsapss.sig.size = (uint16_t)statement->sig_len;
        memcpy(sig.signature.rsapss.sig.buffer, statement->sig, statement->sig_len);
    } else {
        TPMS_SIGNATURE_ECDSA *ecdsa = &sig.signature.ecdsa;

        sig.sigAlg = TPM2_ALG_ECDSA;
        ecdsa->hash = statement->key.alg == HW_ES256 ? TPM2_ALG_SHA256 : TPM2_ALG_SHA384;
        ecdsa->signatureR.size = ecdsa->signatureS.size = (uint16_t)len;
        memcpy(ecdsa->signatureR.buffer, statement->sig, len);
        memcpy(ecdsa->signatureS.buffer, statement->sig + len, len);
    }
    *ret = sig;
    return ERR_OK;
}

/* LoadExternal refuses a key: because the key is no key, or because this TPM does not have its
 * kind. Parameter 2 is the public area (part 3, 12.3). */
static err_code load_failed(struct tpm_chip *chip, TSS2_RC rc, const struct hw_pubkey *key,
                            struct why *why)
{
    if (tpm_rc_parameter(rc, 2)) {
        switch (tpm_rc_error(rc)) {
        case TPM2_RC_ECC_POINT:
        case TPM2_RC_BINDING:
            return why_foreign(why, ERR_KEY_MALFORMED, "TPM_RC", rc,
                               "the TPM refused the %s key: not a point of its curve",
                               hw_alg_name(key->alg));
        case TPM2_RC_CURVE:
        case TPM2_RC_HASH:
        case TPM2_RC_SCHEME:
        case TPM2_RC_ASYMMETRIC:
        case TPM2_RC_KEY_SIZE:
        case TPM2_RC_TYPE:
        case TPM2_RC_VALUE:
        case TPM2_RC_RANGE:
        case TPM2_RC_SIZE:
            return why_foreign(why, ERR_UNSUPPORTED, "TPM_RC", rc,
                               "this TPM does not take %s keys of this size (%zu bytes)",
                               hw_alg_name(key->alg), hw_sig_len(key));
        default:
            break;
        }
    }
    return tpm_chip_fail(chip, rc, "TPM2_LoadExternal", why);
}

/* VerifySignature: parameter 2 is the signature (part 3, 20.1). Besides TPM_RC_SIGNATURE, chips
 * answer with the size or the range of a number that cannot be right. */
static err_code verify_failed(struct tpm_chip *chip, TSS2_RC rc, bool alive, struct why *why)
{
    /* When the arithmetic ends at the point at infinity, libtpms answers FAILURE (OpenSSL has an
     * error and no verdict), others NO_RESULT. A TPM that really failed would do nothing any more
     * (part 1, 12.4), not even flush the key. */
    if (tpm_rc(rc) == TPM2_RC_NO_RESULT || (tpm_rc(rc) == TPM2_RC_FAILURE && alive))
        return why_foreign(why, ERR_SIGNATURE_INVALID, "TPM_RC", rc,
                           "the TPM could not bring the signature's equation to a result");
    if (tpm_rc_error(rc) == TPM2_RC_SIGNATURE)
        return why_foreign(why, ERR_SIGNATURE_INVALID, "TPM_RC", rc,
                           "the TPM found that the signature is not by this key over this digest");
    if (tpm_rc_parameter(rc, 2)) {
        switch (tpm_rc_error(rc)) {
        case TPM2_RC_SIZE:
        case TPM2_RC_VALUE:
        case TPM2_RC_RANGE:
            return why_foreign(why, ERR_SIGNATURE_INVALID, "TPM_RC", rc,
                               "the TPM found a number in the signature out of range");
        default:
            break;
        }
    }
    return tpm_chip_fail(chip, rc, "TPM2_VerifySignature", why);
}

/* A TPM takes RSASSA-PSS with a salt of any length, COSE only with one as long as the hash (RFC
 * 8230 2). Offline verifiers follow COSE, and gate and verifier must not disagree. */
static err_code check_salt(const struct hw_statement *statement, struct why *why)
{
    if (statement->key.alg != HW_PS256 || hw_verify_soft(statement, NULL) == ERR_OK)
        return ERR_OK;
    return why_say(why, ERR_SIGNATURE_INVALID,
                   "the RSASSA-PSS salt of the signature does not have 32 bytes");
}

err_code tpm_verify_ticket(struct tpm_root *root, const struct hw_statement *statement,
                           TPMT_TK_VERIFIED *ret, struct why *why)
{
    struct tpm_chip *chip = &root->chip;
    CLEANUP(buf_free) struct buf area = {0};
    TPM2B_DIGEST digest = {.size = (uint16_t)hw_digest_len(statement->key.alg)};
    TPMT_TK_VERIFIED ticket = {0};
    TPMT_SIGNATURE sig;
    TPM2B_NAME name;
    TPM2_HANDLE key;
    TSS2_RC rc, flushed;

    TRY(hw_pubkey_check(&statement->key, why));
    if (signature_of(statement, &sig) != ERR_OK)
        return why_say(why, ERR_SIGNATURE_INVALID, "the signature has %zu bytes instead of %zu",
                       statement->sig_len, hw_sig_len(&statement->key));
    TRY(public_area(&statement->key, &area));
    memcpy(digest.buffer, statement->digest, digest.size);
    rc = tpm_load_external(chip, buf_slice(&area), &key, &name);
    if (tpm_chip_room(chip, rc))
        rc = tpm_load_external(chip, buf_slice(&area), &key, &name);
    if (rc != TPM2_RC_SUCCESS)
        return load_failed(chip, rc, &statement->key, why);
    rc = tpm_verify_signature(chip, key, &digest, &sig, &ticket);
    if (!tpm_rc_from_chip(rc))
        return verify_failed(chip, rc, false, why);
    flushed = tpm_flush(chip, key);
    if (rc != TPM2_RC_SUCCESS)
        return verify_failed(chip, rc, flushed == TPM2_RC_SUCCESS, why);
    if (flushed != TPM2_RC_SUCCESS)
        return tpm_chip_fail(chip, flushed, "TPM2_FlushContext", why);
    TRY(check_salt(statement, why));
    *ret = ticket;
    return ERR_OK;
}

err_code tpm_verify(struct tpm_root *root, const struct hw_statement *statement, struct why *why)
{
    TPMT_TK_VERIFIED ticket;

    if (statement->key.alg == HW_ALG_NONE ||
        (statement->key.alg == HW_ES384 && !root->chip.about.es384) ||
        (statement->key.alg == HW_PS256 && !root->chip.about.ps256))
        return why_say(why, ERR_UNSUPPORTED, "this TPM (%s) does not verify %s signatures",
                       root->chip.about.model, hw_alg_name(statement->key.alg));
    return tpm_verify_ticket(root, statement, &ticket, why);
}
