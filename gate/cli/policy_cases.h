/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cases.h: a file of tests for policies. JSON, so that editors check it; all members but
 * "policies", "cases", "request" and "decision" may be left out, unknown ones are refused:
 *
 *     {"policies": "builds.cedar",          paths are relative to this file
 *      "schema":   "builds.cedarschema",
 *      "entities": "groups.json",           or the list of entities itself
 *      "gate":     {"now": "2026-11-22T00:00:00Z", "epoch": 1, "domain": "example.org",
 *                   "gate": "gate-1", "zone": "lab"},
 *      "cases": [{"name": "no downloads at night",
 *                 "request":  {...},        AuthZEN, as for pawl check
 *                 "entities": [...],        instead of those above
 *                 "gate":     {...},        instead of what is named above
 *                 "decision": "deny",       or "permit"
 *                 "reason":   ["no-curl"],  the policies that determine it, in any order
 *                 "error":    "EVALUATION"  name of the error behind a denial (pawl-errors(7))
 *                }]}
 */
#ifndef PAWL_CLI_POLICY_CASES_H
#define PAWL_CLI_POLICY_CASES_H

#include "gate/cli/verb.h"
#include "gate/decide/question.h"

#define CASES_FILE_MAX ((size_t)4 << 20)
#define CASES_MAX 4096

/* One case, ready to be asked. Borrows: from the file. */
struct policy_case {
    const char *name; /* or its number */
    char number[24];
    bool permit;
    const json_t *reason; /* array of strings, or NULL */
    const char *error;    /* or NULL */
    struct rules *rules;
    struct request request;
    struct question *question;
};

struct policy_cases;

/* Reads the file and what it names. Errors: NOT_FOUND, JSON_MALFORMED, TEST_FILE naming the member.
 * Owns: policy_cases_free(). */
err_code policy_cases_open(const char *path, struct policy_cases **ret, struct why *why);
void policy_cases_free(struct policy_cases **cases);
size_t policy_cases_count(const struct policy_cases *cases);

/* Makes case i. Errors: TEST_FILE naming the member; those of rules_load, request_parse and
 * question_make. Owns: policy_case_done(). */
err_code policy_case_make(const struct policy_cases *cases, size_t i, struct policy_case *ret,
                          struct why *why);
void policy_case_done(struct policy_case *one);

#endif
