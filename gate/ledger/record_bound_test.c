/* SPDX-License-Identifier: Apache-2.0 */
/* record_bound_test.c: the largest record of each kind, by the limits that writer and reader share:
 * each of them fits an entry, so that nothing a gate writes today becomes a hash envelope. */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/record_members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is not stretched below: numbers (9 octets at most), the reason of a denial, and redaction
 * receipts (a path, the name of a rule, a hash, a time, and the keys of these). */
#define NUMBERS (9 * 32)
#define REDACTIONS (RECORD_REDACTIONS_MAX * (RECORD_NAME_MAX + 256))
#define REST (NUMBERS + RECORD_NAME_MAX + REDACTIONS)

static uint8_t letters[RECORD_CERT_MAX];

static struct slice text(size_t len)
{
    return (struct slice){letters, len};
}

static void stretch_member(struct record *r, const struct record_member *m)
{
    struct record_decision *d = &r->decision;
    struct record_rotation *rotation = &r->rotation;

    if (m->type == MEMBER_TEXT && m->at != offsetof(struct record, decision.reason))
        *(struct slice *)record_place(r, m->at) = text(m->max);
    if (m->type == MEMBER_NAMED) {
        *(struct slice *)record_place(r, m->at) = text(RECORD_ID_MAX);
        *(struct slice *)record_place(r, m->also) = text(RECORD_ID_MAX);
    }
    if (m->type == MEMBER_POLICIES) {
        d->n_policies = RECORD_POLICIES_MAX;
        for (size_t i = 0; i < RECORD_POLICIES_MAX; i++)
            d->policies[i] = (struct record_policy){text(RECORD_ALIAS_MAX), UINT64_MAX, {{0}}};
    }
    if (m->type == MEMBER_DETERMINING) {
        d->n_determining = RECORD_DETERMINING_MAX;
        for (size_t i = 0; i < RECORD_DETERMINING_MAX; i++)
            d->determining[i] = text(RECORD_NAME_MAX);
    }
    if (m->type == MEMBER_CERTS) { /* the session's, and a chain of x509_chain_decode() */
        rotation->n_certs = RECORD_CERTS_MAX;
        rotation->certs[0] = text(RECORD_CERT_MAX);
        for (size_t i = 1; i < RECORD_CERTS_MAX; i++)
            rotation->certs[i] = text(X509_CHAIN_BYTES_MAX / (RECORD_CERTS_MAX - 1) + 1);
    }
    if (m->type == MEMBER_BY) {
        r->consent.n_by = RECORD_SIGNERS_MAX;
        for (size_t i = 0; i < RECORD_SIGNERS_MAX; i++)
            r->consent.by[i] = (struct digest){{(uint8_t)i}};
    }
}

/* A path, another agent than itself, and aliases that ascend. */
static void stretch_agent(struct record_agent *agent)
{
    static uint8_t path[RECORD_CGROUP_MAX];

    memset(path, 'a', sizeof path);
    path[0] = '/';
    agent->cgroup = SLICE_OF(path);
    agent->parent = text(RECORD_ID_MAX - 1);
    agent->n_aliases = RECORD_ALIASES_MAX;
    for (size_t i = 0; i < RECORD_ALIASES_MAX; i++)
        agent->aliases[i] = text(RECORD_ALIAS_MAX - RECORD_ALIASES_MAX + 1 + i);
}

static void stretch(struct record *r)
{
    r->issuer = r->agent_id = r->agent_version = r->operator_id = text(RECORD_ID_MAX);
    r->retention_class = slice_str("operational_1yr");
    r->link.sequence = UINT32_MAX;
    for (const struct record_member *m = record_members(r->kind); m->type != MEMBER_END; m++)
        stretch_member(r, m);
    if (r->kind == RECORD_AGENT_ENROL)
        stretch_agent(&r->agent);
    if (r->kind == RECORD_REVOCATION)
        r->revocation.what = slice_str("object"); /* there are two words for it */
}

static void the_largest_of_each_kind(void **state)
{
    struct testing t;

    (void)state;
    testing_init(&t);
    memset(letters, 'a', sizeof letters);
    for (enum record_kind kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        struct hw_signer *signer = kind == RECORD_KEY_ROTATION ? t.hardware : t.statement;
        CLEANUP(record_draft_free) struct record_draft draft = {0};
        CLEANUP(buf_free) struct buf entry = {0};
        struct record_link link = {0};
        struct record *r = testing_record(&t, kind, "agent", &link);
        struct why why = {0};

        stretch(r);
        assert_int_equal(record_input(r, &r->input), ERR_OK);
        if (record_prepare(&signer->key, r, &draft, &why) != ERR_OK ||
            record_sign(signer, &draft, &entry, &why) != ERR_OK)
            fail_msg("%s: %s", record_kind_name(kind), why.text);
        print_message("%s: %zu octets, and %d\n", record_kind_name(kind), entry.len, REST);
        assert_int_equal(draft.preimage.len, 0);
        assert_true(entry.len + REST <= RECORD_SIZE_MAX);
        free(r);
    }
    testing_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_of_each_kind),
    };

    return cmocka_run_group_tests_name("record bound", tests, NULL, NULL);
}
