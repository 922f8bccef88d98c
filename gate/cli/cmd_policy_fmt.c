/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_fmt.c: pawl policy fmt: Cedar texts in their one form. */
#include "gate/base/file.h"
#include "gate/cedar/policies.h"
#include "gate/cli/verbs.h"
#include "gate/policy/rules.h"

#include <string.h>
#include <sys/stat.h>

static const struct opt OPTIONS[] = {
    {"write", 'w', OPT_FLAG, NULL, "rewrite the files in place"},
    {"check", 0, OPT_FLAG, NULL, "write nothing; exit code 4 when a file is not in that form"},
    {0},
};

/* Keeps who may read it: the mode of the file that is replaced. */
static err_code rewrite(const char *file, struct slice text, struct why *why)
{
    struct stat st;

    if (stat(file, &st) != 0)
        st.st_mode = 0644;
    return file_write(file, text, st.st_mode & 0777, why);
}

static err_code format(struct call *call, const char *file, json_t *list)
{
    CLEANUP(buf_free) struct buf old = {0}, new = {0};
    json_t *entry = add_object(list);
    bool write = args_flag(call->args, "write"), check = args_flag(call->args, "check");
    bool same;

    TRY(file_read(file, RULES_TEXT_MAX, &old, &call->why));
    TRY(in_file(call, cedar_format(buf_slice(&old), &new, NULL, &call->why), file));
    same = slice_eq(buf_slice(&old), buf_slice(&new));
    put_text(entry, "file", file);
    put_bool(entry, "changed", !same);
    if (check && !same)
        call->exit = err_exit(ERR_LINT);
    if (write && !same)
        TRY(rewrite(file, buf_slice(&new), &call->why));
    if (!write && !check) {
        put_slice(entry, "text", buf_slice(&new));
        TRY(buf_add_slice(&call->text, buf_slice(&new)));
    } else if (!same) {
        say(call, "%s", file);
    }
    return ERR_OK;
}

static err_code run(struct call *call)
{
    json_t *list = put_array(call->json, "files");

    if (args_flag(call->args, "write") && args_flag(call->args, "check"))
        return why_say(&call->why, ERR_USAGE, "--write and --check exclude each other");
    for (size_t i = 0; i < call->args->n_plain; i++) {
        if (args_flag(call->args, "write") && strcmp(call->args->plain[i], "-") == 0)
            return why_say(&call->why, ERR_USAGE, "standard input cannot be rewritten in place");
        TRY(format(call, call->args->plain[i], list));
    }
    if (call->exit != 0)
        put_text(call->json, "reason", err_name(ERR_LINT));
    return ERR_OK;
}

const struct verb VERB_POLICY_FMT = {
    .name = "policy fmt",
    .arguments = "FILE... | -",
    .summary = "print Cedar policies in their one form, with their comments",
    .details = "With --write or --check the files that are not in that form are named.",
    .opts = OPTIONS,
    .least = 1,
    .most = ARGS_MAX,
    .run = run,
};
