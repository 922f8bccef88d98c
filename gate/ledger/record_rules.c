/* SPDX-License-Identifier: Apache-2.0 */
/* record_rules.c: what a record may say, however it is encoded. */
#include "gate/ledger/record_rules.h"
#include "gate/base/text.h"
#include "gate/ledger/record_members.h"
#include "gate/ledger/record_redact.h"

#include <string.h>

static bool is_uuid7(struct slice text)
{
    static const char FORM[] = "hhhhhhhh-hhhh-7hhh-vhhh-hhhhhhhhhhhh";

    if (text.len != sizeof FORM - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (FORM[i] == 'h'   ? !hex
            : FORM[i] == 'v' ? (c != '8' && c != '9' && c != 'a' && c != 'b')
                             : c != FORM[i])
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

static err_code check_text(const char *name, struct slice text, size_t max, struct why *why)
{
    size_t at;

    if (text.len == 0)
        return why_say(why, ERR_FORMAT, "a record's %s is empty", name);
    if (text.len > max)
        return why_say(why, ERR_TOO_LARGE, "a record's %s has %zu bytes, the limit is %zu", name,
                       text.len, max);
    if (!text_is_plain(text, &at))
        return why_say(why, ERR_FORMAT, "a record's %s is not plain text at offset %zu", name, at);
    return ERR_OK;
}

static err_code check_count(const char *name, size_t n, size_t max, struct why *why)
{
    if (n > max)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu %s, the limit is %zu", n, name, max);
    return ERR_OK;
}

/* ---- the members of its kind ----------------------------------------------------------------- */

static err_code check_policies(const struct record_decision *decision, struct why *why)
{
    TRY(check_count("policies", decision->n_policies, RECORD_POLICIES_MAX, why));
    for (size_t i = 0; i < decision->n_policies; i++)
        TRY(check_text("alias", decision->policies[i].alias, RECORD_ALIAS_MAX, why));
    return ERR_OK;
}

static err_code check_determining(const struct record_decision *decision, struct why *why)
{
    TRY(check_count("determining policies", decision->n_determining, RECORD_DETERMINING_MAX, why));
    for (size_t i = 0; i < decision->n_determining; i++)
        TRY(check_text("policy id", decision->determining[i], RECORD_NAME_MAX, why));
    return ERR_OK;
}

static err_code check_certs(const struct record_rotation *rotation, struct why *why)
{
    TRY(check_count("certificates", rotation->n_certs, RECORD_CERTS_MAX, why));
    for (size_t i = 0; i < rotation->n_certs; i++) {
        if (rotation->certs[i].len == 0)
            return why_say(why, ERR_FORMAT, "certificate %zu of a record is empty", i);
        if (rotation->certs[i].len > RECORD_CERT_MAX)
            return why_say(why, ERR_TOO_LARGE,
                           "certificate %zu of a record has %zu bytes, the limit is %d", i,
                           rotation->certs[i].len, RECORD_CERT_MAX);
    }
    return ERR_OK;
}

/* Ascending, so that nobody counts twice. */
static err_code check_by(const struct record_consent *consent, struct why *why)
{
    TRY(check_count("signers", consent->n_by, RECORD_SIGNERS_MAX, why));
    if (consent->n_by == 0)
        return why_say(why, ERR_FORMAT, "nobody stands behind an approval or override");
    for (size_t i = 1; i < consent->n_by; i++)
        if (slice_cmp(digest_slice(&consent->by[i - 1]), digest_slice(&consent->by[i])) >= 0)
            return why_say(why, ERR_FORMAT, "the signers of a record are not in order");
    return ERR_OK;
}

/* Ascending: no alias twice, and one form for each set. */
static err_code check_aliases(const struct record_agent *agent, struct why *why)
{
    TRY(check_count("aliases", agent->n_aliases, RECORD_ALIASES_MAX, why));
    for (size_t i = 0; i < agent->n_aliases; i++) {
        TRY(check_text("alias", agent->aliases[i], RECORD_ALIAS_MAX, why));
        if (i > 0 && slice_cmp(agent->aliases[i - 1], agent->aliases[i]) >= 0)
            return why_say(why, ERR_FORMAT, "the aliases of an agent are not in order");
    }
    return ERR_OK;
}

static err_code check_member(const struct record *record, const struct record_member *m,
                             struct why *why)
{
    const void *at = record_at(record, m->at);

    switch (m->type) {
    case MEMBER_TEXT:
        return check_text(m->key, *(const struct slice *)at, m->max, why);
    case MEMBER_UUID:
        if (!is_uuid7(*(const struct slice *)at))
            return why_say(why, ERR_FORMAT, "a record's %s is not a UUIDv7", m->key);
        return ERR_OK;
    case MEMBER_UINT:
        if (m->max > 0 && *(const uint64_t *)at > m->max)
            return why_say(why, ERR_FORMAT, "a record's %s is %llu, at most %zu is possible",
                           m->key, (unsigned long long)*(const uint64_t *)at, m->max);
        return ERR_OK;
    case MEMBER_NAMED:
        TRY(check_text(m->key, *(const struct slice *)at, RECORD_ID_MAX, why));
        return check_text(m->key, *(const struct slice *)record_at(record, m->also), RECORD_ID_MAX,
                          why);
    case MEMBER_POLICIES:
        return check_policies(&record->decision, why);
    case MEMBER_DETERMINING:
        return check_determining(&record->decision, why);
    case MEMBER_CERTS:
        return check_certs(&record->rotation, why);
    case MEMBER_BY:
        return check_by(&record->consent, why);
    case MEMBER_ALIASES:
        return check_aliases(&record->agent, why);
    case MEMBER_SNAPSHOT:
        if (!record->has_snapshot)
            return why_say(why, ERR_FORMAT, "a record of kind %s without a snapshot",
                           record_kind_name(record->kind));
        return ERR_OK;
    case MEMBER_KEY:
        if (record->key.alg != HW_ES256)
            return why_say(why, ERR_COSE_ALG, "a statement key must be ES256, not %s",
                           hw_alg_name(record->key.alg));
        return ERR_OK;
    case MEMBER_BOOL:
    case MEMBER_DIGEST:
    case MEMBER_ANSWER:
    case MEMBER_EVENT:
    case MEMBER_END:
        break;
    }
    return ERR_OK;
}

static err_code check_members(const struct record *record, struct why *why)
{
    const struct record_member *m = record_members(record->kind);

    if (m == NULL)
        return why_say(why, ERR_FORMAT, "a record of no kind");
    for (; m->type != MEMBER_END; m++)
        if (record_has(record, m))
            TRY(check_member(record, m, why));
    return ERR_OK;
}

/* ---- what its members have to do with each other --------------------------------------------- */

static err_code check_answer(const struct record_decision *decision, struct why *why)
{
    if (decision->permit && decision->error)
        return why_say(why, ERR_FORMAT, "a permit that nobody judged");
    if (decision->permit != slice_eq_str(decision->reason, err_name(ERR_OK)))
        return why_say(why, ERR_FORMAT, "a %s for reason \"%.*s\"",
                       decision->permit ? "permit" : "denial", (int)decision->reason.len,
                       (const char *)decision->reason.ptr);
    return ERR_OK;
}

static err_code check_steps(const struct record *record, struct why *why)
{
    if (record->from_epoch >= record->epoch)
        return why_say(why, ERR_FORMAT, "a record of kind %s from epoch %llu to epoch %llu",
                       record_kind_name(record->kind), (unsigned long long)record->from_epoch,
                       (unsigned long long)record->epoch);
    return ERR_OK;
}

static err_code check_until(const struct record *record, struct why *why)
{
    if (record->consent.until_ms <= record->action_ms)
        return why_say(why, ERR_FORMAT, "a record of kind %s at %llu ms that ends at %llu ms",
                       record_kind_name(record->kind), (unsigned long long)record->action_ms,
                       (unsigned long long)record->consent.until_ms);
    return ERR_OK;
}

/* A path as the kernel prints it, but of no process: "/" would be every control group. */
static bool is_cgroup(struct slice path)
{
    struct slice rest = path;

    while (rest.len > 0) {
        size_t n = 1;

        while (n < rest.len && rest.ptr[n] != '/')
            n++;
        if (rest.ptr[0] != '/' || n == 1 || (n == 2 && rest.ptr[1] == '.') ||
            (n == 3 && rest.ptr[1] == '.' && rest.ptr[2] == '.'))
            return false;
        rest = slice_part(rest, n, rest.len - n);
    }
    return true;
}

static err_code check_agent(const struct record_agent *agent, struct why *why)
{
    if (!is_cgroup(agent->cgroup))
        return why_say(why, ERR_FORMAT, "\"%.*s\" is not the path of a control group",
                       (int)agent->cgroup.len, (const char *)agent->cgroup.ptr);
    if (slice_eq(agent->parent, agent->id))
        return why_say(why, ERR_FORMAT, "an agent that belongs to itself");
    return ERR_OK;
}

static err_code check_by_kind(const struct record *record, struct why *why)
{
    switch (record->kind) {
    case RECORD_DECISION:
        return check_answer(&record->decision, why);
    case RECORD_INSTALL:
    case RECORD_BUMP:
        return check_steps(record, why);
    case RECORD_ENROL:
        if (record->has_snapshot)
            return why_say(why, ERR_FORMAT, "a record of kind enrol with a snapshot");
        return ERR_OK;
    case RECORD_OVERRIDE:
    case RECORD_APPROVAL:
        return check_until(record, why);
    case RECORD_REVOCATION:
        if (!slice_eq_str(record->revocation.what, "key") &&
            !slice_eq_str(record->revocation.what, "object"))
            return why_say(why, ERR_FORMAT, "a revocation of neither a key nor an object");
        return ERR_OK;
    case RECORD_AGENT_ENROL:
        return check_agent(&record->agent, why);
    case RECORD_ATTEMPT:
    case RECORD_KEY_ROTATION:
    case RECORD_START:
    case RECORD_STOP:
    case RECORD_INSTALL_REFUSED:
    case RECORD_HARDWARE_LOST:
    case RECORD_HARDWARE_BACK:
    case RECORD_AGENT_REMOVE:
    case RECORD_NONE:
        break;
    }
    return ERR_OK;
}

/* What input_hash must be, where something else in the record already says it. */
static err_code check_input(const struct record *record, struct why *why)
{
    struct digest want;

    TRY(record_input(record, &want));
    if (!digest_eq(&want, &record->input))
        return why_say(why, ERR_FORMAT,
                       "the input_hash of a record of kind %s is another than its member",
                       record_kind_name(record->kind));
    return ERR_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static err_code check_texts(const struct record *record, struct why *why)
{
    TRY(check_text("issuer", record->issuer, RECORD_ID_MAX, why));
    TRY(check_text("agent_id", record->agent_id, RECORD_ID_MAX, why));
    TRY(check_text("agent_version", record->agent_version, RECORD_ID_MAX, why));
    TRY(check_text("operator_id", record->operator_id, RECORD_ID_MAX, why));
    if (!is_uuid7(record->record_id))
        return why_say(why, ERR_FORMAT, "a record's record_id is not a UUIDv7");
    if (!is_uuid7(record->session_id))
        return why_say(why, ERR_FORMAT, "a record's session_id is not a UUIDv7");
    if (!is_country(record->jurisdiction))
        return why_say(why, ERR_FORMAT, "a record's jurisdiction is not two capital letters");
    if (!is_retention(record->retention_class))
        return why_say(why, ERR_FORMAT, "a record's retention_class is none of AIR's");
    return ERR_OK;
}

err_code record_check(const struct record *record, struct why *why)
{
    TRY(check_texts(record, why));
    if (record->action_ms > record->captured_ms || record->captured_ms > RECORD_TIME_MAX)
        return why_say(why, ERR_FORMAT, "a record's action at %llu ms was captured at %llu ms",
                       (unsigned long long)record->action_ms,
                       (unsigned long long)record->captured_ms);
    if (record->link.sequence == 0 && !digest_eq(&record->link.prev, &(struct digest){0}))
        return why_say(why, ERR_FORMAT, "the first record of its chain names a predecessor");
    TRY(check_members(record, why));
    if (!record_is_agents(record->kind) && !slice_eq(record->agent_id, record->issuer))
        return why_say(why, ERR_FORMAT, "a record of kind %s is the gate's own, but names an agent",
                       record_kind_name(record->kind));
    TRY(check_by_kind(record, why));
    TRY(check_input(record, why));
    return record_redactions_check(record, why);
}
