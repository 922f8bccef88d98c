/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once.h: answers by Idempotency-Key: who repeats a request under the same key gets the same answer
 * back, and it is on record once. Who repeats it while it is still being decided waits with the
 * first. A key belongs to the caller who used it; nobody sees another's answers. An answer holds as
 * long as what it rests on: after an install, or when agents were enrolled or removed, the same key
 * is judged anew, and on record once more.
 *
 * Bounded in keys, bytes and time, and each caller is assured of his part: one in twice as many as
 * ONCE_CALLERS, of keys as of bytes. Within it nobody else's keys push out his answers, or have his
 * key refused. The other half is for whoever needs more: where there is no room, the oldest answer
 * goes of whoever has most of those who have more than their part. Requests that are still being
 * decided are never pushed out; beyond the parts they have half the table together.
 */
#ifndef PAWL_DAEMON_ONCE_H
#define PAWL_DAEMON_ONCE_H

#include "gate/base/hash.h"
#include "gate/base/why.h"

#define ONCE_KEY_MAX 128 /* characters of a key */
#define ONCE_CALLERS 64  /* with keys at one time, that are assured of their part */

struct once;
struct once_entry; /* one key of one caller */

struct once_limits {
    size_t keys;      /* 0: 8192, of which each takes some 250 bytes */
    size_t bytes;     /* of answers; 0: 64 MiB */
    uint64_t keep_ns; /* an answer, from when it was given; 0: 10 minutes */
};

/* Errors: NO_MEMORY. Owns: once_free(), when nobody waits in it. */
err_code once_new(const struct once_limits *limits, struct once **ret);
void once_free(struct once **once);

/* Somebody who waits for the first's answer: stands at the front of his own struct. */
struct once_wait {
    struct once_wait *next;
    /* What came of the first; the wait is no longer in the list. ctx: of once_end(). */
    void (*answer)(struct once_wait *wait, void *ctx);
};

enum once_found {
    ONCE_NONE = 0,
    ONCE_FIRST,    /* *ret_entry is new: to be ended with once_end() */
    ONCE_RUNNING,  /* the first is still being decided: once_join() */
    ONCE_ANSWERED, /* see once_answer() */
};

/* What answers rest on. Numbers that are others when it is another. */
struct once_law {
    uint64_t epoch, roster;
};

/* What is asked. caller: the same for the same caller, without a line end. */
struct once_ask {
    const char *caller, *key;
    struct digest body;  /* of all that the answer depends on */
    struct once_law law; /* now */
};

/* Errors: REQUEST_MALFORMED for a key that is not 1 to ONCE_KEY_MAX visible ASCII characters;
 * EXISTS when it was used with another body; OVERLOADED when this caller has more than his part of
 * keys whose requests are still being decided, and there is no room for that; NO_MEMORY. Borrows:
 * *ret_entry until it ends, an answer until the next call.
 */
err_code once_find(struct once *once, const struct once_ask *ask, uint64_t now_ns,
                   enum once_found *ret, struct once_entry **ret_entry, struct why *why);

struct slice once_answer(const struct once_entry *entry);
void once_join(struct once_entry *entry, struct once_wait *wait);
void once_leave(struct once_entry *entry, struct once_wait *wait);

/* The first is answered. Tells who waits. given: what is to be given back, under the epoch that it
 * was decided in and the agents as they were when it was asked; not kept without memory. NULL: the
 * key is free again. */
struct once_given {
    uint64_t epoch;
    struct slice answer;
};
void once_end(struct once *once, struct once_entry *entry, uint64_t now_ns,
              const struct once_given *given, void *ctx);

size_t once_keys(const struct once *once);

#endif
