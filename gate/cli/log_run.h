/* SPDX-License-Identifier: Apache-2.0 */
/* log_run.h: one run of pawl log verify or audit: what the log is held against besides itself, and
 * what was found. */
#ifndef PAWL_CLI_LOG_RUN_H
#define PAWL_CLI_LOG_RUN_H

#include "gate/cli/log_place.h"
#include "gate/cli/progress.h"

struct log_run {
    struct call *call;
    struct log_place place;
    struct audit_view *views; /* their names are owned */
    size_t n_views;
    struct audit_disclosed *disclosed; /* as are these */
    struct buf *disclosed_bytes;
    size_t n_disclosed;
    struct buf since_path, since; /* the file, and what it says */
    struct buf memory;            /* of the head that is being verified */
    json_t *findings;             /* audit: all of them */
    struct progress progress;
    uint64_t apart; /* records of epochs whose bundle was not given */
    int exit;       /* of the first finding */
};
void log_run_free(struct log_run *run);

/* Something is wrong with the log, or with a file that was given: of no entry. */
void log_run_add(struct log_run *run, const struct audit_finding *finding);
void log_run_fault(struct log_run *run, enum audit_kind kind, const char *file, const char *text);

/* Reads what was given: permits and checkpoints that the log must contain. What proves nothing is a
 * finding of an audit, and an error of verify. */
err_code log_run_take_views(struct log_run *run);
/* The authority's bundles: what was given, and what the gate installed last. For an audit. */
err_code log_run_take_bundles(struct log_run *run);

/* Disclosures without their permits. For an audit. */
err_code log_run_take_disclosures(struct log_run *run);
/* Witnesses whose lines are judged: those of gate.json, and those that were given. */
err_code log_run_take_witnesses(struct log_run *run);

/* What was verified before: where that is remembered; into a job; remembering what this one found
 * good. */
err_code log_run_since_path(struct log_run *run);
err_code log_run_read_since(struct log_run *run, struct audit_job *job);
err_code log_run_write_since(struct log_run *run, const struct checkpoint *head);

#endif
