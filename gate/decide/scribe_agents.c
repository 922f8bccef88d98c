/* SPDX-License-Identifier: Apache-2.0 */
/* scribe_agents.c: puts it on record that an agent is enrolled, or removed. */
#include "gate/decide/scribe_state.h"

static void fill_agent(const void *from, struct record *record)
{
    record->agent = *(const struct record_agent *)from;
}

/* Each alias once, in the order of a record. */
static void sort_aliases(struct record_agent *agent)
{
    size_t n = 0;

    for (size_t i = 0; i < agent->n_aliases; i++) {
        struct slice alias = agent->aliases[i];
        size_t at = n;

        while (at > 0 && slice_cmp(agent->aliases[at - 1], alias) > 0)
            at--;
        if (at > 0 && slice_eq(agent->aliases[at - 1], alias))
            continue;
        for (size_t k = n++; k > at; k--)
            agent->aliases[k] = agent->aliases[k - 1];
        agent->aliases[at] = alias;
    }
    agent->n_aliases = n;
}

err_code scribe_enrol(struct scribe *scribe, const struct record_agent *agent, uint64_t now_ms,
                      uint64_t *ret_index, struct why *why)
{
    struct record_agent sorted = *agent;
    const struct own_record own = {RECORD_AGENT_ENROL, fill_agent, &sorted};

    if (agent->n_aliases > RECORD_ALIASES_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu aliases, the limit is %d", agent->n_aliases,
                       RECORD_ALIASES_MAX);
    sort_aliases(&sorted);
    TRY(roster_admits(ledger_roster(scribe->ledger), &sorted, why));
    return scribe_own_round(scribe, &own, now_ms, ret_index, why);
}

err_code scribe_remove(struct scribe *scribe, struct slice id, uint64_t admin, uint64_t now_ms,
                       uint64_t *ret_index, struct why *why)
{
    const struct record_agent agent = {.id = id, .admin = admin};
    const struct own_record own = {RECORD_AGENT_REMOVE, fill_agent, &agent};

    TRY(roster_releases(ledger_roster(scribe->ledger), id, why));
    return scribe_own_round(scribe, &own, now_ms, ret_index, why);
}
