/* SPDX-License-Identifier: Apache-2.0 */
/* http_dispatch.c: which function a path names, and for whom. */
#include "gate/daemon/http_parts.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum http_method method;
    enum evhttp_cmd_type command;
    const char *name;
} METHODS[] = {
    {HTTP_GET, EVHTTP_REQ_GET, "GET"},
    {HTTP_GET, EVHTTP_REQ_HEAD, "HEAD"},
    {HTTP_POST, EVHTTP_REQ_POST, "POST"},
    {HTTP_DELETE, EVHTTP_REQ_DELETE, "DELETE"},
};
#define METHODS_N (sizeof METHODS / sizeof METHODS[0])

/* 0: one that no table names. */
static unsigned method_of(struct evhttp_request *request)
{
    for (size_t i = 0; i < METHODS_N; i++)
        if (METHODS[i].command == evhttp_request_get_command(request))
            return METHODS[i].method;
    return 0;
}

static bool matches(const struct http_route *route, const char *path)
{
    size_t len = strlen(route->path);

    if (len > 1 && route->path[len - 1] == '/')
        return strncmp(path, route->path, len) == 0 && path[len] != '\0';
    return strcmp(path, route->path) == 0;
}

bool http_is_faced(const struct http *http, const char *path)
{
    for (size_t i = 0; http->face != NULL && http->face->paths[i] != NULL; i++) {
        size_t len = strlen(http->face->paths[i]);
        if (strncmp(path, http->face->paths[i], len) == 0 &&
            (path[len] == '\0' || path[len] == '/'))
            return true;
    }
    return false;
}

/* What was found for a path: the function, or what stands in the way. */
struct finding {
    const struct http_route *route;
    void *ctx;
    unsigned methods; /* that this caller could use */
    bool others;      /* somebody else could */
};

static void look(const struct http_call *call, unsigned method, struct finding *ret)
{
    const struct http *http = call->http;

    for (size_t i = 0; i < http->n_tables; i++)
        for (const struct http_route *r = http->tables[i].routes; r->path != NULL; r++) {
            if (!matches(r, call->path))
                continue;
            if ((r->kinds & 1u << call->caller.kind) == 0) {
                ret->others = true;
                continue;
            }
            ret->methods |= r->method;
            if (r->method == method && ret->route == NULL) {
                ret->route = r;
                ret->ctx = http->tables[i].ctx;
            }
        }
}

static void refuse_method(struct http_call *call, unsigned methods)
{
    char allow[64] = "";
    size_t len = 0;
    struct why why = {0};

    for (size_t i = 0; i < METHODS_N; i++)
        if ((methods & METHODS[i].method) != 0)
            len += (size_t)snprintf(allow + len, sizeof allow - len, "%s%s", len > 0 ? ", " : "",
                                    METHODS[i].name);
    http_add_header(call, "Allow", allow);
    (void)why_say(&why, ERR_UNSUPPORTED, "this path takes %s", allow);
    http_refuse(call, 405, ERR_UNSUPPORTED, &why);
}

static bool is_too_large(const struct http_call *call, const struct http_route *route,
                         struct why *why)
{
    size_t most = call->http->limits.body;

    if ((route->kinds & HTTP_LARGE) != 0 || call->body.len <= most)
        return false;
    (void)why_say(why, ERR_TOO_LARGE, "a body of %zu bytes, the limit is %zu", call->body.len,
                  most);
    return true;
}

void http_dispatch(struct http_call *call)
{
    struct finding found = {0};
    struct why why = {0};

    look(call, method_of(call->request), &found);
    if (found.route == NULL && found.methods != 0) {
        refuse_method(call, found.methods);
    } else if (found.route == NULL && found.others) {
        (void)why_say(&why, ERR_CALLER_REFUSED, "this path is served on another socket");
        http_refuse(call, 403, ERR_CALLER_REFUSED, &why);
    } else if (found.route == NULL) {
        (void)why_say(&why, ERR_NOT_FOUND, "there is nothing at this path");
        http_refuse(call, 404, ERR_NOT_FOUND, &why);
    } else if (found.route->type != NULL && !http_is_type(call, found.route->type)) {
        (void)why_say(&why, ERR_REQUEST_MALFORMED, "Content-Type is not %s", found.route->type);
        http_refuse(call, 415, ERR_REQUEST_MALFORMED, &why);
    } else if (is_too_large(call, found.route, &why)) {
        http_refuse(call, 413, ERR_TOO_LARGE, &why);
    } else {
        found.route->run(call, found.ctx);
    }
}
