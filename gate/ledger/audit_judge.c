/* SPDX-License-Identifier: Apache-2.0 */
/* audit_judge.c: bundle, journal and tile of one unit against each other, and tiles against the
 * hashes that they must hold: what is damaged, and where it begins. */
#include "gate/ledger/audit_walk.h"
#include "gate/tlog/tile.h"

#include <string.h>

#define TILE_BYTES ((size_t)AUDIT_WIDTH * SHA256_LEN)

static uint64_t start_of(const struct audit_unit *unit)
{
    return unit->number * AUDIT_WIDTH;
}

/* ---- entries or tile: which is right --------------------------------------------------------- */

/* The first entry whose leaf hash is not the tile's; 256 when all that both have agree. */
static unsigned first_mismatch(const struct audit_unit *unit)
{
    unsigned n = unit->n < unit->tile.n ? unit->n : unit->tile.n;

    if (n == 0 || memcmp(unit->leaves, unit->tile.bytes.ptr, (size_t)n * SHA256_LEN) == 0)
        return AUDIT_WIDTH;
    for (unsigned i = 0; i < n; i++)
        if (memcmp(&unit->leaves[i], unit->tile.bytes.ptr + (size_t)i * SHA256_LEN, SHA256_LEN) !=
            0)
            return i;
    return AUDIT_WIDTH;
}

enum verdict {
    NOBODY = 0,
    ENTRIES_RIGHT,
    TILE_RIGHT,
};

/* The tile above knows the root of a full one. */
static err_code ask_above(struct audit *a, const struct audit_unit *unit, enum verdict *ret,
                          struct why *why)
{
    CLEANUP(audit_room_free) struct audit_room bytes = {0};
    size_t at = (size_t)(unit->number % AUDIT_WIDTH) * SHA256_LEN;
    struct digest hashes[AUDIT_WIDTH], top, want;
    struct audit_widths widths;
    char path[AUDIT_PATH];
    bool found;

    audit_path(1, unit->number / AUDIT_WIDTH, 0, path);
    TRY(audit_read(&a->dir, path, TILE_BYTES, &bytes, &found, why));
    if (!found) {
        TRY(audit_partials(&a->dir, 1, unit->number / AUDIT_WIDTH, &widths, why));
        audit_path(1, unit->number / AUDIT_WIDTH, widths.widest, path);
        TRY(audit_read(&a->dir, path, TILE_BYTES, &bytes, &found, why));
    }
    if (bytes.len < at + SHA256_LEN)
        return ERR_OK;
    memcpy(want.bytes, bytes.ptr + at, SHA256_LEN);
    if (unit->n == AUDIT_WIDTH && digest_eq(&unit->top, &want))
        *ret = ENTRIES_RIGHT;
    if (unit->tile.n < AUDIT_WIDTH)
        return ERR_OK;
    memcpy(hashes, unit->tile.bytes.ptr, sizeof hashes);
    TRY(audit_top(&a->hasher, hashes, &top));
    if (digest_eq(&top, &want))
        *ret = TILE_RIGHT;
    return ERR_OK;
}

/* A head that somebody signed knows the root of the unit that it ends in. */
static err_code ask_heads(struct audit *a, const struct audit_unit *unit, unsigned at,
                          enum verdict *ret)
{
    struct digest stored[AUDIT_WIDTH], root;

    for (unsigned i = 0; i < unit->tile.n; i++)
        stored[i] = audit_unit_stored(unit, i);
    for (size_t s = a->next_stop; s < a->n_stops && *ret == NOBODY; s++) {
        const struct checkpoint *head = &a->stops[s].head;
        uint64_t n = head->size - start_of(unit);

        if (head->size <= start_of(unit) + at || n > AUDIT_WIDTH)
            continue; /* it knows nothing of the entry in question */
        if (n <= unit->n) {
            TRY(audit_tree_root_with(a->tree, unit->leaves, (size_t)n, &root));
            *ret = digest_eq(&root, &head->root) ? ENTRIES_RIGHT : NOBODY;
        }
        if (*ret == NOBODY && n <= unit->tile.n) {
            TRY(audit_tree_root_with(a->tree, stored, (size_t)n, &root));
            *ret = digest_eq(&root, &head->root) ? TILE_RIGHT : NOBODY;
        }
    }
    return ERR_OK;
}

/* Nobody else knows: an entry that still is a record of good hashes is believed. */
static enum verdict ask_record(struct audit *a, const struct audit_unit *unit, unsigned at)
{
    return audit_record(a, unit->entries[at], NULL) == ERR_OK ? ENTRIES_RIGHT : TILE_RIGHT;
}

static err_code decide(struct audit *a, const struct audit_unit *unit, unsigned at,
                       enum verdict *ret, struct why *why)
{
    *ret = NOBODY;
    TRY(ask_above(a, unit, ret, why));
    if (*ret == NOBODY)
        TRY(ask_heads(a, unit, at, ret));
    if (*ret == NOBODY)
        *ret = ask_record(a, unit, at);
    return ERR_OK;
}

/* ---- what happened to the entries ------------------------------------------------------------ */

static bool leaf_is(const struct audit_unit *unit, unsigned at, unsigned stored)
{
    struct digest want = audit_unit_stored(unit, stored);

    return at < unit->n && stored < unit->tile.n && digest_eq(&unit->leaves[at], &want);
}

static enum audit_kind classify(const struct audit_unit *unit, unsigned at)
{
    for (unsigned other = at + 1; other < unit->n; other++)
        if (leaf_is(unit, at, other) && leaf_is(unit, other, at))
            return AUDIT_ENTRIES_SWAPPED;
    if (at > 0 && leaf_is(unit, at, at - 1))
        return AUDIT_ENTRY_REPEATED;
    for (unsigned other = at + 1; other < unit->tile.n; other++)
        if (leaf_is(unit, at, other))
            return AUDIT_ENTRY_MISSING;
    return AUDIT_ENTRY_CHANGED;
}

static err_code entries_wrong(struct audit *a, const struct audit_unit *unit, unsigned at,
                              bool changed[static AUDIT_WIDTH])
{
    enum audit_kind kind = classify(unit, at);
    uint64_t start = start_of(unit);

    for (unsigned i = at; i < unit->n && i < unit->tile.n; i++) {
        if (leaf_is(unit, i, i))
            continue;
        changed[i] = true;
        if (!unit->bundle.damaged && (i == at || kind == AUDIT_ENTRY_CHANGED))
            TRY(audit_hold(a, kind, start + i, unit->bundle.file, "its hash is not the one in %s",
                           unit->tile.file));
    }
    return ERR_OK;
}

/* ---- files that must be there ---------------------------------------------------------------- */

/* How many hashes (or entries: level 0) of this tile the published log has. */
static unsigned published_width(const struct audit *a, unsigned level, uint64_t tile)
{
    uint64_t hashes = level < AUDIT_LEVELS ? a->published >> (8 * level) : 0;

    if (hashes / AUDIT_WIDTH > tile)
        return AUDIT_WIDTH;
    return hashes / AUDIT_WIDTH == tile ? (unsigned)(hashes % AUDIT_WIDTH) : 0;
}

static bool has_file(const struct audit_part *part, unsigned width)
{
    return part->full || (width < AUDIT_WIDTH && audit_has_width(&part->partials, width));
}

/* The log ends before it should: what is behind cannot be missing once more. */
static err_code shortened(struct audit *a, uint64_t end, const char *file)
{
    uint64_t size = a->size;

    if (a->published > end)
        a->published = end;
    return audit_hold(a, AUDIT_LOG_SHORTENED, end, file, "the log ends here, and had %llu entries",
                      (unsigned long long)size);
}

static err_code judge_bundle(struct audit *a, const struct audit_unit *unit, unsigned want)
{
    unsigned needed = published_width(a, 0, unit->number), at = first_mismatch(unit);
    const struct audit_part *bundle = &unit->bundle;
    char path[AUDIT_PATH];

    if (bundle->damaged) {
        enum audit_kind kind = at < bundle->n ? classify(unit, at) : AUDIT_ENTRY_CHANGED;

        at = at < bundle->n ? at : bundle->n;
        kind = kind == AUDIT_ENTRY_CHANGED ? AUDIT_BUNDLE_DAMAGED : kind;
        TRY(audit_hold(a, kind, start_of(unit) + at, bundle->file,
                       "holds %u entries where there should be %u%s", bundle->n, bundle->width,
                       bundle->n == bundle->width ? ", and more bytes" : ""));
    }
    if (needed > 0 && !has_file(bundle, needed)) {
        bool tail = start_of(unit) + unit->n >= a->extent && unit->n < want;

        audit_path(AUDIT_ENTRIES, unit->number, needed % AUDIT_WIDTH, path);
        if (tail)
            return shortened(a, start_of(unit) + unit->n, path);
        return audit_hold(a, AUDIT_BUNDLE_MISSING, start_of(unit) + (unit->n < want ? unit->n : 0),
                          path, "is not there, and the published log has %llu entries",
                          (unsigned long long)a->published);
    }
    if (unit->n >= want || bundle->damaged)
        return ERR_OK;
    return shortened(a, start_of(unit) + unit->n, "");
}

/* ---- partial files --------------------------------------------------------------------------- */

/* A bundle that is narrower than the one that was read: what a reader of an older checkpoint gets.
 */
static err_code judge_narrow(struct audit *a, const struct audit_unit *unit, unsigned width,
                             const struct digest *truth, unsigned n, struct why *why)
{
    CLEANUP(audit_room_free) struct audit_room bytes = {0};
    char path[AUDIT_PATH];
    struct reader r;
    unsigned i = 0;
    bool found;

    audit_path(AUDIT_ENTRIES, unit->number, width, path);
    TRY(audit_read(&a->dir, path, (size_t)width * (2 + TILE_ENTRY_MAX), &bytes, &found, why));
    r = reader_of((struct slice){bytes.ptr, bytes.len});
    for (; i < width && r.rest.len > 0; i++) {
        struct slice entry = reader_bytes(&r, reader_u16(&r));
        struct digest leaf;

        if (r.err != ERR_OK)
            break;
        TRY(tree_leaf(entry, &leaf));
        if (i < n && !digest_eq(&leaf, &truth[i]))
            return audit_hold(a, AUDIT_ENTRY_CHANGED, start_of(unit) + i, path,
                              "is not the entry that other files hold");
    }
    if (i == width && r.rest.len == 0 && r.err == ERR_OK)
        return ERR_OK;
    return audit_hold(a, AUDIT_BUNDLE_DAMAGED, start_of(unit) + i, path,
                      "holds %u entries where there should be %u", i, width);
}

static err_code judge_narrows(struct audit *a, const struct audit_unit *unit,
                              const struct digest *truth, unsigned n, struct why *why)
{
    const struct audit_part *bundle = &unit->bundle;

    for (unsigned w = 1; w <= bundle->partials.widest; w++)
        if (audit_has_width(&bundle->partials, w) && (bundle->full || w != bundle->width))
            TRY(judge_narrow(a, unit, w, truth, n, why));
    return ERR_OK;
}

static err_code judge_hashes(struct audit *a, const char *path, unsigned width, unsigned level,
                             uint64_t first, const struct digest *hashes, unsigned n,
                             struct why *why)
{
    CLEANUP(audit_room_free) struct audit_room bytes = {0};
    unsigned both = width < n ? width : n, at = 0;
    bool found;

    TRY(audit_read(&a->dir, path, TILE_BYTES, &bytes, &found, why));
    if (!found)
        return ERR_OK;
    if (bytes.len / SHA256_LEN < both)
        both = (unsigned)(bytes.len / SHA256_LEN);
    while (at < both && memcmp(bytes.ptr + (size_t)at * SHA256_LEN, &hashes[at], SHA256_LEN) == 0)
        at++;
    if (bytes.len != (size_t)width * SHA256_LEN)
        return audit_hold(a, AUDIT_TILE_DAMAGED, (first + at) << (8 * level), path,
                          "has %zu bytes, not %zu", bytes.len, (size_t)width * SHA256_LEN);
    if (at < both)
        return audit_hold(a, AUDIT_TILE_DAMAGED, (first + at) << (8 * level), path,
                          "hash %u is not that of the entries", at);
    if (width > n && a->journal.found)
        return audit_hold(a, AUDIT_TILE_DAMAGED, (first + n) << (8 * level), path,
                          "holds %u hashes, and the log has entries for %u", width, n);
    return ERR_OK;
}

err_code audit_judge_tile(struct audit *a, unsigned level, uint64_t tile,
                          const struct digest *hashes, unsigned n, struct why *why)
{
    unsigned needed = published_width(a, level, tile);
    uint64_t first = tile * AUDIT_WIDTH;
    struct audit_widths partials;
    char path[AUDIT_PATH];
    struct audit_room bytes = {0};
    bool full;

    TRY(audit_partials(&a->dir, (int)level, tile, &partials, why));
    audit_path((int)level, tile, 0, path);
    TRY(audit_read(&a->dir, path, 0, &bytes, &full, why));
    audit_room_free(&bytes);
    if (full)
        TRY(judge_hashes(a, path, AUDIT_WIDTH, level, first, hashes, n, why));
    for (unsigned w = 1; w <= partials.widest; w++) {
        if (!audit_has_width(&partials, w))
            continue;
        audit_path((int)level, tile, w, path);
        TRY(judge_hashes(a, path, w, level, first, hashes, n, why));
    }
    if (needed == 0 || full || (needed < AUDIT_WIDTH && audit_has_width(&partials, needed)))
        return ERR_OK;
    audit_path((int)level, tile, needed % AUDIT_WIDTH, path);
    return audit_hold(a, AUDIT_TILE_MISSING, first << (8 * level), path,
                      "is not there, and the published log has %llu entries",
                      (unsigned long long)a->published);
}

/* ---- the unit -------------------------------------------------------------------------------- */

static err_code journal_differs(struct audit *a, const struct audit_unit *unit,
                                const struct digest *truth)
{
    unsigned at = unit->differs;
    struct slice entry;
    struct digest leaf;

    if (at == AUDIT_WIDTH || !audit_journal_entry(&a->journal, start_of(unit) + at, &entry))
        return ERR_OK;
    TRY(tree_leaf(entry, &leaf));
    if (digest_eq(&leaf, &truth[at]))
        return ERR_OK; /* the bundle is wrong, and has been named */
    return audit_hold(a, AUDIT_JOURNAL_DAMAGED, start_of(unit) + at, "journal",
                      "its entry is another one than in %s", unit->bundle.file);
}

/* Nothing to say about the tile: the usual case, for which no file is read again. */
static bool tile_is_good(const struct audit *a, const struct audit_unit *unit, unsigned mismatch)
{
    (void)a;
    return mismatch == AUDIT_WIDTH && unit->tile.full && !unit->tile.damaged &&
           unit->tile.partials.widest == 0 && unit->n == AUDIT_WIDTH;
}

err_code audit_judge_unit(struct audit *a, const struct audit_unit *unit, unsigned want,
                          struct digest truth[static AUDIT_WIDTH], bool changed[static AUDIT_WIDTH],
                          unsigned *ret_n, struct why *why)
{
    unsigned mismatch = first_mismatch(unit), n = unit->n;
    enum verdict right = ENTRIES_RIGHT;

    memcpy(truth, unit->leaves, (size_t)unit->n * sizeof *truth);
    memset(changed, 0, AUDIT_WIDTH * sizeof *changed);
    if (mismatch < AUDIT_WIDTH)
        TRY(decide(a, unit, mismatch, &right, why));
    if (right == TILE_RIGHT) {
        TRY(entries_wrong(a, unit, mismatch, changed));
        memcpy(truth, unit->tile.bytes.ptr, (size_t)unit->tile.n * sizeof *truth);
    }
    TRY(judge_bundle(a, unit, want));
    for (; n < want && n < unit->tile.n; n++) /* the tile still says what the entries were */
        truth[n] = audit_unit_stored(unit, n);
    TRY(journal_differs(a, unit, truth));
    TRY(judge_narrows(a, unit, truth, n, why));
    if (!tile_is_good(a, unit, mismatch))
        TRY(audit_judge_tile(a, 0, unit->number, truth, n, why));
    *ret_n = n;
    return ERR_OK;
}
