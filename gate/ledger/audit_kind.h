/* SPDX-License-Identifier: Apache-2.0 */
/* audit_kind.h: what an auditor can find wrong with a log. Names are stable: scripts and monitors
 * read them. */
#ifndef PAWL_LEDGER_AUDIT_KIND_H
#define PAWL_LEDGER_AUDIT_KIND_H

#include "gate/base/err.h"

/* kind, name, error of a log with it, what it means */
#define AUDIT_KINDS(X)                                                                             \
    X(AUDIT_NONE, "none", OK, "nothing")                                                           \
    X(AUDIT_ENTRY_CHANGED, "entry_changed", LEDGER_INCONSISTENT,                                   \
      "an entry is not the one that was logged")                                                   \
    X(AUDIT_ENTRY_MISSING, "entry_missing", LEDGER_INCONSISTENT, "an entry was taken out")         \
    X(AUDIT_ENTRY_REPEATED, "entry_repeated", LEDGER_INCONSISTENT, "an entry stands there twice")  \
    X(AUDIT_ENTRIES_SWAPPED, "entries_swapped", LEDGER_INCONSISTENT, "entries changed places")     \
    X(AUDIT_BUNDLE_DAMAGED, "bundle_damaged", LEDGER_INCONSISTENT,                                 \
      "a file of entries cannot be read as such")                                                  \
    X(AUDIT_BUNDLE_MISSING, "bundle_missing", LEDGER_INCONSISTENT, "a file of entries is gone")    \
    X(AUDIT_TILE_DAMAGED, "tile_damaged", LEDGER_INCONSISTENT,                                     \
      "a file of hashes does not fit the entries")                                                 \
    X(AUDIT_TILE_MISSING, "tile_missing", LEDGER_INCONSISTENT, "a file of hashes is gone")         \
    X(AUDIT_JOURNAL_DAMAGED, "journal_damaged", LEDGER_INCONSISTENT,                               \
      "the journal does not fit itself or the entries")                                            \
    X(AUDIT_LOG_SHORTENED, "log_shortened", LEDGER_INCONSISTENT, "entries are missing at the end") \
    X(AUDIT_CHECKPOINT_DAMAGED, "checkpoint_damaged", LEDGER_INCONSISTENT,                         \
      "the checkpoint is gone or unreadable")                                                      \
    X(AUDIT_CHECKPOINT_FORGED, "checkpoint_forged", SIGNATURE_INVALID,                             \
      "the checkpoint is not signed by the log's key")                                             \
    X(AUDIT_CHECKPOINT_STALE, "checkpoint_stale", LEDGER_INCONSISTENT,                             \
      "an older checkpoint was put back")                                                          \
    X(AUDIT_COSIGNATURE_INVALID, "cosignature_invalid", SIGNATURE_INVALID,                         \
      "a witness did not sign what stands under its name")                                         \
    X(AUDIT_ROOT_MISMATCH, "root_mismatch", LEDGER_INCONSISTENT,                                   \
      "the entries are not those that were signed for")                                            \
    X(AUDIT_SPLIT_VIEW, "split_view", LEDGER_INCONSISTENT, "somebody was shown another log")       \
    X(AUDIT_RECORD_DAMAGED, "record_damaged", LEDGER_INCONSISTENT, "an entry is no record")        \
    X(AUDIT_RECORD_FOREIGN, "record_foreign", LEDGER_INCONSISTENT, "a record of another gate")     \
    X(AUDIT_SPLICED, "spliced", LEDGER_INCONSISTENT, "entries of another log continue this one")   \
    X(AUDIT_CHAIN_BROKEN, "chain_broken", LEDGER_INCONSISTENT,                                     \
      "a record does not continue its agent's chain")                                              \
    X(AUDIT_SEQUENCE_GAP, "sequence_gap", LEDGER_INCONSISTENT,                                     \
      "an agent's numbers are not in sequence")                                                    \
    X(AUDIT_SESSION_BROKEN, "session_broken", LEDGER_INCONSISTENT,                                 \
      "a session does not begin or end as one does")                                               \
    X(AUDIT_TIME_BACK, "time_back", LEDGER_INCONSISTENT, "time runs back")                         \
    X(AUDIT_EPOCH_BACK, "epoch_back", LEDGER_INCONSISTENT, "the epoch falls")                      \
    X(AUDIT_SNAPSHOT_CHANGED, "snapshot_changed", EQUIVOCATION, "one epoch with two snapshots")    \
    X(AUDIT_ATTEMPT_WITHOUT_OUTCOME, "attempt_without_outcome", LEDGER_INCONSISTENT,               \
      "an attempt has no outcome")                                                                 \
    X(AUDIT_OUTCOME_WITHOUT_ATTEMPT, "outcome_without_attempt", LEDGER_INCONSISTENT,               \
      "an outcome has no attempt")                                                                 \
    X(AUDIT_SIGNATURE_INVALID, "signature_invalid", SIGNATURE_INVALID,                             \
      "a record's signature is not valid")                                                         \
    X(AUDIT_SIGNER_UNKNOWN, "signer_unknown", SIGNER_UNKNOWN,                                      \
      "a record is signed by a key that nobody vouched for")                                       \
    X(AUDIT_CERTIFICATE_INVALID, "certificate_invalid", SIGNATURE_INVALID,                         \
      "a session's certificates do not vouch for its key")                                         \
    X(AUDIT_RECEIPT_INVALID, "receipt_invalid", SIGNATURE_INVALID, "a receipt proves nothing")     \
    X(AUDIT_SEAL_DAMAGED, "seal_damaged", LEDGER_INCONSISTENT, "the seal is gone or unreadable")   \
    X(AUDIT_SEAL_INVALID, "seal_invalid", SIGNATURE_INVALID,                                       \
      "the seal is not the hardware's word on the checkpoint")                                     \
    X(AUDIT_DISCLOSURE_INVALID, "disclosure_invalid", LEDGER_INCONSISTENT,                         \
      "what was disclosed is not what was redacted")                                               \
    X(AUDIT_ENROLMENT_MISMATCH, "enrolment_mismatch", ROOT_UNTRUSTED,                              \
      "the log is of another enrolment")                                                           \
    X(AUDIT_EPOCH_UNKNOWN, "epoch_unknown", LEDGER_INCONSISTENT,                                   \
      "an epoch is not the one that the authority signed")                                         \
    X(AUDIT_PREIMAGE_MISSING, "preimage_missing", PREIMAGE_MISSING,                                \
      "what a record is the hash of is gone")                                                      \
    X(AUDIT_PREIMAGE_DAMAGED, "preimage_damaged", LEDGER_INCONSISTENT,                             \
      "what a record is the hash of is something else")                                            \
    X(AUDIT_ROSTER_BROKEN, "roster_broken", LEDGER_INCONSISTENT,                                   \
      "an agent is enrolled or removed that cannot be")

#define X(kind, name, error, meaning) kind,
enum audit_kind { AUDIT_KINDS(X) };
#undef X

/* Borrows: static storage. */
const char *audit_kind_name(enum audit_kind kind);
const char *audit_kind_text(enum audit_kind kind);
err_code audit_kind_error(enum audit_kind kind);

#endif
