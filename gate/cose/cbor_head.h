/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_head.h: the head of one CBOR item (RFC 8949 3), shared by the files of this room that walk
 * encoded CBOR. Nothing outside the room includes it. What every item passes through is inline: it
 * takes most of the time that a record takes to read.
 */
#ifndef PAWL_COSE_CBOR_HEAD_H
#define PAWL_COSE_CBOR_HEAD_H

#include "gate/cose/cbor.h"

enum cbor_major {
    CBOR_MAJOR_UINT = 0,
    CBOR_MAJOR_NEGATIVE = 1,
    CBOR_MAJOR_BYTES = 2,
    CBOR_MAJOR_TEXT = 3,
    CBOR_MAJOR_ARRAY = 4,
    CBOR_MAJOR_MAP = 5,
    CBOR_MAJOR_TAG = 6,
    CBOR_MAJOR_SIMPLE = 7, /* simple values and floats */
};

#define CBOR_HEAD_MAX 9

struct cbor_head {
    enum cbor_major major;
    uint8_t info; /* low five bits of the first octet, at most 27 */
    uint64_t arg;
};

/* Takes one head off the front of rest. CBOR_MALFORMED: cut short, a reserved form, or an
 * indefinite length. On failure rest is unchanged. */
static inline err_code cbor_head_take(struct slice *rest, struct cbor_head *ret)
{
    struct cbor_head head;
    size_t more;

    if (rest->len == 0)
        return ERR_CBOR_MALFORMED;
    head = (struct cbor_head){.major = (enum cbor_major)(rest->ptr[0] >> 5),
                              .info = rest->ptr[0] & 0x1f};
    if (head.info < 24 && head.major != CBOR_MAJOR_SIMPLE) { /* nearly all heads are one octet */
        head.arg = head.info;
        *rest = (struct slice){rest->ptr + 1, rest->len - 1};
        *ret = head;
        return ERR_OK;
    }
    if (head.info > 27) /* reserved, or an indefinite length */
        return ERR_CBOR_MALFORMED;
    more = head.info < 24 ? 0 : (size_t)1 << (head.info - 24);
    if (more > rest->len - 1)
        return ERR_CBOR_MALFORMED;
    head.arg = more == 0 ? head.info : 0;
    for (size_t i = 1; i <= more; i++)
        head.arg = head.arg << 8 | rest->ptr[i];
    if (head.major == CBOR_MAJOR_SIMPLE && head.info == 24 && head.arg < 32)
        return ERR_CBOR_MALFORMED; /* RFC 8949 3.3 */
    *rest = (struct slice){rest->ptr + 1 + more, rest->len - 1 - more};
    *ret = head;
    return ERR_OK;
}

/* True if the argument could not have been written shorter (RFC 8949 4.2.1). For floats it says
 * nothing: see cbor_head_float_shortest. */
static inline bool cbor_head_shortest(const struct cbor_head *head)
{
    switch (head->info) {
    case 24:
        return head->arg > 23;
    case 25:
        return head->arg > UINT8_MAX;
    case 26:
        return head->arg > UINT16_MAX;
    case 27:
        return head->arg > UINT32_MAX;
    default:
        return true;
    }
}

/* How many items follow inside: elements, twice the pairs, one for a tag, else none. CBOR_MALFORMED
 * when rest could not hold that many, so that a count from outside never drives a loop alone. */
static inline err_code cbor_head_inside(const struct cbor_head *head, struct slice rest,
                                        size_t *ret)
{
    uint64_t n = 0;

    if (head->major == CBOR_MAJOR_TAG)
        n = 1;
    else if (head->major == CBOR_MAJOR_ARRAY || head->major == CBOR_MAJOR_MAP)
        n = head->arg;
    if (n > rest.len || (head->major == CBOR_MAJOR_MAP && n > rest.len / 2))
        return ERR_CBOR_MALFORMED;
    *ret = head->major == CBOR_MAJOR_MAP ? (size_t)n * 2 : (size_t)n;
    return ERR_OK;
}

/* Writes the shortest head for an argument; returns its length. */
size_t cbor_head_put(enum cbor_major major, uint64_t arg, uint8_t ret[static CBOR_HEAD_MAX]);

static inline enum cbor_type cbor_head_type(const struct cbor_head *head)
{
    static const enum cbor_type TYPES[] = {CBOR_UINT,  CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT,
                                           CBOR_ARRAY, CBOR_MAP,      CBOR_TAG};

    if (head->major != CBOR_MAJOR_SIMPLE)
        return TYPES[head->major];
    if (head->info >= 25)
        return CBOR_FLOAT;
    if (head->arg == 20 || head->arg == 21)
        return CBOR_BOOL;
    return head->arg == 22 ? CBOR_NULL : CBOR_SIMPLE;
}

/* The value of a half, single or double float, and whether a shorter one would have held it; of the
 * NaNs only 0xf97e00 counts as shortest. */
double cbor_head_float(const struct cbor_head *head);
bool cbor_head_float_shortest(const struct cbor_head *head);

/* Order of two checked items by what they mean, not by how long their heads are: -1, 0, 1. */
int cbor_item_cmp(struct slice a, struct slice b);

#endif
