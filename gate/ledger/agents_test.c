/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/agents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 5000

static struct slice id_of(size_t i, char text[static 32])
{
    (void)snprintf(text, 32, "agent-%zu", i);
    return slice_str(text);
}

static void each_agent_has_its_own_link(void **state)
{
    CLEANUP(agents_free) struct agents agents = {0};
    struct record_link link;
    char text[32];
    size_t at;
    (void)state;

    assert_int_equal(agents_init(&agents), ERR_OK);
    assert_int_equal(agents_get(&agents, slice_str("nobody"), &link), ERR_OK);
    assert_int_equal(link.sequence, 0);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(agents_at(&agents, id_of(i, text), &at), ERR_OK);
            assert_int_equal(at, i); /* in order of appearance, the same in each round */
            agents.entries[at].link.sequence += i + 1;
            agents.entries[at].link.prev.bytes[0] = (uint8_t)i;
        }
        assert_int_equal(agents.n, MANY);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(agents_get(&agents, id_of(i, text), &link), ERR_OK);
            assert_int_equal(link.sequence, (round + 1) * (i + 1));
            assert_int_equal(link.prev.bytes[0], (uint8_t)i);
        }
    }
    assert_int_equal(agents_get(&agents, id_of(MANY, text), &link), ERR_OK);
    assert_int_equal(link.sequence, 0);
    assert_int_equal(agents.n, MANY); /* asking makes nothing */
    assert_true(agents.n_slots >= 2 * agents.n);
}

static void tables_are_keyed(void **state)
{
    CLEANUP(agents_free) struct agents a = {0}, b = {0};
    size_t at;
    (void)state;

    assert_int_equal(agents_init(&a), ERR_OK);
    assert_int_equal(agents_init(&b), ERR_OK);
    assert_int_equal(agents_at(&a, slice_str("x"), &at), ERR_OK);
    assert_int_equal(agents_at(&b, slice_str("x"), &at), ERR_OK);
    assert_false(digest_eq(&a.entries[0].key, &b.entries[0].key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_agent_has_its_own_link),
        cmocka_unit_test(tables_are_keyed),
    };
    return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}
