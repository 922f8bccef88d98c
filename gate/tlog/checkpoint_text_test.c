/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/base/vectors_testing.h"
#include "gate/tlog/checkpoint_text.h"
#include "gate/tlog/note_testing.h"
#include "gate/tlog/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROOT "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void texts(void **state)
{
    static const struct {
        const char *name, *text;
        err_code want;
    } CASES[] = {
        {"good", "a\n7\n" ROOT "\n", ERR_OK},
        {"empty log", "a\n0\n" EMPTY "\n", ERR_OK},
        {"largest", "a\n18446744073709551615\n" ROOT "\n", ERR_OK},
        {"extension", "a\n7\n" ROOT "\nx\ny z\n", ERR_OK},
        {"origin with spaces", "a b+c\n7\n" ROOT "\n", ERR_OK},
        {"nothing", "", ERR_FORMAT},
        {"no origin", "\n7\n" ROOT "\n", ERR_FORMAT},
        {"origin alone", "a\n", ERR_FORMAT},
        {"no root", "a\n7\n", ERR_FORMAT},
        {"no end", "a\n7\n" ROOT, ERR_FORMAT},
        {"empty size", "a\n\n" ROOT "\n", ERR_FORMAT},
        {"leading zero", "a\n07\n" ROOT "\n", ERR_FORMAT},
        {"two zeros", "a\n00\n" EMPTY "\n", ERR_FORMAT},
        {"plus", "a\n+7\n" ROOT "\n", ERR_FORMAT},
        {"minus", "a\n-7\n" ROOT "\n", ERR_FORMAT},
        {"hex", "a\n0x7\n" ROOT "\n", ERR_FORMAT},
        {"space", "a\n7 \n" ROOT "\n", ERR_FORMAT},
        {"one too large", "a\n18446744073709551616\n" ROOT "\n", ERR_FORMAT},
        {"two too large", "a\n18446744073709551617\n" ROOT "\n", ERR_FORMAT},
        {"much too large", "a\n99999999999999999999\n" ROOT "\n", ERR_FORMAT},
        {"short root", "a\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v38\n", ERR_FORMAT},
        {"long root", "a\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383csA\n", ERR_FORMAT},
        {"another spelling", "a\n7\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383ct=\n", ERR_FORMAT},
        {"hex root", "a\n7\naca6c38a90af86e5f5199ee0e4105ef2\n", ERR_FORMAT},
        {"empty root", "a\n7\n\n", ERR_FORMAT},
        {"size 0, other root", "a\n0\n" ROOT "\n", ERR_FORMAT},
        {"empty extension", "a\n7\n" ROOT "\n\n", ERR_FORMAT},
        {"empty line in the extension", "a\n7\n" ROOT "\nx\n\ny\n", ERR_FORMAT},
        {"extension without end", "a\n7\n" ROOT "\nx", ERR_FORMAT},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf again = {0};
        struct checkpoint_text text;
        struct why why = {0};
        err_code err = checkpoint_text_parse(slice_str(CASES[i].text), &text, &why);

        if (err != CASES[i].want)
            fail_msg("%s: %s, wanted %s", CASES[i].name, err_name(err), err_name(CASES[i].want));
        if (err != ERR_OK)
            continue;
        assert_int_equal(checkpoint_text_make(&text, &again, &why), ERR_OK);
        assert_true(slice_eq_str(buf_slice(&again), CASES[i].text));
    }
}

static void texts_that_cannot_be(void **state)
{
    static const char *const CASES[][2] = {
        {"", ""}, {"a\nb", ""}, {"a", "x"}, {"a", "\n"}, {"a", "x\n\n"},
    };
    CLEANUP(buf_free) struct buf out = {0};
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct checkpoint_text text = {.origin = slice_str(CASES[i][0]),
                                       .checkpoint = {.size = 1},
                                       .extension = slice_str(CASES[i][1])};
        assert_int_equal(checkpoint_text_make(&text, &out, NULL), ERR_FORMAT);
    }
    assert_int_equal(out.len, 0);
}

static void made_and_opened(void **state)
{
    const struct note_pair log = note_pair_of(NOTE_ED25519, "example.org/gate-1", 0),
                           other = note_pair_of(NOTE_ED25519, "example.org/gate-2", 0);
    struct note_signer signer = {&log.key, &log.pair, 0};
    struct checkpoint want = {.size = 123456789012345, .root = {{1, 2, 3}}};
    struct checkpoint_text text, foreign = {.origin = slice_str("elsewhere"), .checkpoint = want};
    CLEANUP(buf_free) struct buf bytes = {0}, elsewhere = {0}, note_bytes = {0};
    static struct note note;
    (void)state;

    assert_int_equal(checkpoint_note_make(&want, &signer, &bytes, NULL), ERR_OK);
    assert_int_equal(checkpoint_note_open(buf_slice(&bytes), &log.key, &note, &text, NULL), ERR_OK);
    assert_true(slice_eq_str(text.origin, "example.org/gate-1"));
    assert_int_equal(text.checkpoint.size, want.size);
    assert_true(digest_eq(&text.checkpoint.root, &want.root));
    assert_int_equal(text.extension.len, 0);
    assert_int_equal(checkpoint_note_open(buf_slice(&bytes), &other.key, &note, &text, NULL),
                     ERR_SIGNER_UNKNOWN);
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_not_equal(
            checkpoint_note_open((struct slice){bytes.ptr, n}, &log.key, &note, &text, NULL),
            ERR_OK);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(checkpoint_note_open(buf_slice(&bytes), &log.key, &note, &text, NULL),
                             ERR_OK);
        bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Signed by the log's key, though it is the checkpoint of another log. */
    assert_int_equal(checkpoint_text_make(&foreign, &elsewhere, NULL), ERR_OK);
    assert_int_equal(note_make(buf_slice(&elsewhere), &signer, &note_bytes, NULL), ERR_OK);
    assert_int_equal(checkpoint_note_open(buf_slice(&note_bytes), &log.key, &note, &text, NULL),
                     ERR_SIGNER_UNKNOWN);
}

/* Whoever signed it; but it must be a signed note. */
static void claims(void **state)
{
    const struct note_pair other = note_pair_of(NOTE_ED25519, "example.org/gate-2", 2);
    const struct note_signer signer = {.key = &other.key, .pair = &other.pair};
    const struct checkpoint want = {7, {{1, 2, 3}}};
    CLEANUP(buf_free) struct buf bytes = {0}, text = {0};
    struct checkpoint got;
    (void)state;

    assert_int_equal(checkpoint_note_make(&want, &signer, &bytes, NULL), ERR_OK);
    assert_int_equal(checkpoint_claimed(buf_slice(&bytes), &got, NULL), ERR_OK);
    assert_int_equal(got.size, want.size);
    assert_true(digest_eq(&got.root, &want.root));
    for (size_t n = 0; n < bytes.len; n++)
        assert_int_equal(checkpoint_claimed((struct slice){bytes.ptr, n}, &got, NULL), ERR_FORMAT);
    assert_int_equal(note_make(slice_str("no\ncheckpoint\n"), &signer, &text, NULL), ERR_OK);
    assert_int_equal(checkpoint_claimed(buf_slice(&text), &got, NULL), ERR_FORMAT);
}

/* The log that comes with tessera: its checkpoints, and the entries of its bundles below them. */
static void published_log(void **state)
{
    static const char VKEY[] =
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    CLEANUP(tree_free) struct tree tree = {0};
    CLEANUP(buf_free) struct buf bundle = {0};
    char dir[4096], path[4200];
    struct note_key key;
    struct reader r;
    (void)state;

    if (!vectors_path("tlog-tiles/testdata/log", dir, sizeof dir))
        skip();
    assert_int_equal(note_key_parse(slice_str(VKEY), &key, NULL), ERR_OK);
    (void)snprintf(path, sizeof path, "%s/tile/entries/000.p/15", dir);
    assert_int_equal(file_read(path, 1 << 20, &bundle, NULL), ERR_OK);
    r = reader_of(buf_slice(&bundle));
    for (int i = 0; i <= 15; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        static struct note note;
        struct checkpoint_text text;
        struct digest root, leaf;
        uint16_t len;

        (void)snprintf(path, sizeof path, i < 15 ? "%s/checkpoint.%d" : "%s/checkpoint", dir, i);
        assert_int_equal(file_read(path, NOTE_SIZE_MAX, &bytes, NULL), ERR_OK);
        assert_int_equal(checkpoint_note_open(buf_slice(&bytes), &key, &note, &text, NULL), ERR_OK);
        assert_int_equal(text.checkpoint.size, i);
        assert_int_equal(tree_root(tree_of(&tree), (uint64_t)i, &root, NULL), ERR_OK);
        assert_true(digest_eq(&root, &text.checkpoint.root));
        if (i == 15)
            break;
        len = reader_u16(&r);
        assert_int_equal(tree_leaf(reader_bytes(&r, len), &leaf), ERR_OK);
        assert_int_equal(tree_append(&tree, &leaf), ERR_OK);
    }
    assert_int_equal(reader_done(&r), ERR_OK);
}

static void origins(void **state)
{
    CLEANUP(buf_free) struct buf origin = {0};
    (void)state;

    assert_int_equal(tlog_origin(slice_str("example.org"), slice_str("g\u00e4te 1"), &origin),
                     ERR_OK);
    assert_string_equal((const char *)origin.ptr, "example.org/g%C3%A4te%201");
    assert_true(note_name_ok(buf_slice(&origin)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),           cmocka_unit_test(texts_that_cannot_be),
        cmocka_unit_test(made_and_opened), cmocka_unit_test(published_log),
        cmocka_unit_test(origins),         cmocka_unit_test(claims),
    };
    return cmocka_run_group_tests_name("checkpoint_text", tests, NULL, NULL);
}
