/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record_redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct record *made(struct testing *t, enum record_kind kind)
{
    struct record_link link = {.sequence = 1};

    return testing_record(t, kind, "agent-1", &link);
}

static struct record_redact_order order_of(const char *const *paths, size_t n, uint8_t seed)
{
    struct record_redact_order order = {
        .paths = paths, .n_paths = n, .policy_id = slice_str("no-names"), .now_ms = TESTING_T0};

    memset(order.seed, seed, sizeof order.seed);
    return order;
}

static void redact(struct record *record, const char *const *paths, size_t n, struct buf *ret)
{
    struct record_redact_order order = order_of(paths, n, 7);
    struct why why = {0};

    if (record_redact(record, &order, ret, &why) != ERR_OK)
        fail_msg("record_redact: %s", why.text);
}

/* ---- there and back -------------------------------------------------------------------------- */

static const char *const ALL[] = {"pawl.subject.type", "pawl.action",   "pawl.resource.id",
                                  "pawl.determining",  "agent_version", "pawl.resource.type"};

static void what_is_taken_out_comes_back(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0}, bytes = {0};
    struct record *record = made(t, RECORD_DECISION), *got = calloc(1, sizeof *got);
    struct record_disclosures parsed;
    struct record_link next;
    struct digest input = record->input;
    struct why why = {0};

    record->decision.n_determining = 2;
    record->decision.determining[1] = slice_str("base/policy3");
    redact(record, ALL, 6, &disclosures);
    assert_int_equal(record->n_redactions, 7); /* input_hash goes along */
    testing_signed(t, record, &bytes, &next);
    assert_null(memmem(bytes.ptr, bytes.len, "service-1", 9));
    assert_null(memmem(bytes.ptr, bytes.len, "policy3", 7));
    assert_null(memmem(bytes.ptr, bytes.len, input.bytes, sizeof input));
    if (record_parse(buf_slice(&bytes), got, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_true(slice_eq_str(got->decision.resource_id, RECORD_REDACTED));
    assert_true(slice_eq_str(got->redactions[0].path, "agent_version"));
    assert_true(slice_eq_str(got->redactions[1].path, "input_hash"));
    assert_true(slice_eq_str(got->redactions[1].policy_id, "no-names"));
    assert_int_equal(got->redactions[1].at_ms, TESTING_T0);
    assert_true(digest_eq(&got->redactions[1].hash, &got->input));

    assert_int_equal(record_disclosures_parse(buf_slice(&disclosures), &parsed, &why), ERR_OK);
    assert_int_equal(parsed.n, 7);
    assert_int_equal(record_disclosures_check(got, &parsed, &why), ERR_OK);
    assert_int_equal(record_disclose(got, &parsed, &why), ERR_OK);
    assert_true(slice_eq_str(got->agent_version, "model-1, framework-2"));
    assert_true(slice_eq_str(got->decision.subject_type, "Agent"));
    assert_true(slice_eq_str(got->decision.action, "deploy"));
    assert_true(slice_eq_str(got->decision.resource_id, "service-1"));
    assert_true(slice_eq_str(got->decision.resource_type, "Service"));
    assert_int_equal(got->decision.n_determining, 2);
    assert_true(slice_eq_str(got->decision.determining[0], "deploys/policy0"));
    assert_true(slice_eq_str(got->decision.determining[1], "base/policy3"));
    assert_true(digest_eq(&got->input, &input));
    free(record);
    free(got);
}

/* The hash that docs/formats.md gives, from its parts. */
static void the_hash_is_the_documented_one(void **state)
{
    static const char *const PATHS[] = {"pawl.resource.id"};
    static const uint8_t TAG[] = "pawl-redact-v1";
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0}, hashed = {0};
    struct record *record = made(t, RECORD_ATTEMPT);
    struct record_disclosures parsed;
    struct digest want;
    struct why why = {0};

    redact(record, PATHS, 1, &disclosures);
    assert_int_equal(record_disclosures_parse(buf_slice(&disclosures), &parsed, &why), ERR_OK);
    assert_int_equal(parsed.n, 2);
    assert_int_equal(parsed.items[1].salt.len, RECORD_SALT_LEN);
    assert_int_equal(buf_add(&hashed, TAG, sizeof TAG), ERR_OK);
    assert_int_equal(buf_add_slice(&hashed, parsed.items[1].salt), ERR_OK);
    assert_int_equal(buf_add_str(&hashed, "service-1"), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&hashed), &want), ERR_OK);
    assert_true(digest_eq(&record->redactions[1].hash, &want));
    assert_false(slice_eq(parsed.items[0].salt, parsed.items[1].salt));
    free(record);
}

/* An attempt and its outcome say the same, when both are redacted with one seed. */
static void one_seed_gives_one_input(void **state)
{
    static const char *const PATHS[] = {"pawl.resource.id"};
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf a = {0}, b = {0}, c = {0};
    struct record *attempt = made(t, RECORD_ATTEMPT), *decision = made(t, RECORD_DECISION),
                  *other = made(t, RECORD_DECISION);
    struct record_redact_order order = order_of(PATHS, 1, 7), another = order_of(PATHS, 1, 8);
    uint8_t seed[RECORD_SEED_LEN] = {0}, zero[RECORD_SEED_LEN] = {0};
    struct why why = {0};

    assert_int_equal(record_redact(attempt, &order, &a, &why), ERR_OK);
    assert_int_equal(record_redact(decision, &order, &b, &why), ERR_OK);
    assert_int_equal(record_redact(other, &another, &c, &why), ERR_OK);
    assert_true(digest_eq(&attempt->input, &decision->input));
    assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
    assert_false(digest_eq(&other->input, &decision->input));
    assert_int_equal(record_redact_seed(seed), ERR_OK);
    assert_memory_not_equal(seed, zero, sizeof seed);
    free(attempt);
    free(decision);
    free(other);
}

static void nothing_asked_nothing_done(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0};
    struct record *record = made(t, RECORD_DECISION);

    redact(record, NULL, 0, &disclosures);
    assert_int_equal(disclosures.len, 0);
    assert_int_equal(record->n_redactions, 0);
    assert_true(slice_eq_str(record->decision.resource_id, "service-1"));
    free(record);
}

/* ---- what can be taken out ------------------------------------------------------------------- */

static bool expected(enum record_kind kind, size_t path)
{
    bool agents = record_is_agents(kind);
    bool reason = kind == RECORD_STOP || kind == RECORD_OVERRIDE || kind == RECORD_APPROVAL ||
                  kind == RECORD_REVOCATION;
    const bool may[] = {true,   agents, agents, agents, agents, kind == RECORD_DECISION,
                        reason, agents, false,  false,  false,  false};

    return may[path];
}

static void each_path_of_each_kind(void **state)
{
    static const char *const PATHS[] = {
        "agent_version",      "pawl.action",      "pawl.subject.type", "pawl.resource.id",
        "pawl.resource.type", "pawl.determining", "pawl.reason",       "input_hash",
        "agent_id",           "pawl.class",       "pawl.decision",     "pawl.snapshot"};
    struct testing *t = *state;
    size_t taken = 0;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++)
        for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
            CLEANUP(buf_free) struct buf disclosures = {0}, bytes = {0};
            struct record *record = made(t, kind), *got = calloc(1, sizeof *got);
            struct record_redact_order order = order_of(&PATHS[i], 1, 1);
            struct record_link next;
            struct why why = {0};
            err_code err = record_redact(record, &order, &disclosures, &why);

            if (err != (expected(kind, i) ? ERR_OK : ERR_FORMAT))
                fail_msg("%s of %s: %s", PATHS[i], record_kind_name(kind), err_name(err));
            taken += err == ERR_OK;
            testing_signed(t, record, &bytes, &next); /* as it was, if nothing was taken out */
            assert_int_equal(record_parse(buf_slice(&bytes), got, &why), ERR_OK);
            assert_int_equal(got->n_redactions > 0, err == ERR_OK);
            free(record);
            free(got);
        }
    assert_int_equal(taken, 16 + 2 * 5 + 1 + 4);
}

static void orders_that_are_refused(void **state)
{
    static const char *const TWICE[] = {"pawl.action", "pawl.action"};
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0};
    struct record *record = made(t, RECORD_DECISION);
    struct record_redact_order order = order_of(TWICE, 2, 1);
    struct why why = {0};

    assert_int_equal(record_redact(record, &order, &disclosures, &why), ERR_FORMAT);
    order.n_paths = 1;
    record->decision.action = slice_str("deploy\x1b[2K"); /* would be shown to people later */
    assert_int_equal(record_redact(record, &order, &disclosures, &why), ERR_FORMAT);
    free(record);
    record = made(t, RECORD_DECISION);
    assert_int_equal(record_redact(record, &order, &disclosures, &why), ERR_OK);
    order.paths = ALL;
    assert_int_equal(record_redact(record, &order, &disclosures, &why), ERR_FORMAT); /* again */
    free(record);
}

/* ---- records that lie about it --------------------------------------------------------------- */

static void not_taken_out(struct record *r)
{
    r->decision.resource_id = slice_str("service-1");
}
static void list_is_there(struct record *r)
{
    r->decision.n_determining = 2;
    r->decision.determining[1] = slice_str("base/policy3");
}
static void input_is_another(struct record *r)
{
    r->input.bytes[0] ^= 1;
}
static void out_of_order(struct record *r)
{
    struct record_redaction first = r->redactions[0];
    r->redactions[0] = r->redactions[1];
    r->redactions[1] = first;
}
static void twice_the_same(struct record *r)
{
    r->redactions[r->n_redactions] = r->redactions[r->n_redactions - 1];
    r->n_redactions++;
}
static void of_something_else(struct record *r)
{
    r->redactions[0].path = slice_str("agent_id");
}
static void without_input(struct record *r)
{
    for (size_t i = 2; i < r->n_redactions; i++)
        r->redactions[i - 1] = r->redactions[i];
    r->n_redactions--;
}
static void by_nobody(struct record *r)
{
    r->redactions[0].policy_id = (struct slice){0};
}
static void by_two_lines(struct record *r)
{
    r->redactions[0].policy_id = slice_str("a\nb");
}
static void after_the_end_of_time(struct record *r)
{
    r->redactions[0].at_ms = (uint64_t)RECORD_TIME_MAX + 1;
}
static void too_many(struct record *r)
{
    r->n_redactions = RECORD_REDACTIONS_MAX + 1;
}

static void records_that_lie_are_not_written(void **state)
{
    static const struct {
        const char *name;
        void (*spoil)(struct record *r);
        err_code want;
    } CASES[] = {
        {"the member is there", not_taken_out, ERR_FORMAT},
        {"the list is there", list_is_there, ERR_FORMAT},
        {"input_hash is another", input_is_another, ERR_FORMAT},
        {"out of order", out_of_order, ERR_FORMAT},
        {"twice the same", twice_the_same, ERR_FORMAT},
        {"of something else", of_something_else, ERR_FORMAT},
        {"without input_hash", without_input, ERR_FORMAT},
        {"by nobody", by_nobody, ERR_FORMAT},
        {"by two lines", by_two_lines, ERR_FORMAT},
        {"after the end of time", after_the_end_of_time, ERR_FORMAT},
        {"too many", too_many, ERR_TOO_LARGE},
    };
    struct testing *t = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf disclosures = {0};
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        struct record *record = made(t, RECORD_DECISION);
        struct why why = {0};
        err_code err;

        redact(record, ALL, 6, &disclosures);
        CASES[i].spoil(record);
        err = record_prepare(&t->statement->key, record, &draft, &why);
        if (err != CASES[i].want)
            fail_msg("%s: %s (%s)", CASES[i].name, err_name(err), why.text);
        free(record);
    }
}

/* ---- disclosures ----------------------------------------------------------------------------- */

static void every_flipped_bit_discloses_nothing(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0};
    struct record *record = made(t, RECORD_DECISION);
    struct record_disclosures parsed;
    struct why why = {0};
    size_t judged = 0;

    redact(record, ALL, 6, &disclosures);
    for (size_t n = 0; n < disclosures.len; n++)
        if (record_disclosures_parse((struct slice){disclosures.ptr, n}, &parsed, &why) == ERR_OK)
            fail_msg("cut to %zu bytes", n);
    for (size_t bit = 0; bit < disclosures.len * 8; bit++) {
        disclosures.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (record_disclosures_parse(buf_slice(&disclosures), &parsed, &why) == ERR_OK) {
            judged++;
            if (record_disclosures_check(record, &parsed, &why) == ERR_OK)
                fail_msg("bit %zu flipped", bit);
        }
        disclosures.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(judged > 7 * 16 * 8); /* at least each salt */
    free(record);
}

static void disclosures_of_no_receipt(void **state)
{
    static const char *const ONE[] = {"agent_version"};
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0}, none = {0};
    struct record *record = made(t, RECORD_STOP), *other = made(t, RECORD_STOP);
    struct record_disclosures parsed, twice;
    struct why why = {0};

    redact(record, ONE, 1, &disclosures);
    assert_int_equal(record_disclosures_parse(buf_slice(&disclosures), &parsed, &why), ERR_OK);
    assert_int_equal(record_disclosures_check(record, &parsed, &why), ERR_OK);
    assert_int_equal(record_disclosures_check(other, &parsed, &why), ERR_PERMIT_INVALID);
    assert_int_equal(record_disclose(other, &parsed, &why), ERR_PERMIT_INVALID);
    twice = parsed;
    twice.items[twice.n++] = parsed.items[0];
    assert_int_equal(record_disclosures_check(record, &twice, &why), ERR_PERMIT_INVALID);
    assert_int_equal(buf_add_u8(&none, 0x80), ERR_OK); /* an empty list */
    assert_int_equal(record_disclosures_parse(buf_slice(&none), &parsed, &why), ERR_FORMAT);
    free(record);
    free(other);
}

/* The record's writer may be the liar: a value that fits its receipt, but not a line of text. */
static void values_that_are_none(void **state)
{
    static const char *const BAD[] = {"x\nPERMIT", "\x1b[2K", "\xff", "stop\xe2\x80\xae"};
    static const char *const ONE[] = {"pawl.reason"};
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0};
    struct record *record = made(t, RECORD_STOP);
    struct record_disclosures parsed;
    struct why why = {0};

    redact(record, ONE, 1, &disclosures);
    assert_int_equal(record_disclosures_parse(buf_slice(&disclosures), &parsed, &why), ERR_OK);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct slice parts[2];

        parsed.items[0].value = slice_str(BAD[i]);
        parts[0] = parsed.items[0].salt;
        parts[1] = parsed.items[0].value;
        assert_int_equal(hash_tagged("pawl-redact-v1", parts, 2, &record->redactions[0].hash),
                         ERR_OK);
        if (record_disclose(record, &parsed, &why) != ERR_FORMAT)
            fail_msg("value %zu", i);
    }
    free(record);
}

static void salts_have_one_length(void **state)
{
    (void)state;
    for (size_t len = RECORD_SALT_LEN - 1; len <= RECORD_SALT_LEN + 1; len++) {
        static const uint8_t SALT[RECORD_SALT_LEN + 1];
        CLEANUP(buf_free) struct buf bytes = {0};
        struct cbor_writer w = cbor_write(&bytes);
        struct record_disclosures parsed;

        cbor_put_array(&w, 1);
        cbor_put_map(&w, 3);
        cbor_put_text(&w, "path");
        cbor_put_text(&w, "pawl.reason");
        cbor_put_text(&w, "salt");
        cbor_put_bytes(&w, (struct slice){SALT, len});
        cbor_put_text(&w, "value");
        cbor_put_text(&w, "signal");
        assert_int_equal(cbor_written(&w), ERR_OK);
        assert_int_equal(record_disclosures_parse(buf_slice(&bytes), &parsed, NULL),
                         len == RECORD_SALT_LEN ? ERR_OK : ERR_FORMAT);
    }
}

/* ---- permits --------------------------------------------------------------------------------- */

static void a_permit_carries_them(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf disclosures = {0}, bytes = {0}, permit_bytes = {0};
    const struct record_redact_order order = order_of(ALL, 6, 7);
    struct permit *permit = calloc(1, sizeof *permit);
    char dir[64];
    struct why why = {0};

    testing_dir(dir, sizeof dir);
    testing_redacted(t, dir, &order, &bytes, &disclosures);
    testing_permit_with(t, dir, 3, buf_slice(&disclosures), &permit_bytes);
    assert_int_equal(permit_parse(buf_slice(&permit_bytes), permit, &why), ERR_OK);
    assert_int_equal(permit->disclosures.n, 7);
    assert_true(slice_eq(buf_slice(&permit->entry), buf_slice(&bytes)));
    assert_int_equal(record_disclose(&permit->record, &permit->disclosures, &why), ERR_OK);
    assert_true(slice_eq_str(permit->record.decision.resource_id, "service-1"));
    permit_free(permit);

    *(char *)memmem(permit_bytes.ptr, permit_bytes.len, "service-1", 9) = 'S';
    assert_int_equal(permit_parse(buf_slice(&permit_bytes), permit, &why), ERR_PERMIT_INVALID);
    assert_non_null(strstr(why.text, "pawl.resource.id"));
    free(permit);
    testing_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_out_comes_back),
        cmocka_unit_test(the_hash_is_the_documented_one),
        cmocka_unit_test(one_seed_gives_one_input),
        cmocka_unit_test(nothing_asked_nothing_done),
        cmocka_unit_test(each_path_of_each_kind),
        cmocka_unit_test(orders_that_are_refused),
        cmocka_unit_test(records_that_lie_are_not_written),
        cmocka_unit_test(every_flipped_bit_discloses_nothing),
        cmocka_unit_test(disclosures_of_no_receipt),
        cmocka_unit_test(values_that_are_none),
        cmocka_unit_test(salts_have_one_length),
        cmocka_unit_test(a_permit_carries_them),
    };
    return cmocka_run_group_tests_name("record_redact", tests, testing_setup, testing_teardown);
}
