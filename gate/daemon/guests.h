/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guests.h: who of those that an authority vouches for may come over the network. A list in a file,
 * one on each line: spki-<64 hex>, the SHA-256 of a certificate's public key, or the URI that the
 * authority put among a certificate's names. Behind a space, and on lines of their own, stand
 * comments: # and what follows. Whoever is not on it is nobody; an empty list is nobody at all.
 */
#ifndef PAWL_DAEMON_GUESTS_H
#define PAWL_DAEMON_GUESTS_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define GUESTS_MAX 4096    /* lines that name one */
#define GUESTS_KEY "spki-" /* before the digest, lower-case hex */
#define GUESTS_URI_MAX 255 /* octets of a URI */
#define GUESTS_KEY_LEN 69  /* octets of a key, as it stands in the file */

/* {0} is nobody. */
struct guests {
    struct buf text;
    struct slice *list; /* into text */
    size_t n;
};

/* Errors: those of reading; FORMAT for a line that names none, TOO_LARGE. Owns: guests_free(). */
err_code guests_read(const char *path, struct guests *ret, struct why *why);
void guests_free(struct guests *guests);

/* key: GUESTS_KEY and the digest. uri: empty if there is none; it never stands for a key. */
bool guests_have(const struct guests *guests, const char *key, const char *uri);

#endif
