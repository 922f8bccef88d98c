/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/base/vectors_testing.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void chain_hash_vectors(void **state)
{
    char path[4096];
    json_t *json;
    const json_t *records, *record;
    (void)state;

    if (!vectors_path("derived/air-chain-hash.json", path, sizeof path))
        skip();
    json = vectors_json(path);
    records = json_object_get(json, "records");
    assert_int_equal(json_array_size(records), 3);
    for (size_t i = 0; i < json_array_size(records); i++) {
        CLEANUP(buf_free) struct buf payload = {0}, content = {0}, prev = {0}, want = {0};
        struct digest content_hash, prev_hash, got;

        record = json_array_get(records, i);
        vectors_hex(record, "payload_hex", &payload);
        vectors_hex(record, "content_hash", &content);
        vectors_hex(record, "prev_chain_hash", &prev);
        vectors_hex(record, "chain_hash", &want);
        assert_int_equal(hash_sha256(buf_slice(&payload), &content_hash), ERR_OK);
        assert_true(slice_eq(digest_slice(&content_hash), buf_slice(&content)));
        assert_int_equal(digest_from(buf_slice(&prev), &prev_hash), ERR_OK);
        assert_int_equal(record_chain_hash(&content_hash, &prev_hash,
                                           vectors_number(record, "action_timestamp_ms"),
                                           slice_str(vectors_text(record, "agent_id")), &got),
                         ERR_OK);
        if (!slice_eq(digest_slice(&got), buf_slice(&want)))
            fail_msg("chain hash of record %zu", i);
    }
    json_decref(json);
}

static void uuids(void **state)
{
    char a[RECORD_UUID_TEXT], b[RECORD_UUID_TEXT];
    (void)state;

    assert_int_equal(record_uuid(0x0123456789ab, a), ERR_OK);
    assert_int_equal(record_uuid(0x0123456789ab, b), ERR_OK);
    assert_int_equal(strlen(a), 36);
    assert_memory_equal(a, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", a[19]));
    assert_string_not_equal(a, b);
    assert_int_equal(record_uuid(RECORD_TIME_MAX, a), ERR_OK);
    assert_int_equal(record_uuid(RECORD_TIME_MAX + 1, a), ERR_FORMAT);
}

static void assert_same_decision(const struct record_decision *a, const struct record_decision *b)
{
    assert_true(slice_eq(a->attempt, b->attempt));
    assert_int_equal(a->permit, b->permit);
    assert_int_equal(a->error, b->error);
    assert_true(slice_eq(a->class_, b->class_));
    assert_true(slice_eq(a->reason, b->reason));
    assert_true(slice_eq(a->subject_type, b->subject_type));
    assert_true(slice_eq(a->action, b->action));
    assert_true(slice_eq(a->resource_type, b->resource_type));
    assert_true(slice_eq(a->resource_id, b->resource_id));
    assert_int_equal(a->n_policies, b->n_policies);
    for (size_t i = 0; i < a->n_policies; i++) {
        assert_true(slice_eq(a->policies[i].alias, b->policies[i].alias));
        assert_int_equal(a->policies[i].version, b->policies[i].version);
        assert_true(digest_eq(&a->policies[i].digest, &b->policies[i].digest));
    }
    assert_int_equal(a->n_determining, b->n_determining);
    for (size_t i = 0; i < a->n_determining; i++)
        assert_true(slice_eq(a->determining[i], b->determining[i]));
}

static void assert_same_agents(const struct record_agent *a, const struct record_agent *b)
{
    assert_true(slice_eq(a->id, b->id));
    assert_true(slice_eq(a->name, b->name));
    assert_int_equal(a->has_uid, b->has_uid);
    assert_int_equal(a->uid, b->uid);
    assert_true(slice_eq(a->cgroup, b->cgroup));
    assert_true(slice_eq(a->zone, b->zone));
    assert_true(slice_eq(a->parent, b->parent));
    assert_int_equal(a->n_aliases, b->n_aliases);
    for (size_t i = 0; i < a->n_aliases; i++)
        assert_true(slice_eq(a->aliases[i], b->aliases[i]));
    assert_int_equal(a->admin, b->admin);
}

/* Of all kinds, also those that the records are not of: nothing is left behind by a reader. */
static void assert_same_members(const struct record *a, const struct record *b)
{
    assert_same_decision(&a->decision, &b->decision);
    assert_true(slice_eq(a->attempt.class_, b->attempt.class_));
    assert_true(slice_eq(a->attempt.subject_type, b->attempt.subject_type));
    assert_true(slice_eq(a->attempt.action, b->attempt.action));
    assert_true(slice_eq(a->attempt.resource_type, b->attempt.resource_type));
    assert_true(slice_eq(a->attempt.resource_id, b->attempt.resource_id));
    assert_true(slice_eq(a->attempt.input_type, b->attempt.input_type));
    assert_int_equal(a->key.alg, b->key.alg);
    if (a->key.alg != HW_ALG_NONE)
        assert_true(hw_pubkey_eq(&a->key, &b->key));
    assert_int_equal(a->round, b->round);
    assert_int_equal(a->rotation.n_certs, b->rotation.n_certs);
    for (size_t i = 0; i < a->rotation.n_certs; i++)
        assert_true(slice_eq(a->rotation.certs[i], b->rotation.certs[i]));
    assert_int_equal(a->from_epoch, b->from_epoch);
    assert_true(digest_eq(&a->root, &b->root));
    assert_true(slice_eq(a->log_vkey, b->log_vkey));
    assert_true(slice_eq(a->start.version, b->start.version));
    assert_true(slice_eq(a->start.firmware, b->start.firmware));
    assert_int_equal(a->start.clean, b->start.clean);
    assert_int_equal(a->start.missing, b->start.missing);
    assert_int_equal(a->start.last_round, b->start.last_round);
    assert_int_equal(a->start.last_size, b->start.last_size);
    assert_true(slice_eq(a->stop.reason, b->stop.reason));
    assert_true(slice_eq(a->refused.error, b->refused.error));
    assert_true(digest_eq(&a->refused.bundle, &b->refused.bundle));
    assert_int_equal(a->refused.claimed, b->refused.claimed);
    assert_true(slice_eq(a->consent.what, b->consent.what));
    assert_true(digest_eq(&a->consent.object, &b->consent.object));
    assert_int_equal(a->consent.n_by, b->consent.n_by);
    for (size_t i = 0; i < a->consent.n_by; i++)
        assert_true(digest_eq(&a->consent.by[i], &b->consent.by[i]));
    assert_int_equal(a->consent.until_ms, b->consent.until_ms);
    assert_true(slice_eq(a->consent.reason, b->consent.reason));
    assert_true(slice_eq(a->revocation.what, b->revocation.what));
    assert_true(digest_eq(&a->revocation.id, &b->revocation.id));
    assert_int_equal(a->revocation.since_ms, b->revocation.since_ms);
    assert_true(slice_eq(a->revocation.reason, b->revocation.reason));
    assert_true(slice_eq(a->root_state.error, b->root_state.error));
    assert_int_equal(a->root_state.last_round, b->root_state.last_round);
    assert_int_equal(a->root_state.since_ms, b->root_state.since_ms);
    assert_same_agents(&a->agent, &b->agent);
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(slice_eq(a->issuer, b->issuer));
    assert_true(slice_eq(a->agent_id, b->agent_id));
    assert_true(slice_eq(a->agent_version, b->agent_version));
    assert_true(slice_eq(a->operator_id, b->operator_id));
    assert_true(slice_eq(a->record_id, b->record_id));
    assert_true(slice_eq(a->session_id, b->session_id));
    assert_true(slice_eq(a->jurisdiction, b->jurisdiction));
    assert_true(slice_eq(a->retention_class, b->retention_class));
    assert_int_equal(a->action_ms, b->action_ms);
    assert_int_equal(a->captured_ms, b->captured_ms);
    assert_int_equal(a->link.sequence, b->link.sequence);
    assert_true(digest_eq(&a->link.prev, &b->link.prev));
    assert_true(digest_eq(&a->input, &b->input));
    assert_true(slice_eq(a->hardware, b->hardware));
    assert_int_equal(a->simulated, b->simulated);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->has_snapshot, b->has_snapshot);
    if (a->has_snapshot)
        assert_true(digest_eq(&a->snapshot, &b->snapshot));
    assert_int_equal(a->n_redactions, b->n_redactions);
    for (size_t i = 0; i < a->n_redactions; i++) {
        assert_true(slice_eq(a->redactions[i].path, b->redactions[i].path));
        assert_true(slice_eq(a->redactions[i].policy_id, b->redactions[i].policy_id));
        assert_true(digest_eq(&a->redactions[i].hash, &b->redactions[i].hash));
        assert_int_equal(a->redactions[i].at_ms, b->redactions[i].at_ms);
    }
    assert_same_members(a, b);
}

static void every_kind_goes_there_and_back(void **state)
{
    struct testing *t = *state;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = testing_link(kind - 1), next;
        struct record *made = testing_record(t, kind, "agent-1", &link);
        struct record *got = calloc(1, sizeof *got);
        bool rotation = kind == RECORD_KEY_ROTATION;
        struct hw_signer *signer = rotation ? t->hardware : t->statement;
        struct hw_signer *other = rotation ? t->statement : t->hardware;
        struct digest kid;
        struct why why = {0};

        if (kind == RECORD_ENROL)
            made->simulated = false;
        testing_signed(t, made, &bytes, &next);
        if (record_parse(buf_slice(&bytes), got, &why) != ERR_OK)
            fail_msg("%s: %s", record_kind_name(kind), why.text);
        assert_same(made, got);
        assert_int_equal(next.sequence, kind);
        assert_true(digest_eq(&next.prev, &got->chain_hash));
        assert_int_equal(cose_key_thumbprint(&signer->key, &kid), ERR_OK);
        assert_true(digest_eq(&kid, &got->kid));
        assert_int_equal(record_verify(got, &signer->key, &why), ERR_OK);
        assert_int_equal(record_verify(got, &other->key, &why), ERR_SIGNER_UNKNOWN);
        got->kid = (struct digest){0}; /* whoever gets past the key id meets the signature */
        assert_int_equal(cose_key_thumbprint(&other->key, &got->kid), ERR_OK);
        assert_int_equal(record_verify(got, &other->key, &why), ERR_SIGNATURE_INVALID);
        free(made);
        free(got);
    }
}

/* What a rotation without a snapshot, and a denial without any policy, look like. */
static void optional_members(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf rotation = {0}, denial = {0};
    struct record_link link = testing_link(0), next;
    struct record *made = testing_record(t, RECORD_KEY_ROTATION, NULL, &link);
    struct record *got = calloc(1, sizeof *got);
    struct why why = {0};

    made->has_snapshot = false;
    made->snapshot = (struct digest){0};
    testing_signed(t, made, &rotation, &next);
    assert_int_equal(record_parse(buf_slice(&rotation), got, &why), ERR_OK);
    assert_same(made, got);
    free(made);

    made = testing_record(t, RECORD_DECISION, "agent-1", &link);
    made->decision.permit = false;
    made->decision.reason = slice_str("NO_POLICY");
    made->decision.n_policies = made->decision.n_determining = 0;
    testing_signed(t, made, &denial, &next);
    assert_int_equal(record_parse(buf_slice(&denial), got, &why), ERR_OK);
    assert_same(made, got);
    assert_false(got->decision.permit);
    free(made);
    free(got);
}

/* A text of len bytes, for ever. */
static struct slice long_text(size_t len)
{
    static char text[RECORD_ID_MAX + 1];

    memset(text, 'x', sizeof text);
    return (struct slice){(const uint8_t *)text, len};
}

static void the_largest_record_fits(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record_link link = {.sequence = UINT64_MAX}, next;
    struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
    struct record *got = calloc(1, sizeof *got);
    struct record_decision *decision = &made->decision;
    struct why why = {0};

    made->issuer = made->agent_id = made->agent_version = made->operator_id =
        long_text(RECORD_ID_MAX);
    made->hardware = long_text(RECORD_NAME_MAX);
    made->epoch = UINT64_MAX;
    made->action_ms = made->captured_ms = RECORD_TIME_MAX;
    decision->permit = false;
    decision->class_ = decision->reason = long_text(RECORD_NAME_MAX);
    decision->subject_type = decision->action = decision->resource_type = decision->resource_id =
        long_text(RECORD_ID_MAX);
    decision->n_policies = RECORD_POLICIES_MAX;
    for (size_t i = 0; i < RECORD_POLICIES_MAX; i++) {
        decision->policies[i].alias = long_text(RECORD_ALIAS_MAX);
        decision->policies[i].version = UINT64_MAX;
    }
    decision->n_determining = RECORD_DETERMINING_MAX;
    for (size_t i = 0; i < RECORD_DETERMINING_MAX; i++)
        decision->determining[i] = long_text(RECORD_NAME_MAX);
    testing_signed(t, made, &bytes, &next);
    assert_true(bytes.len <= RECORD_SIZE_MAX);
    assert_int_equal(record_parse(buf_slice(&bytes), got, &why), ERR_OK);
    assert_same(made, got);
    free(made);
    free(got);
}

/* ---- what is not written --------------------------------------------------------------------- */

#define SPOILT 36

static void spoil(struct record *r, size_t how)
{
    struct record_decision *d = &r->decision;
    static const uint8_t NUL_INSIDE[] = "0199c82c-c000-7000-\0"
                                        "000-000000000000";
    struct slice bad = {(const uint8_t *)"\xff", 1};
    size_t n = 0;

    r->issuer = how == n++ ? (struct slice){0} : r->issuer;
    r->issuer = how == n++ ? long_text(RECORD_ID_MAX + 1) : r->issuer;
    r->issuer = how == n++ ? bad : r->issuer;
    r->agent_id = how == n++ ? (struct slice){0} : r->agent_id;
    r->agent_id = how == n++ ? long_text(RECORD_ID_MAX + 1) : r->agent_id;
    r->agent_id = how == n++ ? bad : r->agent_id;
    r->agent_version = how == n++ ? long_text(RECORD_ID_MAX + 1) : r->agent_version;
    r->operator_id = how == n++ ? (struct slice){0} : r->operator_id;
    r->hardware = how == n++ ? long_text(RECORD_NAME_MAX + 1) : r->hardware;
    d->class_ = how == n++ ? (struct slice){0} : d->class_;
    d->reason = how == n++ ? long_text(RECORD_NAME_MAX + 1) : d->reason;
    d->subject_type = how == n++ ? bad : d->subject_type;
    d->action = how == n++ ? (struct slice){0} : d->action;
    d->resource_type = how == n++ ? long_text(RECORD_ID_MAX + 1) : d->resource_type;
    d->resource_id = how == n++ ? long_text(RECORD_ID_MAX + 1) : d->resource_id;
    d->policies[1].alias = how == n++ ? long_text(RECORD_ALIAS_MAX + 1) : d->policies[1].alias;
    d->determining[0] = how == n++ ? long_text(RECORD_NAME_MAX + 1) : d->determining[0];
    d->n_policies = how == n++ ? RECORD_POLICIES_MAX + 1 : d->n_policies;
    d->n_determining = how == n++ ? RECORD_DETERMINING_MAX + 1 : d->n_determining;
    r->record_id = how == n++ ? slice_str("0199c82c-c000-4000-8000-000000000000") : r->record_id;
    r->record_id = how == n++ ? slice_str("0199c82c-c000-7000-c000-000000000000") : r->record_id;
    r->record_id = how == n++ ? slice_str("0199C82C-c000-7000-8000-000000000000") : r->record_id;
    r->session_id = how == n++ ? slice_str("0199c82c-c000-7000-8000-00000000000") : r->session_id;
    r->jurisdiction = how == n++ ? slice_str("ch") : r->jurisdiction;
    r->jurisdiction = how == n++ ? slice_str("CHE") : r->jurisdiction;
    r->retention_class = how == n++ ? slice_str("regulatory_9yr") : r->retention_class;
    r->captured_ms = how == n++ ? r->action_ms - 1 : r->captured_ms;
    r->captured_ms = how == n++ ? (uint64_t)RECORD_TIME_MAX + 1 : r->captured_ms;
    r->has_snapshot = how == n++ ? false : r->has_snapshot;
    r->kind = how == n++ ? RECORD_NONE : r->kind;
    d->attempt = how == n++ ? slice_str("0199c82c-c000-4000-8000-000000000000") : d->attempt;
    d->permit = how == n++ ? false : d->permit;
    d->reason = how == n++ ? slice_str("DENIED") : d->reason;
    d->error = how == n++ ? true : d->error;
    r->link.prev.bytes[31] = how == n++ ? 1 : 0;
    r->record_id = how == n++ ? (struct slice){NUL_INSIDE, sizeof NUL_INSIDE - 1} : r->record_id;
    assert_int_equal(n, SPOILT);
}

static void what_is_wrong_is_not_written(void **state)
{
    static const err_code WANT[SPOILT] = {
        ERR_FORMAT,    ERR_TOO_LARGE, ERR_FORMAT,    ERR_FORMAT,    ERR_TOO_LARGE, ERR_FORMAT,
        ERR_TOO_LARGE, ERR_FORMAT,    ERR_TOO_LARGE, ERR_FORMAT,    ERR_TOO_LARGE, ERR_FORMAT,
        ERR_FORMAT,    ERR_TOO_LARGE, ERR_TOO_LARGE, ERR_TOO_LARGE, ERR_TOO_LARGE, ERR_TOO_LARGE,
        ERR_TOO_LARGE, ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,
        ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,
        ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,    ERR_FORMAT,
    };
    struct testing *t = *state;
    struct record_link link = testing_link(0);
    struct record_draft draft = {0};
    struct why why = {0};

    for (size_t how = 0; how < SPOILT; how++) {
        struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
        err_code err;

        spoil(made, how);
        err = record_prepare(&t->statement->key, made, &draft, &why);
        if (err != WANT[how])
            fail_msg("spoilt in way %zu: %s, wanted %s", how, err_name(err), err_name(WANT[how]));
        assert_null(draft.payload.ptr);
        free(made);
    }
}

/* "pawl log show" and "pawl permit show" print each on one line. */
static void texts_stay_on_their_line(void **state)
{
    static const char *const BAD[] = {"x\nPERMIT", "x\r",          "\x1b[2K",
                                      "\xc2\x9b",  "\xe2\x80\xa8", "\xe2\x80\xae"};
    struct testing *t = *state;
    struct record_link link = testing_link(0);
    struct record_draft draft = {0};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD * 11; i++) {
        struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
        struct record_decision *d = &made->decision;
        struct slice *const texts[] = {&made->issuer,      &made->agent_id,   &made->agent_version,
                                       &made->operator_id, &made->hardware,   &d->reason,
                                       &d->subject_type,   &d->action,        &d->resource_type,
                                       &d->resource_id,    &d->determining[0]};
        struct why why = {0};
        *texts[i % 11] = slice_str(BAD[i / 11]);
        if (record_prepare(&t->statement->key, made, &draft, &why) != ERR_FORMAT)
            fail_msg("text %zu, member %zu", i / 11, i % 11);
        assert_non_null(strstr(why.text, "plain text at offset"));
        free(made);
    }
}

static void events_are_held_to_their_rules(void **state)
{
    struct testing *t = *state;
    CLEANUP(hw_signer_close) struct hw_signer *p384 = NULL;
    struct record_link link = testing_link(0);
    struct record_draft draft = {0};
    struct why why = {0};
    struct record *made = testing_record(t, RECORD_INSTALL, NULL, &link);

    made->from_epoch = made->epoch;
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_FORMAT);
    made->from_epoch = 0;
    made->input.bytes[0] ^= 1;
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_FORMAT);
    made->input.bytes[0] ^= 1;
    made->has_snapshot = false;
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_FORMAT);
    made->has_snapshot = true;
    made->agent_id = slice_str("agent-1");
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_FORMAT);
    free(made);

    made = testing_record(t, RECORD_ENROL, NULL, &link);
    made->has_snapshot = true;
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_FORMAT);
    free(made);

    made = testing_record(t, RECORD_KEY_ROTATION, NULL, &link);
    made->input.bytes[31] ^= 1;
    assert_int_equal(record_prepare(&t->hardware->key, made, &draft, &why), ERR_FORMAT);
    made->input.bytes[31] ^= 1;
    assert_int_equal(hw_signer_generate(HW_ES384, &p384, &why), ERR_OK);
    assert_int_equal(record_prepare(&p384->key, made, &draft, &why), ERR_COSE_ALG);
    made->key = p384->key;
    assert_int_equal(cose_key_thumbprint(&made->key, &made->input), ERR_OK);
    assert_int_equal(record_prepare(&t->hardware->key, made, &draft, &why), ERR_COSE_ALG);
    free(made);
    assert_null(draft.payload.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_hash_vectors),
        cmocka_unit_test(uuids),
        cmocka_unit_test(every_kind_goes_there_and_back),
        cmocka_unit_test(optional_members),
        cmocka_unit_test(the_largest_record_fits),
        cmocka_unit_test(what_is_wrong_is_not_written),
        cmocka_unit_test(texts_stay_on_their_line),
        cmocka_unit_test(events_are_held_to_their_rules),
    };
    return cmocka_run_group_tests_name("record", tests, testing_setup, testing_teardown);
}
