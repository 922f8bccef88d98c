/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h: why the policies of one object decided as they did, for people and as JSON. */
#ifndef PAWL_CLI_EXPLAIN_H
#define PAWL_CLI_EXPLAIN_H

#include "gate/cli/verb.h"
#include "gate/decide/question.h"

/* Adds an entry for each policy to list, and lines with the part of the text that decided. what:
 * the alias or file that the policies are from. Policies whose scope does not fit are counted, and
 * listed in JSON alone. */
err_code explain(struct call *call, json_t *list, struct slice what, const struct rules *rules,
                 struct question *question);

#endif
