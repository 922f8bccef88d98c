/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void hex_encode(struct slice bytes, char *ret, size_t size)
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < bytes.len && at + 2 < size; i++) {
        ret[at++] = DIGITS[bytes.ptr[i] >> 4];
        ret[at++] = DIGITS[bytes.ptr[i] & 15];
    }
    ret[at] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

err_code hex_decode(const char *text, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    for (; *text != '\0'; text += 2) {
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return ERR_FORMAT;
        TRY(buf_add_u8(&out, (uint8_t)(high << 4 | low)));
    }
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}

/* Three bytes as four digits; of one or two at the end two or three. */
static err_code base64_digits(struct slice bytes, const char digits[static 64], struct buf *ret)
{
    size_t whole = bytes.len / 3, rest = bytes.len % 3;
    const uint8_t *from = bytes.ptr;
    uint8_t *to;

    TRY(buf_add_space(ret, whole * 4 + (rest > 0 ? rest + 1 : 0), &to));
    for (; whole > 0; whole--, from += 3, to += 4) {
        uint32_t word = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];

        to[0] = (uint8_t)digits[word >> 18];
        to[1] = (uint8_t)digits[word >> 12 & 63];
        to[2] = (uint8_t)digits[word >> 6 & 63];
        to[3] = (uint8_t)digits[word & 63];
    }
    if (rest > 0) {
        uint32_t word = (uint32_t)from[0] << 16 | (rest > 1 ? (uint32_t)from[1] << 8 : 0);

        for (size_t k = 0; k <= rest; k++)
            to[k] = (uint8_t)digits[word >> (18 - 6 * k) & 63];
    }
    return ERR_OK;
}

err_code base64url_encode(struct slice bytes, struct buf *ret)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    TRY(base64_digits(bytes, DIGITS, ret));
    return buf_terminate(ret);
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

err_code base64_encode(struct slice bytes, struct buf *ret)
{
    TRY(base64_digits(bytes, BASE64, ret));
    TRY(buf_add(ret, "==", (3 - bytes.len % 3) % 3));
    return buf_terminate(ret);
}

err_code base64_decode(struct slice text, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    if (text.len % 4 != 0)
        return ERR_FORMAT;
    for (size_t i = 0; i < text.len; i += 4) {
        const uint8_t *group = text.ptr + i;
        bool last = i + 4 == text.len;
        size_t n = !last || group[3] != '=' ? 4 : group[2] != '=' ? 3 : 2;
        uint32_t word = 0;
        for (size_t k = 0; k < n; k++) {
            const char *digit = memchr(BASE64, group[k], 64);
            if (digit == NULL)
                return ERR_FORMAT;
            word = word << 6 | (uint32_t)(digit - BASE64);
        }
        word <<= 6 * (4 - n);
        if (n < 4 && (word & (n == 3 ? 0xffu : 0xffffu)) != 0)
            return ERR_FORMAT;
        for (size_t k = 0; k < n - 1; k++)
            TRY(buf_add_u8(&out, (uint8_t)(word >> (16 - 8 * k))));
    }
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}

err_code text_percent(struct slice text, struct buf *ret)
{
    static const char KEPT[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    static const char DIGITS[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        const char coded[] = {'%', DIGITS[c >> 4], DIGITS[c & 15]};
        if (memchr(KEPT, c, sizeof KEPT - 1) != NULL)
            TRY(buf_add_u8(ret, c));
        else
            TRY(buf_add(ret, coded, sizeof coded));
    }
    return buf_terminate(ret);
}

void digest_text(const struct digest *digest, char ret[static DIGEST_TEXT])
{
    memcpy(ret, "sha256:", 7);
    hex_encode(digest_slice(digest), ret + 7, DIGEST_TEXT - 7);
}

err_code digest_parse(const char *text, struct digest *ret)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    if (strncmp(text, "sha256:", 7) == 0)
        text += 7;
    TRY(hex_decode(text, &bytes));
    return digest_from(buf_slice(&bytes), ret);
}

void time_text(int64_t seconds, char ret[static TIME_TEXT])
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900 ||
        strftime(ret, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(ret, TIME_TEXT, "%lld", (long long)seconds);
}

/* Exactly n decimal digits at *at, moving past them. */
static bool digits(const char **at, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += n;
    *ret = value;
    return true;
}

static bool literal(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static err_code rfc3339_parse(const char *at, int64_t *ret)
{
    struct tm tm = {0}, back;
    time_t t;

    if (!digits(&at, 4, &tm.tm_year) || !literal(&at, '-') || !digits(&at, 2, &tm.tm_mon) ||
        !literal(&at, '-') || !digits(&at, 2, &tm.tm_mday) || !literal(&at, 'T') ||
        !digits(&at, 2, &tm.tm_hour) || !literal(&at, ':') || !digits(&at, 2, &tm.tm_min) ||
        !literal(&at, ':') || !digits(&at, 2, &tm.tm_sec) || !literal(&at, 'Z') || *at != '\0')
        return ERR_FORMAT;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    back = tm;
    t = timegm(&back); /* normalises 31 February to March: refuse what it changed */
    if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
        back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
        return ERR_FORMAT;
    *ret = t;
    return ERR_OK;
}

err_code duration_parse(const char *text, int64_t *ret)
{
    static const struct {
        char unit;
        int64_t seconds;
    } UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    int64_t value = 0;
    size_t at = 0;

    for (; text[at] >= '0' && text[at] <= '9'; at++) {
        if (at >= 9)
            return ERR_FORMAT;
        value = value * 10 + (text[at] - '0');
    }
    if (at == 0 || text[at] == '\0' || text[at + 1] != '\0')
        return ERR_FORMAT;
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
        if (UNITS[i].unit == text[at]) {
            *ret = value * UNITS[i].seconds;
            return ERR_OK;
        }
    return ERR_FORMAT;
}

#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z, the last that can be written */

err_code time_parse(const char *text, int64_t now, int64_t *ret)
{
    int64_t offset;

    if (strcmp(text, "now") == 0) {
        *ret = now;
        return ERR_OK;
    }
    if (*text == '+') {
        TRY(duration_parse(text + 1, &offset));
        if (now > TIME_MAX - offset)
            return ERR_FORMAT;
        *ret = now + offset;
        return ERR_OK;
    }
    return rfc3339_parse(text, ret);
}

err_code number_parse(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0, base = 10;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return ERR_FORMAT;
    for (; *text != '\0'; text++) {
        int digit = hex_digit(*text);
        if (digit < 0 || (uint64_t)digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value) || value > max)
            return ERR_FORMAT;
    }
    *ret = value;
    return ERR_OK;
}

/* Length of the sequence that begins with this byte, its payload bits, its smallest code point. */
static size_t utf8_lead(uint8_t lead, uint32_t *bits, uint32_t *least)
{
    if (lead < 0x80) {
        *bits = lead;
        *least = 0;
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        *bits = lead & 0x1f;
        *least = 0x80;
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *bits = lead & 0x0f;
        *least = 0x800;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *bits = lead & 0x07;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

/* Reads the code point at *at and moves past it; false where there is none. */
static bool utf8_next(struct slice bytes, size_t *at, uint32_t *ret)
{
    uint32_t point, least;
    size_t n = utf8_lead(bytes.ptr[*at], &point, &least);

    if (n == 0 || n > bytes.len - *at)
        return false;
    for (size_t k = 1; k < n; k++) {
        if ((bytes.ptr[*at + k] & 0xc0) != 0x80)
            return false;
        point = point << 6 | (bytes.ptr[*at + k] & 0x3fu);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return false;
    *at += n;
    *ret = point;
    return true;
}

/* How many octets from here on are ASCII: nearly all text is, and eight are looked at in one step.
 */
static size_t ascii_run(struct slice bytes, size_t from)
{
    size_t at = from;
    uint64_t eight;

    for (; bytes.len - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes.ptr + at, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (at < bytes.len && bytes.ptr[at] < 0x80)
        at++;
    return at - from;
}

bool utf8_valid(struct slice bytes)
{
    uint32_t point;

    for (size_t i = ascii_run(bytes, 0); i < bytes.len; i += ascii_run(bytes, i))
        if (!utf8_next(bytes, &i, &point))
            return false;
    return true;
}

/* C0, DEL and C1; line and paragraph separator; what UAX 9 calls explicit formatting characters;
 * the byte order mark, which nobody sees. */
static bool is_plain(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x2028 && c != 0x2029 && c != 0x061c &&
           c != 0x200e && c != 0x200f && !(c >= 0x202a && c <= 0x202e) &&
           !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff;
}

bool text_is_plain(struct slice text, size_t *ret_at)
{
    uint32_t point;

    for (size_t i = 0, next = 0; i < text.len; i = next)
        if (text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f) {
            next = i + 1;
        } else if (!utf8_next(text, &next, &point) || !is_plain(point)) {
            *ret_at = i;
            return false;
        }
    return true;
}

void text_defuse(char *text, size_t len)
{
    const struct slice all = {(const uint8_t *)text, len};

    for (size_t from = 0, at; !text_is_plain(slice_part(all, from, len - from), &at); from++) {
        from += at;
        text[from] = '?';
    }
}
