/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies and answers of the AuthZEN API. The cases that begin with "c-" are those of the
 * certification scenario of the Authorization API 1.0, with its bodies and under its ids. */
#include "gate/daemon/authzen.h"
#include "gate/daemon/identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ALICE "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}"
#define BOB "\"subject\":{\"type\":\"user\",\"id\":\"bob\"}"
#define BOB_ADMIN                                                                                  \
    "\"subject\":{\"type\":\"user\",\"id\":\"bob\",\"properties\":{\"role\":\"admin\"}}"
#define READ "\"action\":{\"name\":\"read\"}"
#define WRITE "\"action\":{\"name\":\"write\"}"
#define RECORD_1 "\"resource\":{\"type\":\"record\",\"id\":\"record-1\"}"
#define RECORD_2 "\"resource\":{\"type\":\"record\",\"id\":\"record-2\"}"
#define ACTIVE                                                                                     \
    "\"resource\":{\"type\":\"record\",\"id\":\"record-1\",\"properties\":{\"status\":\"active\"}" \
    "}"
#define ARCHIVED                                                                                   \
    "\"resource\":{\"type\":\"record\",\"id\":\"record-2\","                                       \
    "\"properties\":{\"status\":\"archived\"}}"
#define DELETE(soft) "\"action\":{\"name\":\"delete\",\"properties\":{\"soft\":" soft "}}"
#define WHOLE ALICE "," READ "," RECORD_1
#define LIST(items) "\"evaluations\":[" items "]"
#define SEMANTIC(value) "\"options\":{\"evaluations_semantic\":" value "}"

enum endpoint { ONE = 1, MANY = 2, BOTH = 3 };

static const struct parse_case {
    const char *name;
    enum endpoint at;
    const char *body;
    err_code want;
    size_t n;           /* evaluations; 0: a single one */
    unsigned malformed; /* bits of those that are none */
} PARSE[] = {
    {"c-2-2-1", BOTH, "{" WHOLE "}", ERR_OK, 0, 0},
    {"c-2-2-2", BOTH, "{" BOB "," WRITE "," RECORD_1 "}", ERR_OK, 0, 0},
    {"c-2-2-3", BOTH,
     "{" WHOLE ",\"context\":{\"time\":\"2025-06-27T18:03-07:00\",\"ip\":\"192.168.1.1\"}}", ERR_OK,
     0, 0},
    {"c-2-2-4", BOTH, "{" ALICE "," WRITE "," ARCHIVED "}", ERR_OK, 0, 0},
    {"c-2-2-5", BOTH, "{" BOB_ADMIN "," WRITE "," ARCHIVED "}", ERR_OK, 0, 0},
    {"c-2-2-6", BOTH, "{" ALICE "," DELETE("true") "," RECORD_1 "}", ERR_OK, 0, 0},
    {"c-2-2-7", BOTH, "{" ALICE "," DELETE("false") "," RECORD_1 "}", ERR_OK, 0, 0},
    {"c-2-2-8", BOTH,
     "{\"subject\":{\"type\":\"user\",\"id\":\"alice\",\"properties\":{\"department\":\"Sales\","
     "\"role\":\"manager\"}},\"action\":{\"name\":\"read\",\"properties\":{\"method\":\"GET\"}},"
     "\"resource\":{\"type\":\"record\",\"id\":\"record-1\",\"properties\":{\"status\":\"active\","
     "\"owner\":\"bob\"}}}",
     ERR_OK, 0, 0},
    {"c-2-2-9", BOTH, "{" WHOLE ",\"foo\":\"bar\",\"futureField\":{\"nested\":true}}", ERR_OK, 0,
     0},
    {"c-2-4-1 subject", BOTH, "{" READ "," RECORD_1 "}", ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-1 action", BOTH, "{" ALICE "," RECORD_1 "}", ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-1 resource", BOTH, "{" ALICE "," READ "}", ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-2 subject.type", BOTH, "{\"subject\":{\"id\":\"alice\"}," READ "," RECORD_1 "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-2 subject.id", BOTH, "{\"subject\":{\"type\":\"user\"}," READ "," RECORD_1 "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-2 action.name", BOTH, "{" ALICE ",\"action\":{}," RECORD_1 "}", ERR_REQUEST_MALFORMED,
     0, 0},
    {"c-2-4-2 resource.type", BOTH, "{" ALICE "," READ ",\"resource\":{\"id\":\"record-1\"}}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-2 resource.id", BOTH, "{" ALICE "," READ ",\"resource\":{\"type\":\"record\"}}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-4", BOTH, "{" WHOLE, ERR_JSON_MALFORMED, 0, 0},
    {"c-2-4-5", BOTH, "", ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-6 subject", BOTH, "{\"subject\":\"alice\"," READ "," RECORD_1 "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-2-4-6 action.name", BOTH, "{" ALICE ",\"action\":{\"name\":123}," RECORD_1 "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"c-3-2-1", MANY, "{" ALICE "," READ "," LIST("{" RECORD_1 "},{" RECORD_2 "}") "}", ERR_OK, 2,
     0},
    {"c-3-2-2", MANY, "{" BOB "," RECORD_1 "," LIST("{" READ "},{" WRITE "}") "}", ERR_OK, 2, 0},
    {"c-3-2-3", MANY, "{" ALICE "," WRITE "," LIST("{" ACTIVE "},{" ARCHIVED "}") "}", ERR_OK, 2,
     0},
    {"c-3-2-4", MANY, "{" WRITE "," ARCHIVED "," LIST("{" ALICE "},{" BOB_ADMIN "}") "}", ERR_OK, 2,
     0},
    {"c-3-2-5", MANY, "{" LIST("{" WHOLE "},{" BOB "," WRITE "," RECORD_1 "}") "}", ERR_OK, 2, 0},
    {"c-3-2-6", MANY,
     "{" ALICE "," READ ",\"context\":{\"time\":\"2025-06-27T18:03-07:00\"}," LIST(
         "{" RECORD_1 "},{" RECORD_2 ",\"context\":{\"time\":\"2025-06-27T19:00-07:00\","
         "\"source\":\"batch-override\"}}") "}",
     ERR_OK, 2, 0},
    {"c-3-2-7", MANY, "{" ALICE "," WRITE "," ACTIVE "," LIST("{},{" ARCHIVED "}") "}", ERR_OK, 2,
     0},
    {"a part of an object is not added to the default", MANY,
     "{" ALICE "," WRITE ",\"resource\":{\"type\":\"record\"}," LIST(
         "{\"resource\":{\"id\":\"record-1\",\"properties\":{\"status\":\"active\"}}},"
         "{" ARCHIVED "}") "}",
     ERR_OK, 2, 1},
    {"c-3-4-1", MANY,
     "{" ALICE "," READ "," SEMANTIC("\"execute_all\"") "," LIST("{" RECORD_1 "},{}") "}", ERR_OK,
     2, 2},
    {"c-3-4-2", MANY, "{" WHOLE "}", ERR_OK, 0, 0},
    {"c-3-4-3", MANY, "{" WHOLE "," LIST("") "}", ERR_OK, 0, 0},

    {"empty items take all defaults", MANY, "{" WHOLE "," LIST("{},{}") "}", ERR_OK, 2, 0},
    {"unknown members of an item", MANY, "{" WHOLE "," LIST("{\"more\":null}") "}", ERR_OK, 1, 0},
    {"items of other types", MANY, "{" WHOLE "," LIST("7,{},null,[]") "}", ERR_OK, 4, 13},
    {"null in place of a default", MANY, "{" WHOLE "," LIST("{\"resource\":null},{}") "}", ERR_OK,
     2, 1},
    {"null inside an item", MANY, "{" WHOLE "," LIST("{\"context\":{\"a\":null}},{}") "}", ERR_OK,
     2, 1},
    {"a fraction inside an item", MANY, "{" WHOLE "," LIST("{},{\"context\":{\"a\":0.5}}") "}",
     ERR_OK, 2, 2},
    {"an item with a list of its own", MANY, "{" WHOLE "," LIST("{" LIST("{}") "}") "}", ERR_OK, 1,
     0},
    {"a list is not for one evaluation", ONE, "{" WHOLE "," LIST("1,2") "}", ERR_OK, 0, 0},
    {"options are not for one evaluation", ONE, "{" WHOLE ",\"options\":1}", ERR_OK, 0, 0},
    {"null in place of a subject", BOTH, "{\"subject\":null," READ "," RECORD_1 "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"null inside", BOTH, "{" WHOLE ",\"context\":{\"a\":null}}", ERR_REQUEST_MALFORMED, 0, 0},
    {"context null", BOTH, "{" WHOLE ",\"context\":null}", ERR_REQUEST_MALFORMED, 0, 0},
    {"a duplicate member", BOTH, "{" WHOLE "," ALICE "}", ERR_JSON_MALFORMED, 0, 0},
    {"a duplicate member that is escaped", BOTH, "{" WHOLE ",\"\\u0073ubject\":{}}",
     ERR_JSON_MALFORMED, 0, 0},
    {"a duplicate member inside", BOTH, "{" WHOLE ",\"context\":{\"a\":1,\"a\":1}}",
     ERR_JSON_MALFORMED, 0, 0},
    {"a duplicate member of an item", MANY, "{" WHOLE "," LIST("{" READ "," READ "}") "}",
     ERR_JSON_MALFORMED, 0, 0},
    {"two bodies", BOTH, "{" WHOLE "}{}", ERR_JSON_MALFORMED, 0, 0},
    {"not UTF-8", BOTH, "{" WHOLE ",\"more\":\"\xff\"}", ERR_JSON_MALFORMED, 0, 0},
    {"an array", BOTH, "[{" WHOLE "}]", ERR_REQUEST_MALFORMED, 0, 0},
    {"text", BOTH, "\"x\"", ERR_JSON_MALFORMED, 0, 0},
    {"a list that is an object", MANY, "{" WHOLE ",\"evaluations\":{}}", ERR_REQUEST_MALFORMED, 0,
     0},
    {"a list that is null", MANY, "{" WHOLE ",\"evaluations\":null}", ERR_REQUEST_MALFORMED, 0, 0},
    {"a default that is text", MANY, "{\"subject\":\"alice\"," LIST("{" WHOLE "}") "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"options that are text", MANY, "{" WHOLE "," LIST("{}") ",\"options\":\"x\"}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"unknown options", MANY, "{" WHOLE "," LIST("{}") ",\"options\":{\"x\":1}}", ERR_OK, 1, 0},
    {"an unknown semantic", MANY, "{" WHOLE "," LIST("{}") "," SEMANTIC("\"all\"") "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"a semantic that is a number", MANY, "{" WHOLE "," LIST("{}") "," SEMANTIC("1") "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"a semantic that is null", MANY, "{" WHOLE "," LIST("{}") "," SEMANTIC("null") "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"a semantic of nothing", MANY, "{" WHOLE "," LIST("{}") "," SEMANTIC("\"\"") "}",
     ERR_REQUEST_MALFORMED, 0, 0},
    {"a semantic is not for one evaluation", BOTH, "{" WHOLE "," LIST("") "," SEMANTIC("1") "}",
     ERR_OK, 0, 0},
    {"execute_all", MANY, "{" WHOLE "," LIST("{}") "," SEMANTIC("\"execute_all\"") "}", ERR_OK, 1,
     0},
    {"context.gate", BOTH, "{" WHOLE ",\"context\":{\"gate\":{}}}", ERR_REQUEST_MALFORMED, 0, 0},
};

static err_code parse(const char *body, bool batch, struct demand **ret, bool *ret_single,
                      struct why *why)
{
    const struct authzen_body in = {slice_str(body), batch, "execute"};

    return authzen_parse(&in, ret, ret_single, why);
}

static unsigned malformed_of(const struct demand *demand)
{
    unsigned bits = 0;

    for (size_t i = 0; i < demand->n_items; i++)
        bits |= (unsigned)(demand->items[i].malformed != ERR_OK) << i;
    return bits;
}

static void check_parse(const struct parse_case *row, bool batch)
{
    CLEANUP(demand_free) struct demand *demand = NULL;
    struct why why = {0};
    bool single = false;
    err_code err = parse(row->body, batch, &demand, &single, &why);

    if (err != row->want)
        fail_msg("%s (%s): %s (%s), wanted %s", row->name, batch ? "batch" : "single",
                 err_name(err), why.text, err_name(row->want));
    if (err != ERR_OK) {
        assert_null(demand);
        return;
    }
    if (single != (row->n == 0) || demand->n_items != (single ? 1 : row->n))
        fail_msg("%s: %zu evaluations, single %d, wanted %zu", row->name, demand->n_items, single,
                 row->n);
    if (malformed_of(demand) != row->malformed)
        fail_msg("%s: malformed are 0x%x, wanted 0x%x", row->name, malformed_of(demand),
                 row->malformed);
}

static void bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof PARSE / sizeof PARSE[0]; i++) {
        if ((PARSE[i].at & ONE) != 0)
            check_parse(&PARSE[i], false);
        if ((PARSE[i].at & MANY) != 0)
            check_parse(&PARSE[i], true);
    }
}

/* No beginning of a body is a body. */
static void cut(void **state)
{
    static const char BODY[] =
        "{" WHOLE "," LIST("{},{" ARCHIVED "}") "," SEMANTIC("\"execute_all\"") "}";

    (void)state;
    for (size_t len = 0; len < sizeof BODY - 1; len++) {
        const struct authzen_body in = {{(const uint8_t *)BODY, len}, true, NULL};
        CLEANUP(demand_free) struct demand *demand = NULL;
        bool single;
        if (authzen_parse(&in, &demand, &single, NULL) == ERR_OK)
            fail_msg("%zu of %zu bytes were taken", len, sizeof BODY - 1);
    }
}

static void expect_text(struct slice got, const char *want)
{
    if (!slice_eq_str(got, want))
        fail_msg("got \"%.*s\", wanted \"%s\"", (int)got.len, (const char *)got.ptr, want);
}

/* What of an item is its own and what is the default: whole objects. */
static void defaults(void **state)
{
    CLEANUP(demand_free) struct demand *demand = NULL, *alone = NULL;
    struct why why = {0};
    bool single;

    (void)state;
    assert_int_equal(parse("{" WHOLE ",\"context\":{\"aliases\":[\"a\"]}," LIST(
                               "{},{" BOB "," WRITE ",\"context\":{}}") "}",
                           true, &demand, &single, &why),
                     ERR_OK);
    expect_text(demand->items[0].request.subject_id, "alice");
    expect_text(demand->items[0].request.action_name, "read");
    assert_int_equal(demand->items[0].request.n_aliases, 1);
    expect_text(demand->items[1].request.subject_id, "bob");
    expect_text(demand->items[1].request.action_name, "write");
    expect_text(demand->items[1].request.resource_id, "record-1");
    assert_int_equal(demand->items[1].request.n_aliases, 0);
    /* An item is the same request as one that is sent alone. */
    assert_int_equal(
        parse("{" BOB "," WRITE "," RECORD_1 ",\"context\":{}}", false, &alone, &single, &why),
        ERR_OK);
    assert_memory_equal(&demand->items[1].request.digest, &alone->items[0].request.digest,
                        sizeof(struct digest));
}

/* An action without a class is one of the class that the service was told, and what was sent stays
 * what is digested. Without that it is malformed. */
static void classes(void **state)
{
    static const char BODY[] = "{" WHOLE "}";
    static const char OWN[] =
        "{" ALICE ",\"action\":{\"name\":\"read\",\"properties\":{\"class\":\"mutate\"}}," RECORD_1
        "}";
    struct authzen_body in = {slice_str(BODY), false, NULL};
    CLEANUP(demand_free) struct demand *one = NULL, *two = NULL, *own = NULL;
    struct why why = {0};
    bool single;

    (void)state;
    assert_int_equal(authzen_parse(&in, &one, &single, &why), ERR_REQUEST_MALFORMED);
    in.class_ = "propagate";
    assert_int_equal(authzen_parse(&in, &one, &single, &why), ERR_OK);
    expect_text(one->items[0].request.action_class, "propagate");
    in.class_ = "execute";
    assert_int_equal(authzen_parse(&in, &two, &single, &why), ERR_OK);
    assert_memory_equal(&one->items[0].request.digest, &two->items[0].request.digest,
                        sizeof(struct digest));
    in.bytes = slice_str(OWN);
    assert_int_equal(authzen_parse(&in, &own, &single, &why), ERR_OK);
    expect_text(own->items[0].request.action_class, "mutate");
}

/* As many as may be, one more, and a default that is small once and large as often as that. */
static void limits(void **state)
{
    static const struct {
        size_t n, filler;
        err_code want;
    } ROWS[] = {
        {DEMAND_ITEMS_MAX, 10, ERR_OK},
        {DEMAND_ITEMS_MAX + 1, 10, ERR_TOO_LARGE},
        {DEMAND_ITEMS_MAX, AUTHZEN_EXPANDED_MAX / DEMAND_ITEMS_MAX + 1, ERR_TOO_LARGE},
        {1, REQUEST_SIZE_MAX, ERR_TOO_LARGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        CLEANUP(demand_free) struct demand *demand = NULL;
        CLEANUP(buf_free) struct buf body = {0};
        struct why why = {0};
        uint8_t *space;
        bool single;
        assert_int_equal(buf_add_str(&body, "{" WHOLE ",\"context\":{\"a\":\""), ERR_OK);
        assert_int_equal(buf_add_space(&body, ROWS[i].filler, &space), ERR_OK);
        memset(space, 'x', ROWS[i].filler);
        assert_int_equal(buf_add_str(&body, "\"},\"evaluations\":["), ERR_OK);
        for (size_t j = 0; j < ROWS[i].n; j++)
            assert_int_equal(buf_add_str(&body, j == 0 ? "{}" : ",{}"), ERR_OK);
        assert_int_equal(buf_add_str(&body, "]}"), ERR_OK);
        const struct authzen_body in = {buf_slice(&body), true, "execute"};
        err_code err = authzen_parse(&in, &demand, &single, &why);
        if (err != ROWS[i].want)
            fail_msg("%zu with %zu bytes: %s, wanted %s", ROWS[i].n, ROWS[i].filler, err_name(err),
                     err_name(ROWS[i].want));
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Decisions as a keeper leaves them: p permitted, d denied, m malformed, u not recorded. As far as
 * the semantic goes, which demand_judge() works out. */
static const struct answer_case {
    const char *name, *semantic, *items;
    err_code refused;
    const char *want; /* decisions in the answer */
} ANSWERS[] = {
    {"all", "execute_all", "pdmp", ERR_OK, "pddp"},
    {"all denied", "execute_all", "dd", ERR_OK, "dd"},
    {"until the first denial", "deny_on_first_deny", "ppdp", ERR_OK, "ppd"},
    {"no denial", "deny_on_first_deny", "ppp", ERR_OK, "ppp"},
    {"what is malformed is denied", "deny_on_first_deny", "pmp", ERR_OK, "pd"},
    {"until the first permit", "permit_on_first_permit", "ddmpd", ERR_OK, "dddp"},
    {"no permit", "permit_on_first_permit", "ddd", ERR_OK, "ddd"},
    {"permitted, and then not recorded", "execute_all", "pu", ERR_OK, "pd"},
    {"nothing could be decided", "execute_all", "ppm", ERR_TPM_FAILED, "ddd"},
    {"nothing could be decided, to the first denial", "deny_on_first_deny", "pp", ERR_TPM_FAILED,
     "d"},
    {"nothing could be decided, to the first permit", "permit_on_first_permit", "pp",
     ERR_TPM_FAILED, "dd"},
};

static void decide(struct demand *demand, const struct answer_case *row)
{
    bool over = false;

    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];
        char kind = row->items[i];
        item->judged = !over;
        if (over)
            continue;
        item->permit = kind == 'p' || kind == 'u';
        item->recorded = kind == 'p' || kind == 'd';
        if (item->recorded) {
            item->context = json_pack("{s:s}", "reason", kind == 'p' ? "OK" : "DENIED");
            assert_int_equal(buf_add_str(&item->permit_file, "file"), ERR_OK);
        }
        over = (demand->semantic == DEMAND_DENY_ON_FIRST_DENY && !item->permit) ||
               (demand->semantic == DEMAND_PERMIT_ON_FIRST_PERMIT && item->permit);
    }
    demand->refused = row->refused;
}

static void make_demand(const struct answer_case *row, struct demand **ret)
{
    CLEANUP(buf_free) struct buf body = {0};
    struct why why = {0};
    bool single;

    assert_int_equal(buf_add_str(&body, "{" WHOLE ",\"options\":{\"evaluations_semantic\":\""),
                     ERR_OK);
    assert_int_equal(buf_add_str(&body, row->semantic), ERR_OK);
    assert_int_equal(buf_add_str(&body, "\"},\"evaluations\":["), ERR_OK);
    for (const char *at = row->items; *at != '\0'; at++) {
        assert_int_equal(buf_add_str(&body, at == row->items ? "" : ","), ERR_OK);
        assert_int_equal(buf_add_str(&body, *at == 'm' ? "{\"action\":{}}" : "{}"), ERR_OK);
    }
    assert_int_equal(buf_add_str(&body, "]}"), ERR_OK);
    assert_int_equal(buf_terminate(&body), ERR_OK);
    assert_int_equal(parse((const char *)body.ptr, true, ret, &single, &why), ERR_OK);
    assert_false(single);
    decide(*ret, row);
}

static const json_t *member(const json_t *object, const char *a, const char *b)
{
    return json_object_get(json_object_get(object, a), b);
}

/* An error is in the context exactly of what is malformed, a permit of what is recorded. */
static void check_context(const struct answer_case *row, size_t i, const json_t *one, bool permits)
{
    bool recorded = row->refused == ERR_OK && (row->items[i] == 'p' || row->items[i] == 'd');
    const json_t *error = member(one, "context", "error");
    const json_t *permit = member(one, "context", "permit");

    if ((error != NULL) != (row->items[i] == 'm'))
        fail_msg("%s: context.error of evaluation %zu", row->name, i);
    if (error != NULL) {
        assert_int_equal(json_integer_value(json_object_get(error, "status")), 400);
        assert_true(json_is_string(json_object_get(error, "message")));
    }
    if ((permit != NULL) != (permits && recorded))
        fail_msg("%s: context.permit of evaluation %zu", row->name, i);
    if (permit != NULL)
        assert_string_equal(json_string_value(permit), "ZmlsZQ==");
    assert_true(json_is_string(member(one, "context", "reason")));
}

/* It has to be the JSON that any parser takes, with no member twice. */
static json_t *answer_of(const struct demand *demand, bool single, bool permits)
{
    CLEANUP(buf_free) struct buf text = {0};
    json_t *answer;

    assert_int_equal(authzen_answer(demand, single, permits, &text), ERR_OK);
    answer = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(answer);
    return answer;
}

static void check_answer(const struct answer_case *row, bool permits)
{
    CLEANUP(demand_free) struct demand *demand = NULL;
    json_t *answer, *list;

    make_demand(row, &demand);
    answer = answer_of(demand, false, permits);
    list = json_object_get(answer, "evaluations");
    assert_int_equal(json_object_size(answer), 1);
    if (json_array_size(list) != strlen(row->want))
        fail_msg("%s: %zu answers, wanted %zu", row->name, json_array_size(list),
                 strlen(row->want));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *got = json_object_get(one, "decision");
        if (!json_is_boolean(got) || json_is_true(got) != (row->want[i] == 'p'))
            fail_msg("%s: decision %zu is not %c", row->name, i, row->want[i]);
        check_context(row, i, one, permits);
    }
    json_decref(answer);
}

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        check_answer(&ANSWERS[i], false);
        check_answer(&ANSWERS[i], true);
    }
}

/* c-2-3: a decision, and a context that is an object. */
static void single_answer(void **state)
{
    static const struct {
        bool recorded, permit;
        err_code refused;
        bool want;
    } ROWS[] = {
        {true, true, ERR_OK, true},          {true, false, ERR_OK, false},
        {false, true, ERR_OK, false},        {false, false, ERR_OK, false},
        {true, true, ERR_TPM_FAILED, false}, {false, false, ERR_STORAGE_FULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        CLEANUP(demand_free) struct demand *demand = NULL;
        struct why why = {0};
        json_t *answer;
        bool single;
        assert_int_equal(parse("{" WHOLE "}", false, &demand, &single, &why), ERR_OK);
        demand->items[0].recorded = ROWS[i].recorded;
        demand->items[0].permit = ROWS[i].permit;
        demand->refused = ROWS[i].refused;
        answer = answer_of(demand, true, true);
        if (json_is_true(json_object_get(answer, "decision")) != ROWS[i].want)
            fail_msg("row %zu: decision, wanted %d", i, ROWS[i].want);
        assert_true(json_is_boolean(json_object_get(answer, "decision")));
        assert_true(json_is_object(json_object_get(answer, "context")));
        json_decref(answer);
    }
}

/* ---- callers --------------------------------------------------------------------------------- */

/* build-7 is uid 7, build-8 is uid 8. */
static struct registry *office_of(void)
{
    struct roster roster = {0};
    struct registry *registry;
    char id[16];

    for (uint64_t uid = 7; uid < 9; uid++) {
        struct record_agent agent = {.has_uid = true, .uid = uid};
        struct enrolled *enrolled;
        (void)snprintf(id, sizeof id, "build-%d", (int)uid);
        agent.id = slice_str(id);
        assert_int_equal(enrolled_make(&agent, uid, 1, &enrolled), ERR_OK);
        assert_int_equal(roster_room(&roster), ERR_OK);
        roster_append(&roster, enrolled);
    }
    assert_true(roster_complete(&roster));
    assert_int_equal(registry_new(&registry), ERR_OK);
    assert_int_equal(registry_update(registry, &roster), ERR_OK);
    roster_free(&roster);
    return registry;
}

static void callers(void **state)
{
    static const struct {
        enum caller_kind kind;
        uid_t uid;
        const char *subject;
        err_code want;
        bool known;
    } ROWS[] = {
        {CALLER_NONE, 7, "build-7", ERR_CALLER_REFUSED, false},
        {CALLER_AGENT, 7, "build-7", ERR_OK, true},
        {CALLER_AGENT, 7, "build-70", ERR_SUBJECT_MISMATCH, false},
        {CALLER_AGENT, 7, "build-", ERR_SUBJECT_MISMATCH, false},
        {CALLER_AGENT, 7, "build-8", ERR_SUBJECT_MISMATCH, false}, /* who is enrolled, too */
        {CALLER_AGENT, 0, "build-7", ERR_AGENT_UNKNOWN, false},
        {CALLER_ENFORCEMENT, 7, "build-7", ERR_OK, true},
        {CALLER_ENFORCEMENT, 0, "build-8", ERR_OK, true},
        {CALLER_ENFORCEMENT, 7, "nobody", ERR_OK, false},
        {CALLER_ADMIN, 7, "build-7", ERR_OK, true},
    };
    struct registry *registry = office_of();

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct caller caller = {.kind = ROWS[i].kind, .uid = ROWS[i].uid};
        const struct request request = {.subject_id = slice_str(ROWS[i].subject)};
        struct why why = {0};
        struct known known = {0};
        err_code err = identify_one(registry, &caller, &request, &known, &why);
        if (err != ROWS[i].want || (known.enrolled != NULL) != ROWS[i].known)
            fail_msg("%s by %d: %s, wanted %s", ROWS[i].subject, ROWS[i].kind, err_name(err),
                     err_name(ROWS[i].want));
        known_free(&known);
    }
    registry_free(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),  cmocka_unit_test(cut),           cmocka_unit_test(defaults),
        cmocka_unit_test(classes), cmocka_unit_test(limits),        cmocka_unit_test(answers),
        cmocka_unit_test(callers), cmocka_unit_test(single_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
