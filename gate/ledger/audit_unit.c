/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_unit.h"
#include "gate/tlog/tile.h"

#include <stdlib.h>
#include <string.h>

#define TILE_MAX ((size_t)AUDIT_WIDTH * SHA256_LEN)

void audit_unit_free(struct audit_unit *unit)
{
    audit_room_free(&unit->bundle.bytes);
    audit_room_free(&unit->tile.bytes);
}

/* The full file, or else the widest partial one. */
static err_code read_part(struct audit_part *part, const struct audit_dir *dir, int level,
                          uint64_t number, size_t max, struct why *why)
{
    part->n = 0;
    part->damaged = false;
    TRY(audit_partials(dir, level, number, &part->partials, why));
    audit_path(level, number, 0, part->file);
    TRY(audit_read(dir, part->file, max, &part->bytes, &part->found, why));
    part->full = part->found;
    part->width = part->found ? AUDIT_WIDTH : part->partials.widest;
    if (part->found || part->width == 0)
        return ERR_OK;
    audit_path(level, number, part->width, part->file);
    return audit_read(dir, part->file, max, &part->bytes, &part->found, why);
}

static void split_bundle(struct audit_unit *unit)
{
    struct audit_part *part = &unit->bundle;
    struct reader r = reader_of((struct slice){part->bytes.ptr, part->bytes.len});

    while (part->n < part->width && r.rest.len > 0) {
        struct slice entry = reader_bytes(&r, reader_u16(&r));

        if (r.err != ERR_OK)
            break;
        unit->entries[part->n++] = entry;
    }
    part->damaged = r.err != ERR_OK || r.rest.len > 0 || part->n < part->width;
}

/* What the journal holds beyond the bundle, and whether it holds the same as the bundle. */
static void join_journal(struct audit_unit *unit, const struct audit_journal *journal)
{
    uint64_t start = unit->number * AUDIT_WIDTH;
    struct slice entry;

    unit->n = unit->bundle.n;
    unit->differs = AUDIT_WIDTH;
    if (audit_journal_end(journal) <= start)
        return;
    for (unsigned i = 0; i < AUDIT_WIDTH; i++) {
        if (!audit_journal_entry(journal, start + i, &entry))
            continue;
        if (i < unit->bundle.n) {
            if (!slice_eq(entry, unit->entries[i]) && unit->differs == AUDIT_WIDTH)
                unit->differs = i;
        } else if (i == unit->n) {
            unit->entries[unit->n++] = entry;
        }
    }
}

err_code audit_unit_load(struct audit_unit *unit, const struct audit_dir *dir,
                         const struct audit_journal *journal, struct hasher *hasher,
                         struct why *why)
{
    struct audit_part *tile = &unit->tile;

    TRY(read_part(&unit->bundle, dir, AUDIT_ENTRIES, unit->number, TILE_BUNDLE_MAX, why));
    if (unit->bundle.found)
        split_bundle(unit);
    join_journal(unit, journal);
    TRY(read_part(tile, dir, 0, unit->number, TILE_MAX, why));
    tile->n = (unsigned)(tile->bytes.len / SHA256_LEN);
    tile->n = !tile->found ? 0 : tile->n < tile->width ? tile->n : tile->width;
    tile->damaged = tile->found && tile->bytes.len != (size_t)tile->width * SHA256_LEN;
    for (unsigned i = 0; i < unit->n; i++) {
        TRY(tree_leaf_with(hasher, unit->entries[i], &unit->leaves[i]));
        unit->skimmed[i] = record_skim(unit->entries[i], hasher, &unit->skims[i]);
    }
    return unit->n == AUDIT_WIDTH ? audit_top(hasher, unit->leaves, &unit->top) : ERR_OK;
}

struct digest audit_unit_stored(const struct audit_unit *unit, unsigned i)
{
    struct digest ret = {0};

    if (i < unit->tile.n)
        memcpy(ret.bytes, unit->tile.bytes.ptr + (size_t)i * SHA256_LEN, SHA256_LEN);
    return ret;
}
