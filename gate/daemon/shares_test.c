/* SPDX-License-Identifier: Apache-2.0 */
/* shares_test.c: what is bounded is divided, and nobody has all of it. */
#include "gate/daemon/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* As much as this caller may have, in pieces. */
static size_t fill(struct shares *shares, const char *caller, size_t piece)
{
    size_t n = 0;

    for (; shares_may(shares, caller, piece); n += piece)
        assert_int_equal(shares_take(shares, caller, piece), ERR_OK);
    return n;
}

static void divided(void **state)
{
    struct shares shares = {.most = 900};

    (void)state;
    assert_int_equal(fill(&shares, "a", 1), 450);
    assert_int_equal(fill(&shares, "b", 1), 225);
    assert_int_equal(fill(&shares, "a", 1), 0);
    assert_int_equal(fill(&shares, "c", 200), 200);
    assert_true(shares_may(&shares, "d", 25));
    assert_false(shares_may(&shares, "d", 26)); /* there is no more */
    shares_give_back(&shares, "a", 400);
    assert_int_equal(fill(&shares, "a", 1), 188);
    shares_give_back(&shares, "b", 225);
    assert_int_equal(fill(&shares, "b", 1), 231);
    shares_give_back(&shares, "a", 50 + 188);
    shares_give_back(&shares, "b", 231);
    shares_give_back(&shares, "c", 200);
    assert_null(shares.list);
    assert_int_equal(shares.all, 0);
}

/* Whoever comes late finds something, but for what is smaller than a piece. */
static void many(void **state)
{
    struct shares shares = {.most = 16 << 20};
    size_t got[50];
    char name[8];

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "%zu", i);
        got[i] = fill(&shares, name, 1000);
        assert_true(i > 12 || got[i] >= 1000);
    }
    for (size_t i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "%zu", i);
        shares_give_back(&shares, name, got[i]);
    }
    assert_null(shares.list);
}

static void nothing(void **state)
{
    struct shares shares = {.most = 4};

    (void)state;
    assert_true(shares_may(&shares, "a", 4));
    assert_false(shares_may(&shares, "a", 5));
    assert_int_equal(shares_take(&shares, "a", 0), ERR_OK);
    assert_null(shares.list);
    shares_give_back(&shares, "a", 0);
    assert_int_equal(shares_take(&shares, "a", 4), ERR_OK);
    assert_false(shares_may(&shares, "b", 1));
    shares_give_back(&shares, "a", 4);
    assert_null(shares.list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divided),
        cmocka_unit_test(many),
        cmocka_unit_test(nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
