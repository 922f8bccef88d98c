/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cose_key.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/permit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DECISIONS 3
#define INDEX TESTING_DECISION(1)

struct setting {
    struct testing t;
    char dir[64];
    struct buf bytes;     /* a permit */
    struct permit permit; /* the one that is being looked at */
};

static int set_up_with(void **state, bool uncertified)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_init(&s->t);
    s->t.uncertified = uncertified;
    testing_dir(s->dir, sizeof s->dir);
    testing_ledger(&s->t, s->dir, DECISIONS);
    testing_permit(&s->t, s->dir, INDEX, &s->bytes);
    *state = s;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, false);
}

/* Without certificates there are three labels. */
static int set_up_plain(void **state)
{
    return set_up_with(state, true);
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    permit_free(&s->permit);
    buf_free(&s->bytes);
    testing_free(&s->t);
    testing_remove(s->dir);
    free(s);
    return 0;
}

/* What a verifier who trusts the hardware key does with a parsed permit. The seal is another's. */
static err_code judge(const struct setting *s, struct why *why)
{
    const struct permit *permit = &s->permit;
    struct checkpoint head;

    TRY(record_verify(&permit->rotation, &s->t.hardware->key, why));
    TRY(record_verify(&permit->record, &permit->rotation.key, why));
    return receipt_verify(&permit->receipt, buf_slice(&permit->entry), &s->t.hardware->key, &head,
                          why);
}

static void a_permit_goes_there_and_back(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct cose_sign1 message;
    struct hw_statement statement;
    struct why why = {0};

    assert_int_equal(ledger_open(s->dir, LEDGER_READ, &ledger, &why), ERR_OK);
    assert_int_equal(ledger_entry(ledger, INDEX, &entry, &why), ERR_OK);
    if (permit_parse(buf_slice(&s->bytes), &s->permit, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_true(slice_eq(buf_slice(&s->permit.entry), buf_slice(&entry)));
    assert_true(s->permit.record.decision.permit);
    assert_true(slice_eq_str(s->permit.record.agent_id, "agent-1"));
    assert_int_equal(s->permit.receipt.leaf_index, INDEX);
    assert_int_equal(s->permit.receipt.tree_size, TESTING_SIZE(DECISIONS));
    assert_int_equal(s->permit.seal.kind, HW_SEAL_FAKE);
    assert_true(slice_eq_str(s->permit.seal.statement, "statement"));
    assert_true(slice_eq_str(s->permit.seal.sig, "signature"));
    if (judge(s, &why) != ERR_OK)
        fail_msg("%s", why.text);
    /* Who knows only COSE sees a COSE_Sign1 by the statement key. */
    assert_int_equal(cose_sign1_parse(buf_slice(&s->bytes), CBOR_FOREIGN, &message, &why), ERR_OK);
    assert_int_equal(
        cose_sign1_statement(&message, &s->t.statement->key, (struct slice){0}, &statement, &why),
        ERR_OK);
    assert_int_equal(hw_verify_soft(&statement, &why), ERR_OK);
}

static void every_truncation_is_refused(void **state)
{
    struct setting *s = *state;
    struct why why = {0};

    for (size_t n = 0; n < s->bytes.len; n++) {
        if (permit_parse((struct slice){s->bytes.ptr, n}, &s->permit, &why) == ERR_OK)
            fail_msg("cut to %zu of %zu bytes", n, s->bytes.len);
        assert_null(s->permit.entry.ptr);
        assert_int_equal(s->permit.record.kind, RECORD_NONE);
    }
    assert_int_equal(buf_add_u8(&s->bytes, 0), ERR_OK);
    assert_int_equal(permit_parse(buf_slice(&s->bytes), &s->permit, &why), ERR_CBOR_TRAILING);
}

static bool bit_at(struct slice part, const struct buf *whole, size_t bit)
{
    size_t from = (size_t)(part.ptr - whole->ptr);

    return bit / 8 >= from && bit / 8 < from + part.len;
}

/* The seal alone is not judged here: its octets are for tpm/ and pkcs11/ to judge. step: bits from
 * one that is flipped to the next. */
static void flip(struct setting *s, size_t step)
{
    struct slice statement, sig;
    struct why why = {0};
    size_t in_seal = 0;

    assert_int_equal(permit_parse(buf_slice(&s->bytes), &s->permit, &why), ERR_OK);
    statement = s->permit.seal.statement;
    sig = s->permit.seal.sig;
    for (size_t bit = 0; bit < s->bytes.len * 8; bit += step) {
        err_code err;

        s->bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        permit_free(&s->permit);
        err = permit_parse(buf_slice(&s->bytes), &s->permit, &why);
        assert_true((err == ERR_OK) == (s->permit.entry.ptr != NULL));
        if (err == ERR_OK && (bit_at(statement, &s->bytes, bit) || bit_at(sig, &s->bytes, bit)))
            in_seal++;
        else if (err == ERR_OK && judge(s, &why) == ERR_OK)
            fail_msg("bit %zu flipped", bit);
        s->bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    if (step == 1)
        assert_int_equal(in_seal, 8 * (statement.len + sig.len));
}

static void every_flipped_bit_is_refused(void **state)
{
    flip(*state, 1);
}

/* With certificates, of which each parse reads five: each octet, and each bit of one in turn. */
static void every_flipped_octet_is_refused(void **state)
{
    flip(*state, 9);
}

/* ---- parts that do not belong together ------------------------------------------------------- */

/* The parts of a permit before they are put together, each to be made again in another way. */
struct parts {
    struct testing *t;
    struct record *record, *rotation;
    struct receipt_head head;
};

static void same_parts(struct parts *p)
{
    (void)p;
}

static void other_issuer_of_receipt(struct parts *p)
{
    p->head.issuer = slice_str("dev.pawl:example.org/gate-2");
}

static void other_issuer_of_rotation(struct parts *p)
{
    p->rotation->issuer = p->rotation->agent_id = slice_str("dev.pawl:example.org/gate-2");
}

static void other_epoch(struct parts *p)
{
    p->head.epoch++;
}

static void other_epoch_of_rotation(struct parts *p)
{
    p->rotation->epoch--;
}

static void receipt_of_another_session(struct parts *p)
{
    p->head.signer.bytes[0] ^= 1;
}

static void other_snapshot(struct parts *p)
{
    p->head.snapshot.bytes[0] ^= 1;
}

static void receipt_of_a_real_tpm(struct parts *p)
{
    p->head.simulated = false;
}

static void other_session(struct parts *p)
{
    p->rotation->session_id = p->rotation->record_id;
}

static void key_introduced_later(struct parts *p)
{
    p->rotation->action_ms = p->rotation->captured_ms = p->record->action_ms + 1;
}

/* Of a receipt: what stands above the statement key's certificate. */
static struct x509_chain above(struct x509_chain chain)
{
    struct x509_chain ret = {.n = chain.n - 1};

    for (size_t i = 0; i < ret.n; i++)
        ret.certs[i] = chain.certs[i + 1];
    return ret;
}

static void key_of_somebody_else(struct parts *p)
{
    struct hw_signer *mine = p->t->statement;
    struct record_link link = {0};

    p->t->statement = p->t->hardware; /* introduces another key, in the same session */
    free(p->rotation);
    p->rotation = testing_record(p->t, RECORD_KEY_ROTATION, NULL, &link);
    p->head.chain = above(testing_chain(p->t));
    p->t->statement = mine;
}

static void receipt_without_certificates(struct parts *p)
{
    p->head.chain.n = 0;
}

static void receipt_with_more_certificates(struct parts *p)
{
    p->head.chain.certs[p->head.chain.n++] = p->head.chain.certs[0];
}

static void rotation_without_certificates(struct parts *p)
{
    p->rotation->rotation.n_certs = 0;
}

static void rotation_with_fewer_certificates(struct parts *p)
{
    p->rotation->rotation.n_certs--;
}

static void rotation_with_others(struct parts *p)
{
    p->rotation->rotation.certs[0] = p->rotation->rotation.certs[1];
}

static void rotation_with_what_is_none(struct parts *p)
{
    p->rotation->rotation.certs[0] = slice_str("the session's certificate");
}

static void record_in_place_of_rotation(struct parts *p)
{
    p->rotation->kind = RECORD_INSTALL;
    p->rotation->from_epoch = 1; /* and where the key's thumbprint would be, there it is */
    assert_int_equal(cose_key_thumbprint(&p->t->statement->key, &p->rotation->snapshot), ERR_OK);
    p->rotation->input = p->rotation->snapshot;
}

static void rotation_in_place_of_record(struct parts *p)
{
    struct record_link link = {0};

    free(p->record);
    p->record = testing_record(p->t, RECORD_INSTALL, NULL, &link);
}

static void make_receipt(struct testing *t, struct receipt_head *head, struct slice entry,
                         struct buf *ret)
{
    CLEANUP(receipt_draft_free) struct receipt_draft draft = {0};
    CLEANUP(buf_free) struct buf sig = {0};
    struct tree_path path = {.n = 1};
    struct digest leaf;
    struct why why = {0};

    assert_int_equal(tree_leaf(entry, &leaf), ERR_OK);
    assert_int_equal(tree_node(&path.hashes[0], &leaf, &head->checkpoint.root), ERR_OK);
    head->checkpoint.size = 2;
    assert_int_equal(receipt_prepare(&t->hardware->key, head, &draft, &why), ERR_OK);
    assert_int_equal(t->hardware->ops->sign(t->hardware, digest_slice(&draft.tbs), &sig, &why),
                     ERR_OK);
    assert_int_equal(receipt_finish(&draft, 1, &path, sig.ptr, ret), ERR_OK);
}

/* Makes everything of a permit, each part well signed, after one change. */
static err_code make_changed(struct setting *s, void (*change)(struct parts *parts),
                             struct permit_known *known, struct why *why)
{
    CLEANUP(buf_free) struct buf record = {0}, rotation = {0}, receipt = {0}, permit = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct record_link link = {0}, next;
    struct parts p = {.t = &s->t};
    struct permit_parts parts = {.seal = &seal, .known = known};

    p.record = testing_record(&s->t, RECORD_DECISION, "agent-1", &link);
    p.rotation = testing_record(&s->t, RECORD_KEY_ROTATION, NULL, &link);
    p.head = (struct receipt_head){.issuer = p.record->issuer,
                                   .epoch = p.record->epoch,
                                   .signer = p.rotation->input,
                                   .snapshot = p.record->snapshot,
                                   .simulated = p.record->simulated,
                                   .chain = above(testing_chain(&s->t))};
    change(&p);
    testing_signed(&s->t, p.record, &record, &next);
    testing_signed(&s->t, p.rotation, &rotation, &next);
    make_receipt(&s->t, &p.head, buf_slice(&record), &receipt);
    free(p.record);
    free(p.rotation);
    parts.record = buf_slice(&record);
    parts.receipt = buf_slice(&receipt);
    parts.rotation = buf_slice(&rotation);
    return permit_make(&parts, &permit, why);
}

static void parts_must_belong_together(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct parts *parts);
        err_code want;
    } CASES[] = {
        {"nothing changed", same_parts, ERR_OK},
        {"receipt of another gate", other_issuer_of_receipt, ERR_PERMIT_INVALID},
        {"key of another gate", other_issuer_of_rotation, ERR_PERMIT_INVALID},
        {"receipt of another epoch", other_epoch, ERR_PERMIT_INVALID},
        {"key of another epoch", other_epoch_of_rotation, ERR_PERMIT_INVALID},
        {"receipt of another session's round", receipt_of_another_session, ERR_PERMIT_INVALID},
        {"receipt of another snapshot", other_snapshot, ERR_PERMIT_INVALID},
        {"record simulated, receipt not", receipt_of_a_real_tpm, ERR_PERMIT_INVALID},
        {"key of another session", other_session, ERR_PERMIT_INVALID},
        {"key introduced later", key_introduced_later, ERR_PERMIT_INVALID},
        {"key of somebody else", key_of_somebody_else, ERR_PERMIT_INVALID},
        {"certificates, but not of the receipt", receipt_without_certificates, ERR_PERMIT_INVALID},
        {"a receipt with more of them", receipt_with_more_certificates, ERR_PERMIT_INVALID},
        {"certificates of the receipt alone", rotation_without_certificates, ERR_PERMIT_INVALID},
        {"without the device's", rotation_with_fewer_certificates, ERR_PERMIT_INVALID},
        {"of another key than the record's", rotation_with_others, ERR_PERMIT_INVALID},
        {"with one that is none", rotation_with_what_is_none, ERR_FORMAT},
        {"no key_rotation", record_in_place_of_rotation, ERR_PERMIT_INVALID},
        {"no decision", rotation_in_place_of_record, ERR_PERMIT_INVALID},
    };
    struct setting *s = *state;
    CLEANUP(permit_known_free) struct permit_known known = {0};

    for (size_t i = 0; i < 2 * sizeof CASES / sizeof *CASES; i++) {
        bool after = i % 2 == 1; /* a good one, of which is known what it has in common */
        struct why why = {0};
        err_code err = after ? make_changed(s, same_parts, &known, &why) : ERR_OK;

        assert_int_equal(err, ERR_OK);
        err = make_changed(s, CASES[i / 2].change, after ? &known : NULL, &why);
        if (err != CASES[i / 2].want)
            fail_msg("%s, %d: %s (%s)", CASES[i / 2].name, after, err_name(err), why.text);
    }
}

/* ---- the unprotected header ------------------------------------------------------------------ */

/* Puts the permit's record under an unprotected header of n encoded pairs, one after the other. */
static err_code with_pairs(struct setting *s, struct slice pairs, size_t n, struct why *why)
{
    CLEANUP(buf_free) struct buf unprotected = {0}, out = {0};
    struct cose_sign1 message;

    assert_int_equal(cose_sign1_parse(buf_slice(&s->bytes), CBOR_DETERMINISTIC, &message, why),
                     ERR_OK);
    assert_int_equal(buf_add_u8(&unprotected, (uint8_t)(0xa0 + n)), ERR_OK);
    assert_int_equal(buf_add_slice(&unprotected, pairs), ERR_OK);
    assert_int_equal(cose_sign1_assemble(message.protected_, buf_slice(&unprotected),
                                         message.payload, false, message.signature, &out),
                     ERR_OK);
    permit_free(&s->permit);
    return permit_parse(buf_slice(&out), &s->permit, why);
}

/* The same with the pairs apart. */
static err_code with_header(struct setting *s, const struct slice *pairs, size_t n, struct why *why)
{
    CLEANUP(buf_free) struct buf all = {0};

    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_add_slice(&all, pairs[i]), ERR_OK);
    return with_pairs(s, buf_slice(&all), n, why);
}

/* The three pairs of the permit's header, as encoded. */
static void pairs_of(struct setting *s, struct slice ret[static 3], struct why *why)
{
    struct cose_sign1 message;
    struct cbor_reader r;

    assert_int_equal(cose_sign1_parse(buf_slice(&s->bytes), CBOR_DETERMINISTIC, &message, why),
                     ERR_OK);
    r = (struct cbor_reader){.rest = message.headers.unprotected};
    assert_int_equal(cbor_get_map(&r), 3);
    for (size_t i = 0; i < 3; i++) {
        struct slice key = cbor_get_item(&r), value = cbor_get_item(&r);
        ret[i] = (struct slice){key.ptr, key.len + value.len};
    }
    assert_int_equal(cbor_done(&r), ERR_OK);
}

static void only_the_three_labels(void **state)
{
    static const uint8_t KID[] = {0x04, 0x41, 0x00};
    struct setting *s = *state;
    struct slice pairs[4];
    struct why why = {0};

    pairs_of(s, pairs, &why);
    assert_int_equal(with_header(s, pairs, 3, &why), ERR_OK);
    assert_int_equal(with_header(s, pairs, 2, &why), ERR_OK); /* no seal */
    assert_int_equal(s->permit.seal.kind, HW_SEAL_NONE);
    assert_int_equal(s->permit.seal.statement.len, 0);
    assert_int_equal(with_header(s, pairs, 1, &why), ERR_FORMAT);
    assert_int_equal(with_header(s, pairs, 0, &why), ERR_FORMAT);
    assert_int_equal(with_header(s, pairs + 1, 2, &why), ERR_FORMAT);
    pairs_of(s, pairs + 1, &why);
    pairs[0] = SLICE_OF(KID);
    assert_int_equal(with_header(s, pairs, 4, &why), ERR_COSE_MALFORMED); /* kid is protected */
}

/* Which nobody has signed here, and which are still those that the hardware has signed there. */
static void certificates_are_those_of_the_rotation(void **state)
{
    struct setting *s = *state;
    const struct x509_chain good = testing_chain(&s->t);
    struct x509_chain chains[5] = {good, good, good, good, good};
    struct cose_sign1 message;
    struct why why = {0};

    chains[1].n = 1;
    chains[2].certs[1] = good.certs[0];
    chains[3].certs[2] = good.certs[1];
    chains[3].n = 3;
    chains[4].n = 0;
    assert_int_equal(cose_sign1_parse(buf_slice(&s->bytes), CBOR_DETERMINISTIC, &message, &why),
                     ERR_OK);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        CLEANUP(buf_free) struct buf pair = {0};
        struct cbor_reader r = {.rest = message.headers.unprotected};
        struct slice rest;
        err_code err;

        assert_int_equal(cbor_get_map(&r), 4);
        (void)cbor_get_item(&r); /* 33 and its value, which this replaces */
        (void)cbor_get_item(&r);
        rest = r.rest;
        assert_int_equal(buf_add(&pair, "\x18\x21", 2), ERR_OK);
        if (chains[i].n == 0)
            buf_cut(&pair, 0);
        else
            assert_int_equal(x509_chain_encode(&chains[i], &pair), ERR_OK);
        assert_int_equal(buf_add_slice(&pair, rest), ERR_OK);
        err = with_pairs(s, buf_slice(&pair), chains[i].n == 0 ? 3 : 4, &why);
        if (err != (i == 0 ? ERR_OK : ERR_PERMIT_INVALID))
            fail_msg("chain %zu: %s (%s)", i, err_name(err), why.text);
    }
}

/* Seals in CBOR, where a letter before a text is its head: d for one of four octets, i for nine. */
static void seals(void **state)
{
    static const struct {
        const char *name;
        uint8_t head;
        const char *members;
        err_code want;
    } CASES[] = {
        {"good", 0xa3, "dkindkepoch-chainisignature@istatement@", ERR_OK},
        {"no statement", 0xa2, "dkinddfakeisignature@", ERR_FORMAT},
        {"unknown kind", 0xa3, "dkinddrealisignature@istatement@", ERR_FORMAT},
        {"kind none", 0xa3, "dkinddnoneisignature@istatement@", ERR_FORMAT},
        {"a signature that is text", 0xa3, "dkinddfakeisignature`istatement@", ERR_FORMAT},
        {"a member more", 0xa4, "dkinddfakeisignature@istatement@jstatement2@", ERR_FORMAT},
        {"a byte string", 0x40, "", ERR_FORMAT},
    };
    struct setting *s = *state;
    struct slice pairs[3];
    struct why why = {0};

    pairs_of(s, pairs, &why);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf seal = {0};
        err_code err;

        assert_int_equal(buf_add_str(&seal, "ipawl-seal"), ERR_OK);
        assert_int_equal(buf_add_u8(&seal, CASES[i].head), ERR_OK);
        assert_int_equal(buf_add_str(&seal, CASES[i].members), ERR_OK);
        pairs[2] = buf_slice(&seal);
        err = with_header(s, pairs, 3, &why);
        if (err != CASES[i].want)
            fail_msg("%s: %s (%s)", CASES[i].name, err_name(err), why.text);
    }
}

static void other_labels(void **state)
{
    static const uint8_t FIVE[] = {0x05, 0x00};
    struct setting *s = *state;
    struct slice pairs[4];
    struct why why = {0};

    pairs_of(s, pairs + 1, &why);
    pairs[0] = SLICE_OF(FIVE);
    assert_int_equal(with_header(s, pairs, 4, &why), ERR_FORMAT);
    pairs_of(s, pairs, &why);
    pairs[3] = slice_str("oz-the-last-lbl.\x01"); /* a text of 15 */
    assert_int_equal(with_header(s, pairs, 4, &why), ERR_FORMAT);
}

/* Two receipts, none, or one that is none. */
static void exactly_one_receipt(void **state)
{
    struct setting *s = *state;
    struct slice pairs[3];
    struct why why = {0};

    for (size_t n = 0; n < 3; n++) {
        CLEANUP(buf_free) struct buf receipts = {0};
        struct slice item;

        pairs_of(s, pairs, &why);
        item = slice_part(pairs[0], 4, pairs[0].len - 4); /* behind 394 and the array's head */
        assert_int_equal(buf_add(&receipts, "\x19\x01\x8a", 3), ERR_OK);
        assert_int_equal(buf_add_u8(&receipts, (uint8_t)(0x80 + n)), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_slice(&receipts, item), ERR_OK);
        pairs[0] = buf_slice(&receipts);
        assert_int_equal(with_header(s, pairs, 3, &why), n == 1 ? ERR_OK : ERR_FORMAT);
    }
}

static void too_large(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf zeroes = {0}, record = {0}, permit = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_EPOCH_CHAIN};
    struct permit_parts parts = {.seal = &seal};
    struct why why = {0};
    uint8_t *space;

    assert_int_equal(buf_add_space(&zeroes, PERMIT_SIZE_MAX + 1, &space), ERR_OK);
    assert_int_equal(permit_parse(buf_slice(&zeroes), &s->permit, &why), ERR_TOO_LARGE);
    assert_int_equal(permit_parse(buf_slice(&s->bytes), &s->permit, &why), ERR_OK);
    assert_int_equal(buf_add_slice(&record, buf_slice(&s->permit.entry)), ERR_OK);
    parts.record = buf_slice(&record);
    parts.rotation = s->permit.rotation_entry;
    parts.receipt = s->permit.receipt.message.raw;
    assert_int_equal(buf_add_space(&seal.statement, SEAL_PART_MAX, &space), ERR_OK);
    assert_int_equal(permit_make(&parts, &permit, &why), ERR_OK);
    assert_int_equal(buf_add_u8(&seal.statement, 0), ERR_OK);
    assert_int_equal(permit_make(&parts, &permit, &why), ERR_TOO_LARGE);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define PLAIN_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up_plain, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(a_permit_goes_there_and_back),
        WITH_SETTING(every_truncation_is_refused),
        PLAIN_SETTING(every_flipped_bit_is_refused),
        WITH_SETTING(every_flipped_octet_is_refused),
        WITH_SETTING(parts_must_belong_together),
        WITH_SETTING(certificates_are_those_of_the_rotation),
        PLAIN_SETTING(only_the_three_labels),
        PLAIN_SETTING(seals),
        PLAIN_SETTING(other_labels),
        PLAIN_SETTING(exactly_one_receipt),
        PLAIN_SETTING(too_large),
    };
    return cmocka_run_group_tests_name("permit", tests, NULL, NULL);
}
