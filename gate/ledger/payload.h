/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.h: the pre-images of hash envelopes (RFC 9995), each in a file of its own beside the log:
 *
 *     <log>/payload/<SHA-256 in 64 hex digits>
 *
 * One is durable before the record that names it is, so a record never lacks its own. A batch that
 * is given up, or killed, leaves one that nobody names: it takes room and means nothing.
 */
#ifndef PAWL_LEDGER_PAYLOAD_H
#define PAWL_LEDGER_PAYLOAD_H

#include "gate/ledger/record.h"

#define PAYLOAD_NAME (sizeof "payload/" + 2 * (size_t)SHA256_LEN)

/* Its name below the log's directory. */
void payload_name(const struct digest *hash, char ret[static PAYLOAD_NAME]);

/* Writes a pre-image under the name of its hash, durably; one that is there already is replaced by
 * what it ought to be. Errors: TOO_LARGE, STORAGE_FULL, STORAGE. */
err_code payload_store(const char *log_dir, struct slice preimage, struct why *why);

/* Reads the one with this hash. Errors: PREIMAGE_MISSING; LEDGER_INCONSISTENT when the file holds
 * something else, naming both digests; STORAGE. Owns: the caller frees *ret. */
err_code payload_load(const char *log_dir, const struct digest *hash, struct buf *ret,
                      struct why *why);

/* record_parse() of an entry of this log: what a hash envelope stands for is read from its file.
 * preimage: replaced with it; untouched for any other record. Errors: as both. Borrows: *ret from
 * the entry and the pre-image. */
err_code payload_record(const char *log_dir, struct slice entry, struct buf *preimage,
                        struct record *ret, struct why *why);

#endif
