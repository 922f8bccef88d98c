/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/record_members.h"
#include "gate/ledger/record_labels.h"

#define AT(member) offsetof(struct record, member)
#define TEXT(key, member, limit)                                                                   \
    {                                                                                              \
        key, MEMBER_TEXT, false, AT(member), 0, limit                                              \
    }
#define TEXT_IF_ANY(key, member, limit)                                                            \
    {                                                                                              \
        key, MEMBER_TEXT, true, AT(member), 0, limit                                               \
    }
#define UUID(key, member)                                                                          \
    {                                                                                              \
        key, MEMBER_UUID, false, AT(member), 0, 0                                                  \
    }
#define UINT(key, member, limit)                                                                   \
    {                                                                                              \
        key, MEMBER_UINT, false, AT(member), 0, limit                                              \
    }
#define DIGEST(key, member)                                                                        \
    {                                                                                              \
        key, MEMBER_DIGEST, false, AT(member), 0, 0                                                \
    }
#define BOOL(key, member)                                                                          \
    {                                                                                              \
        key, MEMBER_BOOL, false, AT(member), 0, 0                                                  \
    }
#define NAMED(key, id, type)                                                                       \
    {                                                                                              \
        key, MEMBER_NAMED, false, AT(id), AT(type), 0                                              \
    }
#define OTHER(key, type)                                                                           \
    {                                                                                              \
        key, type, false, 0, 0, 0                                                                  \
    }
#define EPOCH UINT(OWN_EPOCH, epoch, 0)
#define ROUND UINT(OWN_ROUND, round, 0)
#define HARDWARE TEXT(OWN_HARDWARE, hardware, RECORD_NAME_MAX)
#define SIMULATED BOOL(OWN_SIMULATED, simulated)
#define SNAPSHOT OTHER(OWN_SNAPSHOT, MEMBER_SNAPSHOT)
#define SNAPSHOT_IF_ANY                                                                            \
    {                                                                                              \
        OWN_SNAPSHOT, MEMBER_SNAPSHOT, true, 0, 0, 0                                               \
    }

static const struct record_member ATTEMPT[] = {
    TEXT(OWN_CLASS, attempt.class_, RECORD_NAME_MAX),
    EPOCH,
    OTHER(OWN_EVENT, MEMBER_EVENT),
    ROUND,
    TEXT(OWN_ACTION, attempt.action, RECORD_ID_MAX),
    NAMED(OWN_SUBJECT, agent_id, attempt.subject_type),
    HARDWARE,
    NAMED(OWN_RESOURCE, attempt.resource_id, attempt.resource_type),
    SNAPSHOT,
    SIMULATED,
    TEXT(OWN_INPUT_TYPE, attempt.input_type, RECORD_NAME_MAX),
    {0},
};

static const struct record_member DECISION[] = {
    TEXT(OWN_CLASS, decision.class_, RECORD_NAME_MAX),
    EPOCH,
    OTHER(OWN_EVENT, MEMBER_EVENT),
    ROUND,
    TEXT(OWN_ACTION, decision.action, RECORD_ID_MAX),
    TEXT(OWN_REASON, decision.reason, RECORD_NAME_MAX),
    UUID(OWN_ATTEMPT, decision.attempt),
    NAMED(OWN_SUBJECT, agent_id, decision.subject_type),
    OTHER(OWN_DECISION, MEMBER_ANSWER),
    HARDWARE,
    OTHER(OWN_POLICIES, MEMBER_POLICIES),
    NAMED(OWN_RESOURCE, decision.resource_id, decision.resource_type),
    SNAPSHOT,
    SIMULATED,
    OTHER(OWN_DETERMINING, MEMBER_DETERMINING),
    {0},
};

static const struct record_member KEY_ROTATION[] = {
    OTHER(OWN_KEY, MEMBER_KEY),
    EPOCH,
    ROUND,
    HARDWARE,
    SNAPSHOT_IF_ANY,
    SIMULATED,
    OTHER(OWN_CERTIFICATES, MEMBER_CERTS),
    {0},
};

static const struct record_member START[] = {
    BOOL(OWN_CLEAN, start.clean),
    EPOCH,
    ROUND,
    UINT(OWN_MISSING, start.missing, 0),
    TEXT(OWN_VERSION, start.version, RECORD_NAME_MAX),
    TEXT(OWN_FIRMWARE, start.firmware, RECORD_NAME_MAX),
    HARDWARE,
    SNAPSHOT_IF_ANY,
    UINT(OWN_LAST_SIZE, start.last_size, 0),
    SIMULATED,
    UINT(OWN_LAST_ROUND, start.last_round, 0),
    {0},
};

static const struct record_member STOP[] = {
    EPOCH,     ROUND, TEXT(OWN_REASON, stop.reason, RECORD_NAME_MAX), HARDWARE, SNAPSHOT_IF_ANY,
    SIMULATED, {0},
};

/* Also of a bump. */
static const struct record_member INSTALL[] = {
    UINT(OWN_FROM, from_epoch, 0), EPOCH, ROUND, HARDWARE, SNAPSHOT, SIMULATED, {0},
};

static const struct record_member ENROL[] = {
    TEXT(OWN_LOG, log_vkey, RECORD_ID_MAX),
    DIGEST(OWN_ROOT, root),
    EPOCH,
    ROUND,
    HARDWARE,
    SIMULATED,
    {0},
};

static const struct record_member INSTALL_REFUSED[] = {
    EPOCH,
    TEXT(OWN_ERROR, refused.error, RECORD_NAME_MAX),
    ROUND,
    DIGEST(OWN_BUNDLE, refused.bundle),
    UINT(OWN_CLAIMED, refused.claimed, 0),
    HARDWARE,
    SNAPSHOT_IF_ANY,
    SIMULATED,
    {0},
};

/* Of an override and an approval. */
static const struct record_member CONSENT[] = {
    OTHER(OWN_BY, MEMBER_BY),
    TEXT(OWN_WHAT, consent.what, RECORD_NAME_MAX),
    EPOCH,
    ROUND,
    UINT(OWN_UNTIL, consent.until_ms, RECORD_TIME_MAX),
    DIGEST(OWN_OBJECT, consent.object),
    TEXT(OWN_REASON, consent.reason, RECORD_ID_MAX),
    HARDWARE,
    SNAPSHOT_IF_ANY,
    SIMULATED,
    {0},
};

static const struct record_member REVOCATION[] = {
    DIGEST(OWN_ID, revocation.id),
    TEXT(OWN_WHAT, revocation.what, RECORD_NAME_MAX),
    EPOCH,
    ROUND,
    UINT(OWN_SINCE, revocation.since_ms, RECORD_TIME_MAX),
    TEXT(OWN_REASON, revocation.reason, RECORD_ID_MAX),
    HARDWARE,
    SNAPSHOT,
    SIMULATED,
    {0},
};

/* Of hardware_lost and hardware_back. */
static const struct record_member ROOT_STATE[] = {
    EPOCH,     TEXT(OWN_ERROR, root_state.error, RECORD_NAME_MAX),
    ROUND,     UINT(OWN_SINCE, root_state.since_ms, RECORD_TIME_MAX),
    HARDWARE,  SNAPSHOT_IF_ANY,
    SIMULATED, UINT(OWN_LAST_ROUND, root_state.last_round, 0),
    {0},
};

static const struct record_member AGENT_ENROL[] = {
    TEXT(OWN_ID, agent.id, RECORD_ID_MAX),
    {OWN_UID, MEMBER_UINT, true, AT(agent.uid), AT(agent.has_uid), RECORD_UID_MAX},
    TEXT_IF_ANY(OWN_NAME, agent.name, RECORD_NAME_MAX),
    TEXT_IF_ANY(OWN_ZONE, agent.zone, RECORD_NAME_MAX),
    UINT(OWN_ADMIN, agent.admin, RECORD_UID_MAX),
    EPOCH,
    ROUND,
    TEXT_IF_ANY(OWN_CGROUP, agent.cgroup, RECORD_CGROUP_MAX),
    TEXT_IF_ANY(OWN_PARENT, agent.parent, RECORD_ID_MAX),
    OTHER(OWN_ALIASES, MEMBER_ALIASES),
    HARDWARE,
    SNAPSHOT_IF_ANY,
    SIMULATED,
    {0},
};

static const struct record_member AGENT_REMOVE[] = {
    TEXT(OWN_ID, agent.id, RECORD_ID_MAX),
    UINT(OWN_ADMIN, agent.admin, RECORD_UID_MAX),
    EPOCH,
    ROUND,
    HARDWARE,
    SNAPSHOT_IF_ANY,
    SIMULATED,
    {0},
};

const struct record_member *record_members(enum record_kind kind)
{
    static const struct record_member *const MEMBERS[RECORD_KINDS] = {
        [RECORD_ATTEMPT] = ATTEMPT,
        [RECORD_DECISION] = DECISION,
        [RECORD_KEY_ROTATION] = KEY_ROTATION,
        [RECORD_START] = START,
        [RECORD_STOP] = STOP,
        [RECORD_INSTALL] = INSTALL,
        [RECORD_BUMP] = INSTALL,
        [RECORD_ENROL] = ENROL,
        [RECORD_INSTALL_REFUSED] = INSTALL_REFUSED,
        [RECORD_OVERRIDE] = CONSENT,
        [RECORD_APPROVAL] = CONSENT,
        [RECORD_REVOCATION] = REVOCATION,
        [RECORD_HARDWARE_LOST] = ROOT_STATE,
        [RECORD_HARDWARE_BACK] = ROOT_STATE,
        [RECORD_AGENT_ENROL] = AGENT_ENROL,
        [RECORD_AGENT_REMOVE] = AGENT_REMOVE,
    };

    return (size_t)kind < RECORD_KINDS ? MEMBERS[kind] : NULL;
}

const void *record_at(const struct record *record, size_t at)
{
    return (const char *)record + at;
}

void *record_place(struct record *record, size_t at)
{
    return (char *)record + at;
}

bool record_has(const struct record *record, const struct record_member *member)
{
    if (!member->optional)
        return true;
    if (member->type == MEMBER_TEXT)
        return ((const struct slice *)record_at(record, member->at))->len > 0;
    if (member->type == MEMBER_UINT)
        return *(const bool *)record_at(record, member->also);
    return record->has_snapshot;
}
