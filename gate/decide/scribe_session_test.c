/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_session_test.c: how sessions begin and end, what else a gate puts on record, and that
 * nobody makes it forget. */
#include "gate/base/file.h"
#include "gate/decide/office_testing.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/tlog/journal.h"
#include "gate/tlog/note.h"

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

/* A process that has one thing to do ends its session with it; one that was killed does not. */
static void the_end_of_a_session(void **state)
{
    CLEANUP(docket_free) struct docket docket = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    static struct record record;
    struct why why = {0};

    (void)state;
    scribe_last(office.scribe);
    OK(office_decide(NOW, &docket, &why));
    assert_int_equal(docket.index, FIRST);
    office_expect_entry(FIRST + 1, RECORD_STOP, 0);
    office_open();
    office_decided(NOW, FIRST + 5);
    office_entry(FIRST + 3, &bytes, &record);
    assert_int_equal(record.kind, RECORD_START);
    assert_true(record.start.clean);
    assert_int_equal(record.start.last_size, FIRST + 2);
    office_open(); /* without a stop */
    office_decided(NOW, FIRST + 9);
    office_entry(FIRST + 7, &bytes, &record);
    assert_int_equal(record.kind, RECORD_START);
    assert_false(record.start.clean);
}

/* A service stops: on record, published, folded, and its head kept durably. */
static void a_service_stops(void **state)
{
    struct why why = {0};
    char path[96];

    (void)state;
    OK(scribe_stop(office.scribe, "signal", NOW, &why)); /* nothing was on record */
    assert_int_equal(ledger_size(scribe_ledger(office.scribe)), 0);
    office_decided(NOW, FIRST);
    OK(scribe_stop(office.scribe, "signal", NOW + 1, &why));
    office_expect_entry(FIRST + 1, RECORD_STOP, 0);
    assert_int_equal(scribe_kept(office.scribe)->durable.size, FIRST + 2);
    (void)snprintf(path, sizeof path, "%s/ledger/checkpoint", office.dir);
    assert_int_equal(access(path, R_OK), 0);
    (void)snprintf(path, sizeof path, "%s/ledger/seal", office.dir);
    assert_int_equal(access(path, R_OK), 0);
    office_open();
    office_decided(NOW + 2, FIRST + 5);
}

/* What is published does not wait for the journal to be folded, and nothing is lost with that. */
static void the_journal_cannot_be_folded(void **state)
{
    CLEANUP(buf_free) struct buf checkpoint = {0};
    struct why why = {0};
    char path[96], in_the_way[96];
    char size[8];

    (void)state;
    office_decided(NOW, FIRST);
    (void)snprintf(in_the_way, sizeof in_the_way, "%s/ledger/journal.new", office.dir);
    assert_int_equal(mkdir(in_the_way, 0700), 0);
    assert_int_equal(scribe_stop(office.scribe, "signal", NOW + 1, &why), ERR_STORAGE);
    assert_non_null(strstr(why.text, "new journal"));
    (void)snprintf(path, sizeof path, "%s/ledger/checkpoint", office.dir);
    OK(file_read(path, NOTE_SIZE_MAX, &checkpoint, &why));
    (void)snprintf(size, sizeof size, "\n%d\n", FIRST + 2);
    assert_non_null(strstr((const char *)checkpoint.ptr, size));
    OK(scribe_publish(office.scribe, &why));
    OK(scribe_fold(office.scribe, &why)); /* it is short */
    office_decided(NOW + 2, FIRST + 5);
    assert_int_equal(rmdir(in_the_way), 0);
    OK(scribe_stop(office.scribe, "signal", NOW + 3, &why));
}

/* The hardware keeps a head durably at first and then once an hour. */
static void once_an_hour(void **state)
{
    const uint64_t hour = UINT64_C(3600000);

    (void)state;
    office_decided(NOW, FIRST);
    assert_int_equal(scribe_kept(office.scribe)->durable.size, FIRST + 1);
    office_decided(NOW + hour - 1, FIRST + 2);
    assert_int_equal(scribe_kept(office.scribe)->durable.size, FIRST + 1);
    office_open(); /* which knows it from the ledger */
    office_decided(NOW + hour - 1, FIRST + 6);
    assert_int_equal(scribe_kept(office.scribe)->durable.size, FIRST + 1);
    office_decided(NOW + hour, FIRST + 8);
    assert_int_equal(scribe_kept(office.scribe)->durable.size, FIRST + 9);
}

static void a_refused_install(void **state)
{
    uint64_t index;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct refusal refusal = {.error = ERR_ROLLBACK, .claimed = EPOCH - 1};
    static struct record record;
    struct why why = {0};

    (void)state;
    memset(refusal.bundle.bytes, 7, sizeof refusal.bundle.bytes);
    OK(scribe_refused(office.scribe, &refusal, NOW, &index, &why));
    office_entry(index, &bytes, &record);
    assert_int_equal(record.kind, RECORD_INSTALL_REFUSED);
    assert_true(slice_eq_str(record.refused.error, "ROLLBACK"));
    assert_true(digest_eq(&record.refused.bundle, &refusal.bundle));
    assert_int_equal(record.refused.claimed, EPOCH - 1);
    assert_int_equal(record.epoch, EPOCH);
}

/* What the snapshot revokes stands before its install: what is new, as far as that is known. */
static void revocations(void **state)
{
    struct revocation items[] = {
        {.kind = REVOKED_KEY, .since = 1, .reason = slice_str("lost")},
        {.kind = REVOKED_OBJECT, .since = 2, .reason = slice_str("wrong")},
    };
    bool before[] = {true, false};
    CLEANUP(buf_free) struct buf bytes = {0};
    static struct record record;

    (void)state;
    office.gate.installed.judged.snapshot.revoked = (struct revoked){items, 2};
    office_decided(NOW, FIRST + 2);
    office_expect_entry(4, RECORD_REVOCATION, 0);
    office_expect_entry(5, RECORD_REVOCATION, 0);
    office_expect_entry(6, RECORD_INSTALL, 0);

    office_install(EPOCH + 1, "next");
    office.gate.revoked_before = before;
    office_open();
    office_decided(NOW, FIRST + 9);
    office_entry(12, &bytes, &record);
    assert_int_equal(record.kind, RECORD_REVOCATION);
    assert_true(slice_eq_str(record.revocation.reason, "wrong"));
    assert_int_equal(record.revocation.since_ms, 2000);
    office_expect_entry(13, RECORD_INSTALL, EPOCH);
    office.gate.revoked_before = NULL;
    office.gate.installed.judged.snapshot.revoked = (struct revoked){0};
}

/* ---- nobody shortens it ---------------------------------------------------------------------- */

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    CLEANUP(buf_free) struct buf content = {0};
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", from_dir, name);
    testing_read(path, &content);
    (void)snprintf(path, sizeof path, "%s/%s", to_dir, name);
    testing_write(path, buf_slice(&content));
}

static void an_older_copy_is_put_back(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};
    char dir[96];

    (void)state;
    office_decided(NOW, FIRST);
    (void)snprintf(dir, sizeof dir, "%s/ledger", office.dir);
    copy_file(dir, office.dir, "journal");
    office_decided(NOW, FIRST + 2);
    office_decided(NOW, FIRST + 4);
    scribe_close(&office.scribe);
    copy_file(office.dir, dir, "journal");
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(why.text, "7 entries"));
    assert_non_null(strstr(why.text, "11"));
    assert_null(scribe);
}

/* The journal in DIR with another round for its last commit, and all checks right. */
static void renumber(const char *dir, uint64_t round)
{
    CLEANUP(buf_free) struct buf journal = {0}, out = {0}, last = {0};
    struct journal_frame frame, newest = {0};
    struct digest check, before;
    struct tlog_head head;
    enum journal_at found;
    char path[160];
    size_t at = JOURNAL_HEADER, from = at;
    uint8_t *room;
    struct why why = {0};

    (void)snprintf(path, sizeof path, "%s/journal", dir);
    OK(file_read(path, JOURNAL_MAX, &journal, &why));
    OK(journal_header_parse(slice_part(buf_slice(&journal), 0, JOURNAL_HEADER), &head, &check,
                            &why));
    for (; at < journal.len; at = frame.end) {
        OK(journal_at(buf_slice(&journal), at, &head, &check, &frame, &found));
        assert_int_equal(found, JOURNAL_WHOLE);
        from = at;
        before = check;
        newest = frame;
        head = frame.head;
        check = frame.check;
    }
    newest.head.round = round;
    OK(buf_add_space(&last, JOURNAL_FRONT, &room));
    OK(buf_add_slice(&last, newest.entries));
    OK(journal_frame(&last, &newest, &before, &check));
    OK(buf_add(&out, journal.ptr, from));
    OK(buf_add_slice(&out, buf_slice(&last)));
    OK(file_write(path, buf_slice(&out), 0600, &why));
}

/* The hardware may know no more of the newest head than its number. An older commit that is called
 * so names another one, and is signed by a key that nobody has any more. */
static void an_older_copy_is_called_the_newest(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};
    char dir[96];

    (void)state;
    office_decided(NOW, FIRST);
    office_decided(NOW, FIRST + 2); /* within the session */
    (void)snprintf(dir, sizeof dir, "%s/ledger", office.dir);
    copy_file(dir, office.dir, "journal");
    office_decided(NOW, FIRST + 4);
    office_decided(NOW, FIRST + 6);
    renumber(office.dir, scribe_kept(office.scribe)->round);
    scribe_close(&office.scribe);
    copy_file(office.dir, dir, "journal");
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(why.text, "its last entry says"));
    assert_null(scribe);
}

/* Puts one more commit behind an older copy, of this round, by the session's key as far as its
 * records say. */
static void forge_commit(const char *dir, uint64_t round)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(ledger_room_free) struct ledger_room room = {0}, last_room = {0};
    static struct record record, rotation;
    static const uint8_t SIGNATURE[64] = {1};
    char id[RECORD_UUID_TEXT];
    struct why why = {0};

    OK(ledger_open(dir, LEDGER_APPEND, &ledger, &why));
    OK(ledger_record(ledger, ledger_state(ledger)->began, &room, &rotation, &why));
    OK(ledger_record(ledger, ledger_size(ledger) - 2, &last_room, &record, &why));
    assert_int_equal(record.kind, RECORD_ATTEMPT);
    OK(record_uuid(NOW, id));
    record.record_id = slice_str(id);
    record.round = round;
    OK(ledger_link(ledger, record.agent_id, &record.link, &why));
    OK(record_prepare(&rotation.key, &record, &draft, &why));
    OK(record_finish(&draft, SIGNATURE, &bytes));
    OK(ledger_stage(ledger, buf_slice(&bytes), &why));
    OK(ledger_commit(ledger, round, &why));
}

static void a_commit_is_forged(void **state)
{
    struct scribe *scribe = NULL;
    struct why why = {0};
    uint64_t round;
    char dir[96];

    (void)state;
    office_decided(NOW, FIRST);
    (void)snprintf(dir, sizeof dir, "%s/ledger", office.dir);
    copy_file(dir, office.dir, "journal");
    office_decided(NOW, FIRST + 2);
    office_decided(NOW, FIRST + 4);
    round = scribe_kept(office.scribe)->round;
    scribe_close(&office.scribe);
    copy_file(office.dir, dir, "journal");
    forge_commit(office.dir, round);
    assert_int_equal(scribe_open(&office.gate, &scribe, &why), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(why.text, "nobody signed the round of the last entry"));
    assert_null(scribe);
}

/* After an unclean end the hardware cannot tell the last rounds apart: how many may be missing goes
 * on record. */
static void power_was_lost(void **state)
{
    uint64_t missing;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct gate *gate = &office.gate;
    static struct record record;
    struct why why = {0};

    (void)state;
    office_decided(NOW, FIRST);
    scribe_close(&office.scribe);
    hw_root_close(&gate->hw);
    hw_fake_restart(office.nv, false);
    OK(hw_fake_open(office.nv, &gate->hw));
    OK(gate->hw->ops->attach(gate->hw, office.owner, &gate->enrolment.hw, &why));
    OK(gate->hw->ops->prepare(gate->hw, office.mandate, &why));
    office_open();
    missing = scribe_kept(office.scribe)->missing;
    assert_true(missing > 0);
    office_decided(NOW, FIRST + 4);
    office_entry(FIRST + 2, &bytes, &record);
    assert_int_equal(record.kind, RECORD_START);
    assert_int_equal(record.start.missing, missing);
    office_install(EPOCH + 1, "next"); /* a new session, in a process that knows where it stands */
    office_decided(NOW, FIRST + 11);
    office_entry(FIRST + 7, &bytes, &record);
    assert_int_equal(record.kind, RECORD_START);
    assert_int_equal(record.start.missing, 0);
}

/* ---- what is taken out ----------------------------------------------------------------------- */

static void redaction(void **state)
{
    static char id[] = "pawl.resource.id", determining[] = "pawl.determining";
    static char *paths[] = {id, determining};
    CLEANUP(docket_free) struct docket docket = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    static struct permit permit;
    static struct record record;
    struct why why = {0};

    (void)state;
    office.gate.settings.redact = paths;
    office.gate.settings.n_redact = 2;
    OK(office_decide(NOW, &docket, &why));
    office.gate.settings.n_redact = 0;
    OK(permit_parse(buf_slice(&docket.permit), &permit, &why));
    assert_true(slice_eq_str(permit.record.decision.resource_id, RECORD_REDACTED));
    assert_true(permit.disclosures.n >= 2);
    office_entry(FIRST - 1, &bytes, &record);
    assert_int_equal(record.kind, RECORD_ATTEMPT);
    assert_true(slice_eq_str(record.attempt.resource_id, RECORD_REDACTED));
    assert_false(digest_eq(&record.input, &office.request.digest));
    OK(record_disclose(&permit.record, &permit.disclosures, &why));
    assert_true(slice_eq_str(permit.record.decision.resource_id, "/usr/bin/true"));
    permit_free(&permit);

    paths[0][5] = 'X'; /* what is asked for cannot be taken out: nothing is decided */
    office.gate.settings.n_redact = 1;
    office_refused("a path that there is not", NOW, ERR_FORMAT, FIRST + 1);
    office.gate.settings.n_redact = 0;
    paths[0][5] = 'r';
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_of_a_session, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(a_service_stops, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(the_journal_cannot_be_folded, office_setup,
                                        office_teardown),
        cmocka_unit_test_setup_teardown(once_an_hour, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(a_refused_install, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(revocations, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(an_older_copy_is_put_back, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(an_older_copy_is_called_the_newest, office_setup,
                                        office_teardown),
        cmocka_unit_test_setup_teardown(a_commit_is_forged, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(power_was_lost, office_setup, office_teardown),
        cmocka_unit_test_setup_teardown(redaction, office_setup, office_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
