/* SPDX-License-Identifier: Apache-2.0 */
/* did_x509_parse.c: the text of a did:x509. */
#include "gate/cose/did_x509_text.h"

#include <string.h>

#define PREFIX "did:x509:0:"

static err_code bad(struct why *why, const char *what)
{
    return why_say(why, ERR_DID_MALFORMED, "a did:x509 %s", what);
}

static bool alpha(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool unreserved(uint8_t c)
{
    return alpha(c) || digit(c) || c == '.' || c == '-' || c == '_';
}

static int hex(uint8_t c)
{
    if (digit(c))
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

err_code did_x509_percent(struct slice text, struct buf *ret)
{
    static const char DIGITS[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (unreserved(c)) {
            TRY(buf_add_u8(ret, c));
            continue;
        }
        TRY(buf_add_u8(ret, '%'));
        TRY(buf_add_u8(ret, (uint8_t)DIGITS[c >> 4]));
        TRY(buf_add_u8(ret, (uint8_t)DIGITS[c & 15]));
    }
    return buf_terminate(ret);
}

err_code did_x509_plain(struct slice value, struct buf *ret)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];

        if (c == '%') {
            if (value.len - i < 3 || hex(value.ptr[i + 1]) < 0 || hex(value.ptr[i + 2]) < 0)
                return ERR_FORMAT;
            c = (uint8_t)(hex(value.ptr[i + 1]) << 4 | hex(value.ptr[i + 2]));
            i += 2;
        }
        TRY(buf_add_u8(ret, c));
    }
    return ERR_OK;
}

bool did_x509_split(struct slice *rest, const char *mark, struct slice *ret)
{
    size_t len = strlen(mark);

    for (size_t i = 0; rest->len >= len && i <= rest->len - len; i++)
        if (memcmp(rest->ptr + i, mark, len) == 0) {
            *ret = slice_part(*rest, 0, i);
            *rest = slice_part(*rest, i + len, rest->len - i - len);
            return true;
        }
    *ret = *rest;
    *rest = (struct slice){0};
    return false;
}

/* 1*idchar. */
static bool idchars(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (unreserved(s.ptr[i]))
            continue;
        if (s.ptr[i] != '%' || s.len - i < 3 || hex(s.ptr[i + 1]) < 0 || hex(s.ptr[i + 2]) < 0)
            return false;
        i += 2;
    }
    return s.len > 0;
}

/* 1*DIGIT *("." 1*DIGIT) */
static bool oid(struct slice s)
{
    bool need = true;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '.' && !digit(s.ptr[i]))
            return false;
        if (s.ptr[i] == '.' && need)
            return false;
        need = s.ptr[i] == '.';
    }
    return !need;
}

/* ---- predicates ------------------------------------------------------------------------------ */

static bool subject_key(struct slice s)
{
    static const char *const LABELS[] = {"CN", "L", "ST", "O", "OU", "C", "STREET"};

    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (slice_eq_str(s, LABELS[i]))
            return true;
    return oid(s);
}

static err_code check_subject(struct slice value, struct why *why)
{
    struct slice keys[DID_X509_PAIRS_MAX], item;
    size_t n = 0;

    for (bool more = true; more; n++) {
        if (n == DID_X509_PAIRS_MAX)
            return bad(why, "with too many pairs in a subject predicate");
        if (!did_x509_split(&value, ":", &keys[n]))
            return bad(why, "whose subject predicate is not pairs of key and value");
        if (!subject_key(keys[n]))
            return bad(why, "whose subject predicate has a key that is neither CN, L, ST, O, OU, "
                            "C, STREET nor an OID");
        for (size_t i = 0; i < n; i++)
            if (slice_eq(keys[i], keys[n]))
                return bad(why, "whose subject predicate has a key twice");
        more = did_x509_split(&value, ":", &item);
        if (!idchars(item))
            return bad(why, "whose subject predicate has a value that is empty or not "
                            "percent-encoded");
    }
    return ERR_OK;
}

static err_code check_san(struct slice value, struct why *why)
{
    struct slice type;

    if (!did_x509_split(&value, ":", &type))
        return bad(why, "whose san predicate is not one type and one value");
    if (!slice_eq_str(type, "email") && !slice_eq_str(type, "dns") && !slice_eq_str(type, "uri"))
        return bad(why, "whose san predicate is of a type that is neither email, dns nor uri");
    if (!idchars(value))
        return bad(why, "whose san predicate has a value that is empty or not percent-encoded");
    return ERR_OK;
}

static err_code check_eku(struct slice value, struct why *why)
{
    return oid(value) ? ERR_OK : bad(why, "whose eku predicate is no OID");
}

static err_code check_fulcio(struct slice value, struct why *why)
{
    return idchars(value) ? ERR_OK
                          : bad(why, "whose fulcio-issuer is empty or not percent-encoded");
}

static const struct {
    const char *name;
    enum did_x509_predicate_kind kind;
    err_code (*check)(struct slice value, struct why *why);
} PREDICATES[] = {
    {"subject", DID_X509_SUBJECT, check_subject},
    {"san", DID_X509_SAN, check_san},
    {"eku", DID_X509_EKU, check_eku},
    {"fulcio-issuer", DID_X509_FULCIO_ISSUER, check_fulcio},
};

static err_code read_predicate(struct slice text, struct did_x509_predicate *ret, struct why *why)
{
    struct slice name;

    if (!did_x509_split(&text, ":", &name))
        return bad(why, "with a predicate that is not a name, a colon and a value");
    for (size_t i = 0; i < sizeof PREDICATES / sizeof *PREDICATES; i++)
        if (slice_eq_str(name, PREDICATES[i].name)) {
            *ret = (struct did_x509_predicate){PREDICATES[i].kind, text};
            return PREDICATES[i].check(text, why);
        }
    return bad(why, "with a predicate that is neither subject, san, eku nor fulcio-issuer");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int base64url(uint8_t c)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c == 0 ? NULL : strchr(DIGITS, c);

    return at == NULL ? -1 : (int)(at - DIGITS);
}

/* Exactly len octets, without padding, and no bit set that belongs to none (RFC 4648 3.5). */
static bool read_hash(struct slice text, size_t len, uint8_t *ret)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int value = base64url(text.ptr[i]);

        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xfff;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        if (n == len)
            return false;
        n_bits -= 8;
        ret[n++] = (uint8_t)(bits >> n_bits);
    }
    return n == len && n_bits < 6 && (bits & ((1u << n_bits) - 1)) == 0;
}

static err_code read_authority(struct slice text, struct did_x509 *did, struct why *why)
{
    static const struct {
        const char *name;
        enum did_x509_hash hash;
        size_t len;
    } HASHES[] = {
        {"sha256", DID_X509_SHA256, 32},
        {"sha384", DID_X509_SHA384, 48},
        {"sha512", DID_X509_SHA512, 64},
    };
    struct slice name;

    if (!did_x509_split(&text, ":", &name))
        return bad(why, "without a hash of an authority's certificate");
    for (size_t i = 0; i < sizeof HASHES / sizeof *HASHES; i++) {
        if (!slice_eq_str(name, HASHES[i].name))
            continue;
        did->hash = HASHES[i].hash;
        did->fingerprint_len = HASHES[i].len;
        return read_hash(text, HASHES[i].len, did->fingerprint)
                   ? ERR_OK
                   : bad(why, "whose hash is not of its length, or not base64url");
    }
    return bad(why, "whose hash is neither sha256, sha384 nor sha512");
}

/* A fragment names something in the document and may hold anything but what ends it; path and query
 * begin before it. */
static err_code cut_url(struct slice text, struct did_x509 *did, struct why *why)
{
    struct slice rest = text;

    if (did_x509_split(&rest, "#", &did->text) && rest.len == 0)
        return bad(why, "with an empty fragment");
    did->fragment = rest;
    for (size_t i = 0; i < did->text.len; i++) {
        if (did->text.ptr[i] == '/')
            return bad(why, "with a path, which the method does not have");
        if (did->text.ptr[i] == '?')
            return bad(why, "with a query, which the method does not have");
    }
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] <= 0x20 || rest.ptr[i] > 0x7e || rest.ptr[i] == '#')
            return bad(why, "whose fragment is none");
    return ERR_OK;
}

err_code did_x509_parse(struct slice text, struct did_x509 *ret, struct why *why)
{
    struct did_x509 out = {0};
    struct slice rest, part;
    bool more;

    if (text.len > DID_X509_TEXT_MAX)
        return why_say(why, ERR_TOO_LARGE, "a DID of %zu bytes, the limit is %d", text.len,
                       DID_X509_TEXT_MAX);
    TRY(cut_url(text, &out, why));
    rest = out.text;
    if (!slice_eq_str(slice_part(rest, 0, strlen(PREFIX)), PREFIX))
        return bad(why, "that does not begin with " PREFIX);
    rest = slice_part(rest, strlen(PREFIX), rest.len - strlen(PREFIX));
    more = did_x509_split(&rest, "::", &part);
    TRY(read_authority(part, &out, why));
    if (!more)
        return bad(why, "without a predicate");
    while (more) {
        if (out.n == DID_X509_PREDICATES_MAX)
            return bad(why, "with too many predicates");
        more = did_x509_split(&rest, "::", &part);
        TRY(read_predicate(part, &out.predicates[out.n], why));
        out.n++;
    }
    *ret = out;
    return ERR_OK;
}
