/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/bytes.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_str(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_str(struct slice a, const char *text)
{
    return slice_eq(a, slice_str(text));
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

struct slice slice_part(struct slice s, size_t from, size_t len)
{
    if (from > s.len || len > s.len - from || s.ptr == NULL)
        return (struct slice){0};
    return (struct slice){s.ptr + from, len};
}

bool mem_eq(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void mem_wipe(void *ptr, size_t len)
{
    if (ptr != NULL)
        OPENSSL_cleanse(ptr, len);
}

/* Makes room for len more bytes. The old block is wiped, not handed to realloc, which would leave a
 * copy of it in the heap. */
static err_code reserve(struct buf *buf, size_t len)
{
    size_t need, cap;
    uint8_t *ptr;

    if (__builtin_add_overflow(buf->len, len, &need) || need > BUF_MAX)
        return ERR_TOO_LARGE;
    if (need <= buf->cap)
        return ERR_OK;
    cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap < need)
        cap *= 2;
    ptr = malloc(cap);
    if (ptr == NULL)
        return ERR_NO_MEMORY;
    if (buf->len > 0)
        memcpy(ptr, buf->ptr, buf->len);
    mem_wipe(buf->ptr, buf->cap);
    free(buf->ptr);
    buf->ptr = ptr;
    buf->cap = cap;
    return ERR_OK;
}

err_code buf_add(struct buf *buf, const void *bytes, size_t len)
{
    TRY(reserve(buf, len));
    if (len > 0)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    return ERR_OK;
}

err_code buf_add_slice(struct buf *buf, struct slice bytes)
{
    return buf_add(buf, bytes.ptr, bytes.len);
}

err_code buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

err_code buf_add_u8(struct buf *buf, uint8_t value)
{
    return buf_add(buf, &value, 1);
}

err_code buf_add_u16(struct buf *buf, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    return buf_add(buf, bytes, sizeof bytes);
}

err_code buf_add_u32(struct buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    put_u32(bytes, value);
    return buf_add(buf, bytes, sizeof bytes);
}

err_code buf_add_u64(struct buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    put_u64(bytes, value);
    return buf_add(buf, bytes, sizeof bytes);
}

err_code buf_add_space(struct buf *buf, size_t len, uint8_t **ret_space)
{
    TRY(reserve(buf, len));
    if (len > 0)
        memset(buf->ptr + buf->len, 0, len);
    *ret_space = buf->ptr + buf->len;
    buf->len += len;
    return ERR_OK;
}

err_code buf_terminate(struct buf *buf)
{
    TRY(reserve(buf, 1));
    buf->ptr[buf->len] = 0;
    return ERR_OK;
}

struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf->ptr, buf->len};
}

void buf_cut(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    mem_wipe(buf->ptr + len, buf->len - len);
    buf->len = len;
}

struct buf buf_take(struct buf *buf)
{
    struct buf taken = *buf;
    *buf = (struct buf){0};
    return taken;
}

void buf_free(struct buf *buf)
{
    mem_wipe(buf->ptr, buf->cap);
    free(buf->ptr);
    *buf = (struct buf){0};
}

struct reader reader_of(struct slice bytes)
{
    return (struct reader){.rest = bytes};
}

struct slice reader_bytes(struct reader *r, size_t len)
{
    struct slice got;

    if (r->err != ERR_OK || len > r->rest.len) {
        if (r->err == ERR_OK)
            r->err = ERR_FORMAT;
        return (struct slice){0};
    }
    got = (struct slice){r->rest.ptr, len};
    r->rest = slice_part(r->rest, len, r->rest.len - len);
    return got;
}

static uint64_t reader_uint(struct reader *r, size_t len)
{
    struct slice bytes = reader_bytes(r, len);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)reader_uint(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)reader_uint(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)reader_uint(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return reader_uint(r, 8);
}

void reader_copy(struct reader *r, void *to, size_t len)
{
    struct slice bytes = reader_bytes(r, len);

    memset(to, 0, len);
    if (bytes.len > 0)
        memcpy(to, bytes.ptr, bytes.len);
}

err_code reader_done(const struct reader *r)
{
    if (r->err != ERR_OK)
        return r->err;
    return r->rest.len == 0 ? ERR_OK : ERR_FORMAT;
}

void put_u32(uint8_t to[static 4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

void put_u64(uint8_t to[static 8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint64_t get_u64(const uint8_t from[static 8])
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}
