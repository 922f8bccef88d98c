/* SPDX-License-Identifier: Apache-2.0 */
/* ext_ip.c: IPv4 and IPv6 addresses and networks. */
#include "gate/cedar/ext.h"

#include <stdio.h>
#include <string.h>

#define GROUPS 8

/* Takes this character from the front, if it is there. */
static bool take(struct slice *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != (uint8_t)c)
        return false;
    *rest = slice_part(*rest, 1, rest->len - 1);
    return true;
}

static int digit(uint8_t c, unsigned base)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* Takes a number of at most so many digits; in base 10 without leading zeroes. */
static bool take_number(struct slice *rest, unsigned base, size_t max_digits, unsigned *ret)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < rest->len && digit(rest->ptr[n], base) >= 0) {
        if (n == max_digits)
            return false;
        value = value * base + (unsigned)digit(rest->ptr[n++], base);
    }
    if (n == 0 || (base == 10 && n > 1 && rest->ptr[0] == '0'))
        return false;
    *rest = slice_part(*rest, n, rest->len - n);
    *ret = value;
    return true;
}

static bool take_v4(struct slice *rest, struct cedar_ip *ret)
{
    for (size_t i = 0; i < 4; i++) {
        unsigned value = 0;

        if ((i > 0 && !take(rest, '.')) || !take_number(rest, 10, 3, &value) || value > 255)
            return false;
        ret->octets[i] = (uint8_t)value;
    }
    ret->prefix = 32;
    return true;
}

/* Takes groups up to "::", "/" or the end, at most max of them. */
static bool take_groups(struct slice *rest, size_t max, unsigned *groups, size_t *ret_n)
{
    size_t n = 0;

    while (rest->len > 0 && rest->ptr[0] != '/') {
        if (rest->len >= 2 && rest->ptr[0] == ':' && rest->ptr[1] == ':')
            break;
        if (n == max || (n > 0 && !take(rest, ':')) || !take_number(rest, 16, 4, &groups[n]))
            return false;
        n++;
    }
    *ret_n = n;
    return true;
}

static bool take_v6(struct slice *rest, struct cedar_ip *ret)
{
    unsigned head[GROUPS] = {0}, tail[GROUPS] = {0};
    size_t n_head = 0, n_tail = 0;

    if (!take_groups(rest, GROUPS, head, &n_head))
        return false;
    if (n_head < GROUPS) { /* "::" stands for one group at least */
        if (!take(rest, ':') || !take(rest, ':') ||
            !take_groups(rest, GROUPS - 1 - n_head, tail, &n_tail))
            return false;
        for (size_t i = 0; i < n_tail; i++)
            head[GROUPS - n_tail + i] = tail[i];
    }
    for (size_t i = 0; i < GROUPS; i++) {
        ret->octets[2 * i] = (uint8_t)(head[i] >> 8);
        ret->octets[2 * i + 1] = (uint8_t)head[i];
    }
    ret->prefix = 128;
    return true;
}

bool cedar_ip_parse(struct slice text, struct cedar_ip *ret)
{
    struct slice rest = text;
    struct cedar_ip ip = {0};
    unsigned prefix = 0;

    if (!take_v4(&rest, &ip)) {
        rest = text;
        ip = (struct cedar_ip){.v6 = true};
        if (!take_v6(&rest, &ip))
            return false;
    }
    if (take(&rest, '/')) {
        if (!take_number(&rest, 10, ip.v6 ? 3 : 2, &prefix) || prefix > ip.prefix)
            return false;
        ip.prefix = (uint8_t)prefix;
    }
    if (rest.len > 0)
        return false;
    *ret = ip;
    return true;
}

/* The first and the last address of the network agree with the other's within its prefix. */
bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range)
{
    size_t whole = range->prefix / 8, bits = range->prefix % 8;

    if (ip->v6 != range->v6 || ip->prefix < range->prefix ||
        memcmp(ip->octets, range->octets, whole) != 0)
        return false;
    return bits == 0 || (ip->octets[whole] ^ range->octets[whole]) >> (8 - bits) == 0;
}

bool cedar_ip_loopback(const struct cedar_ip *ip)
{
    static const struct cedar_ip V4 = {.prefix = 8, .octets = {127}};
    static const struct cedar_ip V6 = {.v6 = true, .prefix = 128, .octets = {[15] = 1}};

    return cedar_ip_in_range(ip, ip->v6 ? &V6 : &V4);
}

bool cedar_ip_multicast(const struct cedar_ip *ip)
{
    static const struct cedar_ip V4 = {.prefix = 4, .octets = {224}};
    static const struct cedar_ip V6 = {.v6 = true, .prefix = 8, .octets = {0xff}};

    return cedar_ip_in_range(ip, ip->v6 ? &V6 : &V4);
}

static unsigned group(const struct cedar_ip *ip, size_t i)
{
    return (unsigned)ip->octets[2 * i] << 8 | ip->octets[2 * i + 1];
}

/* The first of the longest runs of two or more zero groups, which RFC 5952 4.2 writes as "::". */
static size_t longest_zeroes(const struct cedar_ip *ip, size_t *ret_len)
{
    size_t best = GROUPS;

    *ret_len = 1;
    for (size_t i = 0; i < GROUPS; i++) {
        size_t n = 0;

        while (i + n < GROUPS && group(ip, i + n) == 0)
            n++;
        if (n > *ret_len) {
            best = i;
            *ret_len = n;
        }
    }
    return best;
}

/* RFC 5952, but never with a dotted part, which the constructor does not read. */
static size_t v6_text(const struct cedar_ip *ip, char *ret, size_t size)
{
    size_t n_zeroes, zeroes = longest_zeroes(ip, &n_zeroes), len = 0;

    for (size_t i = 0; i < GROUPS;) {
        if (i == zeroes) {
            len += (size_t)snprintf(ret + len, size - len, "::");
            i += n_zeroes;
        } else {
            bool joined = i == 0 || i == zeroes + n_zeroes;

            len += (size_t)snprintf(ret + len, size - len, joined ? "%x" : ":%x", group(ip, i));
            i++;
        }
    }
    return len;
}

void cedar_ip_text(const struct cedar_ip *ip, char ret[static CEDAR_EXT_TEXT])
{
    size_t len;

    if (ip->v6)
        len = v6_text(ip, ret, CEDAR_EXT_TEXT);
    else
        len = (size_t)snprintf(ret, CEDAR_EXT_TEXT, "%d.%d.%d.%d", ip->octets[0], ip->octets[1],
                               ip->octets[2], ip->octets[3]);
    if (ip->prefix != (ip->v6 ? 128 : 32))
        snprintf(ret + len, CEDAR_EXT_TEXT - len, "/%d", ip->prefix);
}
