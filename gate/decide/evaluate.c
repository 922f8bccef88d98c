/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/evaluate.h"

#include "gate/cedar/window.h"

/* Who asks what. */
struct asked {
    const struct request *request;
    struct agent_facts agent; /* without an id: nobody known */
    struct slice zone;
};

static bool among(const struct slice *aliases, size_t n, struct slice alias)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(aliases[i], alias))
            return true;
    return false;
}

static bool named(const struct asked *asked, struct slice alias)
{
    return among(asked->request->aliases, asked->request->n_aliases, alias) ||
           among(asked->agent.aliases, asked->agent.n_aliases, alias);
}

static err_code exist(const struct in_force *force, const char *who, const struct slice *aliases,
                      size_t n, struct why *why)
{
    for (size_t i = 0; i < n; i++)
        if (snapshot_find(force->snapshot, aliases[i]) == NULL)
            return why_say(why, ERR_ALIAS_UNKNOWN,
                           "the %s names \"%.*s\"; epoch %llu has no such alias", who,
                           TERM_ARG(aliases[i]), (unsigned long long)force->snapshot->epoch);
    return ERR_OK;
}

static err_code aliases_exist(const struct in_force *force, const struct asked *asked,
                              struct why *why)
{
    TRY(exist(force, "request", asked->request->aliases, asked->request->n_aliases, why));
    return exist(force, "enrolment of the agent", asked->agent.aliases, asked->agent.n_aliases,
                 why);
}

/* Picks the objects that cover the request. Error: NO_POLICY when none does, or a named one does
 * not. */
static err_code candidates(const struct in_force *force, const struct asked *asked,
                           struct answer *out, struct why *why)
{
    const struct request *request = asked->request;
    enum policy_action action = policy_action_from(request->action_class);

    for (size_t i = 0; i < force->snapshot->n_policies; i++) {
        const struct policy_object *object = &force->objects[i];
        if (!policy_covers(object, action, request->subject_id, asked->zone)) {
            if (named(asked, object->alias))
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

/* Names policies as the cause, as many as there is room for. */
static void determine(struct answer *out, const struct policy_object *object,
                      const uint32_t *positions, size_t n)
{
    for (size_t i = 0; i < n && out->n_determining < ANSWER_DETERMINING_MAX; i++) {
        out->determining[out->n_determining].object = object;
        out->determining[out->n_determining++].name =
            cedar_at(object->rules->policies, positions[i])->name;
    }
}

/* The least window of the policies at these positions; 0 if there are none. All of them count, also
 * those that there is no room to name. */
static uint32_t window_of(const struct policy_object *object, const uint32_t *positions, size_t n)
{
    uint32_t least = n > 0 ? CEDAR_WINDOW_MAX_MS : 0;

    for (size_t i = 0; i < n; i++) {
        const uint32_t own = cedar_window(cedar_at(object->rules->policies, positions[i]));
        least = own < least ? own : least;
    }
    return least;
}

static err_code denied(const struct policy_object *object, const struct cedar_answer *got,
                       struct answer *out, struct why *why)
{
    const struct cedar_place place = cedar_place_at(object->rules->policies, got->fault_offset);
    const unsigned long long version = object->version;

    if (got->n_errors > 0) {
        /* It said nothing about the request, and a forbid might have been meant. */
        determine(out, object, got->errors, got->n_errors);
        return why_say(why, ERR_EVALUATION, "\"%.*s\" version %llu: %.*s failed at %u:%u: %s",
                       TERM_ARG(object->alias), version, TERM_ARG(out->determining[0].name),
                       place.line, place.column, cedar_fault_text(got->fault));
    }
    determine(out, object, got->reasons, got->n_reasons);
    out->fresh_ms = window_of(object, got->reasons, got->n_reasons);
    if (got->n_reasons > 0)
        return why_say(why, ERR_DENIED, "\"%.*s\" version %llu forbids it: %.*s",
                       TERM_ARG(object->alias), version, TERM_ARG(out->determining[0].name));
    return why_say(why, ERR_DENIED, "\"%.*s\" version %llu permits nothing that fits",
                   TERM_ARG(object->alias), version);
}

/* window: after a permit no more than what its policies say. */
static err_code ask_cedar(const struct policy_object *object, struct question *question,
                          struct answer *out, uint32_t *window, struct why *why)
{
    struct cedar_answer got;
    err_code err =
        why_reading(why, question_ask(question, object->rules, &got, why), "\"%.*s\" version %llu",
                    TERM_ARG(object->alias), (unsigned long long)object->version);

    if (err == ERR_OK && got.decision == CEDAR_PERMIT) {
        const uint32_t own = window_of(object, got.reasons, got.n_reasons);
        *window = own < *window ? own : *window;
        determine(out, object, got.reasons, got.n_reasons);
        return ERR_OK;
    }
    out->n_determining = 0; /* what permitted before this one does not matter any more */
    return err != ERR_OK ? err : denied(object, &got, out, why);
}

/* Everything that must hold before a policy is asked. */
static err_code prepare(const struct in_force *force, const struct asked *asked, int64_t now,
                        struct answer *out, struct why *why)
{
    TRY(fresh_snapshot(force->snapshot, now, why));
    TRY(fresh_root(force->root, now, why));
    TRY(aliases_exist(force, asked, why));
    return candidates(force, asked, out, why);
}

/* Asks what covers the request, one after the other; the first objection decides. */
static err_code ask_all(const struct in_force *force, struct question *question, int64_t now,
                        struct answer *out, struct why *why)
{
    const struct fresh_state fresh = {force->root, force->snapshot, now};
    uint32_t window = out->n_policies > 0 ? CEDAR_WINDOW_MAX_MS : 0;

    for (size_t i = 0; i < out->n_policies; i++) {
        err_code err = fresh_object(&fresh, out->policies[i], why);
        if (err != ERR_OK) {
            out->n_determining = 0; /* what permitted before this one does not matter any more */
            return err;
        }
        TRY(ask_cedar(out->policies[i], question, out, &window, why));
    }
    out->fresh_ms = window; /* nobody objected */
    return ERR_OK;
}

struct gate_facts in_force_facts_for(const struct in_force *force, const struct agent_facts *agent,
                                     int64_t now)
{
    struct gate_facts ret = {.now = now,
                             .epoch = force->snapshot->epoch,
                             .domain = force->snapshot->domain,
                             .gate = force->gate,
                             .zone = force->zone};

    if (agent == NULL)
        return ret;
    ret.enrolled = true;
    ret.parent = agent->parent;
    if (agent->zone.len > 0)
        ret.zone = agent->zone;
    return ret;
}

struct gate_facts in_force_facts(const struct in_force *force, int64_t now)
{
    return in_force_facts_for(force, NULL, now);
}

static err_code decide(const struct in_force *force, const struct request *request,
                       const struct agent_facts *agent, int64_t now, struct answer *out,
                       struct why *why)
{
    CLEANUP(question_free) struct question *question = NULL;
    const struct gate_facts facts = in_force_facts_for(force, agent, now);
    struct asked asked = {.request = request, .zone = facts.zone};

    if (agent != NULL && !slice_eq(agent->id, request->subject_id))
        return why_say(why, ERR_SUBJECT_MISMATCH, "agent \"%.*s\" asks as \"%.*s\"",
                       TERM_ARG(agent->id), TERM_ARG(request->subject_id));
    if (agent != NULL)
        asked.agent = *agent;
    TRY(question_make(request, &facts, &question, why));
    question_lend(question, force->worker);
    TRY(prepare(force, &asked, now, out, why));
    return ask_all(force, question, now, out, why);
}

void evaluate(const struct in_force *force, const struct request *request, int64_t now,
              struct answer *ret)
{
    evaluate_for(force, request, NULL, now, ret);
}

void evaluate_for(const struct in_force *force, const struct request *request,
                  const struct agent_facts *agent, int64_t now, struct answer *ret)
{
    struct why why = {0};

    *ret = (struct answer){0};
    ret->reason = decide(force, request, agent, now, ret, &why);
    if (ret->reason != ERR_OK && why.code == ret->reason)
        ret->why = why;
    /* The one place where a permit comes from: somebody was asked, and nobody objected. */
    ret->permit = ret->reason == ERR_OK && ret->n_policies > 0;
}
