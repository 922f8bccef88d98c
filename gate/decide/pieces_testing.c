/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/pieces_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECEIPTS 394

struct pieces pieces_of(const struct buf *permit)
{
    struct cose_sign1 message;
    struct pieces out;
    struct cbor_reader r;
    struct cbor_map map;

    assert_int_equal(cose_sign1_parse(buf_slice(permit), CBOR_DETERMINISTIC, &message, NULL),
                     ERR_OK);
    out = (struct pieces){.protected_ = message.protected_,
                          .payload = message.payload,
                          .signature = message.signature};
    r = (struct cbor_reader){.rest = message.headers.unprotected};
    map = cbor_open_map(&r);
    if (cbor_key_int(&map, COSE_X5CHAIN))
        out.chain = cbor_get_item(&r);
    assert_true(cbor_key_int(&map, RECEIPTS));
    assert_int_equal(cbor_get_array(&r), 1);
    out.receipt = cbor_get_bytes(&r);
    cbor_need(&map, "pawl-key");
    out.rotation = cbor_get_bytes(&r);
    cbor_need(&map, "pawl-seal");
    out.seal = cbor_get_item(&r);
    cbor_close_map(&map);
    assert_int_equal(cbor_done(&r), ERR_OK);
    return out;
}

static void put_text(struct buf *out, const char *text)
{
    struct cbor_writer w = cbor_write(out);

    cbor_put_text(&w, text);
    assert_int_equal(cbor_written(&w), ERR_OK);
}

static void put_bytes(struct buf *out, struct slice bytes)
{
    struct cbor_writer w = cbor_write(out);

    cbor_put_bytes(&w, bytes);
    assert_int_equal(cbor_written(&w), ERR_OK);
}

static int by_key(const void *a, const void *b)
{
    const struct label *left = a, *right = b;

    return slice_cmp(left->key, right->key);
}

struct buf pieces_map(struct label *labels, size_t n)
{
    struct buf out = {0};

    qsort(labels, n, sizeof *labels, by_key);
    assert_int_equal(buf_add_u8(&out, (uint8_t)(0xa0 | n)), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(buf_add_slice(&out, labels[i].key), ERR_OK);
        assert_int_equal(buf_add_slice(&out, labels[i].value), ERR_OK);
    }
    return out;
}

struct buf pieces_join(const struct pieces *p)
{
    CLEANUP(buf_free)
    struct buf receipts = {0}, key = {0}, key_name = {0}, seal_name = {0}, unprotected = {0};
    static const uint8_t LABEL[] = {0x19, 0x01, 0x8a}, CHAIN[] = {0x18, COSE_X5CHAIN};
    struct label labels[5];
    struct buf out = {0};
    size_t n = 2;

    assert_int_equal(buf_add_u8(&receipts, 0x81), ERR_OK);
    put_bytes(&receipts, p->receipt);
    put_bytes(&key, p->rotation);
    put_text(&key_name, "pawl-key");
    put_text(&seal_name, "pawl-seal");
    labels[0] = (struct label){SLICE_OF(LABEL), buf_slice(&receipts)};
    labels[1] = (struct label){buf_slice(&key_name), buf_slice(&key)};
    if (p->chain.len > 0)
        labels[n++] = (struct label){SLICE_OF(CHAIN), p->chain};
    if (p->seal.len > 0)
        labels[n++] = (struct label){buf_slice(&seal_name), p->seal};
    if (p->more.key.len > 0)
        labels[n++] = p->more;
    unprotected = pieces_map(labels, n);
    /* By hand, since the writers refuse what is not deterministic. */
    assert_int_equal(buf_add_u16(&out, 0xd284), ERR_OK);
    put_bytes(&out, p->protected_);
    assert_int_equal(buf_add_slice(&out, buf_slice(&unprotected)), ERR_OK);
    put_bytes(&out, p->payload);
    put_bytes(&out, p->signature);
    return out;
}
