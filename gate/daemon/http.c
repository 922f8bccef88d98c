/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/http_parts.h"

#include "gate/decide/answer_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECTIONS_MAX 1024
#define SECONDS_MAX 30
#define TOTAL_MAX ((size_t)64 << 20)
#define SWEEP_US 500000
#define HANDSHAKE_SECONDS 10
#define ANY_METHOD                                                                                 \
    (EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |     \
     EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH)

/* ---- answers --------------------------------------------------------------------------------- */

static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } PHRASES[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {303, "See Other"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof PHRASES / sizeof PHRASES[0]; i++)
        if (PHRASES[i].status == status)
            return PHRASES[i].text;
    return "Answer";
}

static void written(struct evhttp_request *request, void *arg)
{
    (void)request;
    http_link_turn(arg, LINK_READING);
}

static void call_free(struct http_call **call)
{
    if (*call != NULL)
        free((void *)(uintptr_t)(*call)->path);
    free(*call);
    *call = NULL;
}

/* The id that the caller gave is put beside every answer. */
static void echo_id(struct evhttp_request *request)
{
    const char *id = evhttp_find_header(evhttp_request_get_input_headers(request), "X-Request-ID");

    if (id != NULL && strlen(id) <= HTTP_ID_MAX)
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "X-Request-ID", id);
}

void http_add_header(struct http_call *call, const char *name, const char *value)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(call->request), name, value);
}

/* How long the body is that a GET would have. */
static struct slice without_body(struct http_call *call, struct slice body)
{
    char length[24];

    (void)snprintf(length, sizeof length, "%zu", body.len);
    http_add_header(call, "Content-Length", length);
    return (struct slice){0};
}

void http_answer_bytes(struct http_call *call, int status, const char *type, struct slice body)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(call->request);
    const struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);

    echo_id(call->request);
    if (type != NULL)
        http_add_header(call, "Content-Type", type);
    if (evhttp_find_header(headers, "Cache-Control") == NULL)
        http_add_header(call, "Cache-Control", "no-store");
    if (call->head)
        body = without_body(call, body);
    if (call->http->draining)
        http_add_header(call, "Connection", "close");
    if (body.len > 0 && evbuffer_add(out, body.ptr, body.len) != 0) {
        (void)evbuffer_drain(out, evbuffer_get_length(out));
        status = 503;
    }
    http_link_turn(call->link, LINK_WRITING);
    http_room_add(call->link, body.len);
    evhttp_request_set_on_complete_cb(call->request, written, call->link);
    call->http->calls--;
    evhttp_send_reply(call->request, status, phrase(status), NULL);
    call_free(&call);
}

void http_answer(struct http_call *call, int status, json_t *body)
{
    char *text = body == NULL ? NULL : answer_json_text(body, JSON_COMPACT);

    json_decref(body);
    if (text == NULL)
        http_answer_bytes(call, 503, NULL, (struct slice){0});
    else
        http_answer_bytes(call, status, "application/json", slice_str(text));
    free(text);
}

void http_refuse(struct http_call *call, int status, err_code err, const struct why *why)
{
    json_t *body;

    http_count_refusal(call, err);
    if (status == 503)
        http_add_header(call, "Retry-After", "1");
    if (call->faced) {
        call->http->face->refuse(call, status, err, why);
        return;
    }
    body = json_pack("{s:s, s:s}", "error", err_name(err), "message", why_text(why, err));
    /* A text that is not UTF-8 does without. */
    http_answer(call, status,
                body != NULL
                    ? body
                    : json_pack("{s:s, s:s}", "error", err_name(err), "message", err_text(err)));
}

int http_status(err_code err)
{
    switch (err_exit(err)) {
    case 10:
    case 31:
        return 403;
    case 20:
        return 400;
    default:
        return err == ERR_NOT_FOUND ? 404 : 503;
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

const struct caller *http_caller(const struct http_call *call)
{
    return &call->caller;
}

const char *http_path(const struct http_call *call)
{
    return call->path;
}

struct slice http_body(const struct http_call *call)
{
    return call->body;
}

const char *http_header(const struct http_call *call, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(call->request), name);
}

bool http_is_type(const struct http_call *call, const char *type)
{
    const char *said = http_header(call, "Content-Type");
    size_t len = strlen(type);

    if (said == NULL || strncasecmp(said, type, len) != 0)
        return false;
    said += len + strspn(said + len, " \t");
    return *said == '\0' || *said == ';';
}

static err_code take_path(struct http_call *call)
{
    const char *uri = evhttp_request_get_uri(call->request);

    call->path = uri == NULL ? strdup("/") : strndup(uri, strcspn(uri, "?#"));
    if (call->path == NULL)
        return ERR_NO_MEMORY;
    call->faced = http_is_faced(call->http, call->path);
    return ERR_OK;
}

size_t http_body_max(const struct door *door)
{
    const struct http_limits *limits = &door->http->limits;

    return door->kind == CALLER_ADMIN && limits->body_admin > 0 ? limits->body_admin : limits->body;
}

static err_code take_body(struct http_call *call, struct why *why)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(call->request);
    size_t most = http_body_max(call->link->door);

    call->body.len = evbuffer_get_length(in);
    if (call->body.len > most)
        return why_say(why, ERR_TOO_LARGE, "a body of %zu bytes, the limit is %zu", call->body.len,
                       most);
    if (call->body.len == 0)
        return ERR_OK;
    call->body.ptr = evbuffer_pullup(in, -1);
    return call->body.ptr != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* Who it is does not change while the connection stands; a certificate may end meanwhile. */
static err_code take_caller(struct http_call *call, struct why *why)
{
    struct link *link = call->link;

    if (link->door->tls != NULL)
        TRY(tls_check(link->door->tls, link->ssl, &link->judged, why));
    if (!link->known) {
        if (link->door->tls != NULL)
            TRY(tls_caller(link->ssl, link->door->kind, &link->caller, why));
        else
            TRY(caller_of(bufferevent_getfd(link->bev), link->door->kind, &link->caller, why));
        link->known = true;
    }
    call->caller = link->caller;
    return ERR_OK;
}

/* After what cannot be read for certain nothing more is read. */
static void refuse_and_close(struct http_call *call, err_code err, const struct why *why)
{
    http_add_header(call, "Connection", "close");
    http_refuse(call, err == ERR_TOO_LARGE ? 413 : http_status(err), err, why);
}

/* What libevent took for a whole request has to be one. */
static err_code look_at_wire(const struct wire *wire, struct why *why)
{
    if (wire->state == WIRE_DONE)
        return ERR_OK;
    if (wire->state == WIRE_REFUSED && wire->why != NULL)
        *why = *wire->why;
    return wire->state == WIRE_REFUSED ? wire->err : ERR_REQUEST_MALFORMED;
}

static void take(struct http_call *call)
{
    struct why why = {0};
    err_code err = take_path(call);

    if (err == ERR_OK)
        err = look_at_wire(&call->link->wire, &why);
    if (err == ERR_OK)
        err = take_body(call, &why);
    if (err == ERR_OK)
        err = take_caller(call, &why);
    if (err != ERR_OK)
        refuse_and_close(call, err, &why);
    else if (http_room_work(call->link, &why) != ERR_OK)
        http_refuse(call, 503, ERR_OVERLOADED, &why);
    else
        http_dispatch(call);
}

/* libevent has read a whole request. */
static void arrived(struct evhttp_request *request, void *arg)
{
    struct door *door = arg;
    struct link *link = http_link_of(door, evhttp_request_get_connection(request));
    struct http_call *call = calloc(1, sizeof *call);

    if (link == NULL || call == NULL) {
        free(call);
        evhttp_send_error(request, 503, NULL);
        return;
    }
    *call = (struct http_call){.http = door->http,
                               .link = link,
                               .request = request,
                               .head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD};
    http_room_learn(link);
    http_link_turn(link, LINK_WORKING);
    door->http->calls++;
    take(call);
}

/* ---- life ------------------------------------------------------------------------------------ */

err_code http_new(struct event_base *base, const struct http_limits *limits, struct http **ret)
{
    const struct timeval every = {.tv_usec = SWEEP_US};
    CLEANUP(http_free) struct http *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->base = base;
    out->limits = *limits;
    if (out->limits.connections == 0)
        out->limits.connections = CONNECTIONS_MAX;
    if (out->limits.seconds == 0)
        out->limits.seconds = SECONDS_MAX;
    if (out->limits.total == 0)
        out->limits.total = TOTAL_MAX;
    if (out->limits.handshake == 0)
        out->limits.handshake = HANDSHAKE_SECONDS;
    out->sweep = event_new(base, -1, EV_PERSIST, http_sweep, out);
    out->hurry = event_new(base, -1, 0, http_sweep, out);
    if (out->sweep == NULL || out->hurry == NULL || event_add(out->sweep, &every) != 0)
        return ERR_NO_MEMORY;
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

void http_free(struct http **http)
{
    struct http *h = *http;

    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n_doors; i++) {
        h->doors[i].listener = NULL; /* goes before the connections do */
        event_free(h->doors[i].knock);
        evhttp_free(h->doors[i].evhttp);
    }
    http_forget_all(h);
    if (h->sweep != NULL)
        event_free(h->sweep);
    if (h->hurry != NULL)
        event_free(h->hurry);
    free(h->lobby);
    free(h);
    *http = NULL;
}

err_code http_add(struct http *http, const struct http_route *routes, void *ctx)
{
    if (http->n_tables == HTTP_TABLES_MAX)
        return ERR_INTERNAL;
    http->tables[http->n_tables].routes = routes;
    http->tables[http->n_tables++].ctx = ctx;
    return ERR_OK;
}

void http_set_face(struct http *http, const struct http_face *face)
{
    http->face = face;
}

/* Out of descriptors: the door opens again with the next sweep. */
static void cannot_accept(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    (void)evconnlistener_disable(listener);
}

static void knock(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    http_room_make(arg);
}

static err_code open_door(struct http *http, struct door *door)
{
    door->knock =
        event_new(http->base, evconnlistener_get_fd(door->listener), EV_READ, knock, door);
    if (door->knock == NULL)
        return ERR_NO_MEMORY;
    evhttp_set_max_headers_size(door->evhttp, (ev_ssize_t)HTTP_HEAD_MAX);
    evhttp_set_max_body_size(door->evhttp, (ev_ssize_t)http_body_max(door));
    evhttp_set_timeout(door->evhttp, (int)http->limits.seconds);
    evhttp_set_allowed_methods(door->evhttp, ANY_METHOD);
    evhttp_set_bevcb(door->evhttp, http_link_new, door);
    evhttp_set_gencb(door->evhttp, arrived, door);
    evconnlistener_set_error_cb(door->listener, cannot_accept);
    return evhttp_bind_listener(door->evhttp, door->listener) != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static err_code listen_on(struct http *http, int fd, enum caller_kind kind, struct tls *tls)
{
    struct door *door = &http->doors[http->n_doors];
    struct evconnlistener *listener;

    if (http->n_doors == HTTP_DOORS_MAX) {
        (void)evutil_closesocket(fd);
        return ERR_INTERNAL;
    }
    listener = evconnlistener_new(http->base, NULL, NULL,
                                  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener == NULL) {
        (void)evutil_closesocket(fd);
        return ERR_NO_MEMORY;
    }
    *door = (struct door){.http = http,
                          .kind = kind,
                          .tls = tls,
                          .listener = listener,
                          .evhttp = evhttp_new(http->base)};
    if (door->evhttp == NULL || open_door(http, door) != ERR_OK) {
        if (door->knock != NULL)
            event_free(door->knock);
        evconnlistener_free(listener);
        if (door->evhttp != NULL)
            evhttp_free(door->evhttp);
        return ERR_NO_MEMORY;
    }
    http->n_doors++;
    return ERR_OK;
}

err_code http_listen(struct http *http, int fd, enum caller_kind kind)
{
    return listen_on(http, fd, kind, NULL);
}

err_code http_listen_tls(struct http *http, int fd, struct tls *tls)
{
    if (http_lobby_open(http, tls) != ERR_OK) {
        (void)evutil_closesocket(fd);
        return ERR_NO_MEMORY;
    }
    return listen_on(http, fd, CALLER_ENFORCEMENT, tls);
}

void http_drain(struct http *http)
{
    http->draining = true;
    http_sweep(-1, 0, http);
}

unsigned http_connections(const struct http *http, enum caller_kind kind)
{
    unsigned n = 0;

    for (size_t i = 0; i < http->n_doors; i++)
        n += http->doors[i].kind == kind ? http->doors[i].links : 0;
    return n;
}

const uint64_t *http_refused(const struct http *http)
{
    return http->refused;
}

void http_count_refusal(struct http_call *call, err_code err)
{
    call->http->refused[(unsigned)err % HTTP_ERRORS]++;
}
