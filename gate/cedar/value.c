/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/value.h"

#include "gate/cedar/compare.h"

#include <string.h>

/* What one step of comparing pays for, in bytes of text. */
#define STEP_BYTES 64
/* Up to here it is quicker to look at each field in turn. */
#define FEW_FIELDS 8

const char *cedar_kind_text(enum cedar_kind kind)
{
    static const char *const TEXTS[] = {
        [CEDAR_BOOL] = "a bool",         [CEDAR_LONG] = "a long",
        [CEDAR_STRING] = "a string",     [CEDAR_ENTITY] = "an entity",
        [CEDAR_SET] = "a set",           [CEDAR_RECORD] = "a record",
        [CEDAR_IP] = "an ipaddr",        [CEDAR_DECIMAL] = "a decimal",
        [CEDAR_DATETIME] = "a datetime", [CEDAR_DURATION] = "a duration",
    };

    return TEXTS[kind];
}

struct cedar_value cedar_bool(bool truth)
{
    return (struct cedar_value){.kind = CEDAR_BOOL, .truth = truth};
}

struct cedar_value cedar_long(int64_t number)
{
    return (struct cedar_value){.kind = CEDAR_LONG, .number = number};
}

struct cedar_value cedar_string(struct slice text)
{
    return (struct cedar_value){.kind = CEDAR_STRING, .n = (uint32_t)text.len, .text = text.ptr};
}

struct cedar_value cedar_entity(const struct cedar_uid *uid)
{
    return (struct cedar_value){.kind = CEDAR_ENTITY, .uid = uid};
}

struct slice cedar_text(const struct cedar_value *string)
{
    return (struct slice){string->text, string->n};
}

static bool spend(uint32_t *steps, size_t bytes)
{
    size_t cost = 1 + bytes / STEP_BYTES;

    if (*steps <= cost) {
        *steps = 0;
        return false;
    }
    *steps -= (uint32_t)cost;
    return true;
}

static int text_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int number_cmp(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int ip_cmp(const struct cedar_ip *a, const struct cedar_ip *b)
{
    int order = a->v6 - b->v6;

    if (order == 0)
        order = memcmp(a->octets, b->octets, a->v6 ? 16 : 4);
    return order != 0 ? order : a->prefix - b->prefix;
}

static int set_cmp(const struct cedar_value *a, const struct cedar_value *b, uint32_t *steps)
{
    int order = (a->n > b->n) - (a->n < b->n);

    if (order != 0 || a->items == b->items)
        return order;
    for (uint32_t i = 0; i < a->n && order == 0 && *steps > 0; i++)
        order = cedar_value_cmp_within(&a->items[i], &b->items[i], steps);
    return order;
}

static int record_cmp(const struct cedar_value *a, const struct cedar_value *b, uint32_t *steps)
{
    int order = (a->n > b->n) - (a->n < b->n);

    if (order != 0 || a->fields == b->fields)
        return order;
    for (uint32_t i = 0; i < a->n && order == 0 && *steps > 0; i++) {
        const struct cedar_field *x = &a->fields[i], *y = &b->fields[i];

        if (!spend(steps, x->name.len))
            break;
        order = text_cmp(x->name, y->name);
        if (order == 0)
            order = cedar_value_cmp_within(&x->value, &y->value, steps);
    }
    return order;
}

int cedar_value_cmp_within(const struct cedar_value *a, const struct cedar_value *b,
                           uint32_t *steps)
{
    if (!spend(steps, 0))
        return 0;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case CEDAR_BOOL:
        return a->truth - b->truth;
    case CEDAR_LONG:
    case CEDAR_DECIMAL:
    case CEDAR_DATETIME:
    case CEDAR_DURATION:
        return number_cmp(a->number, b->number);
    case CEDAR_STRING:
        if (a->n != b->n) /* the order need not be that of the alphabet */
            return a->n < b->n ? -1 : 1;
        if (a->text == b->text || a->n == 0 || !spend(steps, a->n))
            return 0;
        return memcmp(a->text, b->text, a->n);
    case CEDAR_ENTITY:
        if (a->uid == b->uid || !spend(steps, a->uid->hash == b->uid->hash ? a->uid->id.len : 0))
            return 0;
        return cedar_uid_cmp(a->uid, b->uid);
    case CEDAR_SET:
        return set_cmp(a, b, steps);
    case CEDAR_RECORD:
        return record_cmp(a, b, steps);
    case CEDAR_IP:
        return ip_cmp(a->ip, b->ip);
    }
    return 0;
}

/* Without a budget: as many steps as there are, again and again, would be needed for values larger
 * than 2^32 steps; no value that fits the limits of cedar.h is. */
int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b)
{
    uint32_t steps = UINT32_MAX;

    return cedar_value_cmp_within(a, b, &steps);
}

bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b)
{
    return cedar_value_cmp(a, b) == 0;
}

const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct slice name)
{
    uint32_t low = 0, high = record->n;

    if (high <= FEW_FIELDS) {
        for (uint32_t i = 0; i < high; i++) {
            const struct slice *have = &record->fields[i].name;

            if (have->len == name.len &&
                (name.len == 0 || memcmp(have->ptr, name.ptr, name.len) == 0))
                return &record->fields[i].value;
        }
        return NULL;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = text_cmp(record->fields[middle].name, name);

        if (order == 0)
            return &record->fields[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
