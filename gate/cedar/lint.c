/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/lint.h"

#include "gate/cedar/same.h"
#include "gate/cedar/set.h"

#include <stdlib.h>
#include <string.h>

static const struct cedar_place TOP = {.line = 1, .column = 1};

/* Codes are an interface: scripts match on them. */
#define NO_PERMIT CEDAR_WARNING, "NO_PERMIT"
#define HIDDEN_CHARACTER CEDAR_WARNING, "HIDDEN_CHARACTER"
#define NEVER_MATCHES CEDAR_WARNING, "NEVER_MATCHES"
#define ALWAYS_FAILS CEDAR_WARNING, "ALWAYS_FAILS"
#define NEVER_PERMITS CEDAR_WARNING, "NEVER_PERMITS"
#define PERMITS_ALL CEDAR_WARNING, "PERMITS_ALL"
#define FORBIDS_ALL CEDAR_WARNING, "FORBIDS_ALL"
#define REDUNDANT CEDAR_NOTE, "REDUNDANT"
#define INCOMPLETE CEDAR_NOTE, "INCOMPLETE"

/* Comparisons of names while looking for policies within others. */
#define EFFORT_MAX ((uint64_t)1 << 29)

/* ---- one scope within another ---------------------------------------------------------------- */

static bool listed(const struct cedar_scope *list, const struct cedar_uid *uid)
{
    for (size_t i = 0; i < list->n_list; i++)
        if (cedar_uid_eq(&list->list[i], uid))
            return true;
    return false;
}

/* True if whatever is in this entity (or is it) satisfies wide. */
static bool covers_all_in(const struct cedar_scope *wide, const struct cedar_uid *uid)
{
    if (wide->match == CEDAR_IN)
        return cedar_uid_eq(&wide->uid, uid);
    return wide->match == CEDAR_IN_LIST && listed(wide, uid);
}

static bool covers_one(const struct cedar_scope *wide, const struct cedar_uid *uid)
{
    if (wide->match == CEDAR_IS)
        return slice_eq(wide->type, uid->type);
    if (wide->match == CEDAR_IS_IN)
        return slice_eq(wide->type, uid->type) && cedar_uid_eq(&wide->uid, uid);
    return (wide->match == CEDAR_EQ && cedar_uid_eq(&wide->uid, uid)) || covers_all_in(wide, uid);
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
        return covers_one(wide, &narrow->uid);
    case CEDAR_IN:
        return covers_all_in(wide, &narrow->uid);
    case CEDAR_IS:
        return wide->match == CEDAR_IS && slice_eq(wide->type, narrow->type);
    case CEDAR_IS_IN:
        if (wide->match == CEDAR_IS || wide->match == CEDAR_IS_IN)
            return slice_eq(wide->type, narrow->type) &&
                   (wide->match == CEDAR_IS || cedar_uid_eq(&wide->uid, &narrow->uid));
        return covers_all_in(wide, &narrow->uid);
    case CEDAR_IN_LIST:
        for (size_t i = 0; i < narrow->n_list; i++)
            if (!covers_all_in(wide, &narrow->list[i]))
                return false;
        return true;
    }
    return false;
}

static uint64_t effort_of(const struct cedar_policy *wide, const struct cedar_policy *narrow)
{
    return 1 + (uint64_t)wide->action.n_list * (narrow->action.n_list + 1);
}

static bool covers_policy(const struct cedar_policy *wide, const struct cedar_policy *narrow)
{
    return covers(&wide->action, &narrow->action) && covers(&wide->principal, &narrow->principal) &&
           covers(&wide->resource, &narrow->resource);
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* What is plain to see without any entities. */
enum truth { OPEN = 0, TRUE, FALSE, NO_BOOLEAN };

static enum truth truth_of(const struct cedar_expr *e)
{
    enum truth a;

    switch ((int)e->op) {
    case CEDAR_OP_LITERAL:
        if (e->literal.kind != CEDAR_BOOL)
            return NO_BOOLEAN;
        return e->literal.truth ? TRUE : FALSE;
    case CEDAR_OP_SET:
    case CEDAR_OP_RECORD:
    case CEDAR_OP_ADD:
    case CEDAR_OP_SUB:
    case CEDAR_OP_MUL:
    case CEDAR_OP_NEG:
        return NO_BOOLEAN;
    case CEDAR_OP_NOT:
        a = truth_of(e->a);
        return a == TRUE ? FALSE : a == FALSE ? TRUE : a;
    case CEDAR_OP_AND:
        a = truth_of(e->a);
        return a == TRUE ? truth_of(e->b) : a;
    case CEDAR_OP_OR:
        a = truth_of(e->a);
        return a == FALSE ? truth_of(e->b) : a;
    default:
        return OPEN;
    }
}

/* Of all conditions together; *which is the one that decides. */
static enum truth conditions_of(const struct cedar_policy *policy, uint32_t *which)
{
    bool open = false;

    for (uint32_t i = 0; i < policy->n_conditions; i++) {
        enum truth truth = truth_of(policy->conditions[i].body);

        *which = i;
        if (truth == NO_BOOLEAN)
            return open ? FALSE : NO_BOOLEAN; /* behind an open one it may not be reached */
        if (truth == (policy->conditions[i].unless ? TRUE : FALSE))
            return FALSE;
        open = open || truth == OPEN;
    }
    return open ? OPEN : TRUE;
}

struct walk {
    const struct cedar_policies *policies;
    const struct cedar_policy *policy;
    struct cedar_findings *found;
    uint64_t *effort; /* how much may still be compared */
    unsigned calls;   /* of this policy that were remarked on */
};

static struct cedar_place place_of(const struct walk *walk, uint32_t offset)
{
    struct cedar_place place = cedar_place_at(walk->policies, offset);

    return place.line != 0 ? place : walk->policy->place;
}

/* What the text given to a constructor must be. */
static const char *written_as(const char *function)
{
    static const char *const FORMS[][2] = {
        {"ip", "IP address or range"},
        {"decimal", "number with one to four digits after the point"},
        {"datetime", "date, or date and time, such as 2024-10-15T11:35:00Z"},
        {"duration", "duration such as 1d2h30m"},
    };

    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        if (strcmp(FORMS[i][0], function) == 0)
            return FORMS[i][1];
    return "text that it takes";
}

/* Calls of one policy that are remarked on: a policy of nothing else would have half a million. */
#define CALLS_MAX 16

/* A call whose arguments show that it cannot succeed. */
static err_code call(struct walk *walk, const struct cedar_expr *e)
{
    const struct cedar_fn_info *info = cedar_fn_info(e->fn);
    struct cedar_place place;
    char quoted[64];

    if (info == NULL || walk->calls == CALLS_MAX)
        return ERR_OK;
    if (e->n == info->n_args &&
        (info->method || e->folded != NULL || e->items[0]->op != CEDAR_OP_LITERAL))
        return ERR_OK;
    walk->calls++;
    place = place_of(walk, e->offset);
    if (e->n != info->n_args)
        return cedar_findings_add(walk->found, ALWAYS_FAILS, &place,
                                  "`%s` always fails: the number of its arguments is wrong",
                                  info->name);
    if (e->items[0]->literal.kind != CEDAR_STRING)
        return cedar_findings_add(walk->found, ALWAYS_FAILS, &place,
                                  "`%s` always fails: it needs a string", info->name);
    cedar_quote(cedar_text(&e->items[0]->literal), quoted, sizeof quoted);
    return cedar_findings_add(walk->found, ALWAYS_FAILS, &place,
                              "`%s(\"%s\")` always fails: this is no %s", info->name, quoted,
                              written_as(info->name));
}

static err_code look(struct walk *walk, const struct cedar_expr *e)
{
    const struct cedar_expr *part;

    if (e->op == CEDAR_OP_CALL)
        TRY(call(walk, e));
    for (uint32_t i = 0; (part = cedar_expr_part(e, i)) != NULL; i++)
        TRY(look(walk, part));
    return ERR_OK;
}

/* ---- one policy ------------------------------------------------------------------------------ */

static bool everything(const struct cedar_policy *policy)
{
    return policy->principal.match == CEDAR_ANY && policy->action.match == CEDAR_ANY &&
           policy->resource.match == CEDAR_ANY;
}

static bool nothing(const struct cedar_policy *policy)
{
    uint32_t which = 0;

    return (policy->action.match == CEDAR_IN_LIST && policy->action.n_list == 0) ||
           conditions_of(policy, &which) == FALSE;
}

static bool unconditional(const struct cedar_policy *policy)
{
    uint32_t which = 0;

    return conditions_of(policy, &which) == TRUE;
}

static err_code conditions(struct walk *walk)
{
    const struct cedar_policy *policy = walk->policy;
    uint32_t which = 0;
    enum truth truth = conditions_of(policy, &which);
    struct cedar_place place = policy->place;

    if (truth == FALSE || truth == NO_BOOLEAN)
        place = place_of(walk, policy->conditions[which].offset);
    if (truth == FALSE)
        TRY(cedar_findings_add(walk->found, NEVER_MATCHES, &place,
                               "this condition never holds, so the policy can never match"));
    if (truth == NO_BOOLEAN)
        TRY(cedar_findings_add(walk->found, ALWAYS_FAILS, &place,
                               "this condition always fails: it is no truth value"));
    for (uint32_t i = 0; i < policy->n_conditions; i++)
        TRY(look(walk, policy->conditions[i].body));
    return ERR_OK;
}

static err_code alone(struct walk *walk)
{
    const struct cedar_policy *policy = walk->policy;

    if (policy->action.match == CEDAR_IN_LIST && policy->action.n_list == 0)
        TRY(cedar_findings_add(walk->found, NEVER_MATCHES, &policy->place,
                               "`action in []` can never match"));
    if (everything(policy) && unconditional(policy))
        TRY(policy->effect == CEDAR_EFFECT_PERMIT
                ? cedar_findings_add(walk->found, PERMITS_ALL, &policy->place,
                                     "this permits everything that nothing forbids")
                : cedar_findings_add(walk->found, FORBIDS_ALL, &policy->place,
                                     "this forbids everything: the whole set can never permit"));
    return conditions(walk);
}

/* ---- several policies ------------------------------------------------------------------------ */

/* True if narrow has no effect beside wide, which has the same effect: not even a failure, which
 * would deny by the rule of the gate. */
static bool makes_redundant(const struct cedar_policy *wide, const struct cedar_policy *narrow)
{
    return covers_policy(wide, narrow) &&
           ((unconditional(wide) && unconditional(narrow)) || cedar_conditions_same(wide, narrow));
}

/* A permit within a forbid, wherever that stands; or a policy within another of the same effect. */
static err_code within(const struct walk *walk)
{
    const struct cedar_policies *policies = walk->policies;
    const struct cedar_policy *policy = walk->policy, *same_effect = NULL;

    if (nothing(policy))
        return ERR_OK;
    for (size_t i = 0; i < policies->n; i++) {
        const struct cedar_policy *other = &policies->list[i];

        if (other == policy || other->is_template)
            continue;
        if (effort_of(other, policy) >= *walk->effort) {
            *walk->effort = 0;
            return ERR_OK;
        }
        *walk->effort -= effort_of(other, policy);
        if (!covers_policy(other, policy))
            continue;
        if (policy->effect == CEDAR_EFFECT_PERMIT && other->effect == CEDAR_EFFECT_FORBID &&
            unconditional(other))
            return cedar_findings_add(walk->found, NEVER_PERMITS, &policy->place,
                                      "this can never permit: the forbid at %u:%u covers it",
                                      other->place.line, other->place.column);
        /* of two that cover each other, the later one is the superfluous one */
        if (other->effect == policy->effect && same_effect == NULL &&
            makes_redundant(other, policy) && (other < policy || !makes_redundant(policy, other)))
            same_effect = other;
    }
    if (same_effect == NULL)
        return ERR_OK;
    return cedar_findings_add(walk->found, REDUNDANT, &policy->place,
                              "this adds nothing: the policy at %u:%u covers it",
                              same_effect->place.line, same_effect->place.column);
}

static err_code whole(const struct cedar_policies *policies, struct cedar_findings *f)
{
    bool permits = false;

    for (size_t i = 0; i < policies->n; i++)
        permits = permits || (policies->list[i].effect == CEDAR_EFFECT_PERMIT &&
                              !policies->list[i].is_template);
    if (!permits)
        TRY(cedar_findings_add(f, NO_PERMIT, &TOP, "there is no permit, so everything is denied"));
    if (policies->hidden.line != 0)
        TRY(cedar_findings_add(f, HIDDEN_CHARACTER, &policies->hidden,
                               "an invisible character: the text may not say what it shows"));
    return ERR_OK;
}

static err_code lint(const struct cedar_policies *policies, struct cedar_findings *f)
{
    uint64_t effort = EFFORT_MAX;

    TRY(whole(policies, f));
    for (size_t i = 0; i < policies->n; i++) {
        struct walk walk = {policies, &policies->list[i], f, &effort, 0};

        TRY(alone(&walk));
        if (!policies->list[i].is_template)
            TRY(within(&walk));
    }
    if (effort > 0)
        return ERR_OK;
    return cedar_findings_add(f, INCOMPLETE, &TOP,
                              "there are too many policies to compare each with every other");
}

err_code cedar_lint(const struct cedar_policies *policies, struct cedar_findings *ret)
{
    CLEANUP(cedar_findings_free) struct cedar_findings f = {0};

    TRY(lint(policies, &f));
    *ret = f;
    f = (struct cedar_findings){0};
    return ERR_OK;
}
