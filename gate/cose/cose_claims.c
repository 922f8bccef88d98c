/* SPDX-License-Identifier: Apache-2.0 */
/* cose_claims.c: CWT claims in a header (RFC 9597), read and written. */
#include "gate/cose/cose_header.h"

enum claim {
    CLAIM_ISS = 1,
    CLAIM_SUB = 2,
    CLAIM_EXP = 4,
    CLAIM_NBF = 5,
    CLAIM_IAT = 6,
    CLAIM_CTI = 7,
};

/* A claim of another type than pawl writes. Other people's objects may have it (times as floats or
 * under tag 1): it is left out. */
static err_code odd(enum cbor_rules rules, const char *name, struct why *why)
{
    if (rules == CBOR_FOREIGN)
        return ERR_OK;
    return why_say(why, ERR_COSE_MALFORMED, "claim %s has the wrong type", name);
}

static err_code string_claim(struct slice item, enum claim label, enum cbor_rules rules,
                             struct slice *ret, struct why *why)
{
    struct cbor_reader r = {.rest = item};
    struct slice value;

    if (r.rest.len == 0)
        return ERR_OK;
    value = label == CLAIM_CTI ? cbor_get_bytes(&r) : cbor_get_text(&r);
    if (r.err != ERR_OK)
        return odd(rules, label == CLAIM_ISS ? "iss" : label == CLAIM_SUB ? "sub" : "cti", why);
    *ret = value;
    return ERR_OK;
}

static err_code time_claim(struct slice item, enum claim label, enum cbor_rules rules,
                           bool *ret_has, int64_t *ret, struct why *why)
{
    struct cbor_reader r = {.rest = item};
    int64_t value;

    if (r.rest.len == 0)
        return ERR_OK;
    value = cbor_get_int(&r);
    if (r.err != ERR_OK)
        return odd(rules, label == CLAIM_EXP ? "exp" : label == CLAIM_NBF ? "nbf" : "iat", why);
    *ret_has = true;
    *ret = value;
    return ERR_OK;
}

/* Where the claims are that pawl knows; a label may be an integer or a text. */
static void find_claims(struct cbor_reader *r, size_t n, struct slice ret[static CLAIM_CTI + 1])
{
    for (size_t i = 0; i < n && r->err == ERR_OK; i++) {
        bool known = cbor_peek(r) == CBOR_UINT;
        uint64_t label = known ? cbor_get_uint(r) : 0;
        struct slice item;

        if (!known)
            (void)cbor_get_item(r);
        item = cbor_get_item(r);
        if (known && label <= CLAIM_CTI)
            ret[label] = item;
    }
}

err_code cose_claims_read(struct slice item, enum cbor_rules rules, struct cose_claims *ret,
                          struct why *why)
{
    struct slice at[CLAIM_CTI + 1] = {0};
    struct cbor_reader r = {.rest = item};
    struct cose_claims out = {0};
    size_t n = cbor_get_map(&r);

    if (n > COSE_LABELS_MAX || r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the CWT claims are not a map of at most %d",
                       COSE_LABELS_MAX);
    find_claims(&r, n, at);
    TRY(string_claim(at[CLAIM_ISS], CLAIM_ISS, rules, &out.iss, why));
    TRY(string_claim(at[CLAIM_SUB], CLAIM_SUB, rules, &out.sub, why));
    TRY(string_claim(at[CLAIM_CTI], CLAIM_CTI, rules, &out.cti, why));
    TRY(time_claim(at[CLAIM_EXP], CLAIM_EXP, rules, &out.has_exp, &out.exp, why));
    TRY(time_claim(at[CLAIM_NBF], CLAIM_NBF, rules, &out.has_nbf, &out.nbf, why));
    TRY(time_claim(at[CLAIM_IAT], CLAIM_IAT, rules, &out.has_iat, &out.iat, why));
    *ret = out;
    return ERR_OK;
}

size_t cose_claims_count(const struct cose_claims *claims)
{
    return (size_t)(claims->iss.len > 0) + (claims->sub.len > 0) + (claims->cti.len > 0) +
           claims->has_exp + claims->has_nbf + claims->has_iat;
}

static void put_text(struct cbor_writer *w, enum claim label, struct slice value)
{
    if (value.len == 0)
        return;
    cbor_put_int(w, label);
    cbor_put_text_slice(w, value);
}

static void put_time(struct cbor_writer *w, enum claim label, bool has, int64_t value)
{
    if (!has)
        return;
    cbor_put_int(w, label);
    cbor_put_int(w, value);
}

void cose_claims_put(struct cbor_writer *w, const struct cose_claims *claims)
{
    cbor_put_map(w, cose_claims_count(claims));
    put_text(w, CLAIM_ISS, claims->iss);
    put_text(w, CLAIM_SUB, claims->sub);
    put_time(w, CLAIM_EXP, claims->has_exp, claims->exp);
    put_time(w, CLAIM_NBF, claims->has_nbf, claims->nbf);
    put_time(w, CLAIM_IAT, claims->has_iat, claims->iat);
    if (claims->cti.len > 0) {
        cbor_put_int(w, CLAIM_CTI);
        cbor_put_bytes(w, claims->cti);
    }
}
