/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h: what there is to say of policies, place by place: the linter and the validator do. */
#ifndef PAWL_CEDAR_FINDINGS_H
#define PAWL_CEDAR_FINDINGS_H

#include "gate/cedar/cedar.h"

enum cedar_level { CEDAR_NOTE = 0, CEDAR_WARNING, CEDAR_ERROR };

struct cedar_finding {
    enum cedar_level level;
    const char *code; /* stable name, such as "NEVER_PERMITS": pawl-policy(1) lists them */
    struct cedar_place place;
    char text[256]; /* one sentence, printable ASCII */
};
struct cedar_findings {
    struct cedar_finding *list;
    size_t n, cap;
};

/* Adds one finding; the sentence is cut at its size. Error: NO_MEMORY. */
[[gnu::format(printf, 5, 6)]] err_code cedar_findings_add(struct cedar_findings *findings,
                                                          enum cedar_level level, const char *code,
                                                          const struct cedar_place *place,
                                                          const char *format, ...);
void cedar_findings_free(struct cedar_findings *findings);
const char *cedar_level_name(enum cedar_level level); /* "note", "warning", "error" */

#endif
