/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_reader.h: the entries of a log in a directory of files, ours or a copy, for who shows them:
 * any entry, each compared with its hash in the tile. What the log is worth as a whole, an audit
 * says (audit_log.h). A writer may be at work.
 */
#ifndef PAWL_LEDGER_LOG_READER_H
#define PAWL_LEDGER_LOG_READER_H

#include "gate/ledger/record.h"

struct log_reader;

/* A last commit that was interrupted is not there, as for the gate itself. Errors: NOT_FOUND,
 * STORAGE; LEDGER_INCONSISTENT when the journal is damaged, or shorter than what was published.
 * Owns: the caller closes *ret. */
err_code log_reader_open(const char *dir, struct log_reader **ret, struct why *why);
void log_reader_close(struct log_reader **reader);

/* Looks for what was appended since. */
err_code log_reader_refresh(struct log_reader *reader, struct why *why);

/* Entries: those of the journal, or, in a copy without one, those of the checkpoint. */
uint64_t log_reader_size(const struct log_reader *reader);

/* Errors: NOT_FOUND, STORAGE, LEDGER_INCONSISTENT. Borrows: until the next call. */
err_code log_reader_entry(struct log_reader *reader, uint64_t index, struct slice *ret,
                          struct why *why);

/* The same, parsed, with the pre-image of a hash envelope. Errors: also PREIMAGE_MISSING. Borrows:
 * until the next call. */
err_code log_reader_record(struct log_reader *reader, uint64_t index, struct record *ret,
                           struct why *why);

/* The first entry that is not older than this, or the size: times never decrease. */
err_code log_reader_at(struct log_reader *reader, uint64_t time_ms, uint64_t *ret, struct why *why);

#endif
