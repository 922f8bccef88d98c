/* SPDX-License-Identifier: Apache-2.0 */
/* authorize_test.c: how policies make a decision together: scopes, effects, failures, both modes,
 * templates, and limits. */
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define PERMIT "permit(principal, action, resource);"
#define FORBID "forbid(principal, action, resource);"
#define NO "permit(principal, action, resource) when { false };"
#define P(scope) "permit(" scope ");"
#define WHEN(effect, body) effect "(principal, action, resource) when { " body " };"

static const char ENTITIES[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"},{\"type\":\"Dept\",\"id\":\"it\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"staff\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"all\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"read\"}]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"readme\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"root\"}]}]";

static void check(const char *policies, const char *cedar, const char *gate)
{
    char line[WORLD_LINE];
    struct world world;

    world_open(&world, &(struct world_texts){.policies = policies, .entities = ENTITIES});
    world_decide(&world, CEDAR_MODE_CEDAR, line);
    if (strcmp(line, cedar) != 0)
        fail_msg("%s\n%s, want %s", policies, line, cedar);
    world_explain(&world, line);
    if (strcmp(line, cedar) != 0)
        fail_msg("%s\nexplained: %s, want %s", policies, line, cedar);
    world_decide(&world, CEDAR_MODE_GATE, line);
    if (strcmp(line, gate != NULL ? gate : cedar) != 0)
        fail_msg("%s\nin a gate: %s, want %s", policies, line, gate != NULL ? gate : cedar);
    world_close(&world);
}

static void permits_and_forbids(void **state)
{
    static const struct {
        const char *policies, *want;
    } ROWS[] = {
        {"", "deny"},
        {PERMIT, "permit 0"},
        {FORBID, "deny 0"},
        {NO, "deny"},
        {PERMIT PERMIT, "permit 0 1"},
        {PERMIT NO PERMIT, "permit 0 2"},
        {PERMIT FORBID, "deny 1"},
        {FORBID PERMIT, "deny 0"},
        {FORBID PERMIT FORBID NO, "deny 0 2"},
        {PERMIT WHEN("forbid", "false"), "permit 0"},
        {WHEN("forbid", "false"), "deny"},
        {"permit(principal, action, resource) when { true } when { true };", "permit 0"},
        {"permit(principal, action, resource) when { true } when { false };", "deny"},
        {"permit(principal, action, resource) when { false } when { true };", "deny"},
        {"permit(principal, action, resource) unless { false };", "permit 0"},
        {"permit(principal, action, resource) unless { true };", "deny"},
        {"permit(principal, action, resource) when { true } unless { false };", "permit 0"},
        {"permit(principal, action, resource) unless { false } when { false };", "deny"},
        {"forbid(principal, action, resource) unless { true };" PERMIT, "permit 1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++)
        check(ROWS[i].policies, ROWS[i].want, NULL);
}

#define FAILS "context.missing"
#define BAD_PERMIT WHEN("permit", FAILS)
#define BAD_FORBID WHEN("forbid", FAILS)

static void failures(void **state)
{
    static const struct {
        const char *policies, *cedar, *gate;
    } ROWS[] = {
        {BAD_PERMIT, "deny errors 0", NULL},
        {BAD_FORBID, "deny errors 0", NULL},
        {BAD_PERMIT PERMIT, "permit 1 errors 0", "deny errors 0"},
        {PERMIT BAD_PERMIT, "permit 0 errors 1", "deny errors 1"},
        {PERMIT BAD_FORBID, "permit 0 errors 1", "deny errors 1"},
        {FORBID BAD_PERMIT, "deny 0 errors 1", NULL},
        {FORBID BAD_FORBID PERMIT, "deny 0 errors 1", NULL},
        {BAD_FORBID NO BAD_PERMIT PERMIT BAD_PERMIT, "permit 3 errors 0 2 4", "deny errors 0 2 4"},
        {NO BAD_FORBID, "deny errors 1", NULL},
        /* what is not evaluated does not fail */
        {"permit(principal, action, resource) when { false } when { context.missing };", "deny",
         NULL},
        {"permit(principal, action, resource) when { context.missing } when { false };",
         "deny errors 0", NULL},
        {"permit(principal, action, resource) unless { true } when { context.missing };", "deny",
         NULL},
        {"permit(principal, action, resource) unless { context.missing };", "deny errors 0", NULL},
        {"permit(principal, action, resource) unless { 1 };", "deny errors 0", NULL},
        {"permit(principal, action, resource) when { \"true\" };", "deny errors 0", NULL},
        {"permit(principal == User::\"bob\", action, resource) when { context.missing };" PERMIT,
         "permit 1", NULL},
        {"forbid(principal, action, resource == Doc::\"b\") when { context.missing };" PERMIT,
         "permit 1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++)
        check(ROWS[i].policies, ROWS[i].cedar, ROWS[i].gate);
}

static const struct {
    const char *policy;
    bool fits;
} SCOPES[] = {
    {P("principal == User::\"alice\", action, resource"), true},
    {P("principal == User::\"bob\", action, resource"), false},
    {P("principal == Person::\"alice\", action, resource"), false},
    {P("principal == Group::\"staff\", action, resource"), false},
    {P("principal in User::\"alice\", action, resource"), true},
    {P("principal in Group::\"staff\", action, resource"), true},
    {P("principal in Group::\"all\", action, resource"), true},
    {P("principal in Dept::\"it\", action, resource"), true},
    {P("principal in Group::\"it\", action, resource"), false},
    {P("principal in Folder::\"root\", action, resource"), false},
    {P("principal is User, action, resource"), true},
    {P("principal is Group, action, resource"), false},
    {P("principal is User in Group::\"all\", action, resource"), true},
    {P("principal is User in User::\"alice\", action, resource"), true},
    {P("principal is User in Group::\"none\", action, resource"), false},
    {P("principal is Group in Group::\"all\", action, resource"), false},
    {P("principal, action == Action::\"view\", resource"), true},
    {P("principal, action == Action::\"read\", resource"), false},
    {P("principal, action == N::Action::\"view\", resource"), false},
    {P("principal, action in Action::\"read\", resource"), true},
    {P("principal, action in Action::\"view\", resource"), true},
    {P("principal, action in Action::\"write\", resource"), false},
    {P("principal, action in [], resource"), false},
    {P("principal, action in [Action::\"write\"], resource"), false},
    {P("principal, action in [Action::\"write\", Action::\"view\"], resource"), true},
    {P("principal, action in [Action::\"write\", Action::\"read\"], resource"), true},
    {P("principal, action in [Action::\"view\", Action::\"view\", Action::\"read\"], resource"),
     true},
    {P("principal, action, resource == Doc::\"readme\""), true},
    {P("principal, action, resource == Doc::\"other\""), false},
    {P("principal, action, resource in Folder::\"root\""), true},
    {P("principal, action, resource in Folder::\"other\""), false},
    {P("principal, action, resource in Group::\"all\""), false},
    {P("principal, action, resource is Doc"), true},
    {P("principal, action, resource is User"), false},
    {P("principal, action, resource is Doc in Folder::\"root\""), true},
    {P("principal, action, resource is Folder in Folder::\"root\""), false},
    {P("principal == User::\"alice\", action == Action::\"view\", resource == Doc::\"readme\""),
     true},
    {P("principal == User::\"alice\", action == Action::\"view\", resource == Doc::\"other\""),
     false},
    {P("principal == User::\"alice\", action == Action::\"edit\", resource == Doc::\"readme\""),
     false},
    {P("principal == User::\"bob\", action == Action::\"view\", resource == Doc::\"readme\""),
     false},
    {P("principal in Group::\"all\", action in [Action::\"read\"], resource is Doc"), true},
    {P("principal is User, action == Action::\"view\", resource in Folder::\"none\""), false},
};

static void scopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(SCOPES); i++) {
        /* the same among others, so that each part of the scope is once the rarest */
        static const char *const OTHERS[] = {
            "",
            P("principal == User::\"alice\", action, resource == Doc::\"none\"")
                P("principal in Group::\"all\", action, resource == Doc::\"none\"")
                    P("principal is User, action, resource == Doc::\"none\""),
            P("principal, action == Action::\"view\", resource == Doc::\"none\"")
                P("principal, action in [Action::\"read\"], resource == Doc::\"none\""),
            P("principal == User::\"none\", action, resource == Doc::\"readme\"")
                P("principal == User::\"none\", action, resource in Folder::\"root\"")
                    P("principal == User::\"none\", action, resource is Doc"),
        };

        for (size_t k = 0; k < COUNT(OTHERS); k++) {
            char text[2048];

            snprintf(text, sizeof text, "%s%s", SCOPES[i].policy, OTHERS[k]);
            check(text, SCOPES[i].fits ? "permit 0" : "deny", NULL);
        }
    }
}

static void entities_need_not_be_in_the_store(void **state)
{
    struct world world;
    char line[WORLD_LINE];

    (void)state;
    world_open(&world, &(struct world_texts){.policies = P("principal in User::\"x\", action in "
                                                           "[Action::\"y\"], resource is Z"),
                                             .principal = "User::x",
                                             .action = "Action::y",
                                             .resource = "Z::z"});
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "permit 0");
    cedar_entities_free(&world.entities); /* no store at all */
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "permit 0");
    world_close(&world);
}

static void templates_decide_only_through_links(void **state)
{
    static const char TEXT[] =
        "permit(principal == ?principal, action, resource in ?resource);" FORBID
        "permit(principal is User in ?principal, action, resource) when { context.missing };";
    struct cedar_uid staff = cedar_uid_of(slice_str("Group"), slice_str("staff"));
    struct cedar_uid alice = cedar_uid_of(slice_str("User"), slice_str("alice"));
    struct cedar_uid root = cedar_uid_of(slice_str("Folder"), slice_str("root"));
    const struct cedar_link links[] = {
        {slice_str("policy0"), slice_str("a"), &alice, &root},
        {slice_str("policy0"), slice_str("b"), &staff, &root},
        {slice_str("policy2"), slice_str("c"), &staff, NULL},
        {slice_str("policy0"), slice_str("d"), &alice, &alice},
    };
    struct why why = {0};
    struct world world;
    char line[WORLD_LINE];

    (void)state;
    check("permit(principal == ?principal, action, resource);", "deny", NULL);
    world_open(&world, &(struct world_texts){.policies = TEXT, .entities = ENTITIES});
    world_decide(&world, CEDAR_MODE_CEDAR, line);
    assert_string_equal(line, "deny 1");
    for (size_t i = 0; i < COUNT(links); i++) {
        struct cedar_policies *more = NULL;

        assert_int_equal(cedar_link(world.policies, &links[i], &more, &why), ERR_OK);
        cedar_free(&world.policies);
        world.policies = more;
    }
    world_decide(&world, CEDAR_MODE_CEDAR, line);
    assert_string_equal(line, "deny 1 errors 5");
    world_explain(&world, line);
    assert_string_equal(line, "deny 1 errors 5");
    world_close(&world);

    world_open(&world, &(struct world_texts){.policies = "permit(principal == ?principal, action, "
                                                         "resource in ?resource);",
                                             .entities = ENTITIES});
    for (size_t i = 0; i < 2; i++) {
        struct cedar_policies *more = NULL;

        assert_int_equal(cedar_link(world.policies, &links[i], &more, &why), ERR_OK);
        cedar_free(&world.policies);
        world.policies = more;
    }
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "permit 1");
    world_close(&world);
}

/* No reader makes a slot outside of a scope yet; a tree that has one is understood nevertheless. */
static void a_slot_is_what_the_link_gave(void **state)
{
    static const struct cedar_expr SLOTS[] = {
        {.op = CEDAR_OP_SLOT, .slot = CEDAR_SLOT_PRINCIPAL},
        {.op = CEDAR_OP_SLOT, .slot = CEDAR_SLOT_RESOURCE},
    };
    static const char *const WANT[] = {"permit 1", "deny errors 1"};
    struct cedar_uid alice = cedar_uid_of(slice_str("User"), slice_str("alice"));
    const struct cedar_link link = {slice_str("policy0"), slice_str("a"), &alice, NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(SLOTS); i++) {
        struct cedar_policies *more = NULL;
        struct why why = {0};
        struct world world;
        char line[WORLD_LINE];

        world_open(&world, &(struct world_texts){
                               .policies = "permit(principal == ?principal, action, resource) "
                                           "when { principal == principal };"});
        assert_int_equal(cedar_link(world.policies, &link, &more, &why), ERR_OK);
        ((struct cedar_expr *)(uintptr_t)cedar_at(more, 1)->conditions[0].body)->b = &SLOTS[i];
        cedar_free(&world.policies);
        world.policies = more;
        world_decide(&world, CEDAR_MODE_GATE, line);
        assert_string_equal(line, WANT[i]);
        world_close(&world);
    }
}

static void the_first_failure_is_told(void **state)
{
    static const char TEXT[] = PERMIT "permit(principal, action, resource)\n"
                                      "when { true &&\n 1 + context.x == 2 };" BAD_FORBID;
    struct world world;
    struct cedar_answer answer;
    struct cedar_place place;

    (void)state;
    world_open(&world, &(struct world_texts){.policies = TEXT, .context = "{\"x\": \"text\"}"});
    assert_int_equal(cedar_authorize(world.policies, NULL, &world.request, CEDAR_MODE_GATE,
                                     world.worker, &answer),
                     ERR_OK);
    assert_int_equal(answer.n_errors, 2);
    assert_int_equal(answer.fault, CEDAR_FAULT_TYPE);
    place = cedar_place_at(world.policies, answer.fault_offset);
    assert_int_equal(place.line, 3);
    assert_int_equal(place.column, 6); /* of context.x */
    world_close(&world);
}

static void a_request_is_looked_at(void **state)
{
    struct world world;
    struct cedar_request good;
    char line[WORLD_LINE];

    (void)state;
    world_open(&world, &(struct world_texts){.policies = PERMIT});
    good = world.request;
    for (size_t i = 0; i < 4; i++) {
        static const char *const TYPES[] = {"", "T"};

        world.request = good;
        if (i == 3)
            world.request.context = cedar_bool(true);
        else
            (i == 0   ? &world.request.principal
             : i == 1 ? &world.request.action
                      : &world.request.resource)
                ->type = slice_str(TYPES[0]);
        world_decide(&world, CEDAR_MODE_CEDAR, line);
        assert_string_equal(line, "REQUEST_MALFORMED");
        world_explain(&world, line);
        assert_string_equal(line, "REQUEST_MALFORMED");
    }
    world.request = good;
    world_decide(&world, CEDAR_MODE_CEDAR, line);
    assert_string_equal(line, "permit 0");
    world_close(&world);
}

/* ---- limits ---- */

/* Repeats a text n times, with what comes before and behind. Owns: the caller frees it. */
static char *repeat(const char *before, const char *text, size_t n, const char *behind)
{
    size_t len = strlen(text), size = strlen(before) + n * len + strlen(behind) + 1;
    char *all = malloc(size), *at = all;

    assert_non_null(all);
    at += snprintf(at, size, "%s", before);
    for (size_t i = 0; i < n; i++, at += len)
        memcpy(at, text, len);
    snprintf(at, size - (size_t)(at - all), "%s", behind);
    return all;
}

static void expect(const char *policies, const char *context, const char *want)
{
    struct world world;
    char line[WORLD_LINE];

    world_open(&world, &(struct world_texts){.policies = policies, .context = context});
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, want);
    world_decide(&world, CEDAR_MODE_CEDAR, line); /* the worker is as good as new */
    assert_string_equal(line, want);
    world.request.context = (struct cedar_value){.kind = CEDAR_RECORD};
    cedar_free(&world.policies);
    world_close(&world);
}

static void steps_are_counted_over_all_policies(void **state)
{
    /* about 500 steps each */
    char *body = repeat("permit(principal, action, resource) when { ", "1==1&&", 125, "true };");
    char *some = repeat("", body, 1000, ""), *many = repeat("", body, 2200, "");
    struct world world;
    char line[WORLD_LINE];

    (void)state;
    world_open(&world, &(struct world_texts){.policies = some});
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_memory_equal(line, "permit 0 1 2", 12);
    world_close(&world);
    expect(many, NULL, "CEDAR_STEPS");
    free(body);
    free(some);
    free(many);
}

/* Appends n times. */
static void add(struct buf *buf, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_add_str(buf, text), ERR_OK);
}

static const char *text_of(struct buf *buf)
{
    assert_int_equal(buf_terminate(buf), ERR_OK);
    return (const char *)buf->ptr;
}

/* A permit whose condition is this part n times. */
static void expect_chain(const char *part, size_t n, const char *context, const char *want)
{
    char *policy = repeat("permit(principal, action, resource) when { ", part, n, "true };");

    expect(policy, context, want);
    free(policy);
}

static void comparisons_are_counted(void **state)
{
    /* two long texts that differ at their ends, compared again and again */
    CLEANUP(buf_free) struct buf context = {0};

    (void)state;
    add(&context, "{\"a\":\"", 1);
    add(&context, "0123456789", 100000);
    add(&context, "a\",\"b\":\"", 1);
    add(&context, "0123456789", 100000);
    add(&context, "b\"}", 1);
    expect_chain("context.a != context.b && ", 100, text_of(&context), "CEDAR_STEPS");
    expect_chain("context.a != context.b && ", 10, text_of(&context), "permit 0");
    expect_chain("context.a like \"*x*\" || ", 100, text_of(&context), "CEDAR_STEPS");
    expect_chain("context.a like \"*x*\" || ", 10, text_of(&context), "permit 0");
}

static void long_arguments_are_counted(void **state)
{
    CLEANUP(buf_free) struct buf context = {0};

    (void)state;
    add(&context, "{\"a\":\"", 1);
    add(&context, "0000000000", 100000);
    add(&context, "1ms\"}", 1);
    expect_chain("duration(context.a) == duration(\"1ms\") && ", 100, text_of(&context),
                 "CEDAR_STEPS");
    expect_chain("duration(context.a) == duration(\"1ms\") && ", 10, text_of(&context), "permit 0");
}

static void sets_are_counted(void **state)
{
    CLEANUP(buf_free) struct buf set = {0};

    (void)state;
    add(&set, "[", 1);
    add(&set, "context.n,", 8000);
    add(&set, "].isEmpty() || ", 1);
    expect_chain(text_of(&set), 40, "{\"n\":1}", "CEDAR_STEPS");
    expect_chain(text_of(&set), 10, "{\"n\":1}", "permit 0");
}

/* Large records, 32 bytes a field: as many at once as do not fit, and one after the other. */
static void memory_is_bounded(void **state)
{
    CLEANUP(buf_free) struct buf record = {0}, list = {0};
    char field[32];

    (void)state;
    add(&record, "{", 1);
    for (size_t i = 0; i < 8000; i++) {
        snprintf(field, sizeof field, "a%zu: context.n,", i);
        add(&record, field, 1);
    }
    add(&record, "}", 1);
    add(&list, "[", 1);
    for (size_t i = 0; i < 20; i++) {
        add(&list, text_of(&record), 1);
        add(&list, ",", 1);
    }
    add(&list, "].isEmpty() || ", 1);
    expect_chain(text_of(&list), 1, "{\"n\":1}", "CEDAR_STEPS");
    add(&record, " has a0 && ", 1);
    expect_chain(text_of(&record), 4, "{\"n\":1}", "permit 0");
}

/* A policy that fails leaves nothing behind for the next one. */
static void memory_is_given_back(void **state)
{
    CLEANUP(buf_free) struct buf policy = {0};
    char field[32], *all;
    struct world world;
    struct cedar_answer answer;

    (void)state;
    add(&policy, "permit(principal, action, resource) when { {", 1);
    for (size_t i = 0; i < 8000; i++) {
        snprintf(field, sizeof field, "a%04zu:context.n,", i);
        add(&policy, field, 1);
    }
    add(&policy, "}.missing };", 1);
    all = repeat("", text_of(&policy), 20, "");
    world_open(&world, &(struct world_texts){.policies = all, .context = "{\"n\":1}"});
    assert_int_equal(cedar_authorize(world.policies, NULL, &world.request, CEDAR_MODE_GATE,
                                     world.worker, &answer),
                     ERR_OK);
    assert_int_equal(answer.n_errors, 20);
    world_close(&world);
    free(all);
}

static void the_largest_set_fits(void **state)
{
    char *policies = repeat("", PERMIT, CEDAR_POLICIES_MAX, "");
    struct world world;
    struct cedar_answer answer;

    (void)state;
    world_open(&world, &(struct world_texts){.policies = policies});
    assert_int_equal(cedar_authorize(world.policies, NULL, &world.request, CEDAR_MODE_GATE,
                                     world.worker, &answer),
                     ERR_OK);
    assert_int_equal(answer.decision, CEDAR_PERMIT);
    assert_int_equal(answer.n_reasons, CEDAR_POLICIES_MAX);
    for (uint32_t i = 0; i < CEDAR_POLICIES_MAX; i++)
        assert_int_equal(answer.reasons[i], i);
    world_close(&world);
    free(policies);
}

static void deep_trees_are_evaluated(void **state)
{
    char *chain =
        repeat("permit(principal, action, resource) when { ", "true && ", 1000, "true };");

    (void)state;
    expect(chain, NULL, "permit 0");
    free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permits_and_forbids),
        cmocka_unit_test(failures),
        cmocka_unit_test(scopes),
        cmocka_unit_test(entities_need_not_be_in_the_store),
        cmocka_unit_test(templates_decide_only_through_links),
        cmocka_unit_test(a_slot_is_what_the_link_gave),
        cmocka_unit_test(the_first_failure_is_told),
        cmocka_unit_test(a_request_is_looked_at),
        cmocka_unit_test(steps_are_counted_over_all_policies),
        cmocka_unit_test(comparisons_are_counted),
        cmocka_unit_test(long_arguments_are_counted),
        cmocka_unit_test(sets_are_counted),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(the_largest_set_fits),
        cmocka_unit_test(deep_trees_are_evaluated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
