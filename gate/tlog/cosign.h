/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cosign.h: cosignatures of witnesses on a checkpoint (C2SP tlog-cosignature): which witnesses one
 * has chosen, how many of them must have signed, and taking their lines into a checkpoint.
 */
#ifndef PAWL_TLOG_COSIGN_H
#define PAWL_TLOG_COSIGN_H

#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/note.h"

#define COSIGN_WITNESSES_MAX 32

/* Borrows its keys. need 0: no cosignature is needed, though those that are there must verify. */
struct cosign_policy {
    const struct note_key *log;
    const struct note_key *witnesses; /* each of type cosignature */
    size_t n_witnesses, need;
};

/* Refuses a policy that counts one key twice, under whatever name, the log's key as its own
 * witness, keys of another type, or one that cannot be met. Error: KEY_MALFORMED. */
err_code cosign_policy_check(const struct cosign_policy *policy, struct why *why);

/* What a checkpoint has that the policy lets through. Borrows from its bytes. */
struct cosign_verdict {
    struct note note;
    struct checkpoint_text text;
    size_t n_good;
    struct note_good witnesses[COSIGN_WITNESSES_MAX]; /* as in the policy */
};

/* Opens a checkpoint: the log's signature, its origin, and the cosignatures. Errors: those of
 * checkpoint_note_open and cosign_policy_check; THRESHOLD when too few of the witnesses signed. */
err_code cosign_open(struct slice bytes, const struct cosign_policy *policy,
                     struct cosign_verdict *ret, struct why *why);

/* Takes the signature lines that a witness answered with into a checkpoint: only lines by the
 * policy's witnesses, verified, the newest of each, in the place of the one that is there. What
 * else is in the checkpoint stays. Appends the new checkpoint to ret; *ret_new tells how many lines
 * were taken. Errors: those of cosign_open without need; FORMAT, SIGNATURE_INVALID for the lines;
 * SIGNER_UNKNOWN when no line is by a witness. */
err_code cosign_merge(struct slice bytes, struct slice lines, const struct cosign_policy *policy,
                      struct buf *ret, size_t *ret_new, struct why *why);

#endif
