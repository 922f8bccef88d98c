/* SPDX-License-Identifier: Apache-2.0 */
/* cose_make.c: writing headers and messages. */
#include "gate/cose/cose_header.h"
#include "gate/cose/cose_key.h"

#include <stdlib.h>

/* ---- headers --------------------------------------------------------------------------------- */

/* Merges the fixed labels, which come in ascending order, with the caller's, which are sorted here.
 */
struct header {
    struct cbor_writer w;
    const struct cose_pair *extra[COSE_LABELS_MAX];
    size_t n_extra, next;
};

static int pair_order(const void *a, const void *b)
{
    return slice_cmp((*(const struct cose_pair *const *)a)->key,
                     (*(const struct cose_pair *const *)b)->key);
}

static void put_extra(struct header *h)
{
    cbor_put_item(&h->w, h->extra[h->next]->key);
    cbor_put_item(&h->w, h->extra[h->next]->value);
    h->next++;
}

/* Writes a fixed label, after those of the caller's that sort before it. All fixed labels are
 * below 256, so their encoding is one or two octets. */
static void put_label(struct header *h, enum cose_label label)
{
    uint8_t encoded[2] = {(uint8_t)label, (uint8_t)label};
    struct slice key = {encoded, label < 24 ? 1 : 2};

    if (label >= 24)
        encoded[0] = 0x18;
    while (h->next < h->n_extra && slice_cmp(h->extra[h->next]->key, key) < 0)
        put_extra(h);
    cbor_put_int(&h->w, label);
}

static void put_text(struct header *h, enum cose_label label, const char *text)
{
    if (text == NULL)
        return;
    put_label(h, label);
    cbor_put_text(&h->w, text);
}

static void put_encoded(struct header *h, enum cose_label label, struct slice item)
{
    if (item.len == 0)
        return;
    put_label(h, label);
    cbor_put_item(&h->w, item);
}

static size_t count(const struct hw_pubkey *key, const struct cose_header_spec *spec)
{
    return (key != NULL ? 2 : 0) + (size_t)(spec->content_type != NULL) + (spec->typ != NULL) +
           (cose_claims_count(&spec->claims) > 0) + (spec->x5chain.len > 0) + (spec->x5t.len > 0) +
           spec->n_extra;
}

static void put_all(struct header *h, const struct hw_pubkey *key, const struct digest *kid,
                    const struct cose_header_spec *spec)
{
    cbor_put_map(&h->w, count(key, spec));
    if (key != NULL) {
        put_label(h, COSE_ALG);
        cbor_put_int(&h->w, cose_alg_value(key->alg));
    }
    put_text(h, COSE_CONTENT_TYPE, spec->content_type);
    if (key != NULL) {
        put_label(h, COSE_KID);
        cbor_put_bytes(&h->w, digest_slice(kid));
    }
    if (cose_claims_count(&spec->claims) > 0) {
        put_label(h, COSE_CWT_CLAIMS);
        cose_claims_put(&h->w, &spec->claims);
    }
    put_text(h, COSE_TYP, spec->typ);
    put_encoded(h, COSE_X5CHAIN, spec->x5chain);
    put_encoded(h, COSE_X5T, spec->x5t);
    while (h->next < h->n_extra)
        put_extra(h);
}

err_code cose_header_write(const struct hw_pubkey *key, const struct cose_header_spec *spec,
                           struct buf *ret)
{
    static const struct cose_header_spec NOTHING = {0};
    CLEANUP(buf_free) struct buf out = {0};
    struct header h = {.w = cbor_write(&out)};
    struct digest kid = {0};

    if (spec == NULL)
        spec = &NOTHING;
    if (spec->n_extra > COSE_LABELS_MAX)
        return ERR_INTERNAL;
    if (count(key, spec) == 0)
        return ERR_OK;
    for (; h.n_extra < spec->n_extra; h.n_extra++)
        h.extra[h.n_extra] = &spec->extra[h.n_extra];
    qsort(h.extra, h.n_extra, sizeof *h.extra, pair_order);
    if (key != NULL && spec->kid == NULL)
        TRY(cose_key_thumbprint(key, &kid));
    put_all(&h, key, spec->kid != NULL ? spec->kid : &kid, spec);
    TRY(cbor_written(&h.w));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code cose_protected_make(const struct hw_pubkey *key, const struct cose_header_spec *spec,
                             struct buf *ret)
{
    return cose_header_write(key, spec, ret);
}

/* ---- COSE_Sign1 ------------------------------------------------------------------------------ */

static const uint8_t EMPTY_MAP[] = {0xa0};

err_code cose_sign1_assemble(struct slice protected_, struct slice unprotected,
                             struct slice payload, bool detach, struct slice signature,
                             struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    cbor_put_tag(&w, COSE_TAG_SIGN1);
    cbor_put_array(&w, 4);
    cbor_put_bytes(&w, protected_);
    cbor_put_item(&w, unprotected.len > 0 ? unprotected : SLICE_OF(EMPTY_MAP));
    if (detach)
        cbor_put_null(&w);
    else
        cbor_put_bytes(&w, payload);
    cbor_put_bytes(&w, signature);
    TRY(cbor_written(&w));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code cose_sign1_make(struct hw_signer *signer, const struct cose_header_spec *protected_,
                         struct slice unprotected, struct slice payload, bool detach,
                         struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf header = {0}, tbs = {0}, sig = {0}, out = {0};
    struct cose_sign1 again;

    TRY(cose_header_write(&signer->key, protected_, &header));
    TRY(cose_sign1_tbs(buf_slice(&header), (struct slice){0}, payload, &tbs));
    TRY(hw_sign(signer, buf_slice(&tbs), &sig, why));
    TRY(cose_sign1_assemble(buf_slice(&header), unprotected, payload, detach, buf_slice(&sig),
                            &out));
    TRY(cose_sign1_parse(buf_slice(&out), CBOR_DETERMINISTIC, &again, why));
    return buf_add_slice(ret, buf_slice(&out));
}

/* ---- COSE_Sign ------------------------------------------------------------------------------- */

/* One COSE_Signature: [protected {alg, kid}, {}, signature]. */
static err_code signature_make(struct hw_signer *signer, struct slice body_protected,
                               struct slice payload, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf header = {0}, tbs = {0}, sig = {0};
    struct cbor_writer w = cbor_write(ret);

    TRY(cose_header_write(&signer->key, NULL, &header));
    TRY(cose_sign_tbs(body_protected, buf_slice(&header), (struct slice){0}, payload, &tbs));
    TRY(hw_sign(signer, buf_slice(&tbs), &sig, why));
    cbor_put_array(&w, 3);
    cbor_put_bytes(&w, buf_slice(&header));
    cbor_put_map(&w, 0);
    cbor_put_bytes(&w, buf_slice(&sig));
    return cbor_written(&w);
}

static err_code signers_check(struct hw_signer *const *signers, size_t n, struct why *why)
{
    if (n == 0 || n > COSE_SIGNATURES_MAX)
        return why_say(why, n == 0 ? ERR_INTERNAL : ERR_TOO_LARGE, "%zu signers, at most %d", n,
                       COSE_SIGNATURES_MAX);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (hw_pubkey_eq(&signers[i]->key, &signers[k]->key))
                return why_say(why, ERR_EXISTS, "signers %zu and %zu are one key", k + 1, i + 1);
    return ERR_OK;
}

err_code cose_sign_make(struct hw_signer *const *signers, size_t n_signers,
                        const struct cose_header_spec *protected_, struct slice payload,
                        struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf header = {0}, out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct cose_sign again;

    TRY(signers_check(signers, n_signers, why));
    TRY(cose_header_write(NULL, protected_, &header));
    cbor_put_tag(&w, COSE_TAG_SIGN);
    cbor_put_array(&w, 4);
    cbor_put_bytes(&w, buf_slice(&header));
    cbor_put_map(&w, 0);
    cbor_put_bytes(&w, payload);
    cbor_put_array(&w, n_signers);
    for (size_t i = 0; i < n_signers; i++) {
        CLEANUP(buf_free) struct buf one = {0};
        TRY(signature_make(signers[i], buf_slice(&header), payload, &one, why));
        cbor_put_item(&w, buf_slice(&one));
    }
    TRY(cbor_written(&w));
    TRY(cose_sign_parse(buf_slice(&out), CBOR_DETERMINISTIC, &again, why));
    return buf_add_slice(ret, buf_slice(&out));
}

static err_code add_check(const struct cose_sign *msg, const struct hw_pubkey *key, struct why *why)
{
    struct digest kid;

    if (msg->detached)
        return why_say(why, ERR_COSE_MALFORMED, "the payload is detached, so it cannot be signed");
    if (msg->n_signatures >= COSE_SIGNATURES_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu signatures already, at most %d", msg->n_signatures,
                       COSE_SIGNATURES_MAX);
    TRY(cose_key_thumbprint(key, &kid));
    for (size_t i = 0; i < msg->n_signatures; i++)
        if (slice_eq(msg->signatures[i].headers.kid, digest_slice(&kid)))
            return why_say(why, ERR_EXISTS, "this key has signed already, as signature %zu", i + 1);
    return ERR_OK;
}

err_code cose_sign_add(struct slice message, struct hw_signer *signer, struct buf *ret,
                       struct why *why)
{
    CLEANUP(buf_free) struct buf one = {0}, out = {0};
    struct cbor_reader r = {.rest = message};
    struct cbor_writer w = cbor_write(&out);
    struct cose_sign msg;
    size_t n;

    TRY(cose_sign_parse(message, CBOR_DETERMINISTIC, &msg, why));
    TRY(add_check(&msg, &signer->key, why));
    TRY(signature_make(signer, msg.protected_, msg.payload, &one, why));
    cbor_put_tag(&w, cbor_get_tag(&r));
    cbor_put_array(&w, cbor_get_array(&r));
    for (int i = 0; i < 3; i++) /* protected, unprotected, payload */
        cbor_put_item(&w, cbor_get_item(&r));
    n = cbor_get_array(&r);
    cbor_put_array(&w, n + 1);
    for (size_t i = 0; i < n; i++)
        cbor_put_item(&w, cbor_get_item(&r));
    cbor_put_item(&w, buf_slice(&one));
    TRY(cbor_done(&r));
    TRY(cbor_written(&w));
    return buf_add_slice(ret, buf_slice(&out));
}
