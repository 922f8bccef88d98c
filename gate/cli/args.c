/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/args.h"

#include <string.h>

#define WORD_MAX 31

unsigned args_distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t len_a = strlen(a), len_b = strlen(b);

    if (len_a > WORD_MAX || len_b > WORD_MAX)
        return 99;
    for (size_t j = 0; j <= len_b; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= len_a; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= len_b; j++) {
            unsigned above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[len_b];
}

static const struct opt *by_name(const struct opt *table, const char *name, size_t len)
{
    for (; table->name != NULL; table++)
        if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static const struct opt *by_letter(const struct opt *table, char letter)
{
    for (; table->name != NULL; table++)
        if (table->letter == letter)
            return table;
    return NULL;
}

const struct opt *args_known(const char *word, const struct opt *table)
{
    if (word[0] != '-' || word[1] == '\0')
        return NULL;
    return word[1] == '-' ? by_name(table, word + 2, strcspn(word + 2, "="))
                          : by_letter(table, word[1]);
}

bool args_bare(const char *word)
{
    return word[1] == '-' ? strchr(word, '=') == NULL : word[2] == '\0';
}

static err_code unknown(const char *word, const struct opt *own, const struct opt *global,
                        struct why *why)
{
    const struct opt *tables[] = {own, global};
    const char *nearest = NULL;
    unsigned least = 3;

    for (size_t t = 0; t < 2 && strncmp(word, "--", 2) == 0; t++)
        for (const struct opt *o = tables[t]; o->name != NULL; o++)
            if (args_distance(word + 2, o->name) < least) {
                least = args_distance(word + 2, o->name);
                nearest = o->name;
            }
    if (nearest != NULL)
        return why_say(why, ERR_USAGE, "unknown option \"%s\"; did you mean --%s?", word, nearest);
    return why_say(why, ERR_USAGE, "unknown option \"%s\"", word);
}

static err_code keep(struct args *args, const struct opt *opt, const char *value, struct why *why)
{
    if (args->n_given == ARGS_MAX)
        return why_say(why, ERR_USAGE, "more than %d options", ARGS_MAX);
    args->given[args->n_given].opt = opt;
    args->given[args->n_given++].value = value;
    return ERR_OK;
}

/* One option at argv[*at]; a value may stand in the next word, then *at moves on. */
static err_code option(int argc, char *const *argv, int *at, const struct opt *own,
                       const struct opt *global, struct args *out, struct why *why)
{
    const char *word = argv[*at], *value = NULL;
    const struct opt *opt;

    opt = args_known(word, own);
    if (opt == NULL)
        opt = args_known(word, global);
    if (!args_bare(word))
        value = word[1] == '-' ? strchr(word, '=') + 1 : word + 2;
    if (opt == NULL)
        return unknown(word, own, global, why);
    if (opt->kind == OPT_FLAG && value != NULL)
        return why_say(why, ERR_USAGE, "option --%s takes no value, but got \"%s\"", opt->name,
                       value);
    if (opt->kind != OPT_FLAG && value == NULL) {
        if (*at + 1 >= argc)
            return why_say(why, ERR_USAGE, "option --%s needs a value (%s)", opt->name, opt->arg);
        value = argv[++*at];
    }
    return keep(out, opt, value, why);
}

err_code args_parse(int argc, char *const *argv, const struct opt *own, const struct opt *global,
                    struct args *ret, struct why *why)
{
    bool options = true;

    *ret = (struct args){0};
    for (int at = 0; at < argc; at++) {
        if (options && strcmp(argv[at], "--") == 0) {
            options = false;
        } else if (options && argv[at][0] == '-' && argv[at][1] != '\0') {
            TRY(option(argc, argv, &at, own, global, ret, why));
        } else {
            if (ret->n_plain == ARGS_MAX)
                return why_say(why, ERR_USAGE, "more than %d arguments", ARGS_MAX);
            ret->plain[ret->n_plain++] = argv[at];
        }
    }
    return ERR_OK;
}

bool args_flag(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->n_given; i++)
        if (strcmp(args->given[i].opt->name, name) == 0)
            return true;
    return false;
}

const char *args_value(const struct args *args, const char *name, const char *fallback)
{
    for (size_t i = args->n_given; i-- > 0;)
        if (strcmp(args->given[i].opt->name, name) == 0)
            return args->given[i].value;
    return fallback;
}

const char *args_list(const struct args *args, const char *name, size_t i)
{
    for (size_t k = 0; k < args->n_given; k++)
        if (strcmp(args->given[k].opt->name, name) == 0 && i-- == 0)
            return args->given[k].value;
    return NULL;
}
