/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of the common log: a full tile and a partial one, two sessions. */
#define COMMITTED 302
#define DECISIONS 149

static struct lab *two_sessions(void)
{
    struct lab *lab = lab_make();

    lab_session(lab, 20);
    lab_session(lab, DECISIONS - 20);
    lab->folded = 280;
    lab_write(lab, lab->n);
    return lab;
}

static int set_up(void **state)
{
    *state = two_sessions();
    return 0;
}

static int tear_down(void **state)
{
    lab_free(*state);
    return 0;
}

static struct audit_job job_of(const struct lab *lab)
{
    return (struct audit_job){.dir = lab->dir, .auditor = &lab->auditor, .thorough = true};
}

static void good(const struct audit_job *job, struct audit_report *ret)
{
    struct why why = {0};
    err_code err = audit_log(job, ret, &why);

    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), why.text);
}

static void a_good_log(void **state)
{
    const struct lab *lab = *state;
    struct checkpoint head = lab_head(lab, lab->n);
    struct audit_job job = job_of(lab);

    for (int thorough = 0; thorough < 2; thorough++) {
        struct audit_report report;

        job.thorough = thorough != 0;
        good(&job, &report);
        assert_int_equal(report.head.size, COMMITTED);
        assert_memory_equal(&report.head, &head, sizeof head);
        assert_memory_equal(&report.published, &head, sizeof head);
        assert_int_equal(report.read, COMMITTED);
        assert_int_equal(report.kinds[RECORD_DECISION], DECISIONS);
        assert_int_equal(report.kinds[RECORD_ATTEMPT], DECISIONS);
        assert_int_equal(report.permits, DECISIONS);
        assert_int_equal(report.kinds[RECORD_KEY_ROTATION], 2);
        assert_int_equal(report.interrupted, 1);
        assert_int_equal(report.findings, 0);
        assert_true(report.sealed && report.journal && report.running);
    }
}

#define WITH_LAB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LAB(a_good_log),
    };
    return cmocka_run_group_tests_name("audit_log", tests, NULL, NULL);
}
