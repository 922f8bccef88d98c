/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/base/vectors_testing.h"
#include "gate/tlog/note.h"
#include "gate/tlog/note_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct note_key key_of(const char *vkey)
{
    struct note_key key;
    struct why why = {0};

    if (note_key_parse(slice_str(vkey), &key, &why) != ERR_OK)
        fail_msg("%s: %s", vkey, why.text);
    return key;
}

static err_code verify(struct slice bytes, const struct note_key *keys, size_t n)
{
    static struct note note;
    struct why why = {0};

    TRY(note_parse(bytes, &note, &why));
    return note_verify(&note, keys, n, &why);
}

static err_code verify_str(const char *text, const struct note_key *keys, size_t n)
{
    return verify(slice_str(text), keys, n);
}

/* ---- vectors --------------------------------------------------------------------------------- */

static void published_note(void **state)
{
    CLEANUP(buf_free) struct buf again = {0};
    static struct note note;
    struct note_key key;
    char path[4096];
    json_t *json;
    (void)state;

    if (!vectors_path("signed-note/signed-note-example.json", path, sizeof path))
        skip();
    json = vectors_json(path);
    key = key_of(vectors_text(json, "vkey"));
    assert_int_equal(verify_str(vectors_text(json, "note"), &key, 1), ERR_OK);
    assert_int_equal(note_parse(slice_str(vectors_text(json, "note")), &note, NULL), ERR_OK);
    assert_true(slice_eq_str(note.text, vectors_text(json, "signed_text")));
    assert_int_equal(note_key_format(&key, &again), ERR_OK);
    assert_string_equal((const char *)again.ptr, vectors_text(json, "vkey"));
    json_decref(json);
}

/* The log that comes with tessera, under its published test key. */
static void published_checkpoints(void **state)
{
    struct note_key key =
        key_of("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
    char dir[4096], path[4200];
    (void)state;

    if (!vectors_path("tlog-tiles/testdata/log", dir, sizeof dir))
        skip();
    for (int i = 0; i <= 15; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        (void)snprintf(path, sizeof path, i < 15 ? "%s/checkpoint.%d" : "%s/checkpoint", dir, i);
        assert_int_equal(file_read(path, NOTE_SIZE_MAX, &bytes, NULL), ERR_OK);
        assert_int_equal(verify(buf_slice(&bytes), &key, 1), ERR_OK);
    }
}

static void notes_of_another_program(void **state)
{
    const struct note_key keys[] = {key_of(NOTE_PEER_LOG), key_of(NOTE_PEER_WITNESS),
                                    key_of(NOTE_PEER_ECDSA)};
    static const enum note_type TYPES[] = {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_ECDSA};
    static struct note note;
    (void)state;

    assert_int_equal(note_parse(slice_str(NOTE_PEER), &note, NULL), ERR_OK);
    assert_int_equal(note.n_sigs, 3);
    for (size_t i = 0; i < 3; i++) {
        struct note_good good;
        assert_int_equal(keys[i].type, TYPES[i]);
        assert_int_equal(note_check(&note, note.text, &keys[i], &good, NULL), ERR_OK);
        assert_true(good.good);
        assert_int_equal(good.time, i == 1 ? NOTE_PEER_TIME : 0);
        assert_int_equal(verify_str(NOTE_PEER, &keys[i], 1), ERR_OK);
    }
}

/* ---- form ------------------------------------------------------------------------------------ */

#define LINE "\u2014 a AAAAAAA=\n"

static const struct {
    const char *name, *note;
    err_code want;
} FORMS[] = {
    {"good", "t\n\n" LINE, ERR_OK},
    {"empty lines in the text", "t\n\n\nu\n\n" LINE, ERR_OK},
    {"text of one empty line", "\n\n" LINE, ERR_OK},
    {"what looks like a signature in the text", "t\n\n" LINE "\n" LINE, ERR_OK},
    {"UTF-8", "\u00fc\u6c34\n\n" LINE, ERR_OK},
    {"DEL", "t\x7f\n\n" LINE, ERR_OK},
    {"nothing", "", ERR_FORMAT},
    {"an end of line", "\n", ERR_FORMAT},
    {"two", "\n\n", ERR_FORMAT},
    {"no signature", "t\n\n", ERR_FORMAT},
    {"no empty line", "t\n" LINE, ERR_FORMAT},
    {"no text", "\n" LINE, ERR_FORMAT},
    {"only a signature", LINE, ERR_FORMAT},
    {"no end", "t\n\n\u2014 a AAAAAAA=", ERR_FORMAT},
    {"an empty line last", "t\n\n" LINE "\n", ERR_FORMAT},
    {"text after the signatures", "t\n\n" LINE "u\n", ERR_FORMAT},
    {"a tab", "t\t\n\n" LINE, ERR_FORMAT},
    {"a carriage return", "t\r\n\r\n" LINE, ERR_FORMAT},
    {"an escape", "\x1b[1mt\n\n" LINE, ERR_FORMAT},
    {"not UTF-8", "\xff\n\n" LINE, ERR_FORMAT},
    {"overlong", "\xc0\xaf\n\n" LINE, ERR_FORMAT},
    {"a surrogate", "\xed\xa0\x80\n\n" LINE, ERR_FORMAT},
    {"hyphen for dash", "t\n\n- a AAAAAAA=\n", ERR_FORMAT},
    {"en dash", "t\n\n\u2013 a AAAAAAA=\n", ERR_FORMAT},
    {"no space", "t\n\n\u2014a AAAAAAA=\n", ERR_FORMAT},
    {"two spaces", "t\n\n\u2014  a AAAAAAA=\n", ERR_FORMAT},
    {"two spaces before the signature", "t\n\n\u2014 a  AAAAAAA=\n", ERR_FORMAT},
    {"no signature in the line", "t\n\n\u2014 a\n", ERR_FORMAT},
    {"empty signature", "t\n\n\u2014 a \n", ERR_FORMAT},
    {"an id alone", "t\n\n\u2014 a AAAAAA==\n", ERR_FORMAT},
    {"bits beyond the end", "t\n\n\u2014 a AAAAAAB=\n", ERR_FORMAT},
    {"no padding", "t\n\n\u2014 a AAAAAAA\n", ERR_FORMAT},
    {"base64url", "t\n\n\u2014 a AAAAAA_=\n", ERR_FORMAT},
    {"a space at the end", "t\n\n\u2014 a AAAAAAA= \n", ERR_FORMAT},
    {"no name", "t\n\n\u2014  AAAAAAA=\n", ERR_FORMAT},
    {"plus in the name", "t\n\n\u2014 a+b AAAAAAA=\n", ERR_FORMAT},
    {"no-break space in the name", "t\n\n\u2014 a\u00a0b AAAAAAA=\n", ERR_FORMAT},
    {"ideographic space in the name", "t\n\n\u2014 a\u3000b AAAAAAA=\n", ERR_FORMAT},
    {"next line in the name", "t\n\n\u2014 a\xc2\x85 AAAAAAA=\n", ERR_FORMAT},
    {"one good line, one bad", "t\n\n" LINE "\u2014 a\n" LINE, ERR_FORMAT},
};

static void malformed_notes(void **state)
{
    static struct note note;
    (void)state;

    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        struct why why = {0};
        err_code err = note_parse(slice_str(FORMS[i].note), &note, &why);
        if (err != FORMS[i].want)
            fail_msg("%s: %s, wanted %s", FORMS[i].name, err_name(err), err_name(FORMS[i].want));
        assert_true(err == ERR_OK || why.text[0] != '\0');
    }
    assert_int_equal(
        note_parse((struct slice){(const uint8_t *)"t\0\n\n" LINE, sizeof "t\0\n\n" LINE - 1},
                   &note, NULL),
        ERR_FORMAT);
    assert_int_equal(note_parse(slice_str("t\n\n" LINE "\n" LINE), &note, NULL), ERR_OK);
    assert_true(slice_eq_str(note.text, "t\n\n" LINE));
}

static void limits(void **state)
{
    struct note_pair log = note_pair_of(NOTE_ED25519, "log", 0);
    static struct note note;
    (void)state;

    /* Sixteen must be taken, each as long as one of ML-DSA; the known one stands last. */
    for (size_t n = 15; n <= NOTE_SIGS_MAX; n++) {
        CLEANUP(buf_free) struct buf bytes = {0}, large = {0}, line = {0};
        uint8_t *space;
        assert_int_equal(buf_add_space(&large, n == 15 ? 4800 : 100, &space), ERR_OK);
        assert_int_equal(buf_add_str(&bytes, "t\n\n"), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(buf_add_str(&bytes, "\u2014 other "), ERR_OK);
            assert_int_equal(base64_encode(buf_slice(&large), &bytes), ERR_OK);
            assert_int_equal(buf_add_str(&bytes, "\n"), ERR_OK);
        }
        assert_int_equal(
            note_sign(slice_str("t\n"), &(struct note_signer){&log.key, &log.pair, 0}, &line, NULL),
            ERR_OK);
        assert_int_equal(buf_add_slice(&bytes, buf_slice(&line)), ERR_OK);
        assert_int_equal(verify(buf_slice(&bytes), &log.key, 1),
                         n < NOTE_SIGS_MAX ? ERR_OK : ERR_TOO_LARGE);
    }
    for (size_t extra = 0; extra < 2; extra++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        uint8_t *space;
        assert_int_equal(buf_add_space(&bytes, NOTE_SIZE_MAX - strlen("\n\n" LINE) + extra, &space),
                         ERR_OK);
        memset(space, 't', bytes.len);
        assert_int_equal(buf_add_str(&bytes, "\n\n" LINE), ERR_OK);
        assert_int_equal(note_parse(buf_slice(&bytes), &note, NULL),
                         extra == 0 ? ERR_OK : ERR_TOO_LARGE);
    }
}

/* ---- whom to believe ------------------------------------------------------------------------- */

static void known_and_unknown_keys(void **state)
{
    const struct note_pair log = note_pair_of(NOTE_ED25519, "log", 0),
                           named = note_pair_of(NOTE_ED25519, "log", 1),
                           other = note_pair_of(NOTE_ED25519, "other", 0);
    CLEANUP(buf_free) struct buf good = {0}, by_name = {0}, by_key = {0}, forged = {0};
    struct note_key keys[2] = {log.key, other.key}, same_id = log.key;
    (void)state;

    assert_int_equal(
        note_make(slice_str("t\n"), &(struct note_signer){&log.key, &log.pair, 0}, &good, NULL),
        ERR_OK);
    assert_int_equal(verify(buf_slice(&good), keys, 2), ERR_OK);
    assert_int_equal(verify(buf_slice(&good), keys, 0), ERR_SIGNER_UNKNOWN);
    assert_int_equal(verify(buf_slice(&good), &other.key, 1), ERR_SIGNER_UNKNOWN);
    /* The same name under another id, and the same id under another name, are unknown keys. */
    assert_int_equal(note_make(slice_str("t\n"), &(struct note_signer){&named.key, &named.pair, 0},
                               &by_name, NULL),
                     ERR_OK);
    assert_int_equal(verify(buf_slice(&by_name), &log.key, 1), ERR_SIGNER_UNKNOWN);
    assert_int_equal(buf_add_slice(&by_name, slice_part(buf_slice(&good), 3, good.len - 3)),
                     ERR_OK);
    assert_int_equal(verify(buf_slice(&by_name), &log.key, 1), ERR_OK);
    same_id.name[0] = 'L';
    assert_int_equal(
        note_make(slice_str("u\n"), &(struct note_signer){&same_id, &log.pair, 0}, &by_key, NULL),
        ERR_OK);
    assert_int_equal(verify(buf_slice(&by_key), &log.key, 1), ERR_SIGNER_UNKNOWN);
    /* A known key whose signature is another text's refuses the note, before or after a good one.
     */
    assert_int_equal(note_make(slice_str("u\n"), &(struct note_signer){&other.key, &other.pair, 0},
                               &forged, NULL),
                     ERR_OK);
    assert_int_equal(buf_add_slice(&good, slice_part(buf_slice(&forged), 3, forged.len - 3)),
                     ERR_OK);
    assert_int_equal(verify(buf_slice(&good), &log.key, 1), ERR_OK);
    assert_int_equal(verify(buf_slice(&good), keys, 2), ERR_SIGNATURE_INVALID);
    keys[0] = other.key;
    keys[1] = log.key;
    assert_int_equal(verify(buf_slice(&good), keys, 2), ERR_SIGNATURE_INVALID);
    /* So does a second line of a key whose first one is good. */
    forged.len = 0;
    assert_int_equal(
        note_make(slice_str("u\n"), &(struct note_signer){&log.key, &log.pair, 0}, &forged, NULL),
        ERR_OK);
    good.len = 0;
    assert_int_equal(
        note_make(slice_str("t\n"), &(struct note_signer){&log.key, &log.pair, 0}, &good, NULL),
        ERR_OK);
    assert_int_equal(buf_add_slice(&good, slice_part(buf_slice(&forged), 3, forged.len - 3)),
                     ERR_OK);
    assert_int_equal(verify(buf_slice(&good), &log.key, 1), ERR_SIGNATURE_INVALID);
}

static void one_key_two_types(void **state)
{
    const struct note_pair log = note_pair_of(NOTE_ED25519, "a", 0),
                           witness = note_pair_of(NOTE_COSIGNATURE, "a", 0);
    CLEANUP(buf_free) struct buf bytes = {0};
    struct note_key wrong = log.key;
    (void)state;

    assert_int_not_equal(log.key.id, witness.key.id);
    assert_int_equal(note_make(slice_str("t\n"),
                               &(struct note_signer){&witness.key, &witness.pair, 5}, &bytes, NULL),
                     ERR_OK);
    assert_int_equal(verify(buf_slice(&bytes), &log.key, 1), ERR_SIGNER_UNKNOWN);
    assert_int_equal(verify(buf_slice(&bytes), &witness.key, 1), ERR_OK);
    wrong.id = witness.key.id;
    assert_int_equal(verify(buf_slice(&bytes), &wrong, 1), ERR_SIGNATURE_INVALID);
}

static void times_of_cosignatures(void **state)
{
    const struct note_pair witness = note_pair_of(NOTE_COSIGNATURE, "w", 1);
    static const struct {
        uint64_t time;
        err_code want;
    } CASES[] = {{0, ERR_OK},
                 {5, ERR_OK},
                 {INT64_MAX, ERR_OK},
                 {(uint64_t)INT64_MAX + 1, ERR_SIGNATURE_INVALID}};
    CLEANUP(buf_free) struct buf both = {0};
    static struct note note;
    struct note_good good;
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct note_signer signer = {&witness.key, &witness.pair, CASES[i].time};
        CLEANUP(buf_free) struct buf bytes = {0};
        assert_int_equal(note_make(slice_str("t\n"), &signer, &bytes, NULL), ERR_OK);
        assert_int_equal(note_parse(buf_slice(&bytes), &note, NULL), ERR_OK);
        assert_int_equal(note_check(&note, note.text, &witness.key, &good, NULL), CASES[i].want);
        if (CASES[i].want == ERR_OK)
            assert_int_equal(good.time, CASES[i].time);
        if (i < 2)
            assert_int_equal(buf_add_slice(&both, slice_part(buf_slice(&bytes), i == 0 ? 0 : 3,
                                                             bytes.len - (i == 0 ? 0 : 3))),
                             ERR_OK);
    }
    assert_int_equal(note_parse(buf_slice(&both), &note, NULL), ERR_OK);
    assert_int_equal(note_check(&note, note.text, &witness.key, &good, NULL), ERR_OK);
    assert_int_equal(good.time, 5);
    for (size_t i = 0; i < 2; i++) { /* in the other order, too */
        struct note_sig swap = note.sigs[0];
        note.sigs[0] = note.sigs[1];
        note.sigs[1] = swap;
        assert_int_equal(note_check(&note, note.text, &witness.key, &good, NULL), ERR_OK);
        assert_int_equal(good.time, 5);
    }
}

/* ---- every octet counts ---------------------------------------------------------------------- */

static void cut_and_flipped(void **state)
{
    static const char *const NOTES[][2] = {
        {NOTE_PEER_LOG, NOTE_PEER_TEXT "\n" NOTE_PEER_LOG_LINE},
        {NOTE_PEER_WITNESS, NOTE_PEER_TEXT "\n" NOTE_PEER_WITNESS_LINE},
        {NOTE_PEER_ECDSA, NOTE_PEER_TEXT "\n" NOTE_PEER_ECDSA_LINE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof NOTES / sizeof *NOTES; i++) {
        struct note_key key = key_of(NOTES[i][0]);
        CLEANUP(buf_free) struct buf bytes = {0};

        assert_int_equal(buf_add_str(&bytes, NOTES[i][1]), ERR_OK);
        assert_int_equal(verify(buf_slice(&bytes), &key, 1), ERR_OK);
        for (size_t n = 0; n < bytes.len; n++)
            assert_int_not_equal(verify((struct slice){bytes.ptr, n}, &key, 1), ERR_OK);
        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (verify(buf_slice(&bytes), &key, 1) == ERR_OK)
                fail_msg("note %zu: bit %zu does not count", i, bit);
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void cut_and_flipped_keys(void **state)
{
    static const char *const KEYS[] = {NOTE_PEER_LOG, NOTE_PEER_WITNESS, NOTE_PEER_ECDSA};
    (void)state;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        CLEANUP(buf_free) struct buf bytes = {0}, again = {0};
        struct note_key key;

        assert_int_equal(buf_add_str(&bytes, KEYS[i]), ERR_OK);
        assert_int_equal(note_key_parse(buf_slice(&bytes), &key, NULL), ERR_OK);
        assert_int_equal(note_key_format(&key, &again), ERR_OK);
        assert_string_equal((const char *)again.ptr, KEYS[i]);
        for (size_t n = 0; n < bytes.len; n++)
            assert_int_not_equal(note_key_parse((struct slice){bytes.ptr, n}, &key, NULL), ERR_OK);
        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
            /* The id of an ECDSA key does not cover its name. */
            if (note_key_parse(buf_slice(&bytes), &key, NULL) == ERR_OK &&
                (key.type != NOTE_ECDSA || bit / 8 >= strlen("ecdsa.example")))
                fail_msg("key %zu: bit %zu does not count", i, bit);
            bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void malformed_keys(void **state)
{
    static const struct {
        const char *key;
        err_code want;
    } CASES[] = {
        {"", ERR_KEY_MALFORMED},
        {"log.example/a", ERR_KEY_MALFORMED},
        {"log.example/a+55cf0683", ERR_KEY_MALFORMED},
        {"log.example/a+55cf0683+", ERR_KEY_MALFORMED},
        {"log.example/a+55cf0683+AQ==", ERR_KEY_MALFORMED},
        {"+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf", ERR_KEY_MALFORMED},
        {"log.example/a+55cf0684+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf", ERR_KEY_MALFORMED},
        {"log.example/a+55CF0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf", ERR_KEY_MALFORMED},
        {"log.example/b+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf", ERR_KEY_MALFORMED},
        {"log.example/a+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf\n",
         ERR_KEY_MALFORMED},
        {"log example/a+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYf", ERR_KEY_MALFORMED},
        /* a key of small order under its right id */
        {"a+a5269a0a+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ERR_KEY_MALFORMED},
        /* one octet more, under the id of the rest */
        {"log.example/a+55cf0683+Abc/wKwTRw7V1h/oM7fQjktI0Z7zvW8FPXZxPM+6iuYfAA==",
         ERR_KEY_MALFORMED},
        /* the same ECDSA key with its point compressed */
        {"ecdsa.example+91919b16+AjA5MBMGByqGSM49AgEGCCqGSM49AwEHAyIAAghE5ZfvDwVZZ1Kke7tO2/"
         "2NgsR9gfzPNUKfBvllblRO",
         ERR_KEY_MALFORMED},
        /* types that are not verified here */
        {"a+00000000+BQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", ERR_UNSUPPORTED},
        {"a+00000000+BgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", ERR_UNSUPPORTED},
        {"a+00000000+/wEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", ERR_UNSUPPORTED},
    };
    struct note_key key;
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct why why = {0};
        err_code err = note_key_parse(slice_str(CASES[i].key), &key, &why);
        if (err != CASES[i].want)
            fail_msg("\"%s\": %s, wanted %s", CASES[i].key, err_name(err), err_name(CASES[i].want));
    }
}

static void names_of_keys(void **state)
{
    char long_name[NOTE_NAME_MAX + 2];
    (void)state;

    memset(long_name, 'a', sizeof long_name);
    assert_true(note_name_ok((struct slice){(const uint8_t *)long_name, NOTE_NAME_MAX}));
    assert_false(note_name_ok((struct slice){(const uint8_t *)long_name, NOTE_NAME_MAX + 1}));
    assert_true(note_name_ok(slice_str("example.org/gate-1")));
    assert_true(note_name_ok(slice_str("\u00fc\u6c34")));
    assert_false(note_name_ok(slice_str("")));
    assert_false(note_name_ok(slice_str("a b")));
    assert_false(note_name_ok(slice_str("a+b")));
    assert_false(note_name_ok(slice_str("a\nb")));
    assert_false(note_name_ok(slice_str("a\u2028")));
    assert_false(note_name_ok(slice_str("\xff")));
}

static void signing_refuses(void **state)
{
    struct note_pair log = note_pair_of(NOTE_ED25519, "log", 0);
    const struct note_pair other = note_pair_of(NOTE_ED25519, "log", 1);
    CLEANUP(buf_free) struct buf bytes = {0};
    static const char *const TEXTS[] = {"", "t", "t\r\n", "\xff\n"};
    (void)state;

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        assert_int_equal(note_make(slice_str(TEXTS[i]),
                                   &(struct note_signer){&log.key, &log.pair, 0}, &bytes, NULL),
                         ERR_FORMAT);
    assert_int_equal(
        note_make(slice_str("t\n"), &(struct note_signer){&log.key, &other.pair, 0}, &bytes, NULL),
        ERR_KEY_SIGN);
    log.key.type = NOTE_ECDSA;
    assert_int_equal(
        note_make(slice_str("t\n"), &(struct note_signer){&log.key, &log.pair, 0}, &bytes, NULL),
        ERR_KEY_SIGN);
    assert_int_equal(bytes.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_note),
        cmocka_unit_test(published_checkpoints),
        cmocka_unit_test(notes_of_another_program),
        cmocka_unit_test(malformed_notes),
        cmocka_unit_test(limits),
        cmocka_unit_test(known_and_unknown_keys),
        cmocka_unit_test(one_key_two_types),
        cmocka_unit_test(times_of_cosignatures),
        cmocka_unit_test(cut_and_flipped),
        cmocka_unit_test(cut_and_flipped_keys),
        cmocka_unit_test(malformed_keys),
        cmocka_unit_test(names_of_keys),
        cmocka_unit_test(signing_refuses),
    };
    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
