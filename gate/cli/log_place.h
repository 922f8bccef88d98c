/* SPDX-License-Identifier: Apache-2.0 */
/* log_place.h: where the log is that a verb is about: a gate's own, or a copy of nothing but its
 * files; and what it is judged by. */
#ifndef PAWL_CLI_LOG_PLACE_H
#define PAWL_CLI_LOG_PLACE_H

#include "gate/cli/verb.h"
#include "gate/decide/auditor.h"

/* Options that these verbs share. */
#define LOG_OPTION                                                                                 \
    {                                                                                              \
        "log", 0, OPT_VALUE, "DIR",                                                                \
            "a copy of a log's files (default: the log of the gate in --state)"                    \
    }
#define LOG_ENROLMENT_OPTION                                                                       \
    {                                                                                              \
        "enrolment", 0, OPT_VALUE, "FILE",                                                         \
            "the gate's enrolment file (default: the one in --state, or in the copy)"              \
    }

struct log_place {
    struct buf dir, enrolment_path, chain_path; /* NUL-terminated */
    bool own;                                   /* of the gate in --state */
    struct buf enrolment_bytes, chain;
    struct enrolment enrolment;
    struct decide_auditor auditor;
};
void log_place_free(struct log_place *place);

/* dir: given as an argument; NULL: --log, or the gate's own. */
err_code log_place_find(struct call *call, const char *dir, struct log_place *ret);

/* Reads the enrolment, and a token's certificates from beside it or from the log's seal. */
err_code log_place_trust(struct call *call, struct log_place *place);

#endif
