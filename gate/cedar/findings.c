/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

err_code cedar_findings_add(struct cedar_findings *findings, enum cedar_level level,
                            const char *code, const struct cedar_place *place, const char *format,
                            ...)
{
    struct cedar_finding *finding;
    va_list args;

    if (findings->n == findings->cap) {
        size_t cap = findings->cap == 0 ? 16 : 2 * findings->cap;
        struct cedar_finding *list = reallocarray(findings->list, cap, sizeof *list);

        if (list == NULL)
            return ERR_NO_MEMORY;
        findings->list = list;
        findings->cap = cap;
    }
    finding = &findings->list[findings->n++];
    *finding = (struct cedar_finding){.level = level, .code = code, .place = *place};
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    return ERR_OK;
}

void cedar_findings_free(struct cedar_findings *findings)
{
    free(findings->list);
    *findings = (struct cedar_findings){0};
}

const char *cedar_level_name(enum cedar_level level)
{
    static const char *const NAMES[] = {"note", "warning", "error"};

    return level <= CEDAR_ERROR ? NAMES[level] : NAMES[CEDAR_ERROR];
}
