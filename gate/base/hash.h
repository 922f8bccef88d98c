/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: SHA-256 and SHA-384 (FIPS 180-4) through OpenSSL. */
#ifndef PAWL_BASE_HASH_H
#define PAWL_BASE_HASH_H

#include "gate/base/bytes.h"

#define SHA256_LEN 32
#define SHA384_LEN 48

/* A digest by value, so that it can be copied, compared and zeroed like a number. */
struct digest {
    uint8_t bytes[SHA256_LEN];
};

/* Errors: INTERNAL when OpenSSL cannot hash (no memory, provider missing). */
err_code hash_sha256(struct slice bytes, struct digest *ret);
err_code hash_sha256_parts(const struct slice *parts, size_t n_parts, struct digest *ret);
err_code hash_sha384(struct slice bytes, uint8_t ret[static SHA384_LEN]);

/* SHA-256 for many short inputs: what OpenSSL needs for it is looked up at the first use and kept,
 * which is most of the cost of hashing a tree's node. {0} is ready. Error: INTERNAL. */
struct hasher {
    struct evp_md_st *md;
    struct evp_md_ctx_st *ctx;
};
err_code hasher_sha256(struct hasher *hasher, const struct slice *parts, size_t n_parts,
                       struct digest *ret);
void hasher_free(struct hasher *hasher);

/* SHA-256(tag, one zero byte, parts...): the form of every hash that pawl defines itself. tag:
 * "pawl-seal-v1" and the like. */
err_code hash_tagged(const char *tag, const struct slice *parts, size_t n_parts,
                     struct digest *ret);

bool digest_eq(const struct digest *a, const struct digest *b);
struct slice digest_slice(const struct digest *digest);

/* From a slice of exactly 32 bytes. Error: FORMAT. */
err_code digest_from(struct slice bytes, struct digest *ret);

#endif
