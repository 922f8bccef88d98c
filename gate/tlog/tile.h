/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tile.h: the tiles of C2SP tlog-tiles: 256 hashes of one level, or 256 entries, in one file, whose
 * path says which. tile_ knows paths and contents, tiles_ reads a directory of them, ours or a
 * foreign log's, as it is for one size of the tree. Nothing that is read is trusted: a root that is
 * computed from tiles has to be compared with one that is.
 */
#ifndef PAWL_TLOG_TILE_H
#define PAWL_TLOG_TILE_H

#include "gate/tlog/tree.h"

#define TILE_WIDTH 256
#define TILE_HEIGHT 8                           /* levels of the tree in one tile */
#define TILE_LEVELS (TREE_LEVELS / TILE_HEIGHT) /* levels of tiles */
#define TILE_ENTRIES 64                         /* the level, in paths, of entry bundles */
#define TILE_PATH 64                            /* characters in a path, with the terminator */
#define TILE_ENTRY_MAX UINT16_MAX               /* bytes: lengths have 16 bits */
#define TILE_BUNDLE_MAX ((size_t)TILE_WIDTH * (2 + TILE_ENTRY_MAX))

/* Which file: a level of tiles (0: of leaves) or TILE_ENTRIES; which of that level; and how many
 * hashes or entries it holds, 256 when it is full. */
struct tile {
    unsigned level;
    uint64_t index;
    unsigned width;
};

/* Its path below the log's directory: "tile/0/x001/067.p/12". */
void tile_path(struct tile tile, char ret[static TILE_PATH]);

/* How many hashes, or entries, that level of tiles has in a tree of size leaves; how much of one of
 * its tiles there is: 0 to 256. */
uint64_t tile_count(unsigned level, uint64_t size);
unsigned tile_width(unsigned level, uint64_t index, uint64_t size);

/* Up to 256 entries that were read in one piece. {0} is ready; reading into one again uses its
 * memory again. */
struct tile_bundle {
    uint64_t first; /* index of entries[0] */
    unsigned n;
    struct slice entries[TILE_WIDTH]; /* Borrows: from bytes */
    uint8_t *bytes;
    size_t len, cap;
};
void tile_bundle_free(struct tile_bundle *bundle);

/* Finds the n entries at the front of bytes. Returns how many bytes they take in *ret_len. Error:
 * LEDGER_INCONSISTENT naming the entry that bytes end in. Borrows: from bytes. */
err_code tile_bundle_parse(struct slice bytes, unsigned n, struct slice *ret, size_t *ret_len,
                           struct why *why);

/* The tiles below a directory, for a tree of size leaves. Keeps some tiles of hashes in memory (at
 * most 512 KiB), nothing else. A partial tile that is no longer there, because the log has grown
 * and completed it, is read from the full one. Errors: NOT_FOUND; TOO_LARGE. Owns: the caller
 * closes *ret. */
struct tiles;
err_code tiles_open(const char *dir, uint64_t size, struct tiles **ret, struct why *why);
void tiles_close(struct tiles **tiles);

/* The same directory, for another size. */
void tiles_resize(struct tiles *tiles, uint64_t size);

/* Roots and proofs of what the tiles of hashes say. Errors of its hashes: NOT_FOUND, STORAGE,
 * LEDGER_INCONSISTENT, each naming the file. Borrows: tiles. */
struct tree_source tiles_tree(const struct tiles *tiles);

/* The hashes of one tile; *ret_n of them. Errors: as above; INTERNAL when the tree has none.
 * Borrows: until the next call. */
err_code tiles_hashes(const struct tiles *tiles, unsigned level, uint64_t index,
                      const struct digest **ret, unsigned *ret_n, struct why *why);

/* The entries [256 * index, ...) that belong to the tree, with one read of one file. Not compared
 * with their leaf hashes. Errors: as above. */
err_code tiles_bundle(const struct tiles *tiles, uint64_t index, struct tile_bundle *ret,
                      struct why *why);

#endif
