/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/damage_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t stride(const struct damage *damage)
{
    return damage->stride == 0 ? 1 : damage->stride;
}

static bool is_allowed(const struct damage *damage, err_code err)
{
    for (const err_code *code = damage->allowed; *code != ERR_OK; code++)
        if (*code == err)
            return true;
    return false;
}

void damage_try(struct damage *damage, struct slice bytes, const char *how, size_t at)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    struct why why = {0};
    err_code err;

    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    err = damage->judge(damage->ctx, (struct slice){copy, bytes.len}, &why);
    free(copy);
    if (err == ERR_OK)
        fail_msg("%s: accepted, although %s %zu", damage->what, how, at);
    if (!is_allowed(damage, err))
        fail_msg("%s: %s %zu: refused with %s: %s", damage->what, how, at, err_name(err), why.text);
    damage->n++;
    damage->by_code[err]++;
}

void damage_bits(struct damage *damage, struct slice message, size_t from, size_t len)
{
    CLEANUP(buf_free) struct buf copy = {0};

    assert_true(from <= message.len && len <= message.len - from);
    assert_int_equal(buf_add_slice(&copy, message), ERR_OK);
    for (size_t bit = from * 8; bit < (from + len) * 8; bit += stride(damage)) {
        copy.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        damage_try(damage, buf_slice(&copy), "flipped was bit", bit);
        copy.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

void damage_cuts(struct damage *damage, struct slice message)
{
    for (size_t len = 0; len < message.len; len += stride(damage))
        damage_try(damage, slice_part(message, 0, len), "cut to bytes", len);
}

void damage_close(const struct damage *damage)
{
    print_message("%s: %zu refused:", damage->what, damage->n);
    for (size_t code = 0; code < DAMAGE_CODES; code++)
        if (damage->by_code[code] > 0)
            print_message(" %s %zu", err_name((err_code)code), damage->by_code[code]);
    print_message("\n");
    assert_true(damage->n > 0);
}
