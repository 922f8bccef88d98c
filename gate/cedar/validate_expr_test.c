/* SPDX-License-Identifier: Apache-2.0 */
/* validate_expr_test.c: the type of every kind of expression, by what the validator finds. Each
 * verdict is also that of Cedar's own implementation. */
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
    "  name: String, age?: Long, boss?: User, home: {city: String, zip?: String},\n"
    "  nets: Set<ipaddr>, score: decimal, since: datetime, grace: duration\n"
    "} tags Set<String>;\n"
    "entity Robot {name: Long};\n"
    "entity Color enum ['red', 'green'];\n"
    "entity Doc in Doc {owner: User, level: Long, color: Color, public: Bool, by?: Team};\n"
    "action all, none;\n"
    "action view in all appliesTo {principal: [User, Robot], resource: Doc,\n"
    "  context: {ip: ipaddr, mfa?: Bool, at: {hour: Long, day?: Long}}};\n"
    "action edit in [view, all] appliesTo {principal: User, resource: [Doc, Team], context: {}};\n"
    "namespace Web {\n"
    "  entity Page = {title: String};\n"
    "  action read appliesTo {principal: User, resource: Page};\n"
    "}\n";

/* The condition of a policy for User, view and Doc: the column and code of each finding. */
struct row {
    const char *condition, *found;
};

static const struct row ROWS[] = {
    {"true", ""},
    {"1", "1 UNEXPECTED_TYPE"},
    {"'x'", "1 UNEXPECTED_TYPE"},
    {"principal", "1 UNEXPECTED_TYPE"},
    {"principal.name", "1 UNEXPECTED_TYPE"},
    {"resource.public", ""},
    {"!resource.public", ""},
    {"!1", "2 UNEXPECTED_TYPE"},
    {"!(1 == 1) && principal.nothing", "NEVER_APPLIES"},
    {"false && principal.nothing", "NEVER_APPLIES"},
    {"true || principal.nothing", ""},
    {"resource.public && 1", "20 UNEXPECTED_TYPE"},
    {"1 && resource.public", "1 UNEXPECTED_TYPE"},
    {"resource.public || 'x'", "20 UNEXPECTED_TYPE"},
    {"principal.nothing", "1 UNKNOWN_ATTRIBUTE"},
    {"principal.age > 17", "1 UNSAFE_ATTRIBUTE"},
    {"principal has age && principal.age > 17", ""},
    {"principal has 'age' && principal['age'] > 17", ""},
    {"resource.public && principal has age && principal.age > 17", ""},
    {"principal has age || principal.age > 17", "22 UNSAFE_ATTRIBUTE"},
    {"(principal has age || principal has boss) && principal.age > 17", "46 UNSAFE_ATTRIBUTE"},
    {"(principal has age || principal has age) && principal.age > 17", ""},
    {"(principal has age && principal has boss) && principal.age > 17", ""},
    {"(principal has age && principal has boss || principal has boss && principal has age)"
     " && principal.age > 17 && principal.boss.name == 'x'",
     ""},
    {"(principal has age && principal has boss || principal has boss) && principal.age > 17",
     "68 UNSAFE_ATTRIBUTE"},
    {"(principal has age || principal has boss && principal has age) && principal.boss.name == 'x'",
     "67 UNSAFE_ATTRIBUTE"},
    {"(false || principal has age) && principal.age > 17", ""},
    {"(principal has age || false) && principal.age > 17", ""},
    {"!(principal has age) || principal.age > 17", "25 UNSAFE_ATTRIBUTE"},
    {"if principal has age then principal.age > 17 else false", ""},
    {"if principal has age then false else principal.age > 17", "38 UNSAFE_ATTRIBUTE"},
    {"(if principal has age then true else false) && principal.age > 17", "48 UNSAFE_ATTRIBUTE"},
    {"(if resource.public then principal has age else principal has age) && principal.age > 17",
     ""},
    {"(if true then principal has age else false) && principal.age > 17", ""},
    {"if 1 then true else false", "4 UNEXPECTED_TYPE"},
    {"if resource.public then 1 else 'x'", "1 INCOMPATIBLE_TYPES"},
    {"(if resource.public then 1 else 'x') == 1", "2 INCOMPATIBLE_TYPES"},
    {"(if resource.public then 1 else 2) == 1", ""},
    {"(if true then 1 else principal.nothing) == 1", ""},
    {"(if principal has nothing then principal.nothing else 1) == 1", ""},
    {"principal has boss.age && principal.boss.age > 1", ""},
    {"principal has boss.boss && principal.boss.boss has age && principal.boss.boss.age > 1", ""},
    {"principal has home.zip && principal.home.zip == 'x'", ""},
    {"principal has home.zip.more", "1 UNEXPECTED_TYPE"},
    {"principal has home.nothing.more", "NEVER_APPLIES"},
    {"principal has boss && principal.boss.home.zip == 'x'", "23 UNSAFE_ATTRIBUTE"},
    {"principal.home.city == 'x'", ""},
    {"principal.home has zip && principal.home.zip == 'x'", ""},
    {"resource.owner has age && resource.owner.age == 1", ""},
    {"resource.owner has age && principal.age == 1", "27 UNSAFE_ATTRIBUTE"},
    {"principal has nothing", "NEVER_APPLIES"},
    {"principal has name && principal.name == 'x'", ""},
    {"context has ip", ""},
    {"context has mfa", ""},
    {"context has mfa && context.mfa", ""},
    {"context.mfa", "1 UNSAFE_ATTRIBUTE"},
    {"context.at.hour == 1", ""},
    {"context has at.day && context.at.day == 1", ""},
    {"context has at.hour && false", "NEVER_APPLIES"},
    {"'x' has y", "1 UNEXPECTED_TYPE"},
    {"principal.nets has y", "1 UNEXPECTED_TYPE"},
    {"action has name", "NEVER_APPLIES"},
    {"action.name == 'x'", "1 UNKNOWN_ATTRIBUTE"},
    {"1.name", "1 UNEXPECTED_TYPE"},
    {"principal.hasTag('t') && principal.getTag('t').contains('x')", ""},
    {"principal.getTag('t').contains('x')", "1 UNSAFE_TAG"},
    {"principal.hasTag('t') && principal.getTag('u').contains('x')", "26 UNSAFE_TAG"},
    {"principal.hasTag(principal.name) && principal.getTag(principal.name).contains('x')", ""},
    {"principal.hasTag('t') && principal has age && principal.age == 1", ""},
    {"resource.hasTag('t')", "NEVER_APPLIES"},
    {"resource.hasTag('t') && resource.getTag('t') == 1", "NEVER_APPLIES"},
    {"resource.getTag('t') == 1", "1 NO_TAGS"},
    {"action.hasTag('t')", "NEVER_APPLIES"},
    {"principal.hasTag(1)", "18 UNEXPECTED_TYPE"},
    {"'x'.hasTag('y')", "1 UNEXPECTED_TYPE"},
    {"principal.hasTag('t') && principal.hasTag('t')", ""},
    {"1 == 1", ""},
    {"1 == 'x'", "NEVER_APPLIES"},
    {"principal.age == 'x'", "1 UNSAFE_ATTRIBUTE"},
    {"principal has age && principal.age == 'x'", "22 INCOMPATIBLE_TYPES"},
    {"principal == resource", "NEVER_APPLIES"},
    {"principal == principal", ""},
    {"principal == User::'a'", ""},
    {"principal == Usr::'a'", "14 UNKNOWN_TYPE"},
    {"User::'a' == User::'a'", ""},
    {"principal.name != 'x'", ""},
    {"principal.name != 1", "1 INCOMPATIBLE_TYPES"},
    {"principal != resource", ""},
    {"action == Action::'view'", ""},
    {"action == Action::'edit'", "NEVER_APPLIES"},
    {"action == Action::'delete'", "11 UNKNOWN_ACTION"},
    {"action != Action::'view' && principal.nothing", "NEVER_APPLIES"},
    {"action == Action::'view' || principal.nothing", ""},
    {"resource.color == Color::'red'", ""},
    {"resource.color == Color::'blue'", "19 UNKNOWN_ID"},
    {"Color::'blue' in Color::'red'", "1 UNKNOWN_ID"},
    {"{a: 1, b: 'x'} == {b: 'y', a: 2}", ""},
    {"{a: 1} == {a: 1, b: 2}", "1 INCOMPATIBLE_TYPES"},
    {"{a: true} == {a: false}", ""},
    {"{a: 1} == {a: 'x'}", "1 INCOMPATIBLE_TYPES"},
    {"{city: 'a'} == principal.home", "1 INCOMPATIBLE_TYPES"},
    {"{city: 'a', zip: 'b'} == principal.home", "1 INCOMPATIBLE_TYPES"},
    {"context.at == {hour: 1}", "1 INCOMPATIBLE_TYPES"},
    {"[1] == [2]", ""},
    {"[1] == ['x']", "1 INCOMPATIBLE_TYPES"},
    {"[true] == [false]", ""},
    {"[] == [1]", "1 EMPTY_SET"},
    {"[].isEmpty()", "1 EMPTY_SET"},
    {"[1, 2].isEmpty()", ""},
    {"'x'.isEmpty()", "1 UNEXPECTED_TYPE"},
    {"[1, 'x'].contains(1)", "1 INCOMPATIBLE_TYPES"},
    {"[1, 2].contains('x')", "1 INCOMPATIBLE_TYPES"},
    {"[1, principal.nothing].contains(1)", "5 UNKNOWN_ATTRIBUTE"},
    {"[principal, resource].contains(principal)", "1 INCOMPATIBLE_TYPES"},
    {"[User::'a', principal].contains(principal)", ""},
    {"[{a: 1}, {a: 2}].contains({a: 3})", ""},
    {"[{a: 1}, {b: 2}].contains({a: 3})", "1 INCOMPATIBLE_TYPES"},
    {"principal.contains(1)", "1 UNEXPECTED_TYPE"},
    {"[1].contains(principal)", "1 INCOMPATIBLE_TYPES"},
    {"[[1]].contains([2])", ""},
    {"[1].containsAll([2])", ""},
    {"[1].containsAll(['x'])", "1 INCOMPATIBLE_TYPES"},
    {"[1].containsAny(2)", "17 UNEXPECTED_TYPE"},
    {"principal.containsAny([2])", "1 UNEXPECTED_TYPE"},
    {"[1].containsAll([true]) || [1].containsAny(['x'])",
     "1 INCOMPATIBLE_TYPES, 28 INCOMPATIBLE_TYPES"},
    {"1 < 2", ""},
    {"1 < 'x'", "5 UNEXPECTED_TYPE"},
    {"'x' < 'y'", "1 UNEXPECTED_TYPE, 7 UNEXPECTED_TYPE"},
    {"principal.since < datetime('2024-01-01')", ""},
    {"principal.since <= principal.grace", "1 INCOMPATIBLE_TYPES"},
    {"principal.grace >= duration('1h')", ""},
    {"principal.score < decimal('1.0')", "1 UNEXPECTED_TYPE, 19 UNEXPECTED_TYPE"},
    {"1 > principal.since", "1 INCOMPATIBLE_TYPES"},
    {"true < false", "1 UNEXPECTED_TYPE, 8 UNEXPECTED_TYPE"},
    {"1 + 1 == 2", ""},
    {"'a' + 'b' == 'ab'", "1 UNEXPECTED_TYPE, 7 UNEXPECTED_TYPE"},
    {"1 - 'b' == 2", "5 UNEXPECTED_TYPE"},
    {"principal.name * 2 == 2", "1 UNEXPECTED_TYPE"},
    {"-principal.name == 1", "2 UNEXPECTED_TYPE"},
    {"-1 == 1", "NEVER_APPLIES"},
    {"-(1) == -1", ""},
    {"principal.name like 'a*'", ""},
    {"principal like 'a*'", "1 UNEXPECTED_TYPE"},
    {"1 like 'a*'", "1 UNEXPECTED_TYPE"},
    {"principal is User", ""},
    {"principal is Robot", "NEVER_APPLIES"},
    {"principal is Usr", "1 UNKNOWN_TYPE"},
    {"principal is Robot && principal.nothing", "NEVER_APPLIES"},
    {"principal is User in Team::'t'", ""},
    {"principal is User in resource", "NEVER_APPLIES"},
    {"principal is User in 1", "22 UNEXPECTED_TYPE"},
    {"principal is Robot in 1", "NEVER_APPLIES"},
    {"1 is User", "1 UNEXPECTED_TYPE"},
    {"principal in Team::'t'", ""},
    {"principal in User::'a'", ""},
    {"principal in Doc::'d'", "NEVER_APPLIES"},
    {"principal in Doc::'d' && principal.nothing", "NEVER_APPLIES"},
    {"principal in [Team::'t', Team::'u']", ""},
    {"principal in [Team::'t', User::'u']", "14 INCOMPATIBLE_TYPES"},
    {"principal in []", "14 EMPTY_SET"},
    {"principal in 1", "14 UNEXPECTED_TYPE"},
    {"principal in [1]", "14 UNEXPECTED_TYPE"},
    {"1 in principal", "1 UNEXPECTED_TYPE"},
    {"principal in principal", ""},
    {"resource in resource", ""},
    {"resource in Doc::'d'", ""},
    {"resource in [resource.owner]", "NEVER_APPLIES"},
    {"action in Action::'all'", ""},
    {"action in Action::'none' && principal.nothing", "NEVER_APPLIES"},
    {"action in Action::'all' || principal.nothing", ""},
    {"action in [Action::'none', Action::'all'] || principal.nothing", ""},
    {"action in [Action::'none'] && principal.nothing", "NEVER_APPLIES"},
    {"action in Action::'delete'", "11 UNKNOWN_ACTION"},
    {"action in principal", "NEVER_APPLIES"},
    {"principal in Action::'all'", "NEVER_APPLIES"},
    {"Action::'edit' in action || principal.nothing", ""},
    {"Action::'none' in action && principal.nothing", "NEVER_APPLIES"},
    {"action in [action] || principal.nothing", ""},
    {"action in [principal]", "NEVER_APPLIES"},
    {"action in Web::Action::'read' && principal.nothing", "NEVER_APPLIES"},
    {"action == Web::Action::'read' && principal.nothing", "NEVER_APPLIES"},
    {"[Action::'view', Web::Action::'read'].contains(action)", "1 INCOMPATIBLE_TYPES"},
    {"Web::Page::'p' == resource", "NEVER_APPLIES"},
    {"Page::'p' == resource", "1 UNKNOWN_TYPE"},
    {"ip('10.0.0.1').isIpv4()", ""},
    {"ip('10.0.0.1').isInRange(ip('10.0.0.0/8'))", ""},
    {"ip('10.0.0.300').isIpv4()", "1 BAD_LITERAL"},
    {"ip(principal.name).isIpv4()", "1 NOT_LITERAL"},
    {"ip(1).isIpv4()", "4 UNEXPECTED_TYPE"},
    {"ip('a', 'b').isIpv4()", "1 ARGUMENT_COUNT"},
    {"ip().isIpv4()", "1 ARGUMENT_COUNT"},
    {"ip('::1').isInRange()", "1 ARGUMENT_COUNT"},
    {"ip('::1').isInRange(ip('::1'), ip('::2'))", "1 ARGUMENT_COUNT"},
    {"ip('::1').isInRange('::1')", "21 UNEXPECTED_TYPE"},
    {"'10.0.0.1'.isIpv4()", "1 UNEXPECTED_TYPE"},
    {"decimal('1.0').lessThan(principal.score)", ""},
    {"decimal('1').lessThan(principal.score)", "1 BAD_LITERAL"},
    {"decimal(if true then '1.0' else '2.0') == principal.score", "1 NOT_LITERAL"},
    {"decimal('1.0').lessThan(ip('::1'))", "25 UNEXPECTED_TYPE"},
    {"datetime('2024-01-01').offset(duration('1d')) < principal.since", ""},
    {"datetime('2024-1-1') < principal.since", "1 BAD_LITERAL"},
    {"duration('1x') < principal.grace", "1 BAD_LITERAL"},
    {"principal.since.toDate() < principal.since", ""},
    {"principal.since.toTime() < principal.grace", ""},
    {"principal.since.durationSince(principal.since).toDays() == 1", ""},
    {"principal.since.offset(principal.since) == principal.since", "24 UNEXPECTED_TYPE"},
    {"principal.grace.toDays() + 1 == 2", ""},
    {"principal.nets.contains(context.ip)", ""},
    {"principal.nets.contains(ip('::1'))", ""},
    {"principal.nets.contains('::1')", "1 INCOMPATIBLE_TYPES"},
    {"(principal has age && principal.age > 1) == true", ""},
    {"(if principal.name == 'a' then principal else resource.owner).name == 'b'", ""},
    {"(if principal.name == 'a' then principal else resource).name == 'b'", "2 INCOMPATIBLE_TYPES"},
    {"(if principal.name == 'a' then principal else resource.owner) has age && (if principal.name "
     "== 'a' then principal else resource.owner).age == 1",
     ""},
    {"(if principal.name != 'a' then principal else resource.owner) has age && (if "
     "!(principal.name == 'a') then principal else resource.owner).age == 1",
     ""},
    {"{b: 1, a: principal}.a has age && {a: principal, b: 1}.a.age == 1", ""},
    {"(true && false) == false || principal.nothing", ""},
    {"(true && false) == true && principal.nothing", "NEVER_APPLIES"},
    {"(true && resource.public) == false", ""},
    {"ip('::1') == ip('::1')", ""},
    {"[ip('::1'), decimal('1.0')].contains(ip('::1'))", "1 INCOMPATIBLE_TYPES"},
    {"{a: principal.nothing}.a == 1", "5 UNKNOWN_ATTRIBUTE"},
    {"{a: 1}.b == 1", "1 UNKNOWN_ATTRIBUTE"},
    {"{a: 1} has b", "NEVER_APPLIES"},
    {"{a: 1} has a && {a: 1}.a == 1", ""},
    {"principal.nothing.more.still == 1", "1 UNKNOWN_ATTRIBUTE"},
    {"principal.nothing == resource.nothing", "1 UNKNOWN_ATTRIBUTE, 22 UNKNOWN_ATTRIBUTE"},
    {"principal.nothing && resource.nothing", "1 UNKNOWN_ATTRIBUTE, 22 UNKNOWN_ATTRIBUTE"},
    /* what was asked reaches every operand, and what is certain is known */
    {"(1 == 1 && 2 == 2) || principal.nothing", ""},
    {"(1 == 1 || 2 == 1) || principal.nothing", ""},
    {"(resource.public && resource.level == 1) || principal.nothing", "45 UNKNOWN_ATTRIBUTE"},
    {"(resource.public || resource.level == 1) || principal.nothing", "45 UNKNOWN_ATTRIBUTE"},
    {"(resource.public && 1 == 1) || principal.nothing", "32 UNKNOWN_ATTRIBUTE"},
    {"resource.level < 1 || principal.nothing", "23 UNKNOWN_ATTRIBUTE"},
    {"resource.level == 1 || principal.nothing", "24 UNKNOWN_ATTRIBUTE"},
    {"principal in Team::'t' || principal.nothing", "27 UNKNOWN_ATTRIBUTE"},
    {"principal in [Team::'t'] || principal.nothing", "29 UNKNOWN_ATTRIBUTE"},
    {"principal is User in Team::'t' || principal.nothing", "35 UNKNOWN_ATTRIBUTE"},
    {"principal.name like '*' || principal.nothing", "28 UNKNOWN_ATTRIBUTE"},
    {"[1].isEmpty() || principal.nothing", "18 UNKNOWN_ATTRIBUTE"},
    {"[1].contains(1) || principal.nothing", "20 UNKNOWN_ATTRIBUTE"},
    {"[1].containsAny([1]) || principal.nothing", "25 UNKNOWN_ATTRIBUTE"},
    {"ip('::1').isIpv4() || principal.nothing", "23 UNKNOWN_ATTRIBUTE"},
    {"principal has age || principal.nothing", "22 UNKNOWN_ATTRIBUTE"},
    {"principal has name || principal.nothing", "23 UNKNOWN_ATTRIBUTE"},
    {"principal has boss.name || principal.nothing", "28 UNKNOWN_ATTRIBUTE"},
    {"principal.hasTag('t') || principal.nothing", "26 UNKNOWN_ATTRIBUTE"},
    {"!resource.public || principal.nothing", "21 UNKNOWN_ATTRIBUTE"},
    {"principal is User || principal.nothing", ""},
    {"{a: 1, b: principal.nothing} == {a: 1, b: 2}", "11 UNKNOWN_ATTRIBUTE"},
    {"{b: principal.nothing, a: 1} == {a: 1, b: 2}", "5 UNKNOWN_ATTRIBUTE"},
    {"[principal.nothing, 1].contains('x')", "2 UNKNOWN_ATTRIBUTE"},
    {"principal is Robot || principal.nothing", "23 UNKNOWN_ATTRIBUTE"},
    {"!(principal is User) && principal.nothing", "NEVER_APPLIES"},
    {"principal in Doc::'d' || principal.nothing", "26 UNKNOWN_ATTRIBUTE"},
    {"1 == 1 && principal is User || principal.nothing", ""},
    {"principal has boss && (principal has boss.name || principal.nothing)",
     "51 UNKNOWN_ATTRIBUTE"},
    {"!(1 == 2) || principal.nothing", ""},
    {"!(1 == 1) || principal.nothing", "14 UNKNOWN_ATTRIBUTE"},
    {"principal has age && (if principal.age > 1 then true else false)", ""},
    {"principal has age && (if resource.public then true else principal.age > 1)", ""},
    {"principal has age && (if resource.public then principal.age > 1 else true)", ""},
    {"principal has age && (if true then principal.age > 1 else true)", ""},
    {"principal has age && (if false then true else principal.age > 1)", ""},
    {"(if principal has age then resource.public else principal has age) && principal.age > 1", ""},
    {"(if principal has age then resource.public else resource.public) && principal.age > 1",
     "69 UNSAFE_ATTRIBUTE"},
    {"principal has age && !(principal.age == 1)", ""},
    {"principal has age && (principal.age == 1 || principal.age == 2)", ""},
    {"principal has age && (principal.age == 1 && principal.age == 2)", ""},
    {"principal has age && -principal.age == principal.age + principal.age", ""},
    {"principal has age && principal.age < principal.age", ""},
    {"principal has age && principal.age != 1", ""},
    {"principal has age && [principal.age].contains(principal.age)", ""},
    {"principal has age && [principal.age].containsAll([principal.age])", ""},
    {"principal has age && [principal.age].containsAny([principal.age])", ""},
    {"principal has age && [principal.age].isEmpty()", ""},
    {"principal has age && {a: principal.age}.a == 1", ""},
    {"principal has age && {a: principal.age} has a", ""},
    {"principal has boss && principal.boss in principal.boss", ""},
    {"principal has boss && principal.boss in [principal.boss]", ""},
    {"principal has boss && principal.boss is User in principal.boss", ""},
    {"principal has boss && principal.boss has age", ""},
    {"principal has boss && principal.boss has home.zip", ""},
    {"principal has boss && principal.boss.name like 'x'", ""},
    {"principal has boss && principal.boss.hasTag(principal.boss.name)", ""},
    {"principal has boss && principal.boss.hasTag(principal.boss.name) && "
     "principal.boss.getTag(principal.boss.name).isEmpty()",
     ""},
    {"principal has boss && principal.hasTag(principal.boss.name) && "
     "principal.getTag(principal.boss.name).isEmpty()",
     ""},
    {"principal has age && {a: decimal('1.0'), b: principal.age}.a.lessThan({a: principal.score, "
     "b: principal.age}.a)",
     ""},
    {"principal has age && (principal has age || principal.nothing)", ""},
    {"principal has age && (principal has boss.boss || true) && principal.age == 1", ""},
    {"principal has boss.age && principal has boss.age && (principal has boss.age || "
     "principal.nothing)",
     ""},
    {"principal has boss && (principal has boss.boss || principal.boss == principal)", ""},
    {"principal has boss.boss && principal.boss.boss == principal && (principal has boss.boss || "
     "principal.nothing)",
     ""},
    {"context has at.hour || principal.nothing", ""},
    {"context has at.day || principal.nothing", "23 UNKNOWN_ATTRIBUTE"},
    {"context has at.nothing || principal.nothing", "27 UNKNOWN_ATTRIBUTE"},
    {"(context has at.nothing || true) && principal.nothing", "37 UNKNOWN_ATTRIBUTE"},
    {"principal has home.zip || principal.nothing", "27 UNKNOWN_ATTRIBUTE"},
    {"principal.home has city || principal.nothing", ""},
    {"principal.hasTag('t') && (principal.hasTag('t') || principal.nothing)", ""},
    {"(principal.hasTag('t') || resource.hasTag('t')) && principal.getTag('t').isEmpty()", ""},
    {"resource.hasTag('t') || principal.nothing", "25 UNKNOWN_ATTRIBUTE"},
    {"action.hasTag('t') && principal.nothing", "NEVER_APPLIES"},
    {"principal.hasTag('t') && principal.hasTag('u') && principal.getTag('t') == "
     "principal.getTag('u')",
     ""},
    {"(principal has age) == true && principal.age == 1", "32 UNSAFE_ATTRIBUTE"},
    {"(principal has age && true) && principal.age == 1", ""},
    {"(true && principal has age) && principal.age == 1", ""},
    {"(principal has age && resource.public) && principal.age == 1", ""},
    {"(resource.public && principal has age) && principal.age == 1", ""},
    {"(principal has age && false || true) && principal.age == 1", "41 UNSAFE_ATTRIBUTE"},
    {"(principal has age || true) && principal.age == 1", "32 UNSAFE_ATTRIBUTE"},
    {"(true || principal has age) && principal.age == 1", "32 UNSAFE_ATTRIBUTE"},
    {"(principal has age && 1 == 1) && principal.age == 1", ""},
    {"if principal has age && resource.public then principal.age == 1 else true", ""},
    {"if principal has age || resource.public then principal.age == 1 else true",
     "46 UNSAFE_ATTRIBUTE"},
    {"if !(principal has age) then true else principal.age == 1", "40 UNSAFE_ATTRIBUTE"},
    {"[[1], [2]].contains([3])", ""},
    {"[[1], ['x']].contains([3])", "1 INCOMPATIBLE_TYPES"},
    {"[{a: [true]}, {a: [false]}].contains({a: [true]})", ""},
    {"[{a: [true]}, {a: [1]}].contains({a: [true]})", "1 INCOMPATIBLE_TYPES"},
    {"[{a: 1, b: 2}, {a: 1, c: 2}].contains({a: 1, b: 2})", "1 INCOMPATIBLE_TYPES"},
    {"[[true], [false], [principal has age]].contains([true])", ""},
    {"if resource.public then {a: true} else {a: false}", "1 UNEXPECTED_TYPE"},
    {"(if resource.public then {a: true} else {a: false}).a || principal.nothing",
     "58 UNKNOWN_ATTRIBUTE"},
    {"(if resource.public then [true] else [false]).contains(resource.public)", ""},
    {"{a: {b: {c: 1}}}.a.b.c == 1", ""},
    {"{a: {b: {c: 1}}} == {a: {b: {c: 'x'}}}", "1 INCOMPATIBLE_TYPES"},
    {"{} == {}", ""},
    {"{} has a", "NEVER_APPLIES"},
    {"principal in {a: principal}.a", ""},
    {"[principal] == [resource]", "1 INCOMPATIBLE_TYPES"},
    {"[[principal]].contains([resource])", "1 INCOMPATIBLE_TYPES"},
    {"principal == principal.home", "1 INCOMPATIBLE_TYPES"},
    {"principal == 1", "1 INCOMPATIBLE_TYPES"},
    {"{a: principal} == {a: resource}", "1 INCOMPATIBLE_TYPES"},
    {"(if resource.public then principal else User::'x') == User::'y'", ""},
    {"action in [Action::'all', User::'a']", "11 INCOMPATIBLE_TYPES"},
    {"action in User::'a'", "NEVER_APPLIES"},
    {"[action, Action::'edit'].contains(action)", ""},
    {"Action::'view' in Action::'all' || principal.nothing", ""},
    {"Action::'edit' in [Action::'none', Action::'view'] || principal.nothing", ""},
    {"Action::'all' in Action::'view' || principal == principal", ""},
    {"Action::'all' in Action::'view' && principal.nothing", "NEVER_APPLIES"},
    {"Web::Action::'read' in Web::Action::'read' || principal.nothing", ""},
    {"Web::Action::'read' in Action::'all' && principal.nothing", "NEVER_APPLIES"},
    {"(if resource.public then action else Action::'all') in Action::'all'", ""},
    {"(if resource.public then action else Action::'all') in Web::Action::'read' && "
     "principal.nothing",
     "NEVER_APPLIES"},
    {"action in (if resource.public then action else Action::'all')", ""},
};

static void expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char text[1024], found[VALIDATE_LINE];

        snprintf(text, sizeof text,
                 "permit(principal is User, action == Action::'view', resource) when {\n%s\n};",
                 ROWS[i].condition);
        validate_line(SCHEMA, text, 2, found);
        if (strcmp(found, ROWS[i].found) != 0)
            fail_msg("%s: found %s, not %s", ROWS[i].condition, found, ROWS[i].found);
    }
}

/* Actions may be in actions of another namespace. */
static void actions(void **state)
{
    static const char ACTIONS[] =
        "entity U {b: Bool}; action all, lone;\n"
        "namespace N {\n"
        "  action go in [Action::'all'] appliesTo {principal: U, resource: U}; action stay;\n"
        "}\n"
        "namespace M { action m appliesTo {principal: U, resource: U}; }\n";
    static const struct row POLICIES[] = {
        {"permit(principal, action == N::Action::'go', resource) when { (if principal.b then "
         "action else action) in Action::'all' || principal.no};",
         "124 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action == N::Action::'go', resource) when { (if principal.b then "
         "action else action) in Action::'all' && principal.no};",
         "124 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action == N::Action::'go', resource) when { (if principal.b then "
         "action else action) in Action::'lone' && principal.no};",
         "125 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action == N::Action::'go', resource) when { (if principal.b then "
         "action else action) in M::Action::'m' && principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action == N::Action::'go', resource) when { (if principal.b then "
         "action else action) in N::Action::'stay' && principal.no};",
         "128 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action == M::Action::'m', resource) when { (if principal.b then action "
         "else action) in Action::'all' && principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action == M::Action::'m', resource) when { (if principal.b then action "
         "else action) in principal && principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action == M::Action::'m', resource) when { (if principal.b then "
         "Action::'all' else Action::'lone') in N::Action::'go' && principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action == M::Action::'m', resource) when { principal in (if "
         "principal.b then action else action) && principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action in [N::Action::'go'], resource) when {principal.no};",
         "64 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action in [N::Action::'stay', N::Action::'go'], resource) when "
         "{principal.no};",
         "83 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action in [Action::'all'], resource) when {principal.no};",
         "62 UNKNOWN_ATTRIBUTE"},
        {"permit(principal, action in [Action::'lone'], resource) when {principal.no};",
         "NEVER_APPLIES"},
        {"permit(principal, action in [Action::'lone', Action::'all'], resource) when "
         "{principal.no};",
         "78 UNKNOWN_ATTRIBUTE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof POLICIES / sizeof *POLICIES; i++) {
        char found[VALIDATE_LINE];

        validate_line(ACTIONS, POLICIES[i].condition, 1, found);
        if (strcmp(found, POLICIES[i].found) != 0)
            fail_msg("%s: found %s, not %s", POLICIES[i].condition, found, POLICIES[i].found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),
        cmocka_unit_test(actions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
