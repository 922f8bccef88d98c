/* SPDX-License-Identifier: Apache-2.0 */
/* audit_journal.h: the journal of a log as an auditor reads it: what it says of itself, held
 * against nothing yet. Bytes: docs/formats.md. */
#ifndef PAWL_LEDGER_AUDIT_JOURNAL_H
#define PAWL_LEDGER_AUDIT_JOURNAL_H

#include "gate/ledger/audit_tree.h"
#include "gate/tlog/store.h"

#define AUDIT_JOURNAL_MAX ((size_t)256 << 20)

struct audit_journal {
    bool found;
    struct tlog_head base;   /* with what it begins */
    struct tlog_head *heads; /* after each frame */
    size_t n_heads;
    struct slice *entries; /* of the frames, one after the other; the first is entry base.size */
    size_t n_entries;
    size_t torn; /* bytes of a commit at the end that was interrupted, or of one that was damaged */
    size_t last_at; /* offset of the last frame */
    struct audit_room bytes;
    /* What is wrong with it, beyond the end: nothing behind at is used. */
    bool damaged;
    uint64_t at; /* the first entry that cannot be read */
    char text[160];
};
void audit_journal_free(struct audit_journal *journal);

/* Reads it. Damage is no error. Errors: STORAGE, NO_MEMORY, TOO_LARGE. Owns: freed by the caller.
 */
err_code audit_journal_read(const struct audit_dir *dir, struct audit_journal *ret,
                            struct why *why);

/* Of a commit that was interrupted the front may have reached the disk and the entries not: a last
 * frame whose entries are not those of its root is torn, as for the writer when it opens the
 * journal. Not if the log ever had promised entries and they are of that frame: then it was whole.
 * Errors: STORAGE, NO_MEMORY. */
err_code audit_journal_settle(struct audit_journal *journal, const struct audit_dir *dir,
                              struct hasher *hasher, uint64_t promised, struct why *why);

/* Entry index, if the journal holds it. */
bool audit_journal_entry(const struct audit_journal *journal, uint64_t index, struct slice *ret);
/* The round of the commit that entry index stands in, if the journal holds it. */
bool audit_journal_round(const struct audit_journal *journal, uint64_t index, uint64_t *ret);
/* Behind its last entry; 0 without a journal. */
uint64_t audit_journal_end(const struct audit_journal *journal);

#endif
