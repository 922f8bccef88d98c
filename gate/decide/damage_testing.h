/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage_testing.h: submits a message with each of its bits flipped and cut at each length, and
 * holds what comes back against the errors that may come back.
 */
#ifndef PAWL_DECIDE_DAMAGE_TESTING_H
#define PAWL_DECIDE_DAMAGE_TESTING_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define DAMAGE_CODES 256

struct damage {
    const char *what; /* is damaged, for people */
    err_code (*judge)(void *ctx, struct slice bytes, struct why *why);
    void *ctx;
    const err_code *allowed; /* ends with ERR_OK */
    size_t stride;           /* every how many'th bit and cut; 0: each */

    size_t n, by_code[DAMAGE_CODES]; /* filled */
};

/* Submits one message, on a heap of its own, so that reading past its end is seen. Fails the test
 * when it is accepted, or refused with an error that is not allowed. how, at: the damage. */
void damage_try(struct damage *damage, struct slice bytes, const char *how, size_t at);

/* Each bit of the len bytes from `from` on, alone. */
void damage_bits(struct damage *damage, struct slice message, size_t from, size_t len);

/* Every beginning of the message, from none of it to all but one byte. */
void damage_cuts(struct damage *damage, struct slice message);

/* Prints one line with the counts. Fails the test unless something was submitted. */
void damage_close(const struct damage *damage);

#endif
