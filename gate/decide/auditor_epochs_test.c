/* SPDX-License-Identifier: Apache-2.0 */
/* auditor_epochs_test.c: records against what the authority published: its snapshots, by epoch. */
#include "gate/decide/auditor.h"

#include "gate/decide/log_key.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/policy/world_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct desk {
    struct cast cast;
    struct world world;
    struct enrolment enrolment;
    struct decide_auditor auditor;
    struct buf log, bundles[2], snapshots[2];
    char dir[64];
} desk;

#define OK(call) assert_int_equal((call), ERR_OK)

static void publish(size_t i)
{
    world_publish(&desk.world);
    desk.bundles[i] = world_bundle(&desk.world);
    OK(buf_add_slice(&desk.snapshots[i], buf_slice(&desk.world.snapshot)));
}

static int setup(void **state)
{
    struct root_meta *root = NULL;
    struct why why = {0};

    (void)state;
    memset(&desk, 0, sizeof desk);
    cast_make(&desk.cast);
    world_make(&desk.world, &desk.cast);
    for (size_t alias = 0; alias < 3; alias++)
        (void)world_policy(&desk.world, alias, "permit (principal, action, resource);\n");
    publish(0);
    world_revoke(&desk.world, (struct digest){{1}}, REVOKED_OBJECT);
    publish(1);
    testing_dir(desk.dir, sizeof desk.dir);
    OK(root_meta_parse(buf_slice(&desk.world.roots[0]), &root, &why));
    desk.enrolment.root = root->digest;
    root_meta_free(&root);
    OK(log_key_make(desk.dir, slice_str("example.org/gate-1"), &desk.log, &why));
    desk.enrolment.log = buf_slice(&desk.log);
    (void)snprintf(desk.enrolment.hw.about.kind, sizeof desk.enrolment.hw.about.kind, "tpm");
    OK(auditor_make(&desk.enrolment, (struct slice){0}, &desk.auditor, &why));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    auditor_free(&desk.auditor);
    for (size_t i = 0; i < 2; i++) {
        buf_free(&desk.bundles[i]);
        buf_free(&desk.snapshots[i]);
    }
    buf_free(&desk.log);
    world_free(&desk.world);
    cast_free(&desk.cast);
    testing_remove(desk.dir);
    return 0;
}

static void take(size_t i)
{
    struct why why = {0};
    err_code err = auditor_take_bundle(&desk.auditor, buf_slice(&desk.bundles[i]), &why);

    if (err != ERR_OK)
        fail_msg("%s", why.text);
}

/* What both questions about a record are answered with: NONE, or the kind of the refusal. */
static enum audit_kind asked(const struct record *record)
{
    const struct auditor *auditor = &desk.auditor.auditor;
    enum audit_kind kind = AUDIT_NONE;
    struct why why = {0};
    err_code err = auditor->record(auditor, record, &kind, &why);

    if (err == ERR_OK)
        err = auditor->whole(auditor, record, &kind, &why);
    if (err != ERR_OK)
        print_message("%s\n", why.text);
    return err == ERR_OK ? AUDIT_NONE : kind;
}

/* A record of the epoch, as a good gate writes it: bundle i is of epoch i + 1. */
static struct record *record_of(enum record_kind kind, size_t i, struct snapshot *snapshot)
{
    struct record *record = calloc(1, sizeof *record);
    struct why why = {0};

    assert_non_null(record);
    OK(snapshot_parse(buf_slice(&desk.snapshots[i]), snapshot, &why));
    record->kind = kind;
    record->epoch = snapshot->epoch;
    record->has_snapshot = true;
    record->snapshot = snapshot->digest;
    if (kind == RECORD_DECISION) {
        record->decision.n_policies = snapshot->n_policies;
        for (size_t at = 0; at < snapshot->n_policies; at++) {
            const struct snapshot_policy *from = &snapshot->policies[at];
            record->decision.policies[at] =
                (struct record_policy){from->alias, from->version, from->digest};
        }
    }
    if (kind == RECORD_REVOCATION)
        record->revocation = (struct record_revocation){
            .what = slice_str(revoked_kind_name(snapshot->revoked.items[0].kind)),
            .id = snapshot->revoked.items[0].id,
            .since_ms = (uint64_t)snapshot->revoked.items[0].since * 1000,
        };
    return record;
}

static void snapshots(void **state)
{
    struct snapshot snapshot = {0};
    struct record *record = record_of(RECORD_ATTEMPT, 0, &snapshot);

    (void)state;
    record->snapshot.bytes[0] ^= 1;
    assert_int_equal(asked(record), AUDIT_NONE); /* nothing was given */
    take(1);
    assert_int_equal(asked(record), AUDIT_NONE); /* of another epoch */
    assert_false(auditor_epoch_known(&desk.auditor, 1));
    take(0);
    take(0); /* once more */
    assert_int_equal(desk.auditor.n_epochs, 2);
    assert_true(auditor_epoch_known(&desk.auditor, 1) && auditor_epoch_known(&desk.auditor, 2));
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    record->snapshot.bytes[0] ^= 1;
    assert_int_equal(asked(record), AUDIT_NONE);
    record->epoch = 2; /* with the snapshot of epoch 1 */
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    record->epoch = 3;
    assert_int_equal(asked(record), AUDIT_NONE);
    record->has_snapshot = false;
    record->epoch = 1;
    assert_int_equal(asked(record), AUDIT_NONE);
    free(record);
    snapshot_free(&snapshot);
}

static void policies(void **state)
{
    struct snapshot snapshot = {0};
    struct record *record = record_of(RECORD_DECISION, 0, &snapshot);
    struct record_policy *last = &record->decision.policies[record->decision.n_policies - 1];

    (void)state;
    take(0);
    assert_int_equal(record->decision.n_policies, 3);
    assert_int_equal(asked(record), AUDIT_NONE);
    last->version++;
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    last->version--;
    last->digest.bytes[31] ^= 1;
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    last->digest.bytes[31] ^= 1;
    last->alias = slice_str("another");
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    free(record);
    snapshot_free(&snapshot);
}

static void revocations(void **state)
{
    struct snapshot snapshot = {0};
    struct record *record = record_of(RECORD_REVOCATION, 1, &snapshot);

    (void)state;
    take(1);
    assert_int_equal(asked(record), AUDIT_NONE);
    record->revocation.since_ms++;
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    record->revocation.since_ms--;
    record->revocation.id.bytes[5] ^= 1;
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    record->revocation.id.bytes[5] ^= 1;
    record->revocation.what = slice_str("key");
    assert_int_equal(asked(record), AUDIT_EPOCH_UNKNOWN);
    free(record);
    snapshot_free(&snapshot);
}

/* What does not hold is not asked. */
static void bundles_that_prove_nothing(void **state)
{
    struct world *fork = calloc(1, sizeof *fork);
    struct buf other, *one = &desk.bundles[0];
    struct why why = {0};

    (void)state;
    assert_non_null(fork);
    take(0);
    world_make(fork, &desk.cast); /* another snapshot of epoch 1, of the same authority's keys */
    buf_free(&fork->roots[0]);
    OK(buf_add_slice(&fork->roots[0], buf_slice(&desk.world.roots[0])));
    (void)world_policy(fork, 0, "forbid (principal, action, resource);\n");
    world_publish(fork);
    other = world_bundle(fork);
    assert_int_equal(auditor_take_bundle(&desk.auditor, buf_slice(&other), &why), ERR_EQUIVOCATION);
    one->ptr[one->len - 3] ^= 1;
    assert_int_not_equal(auditor_take_bundle(&desk.auditor, buf_slice(one), &why), ERR_OK);
    one->ptr[one->len - 3] ^= 1;
    desk.enrolment.root.bytes[0] ^= 1;
    assert_int_equal(auditor_take_bundle(&desk.auditor, buf_slice(one), &why), ERR_ROOT_UNTRUSTED);
    assert_int_equal(desk.auditor.n_epochs, 1);
    buf_free(&other);
    world_free(fork);
    free(fork);
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DESK(snapshots),
        WITH_DESK(policies),
        WITH_DESK(revocations),
        WITH_DESK(bundles_that_prove_nothing),
    };

    return cmocka_run_group_tests_name("auditor_epochs", tests, NULL, NULL);
}
