/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/tls.h"

#include "gate/base/bytes.h"
#include "gate/base/file.h"
#include "gate/base/hash.h"
#include "gate/base/text.h"
#include "gate/daemon/guests.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)
#define CHAIN_MAX 8      /* certificates between a client's and its authority */
#define SECURITY_LEVEL 2 /* of OpenSSL: 112 bits, no SHA-1 */
#define CHAIN_OCTETS ((long)32 << 10)
#define KEY_TEXT (GUESTS_KEY_LEN + 1)
#define CLIENT_PURPOSE "ssl_client"

struct tls {
    struct tls_files files;
    SSL_CTX *ctx;
    struct guests guests;
    unsigned generation; /* of what was read */
    bool (*admits)(void *link);
};

static void bio_free(BIO **bio)
{
    (void)BIO_free(*bio);
}

static void cert_free(X509 **cert)
{
    X509_free(*cert);
}

static void key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void ctx_free(SSL_CTX **ctx)
{
    SSL_CTX_free(*ctx);
}

static void infos_free(STACK_OF(X509_INFO) * *infos)
{
    sk_X509_INFO_pop_free(*infos, X509_INFO_free);
}

static void verify_free(X509_STORE_CTX **verify)
{
    X509_STORE_CTX_free(*verify);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Nobody is asked for a password. */
static int no_password(char *text, int size, int writes, void *arg)
{
    (void)text;
    (void)size;
    (void)writes;
    (void)arg;
    return -1;
}

static err_code open_bytes(const struct buf *bytes, BIO **ret)
{
    *ret = bytes->len > INT32_MAX ? NULL : BIO_new_mem_buf(bytes->ptr, (int)bytes->len);
    return *ret != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static err_code open_file(const char *path, struct buf *bytes, BIO **ret, struct why *why)
{
    TRY(file_read(path, FILE_MAX, bytes, why));
    return open_bytes(bytes, ret);
}

/* The service's own, and those behind it. */
static err_code take_cert(SSL_CTX *ctx, const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(bio_free) BIO *bio = NULL;
    CLEANUP(cert_free) X509 *cert = NULL;
    X509 *next;

    TRY(open_file(path, &bytes, &bio, why));
    cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (cert == NULL || SSL_CTX_use_certificate(ctx, cert) != 1)
        return why_say(why, ERR_CERT_MALFORMED, "\"%s\" begins with no usable certificate (PEM)",
                       path);
    while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
            X509_free(next);
            return why_say(why, ERR_CERT_MALFORMED, "\"%s\" has a certificate that is too weak",
                           path);
        }
    return ERR_OK;
}

static err_code take_key(SSL_CTX *ctx, const struct tls_files *files, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(bio_free) BIO *bio = NULL;
    CLEANUP(key_free) EVP_PKEY *key = NULL;

    TRY(file_read_secret(files->key, &bytes, why));
    TRY(open_bytes(&bytes, &bio));
    key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (key == NULL)
        return why_say(why, ERR_CERT_MALFORMED, "\"%s\" holds no private key (PEM, not encrypted)",
                       files->key);
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1) /* looks at the certificate */
        return why_say(why, ERR_CERT_MALFORMED, "the key in \"%s\" is not that of \"%s\"",
                       files->key, files->cert);
    return ERR_OK;
}

/* A certificate, a list of those that are revoked, or both, which OpenSSL takes together. */
static err_code take_authority(X509_STORE *store, const X509_INFO *info, unsigned *authorities,
                               unsigned *lists)
{
    if (info->crl != NULL) {
        ++*lists;
        if (X509_STORE_add_crl(store, info->crl) != 1)
            return ERR_CERT_MALFORMED;
    }
    if (info->x509 == NULL)
        return info->crl != NULL ? ERR_OK : ERR_CERT_MALFORMED;
    ++*authorities;
    return X509_check_ca(info->x509) == 1 && X509_STORE_add_cert(store, info->x509) == 1
               ? ERR_OK
               : ERR_CERT_MALFORMED;
}

static err_code take_clients(SSL_CTX *ctx, const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(bio_free) BIO *bio = NULL;
    CLEANUP(infos_free) STACK_OF(X509_INFO) *infos = NULL;
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    unsigned authorities = 0, lists = 0;

    TRY(open_file(path, &bytes, &bio, why));
    infos = PEM_X509_INFO_read_bio(bio, NULL, no_password, NULL);
    for (int i = 0; i < sk_X509_INFO_num(infos); i++)
        if (take_authority(store, sk_X509_INFO_value(infos, i), &authorities, &lists) != ERR_OK)
            return why_say(why, ERR_CERT_MALFORMED, "number %d of \"%s\" is no authority", i + 1,
                           path);
    if (authorities == 0)
        return why_say(why, ERR_CERT_MALFORMED, "\"%s\" holds no certificate (PEM)", path);
    if (lists > 0 && X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) != 1)
        return ERR_NO_MEMORY;
    return ERR_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Text without control characters, spaces or anything beyond ASCII. */
static bool is_shown(const ASN1_STRING *text)
{
    const unsigned char *octets = ASN1_STRING_get0_data(text);
    int len = ASN1_STRING_length(text);

    for (int i = 0; i < len; i++)
        if (octets[i] <= 0x20 || octets[i] >= 0x7f)
            return false;
    return len > 0 && len < CALLER_NAME_MAX;
}

/* The first one. Empty if there is none that can be shown. */
static void take_uri(const X509 *cert, char ret[static CALLER_NAME_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    ret[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        if (name->type != GEN_URI)
            continue;
        if (is_shown(uri))
            (void)snprintf(ret, CALLER_NAME_MAX, "%.*s", ASN1_STRING_length(uri),
                           (const char *)ASN1_STRING_get0_data(uri));
        break;
    }
    GENERAL_NAMES_free(names);
}

static err_code key_text(const X509 *cert, char ret[static KEY_TEXT])
{
    struct digest digest;
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    err_code err =
        len <= 0 ? ERR_NO_MEMORY : hash_sha256((struct slice){der, (size_t)len}, &digest);

    OPENSSL_free(der);
    if (err != ERR_OK)
        return err;
    memcpy(ret, GUESTS_KEY, strlen(GUESTS_KEY));
    hex_encode((struct slice){digest.bytes, SHA256_LEN}, ret + strlen(GUESTS_KEY),
               KEY_TEXT - strlen(GUESTS_KEY));
    return ERR_OK;
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* A certificate that does not say what it is for may have been given for anything. */
static bool is_for_clients(X509 *cert)
{
    uint32_t use = X509_get_extended_key_usage(cert);

    return use != UINT32_MAX && (use & XKU_SSL_CLIENT) != 0;
}

/* By the list that is in force, whenever the connection began. */
static bool is_guest(const struct tls *tls, const X509 *cert)
{
    char key[KEY_TEXT], uri[CALLER_NAME_MAX];

    if (tls == NULL || key_text(cert, key) != ERR_OK)
        return false;
    take_uri(cert, uri);
    return guests_have(&tls->guests, key, uri);
}

static int judge(int good, X509_STORE_CTX *verify)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(verify);
    int error = X509_V_OK;

    if (good != 1 || X509_STORE_CTX_get_error_depth(verify) > 0)
        return good;
    if (cert == NULL || !is_for_clients(cert))
        error = X509_V_ERR_INVALID_PURPOSE;
    else if (!is_guest(X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(verify), 0), cert))
        error = X509_V_ERR_CERT_REJECTED;
    if (error == X509_V_OK)
        return 1;
    X509_STORE_CTX_set_error(verify, error);
    return 0;
}

/* The first message is there, and was only read. */
static int greet(SSL *ssl, int *alert, void *arg)
{
    const struct tls *tls = arg;
    void *link = SSL_get_app_data(ssl);

    if (tls->admits == NULL || (link != NULL && tls->admits(link)))
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_ACCESS_DENIED;
    return SSL_CLIENT_HELLO_ERROR;
}

static err_code set_rules(SSL_CTX *ctx)
{
    static const unsigned char CONTEXT[] = "pawld";
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_session_id_context(ctx, CONTEXT, sizeof CONTEXT - 1) != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT) != 1)
        return ERR_INTERNAL;
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_OCTETS);
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge);
    return ERR_OK;
}

/* tls: whose list judge() is to look at. */
static err_code ctx_new(struct tls *tls, SSL_CTX **ret, struct why *why)
{
    const struct tls_files *files = &tls->files;
    CLEANUP(ctx_free) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    err_code err = ctx == NULL ? ERR_NO_MEMORY : set_rules(ctx);

    if (err == ERR_OK)
        err = take_cert(ctx, files->cert, why);
    if (err == ERR_OK)
        err = take_key(ctx, files, why);
    if (err == ERR_OK)
        err = take_clients(ctx, files->clients, why);
    if (err == ERR_OK && X509_STORE_set_ex_data(SSL_CTX_get_cert_store(ctx), 0, tls) != 1)
        err = ERR_NO_MEMORY;
    SSL_CTX_set_client_hello_cb(ctx, greet, tls);
    ERR_clear_error();
    if (err != ERR_OK)
        return err;
    *ret = ctx;
    ctx = NULL; /* transferred */
    return ERR_OK;
}

/* Everything, or nothing. */
static err_code read_files(struct tls *tls, struct why *why)
{
    CLEANUP(guests_free) struct guests guests = {0};
    struct guests before;
    SSL_CTX *ctx;

    TRY(guests_read(tls->files.allowed, &guests, why));
    TRY(ctx_new(tls, &ctx, why));
    SSL_CTX_free(tls->ctx);
    tls->ctx = ctx;
    before = tls->guests;
    tls->guests = guests;
    guests = before; /* freed */
    return ERR_OK;
}

err_code tls_new(const struct tls_files *files, struct tls **ret, struct why *why)
{
    CLEANUP(tls_free) struct tls *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->files = *files;
    TRY(read_files(out, why));
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

void tls_free(struct tls **tls)
{
    if (*tls != NULL) {
        SSL_CTX_free((*tls)->ctx);
        guests_free(&(*tls)->guests);
    }
    free(*tls);
    *tls = NULL;
}

err_code tls_reload(struct tls *tls, struct why *why)
{
    TRY(read_files(tls, why));
    tls->generation++;
    return ERR_OK;
}

/* ---- connections ----------------------------------------------------------------------------- */

SSL *tls_accept(const struct tls *tls, void *link, unsigned *ret_judged)
{
    SSL *ssl = SSL_new(tls->ctx);

    *ret_judged = tls->generation;
    if (ssl != NULL && SSL_set_app_data(ssl, link) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

void tls_leave(SSL *ssl)
{
    (void)SSL_set_app_data(ssl, NULL);
}

void tls_set_admits(struct tls *tls, bool (*admits)(void *link))
{
    tls->admits = admits;
}

static enum lobby_reason reason_of_verify(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return LOBBY_TIME;
    case X509_V_ERR_INVALID_PURPOSE:
        return LOBBY_PURPOSE;
    case X509_V_ERR_CERT_REJECTED:
        return LOBBY_NOT_ALLOWED;
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return LOBBY_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return LOBBY_AUTHORITY;
    default:
        return LOBBY_CERTIFICATE;
    }
}

enum lobby_reason tls_reason(const SSL *ssl, unsigned long error, const char **ret_text)
{
    long result = SSL_get_verify_result(ssl);
    int reason = ERR_GET_REASON(error);

    *ret_text = NULL;
    if (result != X509_V_OK) {
        *ret_text = X509_verify_cert_error_string(result);
        return reason_of_verify(result);
    }
    /* The system's own errors have no text here: the connection broke. */
    if (ERR_reason_error_string(error) == NULL || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return LOBBY_LEFT;
    *ret_text = ERR_reason_error_string(error);
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        return LOBBY_NO_CERTIFICATE;
    return reason >= SSL_AD_REASON_OFFSET ? LOBBY_ALERT : LOBBY_PROTOCOL;
}

bool tls_is_known(const SSL *ssl)
{
    return SSL_is_init_finished(ssl) == 1 && SSL_get0_peer_certificate(ssl) != NULL &&
           SSL_get_verify_result(ssl) == X509_V_OK;
}

static err_code refuse(int error, struct why *why)
{
    ERR_clear_error();
    return why_say(why, ERR_CALLER_REFUSED, "the caller's certificate: %s",
                   X509_verify_cert_error_string(error));
}

/* As in the handshake, by what is in force now. */
static err_code verify_anew(const struct tls *tls, const SSL *ssl, X509 *cert, struct why *why)
{
    CLEANUP(verify_free) X509_STORE_CTX *verify = X509_STORE_CTX_new();

    if (verify == NULL ||
        X509_STORE_CTX_init(verify, SSL_CTX_get_cert_store(tls->ctx), cert,
                            SSL_get_peer_cert_chain(ssl)) != 1 ||
        X509_STORE_CTX_set_default(verify, CLIENT_PURPOSE) != 1 ||
        X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(verify), SSL_CTX_get0_param(tls->ctx)) !=
            1)
        return refuse(X509_V_ERR_OUT_OF_MEM, why);
    X509_STORE_CTX_set_verify_cb(verify, judge);
    if (X509_verify_cert(verify) != 1)
        return refuse(X509_STORE_CTX_get_error(verify), why);
    return ERR_OK;
}

err_code tls_check(const struct tls *tls, const SSL *ssl, unsigned *judged, struct why *why)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);

    if (!tls_is_known(ssl))
        return refuse(X509_V_ERR_UNSPECIFIED, why);
    if (*judged == tls->generation)
        return X509_cmp_current_time(X509_get0_notAfter(cert)) > 0
                   ? ERR_OK
                   : refuse(X509_V_ERR_CERT_HAS_EXPIRED, why);
    TRY(verify_anew(tls, ssl, cert, why));
    *judged = tls->generation;
    return ERR_OK;
}

err_code tls_caller(const SSL *ssl, enum caller_kind kind, struct caller *ret, struct why *why)
{
    const X509 *cert = SSL_get0_peer_certificate(ssl);
    struct caller out = {.kind = kind, .over_tls = true, .uid = (uid_t)-1, .gid = (gid_t)-1};
    char key[KEY_TEXT];

    if (!tls_is_known(ssl))
        return refuse(X509_V_ERR_UNSPECIFIED, why);
    TRY(key_text(cert, key));
    (void)snprintf(out.key, sizeof out.key, "%d %s", (int)kind, key);
    take_uri(cert, out.name);
    ERR_clear_error();
    *ret = out;
    return ERR_OK;
}
