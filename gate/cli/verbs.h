/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: the descriptors that the verbs' files end in. */
#ifndef PAWL_CLI_VERBS_H
#define PAWL_CLI_VERBS_H

#include "gate/cli/verb.h"

extern const struct verb VERB_INIT, VERB_INSTALL, VERB_CHECK, VERB_STATUS, VERB_DOCTOR;
extern const struct verb VERB_AGENT_ENROL, VERB_AGENT_LIST, VERB_AGENT_SHOW, VERB_AGENT_REMOVE;
extern const struct verb VERB_PERMIT_VERIFY, VERB_PERMIT_SHOW, VERB_LOG_SHOW, VERB_LOG_VERIFY;
extern const struct verb VERB_LOG_AUDIT, VERB_LOG_PROVE, VERB_LOG_EXPORT, VERB_LOG_REBUILD;
extern const struct verb VERB_LOG_WITNESS;
extern const struct verb VERB_AUTHORITY_INIT, VERB_AUTHORITY_ADD_KEY, VERB_AUTHORITY_DROP_KEY,
    VERB_AUTHORITY_ROTATE, VERB_AUTHORITY_SHOW;
extern const struct verb VERB_KEY_GENERATE, VERB_KEY_LIST, VERB_KEY_SHOW;
extern const struct verb VERB_POLICY_LINT, VERB_POLICY_FMT, VERB_POLICY_TEST, VERB_POLICY_CONVERT,
    VERB_POLICY_SIGN, VERB_POLICY_COSIGN, VERB_POLICY_SHOW;
extern const struct verb VERB_REVOKE, VERB_PUBLISH, VERB_SHOW;

#endif
