/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/audit_testing.h"

#include "gate/base/file.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record_air.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST_ROUND 1001 /* of the first commit */

/* ---- whom the auditor believes --------------------------------------------------------------- */

static err_code key_of(const struct auditor *auditor, const struct digest *kid, uint64_t epoch,
                       struct hw_pubkey *ret, struct why *why)
{
    const struct lab *lab = auditor->context;
    struct digest known;

    TRY(cose_key_thumbprint(&lab->t.hardware->key, &known));
    if (!digest_eq(&known, kid) || epoch > 7)
        return why_say(why, ERR_SIGNER_UNKNOWN, "not the hardware's key");
    *ret = lab->t.hardware->key;
    return ERR_OK;
}

static err_code checkpoint_of(const struct auditor *auditor, struct slice bytes,
                              struct checkpoint *ret, struct why *why)
{
    const struct lab *lab = auditor->context;
    struct checkpoint_text text;
    static struct note note;

    TRY(checkpoint_note_open(bytes, &lab->log, &note, &text, why));
    *ret = text.checkpoint;
    return ERR_OK;
}

/* The tests' hardware seals nothing that could be judged: its receipt alone is. */
static err_code seal_of(const struct auditor *auditor, const struct sealed *sealed,
                        struct slice entry, const struct checkpoint *head, struct why *why)
{
    const struct lab *lab = auditor->context;
    struct checkpoint got;

    if (sealed->seal.kind != HW_SEAL_FAKE || !slice_eq_str(sealed->seal.statement, "statement") ||
        !slice_eq_str(sealed->seal.sig, "signature"))
        return why_say(why, ERR_SIGNATURE_INVALID, "not the hardware's seal");
    TRY(receipt_verify(&sealed->receipt, entry, &lab->t.hardware->key, &got, why));
    return got.size == head->size && digest_eq(&got.root, &head->root) ? ERR_OK
                                                                       : ERR_SIGNATURE_INVALID;
}

struct lab *lab_make(void)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct why why = {0};

    assert_non_null(lab);
    testing_init(&lab->t);
    testing_dir(lab->dir, sizeof lab->dir);
    assert_int_equal(hw_ed25519_generate(&lab->log_key, &why), ERR_OK);
    assert_int_equal(note_key_make(NOTE_ED25519, slice_str(TESTING_ISSUER), lab->log_key.public,
                                   &lab->log, &why),
                     ERR_OK);
    assert_int_equal(succession_init(&lab->chain, NULL), ERR_OK);
    lab->auditor = (struct auditor){
        .key = key_of, .checkpoint = checkpoint_of, .seal = seal_of, .context = lab};
    return lab;
}

void lab_free(struct lab *lab)
{
    for (size_t i = 0; i < LAB_MAX; i++)
        buf_free(&lab->entries[i]);
    succession_free(&lab->chain);
    testing_free(&lab->t);
    testing_remove(lab->dir);
    free(lab);
}

/* ---- entries --------------------------------------------------------------------------------- */

uint64_t lab_round(const struct lab *lab)
{
    return FIRST_ROUND + lab->n_commits;
}

static void fit(struct lab *lab, struct record *record)
{
    const struct succession_head *head = &lab->chain.head;

    record->round = lab_round(lab);
    if (record->kind == RECORD_START) {
        record->start.clean = head->clean;
        record->start.last_size = head->began;
        record->start.last_round = head->key_round - 1;
    }
    if (record->kind == RECORD_DECISION)
        record->decision.attempt = slice_str(lab->attempt);
    if (record->kind == RECORD_BUMP || record->kind == RECORD_INSTALL)
        record->from_epoch = head->installed;
}

void lab_add(struct lab *lab, enum record_kind kind, const char *agent)
{
    struct record *record, *parsed = calloc(1, sizeof *parsed);
    struct record_link link, next;
    struct why why = {0};

    assert_non_null(parsed);
    assert_true(lab->n < LAB_MAX);
    if (kind == RECORD_KEY_ROTATION)
        testing_new_session(&lab->t);
    agent = record_is_agents(kind) ? agent : TESTING_ISSUER;
    assert_int_equal(succession_link(&lab->chain, slice_str(agent), &link, &why), ERR_OK);
    record = testing_record(&lab->t, kind, agent, &link);
    fit(lab, record);
    if (lab->edit != NULL)
        lab->edit(record);
    testing_signed(&lab->t, record, &lab->entries[lab->n], &next);
    assert_int_equal(record_parse(buf_slice(&lab->entries[lab->n]), parsed, &why), ERR_OK);
    if (succession_take(&lab->chain, parsed, &why) != ERR_OK) {
        size_t number;

        if (lab->edit == NULL)
            fail_msg("entry %zu: %s", lab->n, why.text);
        assert_int_equal(agents_at(&lab->chain.agents, parsed->agent_id, &number, &why), ERR_OK);
        lab->chain.agents.entries[number].link = next;
    }
    succession_settle(&lab->chain);
    if (kind == RECORD_ATTEMPT)
        memcpy(lab->attempt, lab->t.record_id, sizeof lab->attempt);
    lab->n++;
    lab->t.now_ms += 3;
    free(record);
    free(parsed);
}

void lab_add_envelope(struct lab *lab, struct buf *ret_preimage, char ret_name[static PAYLOAD_NAME])
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf tbs = {0};
    struct record *record, *parsed = calloc(1, sizeof *parsed);
    const struct hw_pubkey *key = &lab->t.statement->key;
    struct record_content content = {.enveloped = true};
    struct record_link link;
    struct digest hash;
    struct why why = {0};

    assert_non_null(parsed);
    assert_int_equal(succession_link(&lab->chain, slice_str(TESTING_ISSUER), &link, &why), ERR_OK);
    record = testing_record(&lab->t, RECORD_APPROVAL, NULL, &link);
    record->round = lab_round(lab);
    assert_int_equal(record_prepare(key, record, &draft, &why), ERR_OK);
    draft.preimage = buf_take(&draft.payload);
    assert_int_equal(hash_sha256(buf_slice(&draft.preimage), &hash), ERR_OK);
    assert_int_equal(buf_add_slice(&draft.payload, digest_slice(&hash)), ERR_OK);
    content.octets = buf_slice(&draft.payload);
    buf_cut(&draft.protected_, 0);
    assert_int_equal(
        air_write_protected(key, record, &content, &draft.protected_, &draft.chain_hash), ERR_OK);
    assert_int_equal(cose_sign1_tbs(buf_slice(&draft.protected_), (struct slice){0},
                                    buf_slice(&draft.payload), &tbs),
                     ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&tbs), &draft.tbs), ERR_OK);
    assert_int_equal(record_sign(lab->t.statement, &draft, &lab->entries[lab->n], &why), ERR_OK);
    *ret_preimage = buf_take(&draft.preimage);
    payload_name(&hash, ret_name);
    assert_int_equal(payload_store(lab->dir, buf_slice(ret_preimage), &why), ERR_OK);
    assert_int_equal(
        record_parse_whole(buf_slice(&lab->entries[lab->n]), buf_slice(ret_preimage), parsed, &why),
        ERR_OK);
    assert_int_equal(succession_take(&lab->chain, parsed, &why), ERR_OK);
    succession_settle(&lab->chain);
    lab->n++;
    lab->t.now_ms += 3;
    free(record);
    free(parsed);
}

void lab_commit(struct lab *lab)
{
    lab->commits[lab->n_commits++] = lab->n;
}

void lab_session(struct lab *lab, size_t n)
{
    static const char *const AGENTS[] = {"agent-1", "agent-2", "agent-3"};

    lab_add(lab, RECORD_KEY_ROTATION, NULL);
    lab_add(lab, RECORD_START, NULL);
    lab_commit(lab);
    if (n > 0 && lab->chain.head.installed == 0) {
        lab_add(lab, RECORD_BUMP, NULL);
        lab_add(lab, RECORD_INSTALL, NULL);
        lab_commit(lab);
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        lab_add(lab, RECORD_ATTEMPT, AGENTS[i % 3]);
        lab_add(lab, RECORD_DECISION, AGENTS[i % 3]);
        lab_commit(lab);
    }
}

/* ---- hashes ---------------------------------------------------------------------------------- */

static struct digest leaf_of(const struct lab *lab, size_t i)
{
    struct digest ret;

    assert_int_equal(tree_leaf(buf_slice(&lab->entries[i]), &ret), ERR_OK);
    return ret;
}

static struct digest mth(const struct lab *lab, size_t from, size_t n)
{
    struct digest left, right, ret;
    size_t split = 1;

    if (n == 1)
        return leaf_of(lab, from);
    while (split * 2 < n)
        split *= 2;
    left = mth(lab, from, split);
    right = mth(lab, from + split, n - split);
    assert_int_equal(tree_node(&left, &right, &ret), ERR_OK);
    return ret;
}

struct checkpoint lab_head(const struct lab *lab, size_t n)
{
    struct checkpoint head = {.size = n};

    if (n == 0)
        assert_int_equal(tree_empty(&head.root), ERR_OK);
    else
        head.root = mth(lab, 0, n);
    return head;
}

/* ---- files ----------------------------------------------------------------------------------- */

void lab_read(const struct lab *lab, const char *name, struct buf *ret)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, name);
    testing_read(path, ret);
}

void lab_put(const struct lab *lab, const char *name, struct slice content)
{
    char path[256], dir[256];
    struct why why = {0};

    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, name);
    (void)snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    assert_int_equal(file_make_dir(dir, 0755, &why), ERR_OK);
    testing_write(path, content);
}

static void put_bundle(const struct lab *lab, size_t tile, size_t n)
{
    CLEANUP(buf_free) struct buf bundle = {0};
    char name[64];

    for (size_t i = 0; i < n; i++) {
        const struct buf *entry = &lab->entries[tile * 256 + i];
        assert_int_equal(buf_add_u16(&bundle, (uint16_t)entry->len), ERR_OK);
        assert_int_equal(buf_add_slice(&bundle, buf_slice(entry)), ERR_OK);
    }
    (void)snprintf(name, sizeof name, n < 256 ? "tile/entries/%03zu.p/%zu" : "tile/entries/%03zu",
                   tile, n);
    lab_put(lab, name, buf_slice(&bundle));
}

static void put_tile(const struct lab *lab, unsigned level, size_t tile, size_t n)
{
    CLEANUP(buf_free) struct buf hashes = {0};
    size_t width = (size_t)1 << (8 * level);
    char name[64];

    for (size_t i = 0; i < n; i++) {
        struct digest hash = mth(lab, (tile * 256 + i) * width, width);
        assert_int_equal(buf_add(&hashes, hash.bytes, sizeof hash.bytes), ERR_OK);
    }
    (void)snprintf(name, sizeof name, n < 256 ? "tile/%u/%03zu.p/%zu" : "tile/%u/%03zu", level,
                   tile, n);
    lab_put(lab, name, buf_slice(&hashes));
}

static void put_tiles(const struct lab *lab, size_t size)
{
    for (size_t tile = 0; tile * 256 < size; tile++)
        put_bundle(lab, tile, size - tile * 256 < 256 ? size - tile * 256 : 256);
    for (unsigned level = 0; size >> (8 * level) > 0; level++) {
        size_t hashes = size >> (8 * level);
        for (size_t tile = 0; tile * 256 < hashes; tile++)
            put_tile(lab, level, tile, hashes - tile * 256 < 256 ? hashes - tile * 256 : 256);
    }
}

static void add_hash(struct buf *to, const struct digest *hash)
{
    assert_int_equal(buf_add(to, hash->bytes, sizeof hash->bytes), ERR_OK);
}

static void put_frame(const struct lab *lab, struct buf *journal, uint64_t round, size_t from,
                      size_t to, struct digest *chain)
{
    CLEANUP(buf_free) struct buf frame = {0}, whole = {0};
    struct checkpoint head = lab_head(lab, to);

    assert_int_equal(buf_add_u64(&frame, round), ERR_OK);
    assert_int_equal(buf_add_u64(&frame, from), ERR_OK);
    assert_int_equal(buf_add_u32(&frame, (uint32_t)(to - from)), ERR_OK);
    add_hash(&frame, &head.root);
    for (size_t i = from; i < to; i++) {
        assert_int_equal(buf_add_u16(&frame, (uint16_t)lab->entries[i].len), ERR_OK);
        assert_int_equal(buf_add_slice(&frame, buf_slice(&lab->entries[i])), ERR_OK);
    }
    add_hash(&whole, chain);
    assert_int_equal(buf_add_u32(&whole, (uint32_t)frame.len + 32), ERR_OK);
    assert_int_equal(buf_add_slice(&whole, buf_slice(&frame)), ERR_OK);
    assert_int_equal(hash_sha256(slice_part(buf_slice(&whole), 0, 32 + 56), chain), ERR_OK);
    assert_int_equal(buf_add_slice(journal, slice_part(buf_slice(&whole), 32, whole.len - 32)),
                     ERR_OK);
    add_hash(journal, chain);
}

static void put_journal(const struct lab *lab)
{
    CLEANUP(buf_free) struct buf journal = {0};
    struct checkpoint base = lab_head(lab, lab->folded);
    struct digest chain;
    size_t from = lab->folded;

    assert_int_equal(buf_add_str(&journal, "pawl-journal-v1\n"), ERR_OK);
    assert_int_equal(buf_add_u64(&journal, base.size), ERR_OK);
    add_hash(&journal, &base.root);
    assert_int_equal(buf_add_u64(&journal, FIRST_ROUND - 1), ERR_OK);
    assert_int_equal(hash_sha256(buf_slice(&journal), &chain), ERR_OK);
    add_hash(&journal, &chain);
    for (size_t i = 0; i < lab->n_commits; i++)
        if (lab->commits[i] > from) {
            put_frame(lab, &journal, FIRST_ROUND + i + lab->later, from, lab->commits[i], &chain);
            from = lab->commits[i];
        }
    lab_put(lab, "journal", buf_slice(&journal));
}

static void put_checkpoint(const struct lab *lab, size_t published)
{
    const struct note_signer signer = {.key = &lab->log, .pair = &lab->log_key};
    struct checkpoint head = lab_head(lab, published);
    CLEANUP(buf_free) struct buf note = {0};
    struct why why = {0};

    if (checkpoint_note_make(&head, &signer, &note, &why) != ERR_OK)
        fail_msg("%s", why.text);
    lab_put(lab, "checkpoint", buf_slice(&note));
}

uint64_t lab_round_of(const struct lab *lab, size_t index)
{
    size_t i = 0;

    while (i < lab->n_commits && lab->commits[i] <= index)
        i++;
    return FIRST_ROUND + i;
}

void lab_seal(struct lab *lab, size_t published, uint64_t round)
{
    CLEANUP(buf_free) struct buf receipt = {0}, sealed = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {.kind = HW_SEAL_FAKE};
    struct tree *tree = calloc(1, sizeof *tree);
    struct why why = {0};

    assert_non_null(tree);
    for (size_t i = 0; i < published; i++) {
        struct digest leaf = leaf_of(lab, i);
        assert_int_equal(tree_append(tree, &leaf), ERR_OK);
    }
    assert_int_equal(buf_add_str(&seal.statement, "statement"), ERR_OK);
    assert_int_equal(buf_add_str(&seal.sig, "signature"), ERR_OK);
    lab->t.receipt_round = round;
    testing_receipt(&lab->t, tree_of(tree), published - 1, published, &receipt);
    lab->t.receipt_round = 0;
    assert_int_equal(sealed_make(buf_slice(&receipt), &seal, &sealed, &why), ERR_OK);
    lab_put(lab, "seal", buf_slice(&sealed));
    tree_free(tree);
    free(tree);
}

void lab_write_forged(struct lab *lab, size_t published)
{
    put_tiles(lab, published);
    if (lab->folded < SIZE_MAX)
        put_journal(lab);
}

void lab_write(struct lab *lab, size_t published)
{
    lab_write_forged(lab, published);
    put_checkpoint(lab, published);
    if (published > 1)
        lab_seal(lab, published, lab_round_of(lab, published - 1));
}

/* ---- what is found --------------------------------------------------------------------------- */

struct audit_job lab_job(const struct lab *lab)
{
    return (struct audit_job){.dir = lab->dir, .auditor = &lab->auditor, .thorough = true};
}

void lab_good(const struct audit_job *job, struct audit_report *ret)
{
    struct why why = {0};
    err_code err = audit_log(job, ret, &why);

    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), why.text);
}

static void keep(void *context, const struct audit_finding *finding)
{
    struct audit_finding *first = context;

    if (first->kind == AUDIT_NONE)
        *first = *finding;
}

static struct audit_finding found_by(struct audit_job job)
{
    struct audit_finding first = {0};
    struct audit_report report;
    struct why why = {0};
    err_code err;

    job.found = keep;
    job.context = &first;
    err = audit_log(&job, &report, &why);
    if ((err == ERR_OK) != (first.kind == AUDIT_NONE))
        fail_msg("%s: %s", err_name(err), why.text);
    if (first.kind != AUDIT_NONE)
        assert_int_equal(err, audit_kind_error(first.kind));
    return first;
}

void lab_expect_job(struct audit_job job, enum audit_kind kind, uint64_t index, const char *file)
{
    struct audit_finding got = found_by(job);

    if (got.kind != kind || strcmp(got.file, file) != 0 || got.has_index != (index != NO_ENTRY) ||
        (got.has_index && got.index != index))
        fail_msg("found %s at %llu in \"%s\" (%s), not %s at %llu in \"%s\"",
                 audit_kind_name(got.kind), got.has_index ? (unsigned long long)got.index : ~0ULL,
                 got.file, got.text, audit_kind_name(kind), (unsigned long long)index, file);
    job.all = true; /* the first stays the first */
    got = found_by(job);
    assert_int_equal(got.kind, kind);
}

void lab_expect(const struct lab *lab, enum audit_kind kind, uint64_t index, const char *file)
{
    lab_expect_job(lab_job(lab), kind, index, file);
}
