/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/window.h"

static const struct {
    const char *unit;
    uint32_t ms;
} UNITS[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}};

/* The number that value begins with, up to the limit in milliseconds. *ret_len: its digits. */
static err_code number(struct slice value, uint32_t *ret, size_t *ret_len)
{
    uint32_t n = 0;
    size_t i = 0;

    for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++) {
        if (i > 0 && n == 0)
            return ERR_CEDAR_ANNOTATION; /* a leading zero */
        n = n * 10 + (uint32_t)(value.ptr[i] - '0');
        if (n > CEDAR_WINDOW_MAX_MS)
            return ERR_CEDAR_ANNOTATION;
    }
    if (i == 0)
        return ERR_CEDAR_ANNOTATION;
    *ret = n;
    *ret_len = i;
    return ERR_OK;
}

err_code cedar_window_parse(struct slice value, uint32_t *ret_ms)
{
    uint32_t n = 0;
    size_t len = 0;

    TRY(number(value, &n, &len));
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (!slice_eq_str(slice_part(value, len, value.len - len), UNITS[i].unit))
            continue;
        if (n > CEDAR_WINDOW_MAX_MS / UNITS[i].ms)
            return ERR_CEDAR_ANNOTATION;
        *ret_ms = n * UNITS[i].ms;
        return ERR_OK;
    }
    return ERR_CEDAR_ANNOTATION;
}

uint32_t cedar_window(const struct cedar_policy *policy)
{
    const struct cedar_annotation *said = cedar_annotation(policy, CEDAR_WINDOW);
    uint32_t ms = 0;

    if (said == NULL || cedar_window_parse(said->value, &ms) != ERR_OK)
        return 0;
    return ms;
}
