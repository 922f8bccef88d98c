/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h: the command line as data. A verb lists its options in a table; the table is parsed
 * against, printed as help, and turned into shell completion.
 */
#ifndef PAWL_CLI_ARGS_H
#define PAWL_CLI_ARGS_H

#include "gate/base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum opt_kind {
    OPT_FLAG,  /* --json */
    OPT_VALUE, /* --state DIR or --state=DIR; the last one counts */
    OPT_LIST,  /* may be repeated */
};

struct opt {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* short form, or 0 */
    enum opt_kind kind;
    const char *arg; /* name of the value in the help; "FILE" and "DIR" complete as paths */
    const char *help;
};

#define ARGS_MAX 256

/* What was given. Strings borrow from argv. */
struct args {
    struct {
        const struct opt *opt;
        const char *value;
    } given[ARGS_MAX];
    size_t n_given;
    const char *plain[ARGS_MAX]; /* arguments that are no options, in order */
    size_t n_plain;
};

/* Parses argv against two tables (the verb's and the global one). "--" ends the options. Errors:
 * USAGE, naming the unknown option and the nearest known one. */
err_code args_parse(int argc, char *const *argv, const struct opt *own, const struct opt *global,
                    struct args *ret, struct why *why);

/* The option that a word such as "--state=DIR" or "-j" names, or NULL. */
const struct opt *args_known(const char *word, const struct opt *table);
/* True if a word names an option without giving its value. */
bool args_bare(const char *word);

bool args_flag(const struct args *args, const char *name);
/* The last value given, or fallback. */
const char *args_value(const struct args *args, const char *name, const char *fallback);
/* The i-th value of a list, or NULL beyond its end. */
const char *args_list(const struct args *args, const char *name, size_t i);

/* Edit distance of two short words; 99 when one is longer than 31. */
unsigned args_distance(const char *a, const char *b);

#endif
