/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cedar_filter.c: a filter for the comparison with Cedar's own implementation (test-env/interop/
 * cedar), never installed. Reads cases, one JSON object a line, and says for each what this library
 * makes of it, in the same fields as src/peer.rs there. With "explain" in a case the reasons of
 * refusals stand in fields that begin with "why"; a limit that was met is named as "limit".
 */
#include "gate/cedar/authorize.h"
#include "gate/cedar/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filter {
    struct cedar_worker *worker;
    json_t *answer;
    bool explain;
};

static struct slice text_of(const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);

    return (struct slice){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static json_t *string_of(struct slice text)
{
    return json_stringn_nocheck((const char *)text.ptr, text.len);
}

/* Says whether it succeeded, and with what refusal. */
static bool say(struct filter *f, json_t *to, const char *key, err_code err, const struct why *why)
{
    char name[64];
    bool limit = err == ERR_CEDAR_TEXT_SIZE || err == ERR_CEDAR_NESTING || err == ERR_CEDAR_COUNT ||
                 err == ERR_CEDAR_LIST_SIZE || err == ERR_CEDAR_STEPS;

    json_object_set_new(to, key, json_boolean(err == ERR_OK));
    if (limit || err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        json_object_set_new(f->answer, "limit", json_string(err_name(err)));
    if (err != ERR_OK && f->explain) {
        snprintf(name, sizeof name, "why_%s", key);
        json_object_set_new(to, name, json_sprintf("%s: %s", err_name(err), why->text));
    }
    return err == ERR_OK;
}

/* ---- policies ---- */

static bool uid_at(const json_t *object, const char *key, struct cedar_uid *ret)
{
    const json_t *uid = json_object_get(object, key);

    if (!json_is_object(uid) || !cedar_type_valid(text_of(uid, "type")))
        return false;
    *ret = cedar_uid_of(text_of(uid, "type"), text_of(uid, "id"));
    return true;
}

static bool link_one(struct cedar_policies **policies, const json_t *wanted)
{
    struct cedar_uid principal, resource;
    struct cedar_link link = {.template = text_of(wanted, "template"), .id = text_of(wanted, "id")};
    struct cedar_policies *more = NULL;
    struct why why = {0};

    if (uid_at(wanted, "principal", &principal))
        link.principal = &principal;
    if (uid_at(wanted, "resource", &resource))
        link.resource = &resource;
    if (cedar_link(*policies, &link, &more, &why) != ERR_OK)
        return false;
    cedar_free(policies);
    *policies = more;
    return true;
}

static void read_policies(struct filter *f, const json_t *input, struct cedar_policies **ret)
{
    struct slice source = text_of(input, "policies");
    json_t *links = json_object_get(input, "links"), *linked, *link;
    struct why why = {0};
    err_code err;
    size_t i;

    if (slice_eq_str(text_of(input, "form"), "json"))
        err = cedar_parse_json(source, ret, &why);
    else
        err = cedar_parse(source, ret, NULL, &why);
    if (!say(f, f->answer, "parse", err, &why))
        return;
    linked = json_array();
    json_array_foreach(links, i, link)
        json_array_append_new(linked, json_boolean(link_one(ret, link)));
    json_object_set_new(f->answer, "links", linked);
}

static void print(struct filter *f, const struct cedar_policies *policies)
{
    CLEANUP(buf_free) struct buf text = {0}, json = {0};
    struct why why = {0};
    err_code err = cedar_print(policies, &text);

    if (err == ERR_OK)
        err = cedar_print_json(policies, &json);
    if (err != ERR_OK) {
        say(f, f->answer, "print", err, &why);
        return;
    }
    json_object_set_new(f->answer, "text", string_of(buf_slice(&text)));
    json_object_set_new(f->answer, "json", string_of(buf_slice(&json)));
}

/* The formatted text must be stable and mean the same; its own text is not compared. */
static bool format_holds(const json_t *input)
{
    CLEANUP(buf_free) struct buf once = {0}, twice = {0}, before = {0}, after = {0};
    CLEANUP(cedar_free) struct cedar_policies *from = NULL, *to = NULL;
    struct slice source = text_of(input, "policies");
    struct why why = {0};

    return cedar_format(source, &once, NULL, &why) == ERR_OK &&
           cedar_format(buf_slice(&once), &twice, NULL, &why) == ERR_OK &&
           slice_eq(buf_slice(&once), buf_slice(&twice)) &&
           cedar_parse(source, &from, NULL, &why) == ERR_OK &&
           cedar_parse(buf_slice(&once), &to, NULL, &why) == ERR_OK &&
           cedar_print_json(from, &before) == ERR_OK && cedar_print_json(to, &after) == ERR_OK &&
           slice_eq(buf_slice(&before), buf_slice(&after));
}

/* ---- schema ---- */

static void read_schema(struct filter *f, const json_t *input, struct cedar_schema **ret)
{
    struct slice source = text_of(input, "schema");
    struct why why = {0};
    err_code err;

    if (!json_is_string(json_object_get(input, "schema")))
        return;
    if (slice_eq_str(text_of(input, "schema_form"), "json"))
        err = cedar_schema_parse_json(source, ret, &why);
    else
        err = cedar_schema_parse(source, ret, NULL, &why);
    say(f, f->answer, "schema", err, &why);
}

static void validate(struct filter *f, const struct cedar_schema *schema,
                     const struct cedar_policies *policies)
{
    struct cedar_findings findings = {0};
    struct why why = {0};
    err_code err = cedar_validate(schema, policies, &findings);

    for (size_t i = 0; err == ERR_OK && i < findings.n; i++)
        if (findings.list[i].level == CEDAR_ERROR)
            err = why_say(&why, ERR_CEDAR_INVALID, "%s: %s", findings.list[i].code,
                          findings.list[i].text);
    say(f, f->answer, "validate", err, &why);
    cedar_findings_free(&findings);
}

/* ---- requests ---- */

static json_t *ids_of(const struct cedar_policies *policies, const uint32_t *list, size_t n)
{
    json_t *ids = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(ids, string_of(cedar_at(policies, list[i])->id));
    return ids;
}

/* What the explanation says must be what the decision said. */
static bool explanation_holds(const struct cedar_policies *policies,
                              const struct cedar_entities *entities,
                              const struct cedar_request *request,
                              const struct cedar_answer *answer)
{
    struct cedar_explanation explanation = {0};
    enum cedar_effect effect = CEDAR_EFFECT_PERMIT;
    size_t reasons = 0, errors = 0;
    bool same = cedar_explain(policies, entities, request, &explanation) == ERR_OK;

    for (size_t i = 0; i < explanation.n; i++)
        if (explanation.list[i].outcome == CEDAR_SATISFIED &&
            explanation.list[i].policy->effect == CEDAR_EFFECT_FORBID)
            effect = CEDAR_EFFECT_FORBID;
    for (size_t i = 0; same && i < explanation.n; i++) {
        const struct cedar_reason *reason = &explanation.list[i];
        const struct cedar_policy *policy = reason->policy;

        if (reason->outcome == CEDAR_FAILED)
            same =
                errors < answer->n_errors && cedar_at(policies, answer->errors[errors++]) == policy;
        if (reason->outcome == CEDAR_SATISFIED && policy->effect == effect)
            same = reasons < answer->n_reasons &&
                   cedar_at(policies, answer->reasons[reasons++]) == policy;
    }
    cedar_explanation_free(&explanation);
    return same && reasons == answer->n_reasons && errors == answer->n_errors;
}

/* In gate mode a failure turns a permit into a denial without reasons; else both modes agree. */
static bool gate_holds(struct filter *f, const struct cedar_policies *policies,
                       const struct cedar_entities *entities, const struct cedar_request *request)
{
    struct cedar_answer cedar, gate;
    enum cedar_decision decision;
    size_t n_reasons, n_errors;

    if (cedar_authorize(policies, entities, request, CEDAR_MODE_CEDAR, f->worker, &cedar) != ERR_OK)
        return false;
    decision = cedar.decision;
    n_reasons = cedar.n_reasons;
    n_errors = cedar.n_errors;
    if (cedar_authorize(policies, entities, request, CEDAR_MODE_GATE, f->worker, &gate) != ERR_OK)
        return false;
    if (n_errors > 0 && decision == CEDAR_PERMIT)
        return gate.decision == CEDAR_DENY && gate.n_reasons == 0 && gate.n_errors == n_errors;
    return gate.decision == decision && gate.n_reasons == n_reasons && gate.n_errors == n_errors;
}

static void decide(struct filter *f, json_t *to, const struct cedar_policies *policies,
                   const struct cedar_entities *entities, const struct cedar_request *request)
{
    struct cedar_answer answer;
    struct why why = {0};
    err_code err =
        cedar_authorize(policies, entities, request, CEDAR_MODE_CEDAR, f->worker, &answer);

    if (err != ERR_OK) {
        say(f, to, "decided", err, &why);
        return;
    }
    json_object_set_new(to, "decision",
                        json_string(answer.decision == CEDAR_PERMIT ? "allow" : "deny"));
    json_object_set_new(to, "reason", ids_of(policies, answer.reasons, answer.n_reasons));
    json_object_set_new(to, "errors", ids_of(policies, answer.errors, answer.n_errors));
    if (!explanation_holds(policies, entities, request, &answer))
        json_object_set_new(to, "explanation", json_false());
    if (!gate_holds(f, policies, entities, request))
        json_object_set_new(to, "gate", json_false());
}

static json_t *answer_request(struct filter *f, const json_t *input,
                              const struct cedar_policies *policies,
                              const struct cedar_entities *entities,
                              const struct cedar_schema *schema)
{
    CLEANUP(cedar_owned_free) struct cedar_owned_value *owned = NULL;
    struct cedar_request request;
    struct why why = {0};
    json_t *to = json_object();
    err_code err;

    if (!uid_at(input, "principal", &request.principal) ||
        !uid_at(input, "action", &request.action) ||
        !uid_at(input, "resource", &request.resource)) {
        json_object_set_new(to, "names", json_false());
        return to;
    }
    err = cedar_value_parse(text_of(input, "context"), &owned, &why);
    if (err == ERR_OK && cedar_owned(owned).kind != CEDAR_RECORD)
        err = why_say(&why, ERR_CEDAR_ENTITY, "the context is no record");
    if (!say(f, to, "context", err, &why))
        return to;
    request.context = cedar_owned(owned);
    if (schema != NULL)
        say(f, to, "valid", cedar_validate_request(schema, &request, &why), &why);
    decide(f, to, policies, entities, &request);
    return to;
}

static void answer(struct filter *f, const json_t *input)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_entities_free) struct cedar_entities *entities = NULL;
    CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
    const json_t *requests = json_object_get(input, "requests"), *request;
    struct why why = {0};
    size_t i;

    read_policies(f, input, &policies);
    say(f, f->answer, "entities", cedar_entities_parse(text_of(input, "entities"), &entities, &why),
        &why);
    read_schema(f, input, &schema);
    if (schema != NULL && policies != NULL)
        validate(f, schema, policies);
    if (schema != NULL && entities != NULL)
        say(f, f->answer, "valid_entities", cedar_validate_entities(schema, entities, &why), &why);
    if (policies != NULL && entities != NULL) {
        json_t *answers = json_array();

        json_array_foreach(requests, i, request)
            json_array_append_new(answers, answer_request(f, request, policies, entities, schema));
        json_object_set_new(f->answer, "answers", answers);
    }
    if (policies == NULL || !json_is_true(json_object_get(input, "print")))
        return;
    print(f, policies);
    if (!slice_eq_str(text_of(input, "form"), "json") && !format_holds(input))
        json_object_set_new(f->answer, "format", json_false());
}

int main(void)
{
    struct filter f = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    if (cedar_worker_make(&f.worker) != ERR_OK)
        return 1;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_t *input = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
        char *text;

        if (input == NULL) {
            fprintf(stderr, "cedar_filter: a line is no JSON\n");
            return 1;
        }
        f.answer = json_object();
        f.explain = json_is_true(json_object_get(input, "explain"));
        answer(&f, input);
        text = json_dumps(f.answer, JSON_COMPACT);
        puts(text == NULL ? "{}" : text);
        fflush(stdout);
        free(text);
        json_decref(f.answer);
        json_decref(input);
    }
    free(line);
    cedar_worker_free(&f.worker);
    return 0;
}
