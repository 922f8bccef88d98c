/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_agent.c: pawl agent: the agents that this gate knows, enrolled and removed on record. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/verbs.h"
#include "gate/decide/agent.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/scribe.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* ---- what is asked for ----------------------------------------------------------------------- */

static err_code read_uid(const char *text, uint64_t *ret, struct why *why)
{
    uint64_t uid = 0;
    size_t i = 0;

    for (; i < 10 && text[i] >= '0' && text[i] <= '9'; i++)
        uid = uid * 10 + (uint64_t)(text[i] - '0');
    if (i == 0 || text[i] != '\0' || uid > RECORD_UID_MAX)
        return why_say(why, ERR_USAGE, "--uid \"%s\" is no number of a user", text);
    *ret = uid;
    return ERR_OK;
}

static err_code find_user(const char *name, uint64_t *ret, struct why *why)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(name);
    if (user == NULL)
        return why_say(why, errno == 0 || errno == ENOENT ? ERR_NOT_FOUND : ERR_STORAGE,
                       "there is no user \"%s\" here", name);
    *ret = user->pw_uid;
    return ERR_OK;
}

static err_code take_user(const struct args *args, struct record_agent *ret, struct why *why)
{
    const char *uid = args_value(args, "uid", NULL), *user = args_value(args, "user", NULL);

    if (uid != NULL && user != NULL)
        return why_say(why, ERR_USAGE, "--uid and --user say the same");
    ret->has_uid = uid != NULL || user != NULL;
    if (uid != NULL)
        return read_uid(uid, &ret->uid, why);
    return user != NULL ? find_user(user, &ret->uid, why) : ERR_OK;
}

/* An empty value would be none: whoever gives one meant something else. */
static err_code take_text(const struct args *args, const char *option, struct slice *ret,
                          struct why *why)
{
    const char *text = args_value(args, option, NULL);

    if (text != NULL && text[0] == '\0')
        return why_say(why, ERR_USAGE, "--%s is empty", option);
    *ret = slice_str(text != NULL ? text : "");
    return ERR_OK;
}

static err_code read_agent(const struct args *args, struct record_agent *ret, struct why *why)
{
    const char *alias;

    *ret = (struct record_agent){.id = slice_str(args->plain[0]), .admin = getuid()};
    TRY(take_user(args, ret, why));
    TRY(take_text(args, "cgroup", &ret->cgroup, why));
    TRY(take_text(args, "zone", &ret->zone, why));
    TRY(take_text(args, "parent", &ret->parent, why));
    TRY(take_text(args, "name", &ret->name, why));
    for (size_t i = 0; (alias = args_list(args, "alias", i)) != NULL; i++) {
        if (i == RECORD_ALIASES_MAX)
            return why_say(why, ERR_USAGE, "more than %d aliases", RECORD_ALIASES_MAX);
        ret->aliases[ret->n_aliases++] = slice_str(alias);
    }
    return ERR_OK;
}

/* ---- what is there --------------------------------------------------------------------------- */

/* "uid 1000 in /a/b", "-". */
static void processes(const struct enrolled *e, char *ret, size_t size)
{
    char uid[32] = "";

    if (e->has_uid)
        (void)snprintf(uid, sizeof uid, "uid %llu", (unsigned long long)e->uid);
    (void)snprintf(ret, size, "%s%s%s%.*s", uid, e->has_uid && e->cgroup.len > 0 ? " " : "",
                   e->cgroup.len > 0 ? "in " : "", TERM_ARG(e->cgroup));
    if (ret[0] == '\0')
        (void)snprintf(ret, size, "-");
}

static void say_if(struct call *call, const char *what, struct slice text)
{
    if (text.len > 0)
        say(call, "  %-10s %.*s", what, TERM_ARG(text));
}

static void say_agent(struct call *call, const struct enrolled *e)
{
    char who[RECORD_CGROUP_MAX + 48], since[TIME_TEXT];

    processes(e, who, sizeof who);
    time_text((int64_t)(e->since_ms / 1000), since);
    say_if(call, "name", e->name);
    say(call, "  %-10s %s", "processes", who);
    for (size_t i = 0; i < e->n_aliases; i++)
        say_if(call, i == 0 ? "aliases" : "", e->aliases[i]);
    say_if(call, "zone", e->zone);
    say_if(call, "parent", e->parent);
    say(call, "  %-10s %s by uid %llu, ledger entry %llu", "enrolled", since,
        (unsigned long long)e->admin, (unsigned long long)e->entry);
}

static err_code put_agent(struct call *call, const struct enrolled *e)
{
    json_t *json = agent_json(e);
    bool good = json_object_update(call->json, json) == 0;

    json_decref(json);
    return good ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- enrol, remove --------------------------------------------------------------------------- */

/* Everything it asks is denied until they are. */
static void warn_of_aliases(struct call *call, const struct gate *gate, const struct enrolled *e)
{
    for (size_t i = 0; i < e->n_aliases; i++)
        if (snapshot_find(&gate->installed.judged.snapshot, e->aliases[i]) == NULL)
            say(call, "  No policy \"%.*s\" is in force: until one is, all is denied.",
                TERM_ARG(e->aliases[i]));
}

static err_code open_scribe(struct call *call, struct gate **ret_gate, struct scribe **ret)
{
    TRY(gate_open_live(call->state_dir, call->clock_ms, ret_gate, &call->why));
    TRY(gate_current(*ret_gate, &call->why));
    TRY(scribe_open(*ret_gate, ret, &call->why));
    scribe_last(*ret);
    return ERR_OK;
}

static err_code enrol_run(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    struct record_agent agent;
    const struct enrolled *e;
    uint64_t index;

    TRY(read_agent(call->args, &agent, &call->why));
    TRY(open_scribe(call, &gate, &scribe));
    TRY(scribe_enrol(scribe, &agent, gate->now_ms, &index, &call->why));
    e = ledger_enrolled(scribe_ledger(scribe), agent.id);
    if (e == NULL)
        return ERR_INTERNAL;
    TRY(put_agent(call, e));
    say(call, "Enrolled agent \"%.*s\".", TERM_ARG(e->id));
    say_agent(call, e);
    warn_of_aliases(call, gate, e);
    publish_ledger(call, scribe);
    return ERR_OK;
}

static err_code remove_run(struct call *call)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    const struct slice id = slice_str(call->args->plain[0]);
    uint64_t index;

    TRY(open_scribe(call, &gate, &scribe));
    TRY(scribe_remove(scribe, id, getuid(), gate->now_ms, &index, &call->why));
    put_slice(call->json, "id", id);
    put_uint(call->json, "ledger_index", index);
    say(call, "Removed agent \"%.*s\", ledger entry %llu.", TERM_ARG(id),
        (unsigned long long)index);
    publish_ledger(call, scribe);
    return ERR_OK;
}

/* ---- list, show ------------------------------------------------------------------------------ */

static err_code list_run(struct call *call)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    json_t *list = put_array(call->json, "agents");
    const struct roster *roster;

    TRY(gate_ledger_open(call->state_dir, LEDGER_READ, &ledger, &call->why));
    roster = ledger_roster(ledger);
    if (roster->n == 0)
        say(call, "No agent is enrolled.");
    else
        say(call, "%-24s %-32s %-12s %-16s %s", "AGENT", "PROCESSES", "ZONE", "PARENT", "NAME");
    for (size_t i = 0; i < roster->n; i++) {
        const struct enrolled *e = roster->list[i];
        char who[RECORD_CGROUP_MAX + 48];

        processes(e, who, sizeof who);
        say(call, "%-24.*s %-32s %-12.*s %-16.*s %.*s", TERM_ARG(e->id), who, TERM_ARG(e->zone),
            TERM_ARG(e->parent), TERM_ARG(e->name));
        if (json_array_append_new(list, agent_json(e)) != 0)
            return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

static err_code show_run(struct call *call)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    const char *id = call->args->plain[0];
    const struct enrolled *e;

    TRY(gate_ledger_open(call->state_dir, LEDGER_READ, &ledger, &call->why));
    e = ledger_enrolled(ledger, slice_str(id));
    if (e == NULL)
        return why_say(&call->why, ERR_NOT_FOUND, "no agent \"%s\" is enrolled", id);
    TRY(put_agent(call, e));
    say(call, "%.*s", TERM_ARG(e->id));
    say_agent(call, e);
    return ERR_OK;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static const struct opt ENROL_OPTIONS[] = {
    {"uid", 0, OPT_VALUE, "N", "it is the processes of this user"},
    {"user", 0, OPT_VALUE, "NAME", "the same, by the user's name"},
    {"cgroup", 0, OPT_VALUE, "PATH", "it is the processes in this control group, and below it"},
    {"alias", 0, OPT_LIST, "ALIAS", "a policy that all its requests have to pass"},
    {"zone", 0, OPT_VALUE, "NAME", "it stands in this zone, and not in the gate's"},
    {"parent", 0, OPT_VALUE, "NAME", "the enrolled agent that it belongs to"},
    {"name", 0, OPT_VALUE, "TEXT", "what people call it"},
    {0},
};

const struct verb VERB_AGENT_ENROL = {
    .name = "agent enrol",
    .arguments = "NAME",
    .summary = "make an agent known to this gate",
    .details = "NAME is the id of the subject in its requests. An agent with a user or a control\n"
               "group is the processes of that user in that group: the service knows it by them,\n"
               "and by nothing that it says. For one with neither, enforcement points ask.",
    .opts = ENROL_OPTIONS,
    .least = 1,
    .most = 1,
    .run = enrol_run,
};

const struct verb VERB_AGENT_LIST = {
    .name = "agent list",
    .arguments = "",
    .summary = "list the agents that are enrolled",
    .details = "What the ledger says, which \"pawl log verify\" judges.",
    .opts = NO_OPTIONS,
    .run = list_run,
};

const struct verb VERB_AGENT_SHOW = {
    .name = "agent show",
    .arguments = "NAME",
    .summary = "show how an agent is enrolled",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = show_run,
};

const struct verb VERB_AGENT_REMOVE = {
    .name = "agent remove",
    .arguments = "NAME",
    .summary = "forget an agent; agents that belong to it are removed before",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = remove_run,
};
