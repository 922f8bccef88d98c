/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients, and those who send or take too much: who has to go, and that others are served. */
#include "gate/daemon/http_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct http_call *all_kept[16];

/* Where as many are as may be, whoever comes gets the place of the one that is idle for longest. */
static void crowd(void **state)
{
    static struct answer_text answer;
    int fds[4];

    (void)state;
    testing_serve(2, 0);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = testing_dial();
        testing_say(fds[i], GET_HELLO, i == 0 ? 5 : strlen(GET_HELLO));
        if (i > 0)
            testing_hear(fds[i], &answer);
    }
    assert_int_equal(testing.served, 3);
    for (size_t i = 0; i < 2; i++) {
        answer = (struct answer_text){0};
        testing_hear_end(fds[i], &answer);
        assert_int_equal(answer.len, 0);
    }
    testing_say_text(fds[3], GET_HELLO);
    testing_hear(fds[3], &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    testing_leave();
}

/* Whoever is at work is not sent away; who comes then waits outside. */
static void crowd_at_work(void **state)
{
    static struct answer_text answer;
    int workers[2], waiter;

    (void)state;
    if (testing.over_tls)
        testing_skip("over TLS who waits outside cannot say anything");
    testing_serve(2, 0);
    for (size_t i = 0; i < 2; i++) {
        workers[i] = testing_dial();
        testing_say_text(workers[i], GET_LATER);
        while (testing.served == i)
            testing_turn();
        all_kept[i] = testing.kept;
    }
    waiter = testing_dial();
    testing_say_text(waiter, GET_HELLO);
    for (size_t i = 0; i < 100; i++)
        testing_turn();
    assert_int_equal(testing.served, 2);
    for (size_t i = 0; i < 2; i++)
        http_answer(all_kept[i], 200, json_object());
    testing_hear(waiter, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    for (size_t i = 0; i < 2; i++) {
        testing_hear(workers[i], &answer);
        assert_int_equal(testing_status_of(&answer), 200);
        (void)close(workers[i]);
    }
    (void)close(waiter);
    testing_leave();
}

/* Of eight places one caller may have six at work. */
static void share(void **state)
{
    static struct answer_text answer;
    int fds[7];

    (void)state;
    testing_serve(8, 0);
    for (size_t i = 0; i < 7; i++) {
        fds[i] = testing_dial();
        testing_say_text(fds[i], GET_LATER);
        while (i < 6 && testing.served == i)
            testing_turn();
        all_kept[i] = testing.kept;
    }
    testing_hear(fds[6], &answer);
    assert_int_equal(testing_status_of(&answer), 503);
    assert_non_null(strstr(answer.bytes, "OVERLOADED"));
    assert_non_null(strstr(answer.bytes, "Retry-After"));
    for (size_t i = 0; i < 6; i++)
        http_answer(all_kept[i], 200, json_object());
    testing_say_text(fds[6], GET_HELLO);
    testing_hear(fds[6], &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    for (size_t i = 0; i < 7; i++)
        (void)close(fds[i]);
    testing_leave();
}

/* Who has shown no certificate makes room for others like himself, not for the one who has. */
static void unknown(void **state)
{
    static struct answer_text answer;
    int honest, silent[3], late;

    (void)state;
    if (!testing.over_tls)
        testing_skip("without TLS there is nobody who is not known");
    testing_serve(4, 0);
    honest = testing_dial();
    testing_say_text(honest, GET_HELLO);
    testing_hear(honest, &answer);
    for (size_t i = 0; i < 3; i++)
        silent[i] = testing_dial();
    late = testing_dial();
    testing_say_text(late, GET_HELLO);
    testing_hear(late, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    testing_say_text(honest, GET_HELLO);
    testing_hear(honest, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    for (size_t i = 0; i < 3; i++)
        (void)close(silent[i]);
    (void)close(honest);
    (void)close(late);
    testing_leave();
}

/* ---- users ----------------------------------------------------------------------------------- */

enum { FIRST = 4001, SECOND = 4002, THIRD = 4003 };

static void need_users(void)
{
    if (testing.over_tls)
        testing_skip("over TLS there are no users");
    if (geteuid() != 0)
        testing_skip("only root can be several users");
}

/* A request that is kept at work, or refused. */
static int work_as(uid_t uid, unsigned *ret_working)
{
    static struct answer_text answer;
    unsigned before = testing.served;
    int fd = testing_dial_as(uid);

    testing_say_text(fd, GET_LATER);
    answer = (struct answer_text){0};
    while (testing.served == before && answer.len == 0) {
        assert_false(answer.closed);
        testing_turn();
        testing_hear_once(fd, &answer);
    }
    if (testing.served > before)
        all_kept[(*ret_working)++] = testing.kept;
    return fd;
}

static void served_as(uid_t uid)
{
    static struct answer_text answer;
    int fd = testing_dial_as(uid);

    testing_say_text(fd, GET_HELLO);
    testing_hear(fd, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(fd);
}

static void end_work(unsigned working, const int *fds, size_t n)
{
    for (unsigned i = 0; i < working; i++)
        http_answer(all_kept[i], 200, json_object());
    for (size_t i = 0; i < n; i++)
        (void)close(fds[i]);
    testing_leave();
}

/* Two users who want all of it, at work and idle, leave a place for the request of a third. */
static void three_at_work(void **state)
{
    unsigned of_first = 0, working = 0;
    int fds[16];

    (void)state;
    need_users();
    testing_serve(8, 0);
    for (size_t i = 0; i < 8; i++)
        fds[i] = work_as(FIRST, &of_first);
    assert_int_equal(of_first, 6);
    working = of_first;
    for (size_t i = 8; i < 16; i++)
        fds[i] = work_as(SECOND, &working);
    assert_int_equal(working, of_first + 1);
    served_as(THIRD);
    end_work(working, fds, 16);
}

/* Whoever has most may have nothing but requests at work: then the one after him makes room. */
static void three_idle(void **state)
{
    unsigned working = 0;
    int fds[8];

    (void)state;
    need_users();
    testing_serve(8, 0);
    for (size_t i = 0; i < 5; i++)
        fds[i] = work_as(FIRST, &working);
    assert_int_equal(working, 5);
    for (size_t i = 5; i < 8; i++) {
        fds[i] = testing_dial_as(SECOND);
        testing_say(fds[i], GET_HELLO, 5);
    }
    while (http_connections(testing.http, CALLER_AGENT) < 8)
        testing_turn();
    served_as(THIRD);
    end_work(working, fds, 8);
}

static void opens_and_closes(uid_t uid)
{
    if (seteuid(uid) != 0)
        _exit(1);
    for (;;)
        (void)close(testing_dial());
}

static void asks_often(uid_t uid)
{
    static char bytes[4096];

    for (size_t i = 0; i < 50; i++) {
        int fd = testing_dial_as(uid);
        if (send(fd, GET_HELLO, strlen(GET_HELLO), MSG_NOSIGNAL) < 0 ||
            recv(fd, bytes, sizeof bytes, 0) <= 0)
            _exit(1);
        (void)close(fd);
    }
    _exit(0);
}

static pid_t child(void (*run)(uid_t uid), uid_t uid)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        run(uid);
    return pid;
}

/* Two who open and close connections at full speed; somebody else is served every time, and as many
 * connections as ever are kept. */
static void flood(void **state)
{
    pid_t floods[2], honest;
    int status = -1;

    (void)state;
    need_users();
    testing_serve(8, 0);
    for (size_t i = 0; i < 2; i++)
        floods[i] = child(opens_and_closes, FIRST + (uid_t)i);
    honest = child(asks_often, THIRD);
    while (waitpid(honest, &status, WNOHANG) == 0) {
        testing_turn();
        assert_in_range(http_connections(testing.http, CALLER_AGENT), 0, 8);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(kill(floods[i], SIGKILL), 0);
        assert_int_equal(waitpid(floods[i], NULL, 0), floods[i]);
    }
    assert_int_equal(status, 0);
    assert_int_equal(testing.served, 50);
    testing_leave();
}

/* What stands in the way of who never reads: neither requests nor answers pile up. */
static void never_reads(void **state)
{
    static struct answer_text answer;
    static char many[64 * (sizeof GET_HELLO - 1)];
    size_t sent = 0;
    int deaf, honest;

    (void)state;
    testing_serve(0, 0);
    for (size_t i = 0; i < 64; i++)
        memcpy(many + i * (sizeof GET_HELLO - 1), GET_HELLO, sizeof GET_HELLO - 1);
    deaf = testing_dial();
    for (unsigned idle = 0; idle < 1000; idle++) {
        bool over;
        ssize_t n = testing_send(deaf, many, sizeof many, &over);
        testing_turn();
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        assert_true(sent < (size_t)64 << 20);
    }
    honest = testing_dial();
    testing_say_text(honest, GET_HELLO);
    testing_hear(honest, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(deaf);
    (void)close(honest);
    testing_leave();
}

/* Requests behind one another, in any parts, are answered in order. */
static void pipelined(void **state)
{
    static const char POST[] = "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4\r\n\r\nabcd"
                               "POST /echo HTTP/1.1\r\n" H JSON
                               "Transfer-Encoding: chunked\r\n\r\n3\r\nefg\r\n1\r\nh\r\n0\r\n\r\n"
                               "GET /hello HTTP/1.1\r\n" H "\r\n"
                               "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n";
    static struct answer_text answer;

    (void)state;
    testing_serve(0, 0);
    for (size_t part = 1; part <= sizeof POST; part++) {
        int fd = testing_dial();
        testing.served = 0;
        for (size_t at = 0; at < sizeof POST - 1; at += part)
            testing_say(fd, POST + at, at + part < sizeof POST ? part : sizeof POST - 1 - at);
        answer = (struct answer_text){0};
        testing_hear_end(fd, &answer);
        if (testing.served != 4 || strstr(strstr(answer.bytes, "abcd"), "efgh") == NULL)
            fail_msg("in parts of %zu: %u testing.served: %s", part, testing.served, answer.bytes);
        (void)close(fd);
    }
    testing_leave();
}

/* Bodies that are not finished: of all that is testing.kept, the largest goes. */
static void too_much(void **state)
{
    static const char HEAD[] = "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4096\r\n\r\n";
    static char body[4096];
    static struct answer_text answer;
    int fds[16], honest;
    unsigned gone = 0;

    (void)state;
    testing_serve(0, 0);
    memset(body, 'x', sizeof body);
    honest = testing_dial();
    testing_say(honest, GET_HELLO, 10);
    for (size_t i = 0; i < 16; i++) {
        fds[i] = testing_dial();
        testing_say_text(fds[i], HEAD);
        testing_say(fds[i], body, 3000 + i);
    }
    for (size_t k = 0; k < 100; k++)
        testing_turn(); /* handshakes take some */
    for (size_t i = 0; i < 16; i++) {
        answer = (struct answer_text){0};
        for (size_t k = 0; k < 10; k++)
            testing_turn();
        testing_hear_once(fds[i], &answer);
        gone += answer.closed;
        (void)close(fds[i]);
    }
    assert_in_range(gone, 16 - TOTAL / 3000, 16 - TOTAL / 4096 + 2);
    testing_say_text(honest, &GET_HELLO[10]);
    testing_hear(honest, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(honest);
    testing_leave();
}

/* With "tls": the same over TLS. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crowd),         cmocka_unit_test(crowd_at_work), cmocka_unit_test(share),
        cmocka_unit_test(three_at_work), cmocka_unit_test(three_idle),    cmocka_unit_test(flood),
        cmocka_unit_test(never_reads),   cmocka_unit_test(pipelined),     cmocka_unit_test(unknown),
        cmocka_unit_test(too_much),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the service does */
    testing.over_tls = argc > 1 && strcmp(argv[1], "tls") == 0;
    return cmocka_run_group_tests(tests, testing_make_dir, testing_remove_dir);
}
