/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/hash.h"
#include "gate/cose/cbor.h"
#include "gate/cose/cose_testing.h"

static const struct {
    const char *name, *hex;
    err_code own, foreign; /* wanted under each set of rules */
} CHECKS[] = {
    {"zero", "00", ERR_OK, ERR_OK},
    {"largest unsigned", "1bffffffffffffffff", ERR_OK, ERR_OK},
    {"smallest negative", "3bffffffffffffffff", ERR_OK, ERR_OK},
    {"nothing", "", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"two items", "0000", ERR_CBOR_TRAILING, ERR_CBOR_TRAILING},
    {"23 in two octets", "1817", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"24 in two octets", "1818", ERR_OK, ERR_OK},
    {"255 in three octets", "1900ff", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"65535 in five octets", "1a0000ffff", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"2^32 - 1 in nine octets", "1b00000000ffffffff", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"length of a string in two octets", "580161", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"count of an array in two octets", "980100", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"count of a map in two octets", "b800", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"tag in two octets", "d80100", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"reserved 28", "1c", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"reserved 30", "5e", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"indefinite bytes", "5f4100ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"indefinite array", "9f00ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"indefinite map", "bf0000ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"break alone", "ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"text", "63e282ac", ERR_OK, ERR_OK},
    {"text, not UTF-8", "61ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"text, overlong", "62c080", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"text, surrogate", "63eda080", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"text, character cut by the end", "62e282", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"bytes longer than memory", "5bffffffffffffffff00", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"array of more than can follow", "9bffffffffffffffff00", ERR_CBOR_MALFORMED,
     ERR_CBOR_MALFORMED},
    {"map whose doubled count wraps", "bb800000000000000100", ERR_CBOR_MALFORMED,
     ERR_CBOR_MALFORMED},
    {"map with a key and no value", "a100", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"tag and no content", "c1", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"false", "f4", ERR_OK, ERR_OK},
    {"undefined", "f7", ERR_OK, ERR_OK},
    {"simple 16", "f0", ERR_OK, ERR_OK},
    {"simple 255", "f8ff", ERR_OK, ERR_OK},
    {"simple 24 in two octets", "f818", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"false in two octets", "f814", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED},
    {"simple 32", "f820", ERR_OK, ERR_OK},
    /* keys */
    {"keys in order", "a3000001000200", ERR_OK, ERR_OK},
    {"keys out of order", "a201000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"same key twice, side by side", "a200000001", ERR_CBOR_DUPLICATE_KEY, ERR_CBOR_DUPLICATE_KEY},
    {"same key twice, apart", "a3000001000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_CBOR_DUPLICATE_KEY},
    {"negatives after positives", "a2182000200000", ERR_CBOR_TRAILING, ERR_CBOR_TRAILING},
    {"-1 after 24", "a21818002000", ERR_OK, ERR_OK},
    {"-1 before 24", "a22000181800", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"longer text after shorter",
     "a2616200626161"
     "00",
     ERR_OK, ERR_OK},
    {"longer text before shorter", "a262616100616200", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"same key, one written longer", "a20100180100", ERR_CBOR_NOT_DETERMINISTIC,
     ERR_CBOR_DUPLICATE_KEY},
    {"the same with another key between",
     "a3010002001801"
     "00",
     ERR_CBOR_NOT_DETERMINISTIC, ERR_CBOR_DUPLICATE_KEY},
    {"same text key, one length written longer",
     "a2616100"
     "78016100",
     ERR_CBOR_NOT_DETERMINISTIC, ERR_CBOR_DUPLICATE_KEY},
    {"same array as key", "a281010081180100", ERR_CBOR_NOT_DETERMINISTIC, ERR_CBOR_DUPLICATE_KEY},
    {"different arrays as keys", "a2810100810200", ERR_OK, ERR_OK},
    {"same number as half and double", "a2f93c0000fb3ff000000000000000", ERR_CBOR_NOT_DETERMINISTIC,
     ERR_CBOR_DUPLICATE_KEY},
    {"text and bytes alike",
     "a241610061610"
     "0",
     ERR_OK, ERR_OK},
    {"0 and false", "a20000f400", ERR_OK, ERR_OK},
    {"duplicate in a map inside",
     "81a1"
     "00a200000001",
     ERR_CBOR_DUPLICATE_KEY, ERR_CBOR_DUPLICATE_KEY},
    {"duplicate in a map inside a key", "a1a20000000100", ERR_CBOR_DUPLICATE_KEY,
     ERR_CBOR_DUPLICATE_KEY},
    {"same key in two maps", "82a10000a10000", ERR_OK, ERR_OK},
    {"same key inside and outside", "a200a1000001a10100", ERR_OK, ERR_OK},
    /* floats (RFC 8949 4.2.2: the shortest that keeps the value) */
    {"1.0 half", "f93c00", ERR_OK, ERR_OK},
    {"1.0 single", "fa3f800000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"1.0 double", "fb3ff0000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"100000.0 single", "fa47c35000", ERR_OK, ERR_OK},
    {"100000.0 double", "fb40f86a0000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"1.1 double", "fb3ff199999999999a", ERR_OK, ERR_OK},
    {"65504 single", "fa477fe000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"65536 single", "fa47800000", ERR_OK, ERR_OK},
    {"2048 single", "fa45000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"2049 single", "fa45001000", ERR_OK, ERR_OK},
    {"2^-24 half", "f90001", ERR_OK, ERR_OK},
    {"2^-24 single", "fa33800000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"2^-25 single", "fa33000000", ERR_OK, ERR_OK},
    {"3 * 2^-24 single", "fa34400000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"2^-149 single", "fa00000001", ERR_OK, ERR_OK},
    {"2^-149 double", "fb36a0000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"1e300 double", "fb7e37e43c8800759c", ERR_OK, ERR_OK},
    {"-0.0 half", "f98000", ERR_OK, ERR_OK},
    {"-0.0 single", "fa80000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"infinity half", "f97c00", ERR_OK, ERR_OK},
    {"infinity single", "fa7f800000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"-infinity double", "fbfff0000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"NaN half", "f97e00", ERR_OK, ERR_OK},
    {"another NaN", "f97e01", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
    {"NaN double", "fb7ff8000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK},
};

static void check_judges_each_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(CHECKS); i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        err_code own, foreign;

        bytes = unhex(CHECKS[i].hex);
        own = cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC);
        foreign = cbor_check(buf_slice(&bytes), CBOR_FOREIGN);
        if (own != CHECKS[i].own || foreign != CHECKS[i].foreign)
            fail_msg("%s: got %s and %s, wanted %s and %s", CHECKS[i].name, err_name(own),
                     err_name(foreign), err_name(CHECKS[i].own), err_name(CHECKS[i].foreign));
        for (size_t n = 0; n < bytes.len && CHECKS[i].foreign == ERR_OK; n++) {
            struct slice cut = {bytes.ptr, n};
            if (cbor_check(cut, CBOR_FOREIGN) != ERR_CBOR_MALFORMED)
                fail_msg("%s: cut to %zu bytes: %s", CHECKS[i].name, n,
                         err_name(cbor_check(cut, CBOR_FOREIGN)));
        }
    }
}

/* Reserved forms with as many octets behind them as they could ever mean. */
static void reserved_heads_are_refused(void **state)
{
    (void)state;
    for (unsigned major = 0; major < 8; major++)
        for (unsigned info = 28; info < 32; info++) {
            uint8_t bytes[129] = {(uint8_t)(major << 5 | info)};
            for (size_t len = 1; len <= sizeof bytes; len++)
                assert_int_equal(cbor_check((struct slice){bytes, len}, CBOR_FOREIGN),
                                 ERR_CBOR_MALFORMED);
        }
}

static err_code nested(uint8_t octet, size_t times, enum cbor_rules rules)
{
    CLEANUP(buf_free) struct buf bytes = {0};

    for (size_t i = 0; i < times; i++) {
        assert_int_equal(buf_add_u8(&bytes, octet), ERR_OK);
        if (octet == 0xa1)
            assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    }
    assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    return cbor_check(buf_slice(&bytes), rules);
}

static void depth_is_limited(void **state)
{
    static const uint8_t OCTETS[] = {0x81, 0xa1, 0xc1};
    (void)state;
    for (size_t i = 0; i < N(OCTETS); i++) {
        assert_int_equal(nested(OCTETS[i], CBOR_DEPTH_MAX, CBOR_DETERMINISTIC), ERR_OK);
        assert_int_equal(nested(OCTETS[i], CBOR_DEPTH_MAX, CBOR_FOREIGN), ERR_OK);
        assert_int_equal(nested(OCTETS[i], CBOR_DEPTH_MAX + 1, CBOR_DETERMINISTIC),
                         ERR_CBOR_TOO_DEEP);
        assert_int_equal(nested(OCTETS[i], CBOR_DEPTH_MAX + 1, CBOR_FOREIGN), ERR_CBOR_TOO_DEEP);
        assert_int_equal(nested(OCTETS[i], 1000000, CBOR_FOREIGN), ERR_CBOR_TOO_DEEP);
    }
}

static void items_and_size_are_limited(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    uint8_t *space;
    (void)state;

    assert_int_equal(buf_add_u8(&bytes, 0x99), ERR_OK);
    assert_int_equal(buf_add_u16(&bytes, CBOR_ITEMS_MAX - 1), ERR_OK);
    assert_int_equal(buf_add_space(&bytes, CBOR_ITEMS_MAX - 1, &space), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC), ERR_OK);
    buf_cut(&bytes, 0);
    assert_int_equal(buf_add_u8(&bytes, 0x9a), ERR_OK);
    assert_int_equal(buf_add_u32(&bytes, CBOR_ITEMS_MAX), ERR_OK);
    assert_int_equal(buf_add_space(&bytes, CBOR_ITEMS_MAX, &space), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC), ERR_TOO_LARGE);
    buf_cut(&bytes, 0);
    assert_int_equal(buf_add_u8(&bytes, 0x5a), ERR_OK);
    assert_int_equal(buf_add_u32(&bytes, CBOR_SIZE_MAX - 5), ERR_OK);
    assert_int_equal(buf_add_space(&bytes, CBOR_SIZE_MAX - 5, &space), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC), ERR_OK);
    assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC), ERR_TOO_LARGE);
}

/* As many keys as fit, in the worst order, long and alike: must stay n log n. Then one twice. */
static void a_large_foreign_map_is_judged(void **state)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    const size_t n_pairs = CBOR_ITEMS_MAX / 2 - 1;
    const size_t key_len = 200;
    size_t first = 0, last = 0;
    (void)state;

    assert_int_equal(buf_add_u8(&bytes, 0xb9), ERR_OK);
    assert_int_equal(buf_add_u16(&bytes, (uint16_t)n_pairs), ERR_OK);
    for (size_t i = 0; i < n_pairs; i++) {
        uint8_t *space;
        last = bytes.len;
        if (i == 0)
            first = bytes.len;
        assert_int_equal(buf_add_u8(&bytes, 0x58), ERR_OK);
        assert_int_equal(buf_add_u8(&bytes, (uint8_t)key_len), ERR_OK);
        assert_int_equal(buf_add_space(&bytes, key_len, &space), ERR_OK);
        put_u32(space + key_len - 4, (uint32_t)(n_pairs - i));
        assert_int_equal(buf_add_u8(&bytes, 0), ERR_OK);
    }
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_FOREIGN), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC), ERR_CBOR_NOT_DETERMINISTIC);
    memcpy(bytes.ptr + last, bytes.ptr + first, key_len + 2);
    assert_int_equal(cbor_check(buf_slice(&bytes), CBOR_FOREIGN), ERR_CBOR_DUPLICATE_KEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_judges_each_message),
        cmocka_unit_test(reserved_heads_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(items_and_size_are_limited),
        cmocka_unit_test(a_large_foreign_map_is_judged),
    };
    return cmocka_run_group_tests_name("cbor_check", tests, NULL, NULL);
}
