/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record.h"
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static const char *const KINDS[RECORD_KINDS] = {
    [RECORD_DECISION] = "decision",
    [RECORD_KEY_ROTATION] = "key_rotation",
    [RECORD_INSTALL] = "install",
    [RECORD_ENROL] = "enrol",
    [RECORD_ATTEMPT] = "attempt",
    [RECORD_START] = "start",
    [RECORD_STOP] = "stop",
    [RECORD_BUMP] = "bump",
    [RECORD_INSTALL_REFUSED] = "install_refused",
    [RECORD_OVERRIDE] = "override",
    [RECORD_APPROVAL] = "approval",
    [RECORD_REVOCATION] = "revocation",
    [RECORD_HARDWARE_LOST] = "hardware_lost",
    [RECORD_HARDWARE_BACK] = "hardware_back",
    [RECORD_AGENT_ENROL] = "agent_enrol",
    [RECORD_AGENT_REMOVE] = "agent_remove",
};

static bool is_kind(enum record_kind kind)
{
    return kind > RECORD_NONE && (size_t)kind < RECORD_KINDS;
}

const char *record_kind_name(enum record_kind kind)
{
    return is_kind(kind) ? KINDS[kind] : "none";
}

enum record_kind record_kind_named(const char *name)
{
    for (size_t i = 1; i < RECORD_KINDS; i++)
        if (slice_eq_str(slice_str(name), KINDS[i]))
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

bool record_reason_is_error(err_code reason)
{
    static const err_code DENY[] = {
        ERR_OK,
        ERR_DENIED,
        ERR_NO_POLICY,
        ERR_ALIAS_UNKNOWN,
        ERR_AGENT_UNKNOWN,
        ERR_SUBJECT_MISMATCH,
        ERR_REQUEST_INVALID,
        ERR_REVOKED,
        ERR_NOT_YET_VALID,
        ERR_SNAPSHOT_STALE,
        ERR_EXPIRED,
        ERR_NOTHING_INSTALLED,
    };

    for (size_t i = 0; i < sizeof DENY / sizeof *DENY; i++)
        if (reason == DENY[i])
            return false;
    return true;
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
    case RECORD_AGENT_ENROL:
    case RECORD_AGENT_REMOVE:
        return hash_sha256(record->agent.id, ret);
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
