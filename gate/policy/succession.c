/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/succession.h"

#include "gate/base/text.h"

#include <inttypes.h>

static err_code epochs(const struct snapshot *installed, const struct snapshot *next,
                       struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    digest_text(&installed->digest, ours);
    if (next->epoch < installed->epoch)
        return why_say(why, ERR_ROLLBACK,
                       "the snapshot is of epoch %" PRIu64 ", installed is %" PRIu64, next->epoch,
                       installed->epoch);
    if (next->epoch == installed->epoch) {
        if (digest_eq(&next->digest, &installed->digest))
            return ERR_OK;
        digest_text(&next->digest, theirs);
        return why_say(why, ERR_EQUIVOCATION,
                       "the snapshot of epoch %" PRIu64 " is %s, installed is %s", next->epoch,
                       theirs, ours);
    }
    if (next->epoch > installed->epoch + 1 || digest_eq(&next->previous.digest, &installed->digest))
        return ERR_OK;
    digest_text(&next->previous.digest, theirs);
    return why_say(why, ERR_SUCCESSION,
                   "the snapshot of epoch %" PRIu64 " follows %s, installed for epoch %" PRIu64
                   " is %s",
                   next->epoch, theirs, installed->epoch, ours);
}

static err_code roots(const struct snapshot *installed, const struct snapshot *next,
                      struct why *why)
{
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (next->root_version < installed->root_version)
        return why_say(why, ERR_ROLLBACK,
                       "the snapshot of epoch %" PRIu64 " names root metadata version %" PRIu64
                       ", epoch %" PRIu64 " named %" PRIu64,
                       next->epoch, next->root_version, installed->epoch, installed->root_version);
    if (next->root_version > installed->root_version || digest_eq(&next->root, &installed->root))
        return ERR_OK;
    digest_text(&installed->root, ours);
    digest_text(&next->root, theirs);
    return why_say(why, ERR_ROOT_EQUIVOCATION,
                   "root metadata version %" PRIu64 " is %s in epoch %" PRIu64
                   ", %s in epoch %" PRIu64,
                   next->root_version, theirs, next->epoch, ours, installed->epoch);
}

static err_code alias(const struct snapshot_policy *old, const struct snapshot *next,
                      struct why *why)
{
    const struct snapshot_policy *new = snapshot_find(next, old->alias);
    char ours[DIGEST_TEXT], theirs[DIGEST_TEXT];

    if (new == NULL)
        return why_say(why, ERR_SUCCESSION,
                       "policy \"%.*s\", in force at version %" PRIu64
                       ", is missing from the snapshot of epoch %" PRIu64,
                       TERM_ARG(old->alias), old->version, next->epoch);
    if (new->version < old->version)
        return why_say(why, ERR_POLICY_ROLLBACK,
                       "the snapshot of epoch %" PRIu64 " names policy \"%.*s\" version %" PRIu64
                       ", in force is version %" PRIu64,
                       next->epoch, TERM_ARG(old->alias), new->version, old->version);
    if (new->version > old->version || digest_eq(&new->digest, &old->digest))
        return ERR_OK;
    digest_text(&old->digest, ours);
    digest_text(&new->digest, theirs);
    return why_say(why, ERR_EQUIVOCATION,
                   "policy \"%.*s\" version %" PRIu64 " is %s in the snapshot of epoch %" PRIu64
                   ", in force is %s",
                   TERM_ARG(old->alias), old->version, theirs, next->epoch, ours);
}

/* A key that the root metadata no longer lists cannot sign anyhow, and revocations do not concern
 * the role root. An object that is not listed is a version that was replaced, and versions only go
 * up. */
static bool still_matters(const struct revocation *item, const struct snapshot *next,
                          const struct root_meta *newest)
{
    for (enum root_role role = ROLE_ROOT + 1; item->kind == REVOKED_KEY && role < ROLE_END; role++)
        if (root_holds(newest, role, &item->id))
            return true;
    for (size_t i = 0; i < next->n_policies; i++)
        if (digest_eq(&next->policies[i].digest, &item->id))
            return true;
    return false;
}

static err_code revocations(const struct snapshot *installed, const struct snapshot *next,
                            const struct root_meta *newest, struct why *why)
{
    char id[DIGEST_TEXT];

    for (size_t i = 0; i < installed->revoked.n; i++) {
        const struct revocation *item = &installed->revoked.items[i];
        if (revoked_find(&next->revoked, item->kind, &item->id) != NULL ||
            !still_matters(item, next, newest))
            continue;
        digest_text(&item->id, id);
        return why_say(why, ERR_REVOKED,
                       "the %s %s, revoked in epoch %" PRIu64 ", is not revoked in epoch %" PRIu64,
                       revoked_kind_name(item->kind), id, installed->epoch, next->epoch);
    }
    return ERR_OK;
}

err_code snapshot_follows(const struct snapshot *installed, const struct snapshot *next,
                          const struct root_meta *newest, struct why *why)
{
    TRY(epochs(installed, next, why));
    if (next->epoch == installed->epoch)
        return ERR_OK;
    TRY(roots(installed, next, why));
    for (size_t i = 0; i < installed->n_policies; i++)
        TRY(alias(&installed->policies[i], next, why));
    return revocations(installed, next, newest, why);
}

err_code snapshot_in_reach(uint64_t from, const struct snapshot *next, struct why *why)
{
    if (next->epoch <= from || next->epoch - from <= SNAPSHOT_JUMP_MAX)
        return ERR_OK;
    return why_say(why, ERR_SUCCESSION,
                   "the snapshot is of epoch %" PRIu64 ", %" PRIu64 " beyond epoch %" PRIu64
                   "; the limit is %" PRIu64,
                   next->epoch, next->epoch - from, from, SNAPSHOT_JUMP_MAX);
}

err_code policy_follows(const struct policy_object *older, const struct policy_object *newer,
                        struct why *why)
{
    char wanted[DIGEST_TEXT], got[DIGEST_TEXT];

    if (!slice_eq(older->alias, newer->alias) || !slice_eq(older->domain, newer->domain) ||
        older->version + 1 != newer->version)
        return why_say(why, ERR_SUCCESSION,
                       "policy \"%.*s\" version %" PRIu64 " names \"%.*s\" version %" PRIu64
                       " as its predecessor",
                       TERM_ARG(newer->alias), newer->version, TERM_ARG(older->alias),
                       older->version);
    if (newer->previous.present && digest_eq(&newer->previous.digest, &older->digest))
        return ERR_OK;
    digest_text(&newer->previous.digest, wanted);
    digest_text(&older->digest, got);
    return why_say(why, ERR_SUCCESSION,
                   "policy \"%.*s\" version %" PRIu64 " follows %s, version %" PRIu64 " is %s",
                   TERM_ARG(newer->alias), newer->version, wanted, older->version, got);
}
