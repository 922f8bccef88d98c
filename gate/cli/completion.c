/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c: shell completion made from the verb tables, so that it cannot fall behind them. */
#include "gate/cli/help.h"

#include <string.h>

/* First words, once each: "policy" stands for all of its verbs. */
static bool first_of_group(const struct verb *const *verb, size_t len)
{
    for (const struct verb *const *v = VERBS; v != verb; v++)
        if (strncmp((*v)->name, (*verb)->name, len) == 0 &&
            ((*v)->name[len] == ' ' || (*v)->name[len] == '\0'))
            return false;
    return true;
}

static void bash_words(FILE *to, const struct opt *opts)
{
    for (; opts->name != NULL; opts++)
        (void)fprintf(to, " --%s", opts->name);
}

static int bash(FILE *to, const struct verb *unused)
{
    (void)unused;
    (void)fputs("_pawl() {\n    local cur=${COMP_WORDS[COMP_CWORD]} one=${COMP_WORDS[1]} "
                "two=${COMP_WORDS[2]} words\n"
                "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='",
                to);
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        size_t len = strcspn((*v)->name, " ");
        if (first_of_group(v, len))
            (void)fprintf(to, "%.*s ", (int)len, (*v)->name);
    }
    (void)fputs("'\n    else\n        case \"$one $two\" in\n", to);
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        bool two = strchr((*v)->name, ' ') != NULL;
        (void)fprintf(to, "        '%s%s) words='", (*v)->name, two ? "'" : " '*");
        bash_words(to, (*v)->opts);
        bash_words(to, GLOBAL_OPTIONS);
        (void)fputs("' ;;\n", to);
    }
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        size_t len = strcspn((*v)->name, " ");
        if ((*v)->name[len] == '\0' || !first_of_group(v, len))
            continue;
        (void)fprintf(to, "        '%.*s '*) words='", (int)len, (*v)->name);
        for (const struct verb *const *o = v; *o != NULL; o++)
            if (strncmp((*o)->name, (*v)->name, len + 1) == 0)
                (void)fprintf(to, " %s", (*o)->name + len + 1);
        (void)fputs("' ;;\n", to);
    }
    (void)fputs("        esac\n    fi\n    COMPREPLY=()\n"
                "    if [[ $cur == -* || $words != ' --'* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n    fi\n"
                "    local IFS=$'\\n'\n"
                "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "}\ncomplete -o filenames -F _pawl pawl\n",
                to);
    return 0;
}

/* Between single quotes, in which fish takes a backslash for one. */
static void fish_text(FILE *to, const char *text)
{
    (void)fputs(" -d '", to);
    for (; *text != '\0'; text++)
        (void)fprintf(to, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    (void)fputs("'\n", to);
}

/* verb: NULL for every one. */
static void fish_options(FILE *to, const char *verb, const struct opt *opts)
{
    for (; opts->name != NULL; opts++) {
        (void)fputs("complete -c pawl", to);
        if (verb != NULL)
            (void)fprintf(to, " -n '__pawl_is %s'", verb);
        if (opts->letter != 0)
            (void)fprintf(to, " -s %c", opts->letter);
        (void)fprintf(to, " -l %s%s", opts->name, opts->kind == OPT_FLAG ? "" : " -rF");
        fish_text(to, opts->help);
    }
}

/* __pawl_is: the first words are these. __pawl_after: and there are no more yet. */
static int fish(FILE *to, const struct verb *unused)
{
    (void)unused;
    (void)fputs("function __pawl_is\n    set -l words (commandline -opc)\n"
                "    set -l last (math 1 + (count $argv))\n    test (count $words) -ge $last\n"
                "    and test \"$words[2..$last]\" = \"$argv\"\nend\n"
                "function __pawl_after\n    set -l words (commandline -opc)\n"
                "    test (count $words) -eq (math 1 + (count $argv))\n"
                "    and __pawl_is $argv\nend\n",
                to);
    fish_options(to, NULL, GLOBAL_OPTIONS);
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        size_t len = strcspn((*v)->name, " ");
        const char *second = (*v)->name[len] == ' ' ? (*v)->name + len + 1 : NULL;
        if (first_of_group(v, len)) {
            (void)fprintf(to, "complete -c pawl -f -n __fish_use_subcommand -a %.*s", (int)len,
                          (*v)->name);
            fish_text(to, second != NULL ? "" : (*v)->summary);
        }
        if (second != NULL) {
            (void)fprintf(to, "complete -c pawl -f -n '__pawl_after %.*s' -a %s", (int)len,
                          (*v)->name, second);
            fish_text(to, (*v)->summary);
        }
        fish_options(to, (*v)->name, (*v)->opts);
    }
    return 0;
}

static int zsh(FILE *to, const struct verb *unused)
{
    (void)unused;
    (void)fputs("#compdef pawl\nautoload -U +X bashcompinit && bashcompinit\n", to);
    return bash(to, NULL);
}

static err_code run(struct call *call)
{
    static const struct {
        const char *shell;
        int (*print)(FILE *, const struct verb *);
    } SHELLS[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const char *shell = call->args->plain[0];

    for (size_t i = 0; i < sizeof SHELLS / sizeof *SHELLS; i++)
        if (strcmp(SHELLS[i].shell, shell) == 0)
            return help_collect(call, SHELLS[i].print, NULL);
    return why_say(&call->why, ERR_USAGE, "no completion for \"%s\", only for bash, zsh and fish",
                   shell);
}

const struct verb VERB_COMPLETION = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print a completion script for a shell",
    .details = "For example: pawl completion bash > /etc/bash_completion.d/pawl",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = run,
};
