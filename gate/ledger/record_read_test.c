/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_truncation_is_refused(void **state)
{
    struct testing *t = *state;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = testing_link(1), next;
        struct record *made = testing_record(t, kind, "agent-1", &link);
        struct record *got = calloc(1, sizeof *got);
        struct why why = {0};

        testing_signed(t, made, &bytes, &next);
        for (size_t n = 0; n < bytes.len; n++) {
            err_code err = record_parse((struct slice){bytes.ptr, n}, got, &why);
            if (err == ERR_OK)
                fail_msg("%s cut to %zu of %zu bytes", record_kind_name(kind), n, bytes.len);
            assert_int_equal(got->kind, RECORD_NONE);
        }
        assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
        assert_int_equal(record_parse(buf_slice(&bytes), got, &why), ERR_CBOR_TRAILING);
        free(made);
        free(got);
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    struct testing *t = *state;
    size_t judged = 0;

    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = testing_link(1), next;
        struct record *made = testing_record(t, kind, "agent-1", &link);
        struct record *got = calloc(1, sizeof *got);
        struct hw_signer *signer = kind == RECORD_KEY_ROTATION ? t->hardware : t->statement;
        struct why why = {0};

        testing_signed(t, made, &bytes, &next);
        for (size_t bit = 0; bit < bytes.len * 8; bit++) {
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (record_parse(buf_slice(&bytes), got, &why) == ERR_OK) {
                judged++;
                if (record_verify(got, &signer->key, &why) == ERR_OK)
                    fail_msg("%s with bit %zu flipped", record_kind_name(kind), bit);
            }
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(made);
        free(got);
    }
    /* All but issuer, sequence number and signature is tied together by hashes. */
    assert_in_range(judged, 16 * 64 * 8, 16 * 100 * 8);
}

/* Replaces the n-th occurrence of one text by another as long. */
static void replace(struct buf *buf, const char *from, const char *to, size_t nth)
{
    size_t len = strlen(from);

    assert_int_equal(len, strlen(to));
    for (size_t i = 0; i + len <= buf->len; i++)
        if (memcmp(buf->ptr + i, from, len) == 0 && nth-- == 0) {
            memcpy(buf->ptr + i, to, len);
            return;
        }
    fail_msg("\"%s\" is not there", from);
}

/* Records with a good signature over content that is not a record. */
static const struct {
    const char *name, *from, *to;
    size_t nth;
    bool in_header;
    err_code want;
} FORGED[] = {
    {"nothing changed", "air-1.0", "air-1.0", 0, false, ERR_OK},
    {"schema", "air-1.0", "air-1.1", 0, false, ERR_FORMAT},
    {"agent_id in the payload", "agent-1", "agent-2", 1, false, ERR_FORMAT},
    {"subject id", "agent-1", "agent-2", 0, false, ERR_FORMAT},
    {"sub", "agent-1", "agent-2", 0, true, ERR_FORMAT},
    {"agent_id in the header", "agent-1", "agent-2", 1, true, ERR_FORMAT},
    {"outcome state", "completed", "completee", 0, false, ERR_FORMAT},
    {"member of pawl's, not its hash", "service-1", "service-2", 0, false, ERR_FORMAT},
    {"policy reference's version", "@17#", "@18#", 0, false, ERR_FORMAT},
    {"policy reference's alias", "deploys@", "deploy2@", 0, false, ERR_FORMAT},
    {"jurisdiction", "CH", "ch", 0, false, ERR_FORMAT},
    {"retention", "regulatory_7yr", "regulatory_8yr", 0, false, ERR_FORMAT},
    {"action type", "dev.pawl.decision", "dev.pawl.decizion", 0, false, ERR_FORMAT},
    {"another kind", "dev.pawl.decision", "dev.pawl.decision", 0, false, ERR_OK},
    {"key name", "jurisdiction", "jurisdictioN", 0, false, ERR_FORMAT},
    {"key name of pawl's", "determining", "determininG", 0, false, ERR_FORMAT},
    {"text that is not UTF-8", "example.org", "example.or\xff", 0, false, ERR_FORMAT},
    {"text of two lines", "example.org", "example.or\n", 0, false, ERR_FORMAT},
    {"text with a C1 control", "example.org", "example.o\xc2\x85", 0, false, ERR_FORMAT},
    {"text that turns", "example.org", "example.\xe2\x80\xae", 0, false, ERR_FORMAT},
    {"typ", "application/pawl-record+cose", "application/pawl-policy+cose", 0, true, ERR_FORMAT},
    {"label", "prev_chain_hash", "prev_chain_hasH", 0, true, ERR_FORMAT},
    {"label out of order", "agent_id", "zzzzz_id", 0, true, ERR_FORMAT},
};

static void what_is_wrong_is_not_read(void **state)
{
    struct testing *t = *state;

    for (size_t i = 0; i < sizeof FORGED / sizeof *FORGED; i++) {
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = testing_link(1);
        struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
        struct record *got = calloc(1, sizeof *got);
        struct digest content;
        struct why why = {0};
        err_code err;

        assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_OK);
        assert_int_equal(hash_sha256(buf_slice(&draft.payload), &content), ERR_OK);
        replace(FORGED[i].in_header ? &draft.protected_ : &draft.payload, FORGED[i].from,
                FORGED[i].to, FORGED[i].nth);
        testing_sign_again(t->statement, &draft, made, &content, &bytes);
        err = record_parse(buf_slice(&bytes), got, &why);
        if (err != FORGED[i].want)
            fail_msg("%s: %s (%s), wanted %s", FORGED[i].name, err_name(err), why.text,
                     err_name(FORGED[i].want));
        free(made);
        free(got);
    }
}

/* Changes to a draft that need more than a text to be replaced. Each keeps the envelope's hashes
 * right, so that only one thing is wrong. */
static char *find(struct buf *buf, const char *text)
{
    char *place = memmem(buf->ptr, buf->len, text, strlen(text));

    assert_non_null(place);
    return place + strlen(text);
}

/* The chain hash that fits the header as it has been changed. */
static void fix_chain_hash(struct record_draft *draft, const struct record *record)
{
    struct digest content, chain;

    assert_int_equal(hash_sha256(buf_slice(&draft->payload), &content), ERR_OK);
    assert_int_equal(record_chain_hash(&content, &record->link.prev, record->action_ms,
                                       record->agent_id, &chain),
                     ERR_OK);
    testing_replace(&draft->protected_, &draft->chain_hash, &chain);
    draft->chain_hash = chain;
}

static void forge_header_time(struct record_draft *draft, struct record *record)
{
    find(&draft->protected_, "action_timestamp_ms")[8] ^= 1; /* the last octet of a u64 */
    record->action_ms ^= 1;
    fix_chain_hash(draft, record);
}

static void forge_payload_time(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->payload, "action_timestamp_ms")[8] ^= 1;
}

static void forge_captured(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->payload, "captured_timestamp_ms")[3] ^= 1; /* long before the action */
}

static void forge_iat(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->protected_, "agent-1\x06\x1a")[3] ^= 1;
}

static void forge_first_with_predecessor(struct record_draft *draft, struct record *record)
{
    find(&draft->protected_, "prev_chain_hash")[2 + 5] ^= 1;
    record->link.prev.bytes[5] ^= 1;
    fix_chain_hash(draft, record);
}

static void forge_chain_hash(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->protected_, "jchain_hash")[2 + 31] ^= 1; /* j: the head of a text of ten */
}

static void forge_content_hash(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->protected_, "content_hash")[2 + 31] ^= 1;
}

static void forge_key_id(struct record_draft *draft, struct record *record)
{
    char *place = find(&draft->payload, "operator_pubkey_id") + 2;
    (void)record;
    *place = *place == '0' ? '1' : '0';
}

static void forge_outcome_hash(struct record_draft *draft, struct record *record)
{
    (void)record;
    find(&draft->payload, "outcome_hash")[2] ^= 1;
}

static void forge_policy_ref(struct record_draft *draft, struct record *record)
{
    char *place = find(&draft->payload, "#sha256:");
    (void)record;
    *place = *place == '0' ? '1' : '0';
}

static void what_disagrees_is_not_read(void **state)
{
    static const struct {
        const char *name;
        void (*forge)(struct record_draft *draft, struct record *record);
    } CASES[] = {
        {"time in the header", forge_header_time},
        {"time in the payload", forge_payload_time},
        {"captured before the action", forge_captured},
        {"iat", forge_iat},
        {"first of its chain, with a predecessor", forge_first_with_predecessor},
        {"chain_hash", forge_chain_hash},
        {"content_hash", forge_content_hash},
        {"operator_pubkey_id", forge_key_id},
        {"outcome_hash", forge_outcome_hash},
        {"a policy reference's digest", forge_policy_ref},
    };
    struct testing *t = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = testing_link(0);
        struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
        struct record *got = calloc(1, sizeof *got);
        struct digest content;
        struct why why = {0};
        err_code err;

        assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_OK);
        assert_int_equal(hash_sha256(buf_slice(&draft.payload), &content), ERR_OK);
        CASES[i].forge(&draft, made);
        testing_sign_again(t->statement, &draft, made, &content, &bytes);
        err = record_parse(buf_slice(&bytes), got, &why);
        if (err != ERR_FORMAT)
            fail_msg("%s: %s (%s)", CASES[i].name, err_name(err), why.text);
        free(made);
        free(got);
    }
}

/* Signed correctly, but not the COSE_Sign1 that a record is. */
static void other_messages_are_no_records(void **state)
{
    struct testing *t = *state;
    CLEANUP(hw_signer_close) struct hw_signer *p384 = NULL;
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free)
    struct buf unprotected = {0}, detached = {0}, crit = {0}, alg = {0}, short_sig = {0},
               huge = {0};
    static const uint8_t LABELLED[] = {0xa1, 0x18, 0x64, 0x01}; /* {100: 1} */
    static const uint8_t SIG[64] = {1};
    struct record_link link = testing_link(1);
    struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
    struct record *got = calloc(1, sizeof *got);
    struct cose_header_spec spec = {.typ = RECORD_TYP};
    struct slice payload, header;
    struct why why = {0};
    uint8_t *space;

    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_OK);
    payload = buf_slice(&draft.payload);
    header = buf_slice(&draft.protected_);
    assert_int_equal(cose_sign1_assemble(header, SLICE_OF(LABELLED), payload, false, SLICE_OF(SIG),
                                         &unprotected),
                     ERR_OK);
    assert_int_equal(record_parse(buf_slice(&unprotected), got, &why), ERR_FORMAT);
    assert_int_equal(cose_sign1_assemble(header, (struct slice){0}, (struct slice){0}, true,
                                         SLICE_OF(SIG), &detached),
                     ERR_OK);
    assert_int_equal(record_parse(buf_slice(&detached), got, &why), ERR_FORMAT);
    assert_int_equal(cose_sign1_assemble(header, (struct slice){0}, payload, false,
                                         (struct slice){SIG, 63}, &short_sig),
                     ERR_OK);
    assert_int_equal(record_parse(buf_slice(&short_sig), got, &why), ERR_SIGNATURE_INVALID);
    assert_int_equal(hw_signer_generate(HW_ES384, &p384, &why), ERR_OK);
    assert_int_equal(cose_sign1_make(p384, &spec, (struct slice){0}, payload, false, &alg, &why),
                     ERR_OK);
    assert_int_equal(record_parse(buf_slice(&alg), got, &why), ERR_COSE_ALG);
    assert_int_equal(
        cose_sign1_make(t->statement, &spec, (struct slice){0}, payload, false, &crit, &why),
        ERR_OK);
    assert_int_equal(record_parse(buf_slice(&crit), got, &why), ERR_FORMAT);
    assert_int_equal(buf_add_space(&huge, RECORD_SIZE_MAX + 1, &space), ERR_OK);
    assert_int_equal(record_parse(buf_slice(&huge), got, &why), ERR_TOO_LARGE);
    free(made);
    free(got);
}

static void a_beginning_is_recognised(void **state)
{
    struct testing *t = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record_link link = testing_link(1), next;
    struct record *made = testing_record(t, RECORD_DECISION, "agent-1", &link);
    size_t heads;
    uint8_t *payload;

    testing_signed(t, made, &bytes, &next);
    payload = memmem(bytes.ptr, bytes.len, "\xb5\x64pawl", 6); /* the payload's map of 21 */
    heads = (size_t)(payload - bytes.ptr);
    for (size_t n = 0; n < bytes.len; n++) {
        struct slice part = {bytes.ptr, n};

        if (!record_could_begin(part, bytes.len))
            fail_msg("the first %zu of %zu bytes", n, bytes.len);
        for (size_t wrong = n >= heads ? 1 : bytes.len; wrong < bytes.len + 300; wrong++)
            if (n >= heads && wrong != bytes.len && record_could_begin(part, wrong))
                fail_msg("the first %zu of %zu bytes, as %zu", n, bytes.len, wrong);
    }
    assert_false(record_could_begin(buf_slice(&bytes), bytes.len)); /* it is whole */
    assert_false(record_could_begin(slice_str("\xd2\x85"), 1000));
    assert_false(record_could_begin(slice_str("\xd1"), 1000));
    assert_false(record_could_begin(slice_str("\xd2\x84\x83"), 1000));
    assert_false(record_could_begin(slice_str("\xd2\x84\x59\x01\x10"), 200)); /* header too long */
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(what_is_wrong_is_not_read),
        cmocka_unit_test(what_disagrees_is_not_read),
        cmocka_unit_test(other_messages_are_no_records),
        cmocka_unit_test(a_beginning_is_recognised),
    };
    return cmocka_run_group_tests_name("record_read", tests, testing_setup, testing_teardown);
}
