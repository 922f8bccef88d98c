/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/client/server_testing.h"

#include "gate/base/dir_testing.h"
#include "gate/base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void put(struct buf *buf, const void *bytes, size_t len)
{
    if (buf_add(buf, bytes, len) != ERR_OK)
        abort(); /* a thread cannot fail a test */
}

/* What follows a word, up to the end of the line. */
static struct slice header(const struct buf *request, const char *name)
{
    const char *at = memmem(request->ptr, request->len, name, strlen(name));
    const char *end;

    if (at == NULL)
        return (struct slice){0};
    at += strlen(name);
    end = memmem(at, request->len - (size_t)(at - (const char *)request->ptr), "\r\n", 2);
    return (struct slice){(const uint8_t *)at, end == NULL ? 0 : (size_t)(end - at)};
}

static bool is_whole(const struct buf *request)
{
    const uint8_t *end =
        request->len == 0 ? NULL : memmem(request->ptr, request->len, "\r\n\r\n", 4);
    struct slice length;
    size_t body = 0;

    if (end == NULL)
        return false;
    length = header(request, "Content-Length: ");
    for (size_t i = 0; i < length.len; i++)
        body = body * 10 + (size_t)(length.ptr[i] - '0');
    return request->len >= (size_t)(end - request->ptr) + 4 + body;
}

/* False: the other side is gone. */
static bool read_request(int fd, struct buf *ret)
{
    uint8_t chunk[4096];

    while (!is_whole(ret)) {
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return false;
        put(ret, chunk, (size_t)n);
    }
    return true;
}

static void wait_for_end(int fd)
{
    uint8_t chunk[4096];

    while (recv(fd, chunk, sizeof chunk, 0) > 0)
        continue;
}

static struct buf with_id(struct slice answer, struct slice id)
{
    const uint8_t *at = answer.len > 0 ? memmem(answer.ptr, answer.len, "$ID", 3) : NULL;
    size_t before = at == NULL ? answer.len : (size_t)(at - answer.ptr);
    struct buf out = {0};

    put(&out, answer.ptr, before);
    if (at != NULL) {
        put(&out, id.ptr, id.len);
        put(&out, at + 3, answer.len - before - 3);
    }
    return out;
}

static void write_answer(int fd, const struct server_turn *turn, struct slice id)
{
    CLEANUP(buf_free) struct buf out = with_id(turn->answer, id);

    for (size_t at = 0; at < out.len;) {
        size_t piece = turn->piece == 0 || turn->piece > out.len - at ? out.len - at : turn->piece;
        ssize_t n = send(fd, out.ptr + at, piece, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

static void read_and_answer(struct server *server, int fd, const struct server_turn *turn)
{
    CLEANUP(buf_free) struct buf request = {0};

    if (!read_request(fd, &request))
        return;
    if (turn->act == SERVER_SILENT)
        wait_for_end(fd);
    else
        write_answer(fd, turn, header(&request, "X-Request-ID: "));
    if (server->n_requests < SERVER_REQUESTS_MAX)
        server->requests[server->n_requests++] = buf_take(&request);
}

static void wait_to_go(const struct server *server)
{
    uint8_t byte;

    if (read(server->go[0], &byte, 1) != 1)
        abort();
}

void server_go(struct server *server)
{
    assert_int_equal(write(server->go[1], "", 1), 1);
}

static bool take_turn(struct server *server, int fd, const struct server_turn *turn)
{
    switch (turn->act) {
    case SERVER_ANSWER:
    case SERVER_LAST:
    case SERVER_SILENT:
        read_and_answer(server, fd, turn);
        return turn->act == SERVER_ANSWER;
    case SERVER_SPEAKS:
        wait_to_go(server);
        write_answer(fd, turn, (struct slice){0});
        return true;
    case SERVER_EARLY:
        write_answer(fd, turn, (struct slice){0});
        return false;
    case SERVER_DEAF:
        (void)poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, -1);
        return false;
    case SERVER_CLOSE:
    default:
        return false;
    }
}

static void *serve(void *arg)
{
    struct server *server = arg;
    CLEANUP(fd_close) int fd = -1;

    for (size_t i = 0; i < server->n; i++) {
        if (fd < 0) {
            fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
            server->n_connections++;
        }
        if (!take_turn(server, fd, &server->turns[i]))
            fd_close(&fd);
    }
    return NULL;
}

void server_begin(struct server *server, const struct server_turn *turns, size_t n)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memset(server, 0, sizeof *server);
    server->turns = turns;
    server->n = n;
    testing_dir(server->dir, sizeof server->dir);
    (void)snprintf(server->path, sizeof server->path, "%s/s", server->dir);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(pipe2(server->go, O_CLOEXEC), 0);
    if (n > 0)
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void server_end(struct server *server)
{
    if (server->n > 0)
        assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
    (void)close(server->go[0]);
    (void)close(server->go[1]);
    testing_remove(server->dir);
}

void server_free(struct server *server)
{
    for (size_t i = 0; i < server->n_requests; i++)
        buf_free(&server->requests[i]);
}

struct buf server_answer(const char *status, const char *body)
{
    struct buf out = {0};
    char head[512];

    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 %s\r\nX-Request-ID: $ID\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   status, strlen(body));
    put(&out, head, strlen(head));
    put(&out, body, strlen(body));
    return out;
}
