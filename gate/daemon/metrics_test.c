/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_test.c: what Prometheus reads, line by line. */
#include "gate/daemon/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct metrics metrics;
static struct keeper_state keeper;
static uint64_t refused[METRICS_ERRORS];
static struct effect effect;
static struct metrics_now now;

static void begin(void)
{
    metrics = (struct metrics){0};
    keeper = (struct keeper_state){0};
    memset(refused, 0, sizeof refused);
    effect = (struct effect){0};
    now = (struct metrics_now){.keeper = &keeper, .refused = refused, .effect = &effect};
}

/* Whether the text has this line, and no other one with the same name and labels. */
static void expect(const char *text, const char *line)
{
    size_t len = strlen(line), name = (size_t)(strrchr(line, ' ') - line) + 1;
    int found = 0, named = 0;

    for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1) {
        found += strncmp(at, line, len) == 0 && at[len] == '\n';
        named += strncmp(at, line, name) == 0;
    }
    if (found != 1 || named != 1)
        fail_msg("%d lines \"%s\", %d with that name, in:\n%s", found, line, named, text);
}

static char *render(struct buf *out)
{
    assert_int_equal(metrics_write(&metrics, &now, out), ERR_OK);
    assert_int_equal(buf_terminate(out), ERR_OK);
    return (char *)out->ptr;
}

static void nothing_yet(void **state)
{
    static const char *const LINES[] = {
        "# TYPE pawl_decisions_total counter",
        "# TYPE pawl_decision_seconds histogram",
        "pawl_decision_seconds_bucket{le=\"0.0005\"} 0",
        "pawl_decision_seconds_bucket{le=\"+Inf\"} 0",
        "pawl_decision_seconds_sum 0",
        "pawl_round_size_bucket{le=\"512\"} 0",
        "pawl_connections{socket=\"agents\"} 0",
        "pawl_waiting 0",
        "pawl_serving 0",
        "pawl_log_lost_total 0",
    };
    CLEANUP(buf_free) struct buf out = {0};
    char *text;

    (void)state;
    begin();
    text = render(&out);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        expect(text, LINES[i]);
    assert_null(strstr(text, "pawl_decisions_total{"));
    assert_null(strstr(text, "pawl_policy_version"));
    assert_null(strstr(text, "pawl_head_expiry_seconds"));
    assert_null(strstr(text, "pawl_refused_total{"));
}

static void decisions(void **state)
{
    static const struct {
        const char *class_;
        err_code reason;
        const char *line;
    } CASES[] = {
        {"execute", ERR_OK, "verdict=\"permit\",stage=\"policy\",reason=\"OK\",class=\"execute\""},
        {"mutate", ERR_DENIED,
         "verdict=\"deny\",stage=\"policy\",reason=\"DENIED\",class=\"mutate\""},
        {"delegate", ERR_TPM_TIMEOUT,
         "verdict=\"deny\",stage=\"hardware\",reason=\"TPM_TIMEOUT\",class=\"delegate\""},
        {"propagate", ERR_STORAGE_FULL,
         "verdict=\"deny\",stage=\"ledger\",reason=\"STORAGE_FULL\",class=\"propagate\""},
        {"", ERR_REQUEST_MALFORMED,
         "verdict=\"deny\",stage=\"request\",reason=\"REQUEST_MALFORMED\",class=\"none\""},
        /* A label that a caller could choose */
        {"x\"} 1\nevil", ERR_OK,
         "verdict=\"permit\",stage=\"policy\",reason=\"OK\",class=\"none\""},
    };
    CLEANUP(buf_free) struct buf out = {0};
    char *text, line[256];

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        for (size_t n = 0; n <= i; n++)
            metrics_decided(&metrics, slice_str(CASES[i].class_), CASES[i].reason, 1);
    text = render(&out);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        (void)snprintf(line, sizeof line, "pawl_decisions_total{%s} %zu", CASES[i].line, i + 1);
        expect(text, line);
    }
    assert_null(strstr(text, "evil"));
    expect(text, "pawl_decision_seconds_count 21");
}

/* A value on a bound belongs below it; what lies beyond all bounds is in +Inf alone. */
static void bounds(void **state)
{
    static const char *const LINES[] = {
        "pawl_decision_seconds_bucket{le=\"0.0005\"} 1",
        "pawl_decision_seconds_bucket{le=\"0.001\"} 2",
        "pawl_decision_seconds_bucket{le=\"0.002\"} 3",
        "pawl_decision_seconds_bucket{le=\"10\"} 3",
        "pawl_decision_seconds_bucket{le=\"30\"} 4",
        "pawl_decision_seconds_bucket{le=\"+Inf\"} 5",
        "pawl_decision_seconds_sum 61.002000001",
        "pawl_decision_seconds_count 5",
        "pawl_round_size_bucket{le=\"1\"} 0",
        "pawl_round_size_bucket{le=\"64\"} 1",
        "pawl_round_size_bucket{le=\"512\"} 1",
        "pawl_round_size_bucket{le=\"+Inf\"} 2",
        "pawl_round_size_sum 577",
    };
    static const uint64_t TIMES[] = {0, 1000000, 1000001, 30000000000, 31000000000};
    CLEANUP(buf_free) struct buf out = {0};
    char *text;

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++)
        metrics_decided(&metrics, slice_str("execute"), ERR_OK, TIMES[i]);
    histogram_add(&keeper.round_size, &HISTOGRAM_SIZES, 64);
    histogram_add(&keeper.round_size, &HISTOGRAM_SIZES, 513);
    text = render(&out);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        expect(text, LINES[i]);
}

/* Each use of the hardware is told from the others. */
static void operations(void **state)
{
    static const char *const NAMES[KEEPER_USES] = {"open", "check",  "prove",
                                                   "ping", "errand", "stop"};
    CLEANUP(buf_free) struct buf out = {0};
    char *text, line[128];

    (void)state;
    begin();
    for (size_t use = 0; use < KEEPER_USES; use++)
        for (size_t n = 0; n <= use; n++)
            histogram_add(&keeper.use_ns[use], &HISTOGRAM_TIMES, 1500000);
    histogram_add(&keeper.append_ns, &HISTOGRAM_TIMES, 31000000000);
    text = render(&out);
    for (size_t use = 0; use < KEEPER_USES; use++) {
        const char *name = NAMES[use];

        (void)snprintf(line, sizeof line,
                       "pawl_hw_operation_seconds_bucket{operation=\"%s\",le=\"0.002\"} %zu", name,
                       use + 1);
        expect(text, line);
        (void)snprintf(line, sizeof line, "pawl_hw_operation_seconds_count{operation=\"%s\"} %zu",
                       name, use + 1);
        expect(text, line);
        (void)snprintf(line, sizeof line,
                       "pawl_hw_operation_seconds_bucket{operation=\"%s\",le=\"0.001\"} 0", name);
        expect(text, line);
    }
    expect(text, "pawl_hw_operation_seconds_sum{operation=\"prove\"} 0.0045");
    expect(text, "pawl_ledger_append_seconds_bucket{le=\"30\"} 0");
    expect(text, "pawl_ledger_append_seconds_sum 31");
}

/* However many policies there are: so many are named, and all counted. */
static void in_effect(void **state)
{
    static struct snapshot_policy policies[EFFECT_POLICIES_MAX + 1];
    static char names[EFFECT_POLICIES_MAX + 1][TERM_NAME_MAX + 1];
    const struct snapshot snapshot = {
        .policies = policies, .n_policies = EFFECT_POLICIES_MAX + 1, .exp = 1000};
    CLEANUP(buf_free) struct buf out = {0};
    char *text, line[256];

    (void)state;
    begin();
    for (size_t i = 0; i <= EFFECT_POLICIES_MAX; i++) {
        memset(names[i], 'a', TERM_NAME_MAX - 2);
        (void)snprintf(names[i] + TERM_NAME_MAX - 2, 3, "%02zu", i);
        policies[i] = (struct snapshot_policy){slice_str(names[i]), i + 1, {{0}}};
    }
    effect_take(&snapshot, &effect);
    now.now = 1007;
    now.agents = 3;
    text = render(&out);
    for (size_t i = 0; i < EFFECT_POLICIES_MAX; i++) {
        (void)snprintf(line, sizeof line, "pawl_policy_version{alias=\"%.128s\"} %zu", names[i],
                       i + 1);
        expect(text, line);
    }
    assert_null(strstr(text, names[EFFECT_POLICIES_MAX]));
    expect(text, "pawl_policies 65");
    expect(text, "pawl_head_expiry_seconds -7");
    expect(text, "pawl_agents 3");
}

static void gauges(void **state)
{
    static const char *const LINES[] = {
        "pawl_refused_total{reason=\"OVERLOADED\"} 7",
        "pawl_refused_total{reason=\"NOT_FOUND\"} 1",
        "pawl_connections{socket=\"agents\"} 3",
        "pawl_connections{socket=\"enforcement\"} 4",
        "pawl_connections{socket=\"admin\"} 5",
        "pawl_waiting 9",
        "pawl_ledger_size 18446744073709551615",
        "pawl_epoch 12",
        "pawl_serving 1",
        "pawl_log_lost_total 2",
    };
    CLEANUP(buf_free) struct buf out = {0};
    char *text;

    (void)state;
    begin();
    refused[ERR_OVERLOADED] = 7;
    refused[ERR_NOT_FOUND] = 1;
    for (unsigned kind = CALLER_AGENT; kind <= CALLER_ADMIN; kind++)
        now.connections[kind] = 2 + kind;
    keeper.waiting = 9;
    keeper.ledger_size = UINT64_MAX;
    keeper.epoch = 12;
    keeper.serving = true;
    now.log_lost = 2;
    text = render(&out);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        expect(text, LINES[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_yet), cmocka_unit_test(decisions),  cmocka_unit_test(bounds),
        cmocka_unit_test(gauges),      cmocka_unit_test(operations), cmocka_unit_test(in_effect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
