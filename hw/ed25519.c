/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/ed25519.h"

#include "gate/base/file.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

#define PEM_MAX 4096

static void pkey_free(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void md_free(EVP_MD_CTX **p)
{
    EVP_MD_CTX_free(*p);
}

static void bio_free(BIO **p)
{
    BIO_free(*p);
}

static EVP_PKEY *private_of(const struct hw_ed25519 *key)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, sizeof key->seed);
}

static err_code from_pkey(const EVP_PKEY *pkey, struct hw_ed25519 *ret)
{
    CLEANUP(hw_ed25519_wipe) struct hw_ed25519 out = {0};
    size_t seed = sizeof out.seed, public = sizeof out.public;

    if (EVP_PKEY_get_raw_private_key(pkey, out.seed, &seed) != 1 ||
        EVP_PKEY_get_raw_public_key(pkey, out.public, &public) != 1 || seed != sizeof out.seed ||
        public != sizeof out.public)
        return ERR_INTERNAL;
    *ret = out;
    return ERR_OK;
}

void hw_ed25519_wipe(struct hw_ed25519 *key)
{
    mem_wipe(key, sizeof *key);
}

err_code hw_ed25519_from_seed(const uint8_t seed[static ED25519_KEY_LEN], struct hw_ed25519 *ret)
{
    CLEANUP(pkey_free)
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY_LEN);

    return pkey != NULL ? from_pkey(pkey, ret) : ERR_NO_MEMORY;
}

err_code hw_ed25519_generate(struct hw_ed25519 *ret, struct why *why)
{
    uint8_t seed[ED25519_KEY_LEN];
    err_code err;

    if (RAND_priv_bytes(seed, sizeof seed) != 1)
        return why_say(why, ERR_KEY_SIGN, "OpenSSL could not make a key pair");
    err = hw_ed25519_from_seed(seed, ret);
    mem_wipe(seed, sizeof seed);
    return err;
}

err_code hw_ed25519_from_pem(struct slice pem, struct hw_ed25519 *ret, struct why *why)
{
    static char NO_PASSWORD[] = ""; /* an encrypted key fails instead of asking on the terminal */
    CLEANUP(bio_free) BIO *bio = NULL;
    CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;

    if (pem.len > PEM_MAX)
        return why_say(why, ERR_KEY_REF, "a PEM file of %zu bytes", pem.len);
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NO_PASSWORD);
    if (pkey == NULL)
        return why_say(why, ERR_KEY_REF, "no unencrypted private key in the PEM file");
    if (!EVP_PKEY_is_a(pkey, "ED25519"))
        return why_say(why, ERR_KEY_REF, "a key of type %s, wanted ED25519",
                       EVP_PKEY_get0_type_name(pkey));
    return from_pkey(pkey, ret);
}

err_code hw_ed25519_to_pem(const struct hw_ed25519 *key, struct buf *ret)
{
    CLEANUP(pkey_free) EVP_PKEY *pkey = private_of(key);
    CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    long len;

    if (pkey == NULL || bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return ERR_NO_MEMORY;
    len = BIO_get_mem_data(bio, &text);
    return len > 0 ? buf_add(ret, text, (size_t)len) : ERR_INTERNAL;
}

err_code hw_ed25519_save(const char *path, const struct hw_ed25519 *key, struct why *why)
{
    CLEANUP(buf_free) struct buf pem = {0};

    TRY(hw_ed25519_to_pem(key, &pem));
    return file_write_new(path, buf_slice(&pem), 0600, why);
}

err_code hw_ed25519_load(const char *path, struct hw_ed25519 *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf pem = {0};

    TRY(file_read_secret(path, &pem, why));
    TRY(buf_add_str(&pem, "\n")); /* reading a secret takes the last one away */
    return why_reading(why, hw_ed25519_from_pem(buf_slice(&pem), ret, why), "\"%s\"", path);
}

err_code hw_ed25519_sign(const struct hw_ed25519 *key, struct slice message,
                         uint8_t ret[static ED25519_SIG_LEN], struct why *why)
{
    CLEANUP(pkey_free) EVP_PKEY *pkey = private_of(key);
    CLEANUP(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t out[ED25519_SIG_LEN];
    size_t len = sizeof out;

    if (pkey == NULL || ctx == NULL)
        return ERR_NO_MEMORY;
    if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
        EVP_DigestSign(ctx, out, &len, message.ptr, message.len) != 1 || len != sizeof out)
        return why_say(why, ERR_KEY_SIGN, "OpenSSL could not sign with this Ed25519 key");
    memcpy(ret, out, sizeof out);
    return ERR_OK;
}

/* The y coordinates of the points whose order divides eight, little-endian, with the sign bit
 * clear: 0, 1 and -1, the two of order eight, and p and p + 1, other spellings of 0 and 1. */
static const uint8_t SMALL_ORDER[][ED25519_KEY_LEN] = {
    {0},
    {1},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

err_code hw_ed25519_check(const uint8_t public[static ED25519_KEY_LEN], struct why *why)
{
    for (size_t i = 0; i < sizeof SMALL_ORDER / sizeof *SMALL_ORDER; i++)
        if (memcmp(public, SMALL_ORDER[i], ED25519_KEY_LEN - 1) == 0 &&
            (public[ED25519_KEY_LEN - 1] & 0x7f) == SMALL_ORDER[i][ED25519_KEY_LEN - 1])
            return why_say(why, ERR_KEY_MALFORMED, "an Ed25519 key of small order");
    return ERR_OK;
}

err_code hw_ed25519_verify(const uint8_t public[static ED25519_KEY_LEN], struct slice message,
                           struct slice sig)
{
    CLEANUP(pkey_free)
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, ED25519_KEY_LEN);
    CLEANUP(md_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (pkey == NULL || ctx == NULL)
        return ERR_NO_MEMORY;
    if (sig.len != ED25519_SIG_LEN || hw_ed25519_check(public, NULL) != ERR_OK)
        return ERR_SIGNATURE_INVALID;
    if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1)
        return ERR_INTERNAL;
    if (EVP_DigestVerify(ctx, sig.ptr, sig.len, message.ptr, message.len) != 1)
        return ERR_SIGNATURE_INVALID;
    return ERR_OK;
}
