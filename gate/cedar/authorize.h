/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize.h: the decision, a pure function of policies, entities and request, and why it fell so.
 *
 * Cedar's rule: some permit is satisfied and no forbid is; a policy whose evaluation fails counts
 * as not satisfied and is named. The gate's rule is stricter: any failure denies.
 *
 * Source: Cedar.Spec.Authorizer and Cedar.Spec.Evaluator of the Lean model.
 */
#ifndef PAWL_CEDAR_AUTHORIZE_H
#define PAWL_CEDAR_AUTHORIZE_H

#include "gate/cedar/entities.h"
#include "gate/cedar/policies.h"

enum cedar_mode {
    CEDAR_MODE_GATE = 0, /* a policy that fails denies, whatever the others say */
    CEDAR_MODE_CEDAR,    /* exactly Cedar's answer */
};
enum cedar_decision { CEDAR_DENY = 0, CEDAR_PERMIT };

/* The policies that determined the decision and those that failed, by position (cedar_at),
 * ascending: every satisfied forbid if there is one, otherwise every satisfied permit. In gate mode
 * a decision that a failure turned to DENY has no determining policies. Borrows from the worker,
 * until its next decision. */
struct cedar_answer {
    enum cedar_decision decision;
    size_t n_reasons, n_errors;
    const uint32_t *reasons, *errors;
    enum cedar_fault fault; /* of the first of errors */
    uint32_t fault_offset;  /* where in the text it failed */
};

/* The working memory of one thread: decisions take no other. */
struct cedar_worker;
err_code cedar_worker_make(struct cedar_worker **ret);
void cedar_worker_free(struct cedar_worker **worker);

/* Decides. The cost follows the policies whose scope can match and the ancestors of the three
 * entities, not the size of the set. entities may be NULL. Errors: CEDAR_STEPS (the step budget of
 * this decision, or its working memory, is used up); REQUEST_MALFORMED (a type is empty, the
 * context no record); then *ret says DENY without reasons. */
err_code cedar_authorize(const struct cedar_policies *policies,
                         const struct cedar_entities *entities, const struct cedar_request *request,
                         enum cedar_mode mode, struct cedar_worker *worker,
                         struct cedar_answer *ret);

/* ---- explanation ---- */

enum cedar_outcome {
    CEDAR_OUT_OF_SCOPE = 0, /* which: the variable whose scope does not fit */
    CEDAR_NOT_SATISFIED,    /* a condition is false (unless: true) */
    CEDAR_FAILED,           /* fault */
    CEDAR_SATISFIED,
};
struct cedar_reason {
    const struct cedar_policy *policy;
    enum cedar_outcome outcome;
    enum cedar_var which;
    uint32_t condition; /* by position in the policy */
    /* The smallest part that decided: in a && b the operand that is false; for a failure the
     * operand of a wrong kind, or the operation that failed. CEDAR_NOWHERE for policies from JSON,
     * and for a policy that is satisfied. */
    uint32_t offset;
    enum cedar_fault fault;
    char detail[160]; /* of a failure: what was found and what was wanted; printable ASCII */
};
struct cedar_explanation {
    struct cedar_reason *list; /* one for each policy that is no template, by position */
    size_t n;
};
/* Evaluates every policy, without the index. Errors: as cedar_authorize; NO_MEMORY. Owns: the
 * caller frees *ret; its policies are borrowed. */
err_code cedar_explain(const struct cedar_policies *policies, const struct cedar_entities *entities,
                       const struct cedar_request *request, struct cedar_explanation *ret);
void cedar_explanation_free(struct cedar_explanation *explanation);
const char *cedar_fault_text(enum cedar_fault fault); /* "no such attribute" */

#endif
