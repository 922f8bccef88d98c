/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluate.h: the decision as a pure function of request, snapshot, policy objects, agent, zone and
 * time.
 * No file, no clock, no hardware: the same input gives the same answer, and it can be asked again.
 *
 * Every policy object in force whose scope covers the request must permit it, whatever the order; a
 * request may name further aliases, which must exist and cover it, and so must those that its agent
 * is enrolled with. Nothing covers: denied.
 */
#ifndef PAWL_DECIDE_EVALUATE_H
#define PAWL_DECIDE_EVALUATE_H

#include "gate/decide/question.h"
#include "gate/decide/request.h"
#include "gate/policy/freshness.h"
#include "gate/policy/object.h"

#define ANSWER_POLICIES_MAX 64    /* policy objects that cover one request */
#define ANSWER_DETERMINING_MAX 32 /* Cedar policies named as the cause; more are not listed */

/* What is in force. The objects run parallel to snapshot->policies and have their rules. Borrowed.
 */
struct in_force {
    const struct root_meta *root;
    const struct snapshot *snapshot;
    const struct policy_object *objects;
    struct slice gate; /* this gate's name */
    struct slice zone; /* of this gate; empty: none */
    /* What policies are run with, of the thread that asks: large, so that who asks often keeps one.
     * NULL: one is made for each request. */
    struct cedar_worker *worker;
};

/* An agent that is enrolled. Borrowed. */
struct agent_facts {
    struct slice id;             /* the request's subject must be it */
    const struct slice *aliases; /* every request of it names them, whatever else it names */
    size_t n_aliases;
    struct slice zone;   /* instead of the gate's; empty: the gate's */
    struct slice parent; /* empty: none */
};

/* What context.gate says. agent: NULL: nobody enrolled it, or nobody looked. */
struct gate_facts in_force_facts(const struct in_force *force, int64_t now);
struct gate_facts in_force_facts_for(const struct in_force *force, const struct agent_facts *agent,
                                     int64_t now);

/* Zeroed memory denies. Borrows from request and in_force. */
struct answer {
    bool permit;
    err_code reason; /* OK exactly when permit */
    struct why why;  /* of a denial */
    /* It may rest on a check by the hardware that is so old: the least @freshness of all policies
     * that determined it. 0: on none that was made before the request came. Every denial that no
     * policy determined has 0. */
    uint32_t fresh_ms;
    size_t n_policies, n_determining;
    const struct policy_object *policies[ANSWER_POLICIES_MAX];
    struct {
        const struct policy_object *object;
        struct slice name; /* of the Cedar policy */
    } determining[ANSWER_DETERMINING_MAX];
};

/* Always fills *ret; an error inside is a denial with that error as its reason. */
void evaluate(const struct in_force *force, const struct request *request, int64_t now,
              struct answer *ret);

/* The same for an agent that the gate knows; NULL: as evaluate(). Error: also SUBJECT_MISMATCH. */
void evaluate_for(const struct in_force *force, const struct request *request,
                  const struct agent_facts *agent, int64_t now, struct answer *ret);

#endif
