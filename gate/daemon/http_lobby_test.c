/* SPDX-License-Identifier: Apache-2.0 */
/* Those who come over TLS and show no certificate, beside somebody who has one. */
#include "gate/daemon/http_testing.h"
#include "gate/daemon/lobby.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CROWD 6

static const char HALF[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"; /* of a first message */
static unsigned told;

static void tell(const char *text)
{
    told += strstr(text, "refused 127.0.0.1: ") != NULL;
}

static uint64_t refused(enum lobby_reason reason)
{
    return http_lobby(testing.http)->refused[reason];
}

static void served(void)
{
    static struct answer_text answer;
    int fd = testing_dial();

    testing_say_text(fd, GET_HELLO);
    testing_hear(fd, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(fd);
}

/* Until the other end is gone. */
static void wait_end(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, MSG_DONTWAIT) != 0)
        testing_turn();
}

static void deadline(void **state)
{
    int fds[CROWD];

    (void)state;
    testing.handshake = 3;
    testing_serve(16, 600);
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = testing_dial();
        if (i % 2 == 0)
            assert_int_equal(send(fds[i], HALF, sizeof HALF - 1, 0), sizeof HALF - 1);
    }
    served();
    for (size_t i = 0; i < CROWD; i++)
        wait_end(fds[i]);
    while (refused(LOBBY_DEADLINE) < CROWD)
        testing_turn();
    served();
    assert_int_equal(refused(LOBBY_DEADLINE), CROWD);
    assert_int_equal(told, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        (void)close(fds[i]);
    testing_leave();
}

/* Who has shown his certificate has longer than the deadline to ask. */
static void no_deadline(void **state)
{
    static struct answer_text answer;
    struct timespec begun, now;
    int fd;

    (void)state;
    testing.handshake = 3;
    testing_serve(16, 600);
    fd = testing_dial();
    testing_say(fd, GET_HELLO, 5);
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        testing_turn();
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < begun.tv_sec + 5);
    testing_say_text(fd, &GET_HELLO[5]);
    testing_hear(fd, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(fd);
    testing_leave();
}

static void room(void **state)
{
    int fds[CROWD];

    (void)state;
    testing.handshake = 600;
    testing_serve(8, 600); /* half of them may be strangers */
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = testing_dial();
        for (size_t k = 0; k < 8; k++)
            testing_turn();
    }
    wait_end(fds[0]);
    wait_end(fds[1]);
    while (refused(LOBBY_ROOM) < 2)
        testing_turn();
    assert_int_equal(refused(LOBBY_ROOM), 2);
    served();
    for (size_t i = 0; i < CROWD; i++)
        (void)close(fds[i]);
    testing_leave();
}

/* The alert that somebody gets who shows no certificate. */
static int knock(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int fd = testing_dial(), reason;
    char byte;

    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    SSL_set_connect_state(ssl);
    for (int n = -1, error = SSL_ERROR_NONE; error != SSL_ERROR_SSL;) {
        testing_turn();
        n = SSL_read(ssl, &byte, 1);
        error = SSL_get_error(ssl, n);
        assert_true(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_SSL);
    }
    reason = ERR_GET_REASON(ERR_peek_last_error());
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return reason;
}

static void rate(void **state)
{
    const struct lobby_end end = {LOBBY_AUTHORITY, true, NULL};
    struct lobby_who who = {.text = "127.0.0.1"};
    struct timespec now;

    (void)state;
    testing_serve(16, 600);
    assert_int_equal(knock(), SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
    while (refused(LOBBY_NO_CERTIFICATE) < 1)
        testing_turn();
    served();

    /* As if that many had been here. */
    memcpy(who.key, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", sizeof who.key);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    for (size_t i = 0; i < 10000; i++)
        lobby_refuse((struct lobby *)(uintptr_t)http_lobby(testing.http), &who, &end,
                     (uint64_t)now.tv_sec * 1000000000u);
    assert_int_equal(knock(), SSL_R_TLSV1_ALERT_ACCESS_DENIED);
    while (refused(LOBBY_RATE) < 1)
        testing_turn();
    assert_int_equal(refused(LOBBY_NO_CERTIFICATE), 1);
    testing_leave();
}

static int setup(void **state)
{
    (void)state;
    told = 0;
    testing.tell = tell;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(deadline, setup),
        cmocka_unit_test_setup(no_deadline, setup),
        cmocka_unit_test_setup(room, setup),
        cmocka_unit_test_setup(rate, setup),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the service does */
    testing.over_tls = true;
    return cmocka_run_group_tests(tests, testing_make_dir, testing_remove_dir);
}
