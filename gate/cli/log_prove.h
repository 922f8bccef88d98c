/* SPDX-License-Identifier: Apache-2.0 */
/* log_prove.h: a log as it was published last, and what it proves of its entries. */
#ifndef PAWL_CLI_LOG_PROVE_H
#define PAWL_CLI_LOG_PROVE_H

#include "gate/cli/log_place.h"
#include "gate/tlog/proof_file.h"
#include "gate/tlog/tile.h"

struct published {
    struct buf note_bytes, seal_bytes;
    struct checkpoint head; /* as the note says: not verified */
    struct tiles *tiles;
    struct tree_source tree;
};
void published_free(struct published *log);

/* sealed: with the seal that belongs to the checkpoint. A gate at work replaces one after the
 * other, so both are read until they agree, for two seconds. Errors: NOT_FOUND, FORMAT;
 * LEDGER_INCONSISTENT when they are of two heads. */
err_code published_open(struct call *call, const char *dir, bool sealed, struct published *ret);

/* The hardware's receipt for an entry, from its seal on the published head. Appends to ret. Errors:
 * NOT_FOUND when it is not published; LEDGER_INCONSISTENT. */
err_code published_receipt(struct call *call, const char *dir, const struct published *log,
                           uint64_t index, struct buf *ret);

/* The same, of consistency: the published log continues its first old entries. Errors: USAGE when
 * it is of no more; LEDGER_INCONSISTENT. */
err_code published_continues(struct call *call, const char *dir, const struct published *log,
                             uint64_t old, struct buf *ret);

#endif
