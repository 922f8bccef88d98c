/* SPDX-License-Identifier: Apache-2.0 */
/* witness_testing.h: runs the witness of test-env/fixtures/witness.py for the tests of this room.
 */
#ifndef PAWL_CLI_WITNESS_TESTING_H
#define PAWL_CLI_WITNESS_TESTING_H

#include "gate/tlog/note.h"

#include <sys/types.h>

/* A witness that is running, or {.in = -1}. */
struct witness_process {
    pid_t pid;
    int in; /* it ends with this */
    char vkey[512];
    struct note_key key;
    char url[128];
};

/* Ends the test program with 77 when the witness cannot run here. */
void witness_need(void);

/* listen: "unix:PATH" or "tcp:0". What it remembers lies in state from one start to the next. */
struct witness_start {
    const char *state, *listen, *name, *log; /* log: the verifier key that it trusts */
};
void witness_begin(const struct witness_start *start, struct witness_process *ret);
void witness_end(struct witness_process *process);

#endif
