/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h: policies that parse, but perhaps do not say what their author meant. */
#ifndef PAWL_CEDAR_LINT_H
#define PAWL_CEDAR_LINT_H

#include "gate/cedar/findings.h"
#include "gate/cedar/policies.h"

/* What a careful reader would remark on policies that parse: first on the whole, then policy by
 * policy in the order of the text; the same place may have several. Error: NO_MEMORY. Owns: the
 * caller frees *ret. */
err_code cedar_lint(const struct cedar_policies *policies, struct cedar_findings *ret);

#endif
