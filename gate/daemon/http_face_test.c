/* SPDX-License-Identifier: Apache-2.0 */
/* How answers look: refusals with a face and without, HEAD, and what a caller says it takes. */
#include "gate/daemon/http_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CLOSE "Connection: close\r\n"
#define TYPE "application/cose"

static struct answer_text answer;

static void refuse(struct http_call *call, int status, err_code err, const struct why *why)
{
    (void)why;
    http_add_header(call, "Cache-Control", "max-age=7");
    http_answer_bytes(call, status, "text/face", slice_str(err_name(err)));
}

static const char *const FACED[] = {"/echo", "/admin", "/below", NULL};
static const struct http_face FACE = {FACED, refuse};

static void taken(struct http_call *call, void *ctx)
{
    (void)ctx;
    http_answer_bytes(call, http_accepts(call, TYPE) ? 200 : 406, NULL, (struct slice){0});
}

static const struct http_route ROUTES[] = {{"/taken", HTTP_GET, HTTP_ANYBODY, NULL, taken}, {0}};

static int serve(void **state)
{
    (void)state;
    testing_serve(0, 0);
    http_set_face(testing.http, &FACE);
    assert_int_equal(http_add(testing.http, ROUTES, NULL), ERR_OK);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    testing_leave();
    return 0;
}

static int ask(const char *request)
{
    int fd = testing_dial();

    testing_say_text(fd, request);
    answer = (struct answer_text){0};
    testing_hear_end(fd, &answer);
    (void)close(fd);
    return testing_status_of(&answer);
}

/* ---- faces ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *request;
    int status;
    const char *body;
} REFUSALS[] = {
    {"a type", "POST /echo HTTP/1.1\r\n" H CLOSE "Content-Length: 2\r\n\r\n{}", 415,
     "\r\n\r\nREQUEST_MALFORMED"},
    {"a method", "PUT /echo HTTP/1.1\r\n" H CLOSE "Content-Length: 0\r\n\r\n", 405,
     "\r\n\r\nUNSUPPORTED"},
    {"another socket", "GET /admin HTTP/1.1\r\n" H CLOSE "\r\n", 403, "\r\n\r\nCALLER_REFUSED"},
    {"nothing there", "GET /echo/x HTTP/1.1\r\n" H CLOSE "\r\n", 404, "\r\n\r\nNOT_FOUND"},
    {"nothing below", "GET /below/ HTTP/1.1\r\n" H CLOSE "\r\n", 404, "\r\n\r\nNOT_FOUND"},
    {"a query", "GET /below?a HTTP/1.1\r\n" H CLOSE "\r\n", 404, "\r\n\r\nNOT_FOUND"},
    {"too large, and asked first",
     "POST /echo HTTP/1.1\r\n" H JSON "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n", 413,
     "\r\n\r\nTOO_LARGE"},
    {"a chunk", "POST /echo HTTP/1.1\r\n" H JSON "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
     "\r\n\r\nREQUEST_MALFORMED"},
    {"without a face", "GET /hello/x HTTP/1.1\r\n" H CLOSE "\r\n", 404, "{\"error\":\"NOT_FOUND\""},
    {"a longer name", "GET /echoes HTTP/1.1\r\n" H CLOSE "\r\n", 404, "{\"error\":\"NOT_FOUND\""},
    {"too large, without a face",
     "POST /hello HTTP/1.1\r\n" H "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n", 413,
     "{\"error\":\"TOO_LARGE\""},
    /* What stands in for it is no request that could fail. */
    {"too large, of an odd path",
     "POST //echo:x/y HTTP/1.1\r\n" H "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n", 413,
     "{\"error\":\"TOO_LARGE\""},
};

static void faces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++) {
        int status = ask(REFUSALS[i].request);
        bool plain = REFUSALS[i].body[0] == '{';
        if (status != REFUSALS[i].status || strstr(answer.bytes, REFUSALS[i].body) == NULL ||
            (strstr(answer.bytes, "no-store") != NULL) != plain ||
            (strstr(answer.bytes, "max-age=7") != NULL) == plain)
            fail_msg("%s: got \"%s\", wanted %d with \"%s\"", REFUSALS[i].name, answer.bytes,
                     REFUSALS[i].status, REFUSALS[i].body);
    }
    assert_int_equal(testing.served, 0);
    assert_int_equal(http_refused(testing.http)[ERR_NOT_FOUND], 5);
    assert_int_equal(http_refused(testing.http)[ERR_TOO_LARGE], 3);
}

/* Who sends too much gets his id back, whenever it is seen. */
static void ids(void **state)
{
    static const char *const HEADS[] = {
        "POST /echo HTTP/1.1\r\n" H JSON "X-Request-ID: a-1\r\n"
        "Content-Length: 4097\r\nExpect: 100-continue\r\n\r\n",
        "POST /hello HTTP/1.1\r\n" H JSON "X-Request-ID: a-1\r\nContent-Length: 999999\r\n\r\n",
        "POST /hello HTTP/1.1\r\n" H JSON "X-Request-ID: a-1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1001\r\n",
    };
    static char whole[2 * BODY_MAX] = "POST /echo HTTP/1.1\r\n" H JSON "X-Request-ID: a-1\r\n"
                                      "Content-Length: 4097\r\n\r\n";
    size_t head = strlen(whole);

    (void)state;
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        if (ask(HEADS[i]) != 413 || strstr(answer.bytes, "X-Request-ID: a-1\r\n") == NULL)
            fail_msg("%zu: \"%s\"", i, answer.bytes);
    memset(whole + head, 'x', 4097);
    assert_int_equal(ask(whole), 413);
    assert_non_null(strstr(answer.bytes, "X-Request-ID: a-1\r\n"));
    assert_int_equal(testing.served, 0);
}

/* ---- HEAD ------------------------------------------------------------------------------------ */

static void heads(void **state)
{
    static const struct {
        const char *path;
        int status;
    } CASES[] = {{"/hello", 200}, {"/below/x", 200}, {"/nothing", 404},
                 {"/admin", 403}, {"/echo", 405},    {"/hello?a", 200}};

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CLEANUP(buf_free) struct buf get = {0}, head = {0};
        static struct answer_text got;
        char length[64];
        const char *end;
        assert_int_equal(buf_add_str(&get, "GET "), ERR_OK);
        assert_int_equal(buf_add_str(&head, "HEAD "), ERR_OK);
        assert_int_equal(buf_add_str(&get, CASES[i].path), ERR_OK);
        assert_int_equal(buf_add_str(&head, CASES[i].path), ERR_OK);
        assert_int_equal(buf_add_str(&get, " HTTP/1.1\r\n" H CLOSE "\r\n"), ERR_OK);
        assert_int_equal(buf_add_str(&head, " HTTP/1.1\r\n" H CLOSE "\r\n"), ERR_OK);
        assert_int_equal(buf_terminate(&get), ERR_OK);
        assert_int_equal(buf_terminate(&head), ERR_OK);
        assert_int_equal(ask((const char *)get.ptr), CASES[i].status);
        got = answer;
        assert_int_equal(ask((const char *)head.ptr), CASES[i].status);
        end = strstr(answer.bytes, "\r\n\r\n");
        assert_non_null(end);
        if (end[4] != '\0')
            fail_msg("%s: a body: \"%s\"", CASES[i].path, answer.bytes);
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n",
                       strlen(strstr(got.bytes, "\r\n\r\n") + 4));
        if (strstr(answer.bytes, length) == NULL)
            fail_msg("%s: \"%s\", wanted %s", CASES[i].path, answer.bytes, length);
    }
}

/* The next request on the connection is not taken for the body. */
static void heads_in_a_row(void **state)
{
    int fd = testing_dial();
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        testing_say_text(fd, "HEAD /hello HTTP/1.1\r\n" H "\r\n");
    testing_say_text(fd, "GET /hello HTTP/1.1\r\n" H CLOSE "\r\n");
    answer = (struct answer_text){0};
    testing_hear_end(fd, &answer);
    (void)close(fd);
    for (const char *at = answer.bytes; (at = strstr(at, "HTTP/1.1 200 OK")) != NULL; at++)
        n++;
    assert_int_equal(n, 4);
    assert_int_equal(testing.served, 4);
}

/* ---- Accept ---------------------------------------------------------------------------------- */

static void accepts(void **state)
{
    static const struct {
        const char *headers;
        bool want;
    } CASES[] = {
        {"", true},
        {"Accept: application/cose\r\n", true},
        {"Accept: Application/COSE\r\n", true},
        {"Accept: application/cose; cose-type=\"cose-sign1\"\r\n", true},
        {"Accept: application/*\r\n", true},
        {"Accept: */*\r\n", true},
        {"Accept: text/html, application/cose;q=0.1\r\n", true},
        {"Accept: application/cbor\r\nAccept: application/cose\r\n", true},
        {"accept: application/cose\r\nAccept: application/cbor\r\n", true},
        {"Accept: application/cose;q=0.001\r\n", true},
        {"Accept: */*;q=0, application/cose\r\n", true},
        {"Accept: application/cose, application/*;q=0\r\n", true},
        {"Accept: application/cose, application/cose;q=0\r\n", true},
        {"Accept: text/x;a=\",application/cose,\"\r\n", false},
        {"Accept: text/x;a=\"\\\",application/cose,\"\r\n", false},
        {"Accept: application/cbor\r\n", false},
        {"Accept: application/cosec\r\n", false},
        {"Accept: application/cos\r\n", false},
        {"Accept: text/*\r\n", false},
        {"Accept: application/cose;q=0\r\n", false},
        {"Accept: application/cose ; Q=0.000\r\n", false},
        {"Accept: */*, application/cose;q=0\r\n", false},
        {"Accept: application/*, application/cose;q=0.0\r\n", false},
        {"Accept: */cose\r\n", false},
        /* Nothing is said. */
        {"Accept:\r\n", true},
        {"Accept: ,\r\n", true},
        {"Accept: x\r\n", true},
        {"Accept: /\r\n", true},
        {"Accept: ;q=0\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CLEANUP(buf_free) struct buf request = {0};
        assert_int_equal(buf_add_str(&request, "GET /taken HTTP/1.1\r\n" H CLOSE), ERR_OK);
        assert_int_equal(buf_add_str(&request, CASES[i].headers), ERR_OK);
        assert_int_equal(buf_add_str(&request, "\r\n"), ERR_OK);
        assert_int_equal(buf_terminate(&request), ERR_OK);
        if (ask((const char *)request.ptr) != (CASES[i].want ? 200 : 406))
            fail_msg("\"%s\": \"%s\"", CASES[i].headers, answer.bytes);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faces, serve, leave),
        cmocka_unit_test_setup_teardown(ids, serve, leave),
        cmocka_unit_test_setup_teardown(heads, serve, leave),
        cmocka_unit_test_setup_teardown(heads_in_a_row, serve, leave),
        cmocka_unit_test_setup_teardown(accepts, serve, leave),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the service does */
    testing.over_tls = argc > 1 && strcmp(argv[1], "tls") == 0;
    return cmocka_run_group_tests(tests, testing_make_dir, testing_remove_dir);
}
