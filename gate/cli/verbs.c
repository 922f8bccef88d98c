/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c: the list of all verbs, in the order in which the help prints them. */
#include "gate/cli/verbs.h"
#include "gate/cli/help.h"

const struct verb *const VERBS[] = {
    &VERB_INIT,
    &VERB_INSTALL,
    &VERB_CHECK,
    &VERB_STATUS,
    &VERB_PERMIT_VERIFY,
    &VERB_PERMIT_SHOW,
    &VERB_LOG_SHOW,
    &VERB_LOG_VERIFY,
    &VERB_LOG_WITNESS,
    &VERB_AUTHORITY_INIT,
    &VERB_AUTHORITY_SHOW,
    &VERB_AUTHORITY_ADD_KEY,
    &VERB_AUTHORITY_DROP_KEY,
    &VERB_AUTHORITY_ROTATE,
    &VERB_KEY_GENERATE,
    &VERB_KEY_LIST,
    &VERB_KEY_SHOW,
    &VERB_POLICY_LINT,
    &VERB_POLICY_FMT,
    &VERB_POLICY_TEST,
    &VERB_POLICY_CONVERT,
    &VERB_POLICY_SIGN,
    &VERB_POLICY_COSIGN,
    &VERB_POLICY_SHOW,
    &VERB_REVOKE,
    &VERB_PUBLISH,
    &VERB_SHOW,
    &VERB_HELP,
    &VERB_COMPLETION,
    &VERB_VERSION,
    NULL,
};
