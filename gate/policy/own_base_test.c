/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_base_test.c: a gate whose TPM has a past, from the authority's bundles to rounds on a swtpm;
 * and a fleet's gate on another one, which gets the same publication.
 */
#include "gate/base/dir_testing.h"
#include "gate/base/file.h"
#include "gate/policy/authority.h"
#include "gate/policy/cast_testing.h"
#include "tpm/command.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUST(call) assert_int_equal((call), ERR_OK)

struct site {
    struct cast cast;
    char dir[64];
    struct hw_signer *signers[CAST_END];
    struct authority_keys keys;
    struct authority *authority;
    struct fx *own, *fleet; /* one TPM each */
};

static int start(void **state)
{
    struct site *s = calloc(1, sizeof *s);
    CLEANUP(root_meta_free) struct root_meta *meta = NULL;

    assert_non_null(s);
    *state = s;
    cast_make(&s->cast);
    for (int i = 0; i < CAST_END; i++)
        s->signers[i] = s->cast.signers[i];
    s->keys = (struct authority_keys){s->signers, CAST_END};
    testing_dir(s->dir, sizeof s->dir);
    meta = cast_root_meta(&s->cast);
    MUST(authority_init(s->dir, meta, &s->keys, 1000, NULL));
    MUST(authority_open(s->dir, 5000, &s->authority, NULL));
    s->own = fx_new(false);
    s->fleet = fx_new(false);
    return 0;
}

static int end(void **state)
{
    struct site *s = *state;

    fx_free(s->own);
    fx_free(s->fleet);
    authority_close(&s->authority);
    cast_free(&s->cast);
    testing_remove(s->dir);
    free(s);
    return 0;
}

/* As pawl init: the grants of enrol.bundle, judged, to the hardware. */
static void enrol(struct site *s, struct fx *fx)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    static struct judged judged;
    const struct trust nobody = {0};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT,
                                   .now = 5000,
                                   .needs_grants = true,
                                   .enrolling = true,
                                   .index = AUTHORITY_INDEX,
                                   .base = AUTHORITY_BASE};
    const struct hw_root_ops *ops = fx->root->ops;

    MUST(path_join(s->dir, "enrol.bundle", &path));
    MUST(file_read((const char *)path.ptr, BUNDLE_SIZE_MAX, &bytes, NULL));
    OK(bundle_judge(buf_slice(&bytes), &nobody, &ask, &judged, &fx->why));
    OK(root_owner(s->authority->first, s->authority->newest, slice_str("gate"), &fx->owner,
                  &fx->why));
    fx->owner.grants = judged.enrol_grants;
    fx->owner.n_grants = judged.n_enrol_grants;
    OK(ops->enrol(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    OK(ops->attach(fx->root, &fx->owner, &fx->enrolment, &fx->why));
    judged_free(&judged);
}

/* As pawl install: what of the bundle is for a gate with this base. */
static void judge(struct site *s, struct slice bundle, uint64_t base, struct judged *ret)
{
    const struct trust trust = {.roots = &s->authority->first->digest, .n_roots = 1};
    const struct bundle_ask ask = {.judge = &JUDGE_SOFT,
                                   .now = 5000,
                                   .needs_grants = true,
                                   .index = AUTHORITY_INDEX,
                                   .base = base};

    MUST(bundle_judge(bundle, &trust, &ask, ret, NULL));
    assert_int_equal(ret->n_grants, 3);
}

static void takes(struct fx *fx, const struct judged *judged)
{
    static struct hw_mandate mandate; /* large */
    uint64_t epoch;

    mandate.epoch = judged->snapshot.epoch;
    mandate.snapshot = judged->snapshot.digest;
    mandate.grants = judged->grants;
    mandate.n_grants = judged->n_grants;
    OK(fx->root->ops->step(fx->root, &mandate, &fx->why));
    OK(fx->root->ops->prepare(fx->root, &mandate, &fx->why));
    OK(fx->root->ops->epoch(fx->root, &epoch, &fx->why));
    assert_int_equal(epoch, mandate.epoch);
    fx_round(fx);
}

/* The grants of another gate, as they are and with our base written over theirs. */
static void refuses(struct fx *fx, const struct judged *judged)
{
    static struct hw_mandate mandate; /* large */
    struct hw_grant grants[3];

    for (size_t i = 0; i < 3; i++)
        grants[i] = judged->grants[i];
    mandate.epoch = judged->snapshot.epoch;
    mandate.snapshot = judged->snapshot.digest;
    mandate.grants = grants;
    mandate.n_grants = 3;
    EXPECT(fx->root->ops->step(fx->root, &mandate, &fx->why), ERR_GRANT_INVALID);
    EXPECT(fx->root->ops->prepare(fx->root, &mandate, &fx->why), ERR_GRANT_INVALID);
    for (size_t i = 0; i < 3; i++) {
        grants[i].epoch = grants[i].base + grants[i].epoch - fx->enrolment.base;
        grants[i].base = fx->enrolment.base;
    }
    mandate.epoch = grants[0].epoch;
    EXPECT(fx->root->ops->prepare(fx->root, &mandate, &fx->why), ERR_GRANT_INVALID);
}

static void raise_all(struct fx *fx, uint64_t value)
{
    CLEANUP(buf_free) struct buf area = {0};
    struct tpm_chip *chip = &fx_inside(fx)->chip;
    const TPM2B_AUTH empty = {0};
    uint64_t now = 0;

    MUST(tpm_scratch_public(0x01801234, false, &area));
    assert_int_equal(tpm_nv_define(chip, &empty, buf_slice(&area)), 0);
    while (now < value) {
        assert_int_equal(tpm_nv_increment_plain(chip, 0x01801234), 0);
        assert_int_equal(tpm_nv_read_counter(chip, 0x01801234, &now), 0);
    }
    assert_int_equal(tpm_nv_undefine(chip, &empty, 0x01801234), 0);
}

static void a_gate_with_a_past_beside_the_fleet(void **state)
{
    struct site *s = *state;
    struct authority_gate gate = {AUTHORITY_INDEX, 0};

    fx_open(s->own);
    fx_open(s->fleet);
    raise_all(s->own, 100);
    enrol(s, s->own);
    enrol(s, s->fleet);
    assert_int_equal(s->own->enrolment.base, 102);
    assert_int_equal(s->own->enrolment.epoch, 0);
    assert_int_equal(s->fleet->enrolment.base, AUTHORITY_BASE);
    gate.base = s->own->enrolment.base;
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        CLEANUP(buf_free) struct buf bundle = {0}, object = {0};
        static struct judged own, fleet; /* large */
        const struct publication wish = {.now = 5000, .exp = 6000, .gates = &gate, .n_gates = 1};
        struct policy_object draft = cast_policy();
        uint64_t published;

        draft.alias = slice_str("deploy");
        MUST(authority_policy_sign(s->authority, &draft, &s->keys, &object, NULL));
        MUST(authority_publish(s->authority, &wish, &s->keys, &bundle, &published, NULL));
        assert_int_equal(published, epoch);
        judge(s, buf_slice(&bundle), gate.base, &own);
        judge(s, buf_slice(&bundle), AUTHORITY_BASE, &fleet);
        refuses(s->own, &fleet);
        refuses(s->fleet, &own);
        takes(s->own, &own);
        takes(s->fleet, &fleet);
        judged_free(&own);
        judged_free(&fleet);
        authority_close(&s->authority);
        MUST(authority_open(s->dir, 5000, &s->authority, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gate_with_a_past_beside_the_fleet, start, end)};

    return cmocka_run_group_tests_name("own base", tests, NULL, NULL);
}
