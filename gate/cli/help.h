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

/* A group is the first of two words: "policy". Its verbs, as text and JSON; or as the USAGE error
 * of a command line that names no more. */
bool help_is_group(const char *word);
err_code help_group(struct call *call, const char *group);
err_code help_group_usage(const char *group, struct why *why);

extern const struct verb VERB_HELP, VERB_VERSION, VERB_COMPLETION;

#endif
