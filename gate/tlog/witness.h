/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h: what a log sends to a witness and what comes back (C2SP tlog-witness, add-checkpoint),
 * as bytes; somebody else carries them. A witness that has seen more of a log than the log has, or
 * something else, is how a lost or forked ledger shows.
 */
#ifndef PAWL_TLOG_WITNESS_H
#define PAWL_TLOG_WITNESS_H

#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/tree.h"

#define WITNESS_PATH_MAX 63 /* hashes in a request */
#define WITNESS_REQUEST_MAX (NOTE_SIZE_MAX + 4096)
#define WITNESS_RESPONSE_MAX ((size_t)64 << 10) /* bytes that are read of an answer */
#define WITNESS_SIZE_TYPE "text/x.tlog.size"

struct witness_request {
    uint64_t old; /* the size that the witness is believed to have seen last; 0: none */
    struct tree_path path;
    struct slice checkpoint; /* the signed note; borrowed */
};

/* Appends the body of the request. Errors: FORMAT when the checkpoint is no note or an old size 0
 * comes with a path; TOO_LARGE. */
err_code witness_request_make(const struct witness_request *from, struct buf *ret, struct why *why);
/* Reads one, as a witness does. Borrows. Errors: FORMAT, TOO_LARGE. */
err_code witness_request_parse(struct slice bytes, struct witness_request *ret, struct why *why);

enum witness_answer {
    WITNESS_NONE = 0,
    WITNESS_COSIGNED, /* body: signature lines, not verified yet */
    WITNESS_CONFLICT, /* it has seen another size last */
};

struct witness_response {
    unsigned status;   /* of HTTP */
    struct slice type; /* Content-Type; empty for none */
    struct slice body;
};

struct witness_word {
    enum witness_answer answer;
    uint64_t size;      /* conflict: what it has seen last */
    struct slice lines; /* cosigned; borrowed from the body */
};

/* Reads an answer. name is the witness's, for the sentence. Errors: LEDGER_INCONSISTENT when it
 * says that the checkpoint does not continue what it has seen (422); WITNESS_REFUSED for any other
 * refusal, and for an answer that is none; TOO_LARGE. */
err_code witness_response_parse(const struct witness_response *response, const char *name,
                                struct witness_word *ret, struct why *why);

/* Everything that a witness is asked about one checkpoint, as a loop without the carrying: the next
 * request, then the answer to it. At most WITNESS_TRIES requests. */
#define WITNESS_TRIES 4

struct witness_talk {
    const char *name;
    struct slice note;            /* the checkpoint to be cosigned */
    struct checkpoint checkpoint; /* of that note */
    uint64_t old;
    unsigned tries;
};

/* Appends the next request, with the proof from what the witness has seen last. Errors: those of
 * the source; WITNESS_REFUSED when it has been asked too often. */
err_code witness_talk_next(struct witness_talk *talk, struct tree_source source, struct buf *ret,
                           struct why *why);
/* Takes its answer: *ret_done, or ask again. Errors: as witness_response_parse; LEDGER_ROLLBACK
 * when it has seen more than the log has. */
err_code witness_talk_take(struct witness_talk *talk, const struct witness_response *response,
                           struct slice *ret_lines, bool *ret_done, struct why *why);

#endif
