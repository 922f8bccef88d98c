/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_testing.h: logs to damage. The entries are in memory, and the files are written from them
 * by code that shares nothing with gate/tlog's, so that the auditor is judged by a second reading
 * of the formats, and a forger who makes all hashes anew is one call away.
 */
#ifndef PAWL_LEDGER_AUDIT_TESTING_H
#define PAWL_LEDGER_AUDIT_TESTING_H

#include "gate/ledger/audit_log.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/payload.h"
#include "gate/ledger/succession.h"
#include "gate/tlog/checkpoint_text.h"

#define LAB_MAX 2048

struct lab {
    struct testing t;
    struct hw_ed25519 log_key;
    struct note_key log;
    struct auditor auditor; /* knows t's hardware key and the log's key */
    char dir[64];           /* of the files */
    struct buf entries[LAB_MAX];
    size_t n;
    size_t commits[LAB_MAX]; /* sizes that were committed, rising; the last is n */
    size_t n_commits;
    size_t folded;  /* the journal begins here */
    uint64_t later; /* so many rounds later than they were, says the journal of its commits */
    struct succession chain;
    char attempt[RECORD_UUID_TEXT]; /* id of the last one */
    void (*edit)(struct record *);  /* a gate that writes what it must not; NULL: a good one */
};

struct lab *lab_make(void);
void lab_free(struct lab *lab);

/* That its next records are committed in. */
uint64_t lab_round(const struct lab *lab);

/* Adds a record; of a decision, an agent's. A key_rotation begins a new session. */
void lab_add(struct lab *lab, enum record_kind kind, const char *agent);
/* Adds what a later kind may be: a record of the session's that is a hash envelope. Its size is no
 * matter to who reads it. Where its pre-image lies (payload.h), which is written at once. */
void lab_add_envelope(struct lab *lab, struct buf *ret_preimage,
                      char ret_name[static PAYLOAD_NAME]);
/* A session without a stop: key_rotation and start, committed together; then n attempts of three
 * agents in turns, each committed with its outcome. In a log's first session bump and install stand
 * in the place of the first of these. */
void lab_session(struct lab *lab, size_t n);
void lab_commit(struct lab *lab);

/* Writes everything: bundles, tiles of every level, journal, checkpoint and seal of the first
 * published entries. What is there is overwritten, nothing is removed. */
void lab_write(struct lab *lab, size_t published);
/* The same but for checkpoint and seal: what somebody can do who has no key. */
void lab_write_forged(struct lab *lab, size_t published);

/* The seal alone, of this round; and the one that an entry was committed in. */
void lab_seal(struct lab *lab, size_t published, uint64_t round);
uint64_t lab_round_of(const struct lab *lab, size_t index);

/* The root over the first n entries. */
struct checkpoint lab_head(const struct lab *lab, size_t n);

/* A thorough audit of the log; one that must find nothing; and one whose first finding must be of
 * this kind, entry (NO_ENTRY: none) and file ("": none). */
#define NO_ENTRY UINT64_MAX
struct audit_job lab_job(const struct lab *lab);
void lab_good(const struct audit_job *job, struct audit_report *ret);
void lab_expect_job(struct audit_job job, enum audit_kind kind, uint64_t index, const char *file);
void lab_expect(const struct lab *lab, enum audit_kind kind, uint64_t index, const char *file);

/* Reads, or writes, a file of the log. */
void lab_read(const struct lab *lab, const char *name, struct buf *ret);
void lab_put(const struct lab *lab, const char *name, struct slice content);

#endif
