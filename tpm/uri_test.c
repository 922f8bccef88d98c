/* SPDX-License-Identifier: Apache-2.0 */
/* uri_test.c: hardware URIs, response codes taken apart, and the ticket file, all without a TPM. */
#include "tpm/uri.h"

#include "gate/base/file.h"
#include "tpm/rc.h"
#include "tpm/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    const char *text;
    struct tpm_uri want; /* tcti "": refused */
} URIS[] = {
    {"tpm:device:/dev/tpmrm0",
     {"device", "/dev/tpmrm0", true, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 14, 0x01800102,
      0x01800103, 0x01800104}},
    {"tpm:swtpm:path=/a/b",
     {"swtpm", "path=/a/b", false, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 14, 0x01800102,
      0x01800103, 0x01800104}},
    {"tpm:swtpm:host=127.0.0.1,port=2321",
     {"swtpm", "host=127.0.0.1,port=2321", false, 0x01800100, 0x01800101, 0x81000100, 0x81000101,
      14, 0x01800102, 0x01800103, 0x01800104}},
    {"tpm:mssim:host=::1,port=1",
     {"mssim", "host=::1,port=1", false, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 14,
      0x01800102, 0x01800103, 0x01800104}},
    {"tpm:cmd:tpm2 send",
     {"cmd", "tpm2 send", false, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 14, 0x01800102,
      0x01800103, 0x01800104}},
    {"tpm:device:/dev/tpm0?index=0x01000000&receipt=0x81000000&seal=0x817fffff&pcr=0",
     {"device", "/dev/tpm0", true, 0x01000000, 0x01000001, 0x81000000, 0x817FFFFF, 0, 0x01000002,
      0x01000003, 0x01000004}},
    {"tpm:device:/dev/tpm0?pcr=15",
     {"device", "/dev/tpm0", true, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 15, 0x01800102,
      0x01800103, 0x01800104}},
    {"tpm:device:/dev/tpm0?seal=0x81000100&receipt=0x81000101",
     {"device", "/dev/tpm0", true, 0x01800100, 0x01800101, 0x81000101, 0x81000100, 14, 0x01800102,
      0x01800103, 0x01800104}},
    {"tpm:device:/dev/tpm0?index=0x01ffffff",
     {"device", "/dev/tpm0", true, 0x01FFFFFF, 0x01FFFFFE, 0x81000100, 0x81000101, 14, 0x01FFFFFD,
      0x01FFFFFC, 0x01FFFFFB}},
    {"tpm:device:/dev/tpm0?scratch=0x01000007&index=0x01800200",
     {"device", "/dev/tpm0", true, 0x01800200, 0x01000007, 0x81000100, 0x81000101, 14, 0x01800202,
      0x01800203, 0x01800204}},
    {"tpm:device:/dev/tpm0?round=0x01000001&head=0x01000003&chain=0x01000002",
     {"device", "/dev/tpm0", true, 0x01800100, 0x01800101, 0x81000100, 0x81000101, 14, 0x01000001,
      0x01000002, 0x01000003}},
    {"tpm:device:/dev/tpm0?round=0x01800104", {.tcti = ""}}, /* that of the head */
    {"tpm:device:/dev/tpm0?chain=0x01800100", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?head=0x81000100", {.tcti = ""}},
    {"", {.tcti = ""}},
    {"tpm:", {.tcti = ""}},
    {"tpm:device", {.tcti = ""}},
    {"tpm:device:", {.tcti = ""}},
    {"tpm:device?index=0x01800100", {.tcti = ""}},
    {"tpm::/dev/tpm0", {.tcti = ""}},
    {"tpm:tabrmd:bus", {.tcti = ""}},
    {"tpm:pcap:device", {.tcti = ""}},
    {"tpm:devicedevicedevice:/dev/tpm0", {.tcti = ""}},
    {"tpm:libtss2-tcti-device.so:/dev/tpm0", {.tcti = ""}},
    {"TPM:device:/dev/tpm0", {.tcti = ""}},
    {"pkcs11:token=x", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=16", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=-1", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=14&pcr=14", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=14&", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?pcr=14?index=0x01800100", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?index=0x00800100", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?index=0x02000000", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?receipt=0x80000000", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?receipt=0x81800000", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?receipt=0x81000101", {.tcti = ""}}, /* the seal key's */
    {"tpm:device:/dev/tpm0?seal=0x181000101", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?scratch=0x01800100", {.tcti = ""}}, /* the counter's */
    {"tpm:device:/dev/tpm0?scratch=0x00ffffff", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?scratch=0", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?other=1", {.tcti = ""}},
    {"tpm:device:/dev/tpm0?index", {.tcti = ""}},
};

static void uris(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof URIS / sizeof *URIS; i++) {
        const struct tpm_uri *want = &URIS[i].want;
        err_code wanted = want->tcti[0] == '\0' ? ERR_HARDWARE_URI : ERR_OK;
        struct why why = {0};
        struct tpm_uri got;
        err_code err = tpm_uri_parse(URIS[i].text, &got, &why);

        if (err != wanted)
            fail_msg("%s: %s, wanted %s", URIS[i].text, err_name(err), err_name(wanted));
        if (err != ERR_OK) {
            assert_int_equal(why.code, err);
            assert_string_not_equal(why.text, "");
            continue;
        }
        assert_string_equal(got.tcti, want->tcti);
        assert_string_equal(got.conf, want->conf);
        assert_int_equal(got.device, want->device);
        assert_int_equal(got.index, want->index);
        assert_int_equal(got.scratch, want->scratch);
        assert_int_equal(got.receipt, want->receipt);
        assert_int_equal(got.seal, want->seal);
        assert_int_equal(got.pcr, want->pcr);
        assert_int_equal(got.round, want->round);
        assert_int_equal(got.chain, want->chain);
        assert_int_equal(got.head, want->head);
    }
}

static void long_uris(void **state)
{
    char text[600] = "tpm:device:";
    struct tpm_uri uri;
    (void)state;

    for (size_t len = 1; len < 500; len++) {
        memset(text + 11, 'a', len);
        text[11 + len] = '\0';
        assert_int_equal(tpm_uri_parse(text, &uri, NULL),
                         len <= TPM_URI_CONF_MAX ? ERR_OK : ERR_HARDWARE_URI);
    }
}

static void response_codes(void **state)
{
    static const struct {
        TSS2_RC rc;
        bool chip;
        TSS2_RC error;
        unsigned parameter, handle; /* 0: none */
        err_code err;
    } cases[] = {
        {0x000, true, 0x000, 0, 0, ERR_OK},
        {0x2DB, true, TPM2_RC_SIGNATURE, 2, 0, ERR_TPM_FAILED},
        {0x4C4, true, TPM2_RC_VALUE, 4, 0, ERR_TPM_FAILED},
        {0x18B, true, TPM2_RC_HANDLE, 0, 1, ERR_TPM_FAILED},
        {0x9A2, true, TPM2_RC_BAD_AUTH, 0, 0, ERR_TPM_AUTH},
        {0x98E, true, TPM2_RC_AUTH_FAIL, 0, 0, ERR_TPM_AUTH},
        {0x99D, true, TPM2_RC_POLICY_FAIL, 0, 0, ERR_TPM_FAILED},
        {0x126, true, TPM2_RC_POLICY, 0, 0, ERR_TPM_POLICY},
        {0x128, true, TPM2_RC_PCR_CHANGED, 0, 0, ERR_TPM_BUSY},
        {0x921, true, TPM2_RC_LOCKOUT, 0, 0, ERR_TPM_LOCKED_OUT},
        {0x902, true, TPM2_RC_OBJECT_MEMORY, 0, 0, ERR_TPM_BUSY},
        {0x14B, true, TPM2_RC_NV_SPACE, 0, 0, ERR_NV_SPACE},
        {0x000C0128, true, TPM2_RC_PCR_CHANGED, 0, 0, ERR_TPM_BUSY},
        {0x000B0143, true, TPM2_RC_COMMAND_CODE, 0, 0, ERR_UNSUPPORTED},
        {TSS2_TCTI_RC_IO_ERROR, false, TSS2_TCTI_RC_IO_ERROR, 0, 0, ERR_TPM_FAILED},
        {TSS2_SYS_RC_MALFORMED_RESPONSE, false, TSS2_SYS_RC_MALFORMED_RESPONSE, 0, 0,
         ERR_TPM_FAILED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TSS2_RC rc = cases[i].rc;

        if (tpm_rc_from_chip(rc) != cases[i].chip || tpm_rc_err(rc) != cases[i].err ||
            (cases[i].chip && tpm_rc_error(rc) != cases[i].error))
            fail_msg("0x%x: %d, 0x%x, %s", rc, tpm_rc_from_chip(rc), tpm_rc_error(rc),
                     err_name(tpm_rc_err(rc)));
        for (unsigned n = 1; cases[i].chip && n < 8; n++) {
            assert_int_equal(tpm_rc_parameter(rc, n), cases[i].parameter == n);
            assert_int_equal(tpm_rc_handle(rc, n), cases[i].handle == n);
        }
    }
    for (TSS2_RC rc = 0; rc < 0x1000; rc++) {
        assert_int_equal(tpm_rc_gone(rc), rc >= 0x910 && rc <= 0x91E);
        if (rc != 0)
            assert_int_not_equal(tpm_rc_err(rc), ERR_OK);
    }
}

static void tickets_are_kept(void **state)
{
    static struct tpm_tickets tickets, read;
    char dir[] = "/tmp/pawl-tickets-XXXXXX", path[64];
    (void)state;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/tickets", dir);
    tpm_tickets_load(dir, &read);
    assert_int_equal(read.n, 0);
    for (unsigned i = 0; i < TPM_TICKETS_MAX + 5; i++) {
        struct tpm_ticket t = {.id = {{(uint8_t)i}}, .hierarchy = i, .len = (uint8_t)(i % 65)};

        memset(t.hmac, (int)i, t.len);
        tpm_tickets_put(&tickets, &t);
    }
    assert_int_equal(tickets.n, TPM_TICKETS_MAX);
    assert_null(tpm_tickets_find(&tickets, &(struct digest){{4}}));
    assert_non_null(tpm_tickets_find(&tickets, &(struct digest){{5}}));
    tpm_tickets_save(dir, &tickets);
    tpm_tickets_load(dir, &read);
    assert_int_equal(read.n, tickets.n);
    for (size_t i = 0; i < read.n; i++) {
        assert_true(digest_eq(&read.ticket[i].id, &tickets.ticket[i].id));
        assert_int_equal(read.ticket[i].hierarchy, tickets.ticket[i].hierarchy);
        assert_int_equal(read.ticket[i].len, tickets.ticket[i].len);
        assert_memory_equal(read.ticket[i].hmac, tickets.ticket[i].hmac, read.ticket[i].len);
    }
    /* The same again is moved, not doubled. */
    tpm_tickets_put(&read, &(struct tpm_ticket){.id = {{9}}, .hierarchy = 77});
    assert_int_equal(read.n, TPM_TICKETS_MAX);
    assert_int_equal(tpm_tickets_find(&read, &(struct digest){{9}})->hierarchy, 77);
    assert_ptr_equal(tpm_tickets_find(&read, &(struct digest){{9}}), &read.ticket[read.n - 1]);
    (void)unlink(path);
    (void)rmdir(dir);
    /* Nowhere to keep them is no error. */
    tpm_tickets_save(NULL, &tickets);
    tpm_tickets_save("/nowhere", &tickets);
    tpm_tickets_load("/nowhere", &read);
    assert_int_equal(read.n, 0);
}

static void ticket_files_cut_anywhere(void **state)
{
    static struct tpm_tickets tickets, read;
    CLEANUP(buf_free) struct buf file = {0};
    char dir[] = "/tmp/pawl-tickets-XXXXXX", path[64];
    const size_t entry = SHA256_LEN + 4 + 1 + 64, head = 16;
    (void)state;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/tickets", dir);
    for (unsigned i = 0; i < 3; i++)
        tpm_tickets_put(&tickets, &(struct tpm_ticket){.id = {{(uint8_t)i}}, .len = 64});
    tpm_tickets_save(dir, &tickets);
    assert_int_equal(file_read(path, 65536, &file, NULL), ERR_OK);
    assert_int_equal(file.len, head + 3 * entry);
    for (size_t len = 0; len <= file.len; len++) {
        assert_int_equal(file_write(path, slice_part(buf_slice(&file), 0, len), 0600, NULL),
                         ERR_OK);
        tpm_tickets_load(dir, &read);
        assert_int_equal(read.n,
                         len >= head && (len - head) % entry == 0 ? (len - head) / entry : 0);
    }
    file.ptr[head + SHA256_LEN + 4] = 65;
    assert_int_equal(file_write(path, buf_slice(&file), 0600, NULL), ERR_OK);
    tpm_tickets_load(dir, &read);
    assert_int_equal(read.n, 0);
    (void)unlink(path);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(long_uris),
        cmocka_unit_test(response_codes),
        cmocka_unit_test(tickets_are_kept),
        cmocka_unit_test(ticket_files_cut_anywhere),
    };

    return cmocka_run_group_tests_name("tpm uri", tests, NULL, NULL);
}
