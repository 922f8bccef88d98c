/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_lint.c: pawl policy lint: what a gate would refuse, and what looks wrong. */
#include "gate/base/file.h"
#include "gate/cedar/gate_check.h"
#include "gate/cedar/lint.h"
#include "gate/cedar/schema.h"
#include "gate/cli/verbs.h"
#include "gate/policy/rules.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct opt OPTIONS[] = {
    {"schema", 0, OPT_VALUE, "FILE", "validate against this Cedar schema (text or JSON)"},
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
    char place[32] = "";

    lint->n_errors += finding->level == CEDAR_ERROR;
    put_text(entry, "file", file);
    if (finding->place.line != 0) {
        (void)snprintf(place, sizeof place, ":%u:%u", finding->place.line, finding->place.column);
        put_uint(entry, "line", finding->place.line);
        put_uint(entry, "column", finding->place.column);
    }
    put_text(entry, "level", level);
    put_text(entry, "code", finding->code);
    put_text(entry, "text", text);
    say(lint->call, "%s%s: %s: %s [%s]", file, place, level, text, finding->code);
}

/* The number before the colon that follows it, and where the text goes on. */
static const char *take_number(const char *text, unsigned *ret)
{
    *ret = 0;
    for (; *text >= '0' && *text <= '9' && *ret < UINT_MAX / 10 - 1; text++)
        *ret = 10 * *ret + (unsigned)(*text - '0');
    return *ret > 0 && *text == ':' ? text + 1 : NULL;
}

/* Takes "3:9: ", at the beginning or after another ": ", out of a sentence. */
static struct cedar_place take_place(char *text)
{
    for (char *at = text; at != NULL; at = strstr(at, ": ")) {
        struct cedar_place place = {0};
        const char *rest;

        at += at == text ? 0 : 2;
        rest = take_number(at, &place.line);
        rest = rest == NULL ? NULL : take_number(rest, &place.column);
        if (rest != NULL && *rest == ' ') {
            memmove(at, rest + 1, strlen(rest));
            return place;
        }
    }
    return (struct cedar_place){0};
}

/* A file that cannot be read as what it should be. Where *where does not say it, the sentence tells
 * the place; it is printed before the sentence. */
static void put_refusal(struct lint *lint, const char *file, err_code err,
                        const struct cedar_place *where, const struct why *why)
{
    struct cedar_finding finding = {CEDAR_ERROR, err_name(err), *where, {0}};
    struct why rest = *why;
    char place[32];
    int len = snprintf(place, sizeof place, "%u:%u: ", where->line, where->column);

    if (where->line == 0)
        finding.place = take_place(rest.text);
    else if (len > 0 && strncmp(rest.text, place, (size_t)len) == 0)
        memmove(rest.text, rest.text + len, strlen(rest.text + len) + 1);
    put_finding(lint, file, &finding, rest.text);
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
    struct cedar_place where = {0};
    struct why why = {0};
    err_code err;

    if (file == NULL)
        return ERR_OK;
    TRY(file_read(file, RULES_TEXT_MAX, &text, &lint->call->why));
    err = cedar_schema_read(buf_slice(&text), &lint->schema, &where, &why);
    if (err != ERR_OK)
        put_refusal(lint, file, err, &where, &why);
    return ERR_OK;
}

static err_code lint_entities(struct lint *lint, const char *file)
{
    CLEANUP(buf_free) struct buf text = {0};
    CLEANUP(cedar_entities_free) struct cedar_entities *entities = NULL;
    const struct cedar_place nowhere = {0};
    struct why why = {0};
    err_code err;

    if (file == NULL)
        return ERR_OK;
    TRY(file_read(file, RULES_TEXT_MAX, &text, &lint->call->why));
    err = cedar_entities_parse(buf_slice(&text), &entities, &why);
    if (err == ERR_OK && lint->schema != NULL)
        err = cedar_validate_entities(lint->schema, entities, &why);
    if (err != ERR_OK)
        put_refusal(lint, file, err, &nowhere, &why);
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
