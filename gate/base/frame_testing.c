/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/frame_testing.h"

#include <stdio.h>

bool frame_next(struct buf *ret)
{
    uint8_t head[4], chunk[4096];
    struct reader r = reader_of(SLICE_OF(head));
    size_t left;

    buf_cut(ret, 0);
    if (fread(head, 1, sizeof head, stdin) != sizeof head)
        return false;
    for (left = reader_u32(&r); left > 0;) {
        size_t n = fread(chunk, 1, left < sizeof chunk ? left : sizeof chunk, stdin);

        if (n == 0 || buf_add(ret, chunk, n) != ERR_OK)
            return false;
        left -= n;
    }
    return true;
}
