/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/serve.h"

#include "gate/decide/gate_head.h"

#include <stdlib.h>

err_code serve_policy_state(const struct judged *judged, size_t i, int64_t now, struct why *why)
{
    const struct fresh_state state = {judged->newest, &judged->snapshot, now};

    return fresh_object(&state, &judged->policies[i], why);
}

/* The policies in force and their states, of this gate's zone. */
struct standing {
    const struct judged *judged;
    struct slice zone;
    err_code *states;
};

static void standing_free(struct standing *standing)
{
    free(standing->states);
}

/* Everybody is an agent that no list names: one that only policies for any agent cover. */
static const struct slice EVERYBODY = {0};

/* Does no policy that would deny stand in the way of this agent and class? */
static bool unopposed(const struct standing *s, enum policy_action action, struct slice agent)
{
    for (size_t i = 0; i < s->judged->snapshot.n_policies; i++)
        if (s->states[i] != ERR_OK &&
            policy_covers(&s->judged->policies[i], action, agent, s->zone))
            return false;
    return true;
}

/* Is there a request that this policy covers, here, and no policy that would deny does? */
static bool can_permit(const struct standing *s, const struct policy_object *object)
{
    const struct term_list *agents = &object->agents;

    for (enum policy_action action = ACTION_NONE + 1; action < ACTION_END; action++)
        for (size_t i = 0; i == 0 || i < agents->n; i++) {
            struct slice agent = agents->n > 0 ? agents->items[i] : EVERYBODY;
            if (policy_covers(object, action, agent, s->zone) && unopposed(s, action, agent))
                return true;
        }
    return false;
}

/* Does the policy say anything about this gate's zone? */
static bool is_here(const struct policy_object *object, struct slice zone)
{
    struct slice agent = object->agents.n > 0 ? object->agents.items[0] : EVERYBODY;

    for (enum policy_action action = ACTION_NONE + 1; action < ACTION_END; action++)
        if (policy_covers(object, action, agent, zone))
            return true;
    return false;
}

/* OK if something may be permitted now; else why the first policy in the way may not. */
static err_code some_policy(const struct gate *gate, struct why *why)
{
    const struct judged *judged = &gate->installed.judged;
    size_t n = judged->snapshot.n_policies;
    CLEANUP(standing_free)
    struct standing s = {judged, gate->enrolment.zone, calloc(n + 1, sizeof *s.states)};
    err_code first = ERR_OK;

    if (s.states == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct why own = {0};
        s.states[i] = serve_policy_state(judged, i, gate->now, &own);
        if (first == ERR_OK && is_here(&judged->policies[i], s.zone)) {
            first = s.states[i];
            *why = own;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (s.states[i] == ERR_OK && can_permit(&s, &judged->policies[i]))
            return ERR_OK;
    if (first != ERR_OK)
        return first;
    if (n == 0)
        return why_say(why, ERR_NO_POLICY, "the snapshot of epoch %llu is empty",
                       (unsigned long long)judged->snapshot.epoch);
    return why_say(why, ERR_NO_POLICY, "none of %zu policies of epoch %llu is for zone \"%.*s\"", n,
                   (unsigned long long)judged->snapshot.epoch, TERM_ARG(s.zone));
}

err_code serve_state(struct gate *gate, const struct ledger *ledger, struct hw_kept *ret_kept,
                     struct why *why)
{
    const struct snapshot *snapshot = &gate->installed.judged.snapshot;

    *ret_kept = (struct hw_kept){0};
    TRY(gate_current(gate, why));
    if (ledger != NULL)
        TRY(gate_head_check(gate, ledger, ret_kept, why));
    if (ledger != NULL)
        TRY(ledger_ready(ledger, gate->now_ms, gate->epoch, &snapshot->digest, why));
    TRY(fresh_snapshot(snapshot, gate->now, why));
    TRY(fresh_root(gate->installed.judged.newest, gate->now, why));
    TRY(some_policy(gate, why));
    return gate->hw->ops->begin(gate->hw, why);
}
