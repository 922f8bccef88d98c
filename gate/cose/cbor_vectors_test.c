/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8949 appendix A, from the vectors of github.com/cbor/test-vectors: what is read has the value
 * that the vector says, and is written again as it was. What is refused by rule stands here with
 * its reason. */
#include "gate/base/vectors_testing.h"
#include "gate/cose/cbor_copy_testing.h"
#include "gate/cose/cbor_diag.h"
#include "gate/cose/cbor_head.h"
#include "gate/cose/cose_testing.h"

#include <math.h>

#define EXIT_SKIP 77

static const char INDEFINITE[] = "pawl reads definite lengths alone";
static const char LONG_FLOAT[] = "the same value has a shorter float (RFC 8949 4.2.2)";

static const struct {
    const char *hex;
    err_code own, foreign;
    const char *reason;
} REFUSED[] = {
    {"5f42010243030405ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"7f657374726561646d696e67ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"9fff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"9f018202039f0405ffff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"9f01820203820405ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"83018202039f0405ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"83019f0203ff820405", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", ERR_CBOR_MALFORMED,
     ERR_CBOR_MALFORMED, INDEFINITE},
    {"bf61610161629f0203ffff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"826161bf61626163ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"bf6346756ef563416d7421ff", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED, INDEFINITE},
    {"f818", ERR_CBOR_MALFORMED, ERR_CBOR_MALFORMED,
     "simple(24) was RFC 7049's; RFC 8949 3.3 makes these two octets malformed"},
    {"fa7f800000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
    {"fa7fc00000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
    {"faff800000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
    {"fb7ff0000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
    {"fb7ff8000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
    {"fbfff0000000000000", ERR_CBOR_NOT_DETERMINISTIC, ERR_OK, LONG_FLOAT},
};

/* ---- the value ------------------------------------------------------------------------------- */

static double bignum(struct slice bytes)
{
    double value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value * 256 + bytes.ptr[i];
    return value;
}

/* Numbers of every kind as a double, which is how the JSON side has them. */
static double number_get(struct cbor_reader *r)
{
    struct cbor_head head;
    struct slice item = cbor_get_item(r);
    struct cbor_reader in = {.rest = item};
    uint64_t tag;

    assert_int_equal(cbor_head_take(&item, &head), ERR_OK);
    if (head.major == CBOR_MAJOR_UINT)
        return (double)head.arg;
    if (head.major == CBOR_MAJOR_NEGATIVE)
        return -1 - (double)head.arg;
    if (head.major == CBOR_MAJOR_SIMPLE)
        return cbor_head_float(&head);
    tag = cbor_get_tag(&in); /* 2: bignum, 3: negative bignum */
    assert_in_range(tag, 2, 3);
    return tag == 2 ? bignum(cbor_get_bytes(&in)) : -1 - bignum(cbor_get_bytes(&in));
}

static void same_value(const char *hex, struct cbor_reader *r, const json_t *json)
{
    struct slice text;
    json_t *value;
    size_t i;

    if (json_is_array(json)) {
        assert_int_equal(cbor_get_array(r), json_array_size(json));
        json_array_foreach(json, i, value) same_value(hex, r, value);
    } else if (json_is_object(json)) {
        for (size_t n = cbor_get_map(r); n > 0; n--) {
            char name[32];
            text = cbor_get_text(r);
            (void)snprintf(name, sizeof name, "%.*s", (int)text.len, (const char *)text.ptr);
            assert_non_null(json_object_get(json, name));
            same_value(hex, r, json_object_get(json, name));
        }
    } else if (json_is_string(json)) {
        text = cbor_get_text(r);
        same_bytes(
            hex, text,
            (struct slice){(const uint8_t *)json_string_value(json), json_string_length(json)});
    } else if (json_is_boolean(json)) {
        assert_int_equal(cbor_get_bool(r), json_is_true(json));
    } else if (json_is_null(json)) {
        assert_true(cbor_get_null(r));
    } else {
        double got = number_get(r), want = json_real_value(json);
        if (got < want || got > want || signbit(got) != signbit(want))
            fail_msg("%s: %g, wanted %g", hex, got, want);
    }
    assert_int_equal(r->err, ERR_OK);
}

/* ---- the octets ------------------------------------------------------------------------------ */

static void same_again(const char *hex, struct slice bytes)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);

    cbor_copy(&r, &w);
    assert_int_equal(cbor_done(&r), ERR_OK);
    assert_int_equal(cbor_written(&w), ERR_OK);
    same_bytes(hex, buf_slice(&out), bytes);
}

static void same_notation(const char *hex, struct slice bytes, const char *want)
{
    CLEANUP(buf_free) struct buf out = {0};

    assert_int_equal(cbor_diag(bytes, &out), ERR_OK);
    same_bytes(hex, buf_slice(&out), slice_str(want));
}

/* ---- all of them ----------------------------------------------------------------------------- */

static struct {
    size_t decoded, written, refused, listed;
} tally;

static void one(const json_t *vector)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *hex = vectors_text(vector, "hex");
    const json_t *value = json_object_get(vector, "decoded");
    err_code own, foreign, want_own = ERR_OK, want_foreign = ERR_OK;

    vectors_hex(vector, "hex", &bytes);
    for (size_t i = 0; i < N(REFUSED); i++) {
        if (strcmp(REFUSED[i].hex, hex) != 0)
            continue;
        want_own = REFUSED[i].own;
        want_foreign = REFUSED[i].foreign;
        tally.listed++;
        print_message("  %s %s: %s\n", hex,
                      want_foreign == ERR_OK ? "not as pawl's own" : "refused", REFUSED[i].reason);
    }
    own = cbor_check(buf_slice(&bytes), CBOR_DETERMINISTIC);
    foreign = cbor_check(buf_slice(&bytes), CBOR_FOREIGN);
    if (own != want_own || foreign != want_foreign)
        fail_msg("%s: %s and %s, wanted %s and %s", hex, err_name(own), err_name(foreign),
                 err_name(want_own), err_name(want_foreign));
    if (foreign == ERR_OK && value != NULL) {
        struct cbor_reader r = cbor_read(buf_slice(&bytes), CBOR_FOREIGN);
        same_value(hex, &r, value);
        assert_int_equal(cbor_done(&r), ERR_OK);
    }
    if (foreign == ERR_OK && value == NULL)
        same_notation(hex, buf_slice(&bytes), vectors_text(vector, "diagnostic"));
    if (own == ERR_OK) {
        assert_true(vectors_bool(vector, "roundtrip"));
        same_again(hex, buf_slice(&bytes));
    }
    tally.decoded += foreign == ERR_OK;
    tally.written += own == ERR_OK;
    tally.refused += foreign != ERR_OK;
}

static void appendix_a(void **state)
{
    char path[4096];
    json_t *json, *vector;
    size_t i;
    (void)state;

    assert_true(vectors_path("cbor/appendix_a.json", path, sizeof path));
    json = vectors_json(path);
    json_array_foreach(json, i, vector) one(vector);
    json_decref(json);
    print_message("%zu read with the right value, %zu of them written again as they were, %zu "
                  "refused by rule\n",
                  tally.decoded, tally.written, tally.refused);
    assert_int_equal(tally.listed, N(REFUSED));
    assert_in_range(tally.decoded, 60, 1000);
    assert_in_range(tally.written, 50, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appendix_a),
    };
    char path[4096];

    if (!vectors_path("cbor/appendix_a.json", path, sizeof path))
        return EXIT_SKIP;
    return cmocka_run_group_tests_name("cbor_vectors", tests, NULL, NULL);
}
