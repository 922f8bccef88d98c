/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void there_and_back(void **state)
{
    static const struct {
        const char *in, *out; /* out: NULL: malformed */
    } CASES[] = {
        {"{\"id\":\"a\"}",
         "{\"id\":\"a\",\"aliases\":[],\"since\":\"1970-01-01T00:00:07Z\",\"admin\":9,"
         "\"ledger_index\":4}"},
        {"{\"zone\":\"z\",\"parent\":\"p\",\"uid\":4294967294,\"name\":\"n\",\"id\":\"a\","
         "\"cgroup\":\"/c\",\"aliases\":[\"x\",\"y\"]}",
         "{\"id\":\"a\",\"name\":\"n\",\"uid\":4294967294,\"cgroup\":\"/c\",\"zone\":\"z\","
         "\"parent\":\"p\",\"aliases\":[\"x\",\"y\"],\"since\":\"1970-01-01T00:00:07Z\","
         "\"admin\":9,\"ledger_index\":4}"},
        {"{}", NULL},
        {"[]", NULL},
        {"{\"id\":\"\"}", NULL},
        {"{\"id\":1}", NULL},
        {"{\"id\":\"a\",\"uid\":-1}", NULL},
        {"{\"id\":\"a\",\"uid\":4294967295}", NULL},
        {"{\"id\":\"a\",\"uid\":\"1\"}", NULL},
        {"{\"id\":\"a\",\"uid\":1.0}", NULL},
        {"{\"id\":\"a\",\"name\":null}", NULL},
        {"{\"id\":\"a\",\"aliases\":\"x\"}", NULL},
        {"{\"id\":\"a\",\"aliases\":[\"\"]}", NULL},
        {"{\"id\":\"a\",\"aliases\":[1]}", NULL},
        {"{\"id\":\"a\",\"admin\":0}", NULL}, /* who he is, he does not say himself */
        {"{\"id\":\"a\",\"since\":\"1970-01-01T00:00:07Z\"}", NULL},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        json_t *json = json_loads(CASES[i].in, 0, NULL), *again;
        CLEANUP(enrolled_free) struct enrolled *enrolled = NULL;
        struct record_agent agent;
        err_code err = agent_from_json(json, 9, &agent, NULL);
        char *text;

        if (err != (CASES[i].out != NULL ? ERR_OK : ERR_REQUEST_MALFORMED))
            fail_msg("%s: %s", CASES[i].in, err_name(err));
        if (err == ERR_OK) {
            assert_int_equal(enrolled_make(&agent, 4, 7000, &enrolled), ERR_OK);
            again = agent_json(enrolled);
            text = json_dumps(again, JSON_COMPACT);
            assert_string_equal(text, CASES[i].out);
            free(text);
            json_decref(again);
        }
        json_decref(json);
    }
}

static void too_many_aliases(void **state)
{
    json_t *list = json_array();
    json_t *json = json_pack("{s:s, s:o}", "id", "a", "aliases", list);
    struct record_agent agent;
    (void)state;

    for (int i = 0; i < RECORD_ALIASES_MAX; i++)
        (void)json_array_append_new(list, json_string("x"));
    assert_int_equal(agent_from_json(json, 9, &agent, NULL), ERR_OK);
    assert_int_equal(agent.n_aliases, RECORD_ALIASES_MAX);
    (void)json_array_append_new(list, json_string("x"));
    assert_int_equal(agent_from_json(json, 9, &agent, NULL), ERR_REQUEST_MALFORMED);
    json_decref(json);
}

static void facts(void **state)
{
    const struct record_agent agent = {.id = slice_str("a"),
                                       .zone = slice_str("z"),
                                       .parent = slice_str("p"),
                                       .n_aliases = 1,
                                       .aliases = {slice_str("x")}};
    CLEANUP(enrolled_free) struct enrolled *enrolled = NULL;
    struct agent_facts got;
    (void)state;

    assert_null(agent_facts_of(NULL, &got));
    assert_int_equal(enrolled_make(&agent, 4, 7000, &enrolled), ERR_OK);
    assert_ptr_equal(agent_facts_of(enrolled, &got), &got);
    assert_true(slice_eq_str(got.id, "a") && slice_eq_str(got.zone, "z"));
    assert_true(slice_eq_str(got.parent, "p") && got.n_aliases == 1);
    assert_true(slice_eq_str(got.aliases[0], "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(too_many_aliases),
        cmocka_unit_test(facts),
    };
    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
