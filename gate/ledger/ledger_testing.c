/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"

#include "gate/base/file.h"
#include "gate/base/hash.h"
#include "gate/cose/cose_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void testing_new_session(struct testing *t)
{
    struct why why = {0};

    hw_signer_close(&t->statement);
    assert_int_equal(hw_signer_generate(HW_ES256, &t->statement, &why), ERR_OK);
    assert_int_equal(record_uuid(t->now_ms, t->session_id), ERR_OK);
}

void testing_init(struct testing *t)
{
    struct why why = {0};

    *t = (struct testing){.now_ms = TESTING_T0};
    assert_int_equal(hw_signer_generate(HW_ES256, &t->hardware, &why), ERR_OK);
    testing_new_session(t);
}

void testing_free(struct testing *t)
{
    hw_signer_close(&t->hardware);
    hw_signer_close(&t->statement);
    x509_made_free(&t->made);
}

int testing_setup(void **state)
{
    struct testing *t = calloc(1, sizeof *t);

    assert_non_null(t);
    testing_init(t);
    *state = t;
    return 0;
}

int testing_teardown(void **state)
{
    testing_free(*state);
    free(*state);
    return 0;
}

struct record_link testing_link(uint64_t sequence)
{
    struct record_link link = {.sequence = sequence};

    memset(link.prev.bytes, sequence == 0 ? 0 : 0xab, sizeof link.prev.bytes);
    return link;
}

static void certify(struct testing *t)
{
    struct hw_signer *device = t->device != NULL ? t->device : t->hardware;
    size_t n = t->device != NULL ? 3 : 2;

    x509_made_free(&t->made);
    t->made.n = n;
    x509_test_device(device, n == 3, &t->made.certs[n - 1]);
    if (n == 3)
        x509_test_issue(device, buf_slice(&t->made.certs[2]), &t->hardware->key, "epoch-7", true,
                        &t->made.certs[1]);
    x509_test_issue(t->hardware, buf_slice(&t->made.certs[1]), &t->statement->key, t->session_id,
                    false, &t->made.certs[0]);
}

struct x509_chain testing_chain(struct testing *t)
{
    const struct hw_pubkey *keys[] = {&t->statement->key, &t->hardware->key,
                                      t->device != NULL ? &t->device->key : &t->hardware->key};
    bool same = t->made.n > 0;

    if (t->uncertified)
        return (struct x509_chain){0};
    for (size_t i = 0; i < 3; i++)
        same = same && hw_pubkey_eq(keys[i], &t->made_for[i]);
    if (!same)
        certify(t);
    for (size_t i = 0; i < 3; i++)
        t->made_for[i] = *keys[i];
    return x509_made_chain(&t->made);
}

static struct digest digest_of(const char *text)
{
    struct digest ret;

    assert_int_equal(hash_sha256(slice_str(text), &ret), ERR_OK);
    return ret;
}

static void set_decision(struct record_decision *decision)
{
    decision->permit = true;
    decision->class_ = slice_str("execute");
    decision->attempt = slice_str("0199c82c-c000-7000-8000-000000000000");
    decision->reason = slice_str("OK");
    decision->subject_type = slice_str("Agent");
    decision->action = slice_str("deploy");
    decision->resource_type = slice_str("Service");
    decision->resource_id = slice_str("service-1");
    decision->n_policies = 2;
    decision->policies[0] = (struct record_policy){slice_str("base"), 3, digest_of("base")};
    decision->policies[1] = (struct record_policy){slice_str("deploys"), 17, digest_of("deploys")};
    decision->n_determining = 1;
    decision->determining[0] = slice_str("deploys/policy0");
}

static void set_attempt(struct record_attempt *attempt)
{
    *attempt = (struct record_attempt){
        .class_ = slice_str("execute"),
        .subject_type = slice_str("Agent"),
        .action = slice_str("deploy"),
        .resource_type = slice_str("Service"),
        .resource_id = slice_str("service-1"),
        .input_type = slice_str(RECORD_INPUT_AUTHZEN),
    };
}

static void set_rotation(struct testing *t, struct record *record)
{
    const struct x509_chain chain = testing_chain(t);

    record->key = t->statement->key;
    t->round++;
    record->rotation.n_certs = chain.n;
    for (size_t i = 0; i < chain.n; i++)
        record->rotation.certs[i] = chain.certs[i];
}

static void set_consent(struct record *record)
{
    record->consent.what = slice_str("request");
    record->consent.object = digest_of("object");
    record->consent.n_by = 2;
    for (size_t i = 0; i < 2; i++)
        memset(record->consent.by[i].bytes, (int)i + 1, SHA256_LEN);
    record->consent.until_ms = record->action_ms + 3600000;
    record->consent.reason = slice_str("incident 7");
}

static void set_enrolment(struct record_agent *agent)
{
    *agent = (struct record_agent){
        .id = slice_str("agent-1"),
        .name = slice_str("The first agent"),
        .has_uid = true,
        .uid = 4001,
        .cgroup = slice_str("/agents.slice/agent-1.service"),
        .zone = slice_str("lab"),
        .parent = slice_str("agent-0"),
        .n_aliases = 2,
        .aliases = {slice_str("base"), slice_str("deploys")},
    };
}

/* The members that only records of this kind have. */
static void set_by_kind(struct testing *t, struct record *record)
{
    uint64_t now = record->action_ms;

    switch (record->kind) {
    case RECORD_DECISION:
        set_decision(&record->decision);
        break;
    case RECORD_ATTEMPT:
        set_attempt(&record->attempt);
        break;
    case RECORD_KEY_ROTATION:
        set_rotation(t, record);
        break;
    case RECORD_INSTALL:
    case RECORD_BUMP:
        record->from_epoch = 5;
        break;
    case RECORD_ENROL:
        record->has_snapshot = false;
        record->root = digest_of("root");
        record->log_vkey = slice_str("example.org/gate-1+00000000+AQ==");
        break;
    case RECORD_START:
        record->start =
            (struct record_start){slice_str("0.2.0"), slice_str("1.38"), true, 3, 11, 400};
        break;
    case RECORD_STOP:
        record->stop.reason = slice_str("signal");
        break;
    case RECORD_INSTALL_REFUSED:
        record->refused = (struct record_refused){slice_str("ROLLBACK"), digest_of("bundle"), 6};
        break;
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
        set_consent(record);
        break;
    case RECORD_REVOCATION:
        record->revocation = (struct record_revocation){slice_str("key"), digest_of("key"),
                                                        now - 5000, slice_str("it was lost")};
        break;
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        record->root_state = (struct record_hardware){slice_str("TPM_FAILED"), 12, now - 2000};
        break;
    case RECORD_AGENT_ENROL:
        set_enrolment(&record->agent);
        if (t->agent != NULL)
            record->agent = *t->agent;
        break;
    case RECORD_AGENT_REMOVE:
        record->agent.id = t->agent != NULL ? t->agent->id : slice_str("agent-1");
        record->agent.admin = 1000;
        break;
    case RECORD_NONE:
        fail_msg("a record of no kind");
    }
}

struct record *testing_record(struct testing *t, enum record_kind kind, const char *agent_id,
                              const struct record_link *link)
{
    struct record *record = calloc(1, sizeof *record);

    assert_non_null(record);
    assert_int_equal(record_uuid(t->now_ms, t->record_id), ERR_OK);
    record->kind = kind;
    record->issuer = slice_str(TESTING_ISSUER);
    record->agent_id = slice_str(record_is_agents(kind) ? agent_id : TESTING_ISSUER);
    record->agent_version = slice_str("model-1, framework-2");
    record->operator_id = slice_str("example.org");
    record->record_id = slice_str(t->record_id);
    record->session_id = slice_str(t->session_id);
    record->jurisdiction = slice_str("CH");
    record->retention_class = slice_str("regulatory_7yr");
    record->action_ms = t->now_ms;
    record->captured_ms = t->now_ms + 1;
    record->link = *link;
    record->input = digest_of("request");
    record->hardware = slice_str("IBM SW TPM");
    record->simulated = true;
    record->epoch = 7;
    record->has_snapshot = true;
    record->snapshot = digest_of("snapshot");
    set_by_kind(t, record);
    record->round = t->round;
    assert_int_equal(record_input(record, &record->input), ERR_OK);
    return record;
}

void testing_signed(struct testing *t, const struct record *record, struct buf *ret,
                    struct record_link *ret_next)
{
    struct hw_signer *signer = record->kind == RECORD_KEY_ROTATION ? t->hardware : t->statement;
    struct why why = {0};
    struct digest chain_hash;
    err_code err = record_make(signer, record, ret, &chain_hash, &why);

    if (err != ERR_OK)
        fail_msg("record_make: %s: %s", err_name(err), why.text);
    *ret_next = (struct record_link){chain_hash, record->link.sequence + 1};
}

void testing_fit(const struct ledger *ledger, struct record *record)
{
    const struct succession_head *head = ledger_state(ledger);

    if (record->kind == RECORD_START) {
        record->start.clean = head->clean;
        record->start.last_size = head->began;
        record->start.last_round = head->key_round - 1;
    }
    if ((record->kind == RECORD_BUMP || record->kind == RECORD_INSTALL) &&
        head->installed < record->epoch) /* else there is no such record */
        record->from_epoch = head->installed;
}

err_code testing_stage_one(struct testing *t, struct ledger *ledger, enum record_kind kind,
                           const char *agent_id, const char *attempt)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct record_link link, next;
    struct why why = {0};
    struct record *record;

    if (!record_is_agents(kind))
        agent_id = TESTING_ISSUER;
    assert_int_equal(ledger_link(ledger, slice_str(agent_id), &link, &why), ERR_OK);
    record = testing_record(t, kind, agent_id, &link);
    testing_fit(ledger, record);
    if (attempt != NULL)
        record->decision.attempt = slice_str(attempt);
    testing_signed(t, record, &bytes, &next);
    free(record);
    return ledger_stage(ledger, buf_slice(&bytes), &why);
}

err_code testing_stage(struct testing *t, struct ledger *ledger, enum record_kind kind,
                       const char *agent_id)
{
    char attempt[RECORD_UUID_TEXT];

    if (kind == RECORD_DECISION) {
        TRY(testing_stage_one(t, ledger, RECORD_ATTEMPT, agent_id, NULL));
        memcpy(attempt, t->record_id, sizeof attempt);
        return testing_stage_one(t, ledger, kind, agent_id, attempt);
    }
    TRY(testing_stage_one(t, ledger, kind, agent_id, NULL));
    return kind == RECORD_KEY_ROTATION ? testing_stage_one(t, ledger, RECORD_START, NULL, NULL)
                                       : ERR_OK;
}

static uint64_t digit(uint64_t *number, uint64_t base)
{
    uint64_t ret = *number % base;

    *number /= base;
    return ret;
}

static err_code stage_roster(struct testing *t, struct ledger *ledger, enum record_kind kind,
                             const struct record_agent *agent)
{
    err_code err;

    t->agent = agent;
    err = testing_stage(t, ledger, kind, NULL);
    t->agent = NULL;
    return err;
}

void testing_change_roster(struct testing *t, struct ledger *ledger, uint64_t number)
{
    static const char *const GROUPS[] = {"", "/a", "/a/b", "/b.slice/c"};
    const struct roster *roster = ledger_roster(ledger);
    char id[32], parent[32];
    struct record_agent agent = {
        .name = slice_str(digit(&number, 2) == 0 ? "" : "Somebody"),
        .has_uid = digit(&number, 2) == 0,
        .cgroup = slice_str(GROUPS[digit(&number, 4)]),
        .zone = slice_str(digit(&number, 3) == 0 ? "lab" : ""),
        .n_aliases = digit(&number, 3),
        .aliases = {slice_str("base"), slice_str("deploys")},
        .admin = digit(&number, 2) * RECORD_UID_MAX,
    };
    struct why why;

    agent.uid = agent.has_uid ? digit(&number, 3) : 0;
    (void)snprintf(id, sizeof id, "agent-%d", (int)digit(&number, 12));
    (void)snprintf(parent, sizeof parent, "agent-%d", (int)digit(&number, 12));
    agent.id = slice_str(id);
    if (ledger_enrolled(ledger, slice_str(parent)) != NULL)
        agent.parent = slice_str(parent);
    if (roster_admits(roster, &agent, &why) == ERR_OK)
        assert_int_equal(stage_roster(t, ledger, RECORD_AGENT_ENROL, &agent), ERR_OK);
    else if (roster_releases(roster, agent.id, &why) == ERR_OK)
        assert_int_equal(stage_roster(t, ledger, RECORD_AGENT_REMOVE, &agent), ERR_OK);
    else if (!slice_eq(agent.parent, agent.id)) /* which is no record */
        assert_int_equal(stage_roster(t, ledger, RECORD_AGENT_ENROL, &agent),
                         ERR_LEDGER_INCONSISTENT);
}

err_code testing_commit(struct ledger *ledger, struct why *why)
{
    return ledger_commit(ledger, ledger_head(ledger).round + 1, why);
}

void testing_ledger(struct testing *t, const char *dir, size_t n)
{
    struct ledger *ledger = NULL;
    struct why why = {0};
    char agent[32];

    assert_int_equal(ledger_open(dir, LEDGER_CREATE, &ledger, &why), ERR_OK);
    assert_int_equal(testing_stage(t, ledger, RECORD_KEY_ROTATION, NULL), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        t->now_ms += i % 2; /* equal times are in order, too */
        (void)snprintf(agent, sizeof agent, "agent-%zu", i % 2);
        assert_int_equal(testing_stage(t, ledger, RECORD_DECISION, agent), ERR_OK);
    }
    assert_int_equal(testing_commit(ledger, &why), ERR_OK);
    assert_int_equal(ledger_size(ledger), TESTING_SIZE(n));
    ledger_close(&ledger);
}

/* Of the key that signs receipts: those above the statement key's. */
static struct x509_chain receipt_chain(struct testing *t)
{
    struct x509_chain chain = testing_chain(t);

    if (chain.n > 0)
        chain.n--;
    for (size_t i = 0; i < chain.n; i++)
        chain.certs[i] = chain.certs[i + 1];
    return chain;
}

void testing_copy(const char *from, const char *to, uint64_t n, uint64_t spoilt)
{
    CLEANUP(ledger_close) struct ledger *source = NULL, *copy = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct why why = {0};

    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(ledger_open(from, LEDGER_READ, &source, &why), ERR_OK);
    assert_int_equal(ledger_open(to, LEDGER_CREATE, &copy, &why), ERR_OK);
    for (uint64_t i = 0; i < n; i++) {
        assert_int_equal(ledger_entry(source, i, &entry, &why), ERR_OK);
        entry.ptr[entry.len - 1] ^= i == spoilt;
        if (ledger_stage(copy, buf_slice(&entry), &why) != ERR_OK ||
            testing_commit(copy, &why) != ERR_OK)
            fail_msg("entry %llu: %s", (unsigned long long)i, why.text);
    }
}

void testing_receipt(struct testing *t, struct tree_source tree, uint64_t index, uint64_t size,
                     struct buf *ret)
{
    CLEANUP(receipt_draft_free) struct receipt_draft draft = {0};
    CLEANUP(buf_free) struct buf sig = {0};
    struct receipt_head head = {.issuer = slice_str(TESTING_ISSUER),
                                .iat = (int64_t)(t->now_ms / 1000),
                                .epoch = 7,
                                .round = t->receipt_round != 0 ? t->receipt_round : TESTING_ROUND,
                                .snapshot = digest_of("snapshot"),
                                .simulated = true,
                                .checkpoint = {.size = size},
                                .chain = receipt_chain(t)};
    struct tree_path path;
    struct why why = {0};

    assert_int_equal(cose_key_thumbprint(&t->statement->key, &head.signer), ERR_OK);
    assert_int_equal(tree_root(tree, size, &head.checkpoint.root, &why), ERR_OK);
    assert_int_equal(tree_prove_inclusion(tree, index, size, &path, &why), ERR_OK);
    assert_int_equal(receipt_prepare(&t->hardware->key, &head, &draft, &why), ERR_OK);
    assert_int_equal(t->hardware->ops->sign(t->hardware, digest_slice(&draft.tbs), &sig, &why),
                     ERR_OK);
    assert_int_equal(sig.len, 64);
    assert_int_equal(receipt_finish(&draft, index, &path, sig.ptr, ret), ERR_OK);
}

struct slice testing_leaf(size_t i, char text[static 24])
{
    (void)snprintf(text, 24, "%zu", i);
    return slice_str(text);
}

void testing_tree(struct tree *tree, size_t n)
{
    char text[24];

    for (size_t i = 0; i < n; i++) {
        struct digest leaf;

        assert_int_equal(tree_leaf(testing_leaf(i, text), &leaf), ERR_OK);
        assert_int_equal(tree_append(tree, &leaf), ERR_OK);
    }
}

void testing_redacted(struct testing *t, const char *dir, const struct record_redact_order *order,
                      struct buf *ret_entry, struct buf *ret_disclosures)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf asked = {0};
    struct record_link link = {0}, next;
    struct record *record, *attempt;
    char attempt_id[RECORD_UUID_TEXT];
    struct why why = {0};

    assert_int_equal(ledger_open(dir, LEDGER_CREATE, &ledger, &why), ERR_OK);
    assert_int_equal(testing_stage(t, ledger, RECORD_KEY_ROTATION, NULL), ERR_OK);
    record = testing_record(t, RECORD_DECISION, "agent-1", &link);
    if (record_redact(record, order, ret_disclosures, &why) != ERR_OK)
        fail_msg("record_redact: %s", why.text);
    attempt = testing_record(t, RECORD_ATTEMPT, "agent-1", &link);
    attempt->input = record->input; /* its seed would give the same */
    testing_signed(t, attempt, &asked, &record->link);
    assert_int_equal(ledger_stage(ledger, buf_slice(&asked), &why), ERR_OK);
    memcpy(attempt_id, t->record_id, sizeof attempt_id);
    record->decision.attempt = slice_str(attempt_id);
    testing_signed(t, record, ret_entry, &next);
    assert_int_equal(ledger_stage(ledger, buf_slice(ret_entry), &why), ERR_OK);
    assert_int_equal(testing_commit(ledger, &why), ERR_OK);
    free(record);
    free(attempt);
}

void testing_permit(struct testing *t, const char *dir, uint64_t index, struct buf *ret)
{
    testing_permit_with(t, dir, index, (struct slice){0}, ret);
}

void testing_permit_with(struct testing *t, const char *dir, uint64_t index,
                         struct slice disclosures, struct buf *ret)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf record = {0}, receipt = {0}, rotation = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_FAKE};
    struct permit_parts parts = {.seal = &seal, .disclosures = disclosures};
    struct why why = {0};

    assert_int_equal(buf_add_str(&seal.statement, "statement"), ERR_OK);
    assert_int_equal(buf_add_str(&seal.sig, "signature"), ERR_OK);
    assert_int_equal(ledger_open(dir, LEDGER_READ, &ledger, &why), ERR_OK);
    assert_int_equal(ledger_entry(ledger, 0, &rotation, &why), ERR_OK);
    assert_int_equal(ledger_entry(ledger, index, &record, &why), ERR_OK);
    testing_receipt(t, ledger_tree(ledger), index, ledger_size(ledger), &receipt);
    parts.record = buf_slice(&record);
    parts.receipt = buf_slice(&receipt);
    parts.rotation = buf_slice(&rotation);
    if (permit_make(&parts, ret, &why) != ERR_OK)
        fail_msg("permit_make: %s", why.text);
}

void testing_replace(struct buf *buf, const struct digest *from, const struct digest *to)
{
    for (size_t i = 0; i + sizeof *from <= buf->len; i++)
        if (memcmp(buf->ptr + i, from, sizeof *from) == 0) {
            memcpy(buf->ptr + i, to, sizeof *to);
            return;
        }
    fail_msg("the digest is not there");
}

void testing_sign_again(struct hw_signer *signer, struct record_draft *draft,
                        const struct record *record, const struct digest *old_content,
                        struct buf *ret)
{
    CLEANUP(buf_free) struct buf tbs = {0}, sig = {0};
    struct digest content, chain;
    struct why why = {0};

    assert_int_equal(hash_sha256(buf_slice(&draft->payload), &content), ERR_OK);
    assert_int_equal(record_chain_hash(&content, &record->link.prev, record->action_ms,
                                       record->agent_id, &chain),
                     ERR_OK);
    if (!digest_eq(&content, old_content)) {
        testing_replace(&draft->protected_, old_content, &content);
        testing_replace(&draft->protected_, &draft->chain_hash, &chain);
    }
    assert_int_equal(cose_sign1_tbs(buf_slice(&draft->protected_), (struct slice){0},
                                    buf_slice(&draft->payload), &tbs),
                     ERR_OK);
    assert_int_equal(hw_sign(signer, buf_slice(&tbs), &sig, &why), ERR_OK);
    assert_int_equal(record_finish(draft, sig.ptr, ret), ERR_OK);
}

void testing_read(const char *path, struct buf *ret)
{
    struct why why = {0};

    if (file_read(path, BUF_MAX, ret, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

void testing_write(const char *path, struct slice content)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}
