/* SPDX-License-Identifier: Apache-2.0 */
/* validate_same_test.c: when two expressions are the same, so that what one was asked holds for the
 * other. Each verdict is also that of Cedar's own implementation. */
#include "gate/cedar/validate_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char SCHEMA[] =
    "entity Team;\n"
    "entity User in Team {\n"
    "  name: String, age?: Long, boss?: User, home: {city: String},\n"
    "  nets: Set<ipaddr>, score: decimal\n"
    "} tags Set<String>;\n"
    "entity Robot, Doc {owner: User, level: Long, public: Bool};\n"
    "action view appliesTo {principal: User, resource: Doc, context: {ip: ipaddr}};\n";

struct row {
    const char *a, *b; /* of type Bool */
    bool same;
};
static const struct row ROWS[] = {
    {"resource.level > 1", "!(resource.level <= 1)", true},
    {"resource.level >= 1", "!(resource.level < 1)", true},
    {"resource.level != 1", "!(resource.level == 1)", true},
    {"resource.level > 1", "!(resource.level < 1)", false},
    {"resource.level >= 1", "!(resource.level <= 1)", false},
    {"resource.level > 1", "resource.level <= 1", false},
    {"resource.level > 1", "resource.level >= 1", false},
    {"resource.level < 1", "!(resource.level < 1)", false},
    {"resource.level < 1", "resource.level <= 1", false},
    {"resource.level <= 1", "!(resource.level > 1)", false},
    {"resource.level == 1", "!(resource.level != 1)", false},
    {"!(resource.level != 1)", "!!(resource.level == 1)", true},
    {"!(resource.level > 1)", "!!(resource.level <= 1)", true},
    {"!resource.public", "!resource.public", true},
    {"!resource.public", "resource.public", false},
    {"!resource.public", "!!!resource.public", false},
    {"!(resource.level == 1)", "!(resource.level <= 1)", false},
    {"!(resource.level == 1)", "!resource.public", false},
    {"resource.level == 1", "resource.level == 2", false},
    {"resource.level == 1", "1 == resource.level", false},
    {"resource.level == 1", "resource.level == 1", true},
    {"resource.level + 1 == 1", "resource.level + 1 == 1", true},
    {"resource.level + 1 == 1", "resource.level - 1 == 1", false},
    {"resource.level * 2 == 1", "resource.level * 2 == 1", true},
    {"resource.level * 2 == 1", "resource.level * 3 == 1", false},
    {"-resource.level == 1", "-resource.level == 1", true},
    {"-resource.level == 1", "-(resource.level + 1) == 1", false},
    {"resource.level == -1", "resource.level == -(1)", false},
    {"principal.name like 'a*'", "principal.name like 'a*'", true},
    {"principal.name like 'a*'", "principal.name like 'b*'", false},
    {"principal.name like 'a*'", "principal.name like '*a'", false},
    {"principal.name like 'a*'", "principal.name like 'a'", false},
    {"principal.name like 'a*'", "principal.name like 'a\\*'", false},
    {"principal.name like 'a*b'", "principal.name like 'a*'", false},
    {"principal.name like 'a*'", "principal.home.city like 'a*'", false},
    {"principal is User in Team::'t'", "principal is User in Team::'t'", true},
    {"principal is User in Team::'t'", "principal is User in Team::'u'", false},
    {"principal is User in Team::'t'", "principal is User && principal in Team::'t'", true},
    {"principal is User && principal in Team::'t'", "principal is User in Team::'t'", true},
    {"principal is User && resource.owner in Team::'t'", "principal is User in Team::'t'", false},
    {"resource.owner is User && principal in Team::'t'", "principal is User in Team::'t'", false},
    {"principal is User && principal in Team::'u'", "principal is User in Team::'t'", false},
    {"principal is User in Team::'t'", "principal in Team::'t'", false},
    {"principal is User in Team::'t'", "principal in Team::'t' && principal is User", false},
    {"principal is User in Team::'t'", "resource.owner is User in Team::'t'", false},
    {"principal is User in Team::'t'", "principal is User || principal in Team::'t'", false},
    {"!(principal is Robot) && resource.public", "!(principal is Robot) && resource.public", true},
    {"!(principal is Robot) && resource.public", "!(principal is Doc) && resource.public", false},
    {"principal in Team::'t'", "principal in [Team::'t']", false},
    {"principal in Team::'t'", "principal in Team::'t'", true},
    {"principal in Team::'t'", "Team::'t' in principal || principal in Team::'t'", false},
    {"principal.nets.contains(context.ip)", "principal.nets.contains(context.ip)", true},
    {"principal.nets.contains(context.ip)", "principal.nets.contains(ip('::1'))", false},
    {"principal.nets.containsAll(principal.nets)", "principal.nets.containsAny(principal.nets)",
     false},
    {"principal.nets.containsAll([context.ip])", "principal.nets.containsAll([context.ip])", true},
    {"principal.nets.isEmpty()", "principal.nets.isEmpty()", true},
    {"principal.nets.isEmpty()", "[context.ip].isEmpty()", false},
    {"principal has age", "principal has age", true},
    {"principal has age", "principal has boss", false},
    {"principal has age", "resource.owner has age", false},
    {"principal has boss.age", "principal has boss.age", true},
    {"principal has boss.age", "principal has boss.boss", false},
    {"principal has boss.age", "resource.owner has boss.age", false},
    {"principal has boss.boss.age", "principal has boss.boss", false},
    {"principal has boss.age", "principal has boss && principal.boss has age", false},
    {"principal.hasTag('a')", "principal.hasTag('a')", true},
    {"principal.hasTag('a')", "principal.hasTag('b')", false},
    {"principal.hasTag('a')", "resource.owner.hasTag('a')", false},
    {"principal.hasTag('a') && principal.getTag('a').isEmpty()",
     "principal.hasTag('a') && principal.getTag('a').isEmpty()", true},
    {"if resource.public then principal.name == 'a' else principal.name == 'b'",
     "if resource.public then principal.name == 'a' else principal.name == 'b'", true},
    {"if resource.public then principal.name == 'a' else principal.name == 'b'",
     "if resource.level == 1 then principal.name == 'a' else principal.name == 'b'", false},
    {"if resource.public then principal.name == 'a' else principal.name == 'b'",
     "if resource.public then principal.name == 'c' else principal.name == 'b'", false},
    {"if resource.public then principal.name == 'a' else principal.name == 'b'",
     "if resource.public then principal.name == 'a' else principal.name == 'c'", false},
    {"context.ip.isIpv4()", "context.ip.isIpv4()", true},
    {"context.ip.isIpv4()", "context.ip.isIpv6()", false},
    {"context.ip.isInRange(ip('::1'))", "context.ip.isInRange(ip('::2'))", false},
    {"context.ip.isInRange(ip('::1'))", "context.ip.isInRange(ip('::1'))", true},
    {"[1, resource.level].contains(2)", "[1, resource.level].contains(2)", true},
    {"[1, resource.level].contains(2)", "[resource.level, 1].contains(2)", false},
    {"[1, resource.level].contains(2)", "[1, resource.level, 1].contains(2)", false},
    {"[1, resource.level].contains(2)", "[1].contains(resource.level)", false},
    {"{a: resource.level, b: 1} == {b: 1, a: 2}", "{b: 1, a: resource.level} == {a: 2, b: 1}",
     true},
    {"{a: resource.level, b: 1} == {b: 1, a: 2}", "{a: resource.level, b: 2} == {b: 1, a: 2}",
     false},
    {"{a: resource.level, b: 1} == {b: 1, a: 2}", "{a: resource.level, c: 1} == {c: 1, a: 2}",
     false},
    {"{a: resource.level, b: 1} == {b: 1, a: 2}",
     "{a: resource.level, b: 1, c: 1} == {b: 1, a: 2, c: 1}", false},
    {"{a: resource.level} == {a: 2}", "{a: resource.level} == {a: 2}", true},
    {"resource.public && principal.name == 'a'", "resource.public && principal.name == 'a'", true},
    {"resource.public && principal.name == 'a'", "principal.name == 'a' && resource.public", false},
    {"resource.public && principal.name == 'a'", "resource.public || principal.name == 'a'", false},
    {"resource.public || principal.name == 'a'", "resource.public || principal.name == 'a'", true},
    {"(true && false) == resource.public", "false == resource.public", true},
    {"(true || false) == resource.public", "true == resource.public", true},
    {"(true && true && true) == resource.public", "true == resource.public", true},
    {"(true && false) == resource.public", "true == resource.public", false},
    {"(false || false) == resource.public", "true == resource.public", false},
    {"true == resource.public", "(false || true) == resource.public", true},
    {"(true && false) == resource.public", "(false && true) == resource.public", true},
    {"(true && resource.public) == true", "resource.public == true", false},
    {"(resource.public && true) == true", "(resource.public && true) == true", true},
    {"principal.name == 'a'", "principal.name == 'b'", false},
    {"principal.name == 'a'", "principal.home.city == 'a'", false},
    {"principal.name == 'a'", "resource.owner.name == 'a'", false},
    {"principal == resource.owner", "resource.owner == principal", false},
    {"principal == resource.owner", "principal == resource.owner", true},
    {"principal == User::'a'", "principal == User::'b'", false},
    {"principal == User::'a'", "principal == User::'a'", true},
    {"principal.score.lessThan(decimal('1.0'))", "principal.score.lessThan(decimal('1.00'))",
     false},
    {"principal.score.lessThan(decimal('1.0'))", "principal.score.greaterThan(decimal('1.0'))",
     false},
    {"action == action && resource.public", "Action::'view' == action && resource.public", false},
};

/* Of (if a then principal else resource.owner) it is asked whether it has the attribute; of the
 * same with b it is read. */
static void expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct row *row = &ROWS[i];
        char text[1024], found[VALIDATE_LINE];

        snprintf(text, sizeof text,
                 "permit(principal, action, resource) when {"
                 "(if %s then principal else resource.owner) has age &&"
                 "\n(if %s then principal else resource.owner).age == 1};",
                 row->a, row->b);
        validate_line(SCHEMA, text, 2, found);
        if (strcmp(found, row->same ? "" : "1 UNSAFE_ATTRIBUTE") != 0)
            fail_msg("%s and %s are%s the same: found \"%s\"", row->a, row->b,
                     row->same ? "" : " not", found);
    }
}

/* So it is with tags, whose names may be computed. */
static void tags(void **state)
{
    static const struct row TAGS[] = {
        {"'x'", "'x'", true},
        {"'x'", "'y'", false},
        {"principal.name", "principal.name", true},
        {"principal.name", "resource.owner.name", false},
        {"principal.name", "'x'", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof TAGS / sizeof *TAGS; i++) {
        char text[512], found[VALIDATE_LINE];

        snprintf(text, sizeof text,
                 "permit(principal, action, resource) when {"
                 "principal.hasTag(%s) &&\nprincipal.getTag(%s).isEmpty()};",
                 TAGS[i].a, TAGS[i].b);
        validate_line(SCHEMA, text, 2, found);
        assert_string_equal(found, TAGS[i].same ? "" : "1 UNSAFE_TAG");
    }
    /* a tag is no attribute, and one entity is not another */
    char found[VALIDATE_LINE];

    validate_line(SCHEMA,
                  "permit(principal, action, resource) when {principal.hasTag('age') &&\n"
                  "principal.age == 1};",
                  2, found);
    assert_string_equal(found, "1 UNSAFE_ATTRIBUTE");
    validate_line(SCHEMA,
                  "permit(principal, action, resource) when {principal has age &&\n"
                  "principal.getTag('age').isEmpty()};",
                  2, found);
    assert_string_equal(found, "1 UNSAFE_TAG");
    validate_line(SCHEMA,
                  "permit(principal, action, resource) when {principal.hasTag('x') &&\n"
                  "resource.owner.getTag('x').isEmpty()};",
                  2, found);
    assert_string_equal(found, "1 UNSAFE_TAG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),
        cmocka_unit_test(tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
