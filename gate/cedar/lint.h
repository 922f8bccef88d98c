/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h: policies that parse, but perhaps do not say what their author meant. */
#ifndef PAWL_CEDAR_LINT_H
#define PAWL_CEDAR_LINT_H

#include "gate/cedar/policies.h"

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

/* What a careful reader would remark on policies that parse: first on the whole, then policy by
 * policy in the order of the text; the same place may have several. Error: NO_MEMORY. Owns: the
 * caller frees *ret. */
err_code cedar_lint(const struct cedar_policies *policies, struct cedar_findings *ret);

/* What a gate refuses to load although it is Cedar. Errors: CEDAR_ANNOTATION (any but @id and
 * @description; an @id that is empty, longer than CEDAR_GATE_NAME_MAX bytes or not plain text, as
 * text_is_plain means it; the name of another policy), CEDAR_UNSUPPORTED (a template); why says
 * line:column, which *where (may be NULL) is, too. */
#define CEDAR_GATE_NAME_MAX 256
err_code cedar_gate_check(const struct cedar_policies *policies, struct cedar_place *where,
                          struct why *why);

/* Adds one finding; the sentence is cut at its size. Error: NO_MEMORY. */
[[gnu::format(printf, 5, 6)]] err_code cedar_findings_add(struct cedar_findings *findings,
                                                          enum cedar_level level, const char *code,
                                                          const struct cedar_place *place,
                                                          const char *format, ...);
void cedar_findings_free(struct cedar_findings *findings);
const char *cedar_level_name(enum cedar_level level); /* "note", "warning", "error" */

#endif
