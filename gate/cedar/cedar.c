/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/cedar.h"

#include "gate/cedar/lex.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a (Fowler, Noll, Vo), then mixed so that the low bits depend on all. It only saves
 * comparisons: whoever makes names collide makes look-ups slower, never wrong. */
static uint64_t hash(uint64_t start, struct slice bytes)
{
    uint64_t h = start;

    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ bytes.ptr[i]) * 0x100000001b3;
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15;
}

struct cedar_uid cedar_uid_of(struct slice type, struct slice id)
{
    return (struct cedar_uid){type, id, hash(hash(0xcbf29ce484222325, type), id)};
}

bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b)
{
    return a->hash == b->hash && slice_eq(a->id, b->id) && slice_eq(a->type, b->type);
}

int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b)
{
    int order = (a->hash > b->hash) - (a->hash < b->hash);

    if (order == 0)
        order = slice_cmp(a->type, b->type);
    return order != 0 ? order : slice_cmp(a->id, b->id);
}

bool cedar_ident_valid(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!(i == 0 ? cedar_ident_start : cedar_ident_more)(word.ptr[i]))
            return false;
    return word.len > 0 && !cedar_reserved(word);
}

bool cedar_type_is_action(struct slice type)
{
    static const char SUFFIX[] = "::Action";
    size_t n = sizeof SUFFIX - 1;

    return slice_eq_str(type, "Action") ||
           (type.len > n && slice_eq_str(slice_part(type, type.len - n, n), SUFFIX));
}

bool cedar_type_valid(struct slice type)
{
    size_t i = 0;

    if (type.len > CEDAR_NAME_MAX)
        return false;
    for (;;) {
        size_t start = i;
        struct slice part;

        while (i < type.len && (i == start ? cedar_ident_start : cedar_ident_more)(type.ptr[i]))
            i++;
        part = slice_part(type, start, i - start);
        if (part.len == 0 || cedar_reserved(part) || slice_eq_str(part, "__cedar"))
            return false;
        if (i == type.len)
            return true;
        if (!slice_eq_str(slice_part(type, i, 2), "::"))
            return false;
        i += 2;
    }
}

void cedar_quote(struct slice bytes, char *ret, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < bytes.len;) {
        char one[16];
        uint32_t c = 0;
        size_t n = cedar_utf8(slice_part(bytes, i, bytes.len - i), &c);

        if (n == 0) {
            c = 0xfffd; /* the replacement character, for what is no character */
            n = 1;
        }
        if (c >= 0x20 && c < 0x7f)
            snprintf(one, sizeof one, "%c", (int)c);
        else
            snprintf(one, sizeof one, "\\u{%x}", c);
        if (len + strlen(one) + 4 > size) {
            snprintf(ret + len, size - len, "...");
            return;
        }
        memcpy(ret + len, one, strlen(one));
        len += strlen(one);
        i += n;
    }
    ret[len] = '\0';
}

void cedar_uid_text(const struct cedar_uid *uid, char ret[static CEDAR_UID_TEXT])
{
    char type[64], id[80];

    cedar_quote(uid->type, type, sizeof type);
    cedar_quote(uid->id, id, sizeof id);
    snprintf(ret, CEDAR_UID_TEXT, "%s::\"%s\"", type, id);
}
