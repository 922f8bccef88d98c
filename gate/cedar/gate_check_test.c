/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/gate_check.h"
#include "gate/cedar/text_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALL TESTING_ALL
#define ID_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WINDOW ", expected a whole number with ms, s or m behind it, at most 60m"
#define CUT                                                                                        \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab..." /* of ID_64 and more */
#define ID_256 ID_64 ID_64 ID_64 ID_64

static const struct {
    const char *text;
    err_code err;
    unsigned line, column;
    const char *says;
} CASES[] = {
    {"", ERR_OK, 0, 0, ""},
    {ALL ALL, ERR_OK, 0, 0, ""},
    {"@id(\"a\") @description " ALL "@description(\"\\n\") @id(\"b\")" ALL, ERR_OK, 0, 0, ""},
    {"@id(\"\xc3\xa4\")" ALL, ERR_OK, 0, 0, ""},
    {"@id(\"" ID_256 "\")" ALL, ERR_OK, 0, 0, ""},
    {"@freshness(\"5s\") @id(\"a\")" ALL "@freshness(\"0s\")" ALL, ERR_OK, 0, 0, ""},
    {"@freshness(\"60m\")" ALL, ERR_OK, 0, 0, ""},
    {ALL "\n @id(\"a\") @freshness(\"61m\")" ALL, ERR_CEDAR_ANNOTATION, 2, 11,
     "@freshness of \"a\" is \"61m\"" WINDOW},
    {"@freshness " ALL, ERR_CEDAR_ANNOTATION, 1, 1, "@freshness of \"policy0\" is \"\"" WINDOW},
    {"@freshness(\"\\n\")" ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@freshness of \"policy0\" is \"\\u{a}\"" WINDOW},
    {"@freshness(\"" ID_64 "5s\") @id(\"" ID_256 "\")" ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@freshness of \"" CUT "\" is \"" CUT "\"" WINDOW},
    {"@Freshness(\"5s\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "found the annotation @Freshness, expected @id, @description or @freshness"},
    {"@ids(\"a\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "found the annotation @ids, expected @id, @description or @freshness"},
    {"@id(\"a\")\n  @risk " ALL, ERR_CEDAR_ANNOTATION, 2, 3,
     "found the annotation @risk, expected @id, @description or @freshness"},
    {"@id " ALL, ERR_CEDAR_ANNOTATION, 1, 1, "@id says nothing, expected a name for the policy"},
    {"@id(\"\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@id says nothing, expected a name for the policy"},
    {"@description @id(\"ab\\nc\") " ALL, ERR_CEDAR_ANNOTATION, 1, 14,
     "@id is not plain text at offset 2, and stands in records"},
    {"@id(\"\\u{202e}\") " ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@id is not plain text at offset 0, and stands in records"},
    {"@id(\"" ID_256 "x\")" ALL, ERR_CEDAR_ANNOTATION, 1, 1,
     "@id has 257 bytes, expected at most 256"},
    {"@id(\"a\")" ALL "@id(\"b\")" ALL "\n@description @id(\"a\")" ALL, ERR_CEDAR_ANNOTATION, 2, 14,
     "the name \"a\" is already that of the policy at 1:1"},
    {"@id(\"policy1\")" ALL "\n" ALL, ERR_CEDAR_ANNOTATION, 2, 1,
     "the name \"policy1\" is already that of the policy at 1:1"},
    {ALL "permit(principal == ?principal, action, resource);", ERR_CEDAR_UNSUPPORTED, 1, 44,
     "found the slot ?principal, expected an entity: a gate takes no templates"},
    {"permit(principal,\naction, resource is F in ?resource);", ERR_CEDAR_UNSUPPORTED, 2, 9,
     "found the slot ?resource, expected an entity: a gate takes no templates"},
};

static void gate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct outcome o = testing_parse(slice_str(CASES[i].text));
        struct cedar_place where = {0};
        struct why why = {0};
        char said[600];

        if (o.err != ERR_OK)
            fail_msg("%s: %s", CASES[i].text, o.why.text);
        o.err = cedar_gate_check(o.policies, &where, &why);
        snprintf(said, sizeof said, "%u:%u: %s", CASES[i].line, CASES[i].column, CASES[i].says);
        if (o.err != CASES[i].err || where.line != CASES[i].line ||
            where.column != CASES[i].column ||
            (o.err != ERR_OK && (strcmp(why.text, said) != 0 || why.code != o.err)))
            fail_msg("%s\n got %s at %u:%u, \"%s\"\nwant %s, \"%s\"", CASES[i].text,
                     err_name(o.err), where.line, where.column, why.text, err_name(CASES[i].err),
                     said);
        assert_int_equal(cedar_gate_check(o.policies, NULL, NULL), CASES[i].err);
        cedar_free(&o.policies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate),
    };
    return cmocka_run_group_tests_name("cedar_gate_check", tests, NULL, NULL);
}
