/* SPDX-License-Identifier: Apache-2.0 */
/* head_test.c: the judgement on heads, case by case. */
#include "hw/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define H(r, s)                                                                                    \
    {                                                                                              \
        .round = (r), .size = (s), .root = { {(r)&0xff} }                                          \
    }

static const struct hw_head HEADS[] = {H(12, 3), H(13, 6), H(14, 7), H(17, 9), H(18, 12)};

static const struct {
    const char *name;
    struct hw_head_facts facts;
    size_t n; /* of HEADS */
    err_code want;
    uint64_t missing;
    bool ahead, none;
    const char *says;
} CASES[] = {
    {"fresh and empty",
     {.first = 11, .round = 11, .least = 11, .none = true},
     0,
     ERR_OK,
     0,
     false,
     true,
     NULL},
    {"the first head was interrupted",
     {.first = 11, .round = 11, .least = 11, .none = true},
     1,
     ERR_OK,
     0,
     true,
     false,
     NULL},
    {"two heads that were never kept",
     {.first = 11, .round = 11, .least = 11, .none = true},
     2,
     ERR_HEAD_MISSING,
     0,
     false,
     false,
     "has 6 entries and ends with round 13, the hardware counted to round 11 only"},
    {"heads from before the hardware counted",
     {.first = 50, .round = 50, .least = 50, .none = true},
     5,
     ERR_HEAD_MISSING,
     0,
     false,
     false,
     "began to count after round 50"},
    {"hardware made anew, with a later count",
     {.first = 18, .round = 20, .least = 20},
     5,
     ERR_HEAD_MISSING,
     0,
     false,
     false,
     "began to count after round 18"},
    {"as it should be", {.first = 11, .round = 18, .least = 18}, 5, ERR_OK, 0, false, false, NULL},
    {"one ahead", {.first = 11, .round = 17, .least = 17}, 5, ERR_OK, 0, true, false, NULL},
    {"two ahead",
     {.first = 11, .round = 16, .least = 16},
     5,
     ERR_HEAD_MISSING,
     0,
     false,
     false,
     "counted to round 16 only"},
    {"one less",
     {.first = 11, .round = 19, .least = 19},
     5,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     "has 12 entries and ends with round 18, the hardware counted to round 19: at least 13"},
    {"empty, with a count",
     {.first = 11, .round = 12, .least = 12},
     0,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     "has 0 entries and ends with round 11"},
    {"power lost, within",
     {.first = 11, .round = 30, .least = 17},
     5,
     ERR_OK,
     12,
     false,
     false,
     NULL},
    {"power lost, at the edge",
     {.first = 11, .round = 30, .least = 18},
     5,
     ERR_OK,
     12,
     false,
     false,
     NULL},
    {"power lost, below",
     {.first = 11, .round = 30, .least = 19},
     5,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     NULL},
    {"power lost, empty",
     {.first = 11, .round = 30, .least = 11},
     0,
     ERR_OK,
     19,
     false,
     false,
     NULL},
    {"power lost below the durable head",
     {.first = 11, .round = 30, .least = 17, .has_durable = true, .durable = H(19, 13)},
     5,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     "has 12 entries and ends with round 18, the hardware "
     "knows of at least 13 entries in round 19"},
    {"the durable head is there",
     {.first = 11, .round = 18, .least = 18, .has_durable = true, .durable = H(14, 7)},
     5,
     ERR_OK,
     0,
     false,
     false,
     NULL},
    {"the durable head has another size",
     {.first = 11, .round = 18, .least = 18, .has_durable = true, .durable = H(14, 8)},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     "round 14 has 7 entries"},
    {"the durable head has another root",
     {.first = 11,
      .round = 18,
      .least = 18,
      .has_durable = true,
      .durable = {.round = 14, .size = 7}},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     NULL},
    {"the durable head is not there",
     {.first = 11, .round = 18, .least = 18, .has_durable = true, .durable = H(15, 8)},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     "and not this one"},
    {"the durable head is older than the heads",
     {.first = 1, .round = 18, .least = 18, .has_durable = true, .durable = H(5, 2)},
     5,
     ERR_OK,
     0,
     false,
     false,
     NULL},
    {"the durable head is older, and larger",
     {.first = 1, .round = 18, .least = 18, .has_durable = true, .durable = H(5, 4)},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     NULL},
    {"the durable head is older, and no smaller: a round has an entry at least",
     {.first = 1, .round = 18, .least = 18, .has_durable = true, .durable = H(5, 3)},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     NULL},
    {"the last head of this boot",
     {.first = 11, .round = 18, .least = 18, .has_bound = true, .bound = H(18, 12)},
     5,
     ERR_OK,
     0,
     false,
     false,
     NULL},
    {"the last head of this boot is another",
     {.first = 11, .round = 18, .least = 18, .has_bound = true, .bound = H(18, 13)},
     5,
     ERR_LEDGER_INCONSISTENT,
     0,
     false,
     false,
     NULL},
    {"the last head of this boot is gone",
     {.first = 11, .round = 19, .least = 19, .has_bound = true, .bound = H(19, 20)},
     5,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     "has 12 entries and ends with round 18, the hardware "
     "knows of 20 entries in round 19"},
    {"the last head of this boot is gone, and the count would do",
     {.first = 11, .round = 30, .least = 11, .has_bound = true, .bound = H(19, 20)},
     5,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     NULL},
    {"empty, and the durable head would be within",
     {.first = 11, .round = 30, .least = 11, .has_durable = true, .durable = H(12, 3)},
     0,
     ERR_LEDGER_ROLLBACK,
     0,
     false,
     false,
     "knows of at least 3 entries"},
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct hw_kept kept = {.round = 77};
        struct why why = {0};
        bool ahead = false;
        err_code got = hw_head_judge(&CASES[i].facts, HEADS, CASES[i].n, &kept, &ahead, &why);

        if (got != CASES[i].want)
            fail_msg("%s: got %s, wanted %s: %s", CASES[i].name, err_name(got),
                     err_name(CASES[i].want), why.text);
        if (CASES[i].says != NULL && strstr(why.text, CASES[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", CASES[i].name, why.text, CASES[i].says);
        if (got != ERR_OK) {
            assert_int_equal(kept.round, 77);
            continue;
        }
        if (kept.missing != CASES[i].missing || ahead != CASES[i].ahead ||
            kept.none != CASES[i].none || kept.round != CASES[i].facts.round)
            fail_msg("%s: %u missing, wanted %u; ahead %d, wanted %d; none %d, wanted %d",
                     CASES[i].name, (unsigned)kept.missing, (unsigned)CASES[i].missing, ahead,
                     CASES[i].ahead, kept.none, CASES[i].none);
    }
}

static void heads_must_rise(void **state)
{
    const struct hw_head_facts facts = {.first = 1, .round = 4, .least = 4};
    const struct hw_head same[] = {H(3, 3), H(3, 4)}, back[] = {H(4, 3), H(3, 4)},
                         fewer[] = {H(3, 3), H(4, 2)};
    struct hw_kept kept;
    struct why why = {0};
    bool ahead;
    (void)state;

    assert_int_equal(hw_head_judge(&facts, same, 2, &kept, &ahead, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(hw_head_judge(&facts, back, 2, &kept, &ahead, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(hw_head_judge(&facts, fewer, 2, &kept, &ahead, NULL), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(hw_head_judge(&facts, fewer, HW_HEADS_MAX + 1, &kept, &ahead, &why),
                     ERR_TOO_LARGE);
}

static void a_head_comes_back(void **state)
{
    const struct hw_head head = {0x0102030405060708, 9, {{1, 2, [31] = 3}}};
    uint8_t bytes[HW_HEAD_LEN];
    struct hw_head back;
    (void)state;

    hw_head_put(&head, bytes);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[15], 9);
    assert_int_equal(bytes[47], 3);
    hw_head_get(bytes, &back);
    assert_true(hw_head_eq(&head, &back));
    back.root.bytes[7] = 1;
    assert_false(hw_head_eq(&head, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(heads_must_rise),
        cmocka_unit_test(a_head_comes_back),
    };
    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
