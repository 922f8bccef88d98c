/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/note_testing.h"
#include "gate/tlog/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n"
#define NOTE "t\n\n\u2014 a AAAAAAA=\n"
#define LINE "\u2014 a AAAAAAA=\n"

static void requests(void **state)
{
    static const struct {
        const char *name, *text;
        err_code want;
    } CASES[] = {
        {"first", "old 0\n\n" NOTE, ERR_OK},
        {"with a proof", "old 5\n" HASH HASH "\n" NOTE, ERR_OK},
        {"nothing", "", ERR_FORMAT},
        {"no size", "old \n\n" NOTE, ERR_FORMAT},
        {"no space", "old5\n\n" NOTE, ERR_FORMAT},
        {"another word", "new 5\n\n" NOTE, ERR_FORMAT},
        {"leading zero", "old 05\n\n" NOTE, ERR_FORMAT},
        {"too large", "old 18446744073709551616\n\n" NOTE, ERR_FORMAT},
        {"no empty line", "old 5\n" HASH NOTE, ERR_FORMAT},
        {"no hash", "old 5\nAAAA\n\n" NOTE, ERR_FORMAT},
        {"no checkpoint", "old 5\n\n", ERR_FORMAT},
        {"unsigned checkpoint", "old 5\n\nt\n", ERR_FORMAT},
    };
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf again = {0};
        struct witness_request request;
        struct why why = {0};
        err_code err = witness_request_parse(slice_str(CASES[i].text), &request, &why);

        if (err != CASES[i].want)
            fail_msg("%s: %s, wanted %s", CASES[i].name, err_name(err), err_name(CASES[i].want));
        if (err != ERR_OK)
            continue;
        assert_int_equal(witness_request_make(&request, &again, &why), ERR_OK);
        assert_true(slice_eq_str(buf_slice(&again), CASES[i].text));
    }
}

static void request_limits(void **state)
{
    struct witness_request request = {.path = {.n = 1}, .checkpoint = slice_str(NOTE)}, back;
    CLEANUP(buf_free) struct buf out = {0}, extra = {0};
    (void)state;

    assert_int_equal(witness_request_make(&request, &out, NULL), ERR_FORMAT);
    request = (struct witness_request){
        .old = 1, .path = {.n = WITNESS_PATH_MAX + 1}, .checkpoint = slice_str(NOTE)};
    assert_int_equal(witness_request_make(&request, &out, NULL), ERR_TOO_LARGE);
    request.path.n--;
    request.checkpoint = slice_str("t\n");
    assert_int_equal(witness_request_make(&request, &out, NULL), ERR_FORMAT);
    assert_int_equal(out.len, 0);
    request.checkpoint = slice_str(NOTE);
    assert_int_equal(witness_request_make(&request, &out, NULL), ERR_OK);
    assert_int_equal(witness_request_parse(buf_slice(&out), &back, NULL), ERR_OK);
    assert_int_equal(buf_add_str(&extra, "old 1\n" HASH), ERR_OK);
    assert_int_equal(buf_add_slice(&extra, slice_part(buf_slice(&out), 6, out.len - 6)), ERR_OK);
    assert_int_equal(witness_request_parse(buf_slice(&extra), &back, NULL), ERR_TOO_LARGE);
    buf_free(&extra);
    assert_int_equal(buf_add_str(&extra, "old 1\n"), ERR_OK);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf_add_str(&extra, HASH), ERR_OK);
    assert_int_equal(witness_request_parse(buf_slice(&extra), &back, NULL), ERR_TOO_LARGE);
}

static void answers(void **state)
{
    static const struct {
        const char *name;
        unsigned status;
        const char *type, *body;
        err_code want;
        enum witness_answer answer;
        uint64_t size;
    } CASES[] = {
        {"cosigned", 200, "text/plain", LINE, ERR_OK, WITNESS_COSIGNED, 0},
        {"twice", 200, "", LINE LINE, ERR_OK, WITNESS_COSIGNED, 0},
        {"nothing", 200, "", "", ERR_WITNESS_REFUSED, 0, 0},
        {"a page", 200, "text/html", "<html>\n", ERR_WITNESS_REFUSED, 0, 0},
        {"a whole note", 200, "", NOTE, ERR_WITNESS_REFUSED, 0, 0},
        {"cut", 200, "", "\u2014 a AAAAAAA=", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict", 409, WITNESS_SIZE_TYPE, "42\n", ERR_OK, WITNESS_CONFLICT, 42},
        {"conflict at 0", 409, WITNESS_SIZE_TYPE, "0\n", ERR_OK, WITNESS_CONFLICT, 0},
        {"conflict of another type", 409, "text/plain", "42\n", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict without type", 409, "", "42\n", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict without end", 409, WITNESS_SIZE_TYPE, "42", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict without size", 409, WITNESS_SIZE_TYPE, "\n", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict with more", 409, WITNESS_SIZE_TYPE, "42\n43\n", ERR_WITNESS_REFUSED, 0, 0},
        {"conflict at 042", 409, WITNESS_SIZE_TYPE, "042\n", ERR_WITNESS_REFUSED, 0, 0},
        {"malformed", 400, "", "", ERR_WITNESS_REFUSED, 0, 0},
        {"not trusted", 403, "", "", ERR_WITNESS_REFUSED, 0, 0},
        {"unknown", 404, "", "", ERR_WITNESS_REFUSED, 0, 0},
        {"inconsistent", 422, "", "", ERR_LEDGER_INCONSISTENT, 0, 0},
        {"moved", 301, "", LINE, ERR_WITNESS_REFUSED, 0, 0},
        {"created", 201, "", LINE, ERR_WITNESS_REFUSED, 0, 0},
        {"failed", 500, "", "", ERR_WITNESS_REFUSED, 0, 0},
        {"no status", 0, "", LINE, ERR_WITNESS_REFUSED, 0, 0},
    };
    CLEANUP(buf_free) struct buf large = {0};
    struct witness_word word;
    uint8_t *space;
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct witness_response response = {CASES[i].status, slice_str(CASES[i].type),
                                                  slice_str(CASES[i].body)};
        struct why why = {0};
        err_code err;

        word = (struct witness_word){0};
        err = witness_response_parse(&response, "w", &word, &why);
        if (err != CASES[i].want || word.answer != CASES[i].answer || word.size != CASES[i].size)
            fail_msg("%s: %s, wanted %s", CASES[i].name, err_name(err), err_name(CASES[i].want));
        if (word.answer == WITNESS_COSIGNED)
            assert_true(slice_eq_str(word.lines, CASES[i].body));
        assert_true(err == ERR_OK || strstr(why.text, "\"w\"") != NULL);
    }
    assert_int_equal(buf_add_space(&large, WITNESS_RESPONSE_MAX + 1, &space), ERR_OK);
    assert_int_equal(witness_response_parse(&(struct witness_response){200, {0}, buf_slice(&large)},
                                            "w", &word, NULL),
                     ERR_TOO_LARGE);
}

/* ---- the loop -------------------------------------------------------------------------------- */

#define SIZE 9

static void grow(struct tree *tree)
{
    for (uint8_t i = 0; i < SIZE; i++)
        assert_int_equal(tree_append(tree, &(struct digest){{i}}), ERR_OK);
}

static void talks(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct checkpoint later = {.size = SIZE}, earlier;
    (void)state;

    grow(&tree);
    assert_int_equal(tree_root(tree_of(&tree), SIZE, &later.root, NULL), ERR_OK);
    for (uint64_t seen = 0; seen <= SIZE; seen++) {
        struct witness_talk talk = {.name = "w", .note = slice_str(NOTE), .checkpoint = later};
        CLEANUP(buf_free) struct buf first = {0}, second = {0};
        struct witness_request request;
        struct slice lines = {0};
        char size[32];
        bool done = true;

        assert_int_equal(witness_talk_next(&talk, tree_of(&tree), &first, NULL), ERR_OK);
        assert_true(slice_eq_str(buf_slice(&first), "old 0\n\n" NOTE));
        (void)snprintf(size, sizeof size, "%llu\n", (unsigned long long)seen);
        assert_int_equal(witness_talk_take(&talk,
                                           &(struct witness_response){
                                               409, slice_str(WITNESS_SIZE_TYPE), slice_str(size)},
                                           &lines, &done, NULL),
                         ERR_OK);
        assert_false(done);
        assert_int_equal(witness_talk_next(&talk, tree_of(&tree), &second, NULL), ERR_OK);
        assert_int_equal(witness_request_parse(buf_slice(&second), &request, NULL), ERR_OK);
        assert_int_equal(request.old, seen);
        assert_int_equal(tree_root(tree_of(&tree), seen, &earlier.root, NULL), ERR_OK);
        earlier.size = seen;
        if (seen > 0)
            assert_int_equal(tree_check_consistency(&earlier, &later, &request.path), ERR_OK);
        assert_int_equal(witness_talk_take(&talk,
                                           &(struct witness_response){200, {0}, slice_str(LINE)},
                                           &lines, &done, NULL),
                         ERR_OK);
        assert_true(done);
        assert_true(slice_eq_str(lines, LINE));
    }
}

static void talks_that_end_badly(void **state)
{
    CLEANUP(tree_free) struct tree tree = {0};
    struct witness_talk talk = {.name = "w", .note = slice_str(NOTE), .checkpoint = {.size = SIZE}};
    const struct slice type = slice_str(WITNESS_SIZE_TYPE);
    CLEANUP(buf_free) struct buf out = {0};
    struct slice lines;
    bool done = true;
    (void)state;

    grow(&tree);
    /* It has seen more than there is. */
    assert_int_equal(witness_talk_take(&talk,
                                       &(struct witness_response){409, type, slice_str("10\n")},
                                       &lines, &done, NULL),
                     ERR_LEDGER_ROLLBACK);
    /* It never makes up its mind. */
    for (size_t i = 0; i < WITNESS_TRIES; i++) {
        assert_int_equal(witness_talk_next(&talk, tree_of(&tree), &out, NULL), ERR_OK);
        assert_int_equal(
            witness_talk_take(
                &talk, &(struct witness_response){409, type, slice_str(i % 2 == 0 ? "3\n" : "4\n")},
                &lines, &done, NULL),
            ERR_OK);
        assert_false(done);
    }
    assert_int_equal(witness_talk_next(&talk, tree_of(&tree), &out, NULL), ERR_WITNESS_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(request_limits),
        cmocka_unit_test(answers),
        cmocka_unit_test(talks),
        cmocka_unit_test(talks_that_end_badly),
    };
    return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
