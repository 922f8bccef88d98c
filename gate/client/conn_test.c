/* SPDX-License-Identifier: Apache-2.0 */
/* conn_test.c: asking a service that keeps to the rules, and ones that do not. */
#include "gate/client/client.h"
#include "gate/client/server_testing.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PERMIT                                                                                     \
    "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":7,\"ledger\":{\"index\":41}}}"
#define DENIAL "{\"decision\":false,\"context\":{\"reason\":\"DENIED\",\"why\":\"no\"}}"
#define PATIENT_MS 60000u /* no machine is so busy */

static const struct pawl_bytes REQUEST = {"{\"x\":1}", 7};
static struct buf permit, denial;

static struct slice permit_bytes(void)
{
    return buf_slice(&permit);
}

/* One question; the error, and whether it was permitted. */
static int ask(struct pawl_conn *conn, unsigned deadline_ms, int *ret_permitted)
{
    struct pawl_answer *answer = (void *)(uintptr_t)1; /* of another question, as it were */
    struct pawl_why why = {""};
    int err = pawl_ask(conn, REQUEST, deadline_ms, &answer, &why);

    if ((err == PAWL_OK) != (answer != NULL) || (err == PAWL_OK) != (why.text[0] == '\0'))
        fail_msg("%s, \"%s\", and %s answer", pawl_errname(err), why.text, answer ? "an" : "no");
    *ret_permitted = pawl_answer_permitted(answer);
    pawl_answer_free(&answer);
    return err;
}

static void expect(struct pawl_conn *conn, const char *name, int want, int want_permitted)
{
    int permitted = 0, err = ask(conn, PATIENT_MS, &permitted);

    if (err != want || permitted != want_permitted)
        fail_msg("%s: gave %s and %d, wanted %s and %d", name, pawl_errname(err), permitted,
                 pawl_errname(want), want_permitted);
}

/* Asks as often as there are results, one question after the other on one connection. */
static void play(struct server *server, const struct server_turn *turns, size_t n_turns,
                 const int *results, size_t n)
{
    struct pawl_conn *conn = NULL;

    server_begin(server, turns, n_turns);
    assert_int_equal(pawl_open(server->path, &conn), PAWL_OK);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "question %zu", i);
        expect(conn, name, results[i], results[i] == PAWL_OK);
    }
    pawl_close(&conn);
    assert_null(conn);
    server_end(server);
}

#define N(array) (sizeof(array) / sizeof *(array))

static bool has(const struct buf *request, const char *text)
{
    return memmem(request->ptr, request->len, text, strlen(text)) != NULL;
}

static void one_connection(void **state)
{
    const struct server_turn turns[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
        {.act = SERVER_ANSWER, .answer = permit_bytes(), .piece = 1},
        {.act = SERVER_ANSWER, .answer = permit_bytes(), .piece = 7},
    };
    const int results[] = {PAWL_OK, PAWL_OK, PAWL_OK};
    struct server server;

    (void)state;
    play(&server, turns, N(turns), results, N(results));
    assert_int_equal(server.n_connections, 1);
    assert_int_equal(server.n_requests, 3);
    assert_true(has(&server.requests[0], "POST /access/v1/evaluation HTTP/1.1\r\n"));
    assert_true(has(&server.requests[0], "\r\nContent-Type: application/json\r\n"));
    assert_true(has(&server.requests[0], "\r\nContent-Length: 7\r\n"));
    assert_true(has(&server.requests[0], "\r\nX-Pawl-Deadline-Ms: 60000\r\n"));
    assert_true(has(&server.requests[0], "\r\n\r\n{\"x\":1}"));
    assert_memory_not_equal(server.requests[0].ptr, server.requests[1].ptr,
                            server.requests[0].len); /* ids are never the same */
    server_free(&server);
}

/* Closed between two questions, or with the second one under way: it is asked again, under the same
 * idempotency key. */
static void closed_between(void **state)
{
    const struct server_turn last[] = {
        {.act = SERVER_LAST, .answer = permit_bytes()},
        {.act = SERVER_LAST, .answer = permit_bytes()},
    };
    const struct server_turn under_way[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
        {.act = SERVER_LAST},
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
    };
    const int results[] = {PAWL_OK, PAWL_OK};
    struct server server;

    (void)state;
    play(&server, last, N(last), results, 2);
    assert_int_equal(server.n_connections, 2);
    server_free(&server);

    play(&server, under_way, N(under_way), results, 2);
    assert_int_equal(server.n_connections, 2);
    assert_int_equal(server.requests[1].len, server.requests[2].len);
    assert_memory_equal(server.requests[1].ptr, server.requests[2].ptr, server.requests[1].len);
    server_free(&server);
}

/* But once, and not on a connection that is new. */
static void closed_for_good(void **state)
{
    const struct server_turn fresh[] = {{.act = SERVER_LAST}};
    const struct server_turn twice[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
        {.act = SERVER_LAST},
        {.act = SERVER_LAST},
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
    };
    const struct server_turn unread[] = {{.act = SERVER_CLOSE}};
    const int results[] = {PAWL_OK, PAWL_ANSWER_MALFORMED, PAWL_OK};
    struct server server;

    (void)state;
    play(&server, fresh, N(fresh), results + 1, 1);
    server_free(&server);
    play(&server, unread, N(unread), results + 1, 1);
    server_free(&server);
    play(&server, twice, N(twice), results, 3);
    assert_int_equal(server.n_connections, 3);
    server_free(&server);
}

/* Nor when some of an answer has come: the question was taken. */
static void closed_within(void **state)
{
    const struct server_turn turns[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
        {.act = SERVER_LAST, .answer = slice_part(permit_bytes(), 0, 5)},
        {.act = SERVER_LAST, .answer = permit_bytes()},
    };
    const int results[] = {PAWL_OK, PAWL_ANSWER_MALFORMED, PAWL_OK};
    struct server server;

    (void)state;
    play(&server, turns, N(turns), results, N(results));
    server_free(&server);
}

/* A permit that comes while the question is still being sent is of something else. */
static void too_early(void **state)
{
    struct pawl_conn conn = {.fd = -1, .state = LINK_READING, .due_ns = UINT64_MAX};
    struct why why = {0};
    bool done = true;
    int pair[2];

    (void)state;
    for (size_t sent = 1; sent < 3; sent++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(write(pair[1], permit.ptr, permit.len), permit.len);
        conn.fd = pair[0];
        conn.state = LINK_READING;
        conn.sent = sent;
        assert_int_equal(buf_add(&conn.out, "xy", 2), ERR_OK);
        assert_int_equal(link_step(&conn, &done, &why), sent < 2 ? ERR_SERVICE_ANSWER : ERR_OK);
        assert_int_equal(done, sent == 2);
        link_drop(&conn);
        (void)close(pair[1]);
    }
}

/* Every beginning of a permit, and then the end. */
static void cut(void **state)
{
    size_t n = permit.len;
    struct server_turn *turns = calloc(n + 1, sizeof *turns);
    struct pawl_conn *conn = NULL;
    struct server server;
    char name[32];

    (void)state;
    for (size_t i = 0; i < n; i++)
        turns[i] =
            (struct server_turn){.act = SERVER_LAST, .answer = slice_part(permit_bytes(), 0, i)};
    turns[n] = (struct server_turn){.act = SERVER_LAST, .answer = permit_bytes()};
    server_begin(&server, turns, n + 1);
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "cut at %zu", i);
        expect(conn, name, PAWL_ANSWER_MALFORMED, 0);
    }
    expect(conn, "whole", PAWL_OK, 1);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
    free(turns);
}

/* What is no answer to this question ends the connection, and the next question has a new one. */
static void wrong_answers(void **state)
{
    static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 75\r\n";
    char other[512], none[512], more[512], close_[512];
    CLEANUP(buf_free) struct buf huge = {0};
    struct server server;

    (void)state;
    assert_int_equal(strlen(PERMIT), 75);
    (void)snprintf(other, sizeof other, "%sX-Request-ID: 00\r\n\r\n%s", ANSWER, PERMIT);
    (void)snprintf(none, sizeof none, "%s\r\n%s", ANSWER, PERMIT);
    (void)snprintf(more, sizeof more, "%sX-Request-ID: $ID\r\n\r\n%sH", ANSWER, PERMIT);
    (void)snprintf(close_, sizeof close_, "%sConnection: close\r\nX-Request-ID: $ID\r\n\r\n%s",
                   ANSWER, PERMIT);
    assert_int_equal(buf_add_str(&huge, "HTTP/1.1 200 OK\r\nX: "), ERR_OK);
    while (huge.len < RESPONSE_HEAD_MAX + 5000)
        assert_int_equal(buf_add_str(&huge, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ERR_OK);
    {
        const struct server_turn turns[] = {
            {.act = SERVER_LAST, .answer = slice_str(other)},
            {.act = SERVER_LAST, .answer = slice_str(none)},
            {.act = SERVER_LAST, .answer = slice_str(more)},
            {.act = SERVER_LAST, .answer = buf_slice(&huge)},
            {.act = SERVER_EARLY, .answer = permit_bytes()},
            {.act = SERVER_LAST, .answer = slice_str("SSH-2.0-OpenSSH_9.2\r\n")},
            {.act = SERVER_LAST, .answer = slice_str(close_)},
            {.act = SERVER_LAST, .answer = permit_bytes()},
        };
        const int results[] = {PAWL_ANSWER_MALFORMED,
                               PAWL_ANSWER_MALFORMED,
                               PAWL_ANSWER_MALFORMED,
                               PAWL_ANSWER_MALFORMED,
                               PAWL_ANSWER_MALFORMED,
                               PAWL_ANSWER_MALFORMED,
                               PAWL_OK,
                               PAWL_OK};

        play(&server, turns, N(turns), results, N(results));
        assert_int_equal(server.n_connections, N(turns));
        server_free(&server);
    }
}

/* What comes while nothing is asked is not the answer to the next question. */
static void unasked(void **state)
{
    const struct server_turn turns[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes()},
        {.act = SERVER_SPEAKS, .answer = permit_bytes()},
        {.act = SERVER_SILENT}, /* sees the end of that connection */
        {.act = SERVER_LAST, .answer = buf_slice(&denial)},
    };
    struct pawl_conn *conn = NULL;
    struct server server;
    struct pollfd pollfd;

    (void)state;
    server_begin(&server, turns, N(turns));
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    expect(conn, "asked", PAWL_OK, 1);
    server_go(&server);
    pollfd = (struct pollfd){.fd = conn->fd, .events = POLLIN};
    assert_int_equal(poll(&pollfd, 1, (int)PATIENT_MS), 1);
    expect(conn, "after it spoke", PAWL_OK, 0);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
}

static void silence(void **state)
{
    const struct server_turn turns[] = {
        {.act = SERVER_SILENT},
        {.act = SERVER_DEAF},
        {.act = SERVER_LAST, .answer = permit_bytes()},
    };
    struct pawl_conn *conn = NULL;
    struct server server;
    int permitted;

    (void)state;
    server_begin(&server, turns, N(turns));
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    assert_int_equal(ask(conn, 30, &permitted), PAWL_DEADLINE);
    assert_int_equal(ask(conn, 30, &permitted), PAWL_DEADLINE);
    expect(conn, "once it speaks", PAWL_OK, 1);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
}

/* A refusal that comes before the question was taken, of 1 MiB that no socket holds. */
static void early_refusal(void **state)
{
    CLEANUP(buf_free) struct buf refusal = {0}, big = {0};
    struct server_turn turns[] = {{.act = SERVER_SPEAKS}, {.act = SERVER_DEAF}};
    struct pawl_answer *answer = NULL;
    struct pawl_conn *conn = NULL;
    struct server server;
    uint8_t *space;

    (void)state;
    assert_int_equal(buf_add_str(&refusal, "HTTP/1.1 413 x\r\nContent-Type: application/json\r\n"
                                           "Content-Length: 21\r\n\r\n{\"error\":\"TOO_LARGE\"}"),
                     ERR_OK);
    turns[0].answer = buf_slice(&refusal);
    assert_int_equal(buf_add_space(&big, 1 << 20, &space), ERR_OK);
    server_begin(&server, turns, N(turns));
    server_go(&server);
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    assert_int_equal(
        pawl_ask(conn, (struct pawl_bytes){big.ptr, big.len}, PATIENT_MS, &answer, NULL), PAWL_OK);
    assert_int_equal(pawl_answer_permitted(answer), 0);
    assert_string_equal(pawl_answer_reason(answer), "TOO_LARGE");
    assert_int_equal(conn->fd, -1); /* the rest of the question is not the next one */
    pawl_answer_free(&answer);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
}

static void without_waiting(void **state)
{
    const struct server_turn turns[] = {
        {.act = SERVER_ANSWER, .answer = permit_bytes(), .piece = 1},
        {.act = SERVER_SILENT},
        {.act = SERVER_LAST, .answer = permit_bytes()},
    };
    struct pawl_answer *answer = NULL;
    struct pawl_conn *conn = NULL;
    struct server server;
    int err;

    (void)state;
    server_begin(&server, turns, N(turns));
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    assert_int_equal(pawl_timeout_ms(conn), -1);
    assert_int_equal(pawl_fd(conn), -1);
    assert_int_equal(pawl_receive(conn, &answer, NULL), PAWL_USAGE);
    assert_int_equal(pawl_send(conn, REQUEST, PATIENT_MS, NULL), PAWL_OK);
    assert_int_equal(pawl_send(conn, REQUEST, PATIENT_MS, NULL), PAWL_USAGE); /* one at a time */
    while ((err = pawl_receive(conn, &answer, NULL)) == PAWL_AGAIN) {
        struct pollfd pollfd = {.fd = pawl_fd(conn), .events = pawl_events(conn)};
        assert_null(answer);
        assert_true(pollfd.fd >= 0 && (fcntl(pollfd.fd, F_GETFD) & FD_CLOEXEC) != 0);
        assert_true((pollfd.events & POLLIN) != 0 && pawl_timeout_ms(conn) > 0);
        (void)poll(&pollfd, 1, pawl_timeout_ms(conn));
    }
    assert_int_equal(err, PAWL_OK);
    assert_int_equal(pawl_answer_permitted(answer), 1);
    pawl_answer_free(&answer);

    assert_int_equal(pawl_send(conn, REQUEST, 0, NULL), PAWL_OK);
    assert_int_equal(pawl_receive(conn, &answer, NULL), PAWL_AGAIN);
    pawl_cancel(conn);
    assert_int_equal(pawl_receive(conn, &answer, NULL), PAWL_USAGE);
    expect(conn, "after a cancelled one", PAWL_OK, 1);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
}

/* With its queue of connections full a service is waited for, without spinning. */
static void full_queue(void **state)
{
    struct pawl_conn *waiting[64] = {0}, *conn = NULL;
    struct pawl_answer *answer = NULL;
    struct server server;
    size_t n = 0;
    int fd;

    (void)state;
    server_begin(&server, NULL, 0);
    do {
        assert_true(n < N(waiting));
        assert_int_equal(pawl_open(server.path, &waiting[n]), PAWL_OK);
    } while (waiting[n++]->fd >= 0);
    conn = waiting[n - 1];
    assert_int_equal(pawl_send(conn, REQUEST, PATIENT_MS, NULL), PAWL_OK);
    assert_int_equal(pawl_receive(conn, &answer, NULL), PAWL_AGAIN);
    assert_int_equal(pawl_fd(conn), -1);
    assert_int_equal(pawl_events(conn), 0);
    assert_in_range(pawl_timeout_ms(conn), 1, 10);
    fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pawl_receive(conn, &answer, NULL), PAWL_AGAIN);
    assert_true(pawl_fd(conn) >= 0);
    (void)close(fd);
    for (size_t i = 0; i < n; i++)
        pawl_close(&waiting[i]);
    server_end(&server);
}

static void wrong_calls(void **state)
{
    static char big[(1 << 20) + 1];
    struct pawl_conn *conn = (void *)(uintptr_t)1;
    struct pawl_answer *answer = NULL;
    struct pawl_why why;
    struct server server;
    char path[200];

    (void)state;
    memset(path, 'a', sizeof path);
    path[108] = '\0';
    assert_int_equal(pawl_open(path, &conn), PAWL_USAGE);
    assert_null(conn);
    assert_int_equal(pawl_open("", &conn), PAWL_USAGE);
    assert_int_equal(pawl_open("/nonexistent/pawl.sock", &conn), PAWL_UNREACHABLE);
    assert_null(conn);
    assert_int_equal(pawl_open("x", NULL), PAWL_USAGE);
    assert_int_equal(pawl_ask(NULL, REQUEST, 0, &answer, &why), PAWL_USAGE);
    pawl_close(&conn);
    pawl_cancel(NULL);

    server_begin(&server, NULL, 0);
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    assert_int_equal(pawl_ask(conn, (struct pawl_bytes){NULL, 0}, 0, &answer, &why), PAWL_USAGE);
    assert_int_equal(pawl_ask(conn, (struct pawl_bytes){big, sizeof big}, 0, &answer, &why),
                     PAWL_TOO_LARGE);
    assert_string_equal(why.text, "a request of 1048577 bytes, the limit is 1048576");
    assert_int_equal(pawl_ask(conn, REQUEST, PAWL_DEADLINE_MAX_MS + 1, &answer, &why), PAWL_USAGE);
    assert_int_equal(pawl_ask(conn, REQUEST, 0, NULL, &why), PAWL_USAGE);
    server_end(&server); /* nobody listens any more */
    pawl_close(&conn);
}

/* The service was stopped, and started again, between two questions. */
static void restarted(void **state)
{
    const struct server_turn turns[] = {{.act = SERVER_LAST, .answer = permit_bytes()}};
    struct pawl_conn *conn = NULL;
    struct server server;

    (void)state;
    server_begin(&server, turns, N(turns));
    assert_int_equal(pawl_open(server.path, &conn), PAWL_OK);
    expect(conn, "before", PAWL_OK, 1);
    server_end(&server);
    server_free(&server);
    expect(conn, "stopped", PAWL_UNREACHABLE, 0);
    pawl_close(&conn);
}

/* Root becomes somebody else, or root again. Others stay who they are. */
static uid_t as_other(bool other)
{
    if (getuid() != 0)
        return getuid();
    assert_int_equal(seteuid(other ? 65534 : 0), 0);
    return 65534;
}

static void expect_untrusted(const char *path, uid_t owner, const char *words)
{
    struct pawl_conn *conn = (void *)(uintptr_t)1;
    struct why why = {0};

    assert_int_equal(client_open_of(path, owner, &conn, &why), ERR_SERVICE_UNTRUSTED);
    assert_null(conn);
    if (strstr(why.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, why.text);
}

/* Who listens is the one to whom the gate belongs, or root: the kernel says so. */
static void whose(void **state)
{
    static const mode_t MODES[] = {0770, 0720, 0702, 01777};
    struct pawl_conn *conn = NULL;
    struct server server;
    struct why why = {0};
    uid_t uid;
    char words[64];

    (void)state;
    uid = as_other(true);
    server_begin(&server, NULL, 0);
    (void)as_other(false);
    (void)snprintf(words, sizeof words, "belongs to uid %u, and the gate to uid %u", uid, uid + 1);
    expect_untrusted(server.path, uid + 1, words);
    for (size_t i = 0; i < N(MODES); i++) {
        assert_int_equal(chmod(server.dir, MODES[i]), 0);
        (void)snprintf(words, sizeof words, "mode %04o", MODES[i]);
        expect_untrusted(server.path, uid, words);
        assert_int_equal(client_open_usual(server.path, &conn, NULL), ERR_SERVICE_UNTRUSTED);
    }
    assert_int_equal(chmod(server.dir, 0755), 0);
    if (getuid() == 0) {
        assert_int_equal(chown(server.dir, 0, 0), 0);
        (void)snprintf(words, sizeof words, "is uid %u, and the gate belongs to uid %u", uid,
                       uid + 1);
        expect_untrusted(server.path, uid + 1, words);
        assert_int_equal(client_open_usual(server.path, &conn, NULL), ERR_SERVICE_UNTRUSTED);
        assert_int_equal(chown(server.dir, uid, (gid_t)-1), 0);
    }
    assert_int_equal(client_open_of(server.path, uid, &conn, &why), ERR_OK);
    pawl_close(&conn);
    assert_int_equal(client_open_usual(server.path, &conn, &why), ERR_OK);
    pawl_close(&conn);
    server_end(&server);
}

/* Looked at each time that it is connected to. */
static void whose_next(void **state)
{
    const struct server_turn turns[] = {{.act = SERVER_LAST, .answer = permit_bytes()}};
    struct pawl_conn *conn = NULL;
    struct server server;
    uid_t uid;

    (void)state;
    uid = as_other(true);
    server_begin(&server, turns, N(turns));
    (void)as_other(false);
    assert_int_equal(client_open_of(server.path, uid, &conn, NULL), ERR_OK);
    expect(conn, "his", PAWL_OK, 1);
    conn->owner = uid + 1;
    expect(conn, "another's", PAWL_UNTRUSTED, 0);
    pawl_close(&conn);
    server_end(&server);
    server_free(&server);
}

static void errors(void **state)
{
    (void)state;
    assert_string_equal(pawl_errname(PAWL_OK), "OK");
    assert_string_equal(pawl_errname(PAWL_DEADLINE), "DEADLINE");
    assert_string_equal(pawl_errname(PAWL_AGAIN), "AGAIN");
    assert_string_equal(pawl_errname(12345), "INTERNAL");
    assert_true(strlen(pawl_strerror(PAWL_UNREACHABLE)) > 10);
    assert_true(strlen(pawl_strerror(-77)) > 10);
    assert_string_equal(pawl_version(), PAWL_VERSION);
}

static int make(void **state)
{
    (void)state;
    permit = server_answer("200 OK", PERMIT);
    denial = server_answer("200 OK", DENIAL);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    buf_free(&permit);
    buf_free(&denial);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection),  cmocka_unit_test(closed_between),
        cmocka_unit_test(closed_for_good), cmocka_unit_test(cut),
        cmocka_unit_test(closed_within),   cmocka_unit_test(too_early),
        cmocka_unit_test(wrong_answers),   cmocka_unit_test(unasked),
        cmocka_unit_test(silence),         cmocka_unit_test(early_refusal),
        cmocka_unit_test(without_waiting), cmocka_unit_test(full_queue),
        cmocka_unit_test(wrong_calls),     cmocka_unit_test(restarted),
        cmocka_unit_test(whose),           cmocka_unit_test(whose_next),
        cmocka_unit_test(errors),
    };

    return cmocka_run_group_tests(tests, make, unmake);
}
