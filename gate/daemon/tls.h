/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h: who comes over the network: TLS 1.3 alone, and only with a certificate of an authority
 * that is named for this and for nothing else, whose holder is on a list (guests.h). There is no
 * resumption: every connection shows its certificate, and nothing is read of it before that one was
 * verified.
 */
#ifndef PAWL_DAEMON_TLS_H
#define PAWL_DAEMON_TLS_H

#include "gate/base/why.h"
#include "gate/daemon/caller.h"
#include "gate/daemon/lobby.h"

#include <stdbool.h>

struct ssl_st;
struct tls;

/* PEM, but for the list. All four, or none of them. Borrowed for as long as struct tls is there. */
struct tls_files {
    const char *cert;    /* of the service, and of those that issued it but for the last */
    const char *key;     /* private; not open to everybody */
    const char *clients; /* authorities, each its own issuer; and their lists of revoked
                          * certificates, without which none counts as revoked */
    const char *allowed; /* which of their clients are let in: see guests.h */
};

/* Errors: those of reading the files; CERT_MALFORMED for what they hold, FORMAT
 * and TOO_LARGE for what the list does. Owns: tls_free(). */
err_code tls_new(const struct tls_files *files, struct tls **ret, struct why *why);
void tls_free(struct tls **tls);

/* Reads the files anew. On an error what was read before stays. Connections that stand are judged
 * by the new ones with their next request, see tls_check(). */
err_code tls_reload(struct tls *tls, struct why *why);

/* Asked of each connection with its first message, before anything is computed for it: whether its
 * handshake may go on. Without this each may. */
void tls_set_admits(struct tls *tls, bool (*admits)(void *link));

/* The server's end of one connection, and what its certificate is judged by. link: for admits().
 * NULL: no memory. Owns: the caller frees with SSL_free(), or what it gives it to. */
struct ssl_st *tls_accept(const struct tls *tls, void *link, unsigned *ret_judged);
void tls_leave(struct ssl_st *ssl); /* link is at its end, ssl may not be */

/* Why it ended before its certificate was verified. error: what OpenSSL had to say; 0: nothing.
 * ret_text: the same for people, in OpenSSL's words alone; NULL: none. */
enum lobby_reason tls_reason(const struct ssl_st *ssl, unsigned long error, const char **ret_text);

/* Whether its certificate was verified. */
bool tls_is_known(const struct ssl_st *ssl);

/* Whether the certificate holds still: its time, and after tls_reload() everything. judged: see
 * tls_accept(). Errors: CALLER_REFUSED. */
err_code tls_check(const struct tls *tls, const struct ssl_st *ssl, unsigned *judged,
                   struct why *why);

/* Who it is: the digest of the certificate's public key (SubjectPublicKeyInfo), and the first URI
 * among its names, if it has one that can be shown. Errors: CALLER_REFUSED. */
err_code tls_caller(const struct ssl_st *ssl, enum caller_kind kind, struct caller *ret,
                    struct why *why);

#endif
