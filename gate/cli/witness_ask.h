/* SPDX-License-Identifier: Apache-2.0 */
/* witness_ask.h: asks one witness over the network for its cosignature on a checkpoint. */
#ifndef PAWL_CLI_WITNESS_ASK_H
#define PAWL_CLI_WITNESS_ASK_H

#include "gate/tlog/cosign.h"
#include "gate/tlog/witness.h"

#define WITNESS_TIMEOUT_MS 30000u

struct witness_job {
    const char *url;
    const char *name;
    struct slice note;            /* the checkpoint, with the log's signature */
    struct checkpoint checkpoint; /* of that note */
    struct tree_source source;    /* of the log, for proofs from what the witness has seen */
    unsigned timeout_ms;          /* of each request */
};

/* The signature lines that it answers, not verified: cosign_merge() does. What the witness has seen
 * last it says itself. Appends to ret. Errors: those of http_post() and witness_talk_take(). */
err_code witness_ask(const struct witness_job *job, struct buf *ret, struct why *why);

#endif
