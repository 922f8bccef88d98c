/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/gate_check.h"

#include "gate/base/text.h"
#include "gate/cedar/same.h"
#include "gate/cedar/window.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
    const struct cedar_policies *policies;
    struct cedar_place *where; /* may be NULL */
    struct why *why;
};

/* Refuses at a place in the text; a policy from JSON is named instead. */
[[gnu::format(printf, 5, 6)]] static err_code refuse(const struct check *check,
                                                     const struct cedar_policy *policy,
                                                     uint32_t offset, err_code code,
                                                     const char *format, ...)
{
    struct cedar_place place = cedar_place_at(check->policies, offset);
    char text[300], id[64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (check->where != NULL)
        *check->where = place;
    if (place.line != 0)
        return why_say(check->why, code, "%u:%u: %s", place.line, place.column, text);
    cedar_quote(policy->id, id, sizeof id);
    return why_say(check->why, code, "policy \"%s\": %s", id, text);
}

static uint32_t place_of_name(const struct cedar_policy *policy)
{
    const struct cedar_annotation *id = cedar_annotation(policy, "id");

    return id != NULL ? id->offset : policy->offset;
}

/* Names stand in records, on lines of their own. */
static err_code name(const struct check *check, const struct cedar_policy *policy)
{
    const struct cedar_annotation *id = cedar_annotation(policy, "id");
    uint32_t offset = place_of_name(policy);
    size_t at = 0;

    if (id != NULL && id->value.len == 0)
        return refuse(check, policy, offset, ERR_CEDAR_ANNOTATION,
                      "@id says nothing, expected a name for the policy");
    if (policy->name.len > CEDAR_GATE_NAME_MAX)
        return refuse(check, policy, offset, ERR_CEDAR_ANNOTATION,
                      "@id has %zu bytes, expected at most %d", policy->name.len,
                      CEDAR_GATE_NAME_MAX);
    if (!text_is_plain(policy->name, &at))
        return refuse(check, policy, offset, ERR_CEDAR_ANNOTATION,
                      "@id is not plain text at offset %zu, and stands in records", at);
    return ERR_OK;
}

static err_code window(const struct check *check, const struct cedar_policy *policy,
                       const struct cedar_annotation *said)
{
    char value[64], id[64];
    uint32_t ms;

    if (cedar_window_parse(said->value, &ms) == ERR_OK)
        return ERR_OK;
    cedar_quote(said->value, value, sizeof value);
    cedar_quote(policy->name, id, sizeof id);
    return refuse(check, policy, said->offset, ERR_CEDAR_ANNOTATION,
                  "@" CEDAR_WINDOW " of \"%s\" is \"%s\", expected a whole number with ms, s or "
                  "m behind it, at most %um",
                  id, value, CEDAR_WINDOW_MAX_MS / 60000);
}

static err_code annotation(const struct check *check, const struct cedar_policy *policy,
                           const struct cedar_annotation *said)
{
    char quoted[64];

    if (slice_eq_str(said->name, "id") || slice_eq_str(said->name, "description"))
        return ERR_OK;
    if (slice_eq_str(said->name, CEDAR_WINDOW))
        return window(check, policy, said);
    cedar_quote(said->name, quoted, sizeof quoted);
    return refuse(check, policy, said->offset, ERR_CEDAR_ANNOTATION,
                  "found the annotation @%s, expected @id, @description or @" CEDAR_WINDOW, quoted);
}

static err_code alone(const struct check *check, const struct cedar_policy *policy)
{
    for (uint32_t i = 0; i < policy->n_annotations; i++)
        TRY(annotation(check, policy, &policy->annotations[i]));
    TRY(name(check, policy));
    if (policy->principal.slot != CEDAR_NO_SLOT)
        return refuse(check, policy, policy->principal.offset, ERR_CEDAR_UNSUPPORTED,
                      "found the slot ?principal, expected an entity: a gate takes no templates");
    if (policy->resource.slot != CEDAR_NO_SLOT)
        return refuse(check, policy, policy->resource.offset, ERR_CEDAR_UNSUPPORTED,
                      "found the slot ?resource, expected an entity: a gate takes no templates");
    return ERR_OK;
}

static void list_free(const struct cedar_policy ***list)
{
    free((void *)*list);
}

/* An @id may also be the name that another policy has by its position. */
static err_code distinct(const struct check *check)
{
    size_t n = cedar_count(check->policies);
    CLEANUP(list_free)
    const struct cedar_policy **before = reallocarray(NULL, n + 1, sizeof *before);
    char quoted[64];

    if (before == NULL || cedar_same_names(check->policies, before) != ERR_OK)
        return why_say(check->why, ERR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct cedar_policy *policy = cedar_at(check->policies, i);

        if (before[i] == NULL)
            continue;
        cedar_quote(policy->name, quoted, sizeof quoted);
        return refuse(check, policy, place_of_name(policy), ERR_CEDAR_ANNOTATION,
                      "the name \"%s\" is already that of the policy at %u:%u", quoted,
                      before[i]->place.line, before[i]->place.column);
    }
    return ERR_OK;
}

err_code cedar_gate_check(const struct cedar_policies *policies, struct cedar_place *where,
                          struct why *why)
{
    struct check check = {policies, where, why};

    for (size_t i = 0; i < cedar_count(policies); i++)
        TRY(alone(&check, cedar_at(policies, i)));
    return distinct(&check);
}
