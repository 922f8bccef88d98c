/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/scribe.h"

#include "gate/cose/cose_key.h"
#include "gate/decide/gate_ledger.h"
#include "gate/ledger/permit.h"

#include <stdlib.h>

struct scribe {
    struct gate *gate;
    struct ledger *ledger;
    struct hw_signer *key;    /* signs records of key_epoch, and of no other */
    uint64_t key_epoch;       /* 0: key and receipt are not to be used */
    struct digest signer;     /* thumbprint of key */
    struct hw_pubkey receipt; /* the hardware's, of key_epoch */
    struct buf issuer, rotation;
    char session[RECORD_UUID_TEXT];
    bool introduced; /* rotation, which introduces key, is durable in the ledger */
};

void written_free(struct written *written)
{
    buf_free(&written->permit);
    written->index = 0;
}

void scribe_close(struct scribe **scribe)
{
    struct scribe *s = *scribe;

    if (s == NULL)
        return;
    ledger_close(&s->ledger);
    hw_signer_close(&s->key);
    buf_free(&s->issuer);
    buf_free(&s->rotation);
    free(s);
    *scribe = NULL;
}

const struct ledger *scribe_ledger(const struct scribe *scribe)
{
    return scribe->ledger;
}

/* A key of its own for each epoch: what an old session could sign is worth nothing in a new one. */
static err_code new_session(struct scribe *s, struct why *why)
{
    struct hw_root *hw = s->gate->hw;

    s->key_epoch = 0;
    s->introduced = false;
    hw_signer_close(&s->key);
    TRY(hw_signer_generate(HW_ES256, &s->key, why));
    TRY(cose_key_thumbprint(&s->key->key, &s->signer));
    TRY(hw->ops->receipt_key(hw, &s->receipt, why));
    s->key_epoch = s->gate->epoch;
    return ERR_OK;
}

err_code scribe_open(struct gate *gate, struct scribe **ret, struct why *why)
{
    CLEANUP(scribe_close) struct scribe *s = calloc(1, sizeof *s);

    if (s == NULL)
        return ERR_NO_MEMORY;
    s->gate = gate;
    TRY(gate_issuer(gate, &s->issuer));
    TRY(gate_ledger_open(gate->state_dir, LEDGER_APPEND, &s->ledger, why));
    TRY(new_session(s, why));
    *ret = s;
    s = NULL; /* transferred */
    return ERR_OK;
}

/* What all records of this gate have in common. id: the caller's, for the record's UUID. */
static err_code begin_record(const struct scribe *s, enum record_kind kind, struct slice agent,
                             uint64_t now_ms, char id[static RECORD_UUID_TEXT], struct record *ret)
{
    const struct hw_description *about = &s->gate->enrolment.hw.about;

    TRY(record_uuid(now_ms, id));
    *ret = (struct record){
        .kind = kind,
        .issuer = buf_slice(&s->issuer),
        .agent_id = agent,
        .agent_version = slice_str("unknown"),
        .operator_id = s->gate->enrolment.domain,
        .record_id = slice_str(id),
        .session_id = slice_str(s->session),
        .jurisdiction = slice_str("ZZ"),
        .retention_class = slice_str("custom"),
        .action_ms = now_ms,
        .captured_ms = now_ms,
        .hardware = slice_str(about->model),
        .simulated = about->simulator,
        .epoch = s->gate->epoch,
        .has_snapshot = true,
        .snapshot = s->gate->installed.judged.snapshot.digest,
    };
    return ERR_OK;
}

/* The first record of a session: the hardware vouches for the key that signs the rest. */
static err_code stage_rotation(struct scribe *s, uint64_t now_ms, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    struct hw_root *hw = s->gate->hw;
    char id[RECORD_UUID_TEXT];
    struct record record;
    uint8_t sig[64];

    TRY(record_uuid(now_ms, s->session));
    TRY(begin_record(s, RECORD_KEY_ROTATION, buf_slice(&s->issuer), now_ms, id, &record));
    TRY(ledger_link(s->ledger, record.agent_id, &record.link, why));
    record.key = s->key->key;
    record.input = s->signer;
    TRY(record_prepare(&s->receipt, &record, &draft, why));
    TRY(hw->ops->sign(hw, &draft.tbs, sig, why));
    buf_cut(&s->rotation, 0);
    TRY(record_finish(&draft, sig, &s->rotation));
    return ledger_stage(s->ledger, buf_slice(&s->rotation), why);
}

/* The hardware's word on the tree that ends with our record. */
static err_code sign_head(struct scribe *s, uint64_t now_ms, uint64_t index,
                          struct buf *ret_receipt, struct hw_seal *ret_seal, struct why *why)
{
    CLEANUP(receipt_draft_free) struct receipt_draft draft = {0};
    struct hw_root *hw = s->gate->hw;
    struct receipt_head head = {
        .issuer = buf_slice(&s->issuer),
        .iat = (int64_t)(now_ms / 1000),
        .epoch = s->gate->epoch,
        .signer = s->signer,
        .snapshot = s->gate->installed.judged.snapshot.digest,
        .simulated = s->gate->enrolment.hw.about.simulator,
    };
    struct hw_seal_head sealed = {
        .epoch = head.epoch, .snapshot = head.snapshot, .signer = head.signer};
    struct tree_path path;
    struct digest binding;
    uint8_t sig[64];

    TRY(ledger_checkpoint(s->ledger, &head.checkpoint));
    TRY(receipt_prepare(&s->receipt, &head, &draft, why));
    TRY(hw->ops->sign(hw, &draft.tbs, sig, why));
    TRY(tree_prove_inclusion(ledger_tree(s->ledger), index, head.checkpoint.size, &path, why));
    TRY(receipt_finish(&draft, index, &path, sig, ret_receipt));
    sealed.tree_size = head.checkpoint.size;
    sealed.tree_root = head.checkpoint.root;
    TRY(hw_seal_binding(&sealed, &binding));
    return hw->ops->seal(hw, &binding, ret_seal, why);
}

static err_code stage(struct scribe *s, const struct record *record, struct buf *ret,
                      struct why *why)
{
    struct digest chain;

    TRY(record_make(s->key, record, ret, &chain, why));
    return ledger_stage(s->ledger, buf_slice(ret), why);
}

/* fill: puts the rest into the record once its place in the agent's chain is known. */
struct entry {
    enum record_kind kind;
    struct slice agent;
    err_code (*fill)(const void *from, struct record *record);
    const void *from;
};

static err_code stage_entry(struct scribe *s, const struct entry *entry, uint64_t now_ms,
                            struct buf *ret, struct why *why)
{
    char id[RECORD_UUID_TEXT];
    struct record record;

    TRY(begin_record(s, entry->kind, entry->agent, now_ms, id, &record));
    TRY(ledger_link(s->ledger, record.agent_id, &record.link, why));
    TRY(entry->fill(entry->from, &record));
    return stage(s, &record, ret, why);
}

static err_code fill_enrol(const void *from, struct record *record)
{
    const struct scribe *s = from;

    record->has_snapshot = false;
    record->root = s->gate->enrolment.root;
    return hash_sha256(buf_slice(&s->gate->enrolment_bytes), &record->input);
}

static err_code fill_install(const void *from, struct record *record)
{
    const struct scribe *s = from;

    record->from_epoch = ledger_installed(s->ledger);
    record->input = record->snapshot;
    return ERR_OK;
}

/* What comes before every other entry: that the gate was enrolled, then that the snapshot of this
 * epoch was installed. A kill between the hardware's step and the record of it only means that the
 * next round writes it. */
static err_code stage_own(struct scribe *s, uint64_t now_ms, struct buf *ret, struct why *why)
{
    const struct slice self = buf_slice(&s->issuer);
    const struct entry enrol = {RECORD_ENROL, self, fill_enrol, s};
    const struct entry install = {RECORD_INSTALL, self, fill_install, s};

    if (s->key_epoch != s->gate->epoch)
        TRY(new_session(s, why));
    if (!s->introduced)
        TRY(stage_rotation(s, now_ms, why));
    if (ledger_size(s->ledger) == 0)
        TRY(stage_entry(s, &enrol, now_ms, ret, why));
    if (!scribe_owes_install(s))
        return ERR_OK;
    buf_cut(ret, 0);
    return stage_entry(s, &install, now_ms, ret, why);
}

/* Makes the records of a round durable. entry: NULL when the gate's own are all. */
static err_code write_entries(struct scribe *s, const struct entry *entry, uint64_t now_ms,
                              struct buf *ret_record, struct why *why)
{
    err_code err;

    TRY(stage_own(s, now_ms, ret_record, why));
    if (entry != NULL) {
        buf_cut(ret_record, 0);
        TRY(stage_entry(s, entry, now_ms, ret_record, why));
    }
    err = ledger_commit(s->ledger, ledger_head(s->ledger).round + 1, why);
    if (err == ERR_OK)
        s->introduced = true;
    return err;
}

static err_code run_round(struct scribe *s, const struct entry *entry, uint64_t now_ms,
                          struct written *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf record = {0}, receipt = {0}, permit = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct hw_root *hw = s->gate->hw;
    uint64_t index;
    err_code err;

    TRY(hw->ops->begin(hw, why));
    err = write_entries(s, entry, now_ms, &record, why);
    if (err != ERR_OK) {
        ledger_abandon(s->ledger);
        return err;
    }
    index = ledger_size(s->ledger) - 1;
    TRY(sign_head(s, now_ms, index, &receipt, &seal, why));
    if (entry != NULL) {
        const struct permit_parts parts = {
            buf_slice(&record), buf_slice(&receipt), buf_slice(&s->rotation), &seal, {0}};
        TRY(permit_make(&parts, &permit, why));
    }
    *ret = (struct written){.index = index, .permit = buf_take(&permit)};
    return ERR_OK;
}

/* ---- what is recorded ------------------------------------------------------------------------ */

struct decision_source {
    const struct request *request;
    const struct answer *answer;
    struct buf *determining; /* "alias/policy-id", one buffer each */
};

static err_code fill_decision(const void *from, struct record *record)
{
    const struct decision_source *source = from;
    const struct request *request = source->request;
    const struct answer *answer = source->answer;
    struct record_decision *decision = &record->decision;

    record->input = request->digest;
    decision->permit = answer->permit;
    decision->error = record_reason_is_error(answer->reason);
    decision->class_ = request->action_class;
    decision->reason = slice_str(err_name(answer->reason));
    decision->subject_type = request->subject_type;
    decision->action = request->action_name;
    decision->resource_type = request->resource_type;
    decision->resource_id = request->resource_id;
    for (size_t i = 0; i < answer->n_policies; i++)
        decision->policies[decision->n_policies++] = (struct record_policy){
            answer->policies[i]->alias, answer->policies[i]->version, answer->policies[i]->digest};
    for (size_t i = 0; i < answer->n_determining && i < RECORD_DETERMINING_MAX; i++) {
        struct buf *name = &source->determining[i];
        TRY(buf_add_slice(name, answer->determining[i].object->alias));
        TRY(buf_add_u8(name, '/'));
        TRY(buf_add_slice(name, answer->determining[i].name));
        if (name->len <= RECORD_NAME_MAX)
            decision->determining[decision->n_determining++] = buf_slice(name);
    }
    return ERR_OK;
}

err_code scribe_decision(struct scribe *scribe, const struct request *request,
                         const struct answer *answer, uint64_t now_ms, struct written *ret,
                         struct why *why)
{
    struct buf determining[RECORD_DETERMINING_MAX] = {0};
    const struct decision_source source = {request, answer, determining};
    const struct entry entry = {RECORD_DECISION, request->subject_id, fill_decision, &source};
    err_code err = run_round(scribe, &entry, now_ms, ret, why);

    for (size_t i = 0; i < RECORD_DETERMINING_MAX; i++)
        buf_free(&determining[i]);
    return err;
}

bool scribe_owes_install(const struct scribe *scribe)
{
    return ledger_installed(scribe->ledger) != scribe->gate->epoch;
}

err_code scribe_install(struct scribe *scribe, uint64_t now_ms, struct written *ret,
                        struct why *why)
{
    return run_round(scribe, NULL, now_ms, ret, why);
}
