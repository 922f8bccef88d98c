/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/jcs.h"

#include "gate/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32
#define WHOLE_MAX 9007199254740991LL /* 2^53 - 1 */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static err_code put_escaped(unsigned char c, struct buf *ret)
{
    static const char SHORT[] = "btn_fr"; /* 8, 9, 10, -, 12, 13 */
    char escape[8];

    if (c >= 0x20)
        (void)snprintf(escape, sizeof escape, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11)
        (void)snprintf(escape, sizeof escape, "\\%c", SHORT[c - 8]);
    else
        (void)snprintf(escape, sizeof escape, "\\u%04x", c);
    return buf_add_str(ret, escape);
}

static err_code put_string(const char *text, size_t len, struct buf *ret)
{
    TRY(buf_add_u8(ret, '"'));
    for (size_t from = 0, to; from < len; from = to) {
        to = from;
        while (to < len && is_plain((unsigned char)text[to]))
            to++;
        TRY(buf_add(ret, text + from, to - from));
        if (to < len)
            TRY(put_escaped((unsigned char)text[to++], ret));
    }
    return buf_add_u8(ret, '"');
}

/* RFC 8785 3.2.3 sorts by UTF-16 code units: the same as by code point, except that what needs a
 * surrogate pair (a lead byte of 0xf0 and above in UTF-8) goes before U+E000..U+FFFF (0xee, 0xef).
 */
static unsigned utf16_rank(unsigned char c)
{
    return c >= 0xf0 ? 0xedu * 8 + 1 + (c - 0xf0u) : c * 8u;
}

static int by_utf16(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a,
                        *y = *(const unsigned char *const *)b;

    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    return (int)utf16_rank(*x) - (int)utf16_rank(*y);
}

static err_code put(const json_t *value, unsigned depth, struct buf *ret);

static void names_free(const char ***names)
{
    free(*names);
}

static err_code put_object_members(const json_t *object, unsigned depth, struct buf *ret)
{
    size_t n = json_object_size(object), i = 0;
    CLEANUP(names_free) const char **names = calloc(n + 1, sizeof *names);
    const char *name;
    json_t *member;

    if (names == NULL)
        return ERR_NO_MEMORY;
    json_object_foreach((json_t *)(uintptr_t)object, name, member) names[i++] = name;
    qsort(names, n, sizeof *names, by_utf16);
    TRY(buf_add_u8(ret, '{'));
    for (i = 0; i < n; i++) {
        if (i > 0)
            TRY(buf_add_u8(ret, ','));
        TRY(put_string(names[i], strlen(names[i]), ret));
        TRY(buf_add_u8(ret, ':'));
        TRY(put(json_object_get(object, names[i]), depth + 1, ret));
    }
    return buf_add_u8(ret, '}');
}

static err_code put_array_items(const json_t *array, unsigned depth, struct buf *ret)
{
    TRY(buf_add_u8(ret, '['));
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            TRY(buf_add_u8(ret, ','));
        TRY(put(json_array_get(array, i), depth + 1, ret));
    }
    return buf_add_u8(ret, ']');
}

static err_code put(const json_t *value, unsigned depth, struct buf *ret)
{
    char number[24];

    if (depth > DEPTH_MAX)
        return ERR_TOO_LARGE;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_object_members(value, depth, ret);
    case JSON_ARRAY:
        return put_array_items(value, depth, ret);
    case JSON_STRING:
        return put_string(json_string_value(value), json_string_length(value), ret);
    case JSON_INTEGER:
        if (json_integer_value(value) > WHOLE_MAX || json_integer_value(value) < -WHOLE_MAX)
            return ERR_REQUEST_MALFORMED;
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return buf_add_str(ret, number);
    case JSON_TRUE:
        return buf_add_str(ret, "true");
    case JSON_FALSE:
        return buf_add_str(ret, "false");
    case JSON_REAL:
    case JSON_NULL:
        break;
    }
    return ERR_REQUEST_MALFORMED;
}

err_code jcs_put(const json_t *value, struct buf *ret)
{
    return value == NULL ? ERR_REQUEST_MALFORMED : put(value, 0, ret);
}
