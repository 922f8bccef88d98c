/* SPDX-License-Identifier: Apache-2.0 */
/* What no signature covers must not vary either: otherwise one signed thing had many digests. */
#include "gate/policy/cast_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cast cast;

static int setup(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

/* What is put into a message in place of what stands there; empty: left as it is. */
struct change {
    struct slice unprotected;           /* encoded map */
    struct slice signature_protected;   /* the content of the byte string */
    struct slice signature_unprotected; /* encoded map */
    bool detach;
};

static void put_or(struct cbor_writer *w, struct slice wanted, struct slice was)
{
    cbor_put_item(w, wanted.len > 0 ? wanted : was);
}

static struct buf rebuilt(struct slice message, const struct change *change)
{
    struct cbor_reader r = cbor_read(message, CBOR_DETERMINISTIC);
    struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct slice payload, protected_;

    cbor_put_tag(&w, cbor_get_tag(&r));
    cbor_put_array(&w, cbor_get_array(&r));
    cbor_put_item(&w, cbor_get_item(&r));
    put_or(&w, change->unprotected, cbor_get_item(&r));
    payload = cbor_get_item(&r);
    if (change->detach)
        cbor_put_null(&w);
    else
        cbor_put_item(&w, payload);
    assert_int_equal(cbor_get_array(&r), 1);
    cbor_put_array(&w, 1);
    cbor_put_array(&w, cbor_get_array(&r));
    protected_ = cbor_get_bytes(&r);
    cbor_put_bytes(&w,
                   change->signature_protected.len > 0 ? change->signature_protected : protected_);
    put_or(&w, change->signature_unprotected, cbor_get_item(&r));
    cbor_put_item(&w, cbor_get_item(&r));
    assert_int_equal(cbor_done(&r), ERR_OK);
    assert_int_equal(cbor_written(&w), ERR_OK);
    return out;
}

static void headers_outside_the_signature(void **state)
{
    static const uint8_t MAP[] = {0xa1, 0x18, 0x64, 0x01};                /* {100: 1} */
    static const uint8_t ONLY_ALG[] = {0xa1, 0x01, 0x26};                 /* {1: -7} */
    static const uint8_t SHORT_KID[] = {0xa2, 0x01, 0x26, 0x04, 0x41, 0}; /* {1: -7, 4: h'00'} */
    uint8_t kid_outside[36] = {0xa1, 0x04, 0x58, 0x20};
    const struct {
        const char *name;
        struct change change;
        err_code want;
    } cases[] = {
        {"nothing", {.detach = false}, ERR_OK},
        {"body, unprotected", {.unprotected = SLICE_OF(MAP)}, ERR_FORMAT},
        {"signature, unprotected", {.signature_unprotected = SLICE_OF(MAP)}, ERR_FORMAT},
        {"signature without kid", {.signature_protected = SLICE_OF(ONLY_ALG)}, ERR_FORMAT},
        {"kid outside",
         {.signature_protected = SLICE_OF(ONLY_ALG),
          .signature_unprotected = SLICE_OF(kid_outside)},
         ERR_FORMAT},
        {"a kid of one byte is a stranger's", {.signature_protected = SLICE_OF(SHORT_KID)}, ERR_OK},
        {"detached", {.detach = true}, ERR_FORMAT},
    };
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf bytes = cast_sign_policy(&cast, &object, BY(POLICY_A));
    (void)state;

    memcpy(kid_outside + 4, cast.kids[POLICY_A].bytes, SHA256_LEN);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buf_free) struct buf changed = rebuilt(buf_slice(&bytes), &cases[i].change);
        CLEANUP(policy_free) struct policy_object got = {0};
        struct why why = {0};
        err_code err = policy_parse(buf_slice(&changed), &got, &why);
        if (err != cases[i].want)
            fail_msg("%s: %s (%s), want %s", cases[i].name, err_name(err), why.text,
                     err_name(cases[i].want));
    }
}

static void another_encoding_is_refused(void **state)
{
    struct policy_object object = cast_policy();
    CLEANUP(buf_free) struct buf bytes = cast_sign_policy(&cast, &object, BY(POLICY_A));
    CLEANUP(buf_free) struct buf longer = {0};
    CLEANUP(policy_free) struct policy_object got = {0};
    (void)state;

    /* d8 62 84: tag 98, array of 4; the same array with a length byte of its own */
    assert_int_equal(bytes.ptr[2], 0x84);
    assert_int_equal(buf_add(&longer, bytes.ptr, 2), ERR_OK);
    assert_int_equal(buf_add_u16(&longer, 0x9804), ERR_OK);
    assert_int_equal(buf_add(&longer, bytes.ptr + 3, bytes.len - 3), ERR_OK);
    assert_int_equal(cbor_check(buf_slice(&longer), CBOR_FOREIGN), ERR_OK);
    assert_int_equal(policy_parse(buf_slice(&longer), &got, NULL), ERR_CBOR_NOT_DETERMINISTIC);
}

static void sizes(void **state)
{
    static uint8_t large[ENVELOPE_SNAPSHOT_MAX + 1];
    static const enum envelope_type TYPES[] = {ENVELOPE_ROOT, ENVELOPE_POLICY, ENVELOPE_SNAPSHOT};
    struct envelope envelope;
    struct why why = {0};
    (void)state;

    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        const struct slice full = {large, envelope_max(TYPES[i])}, over = {large, full.len + 1};
        assert_int_equal(envelope_open(over, TYPES[i], &envelope, &why), ERR_TOO_LARGE);
        assert_non_null(strstr(why.text, envelope_name(TYPES[i])));
        assert_int_not_equal(envelope_open(full, TYPES[i], &envelope, &why), ERR_TOO_LARGE);
    }
}

/* Nothing is signed that nobody would accept. */
static void not_made(void **state)
{
    static uint8_t large[ENVELOPE_POLICY_MAX];
    static const uint8_t CTI[16] = {1};
    struct envelope_parts parts = {.type = ENVELOPE_POLICY,
                                   .claims = {.iss = slice_str("example.org"),
                                              .sub = slice_str("deploy"),
                                              .cti = SLICE_OF(CTI),
                                              .has_iat = true,
                                              .iat = 1,
                                              .has_nbf = true,
                                              .nbf = 1,
                                              .has_exp = true,
                                              .exp = 2},
                                   .payload = SLICE_OF(CTI)};
    CLEANUP(buf_free) struct buf bytes = {0};
    (void)state;

    assert_int_equal(envelope_make(&parts, &cast.signers[POLICY_A], 1, &bytes, NULL), ERR_OK);
    buf_free(&bytes);
    parts.claims.exp = 1;
    assert_int_equal(envelope_make(&parts, &cast.signers[POLICY_A], 1, &bytes, NULL), ERR_FORMAT);
    parts.claims.exp = 2;
    parts.payload = SLICE_OF(large);
    assert_int_equal(envelope_make(&parts, &cast.signers[POLICY_A], 1, &bytes, NULL),
                     ERR_TOO_LARGE);
    assert_int_equal(bytes.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_outside_the_signature),
        cmocka_unit_test(another_encoding_is_refused),
        cmocka_unit_test(sizes),
        cmocka_unit_test(not_made),
    };
    return cmocka_run_group_tests_name("envelope", tests, setup, teardown);
}
