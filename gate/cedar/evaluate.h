/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate.h: the value of an expression, and whether a policy is satisfied. Private to gate/cedar.
 *
 * Source: Cedar.Spec.Evaluator of the Lean model. What the model leaves to recursion is bounded
 * here: by the height of a tree (cedar.h), and by a number of steps for a whole decision.
 */
#ifndef PAWL_CEDAR_EVALUATE_H
#define PAWL_CEDAR_EVALUATE_H

#include "gate/cedar/arena.h"
#include "gate/cedar/authorize.h"

/* What one decision evaluates its policies with. */
struct cedar_run {
    const struct cedar_entities *entities;
    const struct cedar_request *request;
    const struct cedar_entity *known[3]; /* by cedar_var; NULL: not in the store */
    struct cedar_arena *arena;           /* a fixed one, given back after each policy */
    uint32_t steps;                      /* left. 0: they, or the memory, are used up */
    const struct cedar_policy *policy;

    /* of the last policy that failed */
    enum cedar_fault fault;
    const struct cedar_expr *at; /* the operand of a wrong kind, or the operation that failed */
    const char *wanted;          /* of a wrong kind: what would have been right */
    struct cedar_value found;    /* instead; of a missing attribute or tag: what does not have it */
    struct slice missing;        /* attribute or tag */
};

/* The memory that a run needs: for the sets and records that one policy makes. */
#define CEDAR_RUN_MEMORY ((size_t)4 << 20)

/* Takes steps. False, and none are left, if there are no more than these. */
static inline bool cedar_run_spend(struct cedar_run *run, size_t steps)
{
    if (run->steps <= steps) {
        run->steps = 0;
        return false;
    }
    run->steps -= (uint32_t)steps;
    return true;
}

/* Begins a decision. Error: REQUEST_MALFORMED (a type is empty, the context no record). */
err_code cedar_run_start(struct cedar_run *run);

/* False on a failure, which run tells of. Whoever gets false looks at run->steps first. *ret
 * borrows from the tree, the request, the entities and run->arena. */
bool cedar_evaluate(struct cedar_run *run, const struct cedar_expr *e, struct cedar_value *ret);

/* The same, and a failure unless it is a bool. */
bool cedar_evaluate_bool(struct cedar_run *run, const struct cedar_expr *e, bool *ret);

/* The first variable whose scope does not fit, or CEDAR_CONTEXT if all do. Never fails. */
enum cedar_var cedar_out_of_scope(struct cedar_run *run, const struct cedar_policy *policy);

/* Scope and conditions of a policy that is no template. *ret_condition: the one that was not
 * satisfied, or that failed. Whoever uses the outcome looks at run->steps first. */
enum cedar_outcome cedar_run_policy(struct cedar_run *run, const struct cedar_policy *policy,
                                    uint32_t *ret_condition);

/* Whether the text is as `like` wants it. */
bool cedar_pattern_matches(const struct cedar_pattern *pattern, struct slice text);

#endif
