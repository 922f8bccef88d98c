/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/inspect.h"

#include "gate/base/clock.h"
#include "gate/base/text.h"

#include <assert.h>
#include <unistd.h>

static_assert(HTTP_ERRORS == METRICS_ERRORS, "refusals are counted by other numbers");

static void numbers(struct http_call *call, void *ctx)
{
    const struct inspect *in = ctx;
    CLEANUP(buf_free) struct buf text = {0};
    struct keeper_state state;
    struct effect effect;
    struct metrics_now now = {.keeper = &state,
                              .refused = http_refused(in->http),
                              .strangers = strangers_count(in->strangers),
                              .lobby = http_lobby(in->http),
                              .log_lost = report_lost(in->report),
                              .effect = &effect,
                              .agents = registry_count(in->registry),
                              .now = (int64_t)(in->clock_ms() / 1000)};
    err_code err;

    keeper_look(in->keeper, &state);
    keeper_effect(in->keeper, &effect);
    for (enum caller_kind kind = CALLER_AGENT; kind <= CALLER_ADMIN; kind++)
        now.connections[kind] = http_connections(in->http, kind);
    err = metrics_write(in->metrics, &now, &text);
    if (err != ERR_OK)
        http_refuse(call, 503, err, &(struct why){0});
    else
        http_answer_bytes(call, 200, METRICS_TYPE, buf_slice(&text));
}

/* Milliseconds since the hardware's last word. */
static uint64_t silent_ms(const struct keeper_state *state)
{
    const uint64_t ns = clock_steady_ns();

    return ns > state->answered_ns ? (ns - state->answered_ns) / 1000000u : 0;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void put_error(json_t *body, err_code err, const struct why *text)
{
    json_t *why = json_string(why_text(text, err));

    (void)json_object_set_new(body, "error", json_string(err_name(err)));
    (void)json_object_set_new(body, "why", why != NULL ? why : json_string(err_text(err)));
}

/* One that may be over. */
static void put_last(json_t *body, const struct keeper_state *state)
{
    json_t *last = json_object();
    char at[TIME_TEXT];

    time_text((int64_t)(state->last_ms / 1000), at);
    put_error(last, state->last_error, &state->last_why);
    (void)json_object_set_new(last, "at", json_string(at));
    (void)json_object_set_new(body, "last_error", last);
}

static void status(struct http_call *call, void *ctx)
{
    const struct inspect *in = ctx;
    char since[TIME_TEXT];
    struct keeper_state state;
    json_t *body;

    keeper_look(in->keeper, &state);
    time_text((int64_t)(in->since_ms / 1000), since);
    body = json_pack("{s:s, s:b, s:I, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "pawl/1",
                     "ok", 1, "pid", (json_int_t)getpid(), "since", since, "serving", state.serving,
                     "epoch", number(state.epoch), "ledger_size", number(state.ledger_size),
                     "rounds", number(state.rounds), "decided", number(state.decided), "permitted",
                     number(state.permitted), "waiting", number(state.waiting));
    if (body != NULL && state.answered_ns != 0)
        (void)json_object_set_new(body, "hardware_silent_ms", number(silent_ms(&state)));
    if (body != NULL && state.error != ERR_OK)
        put_error(body, state.error, &state.why);
    if (body != NULL && state.last_error != ERR_OK)
        put_last(body, &state);
    http_answer(call, 200, body);
}

err_code inspect_serve(struct inspect *inspect)
{
    static const struct http_route ROUTES[] = {
        {"/metrics", HTTP_GET, HTTP_ADMIN, NULL, numbers},
        {"/v1/status", HTTP_GET, HTTP_ADMIN, NULL, status},
        {0},
    };

    return http_add(inspect->http, ROUTES, inspect);
}
