/* SPDX-License-Identifier: Apache-2.0 */
/* audit_rules_test.c: logs of a gate that signs what it must not: each rule of succession that is
 * broken has its name. */
#include "gate/ledger/audit_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void older(struct record *record)
{
    record->action_ms -= 100000;
    record->captured_ms -= 100000;
}

static void other_snapshot(struct record *record)
{
    record->snapshot.bytes[0] ^= 1;
}

static void other_attempt(struct record *record)
{
    record->decision.attempt = slice_str("0199c82c-c000-7000-8000-000000000001");
}

static void other_chain(struct record *record)
{
    record->link.prev.bytes[0] ^= 1;
}

static void other_number(struct record *record)
{
    record->link.sequence += 2;
}

static void other_issuer(struct record *record)
{
    record->issuer = slice_str("dev.pawl:example.org/gate-2");
    if (!record_is_agents(record->kind))
        record->agent_id = record->issuer;
}

static void other_session(struct record *record)
{
    record->session_id = slice_str("0199c82c-c000-7000-8000-000000000002");
}

static void from_elsewhere(struct record *record)
{
    record->from_epoch = 6;
}

static void nothing(struct record *record)
{
    (void)record;
}

static void rules_that_are_broken(void **state)
{
    static const struct {
        void (*edit)(struct record *);
        enum record_kind kind;
        enum audit_kind found;
        int before; /* entries that the finding lies before it */
    } CASES[] = {
        {older, RECORD_ATTEMPT, AUDIT_TIME_BACK, 0},
        {other_snapshot, RECORD_ATTEMPT, AUDIT_SNAPSHOT_CHANGED, 0},
        {other_attempt, RECORD_DECISION, AUDIT_OUTCOME_WITHOUT_ATTEMPT, 0},
        {nothing, RECORD_DECISION, AUDIT_OUTCOME_WITHOUT_ATTEMPT, 0}, /* a second one */
        {other_chain, RECORD_ATTEMPT, AUDIT_CHAIN_BROKEN, 0},
        {other_number, RECORD_ATTEMPT, AUDIT_SEQUENCE_GAP, 0},
        {other_issuer, RECORD_ATTEMPT, AUDIT_RECORD_FOREIGN, 0},
        {other_session, RECORD_ATTEMPT, AUDIT_SPLICED, 0},
        {nothing, RECORD_START, AUDIT_SESSION_BROKEN, 0},
        {nothing, RECORD_AGENT_REMOVE, AUDIT_ROSTER_BROKEN, 0}, /* of one who is not there */
        {nothing, RECORD_AGENT_ENROL, AUDIT_ROSTER_BROKEN, 0},  /* of a parent who is not there */
        {other_chain, RECORD_AGENT_REMOVE, AUDIT_CHAIN_BROKEN, 0},
        {from_elsewhere, RECORD_BUMP, AUDIT_EPOCH_UNKNOWN, 0},
        {from_elsewhere, RECORD_INSTALL, AUDIT_EPOCH_UNKNOWN, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct lab *lab = lab_make();
        size_t at;

        lab_session(lab, 3);
        at = lab->n;
        lab->edit = CASES[i].edit;
        lab_add(lab, CASES[i].kind, "agent-1");
        lab_commit(lab);
        lab_write(lab, lab->n);
        print_message("%s\n", audit_kind_name(CASES[i].found));
        lab_expect(lab, CASES[i].found, at - (size_t)CASES[i].before, "");
        lab_free(lab);
    }
}

static void a_stop_with_an_open_attempt(void **state)
{
    struct lab *lab = lab_make();

    (void)state;
    lab_session(lab, 3);
    lab_add(lab, RECORD_ATTEMPT, "agent-1");
    lab_add(lab, RECORD_ATTEMPT, "agent-2");
    lab->edit = nothing;
    lab_add(lab, RECORD_STOP, NULL);
    lab_commit(lab);
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_ATTEMPT_WITHOUT_OUTCOME, lab->n - 3, "");
    lab_free(lab);
}

/* The same behind a head that was verified before: what is remembered of that one is enough. */
static void rules_that_are_broken_later(void **state)
{
    static const struct {
        void (*edit)(struct record *);
        enum record_kind kind;
        enum audit_kind found, believed; /* with what is remembered; with nothing but the head */
    } CASES[] = {
        {nothing, RECORD_ATTEMPT, AUDIT_NONE, AUDIT_NONE},
        {older, RECORD_ATTEMPT, AUDIT_TIME_BACK, AUDIT_NONE},
        {other_snapshot, RECORD_ATTEMPT, AUDIT_SNAPSHOT_CHANGED, AUDIT_NONE},
        {other_attempt, RECORD_DECISION, AUDIT_OUTCOME_WITHOUT_ATTEMPT, AUDIT_NONE},
        {other_chain, RECORD_ATTEMPT, AUDIT_CHAIN_BROKEN, AUDIT_NONE},
        {other_number, RECORD_ATTEMPT, AUDIT_SEQUENCE_GAP, AUDIT_NONE},
        {other_issuer, RECORD_ATTEMPT, AUDIT_RECORD_FOREIGN, AUDIT_RECORD_FOREIGN},
        {other_session, RECORD_ATTEMPT, AUDIT_SPLICED, AUDIT_SPLICED},
        {from_elsewhere, RECORD_BUMP, AUDIT_EPOCH_UNKNOWN, AUDIT_EPOCH_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf memory = {0}, again = {0};
        struct lab *lab = lab_make();
        struct audit_job job = lab_job(lab);
        struct audit_report report;
        size_t at;

        lab_session(lab, 4);
        lab_add(lab, RECORD_ATTEMPT, "agent-2"); /* its outcome comes later */
        lab_commit(lab);
        at = lab->n;
        lab_write(lab, at);
        job.thorough = false;
        job.remember = &memory;
        lab_good(&job, &report);
        assert_true(memory.len > 0);
        job.since = (struct audit_view){lab_head(lab, at), "verified"};
        job.memory = buf_slice(&memory);
        job.remember = &again;
        lab_good(&job, &report); /* nothing is new: that is remembered already */
        assert_int_equal(again.len + report.read, 0);

        lab_add(lab, RECORD_DECISION, "agent-2");
        lab->edit = CASES[i].edit;
        lab_add(lab, CASES[i].kind, "agent-1");
        lab_commit(lab);
        lab_write(lab, lab->n);
        print_message("%s\n", audit_kind_name(CASES[i].found));
        job.remember = NULL;
        lab_expect_job(job, CASES[i].found, CASES[i].found == AUDIT_NONE ? NO_ENTRY : at + 1, "");
        job.memory.len = 0;
        lab_expect_job(job, CASES[i].believed, CASES[i].believed == AUDIT_NONE ? NO_ENTRY : at + 1,
                       "");
        lab_free(lab);
    }
}

/* From one head to the next, to the last entry. */
static void remembered_from_head_to_head(void **state)
{
    struct buf memory[2] = {{0}};
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);
    struct audit_report report;
    struct why why = {0};

    (void)state;
    job.thorough = false;
    for (size_t round = 0; round < 5; round++) {
        struct buf *next = &memory[round % 2], *last = &memory[(round + 1) % 2];

        lab_session(lab, 90);
        lab_write(lab, lab->n);
        buf_cut(next, 0);
        job.remember = next;
        job.memory = buf_slice(last);
        lab_good(&job, &report);
        assert_int_equal(report.read, round == 0 ? lab->n : 182);
        assert_true(next->len > 0);
        job.since = (struct audit_view){lab_head(lab, lab->n), "verified"};
    }
    job.whole = true;
    buf_cut(&memory[1], 0);
    job.remember = &memory[1];
    lab_good(&job, &report);
    assert_true(
        slice_eq(buf_slice(&memory[0]), buf_slice(&memory[1]))); /* the way does not matter */
    job.whole = false;
    lab_session(lab, 1);
    lab_write(lab, lab->n);
    for (size_t len = 1; len < memory[1].len; len += 11) { /* not what was written */
        job.memory = slice_part(buf_slice(&memory[1]), 0, len);
        assert_int_equal(audit_log(&job, &report, &why), ERR_FORMAT);
    }
    buf_free(&memory[0]);
    buf_free(&memory[1]);
    lab_free(lab);
}

/* Every kind that only an install makes room for, in a session that had none; and one in the middle
 * of an epoch's beginning. */
static void epochs_that_no_install_brought_in(void **state)
{
    static const enum record_kind KINDS[] = {
        RECORD_ATTEMPT, RECORD_INSTALL_REFUSED, RECORD_OVERRIDE, RECORD_APPROVAL,
        RECORD_STOP,    RECORD_REVOCATION,      RECORD_INSTALL,
    };

    (void)state;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        struct lab *lab = lab_make();
        struct audit_job job = lab_job(lab);

        lab_session(lab, 0);
        lab_add(lab, KINDS[i], "agent-1");
        lab_commit(lab);
        lab_write(lab, lab->n);
        print_message("%s\n", record_kind_name(KINDS[i]));
        lab_expect(lab, AUDIT_EPOCH_UNKNOWN, 2, "");
        job.thorough = false;
        lab_expect_job(job, AUDIT_EPOCH_UNKNOWN, 2, "");
        lab_free(lab);
    }
}

/* What may stand before the first install does, and a session of the epoch before can stop. */
static void an_epoch_begins(void **state)
{
    struct lab *lab = lab_make();

    (void)state;
    lab_session(lab, 0);
    lab_add(lab, RECORD_ENROL, NULL);
    lab_add(lab, RECORD_HARDWARE_LOST, NULL);
    lab_add(lab, RECORD_HARDWARE_BACK, NULL);
    lab_add(lab, RECORD_BUMP, NULL);
    lab_add(lab, RECORD_REVOCATION, NULL);
    lab_add(lab, RECORD_INSTALL, NULL);
    lab_add(lab, RECORD_REVOCATION, NULL);
    lab_add(lab, RECORD_INSTALL_REFUSED, NULL);
    lab_add(lab, RECORD_STOP, NULL);
    lab_commit(lab);
    lab_session(lab, 2);
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_NONE, NO_ENTRY, "");
    lab_free(lab);
}

static void facts_that_are_no_damage(void **state)
{
    struct lab *lab = lab_make();
    struct audit_report report;
    struct audit_job job = lab_job(lab);

    (void)state;
    lab_session(lab, 3);
    lab_add(lab, RECORD_ATTEMPT, "agent-1"); /* killed before it had its outcome */
    lab_commit(lab);
    lab_session(lab, 1);
    lab_add(lab, RECORD_STOP, NULL);
    lab_commit(lab);
    lab_write(lab, lab->n);
    lab_good(&job, &report);
    assert_int_equal(report.interrupted, 1);
    assert_int_equal(report.lost, 1);
    assert_int_equal(report.open, 0);
    assert_false(report.running);
    lab_free(lab);
}

static void a_key_that_nobody_vouched_for(void **state)
{
    struct lab *lab = lab_make();
    struct why why = {0};

    (void)state;
    lab_session(lab, 3);
    lab_write(lab, lab->n);
    hw_signer_close(&lab->t.hardware);
    assert_int_equal(hw_signer_generate(HW_ES256, &lab->t.hardware, &why), ERR_OK);
    lab_expect(lab, AUDIT_SIGNER_UNKNOWN, 0, "");
    lab_free(lab);
}

/* The hardware's signature under a session: looked at by a fast audit, too. */
static void a_key_rotation_that_is_not_signed(void **state)
{
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);

    (void)state;
    lab_session(lab, 3);
    lab->entries[0].ptr[lab->entries[0].len - 1] ^= 1;
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_SIGNATURE_INVALID, 0, "");
    job.thorough = false;
    lab_expect_job(job, AUDIT_SIGNATURE_INVALID, 0, "");
    lab_free(lab);
}

static void older_epoch(struct record *record)
{
    record->epoch--;
}

/* A session on hardware that had been put back. */
static void an_epoch_that_falls(void **state)
{
    struct lab *lab = lab_make();
    size_t at;

    (void)state;
    lab_session(lab, 3);
    at = lab->n;
    lab->edit = older_epoch;
    lab_add(lab, RECORD_KEY_ROTATION, NULL);
    lab_commit(lab);
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_EPOCH_BACK, at, "");
    lab_free(lab);
}

/* Signed for, hashed and published as it is. */
static void an_entry_that_is_no_record(void **state)
{
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);

    (void)state;
    lab_session(lab, 3);
    lab->entries[5].ptr[0] ^= 1; /* its tag */
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_RECORD_DAMAGED, 5, "");
    job.thorough = false;
    lab_expect_job(job, AUDIT_RECORD_DAMAGED, 5, "");
    lab_free(lab);
}

/* Frames have a check that anybody can make. */
static void a_commit_of_another_round(void **state)
{
    struct lab *lab = lab_make();
    (void)state;

    lab_session(lab, 4);
    lab_session(lab, 4);
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_NONE, NO_ENTRY, "");
    lab->later = 3;
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_JOURNAL_DAMAGED, 0, "journal");
    lab_free(lab);
}

/* Decisions of agent-2 rest on something that somebody knows better. */
static err_code knows_better(const struct auditor *auditor, const struct record *record,
                             enum audit_kind *ret_kind, struct why *why)
{
    (void)auditor;
    *ret_kind = AUDIT_EPOCH_UNKNOWN;
    if (record->kind != RECORD_DECISION || !slice_eq_str(record->agent_id, "agent-2") ||
        record->decision.n_policies != 2)
        return ERR_OK;
    return why_say(why, ERR_LEDGER_INCONSISTENT, "it is known better");
}

static void what_only_a_whole_record_shows(void **state)
{
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);

    (void)state;
    lab_session(lab, 4);
    lab_write(lab, lab->n);
    lab->auditor.whole = knows_better;
    lab_expect_job(job, AUDIT_EPOCH_UNKNOWN, 7, "");
    job.thorough = false;
    lab_expect_job(job, AUDIT_NONE, NO_ENTRY, "");
    lab_free(lab);
}

/* A chain hash that covers nothing, in an agent's last record: nothing links to it, and every hash
 * of the log is made over it. A fast audit looks, too. */
static void a_chain_hash_of_nothing(void **state)
{
    struct record *record = calloc(1, sizeof *record);
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);
    struct digest was, other;
    struct why why = {0};

    (void)state;
    assert_non_null(record);
    lab_session(lab, 3);
    assert_int_equal(record_parse(buf_slice(&lab->entries[7]), record, &why), ERR_OK);
    was = other = record->chain_hash;
    other.bytes[9] ^= 1;
    testing_replace(&lab->entries[7], &was, &other);
    lab_write(lab, lab->n);
    job.thorough = false;
    lab_expect_job(job, AUDIT_RECORD_DAMAGED, 7, "");
    free(record);
    lab_free(lab);
}

/* A removal of one who is not there is one finding, and what follows goes on from it. */
static void after_an_agent_that_is_not_there(void **state)
{
    struct lab *lab = lab_make();
    struct audit_job job = lab_job(lab);
    struct audit_report report;
    struct why why = {0};
    size_t at;

    (void)state;
    lab_session(lab, 3);
    at = lab->n;
    lab->edit = nothing;
    lab_add(lab, RECORD_AGENT_REMOVE, NULL);
    lab->edit = NULL;
    lab_add(lab, RECORD_ATTEMPT, "agent-1");
    lab_add(lab, RECORD_DECISION, "agent-1");
    lab_add(lab, RECORD_STOP, NULL);
    lab_commit(lab);
    lab_write(lab, lab->n);
    lab_expect(lab, AUDIT_ROSTER_BROKEN, at, "");
    job.all = true;
    assert_int_equal(audit_log(&job, &report, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(report.findings, 1);
    assert_int_equal(report.read, lab->n);
    lab_free(lab);
}

static void a_tile_of_more_than_there_is(void **state)
{
    struct lab *lab = lab_make();
    CLEANUP(buf_free) struct buf tile = {0};

    (void)state;
    lab_session(lab, 3);
    lab_write(lab, lab->n);
    lab_read(lab, "tile/0/000.p/8", &tile);
    assert_int_equal(buf_add(&tile, (uint8_t[32]){1}, 32), ERR_OK);
    lab_put(lab, "tile/0/000.p/9", buf_slice(&tile));
    lab_expect(lab, AUDIT_TILE_DAMAGED, 8, "tile/0/000.p/9");
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_are_broken),
        cmocka_unit_test(rules_that_are_broken_later),
        cmocka_unit_test(remembered_from_head_to_head),
        cmocka_unit_test(a_stop_with_an_open_attempt),
        cmocka_unit_test(epochs_that_no_install_brought_in),
        cmocka_unit_test(an_epoch_begins),
        cmocka_unit_test(facts_that_are_no_damage),
        cmocka_unit_test(a_key_that_nobody_vouched_for),
        cmocka_unit_test(a_key_rotation_that_is_not_signed),
        cmocka_unit_test(an_epoch_that_falls),
        cmocka_unit_test(an_entry_that_is_no_record),
        cmocka_unit_test(a_commit_of_another_round),
        cmocka_unit_test(what_only_a_whole_record_shows),
        cmocka_unit_test(a_chain_hash_of_nothing),
        cmocka_unit_test(after_an_agent_that_is_not_there),
        cmocka_unit_test(a_tile_of_more_than_there_is),
    };
    return cmocka_run_group_tests_name("audit_rules", tests, NULL, NULL);
}
