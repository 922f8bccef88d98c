/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cbor_head.h"

#include <math.h>
#include <string.h>

size_t cbor_head_put(enum cbor_major major, uint64_t arg, uint8_t ret[static CBOR_HEAD_MAX])
{
    unsigned info = arg < 24            ? (unsigned)arg
                    : arg <= UINT8_MAX  ? 24
                    : arg <= UINT16_MAX ? 25
                    : arg <= UINT32_MAX ? 26
                                        : 27;
    size_t more = info < 24 ? 0 : (size_t)1 << (info - 24);

    ret[0] = (uint8_t)((unsigned)major << 5 | info);
    for (size_t i = 0; i < more; i++)
        ret[more - i] = (uint8_t)(arg >> (8 * i));
    return 1 + more;
}

/* ---- floats ---------------------------------------------------------------------------------- */

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Sign, exponent and fraction of a half or single, put where a double has them. Works on bits, so
 * that a NaN keeps its payload. */
static uint64_t widen(uint64_t bits, unsigned exp_len, unsigned frac_len)
{
    uint64_t sign = bits >> (exp_len + frac_len) << 63;
    uint64_t exp_max = (UINT64_C(1) << exp_len) - 1;
    uint64_t exp = bits >> frac_len & exp_max;
    uint64_t frac = bits & ((UINT64_C(1) << frac_len) - 1);

    if (exp == 0) /* zero, or so many of the smallest steps */
        return sign | bits_of((double)frac * (exp_len == 5 ? 0x1p-24 : 0x1p-149));
    exp = exp == exp_max ? 0x7ff : exp + 1023 - (exp_max >> 1);
    return sign | exp << 52 | frac << (52 - frac_len);
}

static uint64_t double_bits(const struct cbor_head *head)
{
    if (head->info == 25)
        return widen(head->arg, 5, 10);
    return head->info == 26 ? widen(head->arg, 8, 23) : head->arg;
}

double cbor_head_float(const struct cbor_head *head)
{
    return double_of(double_bits(head));
}

/* A half holds eleven significant bits in steps of 2^-24, up to 65504. */
static bool fits_half(double value)
{
    double steps = value * 0x1p24;

    if (isinf(value))
        return true;
    return value >= -65504 && value <= 65504 && (double)(int64_t)steps == steps &&
           (bits_of(value) & ((UINT64_C(1) << 42) - 1)) == 0;
}

static bool fits_single(double value)
{
    return isinf(value) ||
           (value >= -0x1.fffffep127 && value <= 0x1.fffffep127 && (double)(float)value == value);
}

bool cbor_head_float_shortest(const struct cbor_head *head)
{
    double value = cbor_head_float(head);

    if (isnan(value))
        return head->info == 25 && head->arg == 0x7e00;
    if (head->info == 25)
        return true;
    return !fits_half(value) && (head->info == 26 || !fits_single(value));
}

/* ---- order ----------------------------------------------------------------------------------- */

static int order(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static bool is_float(const struct cbor_head *head)
{
    return cbor_head_type(head) == CBOR_FLOAT;
}

static bool is_string(const struct cbor_head *head)
{
    return head->major == CBOR_MAJOR_BYTES || head->major == CBOR_MAJOR_TEXT;
}

static int head_cmp(const struct cbor_head *a, const struct cbor_head *b)
{
    if (a->major != b->major)
        return order(a->major, b->major);
    if (is_float(a) != is_float(b))
        return is_float(a) ? 1 : -1;
    return is_float(a) ? order(double_bits(a), double_bits(b)) : order(a->arg, b->arg);
}

int cbor_item_cmp(struct slice a, struct slice b)
{
    while (a.len > 0 && b.len > 0) {
        struct cbor_head head_a, head_b;
        int differ;

        if (cbor_head_take(&a, &head_a) != ERR_OK || cbor_head_take(&b, &head_b) != ERR_OK)
            return slice_cmp(a, b); /* not reached for checked items */
        differ = head_cmp(&head_a, &head_b);
        if (differ == 0 && is_string(&head_a)) {
            size_t len = head_a.arg > a.len ? a.len : (size_t)head_a.arg;
            differ = slice_cmp(slice_part(a, 0, len), slice_part(b, 0, len));
            a = slice_part(a, len, a.len - len);
            b = slice_part(b, len, b.len - len);
        }
        if (differ != 0)
            return differ < 0 ? -1 : 1;
    }
    return a.len > 0 ? 1 : b.len > 0 ? -1 : 0;
}
