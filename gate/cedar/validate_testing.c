/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/validate_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* With " for '. The caller frees it. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

struct cedar_schema *validate_schema(const char *text)
{
    struct cedar_schema *schema = NULL;
    struct why why = {0};
    char *copy = quoted(text);

    if (cedar_schema_parse(slice_str(copy), &schema, NULL, &why) != ERR_OK)
        fail_msg("schema: %s", why.text);
    free(copy);
    return schema;
}

static void validate(const char *schema_text, const char *policies_text, struct cedar_findings *ret)
{
    struct cedar_schema *schema = validate_schema(schema_text);
    struct cedar_policies *policies = NULL;
    struct why why = {0};
    char *copy = quoted(policies_text);

    if (cedar_parse(slice_str(copy), &policies, NULL, &why) != ERR_OK)
        fail_msg("%s: %s", copy, why.text);
    free(copy);
    assert_int_equal(cedar_validate(schema, policies, ret), ERR_OK);
    cedar_free(&policies);
    cedar_schema_free(&schema);
}

void validate_line(const char *schema, const char *policies, unsigned line,
                   char ret[static VALIDATE_LINE])
{
    struct cedar_findings findings = {0};
    size_t len = 0;

    validate(schema, policies, &findings);
    ret[0] = '\0';
    for (size_t i = 0; i < findings.n; i++) {
        const struct cedar_finding *f = &findings.list[i];
        char place[48] = "";

        if (f->level == CEDAR_ERROR && f->place.line == line)
            snprintf(place, sizeof place, "%u ", f->place.column);
        else if (f->level == CEDAR_ERROR)
            snprintf(place, sizeof place, "%u:%u ", f->place.line, f->place.column);
        snprintf(ret + len, VALIDATE_LINE - len, "%s%s%s", i == 0 ? "" : ", ", place, f->code);
        len += strlen(ret + len);
    }
    cedar_findings_free(&findings);
}

void validate_text(const char *schema, const char *policies, char ret[static VALIDATE_LINE])
{
    struct cedar_findings findings = {0};

    validate(schema, policies, &findings);
    snprintf(ret, VALIDATE_LINE, "%s", findings.n == 0 ? "" : findings.list[0].text);
    cedar_findings_free(&findings);
}

static void outcome(err_code err, const struct why *why, char ret[static VALIDATE_LINE])
{
    if (err != ERR_OK)
        assert_int_equal(err, ERR_CEDAR_INVALID);
    snprintf(ret, VALIDATE_LINE, "%s", err == ERR_OK ? "" : why->text);
}

void validate_entities_text(const char *schema_text, const char *json,
                            char ret[static VALIDATE_LINE])
{
    struct cedar_schema *schema = validate_schema(schema_text);
    struct cedar_entities *entities = NULL;
    struct why why = {0};
    char *copy = quoted(json);

    if (cedar_entities_parse(slice_str(copy), &entities, &why) != ERR_OK)
        fail_msg("%s: %s", copy, why.text);
    outcome(cedar_validate_entities(schema, entities, &why), &why, ret);
    free(copy);
    cedar_entities_free(&entities);
    cedar_schema_free(&schema);
}

/* The id begins behind the last "::". */
static struct cedar_uid uid_of(const char *name)
{
    const char *id = name;

    for (const char *at = strstr(name, "::"); at != NULL; at = strstr(at + 2, "::"))
        id = at + 2;
    return cedar_uid_of((struct slice){(const uint8_t *)name, (size_t)(id - name) - 2},
                        slice_str(id));
}

void validate_request_text(const char *schema_text, const char *const names[3], const char *context,
                           char ret[static VALIDATE_LINE])
{
    struct cedar_schema *schema = validate_schema(schema_text);
    struct cedar_owned_value *owned = NULL;
    struct cedar_request request = {uid_of(names[0]), uid_of(names[1]), uid_of(names[2]), {0}};
    struct why why = {0};
    char *copy = quoted(context);

    if (cedar_value_parse(slice_str(copy), &owned, &why) != ERR_OK)
        fail_msg("%s: %s", copy, why.text);
    request.context = cedar_owned(owned);
    outcome(cedar_validate_request(schema, &request, &why), &why, ret);
    free(copy);
    cedar_owned_free(&owned);
    cedar_schema_free(&schema);
}
