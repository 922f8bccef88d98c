/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/enrolment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct enrolment sample(const char *kind)
{
    struct enrolment e = {.domain = slice_str("example.org"), .gate = slice_str("gate-1")};
    struct hw_signer *signer = NULL;

    assert_int_equal(hw_signer_generate(HW_ES256, &signer, NULL), ERR_OK);
    e.hw.receipt = e.hw.seal = signer->key;
    hw_signer_close(&signer);
    (void)snprintf(e.hw.about.kind, sizeof e.hw.about.kind, "%s", kind);
    (void)snprintf(e.hw.about.model, sizeof e.hw.about.model, "a model");
    memset(e.root.bytes, 3, sizeof e.root.bytes);
    if (strcmp(kind, "tpm") == 0) {
        e.hw.base = 64;
        e.hw.index = 0x01800100;
        e.hw.receipt_handle = 0x81000100;
        e.hw.seal_handle = 0x81000101;
        memset(e.hw.index_name, 4, sizeof e.hw.index_name);
    } else {
        (void)snprintf(e.hw.serial, sizeof e.hw.serial, "0123abcd");
    }
    return e;
}

static void there_and_back(void **state)
{
    static const char *const KINDS[] = {"tpm", "pkcs11"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct enrolment e = sample(KINDS[i % 2]), got = {0};

        e.zone = i < 2 ? (struct slice){0} : slice_str("lab");
        assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_OK);
        assert_int_equal(enrolment_parse(buf_slice(&bytes), &got, NULL), ERR_OK);
        assert_true(slice_eq(got.gate, e.gate) && slice_eq(got.domain, e.domain));
        assert_true(slice_eq(got.zone, e.zone));
        assert_true(hw_pubkey_eq(&got.hw.receipt, &e.hw.receipt));
        assert_int_equal(got.hw.base, e.hw.base);
        assert_int_equal(got.hw.index, e.hw.index);
        assert_int_equal(got.hw.seal_handle, e.hw.seal_handle);
        assert_memory_equal(got.hw.index_name, e.hw.index_name, HW_TPM_NAME_LEN);
        assert_string_equal(got.hw.serial, e.hw.serial);
        for (size_t n = 0; n < bytes.len; n++)
            assert_int_not_equal(enrolment_parse((struct slice){bytes.ptr, n}, &got, NULL), ERR_OK);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct enrolment e = sample("fake");
    (void)state;
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_UNSUPPORTED);
    e = sample("tpm");
    e.gate = slice_str("No Good");
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    e = sample("tpm");
    e.hw.base = UINT64_MAX;
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    e = sample("tpm");
    e.hw.about.model[0] = '\x1b';
    assert_int_equal(enrolment_write(&e, &bytes, NULL), ERR_FORMAT);
    assert_int_equal(bytes.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("enrolment", tests, NULL, NULL);
}
