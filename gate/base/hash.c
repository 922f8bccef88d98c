/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/hash.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

static void md_free(EVP_MD_CTX **md)
{
    EVP_MD_CTX_free(*md);
}

/* The algorithm, which OpenSSL would look up anew for each hash, under a lock that all threads
 * share. It is set once, and it does not matter by which thread. NULL: it could not be found this
 * time. */
static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) found;
    EVP_MD *md = atomic_load(&found), *none = NULL;

    if (md != NULL)
        return md;
    md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (md == NULL || atomic_compare_exchange_strong(&found, &none, md))
        return md;
    EVP_MD_free(md);
    return none;
}

err_code hash_sha256_parts(const struct slice *parts, size_t n_parts, struct digest *ret)
{
    CLEANUP(md_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
    const EVP_MD *algorithm = sha256();

    if (md == NULL || algorithm == NULL || EVP_DigestInit_ex(md, algorithm, NULL) != 1)
        return ERR_INTERNAL;
    for (size_t i = 0; i < n_parts; i++)
        if (EVP_DigestUpdate(md, parts[i].ptr, parts[i].len) != 1)
            return ERR_INTERNAL;
    return EVP_DigestFinal_ex(md, ret->bytes, NULL) == 1 ? ERR_OK : ERR_INTERNAL;
}

err_code hash_sha256(struct slice bytes, struct digest *ret)
{
    return hash_sha256_parts(&bytes, 1, ret);
}

static err_code hasher_make(struct hasher *hasher)
{
    if (hasher->md == NULL)
        hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (hasher->ctx == NULL)
        hasher->ctx = EVP_MD_CTX_new();
    return hasher->md != NULL && hasher->ctx != NULL ? ERR_OK : ERR_INTERNAL;
}

err_code hasher_sha256(struct hasher *hasher, const struct slice *parts, size_t n_parts,
                       struct digest *ret)
{
    if (hasher->ctx == NULL)
        TRY(hasher_make(hasher));
    if (EVP_DigestInit_ex(hasher->ctx, hasher->md, NULL) != 1)
        return ERR_INTERNAL;
    for (size_t i = 0; i < n_parts; i++)
        if (EVP_DigestUpdate(hasher->ctx, parts[i].ptr, parts[i].len) != 1)
            return ERR_INTERNAL;
    return EVP_DigestFinal_ex(hasher->ctx, ret->bytes, NULL) == 1 ? ERR_OK : ERR_INTERNAL;
}

void hasher_free(struct hasher *hasher)
{
    EVP_MD_CTX_free(hasher->ctx);
    EVP_MD_free(hasher->md);
    *hasher = (struct hasher){0};
}

err_code hash_sha384(struct slice bytes, uint8_t ret[static SHA384_LEN])
{
    return EVP_Digest(bytes.ptr, bytes.len, ret, NULL, EVP_sha384(), NULL) == 1 ? ERR_OK
                                                                                : ERR_INTERNAL;
}

err_code hash_tagged(const char *tag, const struct slice *parts, size_t n_parts, struct digest *ret)
{
    struct slice all[10];

    if (n_parts > sizeof all / sizeof *all - 1)
        return ERR_INTERNAL;
    all[0] = (struct slice){(const uint8_t *)tag, strlen(tag) + 1};
    for (size_t i = 0; i < n_parts; i++)
        all[1 + i] = parts[i];
    return hash_sha256_parts(all, n_parts + 1, ret);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return mem_eq(a->bytes, b->bytes, sizeof a->bytes);
}

struct slice digest_slice(const struct digest *digest)
{
    return SLICE_OF(digest->bytes);
}

err_code digest_from(struct slice bytes, struct digest *ret)
{
    if (bytes.len != sizeof ret->bytes)
        return ERR_FORMAT;
    memcpy(ret->bytes, bytes.ptr, bytes.len);
    return ERR_OK;
}
