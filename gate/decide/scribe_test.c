/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe_test.c: rounds on a hardware root in memory that can be told to fail, and on a disk that
 * is full: whatever goes wrong, there is no permit, and no permit without its record.
 */
#include "gate/decide/gate_ledger.h"
#include "gate/decide/office_testing.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/permit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void rounds(void **state)
{
    static const enum record_kind BEGIN[] = {RECORD_KEY_ROTATION, RECORD_START,   RECORD_ENROL,
                                             RECORD_BUMP,         RECORD_INSTALL, RECORD_ATTEMPT};

    (void)state;
    office_decided(NOW, FIRST);
    for (size_t i = 0; i < sizeof BEGIN / sizeof *BEGIN; i++)
        office_expect_entry(i, BEGIN[i], 0);
    office_decided(NOW, 8);
    office.answer = (struct answer){.permit = false, .reason = ERR_NO_POLICY};
    office_decided(NOW + 1, 10);
    office_open(); /* a new process introduces a key of its own */
    office_decided(NOW + 2, 14);
    office_expect_entry(11, RECORD_KEY_ROTATION, 0);
    office_expect_entry(12, RECORD_START, 0);
}

/* The docket's permit holds for the entry where it says that it is. */
static void expect_permit(const struct docket *docket, bool permitted, uint64_t size)
{
    static struct permit permit; /* large */
    struct checkpoint head;
    struct why why = {0};

    OK(permit_parse(buf_slice(&docket->permit), &permit, &why));
    OK(receipt_verify(&permit.receipt, buf_slice(&permit.entry), &office.gate.enrolment.hw.receipt,
                      &head, &why));
    assert_int_equal(permit.receipt.leaf_index, docket->index);
    assert_int_equal(head.size, size);
    assert_int_equal(permit.record.decision.permit, permitted);
    assert_true(slice_eq_str(permit.record.decision.attempt, docket->attempt));
    permit_free(&permit);
}

static void dockets_free(struct docket *dockets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        docket_free(&dockets[i]);
}

/* One visit to the hardware serves all that were asked, whichever is decided first. */
static void many_in_one_round(void **state)
{
    enum { N = 5 };
    struct docket dockets[N] = {0};
    struct answer deny = {.permit = false, .reason = ERR_DENIED};
    struct why why = {0};
    uint64_t round;

    (void)state;
    office_decided(NOW, FIRST);
    round = scribe_kept(office.scribe)->round;
    for (size_t i = 0; i < N; i++)
        OK(scribe_attempt(office.scribe, &office.request, NOW + i, &dockets[i], &why));
    for (size_t i = N; i-- > 0;)
        OK(scribe_decision(office.scribe, &dockets[i], i % 2 == 0 ? &office.answer : &deny, NOW + N,
                           &why));
    OK(scribe_finish(office.scribe, dockets, N, NOW + N, &why));
    assert_int_equal(scribe_kept(office.scribe)->round, round + 1);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(dockets[i].index, FIRST + 1 + N + (N - 1 - i));
        expect_permit(&dockets[i], i % 2 == 0, FIRST + 1 + 2 * N);
    }
    dockets_free(dockets, N);
}

/* A clock that is set back in the middle of a round: what the hardware signs is not older than what
 * it is about, nor than the session's certificate. */
static void clock_back_in_a_round(void **state)
{
    struct docket docket = {0};
    struct why why = {0};

    (void)state;
    OK(scribe_attempt(office.scribe, &office.request, NOW, &docket, &why));
    OK(scribe_decision(office.scribe, &docket, &office.answer, NOW, &why));
    OK(scribe_finish(office.scribe, &docket, 1, NOW - 60000, &why));
    expect_permit(&docket, true, FIRST + 1);
    docket_free(&docket);
}

/* A round ends when every attempt has its decision, and each has one. */
static void undecided(void **state)
{
    struct docket dockets[2] = {0};
    struct why why = {0};

    (void)state;
    office_decided(NOW, FIRST);
    for (size_t i = 0; i < 2; i++)
        OK(scribe_attempt(office.scribe, &office.request, NOW, &dockets[i], &why));
    OK(scribe_decision(office.scribe, &dockets[0], &office.answer, NOW, &why));
    assert_int_equal(scribe_decision(office.scribe, &dockets[0], &office.answer, NOW, &why),
                     ERR_INTERNAL);
    assert_int_equal(scribe_finish(office.scribe, dockets, 1, NOW, &why), ERR_INTERNAL);
    assert_null(dockets[0].permit.ptr);
    assert_int_equal(ledger_size(scribe_ledger(office.scribe)), FIRST + 1);
    assert_int_equal(scribe_decision(office.scribe, &dockets[1], &office.answer, NOW, &why),
                     ERR_INTERNAL); /* the round is gone */
    dockets_free(dockets, 2);
    office_decided(NOW, FIRST + 2);
}

/* Each epoch begins with the step and its install, whether this was interrupted or not. */
static void installs(void **state)
{
    uint64_t index;
    struct why why = {0};

    (void)state;
    assert_true(scribe_owes_install(office.scribe));
    OK(scribe_install(office.scribe, NOW, &index, &why));
    assert_int_equal(index, 4);
    assert_false(scribe_owes_install(office.scribe));
    office_decided(NOW, FIRST);

    office_install(EPOCH + 2, "next"); /* and killed before the record */
    office_open();
    assert_true(scribe_owes_install(office.scribe));
    office_decided(NOW, 12);
    office_expect_entry(7, RECORD_KEY_ROTATION, 0);
    office_expect_entry(9, RECORD_BUMP, EPOCH);
    office_expect_entry(10, RECORD_INSTALL, EPOCH);
    assert_false(scribe_owes_install(office.scribe));

    office_install(EPOCH + 3, "after it");
    OK(scribe_install(office.scribe, NOW, &index, &why));
    assert_int_equal(index, 17);
    office_expect_entry(13, RECORD_STOP, 0);
    office_expect_entry(14, RECORD_KEY_ROTATION, 0); /* a key for each epoch, in one process, too */
    office_expect_entry(17, RECORD_INSTALL, EPOCH + 2);
    office_decided(NOW, 19);
}

/* A new epoch whose first round cannot begin: what the next one writes is of the new key all the
 * same. */
static void new_epoch_at_the_second_try(void **state)
{
    (void)state;
    office_decided(NOW, FIRST);
    office_install(EPOCH + 1, "next");
    hw_fake_fail(office.nv, HW_FAKE_RECEIPT_KEY, ERR_HSM_KEY_MISSING, false);
    office_refused("no receipt key", NOW, ERR_HSM_KEY_MISSING, FIRST + 1);
    office_refused("still none", NOW, ERR_HSM_KEY_MISSING, FIRST + 1);
    hw_fake_fail(office.nv, HW_FAKE_RECEIPT_KEY, ERR_OK, false);
    office_decided(NOW, FIRST + 6);
}

/* The disk now holds another signed snapshot of the same epoch. */
static void two_snapshots(void **state)
{
    struct digest snapshot = office.gate.installed.judged.snapshot.digest;

    (void)state;
    office_decided(NOW, FIRST);
    office.gate.installed.judged.snapshot.digest.bytes[0] ^= 1;
    office_refused("another snapshot", NOW, ERR_EQUIVOCATION, 7);
    office_open();
    office_refused("another snapshot, in a new process", NOW, ERR_EQUIVOCATION, 7);
    office.gate.installed.judged.snapshot.digest = snapshot;
    office_decided(NOW, 10);
}

/* The first round also introduces the key, so each failure is tried in a first and a later one. */
static void hardware_fails(void **state)
{
    static const struct {
        const char *name;
        enum hw_fake_op op;
        bool late;
        uint64_t first, later; /* entries that are left */
    } cases[] = {
        {"begin", HW_FAKE_BEGIN, false, 0, 7},         {"begin, late", HW_FAKE_BEGIN, true, 0, 7},
        {"sign", HW_FAKE_SIGN, false, 0, 9}, /* later it signs after the commit alone */
        {"sign, late", HW_FAKE_SIGN, true, 0, 9},      {"seal", HW_FAKE_SEAL, false, 7, 9},
        {"seal, late", HW_FAKE_SEAL, true, 7, 9},      {"bind", HW_FAKE_HEAD_BIND, false, 7, 9},
        {"bind, late", HW_FAKE_HEAD_BIND, true, 7, 9},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(office_teardown(state), 0);
        assert_int_equal(office_setup(state), 0);
        hw_fake_fail(office.nv, cases[i].op, ERR_TPM_TIMEOUT, cases[i].late);
        office_refused(cases[i].name, NOW, ERR_TPM_TIMEOUT, cases[i].first);
        hw_fake_fail(office.nv, cases[i].op, ERR_OK, false);
        office_decided(NOW, cases[i].first == 0 ? FIRST : 10); /* that it was away is on record */

        assert_int_equal(office_teardown(state), 0);
        assert_int_equal(office_setup(state), 0);
        office_decided(NOW, FIRST);
        hw_fake_fail(office.nv, cases[i].op, ERR_HSM_REMOVED, cases[i].late);
        office_refused(cases[i].name, NOW + 1, ERR_HSM_REMOVED, cases[i].later);
        hw_fake_fail(office.nv, cases[i].op, ERR_OK, false);
        office_decided(NOW + 2, cases[i].later + 3);
        office_expect_entry(cases[i].later, RECORD_HARDWARE_LOST, 0);
        office_expect_entry(cases[i].later + 1, RECORD_HARDWARE_BACK, 0);
        office_decided(NOW + 2, cases[i].later + 5); /* once */
    }
}

/* Between two rounds as in one; and a gate that is locked out serves as little as one without
 * hardware. What the hardware refuses is no outage. */
static void what_is_an_outage(void **state)
{
    static const struct {
        err_code err;
        bool outage;
    } cases[] = {
        {ERR_TPM_NOT_FOUND, true},  {ERR_TPM_PERMISSION, true}, {ERR_HSM_PIN_WRONG, true},
        {ERR_TPM_LOCKED_OUT, true}, {ERR_HSM_PIN_LOCKED, true}, {ERR_TPM_BUSY, true},
        {ERR_ROLLBACK, false},      {ERR_EQUIVOCATION, false},
    };
    struct why why = {0};

    for (size_t i = 0; i < 3 * (sizeof cases / sizeof *cases); i++) {
        const err_code err = cases[i / 3].err;
        const uint64_t more = (cases[i / 3].outage ? 2u : 0u) + (i % 3 == 2 ? 2u : 0u);

        assert_int_equal(office_teardown(state), 0);
        assert_int_equal(office_setup(state), 0);
        office_decided(NOW, FIRST);
        hw_fake_fail(office.nv, HW_FAKE_BEGIN, err, false);
        if (i % 3 == 2) { /* it worked when the gate was opened */
            office.gate.now_ms = NOW;
            office_open();
        }
        if (i % 3 != 1)
            office_refused(err_name(err), NOW + 1, err, 7);
        else
            assert_int_equal(scribe_ping(office.scribe, NOW + 1, &why), err);
        hw_fake_fail(office.nv, HW_FAKE_BEGIN, ERR_OK, false);
        office_decided(NOW + 2, 8 + more);
        if (cases[i / 3].outage)
            office_expect_entry(i % 3 == 2 ? 9 : 7, RECORD_HARDWARE_LOST, 0);
    }
}

static void no_scribe_without_hardware(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};

    (void)state;
    hw_fake_fail(office.nv, HW_FAKE_HEAD_CHECK, ERR_HSM_KEY_MISSING, false);
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_HSM_KEY_MISSING);
    assert_null(scribe);
}

/* A ledger that is none is not begun anew. */
static void no_scribe_without_ledger(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};
    char path[96];

    (void)state;
    scribe_close(&office.scribe);
    (void)snprintf(path, sizeof path, "%s/ledger/journal", office.dir);
    testing_write(path, slice_str("not a ledger, and longer than the length of a record"));
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_LEDGER_INCONSISTENT);
    assert_null(scribe);
}

/* A gate in use whose ledger is gone does not begin another. */
static void no_ledger(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};
    char path[96];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/ledger", office.dir);
    testing_remove(path);
    (void)snprintf(path, sizeof path, "%s/state.db", office.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_NOT_ENROLLED);
    (void)snprintf(path, sizeof path, "%s/enrolment.cbor", office.dir);
    testing_write(path, slice_str("enrolled"));
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_STATE_CORRUPT);
    assert_null(scribe);
    OK(gate_ledger_make(office.dir, &why));
    office_open();
    office_decided(NOW, FIRST);
    OK(gate_ledger_make(office.dir, &why)); /* what is there stays */
    office_open();
    office_decided(NOW, FIRST + 4);
}

/* Somebody stepped the hardware since this process read the epoch. */
static void epoch_passed(void **state)
{
    (void)state;
    office_decided(NOW, FIRST);
    hw_fake_set_epoch(office.nv, EPOCH + 1);
    office_refused("stepped", NOW, ERR_ROLLBACK, 7);
    hw_fake_set_epoch(office.nv, EPOCH);
    office_decided(NOW, 8);
}

static void clock_back(void **state)
{
    (void)state;
    office_decided(NOW, FIRST);
    office_refused("a millisecond back", NOW - 1, ERR_CLOCK_BACK, 7);
    office_decided(NOW, 8);
    office_open();
    office_refused("a millisecond back, in a new process", NOW - 1, ERR_CLOCK_BACK, 9);
    office_decided(NOW, 12);
    office_refused("no time at all", UINT64_MAX, ERR_FORMAT, 13);
}

/* What does not fit into a record is not decided, and leaves nothing for the next round. */
static void no_record(void **state)
{
    static char id[1025];
    struct request good = office.request;

    (void)state;
    memset(id, 'a', sizeof id);
    office.request.subject_id = (struct slice){(const uint8_t *)id, sizeof id};
    office_refused("a long id", NOW, ERR_TOO_LARGE, 0);
    office.request = good;
    office_decided(NOW, FIRST);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static off_t ledger_bytes(void)
{
    struct stat st;
    char path[96];

    (void)snprintf(path, sizeof path, "%s/ledger/journal", office.dir);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Certificates differ by a few bytes in their length, from one session to the next. */
#define SLACK 64

/* Tries with room for less than a round needs; leaves nothing. */
static void too_little_room(off_t need, uint64_t entries)
{
    off_t before = ledger_bytes();

    for (off_t room = 0; room < need; room += room + 37 < need ? 37 : 1) {
        limit_files((rlim_t)(before + room));
        office_refused("full", NOW, ERR_STORAGE_FULL, entries);
        assert_int_equal(ledger_bytes(), before);
    }
    limit_files(RLIM_INFINITY);
}

static void disk_full(void **state)
{
    off_t empty = ledger_bytes(), first, later;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    office_decided(NOW, FIRST); /* what rounds need */
    first = ledger_bytes();
    office_decided(NOW, 8);
    later = ledger_bytes() - first;
    assert_int_equal(office_teardown(NULL), 0);
    assert_int_equal(office_setup(NULL), 0);
    too_little_room(first - empty - SLACK, 0);
    office_decided(NOW, FIRST);
    too_little_room(later, 7);
    office_decided(NOW, 8);
}

/* A cause whose name does not fit into a record is left out; the decision stands. */
static void long_names(void **state)
{
    CLEANUP(docket_free) struct docket docket = {0};
    static struct permit permit;
    static char alias[129], id[1025];
    struct policy_object object = {.version = 1};
    struct why why = {0};

    (void)state;
    memset(alias, 'a', sizeof alias - 1);
    memset(id, 'p', sizeof id - 1);
    object.alias = slice_str(alias);
    office.answer.n_policies = 1;
    office.answer.policies[0] = &object;
    office.answer.n_determining = 3;
    for (size_t i = 0; i < 3; i++)
        office.answer.determining[i].object = &object;
    office.answer.determining[0].name = slice_str(id);
    office.answer.determining[1].name = (struct slice){(const uint8_t *)id, 256 - 129};
    office.answer.determining[2].name = (struct slice){(const uint8_t *)id, 256 - 128};
    OK(office_decide(NOW, &docket, &why));
    OK(permit_parse(buf_slice(&docket.permit), &permit, &why));
    assert_int_equal(permit.record.decision.n_determining, 1);
    assert_int_equal(permit.record.decision.determining[0].len, 256);
    permit_free(&permit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(many_in_one_round, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(undecided, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(installs, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(new_epoch_at_the_second_try, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(two_snapshots, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(hardware_fails, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(what_is_an_outage, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(no_scribe_without_hardware, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(no_scribe_without_ledger, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(no_ledger, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(epoch_passed, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(clock_back, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(clock_back_in_a_round, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(no_record, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(disk_full, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(long_names, office_setup, office_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
