/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_make.c: certificates written octet by octet (RFC 5280 4.1), because OpenSSL signs only with
 * keys that it holds. Names and the issuer's extensions are OpenSSL's.
 */
#include "gate/base/hash.h"
#include "gate/cose/cose_key.h"
#include "gate/cose/x509_openssl.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0x80, /* primitive */
    DER_CONTEXT_6 = 0x86,
    DER_EXPLICIT_0 = 0xa0,
    DER_EXPLICIT_3 = 0xa3,
};

#define KEY_ID_LEN 20
#define SERIAL_LEN 16

/* AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 3.2). */
static const uint8_t ECDSA_SHA256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

void x509_draft_free(struct x509_draft *draft)
{
    buf_free(&draft->tbs);
    *draft = (struct x509_draft){0};
}

static void name_free(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void openssl_free(uint8_t **p)
{
    OPENSSL_free(*p);
}

/* ---- DER ------------------------------------------------------------------------------------- */

static err_code put_der(struct buf *out, enum der_tag tag, struct slice content)
{
    TRY(buf_add_u8(out, (uint8_t)tag));
    if (content.len > UINT16_MAX)
        return ERR_TOO_LARGE;
    if (content.len > 0xff)
        TRY(buf_add_u8(out, 0x82));
    else if (content.len > 0x7f)
        TRY(buf_add_u8(out, 0x81));
    if (content.len > 0xff)
        TRY(buf_add_u8(out, (uint8_t)(content.len >> 8)));
    TRY(buf_add_u8(out, (uint8_t)content.len));
    return buf_add_slice(out, content);
}

/* UTCTime until 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5). */
static err_code put_time(struct buf *out, int64_t seconds)
{
    time_t t = (time_t)seconds;
    char text[32];
    struct tm tm;
    bool late;

    if (seconds < 0 || seconds > X509_NO_END || gmtime_r(&t, &tm) == NULL)
        return ERR_FORMAT;
    late = tm.tm_year >= 2050 - 1900;
    if (strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm) == 0)
        return ERR_FORMAT;
    return late ? put_der(out, DER_GENERALIZED_TIME, slice_str(text))
                : put_der(out, DER_UTC_TIME, slice_str(text + 2)); /* without the century */
}

/* oid: as encoded, with its tag. */
static err_code put_extension(struct buf *out, struct slice oid, bool critical, struct slice value)
{
    static const uint8_t YES[] = {0xff};
    CLEANUP(buf_free) struct buf body = {0};

    TRY(buf_add_slice(&body, oid));
    if (critical)
        TRY(put_der(&body, DER_BOOLEAN, SLICE_OF(YES)));
    TRY(put_der(&body, DER_OCTET_STRING, value));
    return put_der(out, DER_SEQUENCE, buf_slice(&body));
}

/* One below id-ce (2.5.29). */
static err_code put_ce(struct buf *out, uint8_t number, bool critical, struct slice value)
{
    const uint8_t oid[] = {0x06, 0x03, 0x55, 0x1d, number};

    return put_extension(out, SLICE_OF(oid), critical, value);
}

/* ---- the parts of a certificate -------------------------------------------------------------- */

/* Everything that a certificate says. Names are encoded; the key identifier is empty for a
 * certificate that signs itself. */
struct facts {
    const struct hw_pubkey *key;
    struct slice issuer, subject, authority_id;
    int64_t not_before, not_after;
    bool authority;
    unsigned depth;
    struct slice more; /* encoded extensions */
};

/* RFC 7093 2, method 1: the leftmost 160 bits of SHA-256 over the public key's bits. */
static err_code key_id(const struct hw_pubkey *key, uint8_t ret[static KEY_ID_LEN])
{
    uint8_t point[65] = {4};
    struct digest digest;

    memcpy(point + 1, key->x, 32);
    memcpy(point + 33, key->y, 32);
    TRY(hash_sha256(SLICE_OF(point), &digest));
    memcpy(ret, digest.bytes, KEY_ID_LEN);
    return ERR_OK;
}

/* Positive, of one length, and the same for the same facts: two certificates of one issuer with one
 * serial number are one certificate. */
static err_code put_serial(struct buf *out, const struct facts *facts, struct slice key)
{
    struct slice parts[6];
    uint8_t from[8], until[8];
    struct digest digest;

    put_u64(from, (uint64_t)facts->not_before);
    put_u64(until, (uint64_t)facts->not_after);
    parts[0] = facts->authority_id;
    parts[1] = key;
    parts[2] = SLICE_OF(from);
    parts[3] = SLICE_OF(until);
    parts[4] = facts->subject;
    parts[5] = facts->more;
    TRY(hash_tagged("pawl-serial-v1", parts, sizeof parts / sizeof *parts, &digest));
    digest.bytes[0] = (uint8_t)((digest.bytes[0] & 0x7f) | 0x40);
    return put_der(out, DER_INTEGER, slice_part(digest_slice(&digest), 0, SERIAL_LEN));
}

static err_code put_constraints(struct buf *out, const struct facts *facts)
{
    static const uint8_t SIGNS[] = {0x03, 0x02, 0x07, 0x80};  /* digitalSignature */
    static const uint8_t ISSUES[] = {0x03, 0x02, 0x02, 0x84}; /* and keyCertSign */
    const uint8_t depth[] = {(uint8_t)facts->depth};
    const uint8_t yes[] = {0xff};
    CLEANUP(buf_free) struct buf inner = {0}, value = {0};

    if (facts->depth > 0x7f)
        return ERR_FORMAT;
    if (facts->authority) {
        TRY(put_der(&inner, DER_BOOLEAN, SLICE_OF(yes)));
        TRY(put_der(&inner, DER_INTEGER, SLICE_OF(depth)));
    }
    TRY(put_der(&value, DER_SEQUENCE, buf_slice(&inner)));
    TRY(put_ce(out, 19, true, buf_slice(&value)));
    return put_ce(out, 15, true, facts->authority ? SLICE_OF(ISSUES) : SLICE_OF(SIGNS));
}

static err_code put_key_ids(struct buf *out, const struct facts *facts)
{
    CLEANUP(buf_free) struct buf own = {0}, inner = {0}, theirs = {0};
    uint8_t id[KEY_ID_LEN];

    TRY(key_id(facts->key, id));
    TRY(put_der(&own, DER_OCTET_STRING, SLICE_OF(id)));
    TRY(put_ce(out, 14, false, buf_slice(&own)));
    if (facts->authority_id.len == 0)
        return ERR_OK;
    TRY(put_der(&inner, DER_CONTEXT_0, facts->authority_id));
    TRY(put_der(&theirs, DER_SEQUENCE, buf_slice(&inner)));
    return put_ce(out, 35, false, buf_slice(&theirs));
}

static err_code put_extensions(struct buf *out, const struct facts *facts)
{
    CLEANUP(buf_free) struct buf all = {0}, list = {0};

    TRY(put_constraints(&all, facts));
    TRY(put_key_ids(&all, facts));
    TRY(buf_add_slice(&all, facts->more));
    TRY(put_der(&list, DER_SEQUENCE, buf_slice(&all)));
    return put_der(out, DER_EXPLICIT_3, buf_slice(&list));
}

static err_code put_validity(struct buf *out, const struct facts *facts)
{
    CLEANUP(buf_free) struct buf times = {0};

    TRY(put_time(&times, facts->not_before));
    TRY(put_time(&times, facts->not_after));
    return put_der(out, DER_SEQUENCE, buf_slice(&times));
}

static err_code prepare(const struct facts *facts, struct x509_draft *ret)
{
    static const uint8_t VERSION_3[] = {DER_EXPLICIT_0, 0x03, DER_INTEGER, 0x01, 0x02};
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    CLEANUP(buf_free) struct buf body = {0}, spki = {0};

    TRY(hw_pubkey_to_spki(facts->key, &spki));
    TRY(buf_add_slice(&body, SLICE_OF(VERSION_3)));
    TRY(put_serial(&body, facts, buf_slice(&spki)));
    TRY(buf_add_slice(&body, SLICE_OF(ECDSA_SHA256)));
    TRY(buf_add_slice(&body, facts->issuer));
    TRY(put_validity(&body, facts));
    TRY(buf_add_slice(&body, facts->subject));
    TRY(buf_add_slice(&body, buf_slice(&spki)));
    TRY(put_extensions(&body, facts));
    TRY(put_der(&draft.tbs, DER_SEQUENCE, buf_slice(&body)));
    TRY(hash_sha256(buf_slice(&draft.tbs), &draft.digest));
    *ret = draft;
    draft = (struct x509_draft){0}; /* transferred */
    return ERR_OK;
}

static err_code is_p256(const struct hw_pubkey *key, struct why *why)
{
    if (key->alg == HW_ES256)
        return hw_pubkey_check(key, why);
    return why_say(why, ERR_KEY_MALFORMED, "a certificate for a key of type %s, not ES256",
                   hw_alg_name(key->alg));
}

static err_code check_times(int64_t from, int64_t until, struct why *why)
{
    if (from >= 0 && from <= until && until <= X509_NO_END)
        return ERR_OK;
    return why_say(why, ERR_FORMAT, "a certificate that is valid from %lld to %lld",
                   (long long)from, (long long)until);
}

static err_code encode_name(X509_NAME *name, struct buf *ret)
{
    CLEANUP(openssl_free) uint8_t *der = NULL;
    int len = i2d_X509_NAME(name, &der);

    return len <= 0 ? ERR_NO_MEMORY : buf_add(ret, der, (size_t)len);
}

/* ---- the device's own ------------------------------------------------------------------------ */

static err_code add_to_name(X509_NAME *name, int nid, struct slice text, struct why *why)
{
    struct slice cut =
        slice_part(text, 0, text.len < X509_NAME_TEXT_MAX ? text.len : (size_t)X509_NAME_TEXT_MAX);

    if (text.len > 0 &&
        X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING, cut.ptr, (int)cut.len, -1, 0) == 1)
        return ERR_OK;
    x509_forget_errors();
    return why_say(why, ERR_FORMAT, "a certificate's %s of %zu bytes", OBJ_nid2sn(nid), text.len);
}

static err_code device_name(const struct x509_device *device, struct buf *ret, struct why *why)
{
    CLEANUP(name_free) X509_NAME *name = X509_NAME_new();

    if (name == NULL)
        return ERR_NO_MEMORY;
    TRY(add_to_name(name, NID_organizationName, device->organization, why));
    TRY(add_to_name(name, NID_commonName, device->common_name, why));
    return encode_name(name, ret);
}

static err_code put_uri(struct buf *out, struct slice uri, struct why *why)
{
    CLEANUP(buf_free) struct buf name = {0}, value = {0};

    for (size_t i = 0; i < uri.len; i++)
        if (uri.ptr[i] <= 0x20 || uri.ptr[i] > 0x7e)
            return why_say(why, ERR_FORMAT, "a URI with the octet 0x%02x", uri.ptr[i]);
    TRY(put_der(&name, DER_CONTEXT_6, uri));
    TRY(put_der(&value, DER_SEQUENCE, buf_slice(&name)));
    return put_ce(out, 17, false, buf_slice(&value));
}

err_code x509_prepare_device(const struct x509_device *device, struct x509_draft *ret,
                             struct why *why)
{
    CLEANUP(buf_free) struct buf name = {0}, more = {0};
    struct facts facts = {
        .key = device->key,
        .not_before = device->not_before,
        .not_after = X509_NO_END,
        .authority = true,
        .depth = device->depth,
    };

    TRY(is_p256(device->key, why));
    TRY(check_times(device->not_before, X509_NO_END, why));
    TRY(device_name(device, &name, why));
    TRY(put_uri(&more, device->uri, why));
    facts.issuer = facts.subject = buf_slice(&name);
    facts.more = buf_slice(&more);
    return prepare(&facts, ret);
}

/* ---- what a device issues -------------------------------------------------------------------- */

/* RFC 5280 4.2.1.3, 4.2.1.9: and path validation would find it, but later. */
static err_code may_issue(X509 *issuer, struct why *why)
{
    if (X509_check_ca(issuer) != 1)
        return why_say(why, ERR_CERT_CHAIN,
                       "the device's certificate may not issue: it needs basicConstraints CA:TRUE "
                       "and keyUsage keyCertSign");
    if ((X509_get_key_usage(issuer) & KU_DIGITAL_SIGNATURE) == 0)
        return why_say(why, ERR_CERT_CHAIN,
                       "the device's certificate has no keyUsage digitalSignature");
    if (X509_get0_subject_key_id(issuer) == NULL)
        return why_say(why, ERR_CERT_CHAIN, "the device's certificate has no subjectKeyIdentifier");
    return ERR_OK;
}

err_code x509_may_issue(struct slice cert, struct why *why)
{
    CLEANUP(x509_close) X509 *issuer = NULL;

    TRY(x509_open(cert, &issuer, why));
    return may_issue(issuer, why);
}

/* PrintableString (X.680 41.4), which OpenSSL takes the caller's word for. */
static bool printable(const char *text)
{
    static const char OTHERS[] = " '()+,-./:=?";

    for (const char *c = text; *c != '\0'; c++)
        if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
              strchr(OTHERS, *c) != NULL))
            return false;
    return *text != '\0' && strlen(text) <= X509_QUALIFIER_MAX;
}

static err_code issued_name(X509 *issuer, const char *qualifier, struct buf *ret, struct why *why)
{
    CLEANUP(name_free) X509_NAME *name = X509_NAME_dup(X509_get_subject_name(issuer));
    int at;

    if (name == NULL)
        return ERR_NO_MEMORY;
    while ((at = X509_NAME_get_index_by_NID(name, NID_dnQualifier, -1)) >= 0)
        X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
    if (!printable(qualifier) ||
        X509_NAME_add_entry_by_NID(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING,
                                   (const uint8_t *)qualifier, -1, -1, 0) != 1) {
        x509_forget_errors();
        return why_say(why, ERR_FORMAT, "\"%s\" is no dnQualifier", qualifier);
    }
    return encode_name(name, ret);
}

/* What the issuer's certificate says of the device, octet for octet; never critical: the Fulcio
 * issuer must not be, and the others need not. */
static err_code inherit(const X509 *issuer, struct buf *ret)
{
    static const uint8_t FULCIO[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
                                     0x01, 0x83, 0xbf, 0x30, 0x01, 0x01};

    for (int i = 0; i < X509_get_ext_count(issuer); i++) {
        X509_EXTENSION *ext = X509_get_ext(issuer, i);
        const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);
        struct slice value = {ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)};
        CLEANUP(openssl_free) uint8_t *oid = NULL;
        int len = i2d_ASN1_OBJECT(X509_EXTENSION_get_object(ext), &oid);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));

        if (len <= 0)
            return ERR_NO_MEMORY;
        if (nid == NID_subject_alt_name || nid == NID_ext_key_usage ||
            slice_eq((struct slice){oid, (size_t)len}, SLICE_OF(FULCIO)))
            TRY(put_extension(ret, (struct slice){oid, (size_t)len}, false, value));
    }
    return ERR_OK;
}

err_code x509_prepare_issue(const struct x509_issue *issue, struct x509_draft *ret, struct why *why)
{
    CLEANUP(x509_close) X509 *issuer = NULL;
    CLEANUP(buf_free) struct buf theirs = {0}, ours = {0}, more = {0};
    struct facts facts = {
        .key = issue->key,
        .not_before = issue->not_before,
        .not_after = issue->not_after,
        .authority = issue->authority,
    };
    const ASN1_OCTET_STRING *id;

    TRY(is_p256(issue->key, why));
    TRY(check_times(issue->not_before, issue->not_after, why));
    TRY(x509_open(issue->issuer, &issuer, why));
    TRY(may_issue(issuer, why));
    TRY(encode_name(X509_get_subject_name(issuer), &theirs));
    TRY(issued_name(issuer, issue->qualifier, &ours, why));
    TRY(inherit(issuer, &more));
    id = X509_get0_subject_key_id(issuer);
    facts.authority_id = (struct slice){ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)};
    facts.issuer = buf_slice(&theirs);
    facts.subject = buf_slice(&ours);
    facts.more = buf_slice(&more);
    return prepare(&facts, ret);
}

/* ---- the signature --------------------------------------------------------------------------- */

err_code x509_finish(const struct x509_draft *draft, const uint8_t sig[static 64], struct buf *ret,
                     struct why *why)
{
    CLEANUP(buf_free) struct buf der = {0}, bits = {0}, body = {0}, out = {0};

    TRY(hw_sig_to_der(HW_ES256, (struct slice){sig, 64}, &der));
    TRY(buf_add_u8(&bits, 0)); /* no unused bits */
    TRY(buf_add_slice(&bits, buf_slice(&der)));
    TRY(buf_add_slice(&body, buf_slice(&draft->tbs)));
    TRY(buf_add_slice(&body, SLICE_OF(ECDSA_SHA256)));
    TRY(put_der(&body, DER_BIT_STRING, buf_slice(&bits)));
    TRY(put_der(&out, DER_SEQUENCE, buf_slice(&body)));
    if (out.len > X509_CERT_MAX)
        return why_say(why, ERR_TOO_LARGE, "a certificate of %zu bytes, the limit is %d", out.len,
                       X509_CERT_MAX);
    TRY(x509_check(buf_slice(&out), why));
    return buf_add_slice(ret, buf_slice(&out));
}
