/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext.h: the four extension types: reading and writing them, and arithmetic. Private to gate/cedar.
 *
 * Source: Cedar.Spec.Ext of the Lean model; for the forms of datetime (four digits for the year)
 * the Rust implementation, which agrees.
 */
#ifndef PAWL_CEDAR_EXT_H
#define PAWL_CEDAR_EXT_H

#include "gate/cedar/value.h"

/* Each reads the whole text, or gives false and leaves *ret alone. */

/* "10.0.0.0/8", "::1": no leading zeroes in decimal numbers, no dotted part in an IPv6 address. */
bool cedar_ip_parse(struct slice text, struct cedar_ip *ret);
/* "-12.34": digits, a point, one to four digits; in 1/10000. */
bool cedar_decimal_parse(struct slice text, int64_t *ret);
/* "2024-02-29", "...T12:34:56Z", "...T12:34:56.789+0130"; in ms since 1970, without leap seconds.
 */
bool cedar_datetime_parse(struct slice text, int64_t *ret);
/* "-1d2h3m4s5ms": each unit at most once, in this order, at least one; in ms. */
bool cedar_duration_parse(struct slice text, int64_t *ret);

#define CEDAR_EXT_TEXT 48 /* what the longest of these texts fits into, with its NUL */
void cedar_ip_text(const struct cedar_ip *ip, char ret[static CEDAR_EXT_TEXT]);
void cedar_decimal_text(int64_t value, char ret[static CEDAR_EXT_TEXT]);
void cedar_datetime_text(int64_t value, char ret[static CEDAR_EXT_TEXT]);
void cedar_duration_text(int64_t value, char ret[static CEDAR_EXT_TEXT]);

bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range);
bool cedar_ip_loopback(const struct cedar_ip *ip);
bool cedar_ip_multicast(const struct cedar_ip *ip);

/* The midnight (UTC) at or before it. False below the first one that 64 bits can tell. */
bool cedar_datetime_date(int64_t value, int64_t *ret);
int64_t cedar_datetime_time(int64_t value); /* since that midnight */

#endif
