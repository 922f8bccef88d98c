/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/revoked.h"

#include "gate/base/text.h"

#include <stdlib.h>

static const char *const KINDS[] = {
    [REVOKED_NONE] = "none",
    [REVOKED_KEY] = "key",
    [REVOKED_OBJECT] = "object",
};

const char *revoked_kind_name(enum revoked_kind kind)
{
    return KINDS[kind];
}

static enum revoked_kind kind_from(struct slice name)
{
    if (slice_eq_str(name, KINDS[REVOKED_KEY]))
        return REVOKED_KEY;
    return slice_eq_str(name, KINDS[REVOKED_OBJECT]) ? REVOKED_OBJECT : REVOKED_NONE;
}

static void get_one(struct cbor_reader *r, struct revocation *ret)
{
    struct cbor_map map = cbor_open_map(r);

    cbor_need(&map, "id");
    cbor_get_digest(r, &ret->id);
    cbor_need(&map, "kind");
    ret->kind = kind_from(cbor_get_text(r));
    cbor_need(&map, "since");
    ret->since = cbor_get_int(r);
    cbor_need(&map, "reason");
    ret->reason = cbor_get_text(r);
    cbor_close_map(&map);
    if (ret->kind == REVOKED_NONE)
        cbor_fail(r, ERR_FORMAT);
}

void revoked_get(struct cbor_reader *r, struct revoked *ret)
{
    size_t n = cbor_get_array(r);
    struct revoked list = {0};

    if (r->err != ERR_OK)
        return;
    if (n > REVOKED_MAX) {
        cbor_fail(r, ERR_TOO_LARGE);
        return;
    }
    list.items = n > 0 ? calloc(n, sizeof *list.items) : NULL;
    if (n > 0 && list.items == NULL) {
        cbor_fail(r, ERR_NO_MEMORY);
        return;
    }
    for (; list.n < n && r->err == ERR_OK; list.n++)
        get_one(r, &list.items[list.n]);
    if (r->err != ERR_OK) {
        revoked_free(&list);
        return;
    }
    revoked_free(ret);
    *ret = list;
}

void revoked_put(struct cbor_writer *w, const struct revoked *list)
{
    cbor_put_array(w, list->n);
    for (size_t i = 0; i < list->n; i++) {
        cbor_put_map(w, 4);
        cbor_put_text(w, "id");
        cbor_put_bytes(w, digest_slice(&list->items[i].id));
        cbor_put_text(w, "kind");
        cbor_put_text(w, KINDS[list->items[i].kind]);
        cbor_put_text(w, "since");
        cbor_put_int(w, list->items[i].since);
        cbor_put_text(w, "reason");
        cbor_put_text_slice(w, list->items[i].reason);
    }
}

/* The kinds' numbers stand in the order of their names. */
static int compare(enum revoked_kind kind, const struct digest *id, const struct revocation *item)
{
    if (kind != item->kind)
        return kind < item->kind ? -1 : 1;
    return slice_cmp(digest_slice(id), digest_slice(&item->id));
}

err_code revoked_check(const struct revoked *list, struct why *why)
{
    char first[DIGEST_TEXT], second[DIGEST_TEXT];

    if (list->n > REVOKED_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu revocations, the limit is %d", list->n,
                       REVOKED_MAX);
    for (size_t i = 0; i < list->n; i++) {
        const struct revocation *item = &list->items[i];
        TRY(term_time_check("since", item->since, why));
        if (!term_text_ok(item->reason))
            return why_say(why, ERR_FORMAT, "a reason of %zu bytes, or that is no plain text",
                           item->reason.len);
        if (i == 0 || compare(list->items[i - 1].kind, &list->items[i - 1].id, item) < 0)
            continue;
        digest_text(&list->items[i - 1].id, first);
        digest_text(&item->id, second);
        return why_say(why, ERR_FORMAT, "revocations are not in order: %s %s stands before %s %s",
                       KINDS[list->items[i - 1].kind], first, KINDS[item->kind], second);
    }
    return ERR_OK;
}

/* Where the item is, or would have to be put in. */
static size_t place(const struct revoked *list, enum revoked_kind kind, const struct digest *id)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(kind, id, &list->items[mid]) > 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct revocation *revoked_find(const struct revoked *list, enum revoked_kind kind,
                                      const struct digest *id)
{
    size_t at = place(list, kind, id);

    return at < list->n && compare(kind, id, &list->items[at]) == 0 ? &list->items[at] : NULL;
}

err_code revoked_add(struct revoked *list, const struct revocation *item)
{
    size_t at = place(list, item->kind, &item->id);
    struct revocation *items;

    if (revoked_find(list, item->kind, &item->id) != NULL)
        return ERR_OK;
    if (list->n >= REVOKED_MAX)
        return ERR_TOO_LARGE;
    items = reallocarray(list->items, list->n + 1, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    list->items = items;
    for (size_t i = list->n; i > at; i--)
        items[i] = items[i - 1];
    items[at] = *item;
    list->n++;
    return ERR_OK;
}

void revoked_free(struct revoked *list)
{
    free(list->items);
    *list = (struct revoked){0};
}
