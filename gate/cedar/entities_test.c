/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/entities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UID(id) "{\"type\":\"U\",\"id\":\"" id "\"}"
#define WITH(id, attrs, parents)                                                                   \
    "{\"uid\":" UID(id) ",\"attrs\":" attrs ",\"parents\":[" parents "]}"
#define PLAIN(id, parents) WITH(id, "{}", parents)
#define ACTION(id, parent)                                                                         \
    "{\"uid\":{\"type\":\"N::Action\",\"id\":\"" id "\"},\"attrs\":{},\"parents\":[" parent "]}"

static err_code parse(const char *json, struct cedar_entities **ret, struct why *why)
{
    size_t len = strlen(json);
    uint8_t *copy = malloc(len + 1);
    err_code err;

    assert_non_null(copy);
    memcpy(copy, json, len);
    err = cedar_entities_parse((struct slice){copy, len}, ret, why);
    free(copy); /* nothing of it is kept */
    return err;
}

static struct cedar_uid uid(const char *id)
{
    return cedar_uid_of(slice_str("U"), slice_str(id));
}

static bool in(const struct cedar_entities *store, const char *a, const char *b)
{
    struct cedar_uid x = uid(a), y = uid(b);

    return cedar_entity_in(store, &x, &y);
}

static const struct {
    const char *json;
    size_t n;
} READ[] = {
    {"[]", 0},
    {"[" PLAIN("x", "") "]", 1},
    {"[{\"uid\":{\"__entity\":" UID("x") "},\"attrs\":{},\"parents\":[]}]", 1},
    {"[{\"uid\":{\"__entity\":" UID("x") ",\"z\":1},\"attrs\":{},\"parents\":[]}]", 1},
    {"[{\"uid\":{\"type\":\"U\",\"id\":\"x\",\"z\":1},\"attrs\":{},\"parents\":[]}]", 1},
    {"[{\"uid\":{\"__entity\":1,\"type\":\"U\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]", 1},
    {"[{\"uid\":{\"__expr\":1,\"type\":\"U\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]", 1},
    {"[{\"uid\":{\"__entity\":" UID("x") ",\"type\":\"V\",\"id\":\"y\"},\"attrs\":{},"
                                         "\"parents\":[]}]",
     1},
    {"[{\"uid\":" UID("x") ",\"attrs\":{},\"parents\":[],\"tags\":{\"a\":1},\"z\":null}]", 1},
    {"[" WITH("x", "{\"__entity\":" UID("x") "}", "") "]", 1},
    /* again, the same */
    {"[" PLAIN("x", UID("y") "," UID("z")) "," PLAIN("x", UID("z") "," UID("y") "," UID("y")) "]",
     1},
    {"[" WITH("x", "{\"a\":[1,2]}", "") "," PLAIN("y", "") "," WITH("x", "{\"a\":[2,1,1]}", "") "]",
     2},
    {"[" ACTION("x", "{\"type\":\"M::Action\",\"id\":\"y\"}") "]", 1},
    {"[" PLAIN("x", "{\"type\":\"Action\",\"id\":\"y\"}") "]", 1},
};

static void entities_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof READ / sizeof *READ; i++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
        struct cedar_uid x = uid("x");
        struct why why = {0};

        if (parse(READ[i].json, &store, &why) != ERR_OK)
            fail_msg("%s: %s", READ[i].json, why.text);
        assert_int_equal(cedar_entities_count(store), READ[i].n);
        assert_null(cedar_entities_at(store, READ[i].n));
        if (READ[i].n > 0 && strstr(READ[i].json, "Action\",\"id\":\"x") == NULL)
            assert_non_null(cedar_entities_find(store, &x));
    }
}

static const struct {
    const char *json;
    err_code err;
    const char *why;
} REFUSED[] = {
    {"[", ERR_JSON_MALFORMED, "1:2: expected a value, found the end"},
    {"{}", ERR_CEDAR_ENTITY, "1:1: an object, not an array of entities"},
    {"[1]", ERR_CEDAR_ENTITY, "1:2: [0]: an integer, not an object"},
    {"[{\"attrs\":{},\"parents\":[]}]", ERR_CEDAR_ENTITY, "1:2: [0]: no member \"uid\""},
    {"[{\"uid\":" UID("x") ",\"parents\":[]}]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:2: [0]: no member \"attrs\""},
    {"[{\"uid\":" UID("x") ",\"attrs\":{}}]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:2: [0]: no member \"parents\""},
    {"[{\"uid\":" UID("x") ",\"attrs\":{},\"parents\":{}}]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:52: [0].parents: an object, not an array"},
    {"[" WITH("x", "null", "") "]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:39: [0].attrs: null, not an object"},
    {"[{\"uid\":" UID("x") ",\"attrs\":{},\"parents\":[],\"tags\":null}]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:62: [0].tags: null, not an object"},
    {"[" WITH("x", "{\"a\":null}", "") "]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:44: [0].attrs.a: null is no value of Cedar"},
    {"[" WITH("x", "{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"zz\"}}}", "") "]", ERR_CEDAR_ENTITY,
     "U::\"x\": 1:44: [0].attrs.a: ip(zz) has no value"},
    {"[{\"uid\":\"U::\\\"x\\\"\",\"attrs\":{},\"parents\":[]}]", ERR_CEDAR_ENTITY,
     "1:9: [0].uid: not the name of an entity: {\"type\": string, \"id\": string}"},
    {"[{\"uid\":[\"U\",\"x\"],\"attrs\":{},\"parents\":[]}]", ERR_CEDAR_ENTITY,
     "1:9: [0].uid: not the name of an entity: {\"type\": string, \"id\": string}"},
    {"[{\"uid\":{\"__expr\":\"1\",\"type\":\"U\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]",
     ERR_CEDAR_ENTITY, "1:9: [0].uid: the escape __expr is no longer taken"},
    {"[{\"uid\":" UID("x") ",\"uid\":" UID("x") ",\"attrs\":{},\"parents\":[]}]",
     ERR_JSON_MALFORMED, "1:37: the second member \"uid\" of one object"},
    {"[" PLAIN("x", UID("x")) "]", ERR_CEDAR_ENTITY, "U::\"x\" is an ancestor of itself"},
    {"[" PLAIN("x", UID("y")) "," PLAIN("y", UID("z")) "," PLAIN("z", UID("y")) "]",
     ERR_CEDAR_ENTITY, "U::\"y\" is an ancestor of itself"},
    {"[" WITH("x", "{\"a\":1}", "") "," WITH("x", "{\"a\":2}", "") "]", ERR_CEDAR_ENTITY,
     "U::\"x\" stands twice, with different contents"},
    {"[" PLAIN("x", UID("y")) "," PLAIN("x", "") "]", ERR_CEDAR_ENTITY,
     "U::\"x\" stands twice, with different contents"},
    {"[" PLAIN("x", UID("y")) "," PLAIN("x", UID("y") "," UID("z")) "]", ERR_CEDAR_ENTITY,
     "U::\"x\" stands twice, with different contents"},
    {"[" PLAIN("x", UID("y")) "," PLAIN("x", UID("z")) "]", ERR_CEDAR_ENTITY,
     "U::\"x\" stands twice, with different contents"},
    {"[" PLAIN("x", "") ",{\"uid\":" UID("x") ",\"attrs\":{},\"parents\":[],\"tags\":{\"a\":1}}]",
     ERR_CEDAR_ENTITY, "U::\"x\" stands twice, with different contents"},
    {"[" ACTION("x", UID("y")) "]", ERR_CEDAR_ENTITY,
     "N::Action::\"x\" is an action in what is no action"},
};

static void what_is_no_store_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
        struct why why = {0};
        err_code err = parse(REFUSED[i].json, &store, &why);

        if (err != REFUSED[i].err || strcmp(why.text, REFUSED[i].why) != 0)
            fail_msg("%s: got %d %s, want %d %s", REFUSED[i].json, err, why.text, REFUSED[i].err,
                     REFUSED[i].why);
        assert_null(store);
    }
}

static void truncated_text_is_refused(void **state)
{
    static const char TEXT[] = "[{\"uid\":" UID("x") ",\"attrs\":{\"a\":[1,{\"__entity\":" UID(
        "y") "}]},\"parents\":[" UID("y") "],\"tags\":{\"t\":\"\\ud83d\\ude00\"}}]";

    (void)state;
    for (size_t n = 0; n < sizeof TEXT; n++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
        uint8_t *copy = malloc(n + 1);
        err_code err;

        assert_non_null(copy);
        memcpy(copy, TEXT, n);
        err = cedar_entities_parse((struct slice){copy, n}, &store, NULL);
        free(copy);
        assert_int_equal(err, n < sizeof TEXT - 1 ? ERR_JSON_MALFORMED : ERR_OK);
    }
}

/* a is in b and c; both are in d; d is in e, which is not in the store; f stands alone. */
static const char HIERARCHY[] =
    "[" PLAIN("a", UID("b") "," UID("c")) "," PLAIN("b", UID("d")) "," PLAIN(
        "c", UID("d")) "," PLAIN("d",
                                 UID("e")) ",{\"uid\":" UID("f") ",\"attrs\":{\"n\":7},\"parents\":"
                                                                 "[],\"tags\":{\"t\":true}}]";

static void ancestors_are_all_that_can_be_reached(void **state)
{
    static const char NAMES[] = "abcdefg";
    static const char *const ANCESTORS[] = {"bcde", "de", "de", "e", "", "", ""};
    CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;

    (void)state;
    assert_int_equal(parse(HIERARCHY, &store, NULL), ERR_OK);
    for (size_t i = 0; NAMES[i] != '\0'; i++) {
        char a[2] = {NAMES[i]};
        struct cedar_uid name = uid(a);
        const struct cedar_entity *entity = cedar_entities_find(store, &name);

        for (size_t k = 0; NAMES[k] != '\0'; k++) {
            char b[2] = {NAMES[k]};

            if (in(store, a, b) != (i == k || strchr(ANCESTORS[i], NAMES[k]) != NULL))
                fail_msg("%s in %s", a, b);
        }
        assert_int_equal(entity != NULL, NAMES[i] != 'e' && NAMES[i] != 'g');
        if (entity == NULL)
            continue;
        assert_int_equal(entity->n_ancestors, strlen(ANCESTORS[i]));
        for (uint32_t k = 1; k < entity->n_ancestors; k++)
            assert_true(cedar_uid_cmp(entity->ancestors[k - 1], entity->ancestors[k]) < 0);
    }
}

static void what_an_entity_has_is_kept(void **state)
{
    CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
    struct cedar_uid a = uid("a"), b = uid("b"), f = uid("f");
    const struct cedar_entity *entity;

    (void)state;
    assert_int_equal(parse(HIERARCHY, &store, NULL), ERR_OK);
    entity = cedar_entities_find(store, &a);
    assert_ptr_equal(entity, cedar_entities_at(store, 0));
    assert_int_equal(entity->n_parents, 2);
    assert_true(cedar_uid_eq(entity->parents[0], &b));
    assert_int_equal(entity->tags.kind, CEDAR_RECORD);
    assert_int_equal(entity->tags.n, 0);
    entity = cedar_entities_find(store, &f);
    assert_int_equal(cedar_record_get(&entity->attrs, slice_str("n"))->number, 7);
    assert_true(cedar_record_get(&entity->tags, slice_str("t"))->truth);
}

static void there_may_be_no_store(void **state)
{
    struct cedar_uid a = uid("a");

    (void)state;
    assert_int_equal(cedar_entities_count(NULL), 0);
    assert_null(cedar_entities_at(NULL, 0));
    assert_null(cedar_entities_find(NULL, &a));
    assert_true(in(NULL, "a", "a"));
    assert_false(in(NULL, "a", "b"));
}

/* A chain of n entities: each in the one behind it; the last is in what is not there. */
static struct buf chain(unsigned n)
{
    struct buf text = {0};
    char one[160];

    for (unsigned i = 0; i < n; i++) {
        snprintf(one, sizeof one,
                 "%s{\"uid\":{\"type\":\"U\",\"id\":\"%u\"},\"attrs\":{},"
                 "\"parents\":[{\"type\":\"U\",\"id\":\"%u\"}]}",
                 i == 0 ? "[" : ",", i, i + 1);
        assert_int_equal(buf_add_str(&text, one), ERR_OK);
    }
    assert_int_equal(buf_add_str(&text, "]"), ERR_OK);
    return text;
}

/* One entity over a store: it is seen, what is beneath it too; but what the store has stays. */
static void one_entity_lies_over_a_store(void **state)
{
    static const struct {
        const char *id;
        bool there, ours;
    } over[] = {{"new", true, true}, {"new2", true, true}, {"x", true, false}};
    CLEANUP(cedar_entities_free) struct cedar_entities *base = NULL;
    struct cedar_field *fields = calloc(1, sizeof *fields);
    struct cedar_value attrs;
    struct why why = {0};

    (void)state;
    assert_non_null(fields);
    fields[0] = (struct cedar_field){slice_str("new"), cedar_bool(true)};
    attrs = cedar_record_of(fields, 1, &(const struct slice *){NULL});
    assert_int_equal(parse("[" WITH("x", "{\"old\":1}", UID("y")) "]", &base, &why), ERR_OK);
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *both = NULL;
        struct cedar_uid name = uid(over[i].id), x = uid("x"), none = uid("none");
        const struct cedar_entity *found;

        assert_int_equal(cedar_entities_over(base, &name, attrs, &both), ERR_OK);
        found = cedar_entities_find(both, &name);
        assert_non_null(found);
        assert_true(cedar_uid_eq(&found->uid, &name));
        assert_int_equal(cedar_record_get(&found->attrs, slice_str("new")) != NULL, over[i].ours);
        assert_int_equal(cedar_entities_count(both), over[i].ours ? 1 : 0);
        assert_ptr_equal(cedar_entities_find(both, &x), cedar_entities_find(base, &x));
        assert_true(in(both, "x", "y"));
        assert_null(cedar_entities_find(both, &none));
    }
    {
        CLEANUP(cedar_entities_free) struct cedar_entities *alone = NULL;
        struct cedar_uid name = uid("new"), x = uid("x");

        assert_int_equal(cedar_entities_over(NULL, &name, attrs, &alone), ERR_OK);
        assert_non_null(cedar_entities_find(alone, &name));
        assert_null(cedar_entities_find(alone, &x));
    }
    free(fields);
}

static void the_pairs_have_a_limit(void **state)
{
    unsigned n = 1447; /* 1447 * 1448 / 2 = 1047628, and one more is more than 1048576 */

    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
        CLEANUP(buf_free) struct buf text = chain(n + over);
        struct why why = {0};

        assert_int_equal(cedar_entities_parse(buf_slice(&text), &store, &why),
                         over ? ERR_CEDAR_COUNT : ERR_OK);
        if (over)
            assert_string_equal(why.text,
                                "more pairs of entity and ancestor than the limit of 1048576");
        else
            assert_true(in(store, "0", "1447"));
    }
}

static void the_entities_have_a_limit(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        CLEANUP(cedar_entities_free) struct cedar_entities *store = NULL;
        CLEANUP(buf_free) struct buf text = {0};
        char one[96];

        for (unsigned i = 0; i < CEDAR_ENTITIES_MAX + over; i++) {
            snprintf(one, sizeof one,
                     "%s{\"uid\":{\"type\":\"U\",\"id\":\"%u\"},\"attrs\":{},\"parents\":[]}",
                     i == 0 ? "[" : ",", i);
            assert_int_equal(buf_add_str(&text, one), ERR_OK);
        }
        assert_int_equal(buf_add_str(&text, "]"), ERR_OK);
        assert_int_equal(cedar_entities_parse(buf_slice(&text), &store, NULL),
                         over ? ERR_CEDAR_COUNT : ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_are_read),
        cmocka_unit_test(what_is_no_store_is_refused),
        cmocka_unit_test(truncated_text_is_refused),
        cmocka_unit_test(ancestors_are_all_that_can_be_reached),
        cmocka_unit_test(what_an_entity_has_is_kept),
        cmocka_unit_test(there_may_be_no_store),
        cmocka_unit_test(one_entity_lies_over_a_store),
        cmocka_unit_test(the_pairs_have_a_limit),
        cmocka_unit_test(the_entities_have_a_limit),
    };
    return cmocka_run_group_tests_name("cedar entities", tests, NULL, NULL);
}
