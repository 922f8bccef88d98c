/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cbor_diag.h"

#include "gate/base/text.h"
#include "gate/cose/cbor_head.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_OCTETS 40 /* an array or map of so many encoded octets stays on one line */

struct diag {
    struct cbor_reader in;
    struct buf *out;
};

static void put(struct diag *d, const void *text, size_t len)
{
    if (d->in.err != ERR_OK)
        return;
    cbor_fail(&d->in,
              len > CBOR_DIAG_MAX - d->out->len ? ERR_TOO_LARGE : buf_add(d->out, text, len));
}

static void put_text(struct diag *d, const char *text)
{
    put(d, text, strlen(text));
}

[[gnu::format(printf, 2, 3)]] static void put_format(struct diag *d, const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_text(d, text);
}

static void put_hex(struct diag *d, struct slice bytes)
{
    char text[2 * 256 + 1];

    put_text(d, "h'");
    for (size_t at = 0; at < bytes.len && d->in.err == ERR_OK; at += 256) {
        size_t n = bytes.len - at < 256 ? bytes.len - at : 256;
        hex_encode(slice_part(bytes, at, n), text, sizeof text);
        put_text(d, text);
    }
    put_text(d, "'");
}

/* ---- text ------------------------------------------------------------------------------------ */

/* One character of valid UTF-8; returns its length. */
static size_t character(const uint8_t *at, uint32_t *ret)
{
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t value = len == 1 ? at[0] : at[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        value = value << 6 | (at[i] & 0x3fu);
    *ret = value;
    return len;
}

/* Controls (C0, DEL, C1), line and paragraph separators, and everything that changes the direction
 * in which a terminal writes or joins what should stand apart. */
static bool must_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

static void put_escaped(struct diag *d, uint32_t c)
{
    if (c == '\n')
        put_text(d, "\\n");
    else if (c == '\t')
        put_text(d, "\\t");
    else if (c < 0x10000)
        put_format(d, "\\u%04x", c);
    else
        put_format(d, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                   0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void put_string(struct diag *d, struct slice text)
{
    size_t len;

    put_text(d, "\"");
    for (size_t i = 0; i < text.len && d->in.err == ERR_OK; i += len) {
        uint32_t c;
        len = character(text.ptr + i, &c);
        if (c == '"' || c == '\\')
            put_text(d, "\\");
        if (must_escape(c))
            put_escaped(d, c);
        else
            put(d, text.ptr + i, len);
    }
    put_text(d, "\"");
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void put_negative(struct diag *d, uint64_t arg)
{
    if (arg == UINT64_MAX)
        put_text(d, "-18446744073709551616");
    else
        put_format(d, "-%llu", (unsigned long long)arg + 1);
}

/* As many digits as it takes to read back the same number, with the point that makes it a float. */
static void put_float(struct diag *d, double value)
{
    char text[40];
    size_t whole;

    if (isnan(value) || isinf(value)) {
        put_text(d, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    whole = strcspn(text, ".e");
    put(d, text, whole);
    if (text[whole] != '.')
        put_text(d, ".0");
    put_text(d, text + whole);
}

static void put_simple(struct diag *d, uint64_t value)
{
    static const char *const NAMES[] = {"false", "true", "null", "undefined"};

    if (value >= 20 && value <= 23)
        put_text(d, NAMES[value - 20]);
    else
        put_format(d, "simple(%llu)", (unsigned long long)value);
}

/* ---- items ----------------------------------------------------------------------------------- */

static void put_item(struct diag *d, unsigned depth);

static void put_break(struct diag *d, bool lines, unsigned depth)
{
    if (!lines)
        return;
    put_text(d, "\n");
    for (unsigned i = 0; i < depth; i++)
        put_text(d, "  ");
}

/* lines: each element or pair on a line of its own. */
static void put_elements(struct diag *d, const struct cbor_head *head, bool lines, unsigned depth)
{
    bool map = head->major == CBOR_MAJOR_MAP;

    put_text(d, map ? "{" : "[");
    for (uint64_t i = 0; i < head->arg && d->in.err == ERR_OK; i++) {
        if (i > 0)
            put_text(d, lines ? "," : ", ");
        put_break(d, lines, depth + 1);
        put_item(d, depth + 1);
        if (map) {
            put_text(d, ": ");
            put_item(d, depth + 1);
        }
    }
    put_break(d, lines && head->arg > 0, depth);
    put_text(d, map ? "}" : "]");
}

static struct slice string_take(struct diag *d, const struct cbor_head *head)
{
    struct slice content = slice_part(d->in.rest, 0, (size_t)head->arg);

    d->in.rest = slice_part(d->in.rest, content.len, d->in.rest.len - content.len);
    return content;
}

/* The item is known to be well-formed and no deeper than CBOR_DEPTH_MAX. */
static void put_item(struct diag *d, unsigned depth)
{
    struct cbor_reader ahead = d->in;
    bool lines = cbor_get_item(&ahead).len > LINE_MAX_OCTETS;
    struct cbor_head head = {0};

    cbor_fail(&d->in, cbor_head_take(&d->in.rest, &head));
    switch (head.major) {
    case CBOR_MAJOR_UINT:
        put_format(d, "%llu", (unsigned long long)head.arg);
        return;
    case CBOR_MAJOR_NEGATIVE:
        put_negative(d, head.arg);
        return;
    case CBOR_MAJOR_BYTES:
        put_hex(d, string_take(d, &head));
        return;
    case CBOR_MAJOR_TEXT:
        put_string(d, string_take(d, &head));
        return;
    case CBOR_MAJOR_ARRAY:
    case CBOR_MAJOR_MAP:
        put_elements(d, &head, lines, depth);
        return;
    case CBOR_MAJOR_TAG:
        put_format(d, "%llu(", (unsigned long long)head.arg);
        put_item(d, depth);
        put_text(d, ")");
        return;
    case CBOR_MAJOR_SIMPLE:
        if (head.info >= 25)
            put_float(d, cbor_head_float(&head));
        else
            put_simple(d, head.arg);
        return;
    }
}

err_code cbor_diag(struct slice bytes, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct diag d = {.in = cbor_read(bytes, CBOR_FOREIGN), .out = &out};

    if (d.in.err == ERR_OK)
        put_item(&d, 0);
    TRY(cbor_done(&d.in));
    return buf_add_slice(ret, buf_slice(&out));
}
