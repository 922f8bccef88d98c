/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: scopes and policies. */
#include "gate/cedar/evaluate.h"

static bool scope_fits(struct cedar_run *run, const struct cedar_scope *scope,
                       const struct cedar_uid *uid, const struct cedar_entity *known)
{
    switch (scope->match) {
    case CEDAR_NEVER:
        return false;
    case CEDAR_ANY:
        return true;
    case CEDAR_EQ:
        return cedar_uid_eq(uid, &scope->uid);
    case CEDAR_IN:
        return cedar_uid_eq(uid, &scope->uid) || cedar_entity_below(known, &scope->uid);
    case CEDAR_IS:
        return slice_eq(uid->type, scope->type);
    case CEDAR_IS_IN:
        return slice_eq(uid->type, scope->type) &&
               (cedar_uid_eq(uid, &scope->uid) || cedar_entity_below(known, &scope->uid));
    case CEDAR_IN_LIST:
        if (!cedar_run_spend(run, scope->n_list / 8))
            return false;
        for (uint32_t i = 0; i < scope->n_list; i++)
            if (cedar_uid_eq(uid, &scope->list[i]) || cedar_entity_below(known, &scope->list[i]))
                return true;
        return false;
    }
    return false;
}

enum cedar_var cedar_out_of_scope(struct cedar_run *run, const struct cedar_policy *policy)
{
    const struct cedar_request *request = run->request;

    if (!cedar_run_spend(run, 1) ||
        !scope_fits(run, &policy->principal, &request->principal, run->known[CEDAR_PRINCIPAL]))
        return CEDAR_PRINCIPAL;
    if (!scope_fits(run, &policy->action, &request->action, run->known[CEDAR_ACTION]))
        return CEDAR_ACTION;
    if (!scope_fits(run, &policy->resource, &request->resource, run->known[CEDAR_RESOURCE]))
        return CEDAR_RESOURCE;
    return CEDAR_CONTEXT;
}

enum cedar_outcome cedar_run_policy(struct cedar_run *run, const struct cedar_policy *policy,
                                    uint32_t *ret_condition)
{
    if (cedar_out_of_scope(run, policy) != CEDAR_CONTEXT)
        return CEDAR_OUT_OF_SCOPE;
    run->policy = policy;
    for (uint32_t i = 0; i < policy->n_conditions; i++) {
        bool holds = false;

        *ret_condition = i;
        if (!cedar_evaluate_bool(run, policy->conditions[i].body, &holds))
            return CEDAR_FAILED;
        if (holds == policy->conditions[i].unless)
            return CEDAR_NOT_SATISFIED;
    }
    return CEDAR_SATISFIED;
}

err_code cedar_run_start(struct cedar_run *run)
{
    const struct cedar_request *request = run->request;
    const struct cedar_uid *const uids[] = {&request->principal, &request->action,
                                            &request->resource};

    if (request->context.kind != CEDAR_RECORD)
        return ERR_REQUEST_MALFORMED;
    for (size_t i = 0; i < 3; i++) {
        if (uids[i]->type.len == 0)
            return ERR_REQUEST_MALFORMED;
        run->known[i] = cedar_entities_find(run->entities, uids[i]);
    }
    run->arena->used = 0;
    run->steps = CEDAR_STEPS_MAX;
    return ERR_OK;
}
