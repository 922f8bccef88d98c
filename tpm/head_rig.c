/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/head_rig.h"

#include "gate/base/file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct disk *disk_new(void)
{
    struct disk *disk = calloc(1, sizeof *disk);

    assert_non_null(disk);
    disk->fx = fx_new(false);
    fx_enrol(disk->fx);
    fx_step(disk->fx, 1);
    disk_agrees(disk, 0);
    return disk;
}

void disk_free(struct disk *disk)
{
    fx_free(disk->fx);
    buf_free(&disk->file);
    free(disk);
}

void disk_commit(struct disk *disk)
{
    struct hw_head *head = &disk->heads[disk->n];

    assert_true(disk->n + 1 < DISK_MAX);
    *head = (struct hw_head){.round = ++disk->kept.round, .size = disk->n > 0 ? head[-1].size : 0};
    head->size += 2;
    put_u64(head->root.bytes, head->round);
    disk->n++;
}

err_code disk_bind(struct disk *disk, enum hw_keep keep)
{
    struct hw_root *root = disk->fx->root;

    return root->ops->head_bind(root, &disk->heads[disk->n - 1], keep, &disk->fx->why);
}

void disk_rounds(struct disk *disk, unsigned n, enum hw_keep keep)
{
    struct fx *fx = disk->fx;

    for (unsigned i = 0; i < n; i++) {
        disk_commit(disk);
        OK(disk_bind(disk, i + 1 == n ? keep : HW_KEEP_ROUND));
    }
}

void disk_rounds_to(struct disk *disk, unsigned at)
{
    while ((disk->kept.round + 1) % 255 != at)
        disk_rounds(disk, 1, HW_KEEP_ROUND);
}

err_code disk_check(struct disk *disk, size_t n)
{
    struct hw_root *root = disk->fx->root;

    return root->ops->head_check(root, disk->heads, n, &disk->kept, &disk->fx->why);
}

void disk_agrees(struct disk *disk, uint64_t missing)
{
    struct fx *fx = disk->fx;

    OK(disk_check(disk, disk->n));
    if (disk->kept.missing != missing)
        fail_msg("%" PRIu64 " may be missing, wanted %" PRIu64, disk->kept.missing, missing);
    if (disk->n > 0)
        assert_true(disk->kept.round == disk->heads[disk->n - 1].round + missing);
}

void disk_refused(struct disk *disk, size_t n, err_code err)
{
    struct fx *fx = disk->fx;
    char text[48];

    EXPECT(disk_check(disk, n), err);
    if (err != ERR_LEDGER_ROLLBACK)
        return;
    (void)snprintf(text, sizeof text, "has %" PRIu64 " entries",
                   n > 0 ? disk->heads[n - 1].size : 0);
    assert_non_null(strstr(fx->why.text, text));
}

void disk_restart(struct disk *disk, enum power power)
{
    struct fx *fx = disk->fx;

    fx_close(fx);
    if (power == CLEAN)
        swtpm_stop(&fx->tpm);
    else if (power == UNCLEAN)
        swtpm_kill(&fx->tpm);
    if (fx->tpm.pid == 0)
        swtpm_run(&fx->tpm);
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why));
}

void disk_path(const struct disk *disk, const char *name, char ret[static 128])
{
    (void)snprintf(ret, 128, "%s/%s", disk->fx->store, name);
}

void disk_save(struct disk *disk)
{
    struct fx *fx = disk->fx;
    char path[128];

    disk_path(disk, TPM_HEAD_BOOT, path);
    buf_free(&disk->file);
    OK(file_read(path, 1000, &disk->file, &fx->why));
}

void disk_restore(struct disk *disk)
{
    struct fx *fx = disk->fx;
    char path[128];

    disk_path(disk, TPM_HEAD_BOOT, path);
    OK(file_write(path, buf_slice(&disk->file), 0600, &fx->why));
}
