/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/cast_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

static void written_is_read_back(void **state)
{
    struct slice agents[] = {slice_str("spiffe://example.org/a"),
                             slice_str("spiffe://example.org/b")};
    struct slice zones[] = {slice_str("prod")};
    struct policy_object object = cast_policy();
    CLEANUP(policy_free) struct policy_object got = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};
    (void)state;

    object.version = 7;
    object.previous = (struct term_link){true, {{9, 9}}};
    object.actions[ACTION_DELEGATE] = object.actions[ACTION_PROPAGATE] = true;
    object.agents = (struct term_list){agents, 2};
    object.zones = (struct term_list){zones, 1};
    object.text.has_schema = object.text.has_entities = true;
    object.text.schema = slice_str("entity agent;");
    object.text.entities = slice_str("[]");
    bytes = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B));
    assert_int_equal(policy_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_true(slice_eq_str(got.domain, "example.org"));
    assert_true(slice_eq_str(got.alias, "deploy"));
    assert_int_equal(got.version, 7);
    assert_true(got.previous.present && digest_eq(&got.previous.digest, &object.previous.digest));
    assert_true(got.actions[ACTION_DELEGATE] && got.actions[ACTION_EXECUTE] &&
                got.actions[ACTION_PROPAGATE] && !got.actions[ACTION_MUTATE]);
    assert_int_equal(got.agents.n, 2);
    assert_true(slice_eq(got.agents.items[1], agents[1]));
    assert_int_equal(got.zones.n, 1);
    assert_true(slice_eq(got.text.policies, object.text.policies));
    assert_true(got.text.has_schema && slice_eq(got.text.schema, object.text.schema));
    assert_true(got.text.has_entities && slice_eq(got.text.entities, object.text.entities));
    assert_int_equal(got.iat, 1000);
    assert_int_equal(got.nbf, 1000);
    assert_int_equal(got.exp, 9000);
    assert_memory_equal(got.cti, object.cti, sizeof got.cti);
    assert_int_equal(got.n_signers, 2);
    assert_true(digest_eq(&got.signers[1], &cast.kids[POLICY_B]));
}

static void covers(void **state)
{
    static const struct {
        const char *name;
        bool with_agents, with_zones;
        enum policy_action action;
        const char *agent, *zone;
        bool want;
    } CASES[] = {
        {"any agent, any zone", false, false, ACTION_EXECUTE, "x", "", true},
        {"another action", false, false, ACTION_MUTATE, "x", "", false},
        {"no action", false, false, ACTION_NONE, "x", "", false},
        {"beyond the actions", false, false, ACTION_END, "x", "", false},
        {"a listed agent", true, false, ACTION_EXECUTE, "b", "", true},
        {"the last agent", true, false, ACTION_EXECUTE, "c", "", true},
        {"an agent that is not listed", true, false, ACTION_EXECUTE, "bb", "", false},
        {"no agent", true, false, ACTION_EXECUTE, "", "", false},
        {"a listed zone", false, true, ACTION_EXECUTE, "x", "prod", true},
        {"another zone", false, true, ACTION_EXECUTE, "x", "test", false},
        {"a gate without zone", false, true, ACTION_EXECUTE, "x", "", false},
        {"both", true, true, ACTION_EXECUTE, "a", "prod", true},
        {"agent but not zone", true, true, ACTION_EXECUTE, "a", "test", false},
        {"zone but not agent", true, true, ACTION_EXECUTE, "z", "prod", false},
    };
    struct slice agents[] = {slice_str("a"), slice_str("b"), slice_str("c")};
    struct slice zones[] = {slice_str("prod")};
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct policy_object object = cast_policy();
        if (CASES[i].with_agents)
            object.agents = (struct term_list){agents, 3};
        if (CASES[i].with_zones)
            object.zones = (struct term_list){zones, 1};
        if (policy_covers(&object, CASES[i].action, slice_str(CASES[i].agent),
                          slice_str(CASES[i].zone)) != CASES[i].want)
            fail_msg("%s: want %d", CASES[i].name, CASES[i].want);
    }
}

#define HEAD "{\"alias\": \"deploy\", \"scope\": {}, "
#define ACTIONS "\"actions\": [\"execute\"], "
#define VERSION "\"version\": 1, "
#define LANGUAGE "\"language\": \"cedar-4\", "
#define TEXT "\"policies\": \"permit (principal, action, resource);\", "
#define PREVIOUS "\"previous\": null}"
#define REST VERSION LANGUAGE TEXT PREVIOUS
#define D32 "h'0101010101010101010101010101010101010101010101010101010101010101'"

static const struct {
    const char *name, *payload;
    err_code want;
} PAYLOADS[] = {
    {"good", HEAD ACTIONS REST, ERR_OK},
    {"good, scoped",
     "{\"alias\": \"deploy\", \"scope\": {\"zones\": [\"a\", \"b\"], \"agents\": [\"x\"]}, " ACTIONS
         REST,
     ERR_OK},
    {"good, version 2", HEAD ACTIONS "\"version\": 2, " LANGUAGE TEXT "\"previous\": " D32 "}",
     ERR_OK},
    {"no alias", "{\"scope\": {}, " ACTIONS REST, ERR_FORMAT},
    {"no scope", "{\"alias\": \"deploy\", " ACTIONS REST, ERR_FORMAT},
    {"no actions", HEAD REST, ERR_FORMAT},
    {"no version", HEAD ACTIONS LANGUAGE TEXT PREVIOUS, ERR_FORMAT},
    {"no language", HEAD ACTIONS VERSION TEXT PREVIOUS, ERR_FORMAT},
    {"no text", HEAD ACTIONS VERSION LANGUAGE PREVIOUS, ERR_FORMAT},
    {"no previous", HEAD ACTIONS VERSION LANGUAGE "\"policies\": \"\"}", ERR_FORMAT},
    {"surplus member", HEAD ACTIONS VERSION LANGUAGE TEXT "\"previous\": null, \"something\": 1}",
     ERR_FORMAT},
    {"good, a schema", "{\"alias\": \"deploy\", \"scope\": {}, \"schema\": \"\", " ACTIONS REST,
     ERR_OK},
    {"good, entities", HEAD ACTIONS VERSION "\"entities\": \"[]\", " LANGUAGE TEXT PREVIOUS,
     ERR_OK},
    {"a schema that is no text",
     "{\"alias\": \"deploy\", \"scope\": {}, \"schema\": 1, " ACTIONS REST, ERR_CBOR_TYPE},
    {"entities that are no text", HEAD ACTIONS VERSION "\"entities\": [], " LANGUAGE TEXT PREVIOUS,
     ERR_CBOR_TYPE},
    {"another language", HEAD ACTIONS VERSION "\"language\": \"cedar-5\", " TEXT PREVIOUS,
     ERR_UNSUPPORTED},
    {"language in capitals", HEAD ACTIONS VERSION "\"language\": \"Cedar-4\", " TEXT PREVIOUS,
     ERR_UNSUPPORTED},
    {"another alias in the claims", "{\"alias\": \"other\", \"scope\": {}, " ACTIONS REST,
     ERR_FORMAT},
    {"alias ..", "{\"alias\": \"..\", \"scope\": {}, " ACTIONS REST, ERR_FORMAT},
    {"alias with a slash", "{\"alias\": \"a/b\", \"scope\": {}, " ACTIONS REST, ERR_FORMAT},
    {"empty alias", "{\"alias\": \"\", \"scope\": {}, " ACTIONS REST, ERR_FORMAT},
    {"version 0", HEAD ACTIONS "\"version\": 0, " LANGUAGE TEXT PREVIOUS, ERR_FORMAT},
    {"negative version", HEAD ACTIONS "\"version\": -1, " LANGUAGE TEXT PREVIOUS, ERR_CBOR_TYPE},
    {"version 1 with a predecessor", HEAD ACTIONS VERSION LANGUAGE TEXT "\"previous\": " D32 "}",
     ERR_FORMAT},
    {"version 2 without", HEAD ACTIONS "\"version\": 2, " LANGUAGE TEXT PREVIOUS, ERR_FORMAT},
    {"short predecessor", HEAD ACTIONS "\"version\": 2, " LANGUAGE TEXT "\"previous\": h'0101'}",
     ERR_FORMAT},
    {"empty actions", HEAD "\"actions\": [], " REST, ERR_FORMAT},
    {"unknown action", HEAD "\"actions\": [\"read\"], " REST, ERR_FORMAT},
    {"action none", HEAD "\"actions\": [\"none\"], " REST, ERR_FORMAT},
    {"actions out of order", HEAD "\"actions\": [\"mutate\", \"execute\"], " REST, ERR_FORMAT},
    {"an action twice", HEAD "\"actions\": [\"execute\", \"execute\"], " REST, ERR_FORMAT},
    {"empty agents", "{\"alias\": \"deploy\", \"scope\": {\"agents\": []}, " ACTIONS REST,
     ERR_FORMAT},
    {"an agent twice",
     "{\"alias\": \"deploy\", \"scope\": {\"agents\": [\"a\", \"a\"]}, " ACTIONS REST, ERR_FORMAT},
    {"agents out of order",
     "{\"alias\": \"deploy\", \"scope\": {\"agents\": [\"b\", \"a\"]}, " ACTIONS REST, ERR_FORMAT},
    {"an empty agent", "{\"alias\": \"deploy\", \"scope\": {\"agents\": [\"\"]}, " ACTIONS REST,
     ERR_FORMAT},
    {"zones out of order",
     "{\"alias\": \"deploy\", \"scope\": {\"zones\": [\"b\", \"a\"]}, " ACTIONS REST, ERR_FORMAT},
    {"another scope", "{\"alias\": \"deploy\", \"scope\": {\"hosts\": [\"a\"]}, " ACTIONS REST,
     ERR_FORMAT},
    {"scope is a list", "{\"alias\": \"deploy\", \"scope\": [], " ACTIONS REST, ERR_CBOR_TYPE},
    {"text is bytes", HEAD ACTIONS VERSION LANGUAGE "\"policies\": h'00', " PREVIOUS,
     ERR_CBOR_TYPE},
    {"members out of order", "{\"scope\": {}, \"alias\": \"deploy\", " ACTIONS REST,
     ERR_CBOR_NOT_DETERMINISTIC},
    {"a member twice",
     "{\"alias\": \"deploy\", \"alias\": \"deploy\", \"scope\": {}, " ACTIONS REST,
     ERR_CBOR_DUPLICATE_KEY},
};

static void payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof PAYLOADS / sizeof *PAYLOADS; i++) {
        CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[i].payload);
        CLEANUP(buf_free)
        struct buf bytes =
            cast_sign(&cast, ENVELOPE_POLICY, "deploy", buf_slice(&payload), BY(POLICY_A));
        CLEANUP(policy_free) struct policy_object got = {0};
        struct why why = {0};
        err_code err = policy_parse(buf_slice(&bytes), &got, &why);
        if (err != PAYLOADS[i].want)
            fail_msg("%s: %s (%s), want %s", PAYLOADS[i].name, err_name(err), why.text,
                     err_name(PAYLOADS[i].want));
    }
}

static void limits(void **state)
{
    static struct slice many[TERM_LIST_MAX + 1];
    static char names[TERM_LIST_MAX + 1][8], long_name[TERM_NAME_MAX + 2];
    static char text[RULES_TEXT_MAX + 1];
    struct hw_signer *signers[] = {cast.signers[POLICY_A]};
    struct policy_object object = cast_policy();
    CLEANUP(policy_free) struct policy_object got = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i <= TERM_LIST_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%04zu", i);
        many[i] = slice_str(names[i]);
    }
    object.agents = (struct term_list){many, TERM_LIST_MAX + 1};
    assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_TOO_LARGE);
    object.agents.n--;
    assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_OK);
    assert_int_equal(policy_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    buf_free(&bytes);
    object.agents.n = 0;

    memset(long_name, 'a', TERM_NAME_MAX + 1);
    object.alias = slice_str(long_name);
    assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_FORMAT);
    object.alias.len--;
    assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_OK);
    buf_free(&bytes);

    memset(text, ' ', sizeof text);
    for (size_t part = 0; part < 3; part++) {
        struct slice *of[] = {&object.text.policies, &object.text.schema, &object.text.entities};
        object.text.has_schema = object.text.has_entities = true;
        *of[part] = (struct slice){(const uint8_t *)text, sizeof text};
        assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_TOO_LARGE);
        of[part]->len--;
        assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_OK);
        buf_free(&bytes);
    }

    object = cast_policy();
    object.version = TERM_NUMBER_MAX + 1;
    object.previous.present = true;
    assert_int_equal(policy_make(&object, signers, 1, &bytes, &why), ERR_FORMAT);
    assert_int_equal(bytes.len, 0);
}

/* The claims of a message, judged without regard to its payload. */
static void claims(void **state)
{
    static const uint8_t CTI[17] = {1};
    const struct cose_claims good = {.iss = slice_str("example.org"),
                                     .sub = slice_str("deploy"),
                                     .cti = {CTI, 16},
                                     .has_iat = true,
                                     .iat = 1000,
                                     .has_nbf = true,
                                     .nbf = 1000,
                                     .has_exp = true,
                                     .exp = 2000};
    struct cose_claims cases[18];
    CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[0].payload);
    struct why why = {0};
    size_t n = 0;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cases[i] = good;
    n++; /* 0: good */
    cases[n++].has_iat = false;
    cases[n++].has_nbf = false;
    cases[n++].has_exp = false;
    cases[n++].cti.len = 0;
    cases[n++].cti.len = 15;
    cases[n++].cti.len = 17;
    cases[n++].iss = slice_str("");
    cases[n++].sub = slice_str("Deploy");
    cases[n++].exp = 1000; /* empty window */
    cases[n++].iat = 2000;
    cases[n++].iat = -1;
    cases[n++].exp = TERM_TIME_MAX + 1;
    cases[n++].nbf = 3000;
    cases[n++].nbf = 2000;
    cases[n++].nbf = -1;
    cases[n++].iss = slice_str("Example.org");
    cases[n++].iss.len = 0;
    assert_int_equal(n, sizeof cases / sizeof *cases);
    for (size_t i = 0; i < n; i++) {
        const struct cose_header_spec spec = {.typ = "application/pawl-policy+cose",
                                              .claims = cases[i]};
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(policy_free) struct policy_object got = {0};
        assert_int_equal(
            cose_sign_make(&cast.signers[POLICY_A], 1, &spec, buf_slice(&payload), &bytes, &why),
            ERR_OK);
        if (policy_parse(buf_slice(&bytes), &got, &why) != (i == 0 ? ERR_OK : ERR_FORMAT))
            fail_msg("claims %zu: %s", i, why.text);
    }
}

static void headers_hold_nothing_else(void **state)
{
    static const uint8_t LABEL[] = {0x18, 0x64}, VALUE[] = {0x01};
    const struct cose_pair extra = {SLICE_OF(LABEL), SLICE_OF(VALUE)};
    static const uint8_t CTI[16] = {1};
    struct cose_header_spec spec = {.typ = "application/pawl-policy+cose",
                                    .claims = {.iss = slice_str("example.org"),
                                               .sub = slice_str("deploy"),
                                               .cti = SLICE_OF(CTI),
                                               .has_iat = true,
                                               .has_nbf = true,
                                               .has_exp = true,
                                               .exp = 2000}};
    CLEANUP(buf_free) struct buf payload = cast_cbor(&cast, PAYLOADS[0].payload);
    (void)state;

    for (int i = 0; i < 4; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        CLEANUP(policy_free) struct policy_object got = {0};
        struct why why = {0};
        spec.extra = &extra;
        spec.n_extra = i == 1;
        spec.content_type = i == 2 ? "text/plain" : NULL;
        spec.typ = i == 3 ? NULL : "application/pawl-policy+cose";
        assert_int_equal(
            cose_sign_make(&cast.signers[POLICY_A], 1, &spec, buf_slice(&payload), &bytes, &why),
            ERR_OK);
        assert_int_equal(policy_parse(buf_slice(&bytes), &got, &why), i == 0 ? ERR_OK : ERR_FORMAT);
    }
}

struct under {
    struct root_meta *root;
};

static err_code holds(void *ctx, struct slice bytes)
{
    const struct under *under = ctx;
    CLEANUP(policy_free) struct policy_object object = {0};

    TRY(policy_parse(bytes, &object, NULL));
    return policy_verify(&object, under->root, NULL, &JUDGE_SOFT, NULL);
}

static void every_damage_is_refused(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf root_bytes = {0}, bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &root_bytes);
    struct under under = {root};
    (void)state;

    bytes = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B));
    cast_damage(buf_slice(&bytes), 1, holds, &under);
}

static void another_domain_is_refused(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf root_bytes = {0}, bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = cast_root(&cast, &root_bytes);
    CLEANUP(policy_free) struct policy_object got = {0};
    struct why why = {0};
    (void)state;

    object.domain = slice_str("example.com");
    bytes = cast_sign_policy(&cast, &object, BY(POLICY_A) | BY(POLICY_B));
    assert_int_equal(policy_parse(buf_slice(&bytes), &got, &why), ERR_OK);
    assert_int_equal(policy_verify(&got, root, NULL, &JUDGE_SOFT, &why), ERR_SIGNER_UNKNOWN);
    assert_non_null(strstr(why.text, "example.com"));
    assert_non_null(strstr(why.text, "example.org"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back),
        cmocka_unit_test(covers),
        cmocka_unit_test(payloads),
        cmocka_unit_test(limits),
        cmocka_unit_test(claims),
        cmocka_unit_test(headers_hold_nothing_else),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(another_domain_is_refused),
    };
    return cmocka_run_group_tests_name("object", tests, setup, teardown);
}
