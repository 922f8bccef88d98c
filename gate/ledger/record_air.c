/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record_air.h"
#include "gate/base/text.h"

#include <stdio.h>

const struct record_profile RECORD_AIR = {
    .name = AIR_SCHEMA,
    .typ = RECORD_TYP,
    .write_payload = air_write_payload,
    .write_protected = air_write_protected,
    .read = air_read,
};

/* A value of AIR's own where one fits; a prefix of the project's otherwise (EES 4.3). */
static const char *const ACTION_TYPES[RECORD_KINDS] = {
    [RECORD_DECISION] = "dev.pawl.decision",
    [RECORD_KEY_ROTATION] = "key_rotation",
    [RECORD_INSTALL] = "dev.pawl.install",
    [RECORD_ENROL] = "dev.pawl.enrol",
    [RECORD_ATTEMPT] = "dev.pawl.attempt",
    [RECORD_START] = "dev.pawl.start",
    [RECORD_STOP] = "dev.pawl.stop",
    [RECORD_BUMP] = "dev.pawl.bump",
    [RECORD_INSTALL_REFUSED] = "dev.pawl.install_refused",
    [RECORD_OVERRIDE] = "dev.pawl.override",
    [RECORD_APPROVAL] = "dev.pawl.approval",
    [RECORD_REVOCATION] = "dev.pawl.revocation",
    [RECORD_HARDWARE_LOST] = "dev.pawl.hardware_lost",
    [RECORD_HARDWARE_BACK] = "dev.pawl.hardware_back",
    [RECORD_AGENT_ENROL] = "dev.pawl.agent_enrol",
    [RECORD_AGENT_REMOVE] = "dev.pawl.agent_remove",
};

const char *air_action_type(enum record_kind kind)
{
    return (size_t)kind < RECORD_KINDS ? ACTION_TYPES[kind] : NULL;
}

enum record_kind air_kind_of(struct slice action_type)
{
    for (size_t i = RECORD_NONE + 1; i < RECORD_KINDS; i++)
        if (slice_eq_str(action_type, ACTION_TYPES[i]))
            return (enum record_kind)i;
    return RECORD_NONE;
}

const char *air_outcome(const struct record *record)
{
    if (record->kind == RECORD_ATTEMPT)
        return "pending_confirmation";
    if ((record->kind == RECORD_DECISION && !record->decision.permit) ||
        record->kind == RECORD_INSTALL_REFUSED || record->kind == RECORD_HARDWARE_LOST)
        return "failed";
    return "completed";
}

err_code air_policy_ref(const struct record_policy *policy, struct buf *ret)
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
