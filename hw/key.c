/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/key.h"

#include <string.h>

const char *hw_alg_name(enum hw_alg alg)
{
    switch (alg) {
    case HW_ES256:
        return "ES256";
    case HW_ES384:
        return "ES384";
    case HW_PS256:
        return "PS256";
    case HW_ALG_NONE:
        break;
    }
    return "none";
}

size_t hw_coord_len(enum hw_alg alg)
{
    return alg == HW_ES256 ? 32 : alg == HW_ES384 ? 48 : 0;
}

size_t hw_digest_len(enum hw_alg alg)
{
    return alg == HW_ES384 ? SHA384_LEN : SHA256_LEN;
}

size_t hw_sig_len(const struct hw_pubkey *key)
{
    return key->alg == HW_PS256 ? key->n_len : 2 * hw_coord_len(key->alg);
}

err_code hw_digest(enum hw_alg alg, struct slice message, uint8_t ret[static HW_DIGEST_MAX])
{
    struct digest digest;

    if (alg == HW_ES384)
        return hash_sha384(message, ret);
    if (alg == HW_ALG_NONE)
        return ERR_COSE_ALG;
    TRY(hash_sha256(message, &digest));
    memset(ret, 0, HW_DIGEST_MAX);
    memcpy(ret, digest.bytes, sizeof digest.bytes);
    return ERR_OK;
}

err_code hw_statement_of(const struct hw_pubkey *key, struct slice message, struct slice sig,
                         struct hw_statement *ret)
{
    struct hw_statement out = {.key = *key};

    if (sig.len == 0 || sig.len != hw_sig_len(key) || sig.len > sizeof out.sig)
        return ERR_SIGNATURE_INVALID;
    TRY(hw_digest(key->alg, message, out.digest));
    memcpy(out.sig, sig.ptr, sig.len);
    out.sig_len = sig.len;
    *ret = out;
    return ERR_OK;
}

bool hw_pubkey_eq(const struct hw_pubkey *a, const struct hw_pubkey *b)
{
    size_t coord = hw_coord_len(a->alg);

    if (a->alg != b->alg || a->alg == HW_ALG_NONE)
        return false;
    if (coord > 0)
        return memcmp(a->x, b->x, coord) == 0 && memcmp(a->y, b->y, coord) == 0;
    return a->n_len == b->n_len && a->e == b->e && memcmp(a->n, b->n, a->n_len) == 0;
}

err_code hw_sign(struct hw_signer *signer, struct slice message, struct buf *ret, struct why *why)
{
    uint8_t digest[HW_DIGEST_MAX];

    TRY(hw_digest(signer->key.alg, message, digest));
    return signer->ops->sign(signer, (struct slice){digest, hw_digest_len(signer->key.alg)}, ret,
                             why);
}

void hw_signer_close(struct hw_signer **signer)
{
    if (*signer != NULL)
        (*signer)->ops->close(*signer);
    *signer = NULL;
}
