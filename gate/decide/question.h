/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question.h: a request as Cedar sees it.
 *
 *     principal  subject.type::"subject.id". What a request says of its subject
 * (subject.properties) never becomes an attribute: it is no evidence. The signed entities are.
 *     action     Action::"action.name"
 *     resource   resource.type::"resource.id", with resource.properties as its attributes, unless
 *                the signed entities describe it; none if it is the subject or the action itself
 *     context    the request's context without "aliases"; "action": action.properties; and "gate":
 *                what the gate itself knows
 *
 * Where an object has a schema, "action" and the members of "gate" are given only as far as the
 * schema declares them for the action, so that a gate which learns more stays in conformance; and
 * what is given must fit.
 */
#ifndef PAWL_DECIDE_QUESTION_H
#define PAWL_DECIDE_QUESTION_H

#include "gate/cedar/authorize.h"
#include "gate/decide/request.h"
#include "gate/policy/rules.h"

/* context.gate: "now" (datetime), "epoch" (long), "domain", "gate", "zone" (strings; zone only if
 * there is one), "class" (string, from the request, checked); of an agent that is enrolled
 * "enrolled" (true), "parent" (string, only if there is one). */
struct gate_facts {
    int64_t now; /* seconds since 1970 */
    uint64_t epoch;
    struct slice domain, gate, zone;
    bool enrolled;
    struct slice parent;
};

struct question;

/* Borrows: request and facts' slices. Errors: REQUEST_MALFORMED (a type that is none, a value that
 * Cedar does not have), NO_MEMORY, the limits. Owns: question_free(). */
err_code question_make(const struct request *request, const struct gate_facts *facts,
                       struct question **ret, struct why *why);
void question_free(struct question **question);

/* Borrows: what policies are run with, until question_free(). NULL, and without this: one of its
 * own is made with the first object that is asked. */
void question_lend(struct question *question, struct cedar_worker *worker);

/* Asks the policies of one object, in gate mode. Errors: REQUEST_INVALID when the request does not
 * fit the object's schema; CEDAR_STEPS. Borrows: the answer, until the next question. */
err_code question_ask(struct question *question, const struct rules *rules,
                      struct cedar_answer *ret, struct why *why);

/* The same for people: every policy with what became of it. Owns: cedar_explanation_free(). */
err_code question_explain(struct question *question, const struct rules *rules,
                          struct cedar_explanation *ret, struct why *why);

#endif
