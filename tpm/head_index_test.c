/* SPDX-License-Identifier: Apache-2.0 */
/* head_index_test.c: what a counter says of rounds, Names, and octets, all without a TPM. */
#include "tpm/head_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* From one round to the next the count rises by one, whatever steps that takes; and if power is
 * lost at any of them, the round is within what the counter says then. */
static void rounds_rise_by_one(void **state)
{
    static const uint32_t ORDERLY[] = {1, 3, 255, 0xFFFF};
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        uint32_t o = ORDERLY[i];
        uint64_t counter = 7 * ((uint64_t)o + 1), round = tpm_rounds_of(counter, o).most;

        for (unsigned n = 0; n < 200000; n++) {
            struct tpm_rounds at = tpm_rounds_of(counter, o), lost = tpm_rounds_of(counter | o, o);

            assert_false(at.jumped);
            assert_true(at.most == round && at.least == round);
            assert_true(lost.jumped && lost.least <= round && round <= lost.most);
            assert_true(lost.most - lost.least == o - 1);
            /* And the next one after that is above all that may have been. */
            assert_true(tpm_rounds_of((counter | o) + 1, o).most == lost.most + 1);
            do
                counter++;
            while (tpm_rounds_skip(counter, o));
            round++;
        }
    }
}

static void known_values(void **state)
{
    static const struct {
        uint64_t counter, most, least;
        bool jumped;
    } CASES[] = {{0, 0, 0, false},       {1, 1, 1, false},       {254, 254, 254, false},
                 {255, 254, 0, true},    {256, 255, 255, false}, {511, 509, 255, true},
                 {510, 509, 509, false}, {512, 510, 510, false}};
    (void)state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct tpm_rounds got = tpm_rounds_of(CASES[i].counter, 255);

        if (got.most != CASES[i].most || got.least != CASES[i].least ||
            got.jumped != CASES[i].jumped)
            fail_msg("%u: %u to %u", (unsigned)CASES[i].counter, (unsigned)got.least,
                     (unsigned)got.most);
    }
}

static void names_say_whose_they_are(void **state)
{
    const struct tpm_head_plan plan = {{0x01800102, 0x01800103, 0x01800104}, {{1}}, 255};
    uint8_t name[5][HW_TPM_NAME_LEN];
    struct tpm_head_plan other = plan;
    (void)state;

    for (enum tpm_head_place place = 0; place < TPM_HEAD_PLACES; place++) {
        assert_int_equal(tpm_head_name(&plan, place, true, name[0]), ERR_OK);
        assert_int_equal(tpm_head_name(&plan, place, false, name[1]), ERR_OK);
        other.orderly = 127;
        assert_int_equal(tpm_head_name(&other, place, true, name[2]), ERR_OK);
        other = plan;
        other.ref.bytes[9] ^= 1;
        assert_int_equal(tpm_head_name(&other, place, true, name[3]), ERR_OK);
        other = plan;
        other.index[place]++;
        assert_int_equal(tpm_head_name(&other, place, true, name[4]), ERR_OK);
        other = plan;
        for (size_t i = 1; i < 5; i++)
            assert_memory_not_equal(name[0], name[i], HW_TPM_NAME_LEN);
    }
}

static void a_boot_is_read_back(void **state)
{
    struct tpm_boot boot = {3, 4, {{5, 6}}, {7, 8, {{9}}}, {{0}}};
    uint8_t octets[TPM_BOOT_LEN];
    struct tpm_boot back;
    (void)state;

    assert_int_equal(tpm_boot_write(&boot, octets),
                     ERR_OK); /* says nothing of its own of a chain */
    assert_int_equal(tpm_chain_add(&boot.before, &boot.head, &boot.chain), ERR_OK);
    assert_int_equal(tpm_boot_read(SLICE_OF(octets), &back), ERR_OK);
    assert_true(back.resets == 3 && back.restarts == 4 && digest_eq(&back.chain, &boot.chain));
    assert_true(hw_head_eq(&back.head, &boot.head));
    for (size_t i = 0; i < sizeof octets; i++)
        assert_int_equal(tpm_boot_read((struct slice){octets, i}, &back), ERR_FORMAT);
    for (size_t bit = 0; bit < 8 * sizeof octets; bit++) {
        octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(tpm_boot_read(SLICE_OF(octets), &back), ERR_FORMAT);
        octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_rise_by_one),
        cmocka_unit_test(known_values),
        cmocka_unit_test(names_say_whose_they_are),
        cmocka_unit_test(a_boot_is_read_back),
    };
    return cmocka_run_group_tests_name("tpm head index", tests, NULL, NULL);
}
