/* SPDX-License-Identifier: Apache-2.0 */
/* record_profile_test.c: the seam between records and profiles, with a profile that shares nothing
 * with AIR; and hash envelopes (RFC 9995), which each profile gets for nothing. */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record_air.h"
#include "gate/ledger/record_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a profile of stops alone: an array, and one label of its own ---------------------------- */

#define TOY_TYP "application/toy-record+cose"
#define TOY_PLACE "place"

static size_t padding; /* octets that the payload carries for nothing */

static err_code toy_write_payload(const struct record *record, const struct digest *kid,
                                  struct buf *ret)
{
    static const uint8_t ZEROES[RECORD_PREIMAGE_MAX + 1];
    const struct slice texts[] = {
        record->record_id,    record->session_id,      record->agent_version, record->operator_id,
        record->jurisdiction, record->retention_class, record->hardware,      record->stop.reason};
    struct cbor_writer w = cbor_write(ret);

    (void)kid;
    cbor_put_array(&w, 12);
    for (size_t i = 0; i < 8; i++)
        cbor_put_text_slice(&w, texts[i]);
    cbor_put_uint(&w, record->captured_ms);
    cbor_put_uint(&w, record->epoch);
    cbor_put_bool(&w, record->simulated);
    cbor_put_bytes(&w, (struct slice){ZEROES, padding});
    return cbor_written(&w);
}

static err_code toy_write_protected(const struct hw_pubkey *key, const struct record *record,
                                    const struct record_content *content, struct buf *ret,
                                    struct digest *ret_chain_hash)
{
    CLEANUP(buf_free) struct buf items = {0};
    struct cose_pair extra[3];
    struct cose_header_spec spec = {.typ = TOY_TYP, .extra = extra, .n_extra = 1};
    struct cbor_writer w = cbor_write(&items);
    size_t end[6], n = 0;

    cbor_put_text(&w, TOY_PLACE);
    end[n++] = items.len;
    w = cbor_write(&items);
    cbor_put_uint(&w, record->action_ms);
    end[n++] = items.len;
    if (content->enveloped) {
        w = cbor_write(&items);
        cbor_put_int(&w, LABEL_PAYLOAD_HASH_ALG);
        end[n++] = items.len;
        w = cbor_write(&items);
        cbor_put_int(&w, HASH_ALG_SHA256);
        end[n++] = items.len;
        w = cbor_write(&items);
        cbor_put_int(&w, LABEL_PREIMAGE_TYPE);
        end[n++] = items.len;
        w = cbor_write(&items);
        cbor_put_text(&w, PREIMAGE_TYPE);
        end[n++] = items.len;
        spec.n_extra = 3;
    }
    for (size_t i = 0; i < spec.n_extra; i++) {
        size_t from = i == 0 ? 0 : end[2 * i - 1];
        extra[i].key = slice_part(buf_slice(&items), from, end[2 * i] - from);
        extra[i].value = slice_part(buf_slice(&items), end[2 * i], end[2 * i + 1] - end[2 * i]);
    }
    spec.claims.iss = spec.claims.sub = record->issuer;
    TRY(hash_sha256(content->octets, ret_chain_hash));
    return cose_protected_make(key, &spec, ret);
}

static err_code toy_read(struct record *record, struct slice payload, struct why *why)
{
    struct cbor_reader r = cbor_read(payload, CBOR_DETERMINISTIC);
    struct cbor_reader place = {.rest =
                                    cose_header_find_text(record->message.protected_, TOY_PLACE)};
    struct slice *const texts[] = {&record->record_id,     &record->session_id,
                                   &record->agent_version, &record->operator_id,
                                   &record->jurisdiction,  &record->retention_class,
                                   &record->hardware,      &record->stop.reason};

    if (cbor_get_array(&r) != 12)
        return why_say(why, ERR_FORMAT, "no toy");
    for (size_t i = 0; i < 8; i++)
        *texts[i] = cbor_get_text(&r);
    record->captured_ms = cbor_get_uint(&r);
    record->epoch = cbor_get_uint(&r);
    record->simulated = cbor_get_bool(&r);
    (void)cbor_get_bytes(&r);
    record->kind = RECORD_STOP;
    record->issuer = record->agent_id = record->message.headers.claims.iss;
    record->action_ms = cbor_get_uint(&place);
    TRY(digest_from(record->message.headers.kid, &record->kid));
    TRY(hash_sha256(record->message.payload, &record->chain_hash));
    TRY(record_input(record, &record->input));
    return cbor_done(&r);
}

static const struct record_profile TOY = {"toy-1", TOY_TYP, toy_write_payload, toy_write_protected,
                                          toy_read};
static const struct record_profile *const BOTH[] = {&RECORD_AIR, &TOY};

/* ---- settings -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    padding = 0;
    return testing_setup(state);
}

struct written {
    struct record_draft draft;
    struct buf bytes;
};

static void written_free(struct written *written)
{
    record_draft_free(&written->draft);
    buf_free(&written->bytes);
}

static void write_record(struct hw_signer *signer, const struct record_profile *profile,
                         const struct record *record, struct written *ret)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct why why = {0};

    if (record_prepare_as(profile, &signer->key, record, &ret->draft, &why) != ERR_OK)
        fail_msg("%s: %s", profile->name, why.text);
    assert_int_equal(signer->ops->sign(signer, digest_slice(&ret->draft.tbs), &sig, &why), ERR_OK);
    assert_int_equal(record_finish(&ret->draft, sig.ptr, &ret->bytes), ERR_OK);
}

static err_code read_record(const struct written *written, struct slice preimage,
                            struct record *ret)
{
    const struct record_source source = {buf_slice(&written->bytes), preimage, BOTH, 2};

    return record_parse_as(&source, ret, NULL);
}

/* ---- profiles -------------------------------------------------------------------------------- */

static void each_is_read_by_its_own(void **state)
{
    struct testing *t = *state;
    struct record_link link = {0};
    struct record *made = testing_record(t, RECORD_STOP, NULL, &link);
    struct record *got = calloc(1, sizeof *got);
    struct why why = {0};

    made->has_snapshot = false; /* the toy has no place for it */
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(written_free) struct written written = {0};

        write_record(t->statement, BOTH[i], made, &written);
        assert_int_equal(read_record(&written, (struct slice){0}, got), ERR_OK);
        assert_int_equal(got->kind, RECORD_STOP);
        assert_true(slice_eq_str(got->message.headers.typ, BOTH[i]->typ));
        assert_true(slice_eq(got->record_id, made->record_id));
        assert_true(slice_eq(got->issuer, made->issuer));
        assert_true(slice_eq_str(got->stop.reason, "signal"));
        assert_true(digest_eq(&got->chain_hash, &written.draft.chain_hash));
        assert_int_equal(record_verify(got, &t->statement->key, &why), ERR_OK);
        /* Who knows AIR alone does not take the other one. */
        assert_int_equal(record_parse(buf_slice(&written.bytes), got, &why),
                         i == 0 ? ERR_OK : ERR_FORMAT);
    }
    free(made);
    free(got);
}

/* What the rules forbid, no profile writes or reads. */
static void rules_hold_for_each(void **state)
{
    struct testing *t = *state;
    CLEANUP(written_free) struct written written = {0};
    struct record_draft draft = {0};
    struct record_link link = {0};
    struct record *made = testing_record(t, RECORD_STOP, NULL, &link);
    struct record *got = calloc(1, sizeof *got);
    struct why why = {0};
    uint8_t *place;

    made->stop.reason = slice_str("a\nb");
    assert_int_equal(record_prepare_as(&TOY, &t->statement->key, made, &draft, &why), ERR_FORMAT);
    made->stop.reason = slice_str("a b");
    write_record(t->statement, &TOY, made, &written);
    place = memmem(written.bytes.ptr, written.bytes.len, "a b", 3);
    place[1] = '\n';
    assert_int_equal(read_record(&written, (struct slice){0}, got), ERR_FORMAT);
    free(made);
    free(got);
}

/* ---- hash envelopes -------------------------------------------------------------------------- */

/* Certificates that no entry has room for. */
static struct record *large_rotation(struct testing *t)
{
    static const uint8_t CERT[RECORD_CERT_MAX] = {0x30};
    struct record_link link = {0};
    struct record *made = testing_record(t, RECORD_KEY_ROTATION, NULL, &link);

    made->rotation.n_certs = RECORD_CERTS_MAX;
    for (size_t i = 0; i < RECORD_CERTS_MAX; i++)
        made->rotation.certs[i] = SLICE_OF(CERT);
    return made;
}

static void a_large_record_is_an_envelope(void **state)
{
    struct testing *t = *state;
    CLEANUP(written_free) struct written written = {0}, small = {0};
    CLEANUP(buf_free) struct buf refused = {0};
    struct record *made = large_rotation(t), *got = calloc(1, sizeof *got);
    struct digest hash, want, chain;
    struct why why = {0};
    bool needed;

    write_record(t->hardware, &RECORD_AIR, made, &written);
    assert_true(written.draft.preimage.len > RECORD_SIZE_MAX);
    assert_int_equal(written.draft.payload.len, SHA256_LEN);
    assert_true(written.bytes.len < 1024);
    assert_int_equal(record_preimage(buf_slice(&written.bytes), &needed, &want, &why), ERR_OK);
    assert_true(needed);
    assert_int_equal(hash_sha256(buf_slice(&written.draft.preimage), &hash), ERR_OK);
    assert_true(digest_eq(&hash, &want));

    if (record_parse_whole(buf_slice(&written.bytes), buf_slice(&written.draft.preimage), got,
                           &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_true(got->enveloped);
    assert_int_equal(got->rotation.n_certs, RECORD_CERTS_MAX);
    assert_int_equal(record_verify(got, &t->hardware->key, &why), ERR_OK);
    /* AIR's content_hash is that of the payload's octets, which are the hash. */
    assert_int_equal(hash_sha256(digest_slice(&want), &hash), ERR_OK);
    assert_true(digest_eq(&hash, &got->content_hash));
    assert_true(digest_eq(&got->chain_hash, &written.draft.chain_hash));

    assert_int_equal(record_parse(buf_slice(&written.bytes), got, &why), ERR_PREIMAGE_MISSING);
    assert_int_equal(got->kind, RECORD_NONE);
    assert_int_equal(record_make(t->hardware, made, &refused, &chain, &why), ERR_TOO_LARGE);
    assert_int_equal(refused.len, 0);

    made->rotation.n_certs = 2;
    write_record(t->hardware, &RECORD_AIR, made, &small);
    assert_int_equal(small.draft.preimage.len, 0);
    assert_int_equal(record_preimage(buf_slice(&small.bytes), &needed, &want, &why), ERR_OK);
    assert_false(needed);
    assert_int_equal(
        record_parse_whole(buf_slice(&small.bytes), buf_slice(&written.draft.preimage), got, &why),
        ERR_FORMAT); /* a pre-image of nothing */
    free(made);
    free(got);
}

static void another_preimage_is_refused(void **state)
{
    struct testing *t = *state;
    CLEANUP(written_free) struct written written = {0};
    struct record *made = large_rotation(t), *got = calloc(1, sizeof *got);
    struct slice preimage;

    write_record(t->hardware, &RECORD_AIR, made, &written);
    preimage = buf_slice(&written.draft.preimage);
    for (size_t at = 0; at < preimage.len; at += 997) {
        written.draft.preimage.ptr[at] ^= 1;
        assert_int_equal(read_record(&written, preimage, got), ERR_FORMAT);
        written.draft.preimage.ptr[at] ^= 1;
    }
    assert_int_equal(read_record(&written, slice_part(preimage, 0, preimage.len - 1), got),
                     ERR_FORMAT);
    assert_int_equal(read_record(&written, preimage, got), ERR_OK);
    free(made);
    free(got);
}

/* The boundary: the largest record that is still an entry, and the largest that is one at all. */
static void limits(void **state)
{
    struct testing *t = *state;
    struct record_link link = {0};
    struct record *made = testing_record(t, RECORD_STOP, NULL, &link);
    struct record *got = calloc(1, sizeof *got);
    struct record_draft draft = {0};
    size_t whole = 0;
    struct why why = {0};

    made->has_snapshot = false;
    for (padding = RECORD_SIZE_MAX - 700; whole == 0; padding++) {
        CLEANUP(written_free) struct written written = {0};

        write_record(t->statement, &TOY, made, &written);
        assert_int_equal(read_record(&written, buf_slice(&written.draft.preimage), got), ERR_OK);
        assert_int_equal(got->enveloped, written.draft.preimage.len > 0);
        if (got->enveloped)
            whole = padding;
        else
            assert_true(written.bytes.len <= RECORD_SIZE_MAX);
    }
    padding = whole - 1;
    {
        CLEANUP(written_free) struct written written = {0};

        write_record(t->statement, &TOY, made, &written);
        assert_int_equal(written.bytes.len, RECORD_SIZE_MAX);
    }
    padding = RECORD_PREIMAGE_MAX;
    assert_int_equal(record_prepare_as(&TOY, &t->statement->key, made, &draft, &why),
                     ERR_TOO_LARGE);
    free(made);
    free(got);
}

/* Envelopes that RFC 9995 or docs/ledger.cddl forbid, under good signatures. */
static void bad_envelopes(void **state)
{
    static const struct {
        const char *name, *from, *to;
        size_t len;
    } CASES[] = {
        {"nothing", "\x19\x01\x02\x2f", "\x19\x01\x02\x2f", 4},
        {"another algorithm", "\x19\x01\x02\x2f", "\x19\x01\x02\x2e", 4},
        {"another type", "application/cbor", "application/cose", 16},
        {"260 for 259", "\x19\x01\x03\x70", "\x19\x01\x04\x70", 4},
        {"no hash", "\x19\x01\x02\x2f", "\x19\x01\x01\x2f", 4},
    };
    struct testing *t = *state;
    struct record *made = large_rotation(t), *got = calloc(1, sizeof *got);

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(written_free) struct written written = {0};
        struct buf *header = &written.draft.protected_;
        struct digest content;
        struct why why = {0};
        void *place;
        err_code err;

        assert_int_equal(record_prepare(&t->hardware->key, made, &written.draft, &why), ERR_OK);
        assert_int_equal(hash_sha256(buf_slice(&written.draft.payload), &content), ERR_OK);
        place = memmem(header->ptr, header->len, CASES[i].from, CASES[i].len);
        assert_non_null(place);
        memcpy(place, CASES[i].to, CASES[i].len);
        testing_sign_again(t->hardware, &written.draft, made, &content, &written.bytes);
        err = read_record(&written, buf_slice(&written.draft.preimage), got);
        if (err != (i == 0 ? ERR_OK : ERR_FORMAT))
            fail_msg("%s: %s", CASES[i].name, err_name(err));
    }
    free(made);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_read_by_its_own),
        cmocka_unit_test(rules_hold_for_each),
        cmocka_unit_test(a_large_record_is_an_envelope),
        cmocka_unit_test(another_preimage_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(bad_envelopes),
    };
    return cmocka_run_group_tests_name("record_profile", tests, set_up, testing_teardown);
}
