/* SPDX-License-Identifier: Apache-2.0 */
/* An entry bundle of these bytes: the first octet says of how many entries. What is read lies side
 * by side in what was given, and nothing else does. */
#include "gate/tlog/tile.h"

#include "test-env/fuzz/driver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice entries[TILE_WIDTH];
    struct slice bytes = slice_part((struct slice){data, size}, 1, size == 0 ? 0 : size - 1);
    unsigned n = size == 0 ? 1 : data[0] + 1u;
    size_t len = 0, sum = 0;

    if (tile_bundle_parse(bytes, n, entries, &len, NULL) != ERR_OK)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        if (entries[i].len > 0 && entries[i].ptr != bytes.ptr + sum + 2)
            abort();
        sum += 2 + entries[i].len;
    }
    if (sum != len || len > bytes.len)
        abort();
    return 0;
}
