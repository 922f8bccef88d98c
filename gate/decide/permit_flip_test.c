/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permit_flip_test.c: permits of a real gate, damaged in every bit and at every length, encoded
 * otherwise, and put together from the parts of several good ones: none is valid.
 */
#include "gate/decide/damage_testing.h"
#include "gate/decide/pieces_testing.h"
#include "gate/decide/site_testing.h"
#include "gate/decide/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const err_code REFUSALS[] = {ERR_CBOR_MALFORMED,
                                    ERR_CBOR_NOT_DETERMINISTIC,
                                    ERR_CBOR_DUPLICATE_KEY,
                                    ERR_CBOR_TRAILING,
                                    ERR_CBOR_TYPE,
                                    ERR_COSE_MALFORMED,
                                    ERR_COSE_CRIT,
                                    ERR_COSE_ALG,
                                    ERR_KEY_MALFORMED,
                                    ERR_SIGNATURE_INVALID,
                                    ERR_FORMAT,
                                    ERR_UNSUPPORTED,
                                    ERR_SIGNER_UNKNOWN,
                                    ERR_PERMIT_INVALID,
                                    ERR_TOO_LARGE,
                                    ERR_CERT_MALFORMED,
                                    ERR_CERT_CHAIN,
                                    ERR_HSM_KEY_FOREIGN,
                                    ERR_OK};

static enum site_kind kind; /* of this process: its first argument */

/* The gate under test with its permits, and another authority's gate. */
static struct fleet {
    struct site *site, *other;
    struct buf first[2]; /* epoch 1, of one process */
    struct buf later;    /* epoch 2 */
    struct buf denial;   /* epoch 2 */
    struct buf foreign;
} fleet;

static err_code judge(void *ctx, struct slice bytes, struct why *why)
{
    static struct verified verified; /* large */
    const struct enrolment *enrolment = ctx;
    err_code err = verify_permit(bytes, enrolment, &verified, why);

    verified_free(&verified);
    return err;
}

static int setup(void **state)
{
    static const char *const AGENTS[] = {"build-7", "build-7"};
    struct why why = {0};

    (void)state;
    fleet.site = site_new(kind, NULL);
    site_policy(fleet.site, "builds",
                "permit (principal == agent::\"build-7\", action, resource);");
    site_install(fleet.site, NULL);
    site_decide_all(fleet.site, AGENTS, 2, fleet.first);
    site_policy(fleet.site, "builds",
                "permit (principal == agent::\"build-7\", action, resource);");
    site_install(fleet.site, NULL);
    fleet.later = site_decide(fleet.site, "build-7");
    fleet.denial = site_decide(fleet.site, "build-8");
    SITE_OK(verify_enrolment(fleet.site->root, &fleet.site->enrolment, &why));
    site_close(fleet.site); /* a token is made while no module is loaded */
    fleet.other = site_new(kind, fleet.site);
    site_policy(fleet.other, "builds", "permit (principal, action, resource);");
    site_install(fleet.other, NULL);
    fleet.foreign = site_decide(fleet.other, "build-7");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        buf_free(&fleet.first[i]);
    buf_free(&fleet.later);
    buf_free(&fleet.denial);
    buf_free(&fleet.foreign);
    site_free(&fleet.other);
    site_free(&fleet.site);
    return 0;
}

/* ---- what everything rests on ---------------------------------------------------------------- */

static void expect_refused(struct slice permit, const struct enrolment *enrolment, const char *name,
                           err_code want)
{
    struct why why = {0};
    err_code got = judge((void *)(uintptr_t)enrolment, permit, &why);

    if (got != want)
        fail_msg("%s: gave %s (%s), wanted %s", name, err_name(got), why.text, err_name(want));
}

static void expect_pieces(const struct pieces *pieces, const char *name, err_code want)
{
    CLEANUP(buf_free) struct buf whole = pieces_join(pieces);

    expect_refused(buf_slice(&whole), &fleet.site->enrolment, name, want);
}

/* The good ones are good, also when they are put together again. */
static void control(void **state)
{
    const struct buf *all[] = {&fleet.first[0], &fleet.first[1], &fleet.later, &fleet.denial};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        static struct verified verified;
        const struct pieces pieces = pieces_of(all[i]);
        CLEANUP(buf_free) struct buf again = pieces_join(&pieces);
        assert_true(slice_eq(buf_slice(&again), buf_slice(all[i])));
        SITE_OK(verify_permit(buf_slice(all[i]), &fleet.site->enrolment, &verified, &why));
        assert_true(verified.sealed);
        assert_int_equal(verified.epoch, i < 2 ? 1 : 2);
        assert_int_equal(verified.permit.record.decision.permit, i < 3);
        verified_free(&verified);
    }
    SITE_OK(judge(&fleet.other->enrolment, buf_slice(&fleet.foreign), &why));
}

/* ---- bits, lengths --------------------------------------------------------------------------- */

static void damage_permit(const char *what, const struct buf *permit, size_t stride)
{
    struct damage damage = {.what = what,
                            .judge = judge,
                            .ctx = &fleet.site->enrolment,
                            .allowed = REFUSALS,
                            .stride = stride};
    CLEANUP(buf_free) struct buf longer = {0};

    damage_bits(&damage, buf_slice(permit), 0, permit->len);
    damage_cuts(&damage, buf_slice(permit));
    assert_int_equal(buf_add_slice(&longer, buf_slice(permit)), ERR_OK);
    for (size_t more = 0; more < 256; more++) {
        assert_int_equal(buf_add_u8(&longer, (uint8_t)more), ERR_OK);
        damage_try(&damage, buf_slice(&longer), "a last byte follows:", more);
        if (more % 8 != 0) /* grows now and then */
            buf_cut(&longer, longer.len - 1);
    }
    damage_close(&damage);
}

/* Of the seal alone: with a step it is what the first permit does not have. */
static void damage_seal(const struct buf *permit)
{
    struct damage damage = {.what = "seal after a step",
                            .judge = judge,
                            .ctx = &fleet.site->enrolment,
                            .allowed = REFUSALS,
                            .stride = DAMAGE_STRIDE};
    const struct pieces pieces = pieces_of(permit);

    damage_bits(&damage, buf_slice(permit), (size_t)(pieces.seal.ptr - permit->ptr),
                pieces.seal.len);
    damage_close(&damage);
}

/* Most of the later ones is what the first one has, too. */
static void every_bit_and_length(void **state)
{
    (void)state;
    damage_permit("permit", &fleet.first[0], DAMAGE_STRIDE);
    damage_permit("permit after a step", &fleet.later, (size_t)DAMAGE_STRIDE * 7);
    damage_permit("denial", &fleet.denial, (size_t)DAMAGE_STRIDE * 7);
    damage_seal(&fleet.later);
}

/* ---- other encodings ------------------------------------------------------------------------- */

/* The head at the beginning: its length, and its number. */
static size_t head_len(struct slice item)
{
    unsigned info = item.ptr[0] & 0x1f;

    return info < 24 ? 1 : 1 + ((size_t)1 << (info - 24));
}

static uint64_t head_arg(struct slice item)
{
    uint64_t arg = item.ptr[0] & 0x1f;
    size_t len = head_len(item);

    for (size_t i = 1; i < len; i++)
        arg = (i == 1 ? 0 : arg << 8) | item.ptr[i];
    return arg;
}

/* Where each head of a message is. Contents of strings are left out. */
static size_t heads_of(struct slice message, size_t *ret, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at < message.len;) {
        struct slice item = slice_part(message, at, message.len - at);
        unsigned major = item.ptr[0] >> 5;
        assert_true(n < max);
        ret[n++] = at;
        at += head_len(item) + (major == 2 || major == 3 ? (size_t)head_arg(item) : 0);
    }
    return n;
}

/* The message with the head at this place in a form of 1 << size more bytes than one. */
static struct buf with_longer_head(struct slice message, size_t at, unsigned size)
{
    struct slice item = slice_part(message, at, message.len - at);
    uint64_t arg = head_arg(item);
    size_t after = at + head_len(item);
    struct buf out = {0};

    assert_int_equal(buf_add_slice(&out, slice_part(message, 0, at)), ERR_OK);
    assert_int_equal(buf_add_u8(&out, (uint8_t)((item.ptr[0] & 0xe0) | (24 + size))), ERR_OK);
    for (size_t left = (size_t)1 << size; left > 0; left--)
        assert_int_equal(buf_add_u8(&out, (uint8_t)(arg >> (8 * (left - 1)))), ERR_OK);
    assert_int_equal(buf_add_slice(&out, slice_part(message, after, message.len - after)), ERR_OK);
    return out;
}

/* The message with the string, array or map at this place in the form of indefinite length. */
static struct buf with_open_end(struct slice message, size_t at)
{
    struct cbor_reader r = {.rest = slice_part(message, at, message.len - at)};
    struct slice item = cbor_get_item(&r);
    unsigned major = item.ptr[0] >> 5;
    size_t skip = major < 4 ? 0 : head_len(item); /* a string becomes its own only chunk */
    struct buf out = {0};

    assert_int_equal(buf_add_slice(&out, slice_part(message, 0, at)), ERR_OK);
    assert_int_equal(buf_add_u8(&out, (uint8_t)(major << 5 | 0x1f)), ERR_OK);
    assert_int_equal(buf_add_slice(&out, slice_part(item, skip, item.len - skip)), ERR_OK);
    assert_int_equal(buf_add_u8(&out, 0xff), ERR_OK);
    assert_int_equal(buf_add_slice(&out, r.rest), ERR_OK);
    return out;
}

/* Puts a changed part back into the permit and has it judged. part: of *pieces, or of nothing when
 * it is the permit itself. */
static void try_part(struct damage *damage, const struct pieces *pieces, size_t part,
                     struct slice changed, size_t at)
{
    CLEANUP(buf_free) struct buf whole = {0};
    struct pieces with = *pieces;
    struct slice *parts[] = {NULL,          &with.protected_, &with.payload,
                             &with.receipt, &with.rotation,   &with.seal};

    if (parts[part] == NULL) {
        damage_try(damage, changed, "otherwise encoded is the permit at", at);
        return;
    }
    *parts[part] = changed;
    whole = pieces_join(&with);
    damage_try(damage, buf_slice(&whole), "otherwise encoded is a part at", at);
}

static void encode_otherwise(struct damage *damage, const struct pieces *pieces, size_t part,
                             struct slice message)
{
    size_t heads[256], n = heads_of(message, heads, 256);

    for (size_t i = 0; i < n; i++) {
        unsigned info = message.ptr[heads[i]] & 0x1f, major = message.ptr[heads[i]] >> 5;
        for (unsigned size = info < 24 ? 0 : info - 23; size < 4 && major < 7; size++) {
            CLEANUP(buf_free) struct buf changed = with_longer_head(message, heads[i], size);
            try_part(damage, pieces, part, buf_slice(&changed), heads[i]);
        }
        if (major >= 2 && major <= 5) {
            CLEANUP(buf_free) struct buf changed = with_open_end(message, heads[i]);
            try_part(damage, pieces, part, buf_slice(&changed), heads[i]);
        }
    }
}

static void other_encodings(void **state)
{
    struct damage damage = {
        .what = "encoding", .judge = judge, .ctx = &fleet.site->enrolment, .allowed = REFUSALS};
    const struct pieces pieces = pieces_of(&fleet.first[0]);
    const struct slice parts[] = {buf_slice(&fleet.first[0]),
                                  pieces.protected_,
                                  pieces.payload,
                                  pieces.receipt,
                                  pieces.rotation,
                                  pieces.seal};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        encode_otherwise(&damage, &pieces, i, parts[i]);
    damage_close(&damage);
}

/* ---- labels ---------------------------------------------------------------------------------- */

/* Further labels beside those of a permit, in the order of a deterministic map, so that nothing is
 * wrong with them but that they are there. */
static void unknown_labels(void **state)
{
    static const uint8_t FIVE[] = {5}, MINUS_ONE[] = {0x20}, NEXT[] = {0x19, 0x01, 0x8b};
    static const uint8_t ALG[] = {1}, KID[] = {4}, X5T[] = {0x18, 34}, CRIT[] = {2};
    static const uint8_t SHORT[] = {0x61, 'a'},
                         LONG[] = {0x6a, 'p', 'a', 'w', 'l', '-', 's', 'e', 'a', 'l', 's'};
    static const uint8_t VALUE[] = {0x00}, LIST[] = {0x81, 0x01};
    const struct {
        struct slice key, value;
        err_code want;
    } cases[] = {
        {SLICE_OF(FIVE), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(MINUS_ONE), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(NEXT), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(X5T), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(SHORT), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(LONG), SLICE_OF(VALUE), ERR_FORMAT},
        {SLICE_OF(ALG), SLICE_OF(VALUE), ERR_COSE_MALFORMED}, /* in both buckets */
        {SLICE_OF(KID), SLICE_OF(VALUE), ERR_COSE_MALFORMED},
        {SLICE_OF(CRIT), SLICE_OF(LIST), ERR_COSE_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pieces pieces = pieces_of(&fleet.later);
        char name[32];

        pieces.more = (struct label){cases[i].key, cases[i].value};
        (void)snprintf(name, sizeof name, "label %zu", i);
        expect_pieces(&pieces, name, cases[i].want);
    }
}

/* A message with one label more in its unprotected header. */
static struct buf with_label(struct slice message, bool keep)
{
    static const uint8_t KEY[] = {0x61, 'a'}, VALUE[] = {0x00};
    CLEANUP(buf_free) struct buf unprotected = {0};
    struct cose_sign1 parsed;
    struct label labels[2];
    struct buf out = {0};
    struct why why = {0};
    struct cbor_reader r;
    size_t n = 0;

    SITE_OK(cose_sign1_parse(message, CBOR_DETERMINISTIC, &parsed, &why));
    r = (struct cbor_reader){.rest = parsed.headers.unprotected};
    if (keep && cbor_get_map(&r) == 1) {
        labels[n].key = cbor_get_item(&r);
        labels[n++].value = cbor_get_item(&r);
    }
    labels[n++] = (struct label){SLICE_OF(KEY), SLICE_OF(VALUE)};
    unprotected = pieces_map(labels, n);
    assert_int_equal(cose_sign1_assemble(parsed.protected_, buf_slice(&unprotected), parsed.payload,
                                         parsed.detached, parsed.signature, &out),
                     ERR_OK);
    return out;
}

static void unknown_labels_inside(void **state)
{
    static const uint8_t KEY[] = {0x65, 'e', 'x', 't', 'r', 'a'}, VALUE[] = {0x00};
    CLEANUP(buf_free) struct buf receipt = {0}, rotation = {0}, seal = {0};
    const struct pieces good = pieces_of(&fleet.later);
    struct pieces bad = good;
    struct label labels[4];
    struct cbor_reader r = {.rest = good.seal};

    (void)state;
    receipt = with_label(good.receipt, true);
    bad.receipt = buf_slice(&receipt);
    expect_pieces(&bad, "in the receipt", ERR_FORMAT);
    bad = good;
    rotation = with_label(good.rotation, false);
    bad.rotation = buf_slice(&rotation);
    expect_pieces(&bad, "in the key", ERR_FORMAT);
    bad = good;
    assert_int_equal(cbor_get_map(&r), 3);
    for (size_t i = 0; i < 3; i++) {
        labels[i].key = cbor_get_item(&r);
        labels[i].value = cbor_get_item(&r);
    }
    labels[3] = (struct label){SLICE_OF(KEY), SLICE_OF(VALUE)};
    seal = pieces_map(labels, 4);
    bad.seal = buf_slice(&seal);
    expect_pieces(&bad, "in the seal", ERR_FORMAT);
}

/* ---- parts of several ------------------------------------------------------------------------ */

static struct buf seal_of_kind(struct slice seal, const char *name)
{
    struct cbor_reader r = {.rest = seal};
    struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct cbor_map map = cbor_open_map(&r);

    cbor_put_map(&w, 3);
    cbor_need(&map, "kind");
    (void)cbor_get_text(&r);
    cbor_put_text(&w, "kind");
    cbor_put_text(&w, name);
    cbor_need(&map, "signature");
    cbor_put_text(&w, "signature");
    cbor_put_item(&w, cbor_get_item(&r));
    cbor_need(&map, "statement");
    cbor_put_text(&w, "statement");
    cbor_put_item(&w, cbor_get_item(&r));
    assert_int_equal(cbor_written(&w), ERR_OK);
    return out;
}

/* Every part of one permit in the place of another's. */
static void parts_of_others(void **state)
{
    const struct buf *all[] = {&fleet.first[0], &fleet.first[1], &fleet.later, &fleet.denial,
                               &fleet.foreign};
    struct damage damage = {.what = "parts of others",
                            .judge = judge,
                            .ctx = &fleet.site->enrolment,
                            .allowed = (const err_code[]){ERR_PERMIT_INVALID, ERR_SIGNATURE_INVALID,
                                                          ERR_SIGNER_UNKNOWN, ERR_HSM_KEY_FOREIGN,
                                                          ERR_OK}};

    (void)state;
    for (size_t to = 0; to < 4; to++)
        for (size_t from = 0; from < 5; from++)
            for (size_t part = 0; part < 5; part++) {
                CLEANUP(buf_free) struct buf whole = {0};
                struct pieces with = pieces_of(all[to]), other = pieces_of(all[from]);
                if (part == 0) { /* all that is signed by the statement key */
                    with.protected_ = other.protected_;
                    with.payload = other.payload;
                    with.signature = other.signature;
                }
                with.receipt = part == 1 ? other.receipt : with.receipt;
                with.rotation = part == 2 ? other.rotation : with.rotation;
                with.seal = part == 3 ? other.seal : with.seal;
                with.signature = part == 4 ? other.signature : with.signature;
                whole = pieces_join(&with);
                /* One process has one key; a token's seal is the same all through an epoch. */
                if (!slice_eq(buf_slice(&whole), buf_slice(all[to])))
                    damage_try(&damage, buf_slice(&whole), "part, of and for are",
                               part * 100 + from * 10 + to);
            }
    damage_close(&damage);
}

static void older_and_missing_seals(void **state)
{
    static const char *const KINDS[] = {"tpm-certify", "epoch-chain", "fake"};
    const struct pieces older = pieces_of(&fleet.first[0]), newer = pieces_of(&fleet.later);
    struct pieces pieces = newer;

    (void)state;
    pieces.seal = older.seal;
    expect_pieces(&pieces, "older seal", ERR_PERMIT_INVALID);
    pieces = older;
    pieces.seal = newer.seal;
    expect_pieces(&pieces, "newer seal", ERR_PERMIT_INVALID);
    pieces.seal = (struct slice){0};
    expect_pieces(&pieces, "no seal", ERR_PERMIT_INVALID);
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buf_free) struct buf seal = seal_of_kind(older.seal, KINDS[i]);
        pieces.seal = buf_slice(&seal);
        if (i != (size_t)kind)
            expect_pieces(&pieces, KINDS[i], ERR_PERMIT_INVALID);
    }
}

/* The same good permit under facts that are not its own. */
static void other_enrolments(void **state)
{
    struct enrolment e = fleet.site->enrolment;
    struct slice permit = buf_slice(&fleet.later);
    struct why why = {0};

    (void)state;
    e.issuer = slice_str("dev.pawl:example.org/gate-2");
    expect_refused(permit, &e, "gate", ERR_PERMIT_INVALID);
    e = fleet.site->enrolment;
    e.domain = slice_str("example.com");
    expect_refused(permit, &e, "domain", ERR_PERMIT_INVALID);
    SITE_EXPECT(verify_enrolment(fleet.site->root, &e, &why), ERR_ROOT_UNTRUSTED);
    e = fleet.site->enrolment;
    e.hw.about.simulator = false;
    expect_refused(permit, &e, "no simulator", ERR_PERMIT_INVALID);
    e = fleet.site->enrolment;
    e.hw.about.model[0] ^= 1;
    expect_refused(permit, &e, "model", ERR_PERMIT_INVALID);
    e = fleet.site->enrolment;
    e.hw.seal = e.hw.receipt;
    expect_refused(permit, &e, "seal key", ERR_SIGNATURE_INVALID);
    expect_refused(permit, &fleet.other->enrolment, "enrolment",
                   kind == SITE_TPM ? ERR_SIGNATURE_INVALID : ERR_HSM_KEY_FOREIGN);
    expect_refused(buf_slice(&fleet.foreign), &fleet.site->enrolment, "permit",
                   kind == SITE_TPM ? ERR_SIGNATURE_INVALID : ERR_HSM_KEY_FOREIGN);
    SITE_EXPECT(verify_enrolment(fleet.other->root, &fleet.site->enrolment, &why),
                ERR_ROOT_UNTRUSTED);
}

/* Records that are no decision, in the form of a permit. */
static void other_records(void **state)
{
    struct pieces pieces = pieces_of(&fleet.later);
    struct cose_sign1 rotation;
    struct why why = {0};

    (void)state;
    SITE_OK(cose_sign1_parse(pieces.rotation, CBOR_DETERMINISTIC, &rotation, &why));
    pieces.protected_ = rotation.protected_;
    pieces.payload = rotation.payload;
    pieces.signature = rotation.signature;
    expect_pieces(&pieces, "key_rotation", ERR_PERMIT_INVALID);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control),
        cmocka_unit_test(every_bit_and_length),
        cmocka_unit_test(other_encodings),
        cmocka_unit_test(unknown_labels),
        cmocka_unit_test(unknown_labels_inside),
        cmocka_unit_test(parts_of_others),
        cmocka_unit_test(older_and_missing_seals),
        cmocka_unit_test(other_enrolments),
        cmocka_unit_test(other_records),
    };

    kind = argc > 1 && strcmp(argv[1], "token") == 0 ? SITE_TOKEN : SITE_TPM;
    return cmocka_run_group_tests_name(kind == SITE_TPM ? "permits of a TPM" : "permits of a token",
                                       tests, setup, teardown);
}
