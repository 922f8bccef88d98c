/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint_text.h: the text of a checkpoint as logs publish it (C2SP tlog-checkpoint): origin,
 * size, root, one a line; and the signed note around it. Lines that follow these three are opaque
 * here and kept.
 */
#ifndef PAWL_TLOG_CHECKPOINT_TEXT_H
#define PAWL_TLOG_CHECKPOINT_TEXT_H

#include "gate/tlog/checkpoint.h"
#include "gate/tlog/note.h"

struct checkpoint_text {
    struct slice origin; /* without its end of line */
    struct checkpoint checkpoint;
    struct slice extension; /* whole lines; empty for none */
};

/* Reads the text of a note. Numbers have no leading zero, the root one spelling, and the root of
 * size 0 is that of the empty tree. Borrows from text. Errors: FORMAT. */
err_code checkpoint_text_parse(struct slice text, struct checkpoint_text *ret, struct why *why);

/* Appends the text. Error: FORMAT when origin or extension cannot stand in one. */
err_code checkpoint_text_make(const struct checkpoint_text *from, struct buf *ret, struct why *why);

/* Appends the whole signed note: what stands in the file "checkpoint". The origin is the name of
 * the signer's key. Errors: FORMAT, KEY_SIGN. */
err_code checkpoint_note_make(const struct checkpoint *checkpoint, const struct note_signer *signer,
                              struct buf *ret, struct why *why);

/* Reads a signed note, verifies the log's signature and that the origin is the log's name. Borrows
 * from bytes. Errors: FORMAT, TOO_LARGE, SIGNATURE_INVALID; SIGNER_UNKNOWN when the log's key did
 * not sign or it is another log. */
err_code checkpoint_note_open(struct slice bytes, const struct note_key *log, struct note *ret_note,
                              struct checkpoint_text *ret, struct why *why);

/* The head that a signed note names, by whomever it is signed: a claim, and no more. Errors:
 * FORMAT, TOO_LARGE. */
err_code checkpoint_claimed(struct slice bytes, struct checkpoint *ret, struct why *why);

/* Appends the origin of a gate's log, which is also the name of its key: "<domain>/<gate>",
 * percent-encoded. NUL-terminated beyond its length. */
err_code tlog_origin(struct slice domain, struct slice gate, struct buf *ret);

/* ---- pieces that proof files and witness messages share -------------------------------------- */

/* Takes a line off the front of rest, without its end. Error: FORMAT when none is left or it has no
 * end. */
err_code note_line(struct slice *rest, struct slice *ret);
/* A decimal number without sign or leading zero. Error: FORMAT. */
err_code note_number(struct slice line, uint64_t *ret);
/* A hash in base64. Error: FORMAT. */
err_code note_hash(struct slice line, struct digest *ret);
/* Append "prefix number LF" and "base64 LF". */
err_code note_put_number(const char *prefix, uint64_t number, struct buf *ret);
err_code note_put_hash(const struct digest *hash, struct buf *ret);

#endif
