/* SPDX-License-Identifier: Apache-2.0 */
/* report_test.c: lines of the log: what stands in them, how long they get, and who does not take
 * them. */
#include "gate/daemon/report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct request request_of(const char *subject)
{
    return (struct request){.subject_id = slice_str(subject),
                            .action_name = slice_str("exec"),
                            .action_class = slice_str("execute"),
                            .resource_type = slice_str("program"),
                            .resource_id = slice_str("/usr/bin/git"),
                            .json = (void *)1};
}

static void lines(void **state)
{
    static const struct {
        const char *name;
        struct verdict verdict;
        const char *want;
    } CASES[] = {
        {"permitted",
         {.at_ms = 1700000000042,
          .recorded = true,
          .epoch = 2,
          .index = 17,
          .evaluation_id = "u-1",
          .request_id = "r\"1",
          .traceparent = "00-a",
          .ns = 1999999,
          .answered = true},
         "{\"time\":\"2023-11-14T22:13:20.042Z\",\"verdict\":\"permit\",\"reason\":\"OK\","
         "\"stage\":\"policy\",\"agent\":\"build-7\",\"action\":\"exec\",\"class\":\"execute\","
         "\"resource_type\":\"program\",\"resource\":\"/usr/bin/git\",\"epoch\":2,"
         "\"ledger_index\":17,\"evaluation_id\":\"u-1\",\"request_id\":\"r\\\"1\","
         "\"traceparent\":\"00-a\",\"duration_ms\":1,\"answered\":true}\n"},
        {"hardware",
         {.reason = ERR_TPM_TIMEOUT},
         "{\"time\":\"1970-01-01T00:00:00.000Z\",\"verdict\":\"deny\",\"reason\":\"TPM_TIMEOUT\","
         "\"stage\":\"hardware\",\"agent\":\"build-7\",\"action\":\"exec\",\"class\":\"execute\","
         "\"resource_type\":\"program\",\"resource\":\"/usr/bin/git\",\"duration_ms\":0,"
         "\"answered\":false}\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CLEANUP(buf_free) struct buf out = {0};
        struct request request = request_of("build-7");
        struct verdict verdict = CASES[i].verdict;

        verdict.request = &request;
        assert_int_equal(report_line(&verdict, &out), ERR_OK);
        if (!slice_eq_str(buf_slice(&out), CASES[i].want))
            fail_msg("%s: %.*swanted %s", CASES[i].name, (int)out.len, (const char *)out.ptr,
                     CASES[i].want);
    }
}

static void no_request(void **state)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct request request = {0};
    struct verdict verdict = {.reason = ERR_REQUEST_MALFORMED, .request = &request};

    (void)state;
    assert_int_equal(report_line(&verdict, &out), ERR_OK);
    assert_int_equal(buf_terminate(&out), ERR_OK);
    assert_null(strstr((char *)out.ptr, "agent"));
}

static void repeat(const char *part, char *ret, size_t size)
{
    size_t len = strlen(part);

    for (size_t at = 0; at + len < size; at += len)
        memcpy(ret + at, part, len + 1);
}

/* The worst that a caller can write: every line stays one, in ASCII, short enough, and JSON. */
static void long_and_strange(void **state)
{
    static const char *const PARTS[] = {
        "\n", "\"", "\x7f", "\xe2\x80\xae", "\xf0\x9f\x98\x80", "\xc3\xa9", "a", "\x01", "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        CLEANUP(buf_free) struct buf out = {0};
        char text[1025] = "", id[129] = "";
        struct request request;
        struct verdict verdict = {.request = &request,
                                  .recorded = true,
                                  .epoch = UINT64_MAX / 2,
                                  .index = UINT64_MAX / 2,
                                  .evaluation_id = "00000000-0000-0000-0000-000000000000",
                                  .ns = UINT64_MAX,
                                  .at_ms = 253402300799999};

        repeat(PARTS[i], text, sizeof text);
        repeat(PARTS[i], id, sizeof id);
        request = request_of(text);
        request.action_name = request.resource_type = request.resource_id = slice_str(text);
        request.action_class = slice_str(text);
        verdict.request_id = id;
        verdict.client = "spki-00000000000000000000000000000000"
                         "00000000000000000000000000000000";
        verdict.client_name = text;
        verdict.traceparent = text;
        assert_int_equal(report_line(&verdict, &out), ERR_OK);
        if (out.len > REPORT_LINE_MAX)
            fail_msg("%zu: a line of %zu characters", i, out.len);
        for (size_t at = 0; at < out.len; at++)
            if (out.ptr[at] >= 0x80 || (out.ptr[at] < 0x20 && at + 1 < out.len))
                fail_msg("%zu: 0x%02x in a line", i, out.ptr[at]);
        json_t *line = json_loadb((char *)out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
        const char *agent = json_string_value(json_object_get(line, "agent"));
        assert_non_null(agent);
        assert_memory_equal(agent, text, strlen(agent));
        assert_true(strlen(agent) > 30);
        json_decref(line);
    }
}

static void not_utf8(void **state)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct request request = request_of("\xff\xfe");
    struct verdict verdict = {.request = &request};

    (void)state;
    assert_int_equal(report_line(&verdict, &out), ERR_OK);
    assert_int_equal(buf_terminate(&out), ERR_OK);
    assert_non_null(strstr((char *)out.ptr, "\"agent\":null"));
}

static void files(void **state)
{
    char dir[] = "/tmp/pawl-report-XXXXXX", path[64], text[8192];
    struct request request = request_of("build-7");
    struct verdict verdict = {.request = &request};
    struct report *report;
    struct why why;
    ssize_t n;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/log", dir);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(report_open(path, &report, &why), ERR_OK);
        assert_true(report_wanted(report));
        report_write(report, &verdict);
        assert_int_equal(report_lost(report), 0);
        report_free(&report);
    }
    fd = open(path, O_RDONLY);
    n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strchr(text, '\n'));
    assert_ptr_not_equal(strchr(text, '\n'), strrchr(text, '\n'));
    (void)unlink(path);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(report_open("/nowhere/log", &report, &why), ERR_NOT_FOUND);
    assert_int_equal(report_open("none", &report, &why), ERR_OK);
    assert_false(report_wanted(report));
    report_write(report, &verdict);
    assert_int_equal(report_lost(report), 0);
    report_free(&report);
}

/* Who does not read holds nobody up. */
static void nobody_reads(void **state)
{
    char path[64];
    struct request request = request_of("build-7");
    struct verdict verdict = {.request = &request};
    struct report *report;
    struct why why;
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    assert_int_equal(report_open(path, &report, &why), ERR_OK);
    for (int i = 0; i < 1000; i++)
        report_write(report, &verdict);
    assert_true(report_lost(report) > 0);
    assert_true(report_lost(report) < 1000);
    report_free(&report);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void traces(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } CASES[] = {
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011", false},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (report_is_trace(CASES[i].text) != CASES[i].want)
            fail_msg("\"%s\": %d", CASES[i].text, !CASES[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(no_request),
        cmocka_unit_test(not_utf8),
        cmocka_unit_test(files),
        cmocka_unit_test(traces),
        cmocka_unit_test(nobody_reads),
        cmocka_unit_test(long_and_strange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
