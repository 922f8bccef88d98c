/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_redact.h: taking members out of a record before it is written (AIR's redaction receipts),
 * and showing them later to whom they concern. The record keeps "[REDACTED]" and a salted hash, so
 * that nobody can guess the value from the ledger; the disclosure, salt and value, goes to the
 * requester and can be held against the record by everybody who gets it.
 */
#ifndef PAWL_LEDGER_RECORD_REDACT_H
#define PAWL_LEDGER_RECORD_REDACT_H

#include "gate/ledger/record.h"

#define RECORD_REDACTED "[REDACTED]"
#define RECORD_SALT_LEN 16
#define RECORD_SEED_LEN 32

/* What can be taken out: "pawl.action", "pawl.subject.type", "pawl.resource.id",
 * "pawl.resource.type" of an attempt or decision, "pawl.determining" of a decision (all of them),
 * "pawl.reason" of a stop, override, approval or revocation, "agent_version" of any. With one of
 * the first four the input_hash goes as well: it would give them away to anybody who can guess. */

/* Whether a record of this kind can do without the member. */
bool record_redactable(enum record_kind kind, const char *path);

struct record_redact_order {
    const char *const *paths; /* borrowed by the record */
    size_t n_paths;
    struct slice policy_id; /* the rule that asks for it: plain text; borrowed by the record */
    uint64_t now_ms;
    uint8_t seed[RECORD_SEED_LEN]; /* random and secret, one for each request: attempt and decision
                                      redacted with the same one have the same salts, thus the same
                                      input_hash, and one set of disclosures */
};

/* Fills in a seed. Error: INTERNAL when there is no randomness. */
err_code record_redact_seed(uint8_t ret[static RECORD_SEED_LEN]);

/* Replaces the members, and appends what discloses them, encoded, to ret_disclosures: nothing if
 * there is no path. To be called once, when the record is complete, before record_prepare(). Paths
 * in any order. Errors: FORMAT: a path that this kind cannot do without, twice the same one, a
 * record that is redacted already. */
err_code record_redact(struct record *record, const struct record_redact_order *order,
                       struct buf *ret_disclosures, struct why *why);

/* One member as it was. */
struct record_disclosure {
    struct slice path, salt, value; /* value: a text; of input_hash, 32 octets */
};
struct record_disclosures {
    size_t n;
    struct record_disclosure items[RECORD_REDACTIONS_MAX];
};

/* Reads an encoded list. Errors: FORMAT, CBOR_*. Borrows: *ret from bytes. */
err_code record_disclosures_parse(struct slice bytes, struct record_disclosures *ret,
                                  struct why *why);

/* Holds each disclosure against the record: it has a receipt of this path and hash. There may be
 * fewer disclosures than receipts. Error: PERMIT_INVALID naming the path. */
err_code record_disclosures_check(const struct record *record,
                                  const struct record_disclosures *disclosures, struct why *why);

/* Checks them, and puts the values back for people to see. The record is then no longer what was
 * signed. Borrows: the record from the disclosures' bytes. */
err_code record_disclose(struct record *record, const struct record_disclosures *disclosures,
                         struct why *why);

/* What a redacted record has to be: part of record_check(). Errors: FORMAT, TOO_LARGE. */
err_code record_redactions_check(const struct record *record, struct why *why);

#endif
