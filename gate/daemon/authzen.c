/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/authzen.h"

#include "gate/base/clock.h"
#include "gate/base/text.h"
#include "gate/daemon/identify.h"
#include "gate/daemon/note.h"
#include "gate/daemon/once.h"
#include "gate/daemon/shares.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct authzen {
    struct event_base *base;
    struct keeper *keeper;
    struct registry *registry;
    uint64_t (*clock_ms)(void);
    const char *class_;
    struct noter noter;
    struct strangers *strangers;
    struct once *once;
    bool stopping;
    size_t waiting;      /* callers without an answer */
    struct shares bytes; /* of the bodies of demands that did not come back yet */
};

/* One question, from its arrival until the keeper gives the demand back; its caller may have gone
 * with DEADLINE before that. Or one that repeats another and waits with it: until that is answered.
 */
struct ask {
    struct once_wait wait;    /* of one that waits with another; stands at the front */
    struct once_entry *entry; /* of its Idempotency-Key; NULL: it has none */
    bool waits;
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

/* ---- answers --------------------------------------------------------------------------------- */

static bool is_not_now(err_code err)
{
    return err == ERR_OVERLOADED || err == ERR_STOPPING || err == ERR_DEADLINE;
}

/* What everybody is told who asked this. */
struct outcome {
    const struct demand *demand;
    struct slice text; /* empty: there is no memory for it */
};

static void end_call(struct ask *ask, const struct outcome *outcome)
{
    const struct demand *demand = outcome->demand;
    struct http_call *call = ask->call;

    ask->call = NULL;
    ask->authzen->waiting--;
    if (is_not_now(demand->refused))
        http_refuse(call, 503, demand->refused, &demand->refused_why);
    else
        http_answer_bytes(call, outcome->text.len > 0 ? 200 : 503, "application/json",
                          outcome->text);
}

static void end_wait(struct once_wait *wait, void *ctx)
{
    struct ask *ask = (struct ask *)wait;

    end_call(ask, ctx);
    ask_free(&ask);
}

/* Whether a repetition may have the same answer: what it says is on record. */
static bool is_recorded(const struct demand *demand)
{
    size_t n = authzen_verdicts(demand), recorded = 0;

    if (demand->refused != ERR_OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (demand->items[i].malformed == ERR_OK && !demand->items[i].recorded)
            return false;
        recorded += demand->items[i].recorded;
    }
    return recorded > 0;
}

/* The epoch of what is on record, which is the same for all of it. */
static uint64_t epoch_of(const struct demand *demand)
{
    for (size_t i = 0; i < demand->n_items; i++)
        if (demand->items[i].recorded)
            return (uint64_t)json_integer_value(json_object_get(demand->items[i].context, "epoch"));
    return 0;
}

/* Empty: there is none, or nobody to take it. */
static struct buf text_of(const struct ask *ask, const struct demand *demand)
{
    CLEANUP(buf_free) struct buf text = {0};

    if (is_not_now(demand->refused) || (ask->call == NULL && ask->entry == NULL) ||
        authzen_answer(demand, ask->single, ask->permits, &text) != ERR_OK)
        return (struct buf){0};
    return buf_take(&text);
}

static void note_strangers(struct authzen *authzen, struct demand *demand)
{
    if (authzen->strangers != NULL)
        strangers_record(authzen->strangers, &demand->who, demand);
}

static void done(struct demand *demand)
{
    struct ask *ask = demand->ctx;
    CLEANUP(buf_free) struct buf text = text_of(ask, demand);
    struct outcome outcome = {demand, buf_slice(&text)};
    const struct once_given given = {epoch_of(demand), outcome.text};

    if (!is_not_now(demand->refused))
        note_verdicts(&ask->authzen->noter, &ask->note, demand, ask->call != NULL);
    if (ask->call != NULL)
        end_call(ask, &outcome);
    if (ask->entry != NULL)
        once_end(ask->authzen->once, ask->entry, clock_steady_ns(),
                 text.len > 0 && is_recorded(demand) ? &given : NULL, &outcome);
    note_strangers(ask->authzen, demand);
    shares_give_back(&ask->authzen->bytes, demand->caller, ask->bytes);
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
    if (ask->waits) {
        once_leave(ask->entry, &ask->wait);
        ask_free(&ask);
    }
    (void)why_say(&why, ERR_DEADLINE, "neither hardware nor ledger answered within the deadline");
    http_refuse(call, 503, ERR_DEADLINE, &why);
}

/* ---- questions ------------------------------------------------------------------------------- */

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
    if (!shares_may(&authzen->bytes, http_caller(call)->key, http_body(call).len))
        return why_say(why, ERR_OVERLOADED,
                       "%zu bytes of requests wait, and nobody may have more than is left of %zu",
                       authzen->bytes.all, authzen->bytes.most);
    return ERR_OK;
}

/* What the caller may not ask is an item that failed; alone it is the whole answer. */
static err_code look_at_subjects(struct registry *registry, const struct caller *caller,
                                 struct demand *demand, bool single, struct why *why)
{
    demand->who = *caller;
    identify_all(registry, demand);
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

/* A question, once it is known that it may be asked now. */
struct question {
    struct http_call *call;
    bool batch;
    uint64_t ms;              /* that the caller waits */
    struct once_entry *entry; /* it is the first with its Idempotency-Key; NULL: it has none */
};

/* On success the keeper has the demand, and the demand has the question. */
static err_code submit(struct authzen *authzen, const struct question *question, struct why *why)
{
    struct http_call *call = question->call;
    const struct authzen_body body = {http_body(call), question->batch, authzen->class_};
    CLEANUP(demand_free) struct demand *demand = NULL;
    CLEANUP(ask_free) struct ask *ask = NULL;
    err_code err;
    bool single;

    TRY(authzen_parse(&body, &demand, &single, why));
    err = look_at_subjects(authzen->registry, http_caller(call), demand, single, why);
    note_strangers(authzen, demand);
    TRY(err);
    TRY(ask_new(authzen, call, question->ms, &ask));
    ask->single = single;
    ask->entry = question->entry;
    demand->caller = strdup(http_caller(call)->key);
    if (demand->caller == NULL)
        return ERR_NO_MEMORY;
    demand->asked_ms = authzen->clock_ms();
    demand->due_ns = clock_steady_ns() + question->ms * 1000000u;
    demand->done = done;
    demand->ctx = ask;
    TRY(shares_take(&authzen->bytes, demand->caller, ask->bytes));
    err = keeper_submit(authzen->keeper, demand, why);
    if (err != ERR_OK) {
        shares_give_back(&authzen->bytes, demand->caller, ask->bytes);
        return err;
    }
    authzen->waiting++;
    ask = NULL;
    demand = NULL; /* both transferred */
    return ERR_OK;
}

/* All that the answer depends on, but for who asks: of an agent that is more than his user. */
static err_code digest_of(const struct question *question, struct digest *ret)
{
    const struct caller *caller = http_caller(question->call);
    const struct slice parts[] = {
        slice_str(question->batch ? "evaluations" : "evaluation"),
        slice_str(caller->kind == CALLER_AGENT ? caller->cgroup : ""),
        slice_str("\n"), /* stands in no path */
        http_body(question->call),
    };

    return hash_tagged("pawl-question-v1", parts, sizeof parts / sizeof parts[0], ret);
}

/* Waits with the first. */
static err_code join(struct authzen *authzen, const struct question *question,
                     struct once_entry *entry)
{
    struct ask *ask;

    TRY(ask_new(authzen, question->call, question->ms, &ask));
    ask->wait.answer = end_wait;
    ask->entry = entry;
    ask->waits = true;
    once_join(entry, &ask->wait);
    authzen->waiting++;
    return ERR_OK;
}

static struct once_law law_of(const struct authzen *authzen)
{
    struct keeper_state state;

    keeper_look(authzen->keeper, &state);
    return (struct once_law){state.epoch, registry_version(authzen->registry)};
}

/* *ret_over: it is a repetition, and has its answer or waits for it. */
static err_code look_up(struct authzen *authzen, struct question *question, bool *ret_over,
                        struct why *why)
{
    const char *key = http_header(question->call, "Idempotency-Key");
    struct once_ask ask = {http_caller(question->call)->key, key, {{0}}, law_of(authzen)};
    enum once_found found;
    struct once_entry *entry;

    *ret_over = false;
    if (key == NULL)
        return ERR_OK;
    TRY(digest_of(question, &ask.body));
    TRY(once_find(authzen->once, &ask, clock_steady_ns(), &found, &entry, why));
    if (found == ONCE_FIRST) {
        question->entry = entry;
        return ERR_OK;
    }
    if (found == ONCE_RUNNING)
        TRY(join(authzen, question, entry));
    else
        http_answer_bytes(question->call, 200, "application/json", once_answer(entry));
    *ret_over = true;
    return ERR_OK;
}

static err_code ask_it(struct authzen *authzen, struct question *question, struct why *why)
{
    bool over;

    TRY(admit(authzen, question->call, why));
    TRY(deadline_of(question->call, &question->ms, why));
    TRY(look_up(authzen, question, &over, why));
    return over ? ERR_OK : submit(authzen, question, why);
}

static void take(struct http_call *call, struct authzen *authzen, bool batch)
{
    struct question question = {.call = call, .batch = batch};
    struct why why = {0};
    err_code err = ask_it(authzen, &question, &why);

    if (err == ERR_OK)
        return;
    if (question.entry != NULL) /* nobody had time to wait for it */
        once_end(authzen->once, question.entry, clock_steady_ns(), NULL, NULL);
    http_refuse(call, err == ERR_EXISTS ? 422 : http_status(err), err, &why);
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
    CLEANUP(authzen_free) struct authzen *out = calloc(1, sizeof *out);

    if (out == NULL)
        return ERR_NO_MEMORY;
    TRY(once_new(&(struct once_limits){0}, &out->once));
    out->bytes.most = AUTHZEN_WAITING_MAX;
    out->base = options->base;
    out->keeper = options->keeper;
    out->registry = options->registry;
    out->clock_ms = options->clock_ms;
    out->class_ = options->class_;
    out->strangers = options->strangers;
    out->noter = (struct noter){options->metrics, options->report, options->clock_ms};
    *ret = out;
    out = NULL; /* transferred */
    return ERR_OK;
}

void authzen_free(struct authzen **authzen)
{
    if (*authzen != NULL)
        once_free(&(*authzen)->once);
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
