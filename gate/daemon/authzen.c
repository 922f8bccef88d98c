/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/authzen.h"

#include "gate/base/text.h"
#include "gate/daemon/note.h"

#include "gate/base/text.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct authzen {
    struct event_base *base;
    struct keeper *keeper;
    struct registry *registry;
    uint64_t (*clock_ms)(void);
    const char *class_;
    struct noter noter;
    bool stopping;
    size_t waiting; /* callers without an answer */
    size_t bytes;   /* of the bodies of demands that did not come back yet */
};

/* One question, from its arrival until the keeper gives the demand back; its caller may have gone
 * with DEADLINE before that. */
struct ask {
    struct authzen *authzen;
    struct http_call *call; /* NULL: answered */
    struct event *deadline;
    bool single, permits;
    size_t bytes;
    struct note note;
};

static void ask_free(struct ask **ask)
{
    struct ask *a = *ask;

    if (a == NULL)
        return;
    if (a->deadline != NULL)
        event_free(a->deadline);
    free(a);
    *ask = NULL;
}

/* ---- who ------------------------------------------------------------------------------------- */

static err_code is_himself(struct registry *registry, const struct caller *caller,
                           const struct request *request, struct known *ret, struct why *why)
{
    CLEANUP(known_free) struct known known = {0};

    TRY(registry_whose(registry, caller, &known, why));
    if (!slice_eq(request->subject_id, known.enrolled->id))
        return why_say(why, ERR_SUBJECT_MISMATCH,
                       "the caller is agent \"%.*s\", the subject is \"%.*s\"",
                       TERM_ARG(known.enrolled->id), TERM_ARG(request->subject_id));
    *ret = known;
    known = (struct known){0}; /* transferred */
    return ERR_OK;
}

static err_code for_anybody(struct registry *registry, const struct request *request,
                            struct known *ret, struct why *why)
{
    struct why own = {0};
    err_code err = registry_named(registry, request->subject_id, ret, &own);

    if (err == ERR_OK || err == ERR_AGENT_UNKNOWN)
        return ERR_OK;
    *why = own;
    return err;
}

err_code authzen_may_ask(struct registry *registry, const struct caller *caller,
                         const struct request *request, struct known *ret, struct why *why)
{
    switch (caller->kind) {
    case CALLER_NONE:
        return why_say(why, ERR_CALLER_REFUSED, "nobody knows who asks");
    case CALLER_AGENT:
        return is_himself(registry, caller, request, ret, why);
    case CALLER_ENFORCEMENT:
    case CALLER_ADMIN:
        return for_anybody(registry, request, ret, why);
    }
    return ERR_CALLER_REFUSED;
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool is_not_now(err_code err)
{
    return err == ERR_OVERLOADED || err == ERR_STOPPING || err == ERR_DEADLINE;
}

static void end_call(struct ask *ask, const struct demand *demand)
{
    struct http_call *call = ask->call;

    ask->call = NULL;
    ask->authzen->waiting--;
    if (is_not_now(demand->refused))
        http_refuse(call, 503, demand->refused, &demand->refused_why);
    else
        http_answer(call, 200, authzen_answer(demand, ask->single, ask->permits));
}

static void done(struct demand *demand)
{
    struct ask *ask = demand->ctx;

    if (!is_not_now(demand->refused))
        note_verdicts(&ask->authzen->noter, &ask->note, demand, ask->call != NULL);
    if (ask->call != NULL)
        end_call(ask, demand);
    ask->authzen->bytes -= ask->bytes;
    ask_free(&ask);
    demand_free(&demand);
}

/* The keeper has the demand still, and gives it back when it can. */
static void too_late(evutil_socket_t fd, short what, void *arg)
{
    struct ask *ask = arg;
    struct http_call *call = ask->call;
    struct why why = {0};

    (void)fd;
    (void)what;
    if (call == NULL)
        return;
    ask->call = NULL;
    ask->authzen->waiting--;
    (void)why_say(&why, ERR_DEADLINE, "neither hardware nor ledger answered within the deadline");
    http_refuse(call, 503, ERR_DEADLINE, &why);
}

/* ---- questions ------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static err_code deadline_of(const struct http_call *call, uint64_t *ret, struct why *why)
{
    const char *text = http_header(call, "X-Pawl-Deadline-Ms");

    *ret = AUTHZEN_DEADLINE_MS;
    if (text == NULL)
        return ERR_OK;
    if (number_parse(text, AUTHZEN_DEADLINE_MAX_MS, ret) == ERR_OK && *ret > 0)
        return ERR_OK;
    return why_say(why, ERR_REQUEST_MALFORMED, "X-Pawl-Deadline-Ms is not a number from 1 to %d",
                   AUTHZEN_DEADLINE_MAX_MS);
}

static err_code admit(const struct authzen *authzen, const struct http_call *call, struct why *why)
{
    if (!http_is_type(call, "application/json"))
        return why_say(why, ERR_REQUEST_MALFORMED, "Content-Type is not application/json");
    if (authzen->stopping)
        return why_say(why, ERR_STOPPING, "no request is taken any more");
    if (authzen->bytes + http_body(call).len > AUTHZEN_WAITING_MAX)
        return why_say(why, ERR_OVERLOADED, "%zu bytes of requests wait, the limit is %zu",
                       authzen->bytes, AUTHZEN_WAITING_MAX);
    return ERR_OK;
}

/* What the caller may not ask is an item that failed; alone it is the whole answer. */
static err_code look_at_subjects(struct registry *registry, const struct caller *caller,
                                 struct demand *demand, bool single, struct why *why)
{
    for (size_t i = 0; i < demand->n_items; i++) {
        struct demand_item *item = &demand->items[i];
        if (item->malformed == ERR_OK)
            item->malformed = authzen_may_ask(registry, caller, &item->request, &item->known,
                                              &item->malformed_why);
    }
    if (!single || demand->items[0].malformed == ERR_OK)
        return ERR_OK;
    *why = demand->items[0].malformed_why;
    return demand->items[0].malformed;
}

static err_code ask_new(struct authzen *authzen, struct http_call *call, uint64_t ms,
                        struct ask **ret)
{
    const struct timeval until = {.tv_sec = (time_t)(ms / 1000),
                                  .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    CLEANUP(ask_free) struct ask *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->authzen = authzen;
    out->call = call;
    out->permits = http_caller(call)->kind != CALLER_AGENT;
    out->bytes = http_body(call).len;
    note_take(&out->note, call);
    out->deadline = event_new(authzen->base, -1, 0, too_late, out);
    if (out->deadline == NULL || event_add(out->deadline, &until) != 0)
        return ERR_NO_MEMORY;
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

/* On success the keeper has the demand, and the demand has the question. */
static err_code submit(struct authzen *authzen, struct http_call *call, bool batch, struct why *why)
{
    const struct authzen_body body = {http_body(call), batch, authzen->class_};
    CLEANUP(demand_free) struct demand *demand = NULL;
    CLEANUP(ask_free) struct ask *ask = NULL;
    uint64_t ms;
    bool single;

    TRY(admit(authzen, call, why));
    TRY(deadline_of(call, &ms, why));
    TRY(authzen_parse(&body, &demand, &single, why));
    TRY(look_at_subjects(authzen->registry, http_caller(call), demand, single, why));
    TRY(ask_new(authzen, call, ms, &ask));
    ask->single = single;
    demand->caller = strdup(http_caller(call)->key);
    if (demand->caller == NULL)
        return ERR_NO_MEMORY;
    demand->asked_ms = authzen->clock_ms();
    demand->due_ns = now_ns() + ms * 1000000u;
    demand->done = done;
    demand->ctx = ask;
    TRY(keeper_submit(authzen->keeper, demand, why));
    authzen->waiting++;
    authzen->bytes += ask->bytes;
    ask = NULL;
    demand = NULL; /* both transferred */
    return ERR_OK;
}

static void take(struct http_call *call, struct authzen *authzen, bool batch)
{
    struct why why = {0};
    err_code err = submit(authzen, call, batch, &why);

    if (err != ERR_OK)
        http_refuse(call, http_status(err), err, &why);
}

static void evaluation(struct http_call *call, void *ctx)
{
    take(call, ctx, false);
}

static void evaluations(struct http_call *call, void *ctx)
{
    take(call, ctx, true);
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* The host as the caller knows it: 9.1 wants the URL that was used. */
static const char *host_of(const struct http_call *call)
{
    const char *host = http_header(call, "Host");
    static const char SIGNS[] = "0123456789.-:[]"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    if (host == NULL || host[0] == '\0' || strlen(host) > 255 || host[strspn(host, SIGNS)] != '\0')
        return "localhost";
    return host;
}

static void configuration(struct http_call *call, void *ctx)
{
    const char *host = host_of(call);

    (void)ctx;
    http_answer(call, 200,
                json_pack("{s:s+, s:s++, s:s++}", "policy_decision_point", "https://", host,
                          "access_evaluation_endpoint", "https://", host, "/access/v1/evaluation",
                          "access_evaluations_endpoint", "https://", host,
                          "/access/v1/evaluations"));
}

/* ---- life ------------------------------------------------------------------------------------ */

err_code authzen_new(const struct authzen_options *options, struct authzen **ret)
{
    struct authzen *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    out->base = options->base;
    out->keeper = options->keeper;
    out->registry = options->registry;
    out->clock_ms = options->clock_ms;
    out->class_ = options->class_;
    out->noter = (struct noter){options->metrics, options->report, options->clock_ms};
    *ret = out;
    return ERR_OK;
}

void authzen_free(struct authzen **authzen)
{
    free(*authzen);
    *authzen = NULL;
}

err_code authzen_serve(struct authzen *authzen, struct http *http)
{
    static const struct http_route ROUTES[] = {
        {"/access/v1/evaluation", HTTP_POST, HTTP_ANYBODY, NULL, evaluation},
        {"/access/v1/evaluations", HTTP_POST, HTTP_ANYBODY, NULL, evaluations},
        {"/.well-known/authzen-configuration", HTTP_GET, HTTP_ANYBODY, NULL, configuration},
        {0},
    };

    return http_add(http, ROUTES, authzen);
}

void authzen_stop(struct authzen *authzen)
{
    authzen->stopping = true;
}

size_t authzen_waiting(const struct authzen *authzen)
{
    return authzen->waiting;
}
