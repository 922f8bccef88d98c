/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c: pawl check: may this action happen, now? */
#include "gate/base/text.h"
#include "gate/cli/check_answer.h"
#include "gate/cli/explain.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/decide/agent.h"
#include "gate/decide/answer_json.h"
#include "gate/decide/manage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct opt OPTIONS[] = {
    {"agent", 'a', OPT_VALUE, "ID", "who asks: an id, or TYPE::ID (default type: agent)"},
    {"action", 0, OPT_VALUE, "NAME", "name of the action"},
    {"class", 0, OPT_VALUE, "CLASS", "execute, mutate, delegate or propagate"},
    {"resource", 'r', OPT_VALUE, "TYPE::ID", "on what"},
    {"properties", 0, OPT_VALUE, "JSON", "attributes of the resource, as a JSON object"},
    {"context", 0, OPT_VALUE, "JSON", "what else the policies may ask about, as a JSON object"},
    {"policy", 0, OPT_LIST, "ALIAS", "a policy that must be in force and cover the request"},
    {"output", 'o', OPT_VALUE, "FILE", "write the permit, or the denial in the same form, here"},
    {"explain", 0, OPT_FLAG, NULL, "say of every policy whether it matched, and what decided"},
    {0},
};

/* Splits "TYPE::ID" at the first "::" whose right side is the id; the type may have namespaces if
 * the id is quoted: TYPE::NAME::"id". */
static err_code split(const char *text, const char *fallback, char *type, size_t size,
                      const char **id, struct why *why)
{
    const char *at = strstr(text, "::");
    const char *quote = strstr(text, "::\"");

    if (quote != NULL)
        at = quote;
    if (at == NULL && fallback == NULL)
        return why_say(why, ERR_USAGE, "\"%s\" is not TYPE::ID", text);
    if (at == NULL) {
        (void)snprintf(type, size, "%s", fallback);
        *id = text;
        return ERR_OK;
    }
    if ((size_t)(at - text) >= size)
        return why_say(why, ERR_USAGE, "the type in \"%s\" is too long", text);
    memcpy(type, text, (size_t)(at - text));
    type[at - text] = '\0';
    *id = at + 2;
    return ERR_OK;
}

/* Takes one pair of quotes away; ret holds the id then. */
static const char *unquote(const char *id, struct buf *ret)
{
    size_t len = strlen(id);

    if (len < 2 || id[0] != '"' || id[len - 1] != '"')
        return id;
    if (buf_add(ret, id + 1, len - 2) != ERR_OK || buf_terminate(ret) != ERR_OK)
        return id;
    return (const char *)ret->ptr;
}

static err_code from_flags(struct call *call, struct request *ret)
{
    CLEANUP(buf_free) struct buf agent_id = {0}, resource_id = {0};
    const struct args *args = call->args;
    const char *aliases[REQUEST_ALIASES_MAX + 1] = {0};
    char agent_type[128], resource_type[128];
    struct request_flags flags = {
        .subject_type = agent_type,
        .action = args_value(args, "action", NULL),
        .class_ = args_value(args, "class", NULL),
        .resource_type = resource_type,
        .aliases = aliases,
        .context = args_value(args, "context", NULL),
        .properties = args_value(args, "properties", NULL),
    };
    const char *agent = args_value(args, "agent", NULL),
               *resource = args_value(args, "resource", NULL);

    if (agent == NULL || flags.action == NULL || flags.class_ == NULL || resource == NULL)
        return why_say(
            &call->why, ERR_USAGE,
            "--agent, --action, --class and --resource are needed, or \"-\" for JSON on stdin");
    TRY(split(agent, "agent", agent_type, sizeof agent_type, &flags.subject_id, &call->why));
    TRY(split(resource, NULL, resource_type, sizeof resource_type, &flags.resource_id, &call->why));
    flags.subject_id = unquote(flags.subject_id, &agent_id);
    flags.resource_id = unquote(flags.resource_id, &resource_id);
    for (size_t i = 0; args_list(args, "policy", i) != NULL; i++) {
        if (i == REQUEST_ALIASES_MAX)
            return why_say(&call->why, ERR_USAGE, "more than %d policies", REQUEST_ALIASES_MAX);
        aliases[i] = args_list(args, "policy", i);
    }
    return request_from_flags(&flags, ret, &call->why);
}

static err_code read_request(struct call *call, struct request *ret)
{
    CLEANUP(buf_free) struct buf text = {0};

    if (call->args->n_plain == 0)
        return from_flags(call, ret);
    if (call->args->n_given > 0 && (args_value(call->args, "agent", NULL) != NULL ||
                                    args_value(call->args, "action", NULL) != NULL))
        return why_say(&call->why, ERR_USAGE,
                       "a request comes from flags or from JSON, not from both");
    TRY(file_read(call->args->plain[0], REQUEST_SIZE_MAX, &text, &call->why));
    return request_parse(buf_slice(&text), ret, &call->why);
}

/* What every object that was asked says; nothing where the request did not get that far. */
static err_code explain_all(struct call *call, const struct gate_facts *facts,
                            const struct request *request, const struct answer *answer)
{
    CLEANUP(question_free) struct question *question = NULL;
    json_t *list = put_array(call->json, "explanation");

    TRY(question_make(request, facts, &question, &call->why));
    for (size_t i = 0; i < answer->n_policies; i++) {
        const struct policy_object *object = answer->policies[i];
        struct why why = {0};
        err_code err = explain(call, list, object->alias, object->rules, question);
        if (err == ERR_REQUEST_INVALID || err == ERR_CEDAR_STEPS) {
            json_t *entry = add_object(list);
            put_slice(entry, "from", object->alias);
            put_text(entry, "outcome", err_name(err));
            put_text(entry, "detail", call->why.text);
            say(call, "%.*s: %s", TERM_ARG(object->alias), call->why.text);
            call->why = why;
            continue;
        }
        TRY(err);
    }
    return ERR_OK;
}

/* A decision that is recorded must not be lost to a mistyped path. */
static err_code may_write(const char *path, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return why_errno(why, EISDIR, "write", path);
    TRY(buf_add(&dir, slash == NULL ? "." : path,
                slash == NULL || slash == path ? 1 : (size_t)(slash - path)));
    TRY(buf_terminate(&dir));
    if (faccessat(AT_FDCWD, (const char *)dir.ptr, W_OK | X_OK, AT_EACCESS) != 0)
        return why_errno(why, errno, "write into", (const char *)dir.ptr);
    return ERR_OK;
}

/* The gate is opened here, and decides in this process. */
static err_code check_here(struct call *call, const struct request *request)
{
    CLEANUP(check_answer_free) struct check_answer told = {0};
    CLEANUP(gate_close) struct gate *gate = NULL;
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    CLEANUP(docket_free) struct docket docket = {0};
    static struct answer answer;
    struct in_force force;
    struct gate_facts facts;
    struct agent_facts known;
    const struct agent_facts *agent;

    TRY(gate_open_live(call->state_dir, call->clock_ms, &gate, &call->why));
    TRY(gate_current(gate, &call->why));
    force = gate_in_force(gate);
    TRY(scribe_open(gate, &scribe, &call->why));
    scribe_last(scribe);
    TRY(scribe_attempt(scribe, request, gate->now_ms, &docket, &call->why));
    agent = agent_facts_of(ledger_enrolled(scribe_ledger(scribe), request->subject_id), &known);
    facts = in_force_facts_for(&force, agent, gate->now);
    evaluate_for(&force, request, agent, gate->now, &answer);
    TRY(scribe_decision(scribe, &docket, &answer, gate->now_ms, &call->why));
    TRY(scribe_finish(scribe, &docket, 1, gate->now_ms, &call->why));
    told = (struct check_answer){.permit = answer.permit,
                                 .reason = answer.reason,
                                 .context = answer_context(gate, &answer, &docket),
                                 .permit_file = buf_take(&docket.permit)};
    TRY(check_tell(call, &told));
    manage_publish(call->json, scribe);
    say_published(call);
    if (args_flag(call->args, "explain") && answer.n_policies > 0)
        TRY(explain_all(call, &facts, request, &answer));
    return ERR_OK;
}

static err_code run(struct call *call)
{
    CLEANUP(request_free) struct request request = {0};
    CLEANUP(check_answer_free) struct check_answer told = {0};
    CLEANUP(pawl_close) struct pawl_conn *service = NULL;
    const char *output = args_value(call->args, "output", NULL);

    TRY(read_request(call, &request));
    if (output != NULL)
        TRY(may_write(output, &call->why));
    TRY(service_find(call, true, &service));
    if (service == NULL)
        return check_here(call, &request);
    if (args_flag(call->args, "explain"))
        return why_say(&call->why, ERR_USAGE,
                       "--explain needs the gate itself, which the service has: stop it, or use "
                       "pawl policy test");
    TRY(check_ask_service(call, service, &request, &told));
    return check_tell(call, &told);
}

const struct verb VERB_CHECK = {
    .name = "check",
    .arguments = "[FILE | -]",
    .summary =
        "ask whether an action is allowed; the answer is recorded and signed by the hardware",
    .details = "The request comes from the flags, or as an AuthZEN evaluation request in JSON from "
               "FILE or\n"
               "standard input (-). While pawld serves the gate it is asked. Exit code 0: "
               "permitted. 10: denied by policy. Other codes: "
               "docs/errors.md;\n"
               "every one of them means that the action must not happen.",
    .opts = OPTIONS,
    .most = 1,
    .run = run,
};
