/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES 6

struct setting {
    struct testing t;
    struct tree tree;
    struct buf receipt; /* of the last entry */
};

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_init(&s->t);
    testing_tree(&s->tree, LEAVES);
    testing_receipt(&s->t, tree_of(&s->tree), LEAVES - 1, LEAVES, &s->receipt);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    tree_free(&s->tree);
    buf_free(&s->receipt);
    free(s);
    return 0;
}

static void make(struct setting *s, enum hw_seal_kind kind, struct buf *ret)
{
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = kind};
    struct why why = {0};

    assert_int_equal(buf_add_str(&seal.statement, "the epoch is 7"), ERR_OK);
    assert_int_equal(buf_add_str(&seal.sig, "signed"), ERR_OK);
    if (sealed_make(buf_slice(&s->receipt), &seal, ret, &why) != ERR_OK)
        fail_msg("kind %d: %s", (int)kind, why.text);
}

static void what_is_written_is_read(void **state)
{
    static const enum hw_seal_kind KINDS[] = {HW_SEAL_TPM_CERTIFY, HW_SEAL_EPOCH_CHAIN,
                                              HW_SEAL_FAKE};
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct sealed sealed;

        make(s, KINDS[i], &bytes);
        assert_int_equal(sealed_parse(buf_slice(&bytes), &sealed, NULL), ERR_OK);
        assert_int_equal(sealed.seal.kind, KINDS[i]);
        assert_true(slice_eq_str(sealed.seal.statement, "the epoch is 7"));
        assert_true(slice_eq_str(sealed.seal.sig, "signed"));
        assert_int_equal(sealed.receipt.tree_size, LEAVES);
    }
}

static void hardware_without_a_seal(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    const struct hw_seal none = {0};
    struct sealed sealed;

    assert_int_equal(sealed_make(buf_slice(&s->receipt), &none, &bytes, NULL), ERR_OK);
    assert_int_equal(sealed_parse(buf_slice(&bytes), &sealed, NULL), ERR_OK);
    assert_int_equal(sealed.seal.kind, HW_SEAL_NONE);
}

/* One signature of the hardware makes a receipt for every entry of its tree. */
static void a_receipt_for_every_entry(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct sealed sealed;

    make(s, HW_SEAL_FAKE, &bytes);
    assert_int_equal(sealed_parse(buf_slice(&bytes), &sealed, NULL), ERR_OK);
    for (size_t i = 0; i < LEAVES; i++) {
        CLEANUP(buf_free) struct buf again = {0}, want = {0};
        struct checkpoint head;
        struct receipt receipt;
        struct tree_path path;
        char text[24];

        assert_int_equal(tree_prove_inclusion(tree_of(&s->tree), i, LEAVES, &path, NULL), ERR_OK);
        assert_int_equal(receipt_again(&sealed.receipt, i, &path, &again), ERR_OK);
        assert_int_equal(receipt_parse(buf_slice(&again), RECEIPT_OWN, &receipt, NULL), ERR_OK);
        assert_int_equal(receipt.leaf_index, i);
        assert_int_equal(
            receipt_verify(&receipt, testing_leaf(i, text), &s->t.hardware->key, &head, NULL),
            ERR_OK);
        assert_int_equal(receipt_again(&sealed.receipt, LEAVES, &path, &want), ERR_FORMAT);
    }
}

static void a_receipt_of_another_entry_is_refused(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf receipt = {0}, bytes = {0};
    const struct hw_seal none = {0};
    struct why why = {0};

    testing_receipt(&s->t, tree_of(&s->tree), LEAVES - 2, LEAVES, &receipt);
    assert_int_equal(sealed_make(buf_slice(&receipt), &none, &bytes, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "for entry 4 of 6"));
}

static void too_short_or_too_long(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf bytes = {0};
    struct sealed sealed;

    make(s, HW_SEAL_FAKE, &bytes);
    for (size_t n = 0; n < bytes.len; n++)
        if (sealed_parse((struct slice){bytes.ptr, n}, &sealed, NULL) == ERR_OK)
            fail_msg("the first %zu of %zu bytes are taken", n, bytes.len);
    assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    assert_true(sealed_parse(buf_slice(&bytes), &sealed, NULL) != ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hardware_without_a_seal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_for_every_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_of_another_entry_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_short_or_too_long, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
