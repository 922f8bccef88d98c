/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_testing.h: records, receipts and ledgers to test with, signed by keys in memory: one
 * stands for the hardware's receipt key, one is the statement key of a session. */
#ifndef PAWL_LEDGER_LEDGER_TESTING_H
#define PAWL_LEDGER_LEDGER_TESTING_H

#include "gate/base/dir_testing.h"
#include "gate/cose/x509_testing.h"
#include "gate/ledger/log.h"
#include "gate/ledger/permit.h"
#include "gate/ledger/record_redact.h"

#define TESTING_ISSUER "dev.pawl:example.org/gate-1"
#define TESTING_ROUND 42
#define TESTING_T0 1760000000000 /* milliseconds since 1970 */

struct testing {
    struct hw_signer *hardware, *statement;
    struct hw_signer
        *device;            /* not owned; certifies the hardware key. NULL: that is the device's */
    uint64_t receipt_round; /* that receipts are of; 0: TESTING_ROUND */
    bool uncertified;       /* records and receipts carry no certificates */
    struct x509_made made;  /* see testing_chain() */
    struct hw_pubkey made_for[3];
    char session_id[RECORD_UUID_TEXT], record_id[RECORD_UUID_TEXT];
    uint64_t now_ms;
    uint64_t round;                   /* of the last key_rotation that was made */
    const struct record_agent *agent; /* of agent_enrol and agent_remove; NULL: agent-1 */
};

/* Fresh keys and a fresh session. Fails the test on any error, as everything here. */
void testing_init(struct testing *t);
void testing_free(struct testing *t);

/* The same for cmocka: one on the heap as the state of each test. */
int testing_setup(void **state);
int testing_teardown(void **state);

/* A new statement key and session. */
void testing_new_session(struct testing *t);

/* Certificates of the present keys, made anew when one of them has changed: the statement key's,
 * the hardware key's and, if it has one, the device's. Borrows: from t, until the next call. */
struct x509_chain testing_chain(struct testing *t);

/* Some place in the middle of a chain. */
struct record_link testing_link(uint64_t sequence);

/* A record of each kind with every member set, at the time t->now_ms. Borrows from t. */
struct record *testing_record(struct testing *t, enum record_kind kind, const char *agent_id,
                              const struct record_link *link);

/* The same, signed by the key that its kind asks for. Appends to ret. */
void testing_signed(struct testing *t, const struct record *record, struct buf *ret,
                    struct record_link *ret_next);

/* Sets the members that have to agree with what is there. */
void testing_fit(const struct ledger *ledger, struct record *record);

/* Stages a record of this kind and agent at the end of its chain; returns the ledger's answer.
 * attempt: the one whose outcome a decision is; else NULL. */
err_code testing_stage_one(struct testing *t, struct ledger *ledger, enum record_kind kind,
                           const char *agent_id, const char *attempt);

/* The same with what belongs to it: a decision behind its attempt, a key_rotation before its start.
 */
err_code testing_stage(struct testing *t, struct ledger *ledger, enum record_kind kind,
                       const char *agent_id);

/* Enrols one of twelve agents with facts that follow from the number, or removes it if it is
 * enrolled and may go; nothing if neither can be. */
void testing_change_roster(struct testing *t, struct ledger *ledger, uint64_t number);

/* Commits as the round after the last one. */
err_code testing_commit(struct ledger *ledger, struct why *why);

/* A ledger in a state directory: a key_rotation and a start, then n attempts and decisions by
 * agents that take turns, in one commit. */
void testing_ledger(struct testing *t, const char *dir, size_t n);
#define TESTING_SIZE(n) (2 + 2 * (n))     /* entries with n decisions */
#define TESTING_DECISION(i) (3 + 2 * (i)) /* where decision i is, from 0 */

/* A ledger in to, a state directory to be made, of the first n entries of the one in from, each
 * committed for itself. The last byte of entry spoilt, which is of its signature, is another one.
 */
void testing_copy(const char *from, const char *to, uint64_t n, uint64_t spoilt);
#define TESTING_WHOLE UINT64_MAX /* none is spoilt */

/* Entry i of a tree of the texts "0", "1", ...; and the first n of them. */
struct slice testing_leaf(size_t i, char text[static 24]);
void testing_tree(struct tree *tree, size_t n);

/* A ledger in a state directory whose entry 3 is a decision that was redacted so, behind its
 * attempt. Appends the entry and what was disclosed. */
void testing_redacted(struct testing *t, const char *dir, const struct record_redact_order *order,
                      struct buf *ret_entry, struct buf *ret_disclosures);

/* The receipt of an entry in the first size entries, signed by the hardware key; epoch, snapshot
 * and the rest as in the records above. Appends to ret. */
void testing_receipt(struct testing *t, struct tree_source tree, uint64_t index, uint64_t size,
                     struct buf *ret);

/* A permit for entry index, which is a decision, of a ledger of testing_ledger(), with a seal
 * of kind fake. Appends to ret. */
void testing_permit(struct testing *t, const char *dir, uint64_t index, struct buf *ret);

/* The same with encoded disclosures. */
void testing_permit_with(struct testing *t, const char *dir, uint64_t index,
                         struct slice disclosures, struct buf *ret);

/* Replaces the first occurrence of a digest. */
void testing_replace(struct buf *buf, const struct digest *from, const struct digest *to);

/* Signs a draft whose payload or header was changed. If the payload has another hash than
 * old_content, the envelope's hashes are made to fit it. Appends to ret. */
void testing_sign_again(struct hw_signer *signer, struct record_draft *draft,
                        const struct record *record, const struct digest *old_content,
                        struct buf *ret);

/* Reads a whole file; makes a file with this content. */
void testing_read(const char *path, struct buf *ret);
void testing_write(const char *path, struct slice content);

#endif
