/* SPDX-License-Identifier: Apache-2.0 */
/* key_openssl.c: public keys, PEM signers and software verification, all through EVP. */
#include "hw/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static void pkey_free(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void pkey_ctx_free(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}

static void bn_free(BIGNUM **p)
{
    BN_clear_free(*p);
}

static void bio_free(BIO **p)
{
    BIO_free(*p);
}

static void params_free(OSSL_PARAM **p)
{
    OSSL_PARAM_free(*p);
}

static void params_builder_free(OSSL_PARAM_BLD **p)
{
    OSSL_PARAM_BLD_free(*p);
}

static void ecdsa_free(ECDSA_SIG **p)
{
    ECDSA_SIG_free(*p);
}

/* ---- EVP_PKEY to struct hw_pubkey ------------------------------------------------------------ */

static bool coordinate(const EVP_PKEY *pkey, const char *name, uint8_t *to, size_t len)
{
    CLEANUP(bn_free) BIGNUM *bn = NULL;

    return EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 &&
           BN_bn2binpad(bn, to, (int)len) == (int)len;
}

static err_code from_ec(const EVP_PKEY *pkey, struct hw_pubkey *ret, struct why *why)
{
    struct hw_pubkey out = {0};
    char group[32];
    size_t len;

    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       &len) != 1)
        return why_say(why, ERR_KEY_MALFORMED, "the EC key names no curve");
    if (strcmp(group, "prime256v1") == 0)
        out.alg = HW_ES256;
    else if (strcmp(group, "secp384r1") == 0)
        out.alg = HW_ES384;
    else
        return why_say(why, ERR_COSE_ALG, "curve %s is not P-256 or P-384", group);
    if (!coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, out.x, hw_coord_len(out.alg)) ||
        !coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, out.y, hw_coord_len(out.alg)))
        return why_say(why, ERR_KEY_MALFORMED, "the EC key has no point");
    *ret = out;
    return ERR_OK;
}

static err_code from_rsa(const EVP_PKEY *pkey, struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(bn_free) BIGNUM *n = NULL, *e = NULL;
    struct hw_pubkey out = {.alg = HW_PS256};

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return why_say(why, ERR_KEY_MALFORMED, "the RSA key has no modulus");
    if (BN_num_bits(n) < 2048 || BN_num_bits(n) > 4096 || BN_num_bits(n) % 8 != 0)
        return why_say(why, ERR_KEY_MALFORMED, "RSA of %d bits, wanted 2048 to 4096",
                       BN_num_bits(n));
    if (BN_num_bits(e) > 32 || !BN_is_odd(e) || BN_get_word(e) < 65537)
        return why_say(why, ERR_KEY_MALFORMED,
                       "the RSA exponent is below 65537, even, or too long");
    out.n_len = (size_t)BN_num_bytes(n);
    out.e = (uint32_t)BN_get_word(e);
    (void)BN_bn2bin(n, out.n);
    *ret = out;
    return ERR_OK;
}

static err_code from_pkey(EVP_PKEY *pkey, struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new(pkey, NULL);

    if (EVP_PKEY_is_a(pkey, "EC")) {
        if (check == NULL || EVP_PKEY_public_check(check) != 1)
            return why_say(why, ERR_KEY_MALFORMED, "the point is not on its curve");
        return from_ec(pkey, ret, why);
    }
    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
        return from_rsa(pkey, ret, why);
    return why_say(why, ERR_COSE_ALG, "a key of type %s is not accepted",
                   EVP_PKEY_get0_type_name(pkey));
}

/* ---- struct hw_pubkey to EVP_PKEY ------------------------------------------------------------ */

static OSSL_PARAM *params_of(const struct hw_pubkey *key)
{
    CLEANUP(params_builder_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    CLEANUP(bn_free) BIGNUM *n = NULL, *e = NULL;
    uint8_t point[1 + 2 * HW_COORD_MAX] = {4};
    size_t len = hw_coord_len(key->alg);
    bool ok;

    if (build == NULL)
        return NULL;
    if (key->alg == HW_PS256) {
        n = BN_bin2bn(key->n, (int)key->n_len, NULL);
        e = BN_new();
        ok = n != NULL && e != NULL && BN_set_word(e, key->e) == 1 &&
             OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
             OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    } else {
        memcpy(point + 1, key->x, len);
        memcpy(point + 1 + len, key->y, len);
        ok = OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                             key->alg == HW_ES256 ? "prime256v1" : "secp384r1",
                                             0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len) ==
                 1;
    }
    return ok ? OSSL_PARAM_BLD_to_param(build) : NULL;
}

static err_code to_pkey(const struct hw_pubkey *key, EVP_PKEY **ret)
{
    CLEANUP(params_free) OSSL_PARAM *params = NULL;
    CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = NULL;

    if (key->alg == HW_ALG_NONE || key->n_len > sizeof key->n)
        return ERR_KEY_MALFORMED;
    params = params_of(key);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, key->alg == HW_PS256 ? "RSA" : "EC", NULL);
    if (params == NULL || ctx == NULL)
        return ERR_NO_MEMORY;
    if (EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ERR_KEY_MALFORMED; /* also: the point is not on the curve */
    return ERR_OK;
}

/* ---- containers ------------------------------------------------------------------------------ */

err_code hw_pubkey_from_spki(struct slice der, struct hw_pubkey *ret, struct why *why)
{
    const unsigned char *at = der.ptr;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;

    if (der.len > 2048)
        return why_say(why, ERR_KEY_MALFORMED, "a public key of %zu bytes", der.len);
    pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
    if (pkey == NULL || at != der.ptr + der.len)
        return why_say(why, ERR_KEY_MALFORMED, "not a SubjectPublicKeyInfo");
    return from_pkey(pkey, ret, why);
}

err_code hw_pubkey_to_spki(const struct hw_pubkey *key, struct buf *ret)
{
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    unsigned char *der = NULL;
    err_code err;
    int len;

    TRY(to_pkey(key, &pkey));
    len = i2d_PUBKEY(pkey, &der);
    if (len <= 0)
        return ERR_KEY_MALFORMED;
    err = buf_add(ret, der, (size_t)len);
    OPENSSL_free(der);
    return err;
}

err_code hw_pubkey_from_pem(struct slice pem, struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(bio_free) BIO *bio = NULL;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;

    if (pem.len > 65536)
        return why_say(why, ERR_KEY_MALFORMED, "a PEM file of %zu bytes", pem.len);
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (pkey == NULL)
        return why_say(why, ERR_KEY_MALFORMED, "no PUBLIC KEY in the PEM file");
    return from_pkey(pkey, ret, why);
}

static err_code bio_content(BIO *bio, struct buf *ret)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return len > 0 ? buf_add(ret, text, (size_t)len) : ERR_INTERNAL;
}

err_code hw_pubkey_to_pem(const struct hw_pubkey *key, struct buf *ret)
{
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_mem());

    TRY(to_pkey(key, &pkey));
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, pkey) != 1)
        return ERR_NO_MEMORY;
    return bio_content(bio, ret);
}

err_code hw_pubkey_check(const struct hw_pubkey *key, struct why *why)
{
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    struct hw_pubkey again;

    if (to_pkey(key, &pkey) != ERR_OK)
        return why_say(why, ERR_KEY_MALFORMED, "not a usable %s key", hw_alg_name(key->alg));
    TRY(from_pkey(pkey, &again, why));
    if (!hw_pubkey_eq(key, &again))
        return why_say(why, ERR_KEY_MALFORMED, "the key is not in its shortest form");
    return ERR_OK;
}

/* ---- signatures ------------------------------------------------------------------------------ */

err_code hw_sig_to_der(enum hw_alg alg, struct slice raw, struct buf *ret)
{
    CLEANUP(ecdsa_free) ECDSA_SIG *sig = ECDSA_SIG_new();
    CLEANUP(bn_free) BIGNUM *r = NULL, *s = NULL;
    size_t half = hw_coord_len(alg);
    unsigned char *der = NULL;
    err_code err;
    int len;

    if (half == 0 || raw.len != 2 * half)
        return ERR_SIGNATURE_INVALID;
    r = BN_bin2bn(raw.ptr, (int)half, NULL);
    s = BN_bin2bn(raw.ptr + half, (int)half, NULL);
    if (sig == NULL || r == NULL || s == NULL)
        return ERR_NO_MEMORY;
    if (ECDSA_SIG_set0(sig, r, s) != 1)
        return ERR_INTERNAL;
    r = s = NULL; /* sig owns them */
    len = i2d_ECDSA_SIG(sig, &der);
    if (len <= 0)
        return ERR_NO_MEMORY;
    err = buf_add(ret, der, (size_t)len);
    OPENSSL_free(der);
    return err;
}

err_code hw_sig_from_der(enum hw_alg alg, struct slice der, struct buf *ret)
{
    CLEANUP(ecdsa_free) ECDSA_SIG *sig = NULL;
    CLEANUP(buf_free) struct buf again = {0};
    const unsigned char *at = der.ptr;
    uint8_t raw[2 * HW_COORD_MAX];
    size_t half = hw_coord_len(alg);

    if (half == 0 || der.len == 0 || der.len > 128)
        return ERR_SIGNATURE_INVALID;
    sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    if (sig == NULL || at != der.ptr + der.len || BN_is_negative(ECDSA_SIG_get0_r(sig)) ||
        BN_is_negative(ECDSA_SIG_get0_s(sig)) ||
        BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half) != (int)half ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half) != (int)half)
        return ERR_SIGNATURE_INVALID;
    TRY(hw_sig_to_der(alg, (struct slice){raw, 2 * half}, &again));
    if (!slice_eq(buf_slice(&again), der)) /* BER leniency of the decoder */
        return ERR_SIGNATURE_INVALID;
    return buf_add(ret, raw, 2 * half);
}

static const EVP_MD *md_of(enum hw_alg alg)
{
    return alg == HW_ES384 ? EVP_sha384() : EVP_sha256();
}

static bool use_pss(EVP_PKEY_CTX *ctx, enum hw_alg alg)
{
    if (EVP_PKEY_CTX_set_signature_md(ctx, md_of(alg)) != 1)
        return false;
    return alg != HW_PS256 || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

err_code hw_verify_soft(const struct hw_statement *statement, struct why *why)
{
    enum hw_alg alg = statement->key.alg;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
    CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = NULL;
    CLEANUP(buf_free) struct buf sig = {0};
    struct slice raw = {statement->sig, statement->sig_len};

    TRY(to_pkey(&statement->key, &pkey));
    if (raw.len != hw_sig_len(&statement->key))
        return why_say(why, ERR_SIGNATURE_INVALID, "a signature of %zu bytes, wanted %zu", raw.len,
                       hw_sig_len(&statement->key));
    if (alg == HW_PS256)
        TRY(buf_add_slice(&sig, raw));
    else
        TRY(hw_sig_to_der(alg, raw, &sig));
    ctx = EVP_PKEY_CTX_new(pkey, NULL);
    if (ctx == NULL)
        return ERR_NO_MEMORY;
    if (EVP_PKEY_verify_init(ctx) != 1 || !use_pss(ctx, alg))
        return ERR_INTERNAL;
    if (EVP_PKEY_verify(ctx, sig.ptr, sig.len, statement->digest, hw_digest_len(alg)) != 1)
        return why_say(why, ERR_SIGNATURE_INVALID, "the %s signature does not verify",
                       hw_alg_name(alg));
    return ERR_OK;
}

/* ---- signer ---------------------------------------------------------------------------------- */

struct pem_signer {
    struct hw_signer base;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ctx; /* made with the first signature: a session's key makes many */
};

static err_code ready(struct pem_signer *self)
{
    CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = NULL;

    if (self->ctx != NULL)
        return ERR_OK;
    ctx = EVP_PKEY_CTX_new(self->pkey, NULL);
    if (ctx == NULL)
        return ERR_NO_MEMORY;
    if (EVP_PKEY_sign_init(ctx) != 1 || !use_pss(ctx, self->base.key.alg))
        return ERR_KEY_SIGN;
    self->ctx = ctx;
    ctx = NULL; /* transferred */
    return ERR_OK;
}

static err_code pem_sign(struct hw_signer *signer, struct slice digest, struct buf *ret,
                         struct why *why)
{
    struct pem_signer *self = (struct pem_signer *)signer;
    enum hw_alg alg = signer->key.alg;
    uint8_t out[HW_SIG_MAX];
    size_t len = sizeof out;
    err_code err = ready(self);

    if (err == ERR_NO_MEMORY)
        return err;
    if (err != ERR_OK || EVP_PKEY_sign(self->ctx, out, &len, digest.ptr, digest.len) != 1)
        return why_say(why, ERR_KEY_SIGN, "OpenSSL could not sign with this %s key",
                       hw_alg_name(alg));
    if (alg == HW_PS256)
        return buf_add(ret, out, len);
    return hw_sig_from_der(alg, (struct slice){out, len}, ret);
}

static void pem_close(struct hw_signer *signer)
{
    struct pem_signer *self = (struct pem_signer *)signer;

    EVP_PKEY_CTX_free(self->ctx);
    EVP_PKEY_free(self->pkey);
    free(self);
}

static const struct hw_signer_ops PEM_OPS = {.sign = pem_sign, .close = pem_close};

/* Takes pkey in every case. */
static err_code signer_of(EVP_PKEY *pkey, struct hw_signer **ret, struct why *why)
{
    CLEANUP(pkey_free) EVP_PKEY *own = pkey;
    struct hw_pubkey key;
    struct pem_signer *self;

    TRY(from_pkey(own, &key, why));
    self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_NO_MEMORY;
    self->base = (struct hw_signer){.ops = &PEM_OPS, .key = key};
    self->pkey = own;
    own = NULL; /* transferred */
    *ret = &self->base;
    return ERR_OK;
}

err_code hw_signer_from_pem(struct slice pem, struct hw_signer **ret, struct why *why)
{
    CLEANUP(bio_free) BIO *bio = NULL;
    static char NO_PASSWORD[] = ""; /* an encrypted key fails instead of asking on the terminal */
    EVP_PKEY *pkey;

    if (pem.len > 65536)
        return why_say(why, ERR_KEY_REF, "a PEM file of %zu bytes", pem.len);
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NO_PASSWORD);
    if (pkey == NULL)
        return why_say(why, ERR_KEY_REF, "no unencrypted private key in the PEM file");
    return signer_of(pkey, ret, why);
}

err_code hw_signer_generate(enum hw_alg alg, struct hw_signer **ret, struct why *why)
{
    EVP_PKEY *pkey = NULL;

    if (alg == HW_ES256)
        pkey = EVP_EC_gen("P-256");
    else if (alg == HW_ES384)
        pkey = EVP_EC_gen("P-384");
    else if (alg == HW_PS256)
        pkey = EVP_RSA_gen(3072);
    if (pkey == NULL)
        return why_say(why, ERR_KEY_SIGN, "OpenSSL could not make a key pair");
    return signer_of(pkey, ret, why);
}

err_code hw_signer_to_pem(const struct hw_signer *signer, struct buf *ret)
{
    const struct pem_signer *self = (const struct pem_signer *)signer;
    CLEANUP(bio_free) BIO *bio = NULL;

    if (signer->ops != &PEM_OPS)
        return ERR_UNSUPPORTED;
    bio = BIO_new(BIO_s_secmem());
    if (bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, self->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return ERR_NO_MEMORY;
    return bio_content(bio, ret);
}
