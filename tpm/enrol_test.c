/* SPDX-License-Identifier: Apache-2.0 */
/* enrol_test.c: which base a gate gets, the scratch counter that tells it, and what is in the way.
 */
#include "gate/base/file.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INDEX TPM_DEFAULT_INDEX
#define SCRATCH (TPM_DEFAULT_INDEX + 1)

static const TPM2B_AUTH EMPTY;

static int start(void **state)
{
    *state = fx_new(false);
    fx_open(*state);
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static struct tpm_chip *chip_of(struct fx *fx)
{
    return &fx_inside(fx)->chip;
}

static err_code enrol(struct fx *fx)
{
    return fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why);
}

static void define_scratch(struct fx *fx)
{
    CLEANUP(buf_free) struct buf area = {0};

    OK(tpm_scratch_public(SCRATCH, false, &area));
    assert_int_equal(tpm_nv_define(chip_of(fx), &EMPTY, buf_slice(&area)), 0);
}

/* Makes this TPM's next counter begin at value + 1. */
static void raise_all(struct fx *fx, uint64_t value)
{
    uint64_t now = 0;

    define_scratch(fx);
    while (now < value) {
        assert_int_equal(tpm_nv_increment_plain(chip_of(fx), SCRATCH), 0);
        assert_int_equal(tpm_nv_read_counter(chip_of(fx), SCRATCH, &now), 0);
    }
    assert_int_equal(tpm_nv_undefine(chip_of(fx), &EMPTY, SCRATCH), 0);
}

static bool exists(struct fx *fx, TPM2_HANDLE index)
{
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;

    return tpm_nv_read_public(chip_of(fx), index, &area, &name) == TPM2_RC_SUCCESS;
}

static void lose_hint(struct fx *fx)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/base", fx->store);
    assert_int_equal(unlink(path), 0);
}

/* All that a gate does, with grants of the base that it got. */
static void lives(struct fx *fx, uint64_t base)
{
    assert_int_equal(fx->enrolment.base, base);
    assert_false(exists(fx, SCRATCH));
    fx_rebase(fx, base);
    fx_attach(fx);
    assert_memory_equal(fx->enrolment.index_name, fx->plan.index_name, HW_TPM_NAME_LEN);
    fx_step(fx, fx->enrolment.epoch + 1);
    fx_round(fx);
    fx_step(fx, fx->enrolment.epoch + 3);
    fx_round(fx);
}

static void the_scratch_counter_is_what_we_compute(void **state)
{
    struct fx *fx = *state;
    uint8_t want[HW_TPM_NAME_LEN];
    TPM2B_NV_PUBLIC area;
    TPM2B_NAME name;

    define_scratch(fx);
    for (int written = 0; written < 2; written++) {
        assert_int_equal(tpm_nv_read_public(chip_of(fx), SCRATCH, &area, &name), 0);
        OK(tpm_scratch_name(SCRATCH, written, want));
        assert_int_equal(name.size, HW_TPM_NAME_LEN);
        assert_memory_equal(name.name, want, HW_TPM_NAME_LEN);
        assert_int_equal(tpm_nv_increment_plain(chip_of(fx), SCRATCH), 0);
    }
}

static void bases_of_tpms_with_a_past(void **state)
{
    /* The scratch counter begins one above the past, the counter one above that. */
    static const struct {
        uint64_t past, base;
    } cases[] = {{0, 64}, {40, 64}, {61, 64}, {62, 64}, {63, 65}, {64, 66}, {300, 302}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fx *fx = fx_new(false);

        *state = fx;
        fx_open(fx);
        if (cases[i].past > 0)
            raise_all(fx, cases[i].past);
        OK(enrol(fx));
        assert_int_equal(fx->enrolment.epoch, 0);
        lives(fx, cases[i].base);
        fx_free(fx);
    }
}

static int start_none(void **state)
{
    *state = NULL;
    return 0;
}

static void found_again_without_the_hint(void **state)
{
    struct fx *fx = *state;

    raise_all(fx, 100);
    OK(enrol(fx));
    lives(fx, 102);
    lose_hint(fx);
    OK(enrol(fx));
    assert_int_equal(fx->enrolment.base, 102);
    assert_int_equal(fx->enrolment.epoch, 3);
    /* A hint that lies is only a hint. */
    for (int i = 0; i < 3; i++) {
        static const char *const hints[] = {"64 0x01800100\n", "nonsense", "103 0x01800100\n"};
        char path[128];

        (void)snprintf(path, sizeof path, "%s/base", fx->store);
        OK(file_write(path, slice_str(hints[i]), 0600, &fx->why));
        OK(enrol(fx));
        assert_int_equal(fx->enrolment.base, 102);
    }
    lives(fx, 102);
}

/* Killed between definition and first increment, and the directory lost with it. */
static void defined_and_not_incremented(void **state)
{
    struct fx *fx = *state;
    CLEANUP(buf_free) struct buf area = {0};

    raise_all(fx, 100);
    fx_rebase(fx, 101);
    OK(tpm_counter_public(&fx->plan, false, &area));
    assert_int_equal(tpm_nv_define(chip_of(fx), &EMPTY, buf_slice(&area)), 0);
    /* Looking for the base costs a scratch counter, so the first value is beyond the base: said
     * once, and then the gate begins there. */
    EXPECT(enrol(fx), ERR_TPM_BUSY);
    OK(enrol(fx));
    assert_int_equal(fx->enrolment.epoch, 1);
    lives(fx, 101);
}

/* Somebody makes counters between our scratch counter and the first increment. */
static void others_make_counters_meanwhile(void **state)
{
    struct fx *fx = *state;
    CLEANUP(buf_free) struct buf area = {0};

    OK(tpm_counter_public(&fx->plan, false, &area));
    assert_int_equal(tpm_nv_define(chip_of(fx), &EMPTY, buf_slice(&area)), 0);
    raise_all(fx, 70);
    EXPECT(enrol(fx), ERR_TPM_BUSY);
    assert_non_null(strstr(fx->why.text, "71"));
    OK(enrol(fx));
    assert_int_equal(fx->enrolment.epoch, 71 - 64);
    lives(fx, 64);
}

static void a_scratch_counter_left_behind(void **state)
{
    struct fx *fx = *state;

    for (int written = 0; written < 2; written++) {
        fx_free(fx);
        *state = fx = fx_new(false);
        fx_open(fx);
        define_scratch(fx);
        if (written)
            assert_int_equal(tpm_nv_increment_plain(chip_of(fx), SCRATCH), 0);
        OK(enrol(fx));
        lives(fx, 64);
    }
}

static void somebody_elses_index_at_the_scratch_handle(void **state)
{
    struct fx *fx = *state;
    struct digest mark;
    char uri[256];

    OK(hash_tagged("pawl-scratch-v1", NULL, 0, &mark));
    for (int i = 0; i < 4; i++) {
        CLEANUP(buf_free) struct buf area = {0};
        TPM2B_NV_PUBLIC before, after;
        TPM2B_NAME name, name_after;

        /* Ours but for one thing: attributes, policy, size; and a plain counter. */
        OK(tpm_scratch_public(SCRATCH, false, &area));
        if (i == 0)
            area.ptr[9] |= 0x02; /* OWNERWRITE */
        else if (i == 1)
            area.ptr[12] ^= 1;
        else if (i == 2)
            area.ptr[7] ^= 0x02; /* OWNERREAD */
        else
            area.ptr[43] ^= 0x80;
        assert_int_equal(tpm_nv_define(chip_of(fx), &EMPTY, buf_slice(&area)), 0);
        assert_int_equal(tpm_nv_read_public(chip_of(fx), SCRATCH, &before, &name), 0);
        EXPECT(enrol(fx), ERR_COUNTER_FOREIGN);
        assert_non_null(strstr(fx->why.text, "0x01800101"));
        assert_false(exists(fx, INDEX));
        assert_int_equal(tpm_nv_read_public(chip_of(fx), SCRATCH, &after, &name_after), 0);
        assert_memory_equal(name.name, name_after.name, HW_TPM_NAME_LEN);
        if (i < 3)
            assert_int_equal(tpm_nv_undefine(chip_of(fx), &EMPTY, SCRATCH), 0);
    }
    /* Another handle does. */
    fx_close(fx);
    (void)snprintf(uri, sizeof uri, "%s?scratch=0x01800107", fx->tpm.uri);
    OK(tpm_root_open(uri, &fx->options, &fx->root, &fx->why));
    OK(enrol(fx));
    assert_int_equal(fx->enrolment.base, 64);
    assert_false(exists(fx, 0x01800107));
    assert_true(exists(fx, SCRATCH));
    /* Once enrolled, nobody needs it. */
    fx_attach(fx);
    OK(enrol(fx));
}

static bool holds(const void *memory, size_t size, const char *secret)
{
    return memmem(memory, size, secret, strlen(secret)) != NULL;
}

/* The owner's authorization is in no buffer of ours once enrol is over. */
static void the_owner_authorization_is_wiped(void **state)
{
    struct fx *fx = *state;
    static const char secret[] = "correct-horse-battery";
    const TSS2L_SYS_AUTH_COMMAND pw = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};
    TPM2B_AUTH auth = {.size = sizeof secret - 1};
    char path[128];

    memcpy(auth.buffer, secret, sizeof secret - 1);
    assert_int_equal(
        Tss2_Sys_HierarchyChangeAuth(chip_of(fx)->sys, TPM2_RH_OWNER, &pw, &auth, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/owner", fx->tpm.dir);
    OK(file_write(path, slice_str(secret), 0600, &fx->why));
    fx->options.owner_auth_file = path;
    fx_open(fx);
    OK(enrol(fx));
    assert_false(holds(fx_inside(fx), sizeof *fx_inside(fx), secret));
    assert_false(holds(chip_of(fx)->sys, Tss2_Sys_GetContextSize(0), secret));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    fx_step(fx, 1);
    fx_round(fx);
    /* Also where it failed. */
    OK(tpm_plan_rebase(&fx->plan, 64));
    fx->owner.n_grants = 1;
    fx->owner.grants = fx->grants + 1; /* no FIRST */
    assert_int_equal(tpm_nv_undefine(chip_of(fx), &auth, INDEX), 0);
    EXPECT(enrol(fx), ERR_GRANT_INVALID);
    assert_false(holds(fx_inside(fx), sizeof *fx_inside(fx), secret));
    assert_false(holds(chip_of(fx)->sys, Tss2_Sys_GetContextSize(0), secret));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_scratch_counter_is_what_we_compute),
        cmocka_unit_test_setup(bases_of_tpms_with_a_past, start_none),
        TEST(found_again_without_the_hint),
        TEST(defined_and_not_incremented),
        TEST(others_make_counters_meanwhile),
        TEST(a_scratch_counter_left_behind),
        TEST(somebody_elses_index_at_the_scratch_handle),
        TEST(the_owner_authorization_is_wiped),
    };

    return cmocka_run_group_tests_name("tpm enrol", tests, NULL, NULL);
}
