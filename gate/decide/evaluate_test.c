/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One domain with one policy key; aliases in force from time 100 to 1000. */
#define N_MAX (ANSWER_POLICIES_MAX + 1)
#define NOW 500

struct world {
    struct root_meta root;
    struct snapshot snapshot;
    struct snapshot_policy listed[N_MAX];
    struct policy_object objects[N_MAX];
    struct revocation revoked;
    struct in_force force;
};
static struct world *world;

static int setup(void **state)
{
    (void)state;
    world = calloc(1, sizeof *world);
    world->root.version = 1;
    world->root.domain = slice_str("example.org");
    world->root.n_keys = 1;
    world->root.keys[0].kid.bytes[0] = 7;
    world->root.roles[ROLE_POLICY] = (struct root_holders){.threshold = 1, .n = 1};
    world->snapshot = (struct snapshot){.domain = slice_str("example.org"),
                                        .epoch = 3,
                                        .root_version = 1,
                                        .policies = world->listed,
                                        .iat = 100,
                                        .exp = 1000};
    world->force = (struct in_force){.root = &world->root,
                                     .snapshot = &world->snapshot,
                                     .objects = world->objects,
                                     .gate = slice_str("gate-1")};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MAX; i++)
        rules_free(&world->objects[i].rules);
    free(world);
    return 0;
}

static struct policy_object *add(const char *alias, const char *text)
{
    size_t i = world->snapshot.n_policies++;
    struct policy_object *object = &world->objects[i];

    *object = (struct policy_object){.domain = slice_str("example.org"),
                                     .alias = slice_str(alias),
                                     .version = 1,
                                     .text = {.policies = slice_str(text)},
                                     .iat = 100,
                                     .nbf = 100,
                                     .exp = 900,
                                     .n_signers = 1};
    object->digest.bytes[0] = (uint8_t)(i + 1);
    object->signers[0] = world->root.keys[0].kid;
    object->actions[ACTION_EXECUTE] = true;
    world->listed[i] = (struct snapshot_policy){object->alias, 1, object->digest};
    assert_int_equal(rules_load(&object->text, &object->rules, NULL), ERR_OK);
    return object;
}

static const char PERMIT_ALL[] = "permit(principal, action, resource);";
static const char FORBID_CURL[] =
    "@id(\"no-curl\") forbid(principal, action, resource == program::\"curl\");";
static const char BOTH[] =
    "permit(principal == agent::\"a\", action == Action::\"exec\", resource);"
    "@id(\"no-curl\") forbid(principal, action, resource == program::\"curl\");";

static const struct agent_facts *known; /* who asks; NULL: nobody known */

static struct answer ask_flags(const struct request_flags *flags, int64_t now)
{
    CLEANUP(request_free) struct request request = {0};
    struct answer answer;

    assert_int_equal(request_from_flags(flags, &request, NULL), ERR_OK);
    memset(&answer, 0xa5, sizeof answer); /* a permit that was not taken back would show */
    evaluate_for(&world->force, &request, known, now, &answer);
    assert_int_equal(answer.permit, answer.reason == ERR_OK);
    assert_int_equal(answer.why.code, answer.reason);
    return answer;
}

static struct answer ask(const char *agent, const char *class_, const char *resource,
                         const char *alias, int64_t now)
{
    const char *aliases[] = {alias, NULL};
    const struct request_flags flags = {"agent",  agent,   "exec", class_, "program",
                                        resource, aliases, NULL,   NULL};

    return ask_flags(&flags, now);
}

static void permits_and_forbids(void **state)
{
    (void)state;
    add("builds", BOTH);
    assert_true(ask("a", "execute", "git", NULL, NOW).permit);
    assert_int_equal(ask("a", "execute", "curl", NULL, NOW).reason, ERR_DENIED);
    assert_string_equal(ask("a", "execute", "curl", NULL, NOW).why.text,
                        "\"builds\" version 1 forbids it: no-curl");
    assert_string_equal(ask("b", "execute", "git", NULL, NOW).why.text,
                        "\"builds\" version 1 permits nothing that fits");
    assert_int_equal(ask("b", "execute", "git", NULL, NOW).reason, ERR_DENIED);
    assert_int_equal(ask("a", "mutate", "git", NULL, NOW).reason, ERR_NO_POLICY);
}

static void nothing_in_force_denies(void **state)
{
    (void)state;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_NO_POLICY);
}

static void every_covering_policy_must_permit_in_any_order(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    add("baseline", FORBID_CURL); /* permits nothing, so it denies all it covers */
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_DENIED);
    world->objects[1].actions[ACTION_EXECUTE] = false;
    assert_true(ask("a", "execute", "git", NULL, NOW).permit);
    world->objects[1].actions[ACTION_EXECUTE] = true;
    world->force.objects = (struct policy_object[]){world->objects[1], world->objects[0]};
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_DENIED);
}

static void aliases_of_the_request(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    add("mutations", PERMIT_ALL)->actions[ACTION_EXECUTE] = false;
    world->objects[1].actions[ACTION_MUTATE] = true;
    assert_true(ask("a", "execute", "git", "all", NOW).permit);
    assert_int_equal(ask("a", "execute", "git", "nope", NOW).reason, ERR_ALIAS_UNKNOWN);
    assert_int_equal(ask("a", "execute", "git", "mutations", NOW).reason, ERR_NO_POLICY);
}

static void scope_of_agents_and_zones(void **state)
{
    struct slice one[] = {slice_str("a")}, zone[] = {slice_str("lab")};
    (void)state;
    add("all", PERMIT_ALL)->agents = (struct term_list){one, 1};
    assert_true(ask("a", "execute", "git", NULL, NOW).permit);
    assert_int_equal(ask("b", "execute", "git", NULL, NOW).reason, ERR_NO_POLICY);
    world->objects[0].zones = (struct term_list){zone, 1};
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_NO_POLICY);
    world->force.zone = slice_str("lab");
    assert_true(ask("a", "execute", "git", NULL, NOW).permit);
    world->force.zone = slice_str("plant");
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_NO_POLICY);
}

static err_code reason(const char *agent, const char *alias)
{
    return ask(agent, "execute", "git", alias, NOW).reason;
}

/* A request adds to the aliases of the enrolment, and takes none away. */
static void aliases_of_an_agent(void **state)
{
    struct slice base[] = {slice_str("base")}, gone[] = {slice_str("base"), slice_str("gone")};
    struct agent_facts facts = {.id = slice_str("a"), .aliases = base, .n_aliases = 1};
    (void)state;

    add("all", PERMIT_ALL);
    known = &facts;
    assert_int_equal(reason("a", NULL), ERR_ALIAS_UNKNOWN);
    add("base", PERMIT_ALL);
    assert_int_equal(reason("a", NULL), ERR_OK);
    assert_int_equal(reason("a", "all"), ERR_OK);
    assert_int_equal(reason("a", "base"), ERR_OK);
    assert_int_equal(reason("a", "gone"), ERR_ALIAS_UNKNOWN);
    world->objects[1].actions[ACTION_EXECUTE] = false; /* it has to cover the request */
    assert_int_equal(reason("a", NULL), ERR_NO_POLICY);
    assert_int_equal(reason("a", "all"), ERR_NO_POLICY);
    facts.n_aliases = 0;
    assert_int_equal(reason("a", NULL), ERR_OK);
    facts.aliases = gone;
    facts.n_aliases = 2;
    world->objects[1].actions[ACTION_EXECUTE] = true;
    assert_int_equal(reason("a", NULL), ERR_ALIAS_UNKNOWN);
    assert_non_null(strstr(ask("a", "execute", "git", NULL, NOW).why.text, "enrolment"));
    known = NULL;
    assert_int_equal(reason("a", NULL), ERR_OK);
}

static void zone_of_an_agent(void **state)
{
    struct slice lab[] = {slice_str("lab")};
    struct agent_facts facts = {.id = slice_str("a"), .zone = slice_str("lab")};
    (void)state;

    add("all", PERMIT_ALL)->zones = (struct term_list){lab, 1};
    world->force.zone = slice_str("plant");
    assert_int_equal(reason("a", NULL), ERR_NO_POLICY);
    known = &facts;
    assert_int_equal(reason("a", NULL), ERR_OK);
    facts.zone = slice_str("office");
    world->force.zone = slice_str("lab"); /* also where the gate's would have done */
    assert_int_equal(reason("a", NULL), ERR_NO_POLICY);
    facts.zone = (struct slice){0};
    assert_int_equal(reason("a", NULL), ERR_OK);
    known = NULL;
}

static void facts_of_an_agent(void **state)
{
    struct agent_facts facts = {
        .id = slice_str("a"), .zone = slice_str("lab"), .parent = slice_str("boss")};
    (void)state;

    world->force.zone = slice_str("plant");
    add("all", "permit(principal, action, resource) when { context.gate has enrolled && "
               "context.gate.enrolled && context.gate.zone == \"lab\" && "
               "context.gate.parent == \"boss\" };");
    assert_int_equal(reason("a", NULL), ERR_DENIED);
    known = &facts;
    assert_int_equal(reason("a", NULL), ERR_OK);
    assert_int_equal(reason("b", NULL), ERR_SUBJECT_MISMATCH);
    facts.parent = (struct slice){0};
    assert_int_equal(reason("a", NULL), ERR_EVALUATION);
    facts.id = (struct slice){0};
    assert_int_equal(reason("a", NULL), ERR_SUBJECT_MISMATCH);
    known = NULL;
}

static void time_windows(void **state)
{
    static const struct {
        int64_t now;
        err_code want;
    } CASES[] = {
        {NOW, ERR_OK},      {100, ERR_OK},      {99, ERR_NOT_YET_VALID},    {899, ERR_OK},
        {900, ERR_EXPIRED}, {999, ERR_EXPIRED}, {1000, ERR_SNAPSHOT_STALE}, {0, ERR_NOT_YET_VALID},
    };
    (void)state;
    add("all", PERMIT_ALL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        err_code got = ask("a", "execute", "git", NULL, CASES[i].now).reason;
        if (got != CASES[i].want)
            fail_msg("at %lld: %s, wanted %s", (long long)CASES[i].now, err_name(got),
                     err_name(CASES[i].want));
    }
    world->root.has_exp = true;
    world->root.exp = NOW;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_EXPIRED);
}

static void revocation(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    world->snapshot.revoked = (struct revoked){&world->revoked, 1};
    world->revoked = (struct revocation){REVOKED_OBJECT, world->objects[0].digest, 0, {0}};
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_REVOKED);
    world->revoked = (struct revocation){REVOKED_KEY, world->root.keys[0].kid, 0, {0}};
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_REVOKED);
}

static void an_object_that_is_not_the_listed_one_denies(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    world->listed[0].digest.bytes[5] ^= 1;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_EQUIVOCATION);
    world->listed[0].version = 2;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_POLICY_ROLLBACK);
}

static void the_same_question_has_the_same_answer(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    add("builds", BOTH);
    for (int i = 0; i < 100; i++) {
        struct answer a = ask("a", "execute", i % 2 ? "git" : "curl", NULL, NOW);
        assert_int_equal(a.permit, i % 2);
        assert_int_equal(a.n_determining, i % 2 ? 2 : 1);
    }
}

/* What Cedar could not have been asked is no question: nothing of another type is compared. */
static void types_that_cedar_has_not(void **state)
{
    static const char *const NAMES[] = {"1a", "a b", "a::", "::a", "a:b", "permit-me", "if", "a~"};
    static const char *const NONE[] = {NULL};

    (void)state;
    add("all", PERMIT_ALL);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct request_flags flags = {"a::b", "a",  "exec", "execute", "a::b",
                                      "git",  NONE, NULL,   NULL};
        assert_true(ask_flags(&flags, NOW).permit);
        flags.subject_type = NAMES[i];
        assert_int_equal(ask_flags(&flags, NOW).reason, ERR_REQUEST_MALFORMED);
        flags.subject_type = "agent";
        flags.resource_type = NAMES[i];
        assert_int_equal(ask_flags(&flags, NOW).reason, ERR_REQUEST_MALFORMED);
    }
}

/* One more covering policy than an answer names: none of them is asked. */
static void too_many_policies(void **state)
{
    static char names[N_MAX][8];

    (void)state;
    for (size_t i = 0; i < N_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "p%03zu", i);
        if (i + 1 == N_MAX)
            assert_int_equal(ask("a", "execute", "git", NULL, NOW).n_policies, N_MAX - 1);
        add(names[i], PERMIT_ALL);
        assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason,
                         i + 1 == N_MAX ? ERR_TOO_LARGE : ERR_OK);
    }
}

/* As many causes as an answer has room for. */
static void many_causes(void **state)
{
    static char text[(ANSWER_DETERMINING_MAX + 1) * sizeof PERMIT_ALL];

    (void)state;
    for (int i = 0; i <= ANSWER_DETERMINING_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", PERMIT_ALL);
    add("all", text);
    add("more", PERMIT_ALL);
    assert_true(ask("a", "execute", "git", NULL, NOW).permit);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).n_determining, ANSWER_DETERMINING_MAX);
}

/* A policy that permitted is no cause of what a later one could not be asked about. */
static void a_denial_names_no_permit(void **state)
{
    (void)state;
    add("all", PERMIT_ALL);
    add("old", PERMIT_ALL)->exp = NOW;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).reason, ERR_EXPIRED);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).n_determining, 0);
}

/* ---- windows --------------------------------------------------------------------------------- */

#define ANY "permit(principal, action, resource);"
#define CURL "forbid(principal, action, resource == program::\"curl\");"
#define GIT "permit(principal, action, resource == program::\"git\");"
#define FRESH(t) "@freshness(\"" t "\") "

/* Who asks for which program; one object, or two. */
static const struct {
    const char *name, *first, *second;
    const char *resource;
    err_code reason;
    uint32_t ms;
} WINDOWS[] = {
    {"none is said", ANY, NULL, "git", ERR_OK, 0},
    {"one", FRESH("5s") ANY, NULL, "git", ERR_OK, 5000},
    {"the greatest", FRESH("60m") ANY, NULL, "git", ERR_OK, 3600000},
    {"said to be none", FRESH("0s") ANY, NULL, "git", ERR_OK, 0},
    {"the least of two", FRESH("5s") ANY FRESH("2s") GIT, NULL, "git", ERR_OK, 2000},
    {"in the other order", FRESH("2s") ANY FRESH("5s") GIT, NULL, "git", ERR_OK, 2000},
    {"one of two says none", FRESH("5s") ANY GIT, NULL, "git", ERR_OK, 0},
    {"the first of two", ANY FRESH("5s") GIT, NULL, "git", ERR_OK, 0},
    {"0s of one of two", FRESH("5s") ANY FRESH("0s") GIT, NULL, "git", ERR_OK, 0},
    {"what does not fit says nothing", FRESH("5s") ANY GIT, NULL, "vi", ERR_OK, 5000},
    {"nor does a forbid that does not", FRESH("5s") ANY CURL, NULL, "git", ERR_OK, 5000},
    {"what forbids", ANY FRESH("3s") CURL, NULL, "curl", ERR_DENIED, 3000},
    {"what forbids alone counts", FRESH("5s") ANY CURL, NULL, "curl", ERR_DENIED, 0},
    {"two that forbid", FRESH("4s") CURL FRESH("3s") CURL, NULL, "curl", ERR_DENIED, 3000},
    {"nothing fits", FRESH("5s") GIT, NULL, "vi", ERR_DENIED, 0},
    {"no policy at all", "", NULL, "vi", ERR_DENIED, 0},
    {"one that fails",
     FRESH("5s") ANY FRESH("5s") "permit(principal, action, resource) when "
                                 "{ resource.nothing };",
     NULL, "git", ERR_EVALUATION, 0},
    {"two objects", FRESH("5s") ANY, FRESH("2s") ANY, "git", ERR_OK, 2000},
    {"in the other order", FRESH("2s") ANY, FRESH("5s") ANY, "git", ERR_OK, 2000},
    {"one of two objects says none", FRESH("5s") ANY, ANY, "git", ERR_OK, 0},
    {"the first of two objects", ANY, FRESH("5s") ANY, "git", ERR_OK, 0},
    {"another object forbids", FRESH("5s") ANY, FRESH("2s") CURL, "curl", ERR_DENIED, 2000},
    {"the first object forbids", FRESH("2s") CURL, FRESH("1s") ANY, "curl", ERR_DENIED, 2000},
    {"what permitted before says nothing", ANY, FRESH("2s") CURL, "curl", ERR_DENIED, 2000},
    {"another object permits nothing", FRESH("5s") ANY, FRESH("2s") CURL, "git", ERR_DENIED, 0},
};

static void windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof WINDOWS / sizeof *WINDOWS; i++) {
        struct answer answer;

        add("first", WINDOWS[i].first);
        if (WINDOWS[i].second != NULL)
            add("second", WINDOWS[i].second);
        answer = ask("a", "execute", WINDOWS[i].resource, NULL, NOW);
        if (answer.reason != WINDOWS[i].reason || answer.fresh_ms != WINDOWS[i].ms)
            fail_msg("%s: got %s, %u ms; want %s, %u ms", WINDOWS[i].name, err_name(answer.reason),
                     answer.fresh_ms, err_name(WINDOWS[i].reason), WINDOWS[i].ms);
        for (; world->snapshot.n_policies > 0; world->snapshot.n_policies--)
            rules_free(&world->objects[world->snapshot.n_policies - 1].rules);
    }
}

/* What there is no room to name counts as well. */
static void the_window_of_many_causes(void **state)
{
    static char text[(ANSWER_DETERMINING_MAX + 1) * sizeof(FRESH("60m") ANY)];

    (void)state;
    for (int i = 0; i < ANSWER_DETERMINING_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), FRESH("60m") ANY);
    add("all", text);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 3600000);
    add("more", FRESH("7s") ANY);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 7000);
    world->snapshot.n_policies = 0;
    rules_free(&world->objects[0].rules);
    rules_free(&world->objects[1].rules);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), ANY);
    add("all", text);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 0);
}

/* Whatever a gate denies by itself rests on no check but the one that comes. */
static void denials_of_the_gate_have_no_window(void **state)
{
    const struct agent_facts other = {.id = slice_str("b")};

    (void)state;
    add("all", FRESH("5s") ANY);
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 5000);
    assert_int_equal(ask("a", "mutate", "git", NULL, NOW).fresh_ms, 0);
    assert_int_equal(ask("a", "execute", "git", "nope", NOW).fresh_ms, 0);
    assert_int_equal(ask("a", "execute", "git", NULL, 1000).fresh_ms, 0);
    known = &other;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 0);
    known = NULL;
    add("old", FRESH("5s") ANY)->exp = NOW;
    assert_int_equal(ask("a", "execute", "git", NULL, NOW).fresh_ms, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(permits_and_forbids),
        T(nothing_in_force_denies),
        T(every_covering_policy_must_permit_in_any_order),
        T(aliases_of_the_request),
        T(scope_of_agents_and_zones),
        T(aliases_of_an_agent),
        T(zone_of_an_agent),
        T(facts_of_an_agent),
        T(time_windows),
        T(revocation),
        T(an_object_that_is_not_the_listed_one_denies),
        T(types_that_cedar_has_not),
        T(too_many_policies),
        T(many_causes),
        T(a_denial_names_no_permit),
        T(windows),
        T(the_window_of_many_causes),
        T(denials_of_the_gate_have_no_window),
        T(the_same_question_has_the_same_answer),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
