/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/recover.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

static void group_free(EC_GROUP **p)
{
    EC_GROUP_free(*p);
}

static void point_free(EC_POINT **p)
{
    EC_POINT_free(*p);
}

static void ctx_free(BN_CTX **p)
{
    BN_CTX_free(*p);
}

static void bn_free(BIGNUM **p)
{
    BN_free(*p);
}

/* Q = r^-1 (s R - z G), where R has the x-coordinate r and this parity of y. (r + n would be a
 * candidate, too, for one signature in 2^128.) False: there is no such point. */
static bool candidate(const struct hw_statement *st, int parity, struct hw_pubkey *ret)
{
    CLEANUP(ctx_free) BN_CTX *ctx = BN_CTX_new();
    CLEANUP(group_free) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    CLEANUP(point_free) EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    CLEANUP(bn_free)
    BIGNUM *r = BN_bin2bn(st->sig, 32, NULL), *s = BN_bin2bn(st->sig + 32, 32, NULL);
    CLEANUP(bn_free) BIGNUM *z = BN_bin2bn(st->digest, 32, NULL), *inverse = NULL;
    const BIGNUM *n = group != NULL ? EC_GROUP_get0_order(group) : NULL;
    struct hw_pubkey out = {.alg = HW_ES256};

    if (ctx == NULL || point == NULL || r == NULL || s == NULL || z == NULL)
        return false;
    inverse = BN_mod_inverse(NULL, r, n, ctx);
    if (inverse == NULL || EC_POINT_set_compressed_coordinates(group, point, r, parity, ctx) != 1)
        return false;
    BN_set_negative(z, !BN_is_zero(z));
    if (BN_mod_mul(s, s, inverse, n, ctx) != 1 || BN_mod_mul(z, z, inverse, n, ctx) != 1 ||
        EC_POINT_mul(group, point, z, point, s, ctx) != 1 ||
        EC_POINT_get_affine_coordinates(group, point, r, s, ctx) != 1 ||
        BN_bn2binpad(r, out.x, 32) != 32 || BN_bn2binpad(s, out.y, 32) != 32)
        return false;
    *ret = out;
    return true;
}

err_code hsm_recover(const struct hw_statement *first, const struct hw_statement *second,
                     struct hw_pubkey *ret, struct why *why)
{
    struct hw_pubkey key = {0};
    unsigned found = 0;

    for (int parity = 0; parity <= 1; parity++) {
        struct hw_statement a = *first, b = *second;
        if (!candidate(first, parity, &a.key))
            continue;
        b.key = a.key;
        if (hw_verify_soft(&a, why) != ERR_OK || hw_verify_soft(&b, why) != ERR_OK)
            continue;
        key = a.key;
        found++;
    }
    if (found != 1)
        return why_say(why, ERR_HSM_FAILED,
                       "%u public keys fit two signatures of one key, wanted 1", found);
    *ret = key;
    return ERR_OK;
}
