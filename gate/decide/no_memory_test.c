/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_memory_test.c: every allocation fails once, from the text of a policy to the decision: nothing
 * is permitted that is not permitted otherwise, nothing crashes, nothing is lost. The linker puts
 * the functions below in the place of malloc and its kin (--wrap); jansson, which is shared, is
 * told of them.
 */
#include "gate/cedar/lint.h"
#include "gate/decide/question.h"
#include "gate/tlog/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void __wrap_free(void *memory);

/* How many allocations were asked for; which of them fails (0: none), and whether all that follow
 * do, too; how many are not freed yet. */
static struct {
    size_t asked, fails;
    bool for_good;
    long alive;
} memory;

static bool refused(void)
{
    memory.asked++;
    return memory.fails != 0 &&
           (memory.asked == memory.fails || (memory.for_good && memory.asked > memory.fails));
}

static void *counted(void *made, bool anew)
{
    memory.alive += anew && made != NULL;
    return made;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : counted(__real_malloc(size), true);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : counted(__real_calloc(n, size), true);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : counted(__real_realloc(old, size), old == NULL);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
    return refused() ? NULL : counted(__real_reallocarray(old, n, size), old == NULL);
}

void __wrap_free(void *freed)
{
    memory.alive -= freed != NULL;
    __real_free(freed);
}

static const char POLICIES[] =
    "@id(\"all\") permit (principal in team::\"t\", action, resource is program)\n"
    "when { context.n == 1 && resource.path like \"/usr/*\" };\n"
    "@id(\"guard\") forbid (principal, action in [Action::\"any\", Action::\"exec\"], resource)\n"
    "when { context has danger && context.danger } // a comment\n"
    "unless { ip(\"10.0.0.1\").isInRange(context.from) && [1, context.n].contains(2) };\n";
static const char SCHEMA[] =
    "type T = { a: Long, b?: Set<String> };\n"
    "entity team; entity agent in [team] { t?: T }; entity program { path: String };\n"
    "action any; action exec in [any] appliesTo { principal: agent, resource: program,\n"
    "  context: { n: Long, danger?: Bool, from: ipaddr, set?: Set<Set<Long>>,\n"
    "             gate?: { epoch: Long, now: datetime }, action?: { class: String } } };";
static const char ENTITIES[] =
    "[{\"uid\": {\"type\": \"agent\", \"id\": \"a\"}, \"attrs\": {\"t\": {\"a\": 1}},"
    "  \"parents\": [{\"type\": \"team\", \"id\": \"t\"}]},"
    " {\"uid\": {\"type\": \"team\", \"id\": \"t\"}, \"attrs\": {}, \"parents\": []}]";
#define REQUEST(n, danger)                                                                         \
    "{\"subject\": {\"type\": \"agent\", \"id\": \"a\"},"                                          \
    " \"action\": {\"name\": \"exec\", \"properties\": {\"class\": \"execute\"}},"                 \
    " \"resource\": {\"type\": \"program\", \"id\": \"git\","                                      \
    "   \"properties\": {\"path\": \"/usr/bin/git\"}},"                                            \
    " \"context\": {\"n\": " n ", " danger                                                         \
    " \"set\": [[2, 1], [1, 2], [3]], \"aliases\": [\"b\"],"                                       \
    "   \"from\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.0.0.0/8\"}}}}"

static const struct {
    const char *name, *request;
    bool schema, permit;
} CASES[] = {
    {"forbidden, no schema", REQUEST("1", "\"danger\": true,"), false, false},
    {"permitted", REQUEST("1", ""), true, true},
    {"forbidden", REQUEST("1", "\"danger\": true,"), true, false},
    {"not permitted", REQUEST("2", ""), true, false},
    {"permitted, no schema", REQUEST("1", ""), false, true},
};

static const struct gate_facts FACTS = {.now = 100, .epoch = 5};

static err_code decide(size_t i, bool *ret_permit)
{
    CLEANUP(rules_free) struct rules *rules = NULL;
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(question_free) struct question *question = NULL;
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    const struct rules_text text = {.policies = slice_str(POLICIES),
                                    .has_schema = CASES[i].schema,
                                    .schema = slice_str(SCHEMA),
                                    .has_entities = true,
                                    .entities = slice_str(ENTITIES)};
    struct cedar_answer answer;
    struct why why = {0};

    TRY(rules_load(&text, &rules, &why));
    TRY(request_parse(slice_str(CASES[i].request), &request, &why));
    TRY(question_make(&request, &FACTS, &question, &why));
    TRY(question_explain(question, rules, &explanation, &why));
    TRY(question_ask(question, rules, &answer, &why));
    *ret_permit = answer.decision == CEDAR_PERMIT;
    return answer.n_errors > 0 ? ERR_EVALUATION : ERR_OK;
}

/* What the tools of an author do: lint, format, JSON there and back, print. */
static err_code rewrite(size_t i, bool *ret_permit)
{
    CLEANUP(cedar_free) struct cedar_policies *read = NULL, *again = NULL;
    CLEANUP(cedar_schema_free) struct cedar_schema *schema = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings findings = {0};
    CLEANUP(buf_free) struct buf json = {0}, formatted = {0}, printed = {0};

    (void)i;
    *ret_permit = false;
    TRY(cedar_parse(slice_str(POLICIES), &read, NULL, NULL));
    TRY(cedar_schema_parse_json(
        slice_str("{\"\": {\"commonTypes\": {\"T\": {\"type\": \"Long\"}}, \"entityTypes\": "
                  "{\"agent\": {\"tags\": {\"type\": \"T\"}}}, \"actions\": {\"exec\": "
                  "{\"appliesTo\": {\"principalTypes\": [\"agent\"], \"resourceTypes\": "
                  "[\"agent\"]}}}}}"),
        &schema, NULL));
    TRY(cedar_lint(read, &findings));
    TRY(cedar_validate(schema, read, &findings));
    TRY(cedar_print_json(read, &json));
    TRY(cedar_parse_json(buf_slice(&json), &again, NULL));
    TRY(cedar_print(again, &printed));
    return cedar_format(slice_str(POLICIES), &formatted, NULL, NULL);
}

/* A key as others are told it, read again; what is good stays so. */
static err_code keys(size_t i, bool *ret_permit)
{
    uint8_t public[32] = {0x58}; /* the base point of RFC 8032 5.1 */
    CLEANUP(buf_free) struct buf text = {0};
    struct note_key key, again;

    (void)i;
    *ret_permit = false;
    memset(public + 1, 0x66, sizeof public - 1);
    TRY(note_key_make(NOTE_ED25519, slice_str("example.org/gate-1"), public, &key, NULL));
    TRY(note_key_format(&key, &text));
    return note_key_parse(buf_slice(&text), &again, NULL);
}

/* jansson does not tell want of memory from bad JSON. */
static bool is_refusal(err_code err)
{
    return err == ERR_NO_MEMORY || err == ERR_JSON_MALFORMED;
}

/* Lets the first allocation fail, then the second, until one run needs no more. */
static void each_in_turn(const char *name, err_code (*run)(size_t i, bool *ret_permit), size_t i,
                         bool want, bool for_good)
{
    size_t fails = 1;

    for (;; fails++) {
        const long alive = memory.alive;
        bool permit = false;
        err_code err;

        memory.asked = 0;
        memory.for_good = for_good;
        memory.fails = fails;
        err = run(i, &permit);
        memory.fails = 0;
        if (memory.alive != alive)
            fail_msg("%s: allocation %zu fails: %ld are not freed", name, fails,
                     memory.alive - alive);
        if (err != ERR_OK ? permit || !is_refusal(err) : permit != want)
            fail_msg("%s: allocation %zu of %zu fails: %s, %s; wanted %s", name, fails,
                     memory.asked, err_name(err), permit ? "permit" : "deny",
                     want ? "permit" : "deny");
        if (memory.asked < fails)
            break;
    }
    assert_true(fails > 4);
}

static void decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int for_good = 0; for_good < 2; for_good++)
            each_in_turn(CASES[i].name, decide, i, CASES[i].permit, for_good != 0);
}

static void tools(void **state)
{
    (void)state;
    each_in_turn("tools", rewrite, 0, false, false);
    each_in_turn("tools", rewrite, 0, false, true);
}

static void published_keys(void **state)
{
    (void)state;
    each_in_turn("keys", keys, 0, false, false);
    each_in_turn("keys", keys, 0, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),
        cmocka_unit_test(tools),
        cmocka_unit_test(published_keys),
    };

    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    return cmocka_run_group_tests_name("no_memory", tests, NULL, NULL);
}
