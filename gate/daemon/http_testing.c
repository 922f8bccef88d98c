/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/http_testing.h"

#include "gate/base/dir_testing.h"
#include "gate/daemon/tls_testing.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define FDS 256

static char dir[64];
static struct sockaddr_un address;
static struct sockaddr_in port;
static struct tls_testing files;
static struct x509_test_party client;
static struct tls *tls;
static SSL_CTX *client_ctx;
static SSL *links[FDS]; /* by descriptor */
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
    {"/hello", HTTP_DELETE, HTTP_AGENTS | HTTP_ENFORCEMENT, NULL, hello},
    {"/admin", HTTP_GET, HTTP_ADMIN, NULL, hello},
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
    assert_int_equal(chmod(dir, 0711), 0);
    assert_int_equal(chmod(address.sun_path, 0666), 0);
    return fd;
}

static int listener_of_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof port;

    assert_true(fd >= 0);
    port = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&port, sizeof port), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&port, &len), 0);
    return fd;
}

static void listen_with_tls(void)
{
    const struct tls_files named = tls_testing_files(&files);
    struct why why = {0};

    if (tls_new(&named, &tls, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(http_listen_tls(testing.http, listener_of_port(), tls), ERR_OK);
}

void testing_skip(const char *why)
{
    (void)fprintf(stderr, "skipped: %s\n", why);
    skip();
}

void testing_serve(unsigned connections, unsigned seconds)
{
    const struct http_limits limits = {.connections = connections,
                                       .seconds = seconds,
                                       .body = BODY_MAX,
                                       .body_admin = 4 * BODY_MAX,
                                       .total = TOTAL,
                                       .handshake = testing.handshake,
                                       .tell = testing.tell};

    testing.base = event_base_new();
    assert_int_equal(http_new(testing.base, &limits, &testing.http), ERR_OK);
    assert_int_equal(http_add(testing.http, ROUTES, FIRST), ERR_OK);
    if (testing.over_tls)
        listen_with_tls();
    else
        assert_int_equal(http_listen(testing.http, listener(), testing.door), ERR_OK);
    testing.served = 0;
}

void testing_leave(void)
{
    http_free(&testing.http);
    tls_free(&tls);
    event_base_free(testing.base);
}

void testing_turn(void)
{
    assert_true(event_base_loop(testing.base, EVLOOP_NONBLOCK) >= 0);
}

/* ---- a client -------------------------------------------------------------------------------- */

static int dial_with_tls(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_in_range(fd, 0, FDS - 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&port, sizeof port), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    SSL_free(links[fd]); /* of one that was closed */
    links[fd] = SSL_new(client_ctx);
    assert_non_null(links[fd]);
    assert_int_equal(SSL_set_fd(links[fd], fd), 1);
    SSL_set_connect_state(links[fd]);
    return fd;
}

int testing_dial(void)
{
    int fd;

    if (testing.over_tls)
        return dial_with_tls();
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* What OpenSSL says of a call, as a socket would. */
static ssize_t result_of(SSL *ssl, int n, bool *ret_over)
{
    int error = SSL_get_error(ssl, n);

    *ret_over =
        error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return n > 0 ? n : -1;
}

ssize_t testing_send(int fd, const char *bytes, size_t len, bool *ret_over)
{
    ssize_t n;

    if (testing.over_tls)
        return result_of(links[fd], SSL_write(links[fd], bytes, (int)len), ret_over);
    n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    *ret_over = n < 0 && errno != EAGAIN;
    return n;
}

static ssize_t receive(int fd, char *bytes, size_t len, bool *ret_over)
{
    ssize_t n;

    if (testing.over_tls)
        return result_of(links[fd], SSL_read(links[fd], bytes, (int)len), ret_over);
    n = recv(fd, bytes, len, MSG_DONTWAIT);
    *ret_over = n == 0 || (n < 0 && errno != EAGAIN);
    return n;
}

int testing_dial_as(uid_t uid)
{
    int fd;

    assert_int_equal(seteuid(uid), 0);
    fd = testing_dial();
    assert_int_equal(seteuid(0), 0);
    return fd;
}

/* Whoever refuses early does not read the rest. */
void testing_say(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        bool over;
        ssize_t n = testing_send(fd, bytes, len, &over);
        testing_turn();
        if (over)
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
    bool over;
    ssize_t n = receive(fd, a->bytes + a->len, sizeof a->bytes - 1 - a->len, &over);

    if (n > 0)
        a->len += (size_t)n;
    a->closed = a->closed || over;
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
    if (!testing.over_tls)
        return 0;
    tls_testing_make(dir, &files);
    tls_testing_party(&files.authority, "CN=client", TLS_TEST_CLIENT, 3600, &client);
    tls_testing_allow(&files, &client);
    client_ctx = tls_testing_client(&files, &client);
    return 0;
}

int testing_remove_dir(void **state)
{
    (void)state;
    for (size_t i = 0; i < FDS; i++)
        SSL_free(links[i]);
    SSL_CTX_free(client_ctx);
    x509_test_party_free(&client);
    tls_testing_free(&files);
    testing_remove(dir);
    return 0;
}
