/* SPDX-License-Identifier: Apache-2.0 */
/* head_owner_test.c: enrolment of the three indexes, and what the TPM's owner, or anybody with the
 * authorization, does to them afterwards. */
#include "tpm/head_rig.h"

#include "gate/base/file.h"
#include "tpm/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const TPM2B_AUTH OWNER = {0};

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

static struct tpm_chip *chip_of(struct disk *disk)
{
    return &fx_inside(disk->fx)->chip;
}

static void undefine(struct disk *disk, enum tpm_head_place place)
{
    assert_int_equal(
        tpm_nv_undefine(chip_of(disk), &OWNER, fx_inside(disk->fx)->heads.plan.index[place]), 0);
}

/* The same public area again, with the gate's authorization or another. */
static void define(struct disk *disk, enum tpm_head_place place, bool gates)
{
    CLEANUP(buf_free) struct buf area = {0};
    const struct tpm_heads *heads = &fx_inside(disk->fx)->heads;
    const TPM2B_AUTH other = {.size = 1, .buffer = {7}};
    struct fx *fx = disk->fx;

    OK(tpm_head_public(&heads->plan, place, false, &area));
    assert_int_equal(
        tpm_nv_define_with(chip_of(disk), &OWNER, gates ? &heads->auth : &other, buf_slice(&area)),
        0);
}

static TSS2_RC step(struct disk *disk)
{
    const struct tpm_nv nv = tpm_heads_nv(fx_inside(disk->fx), TPM_HEAD_ROUNDS);

    return tpm_nv_step(chip_of(disk), &nv);
}

static uint64_t counter(struct disk *disk)
{
    const struct tpm_nv nv = tpm_heads_nv(fx_inside(disk->fx), TPM_HEAD_ROUNDS);
    uint8_t octets[8] = {0};

    assert_int_equal(tpm_nv_read(chip_of(disk), &nv, octets, 8), 0);
    return get_u64(octets);
}

static void an_index_is_gone(void **state)
{
    struct disk *disk = *state;

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        disk_rounds(disk, 2, HW_KEEP_DURABLE);
        undefine(disk, place);
        disk_commit(disk);
        assert_int_not_equal(disk_bind(disk, HW_KEEP_DURABLE), ERR_OK);
        disk_refused(disk, disk->n, ERR_HEAD_MISSING);
        assert_non_null(strstr(disk->fx->why.text, tpm_head_place_name(place)));
        disk_restart(disk, CLEAN);
        disk_refused(disk, disk->n, ERR_HEAD_MISSING);
        disk_free(disk);
        *state = disk = disk_new();
    }
}

/* Deleted and defined again, by somebody who can read the gate's files: a counter goes on above. */
static void the_counter_is_made_anew(void **state)
{
    struct disk *disk = *state;
    uint64_t before;

    disk_rounds(disk, 5, HW_KEEP_ROUND);
    before = counter(disk);
    undefine(disk, TPM_HEAD_ROUNDS);
    define(disk, TPM_HEAD_ROUNDS, true);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    assert_int_equal(step(disk), 0);
    assert_true(counter(disk) > before);
    disk_refused(disk, disk->n, ERR_LEDGER_ROLLBACK);
    disk_refused(disk, disk->n - 3, ERR_LEDGER_ROLLBACK);
    disk_refused(disk, 0, ERR_LEDGER_ROLLBACK);
}

static void the_chain_is_made_anew(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    uint8_t octets[HW_HEAD_LEN];
    struct tpm_nv nv;

    disk_rounds(disk, 5, HW_KEEP_ROUND);
    undefine(disk, TPM_HEAD_CHAIN);
    define(disk, TPM_HEAD_CHAIN, true);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    assert_non_null(strstr(fx->why.text, "defined anew"));
    disk_restart(disk, SAME_BOOT);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    /* With something in it that the disk does not lead to. */
    hw_head_put(&disk->heads[1], octets);
    nv = tpm_heads_nv(fx_inside(fx), TPM_HEAD_CHAIN);
    assert_int_equal(tpm_nv_extend(chip_of(disk), &nv, SLICE_OF(octets)), 0);
    disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
    disk_restart(disk, CLEAN);
    disk_agrees(disk, 0);
    /* While the gate runs. */
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    nv = tpm_heads_nv(fx_inside(fx), TPM_HEAD_CHAIN);
    assert_int_equal(tpm_nv_extend(chip_of(disk), &nv, SLICE_OF(octets)), 0);
    disk_commit(disk);
    EXPECT(disk_bind(disk, HW_KEEP_ROUND), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(fx->why.text, "somebody else extends"));
}

static void write_durable(struct disk *disk, const struct hw_head_record *record)
{
    const struct tpm_nv nv = tpm_heads_nv(fx_inside(disk->fx), TPM_HEAD_DURABLE);
    uint8_t octets[HW_HEAD_RECORD_LEN];
    struct fx *fx = disk->fx;

    OK(hw_head_record_write(record, octets));
    if (record->first == 77)
        octets[3] ^= 1;
    assert_int_equal(tpm_nv_write(chip_of(disk), &nv, SLICE_OF(octets)), 0);
}

static void the_durable_head_is_made_anew(void **state)
{
    struct disk *disk = *state;
    const uint64_t first = disk->kept.round;

    disk_rounds(disk, 5, HW_KEEP_DURABLE);
    undefine(disk, TPM_HEAD_DURABLE);
    define(disk, TPM_HEAD_DURABLE, true);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    /* Torn, as if power had failed, and it has not. */
    write_durable(disk, &(struct hw_head_record){.first = 77});
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    /* Counting begins after the disk's last round: what enrol writes. */
    write_durable(disk, &(struct hw_head_record){.first = disk->heads[disk->n - 1].round});
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    /* An older one, which the counter does not fall for. */
    write_durable(disk, &(struct hw_head_record){first, true, disk->heads[1]});
    disk_refused(disk, disk->n - 1, ERR_LEDGER_ROLLBACK);
    disk_refused(disk, 2, ERR_LEDGER_ROLLBACK);
    disk_agrees(disk, 0);
    /* Another content. */
    write_durable(disk, &(struct hw_head_record){first, true, {disk->heads[1].round, 4, {{9}}}});
    disk_refused(disk, disk->n, ERR_LEDGER_INCONSISTENT);
}

static void a_durable_head_is_torn(void **state)
{
    struct disk *disk = *state;

    disk_rounds(disk, 5, HW_KEEP_DURABLE);
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    write_durable(disk, &(struct hw_head_record){.first = 77});
    disk_restart(disk, UNCLEAN);
    disk_agrees(disk, 254 - disk->heads[disk->n - 1].round % 255);
    disk_agrees(disk, 254 - disk->heads[disk->n - 1].round % 255);
    assert_true(disk->kept.has_durable); /* made good with what the disk had */
    assert_true(hw_head_eq(&disk->kept.durable, &disk->heads[disk->n - 1]));
    disk_rounds(disk, 1, HW_KEEP_ROUND);
    disk_agrees(disk, 0);
}

static void another_authorization(void **state)
{
    struct disk *disk = *state;

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        disk_rounds(disk, 2, HW_KEEP_ROUND);
        undefine(disk, place);
        define(disk, place, false);
        disk_refused(disk, disk->n, ERR_HEAD_MISSING);
        disk_free(disk);
        *state = disk = disk_new();
    }
}

static void the_authorization_file(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    CLEANUP(buf_free) struct buf good = {0}, bad = {0};
    char path[128];
    struct stat st;

    disk_rounds(disk, 2, HW_KEEP_ROUND);
    disk_path(disk, TPM_HEAD_AUTH, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    OK(file_read(path, 1000, &good, &fx->why));
    assert_int_equal(good.len, 64);
    OK(buf_add_slice(&bad, buf_slice(&good)));
    bad.ptr[5] = bad.ptr[5] == '0' ? '1' : '0';
    OK(file_write(path, buf_slice(&bad), 0600, &fx->why));
    disk_restart(disk, SAME_BOOT);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    assert_non_null(strstr(fx->why.text, "refuses the authorization"));
    OK(file_write(path, slice_part(buf_slice(&good), 0, 63), 0600, &fx->why));
    disk_restart(disk, SAME_BOOT);
    disk_refused(disk, disk->n, ERR_STATE_CORRUPT);
    assert_int_equal(unlink(path), 0);
    disk_refused(disk, disk->n, ERR_HEAD_MISSING);
    OK(file_write(path, buf_slice(&good), 0604, &fx->why));
    disk_refused(disk, disk->n, ERR_STORAGE);
    OK(file_write(path, buf_slice(&good), 0600, &fx->why));
    disk_agrees(disk, 0);
}

/* Without the file nobody steps or extends anything. */
static void others_are_kept_out(void **state)
{
    struct disk *disk = *state;
    const struct tpm_heads *heads = &fx_inside(disk->fx)->heads;
    const TPM2B_AUTH empty = {0};
    uint8_t octets[HW_HEAD_LEN] = {0};

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        const struct tpm_nv nv = {heads->plan.index[place], &empty};
        struct tpm_chip *chip = chip_of(disk);

        assert_int_not_equal(tpm_nv_read(chip, &nv, octets, 8), 0);
        assert_int_not_equal(place == TPM_HEAD_ROUNDS  ? tpm_nv_step(chip, &nv)
                             : place == TPM_HEAD_CHAIN ? tpm_nv_extend(chip, &nv, SLICE_OF(octets))
                                                       : tpm_nv_write(chip, &nv, SLICE_OF(octets)),
                             0);
    }
    disk_rounds(disk, 2, HW_KEEP_DURABLE);
    disk_agrees(disk, 0);
}

static void somebody_steps_the_counter(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_rounds(disk, 2, HW_KEEP_ROUND);
    assert_int_equal(step(disk), 0);
    disk_rounds(disk, 2, HW_KEEP_ROUND);
    disk_commit(disk);
    EXPECT(disk_bind(disk, HW_KEEP_DURABLE), ERR_LEDGER_INCONSISTENT);
    assert_non_null(strstr(fx->why.text, "somebody else steps"));
    disk_refused(disk, disk->n, ERR_LEDGER_ROLLBACK);
}

/* ---- enrolment ------------------------------------------------------------------------------- */

static struct fx *open_new(void **state)
{
    struct fx *fx = fx_new(false);

    *state = fx;
    fx_open(fx);
    return fx;
}

static int end_fx(void **state)
{
    fx_free(*state);
    return 0;
}

static err_code enrol(struct fx *fx)
{
    return fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why);
}

static void foreign_indexes_stay(void **state)
{
    struct fx *fx = open_new(state);
    const uint32_t at[] = {0x01800102, 0x01800103, 0x01800104};

    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buf_free) struct buf area = {0};
        struct tpm_chip *chip = &fx_inside(fx)->chip;
        TPM2B_NV_PUBLIC found;
        TPM2B_NAME name;

        OK(tpm_scratch_public(at[i], false, &area));
        assert_int_equal(tpm_nv_define(chip, &OWNER, buf_slice(&area)), 0);
        EXPECT(enrol(fx), ERR_COUNTER_FOREIGN);
        assert_non_null(strstr(fx->why.text, "ledger's head"));
        assert_int_equal(tpm_nv_read_public(chip, at[i], &found, &name), 0);
        /* Nothing was made beside it. */
        assert_int_not_equal(tpm_nv_read_public(chip, TPM_DEFAULT_INDEX, &found, &name), 0);
        assert_int_equal(tpm_nv_undefine(chip, &OWNER, at[i]), 0);
    }
    OK(enrol(fx));
}

static void a_tpm_that_cannot(void **state)
{
    struct fx *fx = open_new(state);
    static const uint32_t ORDERLY[] = {0, 254, 256, 0x1FFFF};

    for (size_t i = 0; i < 4; i++) {
        fx_inside(fx)->chip.orderly = ORDERLY[i];
        EXPECT(enrol(fx), ERR_UNSUPPORTED);
        assert_non_null(strstr(fx->why.text, "TPM_PT_ORDERLY_COUNT"));
    }
    OK(fx_open_faulty(fx, false));
    OK(enrol(
        fx)); /* all is there; so the three are removed, and refused when they are to be made */
    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        static const TSS2_RC CODES[] = {TPM2_RC_NV_SPACE, TPM2_RC_ATTRIBUTES | TPM2_RC_P | 0x200};
        uint32_t index = fx_inside(fx)->heads.plan.index[place];

        assert_int_equal(tpm_nv_undefine(&fx_inside(fx)->chip, &OWNER, index), 0);
        for (size_t i = 0; i < 2; i++) {
            fault_clear(&fx->faults);
            fault_add(&fx->faults, &(struct fault){.kind = FAULT_ANSWER,
                                                   .code = TPM2_CC_NV_DefineSpace,
                                                   .rc = CODES[i]});
            EXPECT(enrol(fx), i == 0 ? ERR_NV_SPACE : ERR_UNSUPPORTED);
            assert_non_null(strstr(fx->why.text, tpm_head_place_name(place)));
        }
        fault_clear(&fx->faults);
        OK(enrol(fx));
    }
}

/* What enrol finds whole, it leaves: heads, authorization, count. */
static void enrolled_again(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;

    disk_rounds(disk, 4, HW_KEEP_DURABLE);
    disk_rounds(disk, 4, HW_KEEP_ROUND);
    OK(enrol(fx));
    disk_restart(disk, SAME_BOOT);
    disk_refused(disk, disk->n - 1, ERR_LEDGER_ROLLBACK);
    disk_refused(disk, 0, ERR_LEDGER_ROLLBACK);
    disk_agrees(disk, 0);
    assert_true(disk->kept.has_durable);
}

/* The enrolment was set aside, and a new ledger begins: with the authorization of before on the
 * same indexes, the count of which goes on; without it on new ones. */
static void begun_anew(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    char from[128], to[128], boot[128];

    disk_path(disk, TPM_HEAD_AUTH, from);
    disk_path(disk, TPM_HEAD_AUTH_BEFORE, to);
    disk_path(disk, TPM_HEAD_BOOT, boot);
    for (int with = 1; with >= 0; with--) {
        uint64_t before;

        disk_rounds(disk, 4, HW_KEEP_DURABLE);
        before = disk->kept.round;
        disk_restart(disk, UNCLEAN); /* which the new beginning does not inherit */
        OK(disk_check(disk, disk->n));
        assert_int_equal(rename(from, to), 0);
        if (with == 0)
            assert_int_equal(unlink(to), 0);
        fx_inside(fx)->options.take_over = true;
        OK(enrol(fx));
        assert_true(file_exists(from) && !file_exists(to) && !file_exists(boot));
        disk_restart(disk, SAME_BOOT);
        disk_refused(disk, disk->n, ERR_HEAD_MISSING); /* the old ledger */
        disk->n = 0;
        disk_agrees(disk, 0);
        assert_true(disk->kept.none && !disk->kept.has_durable);
        assert_true(disk->kept.round >= before);
        disk_rounds(disk, 3, HW_KEEP_ROUND);
        disk_restart(disk, SAME_BOOT);
        disk_agrees(disk, 0);
    }
}

/* Another directory on the TPM of a gate that is there: nothing is touched, and what was found is
 * named, as long as any of it is there. */
static void from_another_directory(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    char own[96];

    (void)snprintf(own, sizeof own, "%s", fx->store);
    disk_rounds(disk, 3, HW_KEEP_DURABLE);
    (void)snprintf(fx->store, sizeof fx->store, "%s/other", fx->tpm.dir);
    OK(file_make_dir(fx->store, 0700, &fx->why));
    fx_open(fx);
    EXPECT(enrol(fx), ERR_GATE_EXISTS);
    assert_non_null(strstr(fx->why.text, "0x01800102, 0x01800103, 0x01800104"));
    assert_non_null(strstr(fx->why.text, "epoch 1"));
    assert_non_null(strstr(fx->why.text, "example.test"));
    assert_non_null(strstr(fx->why.text, "--again"));
    /* Heads at other places: the counter is the gate's still. */
    fx_inside(fx)->uri.round += 0x10;
    fx_inside(fx)->uri.chain += 0x10;
    fx_inside(fx)->uri.head += 0x10;
    EXPECT(enrol(fx), ERR_GATE_EXISTS);
    assert_non_null(strstr(fx->why.text, "has the counter"));
    (void)snprintf(fx->store, sizeof fx->store, "%s", own);
    disk_restart(disk, SAME_BOOT);
    disk_agrees(disk, 0);
    /* The counter is gone: the heads are the gate's still. */
    assert_int_equal(tpm_nv_undefine(chip_of(disk), &OWNER, TPM_DEFAULT_INDEX), 0);
    (void)snprintf(fx->store, sizeof fx->store, "%s/other", fx->tpm.dir);
    fx_open(fx);
    EXPECT(enrol(fx), ERR_GATE_EXISTS);
    assert_non_null(strstr(fx->why.text, "has the ledger's head"));
    fx_inside(fx)->options.take_over = true;
    OK(enrol(fx));
    fx_inside(fx)->options.take_over = false;
    OK(enrol(fx)); /* and now it is this directory's */
}

/* A base that somebody wrote into the directory is not the counter's. */
static void a_note_of_another_base(void **state)
{
    struct disk *disk = *state;
    struct fx *fx = disk->fx;
    char path[128];

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++)
        undefine(disk, place);
    disk_path(disk, TPM_HEAD_AUTH, path);
    assert_int_equal(unlink(path), 0);
    disk_path(disk, "base", path);
    OK(file_write(path, slice_str("65 0x01800100\n"), 0600, &fx->why));
    EXPECT(enrol(fx), ERR_GATE_EXISTS);
    OK(file_write(path, slice_str("64 0x01800100\n"), 0600, &fx->why));
    OK(enrol(fx)); /* what a kill before the heads leaves */
}

/* Without a directory there is no authorization, and so no head; all else works. */
static void without_a_directory(void **state)
{
    struct fx *fx = open_new(state);
    struct hw_kept kept;

    fx->options.store_dir = NULL;
    fx_enrol(fx);
    EXPECT(fx->root->ops->head_check(fx->root, NULL, 0, &kept, &fx->why), ERR_HEAD_MISSING);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define FRESH(f) cmocka_unit_test_setup_teardown(f, NULL, end_fx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_index_is_gone),
        TEST(the_counter_is_made_anew),
        TEST(the_chain_is_made_anew),
        TEST(the_durable_head_is_made_anew),
        TEST(a_durable_head_is_torn),
        TEST(another_authorization),
        TEST(the_authorization_file),
        TEST(others_are_kept_out),
        TEST(somebody_steps_the_counter),
        FRESH(foreign_indexes_stay),
        FRESH(a_tpm_that_cannot),
        TEST(enrolled_again),
        TEST(begun_anew),
        TEST(from_another_directory),
        TEST(a_note_of_another_base),
        FRESH(without_a_directory),
    };

    return cmocka_run_group_tests_name("tpm head owner", tests, NULL, NULL);
}
