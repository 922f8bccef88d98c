/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_state_test.c: what is stored, in the TPM and beside it, taken away, replaced, forged or
 * set back. Each has its own named refusal. Grants and the root's own files: attack_grant_test.c.
 */
#include "gate/base/file.h"
#include "tpm/attest.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include <cmocka.h>

#define INDEX TPM_DEFAULT_INDEX

static const struct digest DIGEST = {{7, 8, 9}};

/* A gate at epoch 2. */
static int start(void **state)
{
    struct fx *fx = fx_new(false);

    fx_enrol(fx);
    fx_step(fx, 2);
    fx_round(fx);
    *state = fx;
    return 0;
}

static int start_bare(void **state)
{
    *state = fx_new(false);
    return 0;
}

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static TSS2L_SYS_AUTH_COMMAND password(const char *text)
{
    TSS2L_SYS_AUTH_COMMAND out = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};

    out.auths[0].hmac.size = (uint16_t)strlen(text);
    memcpy(out.auths[0].hmac.buffer, text, strlen(text));
    return out;
}

static TSS2_RC undefine(struct fx *fx)
{
    const TSS2L_SYS_AUTH_COMMAND pw = password("");

    return Tss2_Sys_NV_UndefineSpace(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, INDEX, &pw, NULL);
}

static TSS2_RC define(struct fx *fx, TPMA_NV attributes, const TPM2B_DIGEST *policy, uint16_t size)
{
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const TPM2B_AUTH empty = {0};
    TPM2B_NV_PUBLIC area = {.nvPublic = {.nvIndex = INDEX,
                                         .nameAlg = TPM2_ALG_SHA256,
                                         .attributes = attributes,
                                         .dataSize = size}};

    if (policy != NULL)
        area.nvPublic.authPolicy = *policy;
    return Tss2_Sys_NV_DefineSpace(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, &pw, &empty, &area,
                                   NULL);
}

static err_code attach(struct fx *fx)
{
    fx_open(fx);
    return fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why);
}

static err_code enrol(struct fx *fx)
{
    struct hw_enrolment enrolment;

    return fx->root->ops->enrol(fx->root, &fx->owner, &enrolment, &fx->why);
}

static err_code sign(struct fx *fx)
{
    uint8_t sig[64];

    return fx->root->ops->sign(fx->root, &DIGEST, sig, &fx->why);
}

static void no_key_is_there(struct fx *fx)
{
    TPM2B_PUBLIC area;
    TPM2B_NAME name;

    assert_int_equal(tpm_read_public(&fx_inside(fx)->chip, TPM_DEFAULT_RECEIPT, &area, &name),
                     0x18B);
    assert_int_equal(tpm_read_public(&fx_inside(fx)->chip, TPM_DEFAULT_SEAL, &area, &name), 0x18B);
}

/* --- the counter is gone --- */

static void the_tpm_cleared(void **state)
{
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const struct hw_enrolment old = fx->enrolment;

    assert_int_equal(Tss2_Sys_Clear(fx_inside(fx)->chip.sys, TPM2_RH_LOCKOUT, &pw, NULL), 0);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_COUNTER_MISSING);
    EXPECT(sign(fx), ERR_COUNTER_MISSING);
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 3), &fx->why), ERR_COUNTER_MISSING);
    EXPECT(attach(fx), ERR_COUNTER_MISSING);
    /* Enrolled again: other keys, and a counter above all that was. */
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_false(hw_pubkey_eq(&old.receipt, &fx->enrolment.receipt));
    assert_false(hw_pubkey_eq(&old.seal, &fx->enrolment.seal));
    assert_true(fx->enrolment.base > old.base + 2);
    EXPECT(fx->root->ops->attach(fx->root, &fx->owner, &old, &fx->why), ERR_COUNTER_FOREIGN);
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    /* The fleet's old grants allow nothing here, and the cached tickets are of another TPM. */
    EXPECT(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why), ERR_GRANT_INVALID);
    fx_rebase(fx, fx->enrolment.base);
    fx_step(fx, 1);
    fx_round(fx);
}

static void the_counter_undefined(void **state)
{
    struct fx *fx = *state;

    assert_int_equal(undefine(fx), 0);
    EXPECT(sign(fx), ERR_TPM_FAILED); /* within a round: PolicyNV has no index to read */
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_COUNTER_MISSING);
    EXPECT(attach(fx), ERR_COUNTER_MISSING);
}

static void the_counter_undefined_and_defined_again(void **state)
{
    struct fx *fx = *state;
    static struct tpm_approval first;
    CLEANUP(fx_other_close) struct tpm_chip *mallory = fx_other(fx);
    CLEANUP(buf_free) struct buf area = {0};
    const TPM2B_AUTH empty = {0};
    uint64_t epoch;

    OK(tpm_counter_public(&fx->plan, false, &area));
    assert_int_equal(undefine(fx), 0);
    assert_int_equal(tpm_nv_define(mallory, &empty, buf_slice(&area)), 0);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_COUNTER_MISSING);
    EXPECT(attach(fx), ERR_COUNTER_MISSING);
    /* He has the FIRST grant, too: it lies in the enrolment bundle. */
    fx_open(fx);
    fx_inside(fx)->plan = fx->plan;
    fx_approval(fx, HW_GRANT_FIRST, 0, &first);
    assert_int_equal(fx_satisfy(fx, mallory, &first, TPM2_CC_NV_Increment), 0);
    assert_int_equal(tpm_nv_increment(mallory, INDEX), 0);
    /* The same Name, and one more than it ever was: epoch 3 has come, epoch 2 is over. */
    OK(attach(fx));
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 3);
    EXPECT(fx->root->ops->step(fx->root, fx_mandate(fx, 2), &fx->why), ERR_ROLLBACK);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_ROLLBACK);
    fx_step(fx, 3);
    fx_round(fx);
}

/* An ordinary index in the counter's place, holding whatever number he likes. */
static void another_kind_of_index(void **state)
{
    static const struct {
        const char *name;
        TPMA_NV attributes;
        bool policy;
    } cases[] = {
        {"ordinary, writable", TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA, false},
        {"ordinary, our policy",
         TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA, true},
        {"counter, freely writable",
         TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA |
             TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
         false},
        {"our policy, and the owner may write",
         TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA |
             TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
         true},
        {"our policy, orderly",
         TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_ORDERLY | TPMA_NV_NO_DA |
             TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
         true},
        {"our policy, without NO_DA",
         TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT, true},
    };
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    TPM2B_DIGEST policy = {.size = 32};

    memcpy(policy.buffer, fx->plan.auth[TPM_PURPOSE_BUMP].bytes, 32);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const TPM2B_MAX_NV_BUFFER low = {.size = 8, .buffer = {0, 0, 0, 0, 0, 0, 0, 64}};
        TSS2_SYS_CONTEXT *sys = fx_inside(fx)->chip.sys;
        bool counter = (cases[i].attributes & TPMA_NV_TPM2_NT_MASK) != 0;
        err_code err;

        assert_int_equal(undefine(fx), 0);
        assert_int_equal(define(fx, cases[i].attributes, cases[i].policy ? &policy : NULL, 8), 0);
        if (!counter)
            assert_int_equal(Tss2_Sys_NV_Write(sys, INDEX, INDEX, &pw, &low, 0, NULL), 0);
        /* The gate that runs: what it may be told by the index, the keys do not believe. */
        if (sign(fx) == ERR_OK)
            fail_msg("%s: signed", cases[i].name);
        err = attach(fx);
        if (err != ERR_COUNTER_FOREIGN)
            fail_msg("%s: attach %s", cases[i].name, err_name(err));
        err = enrol(fx);
        if (err != ERR_COUNTER_FOREIGN)
            fail_msg("%s: enrol %s", cases[i].name, err_name(err));
    }
}

/* --- others in our places --- */

static void somebody_elses_index(void **state)
{
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const TPM2B_MAX_NV_BUFFER data = {.size = 4, .buffer = "mine"};
    TPM2B_MAX_NV_BUFFER read = {0};

    fx_open(fx);
    assert_int_equal(define(fx, TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE, NULL, 4), 0);
    assert_int_equal(
        Tss2_Sys_NV_Write(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, INDEX, &pw, &data, 0, NULL), 0);
    EXPECT(enrol(fx), ERR_COUNTER_FOREIGN);
    assert_int_equal(
        Tss2_Sys_NV_Read(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, INDEX, &pw, 4, 0, &read, NULL), 0);
    assert_memory_equal(read.buffer, "mine", 4);
    no_key_is_there(fx);
}

static void enrolment_without_good_grants_makes_nothing(void **state)
{
    struct fx *fx = *state;
    const struct hw_grant first = fx->grants[0], pad = fx->grants[1];

    fx_open(fx);
    for (size_t i = 0; i < 6; i++) {
        fx->grants[0] = first;
        fx->grants[1] = pad;
        fx->owner.n_grants = i == 0 ? 0 : i == 1 ? 1 : 2;
        if (i == 2)
            fx->grants[0] = pad;
        else if (i == 3)
            fx->grants[0].sig[9] ^= 1;
        else if (i == 4)
            fx->grants[1].sig[9] ^= 1;
        else if (i == 5)
            fx->grants[1].index++;
        EXPECT(enrol(fx), ERR_GRANT_INVALID);
        no_key_is_there(fx);
        fx_inside(fx)->plan = fx->plan; /* without a pad grant there is none */
        EXPECT(tpm_counter_compare(fx_inside(fx), &(bool){false}, &fx->why), ERR_COUNTER_MISSING);
    }
}

/* Another authority's gate was enrolled on this TPM before. */
static void another_authoritys_gate(void **state)
{
    struct fx *fx = *state;
    const struct digest root = fx->owner.root;

    fx->owner.root.bytes[0] ^= 1;
    EXPECT(attach(fx), ERR_COUNTER_FOREIGN);
    EXPECT(enrol(fx), ERR_COUNTER_FOREIGN);
    fx->owner.root = root;
    OK(attach(fx));
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
}

/* A key of somebody else's making at a handle of ours: by another template, or by ours. */
static void somebody_elses_key(void **state)
{
    struct fx *fx = *state;
    const TPM2B_AUTH empty = {0};

    fx_open(fx);
    for (int ours = 0; ours < 2; ours++)
        for (int seal = 0; seal < 2; seal++) {
            TPM2_HANDLE handle = seal ? TPM_DEFAULT_SEAL : TPM_DEFAULT_RECEIPT;
            enum tpm_purpose purpose = seal ? TPM_PURPOSE_CERTIFY : TPM_PURPOSE_SIGN;
            CLEANUP(buf_free) struct buf template = {0};
            struct tpm_chip *chip = &fx_inside(fx)->chip;
            struct tpm_plan plan = fx->plan;
            struct tpm_primary made;
            TPM2B_PUBLIC area;
            TPM2B_NAME name;

            plan.unique[purpose].bytes[0] ^= 1;
            if (!ours)
                plan.auth[purpose].bytes[0] ^= 1;
            OK(tpm_key_public(&plan, purpose, NULL, &template));
            assert_int_equal(tpm_create_primary(chip, &empty, NULL, buf_slice(&template), &made),
                             0);
            assert_int_equal(tpm_evict(chip, &empty, made.handle, handle), 0);
            assert_int_equal(tpm_flush(chip, made.handle), 0);
            EXPECT(enrol(fx), ERR_HANDLE_FOREIGN);
            assert_int_equal(tpm_read_public(chip, handle, &area, &name), 0);
            assert_memory_equal(name.name, made.name.name, name.size);
            assert_int_equal(tpm_evict(chip, &empty, handle, handle), 0);
            /* No counter was made on the way. */
            EXPECT(tpm_counter_compare(fx_inside(fx), &(bool){false}, &fx->why),
                   ERR_COUNTER_MISSING);
            /* Nor the key for the other handle. */
            assert_int_not_equal(
                tpm_read_public(chip, seal ? TPM_DEFAULT_RECEIPT : TPM_DEFAULT_SEAL, &area, &name),
                0);
        }
    fx_enrol(fx);
}

static void our_key_taken_away_or_exchanged(void **state)
{
    struct fx *fx = *state;
    const TPM2B_AUTH empty = {0};
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    CLEANUP(buf_free) struct buf template = {0};
    struct tpm_plan plan = fx->plan;
    struct tpm_primary made;

    assert_int_equal(tpm_evict(chip, &empty, TPM_DEFAULT_RECEIPT, TPM_DEFAULT_RECEIPT), 0);
    EXPECT(sign(fx), ERR_TPM_FAILED);
    EXPECT(attach(fx), ERR_TPM_KEY_MISSING);
    plan.unique[TPM_PURPOSE_SIGN].bytes[0] ^= 1;
    OK(tpm_key_public(&plan, TPM_PURPOSE_SIGN, NULL, &template));
    chip = &fx_inside(fx)->chip;
    assert_int_equal(tpm_create_primary(chip, &empty, NULL, buf_slice(&template), &made), 0);
    assert_int_equal(tpm_evict(chip, &empty, made.handle, TPM_DEFAULT_RECEIPT), 0);
    assert_int_equal(tpm_flush(chip, made.handle), 0);
    EXPECT(attach(fx), ERR_HANDLE_FOREIGN);
    chip = &fx_inside(fx)->chip;
    assert_int_equal(tpm_evict(chip, &empty, TPM_DEFAULT_RECEIPT, TPM_DEFAULT_RECEIPT), 0);
    /* Enrolment makes the same key again. */
    OK(fx->root->ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_int_equal(fx->enrolment.epoch, 2);
    OK(attach(fx));
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
}

/* Another TPM in the same socket, while the gate runs: an empty one, and one whose index shows the
 * right number. */
static void another_tpm(void **state)
{
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const TPM2B_MAX_NV_BUFFER two = {.size = 8, .buffer = {0, 0, 0, 0, 0, 0, 0, 64 + 2}};
    char gone[160], aside[160];

    OK(fx->root->ops->begin(fx->root, &fx->why));
    swtpm_stop(&fx->tpm);
    (void)snprintf(gone, sizeof gone, "%s/tpm", fx->tpm.dir);
    (void)snprintf(aside, sizeof aside, "%s/old", fx->tpm.dir);
    assert_int_equal(rename(gone, aside), 0);
    OK(file_make_dir(gone, 0700, &fx->why));
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_TPM_NOT_FOUND);
    swtpm_run(&fx->tpm);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_COUNTER_MISSING);
    EXPECT(sign(fx), ERR_COUNTER_MISSING);
    assert_int_equal(define(fx, TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA, NULL, 8), 0);
    assert_int_equal(Tss2_Sys_NV_Write(fx_inside(fx)->chip.sys, INDEX, INDEX, &pw, &two, 0, NULL),
                     0);
    EXPECT(fx->root->ops->begin(fx->root, &fx->why), ERR_COUNTER_FOREIGN);
    EXPECT(sign(fx), ERR_COUNTER_FOREIGN);
    EXPECT(attach(fx), ERR_COUNTER_FOREIGN);
    /* The old one back: on it goes. */
    fx_close(fx);
    swtpm_stop(&fx->tpm);
    (void)snprintf(aside, sizeof aside, "%s/other", fx->tpm.dir);
    assert_int_equal(rename(gone, aside), 0);
    (void)snprintf(aside, sizeof aside, "%s/old", fx->tpm.dir);
    assert_int_equal(rename(aside, gone), 0);
    swtpm_run(&fx->tpm);
    OK(attach(fx));
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
}

/* --- enrolments --- */

static void a_forged_enrolment(void **state)
{
    static const struct {
        const char *name;
        size_t at, len;
        err_code want;
    } cases[] = {
#define FIELD(field, code)                                                                         \
    {#field, offsetof(struct hw_enrolment, field), sizeof(((struct hw_enrolment *)NULL)->field),   \
     code}
        FIELD(index, ERR_COUNTER_FOREIGN),
        FIELD(receipt_handle, ERR_HANDLE_FOREIGN),
        FIELD(seal_handle, ERR_HANDLE_FOREIGN),
        FIELD(index_name, ERR_COUNTER_FOREIGN),
        FIELD(receipt_name, ERR_HANDLE_FOREIGN),
        FIELD(seal_name, ERR_HANDLE_FOREIGN),
        {"receipt.x", offsetof(struct hw_enrolment, receipt.x), 32, ERR_HANDLE_FOREIGN},
        {"receipt.y", offsetof(struct hw_enrolment, receipt.y), 32, ERR_HANDLE_FOREIGN},
        {"seal.x", offsetof(struct hw_enrolment, seal.x), 32, ERR_HANDLE_FOREIGN},
        {"receipt.alg", offsetof(struct hw_enrolment, receipt.alg), 1, ERR_HANDLE_FOREIGN},
#undef FIELD
    };
    struct fx *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at = cases[i].at; at < cases[i].at + cases[i].len; at++) {
            struct hw_enrolment forged = fx->enrolment;
            err_code err;

            ((uint8_t *)&forged)[at] ^= 2;
            err = fx->root->ops->attach(fx->root, &fx->owner, &forged, &fx->why);
            if (err != cases[i].want)
                fail_msg("%s: %s, wanted %s", cases[i].name, err_name(err),
                         err_name(cases[i].want));
        }
    /* An epoch above what the counter allows. */
    fx->enrolment.epoch = 3;
    EXPECT(attach(fx), ERR_COUNTER_FOREIGN);
    fx->enrolment.epoch = 0;
    OK(attach(fx));
}

/* --- the machine --- */

/* Without NO_DA three of these would lock the counter. */
static void power_cuts_do_not_lock(void **state)
{
    struct fx *fx = *state;

    for (uint64_t i = 0; i < 5; i++) {
        fx_round(fx);
        swtpm_kill(&fx->tpm);
        swtpm_run(&fx->tpm);
        fx_step(fx, 3 + i);
    }
    fx_round(fx);
}

static void the_owner_authorization_is_needed(void **state)
{
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const TPM2B_AUTH secret = {.size = 5, .buffer = "owner"};
    char path[128];

    fx_open(fx);
    assert_int_equal(
        Tss2_Sys_HierarchyChangeAuth(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, &pw, &secret, NULL),
        0);
    EXPECT(enrol(fx), ERR_TPM_AUTH);
    (void)snprintf(path, sizeof path, "%s/owner", fx->tpm.dir);
    OK(file_write(path, slice_str("wrong\n"), 0600, &fx->why));
    fx->options.owner_auth_file = path;
    fx_open(fx);
    EXPECT(enrol(fx), ERR_TPM_AUTH);
    OK(file_write(path, slice_str("owner\n"), 0644, &fx->why));
    EXPECT(enrol(fx), ERR_STORAGE);
    OK(file_write(path, slice_str("owner\n"), 0600, &fx->why));
    fx_enrol(fx);
    /* And is not, ever after. */
    fx->options.owner_auth_file = NULL;
    fx_attach(fx);
    fx_step(fx, 1);
    fx_round(fx);
}

/* Ordinary indices until nothing fits, then counters, for which libtpms keeps some room back. */
static void no_room_for_the_counter(void **state)
{
    static const struct {
        TPMA_NV type;
        uint16_t size;
    } kinds[] = {{0, 2048}, {0, 1}, {TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT, 8}};
    struct fx *fx = *state;
    const TSS2L_SYS_AUTH_COMMAND pw = password("");
    const TPM2B_AUTH empty = {0};
    uint32_t index = 0x01810000;
    TSS2_RC rc = 0;

    fx_open(fx);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (rc = 0; rc == 0 && index < 0x01820000; index++) {
            const TPM2B_NV_PUBLIC area = {
                .nvPublic = {.nvIndex = index,
                             .nameAlg = TPM2_ALG_SHA256,
                             .attributes = kinds[i].type | TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE,
                             .dataSize = kinds[i].size}};

            rc = Tss2_Sys_NV_DefineSpace(fx_inside(fx)->chip.sys, TPM2_RH_OWNER, &pw, &empty, &area,
                                         NULL);
        }
    assert_int_equal(rc, TPM2_RC_NV_SPACE);
    EXPECT(enrol(fx), ERR_NV_SPACE);
}

/* The double's state is a file. Put back, nothing on the machine can tell; but whoever saw a seal
 * of a later epoch can, and that is what the documentation says. */
static void a_simulator_rolled_back_is_seen_by_others_only(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_seal_free) struct hw_seal before = {0}, after = {0};
    struct tpm_sealed seen, now;

    swtpm_stop(&fx->tpm);
    swtpm_save(&fx->tpm, "two");
    swtpm_run(&fx->tpm);
    fx_step(fx, 5);
    OK(fx->root->ops->seal(fx->root, &DIGEST, &before, &fx->why));
    swtpm_stop(&fx->tpm);
    swtpm_restore(&fx->tpm, "two");
    swtpm_run(&fx->tpm);
    OK(attach(fx));
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
    OK(fx->root->ops->seal(fx->root, &DIGEST, &after, &fx->why));
    OK(tpm_seal_verify(&fx->enrolment, &before, &DIGEST, &seen, &fx->why));
    OK(tpm_seal_verify(&fx->enrolment, &after, &DIGEST, &now, &fx->why));
    assert_true(now.epoch < seen.epoch);
    assert_true(fx->enrolment.about.simulator);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define BARE(f) cmocka_unit_test_setup_teardown(f, start_bare, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tpm_cleared),
        TEST(the_counter_undefined),
        TEST(the_counter_undefined_and_defined_again),
        TEST(another_kind_of_index),
        BARE(somebody_elses_index),
        BARE(enrolment_without_good_grants_makes_nothing),
        TEST(another_authoritys_gate),
        BARE(somebody_elses_key),
        TEST(our_key_taken_away_or_exchanged),
        TEST(another_tpm),
        TEST(a_forged_enrolment),
        TEST(power_cuts_do_not_lock),
        BARE(the_owner_authorization_is_needed),
        BARE(no_room_for_the_counter),
        TEST(a_simulator_rolled_back_is_seen_by_others_only),
    };

    return cmocka_run_group_tests_name("tpm attack on state", tests, NULL, NULL);
}
