/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_memory_test.c: each allocation of a client fails once, from its question to the answer: it
 * has no answer then, and no permit, and may ask again. The linker puts the functions below in the
 * place of malloc and its kin (--wrap); jansson, which is shared, is told of them.
 */
#include "gate/base/dir_testing.h"
#include "gate/base/file.h"
#include "gate/client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* How many were asked for, and which of them fails; 0: none does. */
static struct {
    size_t asked, fails;
} memory;

static bool refused(void)
{
    return ++memory.asked == memory.fails;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

static void fail_at(size_t number)
{
    memory.asked = 0;
    memory.fails = number;
}

static const struct pawl_bytes REQUEST = {"{\"x\":1}", 7};
static const char PERMIT[] = "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"why\":\"so\","
                             "\"epoch\":7,\"ledger\":{\"index\":41},\"permit\":\"AAEC\"}}";

/* A service in the same thread: a connection, a question, its answer. */
static void answer(int listener)
{
    CLEANUP(fd_close) int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    char question[2048] = {0}, text[1024];
    const char *id;
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, question, sizeof question - 1);
    assert_true(n > 0);
    id = strstr(question, "X-Request-ID: ");
    assert_non_null(id);
    n = snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-ID: %.32s\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 id + strlen("X-Request-ID: "), strlen(PERMIT), PERMIT);
    assert_int_equal(write(fd, text, (size_t)n), n);
}

/* Refused for want of memory, or jansson's word for it; and nothing is left of it. */
static void expect_nothing(size_t number, int err, const struct pawl_answer *got)
{
    if ((err != PAWL_NO_MEMORY && err != (int)ERR_SERVICE_ANSWER) || got != NULL)
        fail_msg("allocation %zu: %s, %s answer", number, pawl_errname(err),
                 got != NULL ? "an" : "no");
    assert_false(pawl_answer_permitted(got));
}

/* One question, of which one allocation fails. True: it was permitted. */
static bool ask(int listener, const char *path, size_t number)
{
    struct pawl_conn *conn = NULL;
    struct pawl_answer *got = NULL;
    bool permitted;
    int err;

    fail_at(number);
    err = pawl_open(path, &conn);
    if (err == PAWL_OK)
        err = pawl_send(conn, REQUEST, 60000, NULL);
    if (err == PAWL_OK) {
        assert_int_equal(pawl_receive(conn, &got, NULL), PAWL_AGAIN); /* the question goes */
        answer(listener);
        err = pawl_receive(conn, &got, NULL);
    } else if (conn != NULL) {
        (void)close(accept4(listener, NULL, NULL, SOCK_CLOEXEC)); /* nothing was said */
    }
    if (err != PAWL_OK)
        expect_nothing(number, err, got);
    permitted = pawl_answer_permitted(got);
    pawl_answer_free(&got);
    pawl_close(&conn);
    return permitted;
}

static void questions(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(fd_close) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t number = 1;
    char dir[64];

    (void)state;
    testing_dir(dir, sizeof dir);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    while (!ask(listener, address.sun_path, number)) {
        assert_true(memory.asked >= number); /* it was that one which was missing */
        number++;
    }
    fail_at(0);
    assert_true(number > 10);
    testing_remove(dir);
}

static err_code write_request(struct pawl_bytes *ret, struct pawl_request **request)
{
    static const char *const FIELDS[] = {
        [PAWL_SUBJECT_ID] = "build-7",
        [PAWL_ACTION] = "exec",
        [PAWL_CLASS] = "execute",
        [PAWL_RESOURCE_TYPE] = "program",
        [PAWL_RESOURCE_ID] = "/usr/bin/git",
        [PAWL_CONTEXT] = "{\"danger\": true}",
    };
    int err = pawl_request_new(request);

    for (size_t i = 0; err == PAWL_OK && i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (FIELDS[i] != NULL)
            err = pawl_request_set(*request, (enum pawl_field)i, FIELDS[i]);
    return (err_code)(err == PAWL_OK ? pawl_request_write(*request, ret, NULL) : err);
}

/* A request says all that it was given, or there is none. */
static void requests(void **state)
{
    struct pawl_request *whole = NULL;
    struct pawl_bytes want = {NULL, 0};
    size_t last;

    (void)state;
    fail_at(0);
    assert_int_equal(write_request(&want, &whole), ERR_OK);
    last = memory.asked;
    for (size_t number = 1; number <= last; number++) {
        struct pawl_request *request = NULL;
        struct pawl_bytes json = {NULL, 0};
        err_code err;

        fail_at(number);
        err = write_request(&json, &request);
        fail_at(0);
        if (err != ERR_NO_MEMORY && err != ERR_JSON_MALFORMED &&
            (err != ERR_OK || json.len != want.len || memcmp(json.ptr, want.ptr, want.len) != 0))
            fail_msg("allocation %zu: %s, %.*s", number, err_name(err), (int)json.len,
                     (const char *)json.ptr);
        pawl_request_free(&request);
    }
    pawl_request_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions),
        cmocka_unit_test(requests),
    };

    json_set_alloc_funcs(__wrap_malloc, free);
    return cmocka_run_group_tests_name("conn_memory", tests, NULL, NULL);
}
