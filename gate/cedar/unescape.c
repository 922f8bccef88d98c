/* SPDX-License-Identifier: Apache-2.0 */
/* unescape.c: the value of a string token. */
#include "gate/cedar/lex.h"

#include <string.h>

static void put(struct cedar_unescaped *out, uint32_t c)
{
    if (c == '*' && out->stars != NULL)
        out->stars[out->len] = true;
    if (c < 0x80) {
        out->bytes[out->len++] = (uint8_t)c;
        return;
    }
    if (c < 0x800) {
        out->bytes[out->len++] = (uint8_t)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        out->bytes[out->len++] = (uint8_t)(0xe0 | c >> 12);
        out->bytes[out->len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    } else {
        out->bytes[out->len++] = (uint8_t)(0xf0 | c >> 18);
        out->bytes[out->len++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        out->bytes[out->len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    out->bytes[out->len++] = (uint8_t)(0x80 | (c & 0x3f));
}

/* The value of a hexadecimal digit, or 16. */
static uint32_t hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (uint32_t)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (uint32_t)(c - 'A' + 10);
    return 16;
}

/* \xHH, r behind the x. Returns the bytes taken, or 0. */
static size_t hex_escape(struct slice r, struct cedar_unescaped *out, const char **what)
{
    uint32_t high, low;

    *what = "\\x needs two hexadecimal digits";
    if (r.len < 2)
        return 0;
    high = hex(r.ptr[0]);
    low = hex(r.ptr[1]);
    if (high > 15 || low > 15)
        return 0;
    *what = "\\x goes up to \\x7f";
    if (high > 7)
        return 0;
    put(out, high * 16 + low);
    return 2;
}

/* \u{H_H...}, r behind the u. As in Rust: 1 to 6 digits, underscores anywhere but at the front.
 * Returns the bytes taken, or 0. */
static size_t unicode_escape(struct slice r, struct cedar_unescaped *out, const char **what)
{
    uint32_t value = 0;
    size_t digits = 0, i;

    *what = "\\u needs {, one to six hexadecimal digits, }";
    if (r.len < 2 || r.ptr[0] != '{' || r.ptr[1] == '_')
        return 0;
    for (i = 1; i < r.len && r.ptr[i] != '}'; i++) {
        if (r.ptr[i] == '_')
            continue;
        if (hex(r.ptr[i]) > 15 || ++digits > 6)
            return 0;
        value = value * 16 + hex(r.ptr[i]);
    }
    if (i == r.len || digits == 0)
        return 0;
    *what = "\\u{} is no Unicode character";
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    put(out, value);
    return i + 1;
}

/* r behind the backslash. Returns the bytes taken, or 0. */
static size_t escape(struct slice r, struct cedar_unescaped *out, const char **what)
{
    static const char FROM[] = "nrt\\0'\"", TO[] = "\n\r\t\\\0'\"";
    const char *simple;
    size_t n;

    *what = "expected \\n \\r \\t \\0 \\\\ \\' \\\" \\x or \\u, or \\* in a pattern";
    if (r.len == 0)
        return 0;
    if (r.ptr[0] == 'x' || r.ptr[0] == 'u') {
        struct slice behind = slice_part(r, 1, r.len - 1);

        n = r.ptr[0] == 'x' ? hex_escape(behind, out, what) : unicode_escape(behind, out, what);
        return n == 0 ? 0 : n + 1;
    }
    if (r.ptr[0] == '*' && out->stars != NULL) {
        out->bytes[out->len++] = '*';
        return 1;
    }
    simple = memchr(FROM, r.ptr[0], sizeof FROM - 1);
    if (simple == NULL)
        return 0;
    put(out, (uint8_t)TO[simple - FROM]);
    return 1;
}

err_code cedar_unescape(const struct cedar_token *token, struct cedar_unescaped *ret,
                        struct cedar_place *where, const char **what)
{
    struct slice inside = slice_part(token->text, 1, token->text.len - 2);

    ret->len = 0;
    for (size_t i = 0; i < inside.len;) {
        size_t n = 1;

        if (inside.ptr[i] == '\\') {
            n = escape(slice_part(inside, i + 1, inside.len - i - 1), ret, what);
            n = n == 0 ? 0 : n + 1;
        } else if (inside.ptr[i] == '\r') {
            *what = "a carriage return in a string is written \\r";
            n = 0;
        } else if (inside.ptr[i] == '*') {
            put(ret, '*');
        } else {
            ret->bytes[ret->len++] = inside.ptr[i];
        }
        if (n == 0) {
            *where = token->place;
            cedar_place_skip(where, slice_part(token->text, 0, i + 1));
            return ERR_CEDAR_SYNTAX;
        }
        i += n;
    }
    return ERR_OK;
}
