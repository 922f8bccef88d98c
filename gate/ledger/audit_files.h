/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_files.h: the files of a log as an auditor meets them: a directory that anybody may have
 * written, of which each file may be gone, cut or somebody else's. C2SP tlog-tiles names.
 */
#ifndef PAWL_LEDGER_AUDIT_FILES_H
#define PAWL_LEDGER_AUDIT_FILES_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define AUDIT_ENTRIES (-1) /* as a level: the bundles of entries */
#define AUDIT_PATH 80      /* of a tile's name with the terminator */

/* A directory that is open. */
struct audit_dir {
    int fd; /* descriptor + 1, so that {0} is none */
    const char *path;
};
err_code audit_dir_open(const char *path, struct audit_dir *ret, struct why *why);
void audit_dir_close(struct audit_dir *dir);

/* Bytes in memory that is used again and again. */
struct audit_room {
    uint8_t *ptr;
    size_t len, cap;
};
void audit_room_free(struct audit_room *room);

/* "tile/0/x001/234.p/56"; width 0: of a full tile. */
void audit_path(int level, uint64_t tile, unsigned width, char ret[static AUDIT_PATH]);

/* Reads a whole file. *ret_found is false when there is none. Longer than max is read up to max +
 * 1, which the caller sees. Errors: STORAGE, NO_MEMORY. */
err_code audit_read(const struct audit_dir *dir, const char *name, size_t max,
                    struct audit_room *room, bool *ret_found, struct why *why);

/* The widths of the partial tiles that are there: bit w is set for .p/<w>, w from 1 to 255.
 * *ret_widest: 0 when there are none. Errors: STORAGE. */
struct audit_widths {
    uint64_t bits[4];
    unsigned widest;
};
err_code audit_partials(const struct audit_dir *dir, int level, uint64_t tile,
                        struct audit_widths *ret, struct why *why);
bool audit_has_width(const struct audit_widths *widths, unsigned width);

/* How many entries the bundles reach to, by their names. */
err_code audit_extent(const struct audit_dir *dir, uint64_t *ret, struct why *why);

#endif
