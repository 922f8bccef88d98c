/* SPDX-License-Identifier: Apache-2.0 */
/* record_write.c: lays a record out. Map keys stand in their deterministic order (RFC 8949 4.2.1:
 * text keys by length, then bytewise); the writer refuses any other. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record.h"
#include "gate/ledger/record_rules.h"

#define ENVELOPE 6 /* AIR's labels in the protected header */

static void put_text(struct cbor_writer *w, const char *key, struct slice value)
{
    cbor_put_text(w, key);
    cbor_put_text_slice(w, value);
}

static void put_uint(struct cbor_writer *w, const char *key, uint64_t value)
{
    cbor_put_text(w, key);
    cbor_put_uint(w, value);
}

static void put_digest(struct cbor_writer *w, const char *key, const struct digest *value)
{
    cbor_put_text(w, key);
    cbor_put_bytes(w, digest_slice(value));
}

static void put_empty(struct cbor_writer *w, const char *key)
{
    cbor_put_text(w, key);
    cbor_put_array(w, 0);
}

static void put_simulated(struct cbor_writer *w, const struct record *record)
{
    cbor_put_text(w, "simulated");
    cbor_put_bool(w, record->simulated);
}

static void put_named(struct cbor_writer *w, const char *key, struct slice id, struct slice type)
{
    cbor_put_text(w, key);
    cbor_put_map(w, 2);
    put_text(w, "id", id);
    put_text(w, "type", type);
}

static void put_policies(struct cbor_writer *w, const struct record_decision *decision)
{
    cbor_put_text(w, "policies");
    cbor_put_array(w, decision->n_policies);
    for (size_t i = 0; i < decision->n_policies; i++) {
        cbor_put_array(w, 3);
        cbor_put_text_slice(w, decision->policies[i].alias);
        cbor_put_uint(w, decision->policies[i].version);
        cbor_put_bytes(w, digest_slice(&decision->policies[i].digest));
    }
}

static void put_decision(struct cbor_writer *w, const struct record *record)
{
    const struct record_decision *decision = &record->decision;

    cbor_put_map(w, 12);
    put_text(w, "class", decision->class_);
    put_uint(w, "epoch", record->epoch);
    put_text(w, "action", decision->action);
    put_text(w, "reason", decision->reason);
    put_named(w, "subject", record->agent_id, decision->subject_type);
    put_text(w, "decision", slice_str(decision->permit ? "permit" : "deny"));
    put_text(w, "hardware", record->hardware);
    put_policies(w, decision);
    put_named(w, "resource", decision->resource_id, decision->resource_type);
    put_digest(w, "snapshot", &record->snapshot);
    put_simulated(w, record);
    cbor_put_text(w, "determining");
    cbor_put_array(w, decision->n_determining);
    for (size_t i = 0; i < decision->n_determining; i++)
        cbor_put_text_slice(w, decision->determining[i]);
}

static void put_rotation(struct cbor_writer *w, const struct record *record)
{
    cbor_put_map(w, record->has_snapshot ? 5 : 4);
    cbor_put_text(w, "key");
    cose_key_put(w, &record->key);
    put_uint(w, "epoch", record->epoch);
    put_text(w, "hardware", record->hardware);
    if (record->has_snapshot)
        put_digest(w, "snapshot", &record->snapshot);
    put_simulated(w, record);
}

static void put_install(struct cbor_writer *w, const struct record *record)
{
    cbor_put_map(w, 5);
    put_uint(w, "from", record->from_epoch);
    put_uint(w, "epoch", record->epoch);
    put_text(w, "hardware", record->hardware);
    put_digest(w, "snapshot", &record->snapshot);
    put_simulated(w, record);
}

static void put_enrol(struct cbor_writer *w, const struct record *record)
{
    cbor_put_map(w, 4);
    put_digest(w, "root", &record->root);
    put_uint(w, "epoch", record->epoch);
    put_text(w, "hardware", record->hardware);
    put_simulated(w, record);
}

/* The member "pawl": what this gate adds to AIR. Its digest is the record's outcome_hash. */
static err_code write_own(const struct record *record, struct buf *ret)
{
    struct cbor_writer w = cbor_write(ret);

    switch (record->kind) {
    case RECORD_DECISION:
        put_decision(&w, record);
        break;
    case RECORD_KEY_ROTATION:
        put_rotation(&w, record);
        break;
    case RECORD_INSTALL:
        put_install(&w, record);
        break;
    case RECORD_ENROL:
        put_enrol(&w, record);
        break;
    case RECORD_NONE:
    case RECORD_ATTEMPT:
    case RECORD_START:
    case RECORD_STOP:
    case RECORD_BUMP:
    case RECORD_INSTALL_REFUSED:
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
    case RECORD_REVOCATION:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        return ERR_INTERNAL;
    }
    return cbor_written(&w);
}

static err_code put_policy_refs(struct cbor_writer *w, const struct record *record)
{
    size_t n = record->kind == RECORD_DECISION ? record->decision.n_policies : 0;

    cbor_put_text(w, "policy_refs");
    cbor_put_array(w, n);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_free) struct buf ref = {0};

        TRY(record_policy_ref(&record->decision.policies[i], &ref));
        cbor_put_text_slice(w, buf_slice(&ref));
    }
    return ERR_OK;
}

static err_code write_payload(const struct record *record, const struct digest *kid,
                              struct buf *ret)
{
    CLEANUP(buf_free) struct buf own = {0};
    struct cbor_writer w = cbor_write(ret);
    char key_id[SHA256_LEN * 2 + 1];
    struct digest outcome;

    hex_encode(digest_slice(kid), key_id, sizeof key_id);
    TRY(write_own(record, &own));
    TRY(hash_sha256(buf_slice(&own), &outcome));

    cbor_put_map(&w, 21);
    cbor_put_text(&w, "pawl");
    cbor_put_item(&w, buf_slice(&own));
    put_text(&w, "agent_id", record->agent_id);
    put_text(&w, "record_id", record->record_id);
    put_digest(&w, "input_hash", &record->input);
    put_text(&w, "session_id", record->session_id);
    put_empty(&w, "tool_calls");
    put_text(&w, "action_type", slice_str(record_action_type(record->kind)));
    put_text(&w, "operator_id", record->operator_id);
    TRY(put_policy_refs(&w, record));
    put_text(&w, "jurisdiction", record->jurisdiction);
    put_digest(&w, "outcome_hash", &outcome);
    put_text(&w, "agent_version", record->agent_version);
    put_empty(&w, "external_refs");
    put_text(&w, "outcome_state", slice_str(record_outcome(record)));
    put_text(&w, "schema_version", slice_str(RECORD_SCHEMA));
    put_text(&w, "retention_class", record->retention_class);
    put_text(&w, "operator_pubkey_id", slice_str(key_id));
    put_empty(&w, "redaction_receipts");
    put_uint(&w, "action_timestamp_ms", record->action_ms);
    cbor_put_text(&w, "written_timestamp_ms"); /* the custodian's, who is not the signer */
    cbor_put_null(&w);
    put_uint(&w, "captured_timestamp_ms", record->captured_ms);
    return cbor_written(&w);
}

/* Pairs for the protected header, encoded one after the other into one buffer. */
struct pairs {
    struct buf bytes;
    size_t n, end[ENVELOPE * 2];
};

static void pairs_free(struct pairs *pairs)
{
    buf_free(&pairs->bytes);
}

static err_code end_item(struct pairs *pairs, const struct cbor_writer *w)
{
    TRY(cbor_written(w));
    pairs->end[pairs->n++] = pairs->bytes.len;
    return ERR_OK;
}

static err_code add_label(struct pairs *pairs, const char *label)
{
    struct cbor_writer w = cbor_write(&pairs->bytes);

    cbor_put_text(&w, label);
    return end_item(pairs, &w);
}

static err_code add_digest(struct pairs *pairs, const char *label, const struct digest *value)
{
    struct cbor_writer w;

    TRY(add_label(pairs, label));
    w = cbor_write(&pairs->bytes);
    cbor_put_bytes(&w, digest_slice(value));
    return end_item(pairs, &w);
}

static err_code add_uint(struct pairs *pairs, const char *label, uint64_t value)
{
    struct cbor_writer w;

    TRY(add_label(pairs, label));
    w = cbor_write(&pairs->bytes);
    cbor_put_uint(&w, value);
    return end_item(pairs, &w);
}

static err_code add_text(struct pairs *pairs, const char *label, struct slice value)
{
    struct cbor_writer w;

    TRY(add_label(pairs, label));
    w = cbor_write(&pairs->bytes);
    cbor_put_text_slice(&w, value);
    return end_item(pairs, &w);
}

static struct slice item_at(const struct pairs *pairs, size_t i)
{
    size_t from = i == 0 ? 0 : pairs->end[i - 1];

    return slice_part(buf_slice(&pairs->bytes), from, pairs->end[i] - from);
}

static err_code write_protected(const struct hw_pubkey *key, const struct record *record,
                                const struct digest *content_hash, const struct digest *chain_hash,
                                struct buf *ret)
{
    CLEANUP(pairs_free) struct pairs pairs = {0};
    struct cose_pair extra[ENVELOPE];
    struct cose_header_spec spec = {.typ = RECORD_TYP, .extra = extra, .n_extra = ENVELOPE};

    TRY(add_text(&pairs, "agent_id", record->agent_id));
    TRY(add_digest(&pairs, "chain_hash", chain_hash));
    TRY(add_digest(&pairs, "content_hash", content_hash));
    TRY(add_digest(&pairs, "prev_chain_hash", &record->link.prev));
    TRY(add_uint(&pairs, "sequence_number", record->link.sequence));
    TRY(add_uint(&pairs, "action_timestamp_ms", record->action_ms));
    for (size_t i = 0; i < ENVELOPE; i++)
        extra[i] = (struct cose_pair){item_at(&pairs, 2 * i), item_at(&pairs, 2 * i + 1)};
    spec.claims.iss = record->issuer;
    spec.claims.sub = record->agent_id;
    spec.claims.has_iat = true;
    spec.claims.iat = (int64_t)(record->action_ms / 1000);
    return cose_protected_make(key, &spec, ret);
}

err_code record_prepare(const struct hw_pubkey *key, const struct record *record,
                        struct record_draft *ret, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf tbs = {0};
    struct digest kid, content_hash;

    if (key->alg != HW_ES256)
        return why_say(why, ERR_COSE_ALG, "a record must be signed with ES256, not with %s",
                       hw_alg_name(key->alg));
    TRY(record_check(record, why));
    TRY(cose_key_thumbprint(key, &kid));
    TRY(write_payload(record, &kid, &draft.payload));
    TRY(hash_sha256(buf_slice(&draft.payload), &content_hash));
    TRY(record_chain_hash(&content_hash, &record->link.prev, record->action_ms, record->agent_id,
                          &draft.chain_hash));
    TRY(write_protected(key, record, &content_hash, &draft.chain_hash, &draft.protected_));
    TRY(cose_sign1_tbs(buf_slice(&draft.protected_), (struct slice){0}, buf_slice(&draft.payload),
                       &tbs));
    TRY(hash_sha256(buf_slice(&tbs), &draft.tbs));
    *ret = draft;
    draft = (struct record_draft){0};
    return ERR_OK;
}

err_code record_finish(const struct record_draft *draft, const uint8_t sig[static 64],
                       struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(cose_sign1_assemble(buf_slice(&draft->protected_), (struct slice){0},
                            buf_slice(&draft->payload), false, (struct slice){sig, 64}, &out));
    if (out.len > RECORD_SIZE_MAX)
        return ERR_TOO_LARGE;
    return buf_add_slice(ret, buf_slice(&out));
}

err_code record_make(struct hw_signer *signer, const struct record *record, struct buf *ret,
                     struct digest *ret_chain_hash, struct why *why)
{
    CLEANUP(record_draft_free) struct record_draft draft = {0};
    CLEANUP(buf_free) struct buf sig = {0};

    TRY(record_prepare(&signer->key, record, &draft, why));
    TRY(signer->ops->sign(signer, digest_slice(&draft.tbs), &sig, why));
    if (sig.len != 64)
        return why_say(why, ERR_KEY_SIGN, "the signature has %zu bytes, not 64", sig.len);
    TRY(record_finish(&draft, sig.ptr, ret));
    *ret_chain_hash = draft.chain_hash;
    return ERR_OK;
}
