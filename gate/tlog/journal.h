/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h: the octets of a log's journal: a header that says what the log was when the journal
 * was begun, then a frame for each commit. Each frame is chained to what stands before it, and
 * names the root after it, which covers its entries: no octet can change, and no frame be
 * exchanged, unnoticed. The format is in docs/formats.md.
 */
#ifndef PAWL_TLOG_JOURNAL_H
#define PAWL_TLOG_JOURNAL_H

#include "gate/tlog/store.h"

#define JOURNAL_HEADER 96                    /* bytes */
#define JOURNAL_FRONT 56                     /* bytes of a frame before its entries */
#define JOURNAL_FRAME_MAX ((size_t)16 << 20) /* bytes of a frame */
#define JOURNAL_MAX ((size_t)64 << 20)       /* bytes of a journal: no commit makes it longer */

err_code journal_header(const struct tlog_head *base, uint8_t ret[static JOURNAL_HEADER],
                        struct digest *ret_check);

/* Error: LEDGER_INCONSISTENT. */
err_code journal_header_parse(struct slice bytes, struct tlog_head *ret_base,
                              struct digest *ret_check, struct why *why);

/* One commit. */
struct journal_frame {
    struct tlog_head head; /* after it */
    uint64_t first;        /* index of its first entry */
    uint32_t count;
    struct slice entries; /* as in an entry bundle. Borrows: from the journal */
    struct digest check;
    size_t end; /* offset behind it */
};

/* Makes a frame of bytes, which begin with JOURNAL_FRONT octets of room before the entries, and
 * appends the check. previous: the check before it. Error: NO_MEMORY, INTERNAL. */
err_code journal_frame(struct buf *bytes, const struct journal_frame *frame,
                       const struct digest *previous, struct digest *ret_check);

enum journal_at {
    JOURNAL_DAMAGED = 0, /* something valid follows, so it was not the last to be written */
    JOURNAL_TORN,        /* an interrupted write, or the end */
    JOURNAL_WHOLE,       /* its front is right; the root says whether its entries are */
};

/* What stands at an offset of a journal, behind the frames up to last, whose check is previous.
 * Error: INTERNAL. */
err_code journal_at(struct slice journal, size_t at, const struct tlog_head *last,
                    const struct digest *previous, struct journal_frame *ret,
                    enum journal_at *ret_at);

/* Whether a frame stands anywhere behind an offset that continues what was there. */
err_code journal_goes_on(struct slice journal, size_t at, const struct tlog_head *last,
                         const struct digest *previous, bool *ret);

#endif
