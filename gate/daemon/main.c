/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: pawld: the command line and the environment of the service. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/daemon/service.h"
#include "gate/decide/request.h"

#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define STATE_DEFAULT "/var/lib/pawl"

static const char HELP[] =
    "usage: pawld [OPTIONS]\n"
    "\n"
    "Serves the gate of a directory: who asks gets a decision that is on record and signed by the\n"
    "hardware. It ends with SIGTERM.\n"
    "\n"
    "      --state DIR         the gate's directory (default: $PAWL_STATE or " STATE_DEFAULT ")\n"
    "      --runtime DIR       for the sockets (default: $RUNTIME_DIRECTORY or DIR/run)\n"
    "      --agents PATH       socket for agents, who ask for themselves\n"
    "      --enforcement PATH  socket for enforcement points, who get permits\n"
    "      --admin PATH        socket for administrators\n"
    "      --listen ADDR:PORT  for enforcement points over TLS; needs the next four:\n"
    "      --tls-cert FILE     the service's certificate (PEM)\n"
    "      --tls-key FILE      its private key, which others may not read\n"
    "      --tls-clients FILE  authorities whose clients may be let in\n"
    "      --tls-allowed FILE  which of those are: by key or by URI\n"
    "      --class CLASS       of actions that say none: execute, mutate, delegate, propagate\n"
    "      --log FILE          a line of JSON for each verdict: FILE, - (standard error) or none\n"
    "      --allow PATH        the module of a token uses that; the rest of the files is shut\n"
    "      --no-confine        keep every file and system call\n"
    "      --version           print the version\n"
    "  -h, --help              print this\n"
    "\n"
    "See: man pawld\n";

/* Milliseconds since 1970. The call cannot fail for this clock; 1970 would deny everything. */
static uint64_t clock_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum option_key {
    KEY_HELP = 'h',
    KEY_STATE = 256,
    KEY_RUNTIME,
    KEY_AGENTS,
    KEY_ENFORCEMENT,
    KEY_ADMIN,
    KEY_LISTEN,
    KEY_TLS_CERT,
    KEY_TLS_KEY,
    KEY_TLS_CLIENTS,
    KEY_TLS_ALLOWED,
    KEY_CLASS,
    KEY_LOG,
    KEY_ALLOW,
    KEY_NO_CONFINE,
    KEY_VERSION,
};

static const struct option OPTIONS[] = {
    {"state", required_argument, NULL, KEY_STATE},
    {"runtime", required_argument, NULL, KEY_RUNTIME},
    {"agents", required_argument, NULL, KEY_AGENTS},
    {"enforcement", required_argument, NULL, KEY_ENFORCEMENT},
    {"admin", required_argument, NULL, KEY_ADMIN},
    {"listen", required_argument, NULL, KEY_LISTEN},
    {"tls-cert", required_argument, NULL, KEY_TLS_CERT},
    {"tls-key", required_argument, NULL, KEY_TLS_KEY},
    {"tls-clients", required_argument, NULL, KEY_TLS_CLIENTS},
    {"tls-allowed", required_argument, NULL, KEY_TLS_ALLOWED},
    {"class", required_argument, NULL, KEY_CLASS},
    {"log", required_argument, NULL, KEY_LOG},
    {"allow", required_argument, NULL, KEY_ALLOW},
    {"no-confine", no_argument, NULL, KEY_NO_CONFINE},
    {"version", no_argument, NULL, KEY_VERSION},
    {"help", no_argument, NULL, KEY_HELP},
    {0},
};

static err_code check_class(const char *text, struct why *why)
{
    if (text == NULL)
        return ERR_OK;
    for (size_t i = 0; i < 4; i++)
        if (strcmp(text, REQUEST_CLASSES[i]) == 0)
            return ERR_OK;
    return why_say(why, ERR_USAGE, "\"%s\" is not execute, mutate, delegate or propagate", text);
}

static err_code add_allowed(struct service_options *options, const char *path, struct why *why)
{
    if (options->n_allow == BOUNDS_ALLOW_MAX)
        return why_say(why, ERR_USAGE, "--allow \"%s\" is one more than %d", path,
                       BOUNDS_ALLOW_MAX);
    options->allow[options->n_allow++] = path;
    return ERR_OK;
}

/* Options that are a text. NULL: none of them. */
static const char **text_of(struct service_options *options, int key)
{
    switch (key) {
    case KEY_STATE:
        return &options->state_dir;
    case KEY_RUNTIME:
        return &options->runtime_dir;
    case KEY_AGENTS:
        return &options->paths[CALLER_AGENT];
    case KEY_ENFORCEMENT:
        return &options->paths[CALLER_ENFORCEMENT];
    case KEY_ADMIN:
        return &options->paths[CALLER_ADMIN];
    case KEY_LISTEN:
        return &options->listen;
    case KEY_TLS_CERT:
        return &options->tls.cert;
    case KEY_TLS_KEY:
        return &options->tls.key;
    case KEY_TLS_CLIENTS:
        return &options->tls.clients;
    case KEY_TLS_ALLOWED:
        return &options->tls.allowed;
    case KEY_CLASS:
        return &options->class_;
    case KEY_LOG:
        return &options->log;
    default:
        return NULL;
    }
}

/* Sets *ret_text to what is to be printed instead of serving. */
static err_code read_options(int argc, char **argv, struct service_options *ret,
                             const char **ret_text, struct why *why)
{
    for (int key; (key = getopt_long(argc, argv, "+:h", OPTIONS, NULL)) != -1;) {
        const char **text = text_of(ret, key);

        if (text != NULL)
            *text = optarg;
        else if (key == KEY_ALLOW)
            TRY(add_allowed(ret, optarg, why));
        else if (key == KEY_NO_CONFINE)
            ret->confine = false;
        else if (key == KEY_VERSION)
            *ret_text = "pawld " PAWL_VERSION "\n";
        else if (key == KEY_HELP)
            *ret_text = HELP;
        else
            return why_say(why, ERR_USAGE, "\"%s\" is not an option with what it needs",
                           argv[optind - 1]);
    }
    if (optind < argc)
        return why_say(why, ERR_USAGE, "\"%s\" is too much", argv[optind]);
    return check_class(ret->class_, why);
}

/* In the order of `pawl`: what, why, what to do, the name. */
static void print_error(err_code err, const struct why *why)
{
    (void)fprintf(stderr, "pawld: error: %s\n", err_text(err));
    if (why->code == err && why->text[0] != '\0')
        (void)fprintf(stderr, "  %s\n", why->text);
    if (err_hint(err)[0] != '\0')
        (void)fprintf(stderr, "  %s\n", err_hint(err));
    (void)fprintf(stderr, "  %s  man pawl-errors\n", err_name(err));
}

static void prepare_process(void)
{
    /* Keys of a session lie in memory: no core file, and no reading of it by others of this user.
     */
    (void)prctl(PR_SET_DUMPABLE, 0);
    /* What OPENSSL_CONF names is not ours to run. */
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);  /* until the gate is served */
    (void)signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
    (void)setenv("TSS2_LOG", "all+none", 0);
}

int main(int argc, char **argv)
{
    const char *env_state = secure_getenv("PAWL_STATE");
    struct service_options options = {
        .state_dir = env_state != NULL ? env_state : STATE_DEFAULT,
        .runtime_dir = secure_getenv("RUNTIME_DIRECTORY"),
        .clock_ms = clock_ms,
        .log = isatty(STDERR_FILENO) ? "none" : "-",
        .confine = PAWL_CONFINES,
    };
    const char *text = NULL;
    struct why why = {0};
    err_code err;

    file_take_standard();
    err = read_options(argc, argv, &options, &text, &why);

    if (err == ERR_OK && text != NULL)
        return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : err_exit(ERR_STORAGE);
    prepare_process();
    if (err == ERR_OK)
        err = service_run(&options, &why);
    if (err != ERR_OK)
        print_error(err, &why);
    if (err == ERR_DEADLINE)
        _exit(err_exit(err)); /* threads of its are at work still: keeper_stop() */
    return err_exit(err);
}
