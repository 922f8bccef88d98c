/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/policy_cases.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/policy/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy_cases {
    json_t *top;
    struct buf dir; /* of the file, with the slash */
    struct buf policies, schema, entities;
    bool has_schema, has_entities;
};

static void text_free(char **text)
{
    free(*text);
}

void policy_cases_free(struct policy_cases **cases)
{
    struct policy_cases *c = *cases;

    if (c == NULL)
        return;
    json_decref(c->top);
    buf_free(&c->dir);
    buf_free(&c->policies);
    buf_free(&c->schema);
    buf_free(&c->entities);
    free(c);
    *cases = NULL;
}

/* ---- members --------------------------------------------------------------------------------- */

/* Refuses a member that is none: a misspelt expectation would expect nothing. */
static err_code only(json_t *object, const char *where, const char *const *names, struct why *why)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return why_say(why, ERR_TEST_FILE, "%s is not an object", where);
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], key) != 0)
            i++;
        if (names[i] == NULL)
            return why_say(why, ERR_TEST_FILE, "%s has a member \"%.64s\", which means nothing",
                           where, key);
    }
    return ERR_OK;
}

/* A string member, or *ret = NULL. */
static err_code text_of(const json_t *object, const char *name, const char **ret, struct why *why)
{
    const json_t *member = json_object_get(object, name);

    *ret = json_string_value(member);
    if (member != NULL && *ret == NULL)
        return why_say(why, ERR_TEST_FILE, "\"%s\" is not a string", name);
    return ERR_OK;
}

static err_code read_named(const struct policy_cases *cases, const char *name, struct buf *ret,
                           struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    if (name[0] != '/')
        TRY(buf_add_slice(&path, buf_slice(&cases->dir)));
    TRY(buf_add_str(&path, name));
    TRY(buf_terminate(&path));
    return file_read((const char *)path.ptr, RULES_TEXT_MAX, ret, why);
}

static err_code read_part(struct policy_cases *cases, const char *member, struct buf *ret,
                          bool *ret_has, struct why *why)
{
    const char *name;

    TRY(text_of(cases->top, member, &name, why));
    *ret_has = name != NULL;
    return name == NULL ? ERR_OK : read_named(cases, name, ret, why);
}

/* A path, or the list itself. */
static err_code read_entities(const struct policy_cases *cases, const json_t *member,
                              struct buf *ret, struct why *why)
{
    CLEANUP(text_free) char *text = NULL;

    if (json_is_string(member))
        return read_named(cases, json_string_value(member), ret, why);
    if (!json_is_array(member))
        return why_say(why, ERR_TEST_FILE, "\"entities\" is neither a path nor a list");
    text = json_dumps(member, JSON_COMPACT);
    return text == NULL ? ERR_NO_MEMORY : buf_add_str(ret, text);
}

/* ---- the file -------------------------------------------------------------------------------- */

static err_code read_top(const char *path, struct policy_cases *cases, struct why *why)
{
    static const char *const MEMBERS[] = {"policies", "schema", "entities", "gate", "cases", NULL};
    CLEANUP(buf_free) struct buf text = {0};
    json_error_t error;

    TRY(file_read(path, CASES_FILE_MAX, &text, why));
    cases->top = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (cases->top == NULL)
        return why_say(why, ERR_JSON_MALFORMED, "%d:%d: %s", error.line, error.column, error.text);
    TRY(only(cases->top, "the file", MEMBERS, why));
    if (!json_is_string(json_object_get(cases->top, "policies")))
        return why_say(why, ERR_TEST_FILE, "\"policies\" is missing: the path of a Cedar text");
    if (!json_is_array(json_object_get(cases->top, "cases")) ||
        json_array_size(json_object_get(cases->top, "cases")) > CASES_MAX)
        return why_say(why, ERR_TEST_FILE, "\"cases\" is not a list of at most %d", CASES_MAX);
    if (json_array_size(json_object_get(cases->top, "cases")) == 0)
        return why_say(why, ERR_TEST_FILE, "\"cases\" is empty, so nothing would be tested");
    return ERR_OK;
}

static err_code open_in(const char *path, struct policy_cases *cases, struct why *why)
{
    const char *slash = strrchr(path, '/');
    const json_t *entities;
    bool has;

    if (slash != NULL)
        TRY(buf_add(&cases->dir, path, (size_t)(slash - path) + 1));
    TRY(read_top(path, cases, why));
    TRY(read_part(cases, "policies", &cases->policies, &has, why));
    TRY(read_part(cases, "schema", &cases->schema, &cases->has_schema, why));
    entities = json_object_get(cases->top, "entities");
    cases->has_entities = entities != NULL;
    return entities == NULL ? ERR_OK : read_entities(cases, entities, &cases->entities, why);
}

err_code policy_cases_open(const char *path, struct policy_cases **ret, struct why *why)
{
    CLEANUP(policy_cases_free) struct policy_cases *cases = calloc(1, sizeof *cases);

    if (cases == NULL)
        return ERR_NO_MEMORY;
    TRY(why_reading(why, open_in(path, cases, why), "\"%s\"", path));
    *ret = cases;
    cases = NULL;
    return ERR_OK;
}

size_t policy_cases_count(const struct policy_cases *cases)
{
    return json_array_size(json_object_get(cases->top, "cases"));
}

/* ---- a case ---------------------------------------------------------------------------------- */

static err_code read_gate(json_t *gate, struct gate_facts *facts, struct why *why)
{
    static const char *const MEMBERS[] = {"now",  "epoch",    "domain", "gate",
                                          "zone", "enrolled", "parent", NULL};
    const json_t *epoch = json_object_get(gate, "epoch"),
                 *enrolled = json_object_get(gate, "enrolled");
    const char *now, *domain, *name, *zone, *parent;

    TRY(only(gate, "\"gate\"", MEMBERS, why));
    TRY(text_of(gate, "now", &now, why));
    TRY(text_of(gate, "domain", &domain, why));
    TRY(text_of(gate, "gate", &name, why));
    TRY(text_of(gate, "zone", &zone, why));
    TRY(text_of(gate, "parent", &parent, why));
    if (now != NULL && time_parse(now, 0, &facts->now) != ERR_OK)
        return why_say(why, ERR_TEST_FILE, "gate.now \"%.40s\" is no time", now);
    if (epoch != NULL && (!json_is_integer(epoch) || json_integer_value(epoch) < 0))
        return why_say(why, ERR_TEST_FILE, "gate.epoch is not a whole number from 0 on");
    if (enrolled != NULL && !json_is_boolean(enrolled))
        return why_say(why, ERR_TEST_FILE, "gate.enrolled is not true or false");
    facts->enrolled = json_is_true(enrolled);
    facts->parent = slice_str(parent != NULL ? parent : "");
    facts->epoch = (uint64_t)json_integer_value(epoch);
    facts->domain = slice_str(domain != NULL ? domain : "");
    facts->gate = slice_str(name != NULL ? name : "");
    facts->zone = slice_str(zone != NULL ? zone : "");
    return ERR_OK;
}

/* The names of policies, each once: a repeated one would stand for another that is missing. */
static err_code check_reason(const json_t *reason, struct why *why)
{
    if (reason != NULL && !json_is_array(reason))
        return why_say(why, ERR_TEST_FILE, "\"reason\" is not a list of policies");
    for (size_t i = 0; i < json_array_size(reason); i++) {
        const json_t *name = json_array_get(reason, i);
        if (!json_is_string(name))
            return why_say(why, ERR_TEST_FILE, "\"reason\" is not a list of policies");
        for (size_t k = 0; k < i; k++)
            if (json_equal(name, json_array_get(reason, k)))
                return why_say(why, ERR_TEST_FILE, "\"reason\" names a policy twice");
    }
    return ERR_OK;
}

static err_code read_expectation(const json_t *json, struct policy_case *out, struct why *why)
{
    const char *decision;

    TRY(text_of(json, "decision", &decision, why));
    TRY(text_of(json, "error", &out->error, why));
    if (decision == NULL || (strcmp(decision, "permit") != 0 && strcmp(decision, "deny") != 0))
        return why_say(why, ERR_TEST_FILE, "\"decision\" is neither \"permit\" nor \"deny\"");
    out->permit = strcmp(decision, "permit") == 0;
    out->reason = json_object_get(json, "reason");
    return check_reason(out->reason, why);
}

/* Names the file of the part in which rules_load found a fault. Returns err. */
static err_code name_part(const json_t *top, err_code err, struct why *why)
{
    static const char *const PARTS[] = {"policies", "schema", "entities"};
    static const char *const TEXTS[] = {"policy text: ", "schema text: ", "entities text: "};

    for (size_t i = 0; err != ERR_OK && i < sizeof PARTS / sizeof *PARTS; i++) {
        const char *name = json_string_value(json_object_get(top, PARTS[i]));
        const struct why old = *why;

        if (name != NULL && strncmp(old.text, TEXTS[i], strlen(TEXTS[i])) == 0)
            return why_say(why, err, "\"%s\": %s", name, old.text + strlen(TEXTS[i]));
    }
    return err;
}

static err_code read_rules(const struct policy_cases *cases, const json_t *json, struct rules **ret,
                           struct why *why)
{
    CLEANUP(buf_free) struct buf own = {0};
    const json_t *entities = json_object_get(json, "entities");
    struct rules_text text = {
        .policies = buf_slice(&cases->policies),
        .schema = buf_slice(&cases->schema),
        .entities = buf_slice(&cases->entities),
        .has_schema = cases->has_schema,
        .has_entities = cases->has_entities || entities != NULL,
    };

    if (entities != NULL) {
        TRY(read_entities(cases, entities, &own, why));
        text.entities = buf_slice(&own);
    }
    return name_part(cases->top, rules_load(&text, ret, why), why);
}

static err_code read_request(const json_t *json, struct request *ret, struct why *why)
{
    const json_t *request = json_object_get(json, "request");
    CLEANUP(text_free) char *text = NULL;

    if (!json_is_object(request))
        return why_say(why, ERR_TEST_FILE, "\"request\" is missing");
    text = json_dumps(request, JSON_COMPACT);
    return text == NULL ? ERR_NO_MEMORY : request_parse(slice_str(text), ret, why);
}

static err_code make(const struct policy_cases *cases, json_t *json, struct policy_case *out,
                     struct why *why)
{
    static const char *const MEMBERS[] = {"name",     "request", "entities", "gate",
                                          "decision", "reason",  "error",    NULL};
    json_t *gate = json_object_get(json, "gate");
    struct gate_facts facts = {0};

    TRY(only(json, "a case", MEMBERS, why));
    if (gate == NULL)
        gate = json_object_get(cases->top, "gate");
    if (gate != NULL)
        TRY(read_gate(gate, &facts, why));
    TRY(read_expectation(json, out, why));
    TRY(read_rules(cases, json, &out->rules, why));
    TRY(read_request(json, &out->request, why));
    return question_make(&out->request, &facts, &out->question, why);
}

err_code policy_case_make(const struct policy_cases *cases, size_t i, struct policy_case *ret,
                          struct why *why)
{
    json_t *json = json_array_get(json_object_get(cases->top, "cases"), i);

    *ret = (struct policy_case){0};
    (void)snprintf(ret->number, sizeof ret->number, "case %zu", i + 1);
    ret->name = json_string_value(json_object_get(json, "name"));
    if (ret->name == NULL)
        ret->name = ret->number;
    return why_reading(why, make(cases, json, ret, why), "%s", ret->name);
}

void policy_case_done(struct policy_case *one)
{
    question_free(&one->question);
    request_free(&one->request);
    rules_free(&one->rules);
}
