/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_copy_testing.h: reads an item and writes it again, type by type, for tests and fuzz targets
 * that compare the two. */
#ifndef PAWL_COSE_CBOR_COPY_TESTING_H
#define PAWL_COSE_CBOR_COPY_TESTING_H

#include "gate/cose/cbor.h"

static inline void cbor_copy(struct cbor_reader *r, struct cbor_writer *w)
{
    enum cbor_type type = cbor_peek(r);
    size_t n = 1;

    if (type == CBOR_UINT)
        cbor_put_uint(w, cbor_get_uint(r));
    else if (type == CBOR_BYTES)
        cbor_put_bytes(w, cbor_get_bytes(r));
    else if (type == CBOR_TEXT)
        cbor_put_text_slice(w, cbor_get_text(r));
    else if (type == CBOR_BOOL)
        cbor_put_bool(w, cbor_get_bool(r));
    else if (type == CBOR_NULL && cbor_get_null(r))
        cbor_put_null(w);
    else if (type == CBOR_TAG)
        cbor_put_tag(w, cbor_get_tag(r));
    else if (type == CBOR_ARRAY)
        cbor_put_array(w, n = cbor_get_array(r));
    else if (type == CBOR_MAP)
        cbor_put_map(w, n = cbor_get_map(r));
    else /* floats and other simple values have no put; negatives may be beyond int64_t */
        cbor_put_item(w, cbor_get_item(r));
    if (type == CBOR_TAG || type == CBOR_ARRAY || type == CBOR_MAP)
        for (n = type == CBOR_MAP ? 2 * n : n; n > 0; n--)
            cbor_copy(r, w);
}

#endif
