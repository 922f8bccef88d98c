/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor.h: strict CBOR (RFC 8949). What is written is deterministic (4.2.1). What is read is judged
 * whole before the first item is taken: well-formed, definite lengths only, no duplicate map keys,
 * valid UTF-8, within the limits, no trailing bytes; for pawl's own objects deterministic as well.
 * Received octets are kept and hashed, never re-encoded: every getter borrows from the input.
 */
#ifndef PAWL_COSE_CBOR_H
#define PAWL_COSE_CBOR_H

#include "gate/base/bytes.h"

#define CBOR_DEPTH_MAX 16    /* nested arrays, maps and tags */
#define CBOR_ITEMS_MAX 65536 /* items in one message */
#define CBOR_SIZE_MAX ((size_t)16 << 20)

enum cbor_rules {
    CBOR_DETERMINISTIC = 0, /* pawl's own objects: shortest heads, sorted keys */
    CBOR_FOREIGN,           /* other people's COSE: any well-formed definite-length encoding */
};

enum cbor_type {
    CBOR_NONE = 0, /* end of input, or an earlier failure */
    CBOR_UINT,
    CBOR_NEGATIVE,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_TAG,
    CBOR_BOOL,
    CBOR_NULL,
    CBOR_FLOAT,  /* half, single or double */
    CBOR_SIMPLE, /* undefined and every other simple value */
};

/* Judges one whole message. Errors: CBOR_MALFORMED, CBOR_NOT_DETERMINISTIC, CBOR_DUPLICATE_KEY,
 * CBOR_TOO_DEEP, CBOR_TRAILING, TOO_LARGE. */
err_code cbor_check(struct slice bytes, enum cbor_rules rules);

/* A cursor over one message. The first failure sticks; a failed getter returns zero or the empty
 * slice. Read in schema order, then ask cbor_done() once. */
struct cbor_reader {
    struct slice rest;
    err_code err;
};

/* Begins reading after cbor_check(); its error, if any, sticks from the start. */
struct cbor_reader cbor_read(struct slice bytes, enum cbor_rules rules);

/* The type of the next item, which stays. */
enum cbor_type cbor_peek(const struct cbor_reader *r);

/* Each takes the next item. Another type than asked for, or none left: CBOR_TYPE. The slices borrow
 * from the input. */
uint64_t cbor_get_uint(struct cbor_reader *r);
int64_t cbor_get_int(struct cbor_reader *r); /* of either sign, within int64_t */
struct slice cbor_get_bytes(struct cbor_reader *r);
struct slice cbor_get_text(struct cbor_reader *r);
bool cbor_get_bool(struct cbor_reader *r);
uint64_t cbor_get_tag(struct cbor_reader *r);      /* the tag's number; its content is next */
size_t cbor_get_array(struct cbor_reader *r);      /* number of items that follow */
size_t cbor_get_map(struct cbor_reader *r);        /* number of pairs that follow */
struct slice cbor_get_item(struct cbor_reader *r); /* any one item, as encoded */

/* True if null is next, and takes it; otherwise nothing happens and nothing fails. */
bool cbor_get_null(struct cbor_reader *r);

/* A byte string of exactly 32, else FORMAT. */
struct digest;
void cbor_get_digest(struct cbor_reader *r, struct digest *ret);

/* Makes the reader fail, unless it has failed before. */
void cbor_fail(struct cbor_reader *r, err_code err);

/* The first failure; CBOR_TRAILING if items are left. */
err_code cbor_done(const struct cbor_reader *r);

/* A map with known keys, read in the order in which they are written (RFC 8949 4.2.1 order):
 *
 *     struct cbor_map map = cbor_open_map(&r);
 *     if (cbor_key(&map, "exp")) exp = cbor_get_int(&r);       // optional
 *     cbor_need(&map, "alias"); alias = cbor_get_text(&r);      // required: else FORMAT
 *     cbor_close_map(&map);                                     // an unknown key is left: FORMAT
 *
 * Text keys sort by length first, then bytewise. */
struct cbor_map {
    struct cbor_reader *r;
    size_t left;
};
struct cbor_map cbor_open_map(struct cbor_reader *r);
bool cbor_key(struct cbor_map *map, const char *key);
void cbor_need(struct cbor_map *map, const char *key);
bool cbor_key_int(struct cbor_map *map, int64_t key);
void cbor_close_map(struct cbor_map *map);

/* Appends deterministic CBOR to a buffer. The first failure sticks; map keys out of order, or a
 * count that does not fit what follows, is INTERNAL: a mistake of the caller that tests find. */
struct cbor_writer {
    struct buf *out;
    err_code err;
    unsigned depth;
    struct {
        size_t left; /* items still to come at this level */
        bool map;
        bool at_key;
        size_t key_from, key_len; /* previous key's place in out */
        size_t item_from;         /* where the key being written begins */
    } level[CBOR_DEPTH_MAX + 1];
};
struct cbor_writer cbor_write(struct buf *out);
void cbor_put_uint(struct cbor_writer *w, uint64_t value);
void cbor_put_int(struct cbor_writer *w, int64_t value);
void cbor_put_bytes(struct cbor_writer *w, struct slice bytes);
void cbor_put_text(struct cbor_writer *w, const char *text);
void cbor_put_text_slice(struct cbor_writer *w, struct slice text); /* not UTF-8: INTERNAL */
void cbor_put_bool(struct cbor_writer *w, bool value);
void cbor_put_null(struct cbor_writer *w);
void cbor_put_tag(struct cbor_writer *w, uint64_t tag);
void cbor_put_array(struct cbor_writer *w, size_t n_items);
void cbor_put_map(struct cbor_writer *w, size_t n_pairs);

/* One item that is encoded already; not deterministic: INTERNAL. */
void cbor_put_item(struct cbor_writer *w, struct slice encoded);

/* The first failure; INTERNAL unless exactly one whole item was written. */
err_code cbor_written(const struct cbor_writer *w);

/* Order of two text keys in a deterministic map, for sorting before writing. */
int cbor_text_key_cmp(struct slice a, struct slice b);

#endif
