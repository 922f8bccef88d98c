/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/ext.h"

#include "gate/cedar/arena.h"

/* Numbers of milliseconds, truncated toward zero like every division here. */
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* All that the readers, the printers and the validator know of a function. What it does is said in
 * construct(), judge() or compute(), by its result. */
static const struct cedar_fn_info FUNCTIONS[CEDAR_FN_END] = {
    [CEDAR_FN_IP] = {"ip", false, 1, {CEDAR_STRING}, CEDAR_IP},
    [CEDAR_FN_DECIMAL] = {"decimal", false, 1, {CEDAR_STRING}, CEDAR_DECIMAL},
    [CEDAR_FN_DATETIME] = {"datetime", false, 1, {CEDAR_STRING}, CEDAR_DATETIME},
    [CEDAR_FN_DURATION] = {"duration", false, 1, {CEDAR_STRING}, CEDAR_DURATION},
    [CEDAR_FN_IS_IPV4] = {"isIpv4", true, 1, {CEDAR_IP}, CEDAR_BOOL},
    [CEDAR_FN_IS_IPV6] = {"isIpv6", true, 1, {CEDAR_IP}, CEDAR_BOOL},
    [CEDAR_FN_IS_LOOPBACK] = {"isLoopback", true, 1, {CEDAR_IP}, CEDAR_BOOL},
    [CEDAR_FN_IS_MULTICAST] = {"isMulticast", true, 1, {CEDAR_IP}, CEDAR_BOOL},
    [CEDAR_FN_IS_IN_RANGE] = {"isInRange", true, 2, {CEDAR_IP, CEDAR_IP}, CEDAR_BOOL},
    [CEDAR_FN_LESS_THAN] = {"lessThan", true, 2, {CEDAR_DECIMAL, CEDAR_DECIMAL}, CEDAR_BOOL},
    [CEDAR_FN_LESS_THAN_OR_EQUAL] =
        {"lessThanOrEqual", true, 2, {CEDAR_DECIMAL, CEDAR_DECIMAL}, CEDAR_BOOL},
    [CEDAR_FN_GREATER_THAN] = {"greaterThan", true, 2, {CEDAR_DECIMAL, CEDAR_DECIMAL}, CEDAR_BOOL},
    [CEDAR_FN_GREATER_THAN_OR_EQUAL] =
        {"greaterThanOrEqual", true, 2, {CEDAR_DECIMAL, CEDAR_DECIMAL}, CEDAR_BOOL},
    [CEDAR_FN_OFFSET] = {"offset", true, 2, {CEDAR_DATETIME, CEDAR_DURATION}, CEDAR_DATETIME},
    [CEDAR_FN_DURATION_SINCE] =
        {"durationSince", true, 2, {CEDAR_DATETIME, CEDAR_DATETIME}, CEDAR_DURATION},
    [CEDAR_FN_TO_DATE] = {"toDate", true, 1, {CEDAR_DATETIME}, CEDAR_DATETIME},
    [CEDAR_FN_TO_TIME] = {"toTime", true, 1, {CEDAR_DATETIME}, CEDAR_DURATION},
    [CEDAR_FN_TO_MILLISECONDS] = {"toMilliseconds", true, 1, {CEDAR_DURATION}, CEDAR_LONG},
    [CEDAR_FN_TO_SECONDS] = {"toSeconds", true, 1, {CEDAR_DURATION}, CEDAR_LONG},
    [CEDAR_FN_TO_MINUTES] = {"toMinutes", true, 1, {CEDAR_DURATION}, CEDAR_LONG},
    [CEDAR_FN_TO_HOURS] = {"toHours", true, 1, {CEDAR_DURATION}, CEDAR_LONG},
    [CEDAR_FN_TO_DAYS] = {"toDays", true, 1, {CEDAR_DURATION}, CEDAR_LONG},
};

const struct cedar_fn_info *cedar_fn_info(enum cedar_fn fn)
{
    return fn > CEDAR_FN_NONE && fn < CEDAR_FN_END ? &FUNCTIONS[fn] : NULL;
}

enum cedar_fn cedar_fn_from(struct slice name)
{
    for (enum cedar_fn fn = CEDAR_FN_IP; fn < CEDAR_FN_END; fn++)
        if (slice_eq_str(name, FUNCTIONS[fn].name))
            return fn;
    return CEDAR_FN_NONE;
}

/* The constructors. False: the text is none, or fn is. */
static bool construct(enum cedar_fn fn, struct slice text, struct cedar_ip *ip,
                      struct cedar_value *ret)
{
    ret->kind = FUNCTIONS[fn].result;
    switch ((int)fn) {
    case CEDAR_FN_IP:
        ret->ip = ip;
        return cedar_ip_parse(text, ip);
    case CEDAR_FN_DECIMAL:
        return cedar_decimal_parse(text, &ret->number);
    case CEDAR_FN_DATETIME:
        return cedar_datetime_parse(text, &ret->number);
    case CEDAR_FN_DURATION:
        return cedar_duration_parse(text, &ret->number);
    default:
        return false;
    }
}

/* The methods whose result is a bool. False: fn is none of them. */
static bool judge(enum cedar_fn fn, const struct cedar_value *args, bool *ret)
{
    switch ((int)fn) {
    case CEDAR_FN_IS_IPV4:
        *ret = !args[0].ip->v6;
        return true;
    case CEDAR_FN_IS_IPV6:
        *ret = args[0].ip->v6;
        return true;
    case CEDAR_FN_IS_LOOPBACK:
        *ret = cedar_ip_loopback(args[0].ip);
        return true;
    case CEDAR_FN_IS_MULTICAST:
        *ret = cedar_ip_multicast(args[0].ip);
        return true;
    case CEDAR_FN_IS_IN_RANGE:
        *ret = cedar_ip_in_range(args[0].ip, args[1].ip);
        return true;
    case CEDAR_FN_LESS_THAN:
        *ret = args[0].number < args[1].number;
        return true;
    case CEDAR_FN_LESS_THAN_OR_EQUAL:
        *ret = args[0].number <= args[1].number;
        return true;
    case CEDAR_FN_GREATER_THAN:
        *ret = args[0].number > args[1].number;
        return true;
    case CEDAR_FN_GREATER_THAN_OR_EQUAL:
        *ret = args[0].number >= args[1].number;
        return true;
    default:
        return false;
    }
}

/* The methods whose result is a number, whatever it means. False: it is beyond 64 bits, or fn is
 * none of them. */
static bool compute(enum cedar_fn fn, const struct cedar_value *args, int64_t *ret)
{
    int64_t number = args[0].number;

    switch ((int)fn) {
    case CEDAR_FN_OFFSET:
        return !__builtin_add_overflow(number, args[1].number, ret);
    case CEDAR_FN_DURATION_SINCE:
        return !__builtin_sub_overflow(number, args[1].number, ret);
    case CEDAR_FN_TO_DATE:
        return cedar_datetime_date(number, ret);
    case CEDAR_FN_TO_TIME:
        *ret = cedar_datetime_time(number);
        return true;
    case CEDAR_FN_TO_MILLISECONDS:
        *ret = number;
        return true;
    case CEDAR_FN_TO_SECONDS:
        *ret = number / SECOND;
        return true;
    case CEDAR_FN_TO_MINUTES:
        *ret = number / MINUTE;
        return true;
    case CEDAR_FN_TO_HOURS:
        *ret = number / HOUR;
        return true;
    case CEDAR_FN_TO_DAYS:
        *ret = number / DAY;
        return true;
    default:
        return false;
    }
}

err_code cedar_fn_call(enum cedar_fn fn, const struct cedar_value *args, struct cedar_arena *arena,
                       enum cedar_fault *ret_fault, struct cedar_value *ret)
{
    const struct cedar_fn_info *info = cedar_fn_info(fn);
    struct cedar_value value = {.kind = info->result};
    struct cedar_ip *ip = NULL;
    bool fine = true;

    for (size_t i = 0; i < info->n_args; i++)
        if (args[i].kind != info->args[i]) {
            *ret_fault = CEDAR_FAULT_TYPE;
            return ERR_OK;
        }
    if (fn == CEDAR_FN_IP) {
        ip = cedar_arena_take(arena, sizeof *ip);
        if (ip == NULL)
            return ERR_NO_MEMORY;
    }
    if (!info->method)
        fine = construct(fn, cedar_text(&args[0]), ip, &value);
    else if (info->result == CEDAR_BOOL)
        fine = judge(fn, args, &value.truth);
    else
        fine = compute(fn, args, &value.number);
    *ret_fault = fine ? CEDAR_FAULT_NONE : CEDAR_FAULT_EXTENSION;
    if (fine)
        *ret = value;
    return ERR_OK;
}

err_code cedar_ext_text(const struct cedar_value *value, struct buf *ret)
{
    char text[CEDAR_EXT_TEXT];

    switch ((int)value->kind) {
    case CEDAR_IP:
        cedar_ip_text(value->ip, text);
        break;
    case CEDAR_DECIMAL:
        cedar_decimal_text(value->number, text);
        break;
    case CEDAR_DATETIME:
        cedar_datetime_text(value->number, text);
        break;
    case CEDAR_DURATION:
        cedar_duration_text(value->number, text);
        break;
    default:
        return ERR_INTERNAL;
    }
    return buf_add_str(ret, text);
}
