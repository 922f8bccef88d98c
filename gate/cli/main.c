/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: finds the verb, parses its command line, runs it, prints its answer. The only file that
 * reads the environment and the clock.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/help.h"
#include "gate/cli/verb.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define STATE_DEFAULT "/var/lib/pawl"

const struct opt GLOBAL_OPTIONS[] = {
    {"json", 'j', OPT_FLAG, NULL, "print one JSON value instead of text"},
    {"quiet", 'q', OPT_FLAG, NULL, "print nothing: only the exit code speaks"},
    {"state", 0, OPT_VALUE, "DIR",
     "the gate's directory (default: $PAWL_STATE or " STATE_DEFAULT ")"},
    {"help", 'h', OPT_FLAG, NULL, "explain the verb"},
    {0},
};

/* Prints a JSON value as one document: indented on a terminal, short in a pipe. */
static void print_json(json_t *value)
{
    size_t flags = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;

    (void)json_dumpf(value, stdout, flags | JSON_ENSURE_ASCII);
    (void)putchar('\n');
}

static void print_error_json(err_code err, const struct why *why, json_t *beside)
{
    json_t *top = json_object(), *inner;
    char doc[96];

    put_text(top, "schema", "pawl/1");
    put_bool(top, "ok", false);
    inner = put_object(top, "error");
    put_text(inner, "code", err_name(err));
    put_uint(inner, "exit", (uint64_t)err_exit(err));
    put_text(inner, "message", err_text(err));
    put_text(inner, "why", why->code == err && why->text[0] != '\0' ? why->text : NULL);
    put_text(inner, "hint", err_hint(err));
    if (why->code == err && why->foreign != NULL) {
        json_t *foreign = put_object(inner, "foreign");
        put_text(foreign, "kind", why->foreign);
        put_uint(foreign, "code", why->foreign_code);
    }
    (void)snprintf(doc, sizeof doc, "man:pawl-errors(7)#%s", err_name(err));
    put_text(inner, "doc", doc);
    if (beside != NULL)
        (void)json_object_update_missing(top, beside);
    print_json(top);
    json_decref(top);
}

/* What was refused, why with the values that disagree, what to do; last the name, where it is
 * explained, and the foreign code. */
static void print_error_text(err_code err, const struct why *why)
{
    (void)fprintf(stderr, "error: %s\n", err_text(err));
    if (why->code == err && why->text[0] != '\0')
        (void)fprintf(stderr, "  %s\n", why->text);
    if (err_hint(err)[0] != '\0')
        (void)fprintf(stderr, "  %s\n", err_hint(err));
    (void)fprintf(stderr, "  %s  man pawl-errors", err_name(err));
    if (why->code == err && why->foreign != NULL)
        (void)fprintf(stderr, "  (%s 0x%llx)", why->foreign, (unsigned long long)why->foreign_code);
    (void)fputc('\n', stderr);
}

static int finish(struct call *call, err_code err, bool json, bool quiet)
{
    if (err == ERR_OK && call->streamed) {
        /* nothing is left to say */
    } else if (err == ERR_OK && json && !quiet) {
        put_text(call->json, "schema", "pawl/1");
        put_bool(call->json, "ok", true);
        print_json(call->json);
    } else if (err == ERR_OK && !quiet) {
        (void)fwrite(call->text.ptr, 1, call->text.len, stdout);
    } else if (err != ERR_OK && json && !quiet) {
        print_error_json(err, &call->why, call->stands ? call->json : NULL);
    } else if (err != ERR_OK && !quiet) {
        if (call->stands)
            (void)fwrite(call->text.ptr, 1, call->text.len, stdout);
        print_error_text(err, &call->why);
    }
    if (err == ERR_OK && (fflush(stdout) != 0 || ferror(stdout)))
        err = ERR_STORAGE;
    return err == ERR_OK ? call->exit : err_exit(err);
}

/* The verb that the first one or two words name, and how many words that took. */
static const struct verb *find_verb(int argc, const char *const *argv, int *ret_words)
{
    char two[64];

    for (int words = argc >= 2 ? 2 : 1; words >= 1; words--) {
        if (words == 2)
            (void)snprintf(two, sizeof two, "%s %s", argv[0], argv[1]);
        for (const struct verb *const *v = VERBS; *v != NULL; v++)
            if (strcmp((*v)->name, words == 2 ? two : argv[0]) == 0) {
                *ret_words = words;
                return *v;
            }
    }
    return NULL;
}

static err_code unknown_verb(int argc, char **argv, struct why *why)
{
    const char *nearest = NULL;
    unsigned least = 3;
    char two[64];

    if (argc == 1 && help_is_group(argv[0]))
        return help_group_usage(argv[0], why);
    (void)snprintf(two, sizeof two, "%s %s", argv[0], argc > 1 ? argv[1] : "");
    for (const struct verb *const *v = VERBS; *v != NULL; v++) {
        unsigned one = args_distance(argv[0], (*v)->name), both = args_distance(two, (*v)->name);
        if (one < least || both < least) {
            least = one < both ? one : both;
            nearest = (*v)->name;
        }
    }
    if (nearest != NULL)
        return why_say(why, ERR_USAGE, "there is no verb \"%s\"; did you mean \"pawl %s\"?",
                       argv[0], nearest);
    if (help_is_group(argv[0]))
        return help_group_usage(argv[0], why);
    return why_say(why, ERR_USAGE, "there is no verb \"%s\"", argv[0]);
}

static err_code run(struct call *call, const struct verb *verb, const struct args *args)
{
    if (args->n_plain < verb->least || args->n_plain > verb->most)
        return why_say(&call->why, ERR_USAGE, "pawl %s %s: got %zu arguments", verb->name,
                       verb->arguments, args->n_plain);
    return verb->run(call);
}

/* Milliseconds since 1970. The call cannot fail for this clock; 1970 would deny everything. */
static uint64_t clock_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* True if a global flag stands anywhere on the command line. For a line that could not be parsed:
 * a script that asked for JSON gets its error as JSON. */
static bool mentioned(int argc, char **argv, const char *name, char letter)
{
    const char word[] = {'-', letter, '\0'};

    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0 ||
            (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0))
            return true;
    return false;
}

/* The number of words before the verb: options that every verb takes, with their values. */
static int leading_options(int argc, char **argv)
{
    int at = 0;

    while (at < argc && argv[at][0] == '-') {
        const struct opt *opt = args_known(argv[at], GLOBAL_OPTIONS);
        if (opt == NULL)
            break;
        at += opt->kind != OPT_FLAG && args_bare(argv[at]) ? 2 : 1;
    }
    return at < argc ? at : argc;
}

/* The command line without the program's name, apart: options before the verb, the verb's words,
 * the rest. "pawl" alone and "pawl --version" stand for verbs. */
struct line {
    int leading, words;
    const struct verb *verb;
    bool named; /* by a word, and not by the want of one */
};

static struct line take_apart(int argc, char **argv)
{
    static const char *const HELP[] = {"help"}, *const VERSION[] = {"version"};
    struct line line = {.leading = leading_options(argc, argv)};
    const char *word = line.leading < argc ? argv[line.leading] : NULL;
    int unused;

    if (word == NULL) {
        line.verb = find_verb(1, HELP, &unused);
    } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        line.words = 1;
        line.verb = find_verb(1, VERSION, &unused);
    } else {
        line.named = true;
        line.verb =
            find_verb(argc - line.leading, (const char *const *)argv + line.leading, &line.words);
    }
    return line;
}

static err_code dispatch(struct call *call, struct args *args, int argc, char **argv)
{
    const char *env_state = secure_getenv("PAWL_STATE");
    struct line line = take_apart(argc, argv);
    char **word = argv + line.leading;

    if (line.verb == NULL && help_is_group(word[0]) && mentioned(argc, argv, "help", 'h')) {
        TRY(args_parse(argc, argv, NO_OPTIONS, GLOBAL_OPTIONS, args, &call->why));
        return help_group(call, word[0]);
    }
    if (line.verb == NULL)
        return unknown_verb(argc - line.leading, word, &call->why);
    for (int i = line.leading; i > 0; i--) /* options may stand before the verb or after it */
        argv[i + line.words - 1] = argv[i - 1];
    TRY(args_parse(argc - line.words, argv + line.words, line.verb->opts, GLOBAL_OPTIONS, args,
                   &call->why));
    if (args_flag(args, "help") && line.named)
        return help_collect(call, help_print_verb, line.verb);
    call->state_dir = args_value(args, "state", env_state != NULL ? env_state : STATE_DEFAULT);
    return run(call, line.verb, args);
}

int main(int argc, char **argv)
{
    static struct args args;
    struct call call = {.args = &args, .now = (int64_t)(clock_ms() / 1000), .clock_ms = clock_ms};
    err_code err;
    bool cut;
    int code;

    file_take_standard();
    /* Keys of a session lie in memory: no core file, and no reading of it by others of this user.
     */
    (void)prctl(PR_SET_DUMPABLE, 0);
    /* What OPENSSL_CONF names is not ours to run. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ,
                 SIG_IGN); /* a file size limit is an error like a full disk, not a crash */
    (void)setenv("TSS2_LOG", "all+none", 0); /* the TPM library's own lines; ours say more */
    call.json = json_object();
    argc = argc > 0 ? argc - 1 : 0; /* without the program's name */
    argv++;
    err = dispatch(&call, &args, argc, argv);
    cut = err == ERR_USAGE; /* parsed to where it went wrong, or not at all */
    code =
        finish(&call, err, args_flag(&args, "json") || (cut && mentioned(argc, argv, "json", 'j')),
               args_flag(&args, "quiet") || (cut && mentioned(argc, argv, "quiet", 'q')));
    json_decref(call.json);
    buf_free(&call.text);
    return code;
}
