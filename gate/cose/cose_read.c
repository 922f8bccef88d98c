/* SPDX-License-Identifier: Apache-2.0 */
/* cose_read.c: the two message types, what is signed in them, and the statement to be verified. */
#include "gate/cose/cose_header.h"

/* Judges the encoding, the tag, and the four places of a message. */
static err_code open_message(struct slice bytes, enum cbor_rules rules, uint64_t tag,
                             struct cbor_reader *ret, struct why *why)
{
    struct cbor_reader r = cbor_read(bytes, rules);
    uint64_t got;

    if (r.err != ERR_OK)
        return why_say(why, r.err, "the message: %s", err_text(r.err));
    got = cbor_get_tag(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the message has no tag, wanted %llu",
                       (unsigned long long)tag);
    if (got != tag)
        return why_say(why, ERR_COSE_MALFORMED, "the message has tag %llu, wanted %llu",
                       (unsigned long long)got, (unsigned long long)tag);
    if (cbor_get_array(&r) != 4)
        return why_say(why, ERR_COSE_MALFORMED, "the message is not an array of four");
    *ret = r;
    return ERR_OK;
}

static err_code payload_take(struct cbor_reader *r, struct slice *ret, bool *ret_detached,
                             struct why *why)
{
    bool detached = cbor_get_null(r);
    struct slice payload = detached ? (struct slice){0} : cbor_get_bytes(r);

    if (r->err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the payload is neither a byte string nor nil");
    *ret = payload;
    *ret_detached = detached;
    return ERR_OK;
}

static err_code signature_take(struct cbor_reader *r, struct slice *ret, struct why *why)
{
    struct slice sig = cbor_get_bytes(r);

    if (r->err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the signature is not a byte string");
    *ret = sig;
    return ERR_OK;
}

err_code cose_sign1_parse(struct slice bytes, enum cbor_rules rules, struct cose_sign1 *ret,
                          struct why *why)
{
    struct cose_sign1 out = {.raw = bytes};
    struct cbor_reader r;

    TRY(open_message(bytes, rules, COSE_TAG_SIGN1, &r, why));
    TRY(cose_headers_take(&r, rules, &out.protected_, &out.headers, why));
    TRY(payload_take(&r, &out.payload, &out.detached, why));
    TRY(signature_take(&r, &out.signature, why));
    TRY(cbor_done(&r));
    *ret = out;
    return ERR_OK;
}

static err_code one_signature(struct cbor_reader *r, enum cbor_rules rules,
                              struct cose_signature *ret, struct why *why)
{
    if (cbor_get_array(r) != 3)
        return why_say(why, ERR_COSE_MALFORMED, "a signature is not an array of three");
    TRY(cose_headers_take(r, rules, &ret->protected_, &ret->headers, why));
    return signature_take(r, &ret->signature, why);
}

err_code cose_sign_parse(struct slice bytes, enum cbor_rules rules, struct cose_sign *ret,
                         struct why *why)
{
    struct cose_sign out = {.raw = bytes};
    struct cbor_reader r;

    TRY(open_message(bytes, rules, COSE_TAG_SIGN, &r, why));
    TRY(cose_headers_take(&r, rules, &out.protected_, &out.headers, why));
    TRY(payload_take(&r, &out.payload, &out.detached, why));
    out.n_signatures = cbor_get_array(&r);
    if (out.n_signatures == 0)
        return why_say(why, ERR_COSE_MALFORMED, "the signatures are not an array of at least one");
    if (out.n_signatures > COSE_SIGNATURES_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu signatures, at most %d are read", out.n_signatures,
                       COSE_SIGNATURES_MAX);
    for (size_t i = 0; i < out.n_signatures; i++)
        TRY(one_signature(&r, rules, &out.signatures[i], why));
    TRY(cbor_done(&r));
    *ret = out;
    return ERR_OK;
}

/* ---- what is signed -------------------------------------------------------------------------- */

/* Sig_structure (RFC 9052 4.4). sign_protected NULL: of a COSE_Sign1. */
static err_code tbs(struct slice body_protected, const struct slice *sign_protected,
                    struct slice external_aad, struct slice payload, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    cbor_put_array(&w, sign_protected != NULL ? 5 : 4);
    cbor_put_text(&w, sign_protected != NULL ? "Signature" : "Signature1");
    cbor_put_bytes(&w, body_protected);
    if (sign_protected != NULL)
        cbor_put_bytes(&w, *sign_protected);
    cbor_put_bytes(&w, external_aad);
    cbor_put_bytes(&w, payload);
    TRY(cbor_written(&w));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code cose_sign1_tbs(struct slice protected_, struct slice external_aad, struct slice payload,
                        struct buf *ret)
{
    return tbs(protected_, NULL, external_aad, payload, ret);
}

err_code cose_sign_tbs(struct slice body_protected, struct slice sign_protected,
                       struct slice external_aad, struct slice payload, struct buf *ret)
{
    return tbs(body_protected, &sign_protected, external_aad, payload, ret);
}

/* ---- what is to be verified ------------------------------------------------------------------ */

/* The message names its algorithm under protection, pawl does it, and it is the key's. */
static err_code alg_check(const struct cose_headers *h, const struct hw_pubkey *key,
                          struct why *why)
{
    enum hw_alg alg;

    if (h->alg == 0)
        return why_say(why, ERR_COSE_ALG, "no algorithm number in the protected header");
    TRY(cose_alg_from(h->alg, &alg, why));
    if (alg != key->alg)
        return why_say(why, ERR_COSE_ALG, "the message is signed with %s, the key is for %s",
                       hw_alg_name(alg), hw_alg_name(key->alg));
    return ERR_OK;
}

static err_code payload_choose(bool detached, struct slice attached, struct slice given,
                               struct slice *ret, struct why *why)
{
    if (!detached && given.len > 0)
        return why_say(why, ERR_COSE_MALFORMED,
                       "the message carries a payload of %zu bytes, and another of %zu was given",
                       attached.len, given.len);
    if (detached && given.ptr == NULL)
        return why_say(why, ERR_COSE_MALFORMED, "the payload is detached, and none was given");
    *ret = detached ? given : attached;
    return ERR_OK;
}

static err_code statement(const struct hw_pubkey *key, struct slice tbs_bytes, struct slice sig,
                          struct hw_statement *ret, struct why *why)
{
    err_code err = hw_statement_of(key, tbs_bytes, sig, ret);

    if (err == ERR_SIGNATURE_INVALID)
        return why_say(why, err, "a signature of %zu bytes, wanted %zu", sig.len, hw_sig_len(key));
    return err;
}

err_code cose_sign1_statement(const struct cose_sign1 *msg, const struct hw_pubkey *key,
                              struct slice payload, struct hw_statement *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct slice chosen;

    TRY(alg_check(&msg->headers, key, why));
    TRY(payload_choose(msg->detached, msg->payload, payload, &chosen, why));
    TRY(cose_sign1_tbs(msg->protected_, (struct slice){0}, chosen, &out));
    return statement(key, buf_slice(&out), msg->signature, ret, why);
}

err_code cose_sign_statement(const struct cose_sign *msg, size_t signature,
                             const struct hw_pubkey *key, struct slice payload,
                             struct hw_statement *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};
    const struct cose_signature *one;
    struct slice chosen;

    if (signature >= msg->n_signatures)
        return why_say(why, ERR_INTERNAL, "signature %zu of %zu", signature, msg->n_signatures);
    one = &msg->signatures[signature];
    TRY(alg_check(&one->headers, key, why));
    TRY(payload_choose(msg->detached, msg->payload, payload, &chosen, why));
    TRY(cose_sign_tbs(msg->protected_, one->protected_, (struct slice){0}, chosen, &out));
    return statement(key, buf_slice(&out), one->signature, ret, why);
}
