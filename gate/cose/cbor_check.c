/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_check.c: the judgement over one whole message, before anything is read from it. */
#include "gate/base/text.h"
#include "gate/cose/cbor_head.h"

#include <stdlib.h>

/* The keys of the maps that are open, innermost last. Only foreign messages need it: a
 * deterministic map shows a duplicate between neighbours. */
struct keys {
    struct slice *ptr;
    size_t n, cap;
};

struct check {
    struct slice rest;
    enum cbor_rules rules;
    size_t items;
    struct keys keys;
};

static void keys_free(struct keys *keys)
{
    free(keys->ptr);
}

static err_code keys_push(struct keys *keys, struct slice key)
{
    if (keys->n == keys->cap) {
        size_t cap = keys->cap == 0 ? 64 : keys->cap * 2;
        struct slice *ptr = reallocarray(keys->ptr, cap, sizeof *ptr);
        if (ptr == NULL)
            return ERR_NO_MEMORY;
        keys->ptr = ptr;
        keys->cap = cap;
    }
    keys->ptr[keys->n++] = key;
    return ERR_OK;
}

static int key_order(const void *a, const void *b)
{
    return cbor_item_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Sorted first, so that a hostile map costs n log n and not n squared. */
static err_code keys_close(struct keys *keys, size_t from)
{
    size_t n = keys->n - from;
    struct slice *own;

    if (n < 2) {
        keys->n = from;
        return ERR_OK;
    }
    own = keys->ptr + from;
    keys->n = from;
    qsort(own, n, sizeof *own, key_order);
    for (size_t i = 1; i < n; i++)
        if (cbor_item_cmp(own[i - 1], own[i]) == 0)
            return ERR_CBOR_DUPLICATE_KEY;
    return ERR_OK;
}

static err_code item(struct check *c, unsigned depth);

/* RFC 8949 4.2.1: keys sort bytewise by their encoded form. */
static err_code map_deterministic(struct check *c, size_t n_pairs, unsigned depth)
{
    struct slice last = {0};

    for (size_t i = 0; i < n_pairs; i++) {
        struct slice from = c->rest, key;
        int differ;

        TRY(item(c, depth + 1));
        key = slice_part(from, 0, from.len - c->rest.len);
        differ = i == 0 ? -1 : slice_cmp(last, key);
        if (differ == 0)
            return ERR_CBOR_DUPLICATE_KEY;
        if (differ > 0)
            return ERR_CBOR_NOT_DETERMINISTIC;
        last = key;
        TRY(item(c, depth + 1));
    }
    return ERR_OK;
}

static err_code map_foreign(struct check *c, size_t n_pairs, unsigned depth)
{
    size_t base = c->keys.n;

    for (size_t i = 0; i < n_pairs; i++) {
        struct slice from = c->rest;

        TRY(item(c, depth + 1));
        TRY(keys_push(&c->keys, slice_part(from, 0, from.len - c->rest.len)));
        TRY(item(c, depth + 1));
    }
    return keys_close(&c->keys, base);
}

static err_code container(struct check *c, const struct cbor_head *head, unsigned depth)
{
    size_t n;

    if (depth >= CBOR_DEPTH_MAX)
        return ERR_CBOR_TOO_DEEP;
    TRY(cbor_head_inside(head, c->rest, &n));
    if (head->major == CBOR_MAJOR_MAP)
        return c->rules == CBOR_DETERMINISTIC ? map_deterministic(c, n / 2, depth)
                                              : map_foreign(c, n / 2, depth);
    for (size_t i = 0; i < n; i++)
        TRY(item(c, depth + 1));
    return ERR_OK;
}

static err_code string(struct check *c, const struct cbor_head *head)
{
    struct slice content;

    if (head->arg > c->rest.len)
        return ERR_CBOR_MALFORMED;
    content = slice_part(c->rest, 0, (size_t)head->arg);
    if (head->major == CBOR_MAJOR_TEXT && !utf8_valid(content))
        return ERR_CBOR_MALFORMED;
    c->rest = slice_part(c->rest, content.len, c->rest.len - content.len);
    return ERR_OK;
}

/* One item with everything inside it. The recursion ends at CBOR_DEPTH_MAX. */
static err_code item(struct check *c, unsigned depth)
{
    struct cbor_head head;

    if (++c->items > CBOR_ITEMS_MAX)
        return ERR_TOO_LARGE;
    TRY(cbor_head_take(&c->rest, &head));
    if (c->rules == CBOR_DETERMINISTIC &&
        !(cbor_head_type(&head) == CBOR_FLOAT ? cbor_head_float_shortest(&head)
                                              : cbor_head_shortest(&head)))
        return ERR_CBOR_NOT_DETERMINISTIC;
    switch (head.major) {
    case CBOR_MAJOR_BYTES:
    case CBOR_MAJOR_TEXT:
        return string(c, &head);
    case CBOR_MAJOR_ARRAY:
    case CBOR_MAJOR_MAP:
    case CBOR_MAJOR_TAG:
        return container(c, &head, depth);
    case CBOR_MAJOR_UINT:
    case CBOR_MAJOR_NEGATIVE:
    case CBOR_MAJOR_SIMPLE:
        return ERR_OK;
    }
    return ERR_CBOR_MALFORMED;
}

static err_code judge(struct check *c)
{
    TRY(item(c, 0));
    return c->rest.len == 0 ? ERR_OK : ERR_CBOR_TRAILING;
}

err_code cbor_check(struct slice bytes, enum cbor_rules rules)
{
    struct check c = {.rest = bytes, .rules = rules};
    err_code err;

    if (bytes.len > CBOR_SIZE_MAX)
        return ERR_TOO_LARGE;
    err = judge(&c);
    keys_free(&c.keys);
    return err;
}
