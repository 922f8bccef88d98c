/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_head.h: the head of one CBOR item (RFC 8949 3), shared by the files of this room that walk
 * encoded CBOR. Nothing outside the room includes it.
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
err_code cbor_head_take(struct slice *rest, struct cbor_head *ret);

/* True if the argument could not have been written shorter (RFC 8949 4.2.1). For floats it says
 * nothing: see cbor_head_float_shortest. */
bool cbor_head_shortest(const struct cbor_head *head);

/* How many items follow inside: elements, twice the pairs, one for a tag, else none. CBOR_MALFORMED
 * when rest could not hold that many, so that a count from outside never drives a loop alone. */
err_code cbor_head_inside(const struct cbor_head *head, struct slice rest, size_t *ret);

/* Writes the shortest head for an argument; returns its length. */
size_t cbor_head_put(enum cbor_major major, uint64_t arg, uint8_t ret[static CBOR_HEAD_MAX]);

enum cbor_type cbor_head_type(const struct cbor_head *head);

/* The value of a half, single or double float, and whether a shorter one would have held it; of the
 * NaNs only 0xf97e00 counts as shortest. */
double cbor_head_float(const struct cbor_head *head);
bool cbor_head_float_shortest(const struct cbor_head *head);

/* Order of two checked items by what they mean, not by how long their heads are: -1, 0, 1. */
int cbor_item_cmp(struct slice a, struct slice b);

#endif
