/* SPDX-License-Identifier: Apache-2.0 */
/* help.h: help and shell completion, printed from the verb tables. */
#ifndef PAWL_CLI_HELP_H
#define PAWL_CLI_HELP_H

#include "gate/cli/verb.h"

#include <stdio.h>

/* Each returns the exit code for main. */
int help_print_all(FILE *to);
int help_print_verb(FILE *to, const struct verb *verb);

/* Runs print on a stream that ends up in the answer, so that --quiet and --json hold for it, too.
 */
err_code help_collect(struct call *call, int (*print)(FILE *, const struct verb *),
                      const struct verb *verb);

extern const struct verb VERB_HELP, VERB_VERSION, VERB_COMPLETION;

#endif
