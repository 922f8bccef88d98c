/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_agents_test.c: agents enrolled and removed in rounds, on a hardware root in memory. */
#include "gate/decide/office_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where the first enrolment stands: there is no attempt before it. */
#define FIRST_OWN (FIRST - 1)

static struct why why;
static uint64_t at; /* of the last record */

static const struct roster *roster(void)
{
    return ledger_roster(scribe_ledger(office.scribe));
}

static const struct enrolled *enrolled(const char *id)
{
    return ledger_enrolled(scribe_ledger(office.scribe), slice_str(id));
}

static err_code enrol(const char *id, const char *parent)
{
    return scribe_enrol(office.scribe,
                        &(struct record_agent){.id = slice_str(id),
                                               .parent = slice_str(parent),
                                               .n_aliases = 4,
                                               .aliases = {slice_str("c"), slice_str("a"),
                                                           slice_str("c"), slice_str("b")},
                                               .admin = 1000},
                        NOW, &at, &why);
}

static err_code let_go(const char *id)
{
    return scribe_remove(office.scribe, slice_str(id), 1001, NOW, &at, &why);
}

static void on_record(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record *record = calloc(1, sizeof *record);

    (void)state;
    assert_non_null(record);
    OK(enrol("whole", ""));
    assert_int_equal(at, FIRST_OWN);
    office_entry(at, &bytes, record);
    assert_int_equal(record->kind, RECORD_AGENT_ENROL);
    assert_true(slice_eq_str(record->agent.id, "whole"));
    assert_int_equal(record->agent.admin, 1000);
    assert_int_equal(record->agent.n_aliases, 3); /* each once, in order */
    assert_true(slice_eq_str(record->agent.aliases[0], "a"));
    assert_true(slice_eq_str(record->agent.aliases[1], "b"));
    assert_true(slice_eq_str(record->agent.aliases[2], "c"));
    OK(enrol("part", "whole"));
    assert_int_equal(at, FIRST_OWN + 1);
    office_open(); /* a session of its own: two more entries */
    assert_int_equal(roster()->n, 2);
    assert_int_equal(enrolled("part")->entry, FIRST_OWN + 1);
    assert_int_equal(enrolled("part")->since_ms, NOW);
    OK(let_go("part"));
    assert_int_equal(at, FIRST_OWN + 4);
    office_entry(at, &bytes, record);
    assert_int_equal(record->kind, RECORD_AGENT_REMOVE);
    assert_int_equal(record->agent.admin, 1001);
    OK(scribe_stop(office.scribe, "test", NOW, &why)); /* which folds */
    office_open();
    assert_int_equal(roster()->n, 1);
    OK(let_go("whole"));
    assert_int_equal(roster()->n, 0);
    free(record);
}

/* What the roster does not admit comes to no round, and is none of the ledger's. */
static void refused(void **state)
{
    struct record_agent many = {.id = slice_str("many"), .n_aliases = RECORD_ALIASES_MAX + 1};
    uint64_t size;

    (void)state;
    OK(enrol("whole", ""));
    OK(enrol("part", "whole"));
    size = ledger_size(scribe_ledger(office.scribe));
    hw_fake_fail(office.nv, HW_FAKE_BEGIN, ERR_TPM_TIMEOUT, false); /* would be seen */
    office_expect(enrol("whole", ""), ERR_EXISTS, &why, "twice", __LINE__);
    office_expect(enrol("more", "nobody"), ERR_NOT_FOUND, &why, "orphan", __LINE__);
    office_expect(let_go("nobody"), ERR_NOT_FOUND, &why, "nobody", __LINE__);
    office_expect(let_go("whole"), ERR_AGENT_PARENT, &why, "parent", __LINE__);
    office_expect(scribe_enrol(office.scribe, &many, NOW, &at, &why), ERR_TOO_LARGE, &why, "many",
                  __LINE__);
    hw_fake_fail(office.nv, HW_FAKE_BEGIN, ERR_OK, false);
    office_expect(enrol("", ""), ERR_FORMAT, &why, "without a name", __LINE__);
    assert_int_equal(ledger_size(scribe_ledger(office.scribe)), size);
    assert_int_equal(roster()->n, 2);
    OK(enrol("later", "part"));
    assert_int_equal(at, size);
}

/* A round that fails before it is durable enrols nobody; one that fails after it did. */
static void rounds_that_fail(void **state)
{
    static const struct {
        enum hw_fake_op op;
        size_t left;
    } CASES[] = {{HW_FAKE_BEGIN, 1}, {HW_FAKE_HEAD_BIND, 2}, {HW_FAKE_SEAL, 2}};

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(office_teardown(state), 0);
        assert_int_equal(office_setup(state), 0);
        OK(enrol("whole", ""));
        hw_fake_fail(office.nv, CASES[i].op, ERR_TPM_TIMEOUT, false);
        office_expect(enrol("part", "whole"), ERR_TPM_TIMEOUT, &why, "enrol", __LINE__);
        assert_int_equal(roster()->n, CASES[i].left);
        hw_fake_fail(office.nv, CASES[i].op, ERR_OK, false);
        office_open();
        assert_int_equal(roster()->n, CASES[i].left);
        if (CASES[i].left == 2)
            OK(let_go("part"));
        OK(enrol("part", "whole"));
        assert_int_equal(enrolled("whole")->children, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(on_record, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(refused, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(rounds_that_fail, office_setup, office_teardown),
    };

    return cmocka_run_group_tests_name("decide_scribe_agents", tests, NULL, NULL);
}
