/* SPDX-License-Identifier: Apache-2.0 */
/* value_test.c: equality and order of values, sets and records. */
#include "gate/cedar/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A generator with a fixed seed (xorshift64*): the same values on every run. */
static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 32) % n;
}

static struct cedar_value text(const char *s)
{
    return cedar_string(slice_str(s));
}

static void values_of_two_kinds_differ(void **state)
{
    static const struct cedar_ip IP = {.prefix = 32};
    struct cedar_uid uid = cedar_uid_of(slice_str("User"), slice_str(""));
    const struct cedar_value all[] = {
        cedar_bool(false),
        cedar_bool(true),
        cedar_long(0),
        cedar_long(1),
        cedar_long(INT64_MIN),
        cedar_long(INT64_MAX),
        text(""),
        text("a"),
        text("b"),
        text("aa"),
        cedar_entity(&uid),
        {.kind = CEDAR_SET},
        {.kind = CEDAR_RECORD},
        {.kind = CEDAR_IP, .ip = &IP},
        {.kind = CEDAR_DECIMAL},
        {.kind = CEDAR_DATETIME},
        {.kind = CEDAR_DURATION},
        {.kind = CEDAR_DURATION, .number = -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t j = 0; j < COUNT(all); j++) {
            int order = cedar_value_cmp(&all[i], &all[j]);

            assert_int_equal(order == 0, i == j);
            assert_int_equal(cedar_value_eq(&all[i], &all[j]), i == j);
            assert_int_equal(order<0, cedar_value_cmp(&all[j], &all[i])> 0);
        }
}

static void entities_are_their_type_and_id(void **state)
{
    struct cedar_uid a = cedar_uid_of(slice_str("A"), slice_str("b"));
    struct cedar_uid same = cedar_uid_of(slice_str("A"), slice_str("b"));
    struct cedar_uid other_id = cedar_uid_of(slice_str("A"), slice_str("c"));
    struct cedar_uid other_type = cedar_uid_of(slice_str("B"), slice_str("b"));
    struct cedar_uid shifted = cedar_uid_of(slice_str("Ab"), slice_str(""));
    struct cedar_value v = cedar_entity(&a), w = cedar_entity(&same);
    struct cedar_uid *others[] = {&other_id, &other_type, &shifted};

    (void)state;
    assert_true(cedar_value_eq(&v, &w));
    for (size_t i = 0; i < COUNT(others); i++) {
        others[i]->hash = a.hash; /* even if the hashes are the same */
        w = cedar_entity(others[i]);
        assert_false(cedar_value_eq(&v, &w));
        assert_int_equal(cedar_value_cmp(&v, &w) < 0, cedar_value_cmp(&w, &v) > 0);
    }
}

static void strings_may_hold_nul(void **state)
{
    struct cedar_value a = cedar_string((struct slice){(const uint8_t *)"a\0b", 3});
    struct cedar_value b = cedar_string((struct slice){(const uint8_t *)"a\0c", 3});
    struct cedar_value c = text("a");

    (void)state;
    assert_false(cedar_value_eq(&a, &b));
    assert_false(cedar_value_eq(&a, &c));
    assert_int_equal(cedar_text(&a).len, 3);
}

static void sets_forget_order_and_repetition(void **state)
{
    struct cedar_value x[] = {cedar_long(2), text("a"), cedar_long(1), cedar_long(2), text("a")};
    struct cedar_value y[] = {text("a"), cedar_long(1), cedar_long(2)};
    struct cedar_value a = cedar_set_of(x, COUNT(x)), b = cedar_set_of(y, COUNT(y));
    struct cedar_value empty = cedar_set_of(NULL, 0), nested[] = {a, b, empty};
    struct cedar_value set_of_sets = cedar_set_of(nested, 3), absent = cedar_bool(true);

    (void)state;
    assert_int_equal(a.n, 3);
    assert_true(cedar_value_eq(&a, &b));
    assert_int_equal(set_of_sets.n, 2);
    assert_true(cedar_set_has(&set_of_sets, &b));
    assert_true(cedar_set_has(&set_of_sets, &empty));
    assert_false(cedar_set_has(&set_of_sets, &absent));
    assert_false(cedar_set_has(&empty, &absent));
}

/* Sets of every size up to 200, against looking at each element. */
static void sets_hold_what_was_put_in(void **state)
{
    seed = 7;
    for (uint32_t n = 0; n < 200; n++) {
        struct cedar_value items[200], part[50];
        bool in[128] = {false};
        struct cedar_value set, other;
        uint32_t distinct = 0, n_part = below(50), steps = UINT32_MAX;
        bool holds = true, meets = false;

        (void)state;
        for (uint32_t i = 0; i < n; i++) {
            items[i] = cedar_long(below(128));
            distinct += !in[items[i].number];
            in[items[i].number] = true;
        }
        for (uint32_t i = 0; i < n_part; i++) {
            part[i] = cedar_long(below(128));
            if (n % 2 == 0)
                while (n > 0 && !in[part[i].number])
                    part[i] = cedar_long(below(128));
            holds = holds && in[part[i].number];
            meets = meets || in[part[i].number];
        }
        set = cedar_set_of(items, n);
        other = cedar_set_of(part, n_part);
        assert_int_equal(set.n, distinct);
        for (uint32_t i = 1; i < set.n; i++)
            assert_true(cedar_value_cmp(&set.items[i - 1], &set.items[i]) < 0);
        for (uint32_t i = 0; i < 128; i++) {
            struct cedar_value item = cedar_long(i);

            assert_int_equal(cedar_set_has(&set, &item), in[i]);
        }
        assert_int_equal(cedar_set_holds_within(&set, &other, &steps), holds);
        assert_int_equal(cedar_set_meets_within(&set, &other, &steps), meets);
        assert_int_equal(cedar_set_meets_within(&other, &set, &steps), meets);
    }
}

static void records_know_their_names(void **state)
{
    static char names[100][8];

    (void)state;
    for (uint32_t n = 0; n < 100; n++) {
        struct cedar_field x[100], y[100];
        const struct slice *twice = NULL;
        struct cedar_value a, b;

        for (uint32_t i = 0; i < n; i++) {
            snprintf(names[i], sizeof names[i], "n%u", i);
            x[i] = (struct cedar_field){slice_str(names[i]), cedar_long(i)};
            y[n - 1 - i] = x[i];
        }
        a = cedar_record_of(x, n, &twice);
        b = cedar_record_of(y, n, &twice);
        assert_null(twice);
        assert_int_equal(a.n, n);
        assert_true(cedar_value_eq(&a, &b));
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(cedar_record_get(&a, slice_str(names[i]))->number, i);
        assert_null(cedar_record_get(&a, slice_str("n")));
        assert_null(cedar_record_get(&a, slice_str("")));
        assert_null(cedar_record_get(&a, slice_str("n100")));
        if (n > 0) {
            y[below(n)].value = cedar_bool(true);
            assert_false(cedar_value_eq(&a, &b));
        }
    }
}

static void a_name_twice_is_told(void **state)
{
    struct cedar_field x[] = {{slice_str("b"), cedar_long(1)},
                              {slice_str("a"), cedar_long(2)},
                              {slice_str("b"), cedar_long(1)}};
    const struct slice *twice = NULL;
    struct cedar_value record = cedar_record_of(x, COUNT(x), &twice);

    (void)state;
    assert_int_equal(record.n, 0);
    assert_non_null(twice);
    assert_true(slice_eq_str(*twice, "b"));
}

static void a_budget_ends_a_comparison(void **state)
{
    struct cedar_value x[100], y[100], a, b;
    uint32_t steps;

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        x[i] = y[i] = cedar_long(i);
    a = cedar_set_of(x, 100);
    b = cedar_set_of(y, 100);
    steps = 100;
    cedar_value_cmp_within(&a, &b, &steps);
    assert_int_equal(steps, 0);
    steps = 103;
    assert_int_equal(cedar_value_cmp_within(&a, &b, &steps), 0);
    assert_true(steps > 0);
    steps = 50;
    cedar_set_holds_within(&a, &b, &steps);
    assert_int_equal(steps, 0);
    for (uint32_t i = 0; i < 100; i++)
        x[i] = cedar_long(100 - i);
    steps = 150;
    cedar_set_of_within(x, 100, &steps);
    assert_int_equal(steps, 0);
}

/* The names in records count by their length, as texts do. */
static void long_names_cost_more(void **state)
{
    static uint8_t name[2][64000];
    struct cedar_field fields[2];
    const struct slice *twice = NULL;
    struct cedar_value a, b;
    uint32_t steps = 200;

    (void)state;
    fields[0] = (struct cedar_field){SLICE_OF(name[0]), cedar_bool(true)};
    fields[1] = (struct cedar_field){SLICE_OF(name[1]), cedar_bool(true)};
    a = cedar_record_of(&fields[0], 1, &twice);
    b = cedar_record_of(&fields[1], 1, &twice);
    cedar_value_cmp_within(&a, &b, &steps);
    assert_int_equal(steps, 0);
    steps = 2000;
    assert_int_equal(cedar_value_cmp_within(&a, &b, &steps), 0);
    assert_in_range(steps, 1, 1500);
}

/* So do the names of entities, where only their content tells them apart. */
static void long_ids_cost_more(void **state)
{
    static uint8_t id[2][64000];
    struct cedar_uid x = cedar_uid_of(slice_str("U"), SLICE_OF(id[0]));
    struct cedar_uid y = cedar_uid_of(slice_str("U"), SLICE_OF(id[1]));
    struct cedar_value a = cedar_entity(&x), b = cedar_entity(&y);
    uint32_t steps = 200;

    (void)state;
    cedar_value_cmp_within(&a, &b, &steps);
    assert_int_equal(steps, 0);
    steps = 200;
    assert_int_equal(cedar_value_cmp_within(&a, &a, &steps), 0); /* nothing to look at */
    assert_in_range(steps, 190, 200);
    steps = 2000;
    assert_int_equal(cedar_value_cmp_within(&a, &b, &steps), 0);
    assert_in_range(steps, 1, 1500);
}

/* Random nested values: the order is total, and equality is its zero. */
static struct cedar_value random_value(struct cedar_value *pool, uint32_t depth)
{
    uint32_t n = below(3);

    switch (below(depth > 0 ? 4 : 2)) {
    case 0:
        return cedar_long(below(3));
    case 1:
        return text(below(2) == 0 ? "x" : "y");
    case 2:
        for (uint32_t i = 0; i < n; i++)
            pool[i] = random_value(pool + 4 + 40 * i, depth - 1);
        return cedar_set_of(pool, n);
    default: {
        struct cedar_field *fields = (struct cedar_field *)pool;
        const struct slice *twice = NULL;

        for (uint32_t i = 0; i < n; i++)
            fields[i] = (struct cedar_field){slice_str(i == 0 ? "a" : "b"),
                                             random_value(pool + 4 + 40 * i, depth - 1)};
        return cedar_record_of(fields, n, &twice);
    }
    }
}

static void the_order_is_total(void **state)
{
    enum { N = 60 };
    static struct cedar_value pool[N][512];
    struct cedar_value v[N];

    (void)state;
    seed = 99;
    for (size_t i = 0; i < N; i++)
        v[i] = random_value(pool[i], 2);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            int ij = cedar_value_cmp(&v[i], &v[j]);

            assert_int_equal(ij == 0, cedar_value_cmp(&v[j], &v[i]) == 0);
            assert_int_equal(ij<0, cedar_value_cmp(&v[j], &v[i])> 0);
            for (size_t k = 0; k < N; k++)
                if (ij <= 0 && cedar_value_cmp(&v[j], &v[k]) <= 0)
                    assert_true(cedar_value_cmp(&v[i], &v[k]) <= 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_two_kinds_differ),
        cmocka_unit_test(entities_are_their_type_and_id),
        cmocka_unit_test(strings_may_hold_nul),
        cmocka_unit_test(sets_forget_order_and_repetition),
        cmocka_unit_test(sets_hold_what_was_put_in),
        cmocka_unit_test(records_know_their_names),
        cmocka_unit_test(a_name_twice_is_told),
        cmocka_unit_test(a_budget_ends_a_comparison),
        cmocka_unit_test(long_names_cost_more),
        cmocka_unit_test(long_ids_cost_more),
        cmocka_unit_test(the_order_is_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
