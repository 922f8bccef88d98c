/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_write.c: the deterministic writer (RFC 8949 4.2.1). It sorts nothing: it checks that the
 * caller did. */
#include "gate/base/text.h"
#include "gate/cose/cbor_head.h"

struct cbor_writer cbor_write(struct buf *out)
{
    struct cbor_writer w = {.out = out};

    w.level[0].left = 1;
    return w;
}

static void fail(struct cbor_writer *w, err_code err)
{
    if (w->err == ERR_OK)
        w->err = err;
}

/* True if another item may come here; notes where a key begins. */
static bool begin(struct cbor_writer *w)
{
    if (w->level[w->depth].left == 0)
        fail(w, ERR_INTERNAL);
    else if (w->level[w->depth].map && w->level[w->depth].at_key)
        w->level[w->depth].item_from = w->out->len;
    return w->err == ERR_OK;
}

/* A key is whole: it must sort after the one before it, which also means that it is another. */
static void key_end(struct cbor_writer *w)
{
    struct slice out = buf_slice(w->out);
    size_t from = w->level[w->depth].item_from;
    struct slice key = slice_part(out, from, out.len - from);
    struct slice last = slice_part(out, w->level[w->depth].key_from, w->level[w->depth].key_len);

    if (last.len > 0 && slice_cmp(last, key) >= 0)
        fail(w, ERR_INTERNAL);
    w->level[w->depth].key_from = from;
    w->level[w->depth].key_len = key.len;
}

/* An item is whole, and with it every container that it was the last one of. */
static void end(struct cbor_writer *w)
{
    while (w->err == ERR_OK) {
        if (w->level[w->depth].map) {
            if (w->level[w->depth].at_key)
                key_end(w);
            w->level[w->depth].at_key = !w->level[w->depth].at_key;
        }
        if (--w->level[w->depth].left > 0 || w->depth == 0)
            return;
        w->depth--;
    }
}

static void put_head(struct cbor_writer *w, enum cbor_major major, uint64_t arg)
{
    uint8_t head[CBOR_HEAD_MAX];
    size_t len = cbor_head_put(major, arg, head);

    fail(w, buf_add(w->out, head, len));
}

static void put_scalar(struct cbor_writer *w, enum cbor_major major, uint64_t arg)
{
    if (!begin(w))
        return;
    put_head(w, major, arg);
    end(w);
}

static void put_string(struct cbor_writer *w, enum cbor_major major, struct slice content)
{
    if (!begin(w))
        return;
    put_head(w, major, content.len);
    fail(w, buf_add_slice(w->out, content));
    end(w);
}

static void put_container(struct cbor_writer *w, enum cbor_major major, uint64_t arg, size_t inside)
{
    if (!begin(w))
        return;
    if (w->depth == CBOR_DEPTH_MAX) {
        fail(w, ERR_INTERNAL);
        return;
    }
    put_head(w, major, arg);
    if (inside == 0) {
        end(w);
        return;
    }
    w->depth++;
    w->level[w->depth].left = inside;
    w->level[w->depth].map = w->level[w->depth].at_key = major == CBOR_MAJOR_MAP;
    w->level[w->depth].key_len = 0;
}

void cbor_put_uint(struct cbor_writer *w, uint64_t value)
{
    put_scalar(w, CBOR_MAJOR_UINT, value);
}

void cbor_put_int(struct cbor_writer *w, int64_t value)
{
    if (value >= 0)
        put_scalar(w, CBOR_MAJOR_UINT, (uint64_t)value);
    else
        put_scalar(w, CBOR_MAJOR_NEGATIVE, (uint64_t)(-1 - value));
}

void cbor_put_bytes(struct cbor_writer *w, struct slice bytes)
{
    put_string(w, CBOR_MAJOR_BYTES, bytes);
}

void cbor_put_text(struct cbor_writer *w, const char *text)
{
    cbor_put_text_slice(w, slice_str(text));
}

void cbor_put_text_slice(struct cbor_writer *w, struct slice text)
{
    if (!utf8_valid(text))
        fail(w, ERR_INTERNAL);
    put_string(w, CBOR_MAJOR_TEXT, text);
}

void cbor_put_bool(struct cbor_writer *w, bool value)
{
    put_scalar(w, CBOR_MAJOR_SIMPLE, value ? 21 : 20);
}

void cbor_put_null(struct cbor_writer *w)
{
    put_scalar(w, CBOR_MAJOR_SIMPLE, 22);
}

void cbor_put_tag(struct cbor_writer *w, uint64_t tag)
{
    put_container(w, CBOR_MAJOR_TAG, tag, 1);
}

void cbor_put_array(struct cbor_writer *w, size_t n_items)
{
    put_container(w, CBOR_MAJOR_ARRAY, n_items, n_items);
}

void cbor_put_map(struct cbor_writer *w, size_t n_pairs)
{
    if (n_pairs > CBOR_ITEMS_MAX)
        fail(w, ERR_INTERNAL);
    else
        put_container(w, CBOR_MAJOR_MAP, n_pairs, 2 * n_pairs);
}

void cbor_put_item(struct cbor_writer *w, struct slice encoded)
{
    if (!begin(w))
        return;
    if (cbor_check(encoded, CBOR_DETERMINISTIC) != ERR_OK)
        fail(w, ERR_INTERNAL);
    else
        fail(w, buf_add_slice(w->out, encoded));
    end(w);
}

err_code cbor_written(const struct cbor_writer *w)
{
    if (w->err != ERR_OK)
        return w->err;
    return w->level[0].left == 0 ? ERR_OK : ERR_INTERNAL;
}

int cbor_text_key_cmp(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return slice_cmp(a, b);
}
