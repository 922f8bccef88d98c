/* SPDX-License-Identifier: Apache-2.0 */
/* record_read.c: reads a record in the order in which record_write.c lays it out, and holds it to
 * everything that a record must be. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record.h"
#include "gate/ledger/record_rules.h"

/* What is written twice in a record, or derived: compared once everything is read. */
struct repeated {
    struct slice agent_id, subject_id, key_id, action_type, outcome_state;
    uint64_t action_ms;
    struct digest outcome;
    struct slice own;         /* the member "pawl", encoded */
    struct slice policy_refs; /* encoded */
};

static struct slice need_text(struct cbor_map *map, const char *key)
{
    cbor_need(map, key);
    return cbor_get_text(map->r);
}

static uint64_t need_uint(struct cbor_map *map, const char *key)
{
    cbor_need(map, key);
    return cbor_get_uint(map->r);
}

static void need_digest(struct cbor_map *map, const char *key, struct digest *ret)
{
    cbor_need(map, key);
    cbor_get_digest(map->r, ret);
}

static void need_empty(struct cbor_map *map, const char *key)
{
    cbor_need(map, key);
    if (cbor_get_array(map->r) != 0)
        cbor_fail(map->r, ERR_FORMAT);
}

static void need_int_label(struct cbor_map *map, int64_t label)
{
    if (!cbor_key_int(map, label))
        cbor_fail(map->r, ERR_FORMAT);
}

/* The registered headers have been decoded by cose_sign1_parse(); here they must all be there, and
 * nothing else. */
static err_code read_protected(struct record *record, struct repeated *again)
{
    struct cbor_reader r = {.rest = record->message.protected_}; /* judged by cose_sign1_parse() */
    struct cbor_map map = cbor_open_map(&r), claims;

    need_int_label(&map, COSE_ALG);
    (void)cbor_get_item(&r);
    need_int_label(&map, COSE_KID);
    cbor_get_digest(&r, &record->kid);
    need_int_label(&map, COSE_CWT_CLAIMS);
    claims = cbor_open_map(&r);
    need_int_label(&claims, 1); /* iss, sub, iat: RFC 8392 3.1 */
    record->issuer = cbor_get_text(&r);
    need_int_label(&claims, 2);
    record->agent_id = cbor_get_text(&r);
    need_int_label(&claims, 6);
    (void)cbor_get_uint(&r);
    cbor_close_map(&claims);
    need_int_label(&map, COSE_TYP);
    (void)cbor_get_item(&r);
    again->agent_id = need_text(&map, "agent_id");
    need_digest(&map, "chain_hash", &record->chain_hash);
    need_digest(&map, "content_hash", &record->content_hash);
    need_digest(&map, "prev_chain_hash", &record->link.prev);
    record->link.sequence = need_uint(&map, "sequence_number");
    record->action_ms = need_uint(&map, "action_timestamp_ms");
    cbor_close_map(&map);
    return cbor_done(&r);
}

static void read_named(struct cbor_map *map, const char *key, struct slice *id, struct slice *type)
{
    struct cbor_map named;

    cbor_need(map, key);
    named = cbor_open_map(map->r);
    *id = need_text(&named, "id");
    *type = need_text(&named, "type");
    cbor_close_map(&named);
}

static void read_policies(struct cbor_map *map, struct record_decision *decision)
{
    size_t n;

    cbor_need(map, "policies");
    n = cbor_get_array(map->r);
    if (n > RECORD_POLICIES_MAX)
        cbor_fail(map->r, ERR_TOO_LARGE);
    for (size_t i = 0; i < n && map->r->err == ERR_OK; i++) {
        struct record_policy *policy = &decision->policies[i];

        if (cbor_get_array(map->r) != 3)
            cbor_fail(map->r, ERR_FORMAT);
        policy->alias = cbor_get_text(map->r);
        policy->version = cbor_get_uint(map->r);
        cbor_get_digest(map->r, &policy->digest);
    }
    decision->n_policies = map->r->err == ERR_OK ? n : 0;
}

static void read_determining(struct cbor_map *map, struct record_decision *decision)
{
    size_t n;

    cbor_need(map, "determining");
    n = cbor_get_array(map->r);
    if (n > RECORD_DETERMINING_MAX)
        cbor_fail(map->r, ERR_TOO_LARGE);
    for (size_t i = 0; i < n && map->r->err == ERR_OK; i++)
        decision->determining[i] = cbor_get_text(map->r);
    decision->n_determining = map->r->err == ERR_OK ? n : 0;
}

static void read_decision(struct cbor_map *map, struct record *record, struct repeated *again)
{
    struct record_decision *decision = &record->decision;
    struct slice word;

    decision->class_ = need_text(map, "class");
    record->epoch = need_uint(map, "epoch");
    decision->action = need_text(map, "action");
    decision->reason = need_text(map, "reason");
    read_named(map, "subject", &again->subject_id, &decision->subject_type);
    word = need_text(map, "decision");
    decision->permit = slice_eq_str(word, "permit");
    if (!decision->permit && !slice_eq_str(word, "deny"))
        cbor_fail(map->r, ERR_FORMAT);
    record->hardware = need_text(map, "hardware");
    read_policies(map, decision);
    read_named(map, "resource", &decision->resource_id, &decision->resource_type);
    need_digest(map, "snapshot", &record->snapshot);
    record->has_snapshot = true;
    cbor_need(map, "simulated");
    record->simulated = cbor_get_bool(map->r);
    read_determining(map, decision);
}

/* The other kinds differ in one member or two; which ones may be there, the caller knows. */
static err_code read_event(struct cbor_map *map, struct record *record, struct why *why)
{
    if (record->kind == RECORD_KEY_ROTATION) {
        cbor_need(map, "key");
        TRY(cose_key_get_plain(map->r, &record->key, why));
    }
    if (record->kind == RECORD_INSTALL)
        record->from_epoch = need_uint(map, "from");
    if (record->kind == RECORD_ENROL)
        need_digest(map, "root", &record->root);
    record->epoch = need_uint(map, "epoch");
    record->hardware = need_text(map, "hardware");
    record->has_snapshot = record->kind != RECORD_ENROL && cbor_key(map, "snapshot");
    if (record->has_snapshot)
        cbor_get_digest(map->r, &record->snapshot);
    cbor_need(map, "simulated");
    record->simulated = cbor_get_bool(map->r);
    return ERR_OK;
}

static err_code read_own(struct record *record, struct repeated *again, struct why *why)
{
    struct cbor_reader r = {.rest = again->own}; /* judged as part of the payload */
    struct cbor_map map = cbor_open_map(&r);

    if (record->kind == RECORD_DECISION)
        read_decision(&map, record, again);
    else
        TRY(read_event(&map, record, why));
    cbor_close_map(&map);
    return cbor_done(&r);
}

static err_code read_payload(struct record *record, struct repeated *again)
{
    struct cbor_reader r = cbor_read(record->message.payload, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);

    cbor_need(&map, "pawl");
    again->own = cbor_get_item(&r);
    if (!slice_eq(need_text(&map, "agent_id"), record->agent_id))
        cbor_fail(&r, ERR_FORMAT);
    record->record_id = need_text(&map, "record_id");
    need_digest(&map, "input_hash", &record->input);
    record->session_id = need_text(&map, "session_id");
    need_empty(&map, "tool_calls");
    again->action_type = need_text(&map, "action_type");
    record->operator_id = need_text(&map, "operator_id");
    cbor_need(&map, "policy_refs");
    again->policy_refs = cbor_get_item(&r);
    record->jurisdiction = need_text(&map, "jurisdiction");
    need_digest(&map, "outcome_hash", &again->outcome);
    record->agent_version = need_text(&map, "agent_version");
    need_empty(&map, "external_refs");
    again->outcome_state = need_text(&map, "outcome_state");
    if (!slice_eq_str(need_text(&map, "schema_version"), RECORD_SCHEMA))
        cbor_fail(&r, ERR_FORMAT);
    record->retention_class = need_text(&map, "retention_class");
    again->key_id = need_text(&map, "operator_pubkey_id");
    need_empty(&map, "redaction_receipts");
    again->action_ms = need_uint(&map, "action_timestamp_ms");
    cbor_need(&map, "written_timestamp_ms");
    if (!cbor_get_null(&r))
        cbor_fail(&r, ERR_FORMAT);
    record->captured_ms = need_uint(&map, "captured_timestamp_ms");
    cbor_close_map(&map);
    return cbor_done(&r);
}

/* policy_refs is derived from the policies; a reader of either must see the same. */
static err_code check_policy_refs(const struct record *record, struct slice refs)
{
    struct cbor_reader r = {.rest = refs};
    size_t n = cbor_get_array(&r);

    if (n != (record->kind == RECORD_DECISION ? record->decision.n_policies : 0))
        return ERR_FORMAT;
    for (size_t i = 0; i < n; i++) {
        CLEANUP(buf_free) struct buf want = {0};

        TRY(record_policy_ref(&record->decision.policies[i], &want));
        if (!slice_eq(cbor_get_text(&r), buf_slice(&want)))
            return ERR_FORMAT;
    }
    return cbor_done(&r);
}

static err_code differs(struct why *why, const char *what)
{
    return why_say(why, ERR_FORMAT, "a record's %s does not agree with the rest of it", what);
}

static err_code check_repeated(const struct record *record, const struct repeated *again,
                               struct why *why)
{
    char key_id[SHA256_LEN * 2 + 1];
    struct digest hash;

    hex_encode(digest_slice(&record->kid), key_id, sizeof key_id);
    if (!slice_eq(again->agent_id, record->agent_id))
        return differs(why, "agent_id label");
    if (record->kind == RECORD_DECISION && !slice_eq(again->subject_id, record->agent_id))
        return differs(why, "subject");
    if (again->action_ms != record->action_ms)
        return why_say(why, ERR_FORMAT,
                       "a record's time is %llu ms in its header, %llu ms in its payload",
                       (unsigned long long)record->action_ms, (unsigned long long)again->action_ms);
    if (record->message.headers.claims.iat != (int64_t)(record->action_ms / 1000))
        return differs(why, "iat");
    if (!slice_eq_str(again->key_id, key_id))
        return differs(why, "operator_pubkey_id");
    if (!slice_eq_str(again->outcome_state, record_outcome(record)))
        return differs(why, "outcome_state");
    if (check_policy_refs(record, again->policy_refs) != ERR_OK)
        return differs(why, "policy_refs");
    TRY(hash_sha256(again->own, &hash));
    if (!digest_eq(&hash, &again->outcome))
        return differs(why, "outcome_hash");
    return ERR_OK;
}

static err_code check_hashes(const struct record *record, struct why *why)
{
    struct digest hash;

    TRY(hash_sha256(record->message.payload, &hash));
    if (!digest_eq(&hash, &record->content_hash))
        return differs(why, "content_hash");
    TRY(record_chain_hash(&record->content_hash, &record->link.prev, record->action_ms,
                          record->agent_id, &hash));
    if (!digest_eq(&hash, &record->chain_hash))
        return differs(why, "chain_hash");
    if (record->link.sequence == 0 && !digest_eq(&record->link.prev, &(struct digest){0}))
        return differs(why, "prev_chain_hash");
    return ERR_OK;
}

/* What kind of COSE_Sign1 a record is. */
static err_code check_message(const struct cose_sign1 *message, struct why *why)
{
    const uint8_t EMPTY_MAP[] = {0xa0};

    if (message->detached || message->payload.len == 0)
        return why_say(why, ERR_FORMAT, "a record without a payload");
    if (!slice_eq(message->headers.unprotected, SLICE_OF(EMPTY_MAP)))
        return why_say(why, ERR_FORMAT, "a record with an unprotected header");
    if (message->headers.alg != cose_alg_value(HW_ES256))
        return why_say(why, ERR_COSE_ALG, "a record signed with algorithm %lld, not ES256 (-7)",
                       (long long)message->headers.alg);
    if (!slice_eq_str(message->headers.typ, RECORD_TYP))
        return why_say(why, ERR_FORMAT, "not of type %s", RECORD_TYP);
    if (message->signature.len != 64)
        return why_say(why, ERR_SIGNATURE_INVALID, "a record's signature has %zu bytes, not 64",
                       message->signature.len);
    return ERR_OK;
}

static err_code parse(struct slice bytes, struct record *ret, struct why *why)
{
    struct repeated again = {0};

    if (bytes.len > RECORD_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu bytes, the limit is %d", bytes.len,
                       RECORD_SIZE_MAX);
    TRY(cose_sign1_parse(bytes, CBOR_DETERMINISTIC, &ret->message, why));
    TRY(check_message(&ret->message, why));
    if (read_protected(ret, &again) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "a record's protected header is not as docs/ledger.cddl says");
    if (read_payload(ret, &again) != ERR_OK)
        return why_say(why, ERR_FORMAT, "a record's payload is not as docs/ledger.cddl says");
    ret->kind = record_kind_of(again.action_type);
    if (ret->kind == RECORD_NONE || ret->kind > RECORD_ENROL)
        return why_say(why, ERR_FORMAT, "a record of an unknown action_type");
    if (read_own(ret, &again, why) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "the member \"pawl\" of a record of kind %s is not as docs/ledger.cddl says",
                       record_kind_name(ret->kind));
    TRY(check_repeated(ret, &again, why));
    TRY(check_hashes(ret, why));
    return record_check(ret, why);
}

err_code record_parse(struct slice bytes, struct record *ret, struct why *why)
{
    err_code err;

    *ret = (struct record){0};
    err = parse(bytes, ret, why);
    if (err != ERR_OK)
        *ret = (struct record){0};
    return err;
}
