/* SPDX-License-Identifier: Apache-2.0 */
/* lint.c: policies that parse, but perhaps do not say what their author meant. */
#include "gate/cedar/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct cedar_place TOP = {.line = 1, .column = 1};

struct kind {
    enum cedar_level level;
    const char *code; /* an interface: scripts match on it */
};
static const struct kind NO_PERMIT = {CEDAR_WARNING, "NO_PERMIT"};
static const struct kind HIDDEN_CHARACTER = {CEDAR_WARNING, "HIDDEN_CHARACTER"};
static const struct kind NEVER_MATCHES = {CEDAR_WARNING, "NEVER_MATCHES"};
static const struct kind NEVER_PERMITS = {CEDAR_WARNING, "NEVER_PERMITS"};
static const struct kind PERMITS_ALL = {CEDAR_WARNING, "PERMITS_ALL"};
static const struct kind FORBIDS_ALL = {CEDAR_WARNING, "FORBIDS_ALL"};
static const struct kind NO_HIERARCHY = {CEDAR_NOTE, "NO_HIERARCHY"};
static const struct kind REDUNDANT = {CEDAR_NOTE, "REDUNDANT"};
static const struct kind DUPLICATE_ID = {CEDAR_ERROR, "DUPLICATE_ID"};

[[gnu::format(printf, 4, 5)]] static err_code add(struct cedar_findings *f, const struct kind *kind,
                                                  const struct cedar_place *place,
                                                  const char *format, ...)
{
    struct cedar_finding *finding;
    va_list args;

    if (f->n == f->cap) {
        size_t cap = f->cap == 0 ? 16 : 2 * f->cap;
        struct cedar_finding *list = reallocarray(f->list, cap, sizeof *list);

        if (list == NULL)
            return ERR_NO_MEMORY;
        f->list = list;
        f->cap = cap;
    }
    finding = &f->list[f->n++];
    *finding = (struct cedar_finding){.level = kind->level, .code = kind->code, .place = *place};
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    return ERR_OK;
}

/* ---- one scope within another ---------------------------------------------------------------- */

static bool listed(const struct cedar_scope *list, const struct cedar_entity *entity)
{
    for (size_t i = 0; i < list->n_list; i++)
        if (cedar_entity_eq(&list->list[i], entity))
            return true;
    return false;
}

/* True if whatever is in this entity (or is it) satisfies wide. */
static bool covers_all_in(const struct cedar_scope *wide, const struct cedar_entity *entity)
{
    if (wide->match == CEDAR_IN)
        return cedar_entity_eq(&wide->entity, entity);
    return wide->match == CEDAR_IN_LIST && listed(wide, entity);
}

static bool covers_one(const struct cedar_scope *wide, const struct cedar_entity *entity)
{
    if (wide->match == CEDAR_IS)
        return slice_eq(wide->type, entity->type);
    if (wide->match == CEDAR_IS_IN)
        return slice_eq(wide->type, entity->type) && cedar_entity_eq(&wide->entity, entity);
    return (wide->match == CEDAR_EQ && cedar_entity_eq(&wide->entity, entity)) ||
           covers_all_in(wide, entity);
}

/* True if every entity that satisfies narrow satisfies wide, whatever the hierarchy is. */
static bool covers(const struct cedar_scope *wide, const struct cedar_scope *narrow)
{
    if (wide->match == CEDAR_ANY)
        return true;
    switch (narrow->match) {
    case CEDAR_NEVER:
        return true;
    case CEDAR_ANY:
        return false;
    case CEDAR_EQ:
        return covers_one(wide, &narrow->entity);
    case CEDAR_IN:
        return covers_all_in(wide, &narrow->entity);
    case CEDAR_IS:
        return wide->match == CEDAR_IS && slice_eq(wide->type, narrow->type);
    case CEDAR_IS_IN:
        if (wide->match == CEDAR_IS || wide->match == CEDAR_IS_IN)
            return slice_eq(wide->type, narrow->type) &&
                   (wide->match == CEDAR_IS || cedar_entity_eq(&wide->entity, &narrow->entity));
        return covers_all_in(wide, &narrow->entity);
    case CEDAR_IN_LIST:
        for (size_t i = 0; i < narrow->n_list; i++)
            if (!covers_all_in(wide, &narrow->list[i]))
                return false;
        return true;
    }
    return false;
}

static bool covers_policy(const struct cedar_policy *wide, const struct cedar_policy *narrow)
{
    return covers(&wide->action, &narrow->action) && covers(&wide->principal, &narrow->principal) &&
           covers(&wide->resource, &narrow->resource);
}

/* ---- one policy ------------------------------------------------------------------------------ */

static bool everything(const struct cedar_policy *policy)
{
    return policy->principal.match == CEDAR_ANY && policy->action.match == CEDAR_ANY &&
           policy->resource.match == CEDAR_ANY;
}

static bool nothing(const struct cedar_policy *policy)
{
    return policy->action.match == CEDAR_IN_LIST && policy->action.n_list == 0;
}

static err_code hierarchy(const struct cedar_scope *scope, const char *word,
                          const struct cedar_policy *policy, struct cedar_findings *f)
{
    if (scope->match == CEDAR_IS_IN && !slice_eq(scope->type, scope->entity.type))
        return add(
            f, &NEVER_MATCHES, &policy->place,
            "`%s is ... in ...` names two types, and there is no entity hierarchy: it can never "
            "match",
            word);
    if (scope->match == CEDAR_IN || scope->match == CEDAR_IS_IN)
        return add(f, &NO_HIERARCHY, &policy->place,
                   "`%s in` matches that one entity only: there is no entity hierarchy", word);
    return ERR_OK;
}

static err_code alone(const struct cedar_policy *policy, struct cedar_findings *f)
{
    if (nothing(policy))
        TRY(add(f, &NEVER_MATCHES, &policy->place, "`action in []` can never match"));
    if (everything(policy))
        TRY(policy->effect == CEDAR_EFFECT_PERMIT
                ? add(f, &PERMITS_ALL, &policy->place,
                      "this permits everything that nothing forbids")
                : add(f, &FORBIDS_ALL, &policy->place,
                      "this forbids everything: the whole set can never permit"));
    TRY(hierarchy(&policy->principal, "principal", policy, f));
    if (policy->action.match == CEDAR_IN)
        TRY(add(f, &NO_HIERARCHY, &policy->place,
                "`action in` matches that one action only: there is no entity hierarchy"));
    return hierarchy(&policy->resource, "resource", policy, f);
}

/* ---- several policies ------------------------------------------------------------------------ */

static err_code same_id(const struct cedar_policies *policies, size_t i, struct cedar_findings *f)
{
    const struct cedar_policy *policy = &policies->list[i];
    char id[64];

    for (size_t j = 0; j < i; j++) {
        if (!slice_eq(policies->list[j].id, policy->id))
            continue;
        cedar_quote(policy->id, id, sizeof id);
        return add(f, &DUPLICATE_ID, &policy->place, "the id \"%s\" is already that of %u:%u", id,
                   policies->list[j].place.line, policies->list[j].place.column);
    }
    return ERR_OK;
}

/* A permit within a forbid, wherever that stands; or a policy within another of the same effect. */
static err_code within(const struct cedar_policies *policies, size_t i, struct cedar_findings *f)
{
    const struct cedar_policy *policy = &policies->list[i];
    const struct cedar_policy *same_effect = NULL;

    if (nothing(policy))
        return ERR_OK;
    for (size_t j = 0; j < policies->n; j++) {
        const struct cedar_policy *other = &policies->list[j];

        if (j == i || !covers_policy(other, policy))
            continue;
        if (policy->effect == CEDAR_EFFECT_PERMIT && other->effect == CEDAR_EFFECT_FORBID)
            return add(f, &NEVER_PERMITS, &policy->place,
                       "this can never permit: the forbid at %u:%u covers it", other->place.line,
                       other->place.column);
        /* of two that cover each other, the later one is the superfluous one */
        if (other->effect == policy->effect && same_effect == NULL &&
            (j < i || !covers_policy(policy, other)))
            same_effect = other;
    }
    if (same_effect == NULL)
        return ERR_OK;
    return add(f, &REDUNDANT, &policy->place, "this adds nothing: the policy at %u:%u covers it",
               same_effect->place.line, same_effect->place.column);
}

static err_code whole(const struct cedar_policies *policies, struct cedar_findings *f)
{
    bool permits = false;

    for (size_t i = 0; i < policies->n; i++)
        permits = permits || policies->list[i].effect == CEDAR_EFFECT_PERMIT;
    if (!permits)
        TRY(add(f, &NO_PERMIT, &TOP, "there is no permit, so everything is denied"));
    if (policies->hidden.line != 0)
        TRY(add(f, &HIDDEN_CHARACTER, &policies->hidden,
                "an invisible character turns the reading direction: the text may not say what it "
                "shows"));
    return ERR_OK;
}

static err_code lint(const struct cedar_policies *policies, struct cedar_findings *f)
{
    TRY(whole(policies, f));
    for (size_t i = 0; i < policies->n; i++) {
        TRY(alone(&policies->list[i], f));
        TRY(same_id(policies, i, f));
        TRY(within(policies, i, f));
    }
    return ERR_OK;
}

err_code cedar_lint(const struct cedar_policies *policies, struct cedar_findings *ret)
{
    CLEANUP(cedar_findings_free) struct cedar_findings f = {0};

    TRY(lint(policies, &f));
    *ret = f;
    f = (struct cedar_findings){0};
    return ERR_OK;
}

void cedar_findings_free(struct cedar_findings *findings)
{
    free(findings->list);
    *findings = (struct cedar_findings){0};
}

const char *cedar_level_name(enum cedar_level level)
{
    static const char *const NAMES[] = {"note", "warning", "error"};

    return level <= CEDAR_ERROR ? NAMES[level] : NAMES[CEDAR_ERROR];
}
