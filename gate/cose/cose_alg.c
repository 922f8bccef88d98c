/* SPDX-License-Identifier: Apache-2.0 */
/* cose_alg.c: algorithm numbers (IANA "COSE Algorithms") and the names of those that are refused.
 */
#include "gate/cose/cose.h"

static const struct {
    int64_t value;
    enum hw_alg alg; /* HW_ALG_NONE: known by name only */
    const char *name;
} ALGS[] = {
    {-7, HW_ES256, "ES256"},          {-9, HW_ES256, "ESP256"},
    {-35, HW_ES384, "ES384"},         {-51, HW_ES384, "ESP384"},
    {-37, HW_PS256, "PS256"},         {-8, HW_ALG_NONE, "EdDSA"},
    {-19, HW_ALG_NONE, "Ed25519"},    {-53, HW_ALG_NONE, "Ed448"},
    {-36, HW_ALG_NONE, "ES512"},      {-52, HW_ALG_NONE, "ESP512"},
    {-38, HW_ALG_NONE, "PS384"},      {-39, HW_ALG_NONE, "PS512"},
    {-46, HW_ALG_NONE, "HSS-LMS"},    {-47, HW_ALG_NONE, "ES256K"},
    {-48, HW_ALG_NONE, "ML-DSA-44"},  {-49, HW_ALG_NONE, "ML-DSA-65"},
    {-50, HW_ALG_NONE, "ML-DSA-87"},  {-257, HW_ALG_NONE, "RS256"},
    {-258, HW_ALG_NONE, "RS384"},     {-259, HW_ALG_NONE, "RS512"},
    {-265, HW_ALG_NONE, "ESB256"},    {-266, HW_ALG_NONE, "ESB320"},
    {-267, HW_ALG_NONE, "ESB384"},    {-268, HW_ALG_NONE, "ESB512"},
    {-65535, HW_ALG_NONE, "RS1"},     {4, HW_ALG_NONE, "HMAC 256/64"},
    {5, HW_ALG_NONE, "HMAC 256/256"}, {6, HW_ALG_NONE, "HMAC 384/384"},
    {7, HW_ALG_NONE, "HMAC 512/512"},
};

err_code cose_alg_from(int64_t value, enum hw_alg *ret, struct why *why)
{
    for (size_t i = 0; i < sizeof ALGS / sizeof *ALGS; i++) {
        if (ALGS[i].value != value)
            continue;
        if (ALGS[i].alg == HW_ALG_NONE)
            return why_say(why, ERR_COSE_ALG, "algorithm %s (%lld) is not accepted", ALGS[i].name,
                           (long long)value);
        *ret = ALGS[i].alg;
        return ERR_OK;
    }
    return why_say(why, ERR_COSE_ALG, "algorithm %lld is not known", (long long)value);
}

int64_t cose_alg_value(enum hw_alg alg)
{
    switch (alg) {
    case HW_ES256:
        return -7;
    case HW_ES384:
        return -35;
    case HW_PS256:
        return -37;
    case HW_ALG_NONE:
        break;
    }
    return 0;
}
