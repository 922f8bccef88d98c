/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record.h"
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/ledger/record_rules.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *action_type;
} KINDS[RECORD_KINDS] = {
    [RECORD_DECISION] = {"decision", "dev.pawl.decision"},
    [RECORD_KEY_ROTATION] = {"key_rotation", "key_rotation"},
    [RECORD_INSTALL] = {"install", "dev.pawl.install"},
    [RECORD_ENROL] = {"enrol", "dev.pawl.enrol"},
    [RECORD_ATTEMPT] = {"attempt", "dev.pawl.attempt"},
    [RECORD_START] = {"start", "dev.pawl.start"},
    [RECORD_STOP] = {"stop", "dev.pawl.stop"},
    [RECORD_BUMP] = {"bump", "dev.pawl.bump"},
    [RECORD_INSTALL_REFUSED] = {"install_refused", "dev.pawl.install_refused"},
    [RECORD_OVERRIDE] = {"override", "dev.pawl.override"},
    [RECORD_APPROVAL] = {"approval", "dev.pawl.approval"},
    [RECORD_REVOCATION] = {"revocation", "dev.pawl.revocation"},
    [RECORD_HARDWARE_LOST] = {"hardware_lost", "dev.pawl.hardware_lost"},
    [RECORD_HARDWARE_BACK] = {"hardware_back", "dev.pawl.hardware_back"},
};

static bool is_kind(enum record_kind kind)
{
    return kind > RECORD_NONE && (size_t)kind < RECORD_KINDS;
}

const char *record_kind_name(enum record_kind kind)
{
    return is_kind(kind) ? KINDS[kind].name : "none";
}

enum record_kind record_kind_named(const char *name)
{
    for (size_t i = 1; i < RECORD_KINDS; i++)
        if (slice_eq_str(slice_str(name), KINDS[i].name))
            return (enum record_kind)i;
    return RECORD_NONE;
}

const char *record_action_type(enum record_kind kind)
{
    return is_kind(kind) ? KINDS[kind].action_type : NULL;
}

enum record_kind record_kind_of(struct slice action_type)
{
    for (size_t i = 1; i < RECORD_KINDS; i++)
        if (slice_eq_str(action_type, KINDS[i].action_type))
            return (enum record_kind)i;
    return RECORD_NONE;
}

bool record_is_agents(enum record_kind kind)
{
    return kind == RECORD_ATTEMPT || kind == RECORD_DECISION;
}

const char *record_event(const struct record *record)
{
    if (record->kind == RECORD_ATTEMPT)
        return "ATTEMPT";
    if (record->kind != RECORD_DECISION)
        return NULL;
    return record->decision.permit ? "GENERATE" : record->decision.error ? "ERROR" : "DENY";
}

err_code record_input(const struct record *record, struct digest *ret)
{
    switch (record->kind) {
    case RECORD_INSTALL:
    case RECORD_BUMP:
        *ret = record->snapshot;
        return ERR_OK;
    case RECORD_KEY_ROTATION:
        return cose_key_thumbprint(&record->key, ret);
    case RECORD_INSTALL_REFUSED:
        *ret = record->refused.bundle;
        return ERR_OK;
    case RECORD_APPROVAL:
    case RECORD_OVERRIDE:
        *ret = record->consent.object;
        return ERR_OK;
    case RECORD_REVOCATION:
        *ret = record->revocation.id;
        return ERR_OK;
    case RECORD_START:
    case RECORD_STOP:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
        return hash_sha256((struct slice){0}, ret);
    case RECORD_ATTEMPT:
    case RECORD_DECISION:
    case RECORD_ENROL:
    case RECORD_NONE:
        break;
    }
    *ret = record->input;
    return ERR_OK;
}

const char *record_outcome(const struct record *record)
{
    return record->kind == RECORD_DECISION && !record->decision.permit ? "failed" : "completed";
}

err_code record_policy_ref(const struct record_policy *policy, struct buf *ret)
{
    char version[24], digest[DIGEST_TEXT];

    (void)snprintf(version, sizeof version, "@%llu#", (unsigned long long)policy->version);
    digest_text(&policy->digest, digest);
    TRY(buf_add_slice(ret, policy->alias));
    TRY(buf_add_str(ret, version));
    return buf_add_str(ret, digest);
}

err_code record_chain_hash(const struct digest *content_hash, const struct digest *prev,
                           uint64_t action_ms, struct slice agent_id, struct digest *ret)
{
    uint8_t time[8], len[4];
    const struct slice parts[] = {digest_slice(content_hash), digest_slice(prev), SLICE_OF(time),
                                  SLICE_OF(len), agent_id};

    if (agent_id.len > RECORD_ID_MAX)
        return ERR_TOO_LARGE;
    put_u64(time, action_ms);
    put_u32(len, (uint32_t)agent_id.len);
    return hash_sha256_parts(parts, sizeof parts / sizeof *parts, ret);
}

err_code record_uuid(uint64_t now_ms, char ret[static RECORD_UUID_TEXT])
{
    uint8_t id[16], time[8];
    char hex[sizeof id * 2 + 1];

    if (now_ms > RECORD_TIME_MAX)
        return ERR_FORMAT;
    if (RAND_bytes(id, sizeof id) != 1)
        return ERR_INTERNAL;
    put_u64(time, now_ms);
    memcpy(id, time + 2, 6);
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    hex_encode(SLICE_OF(id), hex, sizeof hex);
    (void)snprintf(ret, RECORD_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    return ERR_OK;
}

static bool is_uuid7(struct slice text)
{
    static const char FORM[] = "hhhhhhhh-hhhh-7hhh-vhhh-hhhhhhhhhhhh";

    if (text.len != sizeof FORM - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (FORM[i] == 'h' ? !hex : FORM[i] == 'v' ? strchr("89ab", c) == NULL : c != FORM[i])
            return false;
    }
    return true;
}

static bool is_country(struct slice text)
{
    return text.len == 2 && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z' && text.ptr[1] >= 'A' &&
           text.ptr[1] <= 'Z';
}

static bool is_retention(struct slice text)
{
    static const char *const CLASSES[] = {"regulatory_7yr", "regulatory_5yr", "regulatory_3yr",
                                          "operational_1yr", "custom"};

    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (slice_eq_str(text, CLASSES[i]))
            return true;
    return false;
}

struct member {
    const char *name;
    struct slice text;
    size_t max;
};

static err_code check_texts(const struct member *members, size_t n, struct why *why)
{
    for (size_t i = 0; i < n; i++) {
        const struct member *m = &members[i];
        size_t at;

        if (m->text.len == 0)
            return why_say(why, ERR_FORMAT, "a record's %s is empty", m->name);
        if (m->text.len > m->max)
            return why_say(why, ERR_TOO_LARGE, "a record's %s has %zu bytes, the limit is %zu",
                           m->name, m->text.len, m->max);
        if (!text_is_plain(m->text, &at))
            return why_say(why, ERR_FORMAT, "a record's %s is not plain text at offset %zu",
                           m->name, at);
    }
    return ERR_OK;
}

static err_code check_decision(const struct record_decision *decision, struct why *why)
{
    const struct member texts[] = {
        {"class", decision->class_, RECORD_NAME_MAX},
        {"reason", decision->reason, RECORD_NAME_MAX},
        {"subject type", decision->subject_type, RECORD_ID_MAX},
        {"action", decision->action, RECORD_ID_MAX},
        {"resource type", decision->resource_type, RECORD_ID_MAX},
        {"resource id", decision->resource_id, RECORD_ID_MAX},
    };

    TRY(check_texts(texts, sizeof texts / sizeof *texts, why));
    if (decision->n_policies > RECORD_POLICIES_MAX)
        return why_say(why, ERR_TOO_LARGE, "a decision rests on %zu policies, the limit is %d",
                       decision->n_policies, RECORD_POLICIES_MAX);
    if (decision->n_determining > RECORD_DETERMINING_MAX)
        return why_say(why, ERR_TOO_LARGE,
                       "a decision names %zu determining policies, the limit is %d",
                       decision->n_determining, RECORD_DETERMINING_MAX);
    for (size_t i = 0; i < decision->n_policies; i++) {
        const struct member alias = {"alias", decision->policies[i].alias, RECORD_ALIAS_MAX};
        TRY(check_texts(&alias, 1, why));
    }
    for (size_t i = 0; i < decision->n_determining; i++) {
        const struct member id = {"policy id", decision->determining[i], RECORD_NAME_MAX};
        TRY(check_texts(&id, 1, why));
    }
    return ERR_OK;
}

/* What input_hash must be, where something else in the record already says it. */
static err_code check_input(const struct record *record, struct why *why)
{
    struct digest want;

    if (record->kind == RECORD_KEY_ROTATION && record->key.alg != HW_ES256)
        return why_say(why, ERR_COSE_ALG, "a statement key must be ES256, not %s",
                       hw_alg_name(record->key.alg));
    TRY(record_input(record, &want));
    if (!digest_eq(&want, &record->input))
        return why_say(why, ERR_FORMAT,
                       "the input_hash of a record of kind %s is another than its member",
                       record_kind_name(record->kind));
    return ERR_OK;
}

static err_code check_by_kind(const struct record *record, struct why *why)
{
    bool own = slice_eq(record->agent_id, record->issuer);

    switch (record->kind) {
    case RECORD_DECISION:
        TRY(check_decision(&record->decision, why));
        break;
    case RECORD_INSTALL:
        if (record->from_epoch >= record->epoch)
            return why_say(why, ERR_FORMAT, "an install from epoch %llu to epoch %llu",
                           (unsigned long long)record->from_epoch,
                           (unsigned long long)record->epoch);
        break;
    case RECORD_NONE:
        return why_say(why, ERR_FORMAT, "a record of no kind");
    case RECORD_KEY_ROTATION:
    case RECORD_ENROL:
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
        break;
    }
    if (record->kind != RECORD_DECISION && !own)
        return why_say(why, ERR_FORMAT, "a record of kind %s is the gate's own, but names an agent",
                       record_kind_name(record->kind));
    if ((record->kind == RECORD_DECISION || record->kind == RECORD_INSTALL) &&
        !record->has_snapshot)
        return why_say(why, ERR_FORMAT, "a record of kind %s without a snapshot",
                       record_kind_name(record->kind));
    if (record->kind == RECORD_ENROL && record->has_snapshot)
        return why_say(why, ERR_FORMAT, "a record of kind enrol with a snapshot");
    return check_input(record, why);
}

err_code record_check(const struct record *record, struct why *why)
{
    const struct member texts[] = {
        {"issuer", record->issuer, RECORD_ID_MAX},
        {"agent_id", record->agent_id, RECORD_ID_MAX},
        {"agent_version", record->agent_version, RECORD_ID_MAX},
        {"operator_id", record->operator_id, RECORD_ID_MAX},
        {"hardware", record->hardware, RECORD_NAME_MAX},
    };

    TRY(check_texts(texts, sizeof texts / sizeof *texts, why));
    if (!is_uuid7(record->record_id))
        return why_say(why, ERR_FORMAT, "a record's record_id is not a UUIDv7");
    if (!is_uuid7(record->session_id))
        return why_say(why, ERR_FORMAT, "a record's session_id is not a UUIDv7");
    if (!is_country(record->jurisdiction))
        return why_say(why, ERR_FORMAT, "a record's jurisdiction is not two capital letters");
    if (!is_retention(record->retention_class))
        return why_say(why, ERR_FORMAT, "a record's retention_class is none of AIR's");
    if (record->action_ms > record->captured_ms || record->captured_ms > RECORD_TIME_MAX)
        return why_say(why, ERR_FORMAT, "a record's action at %llu ms was captured at %llu ms",
                       (unsigned long long)record->action_ms,
                       (unsigned long long)record->captured_ms);
    return check_by_kind(record, why);
}

void record_draft_free(struct record_draft *draft)
{
    buf_free(&draft->protected_);
    buf_free(&draft->payload);
    *draft = (struct record_draft){0};
}

err_code record_statement(const struct record *record, const struct hw_pubkey *key,
                          struct hw_statement *ret, struct why *why)
{
    char want[DIGEST_TEXT], got[DIGEST_TEXT];
    struct digest kid;

    TRY(cose_key_thumbprint(key, &kid));
    if (!digest_eq(&kid, &record->kid)) {
        digest_text(&kid, want);
        digest_text(&record->kid, got);
        return why_say(why, ERR_SIGNER_UNKNOWN, "the record is signed by key %s, not by %s", got,
                       want);
    }
    return cose_sign1_statement(&record->message, key, (struct slice){0}, ret, why);
}

err_code record_verify(const struct record *record, const struct hw_pubkey *key, struct why *why)
{
    struct hw_statement statement;

    TRY(record_statement(record, key, &statement, why));
    return hw_verify_soft(&statement, why);
}

/* The length of a byte string and its head, when the head is there in full. */
static bool bytes_len(struct slice part, size_t *ret)
{
    struct reader r = reader_of(part);
    uint8_t head = reader_u8(&r);

    if (r.err != ERR_OK || head < 0x40 || head > 0x59)
        return false;
    if (head < 0x58)
        *ret = 1 + (size_t)(head - 0x40);
    else if (head == 0x58)
        *ret = 2 + (size_t)reader_u8(&r);
    else
        *ret = 3 + (size_t)reader_u16(&r);
    return r.err == ERR_OK;
}

bool record_could_begin(struct slice part, size_t len)
{
    /* tag 18, an array of 4, a byte string (protected), an empty map, a byte string (payload), and
     * a signature: a byte string of 64. */
    static const uint8_t BEGIN[] = {0xd2, 0x84};
    static const uint8_t BEFORE_SIG[] = {0x58, 64};
    struct slice rest = part;
    size_t n, need = sizeof BEGIN;

    for (size_t i = 0; i < sizeof BEGIN && i < part.len; i++)
        if (part.ptr[i] != BEGIN[i])
            return false;
    for (int item = 0; item < 2; item++) {
        rest = slice_part(part, need, part.len > need ? part.len - need : 0);
        if (!bytes_len(rest, &n))
            return len > part.len && len > need + sizeof BEFORE_SIG + 64 &&
                   (rest.len == 0 || (rest.ptr[0] >= 0x40 && rest.ptr[0] <= 0x59));
        need += n;
        if (item == 0 && part.len > need && part.ptr[need] != 0xa0)
            return false;
        need += item == 0;
    }
    for (size_t i = 0; i < sizeof BEFORE_SIG && part.len > need + i; i++)
        if (part.ptr[need + i] != BEFORE_SIG[i])
            return false;
    return need + sizeof BEFORE_SIG + 64 == len && len > part.len;
}
