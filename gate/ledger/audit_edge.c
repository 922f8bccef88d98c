/* SPDX-License-Identifier: Apache-2.0 */
/* audit_edge.c: a tree that begins in the middle of a log: what the tiles hold of its right edge.
 */
#include "gate/ledger/audit_tree.h"

#include <string.h>

err_code audit_tile_front(const struct audit_dir *dir, unsigned level, uint64_t tile, size_t n,
                          struct digest ret[static AUDIT_WIDTH], char path[static AUDIT_PATH],
                          bool *ret_found, struct why *why)
{
    CLEANUP(audit_room_free) struct audit_room bytes = {0};
    size_t len = (size_t)AUDIT_WIDTH * SHA256_LEN;
    struct audit_widths widths;
    bool found;

    audit_path((int)level, tile, 0, path);
    *ret_found = true;
    if (n == 0)
        return ERR_OK;
    TRY(audit_partials(dir, (int)level, tile, &widths, why));
    TRY(audit_read(dir, path, len, &bytes, &found, why));
    if (!found && widths.widest > 0) {
        audit_path((int)level, tile, widths.widest, path);
        TRY(audit_read(dir, path, len, &bytes, &found, why));
    }
    *ret_found = bytes.len >= n * SHA256_LEN;
    if (*ret_found)
        memcpy(ret, bytes.ptr, n * SHA256_LEN);
    return ERR_OK;
}

err_code audit_edge(const struct audit_dir *dir, uint64_t size, struct audit_tree *tree,
                    bool *ret_found, struct why *why)
{
    struct digest hashes[AUDIT_WIDTH];
    char path[AUDIT_PATH];

    *ret_found = true;
    for (unsigned level = 0; level < AUDIT_LEVELS && *ret_found; level++) {
        uint64_t before = size >> (8 * level), tile = before / AUDIT_WIDTH;
        size_t n = (size_t)(before % AUDIT_WIDTH);

        TRY(audit_tile_front(dir, level, tile, n, hashes, path, ret_found, why));
        if (*ret_found)
            TRY(audit_tree_prefix(tree, level, tile, hashes, n));
    }
    return ERR_OK;
}
