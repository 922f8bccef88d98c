/* SPDX-License-Identifier: Apache-2.0 */
/* index_test.c: which policies are looked at for a request: all that can match, and few others. */
#include "gate/cedar/index.h"

#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char ENTITIES[] = "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{},"
                               "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"}]},"
                               "{\"uid\":{\"type\":\"Group\",\"id\":\"staff\"},\"attrs\":{},"
                               "\"parents\":[{\"type\":\"Group\",\"id\":\"all\"}]},"
                               "{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},"
                               "\"parents\":[{\"type\":\"Action\",\"id\":\"read\"}]}]";

/* The positions that the index finds, as " 0 2". */
static void find(struct world *world, char ret[static WORLD_LINE])
{
    static struct cedar_found found;
    struct cedar_arena none = {0};
    struct cedar_run run = {
        .entities = world->entities, .request = &world->request, .arena = &none};
    size_t len = 0;
    uint32_t i = 0;

    assert_int_equal(cedar_run_start(&run), ERR_OK);
    cedar_index_find(world->policies, &run, &found);
    ret[0] = '\0';
    while (cedar_found_next(&found, &i) && len < WORLD_LINE)
        len += (size_t)snprintf(ret + len, WORLD_LINE - len, " %u", i);
    for (size_t k = 0; k < COUNT(found.words); k++)
        assert_int_equal(found.words[k], 0);
}

#define POLICY(scope) "permit(" scope ");"

static const struct {
    const char *policies, *want;
} ROWS[] = {
    {"", ""},
    {POLICY("principal, action, resource"), " 0"},
    {POLICY("principal == User::\"alice\", action, resource") POLICY(
         "principal == User::\"bob\", action, resource") POLICY("principal, action, resource"),
     " 0 2"},
    {POLICY("principal in Group::\"all\", action, resource")
         POLICY("principal in Group::\"none\", action, resource")
             POLICY("principal in User::\"alice\", action, resource")
                 POLICY("principal == Group::\"all\", action, resource"),
     " 0 2"},
    {POLICY("principal is User, action, resource") POLICY("principal is Group, action, resource")
         POLICY("principal, action, resource is User"),
     " 0"},
    {POLICY("principal is User in Group::\"x\", action, resource")
         POLICY("principal is Group in Group::\"all\", action, resource"),
     " 1"}, /* by the group; the type is left to the scope */
    {POLICY("principal, action == Action::\"view\", resource")
         POLICY("principal, action == Action::\"read\", resource")
             POLICY("principal, action in Action::\"read\", resource")
                 POLICY("principal, action in [], resource")
                     POLICY("principal, action in [Action::\"read\", Action::\"view\"], resource")
                         POLICY("principal, action in [Action::\"a\", Action::\"b\"], resource"),
     " 0 2 4"},
    /* the rarest part is what counts: everybody demands the same action */
    {POLICY("principal == User::\"a\", action == Action::\"view\", resource")
         POLICY("principal == User::\"b\", action == Action::\"view\", resource")
             POLICY("principal == User::\"alice\", action == Action::\"view\", resource")
                 POLICY("principal, action == Action::\"view\", resource == Doc::\"x\""),
     " 2"},
    /* what else must be equal is looked at, too */
    {POLICY("principal == User::\"alice\", action, resource == Doc::\"a\"")
         POLICY("principal == User::\"alice\", action, resource == Doc::\"readme\"")
             POLICY("principal == User::\"bob\", action, resource == Doc::\"a\"")
                 POLICY("principal == User::\"bob\", action, resource == Doc::\"readme\""),
     " 1"},
    {POLICY("principal == User::\"alice\", action, resource in Folder::\"a\"")
         POLICY("principal == User::\"alice\", action, resource in Folder::\"b\"")
             POLICY("principal == User::\"alice\", action, resource in Doc::\"readme\""),
     " 2"},
    {POLICY("principal is User, action in [Action::\"a\", Action::\"view\"], resource")
         POLICY("principal is User, action in [Action::\"b\", Action::\"c\"], resource")
             POLICY("principal is User, action, resource is Folder"),
     " 0"},
    {POLICY("principal == ?principal, action, resource")
         POLICY("principal, action, resource in ?resource"),
     ""},
};

static void only_what_can_match_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        struct world world;
        char line[WORLD_LINE];

        world_open(&world,
                   &(struct world_texts){.policies = ROWS[i].policies, .entities = ENTITIES});
        find(&world, line);
        if (strcmp(line, ROWS[i].want) != 0)
            fail_msg("%s: found%s, want%s", ROWS[i].policies, line, ROWS[i].want);
        world_close(&world);
    }
}

/* Ten thousand policies, and still only those of the request. */
static void many_policies_are_passed_over(void **state)
{
    enum { N = 10000 };
    CLEANUP(buf_free) struct buf text = {0};
    struct world world;
    char line[WORLD_LINE];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        char one[160];

        snprintf(one, sizeof one,
                 "permit(principal == User::\"u%zu\", action == Action::\"a%zu\", "
                 "resource == Doc::\"d%zu\");",
                 i % 100, i % 7, i / 100);
        assert_int_equal(buf_add_str(&text, one), ERR_OK);
    }
    assert_int_equal(buf_terminate(&text), ERR_OK);
    world_open(&world, &(struct world_texts){.policies = (const char *)text.ptr,
                                             .principal = "User::u23",
                                             .action = "Action::a3",
                                             .resource = "Doc::d45"});
    find(&world, line);
    assert_string_equal(line, ""); /* 4523 % 7 is 1 */
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "deny");
    world.request.action = cedar_uid_of(slice_str("Action"), slice_str("a1"));
    find(&world, line);
    assert_string_equal(line, " 4523");
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "permit 4523");
    world_close(&world);
}

/* Names that differ are not taken for each other because their hashes are the same. */
static void equal_hashes_are_no_equal_names(void **state)
{
    struct world world;
    char line[WORLD_LINE];

    (void)state;
    world_open(&world, &(struct world_texts){
                           .policies = POLICY("principal == User::\"alice\", action, resource")
                               POLICY("principal in Group::\"b\", action, resource")});
    world.request.principal.id = slice_str("mallory"); /* with the hash of alice */
    find(&world, line);
    assert_string_equal(line, "");
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "deny");
    world.request.principal.id = slice_str("alice");
    world.request.principal.type = slice_str("Robot");
    find(&world, line);
    assert_string_equal(line, "");
    world_decide(&world, CEDAR_MODE_GATE, line);
    assert_string_equal(line, "deny");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_can_match_is_found),
        cmocka_unit_test(many_policies_are_passed_over),
        cmocka_unit_test(equal_hashes_are_no_equal_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
