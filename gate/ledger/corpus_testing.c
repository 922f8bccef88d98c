/* SPDX-License-Identifier: Apache-2.0 */
/* corpus_testing.c: writes the corpora of record_fuzz and permit_fuzz anew, when the form of
 * records has changed: ledger_corpus test-env/fuzz/corpus. test_cddl.py holds them against the
 * rules. */
#include "gate/ledger/ledger_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const PATHS[] = {"pawl.resource.id", "pawl.determining"};

static void write_file(const char *dir, const char *name, struct slice bytes)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    testing_write(path, bytes);
}

static void write_kinds(struct testing *t, const char *dir)
{
    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link = {.sequence = kind}, next;
        struct record *record = testing_record(t, kind, "agent-1", &link);
        char name[64];

        if (kind == RECORD_DECISION)
            record->decision.attempt = slice_str("0199c82c-c000-7000-8000-000000000001");
        if (kind == RECORD_KEY_ROTATION)
            record->rotation.certs[record->rotation.n_certs++] = slice_str("a certificate");
        testing_signed(t, record, &bytes, &next);
        (void)snprintf(name, sizeof name, "record_fuzz/%s", record_kind_name(kind));
        write_file(dir, name, buf_slice(&bytes));
        free(record);
    }
}

static void write_permit(struct testing *t, const char *dir)
{
    CLEANUP(buf_free) struct buf disclosures = {0}, bytes = {0}, permit = {0};
    const struct record_redact_order order = {
        .paths = PATHS, .n_paths = 2, .policy_id = slice_str("no-names"), .now_ms = TESTING_T0};
    char private[64];

    testing_dir(private, sizeof private);
    testing_redacted(t, private, &order, &bytes, &disclosures);
    assert_int_equal(buf_add_u8(&permit, 'p'), ERR_OK); /* permit_fuzz: a permit follows */
    testing_permit_with(t, private, 3, buf_slice(&disclosures), &permit);
    write_file(dir, "record_fuzz/redacted", buf_slice(&bytes));
    write_file(dir, "permit_fuzz/permit", buf_slice(&permit));
    buf_cut(&permit, 0);
    assert_int_equal(buf_add_u8(&permit, 'd'), ERR_OK);
    assert_int_equal(buf_add_slice(&permit, buf_slice(&disclosures)), ERR_OK);
    write_file(dir, "permit_fuzz/disclosures", buf_slice(&permit));
    testing_remove(private);
}

int main(int argc, char **argv)
{
    struct testing t;

    if (argc != 2) {
        (void)fprintf(stderr, "ledger_corpus DIRECTORY\n");
        return 2;
    }
    testing_init(&t);
    write_kinds(&t, argv[1]);
    write_permit(&t, argv[1]);
    testing_free(&t);
    return 0;
}
