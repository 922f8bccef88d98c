/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_lint.c: pawl policy lint: what a gate would refuse, and what looks wrong. */
#include "gate/base/file.h"
#include "gate/cedar/gate_check.h"
#include "gate/cedar/lint.h"
#include "gate/cedar/schema.h"
#include "gate/cli/verbs.h"
#include "gate/policy/rules.h"

#include <stdio.h>
#include <string.h>

static const struct opt OPTIONS[] = {
    {"schema", 0, OPT_VALUE, "FILE", "validate against this Cedar schema"},
    {"entities", 0, OPT_VALUE, "FILE", "validate these entities (JSON), too"},
    {0},
};

struct lint {
    struct call *call;
    json_t *list;
    unsigned n_errors;
    struct cedar_schema *schema; /* NULL: none */
};

static void lint_done(struct lint *lint)
{
    cedar_schema_free(&lint->schema);
}

static void put_finding(struct lint *lint, const char *file, const struct cedar_finding *finding,
                        const char *text)
{
    const char *level = cedar_level_name(finding->level);
    json_t *entry = add_object(lint->list);

    lint->n_errors += finding->level == CEDAR_ERROR;
    put_text(entry, "file", file);
    put_uint(entry, "line", finding->place.line);
    put_uint(entry, "column", finding->place.column);
    put_text(entry, "level", level);
    put_text(entry, "code", finding->code);
    put_text(entry, "text", text);
    say(lint->call, "%s:%u:%u: %s: %s [%s]", file, finding->place.line, finding->place.column,
        level, text, finding->code);
}

/* A file that cannot be read as what it should be. The sentence may begin with the place, which is
 * printed anyhow. */
static void put_refusal(struct lint *lint, const char *file, err_code err,
                        const struct cedar_place *where, const struct why *why)
{
    const struct cedar_finding finding = {CEDAR_ERROR, err_name(err), *where, {0}};
    char place[32];
    int len = snprintf(place, sizeof place, "%u:%u: ", where->line, where->column);
    bool twice = len > 0 && strncmp(why->text, place, (size_t)len) == 0;

    put_finding(lint, file, &finding, why->text + (twice ? len : 0));
}

static void put_findings(struct lint *lint, const char *file, const struct cedar_findings *findings)
{
    for (size_t i = 0; i < findings->n; i++)
        put_finding(lint, file, &findings->list[i], findings->list[i].text);
}

static err_code lint_policies(struct lint *lint, const char *file)
{
    CLEANUP(buf_free) struct buf text = {0};
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings found = {0}, invalid = {0};
    struct cedar_place where = {.line = 1, .column = 1};
    struct why why = {0};
    err_code err;

    TRY(file_read(file, RULES_TEXT_MAX, &text, &lint->call->why));
    err = cedar_parse(buf_slice(&text), &policies, &where, &why);
    if (err == ERR_OK)
        err = cedar_gate_check(policies, &where, &why);
    if (err != ERR_OK)
        put_refusal(lint, file, err, &where, &why);
    if (policies == NULL)
        return ERR_OK;
    TRY(cedar_lint(policies, &found));
    put_findings(lint, file, &found);
    if (lint->schema == NULL)
        return ERR_OK;
    TRY(cedar_validate(lint->schema, policies, &invalid));
    put_findings(lint, file, &invalid);
    return ERR_OK;
}

static err_code read_schema(struct lint *lint, const char *file)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct cedar_place where = {.line = 1, .column = 1};
    struct why why = {0};
    err_code err;

    if (file == NULL)
        return ERR_OK;
    TRY(file_read(file, RULES_TEXT_MAX, &text, &lint->call->why));
    err = cedar_schema_parse(buf_slice(&text), &lint->schema, &where, &why);
    if (err != ERR_OK)
        put_refusal(lint, file, err, &where, &why);
    return ERR_OK;
}

static err_code lint_entities(struct lint *lint, const char *file)
{
    CLEANUP(buf_free) struct buf text = {0};
    CLEANUP(cedar_entities_free) struct cedar_entities *entities = NULL;
    const struct cedar_place top = {.line = 1, .column = 1};
    struct why why = {0};
    err_code err;

    if (file == NULL)
        return ERR_OK;
    TRY(file_read(file, RULES_TEXT_MAX, &text, &lint->call->why));
    err = cedar_entities_parse(buf_slice(&text), &entities, &why);
    if (err == ERR_OK && lint->schema != NULL)
        err = cedar_validate_entities(lint->schema, entities, &why);
    if (err != ERR_OK)
        put_refusal(lint, file, err, &top, &why);
    return ERR_OK;
}

static err_code run(struct call *call)
{
    CLEANUP(lint_done)
    struct lint lint = {.call = call, .list = put_array(call->json, "findings")};

    TRY(read_schema(&lint, args_value(call->args, "schema", NULL)));
    TRY(lint_entities(&lint, args_value(call->args, "entities", NULL)));
    for (size_t i = 0; i < call->args->n_plain; i++)
        TRY(lint_policies(&lint, call->args->plain[i]));
    put_uint(call->json, "errors", lint.n_errors);
    say(call, "%zu files, %zu findings, %u errors", call->args->n_plain, json_array_size(lint.list),
        lint.n_errors);
    if (lint.n_errors > 0) {
        put_text(call->json, "reason", err_name(ERR_LINT));
        call->exit = err_exit(ERR_LINT);
    }
    return ERR_OK;
}

const struct verb VERB_POLICY_LINT = {
    .name = "policy lint",
    .arguments = "FILE...",
    .summary = "read Cedar policies as a gate will, and point out what looks wrong",
    .details = "Exit code 4 when something must be mended.",
    .opts = OPTIONS,
    .least = 1,
    .most = ARGS_MAX,
    .run = run,
};
