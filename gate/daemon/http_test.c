/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as clients send it, well and badly: raw bytes into a Unix socket, and what comes back.
 * Server and client take turns in one thread. */
#include "gate/base/dir_testing.h"
#include "gate/daemon/http.h"

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

#define H "Host: gate\r\n"
#define JSON "Content-Type: application/json\r\n"
#define GET_HELLO "GET /hello HTTP/1.1\r\n" H "\r\n"
#define GET_LATER "GET /later HTTP/1.1\r\n" H "\r\n"
#define BODY_MAX 4096
#define ANSWER_MAX 65536

static char dir[64];
static struct sockaddr_un address;
static struct event_base *base;
static struct http *http;
static struct http_call *kept; /* by /later */
static unsigned served;
static char FIRST[] = "first";
static enum caller_kind door = CALLER_AGENT;

/* ---- the server ------------------------------------------------------------------------------ */

static void echo(struct http_call *call, void *ctx)
{
    (void)ctx;
    served++;
    http_answer_bytes(call, 200, "application/json", http_body(call));
}

static void hello(struct http_call *call, void *ctx)
{
    served++;
    http_answer(call, 200,
                json_pack("{s:s, s:s, s:i}", "path", http_path(call), "ctx", ctx, "uid",
                          (int)http_caller(call)->uid));
}

static void later(struct http_call *call, void *ctx)
{
    (void)ctx;
    served++;
    kept = call;
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

static void serve(unsigned connections, unsigned seconds)
{
    const struct http_limits limits = {connections, seconds, BODY_MAX, 4 * BODY_MAX};

    base = event_base_new();
    assert_int_equal(http_new(base, &limits, &http), ERR_OK);
    assert_int_equal(http_add(http, ROUTES, FIRST), ERR_OK);
    assert_int_equal(http_listen(http, listener(), door), ERR_OK);
    served = 0;
}

static void leave(void)
{
    http_free(&http);
    event_base_free(base);
}

static void turn(void)
{
    assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

/* ---- a client -------------------------------------------------------------------------------- */

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whoever refuses early does not read the rest. */
static void say(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        turn();
        if (n < 0 && errno != EAGAIN)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

static void say_text(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

struct answer_text {
    char bytes[ANSWER_MAX];
    size_t len;
    bool closed;
};

static bool is_whole(const struct answer_text *a)
{
    const char *end = strstr(a->bytes, "\r\n\r\n"), *length = strstr(a->bytes, "Content-Length: ");

    return end != NULL && length != NULL && length < end &&
           a->len >= (size_t)(end + 4 - a->bytes) + strtoul(length + 16, NULL, 10);
}

static void hear_once(int fd, struct answer_text *a)
{
    ssize_t n = recv(fd, a->bytes + a->len, sizeof a->bytes - 1 - a->len, MSG_DONTWAIT);

    if (n > 0)
        a->len += (size_t)n;
    a->closed = a->closed || n == 0 || (n < 0 && errno != EAGAIN);
    a->bytes[a->len] = '\0';
}

/* Until there is an answer, or the end. */
static void hear(int fd, struct answer_text *ret)
{
    *ret = (struct answer_text){0};
    while (!ret->closed && !is_whole(ret)) {
        turn();
        hear_once(fd, ret);
    }
}

static void hear_end(int fd, struct answer_text *a)
{
    while (!a->closed) {
        turn();
        hear_once(fd, a);
    }
}

static int status_of(const struct answer_text *a)
{
    return strncmp(a->bytes, "HTTP/1.", 7) == 0 ? (int)strtoul(a->bytes + 9, NULL, 10) : 0;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *request;
    int status;       /* 4: any refusal: libevent's own, which differ between versions */
    const char *part; /* of the answer */
    bool closes;      /* nothing behind it is read */
} CASES[] = {
    {"get", "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "\"ctx\":\"first\"", false},
    {"delete", "DELETE /hello HTTP/1.1\r\n" H "\r\n", 200, "/hello", false},
    {"query", "GET /hello?a=b HTTP/1.1\r\n" H "\r\n", 200, "\"path\":\"/hello\"", false},
    {"below", "GET /below/a/b HTTP/1.1\r\n" H "\r\n", 200, "\"path\":\"/below/a/b\"", false},
    {"only below", "GET /below/ HTTP/1.1\r\n" H "\r\n", 404, "NOT_FOUND", false},
    {"nothing there", "GET /hell HTTP/1.1\r\n" H "\r\n", 404, "NOT_FOUND", false},
    {"more than the path", "GET /hello/ HTTP/1.1\r\n" H "\r\n", 404, "NOT_FOUND", false},
    {"encoded path", "GET /%68ello HTTP/1.1\r\n" H "\r\n", 404, "NOT_FOUND", false},
    {"other socket", "GET /admin HTTP/1.1\r\n" H "\r\n", 403, "CALLER_REFUSED", false},
    {"method", "POST /hello HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 405,
     "Allow: GET, DELETE\r\n", false},
    {"put", "PUT /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 405, "Allow: POST\r\n", false},
    {"unknown method", "BREW /echo HTTP/1.1\r\n" H "\r\n", 501, "", true},
    {"post", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4\r\n\r\nabcd", 200, "\r\n\r\nabcd",
     false},
    {"chunked",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
     "2\r\ncd\r\n0\r\n\r\n",
     200, "\r\n\r\nabcd", false},
    {"parameters of the type",
     "POST /echo HTTP/1.1\r\n" H "Content-Type: Application/JSON ; charset=utf-8\r\n"
     "Content-Length: 2\r\n\r\n{}",
     200, "{}", false},
    {"no type", "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 415, "REQUEST_MALFORMED",
     false},
    {"other type",
     "POST /echo HTTP/1.1\r\n" H "Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n{}",
     415, "REQUEST_MALFORMED", false},
    {"id", "GET /hello HTTP/1.1\r\n" H "x-request-id: a-1\r\n\r\n", 200, "X-Request-ID: a-1\r\n",
     false},
    {"id of a refusal", "GET /x HTTP/1.1\r\n" H "X-Request-ID: a-1\r\n\r\n", 404,
     "X-Request-ID: a-1\r\n", false},
    {"empty id", "GET /hello HTTP/1.1\r\n" H "X-Request-ID:\r\n\r\n", 400, "X-Request-ID", true},
    {"HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200, "first", true},
    {"asked to close", "GET /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, "first", true},

    {"length and coding",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     4, "", true},
    {"two lengths",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400,
     "more than one", true},
    {"the same length twice",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400,
     "more than one", true},
    {"two codings",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
     "0\r\n\r\n",
     4, "", true},
    {"another coding",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: gzip\r\nConnection: x\r\n\r\n", 400,
     "chunked", true},
    {"length with a sign", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: +2\r\n\r\n{}", 400,
     "not a number", true},
    {"length in hex", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 0x2\r\n\r\n", 400, "",
     true},
    {"negative length", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: -1\r\n\r\n", 400, "",
     true},
    {"space before the colon",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length : 2\r\nConnection: x\r\n\r\n", 400,
     "well-formed", true},
    {"header without a name", "GET /hello HTTP/1.1\r\n" H ": x\r\n\r\n", 400, "well-formed", true},
    {"header without a colon", "GET /hello HTTP/1.1\r\n" H "x\r\n\r\n", 4, "", true},
    {"control character", "GET /hello HTTP/1.1\r\n" H "X: a\x01z\r\n\r\n", 400, "well-formed",
     true},
    {"two hosts", "GET /hello HTTP/1.1\r\n" H H "\r\n", 400, "more than one", true},
    {"two ids", "GET /hello HTTP/1.1\r\n" H "X-Request-ID: a\r\nX-Request-ID: b\r\n\r\n", 400,
     "more than one", true},
    {"no slash", "GET hello HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"of a proxy", "GET http://gate/hello HTTP/1.1\r\n" H "\r\n", 400, "slash", true},
    {"a tunnel", "CONNECT gate:80 HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"all", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"no version", "GET /hello\r\n\r\n", 4, "", true},
    {"not HTTP", "\x16\x03\x01\x02\r\n\r\n", 4, "", true},
    {"declared too large", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4097\r\n\r\n", 413, "",
     true},
    {"chunk too large",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n"
     "1001\r\n",
     4, "", true},
    {"a chunk's length that is none",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 4, "", true},
};

/* What is sent behind a request: one of its own, or nothing at all. */
static bool goes_on(int fd, bool closes)
{
    static struct answer_text answer;

    answer = (struct answer_text){0};
    if (closes) {
        hear_end(fd, &answer);
        return answer.len == 0;
    }
    say_text(fd, GET_HELLO);
    hear(fd, &answer);
    return status_of(&answer) == 200;
}

static void requests(void **state)
{
    static struct answer_text answer;
    size_t wrong = 0;

    (void)state;
    serve(0, 0);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int fd = dial();
        say_text(fd, CASES[i].request);
        hear(fd, &answer);
        int status = CASES[i].status == 4 ? status_of(&answer) / 100 : status_of(&answer);
        if (status != CASES[i].status || strstr(answer.bytes, CASES[i].part) == NULL ||
            !goes_on(fd, CASES[i].closes)) {
            print_error("%s: got \"%s\", wanted %d with \"%s\"\n", CASES[i].name, answer.bytes,
                        CASES[i].status, CASES[i].part);
            wrong++;
        }
        (void)close(fd);
    }
    leave();
    assert_int_equal(wrong, 0);
}

/* Every beginning of a request, and then the end: nothing is served, nothing is lost. */
static void cut(void **state)
{
    static const char WHOLE[] =
        "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4\r\nX-Request-ID: 1\r\n\r\nabcd";
    static struct answer_text answer;

    (void)state;
    serve(0, 0);
    for (size_t len = 0; len < sizeof WHOLE - 1; len++) {
        int fd = dial();
        say(fd, WHOLE, len);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        answer = (struct answer_text){0};
        hear_end(fd, &answer);
        if (served != 0)
            fail_msg("%zu of %zu bytes were served", len, sizeof WHOLE - 1);
        (void)close(fd);
    }
    leave();
}

/* The head's limit, in one header and in many; and a body of exactly what may be. */
static void sizes(void **state)
{
    static struct answer_text answer;
    static char bytes[4 * HTTP_HEAD_MAX];
    int fd, len;

    (void)state;
    serve(0, 0);
    memset(bytes, 'x', sizeof bytes);
    fd = dial();
    say(fd, "GET /hello HTTP/1.1\r\nX: ", 24);
    say(fd, bytes, HTTP_HEAD_MAX);
    hear(fd, &answer);
    assert_in_range(status_of(&answer), 400, 431);
    (void)close(fd);

    fd = dial();
    say(fd, "GET /hello HTTP/1.1\r\n", 21);
    for (size_t i = 0; i < HTTP_HEAD_MAX / 2; i++)
        say(fd, "X:1\r\n", 5);
    hear(fd, &answer);
    assert_in_range(status_of(&answer), 400, 431);
    (void)close(fd);

    fd = dial();
    len = snprintf(bytes, sizeof bytes,
                   "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: %d\r\n\r\n%0*d", BODY_MAX,
                   BODY_MAX, 0);
    say(fd, bytes, (size_t)len);
    hear(fd, &answer);
    assert_int_equal(status_of(&answer), 200);
    (void)close(fd);
    assert_int_equal(served, 1);
    leave();
}

static int post(const char *path, size_t len)
{
    static struct answer_text answer;
    static char bytes[5 * BODY_MAX];
    int head = snprintf(bytes, sizeof bytes,
                        "POST %s HTTP/1.1\r\n" H JSON "Content-Length: %zu\r\n\r\n", path, len);
    int fd = dial();

    memset(bytes + head, '0', len);
    say(fd, bytes, (size_t)head + len);
    hear(fd, &answer);
    (void)close(fd);
    return status_of(&answer);
}

/* Administrators send more, where it is wanted. */
static void larger(void **state)
{
    (void)state;
    door = CALLER_ADMIN;
    serve(0, 0);
    assert_int_equal(post("/bundle", 4 * BODY_MAX), 200);
    assert_int_equal(post("/bundle", 4 * BODY_MAX + 1), 413);
    assert_int_equal(post("/echo", BODY_MAX), 200);
    assert_int_equal(post("/echo", BODY_MAX + 1), 413);
    assert_int_equal(served, 2);
    leave();
    door = CALLER_AGENT;
    serve(0, 0);
    assert_int_equal(post("/bundle", BODY_MAX + 1), 413);
    assert_int_equal(post("/bundle", BODY_MAX), 403);
    assert_int_equal(served, 0);
    leave();
}

/* A byte now and then keeps nobody, nor does silence; whoever waits for his answer is not hurried.
 */
static void slow(void **state)
{
    static struct answer_text answer, waiting;
    int drip, silent, waiter;

    (void)state;
    serve(0, 1);
    drip = dial();
    silent = dial();
    waiter = dial();
    say_text(waiter, GET_LATER);
    say(drip, "GET /hello HTTP/1.1\r\nX: ", 24);
    answer = waiting = (struct answer_text){0};
    while (!answer.closed) {
        say(drip, "x", 1);
        (void)usleep(20000);
        hear_once(drip, &answer);
    }
    answer = (struct answer_text){0};
    hear_end(silent, &answer);
    assert_int_equal(answer.len, 0);
    (void)usleep(1500000);
    turn();
    hear_once(waiter, &waiting);
    assert_false(waiting.closed);
    assert_non_null(kept);
    http_answer(kept, 200, json_object());
    hear(waiter, &waiting);
    assert_int_equal(status_of(&waiting), 200);
    (void)close(drip);
    (void)close(silent);
    (void)close(waiter);
    assert_int_equal(served, 1);
    leave();
}

/* More than may be in wait outside; one who leaves, having asked or not, lets one in. */
static void crowd(void **state)
{
    static struct answer_text answer;
    int fds[4];

    (void)state;
    serve(2, 0);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = dial();
        say(fds[i], GET_HELLO, i == 0 ? 5 : strlen(GET_HELLO));
    }
    for (size_t i = 0; i < 100; i++)
        turn();
    assert_int_equal(served, 1); /* the first one has not asked yet */
    (void)close(fds[0]);
    hear(fds[2], &answer);
    assert_int_equal(status_of(&answer), 200);
    assert_int_equal(served, 2);
    (void)close(fds[1]);
    hear(fds[3], &answer);
    assert_int_equal(status_of(&answer), 200);
    (void)close(fds[2]);
    (void)close(fds[3]);
    leave();
}

/* A caller who goes before his answer; and the end, while somebody is idle and somebody waits. */
static void partings(void **state)
{
    static struct answer_text answer;
    int gone, idle, waiter;

    (void)state;
    serve(0, 0);
    gone = dial();
    say_text(gone, GET_LATER);
    (void)close(gone);
    turn();
    http_answer(kept, 200, json_object());
    turn();

    idle = dial();
    say_text(idle, GET_HELLO);
    hear(idle, &answer);
    waiter = dial();
    say_text(waiter, GET_LATER);
    http_drain(http);
    turn();
    assert_false(http_is_quiet(http));
    http_answer(kept, 200, json_object());
    hear(waiter, &answer);
    assert_int_equal(status_of(&answer), 200);
    hear_end(waiter, &answer);
    while (!http_is_quiet(http))
        turn();
    (void)close(waiter);
    leave();
    answer = (struct answer_text){0};
    while (!answer.closed)
        hear_once(idle, &answer);
    (void)close(idle);
}

static int make_dir(void **state)
{
    (void)state;
    testing_dir(dir, sizeof dir);
    address.sun_family = AF_UNIX;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    testing_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests), cmocka_unit_test(cut),  cmocka_unit_test(sizes),
        cmocka_unit_test(larger),   cmocka_unit_test(slow), cmocka_unit_test(crowd),
        cmocka_unit_test(partings),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the service does */
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
