/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as clients send it, well and badly: raw bytes into a Unix socket, and what comes back.
 * Server and client take turns in one thread. */
#include "gate/daemon/http_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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
     "Allow: GET, HEAD, DELETE\r\n", false},
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
    {"NUL", "", 400, "well-formed", true},
    {"folded header", "GET /hello HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, "folded", true},
    {"folded length", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length:\r\n 2\r\n\r\n{}", 400,
     "folded", true},
    {"lines that end in LF", "GET /hello HTTP/1.1\nHost: gate\n\n", 400, "CR LF", true},
    {"one line that ends in LF", "GET /hello HTTP/1.1\r\nHost: gate\nX: a\r\n\r\n", 400, "CR LF",
     true},
    {"an empty line that ends in LF", "GET /hello HTTP/1.1\r\n" H "\n", 400, "CR LF", true},
    {"CR in a value", "GET /hello HTTP/1.1\r\n" H "X: a\rContent-Length: 2\r\n\r\n", 400,
     "well-formed", true},
    {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400, "Host", true},
    {"an empty line first", "\r\nGET /hello HTTP/1.1\r\n" H "\r\n", 400, "request line", true},
    {"two spaces", "GET  /hello HTTP/1.1\r\n" H "\r\n", 400, "", true},
    {"a tab", "GET\t/hello HTTP/1.1\r\n" H "\r\n", 400, "request line", true},
    {"a space behind the version", "GET /hello HTTP/1.1 \r\n" H "\r\n", 400, "version", true},
    {"more than ASCII in the target", "GET /h\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400, "request line",
     true},
    {"HTTP/1.2", "GET /hello HTTP/1.2\r\n" H "\r\n", 400, "version", true},
    {"a body where none is looked for",
     "HEAD /hello HTTP/1.1\r\n" H "Content-Length: 35\r\n\r\nDELETE /hello HTTP/1.1\r\n" H "\r\n",
     400, "no body", true},
    {"chunks where none are looked for",
     "TRACE /hello HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "no body",
     true},
    {"chunks of HTTP/1.0",
     "POST /echo HTTP/1.0\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "HTTP/1.0", true},
    {"two lengths in one", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 2, 2\r\n\r\n{}", 400,
     "not a number", true},
    {"a chunk's extension",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
     400, "size of a chunk", true},
    {"a chunk's size in C",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
     400, "size of a chunk", true},
    {"a chunk's size with a sign",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
     400, "size of a chunk", true},
    {"a chunk's size and a space",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
     400, "size of a chunk", true},
    {"a chunk's size without an end",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n000000000", 400,
     "size of a chunk", true},
    {"a chunk's size that ends in LF",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", 400,
     "size of a chunk", true},
    {"a chunk without an end",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n", 400,
     "CR LF", true},
    {"lines between chunks",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n\r\n0\r\n\r\n",
     400, "size of a chunk", true},
    {"headers behind the chunks",
     "POST /echo HTTP/1.1\r\n" H JSON
     "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Request-ID: a\r\n\r\n",
     400, "behind the last", true},
    {"chunks that are too large together",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1000\r\n", 413,
     "4097", true},
    {"two hosts", "GET /hello HTTP/1.1\r\n" H H "\r\n", 400, "more than one", true},
    {"two ids", "GET /hello HTTP/1.1\r\n" H "X-Request-ID: a\r\nX-Request-ID: b\r\n\r\n", 400,
     "more than one", true},
    {"no slash", "GET hello HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"of a proxy", "GET http://gate/hello HTTP/1.1\r\n" H "\r\n", 400, "slash", true},
    {"a tunnel", "CONNECT gate:80 HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"all", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 4, "", true},
    {"no version", "GET /hello\r\n\r\n", 4, "", true},
    {"not HTTP", "\x16\x03\x01\x02\r\n\r\n", 4, "", true},
    {"far too large", "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 69633\r\n\r\n", 413,
     "69633", true},
    {"too large, and asked first",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n", 413,
     "4097", true},
    {"chunk too large",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\n"
     "1001\r\n",
     4, "", true},
    {"a chunk's length that is none",
     "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 4, "", true},
};

static const char WITH_NUL[] = "GET /hello HTTP/1.1\r\n" H "X: a\0b\r\n\r\n";

/* What is sent behind a request: one of its own, or nothing at all. */
static bool goes_on(int fd, bool closes)
{
    static struct answer_text answer;

    answer = (struct answer_text){0};
    if (closes) {
        testing_hear_end(fd, &answer);
        return answer.len == 0;
    }
    testing_say_text(fd, GET_HELLO);
    testing_hear(fd, &answer);
    return testing_status_of(&answer) == 200;
}

static void requests(void **state)
{
    static struct answer_text answer;
    size_t wrong = 0;

    (void)state;
    testing_serve(0, 0);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int fd = testing_dial();
        if (CASES[i].request[0] != '\0')
            testing_say_text(fd, CASES[i].request);
        else
            testing_say(fd, WITH_NUL, sizeof WITH_NUL - 1);
        testing_hear(fd, &answer);
        int status =
            CASES[i].status == 4 ? testing_status_of(&answer) / 100 : testing_status_of(&answer);
        if (status != CASES[i].status || strstr(answer.bytes, CASES[i].part) == NULL ||
            !goes_on(fd, CASES[i].closes)) {
            print_error("%s: got \"%s\", wanted %d with \"%s\"\n", CASES[i].name, answer.bytes,
                        CASES[i].status, CASES[i].part);
            wrong++;
        }
        (void)close(fd);
    }
    testing_leave();
    assert_int_equal(wrong, 0);
}

/* Every beginning of a request, and then the end: nothing is testing.served, nothing is lost. */
static void cut(void **state)
{
    static const char WHOLE[] =
        "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4\r\nX-Request-ID: 1\r\n\r\nabcd";
    static struct answer_text answer;

    (void)state;
    testing_serve(0, 0);
    for (size_t len = 0; len < sizeof WHOLE - 1; len++) {
        int fd = testing_dial();
        testing_say(fd, WHOLE, len);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        answer = (struct answer_text){0};
        testing_hear_end(fd, &answer);
        if (testing.served != 0)
            fail_msg("%zu of %zu bytes were served", len, sizeof WHOLE - 1);
        (void)close(fd);
    }
    testing_leave();
}

/* The head's limit, in one header and in many; and a body of exactly what may be. */
static void sizes(void **state)
{
    static struct answer_text answer;
    static char bytes[4 * HTTP_HEAD_MAX];
    int fd, len;

    (void)state;
    testing_serve(0, 0);
    memset(bytes, 'x', sizeof bytes);
    fd = testing_dial();
    testing_say(fd, "GET /hello HTTP/1.1\r\nX: ", 24);
    testing_say(fd, bytes, HTTP_HEAD_MAX);
    testing_hear(fd, &answer);
    assert_in_range(testing_status_of(&answer), 400, 431);
    (void)close(fd);

    fd = testing_dial();
    testing_say(fd, "GET /hello HTTP/1.1\r\n", 21);
    for (size_t i = 0; i < HTTP_HEAD_MAX / 2; i++)
        testing_say(fd, "X:1\r\n", 5);
    testing_hear(fd, &answer);
    assert_in_range(testing_status_of(&answer), 400, 431);
    (void)close(fd);

    fd = testing_dial();
    len = snprintf(bytes, sizeof bytes,
                   "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: %d\r\n\r\n%0*d", BODY_MAX,
                   BODY_MAX, 0);
    testing_say(fd, bytes, (size_t)len);
    testing_hear(fd, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    (void)close(fd);
    assert_int_equal(testing.served, 1);
    testing_leave();
}

static int post(const char *path, size_t len)
{
    static struct answer_text answer;
    static char bytes[5 * BODY_MAX];
    int head = snprintf(bytes, sizeof bytes,
                        "POST %s HTTP/1.1\r\n" H JSON "Content-Length: %zu\r\n\r\n", path, len);
    int fd = testing_dial();

    memset(bytes + head, '0', len);
    testing_say(fd, bytes, (size_t)head + len);
    testing_hear(fd, &answer);
    (void)close(fd);
    return testing_status_of(&answer);
}

/* Administrators send more, where it is wanted. */
static void larger(void **state)
{
    (void)state;
    if (testing.over_tls)
        testing_skip("over TLS there are no administrators");
    testing.door = CALLER_ADMIN;
    testing_serve(0, 0);
    assert_int_equal(post("/bundle", 4 * BODY_MAX), 200);
    assert_int_equal(post("/bundle", 4 * BODY_MAX + 1), 413); /* once all of it was sent */
    assert_int_equal(post("/echo", BODY_MAX), 200);
    assert_int_equal(post("/echo", BODY_MAX + 1), 413);
    assert_int_equal(testing.served, 2);
    testing_leave();
    testing.door = CALLER_AGENT;
    testing_serve(0, 0);
    assert_int_equal(post("/bundle", BODY_MAX + 1), 413);
    assert_int_equal(post("/bundle", BODY_MAX), 403);
    assert_int_equal(testing.served, 0);
    testing_leave();
}

/* A byte now and then keeps nobody, nor does silence; whoever waits for his answer is not hurried.
 */
static void slow(void **state)
{
    static struct answer_text answer, waiting;
    int drip, silent, waiter;

    (void)state;
    testing_serve(0, 1);
    drip = testing_dial();
    silent = testing_dial();
    waiter = testing_dial();
    testing_say_text(waiter, GET_LATER);
    testing_say(drip, "GET /hello HTTP/1.1\r\nX: ", 24);
    answer = waiting = (struct answer_text){0};
    while (!answer.closed) {
        testing_say(drip, "x", 1);
        (void)usleep(20000);
        testing_hear_once(drip, &answer);
    }
    answer = (struct answer_text){0};
    testing_hear_end(silent, &answer);
    assert_int_equal(answer.len, 0);
    (void)usleep(1500000);
    testing_turn();
    testing_hear_once(waiter, &waiting);
    assert_false(waiting.closed);
    assert_non_null(testing.kept);
    http_answer(testing.kept, 200, json_object());
    testing_hear(waiter, &waiting);
    assert_int_equal(testing_status_of(&waiting), 200);
    (void)close(drip);
    (void)close(silent);
    (void)close(waiter);
    assert_int_equal(testing.served, 1);
    testing_leave();
}

/* A caller who goes before his answer; and the end, while somebody is idle and somebody waits. */
static void partings(void **state)
{
    static struct answer_text answer;
    int gone, idle, waiter;

    (void)state;
    testing_serve(0, 0);
    gone = testing_dial();
    testing_say_text(gone, GET_LATER);
    while (testing.served < 1)
        testing_turn();
    (void)close(gone);
    testing_turn();
    http_answer(testing.kept, 200, json_object());
    testing_turn();

    idle = testing_dial();
    testing_say_text(idle, GET_HELLO);
    testing_hear(idle, &answer);
    waiter = testing_dial();
    testing_say_text(waiter, GET_LATER);
    while (testing.served < 3)
        testing_turn();
    http_drain(testing.http);
    testing_turn();
    assert_false(http_is_quiet(testing.http));
    http_answer(testing.kept, 200, json_object());
    testing_hear(waiter, &answer);
    assert_int_equal(testing_status_of(&answer), 200);
    testing_hear_end(waiter, &answer);
    while (!http_is_quiet(testing.http))
        testing_turn();
    (void)close(waiter);
    testing_leave();
    answer = (struct answer_text){0};
    while (!answer.closed)
        testing_hear_once(idle, &answer);
    (void)close(idle);
}

/* With "tls": whatever holds on a Unix socket holds there, too. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests), cmocka_unit_test(cut),  cmocka_unit_test(sizes),
        cmocka_unit_test(larger),   cmocka_unit_test(slow), cmocka_unit_test(partings),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the service does */
    testing.over_tls = argc > 1 && strcmp(argv[1], "tls") == 0;
    return cmocka_run_group_tests(tests, testing_make_dir, testing_remove_dir);
}
