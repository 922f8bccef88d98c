/* SPDX-License-Identifier: Apache-2.0 */
/* question_test.c: what Cedar is told of a request, and by whom. */
#include "gate/decide/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUBJECT "\"subject\": {\"type\": \"agent\", \"id\": \"a\"}, "
#define ACTION "\"action\": {\"name\": \"exec\", \"properties\": {\"class\": \"execute\"}}, "
#define RESOURCE "\"resource\": {\"type\": \"program\", \"id\": \"git\"}"
#define PLAIN "{" SUBJECT ACTION RESOURCE "}"
#define IF(condition) "permit (principal, action, resource) when { " condition " };"

static const char ENTITIES[] =
    "[{\"uid\": {\"type\": \"agent\", \"id\": \"a\"}, \"attrs\": {\"level\": 2},"
    "  \"parents\": [{\"type\": \"team\", \"id\": \"t\"}]},"
    " {\"uid\": {\"type\": \"program\", \"id\": \"sealed\"}, \"attrs\": {\"n\": 1}, \"parents\": "
    "[]}]";

static const char SCHEMA[] =
    "entity team; entity agent in [team] { level?: Long }; entity program { n?: Long };\n"
    "action exec appliesTo { principal: agent, resource: program,\n"
    "  context: { x?: Long, gate?: { epoch: Long, now?: datetime } } };";

/* What becomes of a question: the error, or OK with the decision, or EVALUATION. */
static const struct {
    const char *name, *policies, *schema, *entities, *request;
    err_code want;
    bool permit;
} CASES[] = {
    {"the three names",
     IF("principal == agent::\"a\" && action == Action::\"exec\" && "
        "resource == program::\"git\""),
     NULL, NULL, PLAIN, ERR_OK, true},
    {"context", IF("context.x == 1"), NULL, NULL,
     "{" SUBJECT ACTION RESOURCE ", \"context\": {\"x\": 1}}", ERR_OK, true},
    {"no context", IF("context has x"), NULL, NULL, PLAIN, ERR_OK, false},
    {"aliases are not context", IF("context has aliases"), NULL, NULL,
     "{" SUBJECT ACTION RESOURCE ", \"context\": {\"aliases\": [\"b\"]}}", ERR_OK, false},
    {"an entity in the context", IF("context.by == agent::\"b\""), NULL, NULL,
     "{" SUBJECT ACTION RESOURCE
     ", \"context\": {\"by\": {\"__entity\": {\"type\": \"agent\", \"id\": \"b\"}}}}",
     ERR_OK, true},
    {"an address in the context", IF("context.from.isLoopback()"), NULL, NULL,
     "{" SUBJECT ACTION RESOURCE
     ", \"context\": {\"from\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"127.0.0.1\"}}}}",
     ERR_OK, true},
    {"action.properties", IF("context.action.argv.contains(\"-v\")"), NULL, NULL,
     "{" SUBJECT "\"action\": {\"name\": \"exec\", \"properties\": {\"class\": \"execute\", "
     "\"argv\": [\"git\", \"-v\"]}}, " RESOURCE "}",
     ERR_OK, true},
    {"resource.properties", IF("resource.n == 7"), NULL, NULL,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"program\", \"id\": \"git\", \"properties\": {\"n\": 7}}}",
     ERR_OK, true},
    {"signed entities come first", IF("resource.n == 1"), NULL, ENTITIES,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"program\", \"id\": \"sealed\", \"properties\": {\"n\": 7}}}",
     ERR_OK, true},
    {"a subject does not describe itself", IF("principal has level"), NULL, NULL,
     "{\"subject\": {\"type\": \"agent\", \"id\": \"a\", \"properties\": {\"level\": 9}}, " ACTION
         RESOURCE "}",
     ERR_OK, false},
    {"a subject does not describe itself as a resource", IF("principal.level == 9"), NULL, NULL,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"agent\", \"id\": \"a\", \"properties\": {\"level\": 9}}}",
     ERR_REQUEST_MALFORMED, false},
    {"nor does an action", IF("action.level == 9"), NULL, NULL,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"Action\", \"id\": \"exec\", \"properties\": {\"level\": 9}}}",
     ERR_REQUEST_MALFORMED, false},
    {"a subject as a resource, with nothing said of it", IF("principal == resource"), NULL, NULL,
     "{" SUBJECT ACTION "\"resource\": {\"type\": \"agent\", \"id\": \"a\"}}", ERR_OK, true},
    {"another of its kind", IF("principal != resource && resource.level == 9"), NULL, NULL,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"agent\", \"id\": \"b\", \"properties\": {\"level\": 9}}}",
     ERR_OK, true},
    {"its signed group", IF("principal in team::\"t\" && principal.level == 2"), NULL, ENTITIES,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"program\", \"id\": \"git\", \"properties\": {\"n\": 7}}}",
     ERR_OK, true},
    {"the gate's facts",
     IF("context.gate.class == \"execute\" && context.gate.domain == "
        "\"example.org\" && context.gate.gate == \"g\" && context.gate.zone "
        "== \"z\" && context.gate.epoch == 5 && context.gate.now == "
        "datetime(\"1970-01-01T00:01:40Z\") && context.gate.enrolled && "
        "context.gate.parent == \"p\""),
     NULL, NULL, PLAIN, ERR_OK, true},
    {"a failure", IF("context.x == 1"), NULL, NULL, PLAIN, ERR_EVALUATION, false},
    {"a failing forbid", IF("true") "forbid (principal, action, resource) when { context.x };",
     NULL, NULL, PLAIN, ERR_EVALUATION, false},
    {"fits the schema", IF("context has x && context.x == 1"), SCHEMA, NULL,
     "{" SUBJECT ACTION RESOURCE ", \"context\": {\"x\": 1}}", ERR_OK, true},
    {"undeclared", IF("true"), SCHEMA, NULL,
     "{" SUBJECT ACTION RESOURCE ", \"context\": {\"y\": 1}}", ERR_REQUEST_INVALID, false},
    {"of another type", IF("true"), SCHEMA, NULL,
     "{" SUBJECT ACTION RESOURCE ", \"context\": {\"x\": \"1\"}}", ERR_REQUEST_INVALID, false},
    {"a property of another type", IF("true"), SCHEMA, NULL,
     "{" SUBJECT ACTION
     "\"resource\": {\"type\": \"program\", \"id\": \"git\", \"properties\": {\"n\": true}}}",
     ERR_REQUEST_INVALID, false},
    {"an undeclared action", IF("true"), SCHEMA, NULL,
     "{" SUBJECT
     "\"action\": {\"name\": \"eat\", \"properties\": {\"class\": \"execute\"}}, " RESOURCE "}",
     ERR_REQUEST_INVALID, false},
    {"the schema's groups of actions", IF("action in Action::\"any\""),
     "entity agent; entity program; action any; action exec in [any] appliesTo "
     "{ principal: agent, resource: program };",
     NULL, PLAIN, ERR_OK, true},
    {"facts as far as they are declared",
     IF("context has gate && context.gate.epoch == 5 && context.gate has now"), SCHEMA, NULL, PLAIN,
     ERR_OK, true},
};

static const struct gate_facts FACTS = {100,
                                        5,
                                        {(const uint8_t *)"example.org", 11},
                                        {(const uint8_t *)"g", 1},
                                        {(const uint8_t *)"z", 1},
                                        true,
                                        {(const uint8_t *)"p", 1}};

static err_code outcome(size_t i, struct cedar_worker *worker, bool *ret_permit, struct why *why)
{
    CLEANUP(rules_free) struct rules *rules = NULL;
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(question_free) struct question *question = NULL;
    const struct rules_text text = {
        .policies = slice_str(CASES[i].policies),
        .has_schema = CASES[i].schema != NULL,
        .schema = slice_str(CASES[i].schema != NULL ? CASES[i].schema : ""),
        .has_entities = CASES[i].entities != NULL,
        .entities = slice_str(CASES[i].entities != NULL ? CASES[i].entities : ""),
    };
    struct cedar_answer answer;

    TRY(rules_load(&text, &rules, why));
    TRY(request_parse(slice_str(CASES[i].request), &request, why));
    TRY(question_make(&request, &FACTS, &question, why));
    question_lend(question, worker);
    TRY(question_ask(question, rules, &answer, why));
    *ret_permit = answer.decision == CEDAR_PERMIT;
    return answer.n_errors > 0 ? ERR_EVALUATION : ERR_OK;
}

static void what_cedar_is_told(void **state)
{
    CLEANUP(cedar_worker_free) struct cedar_worker *one = NULL;

    (void)state;
    assert_int_equal(cedar_worker_make(&one), ERR_OK);
    for (size_t k = 0; k < 2 * (sizeof CASES / sizeof *CASES);
         k++) {                 /* each with one of its own, */
        const size_t i = k / 2; /* and with one for all */
        struct why why = {0};
        bool permit = false;
        err_code got = outcome(i, k % 2 == 0 ? NULL : one, &permit, &why);
        if (got != CASES[i].want || permit != CASES[i].permit)
            fail_msg("%s: %s, %s (%s); wanted %s, %s", CASES[i].name, err_name(got),
                     permit ? "permit" : "deny", why.text, err_name(CASES[i].want),
                     CASES[i].permit ? "permit" : "deny");
    }
}

static void what_no_request_may_say(void **state)
{
    static const char *const BAD[] = {
        "{" SUBJECT ACTION RESOURCE ", \"context\": {\"gate\": {}}}",
        "{" SUBJECT ACTION RESOURCE ", \"context\": {\"action\": {}}}",
    };
    CLEANUP(request_free) struct request request = {0};

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(request_parse(slice_str(BAD[i]), &request, NULL), ERR_REQUEST_MALFORMED);
}

/* JSON that AuthZEN allows and Cedar has no value for. */
static void values_that_cedar_has_not(void **state)
{
    static const char *const BAD[] = {
        "{" SUBJECT ACTION RESOURCE
        ", \"context\": {\"x\": {\"__extn\": {\"fn\": \"no\", \"arg\": \"\"}}}}",
        "{" SUBJECT ACTION RESOURCE
        ", \"context\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CLEANUP(request_free) struct request request = {0};
        CLEANUP(question_free) struct question *question = NULL;
        assert_int_equal(request_parse(slice_str(BAD[i]), &request, NULL), ERR_OK);
        assert_int_not_equal(question_make(&request, &FACTS, &question, NULL), ERR_OK);
        assert_null(question);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cedar_is_told),
        cmocka_unit_test(what_no_request_may_say),
        cmocka_unit_test(values_that_cedar_has_not),
    };
    return cmocka_run_group_tests_name("question", tests, NULL, NULL);
}
