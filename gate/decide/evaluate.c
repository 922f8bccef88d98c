/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/evaluate.h"

#include <stdlib.h>

/* Keeps the first denial: candidates are visited in the snapshot's order, so the answer does not
 * depend on anything else. */
static void deny(struct answer *answer, err_code reason, const struct why *why)
{
    if (answer->reason != ERR_OK)
        return;
    answer->reason = reason;
    if (why->code == reason)
        answer->why = *why;
}

static bool named(const struct request *request, struct slice alias)
{
    for (size_t i = 0; i < request->n_aliases; i++)
        if (slice_eq(request->aliases[i], alias))
            return true;
    return false;
}

static err_code aliases_exist(const struct in_force *force, const struct request *request,
                              struct why *why)
{
    for (size_t i = 0; i < request->n_aliases; i++)
        if (snapshot_find(force->snapshot, request->aliases[i]) == NULL)
            return why_say(
                why, ERR_ALIAS_UNKNOWN, "the request names \"%.*s\"; epoch %llu has no such alias",
                TERM_ARG(request->aliases[i]), (unsigned long long)force->snapshot->epoch);
    return ERR_OK;
}

/* Picks the objects that cover the request. Error: NO_POLICY when none does, or a named one does
 * not. */
static err_code candidates(const struct in_force *force, const struct request *request,
                           struct answer *out, struct why *why)
{
    enum policy_action action = policy_action_from(request->action_class);

    for (size_t i = 0; i < force->snapshot->n_policies; i++) {
        const struct policy_object *object = &force->objects[i];
        if (!policy_covers(object, action, request->subject_id, force->zone)) {
            if (named(request, object->alias))
                return why_say(why, ERR_NO_POLICY,
                               "\"%.*s\" does not cover this agent, class and zone",
                               TERM_ARG(object->alias));
            continue;
        }
        if (out->n_policies == ANSWER_POLICIES_MAX)
            return why_say(why, ERR_TOO_LARGE, "more than %d policies cover the request",
                           ANSWER_POLICIES_MAX);
        out->policies[out->n_policies++] = object;
    }
    if (out->n_policies == 0)
        return why_say(why, ERR_NO_POLICY,
                       "none of %zu policies covers class %.*s by agent \"%.*s\"",
                       force->snapshot->n_policies, TERM_ARG(request->action_class),
                       TERM_ARG(request->subject_id));
    return ERR_OK;
}

static void cedar_answer_free(struct cedar_answer **answer)
{
    free(*answer);
}

static void determine(struct answer *out, const struct policy_object *object,
                      const struct cedar_policies *cedar, const struct cedar_answer *got)
{
    for (size_t i = 0; i < got->n_reasons && out->n_determining < ANSWER_DETERMINING_MAX; i++) {
        out->determining[out->n_determining].object = object;
        out->determining[out->n_determining++].id = cedar_at(cedar, got->reasons[i])->id;
    }
}

static err_code ask_cedar(const struct policy_object *object, const struct cedar_policies *cedar,
                          const struct request *request, struct answer *out, struct why *why)
{
    CLEANUP(cedar_answer_free) struct cedar_answer *got = calloc(1, sizeof *got);
    static const uint8_t ACTION[] = "Action";
    const struct cedar_request asked = {
        .principal = {request->subject_type, request->subject_id},
        .action = {{ACTION, sizeof ACTION - 1}, request->action_name},
        .resource = {request->resource_type, request->resource_id},
    };

    if (got == NULL)
        return ERR_NO_MEMORY;
    TRY(cedar_evaluate(cedar, &asked, got));
    if (got->decision == CEDAR_PERMIT) {
        determine(out, object, cedar, got);
        return ERR_OK;
    }
    out->n_determining = 0; /* a denial names the forbids alone */
    determine(out, object, cedar, got);
    if (got->n_reasons > 0)
        return why_say(why, ERR_DENIED, "\"%.*s\" version %llu forbids it: %.*s",
                       TERM_ARG(object->alias), (unsigned long long)object->version,
                       TERM_ARG(cedar_at(cedar, got->reasons[0])->id));
    return why_say(why, ERR_DENIED, "\"%.*s\" version %llu permits nothing that fits",
                   TERM_ARG(object->alias), (unsigned long long)object->version);
}

static err_code types_valid(const struct request *request, struct why *why)
{
    if (!cedar_entity_type_valid(request->subject_type))
        return why_say(why, ERR_REQUEST_MALFORMED, "subject.type \"%.*s\" is not a Cedar type name",
                       TERM_ARG(request->subject_type));
    if (!cedar_entity_type_valid(request->resource_type))
        return why_say(why, ERR_REQUEST_MALFORMED,
                       "resource.type \"%.*s\" is not a Cedar type name",
                       TERM_ARG(request->resource_type));
    return ERR_OK;
}

/* Everything that must hold before a policy is asked. */
static err_code prepare(const struct in_force *force, const struct request *request, int64_t now,
                        struct answer *out, struct why *why)
{
    TRY(types_valid(request, why));
    TRY(fresh_snapshot(force->snapshot, now, why));
    TRY(fresh_root(force->root, now, why));
    TRY(aliases_exist(force, request, why));
    return candidates(force, request, out, why);
}

void evaluate(const struct in_force *force, const struct request *request, int64_t now,
              struct answer *ret)
{
    const struct fresh_state fresh = {force->root, force->snapshot, now};
    struct why why = {0};
    err_code err;

    *ret = (struct answer){0};
    err = prepare(force, request, now, ret, &why);
    if (err != ERR_OK)
        deny(ret, err, &why);
    for (size_t i = 0; i < ret->n_policies && ret->reason == ERR_OK; i++) {
        size_t at = (size_t)(ret->policies[i] - force->objects);
        err = fresh_object(&fresh, ret->policies[i], &why);
        if (err != ERR_OK)
            ret->n_determining = 0; /* what permitted before this one does not matter any more */
        else
            err = ask_cedar(ret->policies[i], force->cedar[at], request, ret, &why);
        if (err != ERR_OK)
            deny(ret, err, &why);
    }
    /* The one place where a permit comes from: somebody was asked, and nobody objected. */
    ret->permit = ret->reason == ERR_OK && ret->n_policies > 0;
}
