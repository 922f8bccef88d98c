/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/help.h"

#include <stdlib.h>
#include <string.h>

static void print_options(FILE *to, const struct opt *opts)
{
    char form[64];

    for (; opts->name != NULL; opts++) {
        (void)snprintf(form, sizeof form, "%s%c%s--%s%s%s", opts->letter ? "-" : " ",
                       opts->letter ? opts->letter : ' ', opts->letter ? ", " : "  ", opts->name,
                       opts->arg != NULL ? " " : "", opts->arg != NULL ? opts->arg : "");
        (void)fprintf(to, "  %-30s %s%s\n", form, opts->help,
                      opts->kind == OPT_LIST ? " (may be repeated)" : "");
    }
}

int help_print_all(FILE *to)
{
    (void)fputs(
        "pawl decides whether an action is allowed by the signed policy in force, and has a TPM\n"
        "or HSM refuse every older policy.\n\nusage: pawl VERB [OPTIONS] [ARGUMENTS]\n\n",
        to);
    for (const struct verb *const *v = VERBS; *v != NULL; v++)
        (void)fprintf(to, "  %-20s %s\n", (*v)->name, (*v)->summary);
    (void)fputs("\nEvery verb takes:\n", to);
    print_options(to, GLOBAL_OPTIONS);
    (void)fputs("\nMore: pawl help VERB, man pawl\n", to);
    return ferror(to) ? 1 : 0;
}

int help_print_verb(FILE *to, const struct verb *verb)
{
    (void)fprintf(to, "usage: pawl %s%s%s%s\n\n%s\n", verb->name,
                  verb->opts->name != NULL ? " [OPTIONS]" : "", verb->arguments[0] ? " " : "",
                  verb->arguments, verb->summary);
    if (verb->details != NULL)
        (void)fprintf(to, "\n%s\n", verb->details);
    if (verb->opts->name != NULL)
        (void)fputs("\nOptions:\n", to);
    print_options(to, verb->opts);
    (void)fputs("\nEvery verb takes:\n", to);
    print_options(to, GLOBAL_OPTIONS);
    return ferror(to) ? 1 : 0;
}

/* ---- help ------------------------------------------------------------------------------------ */

err_code help_collect(struct call *call, int (*print)(FILE *, const struct verb *),
                      const struct verb *verb)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    err_code err;

    if (to == NULL)
        return ERR_NO_MEMORY;
    (void)print(to, verb);
    if (fclose(to) != 0) {
        free(text);
        return ERR_NO_MEMORY;
    }
    err = buf_add(&call->text, text, len);
    put_text(call->json, "text", text);
    free(text);
    return err;
}

static int print_all(FILE *to, const struct verb *unused)
{
    (void)unused;
    return help_print_all(to);
}

static bool in_group(const struct verb *verb, const char *group)
{
    size_t len = strlen(group);

    return strncmp(verb->name, group, len) == 0 && verb->name[len] == ' ';
}

bool help_is_group(const char *word)
{
    for (const struct verb *const *v = VERBS; *v != NULL; v++)
        if (in_group(*v, word))
            return true;
    return false;
}

err_code help_group_usage(const char *group, struct why *why)
{
    char list[384] = "";

    for (const struct verb *const *v = VERBS; *v != NULL; v++)
        if (in_group(*v, group)) {
            size_t at = strlen(list);
            (void)snprintf(list + at, sizeof list - at, "%s%s", at == 0 ? "" : ", ",
                           (*v)->name + strlen(group) + 1);
        }
    return why_say(why, ERR_USAGE, "\"pawl %s\" needs one more word: %s", group, list);
}

/* group: NULL for all. */
static void list_verbs(json_t *verbs, const char *group)
{
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        if (group != NULL && !in_group(*v, group))
            continue;
        json_t *entry = add_object(verbs), *opts;
        put_text(entry, "name", (*v)->name);
        put_text(entry, "arguments", (*v)->arguments);
        put_text(entry, "summary", (*v)->summary);
        opts = put_array(entry, "options");
        for (const struct opt *o = (*v)->opts; o->name != NULL; o++) {
            json_t *opt = add_object(opts);
            put_text(opt, "name", o->name);
            put_text(opt, "value", o->arg);
            put_text(opt, "help", o->help);
        }
    }
}

err_code help_group(struct call *call, const char *group)
{
    list_verbs(put_array(call->json, "verbs"), group);
    for (const struct verb *const *v = VERBS; *v != NULL; v++)
        if (in_group(*v, group))
            say(call, "  pawl %-22s %s", (*v)->name, (*v)->summary);
    say(call, "%s", "");
    say(call, "More: pawl help %s VERB", group);
    return ERR_OK;
}

static err_code help_run(struct call *call)
{
    char name[64] = "";

    if (call->args->n_plain == 0) {
        list_verbs(put_array(call->json, "verbs"), NULL);
        return help_collect(call, print_all, NULL);
    }
    (void)snprintf(name, sizeof name, "%s%s%s", call->args->plain[0],
                   call->args->n_plain > 1 ? " " : "",
                   call->args->n_plain > 1 ? call->args->plain[1] : "");
    for (const struct verb *const *v = VERBS; *v != NULL; v++)
        if (strcmp((*v)->name, name) == 0)
            return help_collect(call, help_print_verb, *v);
    if (help_is_group(name))
        return help_group(call, name);
    return why_say(&call->why, ERR_USAGE, "there is no verb \"%s\"", name);
}

const struct verb VERB_HELP = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "explain pawl, or one verb",
    .opts = NO_OPTIONS,
    .most = 2,
    .run = help_run,
};

/* ---- version --------------------------------------------------------------------------------- */

static err_code version_run(struct call *call)
{
    put_text(call->json, "version", PAWL_VERSION);
    say(call, "pawl %s", PAWL_VERSION);
    return ERR_OK;
}

const struct verb VERB_VERSION = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .opts = NO_OPTIONS,
    .run = version_run,
};
