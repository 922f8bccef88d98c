/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/http_testing.h"

#include "gate/base/dir_testing.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static struct sockaddr_un address;
struct testing_http testing = {.door = CALLER_AGENT};
static char FIRST[] = "first";

/* ---- the server ------------------------------------------------------------------------------ */

static void echo(struct http_call *call, void *ctx)
{
    (void)ctx;
    testing.served++;
    http_answer_bytes(call, 200, "application/json", http_body(call));
}

static void hello(struct http_call *call, void *ctx)
{
    testing.served++;
    http_answer(call, 200,
                json_pack("{s:s, s:s, s:i}", "path", http_path(call), "ctx", ctx, "uid",
                          (int)http_caller(call)->uid));
}

static void later(struct http_call *call, void *ctx)
{
    (void)ctx;
    testing.served++;
    testing.kept = call;
}

static const struct http_route ROUTES[] = {
    {"/echo", HTTP_POST, HTTP_ANYBODY, "application/json", echo},
    {"/hello", HTTP_GET, HTTP_ANYBODY, NULL, hello},
    {"/hello", HTTP_DELETE, HTTP_AGENTS, NULL, hello},
    {"/admin", HTTP_GET, HTTP_ADMIN | HTTP_ENFORCEMENT, NULL, hello},
    {"/below/", HTTP_GET, HTTP_ANYBODY, NULL, hello},
    {"/later", HTTP_GET, HTTP_ANYBODY, NULL, later},
    {"/bundle", HTTP_POST, HTTP_ADMIN | HTTP_LARGE, NULL, echo},
    {0},
};

static int listener(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    (void)unlink(address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

void testing_serve(unsigned connections, unsigned seconds)
{
    const struct http_limits limits = {connections, seconds, BODY_MAX, 4 * BODY_MAX, TOTAL};

    testing.base = event_base_new();
    assert_int_equal(http_new(testing.base, &limits, &testing.http), ERR_OK);
    assert_int_equal(http_add(testing.http, ROUTES, FIRST), ERR_OK);
    assert_int_equal(http_listen(testing.http, listener(), testing.door), ERR_OK);
    testing.served = 0;
}

void testing_leave(void)
{
    http_free(&testing.http);
    event_base_free(testing.base);
}

void testing_turn(void)
{
    assert_true(event_base_loop(testing.base, EVLOOP_NONBLOCK) >= 0);
}

/* ---- a client -------------------------------------------------------------------------------- */

int testing_dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whoever refuses early does not read the rest. */
void testing_say(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        testing_turn();
        if (n < 0 && errno != EAGAIN)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

void testing_say_text(int fd, const char *text)
{
    testing_say(fd, text, strlen(text));
}

static bool is_whole(const struct answer_text *a)
{
    const char *end = strstr(a->bytes, "\r\n\r\n"), *length = strstr(a->bytes, "Content-Length: ");

    return end != NULL && length != NULL && length < end &&
           a->len >= (size_t)(end + 4 - a->bytes) + strtoul(length + 16, NULL, 10);
}

void testing_hear_once(int fd, struct answer_text *a)
{
    ssize_t n = recv(fd, a->bytes + a->len, sizeof a->bytes - 1 - a->len, MSG_DONTWAIT);

    if (n > 0)
        a->len += (size_t)n;
    a->closed = a->closed || n == 0 || (n < 0 && errno != EAGAIN);
    a->bytes[a->len] = '\0';
}

/* Until there is an answer, or the end. */
void testing_hear(int fd, struct answer_text *ret)
{
    *ret = (struct answer_text){0};
    while (!ret->closed && !is_whole(ret)) {
        testing_turn();
        testing_hear_once(fd, ret);
    }
}

void testing_hear_end(int fd, struct answer_text *a)
{
    while (!a->closed) {
        testing_turn();
        testing_hear_once(fd, a);
    }
}

int testing_status_of(const struct answer_text *a)
{
    return strncmp(a->bytes, "HTTP/1.", 7) == 0 ? (int)strtoul(a->bytes + 9, NULL, 10) : 0;
}

int testing_make_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    address.sun_family = AF_UNIX;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
    return 0;
}

int testing_remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}
