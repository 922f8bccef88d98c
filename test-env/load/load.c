/* SPDX-License-Identifier: Apache-2.0 */
#include "test-env/load/load.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define AGAIN_US 10000 /* between two attempts to connect */

_Noreturn void load_die(const char *what)
{
    (void)fprintf(stderr, "load_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

void *load_must(void *memory)
{
    if (memory == NULL)
        load_die("memory");
    return memory;
}

uint64_t load_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct timeval period(double seconds)
{
    return (struct timeval){(time_t)seconds,
                            (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)};
}

/* ---- what is asked --------------------------------------------------------------------------- */

static const char *resource_of(const struct client *c)
{
    const struct load_options *o = &c->load->options;

    return o->resources[(c->number + c->turn) % o->n_resources];
}

static const struct body *body_of(const struct client *c)
{
    const struct load_options *o = &c->load->options;

    return &c->load->bodies[(c->number % o->n_agents) * o->n_resources +
                            (c->number + c->turn) % o->n_resources];
}

static struct body make_body(const struct load_options *o, const char *agent, const char *resource)
{
    const char *colons = strstr(resource, "::");
    struct body body;
    json_t *json;

    if (colons == NULL) {
        (void)fprintf(stderr, "load_client: --resource is TYPE::ID, not %s\n", resource);
        exit(2);
    }
    json = json_pack("{s:{s:s, s:s}, s:{s:s, s:{s:s}}, s:{s:s%, s:s}}", "subject", "type", "agent",
                     "id", agent, "action", "name", o->action, "properties", "class", o->class_,
                     "resource", "type", resource, (size_t)(colons - resource), "id", colons + 2);
    body.text = load_must(json_dumps(load_must(json), JSON_COMPACT));
    body.len = strlen(body.text);
    json_decref(json);
    return body;
}

static void make_bodies(struct load *load)
{
    const struct load_options *o = &load->options;

    load->bodies = load_must(calloc(o->n_agents * o->n_resources, sizeof *load->bodies));
    for (size_t a = 0; a < o->n_agents; a++)
        for (size_t r = 0; r < o->n_resources; r++)
            load->bodies[a * o->n_resources + r] = make_body(o, o->agents[a], o->resources[r]);
}

/* "": none wanted. */
static void key_of(const struct client *c, char *ret, size_t size)
{
    const char *key = c->load->options.key;

    *ret = 0;
    if (key != NULL)
        (void)snprintf(ret, size, "%s-%u-%" PRIu64, key, c->number, c->turn);
}

static void make_request(struct client *c)
{
    const struct load_options *o = &c->load->options;
    const struct body *body = body_of(c);
    char head[512], key[192], line[256] = "", due[64] = "";
    int n;

    key_of(c, key, sizeof key);
    if (*key != 0)
        (void)snprintf(line, sizeof line, "Idempotency-Key: %s\r\n", key);
    if (o->deadline_ms > 0)
        (void)snprintf(due, sizeof due, "X-Pawl-Deadline-Ms: %u\r\n", o->deadline_ms);
    n = snprintf(head, sizeof head,
                 "POST /access/v1/evaluation HTTP/1.1\r\nHost: gate\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s\r\n",
                 body->len, line, due);
    c->out_len = (size_t)n + body->len;
    if (c->out_len > c->out_cap) {
        c->out_cap = c->out_len + 256;
        c->out = load_must(realloc(c->out, c->out_cap));
    }
    memcpy(c->out, head, (size_t)n);
    memcpy(c->out + n, body->text, body->len);
}

/* ---- what is answered ------------------------------------------------------------------------ */

static void count_in(json_t *names, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(names, name));

    (void)json_object_set_new(names, name, json_integer(n + 1));
}

static void keep(struct client *c, const json_t *context, bool permit, uint64_t now)
{
    const char *proof = json_string_value(json_object_get(context, "permit"));
    const char *id = json_string_value(json_object_get(context, "evaluation_id"));
    const json_t *index = json_object_get(json_object_get(context, "ledger"), "index");
    char key[192];

    if (!json_is_integer(index))
        return; /* the gate could not decide */
    key_of(c, key, sizeof key);
    if (fprintf(c->load->keep,
                "{\"client\": %u, \"decision\": %s, \"epoch\": %lld, \"index\": %lld"
                ", \"asked_ns\": %" PRIu64 ", \"answered_ns\": %" PRIu64
                ", \"resource\": \"%s\", \"key\": \"%s\", \"id\": \"%s\", \"permit\": \"%s\"}\n",
                c->number, permit ? "true" : "false",
                (long long)json_integer_value(json_object_get(context, "epoch")),
                (long long)json_integer_value(index), c->asked_ns, now, resource_of(c), key,
                id != NULL ? id : "", proof != NULL ? proof : "") < 0)
        load_die(c->load->options.keep);
}

/* Permits that nobody keeps are not read further: their reading would take the time of the gate. */
static void judge(struct client *c, const char *body, size_t len, uint64_t now)
{
    static const char yes[] = "{\"decision\":true,";
    struct load *load = c->load;
    json_t *json, *context;

    if (load->keep == NULL && len >= sizeof yes && memcmp(body, yes, sizeof yes - 1) == 0) {
        load->permits++;
        return;
    }
    json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    context = json_object_get(json, "context");
    if (json_is_true(json_object_get(json, "decision"))) {
        load->permits++;
    } else {
        const char *reason = json_string_value(json_object_get(context, "reason"));

        load->denials++;
        count_in(load->reasons, reason != NULL ? reason : "(none)");
    }
    if (load->keep != NULL)
        keep(c, context, json_is_true(json_object_get(json, "decision")), now);
    json_decref(json);
}

static void note_time(struct load *load, uint64_t ns)
{
    if (load->n_micros == load->cap_micros) {
        load->cap_micros = load->cap_micros * 2 + 4096;
        load->micros = load_must(realloc(load->micros, load->cap_micros * sizeof *load->micros));
    }
    load->micros[load->n_micros++] = ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

static void ask(struct client *c);
static void lose(struct client *c);

static void answered(struct client *c, int status, const char *body, size_t len)
{
    struct load *load = c->load;
    uint64_t now = load_now_ns();

    c->waits = false;
    load->waiting--;
    load->last_ns = now;
    if (status == 200) {
        load->answers++;
        note_time(load, now - c->asked_ns);
        judge(c, body, len, now);
    } else {
        char text[16];

        (void)snprintf(text, sizeof text, "%d", status);
        load->refused++;
        count_in(load->statuses, text);
    }
    c->turn++;
    c->in_len = 0;
}

/* The length of the head and of the body; false: the head has not ended. */
static bool read_head(struct client *c, size_t *ret_head, size_t *ret_body, int *ret_status)
{
    const char *end, *length;

    c->in[c->in_len] = 0;
    end = strstr(c->in, "\r\n\r\n");
    if (end == NULL)
        return false;
    length = strcasestr(c->in, "\r\nContent-Length:");
    *ret_head = (size_t)(end - c->in) + 4;
    *ret_body = length != NULL && length < end ? strtoull(length + 17, NULL, 10) : 0;
    *ret_status = c->in_len > 12 ? (int)strtol(c->in + 9, NULL, 10) : 0;
    return true;
}

/* True: there was a whole answer. */
static bool take_answer(struct client *c)
{
    size_t head, body;
    int status;

    if (!read_head(c, &head, &body, &status) || c->in_len < head + body)
        return false;
    answered(c, status, c->in + head, body);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    ssize_t n;

    (void)what;
    if (c->in_cap - c->in_len < 4096) {
        c->in_cap = c->in_cap * 2 + 8192;
        if (c->in_cap > ANSWER_MAX)
            load_die("an answer without end");
        c->in = load_must(realloc(c->in, c->in_cap + 1));
    }
    n = read(fd, c->in + c->in_len, c->in_cap - c->in_len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(c);
        return;
    }
    c->in_len += (size_t)n;
    if (!c->waits || take_answer(c))
        ask(c);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void send_rest(struct client *c)
{
    while (c->sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->sent, c->out_len - c->sent, MSG_NOSIGNAL);

        if (n > 0) {
            c->sent += (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            (void)event_add(c->writable, NULL);
            return;
        } else if (n >= 0 || errno != EINTR) {
            lose(c);
            return;
        }
    }
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    send_rest(arg);
}

static void try_later(struct client *c)
{
    const struct timeval pause = {0, AGAIN_US};

    (void)event_add(c->again, &pause);
}

static bool connects(struct client *c)
{
    struct load *load = c->load;

    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        load_die("socket");
    if (connect(c->fd, (const struct sockaddr *)&load->address, sizeof load->address) != 0) {
        (void)close(c->fd);
        c->fd = -1;
        try_later(c);
        return false;
    }
    (void)event_assign(c->readable, load->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
    (void)event_assign(c->writable, load->base, c->fd, EV_WRITE, on_writable, c);
    (void)event_add(c->readable, NULL);
    return true;
}

static void finish_if_done(struct load *load)
{
    if (load->ending && load->waiting == 0)
        (void)event_base_loopbreak(load->base);
}

static void close_link(struct client *c)
{
    if (c->fd < 0)
        return;
    (void)event_del(c->readable);
    (void)event_del(c->writable);
    (void)close(c->fd);
    c->fd = -1;
}

/* The request that was under way is sent again; whether it was answered nobody knows. */
static void lose(struct client *c)
{
    c->load->lost += c->waits ? 1 : 0;
    c->in_len = 0;
    close_link(c);
    try_later(c);
}

static bool begins(struct client *c)
{
    struct load *load = c->load;

    if (load->options.requests > 0 && load->asked >= load->options.requests)
        load->ending = true;
    if (load->ending)
        return false;
    load->asked++;
    load->waiting++;
    c->waits = true;
    make_request(c);
    c->asked_ns = load_now_ns();
    return true;
}

/* A new request, or once more the one that waits. */
static void ask(struct client *c)
{
    if (!c->waits && !begins(c)) {
        finish_if_done(c->load);
        return;
    }
    c->sent = 0;
    if (c->fd >= 0 || connects(c))
        send_rest(c);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ask(arg);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void load_prepare(struct load *load)
{
    load->base = load_must(event_base_new());
    load->reasons = load_must(json_object());
    load->statuses = load_must(json_object());
    load->clients = load_must(calloc(load->options.clients, sizeof *load->clients));
    make_bodies(load);
}

static void on_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(((struct load *)arg)->base);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
    struct load *load = arg;
    const struct timeval patience = period(load->options.patience);

    (void)fd;
    (void)what;
    load->ending = true;
    finish_if_done(load);
    (void)event_base_once(load->base, -1, EV_TIMEOUT, on_over, load, &patience);
}

void load_run(struct load *load)
{
    struct event *term = evsignal_new(load->base, SIGTERM, on_end, load);
    struct event *stop = evsignal_new(load->base, SIGINT, on_end, load);
    const struct timeval length = period(load->options.seconds);

    (void)event_add(load_must(term), NULL);
    (void)event_add(load_must(stop), NULL);
    if (load->options.seconds > 0)
        (void)event_base_once(load->base, -1, EV_TIMEOUT, on_end, load, &length);
    load->begin_ns = load->last_ns = load_now_ns();
    for (unsigned i = 0; i < load->options.clients; i++) {
        struct client *c = &load->clients[i];

        *c = (struct client){.load = load, .number = i, .fd = -1};
        c->readable = load_must(event_new(load->base, -1, EV_READ, on_readable, c));
        c->writable = load_must(event_new(load->base, -1, EV_WRITE, on_writable, c));
        c->again = load_must(event_new(load->base, -1, EV_TIMEOUT, on_again, c));
        ask(c);
    }
    (void)event_base_dispatch(load->base);
    event_free(term);
    event_free(stop);
}

void load_free(struct load *load)
{
    for (unsigned i = 0; i < load->options.clients; i++) {
        struct client *c = &load->clients[i];

        close_link(c);
        event_free(c->readable);
        event_free(c->writable);
        event_free(c->again);
        free(c->in);
        free(c->out);
    }
    for (size_t i = 0; i < load->options.n_agents * load->options.n_resources; i++)
        free(load->bodies[i].text);
    free(load->bodies);
    free(load->clients);
    free(load->micros);
    json_decref(load->reasons);
    json_decref(load->statuses);
    event_base_free(load->base);
    libevent_global_shutdown();
}
