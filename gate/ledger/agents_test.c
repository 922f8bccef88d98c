/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/agents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    struct why why = {0};
    char text[32];
    size_t at;
    (void)state;

    assert_int_equal(agents_init(&agents, NULL), ERR_OK);
    assert_int_equal(agents_get(&agents, slice_str("nobody"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 0);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(agents_at(&agents, id_of(i, text), &at, &why), ERR_OK);
            assert_int_equal(at, i); /* in order of appearance, the same in each round */
            agents.entries[at].link.sequence += i + 1;
            agents.entries[at].link.prev.bytes[0] = (uint8_t)i;
        }
        assert_int_equal(agents.n, MANY);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(agents_get(&agents, id_of(i, text), &link, &why), ERR_OK);
            assert_int_equal(link.sequence, (round + 1) * (i + 1));
            assert_int_equal(link.prev.bytes[0], (uint8_t)i);
        }
    }
    assert_int_equal(agents_get(&agents, id_of(MANY, text), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 0);
    assert_int_equal(agents.n, MANY); /* asking makes nothing */
    assert_true(agents.n_slots >= 2 * agents.n);
}

static void tables_are_keyed(void **state)
{
    CLEANUP(agents_free) struct agents a = {0}, b = {0};
    struct why why = {0};
    size_t at;
    (void)state;

    assert_int_equal(agents_init(&a, NULL), ERR_OK);
    assert_int_equal(agents_init(&b, NULL), ERR_OK);
    assert_int_equal(agents_at(&a, slice_str("x"), &at, &why), ERR_OK);
    assert_int_equal(agents_at(&b, slice_str("x"), &at, &why), ERR_OK);
    assert_false(digest_eq(&a.entries[0].key, &b.entries[0].key));
}

/* Whatever was made last can go again, at every size, and what is left is found as before. */
static void cut_to_every_size(void **state)
{
    CLEANUP(agents_free) struct agents agents = {0};
    struct record_link link;
    struct why why = {0};
    char text[32];
    size_t at;
    (void)state;

    assert_int_equal(agents_init(&agents, NULL), ERR_OK);
    for (size_t step = 1; step < 200; step += 7) {
        for (size_t i = 0; i < 200; i++) {
            assert_int_equal(agents_at(&agents, id_of(i, text), &at, &why), ERR_OK);
            agents.entries[at].link.sequence = i + 1;
        }
        for (size_t n = 200; n > 0; n = n > step ? n - step : 0) {
            agents_cut(&agents, n);
            for (size_t i = 0; i < 200; i++) {
                assert_int_equal(agents_get(&agents, id_of(i, text), &link, &why), ERR_OK);
                if (link.sequence != (i < n ? i + 1 : 0))
                    fail_msg("cut to %zu: agent %zu is at %llu", n, i,
                             (unsigned long long)link.sequence);
            }
        }
        agents_cut(&agents, 0);
        assert_null(agents.entries);
        assert_null(agents.slots);
    }
}

struct below {
    size_t asked;
    err_code answer;
};

static err_code link_of(void *from, struct slice id, struct record_link *ret, struct why *why)
{
    struct below *below = from;

    below->asked++;
    if (below->answer != ERR_OK)
        return why_say(why, below->answer, "no answer");
    *ret = (struct record_link){.sequence = slice_eq_str(id, "known") ? 17 : 0};
    return ERR_OK;
}

static void asks_below_once(void **state)
{
    struct below below = {0};
    const struct agents_below source = {link_of, &below};
    CLEANUP(agents_free) struct agents agents = {0};
    struct record_link link;
    struct why why = {0};
    size_t at, again;
    (void)state;

    assert_int_equal(agents_init(&agents, &source), ERR_OK);
    assert_int_equal(agents_get(&agents, slice_str("known"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 17);
    assert_int_equal(agents_at(&agents, slice_str("known"), &at, &why), ERR_OK);
    assert_int_equal(agents.entries[at].link.sequence, 17);
    assert_int_equal(below.asked, 2);
    agents.entries[at].link.sequence = 18;
    assert_int_equal(agents_get(&agents, slice_str("known"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 18);
    assert_int_equal(agents_at(&agents, slice_str("known"), &again, &why), ERR_OK);
    assert_int_equal(again, at);
    assert_int_equal(below.asked, 2);
    below.answer = ERR_STORAGE;
    assert_int_equal(agents_get(&agents, slice_str("other"), &link, &why), ERR_STORAGE);
    assert_int_equal(agents_at(&agents, slice_str("other"), &at, &why), ERR_STORAGE);
    assert_string_equal(why.text, "no answer");
    assert_int_equal(agents.n, 1);
    agents_cut(&agents, 0);
    below.answer = ERR_OK;
    assert_int_equal(agents_get(&agents, slice_str("known"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_agent_has_its_own_link),
        cmocka_unit_test(tables_are_keyed),
        cmocka_unit_test(cut_to_every_size),
        cmocka_unit_test(asks_below_once),
    };
    return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}
