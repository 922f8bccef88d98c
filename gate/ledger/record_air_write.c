/* SPDX-License-Identifier: Apache-2.0 */
/* record_air_write.c: lays an AIR record out. Map keys stand in their deterministic order (RFC 8949
 * 4.2.1: text keys by length, then bytewise); the writer refuses any other. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record_air.h"
#include "gate/ledger/record_labels.h"
#include "gate/ledger/record_members.h"

#define PAIRS_MAX 8 /* AIR's labels in the protected header, and two of a hash envelope */

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

/* ---- the member "pawl" ----------------------------------------------------------------------- */

static void put_policies(struct cbor_writer *w, const struct record_decision *decision)
{
    cbor_put_array(w, decision->n_policies);
    for (size_t i = 0; i < decision->n_policies; i++) {
        cbor_put_array(w, 3);
        cbor_put_text_slice(w, decision->policies[i].alias);
        cbor_put_uint(w, decision->policies[i].version);
        cbor_put_bytes(w, digest_slice(&decision->policies[i].digest));
    }
}

static void put_determining(struct cbor_writer *w, const struct record_decision *decision)
{
    cbor_put_array(w, decision->n_determining);
    for (size_t i = 0; i < decision->n_determining; i++)
        cbor_put_text_slice(w, decision->determining[i]);
}

static void put_certs(struct cbor_writer *w, const struct record_rotation *rotation)
{
    cbor_put_array(w, rotation->n_certs);
    for (size_t i = 0; i < rotation->n_certs; i++)
        cbor_put_bytes(w, rotation->certs[i]);
}

static void put_by(struct cbor_writer *w, const struct record_consent *consent)
{
    cbor_put_array(w, consent->n_by);
    for (size_t i = 0; i < consent->n_by; i++)
        cbor_put_bytes(w, digest_slice(&consent->by[i]));
}

static void put_aliases(struct cbor_writer *w, const struct record_agent *agent)
{
    cbor_put_array(w, agent->n_aliases);
    for (size_t i = 0; i < agent->n_aliases; i++)
        cbor_put_text_slice(w, agent->aliases[i]);
}

static void put_named(struct cbor_writer *w, const struct record *record,
                      const struct record_member *member)
{
    cbor_put_map(w, 2);
    put_text(w, OWN_ID, *(const struct slice *)record_at(record, member->at));
    put_text(w, OWN_TYPE, *(const struct slice *)record_at(record, member->also));
}

static void put_member(struct cbor_writer *w, const struct record *record,
                       const struct record_member *member)
{
    const void *at = record_at(record, member->at);

    cbor_put_text(w, member->key);
    switch (member->type) {
    case MEMBER_TEXT:
    case MEMBER_UUID:
        cbor_put_text_slice(w, *(const struct slice *)at);
        break;
    case MEMBER_UINT:
        cbor_put_uint(w, *(const uint64_t *)at);
        break;
    case MEMBER_BOOL:
        cbor_put_bool(w, *(const bool *)at);
        break;
    case MEMBER_DIGEST:
        cbor_put_bytes(w, digest_slice(at));
        break;
    case MEMBER_SNAPSHOT:
        cbor_put_bytes(w, digest_slice(&record->snapshot));
        break;
    case MEMBER_NAMED:
        put_named(w, record, member);
        break;
    case MEMBER_ANSWER:
        cbor_put_text(w, record->decision.permit ? "permit" : "deny");
        break;
    case MEMBER_EVENT:
        cbor_put_text(w, record_event(record));
        break;
    case MEMBER_POLICIES:
        put_policies(w, &record->decision);
        break;
    case MEMBER_DETERMINING:
        put_determining(w, &record->decision);
        break;
    case MEMBER_KEY:
        cose_key_put(w, &record->key);
        break;
    case MEMBER_CERTS:
        put_certs(w, &record->rotation);
        break;
    case MEMBER_BY:
        put_by(w, &record->consent);
        break;
    case MEMBER_ALIASES:
        put_aliases(w, &record->agent);
        break;
    case MEMBER_END:
        break;
    }
}

/* What this gate adds to AIR. Its digest is the record's outcome_hash. */
static err_code write_own(const struct record *record, struct buf *ret)
{
    const struct record_member *members = record_members(record->kind);
    struct cbor_writer w = cbor_write(ret);
    size_t n = 0;

    if (members == NULL)
        return ERR_INTERNAL;
    for (const struct record_member *m = members; m->type != MEMBER_END; m++)
        n += record_has(record, m);
    cbor_put_map(&w, n);
    for (const struct record_member *m = members; m->type != MEMBER_END; m++)
        if (record_has(record, m))
            put_member(&w, record, m);
    return cbor_written(&w);
}

/* ---- the payload ----------------------------------------------------------------------------- */

static err_code put_policy_refs(struct cbor_writer *w, const struct record *record)
{
    size_t n = record->kind == RECORD_DECISION ? record->decision.n_policies : 0;

    cbor_put_text(w, AIR_POLICY_REFS);
    cbor_put_array(w, n);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_free) struct buf ref = {0};

        TRY(air_policy_ref(&record->decision.policies[i], &ref));
        cbor_put_text_slice(w, buf_slice(&ref));
    }
    return ERR_OK;
}

static void put_redactions(struct cbor_writer *w, const struct record *record)
{
    cbor_put_text(w, AIR_REDACTIONS);
    cbor_put_array(w, record->n_redactions);
    for (size_t i = 0; i < record->n_redactions; i++) {
        const struct record_redaction *redaction = &record->redactions[i];

        cbor_put_map(w, 4);
        put_text(w, AIR_REDACTION_POLICY, redaction->policy_id);
        put_text(w, AIR_REDACTION_PATH, redaction->path);
        put_uint(w, AIR_REDACTION_TIME, redaction->at_ms);
        put_digest(w, AIR_REDACTION_HASH, &redaction->hash);
    }
}

err_code air_write_payload(const struct record *record, const struct digest *kid, struct buf *ret)
{
    CLEANUP(buf_free) struct buf own = {0};
    struct cbor_writer w = cbor_write(ret);
    char key_id[SHA256_LEN * 2 + 1];
    struct digest outcome;

    hex_encode(digest_slice(kid), key_id, sizeof key_id);
    TRY(write_own(record, &own));
    TRY(hash_sha256(buf_slice(&own), &outcome));

    cbor_put_map(&w, 21);
    cbor_put_text(&w, AIR_PAWL);
    cbor_put_item(&w, buf_slice(&own));
    put_text(&w, AIR_AGENT_ID, record->agent_id);
    put_text(&w, AIR_RECORD_ID, record->record_id);
    put_digest(&w, AIR_INPUT_HASH, &record->input);
    put_text(&w, AIR_SESSION_ID, record->session_id);
    put_empty(&w, AIR_TOOL_CALLS);
    put_text(&w, AIR_ACTION_TYPE, slice_str(air_action_type(record->kind)));
    put_text(&w, AIR_OPERATOR_ID, record->operator_id);
    TRY(put_policy_refs(&w, record));
    put_text(&w, AIR_JURISDICTION, record->jurisdiction);
    put_digest(&w, AIR_OUTCOME_HASH, &outcome);
    put_text(&w, AIR_AGENT_VERSION, record->agent_version);
    put_empty(&w, AIR_EXTERNAL_REFS);
    put_text(&w, AIR_OUTCOME_STATE, slice_str(air_outcome(record)));
    put_text(&w, AIR_SCHEMA_VERSION, slice_str(AIR_SCHEMA));
    put_text(&w, AIR_RETENTION, record->retention_class);
    put_text(&w, AIR_KEY_ID, slice_str(key_id));
    put_redactions(&w, record);
    put_uint(&w, AIR_ACTION_TIME, record->action_ms);
    cbor_put_text(&w, AIR_WRITTEN_TIME); /* the custodian's, who is not the signer */
    cbor_put_null(&w);
    put_uint(&w, AIR_CAPTURED_TIME, record->captured_ms);
    return cbor_written(&w);
}

/* ---- the protected header -------------------------------------------------------------------- */

/* Pairs for the protected header, encoded one after the other into one buffer. */
struct pairs {
    struct buf bytes;
    size_t n, end[PAIRS_MAX * 2];
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

/* RFC 9995: what the payload is the hash of, and its type. */
static err_code add_hash_envelope(struct pairs *pairs)
{
    struct cbor_writer w = cbor_write(&pairs->bytes);

    cbor_put_int(&w, LABEL_PAYLOAD_HASH_ALG);
    TRY(end_item(pairs, &w));
    w = cbor_write(&pairs->bytes);
    cbor_put_int(&w, HASH_ALG_SHA256);
    TRY(end_item(pairs, &w));
    w = cbor_write(&pairs->bytes);
    cbor_put_int(&w, LABEL_PREIMAGE_TYPE);
    TRY(end_item(pairs, &w));
    w = cbor_write(&pairs->bytes);
    cbor_put_text(&w, PREIMAGE_TYPE);
    return end_item(pairs, &w);
}

static struct slice item_at(const struct pairs *pairs, size_t i)
{
    size_t from = i == 0 ? 0 : pairs->end[i - 1];

    return slice_part(buf_slice(&pairs->bytes), from, pairs->end[i] - from);
}

err_code air_write_protected(const struct hw_pubkey *key, const struct record *record,
                             const struct record_content *content, struct buf *ret,
                             struct digest *ret_chain_hash)
{
    CLEANUP(pairs_free) struct pairs pairs = {0};
    struct cose_pair extra[PAIRS_MAX];
    struct cose_header_spec spec = {.typ = RECORD_TYP, .extra = extra, .kid = content->kid};
    struct digest content_hash, chain_hash;

    TRY(hash_sha256(content->octets, &content_hash));
    TRY(record_chain_hash(&content_hash, &record->link.prev, record->action_ms, record->agent_id,
                          &chain_hash));
    TRY(add_text(&pairs, LABEL_AGENT_ID, record->agent_id));
    TRY(add_digest(&pairs, LABEL_CHAIN_HASH, &chain_hash));
    TRY(add_digest(&pairs, LABEL_CONTENT_HASH, &content_hash));
    TRY(add_digest(&pairs, LABEL_PREV_CHAIN_HASH, &record->link.prev));
    TRY(add_uint(&pairs, LABEL_SEQUENCE, record->link.sequence));
    TRY(add_uint(&pairs, LABEL_ACTION_TIME, record->action_ms));
    if (content->enveloped)
        TRY(add_hash_envelope(&pairs));
    spec.n_extra = pairs.n / 2;
    for (size_t i = 0; i < spec.n_extra; i++)
        extra[i] = (struct cose_pair){item_at(&pairs, 2 * i), item_at(&pairs, 2 * i + 1)};
    spec.claims.iss = record->issuer;
    spec.claims.sub = record->agent_id;
    spec.claims.has_iat = true;
    spec.claims.iat = (int64_t)(record->action_ms / 1000);
    TRY(cose_protected_make(key, &spec, ret));
    *ret_chain_hash = chain_hash;
    return ERR_OK;
}
