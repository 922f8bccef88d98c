/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/office_testing.h"

#include "gate/decide/gate_ledger.h"
#include "gate/decide/log_key.h"
#include "gate/ledger/ledger_testing.h"

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

struct office office;

void office_expect(err_code got, err_code want, const struct why *why, const char *call, int line)
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
void office_install(uint64_t epoch, const char *snapshot)
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

void office_open(void)
{
    struct why why = {0};

    scribe_close(&office.scribe);
    OK(scribe_open(&office.gate, &office.scribe, &why));
}

int office_setup(void **state)
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
    OK(log_key_make(office.dir, slice_str("example.org/gate-1"), &office.vkey, &why));
    gate->enrolment.log = buf_slice(&office.vkey);
    OK(gate->hw->ops->enrol(gate->hw, office.owner, &gate->enrolment.hw, &why));
    OK(gate->hw->ops->attach(gate->hw, office.owner, &gate->enrolment.hw, &why));
    office_install(EPOCH, "snapshot");
    OK(gate_ledger_make(office.dir, &why));
    office_open();
    return 0;
}

int office_teardown(void **state)
{
    (void)state;
    scribe_close(&office.scribe);
    hw_root_close(&office.gate.hw);
    hw_fake_nv_free(&office.nv);
    buf_free(&office.vkey);
    hw_signer_close(&office.authority);
    hw_signer_close(&office.spare);
    request_free(&office.request);
    free(office.owner);
    free(office.mandate);
    testing_remove(office.dir);
    return 0;
}

/* ---- what a round leaves --------------------------------------------------------------------- */

err_code office_decide(uint64_t now_ms, struct docket *ret, struct why *why)
{
    TRY(scribe_attempt(office.scribe, &office.request, now_ms, ret, why));
    TRY(scribe_decision(office.scribe, ret, &office.answer, now_ms, why));
    return scribe_finish(office.scribe, ret, 1, now_ms, why);
}

void office_refused(const char *name, uint64_t now_ms, err_code want, uint64_t entries)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(docket_free) struct docket docket = {0};
    struct why why = {0};
    err_code got = office_decide(now_ms, &docket, &why);

    if (got != want)
        fail_msg("%s: gave %s (%s), wanted %s", name, err_name(got), why.text, err_name(want));
    assert_null(docket.permit.ptr);
    assert_int_equal(ledger_size(scribe_ledger(office.scribe)), entries);
    OK(ledger_open(office.dir, LEDGER_READ, &ledger, &why));
    assert_int_equal(ledger_size(ledger), entries);
    assert_int_equal(ledger_torn(ledger), 0);
}

void office_decided(uint64_t now_ms, uint64_t index)
{
    CLEANUP(docket_free) struct docket docket = {0};
    CLEANUP(buf_free) struct buf entry = {0};
    static struct permit permit; /* large */
    struct why why = {0};
    struct checkpoint head;

    OK(office_decide(now_ms, &docket, &why));
    assert_int_equal(docket.index, index);
    OK(permit_parse(buf_slice(&docket.permit), &permit, &why));
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

void office_entry(uint64_t index, struct buf *bytes, struct record *ret)
{
    struct why why = {0};

    OK(ledger_entry(scribe_ledger(office.scribe), index, bytes, &why));
    OK(record_parse(buf_slice(bytes), ret, &why));
}

void office_expect_entry(uint64_t index, enum record_kind kind, uint64_t from_epoch)
{
    CLEANUP(buf_free) struct buf entry = {0};
    static struct record record;

    office_entry(index, &entry, &record);
    assert_int_equal(record.kind, kind);
    assert_int_equal(record.from_epoch, from_epoch);
}
