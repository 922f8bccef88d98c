/* SPDX-License-Identifier: Apache-2.0 */
/* record_air_read.c: reads an AIR record in the order in which record_air_write.c lays it out, and
 * holds everything that stands in it twice, or follows from something else, against the rest. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record_air.h"
#include "gate/ledger/record_labels.h"
#include "gate/ledger/record_members.h"

/* What is written twice in a record, or derived: compared once everything is read. */
struct repeated {
    struct slice agent_id, subject_id, key_id, outcome_state, event;
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
    need_int_label(&claims, CLAIM_ISS);
    record->issuer = cbor_get_text(&r);
    need_int_label(&claims, CLAIM_SUB);
    record->agent_id = cbor_get_text(&r);
    need_int_label(&claims, CLAIM_IAT);
    (void)cbor_get_uint(&r);
    cbor_close_map(&claims);
    need_int_label(&map, COSE_TYP);
    (void)cbor_get_item(&r);
    if (record->enveloped) { /* values judged by record_parse() */
        need_int_label(&map, LABEL_PAYLOAD_HASH_ALG);
        (void)cbor_get_item(&r);
        need_int_label(&map, LABEL_PREIMAGE_TYPE);
        (void)cbor_get_item(&r);
    }
    again->agent_id = need_text(&map, LABEL_AGENT_ID);
    need_digest(&map, LABEL_CHAIN_HASH, &record->chain_hash);
    need_digest(&map, LABEL_CONTENT_HASH, &record->content_hash);
    need_digest(&map, LABEL_PREV_CHAIN_HASH, &record->link.prev);
    record->link.sequence = need_uint(&map, LABEL_SEQUENCE);
    record->action_ms = need_uint(&map, LABEL_ACTION_TIME);
    cbor_close_map(&map);
    return cbor_done(&r);
}

/* ---- the member "pawl" ----------------------------------------------------------------------- */

static void read_named(struct cbor_reader *r, struct record *record,
                       const struct record_member *member, struct repeated *again)
{
    struct cbor_map named = cbor_open_map(r);
    struct slice id = need_text(&named, OWN_ID);

    *(struct slice *)record_place(record, member->also) = need_text(&named, OWN_TYPE);
    cbor_close_map(&named);
    if (member->at == offsetof(struct record, agent_id))
        again->subject_id = id;
    else
        *(struct slice *)record_place(record, member->at) = id;
}

/* The number of items in the next array, if it is at most max. */
static size_t get_array(struct cbor_reader *r, size_t max)
{
    size_t n = cbor_get_array(r);

    if (n > max)
        cbor_fail(r, ERR_TOO_LARGE);
    return r->err == ERR_OK ? n : 0;
}

static void read_policies(struct cbor_reader *r, struct record_decision *decision)
{
    decision->n_policies = get_array(r, RECORD_POLICIES_MAX);
    for (size_t i = 0; i < decision->n_policies; i++) {
        struct record_policy *policy = &decision->policies[i];

        if (cbor_get_array(r) != 3)
            cbor_fail(r, ERR_FORMAT);
        policy->alias = cbor_get_text(r);
        policy->version = cbor_get_uint(r);
        cbor_get_digest(r, &policy->digest);
    }
}

static void read_determining(struct cbor_reader *r, struct record_decision *decision)
{
    decision->n_determining = get_array(r, RECORD_DETERMINING_MAX);
    for (size_t i = 0; i < decision->n_determining; i++)
        decision->determining[i] = cbor_get_text(r);
}

static void read_certs(struct cbor_reader *r, struct record_rotation *rotation)
{
    rotation->n_certs = get_array(r, RECORD_CERTS_MAX);
    for (size_t i = 0; i < rotation->n_certs; i++)
        rotation->certs[i] = cbor_get_bytes(r);
}

static void read_by(struct cbor_reader *r, struct record_consent *consent)
{
    consent->n_by = get_array(r, RECORD_SIGNERS_MAX);
    for (size_t i = 0; i < consent->n_by; i++)
        cbor_get_digest(r, &consent->by[i]);
}

static void read_aliases(struct cbor_reader *r, struct record_agent *agent)
{
    agent->n_aliases = get_array(r, RECORD_ALIASES_MAX);
    for (size_t i = 0; i < agent->n_aliases; i++)
        agent->aliases[i] = cbor_get_text(r);
}

/* One that may be missing has no second form, in which it is there and empty. */
static void read_text(struct cbor_reader *r, const struct record_member *member, struct slice *ret)
{
    *ret = cbor_get_text(r);
    if (member->optional && ret->len == 0)
        cbor_fail(r, ERR_FORMAT);
}

static void read_answer(struct cbor_reader *r, struct record_decision *decision)
{
    struct slice word = cbor_get_text(r);

    decision->permit = slice_eq_str(word, "permit");
    if (!decision->permit && !slice_eq_str(word, "deny"))
        cbor_fail(r, ERR_FORMAT);
}

/* The event tells DENY from ERROR; that it fits the rest is seen later. */
static void read_event(struct cbor_reader *r, struct record *record, struct repeated *again)
{
    again->event = cbor_get_text(r);
    record->decision.error = record->kind == RECORD_DECISION && slice_eq_str(again->event, "ERROR");
}

static err_code read_member(struct cbor_reader *r, struct record *record,
                            const struct record_member *member, struct repeated *again)
{
    void *place = record_place(record, member->at);

    switch (member->type) {
    case MEMBER_TEXT:
    case MEMBER_UUID:
        read_text(r, member, place);
        break;
    case MEMBER_UINT:
        *(uint64_t *)place = cbor_get_uint(r);
        if (member->optional)
            *(bool *)record_place(record, member->also) = true;
        break;
    case MEMBER_BOOL:
        *(bool *)place = cbor_get_bool(r);
        break;
    case MEMBER_DIGEST:
        cbor_get_digest(r, place);
        break;
    case MEMBER_SNAPSHOT:
        record->has_snapshot = true;
        cbor_get_digest(r, &record->snapshot);
        break;
    case MEMBER_NAMED:
        read_named(r, record, member, again);
        break;
    case MEMBER_ANSWER:
        read_answer(r, &record->decision);
        break;
    case MEMBER_EVENT:
        read_event(r, record, again);
        break;
    case MEMBER_POLICIES:
        read_policies(r, &record->decision);
        break;
    case MEMBER_DETERMINING:
        read_determining(r, &record->decision);
        break;
    case MEMBER_KEY:
        return cose_key_get_plain(r, &record->key, NULL);
    case MEMBER_CERTS:
        read_certs(r, &record->rotation);
        break;
    case MEMBER_BY:
        read_by(r, &record->consent);
        break;
    case MEMBER_ALIASES:
        read_aliases(r, &record->agent);
        break;
    case MEMBER_END:
        break;
    }
    return r->err;
}

static err_code read_own(struct record *record, struct repeated *again, struct why *why)
{
    const struct record_member *members = record_members(record->kind);
    struct cbor_reader r = {.rest = again->own}; /* judged as part of the payload */
    struct cbor_map map = cbor_open_map(&r);

    for (const struct record_member *m = members; m->type != MEMBER_END; m++) {
        if (!cbor_key(&map, m->key)) {
            if (m->optional)
                continue;
            return why_say(why, ERR_FORMAT,
                           "member \"%s\" of a record of kind %s is missing, or not in its place",
                           m->key, record_kind_name(record->kind));
        }
        if (read_member(&r, record, m, again) != ERR_OK)
            return why_say(why, ERR_FORMAT,
                           "member \"%s\" of a record of kind %s is not as docs/ledger.cddl says",
                           m->key, record_kind_name(record->kind));
    }
    cbor_close_map(&map);
    if (cbor_done(&r) != ERR_OK)
        return why_say(why, ERR_FORMAT, "a member too many in a record of kind %s",
                       record_kind_name(record->kind));
    return ERR_OK;
}

/* ---- the payload ----------------------------------------------------------------------------- */

static void read_redactions(struct cbor_map *map, struct record *record)
{
    cbor_need(map, AIR_REDACTIONS);
    record->n_redactions = get_array(map->r, RECORD_REDACTIONS_MAX);
    for (size_t i = 0; i < record->n_redactions; i++) {
        struct record_redaction *redaction = &record->redactions[i];
        struct cbor_map one = cbor_open_map(map->r);

        redaction->policy_id = need_text(&one, AIR_REDACTION_POLICY);
        redaction->path = need_text(&one, AIR_REDACTION_PATH);
        redaction->at_ms = need_uint(&one, AIR_REDACTION_TIME);
        need_digest(&one, AIR_REDACTION_HASH, &redaction->hash);
        cbor_close_map(&one);
    }
}

static err_code read_payload(struct record *record, struct slice payload, struct repeated *again)
{
    struct cbor_reader r = cbor_read(payload, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);

    cbor_need(&map, AIR_PAWL);
    again->own = cbor_get_item(&r);
    if (!slice_eq(need_text(&map, AIR_AGENT_ID), record->agent_id))
        cbor_fail(&r, ERR_FORMAT);
    record->record_id = need_text(&map, AIR_RECORD_ID);
    need_digest(&map, AIR_INPUT_HASH, &record->input);
    record->session_id = need_text(&map, AIR_SESSION_ID);
    need_empty(&map, AIR_TOOL_CALLS);
    record->kind = air_kind_of(need_text(&map, AIR_ACTION_TYPE));
    record->operator_id = need_text(&map, AIR_OPERATOR_ID);
    cbor_need(&map, AIR_POLICY_REFS);
    again->policy_refs = cbor_get_item(&r);
    record->jurisdiction = need_text(&map, AIR_JURISDICTION);
    need_digest(&map, AIR_OUTCOME_HASH, &again->outcome);
    record->agent_version = need_text(&map, AIR_AGENT_VERSION);
    need_empty(&map, AIR_EXTERNAL_REFS);
    again->outcome_state = need_text(&map, AIR_OUTCOME_STATE);
    if (!slice_eq_str(need_text(&map, AIR_SCHEMA_VERSION), AIR_SCHEMA))
        cbor_fail(&r, ERR_FORMAT);
    record->retention_class = need_text(&map, AIR_RETENTION);
    again->key_id = need_text(&map, AIR_KEY_ID);
    read_redactions(&map, record);
    again->action_ms = need_uint(&map, AIR_ACTION_TIME);
    cbor_need(&map, AIR_WRITTEN_TIME);
    if (!cbor_get_null(&r))
        cbor_fail(&r, ERR_FORMAT);
    record->captured_ms = need_uint(&map, AIR_CAPTURED_TIME);
    cbor_close_map(&map);
    return cbor_done(&r);
}

/* ---- what must agree ------------------------------------------------------------------------- */

/* Takes this many octets off the front of rest, if they are these. */
static bool taken(struct slice *rest, struct slice part)
{
    if (!slice_eq(slice_part(*rest, 0, part.len), part))
        return false;
    *rest = slice_part(*rest, part.len, rest->len - part.len);
    return true;
}

/* Whether a text is what air_policy_ref() writes, which takes longer. */
static bool is_policy_ref(struct slice text, const struct record_policy *policy)
{
    char version[24] = "", digest[DIGEST_TEXT];
    size_t at = sizeof version - 1;
    uint64_t left = policy->version;

    version[--at] = '#';
    do
        version[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    version[--at] = '@';
    digest_text(&policy->digest, digest);
    return taken(&text, policy->alias) && taken(&text, slice_str(version + at)) &&
           slice_eq_str(text, digest);
}

/* policy_refs is derived from the policies; a reader of either must see the same. */
static err_code check_policy_refs(const struct record *record, struct slice refs)
{
    struct cbor_reader r = {.rest = refs};
    size_t n = cbor_get_array(&r);

    if (n != (record->kind == RECORD_DECISION ? record->decision.n_policies : 0))
        return ERR_FORMAT;
    for (size_t i = 0; i < n; i++)
        if (!is_policy_ref(cbor_get_text(&r), &record->decision.policies[i]))
            return ERR_FORMAT;
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
    if (record_is_agents(record->kind) && !slice_eq(again->subject_id, record->agent_id))
        return differs(why, "subject");
    if (record_is_agents(record->kind) && !slice_eq_str(again->event, record_event(record)))
        return differs(why, "event");
    if (again->action_ms != record->action_ms)
        return why_say(why, ERR_FORMAT,
                       "a record's time is %llu ms in its header, %llu ms in its payload",
                       (unsigned long long)record->action_ms, (unsigned long long)again->action_ms);
    if (record->message.headers.claims.iat != (int64_t)(record->action_ms / 1000))
        return differs(why, "iat");
    if (!slice_eq_str(again->key_id, key_id))
        return differs(why, "operator_pubkey_id");
    if (!slice_eq_str(again->outcome_state, air_outcome(record)))
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
    return ERR_OK;
}

err_code air_read(struct record *record, struct slice payload, struct why *why)
{
    struct repeated again = {0};

    if (read_protected(record, &again) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "a record's protected header is not as docs/ledger.cddl says");
    if (read_payload(record, payload, &again) != ERR_OK)
        return why_say(why, ERR_FORMAT, "a record's payload is not as docs/ledger.cddl says");
    if (record->kind == RECORD_NONE)
        return why_say(why, ERR_FORMAT, "a record of an unknown action_type");
    TRY(read_own(record, &again, why));
    TRY(check_repeated(record, &again, why));
    return check_hashes(record, why);
}
