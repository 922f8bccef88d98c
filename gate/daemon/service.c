/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/service.h"

#include "gate/base/clock.h"
#include "gate/base/file.h"
#include "gate/daemon/admin.h"
#include "gate/daemon/authzen.h"
#include "gate/daemon/http.h"
#include "gate/daemon/inspect.h"
#include "gate/daemon/keeper.h"
#include "gate/daemon/reserve.h"
#include "gate/daemon/scrapi.h"
#include "gate/daemon/sockets.h"
#include "gate/daemon/tls.h"
#include "gate/daemon/watchdog.h"
#include "gate/decide/answer_json.h"
#include "gate/decide/settings.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define TICK_US 100000
#define FLUSH_TICKS 20       /* for callers that take their last answer slowly */
#define DESCRIPTORS 4096     /* wanted */
#define DESCRIPTORS_OWN 128u /* hardware, ledger, policies */

struct service {
    const struct service_options *options;
    struct event_base *base;
    struct lock lock; /* one service of a gate */
    struct sockets sockets;
    char *json_path;           /* of service.json, once it is written */
    struct registry *registry; /* whom the gate knows */
    struct keeper *keeper;
    struct http *http;
    struct tls *tls; /* NULL: nobody comes over the network */
    struct authzen *authzen;
    struct strangers *strangers;
    struct watchdog watchdog;
    struct metrics metrics;
    struct report *report;
    struct inspect inspect;
    struct scrapi scrapi;
    struct admin admin;
    struct bounds bounds;
    err_code failed; /* what ends it early */
    struct why failed_why;
    struct event *collect, *tick, *terminate, *interrupt, *hangup;
    bool ready, stopping;
    err_code told; /* the state that was told last */
    uint64_t told_epoch;
    unsigned flushed; /* ticks since the last answer */
    bool left;        /* who waits is not waited for any more */
    bool reloading;
    uint64_t openings; /* of the gate, when it was to be reloaded */
};

static void events_free(struct service *s)
{
    struct event **all[] = {&s->collect, &s->tick, &s->terminate, &s->interrupt, &s->hangup};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] != NULL)
            event_free(*all[i]);
        *all[i] = NULL;
    }
}

static void service_free(struct service *s)
{
    if (s->json_path != NULL)
        (void)unlink(s->json_path);
    free(s->json_path);
    events_free(s);
    if (s->keeper != NULL) { /* whoever waits is answered before the connections are gone */
        if (keeper_stop(s->keeper, "error", NULL) != ERR_OK)
            return; /* nothing that its threads use is freed */
        keeper_collect(s->keeper);
    }
    http_free(&s->http);
    tls_free(&s->tls);
    keeper_free(&s->keeper);
    authzen_free(&s->authzen);
    strangers_free(&s->strangers);
    report_free(&s->report);
    registry_free(&s->registry);
    sockets_free(&s->sockets);
    if (s->base != NULL)
        event_base_free(s->base);
    lock_free(&s->lock);
}

/* ---- what others are told -------------------------------------------------------------------- */

/* For people. It may be lost, as every line of the log. */
[[gnu::format(printf, 1, 2)]] static void say(const char *format, ...)
{
    char text[1024];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof text)
        (void)report_offer(STDERR_FILENO, (struct slice){(const uint8_t *)text, (size_t)len});
}

static void say_refused(const char *text)
{
    say("pawld: %s\n", text);
}

static void tell(struct service *s, const struct keeper_state *state)
{
    char text[640];

    if (s->ready && state->error == s->told && state->epoch == s->told_epoch)
        return;
    if (state->error == ERR_OK)
        (void)snprintf(text, sizeof text, "serving epoch %llu", (unsigned long long)state->epoch);
    else
        (void)snprintf(text, sizeof text, "denying everything: %s: %s", err_name(state->error),
                       why_text(&state->why, state->error));
    say("pawld: %s\n", text);
    (void)sd_notifyf(0, "%sSTATUS=%s", s->ready ? "" : "READY=1\n", text);
    s->ready = true;
    s->told = state->error;
    s->told_epoch = state->epoch;
}

/* The end of a reload. */
static void tell_reloaded(struct service *s, const struct keeper_state *state)
{
    if (!s->reloading || state->openings == s->openings)
        return;
    s->reloading = false;
    say("pawld: reloaded\n");
    (void)sd_notify(0, "READY=1");
}

static void feed(struct service *s, const struct keeper_state *state)
{
    if (watchdog_due(&s->watchdog, clock_steady_ns(), state->answered_ns))
        (void)sd_notify(0, "WATCHDOG=1");
}

/* When the gate was opened, or could not be: modules are loaded, and threads run. */
static void confine(struct service *s)
{
    static const char *const TOLD[2][2] = {{"not confined", "confined: system calls"},
                                           {"confined: files", "confined: files, system calls"}};

    s->failed = bounds_calls(&s->bounds, &s->failed_why);
    if (s->failed != ERR_OK)
        (void)event_base_loopbreak(s->base);
    else
        say("pawld: %s\n", TOLD[s->bounds.files][s->bounds.calls]);
}

/* Not by file_write(), whose beginnings every opening of the gate clears away; nor need it outlast
 * a power cut. */
static err_code put_file(const char *path, const char *text, struct why *why)
{
    CLEANUP(buf_free) struct buf fresh = {0};
    CLEANUP(fd_close) int fd = -1;
    size_t len = strlen(text);
    const char *name;
    err_code err;

    TRY(buf_add_str(&fresh, path));
    TRY(buf_add_str(&fresh, ".new"));
    TRY(buf_terminate(&fresh));
    name = (const char *)fresh.ptr;
    (void)unlink(name); /* of one that was killed here, or whatever else somebody put there */
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 && write(fd, text, len) == (ssize_t)len && rename(name, path) == 0)
        return ERR_OK;
    err = why_errno(why, errno, "write", path);
    (void)unlink(name);
    return err;
}

static char *make_json(const struct sockets *sockets)
{
    json_t *json = json_pack(
        "{s:s, s:I, s:s*, s:s?, s:s?, s:s?}", "schema", "pawl/1", "pid", (json_int_t)getpid(),
        "tls", sockets->address[0] != '\0' ? sockets->address : NULL, "agents",
        sockets->of[CALLER_AGENT].path, "enforcement", sockets->of[CALLER_ENFORCEMENT].path,
        "admin", sockets->of[CALLER_ADMIN].path);
    char *text = json == NULL ? NULL : answer_json_text(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

static err_code write_json(struct service *s, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    char *text;
    err_code err;

    TRY(path_join(s->options->state_dir, "service.json", &path));
    s->json_path = strdup((const char *)path.ptr);
    text = make_json(&s->sockets);
    err = s->json_path == NULL || text == NULL ? ERR_NO_MEMORY : put_file(s->json_path, text, why);
    free(text);
    return err;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void collect(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    keeper_collect(((struct service *)arg)->keeper);
}

static void tell_left(const char *method, const char *path, uid_t uid)
{
    say("pawld: left unfinished: %s %.256s of uid %u\n", method, path, (unsigned)uid);
}

/* Hardware that hangs for good keeps nobody from ending it. */
static void leave(struct service *s)
{
    if (s->left || !keeper_is_lost(s->keeper))
        return;
    s->left = true;
    say("pawld: hardware or disk does not come back: %zu requests and %zu calls of administrators "
        "are not waited for\n",
        authzen_waiting(s->authzen), s->admin.waiting);
    admin_leave(&s->admin, tell_left);
}

/* Who waits is answered, or has waited as long as he wanted to; and has read it. */
static bool is_over(struct service *s)
{
    leave(s);
    if (s->left)
        return http_is_quiet(s->http) || s->flushed++ >= FLUSH_TICKS;
    if (authzen_waiting(s->authzen) > 0 || s->admin.waiting > 0)
        return false;
    return http_is_quiet(s->http) || s->flushed++ >= FLUSH_TICKS;
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;
    struct keeper_state state;

    (void)fd;
    (void)what;
    keeper_look(s->keeper, &state);
    if (!s->ready && state.error != ERR_STARTING)
        confine(s);
    if (s->ready || (state.error != ERR_STARTING && s->failed == ERR_OK))
        tell(s, &state);
    tell_reloaded(s, &state);
    feed(s, &state);
    if (!s->stopping)
        strangers_tick(s->strangers);
    if (s->stopping && is_over(s))
        (void)event_base_loopbreak(s->base);
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;

    (void)fd;
    (void)what;
    if (s->stopping)
        return;
    s->stopping = true;
    (void)sd_notify(0, "STOPPING=1\nSTATUS=answering who waits");
    keeper_will_stop(s->keeper);
    http_drain(s->http);
    authzen_stop(s->authzen);
    s->admin.stopping = true;
    tick(-1, 0, s);
}

static void reload_tls(struct service *s)
{
    struct why why = {0};
    err_code err = s->tls == NULL ? ERR_OK : tls_reload(s->tls, &why);

    if (err != ERR_OK)
        say("pawld: certificates not reloaded: %s: %s\n", err_name(err), why_text(&why, err));
}

/* Settings that cannot be read are no reason to give up those that are served. */
static void reload(evutil_socket_t fd, short what, void *arg)
{
    CLEANUP(settings_free) struct settings settings = {0};
    struct service *s = arg;
    struct keeper_state state;
    struct why why = {0};
    err_code err;

    (void)fd;
    (void)what;
    if (s->stopping)
        return;
    reload_tls(s);
    err = settings_load(s->options->state_dir, &settings, &why);
    if (err != ERR_OK) {
        say("pawld: not reloaded: %s: %s\n", err_name(err), why_text(&why, err));
        return;
    }
    keeper_look(s->keeper, &state);
    s->openings = state.openings;
    s->reloading = true;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)(clock_steady_ns() / 1000));
    keeper_reopen(s->keeper);
}

static err_code add_events(struct service *s)
{
    const struct timeval every = {.tv_usec = TICK_US};

    s->collect = event_new(s->base, keeper_fd(s->keeper), EV_READ | EV_PERSIST, collect, s);
    s->tick = event_new(s->base, -1, EV_PERSIST, tick, s);
    s->terminate = evsignal_new(s->base, SIGTERM, stop, s);
    s->interrupt = evsignal_new(s->base, SIGINT, stop, s);
    s->hangup = evsignal_new(s->base, SIGHUP, reload, s);
    if (s->collect == NULL || s->tick == NULL || s->terminate == NULL || s->interrupt == NULL ||
        s->hangup == NULL)
        return ERR_NO_MEMORY;
    if (event_add(s->collect, NULL) != 0 || event_add(s->tick, &every) != 0 ||
        event_add(s->terminate, NULL) != 0 || event_add(s->interrupt, NULL) != 0 ||
        event_add(s->hangup, NULL) != 0)
        return ERR_NO_MEMORY;
    return ERR_OK;
}

/* ---- start ----------------------------------------------------------------------------------- */

static err_code take_lock(struct service *s, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(s->options->state_dir, "gate.json", &path));
    if (!file_exists((const char *)path.ptr))
        return why_say(why, ERR_NOT_ENROLLED, "there is no \"%s\"", (const char *)path.ptr);
    buf_free(&path);
    TRY(path_join(s->options->state_dir, "service.lock", &path));
    return lock_take((const char *)path.ptr, 0, &s->lock, why);
}

/* The given path, or the usual one in the directory for sockets. */
static err_code path_of(const struct service *s, enum caller_kind kind, struct buf *ret)
{
    CLEANUP(buf_free) struct buf dir = {0};
    char name[32];

    if (s->options->paths[kind] != NULL) {
        TRY(buf_add_str(ret, s->options->paths[kind]));
        return buf_terminate(ret);
    }
    (void)snprintf(name, sizeof name, "%s.sock", sockets_name(kind));
    if (s->options->runtime_dir != NULL)
        return path_join(s->options->runtime_dir, name, ret);
    TRY(path_join(s->options->state_dir, "run", &dir));
    return path_join((const char *)dir.ptr, name, ret);
}

static err_code make_runtime_dir(const struct service *s, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};

    if (s->options->runtime_dir != NULL)
        return file_make_dir(s->options->runtime_dir, 0755, why);
    TRY(path_join(s->options->state_dir, "run", &dir));
    return file_make_dir((const char *)dir.ptr, 0755, why);
}

static err_code open_own(struct service *s, struct why *why)
{
    CLEANUP(buf_free) struct buf agents = {0}, enforcement = {0}, admin = {0};
    const char *paths[SOCKET_KINDS] = {0};

    for (size_t i = 0; i < SOCKET_KINDS; i++)
        if (s->sockets.of[i].fd != 0)
            return ERR_OK;
    TRY(make_runtime_dir(s, why));
    TRY(path_of(s, CALLER_AGENT, &agents));
    TRY(path_of(s, CALLER_ENFORCEMENT, &enforcement));
    TRY(path_of(s, CALLER_ADMIN, &admin));
    paths[CALLER_AGENT] = (const char *)agents.ptr;
    paths[CALLER_ENFORCEMENT] = (const char *)enforcement.ptr;
    paths[CALLER_ADMIN] = (const char *)admin.ptr;
    return sockets_open(paths, &s->sockets, why);
}

/* Nothing listens on the network that has not what TLS needs. */
static err_code open_tls(struct service *s, struct why *why)
{
    const struct service_options *options = s->options;
    const struct tls_files *files = &options->tls;
    bool listens = options->listen != NULL || s->sockets.tls != 0;
    bool any = files->cert != NULL || files->key != NULL || files->clients != NULL ||
               files->allowed != NULL;
    bool all = files->cert != NULL && files->key != NULL && files->clients != NULL &&
               files->allowed != NULL;

    if (any != listens || any != all)
        return why_say(why, ERR_USAGE,
                       "--tls-cert, --tls-key, --tls-clients, --tls-allowed and an address to "
                       "listen on need one another");
    if (!any)
        return ERR_OK;
    TRY(tls_new(files, &s->tls, why));
    return options->listen == NULL ? ERR_OK : sockets_open_tcp(options->listen, &s->sockets, why);
}

static err_code open_sockets(struct service *s, struct why *why)
{
    TRY(sockets_inherit(&s->sockets, why));
    TRY(open_tls(s, why));
    return open_own(s, why);
}

/* As many descriptors as the connections need, where that is allowed; else fewer connections. */
static unsigned connections(unsigned doors)
{
    struct rlimit limit = {0};
    rlim_t each;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < DESCRIPTORS) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    each = limit.rlim_cur > DESCRIPTORS_OWN ? (limit.rlim_cur - DESCRIPTORS_OWN) / doors : 1;
    return each < 1024 ? (unsigned)each : 1024;
}

/* What is served beside decisions. */
static err_code serve_faces(struct service *s)
{
    s->inspect = (struct inspect){.http = s->http,
                                  .keeper = s->keeper,
                                  .metrics = &s->metrics,
                                  .report = s->report,
                                  .strangers = s->strangers,
                                  .registry = s->registry,
                                  .clock_ms = s->options->clock_ms,
                                  .since_ms = s->options->clock_ms()};
    TRY(inspect_serve(&s->inspect));
    s->admin =
        (struct admin){.keeper = s->keeper, .state_dir = s->options->state_dir, .tls = s->tls};
    TRY(admin_serve(&s->admin, s->http));
    s->scrapi = (struct scrapi){s->options->state_dir};
    return scrapi_serve(&s->scrapi, s->http);
}

static err_code open_http(struct service *s, struct why *why)
{
    const struct http_limits limits = {.connections = connections(s->tls != NULL ? 4 : 3),
                                       .body = REQUEST_SIZE_MAX,
                                       .body_admin = BUNDLE_SIZE_MAX,
                                       .tell = say_refused};
    const struct authzen_options options = {.base = s->base,
                                            .keeper = s->keeper,
                                            .registry = s->registry,
                                            .clock_ms = s->options->clock_ms,
                                            .class_ = s->options->class_,
                                            .metrics = &s->metrics,
                                            .report = s->report,
                                            .strangers = s->strangers};

    TRY(http_new(s->base, &limits, &s->http));
    TRY(authzen_new(&options, &s->authzen));
    TRY(authzen_serve(s->authzen, s->http));
    TRY(serve_faces(s));
    for (enum caller_kind kind = CALLER_AGENT; kind <= CALLER_ADMIN; kind++) {
        int fd = sockets_take(&s->sockets, kind);
        if (fd >= 0 && http_listen(s->http, fd, kind) != ERR_OK)
            return why_say(why, ERR_NO_MEMORY, "socket \"%s\" cannot be served",
                           sockets_name(kind));
    }
    if (s->tls != NULL && http_listen_tls(s->http, sockets_take_tls(&s->sockets), s->tls) != ERR_OK)
        return why_say(why, ERR_NO_MEMORY, "\"%s\" cannot be served", s->sockets.address);
    return ERR_OK;
}

/* Signals are for the event loop: a thread that waits for hardware is not woken by them. */
static err_code start_keeper(struct service *s, struct why *why)
{
    const struct keeper_options options = {.state_dir = s->options->state_dir,
                                           .clock_ms = s->options->clock_ms,
                                           .registry = s->registry,
                                           .ping_ns = watchdog_ping_ns(&s->watchdog)};
    sigset_t all, before;
    err_code err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = keeper_start(&options, &s->keeper, why);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static err_code count_strangers(struct service *s, struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct strangers_options options = {
        .keeper = s->keeper, .clock_ms = s->options->clock_ms, .class_ = s->options->class_};
    struct why own = {0};
    err_code err;

    TRY(path_join(s->options->state_dir, "strangers.json", &path));
    options.path = (const char *)path.ptr;
    err = strangers_new(&options, &s->strangers, &own);
    if (err != ERR_OK)
        *why = own;
    else if (own.code != ERR_OK)
        say("pawld: %s\n", own.text);
    return err;
}

static err_code start(struct service *s, struct why *why)
{
    const struct bounds_options bounds = {.state_dir = s->options->state_dir,
                                          .sockets = &s->sockets,
                                          .allow = s->options->allow,
                                          .n_allow = s->options->n_allow,
                                          .tls = s->options->tls.cert != NULL ? &s->options->tls
                                                                              : NULL};

    TRY(take_lock(s, why));
    reserve_for_events();
    s->base = event_base_new();
    if (s->base == NULL)
        return why_say(why, ERR_NO_MEMORY, "there is no event loop");
    TRY(report_open(s->options->log, &s->report, why));
    TRY(open_sockets(s, why));
    s->watchdog = watchdog_wanted();
    TRY(registry_new(&s->registry));
    if (s->options->confine)
        TRY(bounds_files(&bounds, &s->bounds, why));
    TRY(start_keeper(s, why));
    TRY(count_strangers(s, why));
    TRY(open_http(s, why));
    TRY(add_events(s));
    return write_json(s, why);
}

/* ---- end ------------------------------------------------------------------------------------- */

static err_code finish(struct service *s, struct why *why)
{
    struct keeper_state state;

    TRY(keeper_stop(s->keeper, "signal", why));
    keeper_collect(s->keeper);
    if (s->failed != ERR_OK) {
        *why = s->failed_why;
        return s->failed;
    }
    keeper_look(s->keeper, &state);
    if (state.error == ERR_OK)
        return ERR_OK;
    *why = state.why;
    return state.error;
}

err_code service_run(const struct service_options *options, struct why *why)
{
    CLEANUP(service_free) struct service s = {.options = options};

    TRY(start(&s, why));
    if (event_base_dispatch(s.base) < 0)
        return why_say(why, ERR_INTERNAL, "the event loop failed");
    return finish(&s, why);
}
