/* SPDX-License-Identifier: Apache-2.0 */
/* cose_header.c: reading the header buckets and judging their labels. */
#include "gate/cose/cose_header.h"

#include <stdio.h>

/* A label is an integer, or a text (RFC 9052 1.5). */
struct label {
    bool is_text;
    int64_t number;
    struct slice text;
};

static struct label label_take(struct cbor_reader *r)
{
    struct label label = {.is_text = cbor_peek(r) == CBOR_TEXT};

    if (label.is_text)
        label.text = cbor_get_text(r);
    else
        label.number = cbor_get_int(r);
    return label;
}

static bool label_eq(const struct label *a, const struct label *b)
{
    if (a->is_text != b->is_text)
        return false;
    return a->is_text ? slice_eq(a->text, b->text) : a->number == b->number;
}

/* Walks a map for a label. Borrows from map; empty when absent. */
static struct slice find(struct slice map, const struct label *wanted)
{
    struct cbor_reader r = {.rest = map};
    size_t n = map.len == 0 ? 0 : cbor_get_map(&r);

    for (size_t i = 0; i < n && r.err == ERR_OK; i++) {
        struct label label = label_take(&r);
        struct slice value = cbor_get_item(&r);
        if (r.err == ERR_OK && label_eq(&label, wanted))
            return value;
    }
    return (struct slice){0};
}

struct slice cose_header_find(struct slice map, int64_t label)
{
    return find(map, &(struct label){.number = label});
}

struct slice cose_header_find_text(struct slice map, const char *label)
{
    return find(map, &(struct label){.is_text = true, .text = slice_str(label)});
}

static const char *label_text(const struct label *label, char *ret, size_t size)
{
    if (label->is_text)
        (void)snprintf(ret, size, "\"%.*s\"", (int)(label->text.len > 64 ? 64 : label->text.len),
                       (const char *)label->text.ptr);
    else
        (void)snprintf(ret, size, "%lld", (long long)label->number);
    return ret;
}

/* ---- label rules ----------------------------------------------------------------------------- */

/* The labels whose values are looked at, and where they are in one bucket; empty: absent. */
enum known_label {
    KNOWN_ALG,
    KNOWN_CRIT,
    KNOWN_CONTENT_TYPE,
    KNOWN_KID,
    KNOWN_CLAIMS,
    KNOWN_TYP,
    KNOWN_X5CHAIN,
    KNOWN_X5T,
    KNOWN_N,
};
struct known {
    struct slice item[KNOWN_N];
};

static void note(struct known *known, const struct label *label, struct slice item)
{
    static const int64_t LABELS[KNOWN_N] = {COSE_ALG,     COSE_CRIT,       COSE_CONTENT_TYPE,
                                            COSE_KID,     COSE_CWT_CLAIMS, COSE_TYP,
                                            COSE_X5CHAIN, COSE_X5T};

    for (size_t i = 0; i < KNOWN_N; i++)
        if (!label->is_text && label->number == LABELS[i])
            known->item[i] = item;
}

/* Every label is an int or a text, and there are not so many that comparing two buckets gets slow.
 */
static err_code bucket_check(struct slice map, const char *bucket, struct known *ret,
                             struct why *why)
{
    struct cbor_reader r = {.rest = map};
    size_t n = cbor_get_map(&r);

    if (r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the %s header is not a map", bucket);
    if (n > COSE_LABELS_MAX)
        return why_say(why, ERR_COSE_MALFORMED, "%zu labels in the %s header, at most %d are read",
                       n, bucket, COSE_LABELS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct label label = label_take(&r);
        if (r.err != ERR_OK)
            return why_say(why, ERR_COSE_MALFORMED,
                           "a label in the %s header is neither an integer nor a text", bucket);
        note(ret, &label, cbor_get_item(&r));
    }
    return r.err;
}

/* RFC 9052 3: a label must not occur in both buckets. */
static err_code disjoint(const struct cose_headers *h, struct why *why)
{
    struct cbor_reader r = {.rest = h->unprotected};
    size_t n = h->protected_map.len == 0 ? 0 : cbor_get_map(&r);
    char text[80];

    for (size_t i = 0; i < n && r.err == ERR_OK; i++) {
        struct label label = label_take(&r);
        (void)cbor_get_item(&r);
        if (find(h->protected_map, &label).len > 0)
            return why_say(why, ERR_COSE_MALFORMED, "label %s is in both header buckets",
                           label_text(&label, text, sizeof text));
    }
    return r.err;
}

/* What this code acts on. Certificates (33, 34) are carried and not judged, so a sender who makes
 * them critical is refused. */
static bool understood(const struct label *label)
{
    static const int64_t LABELS[] = {COSE_ALG,        COSE_CONTENT_TYPE, COSE_KID,
                                     COSE_CWT_CLAIMS, COSE_TYP,          COSE_VDS};

    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (!label->is_text && label->number == LABELS[i])
            return true;
    return false;
}

/* RFC 9052 3.1: crit is protected, not empty, and every label in it is protected and understood. */
static err_code crit_check(const struct cose_headers *h, const struct known *protected_,
                           const struct known *unprotected, struct why *why)
{
    struct cbor_reader r = {.rest = protected_->item[KNOWN_CRIT]};
    char text[80];
    size_t n;

    if (unprotected->item[KNOWN_CRIT].len > 0)
        return why_say(why, ERR_COSE_MALFORMED, "crit is in the unprotected header");
    if (r.rest.len == 0)
        return ERR_OK;
    n = cbor_get_array(&r);
    if (n == 0)
        return why_say(why, ERR_COSE_MALFORMED, "crit is not an array of at least one label");
    for (size_t i = 0; i < n; i++) {
        struct label label = label_take(&r);
        if (r.err != ERR_OK)
            return why_say(why, ERR_COSE_MALFORMED, "crit holds something that is not a label");
        if (find(h->protected_map, &label).len == 0)
            return why_say(why, ERR_COSE_CRIT, "critical label %s is not in the protected header",
                           label_text(&label, text, sizeof text));
        if (!understood(&label))
            return why_say(why, ERR_COSE_CRIT, "critical label %s is not understood",
                           label_text(&label, text, sizeof text));
    }
    return ERR_OK;
}

/* Labels whose meaning comes from the signature: pawl never writes them unprotected, so there they
 * refuse an object of pawl's own; in somebody else's they count for nothing. */
static err_code authentic_check(const struct known *unprotected, struct why *why)
{
    static const struct {
        enum known_label at;
        int label;
    } LABELS[] = {{KNOWN_ALG, COSE_ALG},
                  {KNOWN_CONTENT_TYPE, COSE_CONTENT_TYPE},
                  {KNOWN_CLAIMS, COSE_CWT_CLAIMS},
                  {KNOWN_TYP, COSE_TYP}};

    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (unprotected->item[LABELS[i].at].len > 0)
            return why_say(why, ERR_COSE_MALFORMED, "label %d is in the unprotected header",
                           LABELS[i].label);
    return ERR_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A text, or the number that the registries allow in its place and that is left to others. */
static err_code text_or_number(struct slice item, const char *name, struct slice *ret,
                               struct why *why)
{
    struct cbor_reader r = {.rest = item};

    if (item.len == 0 || cbor_peek(&r) == CBOR_UINT)
        return ERR_OK;
    if (cbor_peek(&r) != CBOR_TEXT)
        return why_say(why, ERR_COSE_MALFORMED, "%s is neither a text nor a number", name);
    *ret = cbor_get_text(&r);
    return r.err;
}

/* A text stands for an algorithm that pawl does not know; it reads as absent. */
static err_code alg_read(struct cose_headers *h, struct slice item, struct why *why)
{
    struct cbor_reader r = {.rest = item};

    if (r.rest.len == 0 || cbor_peek(&r) == CBOR_TEXT)
        return ERR_OK;
    h->alg = cbor_get_int(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "alg is neither an integer nor a text");
    return ERR_OK;
}

static err_code kid_read(struct cose_headers *h, struct slice item, struct why *why)
{
    struct cbor_reader r = {.rest = item};

    if (r.rest.len == 0)
        return ERR_OK;
    h->kid = cbor_get_bytes(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "kid is not a byte string");
    return ERR_OK;
}

static err_code values_read(struct cose_headers *h, enum cbor_rules rules,
                            const struct known *protected_, const struct known *unprotected,
                            struct why *why)
{
    struct slice claims = protected_->item[KNOWN_CLAIMS];
    struct known either = *protected_;

    for (size_t i = 0; i < KNOWN_N; i++)
        if (either.item[i].len == 0)
            either.item[i] = unprotected->item[i];
    TRY(alg_read(h, protected_->item[KNOWN_ALG], why));
    TRY(kid_read(h, either.item[KNOWN_KID], why));
    TRY(text_or_number(protected_->item[KNOWN_CONTENT_TYPE], "content type", &h->content_type,
                       why));
    TRY(text_or_number(protected_->item[KNOWN_TYP], "typ", &h->typ, why));
    h->x5chain = either.item[KNOWN_X5CHAIN];
    h->x5t = either.item[KNOWN_X5T];
    return claims.len == 0 ? ERR_OK : cose_claims_read(claims, rules, &h->claims, why);
}

/* ---- both buckets ---------------------------------------------------------------------------- */

/* The map inside the protected byte string; leaves it empty when there are no labels. */
static err_code protected_open(struct slice content, enum cbor_rules rules, struct slice *ret,
                               struct why *why)
{
    struct cbor_reader r;
    size_t n;

    if (content.len == 0)
        return ERR_OK;
    r = cbor_read(content, rules);
    if (r.err != ERR_OK)
        return why_say(why, r.err, "the protected header: %s", err_text(r.err));
    n = cbor_get_map(&r);
    if (r.err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the protected header is not a map");
    if (n == 0 && rules == CBOR_DETERMINISTIC)
        return why_say(why, ERR_COSE_MALFORMED,
                       "the protected header is an encoded empty map, wanted the empty string");
    if (n > 0)
        *ret = content;
    return ERR_OK;
}

err_code cose_headers_take(struct cbor_reader *r, enum cbor_rules rules,
                           struct slice *ret_protected, struct cose_headers *ret, struct why *why)
{
    struct cose_headers h = {0};
    struct known protected_ = {0}, unprotected = {0};
    struct slice content = cbor_get_bytes(r);

    if (r->err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the protected header is not a byte string");
    TRY(protected_open(content, rules, &h.protected_map, why));
    h.unprotected = cbor_get_item(r);
    if (r->err != ERR_OK)
        return why_say(why, ERR_COSE_MALFORMED, "the unprotected header is missing");
    if (h.protected_map.len > 0)
        TRY(bucket_check(h.protected_map, "protected", &protected_, why));
    TRY(bucket_check(h.unprotected, "unprotected", &unprotected, why));
    TRY(disjoint(&h, why));
    TRY(crit_check(&h, &protected_, &unprotected, why));
    if (rules == CBOR_DETERMINISTIC)
        TRY(authentic_check(&unprotected, why));
    TRY(values_read(&h, rules, &protected_, &unprotected, why));
    *ret_protected = h.protected_map;
    *ret = h;
    return ERR_OK;
}
