/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_scan.h: takes some members out of a message in one pass, without judging the rest: for
 * readers of millions of messages that somebody has judged before (cbor_read() for all others). It
 * stays within the bytes whatever they are. Everything is in the header, so that it is inlined.
 */
#ifndef PAWL_COSE_CBOR_SCAN_H
#define PAWL_COSE_CBOR_SCAN_H

#include "gate/base/hash.h"
#include "gate/cose/cbor_head.h"

#include <string.h>

/* The first failure sticks: every getter returns zero or the empty slice from then on. */
struct cbor_scan {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct cbor_scan cbor_scan_of(struct slice bytes)
{
    return (struct cbor_scan){bytes.ptr, bytes.ptr + bytes.len, false};
}

static inline void cbor_scan_fail(struct cbor_scan *s)
{
    s->failed = true;
    s->at = s->end;
}

/* The next head: its major type, and its argument in *ret. Indefinite lengths fail. */
static inline unsigned cbor_scan_head(struct cbor_scan *s, uint64_t *ret)
{
    unsigned major, info;
    size_t len;

    *ret = 0;
    if (s->at == s->end) {
        cbor_scan_fail(s);
        return CBOR_MAJOR_SIMPLE;
    }
    major = *s->at >> 5;
    info = *s->at++ & 31U;
    if (info < 24) {
        *ret = info;
        return major;
    }
    len = (size_t)1 << (info - 24);
    if (info > 27 || (size_t)(s->end - s->at) < len) {
        cbor_scan_fail(s);
        return CBOR_MAJOR_SIMPLE;
    }
    for (; len > 0; len--)
        *ret = *ret << 8 | *s->at++;
    return major;
}

/* The content of the next item, which must be a byte or text string of this major type. */
static inline struct slice cbor_scan_string(struct cbor_scan *s, unsigned major)
{
    struct slice content;
    uint64_t len;

    if (cbor_scan_head(s, &len) != major || len > (size_t)(s->end - s->at)) {
        cbor_scan_fail(s);
        return (struct slice){0};
    }
    content = (struct slice){s->at, (size_t)len};
    s->at += len;
    return content;
}

static inline struct slice cbor_scan_text(struct cbor_scan *s)
{
    return cbor_scan_string(s, CBOR_MAJOR_TEXT);
}

static inline uint64_t cbor_scan_uint(struct cbor_scan *s)
{
    uint64_t value;

    if (cbor_scan_head(s, &value) == CBOR_MAJOR_UINT)
        return value;
    cbor_scan_fail(s);
    return 0;
}

static inline void cbor_scan_digest(struct cbor_scan *s, struct digest *ret)
{
    struct slice bytes = cbor_scan_string(s, CBOR_MAJOR_BYTES);

    if (bytes.len == sizeof ret->bytes)
        memcpy(ret->bytes, bytes.ptr, sizeof ret->bytes);
    else
        cbor_scan_fail(s);
}

/* How many pairs of a map follow; 0 when no map is next. */
static inline uint64_t cbor_scan_map(struct cbor_scan *s)
{
    uint64_t n;

    if (cbor_scan_head(s, &n) == CBOR_MAJOR_MAP)
        return n;
    cbor_scan_fail(s);
    return 0;
}

/* Passes over one item with everything inside. A count that the bytes do not bear fails at their
 * end at the latest. */
static inline void cbor_scan_skip(struct cbor_scan *s)
{
    for (uint64_t left = 1; left > 0 && !s->failed; left--) {
        uint64_t arg;
        unsigned major = cbor_scan_head(s, &arg);

        if (major == CBOR_MAJOR_BYTES || major == CBOR_MAJOR_TEXT) {
            if (arg > (size_t)(s->end - s->at))
                cbor_scan_fail(s);
            else
                s->at += arg;
        } else if (major >= CBOR_MAJOR_ARRAY && major <= CBOR_MAJOR_TAG) {
            if (arg > (size_t)(s->end - s->at))
                cbor_scan_fail(s); /* each item inside takes a byte at least */
            else
                left += major == CBOR_MAJOR_TAG ? 1 : major == CBOR_MAJOR_MAP ? arg * 2 : arg;
        }
    }
}

/* One item, as encoded. */
static inline struct slice cbor_scan_item(struct cbor_scan *s)
{
    const uint8_t *from = s->at;

    cbor_scan_skip(s);
    return s->failed ? (struct slice){0} : (struct slice){from, (size_t)(s->at - from)};
}

/* Compares a text with a literal. */
#define cbor_scan_is(text, literal)                                                                \
    ((text).len == sizeof(literal) - 1 && memcmp((text).ptr, literal, sizeof(literal) - 1) == 0)

#endif
