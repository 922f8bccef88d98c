/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof_file.h: a proof that an entry is in a log, as a text file of its own (C2SP tlog-proof v1,
 * "*.tlog-proof"): index, inclusion path, checkpoint. Whoever knows the entry, the log's key and
 * the witnesses can check it offline.
 */
#ifndef PAWL_TLOG_PROOF_FILE_H
#define PAWL_TLOG_PROOF_FILE_H

#include "gate/tlog/cosign.h"
#include "gate/tlog/tree.h"

#define PROOF_FILE_MAX ((size_t)512 << 10)
#define PROOF_EXTRA_MAX ((size_t)128 << 10) /* bytes, before base64 */

struct proof_file {
    uint64_t index;
    struct tree_path path;
    struct slice checkpoint; /* the signed note, borrowed */
    struct buf extra;        /* nothing vouches for it; empty for none */
};
void proof_file_free(struct proof_file *file);

/* Appends the text. Errors: FORMAT when the checkpoint is no note, TOO_LARGE. */
err_code proof_file_make(const struct proof_file *from, struct buf *ret, struct why *why);

/* Reads the text; nothing is verified. There is one spelling of every file. Borrows the checkpoint
 * from bytes. Errors: FORMAT, TOO_LARGE. Owns: proof_file_free. */
err_code proof_file_parse(struct slice bytes, struct proof_file *ret, struct why *why);

/* Verifies that the entry stands at file->index in the log of the policy, cosigned as it asks.
 * Fills *ret. Errors: those of cosign_open; FORMAT when index and path do not fit the size;
 * LEDGER_INCONSISTENT when they lead to another root. */
err_code proof_file_verify(const struct proof_file *file, struct slice entry,
                           const struct cosign_policy *policy, struct cosign_verdict *ret,
                           struct why *why);

#endif
