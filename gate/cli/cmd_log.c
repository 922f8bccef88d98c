/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c: pawl log show and verify: reads the ledger, without hardware. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/verb.h"
#include "gate/cli/verbs.h"
#include "gate/decide/audit.h"
#include "gate/decide/gate_ledger.h"

#include <stdlib.h>

/* ---- show ------------------------------------------------------------------------------------ */

static const struct opt SHOW_OPTIONS[] = {
    {"tail", 'n', OPT_VALUE, "N", "only the last N entries"},
    {"agent", 'a', OPT_VALUE, "ID", "only the entries of this agent"},
    {0},
};

static void show_entry(struct call *call, json_t *list, uint64_t index, const struct record *record)
{
    const struct record_decision *decision = &record->decision;
    const char *kind = record_kind_name(record->kind), *outcome = "-";
    json_t *entry = add_object(list);
    char when[TIME_TEXT];

    time_text((int64_t)(record->action_ms / 1000), when);
    put_uint(entry, "index", index);
    put_text(entry, "time", when);
    put_text(entry, "kind", kind);
    put_uint(entry, "epoch", record->epoch);
    put_slice(entry, "agent", record->agent_id);
    if (record->kind == RECORD_DECISION) {
        outcome = decision->permit ? "permit" : "deny";
        put_bool(entry, "decision", decision->permit);
        put_slice(entry, "reason", decision->reason);
        put_slice(entry, "action", decision->action);
        put_slice(entry, "class", decision->class_);
        put_slice(entry, "resource_type", decision->resource_type);
        put_slice(entry, "resource_id", decision->resource_id);
        say(call, "%6llu  %s  %5llu  %-12s %-7s %.*s  %.*s  %.*s::\"%.*s\"",
            (unsigned long long)index, when, (unsigned long long)record->epoch, kind, outcome,
            TERM_ARG(record->agent_id), TERM_ARG(decision->action),
            TERM_ARG(decision->resource_type), TERM_ARG(decision->resource_id));
        return;
    }
    say(call, "%6llu  %s  %5llu  %-12s %-7s %.*s", (unsigned long long)index, when,
        (unsigned long long)record->epoch, kind, outcome, TERM_ARG(record->agent_id));
}

static err_code show_run(struct call *call)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *agent = args_value(call->args, "agent", NULL);
    const char *tail = args_value(call->args, "tail", NULL);
    json_t *list = put_array(call->json, "entries");
    static struct record record;
    uint64_t from = 0, last = 0;

    if (tail != NULL && number_parse(tail, UINT64_MAX, &last) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--tail \"%s\" is not a number", tail);
    TRY(gate_ledger_open(call->state_dir, LEDGER_READ, &ledger, &call->why));
    if (tail != NULL)
        from = last < ledger_size(ledger) ? ledger_size(ledger) - last : 0;
    put_uint(call->json, "size", ledger_size(ledger));
    say(call, "%6s  %-20s  %5s  %-12s %-7s %s", "INDEX", "TIME", "EPOCH", "KIND", "ANSWER",
        "AGENT  ACTION  RESOURCE");
    for (uint64_t i = from; i < ledger_size(ledger); i++) {
        TRY(ledger_entry(ledger, i, &bytes, &call->why));
        TRY(record_parse(buf_slice(&bytes), &record, &call->why));
        if (agent == NULL || slice_eq_str(record.agent_id, agent))
            show_entry(call, list, i, &record);
    }
    if (ledger_torn(ledger) > 0)
        say(call, "(%llu bytes of an unfinished entry at the end are ignored)",
            (unsigned long long)ledger_torn(ledger));
    return ERR_OK;
}

const struct verb VERB_LOG_SHOW = {
    .name = "log show",
    .arguments = "",
    .summary = "list the entries of the ledger",
    .opts = SHOW_OPTIONS,
    .run = show_run,
};

/* ---- verify ---------------------------------------------------------------------------------- */

static const struct opt VERIFY_OPTIONS[] = {
    {"enrolment", 0, OPT_VALUE, "FILE", "the gate's enrolment file (default: the one in --state)"},
    {"against", 0, OPT_LIST, "PERMIT",
     "a permit received earlier: the ledger must still contain it"},
    {0},
};

/* A token's certificates lie beside the ledger; a TPM has none. */
static err_code read_chain(struct call *call, struct buf *ret)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(call->state_dir, "hw/epochs", &path));
    return file_exists((const char *)path.ptr)
               ? file_read((const char *)path.ptr, BUF_MAX, ret, &call->why)
               : ERR_OK;
}

static void done_with(struct permit **permit)
{
    if (*permit != NULL)
        permit_free(*permit);
    free(*permit);
}

static err_code against(struct call *call, const struct ledger *ledger,
                        const struct audit_trust *trust)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *file;

    for (size_t i = 0; (file = args_list(call->args, "against", i)) != NULL; i++) {
        CLEANUP(done_with) struct permit *permit = calloc(1, sizeof *permit); /* large */
        if (permit == NULL)
            return ERR_NO_MEMORY;
        TRY(file_read(file, PERMIT_SIZE_MAX, &bytes, &call->why));
        TRY(in_file(call, permit_parse(buf_slice(&bytes), permit, &call->why), file));
        TRY(ledger_check_permit(ledger, permit, &trust->trust, &call->why));
        say(call, "It still contains \"%s\".", file);
    }
    return ERR_OK;
}

static void put_report(struct call *call, const struct ledger_report *report)
{
    char root[DIGEST_TEXT];

    digest_text(&report->checkpoint.root, root);
    put_uint(call->json, "size", report->checkpoint.size);
    put_digest(call->json, "root", &report->checkpoint.root);
    put_uint(call->json, "permits", report->permits);
    put_uint(call->json, "denials", report->denials);
    put_uint(call->json, "sessions", report->rotations);
    put_uint(call->json, "installs", report->installs);
    say(call,
        "The ledger holds together: %llu entries (%llu permits, %llu denials, %llu installs),",
        (unsigned long long)report->checkpoint.size, (unsigned long long)report->permits,
        (unsigned long long)report->denials, (unsigned long long)report->installs);
    say(call, "signed in %llu sessions that the hardware vouched for; root %s",
        (unsigned long long)report->rotations, root);
}

static err_code verify_run(struct call *call)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0}, chain = {0};
    CLEANUP(enrolment_free) struct enrolment enrolment = {0};
    CLEANUP(audit_trust_free) struct audit_trust trust = {0};
    const char *from = args_value(call->args, "enrolment", NULL);
    struct ledger_report report;

    TRY(path_join(call->state_dir, "enrolment.cbor", &path));
    from = from != NULL ? from : (const char *)path.ptr;
    TRY(file_read(from, ENROLMENT_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, enrolment_parse(buf_slice(&bytes), &enrolment, &call->why), from));
    TRY(read_chain(call, &chain));
    TRY(why_reading(&call->why, audit_trust_make(&enrolment, buf_slice(&chain), &trust, &call->why),
                    "\"%s/%s\"", call->state_dir, chain.len > 0 ? "hw/epochs" : "enrolment.cbor"));
    TRY(gate_ledger_open(call->state_dir, LEDGER_READ, &ledger, &call->why));
    TRY(ledger_audit(ledger, &trust.trust, &report, &call->why));
    put_report(call, &report);
    return against(call, ledger, &trust);
}

const struct verb VERB_LOG_VERIFY = {
    .name = "log verify",
    .arguments = "",
    .summary = "check every entry, signature and chain of the ledger, offline",
    .details = "A ledger that was cut at its end is consistent in itself. Whoever holds a permit "
               "from before\n"
               "can tell: give it with --against.",
    .opts = VERIFY_OPTIONS,
    .run = verify_run,
};
