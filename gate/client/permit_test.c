/* SPDX-License-Identifier: Apache-2.0 */
/* permit_test.c: requests that are put together, and permits that are judged, by programs. */
#include "gate/client/pawl.h"
#include "gate/decide/lab_testing.h"
#include "gate/decide/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VKEY "example.org/gate-1+1c1f3be9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

static struct cast cast;

static struct pawl_bytes bytes_of(const struct buf *buf)
{
    return (struct pawl_bytes){buf->ptr, buf->len};
}

static struct pawl_bytes text(const char *text)
{
    return (struct pawl_bytes){text, strlen(text)};
}

/* ---- requests -------------------------------------------------------------------------------- */

static const struct {
    enum pawl_field field;
    const char *text;
} FIELDS[] = {
    {PAWL_SUBJECT_ID, "build-\"7\""},
    {PAWL_ACTION, "exec"},
    {PAWL_CLASS, "execute"},
    {PAWL_RESOURCE_TYPE, "program"},
    {PAWL_RESOURCE_ID, "/usr/bin/git"},
};
#define REQUEST                                                                                    \
    "{\"subject\":{\"type\":\"agent\",\"id\":\"build-\\\"7\\\"\"},"                                \
    "\"action\":{\"name\":\"exec\",\"properties\":{\"class\":\"execute\"}},"                       \
    "\"resource\":{\"type\":\"program\",\"id\":\"/usr/bin/git\"}}"

static void requests(void **state)
{
    struct pawl_request *request = NULL;
    struct pawl_bytes json;
    struct pawl_why why;

    (void)state;
    assert_int_equal(pawl_request_new(&request), PAWL_OK);
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        assert_int_equal(pawl_request_write(request, &json, &why), PAWL_REQUEST_MALFORMED);
        assert_non_null(strstr(why.text, "is not set"));
        assert_null(json.ptr);
        assert_int_equal(pawl_request_set(request, FIELDS[i].field, "first"), PAWL_OK);
        assert_int_equal(pawl_request_set(request, FIELDS[i].field, FIELDS[i].text), PAWL_OK);
    }
    assert_int_equal(pawl_request_write(request, &json, &why), PAWL_OK);
    assert_string_equal(json.ptr, REQUEST);
    assert_int_equal(json.len, strlen(REQUEST));
    assert_string_equal(why.text, "");

    assert_int_equal(pawl_request_set(request, PAWL_CONTEXT, "{\"a\":1"), PAWL_OK);
    assert_int_equal(pawl_request_write(request, &json, &why), PAWL_JSON_MALFORMED);
    assert_int_equal(pawl_request_set(request, PAWL_CONTEXT, "{\"a\":1}"), PAWL_OK);
    assert_int_equal(pawl_request_set(request, PAWL_SUBJECT_TYPE, "robot"), PAWL_OK);
    for (int i = 0; i < REQUEST_ALIASES_MAX; i++)
        assert_int_equal(pawl_request_set(request, PAWL_POLICY, i == 0 ? "ci" : "x"), PAWL_OK);
    assert_int_equal(pawl_request_set(request, PAWL_POLICY, "x"), PAWL_TOO_LARGE);
    assert_int_equal(pawl_request_write(request, &json, &why), PAWL_OK);
    assert_non_null(strstr(json.ptr, "{\"type\":\"robot\",\"id\":"));
    assert_non_null(strstr(json.ptr, "\"context\":{\"a\":1,\"aliases\":[\"ci\",\"x\","));
    assert_int_equal(pawl_request_set(request, PAWL_CLASS, "run"), PAWL_OK);
    assert_int_equal(pawl_request_write(request, &json, &why), PAWL_REQUEST_MALFORMED);
    pawl_request_free(&request);
    assert_null(request);
    pawl_request_free(&request);
}

static void wrong_fields(void **state)
{
    struct pawl_request *request = NULL;

    (void)state;
    assert_int_equal(pawl_request_new(&request), PAWL_OK);
    assert_int_equal(pawl_request_set(request, (enum pawl_field)0, "x"), PAWL_USAGE);
    assert_int_equal(pawl_request_set(request, (enum pawl_field)10, "x"), PAWL_USAGE);
    assert_int_equal(pawl_request_set(request, PAWL_ACTION, NULL), PAWL_USAGE);
    assert_int_equal(pawl_request_set(NULL, PAWL_ACTION, "x"), PAWL_USAGE);
    assert_int_equal(pawl_request_write(NULL, &(struct pawl_bytes){0}, NULL), PAWL_USAGE);
    pawl_request_free(&request);
}

/* ---- permits --------------------------------------------------------------------------------- */

static struct lab *make_lab(enum lab_kind kind, struct buf *ret_enrolment)
{
    struct lab *lab = lab_new(&cast, kind);
    struct why why = {0};

    lab->enrolment.log = slice_str(VKEY);
    if (enrolment_write(&lab->enrolment, ret_enrolment, &why) != ERR_OK)
        fail_msg("the enrolment cannot be written: %s", why.text);
    return lab;
}

static struct pawl_gate *make_gate(const struct lab *lab, const struct buf *enrolment)
{
    struct pawl_gate *gate = NULL;
    struct pawl_why why;
    int err = pawl_gate_new(bytes_of(&lab->root_bytes), bytes_of(enrolment), &gate, &why);

    if (err != PAWL_OK)
        fail_msg("no gate: %s: %s", pawl_errname(err), why.text);
    return gate;
}

static void assert_text(const struct pawl_permit *permit, enum pawl_field field, const char *want)
{
    struct pawl_bytes got = pawl_permit_text(permit, field);

    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.ptr, want, got.len);
}

static void good_permits(void **state)
{
    (void)state;
    for (int kind = LAB_TPM; kind <= LAB_TOKEN; kind++) {
        CLEANUP(buf_free) struct buf enrolment = {0}, bytes = {0};
        CLEANUP(request_free) struct request request = {0};
        CLEANUP(lab_free) struct lab *lab = make_lab((enum lab_kind)kind, &enrolment);
        struct pawl_gate *gate = make_gate(lab, &enrolment);
        struct pawl_permit *permit = NULL;
        struct pawl_why why = {"x"};

        assert_int_equal(request_parse(slice_str(REQUEST), &request, NULL), ERR_OK);
        lab->request = &request.digest;
        bytes = lab_permit(lab);
        assert_int_equal(pawl_verify(gate, bytes_of(&bytes), 0, &permit, &why), PAWL_OK);
        assert_string_equal(why.text, "");
        pawl_gate_free(&gate); /* a permit does not need it any more */
        assert_null(gate);
        assert_int_equal(pawl_permit_permitted(permit), 1);
        assert_int_equal(pawl_permit_sealed(permit), 1);
        assert_int_equal(pawl_permit_epoch(permit), LAB_EPOCH);
        assert_int_equal(pawl_permit_ledger_index(permit), 2);
        assert_true(pawl_permit_time_ms(permit) >= TESTING_T0);
        assert_string_equal(pawl_permit_reason(permit), "OK");
        assert_text(permit, PAWL_SUBJECT_TYPE, "Agent");
        assert_text(permit, PAWL_SUBJECT_ID, "agent-1");
        assert_text(permit, PAWL_ACTION, "deploy");
        assert_text(permit, PAWL_CLASS, "execute");
        assert_text(permit, PAWL_RESOURCE_TYPE, "Service");
        assert_text(permit, PAWL_RESOURCE_ID, "service-1");
        assert_int_equal(pawl_permit_text(permit, PAWL_CONTEXT).len, 0);
        assert_int_equal(pawl_permit_is_for(permit, text(REQUEST), &why), PAWL_OK);
        assert_int_equal(pawl_permit_is_for(permit, text("{"), &why), PAWL_JSON_MALFORMED);
        pawl_permit_free(&permit);
        assert_null(permit);
    }
}

/* The permit of another request, however little it differs. */
static void other_requests(void **state)
{
    CLEANUP(buf_free) struct buf enrolment = {0}, bytes = {0};
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(lab_free) struct lab *lab = make_lab(LAB_TPM, &enrolment);
    struct pawl_gate *gate = make_gate(lab, &enrolment);
    struct pawl_permit *permit = NULL;
    char other[] = REQUEST;

    (void)state;
    assert_int_equal(request_parse(slice_str(REQUEST), &request, NULL), ERR_OK);
    lab->request = &request.digest;
    bytes = lab_permit(lab);
    assert_int_equal(pawl_verify(gate, bytes_of(&bytes), 0, &permit, NULL), PAWL_OK);
    for (size_t at = 0; at < strlen(REQUEST); at++) { /* each octet is another one */
        other[at] ^= 1;
        assert_int_not_equal(pawl_permit_is_for(permit, text(other), NULL), PAWL_OK);
        other[at] ^= 1;
    }
    assert_int_equal(pawl_permit_is_for(permit, text(other), NULL), PAWL_OK);
    pawl_permit_free(&permit);
    pawl_gate_free(&gate);
}

static void bad_permits(void **state)
{
    CLEANUP(buf_free) struct buf enrolment = {0}, bytes = {0};
    CLEANUP(lab_free) struct lab *lab = make_lab(LAB_TPM, &enrolment);
    struct pawl_gate *gate = make_gate(lab, &enrolment);
    struct pawl_permit *permit = (void *)(uintptr_t)1;
    static char big[PERMIT_SIZE_MAX + 1];
    struct pawl_why why;

    (void)state;
    bytes = lab_permit(lab);
    assert_int_equal(pawl_verify(gate, bytes_of(&bytes), 2, &permit, &why), PAWL_USAGE);
    assert_null(permit);
    assert_int_equal(pawl_verify(NULL, bytes_of(&bytes), 0, &permit, &why), PAWL_USAGE);
    assert_int_equal(pawl_verify(gate, (struct pawl_bytes){big, sizeof big}, 0, &permit, &why),
                     PAWL_TOO_LARGE);
    for (size_t len = 0; len < bytes.len; len += 17)
        assert_int_not_equal(
            pawl_verify(gate, (struct pawl_bytes){bytes.ptr, len}, 0, &permit, &why), PAWL_OK);
    for (size_t at = 0; at < bytes.len; at += 41) {
        bytes.ptr[at] ^= 1;
        permit = (void *)(uintptr_t)1;
        assert_int_not_equal(pawl_verify(gate, bytes_of(&bytes), 0, &permit, &why), PAWL_OK);
        assert_null(permit);
        assert_string_not_equal(why.text, "");
        bytes.ptr[at] ^= 1;
    }
    buf_free(&bytes);
    lab->seal_by = lab->t.hardware;
    bytes = lab_permit(lab);
    assert_int_not_equal(pawl_verify(gate, bytes_of(&bytes), 0, &permit, &why), PAWL_OK);
    pawl_gate_free(&gate);
}

/* Without a seal the epoch is the gate's own claim: only for who says that he takes it. */
static void unsealed(void **state)
{
    CLEANUP(buf_free) struct buf enrolment = {0}, bytes = {0};
    CLEANUP(lab_free) struct lab *lab = lab_new(&cast, LAB_TPM);
    struct pawl_permit *permit = NULL;
    struct pawl_gate *gate;

    (void)state;
    lab->enrolment.log = slice_str(VKEY);
    lab->enrolment.hw.about.seals = false;
    assert_int_equal(enrolment_write(&lab->enrolment, &enrolment, NULL), ERR_OK);
    gate = make_gate(lab, &enrolment);
    lab->seal_kind = HW_SEAL_NONE;
    bytes = lab_permit(lab);
    assert_int_equal(pawl_verify(gate, bytes_of(&bytes), 0, &permit, NULL), PAWL_PERMIT_INVALID);
    assert_null(permit);
    assert_int_equal(pawl_verify(gate, bytes_of(&bytes), PAWL_ALLOW_UNSEALED, &permit, NULL),
                     PAWL_OK);
    assert_int_equal(pawl_permit_sealed(permit), 0);
    pawl_permit_free(&permit);
    pawl_gate_free(&gate);
}

static void bad_gates(void **state)
{
    CLEANUP(buf_free) struct buf enrolment = {0}, other = {0};
    CLEANUP(lab_free) struct lab *lab = make_lab(LAB_TPM, &enrolment);
    struct pawl_gate *gate = (void *)(uintptr_t)1;
    static char big[ENVELOPE_ROOT_MAX + 1];
    const struct pawl_bytes root = bytes_of(&lab->root_bytes), none = {NULL, 0};
    struct pawl_why why;

    (void)state;
    assert_int_not_equal(pawl_gate_new(none, bytes_of(&enrolment), &gate, &why), PAWL_OK);
    assert_null(gate);
    assert_int_not_equal(pawl_gate_new(root, none, &gate, &why), PAWL_OK);
    assert_int_not_equal(pawl_gate_new(bytes_of(&enrolment), root, &gate, &why), PAWL_OK);
    assert_int_equal(
        pawl_gate_new((struct pawl_bytes){big, sizeof big}, bytes_of(&enrolment), &gate, &why),
        PAWL_TOO_LARGE);
    lab->enrolment.root.bytes[0] ^= 1;
    assert_int_equal(enrolment_write(&lab->enrolment, &other, NULL), ERR_OK);
    assert_int_equal(pawl_gate_new(root, bytes_of(&other), &gate, &why), PAWL_ROOT_UNTRUSTED);
    assert_null(gate);
    pawl_gate_free(&gate);
}

static int make_cast(void **state)
{
    (void)state;
    cast_make(&cast);
    return 0;
}

static int free_cast(void **state)
{
    (void)state;
    cast_free(&cast);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),     cmocka_unit_test(wrong_fields),
        cmocka_unit_test(good_permits), cmocka_unit_test(other_requests),
        cmocka_unit_test(bad_permits),  cmocka_unit_test(unsealed),
        cmocka_unit_test(bad_gates),
    };

    return cmocka_run_group_tests(tests, make_cast, free_cast);
}
