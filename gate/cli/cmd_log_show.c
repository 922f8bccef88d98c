/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_show.c: pawl log show: the entries of a log, filtered; also as they come. */
#include "gate/base/text.h"
#include "gate/cli/log_place.h"
#include "gate/cli/verbs.h"
#include "gate/ledger/log_reader.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FOLLOW_TAIL 10 /* entries that are shown before new ones, unless --tail says */
#define FOLLOW_MS 300

static const struct opt SHOW_OPTIONS[] = {
    {"tail", 'n', OPT_VALUE, "N", "only the last N entries that are asked for"},
    {"follow", 'f', OPT_FLAG, NULL, "go on with new entries until interrupted"},
    {"all", 0, OPT_FLAG, NULL,
     "also what belongs to a session or comes before a decision: key_rotation, start, stop, "
     "attempt"},
    {"agent", 'a', OPT_VALUE, "ID", "only the entries of this agent"},
    {"action", 0, OPT_VALUE, "NAME", "only this action"},
    {"class", 0, OPT_VALUE, "CLASS", "only actions of this class"},
    {"resource", 0, OPT_VALUE, "ID", "only actions on the resource of this id"},
    {"decision", 0, OPT_VALUE, "permit|deny", "only decisions of this kind"},
    {"kind", 0, OPT_LIST, "KIND", "only entries of this kind"},
    {"since", 0, OPT_VALUE, "TIME", "not older than this: 2026-11-22T01:02:03Z, or 2h for 2 h ago"},
    {"until", 0, OPT_VALUE, "TIME", "before this"},
    LOG_OPTION,
    {0},
};

/* What is asked for. */
struct filter {
    const char *agent, *action, *class_, *resource, *decision;
    bool kinds[RECORD_KINDS];
    uint64_t since_ms, until_ms;
};

struct show {
    struct call *call;
    struct log_reader *reader;
    struct record *record;
    struct filter filter;
    json_t *list; /* NULL: each entry is printed when it is found */
};

static void show_free(struct show *show)
{
    log_reader_close(&show->reader);
    free(show->record);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static err_code time_of(struct call *call, const char *name, uint64_t otherwise, uint64_t *ret)
{
    const char *text = args_value(call->args, name, NULL);
    int64_t seconds;

    *ret = otherwise;
    if (text == NULL)
        return ERR_OK;
    if (duration_parse(text, &seconds) == ERR_OK)
        seconds = call->now - seconds;
    else if (time_parse(text, call->now, &seconds) != ERR_OK)
        return why_say(&call->why, ERR_USAGE,
                       "--%s \"%s\" is neither a time (2026-11-22T01:02:03Z) nor a duration (2h)",
                       name, text);
    *ret = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return ERR_OK;
}

static err_code kinds_of(struct call *call, struct filter *filter)
{
    const char *text = args_list(call->args, "kind", 0);

    for (size_t kind = 0; kind < RECORD_KINDS; kind++)
        filter->kinds[kind] = text == NULL;
    if (text == NULL && !args_flag(call->args, "all"))
        filter->kinds[RECORD_KEY_ROTATION] = filter->kinds[RECORD_START] =
            filter->kinds[RECORD_STOP] = filter->kinds[RECORD_ATTEMPT] = false;
    for (size_t i = 0; (text = args_list(call->args, "kind", i)) != NULL; i++) {
        enum record_kind kind = record_kind_named(text);

        if (kind == RECORD_NONE)
            return why_say(&call->why, ERR_USAGE, "--kind \"%s\": there is no such kind", text);
        filter->kinds[kind] = true;
    }
    return ERR_OK;
}

static err_code filter_of(struct call *call, struct filter *ret)
{
    ret->agent = args_value(call->args, "agent", NULL);
    ret->action = args_value(call->args, "action", NULL);
    ret->class_ = args_value(call->args, "class", NULL);
    ret->resource = args_value(call->args, "resource", NULL);
    ret->decision = args_value(call->args, "decision", NULL);
    if (ret->decision != NULL && strcmp(ret->decision, "permit") != 0 &&
        strcmp(ret->decision, "deny") != 0)
        return why_say(&call->why, ERR_USAGE, "--decision is permit or deny, not \"%s\"",
                       ret->decision);
    TRY(kinds_of(call, ret));
    TRY(time_of(call, "since", 0, &ret->since_ms));
    return time_of(call, "until", UINT64_MAX, &ret->until_ms);
}

static bool is(const char *want, struct slice got)
{
    return want == NULL || slice_eq_str(got, want);
}

static bool wanted(const struct filter *filter, const struct record *record)
{
    const struct record_decision *d = &record->decision;
    const struct record_attempt *a = &record->attempt;
    bool attempt = record->kind == RECORD_ATTEMPT, decision = record->kind == RECORD_DECISION;

    if (!filter->kinds[record->kind] || !is(filter->agent, record->agent_id))
        return false;
    if (filter->decision != NULL &&
        (!decision || d->permit != (strcmp(filter->decision, "permit") == 0)))
        return false;
    if (!attempt && !decision)
        return filter->action == NULL && filter->class_ == NULL && filter->resource == NULL;
    return is(filter->action, attempt ? a->action : d->action) &&
           is(filter->class_, attempt ? a->class_ : d->class_) &&
           is(filter->resource, attempt ? a->resource_id : d->resource_id);
}

/* ---- one entry ------------------------------------------------------------------------------- */

static void describe_start(const struct record_start *start, char *ret, size_t size)
{
    char lost[96] = "";

    if (start->missing > 0)
        (void)snprintf(lost, sizeof lost, ", at most %llu rounds missing before it",
                       (unsigned long long)start->missing);
    (void)snprintf(ret, size, "%.*s%s%s", TERM_ARG(start->version),
                   start->clean ? "" : ", after a session without a stop", lost);
}

/* What an entry of the gate itself says, in a few words. */
static void describe(const struct record *r, char *ret, size_t size)
{
    ret[0] = '\0';
    if (r->kind == RECORD_INSTALL || r->kind == RECORD_BUMP)
        (void)snprintf(ret, size, "from epoch %llu", (unsigned long long)r->from_epoch);
    else if (r->kind == RECORD_START)
        describe_start(&r->start, ret, size);
    else if (r->kind == RECORD_STOP)
        (void)snprintf(ret, size, "%.*s", TERM_ARG(r->stop.reason));
    else if (r->kind == RECORD_INSTALL_REFUSED)
        (void)snprintf(ret, size, "%.*s, epoch %llu", TERM_ARG(r->refused.error),
                       (unsigned long long)r->refused.claimed);
    else if (r->kind == RECORD_OVERRIDE || r->kind == RECORD_APPROVAL)
        (void)snprintf(ret, size, "%.*s by %zu: %.*s", TERM_ARG(r->consent.what), r->consent.n_by,
                       TERM_ARG(r->consent.reason));
    else if (r->kind == RECORD_REVOCATION)
        (void)snprintf(ret, size, "%.*s: %.*s", TERM_ARG(r->revocation.what),
                       TERM_ARG(r->revocation.reason));
    else if (r->kind == RECORD_HARDWARE_LOST || r->kind == RECORD_HARDWARE_BACK)
        (void)snprintf(ret, size, "%.*s, after round %llu", TERM_ARG(r->root_state.error),
                       (unsigned long long)r->root_state.last_round);
    else if (r->kind == RECORD_AGENT_ENROL || r->kind == RECORD_AGENT_REMOVE)
        (void)snprintf(ret, size, "%.*s, by uid %llu", TERM_ARG(r->agent.id),
                       (unsigned long long)r->agent.admin);
}

static void put_request(json_t *entry, const struct record *record)
{
    const struct record_decision *d = &record->decision;
    const struct record_attempt *a = &record->attempt;
    bool attempt = record->kind == RECORD_ATTEMPT;

    put_slice(entry, "action", attempt ? a->action : d->action);
    put_slice(entry, "class", attempt ? a->class_ : d->class_);
    put_slice(entry, "resource_type", attempt ? a->resource_type : d->resource_type);
    put_slice(entry, "resource_id", attempt ? a->resource_id : d->resource_id);
    put_digest(entry, "request", &record->input);
    if (attempt)
        return;
    put_bool(entry, "decision", d->permit);
    put_slice(entry, "reason", d->reason);
    put_slice(entry, "attempt", d->attempt);
}

static void put_entry(json_t *entry, uint64_t index, const struct record *record)
{
    char detail[256];

    put_uint(entry, "index", index);
    put_time(entry, "time", (int64_t)(record->action_ms / 1000));
    put_uint(entry, "time_ms", record->action_ms);
    put_text(entry, "kind", record_kind_name(record->kind));
    put_uint(entry, "epoch", record->epoch);
    put_slice(entry, "agent", record->agent_id);
    put_uint(entry, "sequence", record->link.sequence);
    put_slice(entry, "record_id", record->record_id);
    put_slice(entry, "session", record->session_id);
    if (record->kind == RECORD_DECISION || record->kind == RECORD_ATTEMPT)
        put_request(entry, record);
    if (record->kind == RECORD_START)
        put_uint(entry, "missing", record->start.missing);
    describe(record, detail, sizeof detail);
    if (detail[0] != '\0')
        put_text(entry, "detail", detail);
}

static void say_entry(struct call *call, uint64_t index, const struct record *record)
{
    const struct record_decision *d = &record->decision;
    const struct record_attempt *a = &record->attempt;
    const char *kind = record_kind_name(record->kind), *outcome = "-";
    bool attempt = record->kind == RECORD_ATTEMPT;
    char when[TIME_TEXT], detail[256];

    time_text((int64_t)(record->action_ms / 1000), when);
    describe(record, detail, sizeof detail);
    if (record->kind == RECORD_DECISION)
        outcome = d->permit ? "permit" : "deny";
    if (record->kind != RECORD_DECISION && !attempt) {
        say(call, "%6llu  %s  %5llu  %-14s %-7s %.*s  %s", (unsigned long long)index, when,
            (unsigned long long)record->epoch, kind, outcome, TERM_ARG(record->agent_id), detail);
        return;
    }
    say(call, "%6llu  %s  %5llu  %-14s %-7s %.*s  %.*s  %.*s::\"%.*s\"", (unsigned long long)index,
        when, (unsigned long long)record->epoch, kind, outcome, TERM_ARG(record->agent_id),
        TERM_ARG(attempt ? a->action : d->action),
        TERM_ARG(attempt ? a->resource_type : d->resource_type),
        TERM_ARG(attempt ? a->resource_id : d->resource_id));
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Prints what has been said so far, and forgets it. */
static err_code flush(struct show *show, json_t *entry)
{
    struct call *call = show->call;

    call->streamed = true;
    if (args_flag(call->args, "quiet"))
        buf_cut(&call->text, 0);
    else if (args_flag(call->args, "json") && entry != NULL) {
        (void)json_dumpf(entry, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else if (!args_flag(call->args, "json")) {
        (void)fwrite(call->text.ptr, 1, call->text.len, stdout);
    }
    buf_cut(&call->text, 0);
    return fflush(stdout) == 0 && !ferror(stdout)
               ? ERR_OK
               : why_say(&call->why, ERR_STORAGE, "standard output went away");
}

static err_code show_range(struct show *show, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        json_t *entry;
        err_code err = ERR_OK;

        TRY(log_reader_record(show->reader, i, show->record, &show->call->why));
        if (show->record->action_ms >= show->filter.until_ms)
            return ERR_OK;
        if (show->record->action_ms < show->filter.since_ms || !wanted(&show->filter, show->record))
            continue;
        entry = show->list != NULL ? add_object(show->list) : json_object();
        put_entry(entry, i, show->record);
        say_entry(show->call, i, show->record);
        if (show->list == NULL) {
            err = flush(show, entry);
            json_decref(entry);
        }
        TRY(err);
    }
    return ERR_OK;
}

/* Where the last n of those that are asked for begin. */
static err_code last_of(struct show *show, uint64_t n, uint64_t from, uint64_t to, uint64_t *ret)
{
    uint64_t at = to;

    for (uint64_t found = 0; at > from && found < n;) {
        TRY(log_reader_record(show->reader, --at, show->record, &show->call->why));
        found += wanted(&show->filter, show->record);
    }
    *ret = at;
    return ERR_OK;
}

static err_code range_of(struct show *show, uint64_t *ret_from, uint64_t *ret_to)
{
    struct call *call = show->call;
    const char *tail = args_value(call->args, "tail", NULL);
    bool follow = args_flag(call->args, "follow");
    uint64_t last = FOLLOW_TAIL;

    if (tail != NULL && number_parse(tail, UINT64_MAX, &last) != ERR_OK)
        return why_say(&call->why, ERR_USAGE, "--tail \"%s\" is not a number", tail);
    TRY(log_reader_at(show->reader, show->filter.since_ms, ret_from, &call->why));
    TRY(log_reader_at(show->reader, show->filter.until_ms, ret_to, &call->why));
    if (tail == NULL && (!follow || args_value(call->args, "since", NULL) != NULL))
        return ERR_OK;
    return last_of(show, last, *ret_from, *ret_to, ret_from);
}

/* ---- until interrupted ----------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static err_code follow(struct show *show, uint64_t from)
{
    const struct sigaction action = {.sa_handler = interrupt};
    const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    while (!interrupted) {
        uint64_t size = log_reader_size(show->reader);

        if (size > from) {
            TRY(show_range(show, from, size));
            from = size;
        }
        (void)nanosleep(&pause, NULL);
        TRY(log_reader_refresh(show->reader, &show->call->why));
    }
    return ERR_OK;
}

static err_code show_run(struct call *call)
{
    CLEANUP(show_free) struct show show = {.call = call};
    CLEANUP(log_place_free) struct log_place place = {0};
    bool following = args_flag(call->args, "follow");
    uint64_t from, to;

    show.record = calloc(1, sizeof *show.record);
    if (show.record == NULL)
        return ERR_NO_MEMORY;
    TRY(filter_of(call, &show.filter));
    TRY(log_place_find(call, NULL, &place));
    TRY(log_reader_open((const char *)place.dir.ptr, &show.reader, &call->why));
    TRY(range_of(&show, &from, &to));
    put_uint(call->json, "size", log_reader_size(show.reader));
    show.list = following ? NULL : put_array(call->json, "entries");
    say(call, "%6s  %-20s  %5s  %-14s %-7s %s", "INDEX", "TIME", "EPOCH", "KIND", "ANSWER",
        "AGENT  ACTION  RESOURCE");
    if (following)
        TRY(flush(&show, NULL));
    TRY(show_range(&show, from, to));
    return following ? follow(&show, to) : ERR_OK;
}

const struct verb VERB_LOG_SHOW = {
    .name = "log show",
    .arguments = "",
    .summary = "list the entries of the log",
    .details = "Each entry is compared with its hash; the log as a whole is not judged: pawl log\n"
               "verify. With -f and --json every entry is one line.",
    .opts = SHOW_OPTIONS,
    .run = show_run,
};
