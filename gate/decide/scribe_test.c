/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe_test.c: rounds on a hardware root in memory that can be told to fail, and on a disk that
 * is full: whatever goes wrong, there is no permit, and no permit without its record.
 */
#include "gate/decide/scribe.h"

#include "gate/decide/gate_ledger.h"
#include "gate/ledger/ledger_testing.h"
#include "hw/fake.h"

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

#define NOW UINT64_C(1760000000000)
#define EPOCH 3
/* Where the first decision stands: behind key_rotation, start, enrol, bump, install and its
 * attempt. A round takes two entries, a session two more. */
#define FIRST 6
#define VKEY "example.org/gate-1+1c1f3be9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

/* A gate that was never installed or opened, only put together. */
struct office {
    char dir[64];
    struct hw_fake_nv *nv;
    struct hw_signer *authority, *spare;
    struct hw_owner *owner;
    struct hw_mandate *mandate;
    struct gate gate;
    struct scribe *scribe;
    struct request request;
    struct answer answer;
};

static struct office office;

#define OK(call) expect((call), ERR_OK, &why, #call, __LINE__)
static void expect(err_code got, err_code want, const struct why *why, const char *call, int line)
{
    if (got != want)
        fail_msg("line %d: %s: gave %s (%s), wanted %s", line, call, err_name(got), why->text,
                 err_name(want));
}

/* ---- the office ------------------------------------------------------------------------------ */

static void make_owner(void)
{
    struct hw_owner *owner = calloc(1, sizeof *owner);
    struct why why = {0};

    assert_non_null(owner);
    OK(hw_signer_generate(HW_ES256, &office.authority, &why));
    OK(hw_signer_generate(HW_ES256, &office.spare, &why));
    (void)snprintf(owner->domain, sizeof owner->domain, "example.org");
    (void)snprintf(owner->gate, sizeof owner->gate, "gate-1");
    owner->ratchet[0] = owner->anchors[0] = office.authority->key;
    owner->ratchet[1] = office.spare->key;
    owner->n_ratchet = 2;
    owner->n_anchors = 1;
    office.owner = owner;
}

static void make_mandate(uint64_t epoch, const char *snapshot)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct slice text = slice_str(snapshot);
    struct why why = {0};

    free(office.mandate);
    office.mandate = calloc(1, sizeof *office.mandate);
    assert_non_null(office.mandate);
    office.mandate->epoch = epoch;
    office.mandate->n_statements = 1;
    OK(hash_sha256(text, &office.mandate->snapshot));
    OK(hw_sign(office.authority, text, &sig, &why));
    OK(hw_statement_of(&office.authority->key, text, buf_slice(&sig),
                       &office.mandate->statements[0]));
}

static void make_request(void)
{
    static const char *const NONE[] = {NULL};
    const struct request_flags flags = {"agent",         "build-7", "exec", "execute", "program",
                                        "/usr/bin/true", NONE,      NULL,   NULL};
    struct why why = {0};

    OK(request_from_flags(&flags, &office.request, &why));
    office.answer = (struct answer){.permit = true, .reason = ERR_OK};
}

/* As gate_install() does, but for the record. */
static void install(uint64_t epoch, const char *snapshot)
{
    struct gate *gate = &office.gate;
    struct why why = {0};

    make_mandate(epoch, snapshot);
    OK(gate->hw->ops->step(gate->hw, office.mandate, &why));
    OK(gate->hw->ops->prepare(gate->hw, office.mandate, &why));
    gate->epoch = epoch;
    gate->has_installed = true;
    gate->installed.judged.snapshot.digest = office.mandate->snapshot;
}

static void open_scribe(void)
{
    struct why why = {0};

    scribe_close(&office.scribe);
    OK(scribe_open(&office.gate, &office.scribe, &why));
}

static int setup(void **state)
{
    struct gate *gate = &office.gate;
    struct why why = {0};

    (void)state;
    office = (struct office){0};
    testing_dir(office.dir, sizeof office.dir);
    make_owner();
    make_request();
    OK(hw_fake_nv_new(&office.nv));
    OK(hw_fake_open(office.nv, &gate->hw));
    gate->state_dir = office.dir;
    gate->enrolment.domain = slice_str("example.org");
    gate->enrolment.issuer = slice_str(TESTING_ISSUER);
    gate->enrolment.gate = slice_str("gate-1");
    gate->enrolment.log = slice_str(VKEY);
    OK(gate->hw->ops->enrol(gate->hw, office.owner, &gate->enrolment.hw, &why));
    OK(gate->hw->ops->attach(gate->hw, office.owner, &gate->enrolment.hw, &why));
    install(EPOCH, "snapshot");
    OK(gate_ledger_make(office.dir, &why));
    open_scribe();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scribe_close(&office.scribe);
    hw_root_close(&office.gate.hw);
    hw_fake_nv_free(&office.nv);
    hw_signer_close(&office.authority);
    hw_signer_close(&office.spare);
    request_free(&office.request);
    free(office.owner);
    free(office.mandate);
    testing_remove(office.dir);
    return 0;
}

/* ---- what a round leaves --------------------------------------------------------------------- */

static err_code decide_at(uint64_t now_ms, struct written *ret, struct why *why)
{
    struct attempt_id attempt;
    const struct decided decided = {&attempt, &office.request, &office.answer};

    TRY(scribe_attempt(office.scribe, &office.request, now_ms, &attempt, why));
    return scribe_decision(office.scribe, &decided, now_ms, ret, why);
}

/* Refused with this error, without a permit, and with so many entries in the ledger, in this
 * process and for the next one. */
static void refused(const char *name, uint64_t now_ms, err_code want, uint64_t entries)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(written_free) struct written written = {0};
    struct why why = {0};
    err_code got = decide_at(now_ms, &written, &why);

    if (got != want)
        fail_msg("%s: gave %s (%s), wanted %s", name, err_name(got), why.text, err_name(want));
    assert_null(written.permit.ptr);
    assert_int_equal(written.index, 0);
    assert_int_equal(ledger_size(scribe_ledger(office.scribe)), entries);
    OK(ledger_open(office.dir, LEDGER_READ, &ledger, &why));
    assert_int_equal(ledger_size(ledger), entries);
    assert_int_equal(ledger_torn(ledger), 0);
}

/* Decided, in this place, with a permit whose record is there. */
static void decided(uint64_t now_ms, uint64_t index)
{
    CLEANUP(written_free) struct written written = {0};
    CLEANUP(buf_free) struct buf entry = {0};
    static struct permit permit; /* large */
    struct why why = {0};
    struct checkpoint head;

    OK(decide_at(now_ms, &written, &why));
    assert_int_equal(written.index, index);
    OK(permit_parse(buf_slice(&written.permit), &permit, &why));
    OK(ledger_entry(scribe_ledger(office.scribe), index, &entry, &why));
    assert_true(slice_eq(buf_slice(&permit.entry), buf_slice(&entry)));
    OK(receipt_verify(&permit.receipt, buf_slice(&entry), &office.gate.enrolment.hw.receipt, &head,
                      &why));
    OK(record_verify(&permit.rotation, &office.gate.enrolment.hw.receipt, &why));
    OK(record_verify(&permit.record, &permit.rotation.key, &why));
    assert_int_equal(head.size, index + 1);
    assert_int_equal(permit.record.epoch, office.mandate->epoch);
    assert_true(digest_eq(&permit.record.snapshot, &office.mandate->snapshot));
    assert_true(digest_eq(&permit.record.input, &office.request.digest));
    assert_int_equal(permit.record.decision.permit, office.answer.permit);
    assert_true(slice_eq_str(permit.record.decision.reason, err_name(office.answer.reason)));
    permit_free(&permit);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void expect_entry(uint64_t index, enum record_kind kind, uint64_t from_epoch)
{
    CLEANUP(buf_free) struct buf entry = {0};
    static struct record record;
    struct why why = {0};

    OK(ledger_entry(scribe_ledger(office.scribe), index, &entry, &why));
    OK(record_parse(buf_slice(&entry), &record, &why));
    assert_int_equal(record.kind, kind);
    assert_int_equal(record.from_epoch, from_epoch);
}

static void rounds(void **state)
{
    static const enum record_kind BEGIN[] = {RECORD_KEY_ROTATION, RECORD_START,   RECORD_ENROL,
                                             RECORD_BUMP,         RECORD_INSTALL, RECORD_ATTEMPT};

    (void)state;
    decided(NOW, FIRST);
    for (size_t i = 0; i < sizeof BEGIN / sizeof *BEGIN; i++)
        expect_entry(i, BEGIN[i], 0);
    decided(NOW, 8);
    office.answer = (struct answer){.permit = false, .reason = ERR_NO_POLICY};
    decided(NOW + 1, 10);
    open_scribe(); /* a new process introduces a key of its own */
    decided(NOW + 2, 14);
    expect_entry(11, RECORD_KEY_ROTATION, 0);
    expect_entry(12, RECORD_START, 0);
}

/* Each epoch begins with the step and its install, whether this was interrupted or not. */
static void installs(void **state)
{
    CLEANUP(written_free) struct written written = {0};
    struct why why = {0};

    (void)state;
    assert_true(scribe_owes_install(office.scribe));
    OK(scribe_install(office.scribe, NOW, &written, &why));
    assert_int_equal(written.index, 4);
    assert_null(written.permit.ptr);
    assert_false(scribe_owes_install(office.scribe));
    decided(NOW, FIRST);

    install(EPOCH + 2, "next"); /* and killed before the record */
    open_scribe();
    assert_true(scribe_owes_install(office.scribe));
    decided(NOW, 12);
    expect_entry(7, RECORD_KEY_ROTATION, 0);
    expect_entry(9, RECORD_BUMP, EPOCH);
    expect_entry(10, RECORD_INSTALL, EPOCH);
    assert_false(scribe_owes_install(office.scribe));

    install(EPOCH + 3, "after it");
    OK(scribe_install(office.scribe, NOW, &written, &why));
    assert_int_equal(written.index, 17);
    expect_entry(13, RECORD_STOP, 0);
    expect_entry(14, RECORD_KEY_ROTATION, 0); /* a key for each epoch, in one process, too */
    expect_entry(17, RECORD_INSTALL, EPOCH + 2);
    decided(NOW, 19);
}

/* A new epoch whose first round cannot begin: what the next one writes is of the new key all the
 * same. */
static void new_epoch_at_the_second_try(void **state)
{
    (void)state;
    decided(NOW, FIRST);
    install(EPOCH + 1, "next");
    hw_fake_fail(office.nv, HW_FAKE_RECEIPT_KEY, ERR_HSM_KEY_MISSING, false);
    refused("no receipt key", NOW, ERR_HSM_KEY_MISSING, FIRST + 1);
    refused("still none", NOW, ERR_HSM_KEY_MISSING, FIRST + 1);
    hw_fake_fail(office.nv, HW_FAKE_RECEIPT_KEY, ERR_OK, false);
    decided(NOW, FIRST + 6);
}

/* The disk now holds another signed snapshot of the same epoch. */
static void two_snapshots(void **state)
{
    struct digest snapshot = office.gate.installed.judged.snapshot.digest;

    (void)state;
    decided(NOW, FIRST);
    office.gate.installed.judged.snapshot.digest.bytes[0] ^= 1;
    refused("another snapshot", NOW, ERR_EQUIVOCATION, 7);
    open_scribe();
    refused("another snapshot, in a new process", NOW, ERR_EQUIVOCATION, 7);
    office.gate.installed.judged.snapshot.digest = snapshot;
    decided(NOW, 10);
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
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        hw_fake_fail(office.nv, cases[i].op, ERR_TPM_TIMEOUT, cases[i].late);
        refused(cases[i].name, NOW, ERR_TPM_TIMEOUT, cases[i].first);
        hw_fake_fail(office.nv, cases[i].op, ERR_OK, false);
        decided(NOW, cases[i].first == 0 ? FIRST : 10); /* that it was away is on record */

        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        decided(NOW, FIRST);
        hw_fake_fail(office.nv, cases[i].op, ERR_HSM_REMOVED, cases[i].late);
        refused(cases[i].name, NOW + 1, ERR_HSM_REMOVED, cases[i].later);
        hw_fake_fail(office.nv, cases[i].op, ERR_OK, false);
        decided(NOW + 2, cases[i].later + 3);
        expect_entry(cases[i].later, RECORD_HARDWARE_LOST, 0);
        expect_entry(cases[i].later + 1, RECORD_HARDWARE_BACK, 0);
        decided(NOW + 2, cases[i].later + 5); /* once */
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
    open_scribe();
    decided(NOW, FIRST);
    OK(gate_ledger_make(office.dir, &why)); /* what is there stays */
    open_scribe();
    decided(NOW, FIRST + 4);
}

/* Somebody stepped the hardware since this process read the epoch. */
static void epoch_passed(void **state)
{
    (void)state;
    decided(NOW, FIRST);
    hw_fake_set_epoch(office.nv, EPOCH + 1);
    refused("stepped", NOW, ERR_ROLLBACK, 7);
    hw_fake_set_epoch(office.nv, EPOCH);
    decided(NOW, 8);
}

static void clock_back(void **state)
{
    (void)state;
    decided(NOW, FIRST);
    refused("a millisecond back", NOW - 1, ERR_CLOCK_BACK, 7);
    decided(NOW, 8);
    open_scribe();
    refused("a millisecond back, in a new process", NOW - 1, ERR_CLOCK_BACK, 9);
    decided(NOW, 12);
    refused("no time at all", UINT64_MAX, ERR_FORMAT, 13);
}

/* What does not fit into a record is not decided, and leaves nothing for the next round. */
static void no_record(void **state)
{
    static char id[1025];
    struct request good = office.request;

    (void)state;
    memset(id, 'a', sizeof id);
    office.request.subject_id = (struct slice){(const uint8_t *)id, sizeof id};
    refused("a long id", NOW, ERR_TOO_LARGE, 0);
    office.request = good;
    decided(NOW, FIRST);
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

/* Tries with room for 0 to all but one byte of what a round needs; leaves nothing. */
static void too_little_room(off_t need, uint64_t entries)
{
    off_t before = ledger_bytes();

    for (off_t room = 0; room < need; room += room + 37 < need ? 37 : 1) {
        limit_files((rlim_t)(before + room));
        refused("full", NOW, ERR_STORAGE_FULL, entries);
        assert_int_equal(ledger_bytes(), before);
    }
    limit_files(RLIM_INFINITY);
}

static void disk_full(void **state)
{
    off_t empty = ledger_bytes(), first, later;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    decided(NOW, FIRST); /* what rounds need */
    first = ledger_bytes();
    decided(NOW, 8);
    later = ledger_bytes() - first;
    assert_int_equal(teardown(NULL), 0);
    assert_int_equal(setup(NULL), 0);
    too_little_room(first - empty, 0);
    decided(NOW, FIRST);
    too_little_room(later, 7);
    decided(NOW, 8);
    assert_int_equal(ledger_bytes(), first + later);
}

/* A cause whose name does not fit into a record is left out; the decision stands. */
static void long_names(void **state)
{
    CLEANUP(written_free) struct written written = {0};
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
    OK(decide_at(NOW, &written, &why));
    OK(permit_parse(buf_slice(&written.permit), &permit, &why));
    assert_int_equal(permit.record.decision.n_determining, 1);
    assert_int_equal(permit.record.decision.determining[0].len, 256);
    permit_free(&permit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds, setup, teardown),
        cmocka_unit_test_setup_teardown(installs, setup, teardown),
        cmocka_unit_test_setup_teardown(new_epoch_at_the_second_try, setup, teardown),
        cmocka_unit_test_setup_teardown(two_snapshots, setup, teardown),
        cmocka_unit_test_setup_teardown(hardware_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(no_scribe_without_hardware, setup, teardown),
        cmocka_unit_test_setup_teardown(no_scribe_without_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(no_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(epoch_passed, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_back, setup, teardown),
        cmocka_unit_test_setup_teardown(no_record, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(long_names, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
