/* SPDX-License-Identifier: Apache-2.0 */
/* attest_test.c: real seals of a swtpm, damaged and misattributed in every way. */
#include "tpm/attest.h"
#include "tpm/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sealed {
    struct fx *fx;
    struct hw_seal seal;
    struct digest binding;
};

static int start(void **state)
{
    struct sealed *s = calloc(1, sizeof *s);
    struct fx *fx;

    assert_non_null(s);
    s->fx = fx = fx_new(false);
    fx_enrol(fx);
    fx_step(fx, 3);
    OK(hash_sha256(slice_str("binding"), &s->binding));
    OK(fx->root->ops->begin(fx->root, &fx->why));
    OK(fx->root->ops->seal(fx->root, &s->binding, &s->seal, &fx->why));
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct sealed *s = *state;

    hw_seal_free(&s->seal);
    fx_free(s->fx);
    free(s);
    return 0;
}

static void a_seal_says_what_the_counter_was(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    struct tpm_sealed got;

    OK(tpm_seal_verify(&fx->enrolment, &s->seal, &s->binding, &got, &fx->why));
    assert_int_equal(got.counter, TPM_DEFAULT_BASE + 3);
    assert_int_equal(got.epoch, 3);
}

static void every_bit_counts(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    struct buf *parts[] = {&s->seal.statement, &s->seal.sig};
    struct digest binding = s->binding;
    struct tpm_sealed got;

    for (size_t p = 0; p < 2; p++)
        for (size_t bit = 0; bit < 8 * parts[p]->len; bit++) {
            parts[p]->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
            EXPECT(tpm_seal_verify(&fx->enrolment, &s->seal, &s->binding, &got, &fx->why),
                   ERR_SIGNATURE_INVALID);
            parts[p]->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    for (size_t bit = 0; bit < 8 * sizeof binding.bytes; bit++) {
        binding.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT(tpm_seal_verify(&fx->enrolment, &s->seal, &binding, &got, &fx->why),
               ERR_PERMIT_INVALID);
        binding.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void cut_anywhere_it_is_refused(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    struct slice whole = buf_slice(&s->seal.statement);
    CLEANUP(buf_free) struct buf longer = {0};
    struct tpm_attest attest;
    struct tpm_sealed got;
    size_t len = s->seal.sig.len;

    OK(tpm_attest_parse(whole, &attest, &fx->why));
    for (size_t n = 0; n < whole.len; n++) {
        struct hw_seal cut = s->seal;

        EXPECT(tpm_attest_parse((struct slice){whole.ptr, n}, &attest, &fx->why), ERR_FORMAT);
        cut.statement.len = n;
        EXPECT(tpm_seal_verify(&fx->enrolment, &cut, &s->binding, &got, &fx->why),
               ERR_SIGNATURE_INVALID);
    }
    OK(buf_add_slice(&longer, whole));
    OK(buf_add_u8(&longer, 0));
    EXPECT(tpm_attest_parse(buf_slice(&longer), &attest, &fx->why), ERR_FORMAT);
    for (s->seal.sig.len = 0; s->seal.sig.len < len; s->seal.sig.len++)
        EXPECT(tpm_seal_verify(&fx->enrolment, &s->seal, &s->binding, &got, &fx->why),
               ERR_SIGNATURE_INVALID);
}

/* One octet of the statement changed, and the whole signed again by a seal key of the test's own:
 * what remains are the checks on the content. */
static void well_signed_but_about_something_else(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    CLEANUP(hw_signer_close) struct hw_signer *key = NULL;
    struct hw_enrolment enrolment = fx->enrolment;
    struct tpm_attest attest;
    struct tpm_sealed got;
    size_t len = s->seal.statement.len;
    const size_t SIGNER = 6, EXTRA = SIGNER + 2 + 34, CLOCK = EXTRA + 2 + 32,
                 INDEX = CLOCK + 17 + 8, OFFSET = INDEX + 2 + 34, VALUE = OFFSET + 2;
    const struct {
        const char *name;
        size_t at;
        err_code want;
    } cases[] = {
        {"magic", 0, ERR_FORMAT},
        {"magic end", 3, ERR_FORMAT},
        {"type", 5, ERR_FORMAT},
        {"signer size", SIGNER + 1, ERR_FORMAT},
        {"signer", SIGNER + 2, ERR_PERMIT_INVALID},
        {"signer end", SIGNER + 2 + 33, ERR_PERMIT_INVALID},
        {"extra size", EXTRA, ERR_FORMAT},
        {"extra", EXTRA + 2 + 31, ERR_PERMIT_INVALID},
        {"safe", CLOCK + 16, ERR_OK}, /* 0 and 1 are both legal */
        {"index", INDEX + 2, ERR_PERMIT_INVALID},
        {"index end", INDEX + 2 + 33, ERR_PERMIT_INVALID},
        {"offset", OFFSET + 1, ERR_PERMIT_INVALID},
        {"size of the value", VALUE + 1, ERR_FORMAT},
        {"value", VALUE + 2 + 7, ERR_OK}, /* 67 becomes 66 */
    };

    OK(hw_signer_generate(HW_ES256, &key, &fx->why));
    enrolment.seal = key->key;
    assert_int_equal(len, VALUE + 2 + 8);
    OK(tpm_attest_parse(buf_slice(&s->seal.statement), &attest, &fx->why));
    assert_ptr_equal(attest.contents.ptr, s->seal.statement.ptr + VALUE + 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(hw_seal_free) struct hw_seal forged = {.kind = HW_SEAL_TPM_CERTIFY};
        err_code err;

        OK(buf_add_slice(&forged.statement, buf_slice(&s->seal.statement)));
        forged.statement.ptr[cases[i].at] ^= 1;
        OK(hw_sign(key, buf_slice(&forged.statement), &forged.sig, &fx->why));
        err = tpm_seal_verify(&enrolment, &forged, &s->binding, &got, &fx->why);
        if (err != cases[i].want)
            fail_msg("%s: %s, wanted %s (%s)", cases[i].name, err_name(err),
                     err_name(cases[i].want), fx->why.text);
    }
    assert_int_equal(got.counter, TPM_DEFAULT_BASE + 2);
}

static void other_enrolments_refuse_it(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    struct hw_enrolment e = fx->enrolment;
    struct hw_seal seal = s->seal;
    struct tpm_sealed got;

    e.seal = e.receipt;
    EXPECT(tpm_seal_verify(&e, &seal, &s->binding, &got, &fx->why), ERR_SIGNATURE_INVALID);
    e = fx->enrolment;
    e.seal.alg = HW_ALG_NONE;
    EXPECT(tpm_seal_verify(&e, &seal, &s->binding, &got, &fx->why), ERR_PERMIT_INVALID);
    e = fx->enrolment;
    e.index_name[33] ^= 1;
    EXPECT(tpm_seal_verify(&e, &seal, &s->binding, &got, &fx->why), ERR_PERMIT_INVALID);
    e = fx->enrolment;
    e.seal_name[33] ^= 1;
    EXPECT(tpm_seal_verify(&e, &seal, &s->binding, &got, &fx->why), ERR_PERMIT_INVALID);
    e = fx->enrolment;
    e.base = TPM_DEFAULT_BASE + 4;
    EXPECT(tpm_seal_verify(&e, &seal, &s->binding, &got, &fx->why), ERR_PERMIT_INVALID);
    for (enum hw_seal_kind kind = HW_SEAL_NONE; kind <= HW_SEAL_FAKE; kind++) {
        seal.kind = kind;
        EXPECT(tpm_seal_verify(&fx->enrolment, &seal, &s->binding, &got, &fx->why),
               kind == HW_SEAL_TPM_CERTIFY ? ERR_OK : ERR_PERMIT_INVALID);
    }
}

/* A restricted key signs attestations of other kinds, too: a quote must not pass for a seal. */
static void quotes_are_no_seals(void **state)
{
    struct sealed *s = *state;
    struct fx *fx = s->fx;
    struct tpm_attest attest;
    CLEANUP(buf_free) struct buf other = {0};

    OK(buf_add_slice(&other, buf_slice(&s->seal.statement)));
    for (unsigned type = 0x8014; type <= 0x801C; type++) {
        other.ptr[4] = (uint8_t)(type >> 8);
        other.ptr[5] = (uint8_t)type;
        EXPECT(tpm_attest_parse(buf_slice(&other), &attest, &fx->why),
               type == 0x8014 ? ERR_OK : ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seal_says_what_the_counter_was),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(cut_anywhere_it_is_refused),
        cmocka_unit_test(well_signed_but_about_something_else),
        cmocka_unit_test(other_enrolments_refuse_it),
        cmocka_unit_test(quotes_are_no_seals),
    };

    return cmocka_run_group_tests_name("tpm attest", tests, start, end);
}
