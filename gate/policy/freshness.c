/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/freshness.h"

#include "gate/base/text.h"

#include <inttypes.h>
#include <stdio.h>

err_code fresh_root(const struct root_meta *root, int64_t now, struct why *why)
{
    char end[TIME_TEXT], at[TIME_TEXT];

    if (!root->has_exp || now < root->exp)
        return ERR_OK;
    time_text(root->exp, end);
    time_text(now, at);
    return why_say(why, ERR_EXPIRED, "root metadata version %" PRIu64 " expired at %s; it is %s",
                   root->version, end, at);
}

err_code fresh_snapshot(const struct snapshot *snapshot, int64_t now, struct why *why)
{
    char then[TIME_TEXT], at[TIME_TEXT];

    time_text(now, at);
    if (now >= snapshot->exp) {
        time_text(snapshot->exp, then);
        return why_say(why, ERR_SNAPSHOT_STALE,
                       "the snapshot of epoch %" PRIu64 " expired at %s; it is %s", snapshot->epoch,
                       then, at);
    }
    if (snapshot->iat > FRESH_SKEW && now < snapshot->iat - FRESH_SKEW) {
        time_text(snapshot->iat, then);
        return why_say(why, ERR_NOT_YET_VALID,
                       "the snapshot of epoch %" PRIu64 " was made at %s; it is %s",
                       snapshot->epoch, then, at);
    }
    return ERR_OK;
}

err_code fresh_listed(const struct snapshot *snapshot, const struct policy_object *object,
                      struct why *why)
{
    const struct snapshot_policy *listed = snapshot_find(snapshot, object->alias);
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (listed == NULL)
        return why_say(why, ERR_ALIAS_UNKNOWN, "policy \"%.*s\" is not in force in epoch %" PRIu64,
                       TERM_ARG(object->alias), snapshot->epoch);
    if (object->version != listed->version)
        return why_say(why,
                       object->version < listed->version ? ERR_POLICY_ROLLBACK : ERR_SUCCESSION,
                       "policy \"%.*s\" is version %" PRIu64 ", epoch %" PRIu64
                       " puts version %" PRIu64 " in force",
                       TERM_ARG(object->alias), object->version, snapshot->epoch, listed->version);
    if (digest_eq(&object->digest, &listed->digest))
        return ERR_OK;
    digest_text(&object->digest, ours);
    digest_text(&listed->digest, theirs);
    return why_say(why, ERR_EQUIVOCATION,
                   "policy \"%.*s\" version %" PRIu64 " is %s, the snapshot of epoch %" PRIu64
                   " lists %s",
                   TERM_ARG(object->alias), object->version, ours, snapshot->epoch, theirs);
}

err_code fresh_not_revoked(const struct root_meta *root, const struct snapshot *snapshot,
                           const struct policy_object *object, struct why *why)
{
    const struct judge_rule rule = {
        .root = root, .role = ROLE_POLICY, .revoked = {&snapshot->revoked}};
    const struct revocation *gone =
        revoked_find(&snapshot->revoked, REVOKED_OBJECT, &object->digest);
    char since[TIME_TEXT], what[2 * TERM_NAME_MAX];

    (void)snprintf(what, sizeof what, "policy \"%.*s\"", TERM_ARG(object->alias));
    if (gone == NULL)
        return judge_again(object->signers, object->n_signers, &rule, what, why);
    time_text(gone->since, since);
    return why_say(why, ERR_REVOKED, "policy \"%.*s\" version %" PRIu64 " was revoked at %s: %.*s",
                   TERM_ARG(object->alias), object->version, since, TERM_ARG(gone->reason));
}

err_code fresh_object(const struct fresh_state *state, const struct policy_object *object,
                      struct why *why)
{
    char then[TIME_TEXT], at[TIME_TEXT];

    TRY(fresh_listed(state->snapshot, object, why));
    TRY(fresh_not_revoked(state->root, state->snapshot, object, why));
    time_text(state->now, at);
    if (state->now < object->nbf) {
        time_text(object->nbf, then);
        return why_say(why, ERR_NOT_YET_VALID,
                       "policy \"%.*s\" version %" PRIu64 " is valid from %s; it is %s",
                       TERM_ARG(object->alias), object->version, then, at);
    }
    if (state->now >= object->exp) {
        time_text(object->exp, then);
        return why_say(why, ERR_EXPIRED,
                       "policy \"%.*s\" version %" PRIu64 " was valid until %s; it is %s",
                       TERM_ARG(object->alias), object->version, then, at);
    }
    return ERR_OK;
}
