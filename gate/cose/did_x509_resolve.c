/* SPDX-License-Identifier: Apache-2.0 */
/* did_x509_resolve.c: holds a did:x509 against a chain of certificates. */
#include "gate/base/hash.h"
#include "gate/base/text.h"
#include "gate/cose/did_x509_text.h"
#include "gate/cose/x509_openssl.h"

#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <string.h>

#define FULCIO_ISSUER "1.3.6.1.4.1.57264.1.1"
#define OID_TEXT 128

static void eku_free(EXTENDED_KEY_USAGE **eku)
{
    EXTENDED_KEY_USAGE_free(*eku);
}

static void names_free(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static void openssl_free(uint8_t **p)
{
    OPENSSL_free(*p);
}

static err_code refused(struct why *why, const char *what)
{
    return why_say(why, ERR_DID_REFUSED, "%s", what);
}

/* ---- subject --------------------------------------------------------------------------------- */

static const struct {
    int nid;
    const char *label;
} LABELS[] = {
    {NID_commonName, "CN"},
    {NID_localityName, "L"},
    {NID_stateOrProvinceName, "ST"},
    {NID_organizationName, "O"},
    {NID_organizationalUnitName, "OU"},
    {NID_countryName, "C"},
    {NID_streetAddress, "STREET"},
};

static const char *label_of(const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);

    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (LABELS[i].nid == nid)
            return LABELS[i].label;
    return NULL;
}

/* An attribute with a label goes by that, any other by its OID. */
static bool goes_by(const ASN1_OBJECT *object, struct slice key)
{
    const char *label = label_of(object);
    char text[OID_TEXT];

    if (label != NULL)
        return slice_eq_str(key, label);
    return OBJ_obj2txt(text, sizeof text, object, 1) < (int)sizeof text && slice_eq_str(key, text);
}

/* An attribute that a name has twice makes it ambiguous. Holds for every certificate of a chain. */
static err_code no_attribute_twice(const X509_NAME *name, struct why *why)
{
    int n = X509_NAME_entry_count(name);

    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (OBJ_cmp(X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, i)),
                        X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, k))) == 0)
                return why_say(why, ERR_CERT_MALFORMED,
                               "a certificate's name has one attribute twice");
    return ERR_OK;
}

static bool value_is(const ASN1_STRING *value, struct slice want)
{
    CLEANUP(openssl_free) uint8_t *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, value);

    x509_forget_errors();
    return len >= 0 && slice_eq((struct slice){text, (size_t)len}, want);
}

static err_code has_attribute(const X509_NAME *name, struct slice key, struct slice want,
                              struct why *why)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        if (!goes_by(X509_NAME_ENTRY_get_object(entry), key))
            continue;
        return value_is(X509_NAME_ENTRY_get_data(entry), want)
                   ? ERR_OK
                   : refused(why, "the subject of the certificate has another value than the "
                                  "identifier's");
    }
    return refused(why, "the subject of the certificate lacks an attribute of the identifier");
}

static err_code match_subject(const X509 *leaf, struct slice value, struct why *why)
{
    for (bool more = true; more;) {
        CLEANUP(buf_free) struct buf want = {0};
        struct slice key, item;

        (void)did_x509_split(&value, ":", &key);
        more = did_x509_split(&value, ":", &item);
        TRY(did_x509_plain(item, &want));
        TRY(has_attribute(X509_get_subject_name(leaf), key, buf_slice(&want), why));
    }
    return ERR_OK;
}

/* ---- subjectAltName -------------------------------------------------------------------------- */

static int name_type(struct slice type)
{
    return slice_eq_str(type, "email") ? GEN_EMAIL : slice_eq_str(type, "dns") ? GEN_DNS : GEN_URI;
}

static err_code match_san(const X509 *leaf, struct slice value, struct why *why)
{
    CLEANUP(names_free)
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    CLEANUP(buf_free) struct buf want = {0};
    struct slice type;

    (void)did_x509_split(&value, ":", &type);
    TRY(did_x509_plain(value, &want));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != name_type(type)) /* each of the three is an IA5String */
            continue;
        if (slice_eq((struct slice){ASN1_STRING_get0_data(name->d.ia5),
                                    (size_t)ASN1_STRING_length(name->d.ia5)},
                     buf_slice(&want)))
            return ERR_OK;
    }
    return refused(why, "no subjectAltName of the certificate is the identifier's");
}

/* A type that the method cannot express makes the certificate unreadable for it. */
static err_code san_types(const X509 *cert, struct why *why)
{
    int critical = 0;
    CLEANUP(names_free)
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);

    if (names == NULL && critical != -1)
        return why_say(why, ERR_CERT_MALFORMED, "a certificate's subjectAltName is none, or twice");
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DIRNAME)
            TRY(no_attribute_twice(name->d.directoryName, why));
        else if (name->type != GEN_EMAIL && name->type != GEN_DNS && name->type != GEN_URI)
            return why_say(why, ERR_CERT_MALFORMED,
                           "a certificate's subjectAltName is of a type that did:x509 does not "
                           "have");
    }
    return ERR_OK;
}

/* ---- extKeyUsage and the Fulcio issuer ------------------------------------------------------- */

static err_code match_eku(const X509 *leaf, struct slice value, struct why *why)
{
    CLEANUP(eku_free)
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    char text[OID_TEXT];

    if (eku == NULL)
        return refused(why, "the certificate has no extKeyUsage");
    for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
        if (OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(eku, i), 1) < (int)sizeof text &&
            slice_eq_str(value, text))
            return ERR_OK;
    return refused(why, "no extKeyUsage of the certificate is the identifier's");
}

static err_code match_fulcio(const X509 *leaf, struct slice value, struct why *why)
{
    CLEANUP(buf_free) struct buf want = {0};
    char text[OID_TEXT];

    TRY(buf_add_str(&want, "https://"));
    TRY(did_x509_plain(value, &want));
    for (int i = 0; i < X509_get_ext_count(leaf); i++) {
        X509_EXTENSION *ext = X509_get_ext(leaf, i);
        const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);

        OBJ_obj2txt(text, sizeof text, X509_EXTENSION_get_object(ext), 1);
        if (strcmp(text, FULCIO_ISSUER) != 0)
            continue;
        if (X509_EXTENSION_get_critical(ext) == 0 &&
            slice_eq((struct slice){ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)},
                     buf_slice(&want)))
            return ERR_OK;
        return refused(why, "the certificate's Fulcio issuer is not the identifier's");
    }
    return refused(why, "the certificate has no Fulcio issuer extension");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static err_code match(const X509 *leaf, const struct did_x509_predicate *predicate, struct why *why)
{
    switch (predicate->kind) {
    case DID_X509_SUBJECT:
        return match_subject(leaf, predicate->value, why);
    case DID_X509_SAN:
        return match_san(leaf, predicate->value, why);
    case DID_X509_EKU:
        return match_eku(leaf, predicate->value, why);
    case DID_X509_FULCIO_ISSUER:
        return match_fulcio(leaf, predicate->value, why);
    case DID_X509_NONE:
        break;
    }
    return ERR_INTERNAL;
}

static err_code hash(enum did_x509_hash hash, struct slice cert, uint8_t ret[static 64])
{
    struct digest digest;

    switch (hash) {
    case DID_X509_SHA256:
        TRY(hash_sha256(cert, &digest));
        memcpy(ret, digest.bytes, sizeof digest.bytes);
        return ERR_OK;
    case DID_X509_SHA384:
        return hash_sha384(cert, ret);
    case DID_X509_SHA512:
        return SHA512(cert.ptr, cert.len, ret) == NULL ? ERR_INTERNAL : ERR_OK;
    }
    return ERR_INTERNAL;
}

static err_code find_authority(const struct did_x509 *did, const struct x509_chain *chain,
                               struct why *why)
{
    uint8_t got[64];

    for (size_t i = 1; i < chain->n; i++) {
        TRY(hash(did->hash, chain->certs[i], got));
        if (memcmp(got, did->fingerprint, did->fingerprint_len) == 0)
            return ERR_OK;
    }
    return refused(why, "no certificate above the leaf has the identifier's hash");
}

static err_code readable(const struct x509_chain *chain, struct why *why)
{
    for (size_t i = 0; i < chain->n; i++) {
        CLEANUP(x509_close) X509 *cert = NULL;

        TRY(x509_open(chain->certs[i], &cert, why));
        TRY(no_attribute_twice(X509_get_subject_name(cert), why));
        TRY(no_attribute_twice(X509_get_issuer_name(cert), why));
        TRY(san_types(cert, why));
    }
    return ERR_OK;
}

static err_code uses(X509 *leaf, struct did_x509_document *ret, struct why *why)
{
    uint32_t usage = X509_get_key_usage(leaf); /* all bits set where there is no extension */

    ret->assertion = (usage & KU_DIGITAL_SIGNATURE) != 0;
    ret->agreement = (usage & KU_KEY_AGREEMENT) != 0;
    if (!ret->assertion && !ret->agreement)
        return refused(why, "the certificate's keyUsage allows neither digitalSignature nor "
                            "keyAgreement");
    return ERR_OK;
}

err_code did_x509_resolve(const struct did_x509 *did, const struct x509_chain *chain, int64_t at,
                          struct did_x509_document *ret, struct why *why)
{
    CLEANUP(x509_close) X509 *leaf = NULL;
    struct did_x509_document out;

    if (chain->n < 2)
        return why_say(why, ERR_CERT_CHAIN,
                       "a did:x509 needs at least two certificates, the chain has %zu", chain->n);
    TRY(x509_chain_validate(chain, at, why));
    TRY(readable(chain, why));
    TRY(find_authority(did, chain, why));
    TRY(x509_open(chain->certs[0], &leaf, why));
    for (size_t i = 0; i < did->n; i++)
        TRY(match(leaf, &did->predicates[i], why));
    TRY(uses(leaf, &out, why));
    TRY(x509_key(chain->certs[0], &out.key, why));
    *ret = out;
    return ERR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static err_code put_attribute(const X509_NAME_ENTRY *entry, struct buf *out)
{
    const char *label = label_of(X509_NAME_ENTRY_get_object(entry));
    CLEANUP(openssl_free) uint8_t *text = NULL;
    int len;

    if (label == NULL)
        return ERR_OK;
    len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    if (len <= 0) {
        x509_forget_errors();
        return ERR_CERT_MALFORMED;
    }
    TRY(buf_add_u8(out, ':'));
    TRY(buf_add_str(out, label));
    TRY(buf_add_u8(out, ':'));
    return did_x509_percent((struct slice){text, (size_t)len}, out);
}

err_code did_x509_of_subject(const struct x509_chain *chain, struct buf *ret, struct why *why)
{
    CLEANUP(x509_close) X509 *leaf = NULL;
    CLEANUP(buf_free) struct buf out = {0};
    const X509_NAME *name;
    struct digest digest;
    struct did_x509 did;
    size_t empty;

    if (chain->n < 2 || chain->n > X509_CHAIN_MAX)
        return refused(why, "a did:x509 needs at least two certificates");
    TRY(x509_open(chain->certs[0], &leaf, why));
    TRY(hash_sha256(chain->certs[chain->n - 1], &digest));
    TRY(buf_add_str(&out, "did:x509:0:sha256:"));
    TRY(base64url_encode(digest_slice(&digest), &out));
    TRY(buf_add_str(&out, "::subject"));
    empty = out.len;
    name = X509_get_subject_name(leaf);
    for (int i = 0; i < X509_NAME_entry_count(name); i++)
        if (put_attribute(X509_NAME_get_entry(name, i), &out) != ERR_OK)
            return why_say(why, ERR_CERT_MALFORMED, "a certificate's subject is no text");
    if (out.len == empty)
        return refused(why, "the certificate's subject has no attribute that did:x509 has a name "
                            "for");
    TRY(did_x509_parse(buf_slice(&out), &did, why));
    TRY(buf_add_slice(ret, buf_slice(&out)));
    return buf_terminate(ret);
}
