/* SPDX-License-Identifier: Apache-2.0 */
/* gate_check.h: what a gate refuses to load although it is Cedar. */
#ifndef PAWL_CEDAR_GATE_CHECK_H
#define PAWL_CEDAR_GATE_CHECK_H

#include "gate/cedar/policies.h"

/* Errors: CEDAR_ANNOTATION (any but @id, @description and @freshness; a @freshness that
 * cedar_window_parse() refuses; an @id that is empty, longer than CEDAR_GATE_NAME_MAX bytes or not
 * plain text, as text_is_plain means it; the name of another policy), CEDAR_UNSUPPORTED (a
 * template); why says line:column, which *where (may be NULL) is, too. */
#define CEDAR_GATE_NAME_MAX 256
err_code cedar_gate_check(const struct cedar_policies *policies, struct cedar_place *where,
                          struct why *why);

#endif
