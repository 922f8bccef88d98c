/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL "{\"op\":\"All\"}"
#define UID(id) "{\"type\":\"U\",\"id\":\"" id "\"}"
#define POLICY(principal, resource)                                                                \
    "{\"effect\":\"permit\",\"principal\":" principal ",\"action\":" ALL ",\"resource\":" resource \
    ",\"conditions\":[]}"
#define PLAIN POLICY(ALL, ALL)
#define SET(policies, templates, links)                                                            \
    "{\"staticPolicies\":{" policies "},\"templates\":{" templates "},\"templateLinks\":[" links   \
    "]}"
#define BOTH                                                                                       \
    POLICY("{\"op\":\"==\",\"slot\":\"?principal\"}",                                              \
           "{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{\"slot\":\"?resource\"}}")
#define ONE POLICY("{\"op\":\"in\",\"slot\":\"?principal\"}", ALL)
#define LINK(template, id, values)                                                                 \
    "{\"templateId\":\"" template "\",\"newId\":\"" id "\",\"values\":{" values "}}"
#define X "\"?principal\":" UID("x")
#define Y "\"?resource\":" UID("y")

static err_code parse(struct slice json, struct cedar_policies **ret, struct why *why)
{
    uint8_t *copy = malloc(json.len + 1);
    err_code err;

    assert_non_null(copy);
    memcpy(copy, json.ptr, json.len);
    err = cedar_parse_json((struct slice){copy, json.len}, ret, why);
    free(copy); /* nothing of it is kept */
    return err;
}

/* want NULL: it is written as it was. */
static const struct {
    const char *json, *want;
} READ[] = {
    {SET("", "", ""), NULL},
    {SET("\"b\":" PLAIN ",\"a\":" PLAIN, "", ""), NULL},
    {SET("\"\":" PLAIN ",\"a\\u0000b\":" PLAIN, "", ""), NULL},
    {SET("", "\"t\":" PLAIN, ""), NULL},
    {SET("", "\"t\":" PLAIN, LINK("t", "l", "")), NULL},
    {SET("\"a\":" PLAIN, "\"t\":" BOTH ",\"s\":" ONE,
         LINK("t", "l", X "," Y) "," LINK("s", "k", X) "," LINK("s", "m", X)),
     NULL},
    {SET("", "\"t\":" BOTH,
         LINK("t", "l", "\"?resource\":{\"__entity\":" UID("y") "},\"?principal\":" UID("x"))),
     SET("", "\"t\":" BOTH, LINK("t", "l", X "," Y))},
    {"{\"templateLinks\":[" LINK("t", "l", X) "],\"templates\":{\"t\":" ONE
                                              "},\"staticPolicies\":{}}",
     SET("", "\"t\":" ONE, LINK("t", "l", X))},
};

static void sets_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READ / sizeof *READ; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(buf_free) struct buf got = {0};
        const char *want = READ[i].want == NULL ? READ[i].json : READ[i].want;
        struct why why = {0};

        if (parse(slice_str(READ[i].json), &policies, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].json, why.text);
        assert_int_equal(cedar_print_json(policies, &got), ERR_OK);
        if (!slice_eq_str(buf_slice(&got), want))
            fail_msg("%s: got %.*s, want %s", READ[i].json, (int)got.len, (const char *)got.ptr,
                     want);
    }
}

static const struct {
    const char *json;
    err_code err;
    const char *why; /* without line:column */
} REFUSED[] = {
    {"", ERR_JSON_MALFORMED, "expected a value, found the end"},
    {"[]", ERR_CEDAR_SYNTAX, "an array, not an object"},
    {"{}", ERR_CEDAR_SYNTAX, "no member \"staticPolicies\""},
    {"{\"staticPolicies\":{}}", ERR_CEDAR_SYNTAX, "no member \"templates\""},
    {"{\"staticPolicies\":{},\"templates\":{}}", ERR_CEDAR_SYNTAX, "no member \"templateLinks\""},
    {"{\"staticPolicies\":[],\"templates\":{},\"templateLinks\":[]}", ERR_CEDAR_SYNTAX,
     "staticPolicies: an array, not an object"},
    {"{\"staticPolicies\":{},\"templates\":{},\"templateLinks\":[],\"x\":1}", ERR_CEDAR_SYNTAX,
     "a member \"x\", which means nothing here"},
    {SET("\"a\":" PLAIN ",\"a\":" PLAIN, "", ""), ERR_JSON_MALFORMED,
     "the second member \"a\" of one object"},
    {SET("\"a\":" ONE, "", ""), ERR_CEDAR_SYNTAX,
     "staticPolicies.a: a slot in what is no template"},
    {SET("\"a\":" PLAIN, "\"a\":" ONE, ""), ERR_CEDAR_SYNTAX, "two policies have the id \"a\""},
    {SET("", "\"t\":" ONE, LINK("t", "t", X)), ERR_CEDAR_SYNTAX, "two policies have the id \"t\""},
    {SET("", "\"t\":" ONE, LINK("t", "l", X) "," LINK("t", "l", X)), ERR_CEDAR_SYNTAX,
     "two policies have the id \"l\""},
    {SET("\"a\":" PLAIN, "\"t\":" ONE, LINK("a", "l", "")), ERR_CEDAR_SYNTAX,
     "templateLinks[0].templateId: there is no template \"a\""},
    {SET("", "\"t\":" ONE, LINK("t", "l", X) "," LINK("l", "m", "")), ERR_CEDAR_SYNTAX,
     "templateLinks[1].templateId: there is no template \"l\""},
    {SET("", "", LINK("t", "l", X)), ERR_CEDAR_SYNTAX,
     "templateLinks[0].templateId: there is no template \"t\""},
    {SET("", "\"t\":" ONE, LINK("t", "l", "\"?x\":" UID("x"))), ERR_CEDAR_SYNTAX,
     "templateLinks[0].values: a member \"?x\", which means nothing here"},
    {SET("", "\"t\":" ONE, LINK("t", "l", "\"?principal\":{\"type\":\"U\"}")), ERR_CEDAR_SYNTAX,
     "templateLinks[0].values.?principal: not the name of an entity: {\"type\": string, "
     "\"id\": string}"},
    {SET("", "\"t\":" ONE, "{\"templateId\":\"t\",\"newId\":\"l\"}"), ERR_CEDAR_SYNTAX,
     "templateLinks[0]: no member \"values\""},
    {SET("", "\"t\":" ONE, "[\"t\",\"l\",{}]"), ERR_CEDAR_SYNTAX,
     "templateLinks[0]: an array, not an object"},
};

static const char *without_place(const char *why)
{
    return strncmp(why, "1:", 2) == 0 ? strchr(why, ' ') + 1 : why;
}

static void what_is_no_set_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        struct why why = {0};
        err_code err = parse(slice_str(REFUSED[i].json), &policies, &why);

        if (err != REFUSED[i].err || strcmp(without_place(why.text), REFUSED[i].why) != 0)
            fail_msg("%s: got %d %s, want %d %s", REFUSED[i].json, err, why.text, REFUSED[i].err,
                     REFUSED[i].why);
        assert_null(policies);
    }
}

/* A link gives an entity for exactly the slots there are. */
static const char *const UNFIT_LINKS[] = {
    SET("", "\"t\":" BOTH, LINK("t", "l", X)),      SET("", "\"t\":" BOTH, LINK("t", "l", Y)),
    SET("", "\"t\":" BOTH, LINK("t", "l", "")),     SET("", "\"t\":" ONE, LINK("t", "l", "")),
    SET("", "\"t\":" ONE, LINK("t", "l", X "," Y)), SET("", "\"t\":" PLAIN, LINK("t", "l", X)),
};

static void a_link_fits_its_template(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof UNFIT_LINKS / sizeof *UNFIT_LINKS; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        struct why why = {0};

        if (parse(slice_str(UNFIT_LINKS[i]), &policies, &why) != ERR_CEDAR_SYNTAX ||
            strstr(why.text, ": templateLinks[0].values: ") == NULL)
            fail_msg("%s: %s", UNFIT_LINKS[i], why.text);
    }
}

static void a_link_is_the_template_with_entities(void **state)
{
    static const char JSON[] = SET("\"a\":" PLAIN, "\"t\":" BOTH, LINK("t", "l", X "," Y));
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    const struct cedar_policy *link;

    (void)state;
    assert_int_equal(parse(slice_str(JSON), &policies, NULL), ERR_OK);
    assert_int_equal(cedar_count(policies), 3);
    link = cedar_find(policies, slice_str("l"));
    assert_ptr_equal(link, cedar_at(policies, 2));
    assert_ptr_equal(link->template, cedar_at(policies, 1));
    assert_true(link->template->is_template);
    assert_false(link->is_template);
    assert_false(cedar_at(policies, 0)->is_template);
    assert_true(slice_eq_str(link->principal.uid.id, "x"));
    assert_true(slice_eq_str(link->resource.uid.id, "y"));
    assert_true(slice_eq_str(link->name, "l"));
    assert_int_equal(link->place.line, 0);
    assert_int_equal(cedar_source(policies).len, 0);
}

/* Without slots it would be in force as soon as the text is read. */
static void a_template_without_slots_is_no_text(void **state)
{
    static const char *const JSON[] = {SET("", "\"t\":" ONE, ""), SET("", "\"t\":" PLAIN, "")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(buf_free) struct buf text = {0};

        assert_int_equal(parse(slice_str(JSON[i]), &policies, NULL), ERR_OK);
        assert_int_equal(cedar_print(policies, &text), i == 0 ? ERR_OK : ERR_CEDAR_SYNTAX);
    }
}

static void truncated_text_is_refused(void **state)
{
    static const char JSON[] = SET("\"a\":" PLAIN, "\"t\":" BOTH, LINK("t", "l", X "," Y));

    (void)state;
    for (size_t n = 0; n < sizeof JSON; n++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        uint8_t *copy = malloc(n + 1);
        err_code err;

        assert_non_null(copy);
        memcpy(copy, JSON, n);
        err = cedar_parse_json((struct slice){copy, n}, &policies, NULL);
        free(copy);
        assert_int_equal(err, n < sizeof JSON - 1 ? ERR_JSON_MALFORMED : ERR_OK);
    }
}

/* ---- limits ---- */

static void add(struct buf *buf, const char *text)
{
    assert_int_equal(buf_add_str(buf, text), ERR_OK);
}

/* A condition of this height, in three ways that nest. */
static struct buf high(unsigned height, const char *open, const char *inner, const char *close)
{
    struct buf json = {0};

    add(&json, "{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL ",\"resource\":" ALL
               ",\"conditions\":[{\"kind\":\"when\",\"body\":");
    for (unsigned i = 1; i < height; i++)
        add(&json, open);
    add(&json, inner);
    for (unsigned i = 1; i < height; i++)
        add(&json, close);
    add(&json, "}]}");
    return json;
}

static void the_height_of_expressions_has_a_limit(void **state)
{
    static const struct {
        const char *open, *inner, *close;
    } WAYS[] = {{"{\"!\":{\"arg\":", "{\"Var\":\"context\"}", "}}"},
                {"{\"Set\":[", "{\"Value\":{\"__entity\":" UID("x") "}}", "]}"},
                {"{\"ip\":[", "{\"Value\":1}", "]}"}};

    (void)state;
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        for (unsigned over = 0; over < 2; over++) {
            CLEANUP(cedar_free) struct cedar_policies *policies = NULL, *again = NULL;
            CLEANUP(buf_free) struct buf printed = {0};
            CLEANUP(buf_free)
            struct buf json =
                high(CEDAR_DEPTH_MAX + over, WAYS[i].open, WAYS[i].inner, WAYS[i].close);
            err_code err =
                cedar_parse_json_policy(buf_slice(&json), slice_str("p"), &policies, NULL);

            assert_int_equal(err, over ? ERR_CEDAR_NESTING : ERR_OK);
            if (over)
                continue;
            /* what can be read can be written, and read again within a set */
            assert_int_equal(cedar_print_json(policies, &printed), ERR_OK);
            assert_int_equal(parse(buf_slice(&printed), &again, NULL), ERR_OK);
        }
    }
}

/* In a constant each pair of brackets counts as in an expression. */
static void the_height_of_constants_has_a_limit(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(buf_free) struct buf value = {0};
        CLEANUP(buf_free) struct buf json = {0};
        unsigned height = CEDAR_DEPTH_MAX + over;

        add(&value, "{\"Value\":");
        for (unsigned i = 0; i < 2 * height; i++)
            add(&value, i < height ? "[" : "]");
        add(&value, "}");
        assert_int_equal(buf_terminate(&value), ERR_OK);
        json = high(1, "", (const char *)value.ptr, "");
        assert_int_equal(cedar_parse_json_policy(buf_slice(&json), slice_str("p"), &policies, NULL),
                         over ? ERR_CEDAR_NESTING : ERR_OK);
    }
}

static void lists_have_a_limit(void **state)
{
    static const struct {
        const char *open, *item, *close;
    } LISTS[] = {{"{\"Set\":[", "{\"Value\":1}", "]}"},
                 {"{\"Value\":[", "1", "]}"},
                 {"{\"ip\":[", "{\"Value\":1}", "]}"},
                 {"{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"args\":[", "1", "]}}}"},
                 {"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[", "\"a\"", "]}}"}};

    (void)state;
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        for (unsigned over = 0; over < 2; over++) {
            CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
            CLEANUP(buf_free) struct buf body = {0};
            CLEANUP(buf_free) struct buf json = {0};

            add(&body, LISTS[i].open);
            for (unsigned k = 0; k < CEDAR_LIST_MAX + over; k++) {
                add(&body, k == 0 ? "" : ",");
                add(&body, LISTS[i].item);
            }
            add(&body, LISTS[i].close);
            assert_int_equal(buf_terminate(&body), ERR_OK);
            json = high(1, "", (const char *)body.ptr, "");
            assert_int_equal(
                cedar_parse_json_policy(buf_slice(&json), slice_str("p"), &policies, NULL),
                over ? ERR_CEDAR_LIST_SIZE : ERR_OK);
        }
    }
}

static void policies_have_a_limit(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
        CLEANUP(buf_free) struct buf json = {0};
        struct why why = {0};
        char link[96];

        add(&json, "{\"staticPolicies\":{},\"templates\":{\"t\":" PLAIN "},\"templateLinks\":[");
        for (unsigned i = 1; i < CEDAR_POLICIES_MAX + over; i++) {
            snprintf(link, sizeof link, "%s{\"templateId\":\"t\",\"newId\":\"%u\",\"values\":{}}",
                     i == 1 ? "" : ",", i);
            add(&json, link);
        }
        add(&json, "]}");
        assert_int_equal(parse(buf_slice(&json), &policies, &why), over ? ERR_CEDAR_COUNT : ERR_OK);
        if (over)
            assert_string_equal(why.text,
                                "16385 policies, templates and links; the limit is 16384");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_read_and_written),
        cmocka_unit_test(what_is_no_set_is_refused),
        cmocka_unit_test(a_link_fits_its_template),
        cmocka_unit_test(a_link_is_the_template_with_entities),
        cmocka_unit_test(a_template_without_slots_is_no_text),
        cmocka_unit_test(truncated_text_is_refused),
        cmocka_unit_test(the_height_of_expressions_has_a_limit),
        cmocka_unit_test(the_height_of_constants_has_a_limit),
        cmocka_unit_test(lists_have_a_limit),
        cmocka_unit_test(policies_have_a_limit),
    };
    return cmocka_run_group_tests_name("cedar policy sets in JSON", tests, NULL, NULL);
}
