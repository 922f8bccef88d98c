/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h: borrowed bytes (slice), owned bytes (buf), and a reader for big-endian formats. Pointer
 * arithmetic on octets lives here and in the CBOR codec, nowhere else.
 */
#ifndef PAWL_BASE_BYTES_H
#define PAWL_BASE_BYTES_H

#include "gate/base/cleanup.h"
#include "gate/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. {0} is the empty slice. */
struct slice {
    const uint8_t *ptr;
    size_t len;
};

#define SLICE_OF(array) ((struct slice){(array), sizeof(array)})

struct slice slice_str(const char *text);      /* without the terminator */
bool slice_eq(struct slice a, struct slice b); /* same length and content */
bool slice_eq_str(struct slice a, const char *text);
int slice_cmp(struct slice a, struct slice b); /* bytewise, a shorter prefix first */
struct slice slice_part(struct slice s, size_t from, size_t len); /* empty if out of range */

/* Equal in constant time: for secrets and MACs. */
bool mem_eq(const void *a, const void *b, size_t len);

/* Overwrites memory in a way that the compiler keeps. */
void mem_wipe(void *ptr, size_t len);

/* An owned, growing byte string, wiped when it is freed or moved. {0} is empty and ready. It never
 * grows beyond BUF_MAX. */
#define BUF_MAX ((size_t)64 << 20)

struct buf {
    uint8_t *ptr;
    size_t len, cap;
};

/* Appends. Errors: NO_MEMORY, TOO_LARGE; on failure the content is unchanged. */
err_code buf_add(struct buf *buf, const void *bytes, size_t len);
err_code buf_add_slice(struct buf *buf, struct slice bytes);
err_code buf_add_str(struct buf *buf, const char *text); /* without the terminator */
err_code buf_add_u8(struct buf *buf, uint8_t value);
err_code buf_add_u16(struct buf *buf, uint16_t value); /* big-endian, like every one below */
err_code buf_add_u32(struct buf *buf, uint32_t value);
err_code buf_add_u64(struct buf *buf, uint64_t value);

/* Appends len zero bytes and returns where they begin. Borrows: until the next append. */
err_code buf_add_space(struct buf *buf, size_t len, uint8_t **ret_space);

/* Makes the content end with a NUL that len does not count, for use as a C string. */
err_code buf_terminate(struct buf *buf);

struct slice buf_slice(const struct buf *buf);
void buf_cut(struct buf *buf, size_t len); /* shortens to len, wiping the rest */
struct buf buf_take(struct buf *buf);      /* moves the content out, leaves {0} */
void buf_free(struct buf *buf);            /* wipes, frees, leaves {0} */

/* A cursor over bytes from outside. The first failure sticks: read fields in order, then ask
 * reader_done() once, which also refuses bytes left over. A failed read returns zeroes. */
struct reader {
    struct slice rest;
    err_code err;
};

struct reader reader_of(struct slice bytes);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t len); /* borrows from the input */
void reader_copy(struct reader *r, void *to, size_t len);
err_code reader_done(const struct reader *r); /* OK, or FORMAT */

/* Big-endian without a buffer. */
void put_u32(uint8_t to[static 4], uint32_t value);
void put_u64(uint8_t to[static 8], uint64_t value);
uint64_t get_u64(const uint8_t from[static 8]);

#endif
