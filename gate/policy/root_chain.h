/* SPDX-License-Identifier: Apache-2.0 */
/* root_chain.h: how versions of the root metadata follow each other: the first stands on its own
 * root role (and on the pin in the hardware), every next one on a threshold of its predecessor's
 * root role and on one of its own. */
#ifndef PAWL_POLICY_ROOT_CHAIN_H
#define PAWL_POLICY_ROOT_CHAIN_H

#include "gate/policy/judge.h"

/* Errors: ROOT_SEQUENCE (not version 1), those of judge_object. */
err_code root_verify_first(const struct root_meta *first, const struct judge *judge,
                           struct why *why);

/* The keys of the role root are retired by rotation alone, as in TUF; revocations do not concern
 * them. Errors: ROOT_SEQUENCE (not exactly one version later), ROOT_UNTRUSTED (another domain),
 * those of judge_object. */
err_code root_verify_next(const struct root_meta *current, const struct root_meta *next,
                          const struct judge *judge, struct why *why);

/* Two metadata of one version. Error: ROOT_EQUIVOCATION when their digests differ; ROOT_UNTRUSTED
 * for version 1, which is what a gate is enrolled under. */
err_code root_same(uint64_t version, const struct digest *known, const struct digest *got,
                   struct why *why);

#endif
