/* SPDX-License-Identifier: Apache-2.0 */
/* value_sort.c: sets and records: in order, each element and name once. Nothing here takes memory,
 * because decisions take none; hence no qsort, which may. */
#include "gate/cedar/compare.h"

#include <string.h>

/* Up to here insertion is quicker than a heap. */
#define FEW 16
#define ELEMENT_MAX sizeof(struct cedar_field)

struct order {
    int (*cmp)(const void *a, const void *b, uint32_t *steps);
    size_t size; /* of an element */
    uint32_t *steps;
};

static uint8_t *at(void *base, uint32_t i, const struct order *by)
{
    return (uint8_t *)base + (size_t)i * by->size;
}

static int cmp_at(void *base, uint32_t i, uint32_t j, const struct order *by)
{
    return by->cmp(at(base, i, by), at(base, j, by), by->steps);
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    uint8_t keep[ELEMENT_MAX];

    memcpy(keep, a, size);
    memcpy(a, b, size);
    memcpy(b, keep, size);
}

static void sort_few(void *base, uint32_t n, const struct order *by)
{
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && cmp_at(base, j - 1, j, by) > 0; j--)
            swap(at(base, j - 1, by), at(base, j, by), by->size);
}

/* Lets the element at i sink in the heap of the first n. */
static void sink(void *base, uint32_t i, uint32_t n, const struct order *by)
{
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= n)
            return;
        if (child + 1 < n && cmp_at(base, child, child + 1, by) < 0)
            child++;
        if (cmp_at(base, i, child, by) >= 0)
            return;
        swap(at(base, i, by), at(base, child, by), by->size);
        i = child;
    }
}

/* In place, at most about 2 n log n comparisons whatever the input; n if it is sorted already. */
static void sort(void *base, uint32_t n, const struct order *by)
{
    uint32_t sorted = 1;

    while (sorted < n && cmp_at(base, sorted - 1, sorted, by) <= 0)
        sorted++;
    if (sorted >= n)
        return;
    if (n <= FEW) {
        sort_few(base, n, by);
        return;
    }
    for (uint32_t i = n / 2; i > 0; i--)
        sink(base, i - 1, n, by);
    for (uint32_t i = n - 1; i > 0; i--) {
        swap(at(base, 0, by), at(base, i, by), by->size);
        sink(base, 0, i, by);
    }
}

static int by_value(const void *a, const void *b, uint32_t *steps)
{
    return cedar_value_cmp_within(a, b, steps);
}

static int by_name(const void *a, const void *b, uint32_t *steps)
{
    const struct cedar_field *x = a, *y = b;

    if (*steps > 0)
        --*steps;
    return *steps > 0 ? slice_cmp(x->name, y->name) : 0;
}

struct cedar_value cedar_set_of_within(struct cedar_value *items, uint32_t n, uint32_t *steps)
{
    struct order by = {by_value, sizeof *items, steps};
    uint32_t kept = n > 0;

    sort(items, n, &by);
    for (uint32_t i = 1; i < n; i++)
        if (cedar_value_cmp_within(&items[kept - 1], &items[i], steps) != 0)
            items[kept++] = items[i];
    return (struct cedar_value){.kind = CEDAR_SET, .n = kept, .items = items};
}

bool cedar_set_has_within(const struct cedar_value *set, const struct cedar_value *item,
                          uint32_t *steps)
{
    uint32_t low = 0, high = set->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = cedar_value_cmp_within(&set->items[middle], item, steps);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Looks up each of few in many, or walks along both, whichever is less work. */
static uint32_t common(const struct cedar_value *few, const struct cedar_value *many,
                       uint32_t enough, uint32_t *steps)
{
    uint32_t found = 0;

    if (few->n < many->n / 16) {
        for (uint32_t i = 0; i < few->n && found<enough && * steps> 0; i++)
            found += cedar_set_has_within(many, &few->items[i], steps);
        return found;
    }
    for (uint32_t i = 0, j = 0; i < few->n && j < many->n && found<enough && * steps> 0;) {
        int order = cedar_value_cmp_within(&few->items[i], &many->items[j], steps);

        found += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return found;
}

bool cedar_set_holds_within(const struct cedar_value *whole, const struct cedar_value *part,
                            uint32_t *steps)
{
    return part->n <= whole->n && common(part, whole, part->n, steps) == part->n;
}

bool cedar_set_meets_within(const struct cedar_value *a, const struct cedar_value *b,
                            uint32_t *steps)
{
    return common(a->n < b->n ? a : b, a->n < b->n ? b : a, 1, steps) > 0;
}

struct cedar_value cedar_record_of_within(struct cedar_field *fields, uint32_t n,
                                          const struct slice **ret_twice, uint32_t *steps)
{
    struct order by = {by_name, sizeof *fields, steps};

    sort(fields, n, &by);
    for (uint32_t i = 1; i<n && * steps> 0; i++)
        if (slice_eq(fields[i - 1].name, fields[i].name)) {
            *ret_twice = &fields[i].name;
            return (struct cedar_value){.kind = CEDAR_RECORD};
        }
    return (struct cedar_value){.kind = CEDAR_RECORD, .n = n, .fields = fields};
}

struct cedar_value cedar_set_of(struct cedar_value *items, uint32_t n)
{
    uint32_t steps = UINT32_MAX;

    return cedar_set_of_within(items, n, &steps);
}

bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *item)
{
    uint32_t steps = UINT32_MAX;

    return cedar_set_has_within(set, item, &steps);
}

struct cedar_value cedar_record_of(struct cedar_field *fields, uint32_t n,
                                   const struct slice **ret_twice)
{
    uint32_t steps = UINT32_MAX;

    return cedar_record_of_within(fields, n, ret_twice, &steps);
}
