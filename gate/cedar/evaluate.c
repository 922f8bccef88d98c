/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c: the decision, a pure function of policies and request. */
#include "gate/cedar/arena.h"
#include "gate/cedar/lex.h"

#include <stdlib.h>

/* An entity of the request, and what it is in, directly or through others. */
struct subject {
    const struct cedar_entity *self;
    const struct cedar_entity **above; /* NULL without a hierarchy */
    size_t n_above;
};

static void subject_free(struct subject *s)
{
    free(s->above);
}

bool cedar_entity_eq(const struct cedar_entity *a, const struct cedar_entity *b)
{
    return slice_eq(a->id, b->id) && slice_eq(a->type, b->type);
}

static bool is_in(const struct subject *s, const struct cedar_entity *entity)
{
    if (cedar_entity_eq(s->self, entity))
        return true;
    for (size_t i = 0; i < s->n_above; i++)
        if (cedar_entity_eq(s->above[i], entity))
            return true;
    return false;
}

/* Follows the edges until nothing new comes; a cycle ends it, too. */
static err_code climb(const struct cedar_entity *self, const struct cedar_request *request,
                      struct subject *ret)
{
    const struct cedar_entity *from = self;
    struct subject s = {.self = self};
    size_t next = 0;

    if (request->n_parents > 0) {
        s.above = calloc(request->n_parents, sizeof *s.above);
        if (s.above == NULL)
            return ERR_NO_MEMORY;
    }
    do {
        for (size_t i = 0; i < request->n_parents; i++)
            if (cedar_entity_eq(&request->parents[i].child, from) &&
                !is_in(&s, &request->parents[i].parent))
                s.above[s.n_above++] = &request->parents[i].parent;
        from = next < s.n_above ? s.above[next++] : NULL;
    } while (from != NULL);
    *ret = s;
    return ERR_OK;
}

static bool matches(const struct cedar_scope *scope, const struct subject *s)
{
    switch (scope->match) {
    case CEDAR_NEVER:
        return false;
    case CEDAR_ANY:
        return true;
    case CEDAR_EQ:
        return cedar_entity_eq(s->self, &scope->entity);
    case CEDAR_IN:
        return is_in(s, &scope->entity);
    case CEDAR_IS:
        return slice_eq(s->self->type, scope->type);
    case CEDAR_IS_IN:
        return slice_eq(s->self->type, scope->type) && is_in(s, &scope->entity);
    case CEDAR_IN_LIST:
        for (size_t i = 0; i < scope->n_list; i++)
            if (is_in(s, &scope->list[i]))
                return true;
        return false;
    }
    return false;
}

static void decide(const struct cedar_policies *policies, const struct subject s[static 3],
                   struct cedar_answer *ret)
{
    bool forbidden = false;

    for (size_t i = 0; i < policies->n; i++) {
        const struct cedar_policy *policy = &policies->list[i];

        if (forbidden && policy->effect == CEDAR_EFFECT_PERMIT)
            continue;
        if (!matches(&policy->action, &s[1]) || !matches(&policy->principal, &s[0]) ||
            !matches(&policy->resource, &s[2]))
            continue;
        if (policy->effect == CEDAR_EFFECT_FORBID && !forbidden) {
            forbidden = true;
            ret->n_reasons = 0; /* the permits so far no longer matter */
        }
        ret->reasons[ret->n_reasons++] = (uint16_t)i;
    }
    ret->decision = !forbidden && ret->n_reasons > 0 ? CEDAR_PERMIT : CEDAR_DENY;
}

err_code cedar_evaluate(const struct cedar_policies *policies, const struct cedar_request *request,
                        struct cedar_answer *ret)
{
    CLEANUP(subject_free) struct subject principal = {0};
    CLEANUP(subject_free) struct subject action = {0};
    CLEANUP(subject_free) struct subject resource = {0};

    ret->decision = CEDAR_DENY;
    ret->n_reasons = 0;
    if (request->principal.type.len == 0 || request->action.type.len == 0 ||
        request->resource.type.len == 0)
        return ERR_REQUEST_MALFORMED;
    if (request->n_parents > CEDAR_PARENTS_MAX)
        return ERR_TOO_LARGE;
    TRY(climb(&request->principal, request, &principal));
    TRY(climb(&request->action, request, &action));
    TRY(climb(&request->resource, request, &resource));
    decide(policies, (struct subject[3]){principal, action, resource}, ret);
    return ERR_OK;
}

bool cedar_entity_type_valid(struct slice type)
{
    size_t i = 0;

    if (type.len > CEDAR_NAME_MAX)
        return false;
    for (;;) {
        size_t start = i;
        struct slice part;

        while (i < type.len && (i == start ? cedar_ident_start : cedar_ident_more)(type.ptr[i]))
            i++;
        part = slice_part(type, start, i - start);
        if (part.len == 0 || cedar_reserved(part) || slice_eq_str(part, "__cedar"))
            return false;
        if (i == type.len)
            return true;
        if (!slice_eq_str(slice_part(type, i, 2), "::"))
            return false;
        i += 2;
    }
}
