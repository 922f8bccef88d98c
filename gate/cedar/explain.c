/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c: for each policy what came of it, and because of which part. */
#include "gate/cedar/evaluate.h"
#include "gate/cedar/set.h"

#include <stdio.h>
#include <stdlib.h>

/* For evaluating parts again, over all policies; without it a whole condition is named. */
#define STEPS_AGAIN (4 * CEDAR_STEPS_MAX)

const char *cedar_fault_text(enum cedar_fault fault)
{
    static const char *const TEXTS[] = {
        [CEDAR_FAULT_NONE] = "no failure",
        [CEDAR_FAULT_TYPE] = "an operand of the wrong kind",
        [CEDAR_FAULT_ENTITY] = "no such entity",
        [CEDAR_FAULT_ATTRIBUTE] = "no such attribute",
        [CEDAR_FAULT_TAG] = "no such tag",
        [CEDAR_FAULT_OVERFLOW] = "a number beyond 64 bits",
        [CEDAR_FAULT_EXTENSION] = "not a valid extension value",
        [CEDAR_FAULT_SLOT] = "a slot without an entity",
    };

    return (size_t)fault < sizeof TEXTS / sizeof *TEXTS ? TEXTS[fault] : "an unknown failure";
}

/* An entity by its name, anything else by its kind. */
static void name_of(const struct cedar_value *value, char *ret, size_t size)
{
    char type[40], id[40];

    if (value->kind != CEDAR_ENTITY) {
        snprintf(ret, size, "%s", cedar_kind_text(value->kind));
        return;
    }
    cedar_quote(value->uid->type, type, sizeof type);
    cedar_quote(value->uid->id, id, sizeof id);
    snprintf(ret, size, "%s::\"%s\"", type, id);
}

static void tell_type(const struct cedar_run *run, char *ret, size_t size)
{
    const struct cedar_fn_info *info;
    char found[88];

    if (run->wanted != NULL) {
        name_of(&run->found, found, sizeof found);
        snprintf(ret, size, "found %s, wanted %s", found, run->wanted);
        return;
    }
    info = cedar_fn_info(run->at->fn);
    if (info != NULL)
        snprintf(ret, size, "%s was called with %u arguments, and wants %u", info->name,
                 (unsigned)run->at->n, (unsigned)info->n_args);
}

static void tell_extension(const struct cedar_run *run, char *ret, size_t size)
{
    const struct cedar_fn_info *info = cedar_fn_info(run->at->fn);
    char text[80];

    if (run->found.kind != CEDAR_STRING) {
        snprintf(ret, size, "the result of %s is beyond 64 bits", info->name);
        return;
    }
    cedar_quote(cedar_text(&run->found), text, sizeof text);
    snprintf(ret, size, "\"%s\" is not %s", text, cedar_kind_text(info->result));
}

/* What was found and what was wanted. */
static void tell(const struct cedar_run *run, char *ret, size_t size)
{
    char of[88], name[40];

    name_of(&run->found, of, sizeof of);
    cedar_quote(run->missing, name, sizeof name);
    switch (run->fault) {
    case CEDAR_FAULT_TYPE:
        tell_type(run, ret, size);
        break;
    case CEDAR_FAULT_ENTITY:
        snprintf(ret, size, "no entity %s", of);
        break;
    case CEDAR_FAULT_ATTRIBUTE:
        snprintf(ret, size, "%s has no attribute \"%s\"", of, name);
        break;
    case CEDAR_FAULT_TAG:
        snprintf(ret, size, "%s has no tag \"%s\"", of, name);
        break;
    case CEDAR_FAULT_EXTENSION:
        tell_extension(run, ret, size);
        break;
    case CEDAR_FAULT_NONE:
    case CEDAR_FAULT_OVERFLOW:
    case CEDAR_FAULT_SLOT:
        snprintf(ret, size, "%s", cedar_fault_text(run->fault));
        break;
    }
}

/* Evaluates a part once more. False also when there are no steps for it. */
static bool again(struct cedar_run *run, const struct cedar_expr *e, bool *ret)
{
    run->arena->used = 0;
    return cedar_evaluate_bool(run, e, ret);
}

/* The smallest part of an expression that made it what it is: the operand of && that is false, the
 * operand of || that is true, the branch that was taken. */
static const struct cedar_expr *smallest(struct cedar_run *run, const struct cedar_expr *e,
                                         bool holds)
{
    for (;;) {
        bool first = false;

        switch ((int)e->op) {
        case CEDAR_OP_AND:
        case CEDAR_OP_OR:
            if (holds == (e->op == CEDAR_OP_AND) || !again(run, e->a, &first))
                return e;
            e = first == holds ? e->a : e->b;
            break;
        case CEDAR_OP_IF:
            if (!again(run, e->a, &first))
                return e;
            e = first ? e->b : e->c;
            break;
        default:
            return e;
        }
    }
}

static uint32_t scope_offset(const struct cedar_policy *policy, enum cedar_var which)
{
    if (which == CEDAR_PRINCIPAL)
        return policy->principal.offset;
    return which == CEDAR_ACTION ? policy->action.offset : policy->resource.offset;
}

static void explain(struct cedar_run *run, const struct cedar_policy *policy, uint32_t *steps_again,
                    struct cedar_reason *ret)
{
    uint32_t steps;

    *ret = (struct cedar_reason){.policy = policy, .which = CEDAR_CONTEXT, .offset = CEDAR_NOWHERE};
    run->arena->used = 0;
    ret->outcome = cedar_run_policy(run, policy, &ret->condition);
    if (run->steps == 0)
        return;
    if (ret->outcome == CEDAR_OUT_OF_SCOPE) {
        ret->which = cedar_out_of_scope(run, policy);
        ret->offset = scope_offset(policy, ret->which);
    } else if (ret->outcome == CEDAR_NOT_SATISFIED) {
        const struct cedar_condition *condition = &policy->conditions[ret->condition];

        steps = run->steps;
        run->steps = *steps_again;
        ret->offset = smallest(run, condition->body, condition->unless)->offset;
        *steps_again = run->steps;
        run->steps = steps;
    } else if (ret->outcome == CEDAR_FAILED) {
        ret->offset = run->at->offset;
        ret->fault = run->fault;
        tell(run, ret->detail, sizeof ret->detail);
    }
}

err_code cedar_explain(const struct cedar_policies *policies, const struct cedar_entities *entities,
                       const struct cedar_request *request, struct cedar_explanation *ret)
{
    CLEANUP(cedar_explanation_free) struct cedar_explanation made = {0};
    CLEANUP(cedar_arena_free) struct cedar_arena arena = {0};
    struct cedar_run run = {.entities = entities, .request = request, .arena = &arena};
    uint32_t steps_again = STEPS_AGAIN;

    TRY(cedar_arena_fixed(CEDAR_RUN_MEMORY, &arena));
    TRY(cedar_run_start(&run));
    made.list = calloc(policies->n + 1, sizeof *made.list);
    if (made.list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < policies->n; i++) {
        if (policies->list[i].is_template)
            continue;
        explain(&run, &policies->list[i], &steps_again, &made.list[made.n++]);
        if (run.steps == 0)
            return ERR_CEDAR_STEPS;
    }
    *ret = made;
    made = (struct cedar_explanation){0};
    return ERR_OK;
}

void cedar_explanation_free(struct cedar_explanation *explanation)
{
    free(explanation->list);
    *explanation = (struct cedar_explanation){0};
}
