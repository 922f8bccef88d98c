/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP 1000 /* three digits of an index stand in one name */

void tile_path(struct tile tile, char ret[static TILE_PATH])
{
    uint64_t above = tile.index / GROUP, unit = 1;
    int at;

    if (tile.level == TILE_ENTRIES)
        at = snprintf(ret, TILE_PATH, "tile/entries/");
    else
        at = snprintf(ret, TILE_PATH, "tile/%u/", tile.level % TILE_ENTRIES);
    while (above / unit >= GROUP)
        unit *= GROUP;
    for (; above != 0 && unit != 0; unit /= GROUP)
        at +=
            snprintf(ret + at, TILE_PATH - (size_t)at, "x%03u/", (unsigned)(above / unit % GROUP));
    at += snprintf(ret + at, TILE_PATH - (size_t)at, "%03u", (unsigned)(tile.index % GROUP));
    if (tile.width < TILE_WIDTH)
        (void)snprintf(ret + at, TILE_PATH - (size_t)at, ".p/%u", tile.width % TILE_WIDTH);
}

uint64_t tile_count(unsigned level, uint64_t size)
{
    return level == TILE_ENTRIES ? size : size >> TILE_HEIGHT * level;
}

unsigned tile_width(unsigned level, uint64_t index, uint64_t size)
{
    uint64_t n = tile_count(level, size);

    if (index > n / TILE_WIDTH)
        return 0;
    n -= index * TILE_WIDTH;
    return n < TILE_WIDTH ? (unsigned)n : TILE_WIDTH;
}

void tile_bundle_free(struct tile_bundle *bundle)
{
    free(bundle->bytes);
    *bundle = (struct tile_bundle){0};
}

err_code tile_bundle_parse(struct slice bytes, unsigned n, struct slice *ret, size_t *ret_len,
                           struct why *why)
{
    struct reader r = reader_of(bytes);

    for (unsigned i = 0; i < n; i++) {
        size_t len = reader_u16(&r);

        ret[i] = reader_bytes(&r, len);
        if (r.err != ERR_OK)
            return why_say(why, ERR_LEDGER_INCONSISTENT,
                           "its %zu bytes end in the middle of its entry %u of %u", bytes.len,
                           i + 1, n);
    }
    *ret_len = bytes.len - r.rest.len;
    return ERR_OK;
}
