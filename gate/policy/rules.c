/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/rules.h"

#include "gate/cedar/gate_check.h"

#include <stdlib.h>

static err_code size_check(const char *what, struct slice part, struct why *why)
{
    if (part.len <= RULES_TEXT_MAX)
        return ERR_OK;
    return why_say(why, ERR_TOO_LARGE, "%s of %zu bytes, the limit is %zu", what, part.len,
                   RULES_TEXT_MAX);
}

err_code rules_text_check(const struct rules_text *text, struct why *why)
{
    TRY(size_check("a policy text", text->policies, why));
    TRY(size_check("a schema", text->schema, why));
    return size_check("an entities text", text->entities, why);
}

static err_code read_policies(struct slice text, struct rules *rules, struct why *why)
{
    TRY(cedar_parse(text, &rules->policies, NULL, why));
    return cedar_gate_check(rules->policies, NULL, why);
}

/* Only what is an error to the validator: its warnings are for lint. */
static err_code validate_policies(const struct rules *rules, struct why *why)
{
    CLEANUP(cedar_findings_free) struct cedar_findings findings = {0};

    TRY(cedar_validate(rules->schema, rules->policies, &findings));
    for (size_t i = 0; i < findings.n; i++) {
        const struct cedar_finding *f = &findings.list[i];
        if (f->level == CEDAR_ERROR)
            return why_say(why, ERR_CEDAR_INVALID, "policy text: %u:%u: %s [%s]", f->place.line,
                           f->place.column, f->text, f->code);
    }
    return ERR_OK;
}

/* What is valid is valid together with the hierarchy of actions that the schema has. */
static err_code validate(struct rules *rules, struct why *why)
{
    TRY(validate_policies(rules, why));
    if (rules->vouched != NULL)
        TRY(why_reading(why, cedar_validate_entities(rules->schema, rules->vouched, why),
                        "entities text"));
    return cedar_schema_actions(rules->schema, rules->vouched, &rules->actions);
}

err_code rules_load(const struct rules_text *text, struct rules **ret, struct why *why)
{
    CLEANUP(rules_free) struct rules *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    TRY(rules_text_check(text, why));
    TRY(why_reading(why, read_policies(text->policies, out, why), "policy text"));
    if (text->has_schema)
        TRY(why_reading(why, cedar_schema_read(text->schema, &out->schema, NULL, why),
                        "schema text"));
    if (text->has_entities)
        TRY(why_reading(why, cedar_entities_parse(text->entities, &out->vouched, why),
                        "entities text"));
    if (out->schema != NULL)
        TRY(validate(out, why));
    *ret = out;
    out = NULL;
    return ERR_OK;
}

void rules_free(struct rules **rules)
{
    if (*rules == NULL)
        return;
    cedar_free(&(*rules)->policies);
    cedar_entities_free(&(*rules)->actions); /* it looks into the two that follow */
    cedar_entities_free(&(*rules)->vouched);
    cedar_schema_free(&(*rules)->schema);
    free(*rules);
    *rules = NULL;
}

const struct cedar_entities *rules_entities(const struct rules *rules)
{
    return rules->actions != NULL ? rules->actions : rules->vouched;
}
