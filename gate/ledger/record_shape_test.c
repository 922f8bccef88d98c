/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Records with one item more, less or of another type than there should be, under good signatures
 * and with hashes that fit. */
enum part {
    HEADER,
    PAYLOAD,
    OWN, /* the member "pawl" of the payload */
};

struct edit {
    const char *name;
    enum part part;
    const char *after;  /* text behind which the edit takes place; NULL: at the end of the part */
    size_t skip, cut;   /* octets left and octets taken away there */
    const char *insert; /* what comes there instead */
    size_t insert_len;
    size_t times; /* how often, 0 being once */
    uint8_t more; /* added to the part's first octet, the head of its map */
    bool denial;  /* the edited record denies */
};

#define INSERT(text) text, sizeof(text) - 1
#define LAST_KEY "\x78\x18zzzzzzzzzzzzzzzzzzzzzzzz\x01"
#define POLICY "\x83\x61p\x01\x58\x20................................"

static const struct edit EDITS[] = {
    {"nothing", HEADER, NULL, 0, 0, INSERT(""), 0, 0, false},
    {"a label more in the header", HEADER, NULL, 0, 0, INSERT(LAST_KEY), 0, 1, false},
    {"a claim more", HEADER, "agent-1\x06\x1a", 4, 0, INSERT("\x07\x41x"), 0, 0,
     false}, /* 7: cti */
    {"sequence number of a wrong type", HEADER, "sequence_number", 0, 1, INSERT("\x61x"), 0, 0,
     false},
    {"previous hash of 31 bytes", HEADER, "prev_chain_hash", 0, 3, INSERT("\x58\x1f"), 0, 0, false},
    {"a member more in the payload", PAYLOAD, NULL, 0, 0, INSERT(LAST_KEY), 0, 1, false},
    {"a tool call", PAYLOAD, "tool_calls", 0, 1, INSERT("\x81\x01"), 0, 0, false},
    {"an external reference", PAYLOAD, "external_refs", 0, 1, INSERT("\x81\x01"), 0, 0, false},
    {"a redaction receipt", PAYLOAD, "redaction_receipts", 0, 1, INSERT("\x81\x01"), 0, 0, false},
    {"written by the signer", PAYLOAD, "written_timestamp_ms", 0, 1, INSERT("\x01"), 0, 0, false},
    {"a policy reference less", PAYLOAD, "policy_refs", 0, 1, INSERT("\x80"), 0, 0, false},
    {"a member more in pawl", OWN, NULL, 0, 0, INSERT(LAST_KEY), 0, 1, false},
    {"neither permit nor deny", OWN, "decision", 1, 6, INSERT("PERMIT"), 0, 0, false},
    {"almost deny", OWN, "decision", 1, 4, INSERT("denz"), 0, 0, true},
    {"another subject", OWN, "agent-", 0, 1, INSERT("2"), 0, 0, false},
    {"simulated of a wrong type", OWN, "simulated", 0, 1, INSERT("\x01"), 0, 0, false},
    {"a snapshot of 31 bytes", OWN, "snapshot", 0, 3, INSERT("\x58\x1f"), 0, 0, false},
    {"a policy of four", OWN, "policies", 1, 1, INSERT("\x84\x01"), 0, 0, false},
    {"one policy too many", OWN, "policies", 0, 1, INSERT("\x98\x41" POLICY), 63, 0, false},
    {"one determining policy too many", OWN, "determining", 0, 1, INSERT("\x98!ap"), 32, 0, false},
    {"a type of the subject less", OWN, "subject", 0, 1, INSERT("\xa1"), 0, 0, false},
    {"a permit that says failed", OWN, "decision", 0, 7, INSERT("ddeny"), 0, 0, false},
};

static void splice(struct buf *buf, size_t at, size_t cut, const struct buf *insert)
{
    CLEANUP(buf_free) struct buf out = {0};

    assert_true(at + cut <= buf->len);
    assert_int_equal(buf_add(&out, buf->ptr, at), ERR_OK);
    assert_int_equal(buf_add_slice(&out, buf_slice(insert)), ERR_OK);
    assert_int_equal(buf_add(&out, buf->ptr + at + cut, buf->len - at - cut), ERR_OK);
    buf_free(buf);
    *buf = buf_take(&out);
}

/* The encoded member "pawl": the payload begins with the head of a map and this key. */
static struct slice own_of(const struct buf *payload)
{
    struct cbor_reader r = {.rest = slice_part(buf_slice(payload), 6, payload->len - 6)};

    return cbor_get_item(&r);
}

static size_t place_of(const struct buf *whole, size_t from, size_t end, const struct edit *edit)
{
    uint8_t *found;

    if (edit->after == NULL)
        return end;
    found = memmem(whole->ptr + from, end - from, edit->after, strlen(edit->after));
    assert_non_null(found);
    return (size_t)(found - whole->ptr) + strlen(edit->after) + edit->skip;
}

/* What is inserted: a head once, then the rest of it as often as asked. The policies that were
 * there stay behind it, so that the array is one longer than it may be. */
static void inserted(const struct edit *edit, struct buf *ret)
{
    size_t head = edit->times > 0 ? 2 : 0;

    assert_int_equal(buf_add(ret, edit->insert, head), ERR_OK);
    for (size_t i = 0; i < (edit->times > 0 ? edit->times : 1); i++)
        assert_int_equal(buf_add(ret, edit->insert + head, edit->insert_len - head), ERR_OK);
}

static void edit_part(struct record_draft *draft, const struct edit *edit)
{
    CLEANUP(buf_free) struct buf insert = {0};
    struct buf *whole = edit->part == HEADER ? &draft->protected_ : &draft->payload;
    size_t from = edit->part == OWN ? 6 : 0, end = whole->len;
    struct digest before, after;

    if (edit->part == OWN) {
        struct slice own = own_of(whole);
        end = from + own.len;
        assert_int_equal(hash_sha256(own, &before), ERR_OK);
    }
    inserted(edit, &insert);
    splice(whole, place_of(whole, from, end, edit), edit->cut, &insert);
    whole->ptr[from] = (uint8_t)(whole->ptr[from] + edit->more);
    if (edit->part == OWN) {
        end = end - edit->cut + insert.len;
        assert_int_equal(hash_sha256(slice_part(buf_slice(whole), from, end - from), &after),
                         ERR_OK);
        testing_replace(whole, &before, &after);
    }
}

/* The claims' map gets the head of one of four. */
static void add_claim(struct record_draft *draft)
{
    uint8_t *found = memmem(draft->protected_.ptr, draft->protected_.len,
                            "\x0f\xa3\x01\x78\x1b"
                            "dev.pawl:",
                            14);

    assert_non_null(found);
    found[1] = 0xa4;
}

static void try_edit(struct testing *t, enum record_kind kind, const struct edit *edit,
                     err_code want)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record_link link = {.sequence = 1};
    const char *agent = kind == RECORD_DECISION ? "agent-1" : NULL;
    struct record *made = testing_record(t, kind, agent, &link);
    struct record *got = calloc(1, sizeof *got);
    struct digest content;
    struct why why = {0};
    err_code err;

    made->decision.permit = !edit->denial;
    if (edit->denial)
        made->decision.reason = slice_str("DENIED");
    assert_int_equal(record_prepare(&t->statement->key, made, &draft, &why), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&draft.payload), &content), ERR_OK);
    if (strcmp(edit->name, "a claim more") == 0)
        add_claim(&draft);
    edit_part(&draft, edit);
    testing_sign_again(t->statement, &draft, made, &content, &bytes);
    err = record_parse(buf_slice(&bytes), got, &why);
    if (err != want)
        fail_msg("%s: %s (%s)", edit->name, err_name(err), why.text);
    assert_int_equal(got->kind, err == ERR_OK ? kind : RECORD_NONE);
    free(made);
    free(got);
}

static void every_edit_is_refused(void **state)
{
    struct testing t;
    (void)state;

    testing_init(&t);
    for (size_t i = 0; i < sizeof EDITS / sizeof *EDITS; i++)
        try_edit(&t, RECORD_DECISION, &EDITS[i], i == 0 ? ERR_OK : ERR_FORMAT);
    testing_free(&t);
}

/* A statement key has one form. Others give the same point and the same thumbprint. */
static void every_other_form_of_a_key_is_refused(void **state)
{
    static const struct edit FORMS[] = {
        {"the form", OWN, "key", 0, 3, INSERT("\xa5\x01\x02"), 0, 0, false},
        {"with kid", OWN, "key", 0, 3, INSERT("\xa6\x01\x02\x02\x41k"), 0, 0, false},
        {"with key_ops", OWN, "key", 0, 5, INSERT("\xa6\x01\x02\x03\x26\x04\x81\x02"), 0, 0, false},
        {"without alg", OWN, "key", 0, 5, INSERT("\xa4\x01\x02"), 0, 0, false},
        {"ESP256", OWN, "key", 4, 1, INSERT("\x28"), 0, 0, false},
    };
    struct testing t;
    (void)state;

    testing_init(&t);
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        try_edit(&t, RECORD_KEY_ROTATION, &FORMS[i], i == 0 ? ERR_OK : ERR_FORMAT);
    testing_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_edit_is_refused),
        cmocka_unit_test(every_other_form_of_a_key_is_refused),
    };
    return cmocka_run_group_tests_name("record_shape", tests, NULL, NULL);
}
