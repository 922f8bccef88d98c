/* SPDX-License-Identifier: Apache-2.0 */
/* head_test.c: older disks, restarts of the TPM, and rounds cut at every command. */
#include "tpm/head_rig.h"

#include "gate/base/file.h"
#include "tpm/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
{
    *state = disk_new();
    return 0;
}

static int end(void **state)
{
    disk_free(*state);
    return 0;
}

/* What may be missing if power is lost after the disk's last round. */
static uint64_t to_the_end_of_the_block(const struct disk *disk)
{
    return 254 - disk->heads[disk->n - 1].round % 255;
}

/* Power is lost after each of the rounds about the end of a block, where the counter is stepped
 * twice, and after some others. */
static void power_lost_at_each_round(void **state)
{
    static const unsigned AT[] = {1, 2, 100, 251, 252, 253, 254, 0, 1, 128};
    struct disk *disk = *state;

    disk_rounds(disk, 3, HW_KEEP_ROUND);
    for (size_t i = 0; i < sizeof AT / sizeof *AT; i++) {
        disk_rounds_to(disk, AT[i]);
        disk_rounds(disk, 1, HW_KEEP_ROUND);
        assert_int_equal(disk->heads[disk->n - 1].round % 255, AT[i]);
        disk_restart(disk, UNCLEAN);
        disk_agrees(disk, to_the_end_of_the_block(disk));
        disk_restart(disk, i % 2 == 0 ? CLEAN : SAME_BOOT);
        disk_agrees(disk, to_the_end_of_the_block(disk));
        disk_rounds(disk, 2, HW_KEEP_ROUND);
        disk_restart(disk, CLEAN);
        disk_refused(disk, disk->n - 1, ERR_LEDGER_ROLLBACK);
        disk_agrees(disk, 0);
    }
}

/* An older disk after power was lost: the hardware knows the block and the durable head. */
static void as_far_back_as_the_block(void **state)
{
    struct disk *disk = *state;
    size_t first;

    disk_rounds_to(disk, 253);
    disk_rounds(disk, 4, HW_KEEP_ROUND);
    first = disk->n - 1; /* the disk that ends with round 0 of the block has so many heads + 1 */
    while (disk->heads[first].round % 255 != 0)
        first--;
    disk_rounds(disk, 20, HW_KEEP_ROUND);
    disk_restart(disk, UNCLEAN);
    disk_refused(disk, first, ERR_LEDGER_ROLLBACK);
    disk_refused(disk, 0, ERR_LEDGER_ROLLBACK);
    disk_agrees(disk, to_the_end_of_the_block(disk));
    /* Within: accepted, and said. But whoever was shown a later head in this boot is not fooled. */
    disk_save(disk);
    disk_refused(disk, first + 1, ERR_LEDGER_ROLLBACK);
    disk_restart(disk, UNCLEAN);
    disk->n = first + 1;
    disk_agrees(disk, 254);
    disk_rounds(disk, 9, HW_KEEP_ROUND);
    /* A durable head is the end of that. */
    disk_rounds(disk, 1, HW_KEEP_DURABLE);
    disk_rounds(disk, 5, HW_KEEP_ROUND);
    disk_restart(disk, UNCLEAN);
    disk_refused(disk, disk->n - 6, ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(disk->fx->why.text, "knows of at least"));
    disk->n -= 5;
    disk_agrees(disk, to_the_end_of_the_block(disk));
}

/* The whole disk with the root's own file, older: in the same boot and after each restart. */
static void an_older_disk_is_put_back(void **state)
{
    struct disk *disk = *state;

    disk_rounds(disk, 5, HW_KEEP_DURABLE);
    disk_save(disk);
    for (enum power power = SAME_BOOT; power <= UNCLEAN; power++) {
        size_t old = disk->n;

        disk_save(disk);
        disk_rounds(disk, 4, HW_KEEP_ROUND);
        disk_rounds(disk, 1, power == UNCLEAN ? HW_KEEP_DURABLE : HW_KEEP_ROUND);
        disk_restart(disk, power);
        disk_restore(disk);
        disk_refused(disk, old, ERR_LEDGER_ROLLBACK);
        disk_refused(disk, disk->n - 1, ERR_LEDGER_ROLLBACK);
        disk_agrees(disk, power == UNCLEAN ? to_the_end_of_the_block(disk) : 0);
    }
}

/* Of the same round and another content: known in the boot, and of a durable head for good. */
static void the_same_round_with_other_content(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    struct hw_head *last;

    disk_rounds(disk, 3, HW_KEEP_ROUND);
    for (enum power power = SAME_BOOT; power <= UNCLEAN; power++) {
        disk_restart(disk, power);
        last = &disk->heads[disk->n - 1];
        last->root.bytes[20] ^= 1;
        disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
        last->root.bytes[20] ^= 1;
        last->size++;
        disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
        last->size--;
        OK(disk_check(disk, disk->n));
        disk_rounds(disk, 2, HW_KEEP_DURABLE);
    }
}

/* ---- rounds cut at every command ------------------------------------------------------------- */

static void attach_faulty(struct disk *disk)
{
    struct fx *fx = disk->fx;

    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 1), &fx->why));
}

/* The next program compares the heads, and all that was promised is there. False: what was cut came
 * through before its command. */
static bool revive(struct disk *disk, enum fx_cut cut, unsigned nth, err_code err, size_t promised)
{
    struct fx *fx = disk->fx;
    bool hit = fault_count(&fx->faults, 0) >= nth;

    if (!hit)
        OK(err);
    fault_clear(&fx->faults);
    disk_restart(disk, SAME_BOOT);
    if (promised > 0 && cut <= FX_GATE_AFTER)
        disk_refused(disk, promised - 1, ERR_LEDGER_ROLLBACK);
    err = disk_check(disk, disk->n);
    if (err != ERR_OK)
        fail_msg("%s command %u: %s: %s", FX_CUT_TEXT[cut], nth, err_name(err), fx->why.text);
    if (cut <= FX_GATE_AFTER && disk->kept.missing != 0)
        fail_msg("%s command %u: %u missing", FX_CUT_TEXT[cut], nth, (unsigned)disk->kept.missing);
    if (disk->kept.missing > 254)
        fail_msg("%s command %u: %u missing", FX_CUT_TEXT[cut], nth, (unsigned)disk->kept.missing);
    disk_rounds(disk, 1, HW_KEEP_ROUND);
    disk_agrees(disk, 0);
    return hit;
}

static void binds_cut_at_every_command(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    for (unsigned i = 0; i < 3 * FX_CUTS; i++) {
        enum fx_cut cut = i / 3;
        enum hw_keep keep = i % 3 == 1 ? HW_KEEP_DURABLE : HW_KEEP_ROUND;
        unsigned nth = 0;
        err_code err;

        do {
            if (i % 3 == 2) /* the counter is stepped twice */
                disk_rounds_to(disk, 0);
            attach_faulty(disk);
            disk_agrees(disk, 0);
            disk_commit(disk);
            OK(fx->root->ops->begin(fx->root, &fx->why));
            fx_cut_at(fx, cut, ++nth);
            err = disk_bind(disk, keep);
        } while (revive(disk, cut, nth, err, disk->n - 1));
        assert_in_range(nth, 4, 9);
    }
}

/* A check that finishes a round, after the TPM was restarted, so that it writes as much as it can.
 */
static void checks_cut_at_every_command(void **state)
{
    struct disk *disk = *state;

    disk_rounds(disk, 2, HW_KEEP_DURABLE);
    for (enum fx_cut cut = 0; cut < FX_CUTS; cut++) {
        unsigned nth = 0;
        err_code err;

        do {
            disk_commit(disk);
            disk_restart(disk, CLEAN);
            attach_faulty(disk);
            fx_cut_at(disk->fx, cut, ++nth);
            err = disk_check(disk, disk->n);
        } while (revive(disk, cut, nth, err, disk->n - 1));
        assert_in_range(nth, 8, 16);
    }
}

static void a_bind_that_failed_asks_for_a_check(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_rounds(disk, 1, HW_KEEP_ROUND);
    attach_faulty(disk);
    disk_agrees(disk, 0);
    disk_commit(disk);
    fault_add(&fx->faults, &(struct fault){.kind = FAULT_ANSWER,
                                           .code = TPM2_CC_NV_Increment,
                                           .rc = TPM2_RC_FAILURE,
                                           .times = 1});
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_TPM_FAILED);
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_LEDGER_INCONSISTENT);
    disk_agrees(disk, 0);
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    /* The TPM is reset behind the gate's back: its chain is empty, and nothing goes on from there.
     */
    disk_commit(disk);
    swtpm_stop(&fx->tpm);
    swtpm_run(&fx->tpm);
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_TPM_FAILED);
    assert_non_null(strstr(fx->why.text, "was reset"));
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_LEDGER_INCONSISTENT);
    disk_agrees(disk, 0);
    disk_rounds(disk, 2, HW_KEEP_DURABLE);
    disk_commit(disk);
    swtpm_kill(&fx->tpm);
    swtpm_run(&fx->tpm);
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_TPM_FAILED);
    disk_agrees(disk, to_the_end_of_the_block(disk));
}

/* The same before the first head, when there is no chain yet. */
static void reset_before_the_first_head(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_commit(disk);
    swtpm_kill(&fx->tpm);
    swtpm_run(&fx->tpm);
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_LEDGER_INCONSISTENT);
    disk_agrees(disk, to_the_end_of_the_block(disk));
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    disk_agrees(disk, 0);
}

/* A service that stops in order shuts down what nobody else does: then a loss of power costs
 * nothing. A device is its kernel's to shut down. */
static void a_rest(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_rounds(disk, 3, HW_KEEP_ROUND);
    OK(fx->root->ops->rest(fx->root, &fx->why));
    disk_restart(disk, UNCLEAN);
    disk_agrees(disk, 0);
    disk_rounds(disk, 3, HW_KEEP_ROUND);
    fx_inside(fx)->chip.source->simulator = false;
    OK(fx->root->ops->rest(fx->root, &fx->why));
    fx_inside(fx)->chip.source->simulator = true;
    disk_restart(disk, UNCLEAN);
    disk_agrees(disk, to_the_end_of_the_block(disk));
}

/* TPM2_Shutdown(STATE) and Startup(CLEAR), a TPM Restart: nothing is lost, and the chain goes on.
 */
static void a_restart_with_state(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_rounds(disk, 3, HW_KEEP_ROUND);
    disk_save(disk);
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    assert_int_equal(Tss2_Sys_Shutdown(fx_inside(fx)->chip.sys, NULL, TPM2_SU_STATE, NULL), 0);
    disk_restart(disk, UNCLEAN);
    disk_refused(disk, disk->n - 1, ERR_LEDGER_ROLLBACK);
    disk_agrees(disk, 0);
    disk_rounds(disk, 1, HW_KEEP_ROUND);
    disk_restart(disk, CLEAN);
    disk_agrees(disk, 0);
}

/* The gate's file of this boot is lost, or an older one: the disk's heads lead there. */
static void the_file_of_the_boot_is_lost(void **state)
{
    struct disk *disk = *state;
    char path[128];

    disk_path(disk, TPM_HEAD_BOOT, path);
    disk_rounds(disk, 3, HW_KEEP_ROUND);
    disk_save(disk);
    disk_rounds(disk, 40, HW_KEEP_ROUND);
    disk_restart(disk, SAME_BOOT);
    disk_restore(disk);
    disk_agrees(disk, 0);
    assert_int_equal(unlink(path), 0);
    disk_agrees(disk, 0);
    assert_int_equal(truncate(path, 50), 0);
    disk_agrees(disk, 0);
    disk->heads[disk->n - 2].root.bytes[9] ^= 1; /* on the way, so it does not lead there */
    assert_int_equal(unlink(path), 0);
    disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
    disk->heads[disk->n - 2].root.bytes[9] ^= 1;
    disk_agrees(disk, 0);
    disk_rounds(disk, 300, HW_KEEP_ROUND); /* more than are looked through */
    assert_int_equal(unlink(path), 0);
    disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
    disk_restart(disk, CLEAN); /* which the refusal's text asks for */
    disk_agrees(disk, 0);
}

/* An older disk whose last head is said to be of the newest round, which its files may say: the
 * chain knows what was bound, and the file of the boot cannot say that it was something else. */
static void the_file_of_the_boot_lies(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    struct hw_head *old = &disk->heads[4];
    uint8_t octets[TPM_BOOT_LEN];
    struct tpm_boot boot;

    disk_rounds(disk, 3, HW_KEEP_DURABLE);
    disk_rounds(disk, 5, HW_KEEP_ROUND);
    disk_save(disk);
    old->round = disk->heads[disk->n - 1].round;
    for (int none = 0; none < 2; none++) {
        OK(tpm_boot_read(buf_slice(&disk->file), &boot));
        if (none)
            boot.before = boot.chain;
        boot.head = none ? (struct hw_head){0} : *old;
        OK(tpm_boot_write(&boot, octets));
        buf_cut(&disk->file, 0);
        OK(buf_add_slice(&disk->file, SLICE_OF(octets)));
        disk_restart(disk, SAME_BOOT);
        disk_restore(disk);
        disk_refused(disk, 5, ERR_LEDGER_INCONSISTENT);
        EXPECT(fx->root->ops->head_check(fx->root, old, 1, &disk->kept, &fx->why),
               ERR_LEDGER_INCONSISTENT);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(power_lost_at_each_round),
        TEST(as_far_back_as_the_block),
        TEST(an_older_disk_is_put_back),
        TEST(the_same_round_with_other_content),
        TEST(binds_cut_at_every_command),
        TEST(checks_cut_at_every_command),
        TEST(a_bind_that_failed_asks_for_a_check),
        TEST(reset_before_the_first_head),
        TEST(a_rest),
        TEST(a_restart_with_state),
        TEST(the_file_of_the_boot_is_lost),
        TEST(the_file_of_the_boot_lies),
    };

    return cmocka_run_group_tests_name("tpm head", tests, NULL, NULL);
}
