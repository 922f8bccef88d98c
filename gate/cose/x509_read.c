/* SPDX-License-Identifier: Apache-2.0 */
/* x509_read.c: certificates and chains as OpenSSL reads and validates them. */
#include "gate/cose/x509_openssl.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

void x509_close(X509 **cert)
{
    X509_free(*cert);
    *cert = NULL;
}

static void openssl_free(uint8_t **p)
{
    OPENSSL_free(*p);
}

void x509_forget_errors(void)
{
    ERR_clear_error();
}

/* What was read, written again: DER has one form for one content, and OpenSSL reads more. */
static bool same_again(const X509 *cert, struct slice der)
{
    CLEANUP(openssl_free) uint8_t *again = NULL;
    int len = i2d_X509(cert, &again);

    return len > 0 && slice_eq((struct slice){again, (size_t)len}, der);
}

err_code x509_open(struct slice cert, X509 **ret, struct why *why)
{
    const uint8_t *at = cert.ptr;
    X509 *out;

    if (cert.len == 0 || cert.len > X509_CERT_MAX)
        return why_say(why, ERR_CERT_MALFORMED, "a certificate of %zu bytes, allowed are 1 to %d",
                       cert.len, X509_CERT_MAX);
    out = d2i_X509(NULL, &at, (long)cert.len);
    x509_forget_errors();
    if (out == NULL)
        return why_say(why, ERR_CERT_MALFORMED, "%zu bytes that are no X.509 certificate",
                       cert.len);
    if (at != cert.ptr + cert.len || !same_again(out, cert)) {
        X509_free(out);
        return why_say(why, ERR_CERT_MALFORMED,
                       "a certificate of %zu bytes that are not its DER encoding", cert.len);
    }
    if (X509_get_version(out) != X509_VERSION_3) {
        X509_free(out);
        return why_say(why, ERR_CERT_MALFORMED, "a certificate that is not of version 3");
    }
    *ret = out;
    return ERR_OK;
}

err_code x509_check(struct slice cert, struct why *why)
{
    CLEANUP(x509_close) X509 *x = NULL;

    return x509_open(cert, &x, why);
}

err_code x509_key(struct slice cert, struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(x509_close) X509 *x = NULL;
    CLEANUP(openssl_free) uint8_t *spki = NULL;
    int len;

    TRY(x509_open(cert, &x, why));
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    if (len <= 0)
        return why_say(why, ERR_CERT_MALFORMED, "a certificate without a public key");
    return hw_pubkey_from_spki((struct slice){spki, (size_t)len}, ret, why);
}

static err_code seconds(const ASN1_TIME *time, int64_t *ret)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return ERR_CERT_MALFORMED;
    *ret = timegm(&tm);
    return ERR_OK;
}

err_code x509_validity(struct slice cert, int64_t *ret_not_before, int64_t *ret_not_after,
                       struct why *why)
{
    CLEANUP(x509_close) X509 *x = NULL;
    int64_t from, until;

    TRY(x509_open(cert, &x, why));
    if (seconds(X509_get0_notBefore(x), &from) != ERR_OK ||
        seconds(X509_get0_notAfter(x), &until) != ERR_OK)
        return why_say(why, ERR_CERT_MALFORMED, "a certificate whose validity is no time");
    *ret_not_before = from;
    *ret_not_after = until;
    return ERR_OK;
}

bool x509_chain_eq(const struct x509_chain *a, const struct x509_chain *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!slice_eq(a->certs[i], b->certs[i]))
            return false;
    return true;
}

/* ---- path validation ------------------------------------------------------------------------- */

/* A chain at work. untrusted owns every certificate but the anchor. */
struct path {
    X509_STORE *store;
    X509_STORE_CTX *ctx;
    STACK_OF(X509) * between;
    X509 *certs[X509_CHAIN_MAX];
    size_t n;
};

static void path_free(struct path *path)
{
    X509_STORE_CTX_free(path->ctx);
    X509_STORE_free(path->store);
    sk_X509_free(path->between);
    for (size_t i = 0; i < path->n; i++)
        X509_free(path->certs[i]);
    x509_forget_errors();
}

/* OpenSSL understands more than did:x509 allows: proxy certificates, CRL distribution points and
 * others, which it takes as critical and does nothing about unless asked. */
static err_code check_critical(const X509 *cert, size_t place, struct why *why)
{
    static const int ALLOWED[] = {
        NID_ext_key_usage,   NID_subject_alt_name,     NID_basic_constraints,
        NID_key_usage,       NID_name_constraints,     NID_policy_constraints,
        NID_policy_mappings, NID_certificate_policies, NID_inhibit_any_policy,
    };
    char name[80];

    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *ext = X509_get_ext(cert, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));
        bool allowed = X509_EXTENSION_get_critical(ext) == 0;

        for (size_t k = 0; k < sizeof ALLOWED / sizeof *ALLOWED; k++)
            allowed = allowed || nid == ALLOWED[k];
        if (allowed)
            continue;
        OBJ_obj2txt(name, sizeof name, X509_EXTENSION_get_object(ext), 1);
        return why_say(why, ERR_CERT_CHAIN,
                       "certificate %zu of the chain has the critical extension %s, which is not "
                       "understood",
                       place, name);
    }
    return ERR_OK;
}

static err_code path_open(const struct x509_chain *chain, struct path *path, struct why *why)
{
    size_t bytes = 0;

    if (chain->n == 0 || chain->n > X509_CHAIN_MAX)
        return why_say(why, ERR_CERT_CHAIN, "a chain of %zu certificates, allowed are 1 to %d",
                       chain->n, X509_CHAIN_MAX);
    for (size_t i = 0; i < chain->n; i++) {
        TRY(x509_open(chain->certs[i], &path->certs[path->n], why));
        path->n++;
        TRY(check_critical(path->certs[i], i, why));
        bytes += chain->certs[i].len; /* each is at most X509_CERT_MAX */
    }
    if (bytes > X509_CHAIN_BYTES_MAX)
        return why_say(why, ERR_CERT_CHAIN, "a chain of %zu bytes, the limit is %d", bytes,
                       X509_CHAIN_BYTES_MAX);
    path->store = X509_STORE_new();
    path->ctx = X509_STORE_CTX_new();
    path->between = sk_X509_new_null();
    return path->store == NULL || path->ctx == NULL || path->between == NULL ? ERR_NO_MEMORY
                                                                             : ERR_OK;
}

static err_code path_set(struct path *path, int64_t at)
{
    static const unsigned long FLAGS = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE |
                                       X509_V_FLAG_X509_STRICT | X509_V_FLAG_POLICY_CHECK;
    X509_VERIFY_PARAM *param;

    if (X509_STORE_add_cert(path->store, path->certs[path->n - 1]) != 1)
        return ERR_NO_MEMORY;
    for (size_t i = 1; i + 1 < path->n; i++)
        if (sk_X509_push(path->between, path->certs[i]) == 0)
            return ERR_NO_MEMORY;
    if (X509_STORE_CTX_init(path->ctx, path->store, path->certs[0], path->between) != 1)
        return ERR_NO_MEMORY;
    param = X509_STORE_CTX_get0_param(path->ctx);
    if (X509_VERIFY_PARAM_set_flags(param, FLAGS) != 1)
        return ERR_INTERNAL;
    X509_VERIFY_PARAM_set_depth(param, X509_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits: no SHA-1, no RSA below 2048 */
    if (at != X509_ANY_TIME)
        X509_VERIFY_PARAM_set_time(param, (time_t)at);
    else if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME) != 1)
        return ERR_INTERNAL;
    return ERR_OK;
}

static err_code code_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return ERR_NOT_YET_VALID;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return ERR_EXPIRED;
    case X509_V_ERR_OUT_OF_MEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_CERT_CHAIN;
    }
}

/* OpenSSL looks for a path; a certificate that it could do without has no business here. */
static err_code whole(const struct path *path, struct why *why)
{
    STACK_OF(X509) *found = X509_STORE_CTX_get0_chain(path->ctx);
    bool same = sk_X509_num(found) == (int)path->n;

    for (size_t i = 0; same && i < path->n; i++)
        same = X509_cmp(sk_X509_value(found, (int)i), path->certs[i]) == 0;
    if (same)
        return ERR_OK;
    return why_say(why, ERR_CERT_CHAIN,
                   "a chain of %zu certificates, of which %d lead from the first to the last",
                   path->n, sk_X509_num(found));
}

err_code x509_self_signed(struct slice cert, struct why *why)
{
    CLEANUP(x509_close) X509 *x = NULL;
    bool same, holds;

    TRY(x509_open(cert, &x, why));
    same = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
    holds = same && X509_verify(x, X509_get0_pubkey(x)) == 1;
    x509_forget_errors();
    if (!holds)
        return why_say(why, ERR_CERT_CHAIN, "a certificate that %s",
                       same ? "its own key has not signed" : "names another issuer than itself");
    return ERR_OK;
}

err_code x509_chain_validate(const struct x509_chain *chain, int64_t at, struct why *why)
{
    CLEANUP(path_free) struct path path = {0};
    int error;

    TRY(path_open(chain, &path, why));
    if (chain->n == 1)
        TRY(x509_self_signed(chain->certs[0], why));
    TRY(path_set(&path, at));
    if (X509_verify_cert(path.ctx) != 1) {
        error = X509_STORE_CTX_get_error(path.ctx);
        return why_say(why, code_of(error), "certificate %d of the chain: %s",
                       X509_STORE_CTX_get_error_depth(path.ctx),
                       X509_verify_cert_error_string(error));
    }
    return whole(&path, why);
}
