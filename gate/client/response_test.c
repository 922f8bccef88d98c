/* SPDX-License-Identifier: Apache-2.0 */
/* response_test.c: what a service that is none, or is in other hands, could answer. Nothing of it
 * is a permit. */
#include "gate/client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define JSON "Content-Type: application/json\r\n"
#define PERMIT                                                                                     \
    "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":7,\"ledger\":{\"index\":41},"     \
    "\"permit\":\"cGVybWl0\"}}"
#define DENIAL "{\"decision\":false,\"context\":{\"reason\":\"DENIED\",\"why\":\"no\"}}"

#define NOT_WHOLE ERR_FORMAT /* which the connection sees, and no reader of one */

/* As the connection does it: the head, then as much of a body as it names, and nothing behind it.
 * ret: freed by the caller. */
static err_code read_all(struct slice bytes, struct pawl_answer **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf body = {0};
    struct response response;

    *ret = NULL;
    TRY(response_parse(bytes, &response, why));
    if (response.head == 0 || bytes.len != response.head + response.body)
        return NOT_WHOLE;
    TRY(buf_add_slice(&body, slice_part(bytes, response.head, response.body)));
    return client_answer_read(&response, &body, ret, why);
}

static struct slice message(const char *status, const char *headers, const char *body)
{
    static char text[4096];
    int len = snprintf(text, sizeof text, "%s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                       strlen(body), body);

    assert_true(len > 0 && (size_t)len < sizeof text);
    return (struct slice){(const uint8_t *)text, (size_t)len};
}

static void good(void **state)
{
    struct slice bytes = message("HTTP/1.1 200 OK", JSON "X-Request-ID: abc\r\n", PERMIT);
    struct pawl_answer *answer = NULL;
    struct pawl_bytes permit;
    struct why why = {0};
    uint64_t number = 0;

    (void)state;
    assert_int_equal(read_all(bytes, &answer, &why), ERR_OK);
    assert_int_equal(pawl_answer_permitted(answer), 1);
    assert_string_equal(pawl_answer_reason(answer), "OK");
    assert_string_equal(pawl_answer_why(answer), "");
    assert_int_equal(pawl_answer_epoch(answer, &number), 1);
    assert_int_equal(number, 7);
    assert_int_equal(pawl_answer_ledger_index(answer, &number), 1);
    assert_int_equal(number, 41);
    permit = pawl_answer_permit(answer);
    assert_int_equal(permit.len, 6);
    assert_memory_equal(permit.ptr, "permit", 6);
    assert_string_equal((const char *)pawl_answer_json(answer).ptr, PERMIT);
    pawl_answer_free(&answer);
    assert_null(answer);
}

static void refusals(void **state)
{
    static const struct {
        const char *status, *body, *reason, *why;
    } CASES[] = {
        {"HTTP/1.1 200 OK", DENIAL, "DENIED", "no"},
        {"HTTP/1.1 503 Service Unavailable", "{\"error\":\"OVERLOADED\",\"message\":\"8192 wait\"}",
         "OVERLOADED", "8192 wait"},
        {"HTTP/1.1 400 ", "{\"error\":\"REQUEST_MALFORMED\",\"message\":\"x\",\"decision\":true}",
         "REQUEST_MALFORMED", "x"},
        {"HTTP/1.1 403", "{\"error\":\"CALLER_REFUSED\"}", "CALLER_REFUSED", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct pawl_answer *answer = NULL;
        struct why why = {0};
        uint64_t number;
        err_code err = read_all(message(CASES[i].status, JSON, CASES[i].body), &answer, &why);

        if (err != ERR_OK)
            fail_msg("%s: %s", CASES[i].status, why.text);
        assert_int_equal(pawl_answer_permitted(answer), 0);
        assert_string_equal(pawl_answer_reason(answer), CASES[i].reason);
        assert_string_equal(pawl_answer_why(answer), CASES[i].why);
        assert_int_equal(pawl_answer_epoch(answer, &number), 0);
        assert_int_equal(pawl_answer_ledger_index(answer, &number), 0);
        assert_int_equal(pawl_answer_permit(answer).len, 0);
        pawl_answer_free(&answer);
    }
}

/* Whole messages; LEN stands for the right Content-Length of a permit. */
#define LEN "Content-Length: 95\r\n"
#define OK200 "HTTP/1.1 200 OK\r\n"
static const struct {
    const char *name, *text;
    err_code want;
} HOSTILE[] = {
    {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", ERR_SERVICE_ANSWER},
    {"one letter", "h", ERR_SERVICE_ANSWER},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"HTTP/2", "HTTP/2 200\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"HTTP/1.10", "HTTP/1.10 200 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"small letters", "http/1.1 200 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"two spaces", "HTTP/1.1  200 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 2000", "HTTP/1.1 2000 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 20", "HTTP/1.1 20\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 2x0", "HTTP/1.1 2x0 OK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 100", "HTTP/1.1 100 Continue\r\n\r\n" OK200 JSON LEN "\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"status 101", "HTTP/1.1 101 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 199", "HTTP/1.1 199 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 201", "HTTP/1.1 201 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 204", "HTTP/1.1 204 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 304", "HTTP/1.1 304 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 500 with a permit", "HTTP/1.1 500 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"status 600", "HTTP/1.1 600 x\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"control in status line", "HTTP/1.1 200 O\x01K\r\n" JSON LEN "\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"bare CR in status line", "HTTP/1.1 200 O\rK\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"bare LF after status", "HTTP/1.1 200 OK\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"no length", OK200 JSON "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"two lengths that agree", OK200 JSON LEN LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"two lengths", OK200 JSON LEN "content-length: 2\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"a list of lengths", OK200 JSON "Content-Length: 95, 95\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"empty length", OK200 JSON "Content-Length:\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"signed length", OK200 JSON "Content-Length: +95\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"negative length", OK200 JSON "Content-Length: -1\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"hex length", OK200 JSON "Content-Length: 0x5f\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"length beyond 64 bits", OK200 JSON "Content-Length: 18446744073709551710\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"length beyond the limit", OK200 JSON "Content-Length: 1048577\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"length too short", OK200 JSON "Content-Length: 94\r\n\r\n" PERMIT, NOT_WHOLE},
    {"length too long", OK200 JSON "Content-Length: 96\r\n\r\n" PERMIT, NOT_WHOLE},
    {"chunked", OK200 JSON "Transfer-Encoding: chunked\r\n\r\n5f\r\n" PERMIT "\r\n0\r\n\r\n",
     ERR_SERVICE_ANSWER},
    {"chunked and length", OK200 JSON LEN "Transfer-Encoding: chunked\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"identity coding", OK200 JSON LEN "transfer-encoding: identity\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"gzip", OK200 JSON LEN "Content-Encoding: gzip\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"upgrade", OK200 JSON LEN "Upgrade: h2c\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"trailer", OK200 JSON LEN "Trailer: X\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"no type", OK200 LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"another type", OK200 "Content-Type: text/html\r\n" LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"a type that begins alike", OK200 "Content-Type: application/jsonx\r\n" LEN "\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"two types", OK200 JSON JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"two ids", OK200 JSON LEN "X-Request-ID: a\r\nX-Request-ID: a\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"empty id", OK200 JSON LEN "X-Request-ID: \r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"two connections", OK200 JSON LEN "Connection: close\r\nConnection: close\r\n\r\n" PERMIT,
     ERR_SERVICE_ANSWER},
    {"no colon", OK200 JSON LEN "abc\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"no name", OK200 JSON LEN ": abc\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"space before colon", OK200 JSON "Content-Length : 95\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"folded", OK200 JSON LEN "X: a\r\n b\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"folded first", OK200 " X: a\r\n" JSON LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"bare LF between headers", OK200 JSON "X: a\n" LEN "\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"bare CR in a value", OK200 JSON LEN "X: a\rb\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"control in a value", OK200 JSON LEN "X: a\x7f\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"umlaut in a name", OK200 JSON LEN "X\xc3\xa4: a\r\n\r\n" PERMIT, ERR_SERVICE_ANSWER},
    {"a second answer", OK200 JSON LEN "\r\n" PERMIT OK200 JSON LEN "\r\n" PERMIT, NOT_WHOLE},
};

static void hostile(void **state)
{
    (void)state;
    assert_int_equal(strlen(PERMIT), 95); /* LEN */
    for (size_t i = 0; i < sizeof HOSTILE / sizeof HOSTILE[0]; i++) {
        struct pawl_answer *answer = NULL;
        struct why why = {0};
        err_code err = read_all(slice_str(HOSTILE[i].text), &answer, &why);

        if (err != HOSTILE[i].want || answer != NULL)
            fail_msg("%s: gave %s, wanted %s", HOSTILE[i].name, err_name(err),
                     err_name(HOSTILE[i].want));
    }
}

static const struct {
    const char *name, *body;
} BODIES[] = {
    {"nothing", ""},
    {"no JSON", "permit"},
    {"an array", "[true]"},
    {"true", "true"},
    {"no decision", "{\"context\":{\"reason\":\"OK\"}}"},
    {"decision 1",
     "{\"decision\":1,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":{\"index\":1}}}"},
    {"decision \"true\"", "{\"decision\":\"true\",\"context\":{\"reason\":\"OK\",\"epoch\":1,"
                          "\"ledger\":{\"index\":1}}}"},
    {"two decisions", "{\"decision\":false,\"decision\":true,\"context\":{\"reason\":\"OK\","
                      "\"epoch\":1,\"ledger\":{\"index\":1}}}"},
    {"no context", "{\"decision\":true}"},
    {"a context that is none", "{\"decision\":true,\"context\":[]}"},
    {"no reason", "{\"decision\":true,\"context\":{\"epoch\":1,\"ledger\":{\"index\":1}}}"},
    {"a reason against it", "{\"decision\":true,\"context\":{\"reason\":\"DENIED\",\"epoch\":1,"
                            "\"ledger\":{\"index\":1}}}"},
    {"denied for OK", "{\"decision\":false,\"context\":{\"reason\":\"OK\"}}"},
    {"an empty reason", "{\"decision\":false,\"context\":{\"reason\":\"\"}}"},
    {"a reason with a line", "{\"decision\":false,\"context\":{\"reason\":\"A\\nB\"}}"},
    {"a reason with a NUL", "{\"decision\":false,\"context\":{\"reason\":\"OK\\u0000\"}}"},
    {"a long reason",
     "{\"decision\":false,\"context\":{\"reason\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
     "AAAAAAAAAAAAAAAAAAAAA\"}}"},
    {"why is a number", "{\"decision\":false,\"context\":{\"reason\":\"DENIED\",\"why\":1}}"},
    {"no epoch", "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"ledger\":{\"index\":1}}}"},
    {"no ledger", "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1}}"},
    {"a ledger that is none",
     "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":1}}"},
    {"no index", "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":{}}}"},
    {"a negative index", "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":"
                         "{\"index\":-1}}}"},
    {"an epoch in text", "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":\"1\","
                         "\"ledger\":{\"index\":1}}}"},
    {"a permit that is no base64",
     "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":{\"index\":1},"
     "\"permit\":\"a-b_\"}}"},
    {"an empty permit",
     "{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":1,\"ledger\":{\"index\":1},"
     "\"permit\":\"\"}}"},
    {"bytes behind", PERMIT "}"},
    {"not UTF-8", "{\"decision\":false,\"context\":{\"reason\":\"DENIED\",\"why\":\"\xff\"}}"},
    {"refused for OK", "{\"error\":\"OK\"}"},
};

static void bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
        for (int status = 0; status < 2; status++) {
            struct pawl_answer *answer = NULL;
            struct why why = {0};
            err_code err = read_all(
                message(status == 0 ? "HTTP/1.1 200 OK" : "HTTP/1.1 500 x", JSON, BODIES[i].body),
                &answer, &why);

            if (err != ERR_SERVICE_ANSWER || answer != NULL)
                fail_msg("%s: gave %s, wanted %s", BODIES[i].name, err_name(err),
                         err_name(ERR_SERVICE_ANSWER));
        }
}

/* Up to the end of the head more is waited for; a body that is cut is no answer. */
static void cut(void **state)
{
    struct slice bytes = message("HTTP/1.1 200 OK", JSON, PERMIT);
    size_t head = bytes.len - strlen(PERMIT);

    (void)state;
    for (size_t len = 0; len < bytes.len; len++) {
        struct pawl_answer *answer = NULL;
        struct response response;
        struct why why = {0};

        assert_int_equal(response_parse(slice_part(bytes, 0, len), &response, &why), ERR_OK);
        assert_int_equal(response.head, len < head ? 0 : head);
        assert_int_equal(read_all(slice_part(bytes, 0, len), &answer, &why), NOT_WHOLE);
    }
}

/* With any bit of the status line or of the decision flipped there is no permit. */
static void flipped(void **state)
{
    struct slice bytes = message("HTTP/1.1 200 OK", JSON, PERMIT);
    uint8_t copy[4096];
    size_t status = strlen("HTTP/1.1 200 "), body = bytes.len - strlen(PERMIT);
    size_t decided = body + strlen("{\"decision\":true,\"context\":{\"reason\":\"OK\",\"epoch\":");

    (void)state;
    assert_true(bytes.len <= sizeof copy);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        size_t at = bit / 8;
        struct pawl_answer *answer = NULL;
        struct why why = {0};
        err_code err;

        memcpy(copy, bytes.ptr, bytes.len);
        copy[at] ^= (uint8_t)(1u << bit % 8);
        err = read_all((struct slice){copy, bytes.len}, &answer, &why);
        if ((err == ERR_OK) != (answer != NULL))
            fail_msg("bit %zu: %s, and %s answer", bit, err_name(err), answer ? "an" : "no");
        if ((at < status || (at >= body && at < decided)) && pawl_answer_permitted(answer))
            fail_msg("bit %zu of octet %zu flipped: permitted", bit % 8, at);
        pawl_answer_free(&answer);
    }
}

static void limits(void **state)
{
    static uint8_t big[RESPONSE_HEAD_MAX + 1];
    struct response response;
    struct why why = {0};
    char many[RESPONSE_HEADERS_MAX * 8 + 256];
    size_t len;

    (void)state;
    memset(big, 'a', sizeof big);
    memcpy(big, "HTTP/1.1 200 ", 13);
    assert_int_equal(response_parse((struct slice){big, RESPONSE_HEAD_MAX - 1}, &response, &why),
                     ERR_OK);
    assert_int_equal(response.head, 0);
    assert_int_equal(response_parse((struct slice){big, RESPONSE_HEAD_MAX}, &response, &why),
                     ERR_SERVICE_ANSWER);
    memcpy(big + RESPONSE_HEAD_MAX - 3, "\r\n\r\n", 4); /* one octet beyond */
    assert_int_equal(response_parse(SLICE_OF(big), &response, &why), ERR_SERVICE_ANSWER);

    for (int extra = 0; extra < 2; extra++) {
        len = (size_t)snprintf(many, sizeof many, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
        for (int i = 1; i < RESPONSE_HEADERS_MAX + extra; i++)
            len += (size_t)snprintf(many + len, sizeof many - len, "X: y\r\n");
        len += (size_t)snprintf(many + len, sizeof many - len, "\r\n");
        assert_int_equal(
            response_parse((struct slice){(const uint8_t *)many, len}, &response, &why),
            extra == 0 ? ERR_OK : ERR_SERVICE_ANSWER);
    }
}

/* By the head alone, whatever the body says. */
static void statuses(void **state)
{
    (void)state;
    for (unsigned status = 0; status < 1000; status++) {
        bool good = status >= 200 && status <= 599 && status != 204 && status != 304;
        struct response response;
        struct why why = {0};
        char line[32];

        (void)snprintf(line, sizeof line, "HTTP/1.1 %03u x", status);
        if (response_parse(message(line, JSON, PERMIT), &response, &why) !=
            (good ? ERR_OK : ERR_SERVICE_ANSWER))
            fail_msg("status %u: %s", status, good ? why.text : "taken");
    }
}

static void nothing_permits(void **state)
{
    struct pawl_answer zero = {0}, *none = NULL;
    struct pawl_permit *no_permit = NULL;
    uint64_t number = 5;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct pawl_answer *answer = i == 0 ? none : &zero;
        assert_int_equal(pawl_answer_permitted(answer), 0);
        assert_string_not_equal(pawl_answer_reason(answer), "OK");
        assert_string_equal(pawl_answer_why(answer), "");
        assert_int_equal(pawl_answer_epoch(answer, &number), 0);
        assert_int_equal(pawl_answer_ledger_index(answer, &number), 0);
        assert_int_equal(pawl_answer_permit(answer).len, 0);
        assert_int_equal(pawl_answer_json(answer).len, 0);
    }
    assert_int_equal(number, 5);
    pawl_answer_free(&none);
    pawl_answer_free(NULL);
    assert_int_equal(pawl_permit_permitted(NULL), 0);
    assert_int_equal(pawl_permit_sealed(NULL), 0);
    assert_int_equal(pawl_permit_simulated(NULL), 1);
    assert_int_equal(pawl_permit_is_for(NULL, (struct pawl_bytes){"{}", 2}, NULL),
                     PAWL_PERMIT_INVALID);
    assert_string_not_equal(pawl_permit_reason(NULL), "OK");
    pawl_permit_free(&no_permit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),    cmocka_unit_test(statuses), cmocka_unit_test(refusals),
        cmocka_unit_test(hostile), cmocka_unit_test(bodies),   cmocka_unit_test(cut),
        cmocka_unit_test(flipped), cmocka_unit_test(limits),   cmocka_unit_test(nothing_permits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
