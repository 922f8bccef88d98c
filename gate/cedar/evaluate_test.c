/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate_test.c: every operator with every kind of operand: what it gives, and how it fails. */
#include "gate/cedar/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What an expression comes to. */
enum want { NO = -2, YES = -1, FINE = CEDAR_FAULT_NONE };
#define TYPE CEDAR_FAULT_TYPE
#define ENTITY CEDAR_FAULT_ENTITY
#define ATTR CEDAR_FAULT_ATTRIBUTE
#define TAG CEDAR_FAULT_TAG
#define OVER CEDAR_FAULT_OVERFLOW
#define EXT CEDAR_FAULT_EXTENSION

struct row {
    const char *text;
    int want;
};

static const char ENTITIES[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},"
    "\"attrs\":{\"age\":30,\"name\":\"Alice\",\"tags\":[\"a\",\"b\"],\"empty\":[],"
    "\"boss\":{\"__entity\":{\"type\":\"User\",\"id\":\"bob\"}},"
    "\"ghost\":{\"__entity\":{\"type\":\"User\",\"id\":\"nobody\"}},"
    "\"home\":{\"city\":\"Bern\",\"geo\":{\"lat\":46}},"
    "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.1.2.3\"}}},"
    "\"tags\":{\"team\":\"red\",\"level\":3},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"}]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"bob\"},\"attrs\":{\"age\":50},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"staff\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"all\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"read\"}]}]";

static const char CONTEXT[] =
    "{\"yes\":true,\"no\":false,\"n\":5,\"big\":9223372036854775807,\"s\":\"text\","
    "\"set\":[1,2,3],\"mixed\":[1,\"a\",true],\"who\":{\"__entity\":{\"type\":\"User\",\"id\":"
    "\"alice\"}},\"r\":{\"a\":1,\"b\":{\"c\":2}},"
    "\"groups\":[{\"__entity\":{\"type\":\"Group\",\"id\":\"all\"}},"
    "{\"__entity\":{\"type\":\"Group\",\"id\":\"other\"}}],"
    "\"t\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2024-01-01\"}},"
    "\"d\":{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1h\"}},"
    "\"x\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.5\"}}}";

/* Evaluates each as the only condition of a permit. */
static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char policy[1024];
        struct world world;
        struct cedar_answer answer;
        int got;

        snprintf(policy, sizeof policy, "permit(principal, action, resource) when { %s };",
                 rows[i].text);
        world_open(&world, &(struct world_texts){
                               .policies = policy, .entities = ENTITIES, .context = CONTEXT});
        assert_int_equal(cedar_authorize(world.policies, world.entities, &world.request,
                                         CEDAR_MODE_CEDAR, world.worker, &answer),
                         ERR_OK);
        assert_int_equal(answer.n_errors, answer.fault != CEDAR_FAULT_NONE);
        got = answer.fault != CEDAR_FAULT_NONE  ? (int)answer.fault
              : answer.decision == CEDAR_PERMIT ? YES
                                                : NO;
        if (got != rows[i].want)
            fail_msg("%s: %d, want %d", rows[i].text, got, rows[i].want);
        world_close(&world);
    }
}

static void literals_and_variables(void **state)
{
    static const struct row ROWS[] = {
        {"true", YES},
        {"false", NO},
        {"1", TYPE},
        {"\"true\"", TYPE},
        {"User::\"alice\"", TYPE},
        {"[]", TYPE},
        {"{}", TYPE},
        {"ip(\"1.2.3.4\")", TYPE},
        {"context.yes", YES},
        {"context.n", TYPE},
        {"principal == User::\"alice\"", YES},
        {"action == Action::\"view\"", YES},
        {"resource == Doc::\"readme\"", YES},
        {"context == {}", NO},
        {"principal == resource", NO},
        {"principal == context.who", YES},
        {"principal == context.who.boss", NO},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void logic_stops_early(void **state)
{
    static const struct row ROWS[] = {
        {"true && true", YES},
        {"true && false", NO},
        {"false && true", NO},
        {"false && 1", NO},
        {"false && context.missing", NO},
        {"true && 1", TYPE},
        {"true && context.missing", ATTR},
        {"1 && true", TYPE},
        {"1 && false", TYPE},
        {"context.missing && false", ATTR},
        {"false || true", YES},
        {"true || false", YES},
        {"false || false", NO},
        {"true || 1", YES},
        {"true || context.missing", YES},
        {"false || 1", TYPE},
        {"1 || true", TYPE},
        {"context.missing || true", ATTR},
        {"!true", NO},
        {"!false", YES},
        {"!!true", YES},
        {"!1", TYPE},
        {"!context.missing", ATTR},
        {"if true then true else 1", YES},
        {"if false then 1 else true", YES},
        {"if true then false else true", NO},
        {"if true then 1 else true", TYPE},
        {"if 1 then true else true", TYPE},
        {"if context.missing then true else true", ATTR},
        {"if true then true else context.missing", YES},
        {"(if true then 1 else \"a\") == 1", YES},
        {"(if false then 1 else \"a\") == \"a\"", YES},
        {"context.yes && (context.no || context.yes) && !context.no", YES},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void equality_is_for_everything(void **state)
{
    static const struct row ROWS[] = {
        {"1 == 1", YES},
        {"1 == 2", NO},
        {"1 != 2", YES},
        {"1 != 1", NO},
        {"1 == \"1\"", NO},
        {"1 != \"1\"", YES},
        {"true == 1", NO},
        {"[] == {}", NO},
        {"[1, 2] == [2, 1, 2]", YES},
        {"[1, 2] == [1]", NO},
        {"[[1], [2]] == [[2], [1]]", YES},
        {"{a: 1, b: 2} == {b: 2, a: 1}", YES},
        {"{a: 1} == {a: 1, b: 2}", NO},
        {"{a: 1} == {a: 2}", NO},
        {"{a: 1} == {b: 1}", NO},
        {"context.r == {b: {c: 2}, a: 1}", YES},
        {"context.set == [3, 2, 1]", YES},
        {"[context.n, 1] == [1, 5]", YES},
        {"[context.n, 5] == [5]", YES},
        {"{x: context.n} == {x: 5}", YES},
        {"{x: context.missing} == {x: 5}", ATTR},
        {"[context.missing] == [5]", ATTR},
        {"context.missing == 1", ATTR},
        {"1 == context.missing", ATTR},
        {"User::\"a\" == User::\"a\"", YES},
        {"User::\"a\" == Group::\"a\"", NO},
        {"User::\"a\" == \"a\"", NO},
        {"decimal(\"1.5\") == context.x", YES},
        {"decimal(\"1.50\") == decimal(\"1.5\")", YES},
        {"decimal(\"1.0\") == 1", NO},
        {"duration(\"60m\") == context.d", YES},
        {"duration(\"0ms\") == datetime(\"1970-01-01\")", NO},
        {"ip(\"10.1.2.3/32\") == principal.ip", YES},
        {"ip(\"nonsense\") == 1", EXT},
        {"User::\"nobody\" == User::\"nobody\"", YES},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void order_is_for_numbers_and_time(void **state)
{
    static const struct row ROWS[] = {
        {"1 < 2", YES},
        {"2 < 2", NO},
        {"2 <= 2", YES},
        {"3 <= 2", NO},
        {"3 > 2", YES},
        {"2 > 2", NO},
        {"2 >= 2", YES},
        {"1 >= 2", NO},
        {"-1 < 0", YES},
        {"-9223372036854775808 < 9223372036854775807", YES},
        {"1 < \"2\"", TYPE},
        {"\"1\" < 2", TYPE},
        {"\"1\" < \"2\"", TYPE},
        {"true < false", TYPE},
        {"[] <= []", TYPE},
        {"principal > principal", TYPE},
        {"decimal(\"1.0\") < decimal(\"2.0\")", TYPE},
        {"ip(\"1.1.1.1\") < ip(\"1.1.1.2\")", TYPE},
        {"context.t < datetime(\"2024-01-02\")", YES},
        {"context.t > datetime(\"2024-01-02\")", NO},
        {"context.t >= context.t", YES},
        {"context.d <= duration(\"1h\")", YES},
        {"context.d < duration(\"1h\")", NO},
        {"context.d < context.t", TYPE},
        {"context.t < context.d", TYPE},
        {"context.t < 1", TYPE},
        {"1 < context.t", TYPE},
        {"1 < context.missing", ATTR},
        {"context.missing < 1", ATTR},
        {"\"a\" < context.missing", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void arithmetic_stays_within_64_bits(void **state)
{
    static const struct row ROWS[] = {
        {"1 + 2 == 3", YES},
        {"1 - 2 == -1", YES},
        {"2 * 3 == 6", YES},
        {"2 + 3 * 4 == 14", YES},
        {"10 - 3 - 2 == 5", YES},
        {"-context.n == -5", YES},
        {"-(-5) == 5", YES},
        {"context.big + 0 == 9223372036854775807", YES},
        {"context.big + 1 == 0", OVER},
        {"-context.big - 1 == -9223372036854775808", YES},
        {"-context.big - 2 == 0", OVER},
        {"-(-context.big - 1) == 0", OVER},
        {"context.big * 2 == 0", OVER},
        {"context.big * -1 == -9223372036854775807", YES},
        {"(-context.big - 1) * -1 == 0", OVER},
        {"4294967296 * 2147483648 == 0", OVER},
        {"4294967296 * 2147483647 == 9223372032559808512", YES},
        {"1 + \"a\" == 1", TYPE},
        {"\"a\" + 1 == 1", TYPE},
        {"\"a\" + \"b\" == \"ab\"", TYPE},
        {"true - 1 == 1", TYPE},
        {"[1] * 2 == 1", TYPE},
        {"-\"a\" == 1", TYPE},
        {"-true == 1", TYPE},
        {"context.t + context.d == context.t", TYPE},
        {"decimal(\"1.0\") + decimal(\"1.0\") == 1", TYPE},
        {"context.big + 1 == context.missing", OVER},
        {"false && context.big + 1 == 0", NO},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void membership(void **state)
{
    static const struct row ROWS[] = {
        {"principal in principal", YES},
        {"principal in Group::\"staff\"", YES},
        {"principal in Group::\"all\"", YES},
        {"principal in Group::\"other\"", NO},
        {"Group::\"staff\" in principal", NO},
        {"Group::\"staff\" in Group::\"all\"", YES},
        {"Group::\"all\" in Group::\"all\"", YES},
        {"Group::\"all\" in Group::\"staff\"", NO},
        {"User::\"nobody\" in User::\"nobody\"", YES},
        {"User::\"nobody\" in Group::\"all\"", NO},
        {"action in Action::\"read\"", YES},
        {"action in Action::\"write\"", NO},
        {"action in [Action::\"write\", Action::\"read\"]", YES},
        {"principal in []", NO},
        {"principal in [Group::\"other\"]", NO},
        {"principal in [Group::\"other\", Group::\"all\"]", YES},
        {"principal in [User::\"alice\"]", YES},
        {"principal in context.groups", YES},
        {"User::\"bob\" in context.groups", NO},
        {"Group::\"other\" in context.groups", YES},
        {"principal in [Group::\"a\", Group::\"b\", Group::\"c\", Group::\"d\", Group::\"all\"]",
         YES},
        {"principal in [Group::\"a\", Group::\"b\", Group::\"c\", Group::\"d\", Group::\"e\"]", NO},
        /* an element that is no entity, even behind one that fits */
        {"principal in [User::\"alice\", 1]", TYPE},
        {"principal in [1, User::\"alice\"]", TYPE},
        {"principal in [User::\"alice\", {}]", TYPE},
        {"principal in [\"a\"]", TYPE},
        {"principal in [User::\"alice\", ip(\"1.1.1.1\")]", TYPE},
        {"principal in [[User::\"alice\"]]", TYPE},
        {"principal in context.mixed", TYPE},
        {"principal in [context.who, context.n]", TYPE},
        {"principal in 1", TYPE},
        {"principal in \"a\"", TYPE},
        {"principal in {}", TYPE},
        {"1 in principal", TYPE},
        {"\"a\" in []", TYPE},
        {"[principal] in principal", TYPE},
        {"context.missing in principal", ATTR},
        {"principal in context.missing", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void types(void **state)
{
    static const struct row ROWS[] = {
        {"principal is User", YES},
        {"principal is Group", NO},
        {"principal is N::User", NO},
        {"User::\"nobody\" is User", YES},
        {"1 is User", TYPE},
        {"context is User", TYPE},
        {"context.missing is User", ATTR},
        {"principal is User in Group::\"all\"", YES},
        {"principal is User in Group::\"other\"", NO},
        {"principal is Group in Group::\"all\"", NO},
        {"principal is Group in 1", NO},
        {"principal is Group in context.missing", NO},
        {"principal is User in 1", TYPE},
        {"principal is User in [Group::\"other\", Group::\"all\"]", YES},
        {"principal is User in context.missing", ATTR},
        {"1 is User in Group::\"all\"", TYPE},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void sets(void **state)
{
    static const struct row ROWS[] = {
        {"[1, 2].contains(1)", YES},
        {"[1, 2].contains(3)", NO},
        {"[].contains(1)", NO},
        {"[1, 2].contains(\"1\")", NO},
        {"[[1]].contains([1])", YES},
        {"context.set.contains(context.n)", NO},
        {"context.mixed.contains(true)", YES},
        {"principal.tags.contains(\"a\")", YES},
        {"[context.n].contains(5)", YES},
        {"1.contains(1)", TYPE},
        {"{}.contains(1)", TYPE},
        {"\"abc\".contains(\"a\")", TYPE},
        {"[1].contains(context.missing)", ATTR},
        {"context.missing.contains(1)", ATTR},
        {"[1, 2, 3].containsAll([1, 3])", YES},
        {"[1, 2, 3].containsAll([1, 4])", NO},
        {"[1].containsAll([1, 2])", NO},
        {"[1].containsAll([])", YES},
        {"[].containsAll([])", YES},
        {"[1].containsAll(1)", TYPE},
        {"1.containsAll([1])", TYPE},
        {"[1, 2].containsAny([2, 3])", YES},
        {"[1, 2].containsAny([3, 4])", NO},
        {"[1].containsAny([])", NO},
        {"[].containsAny([1])", NO},
        {"[1].containsAny(1)", TYPE},
        {"1.containsAny([1])", TYPE},
        {"[1].containsAny(context.missing)", ATTR},
        {"[].isEmpty()", YES},
        {"[1].isEmpty()", NO},
        {"principal.empty.isEmpty()", YES},
        {"\"\".isEmpty()", TYPE},
        {"{}.isEmpty()", TYPE},
        {"context.missing.isEmpty()", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void attributes(void **state)
{
    static const struct row ROWS[] = {
        {"principal.age == 30", YES},
        {"principal[\"age\"] == 30", YES},
        {"principal.boss.age == 50", YES},
        {"principal.home.geo.lat == 46", YES},
        {"principal.missing == 1", ATTR},
        {"principal.boss.name == \"\"", ATTR},
        {"principal.home.missing == 1", ATTR},
        {"principal.ghost.age == 1", ENTITY},
        {"resource.owner == principal", ENTITY},
        {"User::\"nobody\".age == 1", ENTITY},
        {"{a: 1}.a == 1", YES},
        {"{a: 1}.b == 1", ATTR},
        {"{a: 1, b: context.missing}.a == 1", ATTR},
        {"context.r.b.c == 2", YES},
        {"1.a == 1", TYPE},
        {"\"a\".length == 1", TYPE},
        {"[1].a == 1", TYPE},
        {"ip(\"1.1.1.1\").a == 1", TYPE},
        {"principal has age", YES},
        {"principal has missing", NO},
        {"principal has \"name\"", YES},
        {"resource has owner", NO},
        {"User::\"nobody\" has age", NO},
        {"principal.ghost has age", NO},
        {"context has yes", YES},
        {"context has missing", NO},
        {"{a: 1} has a", YES},
        {"{} has a", NO},
        {"1 has a", TYPE},
        {"[] has a", TYPE},
        {"\"a\" has a", TYPE},
        {"context.missing has a", ATTR},
        {"principal has home.geo.lat", YES},
        {"principal has home.geo.lon", NO},
        {"principal has home.missing.lat", NO},
        {"principal has missing.geo.lat", NO},
        {"principal has boss.age", YES},
        {"principal has boss.name", NO},
        {"principal has ghost.age", NO},
        {"resource has a.b", NO},
        {"context has r.b.c", YES},
        {"context has r.a.c", TYPE},
        {"context has n.a", TYPE},
        {"context has missing.a", NO},
        {"1 has a.b", TYPE},
        {"context.missing has a.b", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void tags(void **state)
{
    static const struct row ROWS[] = {
        {"principal.hasTag(\"team\")", YES},
        {"principal.hasTag(\"none\")", NO},
        {"principal.hasTag(\"age\")", NO},
        {"principal.getTag(\"team\") == \"red\"", YES},
        {"principal.getTag(\"level\") == 3", YES},
        {"principal.getTag(\"none\") == 1", TAG},
        {"principal.getTag(\"age\") == 30", TAG},
        {"User::\"bob\".hasTag(\"team\")", NO},
        {"User::\"bob\".getTag(\"team\") == 1", TAG},
        {"resource.hasTag(\"team\")", NO},
        {"resource.getTag(\"team\") == 1", ENTITY},
        {"principal.hasTag(1)", TYPE},
        {"principal.getTag(1) == 1", TYPE},
        {"context.hasTag(\"a\")", TYPE},
        {"context.getTag(\"a\") == 1", TYPE},
        {"\"a\".hasTag(\"a\")", TYPE},
        {"resource.hasTag(1)", TYPE},
        {"resource.getTag(1) == 1", TYPE},
        {"principal.hasTag(context.missing)", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void patterns(void **state)
{
    static const struct row ROWS[] = {
        {"\"\" like \"\"", YES},
        {"\"a\" like \"\"", NO},
        {"\"\" like \"*\"", YES},
        {"\"abc\" like \"*\"", YES},
        {"\"abc\" like \"abc\"", YES},
        {"\"abc\" like \"ab\"", NO},
        {"\"abc\" like \"bc\"", NO},
        {"\"abc\" like \"a*\"", YES},
        {"\"abc\" like \"b*\"", NO},
        {"\"abc\" like \"*c\"", YES},
        {"\"abc\" like \"*b\"", NO},
        {"\"abc\" like \"a*c\"", YES},
        {"\"ac\" like \"a*c\"", YES},
        {"\"a\" like \"a*a\"", NO},
        {"\"aa\" like \"a*a\"", YES},
        {"\"abc\" like \"*b*\"", YES},
        {"\"abc\" like \"**b**\"", YES},
        {"\"abc\" like \"*d*\"", NO},
        {"\"abcbc\" like \"*bc\"", YES},
        {"\"aXbXc\" like \"a*X*c\"", YES},
        {"\"aXc\" like \"a*X*X*c\"", NO},
        {"\"mississippi\" like \"m*iss*ip*i\"", YES},
        {"\"mississippi\" like \"m*iss*iss*iss*i\"", NO},
        {"\"abab\" like \"*ab\"", YES},
        {"\"aba\" like \"ab*ba\"", NO},
        {"\"a*c\" like \"a\\*c\"", YES},
        {"\"abc\" like \"a\\*c\"", NO},
        {"\"ABC\" like \"abc\"", NO},
        {"\"z\\u{fc}rich\" like \"z*rich\"", YES},
        {"\"\\u{fc}\" like \"\\u{fc}\"", YES},
        {"\"a\\0b\" like \"a*b\"", YES},
        {"\"a\\0b\" like \"a\\0*\"", YES},
        {"context.s like \"te*\"", YES},
        {"1 like \"*\"", TYPE},
        {"principal like \"*\"", TYPE},
        {"context.missing like \"*\"", ATTR},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

static void extension_calls(void **state)
{
    static const struct row ROWS[] = {
        {"principal.ip.isInRange(ip(\"10.0.0.0/8\"))", YES},
        {"principal.ip.isIpv4()", YES},
        {"principal.ip.isIpv6()", NO},
        {"context.x.lessThan(decimal(\"2.0\"))", YES},
        {"context.x.greaterThan(decimal(\"2.0\"))", NO},
        {"context.t.offset(context.d).toTime() == duration(\"1h\")", YES},
        {"context.t.toDate() == context.t", YES},
        {"datetime(\"2024-01-02\").durationSince(context.t).toHours() == 24", YES},
        {"ip(context.s).isIpv4()", EXT},
        {"decimal(\"1\") == 1", EXT},
        {"datetime(\"2024-13-01\") == 1", EXT},
        {"duration(\"1x\") == 1", EXT},
        {"ip(\"bad\") == 1 || true", EXT},
        {"true || ip(\"bad\") == 1", YES},
        {"ip(1) == 1", TYPE},
        {"ip(context.missing) == 1", ATTR},
        {"\"1.2.3.4\".isIpv4()", TYPE},
        {"context.x.isIpv4()", TYPE},
        {"context.x.lessThan(1)", TYPE},
        {"context.x.lessThan(context.t)", TYPE},
        {"1.lessThan(context.x)", TYPE},
        {"context.d.toDate() == 1", TYPE},
        {"datetime(\"9999-12-31\").offset(duration(\"9223372036854775807ms\")) == context.t", EXT},
    };

    (void)state;
    check(ROWS, COUNT(ROWS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_variables),
        cmocka_unit_test(logic_stops_early),
        cmocka_unit_test(equality_is_for_everything),
        cmocka_unit_test(order_is_for_numbers_and_time),
        cmocka_unit_test(arithmetic_stays_within_64_bits),
        cmocka_unit_test(membership),
        cmocka_unit_test(types),
        cmocka_unit_test(sets),
        cmocka_unit_test(attributes),
        cmocka_unit_test(tags),
        cmocka_unit_test(patterns),
        cmocka_unit_test(extension_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
