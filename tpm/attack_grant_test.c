/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack_grant_test.c: grants that are not what they should be, judged by the root on its TPM, and
 * forgeries of the files that the root keeps for itself.
 */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define INDEX TPM_DEFAULT_INDEX

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

static int end(void **state)
{
    fx_free(*state);
    return 0;
}

static err_code take(struct fx *fx, struct hw_grant *bump)
{
    const struct hw_mandate *mandate = fx_mandate(fx, 3);

    fx->grants[2] = *bump;
    return fx->root->ops->step(fx->root, mandate, &fx->why);
}

/* Whole, so that they can be compared. */
static void names_both(const struct fx *fx, const struct hw_grant *one, const struct hw_grant *two)
{
    char text[DIGEST_TEXT];

    digest_text(&one->policy, text);
    assert_non_null(strstr(fx->why.text, text));
    digest_text(&two->policy, text);
    assert_non_null(strstr(fx->why.text, text));
}

static void grants_that_are_not_ours(void **state)
{
    struct fx *fx = *state;
    CLEANUP(hw_signer_close) struct hw_signer *stranger = NULL;
    struct tpm_plan plan = fx->plan;
    const struct tpm_terms terms = {.kind = HW_GRANT_BUMP, .base = TPM_DEFAULT_BASE, .epoch = 3};
    struct hw_grant good = fx_grant(fx, HW_GRANT_BUMP, 3, 0), bad;
    struct tpm_facts facts = {fx->owner.domain, fx->owner.root,  fx->owner.ratchet, 2,
                              INDEX + 1,        TPM_DEFAULT_BASE};
    struct hw_pubkey keys[2];
    uint64_t epoch;

    OK(hw_signer_generate(HW_ES256, &stranger, &fx->why));
    /* Of another index, another root, another domain, other ratchet keys: and renamed to ours. */
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(tpm_grant_make(&plan, &terms, fx->ratchet[0], &bad, &fx->why));
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    bad.index = INDEX;
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    names_both(fx, &bad, &good);
    bad.policy = good.policy;
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    facts.index = INDEX;
    facts.root.bytes[5] ^= 1;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(tpm_grant_make(&plan, &terms, fx->ratchet[0], &bad, &fx->why));
    bad.policy = good.policy;
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    facts.root = fx->owner.root;
    facts.domain = "another.test";
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(tpm_grant_make(&plan, &terms, fx->ratchet[0], &bad, &fx->why));
    bad.policy = good.policy;
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    facts.domain = fx->owner.domain;
    keys[0] = fx->owner.ratchet[0];
    keys[1] = stranger->key;
    facts.ratchet = keys;
    OK(tpm_plan_make(&facts, &plan, &fx->why));
    OK(tpm_grant_make(&plan, &terms, stranger, &bad, &fx->why));
    bad.policy = good.policy;
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    bad.key = fx->owner.ratchet[0];
    EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    /* Of another base or epoch, as it is and renamed. */
    for (int renamed = 0; renamed < 2; renamed++) {
        bad = fx_grant_at(fx, HW_GRANT_BUMP, TPM_DEFAULT_BASE + 1, 3, 0);
        bad.base -= (uint64_t)renamed;
        EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
        bad = fx_grant(fx, HW_GRANT_BUMP, 4, 0);
        bad.epoch -= (uint64_t)renamed;
        EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
        bad = fx_grant(fx, HW_GRANT_SIGN, 3, 0);
        bad.kind = renamed ? HW_GRANT_BUMP : HW_GRANT_SIGN;
        EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    }
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    OK(take(fx, &good));
}

static void grants_damaged(void **state)
{
    struct fx *fx = *state;
    struct hw_grant good = fx_grant(fx, HW_GRANT_BUMP, 3, 0), bad;
    uint64_t epoch;

    for (size_t bit = 0; bit < 512; bit++) {
        bad = good;
        bad.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    }
    for (size_t len = 0; len <= HW_SIG_MAX; len++) {
        bad = good;
        bad.sig_len = len;
        if (len != 64)
            EXPECT(take(fx, &bad), ERR_GRANT_INVALID);
    }
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    fx_round(fx);
}

/* --- files beside the gate --- */

/* Opened anew with one mandate; how often the TPM had to verify, and it works. */
static size_t verified_again(struct fx *fx, const struct hw_mandate *mandate)
{
    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(fx->root->ops->prepare(fx->root, mandate, &fx->why));
    fx_round(fx);
    return fault_count(&fx->faults, TPM2_CC_VerifySignature);
}

static void forged_tickets(void **state)
{
    struct fx *fx = *state;
    static struct tpm_tickets tickets;
    const struct hw_mandate *mandate = fx_mandate(fx, 2);
    struct hw_grant forged;
    char path[128];

    /* A ticket is kept over restarts of gate and TPM. */
    assert_int_equal(verified_again(fx, mandate), 2);
    assert_int_equal(verified_again(fx, mandate), 0);
    swtpm_stop(&fx->tpm);
    swtpm_run(&fx->tpm);
    assert_int_equal(verified_again(fx, mandate), 0);
    /* All of the cache replaced by nonsense under the right names: verified again. */
    tpm_tickets_load(fx->store, &tickets);
    assert_true(tickets.n >= 3);
    for (size_t i = 0; i < tickets.n; i++)
        tickets.ticket[i].hmac[0] ^= 1;
    tpm_tickets_save(fx->store, &tickets);
    assert_int_equal(verified_again(fx, mandate), 2);
    assert_int_equal(verified_again(fx, mandate), 0);
    fx_step(fx, 3);
    fx_round(fx);

    /* A ticket under the name of a grant that was never signed: TPM and then we refuse. */
    forged = fx_grant(fx, HW_GRANT_BUMP, 4, 0);
    memset(forged.sig, 7, 64);
    for (int cached = 0; cached < 2; cached++) {
        struct hw_statement st;

        mandate = fx_mandate(fx, 4);
        fx->grants[2] = forged;
        EXPECT(fx->root->ops->step(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
        OK(tpm_grant_read(&fx->plan, &forged, &fx->snapshot, &st, &fx->why));
        OK(tpm_ticket_id(&st, &tickets.ticket[0].id));
        tpm_tickets_save(fx->store, &tickets);
        fx_attach(fx);
    }

    /* No cache, half a cache, something else: all the same. */
    (void)snprintf(path, sizeof path, "%s/tickets", fx->store);
    for (size_t len = 0; len < 400; len += 9) {
        CLEANUP(buf_free) struct buf file = {0};

        tpm_tickets_save(fx->store, &tickets);
        OK(file_read(path, 65536, &file, &fx->why));
        OK(file_write(path, slice_part(buf_slice(&file), 0, len), 0600, &fx->why));
        tpm_tickets_load(fx->store, &tickets);
    }
    OK(file_write(path, slice_str("something else"), 0600, &fx->why));
    fx_attach(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 3), &fx->why));
    fx_round(fx);
}

/* A forged record of the last settled epoch, or none: settled once more, at worst. */
static void forged_settled(void **state)
{
    static const char *const contents[] = {
        "1\n", "", "2", "\n", "-1\n", "99999999999999999999999\n", "two\n", "2 \n"};
    struct fx *fx = *state;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/settled", fx->store);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        OK(file_write(path, slice_str(contents[i]), 0600, &fx->why));
        fault_clear(&fx->faults);
        OK(fx_open_faulty(fx, false));
        OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
        if (fault_count(&fx->faults, TPM2_CC_PCR_Event) != 1)
            fail_msg("\"%s\": not settled again", contents[i]);
    }
    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_PCR_Event), 0);
    /* Without a directory there is no record at all. */
    fx->options.store_dir = NULL;
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_PCR_Event), 1);
}

/* A mark of the epoch to come, written ahead, must not spare the sessions of this one. */
static void settled_ahead(void **state)
{
    struct fx *fx = *state;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/settled", fx->store);
    OK(file_write(path, slice_str("3\n"), 0600, &fx->why));
    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(file_write(path, slice_str("3\n"), 0600, &fx->why));
    fault_clear(&fx->faults);
    fx_step(fx, 3);
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_PCR_Event), 1);
}

/* Nothing can be written here any more, and what stands there stays. (A test that runs as root is
 * not stopped by file modes.) */
static void freeze(rlim_t size)
{
    struct rlimit limit = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The same mark, and it cannot be replaced: no increment, since a kill behind it would leave a mark
 * that says all is done. */
static void settled_ahead_for_good(void **state)
{
    struct fx *fx = *state;
    struct hw_mandate *mandate;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    char path[128];
    uint64_t epoch;
    err_code err;

    (void)snprintf(path, sizeof path, "%s/settled", fx->store);
    fault_clear(&fx->faults);
    OK(fx_open_faulty(fx, false));
    OK(fx->root->ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(file_write(path, slice_str("3\n"), 0600, &fx->why));
    mandate = fx_mandate(fx, 3);
    fault_clear(&fx->faults);
    freeze(0);
    err = fx->root->ops->step(fx->root, mandate, &fx->why);
    freeze(RLIM_INFINITY);
    (void)signal(SIGXFSZ, before);
    EXPECT(err, ERR_STORAGE_FULL);
    assert_non_null(strstr(fx->why.text, path));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_NV_Increment), 0);
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, 2);
    OK(fx->root->ops->step(fx->root, mandate, &fx->why));
    assert_int_equal(fault_count(&fx->faults, TPM2_CC_PCR_Event), 1);
}

/* --- another snapshot of the epoch --- */

/* The genuine grants of the epoch, for a snapshot that the authority did not make them for. */
static void grants_of_another_snapshot(void **state)
{
    struct fx *fx = *state;
    const struct digest genuine = fx->snapshot;
    struct digest other;
    struct hw_mandate *mandate;

    OK(hash_sha256(slice_str("another snapshot"), &other));
    for (uint64_t epoch = 2; epoch <= 3; epoch++)
        for (size_t at = 3; at < 5; at++) {
            struct hw_grant theirs;

            fx->snapshot = other;
            theirs = fx_grant(fx, fx->grants[at].kind, epoch, 0);
            fx->snapshot = genuine;
            /* Served is the other one, with all grants genuine but one, then with that one, too. */
            mandate = fx_mandate(fx, epoch);
            mandate->snapshot = other;
            EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
            if (at == 3)
                names_both(fx, &fx->grants[at], &theirs);
            fx->grants[at] = theirs;
            EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
            mandate->snapshot = genuine;
            EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
            names_both(fx, &fx->grants[at], &theirs);
            /* No snapshot at all. */
            mandate = fx_mandate(fx, epoch);
            mandate->snapshot = (struct digest){0};
            EXPECT(fx->root->ops->prepare(fx->root, mandate, &fx->why), ERR_GRANT_INVALID);
        }
    /* What was prepared before goes on; and the control, both ways. */
    fx_round(fx);
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
    fx->snapshot = other;
    OK(fx->root->ops->prepare(fx->root, fx_mandate(fx, 2), &fx->why));
    fx_round(fx);
}

/* By hand: signature and ticket are good and the counter stands right, but the session that named
 * another snapshot, or none, holds another digest. */
static void another_snapshot_by_hand(void **state)
{
    static const struct {
        enum hw_grant_kind kind;
        TPM2_CC command;
    } cases[] = {{HW_GRANT_SIGN, TPM2_CC_Sign}, {HW_GRANT_CERTIFY, TPM2_CC_NV_Certify}};
    struct fx *fx = *state;
    CLEANUP(fx_other_close) struct tpm_chip *mallory = fx_other(fx);
    static struct tpm_approval approval;
    struct digest genuine;
    TPMT_SIGNATURE sig;
    TPM2B_ATTEST attest;

    for (size_t i = 0; i < 2; i++) {
        bool sign = cases[i].kind == HW_GRANT_SIGN;

        fx_approval(fx, cases[i].kind, 2, &approval);
        genuine = approval.served[1];
        approval.served[1].bytes[31] ^= 1;
        assert_int_equal(fx_satisfy(fx, mallory, &approval, cases[i].command), 0x1C4);
        assert_int_equal(
            sign ? tpm_sign(mallory, TPM_DEFAULT_RECEIPT, &genuine, &sig)
                 : tpm_nv_certify(mallory, TPM_DEFAULT_SEAL, INDEX, &genuine, &attest, &sig),
            0x99D);
        /* The branch of the snapshot is no way in. */
        tpm_chip_drop_session(mallory);
        assert_int_equal(tpm_chip_session(mallory), 0);
        approval.served[1] = genuine;
        assert_int_equal(
            tpm_policy_or(mallory, mallory->session, approval.served, TPM_SERVED_BRANCHES), 0x1C4);
        /* Under its own, the same walk ends well. */
        tpm_chip_drop_session(mallory);
        assert_int_equal(fx_satisfy(fx, mallory, &approval, cases[i].command), 0);
        assert_int_equal(
            sign ? tpm_sign(mallory, TPM_DEFAULT_RECEIPT, &genuine, &sig)
                 : tpm_nv_certify(mallory, TPM_DEFAULT_SEAL, INDEX, &genuine, &attest, &sig),
            0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(grants_that_are_not_ours),
        TEST(grants_damaged),
        TEST(forged_tickets),
        TEST(forged_settled),
        TEST(settled_ahead),
        TEST(settled_ahead_for_good),
        TEST(grants_of_another_snapshot),
        TEST(another_snapshot_by_hand),
    };

    return cmocka_run_group_tests_name("tpm attack on grants", tests, NULL, NULL);
}
