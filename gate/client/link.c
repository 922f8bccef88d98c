/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c: the connection to the service, as steps that never block. Whatever goes wrong ends the
 * connection, so that a late answer is never taken for that of the next question.
 */
#include "gate/base/file.h"
#include "gate/client/client.h"
#include "gate/client/trust.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CHUNK 4096

uint64_t link_now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void disconnect(struct pawl_conn *conn)
{
    fd_close(&conn->fd);
    conn->fd = -1;
    conn->used = false;
}

void link_rest(struct pawl_conn *conn, bool keep)
{
    if (!keep)
        disconnect(conn);
    conn->used = keep;
    conn->state = LINK_IDLE;
    conn->sent = 0;
    conn->response = (struct response){0};
    buf_free(&conn->out);
    buf_free(&conn->in);
}

void link_drop(struct pawl_conn *conn)
{
    link_rest(conn, false);
}

err_code link_connect(struct pawl_conn *conn, struct why *why)
{
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return why_foreign(why, ERR_SERVICE_UNREACHABLE, "errno", (uint64_t)errno,
                           "no socket can be made: %s", strerrordesc_np(errno));
    if (connect(fd, (const struct sockaddr *)&conn->address, sizeof conn->address) == 0) {
        if (conn->guarded)
            TRY(trust_peer(fd, conn->address.sun_path, conn->owner, why));
        conn->fd = fd;
        fd = -1;
        return ERR_OK;
    }
    /* unix(7): its queue is full. There is no event to wait for. */
    if (errno == EAGAIN || errno == EINTR)
        return ERR_OK;
    return why_foreign(why, ERR_SERVICE_UNREACHABLE, "errno", (uint64_t)errno, "\"%s\": %s",
                       conn->address.sun_path, strerrordesc_np(errno));
}

void link_refresh(struct pawl_conn *conn)
{
    uint8_t byte;

    if (conn->fd >= 0 && conn->used &&
        (recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN))
        disconnect(conn);
}

/* The service closed a connection that nobody used, perhaps while this question was under way: it
 * is asked again on a new one, under its idempotency key. */
static bool begin_again(struct pawl_conn *conn)
{
    if (!conn->used || conn->in.len > 0)
        return false;
    disconnect(conn);
    conn->sent = 0;
    conn->state = LINK_CONNECTING;
    return true;
}

/* ---- steps: *ret_more is true while another may be made at once --------------------------------
 */

static err_code step_connect(struct pawl_conn *conn, bool *ret_more, struct why *why)
{
    if (conn->fd < 0)
        TRY(link_connect(conn, why));
    *ret_more = conn->fd >= 0;
    if (*ret_more)
        conn->state = LINK_SENDING;
    return ERR_OK;
}

static err_code step_send(struct pawl_conn *conn, bool *ret_more, struct why *why)
{
    ssize_t n;

    do
        n = send(conn->fd, conn->out.ptr + conn->sent, conn->out.len - conn->sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        conn->sent += (size_t)n;
    else if (errno != EAGAIN && errno != EPIPE && errno != ECONNRESET)
        return why_foreign(why, ERR_SERVICE_UNREACHABLE, "errno", (uint64_t)errno,
                           "the question could not be sent: %s", strerrordesc_np(errno));
    /* A refusal may come before all of the question is taken: to be read in any case. */
    conn->state = LINK_READING;
    *ret_more = true;
    return ERR_OK;
}

/* The connection has ended. */
static err_code step_end(struct pawl_conn *conn, bool *ret_more, struct why *why)
{
    *ret_more = begin_again(conn);
    if (*ret_more)
        return ERR_OK;
    return why_say(why, ERR_SERVICE_ANSWER,
                   "the service closed the connection after %zu bytes of its answer", conn->in.len);
}

/* One byte more than the answer has, so that what follows it is seen. */
static size_t wanted(const struct pawl_conn *conn)
{
    size_t left = conn->response.head + conn->response.body + 1 - conn->in.len;

    return conn->response.head == 0 || left > CHUNK ? CHUNK : left;
}

static bool is_whole(const struct pawl_conn *conn)
{
    return conn->response.head > 0 && conn->in.len >= conn->response.head + conn->response.body;
}

/* What has come so far. */
static err_code look(struct pawl_conn *conn, struct why *why)
{
    if (conn->response.head == 0)
        TRY(response_parse(buf_slice(&conn->in), &conn->response, why));
    if (conn->response.head > 0 && conn->in.len > conn->response.head + conn->response.body)
        return why_say(why, ERR_SERVICE_ANSWER, "bytes follow the answer");
    if (is_whole(conn) && conn->sent < conn->out.len && conn->response.status == 200)
        return why_say(why, ERR_SERVICE_ANSWER, "an answer before the question was read");
    return ERR_OK;
}

static err_code step_read(struct pawl_conn *conn, bool *ret_more, struct why *why)
{
    uint8_t chunk[CHUNK];
    ssize_t n;

    do
        n = recv(conn->fd, chunk, wanted(conn), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE)))
        return step_end(conn, ret_more, why);
    if (n < 0 && errno != EAGAIN)
        return why_foreign(why, ERR_SERVICE_UNREACHABLE, "errno", (uint64_t)errno,
                           "no answer can be read: %s", strerrordesc_np(errno));
    if (n < 0) {
        if (conn->sent < conn->out.len)
            conn->state = LINK_SENDING;
        *ret_more = false;
        return ERR_OK;
    }
    TRY(buf_add(&conn->in, chunk, (size_t)n));
    *ret_more = true;
    return look(conn, why);
}

static err_code step(struct pawl_conn *conn, bool *ret_more, struct why *why)
{
    switch (conn->state) {
    case LINK_CONNECTING:
        return step_connect(conn, ret_more, why);
    case LINK_SENDING:
        return step_send(conn, ret_more, why);
    case LINK_READING:
        return step_read(conn, ret_more, why);
    case LINK_IDLE:
    default:
        return why_say(why, ERR_USAGE, "nothing was asked");
    }
}

err_code link_step(struct pawl_conn *conn, bool *ret_done, struct why *why)
{
    bool more = true;

    *ret_done = false;
    while (more) {
        /* Before each: who sends one byte at a time does not hold it up. */
        if (link_now_ns() >= conn->due_ns)
            return why_say(why, ERR_DEADLINE, "no whole answer came in time");
        TRY(step(conn, &more, why));
        if (is_whole(conn)) {
            *ret_done = true;
            return ERR_OK;
        }
    }
    return ERR_OK;
}
