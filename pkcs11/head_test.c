/* SPDX-License-Identifier: Apache-2.0 */
/* head_test.c: older disks, hands on the objects and the keys that keep the head, and tokens that
 * are not like SoftHSM. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "pkcs11/hands_rig.h"
#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADS 40

struct disk {
    struct rig rig;
    struct hw_root *root;
    struct hw_head heads[HEADS];
    size_t n;
    struct hw_kept kept;
    struct why why;
};

#define EXPECT(call, wanted) rig_expect((call), (wanted), &disk->why, #call, __FILE__, __LINE__)
#define OK(call) EXPECT(call, ERR_OK)

static err_code check(struct disk *disk, size_t n)
{
    return disk->root->ops->head_check(disk->root, disk->heads, n, &disk->kept, &disk->why);
}

static void agrees(struct disk *disk)
{
    OK(check(disk, disk->n));
    assert_int_equal(disk->kept.missing, 0);
    if (disk->n > 0)
        assert_true(disk->kept.round == disk->heads[disk->n - 1].round);
}

static void reopen(struct disk *disk)
{
    hw_root_close(&disk->root);
    disk->root = rig_attach(&disk->rig);
    OK(disk->root->ops->prepare(disk->root, rig_mandate(&disk->rig, 1), &disk->why));
    OK(disk->root->ops->begin(disk->root, &disk->why));
}

static void commit(struct disk *disk)
{
    struct hw_head *head = &disk->heads[disk->n];

    assert_true(disk->n + 1 < HEADS);
    *head = (struct hw_head){.round = ++disk->kept.round, .size = disk->n > 0 ? head[-1].size : 0};
    head->size += 2;
    put_u64(head->root.bytes, head->round);
    disk->n++;
}

static err_code keep(struct disk *disk, enum hw_keep how)
{
    return disk->root->ops->head_bind(disk->root, &disk->heads[disk->n - 1], how, &disk->why);
}

static void rounds(struct disk *disk, unsigned n, enum hw_keep how)
{
    for (unsigned i = 0; i < n; i++) {
        commit(disk);
        OK(keep(disk, i + 1 == n ? how : HW_KEEP_ROUND));
    }
}

/* Enrolled, at epoch 1, with an empty ledger. */
static int start(void **state)
{
    struct disk *disk = calloc(1, sizeof *disk);
    struct hw_root *root;

    assert_non_null(disk);
    rig_start(&disk->rig);
    (void)rig_fault(&disk->rig);
    rig_enrol(&disk->rig);
    root = rig_attach(&disk->rig);
    rig_step(&disk->rig, root, 1);
    hw_root_close(&root);
    reopen(disk);
    agrees(disk);
    assert_true(disk->kept.none);
    *state = disk;
    return 0;
}

static int end(void **state)
{
    struct disk *disk = *state;

    hw_root_close(&disk->root);
    rig_stop(&disk->rig);
    free(disk);
    return 0;
}

static struct hsm_root *inside(struct disk *disk)
{
    return (struct hsm_root *)disk->root;
}

static void objects(struct disk *disk, struct hsm_head_found *ret)
{
    OK(hsm_head_objects(inside(disk), ret, &disk->why));
}

/* What somebody with the PIN can do: both objects say what they said after the disk's first n. */
static void rewind_objects(struct disk *disk, size_t n)
{
    struct hsm_head_found found;

    objects(disk, &found);
    for (size_t i = 0; i < found.n; i++) {
        const struct hw_head_record record = {0, true, disk->heads[n - 1 - i]};

        OK(hsm_head_object_put(inside(disk), &record, &found.object[i], &disk->why));
    }
}

static void an_older_disk_is_put_back(void **state)
{
    struct disk *disk = *state;

    rounds(disk, 5, HW_KEEP_DURABLE);
    softhsm_save(disk->rig.hsm.store, "old");
    rounds(disk, 3, HW_KEEP_ROUND);
    softhsm_restore(disk->rig.hsm.store, "old");
    reopen(disk);
    EXPECT(check(disk, 5), ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(disk->why.text, "has 10 entries"));
    assert_non_null(strstr(disk->why.text, "knows of 16 entries"));
    EXPECT(check(disk, 0), ERR_LEDGER_ROLLBACK);
    agrees(disk);
}

/* With the PIN the objects can be wound back, but not to before the last durable head. */
static void wound_back_with_the_pin(void **state)
{
    struct disk *disk = *state;

    rounds(disk, 5, HW_KEEP_DURABLE);
    softhsm_save(disk->rig.hsm.store, "old");
    rounds(disk, 3, HW_KEEP_DURABLE);
    rounds(disk, 4, HW_KEEP_ROUND);
    rewind_objects(disk, 5);
    softhsm_restore(disk->rig.hsm.store, "old");
    reopen(disk);
    EXPECT(check(disk, 5), ERR_LEDGER_ROLLBACK);
    assert_non_null(strstr(disk->why.text, "has 10 entries"));
    assert_non_null(strstr(disk->why.text, "round 8 with 16 entries"));
    EXPECT(check(disk, 6), ERR_LEDGER_ROLLBACK);
}

static void objects_are_deleted(void **state)
{
    struct disk *disk = *state;
    struct hsm_head_found found;

    for (size_t victim = 0; victim < 2; victim++) {
        rounds(disk, 3, HW_KEEP_ROUND);
        objects(disk, &found);
        assert_int_equal(found.n, 2);
        OK(hsm_destroy(&inside(disk)->token, found.object[victim], &disk->why));
        reopen(disk);
        EXPECT(check(disk, disk->n), victim == 0 ? ERR_OK : ERR_HEAD_MISSING);
        if (victim == 0) /* the newest is as if it had never been written: that round is finished */
            agrees(disk);
        else {
            EXPECT(check(disk, disk->n - 1), ERR_LEDGER_ROLLBACK);
            commit(disk);
            disk->heads[disk->n - 1].round = disk->heads[disk->n - 2].round + 1;
            agrees(disk); /* a round that was cut short */
        }
        objects(disk, &found);
        assert_true(found.n == 2 && found.whole == 2);
    }
    for (size_t i = 0; i < 2; i++)
        OK(hsm_destroy(&inside(disk)->token, found.object[i], &disk->why));
    reopen(disk);
    EXPECT(check(disk, disk->n), ERR_HEAD_MISSING);
    EXPECT(check(disk, 0), ERR_HEAD_MISSING);
}

/* The newest one is deleted and the disk cut to the other: that is no round cut short. */
static void the_newest_object_and_round_are_taken_off(void **state)
{
    struct disk *disk = *state;
    struct hsm_head_found found;

    rounds(disk, 3, HW_KEEP_ROUND);
    objects(disk, &found);
    OK(hsm_destroy(&inside(disk)->token, found.object[0], &disk->why));
    reopen(disk);
    EXPECT(check(disk, disk->n - 1), ERR_HEAD_MISSING);
    EXPECT(check(disk, disk->n - 2), ERR_LEDGER_ROLLBACK);
}

static void head_keys(struct disk *disk, struct hsm_key *ret, size_t max, size_t *n)
{
    OK(hsm_head_keys(&inside(disk)->token, &inside(disk)->space, ret, max, n, &disk->why));
}

static void several_head_keys(void **state)
{
    struct disk *disk = *state;
    struct hsm_key keys[8];
    CK_OBJECT_HANDLE planted;
    size_t n = 0;

    rounds(disk, 4, HW_KEEP_DURABLE);
    /* Others beside the noted one: of its round, and of other rounds. All go. */
    for (size_t i = 0; i < 3; i++)
        OK(hsm_head_generate(&inside(disk)->token, &inside(disk)->space,
                             &(struct hw_head){.round = 3 + i, .size = 4}, &planted, &disk->why));
    head_keys(disk, keys, 8, &n);
    assert_int_equal(n, 4);
    reopen(disk);
    agrees(disk);
    head_keys(disk, keys, 8, &n);
    assert_int_equal(n, 1);
    assert_int_equal(keys[0].epoch, 4);
    /* The noted one is gone, and another calls itself by its name. */
    OK(hsm_destroy(&inside(disk)->token, keys[0].handle, &disk->why));
    OK(hsm_head_generate(&inside(disk)->token, &inside(disk)->space, &disk->heads[3], &planted,
                         &disk->why));
    reopen(disk);
    EXPECT(check(disk, disk->n), ERR_LEDGER_ROLLBACK);
    head_keys(disk, keys, 8, &n);
    assert_int_equal(n, 1); /* nothing was changed */
    OK(hsm_destroy(&inside(disk)->token, keys[0].handle, &disk->why));
    EXPECT(check(disk, disk->n), ERR_HEAD_MISSING);
    OK(hsm_head_generate(&inside(disk)->token, &inside(disk)->space, &disk->heads[1], &planted,
                         &disk->why));
    EXPECT(check(disk, disk->n), ERR_HEAD_MISSING); /* an older one */
}

static void the_note(void **state)
{
    struct disk *disk = *state;
    CLEANUP(buf_free) struct buf note = {0};
    char path[128];

    rounds(disk, 2, HW_KEEP_DURABLE);
    (void)snprintf(path, sizeof path, "%s/head-key", disk->rig.hsm.store);
    OK(file_read(path, 1000, &note, &disk->why));
    for (size_t i = 0; i < note.len; i++) {
        note.ptr[i] ^= 1;
        OK(file_write(path, buf_slice(&note), 0600, &disk->why));
        EXPECT(check(disk, disk->n), ERR_STATE_CORRUPT);
        note.ptr[i] ^= 1;
    }
    OK(file_write(path, slice_part(buf_slice(&note), 0, note.len - 1), 0600, &disk->why));
    EXPECT(check(disk, disk->n), ERR_STATE_CORRUPT);
    assert_int_equal(unlink(path), 0);
    EXPECT(check(disk, disk->n), ERR_HEAD_MISSING);
    OK(file_write(path, buf_slice(&note), 0600, &disk->why));
    agrees(disk);
}

static err_code enrol(struct disk *disk)
{
    struct hw_enrolment got;

    return disk->root->ops->enrol(disk->root, disk->rig.owner, &got, &disk->why);
}

static void enrolled_again(void **state)
{
    struct disk *disk = *state;
    char path[128];

    rounds(disk, 4, HW_KEEP_DURABLE);
    rounds(disk, 2, HW_KEEP_ROUND);
    hw_root_close(&disk->root);
    rig_enrol(&disk->rig); /* what is whole stays */
    reopen(disk);
    EXPECT(check(disk, disk->n - 1), ERR_LEDGER_ROLLBACK);
    agrees(disk);
    /* Set aside: a new ledger begins, and the old one is not taken for it. */
    (void)snprintf(path, sizeof path, "%s/head-key", disk->rig.hsm.store);
    assert_int_equal(unlink(path), 0);
    EXPECT(enrol(disk), ERR_GATE_EXISTS);
    assert_non_null(strstr(disk->why.text, "round 6 with 12 entries"));
    hw_root_close(&disk->root);
    disk->rig.options.take_over = true;
    rig_enrol(&disk->rig);
    disk->rig.options.take_over = false;
    reopen(disk);
    EXPECT(check(disk, disk->n), ERR_HEAD_MISSING);
    disk->n = 0;
    agrees(disk);
    assert_true(disk->kept.none && !disk->kept.has_durable);
    rounds(disk, 2, HW_KEEP_DURABLE);
    agrees(disk);
}

/* Another directory on the token of a gate that is there: nothing is touched, and what was found is
 * named, as long as any of it is there. */
static void from_another_directory(void **state)
{
    struct disk *disk = *state;
    struct rig *rig = &disk->rig;
    struct hsm_head_found found;
    struct hsm_key key[8];
    char store[128];
    size_t n = 0;

    rounds(disk, 3, HW_KEEP_DURABLE);
    hw_root_close(&disk->root);
    (void)snprintf(store, sizeof store, "%s/other", rig->hsm.dir);
    rig->options.store_dir = store;
    disk->root = rig_open(rig);
    EXPECT(enrol(disk), ERR_GATE_EXISTS);
    assert_non_null(strstr(disk->why.text, "pawl:example.org:gate-1"));
    assert_non_null(strstr(disk->why.text, "epoch 1; a ledger's head of round 3 with 6 entries"));
    assert_non_null(strstr(disk->why.text, store));
    hw_root_close(&disk->root);
    rig->options.store_dir = rig->hsm.store;
    reopen(disk);
    agrees(disk);
    /* Nothing but a head key is left of the head; then nothing of it, and an epoch key. */
    objects(disk, &found);
    for (size_t i = 0; i < found.n; i++)
        OK(hsm_destroy(&inside(disk)->token, found.object[i], &disk->why));
    for (int left = 1; left >= 0; left--) {
        if (left == 0) {
            head_keys(disk, key, 8, &n);
            OK(hsm_destroy(&inside(disk)->token, key[0].handle, &disk->why));
        }
        hw_root_close(&disk->root);
        rig->options.store_dir = store;
        disk->root = rig_open(rig);
        EXPECT(enrol(disk), ERR_GATE_EXISTS);
        hw_root_close(&disk->root);
        rig->options.store_dir = rig->hsm.store;
        reopen(disk);
    }
    hw_root_close(&disk->root);
    rig->options.store_dir = store;
    rig->options.take_over = true;
    disk->root = rig_open(rig);
    OK(enrol(disk));
    inside(disk)->options.take_over = false;
    OK(enrol(disk)); /* and now it is this directory's */
}

/* Nobody ever kept a head, and all is whole: that is a gate as well. */
static void a_gate_without_a_head(void **state)
{
    struct rig rig;
    struct disk *disk = *state;
    struct why why = {0};
    char store[128];

    hw_root_close(&disk->root);
    rig_start(&rig);
    rig_enrol(&rig);
    (void)snprintf(store, sizeof store, "%s/other", rig.hsm.dir);
    rig.options.store_dir = store;
    disk->root = rig_open(&rig);
    expect_err(disk->root->ops->enrol(disk->root, rig.owner, &rig.enrolment, &why),
               ERR_GATE_EXISTS);
    hw_root_close(&disk->root);
    rig_stop(&rig);
}

/* Two roots, one domain, one gate name: each has its own place and leaves the other's alone. */
static void a_gate_of_the_same_name(void **state)
{
    struct disk *disk = *state;
    struct rig *rig = &disk->rig;
    struct hw_enrolment own = rig->enrolment;
    struct hsm_head_found before, after;
    char store[128], theirs[DIGEST_TEXT], ours[DIGEST_TEXT];

    rounds(disk, 3, HW_KEEP_DURABLE);
    rounds(disk, 1, HW_KEEP_ROUND);
    objects(disk, &before);
    hw_root_close(&disk->root);
    (void)snprintf(store, sizeof store, "%s/other", rig->hsm.dir);
    rig->options.store_dir = store;
    rig->owner->root.bytes[0] ^= 1;
    rig_enrol(rig);
    disk->root = rig_attach(rig);
    objects(disk, &after);
    assert_int_equal(after.whole, 2);
    assert_false(after.record[0].has_head);
    hw_root_close(&disk->root);
    rig->options.store_dir = rig->hsm.store;
    rig->owner->root.bytes[0] ^= 1;
    rig->enrolment = own;
    reopen(disk);
    agrees(disk);
    objects(disk, &after);
    assert_int_equal(after.n, before.n);
    /* Put at our place with the other root's digest inside. */
    inside(disk)->space.root.bytes[0] ^= 1;
    OK(hsm_head_object_put(inside(disk), &(struct hw_head_record){0, true, disk->heads[1]},
                           &(CK_OBJECT_HANDLE){0}, &disk->why));
    digest_text(&inside(disk)->space.root, theirs);
    inside(disk)->space.root.bytes[0] ^= 1;
    digest_text(&inside(disk)->space.root, ours);
    EXPECT(check(disk, disk->n), ERR_HEAD_FOREIGN);
    assert_non_null(strstr(disk->why.text, theirs));
    assert_non_null(strstr(disk->why.text, ours));
}

/* The token goes away at any call, once: the bind is done over, or the next check makes it good. */
static void the_token_goes_away(void **state)
{
    struct disk *disk = *state;
    struct p11_fault *fault = disk->rig.fault;

    for (enum p11_fault_fn fn = P11_FAULT_C_FindObjectsInit; fn <= P11_FAULT_C_Sign; fn++) {
        for (int i = 0; i < 2; i++) {
            rounds(disk, 1, HW_KEEP_ROUND);
            commit(disk);
            rig_strike(fault, fn, i == 0 ? CKR_DEVICE_REMOVED : CKR_GENERAL_ERROR, 1);
            if (keep(disk, HW_KEEP_DURABLE) == ERR_OK && i == 0)
                agrees(disk);
            rig_heal(fault);
            OK(disk->root->ops->begin(disk->root, &disk->why));
            agrees(disk);
        }
    }
}

static void a_token_that_takes_no_objects(void **state)
{
    static const struct {
        CK_RV rv;
        err_code err;
    } CASES[] = {{CKR_TEMPLATE_INCONSISTENT, ERR_UNSUPPORTED},
                 {CKR_ATTRIBUTE_VALUE_INVALID, ERR_UNSUPPORTED},
                 {CKR_FUNCTION_NOT_SUPPORTED, ERR_UNSUPPORTED},
                 {CKR_DEVICE_MEMORY, ERR_NV_SPACE}};
    struct disk *disk = *state;
    struct rig *rig = &disk->rig;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/head-key", rig->hsm.store);
    assert_int_equal(unlink(path), 0);
    for (size_t i = 0; i < HSM_N(CASES); i++) {
        rig_strike(rig->fault, P11_FAULT_C_CreateObject, CASES[i].rv, UINT32_MAX);
        EXPECT(enrol(disk), CASES[i].err);
        assert_non_null(strstr(disk->why.text, "ledger's head"));
    }
}

/* ---- a token that lets objects be overwritten, as SoftHSM does not --------------------------- */

static struct {
    CK_FUNCTION_LIST list, *real;
    CK_OBJECT_HANDLE object;
    uint8_t value[HSM_HEAD_VALUE_LEN];
    unsigned sets, creates;
    CK_RV answer;
} overwrites;

static CK_RV set_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                       CK_ULONG n)
{
    (void)session;
    assert_true(n == 1 && template->type == CKA_VALUE &&
                template->ulValueLen == sizeof overwrites.value);
    overwrites.sets++;
    overwrites.object = object;
    memcpy(overwrites.value, template->pValue, sizeof overwrites.value);
    return overwrites.answer;
}

static CK_RV count_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n,
                          CK_OBJECT_HANDLE *object)
{
    overwrites.creates++;
    return overwrites.real->C_CreateObject(session, template, n, object);
}

static void a_token_that_overwrites(void **state)
{
    struct disk *disk = *state;
    struct hsm_root *hsm = inside(disk);
    CK_OBJECT_HANDLE older, newer;
    struct hw_head_record record;

    rounds(disk, 2, HW_KEEP_ROUND);
    overwrites.real = hsm->token.f;
    overwrites.list = *hsm->token.f;
    overwrites.list.C_SetAttributeValue = set_value;
    overwrites.list.C_CreateObject = count_create;
    hsm->token.f = &overwrites.list;
    older = hsm->heads.object[0];
    newer = hsm->heads.object[1];
    for (unsigned i = 1; i <= 4; i++) { /* the two take turns, and stay */
        rounds(disk, 1, HW_KEEP_ROUND);
        assert_int_equal(overwrites.sets, i);
        assert_true(overwrites.object == (i % 2 == 1 ? older : newer));
        OK(hw_head_record_read(
            slice_part(SLICE_OF(overwrites.value), SHA256_LEN, HW_HEAD_RECORD_LEN), &record));
        assert_true(hw_head_eq(&record.head, &disk->heads[disk->n - 1]));
    }
    assert_int_equal(overwrites.creates, 0);
    overwrites.answer = CKR_GENERAL_ERROR;
    commit(disk);
    EXPECT(keep(disk, HW_KEEP_ROUND), ERR_HSM_FAILED);
    EXPECT(keep(disk, HW_KEEP_ROUND), ERR_LEDGER_INCONSISTENT);
    hsm->token.f = overwrites.real;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

/* An argument names the one test to run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_disk_is_put_back),
        TEST(wound_back_with_the_pin),
        TEST(objects_are_deleted),
        TEST(the_newest_object_and_round_are_taken_off),
        TEST(several_head_keys),
        TEST(the_note),
        TEST(enrolled_again),
        TEST(from_another_directory),
        TEST(a_gate_without_a_head),
        TEST(a_gate_of_the_same_name),
        TEST(the_token_goes_away),
        TEST(a_token_that_takes_no_objects),
        TEST(a_token_that_overwrites),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
