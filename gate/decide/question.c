/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/question.h"
#include "gate/decide/answer_json.h"

#include "gate/policy/term.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FACTS_MAX 8

struct question {
    struct cedar_uid principal, action, resource;
    struct cedar_owned_value *context, *action_properties, *resource_properties; /* NULL: none */
    struct cedar_field facts[FACTS_MAX]; /* context.gate, whole */
    uint32_t n_facts;
    struct cedar_field told[FACTS_MAX]; /* what of it an object's schema declares */
    struct cedar_field *fields;         /* of the context that an object is asked with */
    struct cedar_worker *worker, *own;  /* own: NULL if it is borrowed */
};

static void json_free(json_t **json)
{
    json_decref(*json);
}

static void text_free(char **text)
{
    free(*text);
}

/* ---- the parts of a request ------------------------------------------------------------------ */

static err_code types_valid(const struct request *request, struct why *why)
{
    if (!cedar_type_valid(request->subject_type))
        return why_say(why, ERR_REQUEST_MALFORMED, "subject.type \"%.*s\" is not a Cedar type name",
                       TERM_ARG(request->subject_type));
    if (!cedar_type_valid(request->resource_type))
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "resource.type \"%.*s\" is not a Cedar type name",
                       TERM_ARG(request->resource_type));
    return ERR_OK;
}

/* In Cedar an entity has its attributes wherever it stands. So what is said of a resource would be
 * said of the subject or the action, too, if it is the same entity. */
static err_code resource_apart(const struct question *q, struct why *why)
{
    const bool subject = cedar_uid_eq(&q->resource, &q->principal);

    if (q->resource_properties == NULL || (!subject && !cedar_uid_eq(&q->resource, &q->action)))
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED,
                   "resource.properties would be attributes of the %s, which is the same entity; "
                   "only signed entities describe it",
                   subject ? "subject" : "action");
}

/* A JSON object of the request as a Cedar record; *ret stays NULL where there is none. */
static err_code to_record(const char *what, const json_t *json, struct cedar_owned_value **ret,
                          struct why *why)
{
    CLEANUP(text_free) char *text = NULL;
    struct cedar_value value;
    err_code err;

    if (json == NULL)
        return ERR_OK;
    text = answer_json_text(json, JSON_COMPACT);
    if (text == NULL)
        return ERR_NO_MEMORY;
    err = cedar_value_parse(slice_str(text), ret, why);
    if (err != ERR_OK)
        return why_reading(why, err, "%s", what);
    value = cedar_owned(*ret);
    if (value.kind == CEDAR_RECORD)
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED, "%s is not an object of plain members", what);
}

static err_code take_context(const struct request *request, struct question *q, struct why *why)
{
    json_t *given = json_object_get(request->json, "context");
    CLEANUP(json_free) json_t *context = given == NULL ? json_object() : json_copy(given);

    /* json_copy leaves out members for which it finds no memory, and says nothing. */
    if (context == NULL || json_object_size(context) != json_object_size(given))
        return ERR_NO_MEMORY;
    (void)json_object_del(context, "aliases"); /* these address the gate, not the policies */
    return to_record("context", context, &q->context, why);
}

static void add_fact(struct question *q, const char *name, struct cedar_value value)
{
    q->facts[q->n_facts++] = (struct cedar_field){slice_str(name), value};
}

static err_code take_facts(const struct request *request, const struct gate_facts *facts,
                           struct question *q, struct why *why)
{
    struct cedar_value now = {.kind = CEDAR_DATETIME};

    if (__builtin_mul_overflow(facts->now, 1000, &now.number) || facts->epoch > INT64_MAX)
        return why_say(why, ERR_INTERNAL, "the time or the epoch does not fit 64 bits");
    add_fact(q, "class", cedar_string(request->action_class));
    add_fact(q, "domain", cedar_string(facts->domain));
    if (facts->enrolled)
        add_fact(q, "enrolled", cedar_bool(true));
    add_fact(q, "epoch", cedar_long((int64_t)facts->epoch));
    add_fact(q, "gate", cedar_string(facts->gate));
    add_fact(q, "now", now);
    if (facts->parent.len > 0)
        add_fact(q, "parent", cedar_string(facts->parent));
    if (facts->zone.len > 0)
        add_fact(q, "zone", cedar_string(facts->zone));
    return ERR_OK;
}

err_code question_make(const struct request *request, const struct gate_facts *facts,
                       struct question **ret, struct why *why)
{
    CLEANUP(question_free) struct question *q = calloc(1, sizeof *q);
    const json_t *action = json_object_get(request->json, "action");
    const json_t *resource = json_object_get(request->json, "resource");

    if (q == NULL)
        return ERR_NO_MEMORY;
    TRY(types_valid(request, why));
    q->principal = cedar_uid_of(request->subject_type, request->subject_id);
    q->action = cedar_uid_of(slice_str("Action"), request->action_name);
    q->resource = cedar_uid_of(request->resource_type, request->resource_id);
    TRY(take_context(request, q, why));
    TRY(to_record("action.properties", json_object_get(action, "properties"), &q->action_properties,
                  why));
    TRY(to_record("resource.properties", json_object_get(resource, "properties"),
                  &q->resource_properties, why));
    TRY(resource_apart(q, why));
    TRY(take_facts(request, facts, q, why));
    q->fields = calloc((size_t)cedar_owned(q->context).n + 2, sizeof *q->fields);
    if (q->fields == NULL)
        return ERR_NO_MEMORY;
    *ret = q;
    q = NULL;
    return ERR_OK;
}

void question_free(struct question **question)
{
    struct question *q = *question;

    if (q == NULL)
        return;
    cedar_owned_free(&q->context);
    cedar_owned_free(&q->action_properties);
    cedar_owned_free(&q->resource_properties);
    cedar_worker_free(&q->own);
    free(q->fields);
    free(q);
    *question = NULL;
}

void question_lend(struct question *question, struct cedar_worker *worker)
{
    question->worker = worker;
}

/* ---- what one object is asked ---------------------------------------------------------------- */

/* Everything without a schema. */
static bool declared(const struct question *q, const struct rules *rules, const char *name,
                     struct slice member)
{
    return rules->schema == NULL ||
           cedar_schema_context_has(rules->schema, &q->action, slice_str(name), member);
}

static struct cedar_value gate_record(struct question *q, const struct rules *rules)
{
    const struct slice *twice;
    uint32_t n = 0;

    for (uint32_t i = 0; i < q->n_facts; i++)
        if (declared(q, rules, "gate", q->facts[i].name))
            q->told[n++] = q->facts[i];
    return cedar_record_of(q->told, n, &twice); /* the names above are distinct */
}

static struct cedar_value context_for(struct question *q, const struct rules *rules)
{
    const struct cedar_value given = cedar_owned(q->context);
    const struct slice *twice;
    uint32_t n = 0;

    while (n < given.n) {
        q->fields[n] = given.fields[n];
        n++;
    }
    if (q->action_properties != NULL && declared(q, rules, "action", (struct slice){0}))
        q->fields[n++] =
            (struct cedar_field){slice_str("action"), cedar_owned(q->action_properties)};
    if (declared(q, rules, "gate", (struct slice){0}))
        q->fields[n++] = (struct cedar_field){slice_str("gate"), gate_record(q, rules)};
    return cedar_record_of(q->fields, n, &twice); /* a request cannot set action and gate */
}

/* What a request says of the resource, over what the authority has signed. */
static err_code entities_for(const struct question *q, const struct rules *rules,
                             struct cedar_entities **ret)
{
    if (q->resource_properties == NULL)
        return ERR_OK;
    return cedar_entities_over(rules_entities(rules), &q->resource,
                               cedar_owned(q->resource_properties), ret);
}

static err_code fits(const struct rules *rules, const struct cedar_request *request,
                     const struct cedar_entities *told, struct why *why)
{
    err_code err;

    if (rules->schema == NULL)
        return ERR_OK;
    err = cedar_validate_request(rules->schema, request, why);
    if (err == ERR_OK && told != NULL)
        err = cedar_validate_entities(rules->schema, told, why);
    if (err != ERR_CEDAR_INVALID)
        return err;
    if (why != NULL)
        why->code = ERR_REQUEST_INVALID; /* the sentence stays */
    return ERR_REQUEST_INVALID;
}

static struct cedar_request request_for(struct question *q, const struct rules *rules)
{
    return (struct cedar_request){q->principal, q->action, q->resource, context_for(q, rules)};
}

static err_code need_worker(struct question *q)
{
    if (q->worker != NULL)
        return ERR_OK;
    TRY(cedar_worker_make(&q->own));
    q->worker = q->own;
    return ERR_OK;
}

err_code question_ask(struct question *question, const struct rules *rules,
                      struct cedar_answer *ret, struct why *why)
{
    const struct cedar_request request = request_for(question, rules);
    CLEANUP(cedar_entities_free) struct cedar_entities *told = NULL;

    *ret = (struct cedar_answer){0};
    TRY(entities_for(question, rules, &told));
    TRY(fits(rules, &request, told, why));
    TRY(need_worker(question));
    return cedar_authorize(rules->policies, told != NULL ? told : rules_entities(rules), &request,
                           CEDAR_MODE_GATE, question->worker, ret);
}

err_code question_explain(struct question *question, const struct rules *rules,
                          struct cedar_explanation *ret, struct why *why)
{
    const struct cedar_request request = request_for(question, rules);
    CLEANUP(cedar_entities_free) struct cedar_entities *told = NULL;

    TRY(entities_for(question, rules, &told));
    TRY(fits(rules, &request, told, why));
    return cedar_explain(rules->policies, told != NULL ? told : rules_entities(rules), &request,
                         ret);
}
