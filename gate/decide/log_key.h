/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_key.h: the Ed25519 key that a gate's log is published with: the C2SP world (witnesses, fsck)
 * takes no other. It lies on the disk and proves no more than that; what pawl trusts is the
 * hardware's receipt over the same root. Its public half stands in the enrolment.
 */
#ifndef PAWL_DECIDE_LOG_KEY_H
#define PAWL_DECIDE_LOG_KEY_H

#include "gate/tlog/note.h"
#include "hw/ed25519.h"

struct log_key {
    struct hw_ed25519 pair;
    struct note_key key; /* named like the log's origin */
};
void log_key_free(struct log_key *key);

/* Reads <state>/log.key. Errors: STATE_CORRUPT when it is gone or is not the key that the vkey of
 * the enrolment names; those of reading. Owns: log_key_free(). */
err_code log_key_load(const char *state_dir, struct slice vkey, struct log_key *ret,
                      struct why *why);

/* Makes <state>/log.key unless it is there, and appends its vkey for this origin. */
err_code log_key_make(const char *state_dir, struct slice origin, struct buf *ret_vkey,
                      struct why *why);

#endif
