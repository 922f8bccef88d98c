/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h: public keys as plain values, and the signer, the one interface behind every private key
 * (PEM file, PKCS#11 object, TPM handle). Signatures are raw: r || s, each as long as the field
 * (RFC 9053 2.1), or the RSASSA-PSS octets (RFC 8230). What is signed is always a digest.
 */
#ifndef PAWL_HW_KEY_H
#define PAWL_HW_KEY_H

#include "gate/base/bytes.h"
#include "gate/base/hash.h"
#include "gate/base/why.h"

/* What a key can do is fixed by its type: P-256 with SHA-256, P-384 with SHA-384, RSA with PSS and
 * SHA-256 (salt of 32 bytes). */
enum hw_alg {
    HW_ALG_NONE = 0,
    HW_ES256, /* COSE -7 ES256 and -9 ESP256 */
    HW_ES384, /* COSE -35 ES384 and -51 ESP384 */
    HW_PS256, /* COSE -37 */
};

#define HW_COORD_MAX 48
#define HW_RSA_MAX 512 /* modulus bytes: 2048 to 4096 bits */
#define HW_DIGEST_MAX 48
#define HW_SIG_MAX 512

struct hw_pubkey {
    enum hw_alg alg;                          /* HW_ALG_NONE: no key */
    uint8_t x[HW_COORD_MAX], y[HW_COORD_MAX]; /* EC: the first hw_coord_len() bytes */
    uint8_t n[HW_RSA_MAX];                    /* RSA: big-endian, no leading zero */
    size_t n_len;
    uint32_t e;
};

/* The thing signed and the signature over it, as the hardware is asked to judge them. */
struct hw_statement {
    struct hw_pubkey key;
    uint8_t digest[HW_DIGEST_MAX];
    uint8_t sig[HW_SIG_MAX];
    size_t sig_len;
};

const char *hw_alg_name(enum hw_alg alg);       /* "ES256"; "none" */
size_t hw_coord_len(enum hw_alg alg);           /* 32, 48, or 0 for RSA */
size_t hw_digest_len(enum hw_alg alg);          /* 32 or 48 */
size_t hw_sig_len(const struct hw_pubkey *key); /* 64, 96, or the modulus length */

/* The digest that a signature of this algorithm covers. */
err_code hw_digest(enum hw_alg alg, struct slice message, uint8_t ret[static HW_DIGEST_MAX]);

/* Fills a statement. Errors: SIGNATURE_INVALID when the length is not exactly hw_sig_len(). */
err_code hw_statement_of(const struct hw_pubkey *key, struct slice message, struct slice sig,
                         struct hw_statement *ret);

bool hw_pubkey_eq(const struct hw_pubkey *a, const struct hw_pubkey *b);

/* From and to SubjectPublicKeyInfo (RFC 5280 4.1.2.7), DER. Only P-256 and P-384 points that lie on
 * their curve, and RSA of 2048 to 4096 bits with an odd exponent of at least 65537.
 * Errors: KEY_MALFORMED, COSE_ALG for any other kind of key. */
err_code hw_pubkey_from_spki(struct slice der, struct hw_pubkey *ret, struct why *why);
err_code hw_pubkey_to_spki(const struct hw_pubkey *key, struct buf *ret);
/* The same as PEM, "PUBLIC KEY". */
err_code hw_pubkey_from_pem(struct slice pem, struct hw_pubkey *ret, struct why *why);
err_code hw_pubkey_to_pem(const struct hw_pubkey *key, struct buf *ret);
/* Refuses what from_spki refuses, for keys that came another way. */
err_code hw_pubkey_check(const struct hw_pubkey *key, struct why *why);

/* Verifies in software. For offline verification of permits and for the authority's own tools; the
 * gate asks the hardware instead. Error: SIGNATURE_INVALID. */
err_code hw_verify_soft(const struct hw_statement *statement, struct why *why);

/* ECDSA signatures in DER (what OpenSSL speaks) to raw and back. Strict DER only.
 * Error: SIGNATURE_INVALID. */
err_code hw_sig_from_der(enum hw_alg alg, struct slice der, struct buf *ret);
err_code hw_sig_to_der(enum hw_alg alg, struct slice raw, struct buf *ret);

/* A private key somewhere. Every member is set; the implementer's struct begins with this one. */
struct hw_signer;
struct hw_signer_ops {
    /* Signs a digest of hw_digest_len() bytes; appends the raw signature. Error: KEY_SIGN, or what
     * the device said. */
    err_code (*sign)(struct hw_signer *signer, struct slice digest, struct buf *ret,
                     struct why *why);
    void (*close)(struct hw_signer *signer); /* wipes and frees; cannot fail */
};
struct hw_signer {
    const struct hw_signer_ops *ops;
    struct hw_pubkey key;
};

/* Hashes message as the key's algorithm asks and signs the digest. Appends to ret. */
err_code hw_sign(struct hw_signer *signer, struct slice message, struct buf *ret, struct why *why);

/* Closes and nulls the caller's pointer; accepts NULL inside. */
void hw_signer_close(struct hw_signer **signer);

/* A signer from a PEM private key (PKCS#8 or traditional, not encrypted). Owns: the caller closes.
 */
err_code hw_signer_from_pem(struct slice pem, struct hw_signer **ret, struct why *why);
/* A fresh key pair in memory; and its PEM (PKCS#8). Owns: the caller closes. */
err_code hw_signer_generate(enum hw_alg alg, struct hw_signer **ret, struct why *why);
err_code hw_signer_to_pem(const struct hw_signer *signer, struct buf *ret);

#endif
