/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/envelope.h"

#include "gate/policy/term.h"

enum need {
    NEVER = 0,
    MAY,
    MUST,
};

static const struct kind {
    const char *name, *typ;
    size_t max;
    enum need nbf, exp, cti;
} KINDS[] = {
    [ENVELOPE_ROOT] = {"root metadata", "application/pawl-root+cose", ENVELOPE_ROOT_MAX, NEVER, MAY,
                       NEVER},
    [ENVELOPE_POLICY] = {"policy object", "application/pawl-policy+cose", ENVELOPE_POLICY_MAX, MUST,
                         MUST, MUST},
    [ENVELOPE_SNAPSHOT] = {"snapshot", "application/pawl-snapshot+cose", ENVELOPE_SNAPSHOT_MAX,
                           NEVER, MUST, NEVER},
};

const char *envelope_name(enum envelope_type type)
{
    return KINDS[type].name;
}

size_t envelope_max(enum envelope_type type)
{
    return KINDS[type].max;
}

static err_code need_check(const struct kind *kind, const char *claim, enum need need, bool present,
                           struct why *why)
{
    if (need == MAY || present == (need == MUST))
        return ERR_OK;
    return why_say(why, ERR_FORMAT, "a %s %s the claim \"%s\"", kind->name,
                   present ? "must not carry" : "must carry", claim);
}

static err_code claims_check(const struct kind *kind, const struct cose_claims *c, struct why *why)
{
    TRY(term_name_check("issuer", c->iss, why));
    TRY(term_name_check("subject", c->sub, why));
    TRY(need_check(kind, "iat", MUST, c->has_iat, why));
    TRY(need_check(kind, "nbf", kind->nbf, c->has_nbf, why));
    TRY(need_check(kind, "exp", kind->exp, c->has_exp, why));
    TRY(need_check(kind, "cti", kind->cti, c->cti.len > 0, why));
    if (c->cti.len != 0 && c->cti.len != ENVELOPE_CTI_LEN)
        return why_say(why, ERR_FORMAT, "cti has %zu bytes, not %d", c->cti.len, ENVELOPE_CTI_LEN);
    TRY(term_time_check("iat", c->iat, why));
    TRY(term_time_check("nbf", c->nbf, why));
    TRY(term_time_check("exp", c->exp, why));
    if (c->has_exp && (c->exp <= c->iat || c->exp <= c->nbf))
        return why_say(why, ERR_FORMAT, "exp %lld is not after iat %lld and nbf %lld",
                       (long long)c->exp, (long long)c->iat, (long long)c->nbf);
    return ERR_OK;
}

static void put_claims(struct cbor_writer *w, const struct cose_claims *c)
{
    cbor_put_map(w, 2 + (size_t)c->has_exp + (size_t)c->has_nbf + (size_t)c->has_iat +
                        (size_t)(c->cti.len > 0));
    cbor_put_int(w, 1);
    cbor_put_text_slice(w, c->iss);
    cbor_put_int(w, 2);
    cbor_put_text_slice(w, c->sub);
    if (c->has_exp) {
        cbor_put_int(w, 4);
        cbor_put_int(w, c->exp);
    }
    if (c->has_nbf) {
        cbor_put_int(w, 5);
        cbor_put_int(w, c->nbf);
    }
    if (c->has_iat) {
        cbor_put_int(w, 6);
        cbor_put_int(w, c->iat);
    }
    if (c->cti.len > 0) {
        cbor_put_int(w, 7);
        cbor_put_bytes(w, c->cti);
    }
}

/* Builds the only header that these claims may have and compares once: whatever else a signer put
 * in is a difference, not a special case. */
static err_code body_check(const struct kind *kind, const struct cose_sign *cose, struct why *why)
{
    CLEANUP(buf_free) struct buf want = {0};
    struct cbor_writer w = cbor_write(&want);

    cbor_put_map(&w, 2);
    cbor_put_int(&w, COSE_CWT_CLAIMS);
    put_claims(&w, &cose->headers.claims);
    cbor_put_int(&w, COSE_TYP);
    cbor_put_text(&w, kind->typ);
    TRY(cbor_written(&w));
    if (!slice_eq(buf_slice(&want), cose->protected_))
        return why_say(why, ERR_FORMAT,
                       "the protected header of the %s has %zu bytes; typ and its claims make %zu",
                       kind->name, cose->protected_.len, want.len);
    return ERR_OK;
}

static bool map_is_empty(struct slice map)
{
    return map.len == 0 || (map.len == 1 && map.ptr[0] == 0xa0);
}

static err_code signature_check(const struct kind *kind, const struct cose_signature *sig,
                                struct why *why)
{
    CLEANUP(buf_free) struct buf want = {0};
    struct cbor_writer w = cbor_write(&want);

    cbor_put_map(&w, 2);
    cbor_put_int(&w, COSE_ALG);
    cbor_put_int(&w, sig->headers.alg);
    cbor_put_int(&w, COSE_KID);
    cbor_put_bytes(&w, sig->headers.kid);
    TRY(cbor_written(&w));
    if (!map_is_empty(sig->headers.unprotected) || !slice_eq(buf_slice(&want), sig->protected_))
        return why_say(why, ERR_FORMAT,
                       "a signature of the %s has other headers than protected alg and kid",
                       kind->name);
    return ERR_OK;
}

err_code envelope_open(struct slice bytes, enum envelope_type type, struct envelope *ret,
                       struct why *why)
{
    const struct kind *kind = &KINDS[type];
    struct envelope out = {.type = type};

    if (bytes.len > kind->max)
        return why_say(why, ERR_TOO_LARGE, "a %s of %zu bytes, the limit is %zu", kind->name,
                       bytes.len, kind->max);
    TRY(cose_sign_parse(bytes, CBOR_DETERMINISTIC, &out.cose, why));
    if (!slice_eq_str(out.cose.headers.typ, kind->typ))
        return why_say(
            why, ERR_FORMAT, "the type is \"%.*s\" where \"%s\" is needed",
            TERM_ARG(slice_part(out.cose.headers.typ, 0,
                                out.cose.headers.typ.len < 64 ? out.cose.headers.typ.len : 64)),
            kind->typ);
    TRY(claims_check(kind, &out.cose.headers.claims, why));
    TRY(body_check(kind, &out.cose, why));
    if (!map_is_empty(out.cose.headers.unprotected) || out.cose.detached)
        return why_say(why, ERR_FORMAT, "the %s has %s", kind->name,
                       out.cose.detached ? "no payload" : "unprotected headers");
    for (size_t i = 0; i < out.cose.n_signatures; i++)
        TRY(signature_check(kind, &out.cose.signatures[i], why));
    TRY(hash_sha256(bytes, &out.digest));
    *ret = out;
    return ERR_OK;
}

err_code envelope_signed_digest(const struct envelope *envelope, const char *tag,
                                struct digest *ret)
{
    uint8_t len[8];
    const struct slice parts[] = {SLICE_OF(len), envelope->cose.protected_, envelope->cose.payload};

    put_u64(len, envelope->cose.protected_.len);
    return hash_tagged(tag, parts, 3, ret);
}

err_code envelope_make(const struct envelope_parts *parts, struct hw_signer *const *signers,
                       size_t n_signers, struct buf *ret, struct why *why)
{
    const struct kind *kind = &KINDS[parts->type];
    const struct cose_header_spec spec = {.typ = kind->typ, .claims = parts->claims};
    CLEANUP(buf_free) struct buf out = {0};

    TRY(claims_check(kind, &parts->claims, why));
    TRY(cose_sign_make(signers, n_signers, &spec, parts->payload, &out, why));
    if (out.len > kind->max)
        return why_say(why, ERR_TOO_LARGE, "a %s of %zu bytes, the limit is %zu", kind->name,
                       out.len, kind->max);
    return buf_add_slice(ret, buf_slice(&out));
}

bool envelope_kid(const struct envelope *envelope, size_t signature, struct digest *ret)
{
    return digest_from(envelope->cose.signatures[signature].headers.kid, ret) == ERR_OK;
}
