/* SPDX-License-Identifier: Apache-2.0 */
/* head_rig.h: a disk with heads beside the TPM of the rig, for the tests of the head. */
#ifndef PAWL_TPM_HEAD_RIG_H
#define PAWL_TPM_HEAD_RIG_H

#include "tpm/rig.h"

#define DISK_MAX 8000

struct disk {
    struct fx *fx;
    struct hw_head heads[DISK_MAX];
    size_t n;
    struct hw_kept kept;
    struct buf file; /* store_dir/head, of disk_save() */
};

/* An enrolled gate at epoch 1, whose empty ledger was compared. */
struct disk *disk_new(void);
void disk_free(struct disk *disk);

/* One more head, on the disk alone. */
void disk_commit(struct disk *disk);
/* Heads that are committed and bound; the last one so. */
void disk_rounds(struct disk *disk, unsigned n, enum hw_keep keep);
/* As many until the next one has this number in its block of 255. */
void disk_rounds_to(struct disk *disk, unsigned at);

err_code disk_bind(struct disk *disk, enum hw_keep keep);
err_code disk_check(struct disk *disk, size_t n);
/* The whole disk agrees, and so many rounds may be missing. */
void disk_agrees(struct disk *disk, uint64_t missing);
/* Refused with err, naming this many entries of the disk. */
void disk_refused(struct disk *disk, size_t n, err_code err);

/* Attaches again, after the TPM was restarted or not. */
enum power { SAME_BOOT, CLEAN, UNCLEAN };
void disk_restart(struct disk *disk, enum power power);

/* store_dir/head, the only file that changes, aside and back. */
void disk_save(struct disk *disk);
void disk_restore(struct disk *disk);
void disk_path(const struct disk *disk, const char *name, char ret[static 128]);

#endif
