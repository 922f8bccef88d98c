/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c: asking: the public functions about a connection. */
#include "gate/base/text.h"
#include "gate/client/client.h"
#include "gate/client/trust.h"
#include "gate/decide/request.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define AGAIN_MS 10 /* while the service's queue of connections is full */
#define MS 1000000u /* nanoseconds */

/* owner: of whom it has to be; NULL: whoever listens. */
static err_code open_to(const char *path, const uid_t *owner, struct pawl_conn **ret,
                        struct why *why)
{
    struct pawl_conn *conn = calloc(1, sizeof *conn);
    err_code err;

    if (conn == NULL)
        return ERR_NO_MEMORY;
    conn->fd = -1;
    conn->guarded = owner != NULL;
    conn->owner = owner != NULL ? *owner : 0;
    conn->address.sun_family = AF_UNIX;
    if (path[0] == '\0' || strlen(path) >= sizeof conn->address.sun_path) {
        pawl_close(&conn);
        return ERR_USAGE;
    }
    memcpy(conn->address.sun_path, path, strlen(path));
    err = link_connect(conn, why);
    if (err != ERR_OK)
        pawl_close(&conn);
    *ret = conn;
    return err;
}

err_code client_open_of(const char *path, uid_t owner, struct pawl_conn **ret, struct why *why)
{
    *ret = NULL;
    TRY(trust_dir_of(path, &owner, NULL, why));
    return open_to(path, &owner, ret, why);
}

err_code client_open_usual(const char *path, struct pawl_conn **ret, struct why *why)
{
    uid_t owner = 0;

    *ret = NULL;
    TRY(trust_dir_of(path, NULL, &owner, why));
    return open_to(path, &owner, ret, why);
}

int pawl_open(const char *path, struct pawl_conn **ret)
{
    if (ret == NULL)
        return PAWL_USAGE;
    *ret = NULL;
    if (path == NULL)
        return (int)client_open_usual(PAWL_SOCKET, ret, NULL);
    return (int)open_to(path, NULL, ret, NULL);
}

void pawl_close(struct pawl_conn **conn)
{
    if (conn == NULL || *conn == NULL)
        return;
    link_drop(*conn);
    free(*conn);
    *conn = NULL;
}

void pawl_cancel(struct pawl_conn *conn)
{
    if (conn != NULL && conn->state != LINK_IDLE)
        link_drop(conn);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The id binds the answer to this question; as an idempotency key it lets the question be sent
 * twice and decided once. */
static err_code new_id(struct pawl_conn *conn, struct why *why)
{
    uint8_t random[16];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return why_say(why, ERR_INTERNAL, "there is no randomness");
    hex_encode(SLICE_OF(random), conn->id, sizeof conn->id);
    return ERR_OK;
}

static err_code write_question(struct pawl_conn *conn, struct slice body, unsigned deadline_ms)
{
    char head[512];

    (void)snprintf(head, sizeof head,
                   "POST /access/v1/evaluation HTTP/1.1\r\n"
                   "Host: pawl\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: %zu\r\n"
                   "X-Request-ID: %s\r\n"
                   "Idempotency-Key: %s\r\n"
                   "X-Pawl-Deadline-Ms: %u\r\n"
                   "\r\n",
                   body.len, conn->id, conn->id, deadline_ms);
    TRY(buf_add_str(&conn->out, head));
    return buf_add_slice(&conn->out, body);
}

static err_code begin(struct pawl_conn *conn, struct slice body, unsigned deadline_ms,
                      struct why *why)
{
    if (conn->state != LINK_IDLE)
        return why_say(why, ERR_USAGE, "another question waits for its answer");
    if (body.ptr == NULL || body.len == 0)
        return why_say(why, ERR_USAGE, "an empty request");
    if (body.len > REQUEST_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a request of %zu bytes, the limit is %zu", body.len,
                       REQUEST_SIZE_MAX);
    if (deadline_ms == 0)
        deadline_ms = PAWL_DEADLINE_MS;
    if (deadline_ms > PAWL_DEADLINE_MAX_MS)
        return why_say(why, ERR_USAGE, "a deadline of %u ms, the limit is %u", deadline_ms,
                       PAWL_DEADLINE_MAX_MS);
    conn->due_ns = link_now_ns() + (uint64_t)deadline_ms * MS;
    link_refresh(conn);
    TRY(new_id(conn, why));
    TRY(write_question(conn, body, deadline_ms));
    if (conn->fd < 0)
        TRY(link_connect(conn, why));
    conn->state = LINK_CONNECTING;
    return ERR_OK;
}

int pawl_send(struct pawl_conn *conn, struct pawl_bytes request, unsigned deadline_ms,
              struct pawl_why *ret_why)
{
    struct why why = {0};
    bool busy;
    err_code err;

    if (conn == NULL)
        return client_tell(ERR_USAGE, &why, ret_why);
    busy = conn->state != LINK_IDLE;
    err = begin(conn, client_slice(request), deadline_ms, &why);
    if (err != ERR_OK && !busy)
        link_rest(conn, err == ERR_USAGE || err == ERR_TOO_LARGE ? conn->used : false);
    return client_tell(err, &why, ret_why);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* An answer to another question is none. What is refused before it is read carries no id. */
static err_code check_id(const struct pawl_conn *conn, struct why *why)
{
    if (conn->response.status != 200 && conn->response.id[0] == '\0')
        return ERR_OK;
    if (strcmp(conn->response.id, conn->id) == 0)
        return ERR_OK;
    return why_say(why, ERR_SERVICE_ANSWER,
                   "it is the answer to another question: X-Request-ID \"%s\", not \"%s\"",
                   conn->response.id, conn->id);
}

static err_code take_answer(struct pawl_conn *conn, struct pawl_answer **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf body = {0};
    const struct response *response = &conn->response;

    TRY(check_id(conn, why));
    TRY(buf_add_slice(&body, slice_part(buf_slice(&conn->in), response->head, response->body)));
    return client_answer_read(response, &body, ret, why);
}

int pawl_receive(struct pawl_conn *conn, struct pawl_answer **ret, struct pawl_why *ret_why)
{
    struct why why = {0};
    bool done = false, keep;
    err_code err;

    if (ret != NULL)
        *ret = NULL;
    if (conn == NULL || ret == NULL || conn->state == LINK_IDLE) {
        err = why_say(&why, ERR_USAGE, "nothing was asked");
        return client_tell(err, &why, ret_why);
    }
    err = link_step(conn, &done, &why);
    if (err == ERR_OK && !done)
        return PAWL_AGAIN;
    if (err == ERR_OK)
        err = take_answer(conn, ret, &why);
    keep = err == ERR_OK && !conn->response.close && conn->sent == conn->out.len;
    link_rest(conn, keep);
    return client_tell(err, &why, ret_why);
}

int pawl_fd(const struct pawl_conn *conn)
{
    return conn != NULL && conn->state != LINK_IDLE ? conn->fd : -1;
}

short pawl_events(const struct pawl_conn *conn)
{
    if (conn == NULL || conn->fd < 0 || conn->state == LINK_IDLE)
        return 0;
    return conn->state == LINK_READING ? POLLIN : POLLIN | POLLOUT;
}

int pawl_timeout_ms(const struct pawl_conn *conn)
{
    uint64_t now, left;

    if (conn == NULL || conn->state == LINK_IDLE)
        return -1;
    now = link_now_ns();
    left = conn->due_ns > now ? (conn->due_ns - now + MS - 1) / MS : 0;
    return conn->fd < 0 && left > AGAIN_MS ? AGAIN_MS : (int)left;
}

int pawl_ask(struct pawl_conn *conn, struct pawl_bytes request, unsigned deadline_ms,
             struct pawl_answer **ret, struct pawl_why *why)
{
    int err;

    if (ret == NULL)
        return PAWL_USAGE;
    *ret = NULL;
    err = pawl_send(conn, request, deadline_ms, why);
    if (err != PAWL_OK)
        return err;
    while ((err = pawl_receive(conn, ret, why)) == PAWL_AGAIN) {
        struct pollfd waiting = {.fd = pawl_fd(conn), .events = pawl_events(conn)};

        /* Interrupted or not, the deadline is looked at next. */
        (void)poll(&waiting, 1, pawl_timeout_ms(conn));
    }
    return err;
}
