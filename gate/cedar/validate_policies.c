/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_policies.c: every policy against every environment that a schema allows and the policy's
 * scope admits.
 *
 * Slots need no types of their own: they stand in the scope only, and whichever entity a slot is
 * given, there is one of the variable's own type that might have been given instead.
 */
#include "gate/cedar/typecheck.h"

#include <stdio.h>

#define FINDINGS_MAX 1000 /* of a set: whoever has so many reads no more */

/* ---- names ----------------------------------------------------------------------------------- */

/* The part behind the last "::". */
static struct slice base_of(struct slice type)
{
    size_t from = type.len;

    while (from > 0 && type.ptr[from - 1] != ':')
        from--;
    return slice_part(type, from, type.len - from);
}

/* A namespace forgotten is the commonest cause. "; there is Web::Page", or nothing. */
static void similar_type(const struct cedar_checker *c, struct slice type, char *ret, size_t size)
{
    char text[96];

    ret[0] = '\0';
    for (size_t i = 0; ret[0] == '\0' && i < c->schema->n_entities; i++)
        if (slice_eq(base_of(c->schema->entities[i].name), base_of(type))) {
            cedar_quote(c->schema->entities[i].name, text, sizeof text);
            snprintf(ret, size, "; there is %s", text);
        }
}

static void similar_action(const struct cedar_checker *c, struct slice id, char *ret, size_t size)
{
    char text[CEDAR_UID_TEXT];

    ret[0] = '\0';
    for (size_t i = 0; ret[0] == '\0' && i < c->schema->n_actions; i++)
        if (slice_eq(c->schema->actions[i].uid.id, id)) {
            cedar_uid_text(&c->schema->actions[i].uid, text);
            snprintf(ret, size, "; there is %s", text);
        }
}

static err_code check_type(struct cedar_checker *c, struct slice type,
                           const struct cedar_violation *spot)
{
    struct cedar_violation unknown = {"UNKNOWN_TYPE", spot->what, spot->offset};
    char text[96], similar[120];

    if (cedar_type_is_action(type) || cedar_schema_entity(c->schema, type) != NULL)
        return ERR_OK;
    TRY(cedar_work_step(c->work, c->schema->n_entities));
    cedar_quote(type, text, sizeof text);
    similar_type(c, type, similar, sizeof similar);
    return cedar_tell(c, &unknown, "the schema has no entity type %s%s", text, similar);
}

static err_code check_action_uid(struct cedar_checker *c, const struct cedar_uid *uid,
                                 uint32_t offset)
{
    struct cedar_violation spot = {"UNKNOWN_ACTION", uid, offset};
    char text[CEDAR_UID_TEXT], similar[CEDAR_UID_TEXT + 16];

    if (cedar_schema_action(c->schema, uid) != NULL)
        return ERR_OK;
    TRY(cedar_work_step(c->work, c->schema->n_actions));
    cedar_uid_text(uid, text);
    similar_action(c, uid->id, similar, sizeof similar);
    return cedar_tell(c, &spot, "the schema has no action %s%s", text, similar);
}

static err_code check_uid(struct cedar_checker *c, const struct cedar_uid *uid, uint32_t offset)
{
    struct cedar_violation spot = {"UNKNOWN_ID", uid, offset};
    const struct cedar_entity_type *entity = cedar_schema_entity(c->schema, uid->type);
    char text[CEDAR_UID_TEXT];
    bool known;

    if (cedar_type_is_action(uid->type))
        return check_action_uid(c, uid, offset);
    TRY(check_type(c, uid->type, &spot));
    if (entity == NULL)
        return ERR_OK;
    TRY(cedar_type_has_id(c->work, entity, uid->id, &known));
    if (known)
        return ERR_OK;
    cedar_uid_text(uid, text);
    return cedar_tell(c, &spot, "%s is none of the ids that the schema lists for its type", text);
}

/* Also in what is switched off by a condition that can only be false. */
static err_code check_names(struct cedar_checker *c, const struct cedar_expr *e)
{
    const struct cedar_expr *part;

    TRY(cedar_work_step(c->work, 1));
    if (e->op == CEDAR_OP_LITERAL && e->literal.kind == CEDAR_ENTITY)
        return check_uid(c, e->literal.uid, e->offset);
    for (uint32_t i = 0; (part = cedar_expr_part(e, i)) != NULL; i++) {
        TRY(check_names(c, part));
        if (e->op == CEDAR_OP_IS && i == 0)
            TRY(check_type(c, e->name, &(struct cedar_violation){NULL, e, e->offset}));
    }
    return ERR_OK;
}

static err_code check_scope_names(struct cedar_checker *c, const struct cedar_scope *scope)
{
    bool has_uid =
        scope->match == CEDAR_EQ || scope->match == CEDAR_IN || scope->match == CEDAR_IS_IN;

    if (scope->match == CEDAR_IS || scope->match == CEDAR_IS_IN)
        TRY(check_type(c, scope->type, &(struct cedar_violation){NULL, scope, scope->offset}));
    if (has_uid && scope->slot == CEDAR_NO_SLOT)
        TRY(check_uid(c, &scope->uid, scope->offset));
    TRY(cedar_work_step(c->work, scope->n_list));
    for (uint32_t i = 0; scope->match == CEDAR_IN_LIST && i < scope->n_list; i++)
        TRY(check_uid(c, &scope->list[i], scope->offset));
    return ERR_OK;
}

static err_code check_all_names(struct cedar_checker *c)
{
    const struct cedar_policy *policy = c->policy;

    TRY(check_scope_names(c, &policy->principal));
    TRY(check_scope_names(c, &policy->action));
    TRY(check_scope_names(c, &policy->resource));
    for (uint32_t i = 0; i < policy->n_conditions; i++)
        TRY(check_names(c, policy->conditions[i].body));
    return ERR_OK;
}

/* ---- the scope ------------------------------------------------------------------------------- */

/* An entity of this type may satisfy it. */
static err_code admits(struct cedar_checker *c, const struct cedar_scope *scope, struct slice type,
                       bool *ret)
{
    bool in_slot = scope->slot != CEDAR_NO_SLOT;

    TRY(cedar_work_step(c->work, 1));
    *ret = false;
    switch (scope->match) {
    case CEDAR_ANY:
        *ret = true;
        return ERR_OK;
    case CEDAR_EQ:
        *ret = in_slot || slice_eq(type, scope->uid.type);
        return ERR_OK;
    case CEDAR_IS:
        *ret = slice_eq(type, scope->type);
        return ERR_OK;
    case CEDAR_IS_IN:
        if (!slice_eq(type, scope->type))
            return ERR_OK;
        [[fallthrough]];
    case CEDAR_IN:
        *ret = in_slot;
        return in_slot ? ERR_OK
                       : cedar_type_descends(c->work, c->schema, type, scope->uid.type, ret);
    case CEDAR_NEVER:
    case CEDAR_IN_LIST:
        break;
    }
    return ERR_OK;
}

static err_code admits_action(struct cedar_checker *c, const struct cedar_scope *scope,
                              const struct cedar_action_type *action, bool *ret)
{
    TRY(cedar_work_step(c->work, 1 + scope->n_list));
    *ret = scope->match == CEDAR_ANY ||
           (scope->match == CEDAR_EQ && cedar_uid_eq(&scope->uid, &action->uid)) ||
           (scope->match == CEDAR_IN && cedar_action_in(action, &scope->uid));
    for (uint32_t i = 0; scope->match == CEDAR_IN_LIST && !*ret && i < scope->n_list; i++)
        *ret = cedar_action_in(action, &scope->list[i]);
    return ERR_OK;
}

/* `action in [...]` is an expression with a set, and follows the rules of sets. */
static err_code check_action_list(struct cedar_checker *c)
{
    const struct cedar_scope *scope = &c->policy->action;
    struct cedar_violation empty = {"EMPTY_SET", scope, scope->offset};
    struct cedar_violation mixed = {"INCOMPATIBLE_TYPES", scope, scope->offset};
    char first[64], second[64];

    if (scope->match != CEDAR_IN_LIST)
        return ERR_OK;
    if (scope->n_list == 0)
        return cedar_tell(c, &empty, "a set without elements has no type");
    for (uint32_t i = 1; i < scope->n_list; i++) {
        if (slice_eq(scope->list[0].type, scope->list[i].type))
            continue;
        cedar_quote(scope->list[0].type, first, sizeof first);
        cedar_quote(scope->list[i].type, second, sizeof second);
        return cedar_tell(c, &mixed,
                          "the elements of a set must be of one type, but are of types "
                          "%s and %s",
                          first, second);
    }
    return ERR_OK;
}

/* ---- environments ---------------------------------------------------------------------------- */

/* *ret_never: some condition can only be false. */
static err_code check_conditions(struct cedar_checker *c, bool *ret_never)
{
    const struct cedar_caps *prior = NULL;

    *ret_never = false;
    for (uint32_t i = 0; !*ret_never && i < c->policy->n_conditions; i++) {
        const struct cedar_condition *condition = &c->policy->conditions[i];
        struct cedar_wanted wanted = {CEDAR_KINDS_BOOL, condition->unless ? "unless" : "when"};
        struct cedar_typed typed;

        TRY(cedar_typecheck_as(c, prior, condition->body, &wanted, &typed));
        *ret_never = typed.type != NULL &&
                     typed.type->kind == (condition->unless ? CEDAR_TYPE_TRUE : CEDAR_TYPE_FALSE);
        if (!condition->unless)
            TRY(cedar_caps_both(c, prior, typed.caps, &prior));
    }
    return ERR_OK;
}

struct found {
    bool counting;       /* only environments, not findings */
    size_t environments; /* that the scope admits */
    bool list_checked;   /* of actions */
    bool applies;        /* to some request */
};

static err_code check_principal(struct cedar_checker *c, bool in_scope, struct found *found)
{
    const struct cedar_action_type *action = c->action;

    if (action->n_resources > 0 && !found->list_checked && !found->counting) {
        found->list_checked = true;
        TRY(check_action_list(c));
    }
    for (uint32_t i = 0; in_scope && i < action->n_resources; i++) {
        bool admitted, never;

        c->resource_type.name = action->resources[i];
        TRY(admits(c, &c->policy->resource, action->resources[i], &admitted));
        found->environments += admitted;
        if (!admitted || found->counting)
            continue;
        TRY(check_conditions(c, &never));
        found->applies = found->applies || !never;
        cedar_work_reset(c->work);
    }
    return ERR_OK;
}

static err_code check_action(struct cedar_checker *c, struct found *found)
{
    const struct cedar_action_type *action = c->action;
    bool in_scope;

    TRY(admits_action(c, &c->policy->action, action, &in_scope));
    if (!in_scope && c->policy->action.match != CEDAR_IN_LIST)
        return ERR_OK;
    c->action_type.name = action->uid.type;
    for (uint32_t i = 0; i < action->n_principals; i++) {
        bool admitted;

        c->principal_type.name = action->principals[i];
        c->resource_type.name = action->n_resources > 0 ? action->resources[0] : (struct slice){0};
        TRY(admits(c, &c->policy->principal, action->principals[i], &admitted));
        if (admitted)
            TRY(check_principal(c, in_scope, found));
        if (!in_scope && found->list_checked)
            return ERR_OK;
    }
    return ERR_OK;
}

/* ---- policies -------------------------------------------------------------------------------- */

/* A link is as valid as its template, if it names types that there are. */
static err_code check_link(struct cedar_checker *c)
{
    const struct cedar_policy *link = c->policy, *template = link->template;
    struct cedar_violation principal = {NULL, &link->principal, CEDAR_NOWHERE};
    struct cedar_violation resource = {NULL, &link->resource, CEDAR_NOWHERE};

    if (template->principal.slot != CEDAR_NO_SLOT)
        TRY(check_type(c, link->principal.uid.type, &principal));
    if (template->resource.slot != CEDAR_NO_SLOT)
        TRY(check_type(c, link->resource.uid.type, &resource));
    return ERR_OK;
}

static err_code check_environments(struct cedar_checker *c, struct found *found)
{
    for (size_t i = 0; i < c->schema->n_actions; i++) {
        c->action = &c->schema->actions[i];
        TRY(check_action(c, found));
    }
    return ERR_OK;
}

static err_code check_policy(struct cedar_checker *c)
{
    struct found count = {.counting = true}, found = {0};
    struct cedar_place place;

    c->action = NULL;
    c->n_told = 0;
    if (c->policy->template != NULL)
        return check_link(c);
    TRY(check_all_names(c));
    TRY(check_environments(c, &count));
    c->many = count.environments > 1;
    TRY(check_environments(c, &found));
    if (found.applies || c->n_told > 0 || c->findings->n >= FINDINGS_MAX)
        return ERR_OK;
    place = cedar_place_at(c->policies, c->policy->offset);
    return cedar_findings_add(c->findings, CEDAR_WARNING, "NEVER_APPLIES", &place,
                              "no request that the schema allows satisfies this policy");
}

err_code cedar_validate(const struct cedar_schema *schema, const struct cedar_policies *policies,
                        struct cedar_findings *ret)
{
    struct cedar_work work = cedar_work_make();
    struct cedar_findings findings = {0};
    struct cedar_checker c = {
        .schema = schema,
        .policies = policies,
        .work = &work,
        .findings = &findings,
        .principal_type.kind = CEDAR_TYPE_ENTITY,
        .action_type.kind = CEDAR_TYPE_ENTITY,
        .resource_type.kind = CEDAR_TYPE_ENTITY,
    };
    err_code err = ERR_OK;
    size_t n_errors = 0; /* warnings do not count: an error may stand behind them */

    for (size_t i = 0; err == ERR_OK && n_errors < FINDINGS_MAX; i++) {
        c.policy = cedar_at(policies, i);
        if (c.policy == NULL)
            break;
        err = check_policy(&c);
        n_errors += c.n_told;
    }
    cedar_arena_free(&work.arena);
    if (err != ERR_OK) {
        cedar_findings_free(&findings);
        return err;
    }
    *ret = findings;
    return ERR_OK;
}
