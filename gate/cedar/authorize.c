/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/authorize.h"

#include "gate/cedar/evaluate.h"
#include "gate/cedar/index.h"

#include <stdlib.h>

struct cedar_worker {
    struct cedar_arena arena;
    struct cedar_found found; /* empty between decisions */
    uint32_t permits[CEDAR_POLICIES_MAX], forbids[CEDAR_POLICIES_MAX], errors[CEDAR_POLICIES_MAX];
};

err_code cedar_worker_make(struct cedar_worker **ret)
{
    CLEANUP(cedar_worker_free) struct cedar_worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return ERR_NO_MEMORY;
    TRY(cedar_arena_fixed(CEDAR_RUN_MEMORY, &worker->arena));
    *ret = worker;
    worker = NULL;
    return ERR_OK;
}

void cedar_worker_free(struct cedar_worker **worker)
{
    if (*worker != NULL)
        cedar_arena_free(&(*worker)->arena);
    free(*worker);
    *worker = NULL;
}

struct counts {
    size_t permits, forbids, errors;
};

/* Evaluates what was found, in order, until nothing is left or the steps are used up. */
static void evaluate(struct cedar_run *run, const struct cedar_policies *policies,
                     struct cedar_worker *worker, struct counts *n, struct cedar_answer *answer)
{
    uint32_t i, condition = 0;

    while (cedar_found_next(&worker->found, &i)) {
        const struct cedar_policy *policy = &policies->list[i];
        enum cedar_outcome outcome;

        run->arena->used = 0;
        outcome = cedar_run_policy(run, policy, &condition);
        if (run->steps == 0)
            continue; /* means nothing; goes on only to leave found empty */
        if (outcome == CEDAR_SATISFIED && policy->effect == CEDAR_EFFECT_PERMIT)
            worker->permits[n->permits++] = i;
        if (outcome == CEDAR_SATISFIED && policy->effect != CEDAR_EFFECT_PERMIT)
            worker->forbids[n->forbids++] = i;
        if (outcome == CEDAR_FAILED) {
            if (n->errors == 0) {
                answer->fault = run->fault;
                answer->fault_offset = run->at->offset;
            }
            worker->errors[n->errors++] = i;
        }
    }
}

err_code cedar_authorize(const struct cedar_policies *policies,
                         const struct cedar_entities *entities, const struct cedar_request *request,
                         enum cedar_mode mode, struct cedar_worker *worker,
                         struct cedar_answer *ret)
{
    struct cedar_run run = {.entities = entities, .request = request, .arena = &worker->arena};
    struct cedar_answer answer = {.decision = CEDAR_DENY, .fault_offset = CEDAR_NOWHERE};
    struct counts n = {0};

    *ret = answer;
    TRY(cedar_run_start(&run));
    cedar_index_find(policies, &run, &worker->found);
    evaluate(&run, policies, worker, &n, &answer);
    if (run.steps == 0)
        return ERR_CEDAR_STEPS;
    answer.errors = worker->errors;
    answer.n_errors = n.errors;
    if (n.forbids > 0) {
        answer.reasons = worker->forbids;
        answer.n_reasons = n.forbids;
    } else if (n.permits > 0 && (n.errors == 0 || mode == CEDAR_MODE_CEDAR)) {
        answer.decision = CEDAR_PERMIT;
        answer.reasons = worker->permits;
        answer.n_reasons = n.permits;
    }
    *ret = answer;
    return ERR_OK;
}
