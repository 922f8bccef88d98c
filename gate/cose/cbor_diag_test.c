/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cbor_diag.h"
#include "gate/cose/cose_testing.h"

static const struct {
    const char *hex, *want;
} NOTATIONS[] = {
    {"00", "0"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"20", "-1"},
    {"3bffffffffffffffff", "-18446744073709551616"},
    {"3bfffffffffffffffe", "-18446744073709551615"},
    {"40", "h''"},
    {"4301ab00", "h'01ab00'"},
    {"60", "\"\""},
    {"6622225c0a0941", "\"\\\"\\\"\\\\\\n\\tA\""},
    {"6300077f", "\"\\u0000\\u0007\\u007f\""},
    {"62c285", "\"\\u0085\""},   /* C1: next line */
    {"63e280ae", "\"\\u202e\""}, /* right to left from here */
    {"63e281a6", "\"\\u2066\""}, /* isolate */
    {"63efbbbf", "\"\\ufeff\""},
    {"64f3a08081", "\"\\udb40\\udc01\""}, /* a language tag nobody sees */
    {"62c3bc63e6b0b4", NULL},             /* two items */
    {"65c3bce6b0b4", "\"\xc3\xbc\xe6\xb0\xb4\""},
    {"64f0908591", "\"\xf0\x90\x85\x91\""},
    {"f4", "false"},
    {"f5", "true"},
    {"f6", "null"},
    {"f7", "undefined"},
    {"f0", "simple(16)"},
    {"f8ff", "simple(255)"},
    {"f93c00", "1.0"},
    {"fb3ff199999999999a", "1.1"},
    {"fb7e37e43c8800759c", "1.0e+300"},
    {"f90001", "5.9604644775390625e-08"},
    {"f98000", "-0.0"},
    {"f97e00", "NaN"},
    {"f97c00", "Infinity"},
    {"f9fc00", "-Infinity"},
    {"80", "[]"},
    {"a0", "{}"},
    {"8301820203a0", "[1, [2, 3], {}]"},
    {"a20102616183f4f5f6", "{1: 2, \"a\": [false, true, null]}"},
    {"d28440a0f640", "18([h'', {}, null, h''])"},
    {"c1c200", "1(2(0))"},
    {"5f4100ff", NULL},
    {"6180", NULL},
    {"", NULL},
};

static void each_item_has_its_notation(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(NOTATIONS); i++) {
        CLEANUP(buf_free) struct buf bytes = unhex(NOTATIONS[i].hex), out = {0};
        err_code err;

        assert_int_equal(buf_add_str(&out, "> "), ERR_OK);
        err = cbor_diag(buf_slice(&bytes), &out);
        assert_int_equal(buf_terminate(&out), ERR_OK);
        if (NOTATIONS[i].want == NULL ? err == ERR_OK || out.len != 2
                                      : strcmp((char *)out.ptr + 2, NOTATIONS[i].want) != 0)
            fail_msg("%s: %s \"%s\"", NOTATIONS[i].hex, err_name(err), (char *)out.ptr);
    }
}

static void long_arrays_and_maps_are_indented(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0}, out = {0};
    struct cbor_writer w = cbor_write(&bytes);
    (void)state;

    cbor_put_tag(&w, 18);
    cbor_put_array(&w, 3);
    cbor_put_map(&w, 2);
    cbor_put_int(&w, 1);
    cbor_put_text(&w, "a text that is long enough to need its line");
    cbor_put_int(&w, 2);
    cbor_put_array(&w, 2);
    cbor_put_int(&w, 3);
    cbor_put_int(&w, 4);
    cbor_put_array(&w, 0);
    cbor_put_null(&w);
    assert_int_equal(cbor_written(&w), ERR_OK);
    assert_int_equal(cbor_diag(buf_slice(&bytes), &out), ERR_OK);
    same_bytes("notation", buf_slice(&out),
               slice_str("18([\n"
                         "  {\n"
                         "    1: \"a text that is long enough to need its line\",\n"
                         "    2: [3, 4]\n"
                         "  },\n"
                         "  [],\n"
                         "  null\n"
                         "])"));
}

static void output_and_depth_are_limited(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0}, out = {0};
    struct cbor_writer w = cbor_write(&bytes);
    uint8_t *space;
    (void)state;

    assert_int_equal(buf_add_u8(&out, '>'), ERR_OK);
    cbor_put_array(&w, 1);
    assert_int_equal(buf_add_u8(&bytes, 0x5a), ERR_OK);
    assert_int_equal(buf_add_u32(&bytes, CBOR_DIAG_MAX / 2), ERR_OK);
    assert_int_equal(buf_add_space(&bytes, CBOR_DIAG_MAX / 2, &space), ERR_OK);
    assert_int_equal(cbor_diag(buf_slice(&bytes), &out), ERR_TOO_LARGE);
    assert_int_equal(out.len, 1);
    buf_cut(&bytes, 0);
    for (int i = 0; i <= CBOR_DEPTH_MAX; i++)
        assert_int_equal(buf_add_u8(&bytes, 0x81), ERR_OK);
    assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    assert_int_equal(cbor_diag(buf_slice(&bytes), &out), ERR_CBOR_TOO_DEEP);
    assert_int_equal(out.len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_has_its_notation),
        cmocka_unit_test(long_arrays_and_maps_are_indented),
        cmocka_unit_test(output_and_depth_are_limited),
    };
    return cmocka_run_group_tests_name("cbor_diag", tests, NULL, NULL);
}
