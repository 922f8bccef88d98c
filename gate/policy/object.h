/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h: a policy object: one signed, immutable Cedar policy set, published under an alias, with
 * a version and the digest of the version before it.
 */
#ifndef PAWL_POLICY_OBJECT_H
#define PAWL_POLICY_OBJECT_H

#include "gate/policy/judge.h"
#include "gate/policy/rules.h"

/* What kind of thing an agent is about to do. In the order of their names. */
enum policy_action {
    ACTION_NONE = 0,
    ACTION_DELEGATE,
    ACTION_EXECUTE,
    ACTION_MUTATE,
    ACTION_PROPAGATE,
    ACTION_END,
};
const char *policy_action_name(enum policy_action action);
enum policy_action policy_action_from(struct slice name); /* ACTION_NONE when unknown */

#define POLICY_LANGUAGE CEDAR_LANGUAGE

/* Borrows: the bytes it was parsed from. Owns: the lists and the rules; free with policy_free. */
struct policy_object {
    struct slice raw; /* empty when it was not parsed */
    struct digest digest;
    struct slice domain, alias;
    uint64_t version;
    struct term_link previous;
    bool actions[ACTION_END];
    struct term_list agents, zones; /* empty: any */
    struct rules_text text;         /* Cedar policies, schema, entities */
    struct rules *rules;            /* the same, read and validated; NULL until it is judged */
    int64_t iat, nbf, exp;
    uint8_t cti[ENVELOPE_CTI_LEN];
    size_t n_signers; /* key ids as the signatures claim them, each once */
    struct digest signers[COSE_SIGNATURES_MAX];
};

/* Parses one signed object, strictly; what is Cedar in it is left to rules_load(). Errors: those of
 * envelope_open; FORMAT; TOO_LARGE; UNSUPPORTED (another language). */
err_code policy_parse(struct slice bytes, struct policy_object *ret, struct why *why);
void policy_free(struct policy_object *object);

/* Judges the signatures of a parsed object under the role "policy". Errors: those of judge_object;
 * SIGNER_UNKNOWN when it is of another domain than the root metadata. */
err_code policy_verify(const struct policy_object *object, const struct root_meta *root,
                       const struct revoked *revoked, const struct judge *judge, struct why *why);

/* Writes and signs what the struct holds (raw, digest and signers are not looked at); refuses what
 * parse would refuse. Appends to ret. */
err_code policy_make(const struct policy_object *object, struct hw_signer *const *signers,
                     size_t n_signers, struct buf *ret, struct why *why);

/* Is this policy to be asked? Its actions hold the class, its agents (if any) the agent, its zones
 * (if any) the gate's zone. An empty zone is in no list. */
bool policy_covers(const struct policy_object *object, enum policy_action action,
                   struct slice agent, struct slice zone);

#endif
