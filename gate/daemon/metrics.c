/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/metrics.h"

#include "gate/decide/answer_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define FITS(name, number, exit, meaning, hint)                                                    \
    static_assert((number) < METRICS_ERRORS, "an error has no place among the counters");
ERR_LIST(FITS)
#undef FITS

#define CLASS_NONE (METRICS_CLASSES - 1)

void metrics_decided(struct metrics *metrics, struct slice class_, err_code reason, uint64_t ns)
{
    size_t of = 0;

    while (of < CLASS_NONE && !slice_eq_str(class_, REQUEST_CLASSES[of]))
        of++;
    metrics->decisions[of][(unsigned)reason % METRICS_ERRORS]++;
    histogram_add(&metrics->seconds, &HISTOGRAM_TIMES, ns);
}

/* ---- text ------------------------------------------------------------------------------------ */

[[gnu::format(printf, 2, 3)]] static err_code line(struct buf *out, const char *format, ...)
{
    char text[256];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        return ERR_INTERNAL;
    return buf_add(out, text, (size_t)len);
}

static err_code head(struct buf *out, const char *name, const char *type, const char *help)
{
    return line(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static err_code number(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    TRY(head(out, name, type, help));
    return line(out, "%s %" PRIu64 "\n", name, value);
}

/* A value in its unit, without the noughts that say nothing. */
static void value_text(uint64_t value, uint64_t unit, char ret[static 48])
{
    int len = snprintf(ret, 48, "%" PRIu64, value / unit);

    if (unit == 1 || value % unit == 0)
        return;
    len += snprintf(ret + len, 48 - (size_t)len, ".%09" PRIu64,
                    value % unit * (UINT64_C(1000000000) / unit));
    while (ret[len - 1] == '0')
        ret[--len] = '\0';
}

/* of: a label with its value, or "". */
static err_code samples(struct buf *out, const char *name, const char *of,
                        const struct histogram *h, const struct histogram_scale *scale)
{
    const char *comma = of[0] != '\0' ? "," : "";
    uint64_t below = 0;
    char text[48], only[64] = "";

    if (of[0] != '\0')
        (void)snprintf(only, sizeof only, "{%s}", of);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS_MAX && scale->bounds[i] != 0; i++) {
        below += h->counts[i];
        value_text(scale->bounds[i], scale->unit, text);
        TRY(line(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, of, comma, text, below));
    }
    value_text(h->sum, scale->unit, text);
    TRY(line(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, of, comma, h->n));
    return line(out, "%s_sum%s %s\n%s_count%s %" PRIu64 "\n", name, only, text, name, only, h->n);
}

static err_code histogram(struct buf *out, const char *name, const char *help,
                          const struct histogram *h, const struct histogram_scale *scale)
{
    TRY(head(out, name, "histogram", help));
    return samples(out, name, "", h, scale);
}

static err_code decisions(const struct metrics *metrics, struct buf *out)
{
    TRY(head(out, "pawl_decisions_total", "counter", "Verdicts."));
    for (size_t of = 0; of < METRICS_CLASSES; of++)
        for (unsigned err = 0; err < METRICS_ERRORS; err++) {
            uint64_t n = metrics->decisions[of][err];
            if (n > 0)
                TRY(line(out,
                         "pawl_decisions_total{verdict=\"%s\",stage=\"%s\",reason=\"%s\","
                         "class=\"%s\"} %" PRIu64 "\n",
                         err == ERR_OK ? "permit" : "deny", answer_stage((err_code)err),
                         err_name((err_code)err), of == CLASS_NONE ? "none" : REQUEST_CLASSES[of],
                         n));
        }
    return ERR_OK;
}

static err_code refusals(const struct metrics_now *now, struct buf *out)
{
    TRY(head(out, "pawl_refused_total", "counter", "Answers that were an error, not a verdict."));
    for (unsigned err = 0; err < METRICS_ERRORS; err++)
        if (now->refused[err] > 0)
            TRY(line(out, "pawl_refused_total{reason=\"%s\"} %" PRIu64 "\n",
                     err_name((err_code)err), now->refused[err]));
    return ERR_OK;
}

static err_code strangers(const struct metrics_now *now, struct buf *out)
{
    TRY(head(out, "pawl_unknown_callers_total", "counter",
             "Requests of callers that are no enrolled agent."));
    TRY(line(out,
             "pawl_unknown_callers_total{recorded=\"yes\"} %" PRIu64 "\n"
             "pawl_unknown_callers_total{recorded=\"no\"} %" PRIu64 "\n",
             now->strangers.recorded, now->strangers.unrecorded));
    return number(out, "pawl_unknown_callers_untold", "gauge",
                  "Those not on record one by one that no record has told of yet.",
                  now->strangers.untold);
}

static err_code lobby(const struct metrics_now *now, struct buf *out)
{
    if (now->lobby == NULL)
        return ERR_OK;
    TRY(head(out, "pawl_tls_refused_total", "counter",
             "Connections over TLS that nobody got in by."));
    for (unsigned i = 0; i < LOBBY_REASONS; i++)
        TRY(line(out, "pawl_tls_refused_total{reason=\"%s\"} %" PRIu64 "\n",
                 lobby_reason_name((enum lobby_reason)i), now->lobby->refused[i]));
    return ERR_OK;
}

static err_code connections(const struct metrics_now *now, struct buf *out)
{
    static const char *const NAMES[] = {NULL, "agents", "enforcement", "admin"};

    TRY(head(out, "pawl_connections", "gauge", "Callers that are connected."));
    for (size_t kind = CALLER_AGENT; kind <= CALLER_ADMIN; kind++)
        TRY(line(out, "pawl_connections{socket=\"%s\"} %u\n", NAMES[kind], now->connections[kind]));
    return ERR_OK;
}

static err_code operations(const struct keeper_state *k, struct buf *out)
{
    TRY(head(out, "pawl_hw_operation_seconds", "histogram", "Work of the hardware."));
    for (size_t use = 0; use < KEEPER_USES; use++) {
        char of[48];

        (void)snprintf(of, sizeof of, "operation=\"%s\"", keeper_use_name((enum keeper_use)use));
        TRY(samples(out, "pawl_hw_operation_seconds", of, &k->use_ns[use], &HISTOGRAM_TIMES));
    }
    return ERR_OK;
}

/* The authority chose the names, and no snapshot has one that would have to be escaped. */
static err_code in_effect(const struct effect *effect, int64_t now, struct buf *out)
{
    if (!effect->any)
        return ERR_OK;
    TRY(head(out, "pawl_policy_version", "gauge", "The version in force, of the first policies."));
    for (size_t i = 0; i < effect->n; i++)
        TRY(line(out, "pawl_policy_version{alias=\"%s\"} %" PRIu64 "\n", effect->policies[i].alias,
                 effect->policies[i].version));
    TRY(number(out, "pawl_policies", "gauge", "Policies in force.", effect->n_policies));
    TRY(head(out, "pawl_head_expiry_seconds", "gauge",
             "Until the snapshot in force expires; below 0: since."));
    return line(out, "pawl_head_expiry_seconds %" PRId64 "\n", effect->expires - now);
}

err_code metrics_write(const struct metrics *metrics, const struct metrics_now *now,
                       struct buf *ret)
{
    const struct keeper_state *k = now->keeper;

    TRY(decisions(metrics, ret));
    TRY(histogram(ret, "pawl_decision_seconds", "From a request's arrival until its verdict.",
                  &metrics->seconds, &HISTOGRAM_TIMES));
    TRY(histogram(ret, "pawl_round_seconds", "Rounds of hardware and ledger.", &k->round_ns,
                  &HISTOGRAM_TIMES));
    TRY(histogram(ret, "pawl_round_size", "Requests of a round.", &k->round_size,
                  &HISTOGRAM_SIZES));
    TRY(operations(k, ret));
    TRY(histogram(ret, "pawl_ledger_append_seconds", "Until the entries of a round are durable.",
                  &k->append_ns, &HISTOGRAM_TIMES));
    TRY(refusals(now, ret));
    TRY(strangers(now, ret));
    TRY(lobby(now, ret));
    TRY(connections(now, ret));
    TRY(number(ret, "pawl_waiting", "gauge", "Requests that wait for a round.", k->waiting));
    TRY(number(ret, "pawl_ledger_size", "gauge", "Entries of the ledger.", k->ledger_size));
    TRY(number(ret, "pawl_epoch", "gauge", "The epoch, as the hardware said last.", k->epoch));
    TRY(in_effect(now->effect, now->now, ret));
    TRY(number(ret, "pawl_agents", "gauge", "Agents that are enrolled.", now->agents));
    TRY(number(ret, "pawl_serving", "gauge", "1: decides; 0: denies everything.", k->serving));
    return number(ret, "pawl_log_lost_total", "counter", "Lines of the log that nobody took.",
                  now->log_lost);
}
