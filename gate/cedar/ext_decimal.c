/* SPDX-License-Identifier: Apache-2.0 */
/* ext_decimal.c: decimal numbers with four digits behind the point. */
#include "gate/cedar/ext.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGITS 4
#define SCALE 10000

/* Appends a digit on the side of the sign: the most negative number has no positive one. */
static bool push(int64_t *value, uint8_t c, bool negative)
{
    int64_t digit = c - '0';

    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, negative ? -digit : digit, value);
}

static bool is_digit(struct slice text, size_t i)
{
    return i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';
}

bool cedar_decimal_parse(struct slice text, int64_t *ret)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t i = negative, digits = 0;
    int64_t value = 0;

    if (!is_digit(text, i))
        return false;
    for (; is_digit(text, i); i++)
        if (!push(&value, text.ptr[i], negative))
            return false;
    if (i == text.len || text.ptr[i++] != '.')
        return false;
    for (; is_digit(text, i); i++)
        if (digits++ == DIGITS || !push(&value, text.ptr[i], negative))
            return false;
    if (digits == 0 || i < text.len)
        return false;
    for (; digits < DIGITS; digits++)
        if (!push(&value, '0', negative))
            return false;
    *ret = value;
    return true;
}

void cedar_decimal_text(int64_t value, char ret[static CEDAR_EXT_TEXT])
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

    snprintf(ret, CEDAR_EXT_TEXT, "%s%" PRIu64 ".%04" PRIu64, value < 0 ? "-" : "", size / SCALE,
             size % SCALE);
}
