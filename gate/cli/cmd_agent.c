/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_agent.c: pawl agent: the agents that this gate knows, enrolled and removed on record. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/decide/agent.h"
#include "gate/decide/gate_ledger.h"
#include "gate/decide/manage.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
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

#define WHO_TEXT (RECORD_CGROUP_MAX + 48)

/* "uid 1000 in /a/b", "-". */
static void processes(const json_t *agent, char ret[static WHO_TEXT])
{
    bool has_uid = json_object_get(agent, "uid") != NULL;
    const char *cgroup = get_text(agent, "cgroup");
    char uid[32] = "";

    if (has_uid)
        (void)snprintf(uid, sizeof uid, "uid %llu", get_uint(agent, "uid"));
    (void)snprintf(ret, WHO_TEXT, "%s%s%s%s", uid, has_uid && cgroup[0] != '\0' ? " " : "",
                   cgroup[0] != '\0' ? "in " : "", cgroup);
    if (ret[0] == '\0')
        (void)snprintf(ret, WHO_TEXT, "-");
}

static void say_if(struct call *call, const char *what, const char *text)
{
    if (text[0] != '\0')
        say(call, "  %-10s %s", what, text);
}

static void say_agent(struct call *call)
{
    const json_t *agent = call->json, *aliases = json_object_get(agent, "aliases");
    char who[WHO_TEXT];

    processes(agent, who);
    say_if(call, "name", get_text(agent, "name"));
    say(call, "  %-10s %s", "processes", who);
    for (size_t i = 0; i < json_array_size(aliases); i++)
        say_if(call, i == 0 ? "aliases" : "", json_string_value(json_array_get(aliases, i)));
    say_if(call, "zone", get_text(agent, "zone"));
    say_if(call, "parent", get_text(agent, "parent"));
    say(call, "  %-10s %s by uid %llu, ledger entry %llu", "enrolled", get_text(agent, "since"),
        get_uint(agent, "admin"), get_uint(agent, "ledger_index"));
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
static void warn_of_aliases(struct call *call)
{
    const json_t *list = json_object_get(call->json, "aliases_without_policy");

    for (size_t i = 0; i < json_array_size(list); i++)
        say(call, "  No policy \"%s\" is in force: until one is, all is denied.",
            json_string_value(json_array_get(list, i)));
}

static bool put_given(json_t *json, const char *key, struct slice text)
{
    return text.len == 0 ||
           json_object_set_new(json, key, json_stringn((const char *)text.ptr, text.len)) == 0;
}

/* What agent_from_json() reads. NULL: a text is not UTF-8, or no memory. Owns: json_decref(). */
static json_t *agent_wish(const struct record_agent *agent)
{
    json_t *json = json_object(), *aliases = json_array();
    bool good = put_given(json, "id", agent->id) && put_given(json, "name", agent->name) &&
                put_given(json, "cgroup", agent->cgroup) && put_given(json, "zone", agent->zone) &&
                put_given(json, "parent", agent->parent);

    if (agent->has_uid)
        good = good && json_object_set_new(json, "uid", json_integer((json_int_t)agent->uid)) == 0;
    for (size_t i = 0; i < agent->n_aliases; i++)
        good =
            good && json_array_append_new(aliases, json_stringn((const char *)agent->aliases[i].ptr,
                                                                agent->aliases[i].len)) == 0;
    good = json_object_set_new(json, "aliases", aliases) == 0 && good;
    if (good)
        return json;
    json_decref(json);
    return NULL;
}

static err_code enrol_there(struct call *call, struct pawl_conn *service,
                            const struct record_agent *agent)
{
    json_t *wish = agent_wish(agent);
    char *text = wish == NULL ? NULL : json_dumps(wish, JSON_COMPACT);
    struct service_ask ask = {.method = "POST", .path = "/v1/agents", .type = "application/json"};
    err_code err;

    json_decref(wish);
    if (text == NULL)
        return why_say(&call->why, ERR_FORMAT, "a text that is not UTF-8");
    ask.body = slice_str(text);
    err = service_ask(call, service, &ask);
    free(text);
    return err;
}

static err_code enrol_here(struct call *call, const struct record_agent *agent)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    struct manage manage = {.json = call->json};

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    manage.gate = gate;
    return manage_enrol(&manage, agent, &call->why);
}

static err_code enrol_run(struct call *call)
{
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;
    struct record_agent agent;

    TRY(read_agent(call->args, &agent, &call->why));
    TRY(service_find(call, false, &service));
    TRY(service != NULL ? enrol_there(call, service, &agent) : enrol_here(call, &agent));
    say(call, "Enrolled agent \"%s\".", get_text(call->json, "id"));
    say_agent(call);
    warn_of_aliases(call);
    say_published(call);
    return ERR_OK;
}

static bool stays_itself(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
}

/* RFC 3986 2.1. */
static err_code agent_path(const char *id, struct buf *ret)
{
    TRY(buf_add_str(ret, "/v1/agents/"));
    for (; *id != '\0'; id++) {
        char octet[4];
        (void)snprintf(octet, sizeof octet, "%%%02X", (unsigned)(unsigned char)*id);
        TRY(stays_itself(*id) ? buf_add_u8(ret, (uint8_t)*id) : buf_add_str(ret, octet));
    }
    return buf_terminate(ret);
}

static err_code remove_there(struct call *call, struct pawl_conn *service, const char *id)
{
    CLEANUP(buf_free) struct buf path = {0};
    struct service_ask ask = {.method = "DELETE"};

    if (id[0] == '\0' || strlen(id) > RECORD_NAME_MAX)
        return why_say(&call->why, ERR_NOT_FOUND, "no agent \"%.64s\" is enrolled", id);
    TRY(agent_path(id, &path));
    ask.path = (const char *)path.ptr;
    return service_ask(call, service, &ask);
}

static err_code remove_here(struct call *call, const char *id)
{
    CLEANUP(gate_close) struct gate *gate = NULL;
    struct manage manage = {.json = call->json};

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    manage.gate = gate;
    return manage_remove(&manage, slice_str(id), getuid(), &call->why);
}

static err_code remove_run(struct call *call)
{
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;
    const char *id = call->args->plain[0];

    TRY(service_find(call, false, &service));
    TRY(service != NULL ? remove_there(call, service, id) : remove_here(call, id));
    say(call, "Removed agent \"%s\", ledger entry %llu.", get_text(call->json, "id"),
        get_uint(call->json, "ledger_index"));
    say_published(call);
    return ERR_OK;
}

/* ---- list, show: what the ledger says, also while pawld writes it -----------------------------
 */

static void say_list(struct call *call, const json_t *list)
{
    if (json_array_size(list) == 0)
        say(call, "No agent is enrolled.");
    else
        say(call, "%-24s %-32s %-12s %-16s %s", "AGENT", "PROCESSES", "ZONE", "PARENT", "NAME");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *agent = json_array_get(list, i);
        char who[WHO_TEXT];

        processes(agent, who);
        say(call, "%-24s %-32s %-12s %-16s %s", get_text(agent, "id"), who, get_text(agent, "zone"),
            get_text(agent, "parent"), get_text(agent, "name"));
    }
}

static err_code list_run(struct call *call)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    json_t *list = put_array(call->json, "agents");
    const struct roster *roster;

    TRY(gate_ledger_open(call->state_dir, LEDGER_READ, &ledger, &call->why));
    roster = ledger_roster(ledger);
    for (size_t i = 0; i < roster->n; i++)
        if (json_array_append_new(list, agent_json(roster->list[i])) != 0)
            return ERR_NO_MEMORY;
    say_list(call, list);
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
    say_agent(call);
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
