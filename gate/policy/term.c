/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/term.h"

#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <inttypes.h>
#include <stdlib.h>

static bool lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool term_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > TERM_NAME_MAX || !lower_or_digit(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!lower_or_digit(c) && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

err_code term_name_check(const char *what, struct slice name, struct why *why)
{
    if (term_name_ok(name))
        return ERR_OK;
    return why_say(why, ERR_FORMAT,
                   "%s \"%.*s\" of %zu bytes; allowed are 1 to %d of a-z 0-9 . _ -, "
                   "a letter or digit first",
                   what, name.len > TERM_NAME_MAX ? TERM_NAME_MAX : (int)name.len,
                   (const char *)name.ptr, name.len, TERM_NAME_MAX);
}

err_code term_number_check(const char *what, uint64_t number, struct why *why)
{
    if (number >= 1 && number <= TERM_NUMBER_MAX)
        return ERR_OK;
    return why_say(why, ERR_FORMAT, "%s is %" PRIu64 ", allowed is 1 to %" PRIu64, what, number,
                   TERM_NUMBER_MAX);
}

err_code term_time_check(const char *what, int64_t seconds, struct why *why)
{
    if (seconds >= 0 && seconds <= TERM_TIME_MAX)
        return ERR_OK;
    return why_say(why, ERR_FORMAT, "%s is %" PRId64 " s, allowed is 0 to %" PRId64, what, seconds,
                   TERM_TIME_MAX);
}

bool term_text_ok(struct slice text)
{
    size_t at;

    return text.len > 0 && text.len <= TERM_TEXT_MAX && text_is_plain(text, &at);
}

void term_list_get(struct cbor_reader *r, struct term_list *ret)
{
    size_t n = cbor_get_array(r);
    struct term_list list = {0};

    if (r->err != ERR_OK)
        return;
    if (n == 0 || n > TERM_LIST_MAX) {
        cbor_fail(r, n == 0 ? ERR_FORMAT : ERR_TOO_LARGE);
        return;
    }
    list.items = calloc(n, sizeof *list.items);
    if (list.items == NULL) {
        cbor_fail(r, ERR_NO_MEMORY);
        return;
    }
    for (list.n = 0; list.n < n; list.n++)
        list.items[list.n] = cbor_get_text(r);
    if (r->err != ERR_OK) {
        term_list_free(&list);
        return;
    }
    term_list_free(ret);
    *ret = list;
}

void term_list_put(struct cbor_writer *w, const struct term_list *list)
{
    cbor_put_array(w, list->n);
    for (size_t i = 0; i < list->n; i++)
        cbor_put_text_slice(w, list->items[i]);
}

err_code term_list_check(const char *what, const struct term_list *list, struct why *why)
{
    if (list->n > TERM_LIST_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu %s, the limit is %d", list->n, what, TERM_LIST_MAX);
    for (size_t i = 0; i < list->n; i++) {
        if (!term_text_ok(list->items[i]))
            return why_say(why, ERR_FORMAT,
                           "number %zu of %s has %zu bytes, or is no plain text; allowed are 1 to "
                           "%d bytes",
                           i + 1, what, list->items[i].len, TERM_TEXT_MAX);
        if (i > 0 && slice_cmp(list->items[i - 1], list->items[i]) >= 0)
            return why_say(why, ERR_FORMAT, "%s are not in order: \"%.*s\" stands before \"%.*s\"",
                           what, TERM_ARG(list->items[i - 1]), TERM_ARG(list->items[i]));
    }
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;

    return slice_cmp(*left, *right);
}

bool term_list_has(const struct term_list *list, struct slice text)
{
    return list->n > 0 &&
           bsearch(&text, list->items, list->n, sizeof *list->items, by_bytes) != NULL;
}

void term_list_free(struct term_list *list)
{
    free(list->items);
    *list = (struct term_list){0};
}

err_code term_key_get(struct cbor_reader *r, struct hw_pubkey *ret, struct why *why)
{
    TRY(r->err == ERR_OK ? ERR_OK : term_refuse(why, r->err, "key"));
    return cose_key_get_plain(r, ret, why);
}

err_code term_refuse(struct why *why, err_code err, const char *what)
{
    return why_say(why, err, "%s: %s", what, err_text(err));
}

void term_link_get(struct cbor_reader *r, struct term_link *ret)
{
    struct term_link link = {0};

    link.present = !cbor_get_null(r);
    if (link.present)
        cbor_get_digest(r, &link.digest);
    *ret = link;
}

void term_link_put(struct cbor_writer *w, const struct term_link *link)
{
    if (link->present)
        cbor_put_bytes(w, digest_slice(&link->digest));
    else
        cbor_put_null(w);
}

err_code term_link_check(const char *what, uint64_t number, const struct term_link *link,
                         struct why *why)
{
    if (link->present == (number != 1))
        return ERR_OK;
    return why_say(why, ERR_FORMAT, "%s %" PRIu64 " has %s predecessor", what, number,
                   link->present ? "a" : "no");
}
