/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_corpus_test.c: every policy text of the public Cedar conformance corpus, which is not part
 * of the project: looked for in $PAWL_SHARED/cedar, else in what is given as arguments. All are
 * Cedar; what is printed reads back as the same policies; and what is formatted stays as it is when
 * it is formatted again.
 */
#include "gate/cedar/corpus_files_testing.h"
#include "gate/cedar/same.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77

static bool gather(struct corpus_files *files, int argc, char **argv)
{
    const char *shared = getenv("PAWL_SHARED");
    char path[4096] = "";
    bool ok = true;

    if (shared != NULL)
        snprintf(path, sizeof path, "%s/cedar", shared);
    if (path[0] != '\0' && access(path, R_OK) == 0)
        return corpus_files_add(files, path);
    for (int i = 1; i < argc; i++)
        if (access(argv[i], R_OK) == 0)
            ok = corpus_files_add(files, argv[i]) && ok;
    return ok;
}

static bool prints(const struct cedar_policies *policies)
{
    CLEANUP(buf_free) struct buf text = {0};
    CLEANUP(cedar_free) struct cedar_policies *again = NULL;

    return cedar_print(policies, &text) == ERR_OK &&
           cedar_parse(buf_slice(&text), &again, NULL, NULL) == ERR_OK &&
           cedar_policies_same(policies, again);
}

static bool formats(struct slice text)
{
    CLEANUP(buf_free) struct buf once = {0}, twice = {0};

    return cedar_format(text, &once, NULL, NULL) == ERR_OK &&
           cedar_format(buf_slice(&once), &twice, NULL, NULL) == ERR_OK &&
           slice_eq(buf_slice(&once), buf_slice(&twice));
}

static bool check(const struct corpus_file *file)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    struct slice text = buf_slice(&file->content);
    struct why why = {0};
    bool printed, formatted;

    if (cedar_parse(text, &policies, NULL, &why) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", file->name, why.text);
        return false;
    }
    printed = prints(policies);
    formatted = formats(text);
    if (!printed || !formatted)
        fprintf(stderr, "%s:%s%s\n", file->name, printed ? "" : " printed it differs",
                formatted ? "" : " it cannot be formatted");
    return printed && formatted;
}

int main(int argc, char **argv)
{
    struct corpus_files files = {0};
    unsigned n = 0, failed = 0;
    bool ok = gather(&files, argc, argv);

    if (ok && files.n == 0) {
        fprintf(stderr, "skipped: no corpus in $PAWL_SHARED/cedar nor at %s\n",
                argc > 1 ? argv[1] : "(no path was given)");
        return SKIPPED;
    }
    for (size_t i = 0; ok && i < files.n; i++) {
        const char *end = strrchr(files.list[i].name, '.');

        if (end == NULL || strcmp(end, ".cedar") != 0)
            continue;
        n++;
        failed += !check(&files.list[i]);
    }
    printf("%u texts, %u failed\n", n, failed);
    corpus_files_free(&files);
    return ok && failed == 0 && n > 0 ? 0 : 1;
}
