/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_verify.c: pawl log verify and audit: is the log what it was? Without hardware, and
 * without believing whoever wrote it. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/log_run.h"
#include "gate/cli/verbs.h"
#include "gate/decide/verify.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the walk -------------------------------------------------------------------------------- */

void log_run_add(struct log_run *run, const struct audit_finding *finding)
{
    char entry[40] = "";
    json_t *json;

    if (run->exit == 0)
        run->exit = err_exit(audit_kind_error(finding->kind));
    if (run->findings == NULL)
        return;
    json = add_object(run->findings);
    put_text(json, "kind", audit_kind_name(finding->kind));
    put_text(json, "meaning", audit_kind_text(finding->kind));
    if (finding->has_index) {
        put_uint(json, "index", finding->index);
        (void)snprintf(entry, sizeof entry, "%llu", (unsigned long long)finding->index);
    }
    if (finding->file[0] != '\0')
        put_text(json, "file", finding->file);
    put_text(json, "what", finding->text);
    say(run->call, "%-24s %10s  %s%s%s", audit_kind_name(finding->kind), entry, finding->file,
        finding->file[0] != '\0' ? ": " : "", finding->text);
}

static void found(void *context, const struct audit_finding *finding)
{
    log_run_add(context, finding);
}

static void step(void *context, uint64_t done, uint64_t of)
{
    struct log_run *run = context;

    progress_step(&run->progress, done, of);
}

static void entry(void *context, uint64_t index, const struct record *record)
{
    struct log_run *run = context;

    (void)index;
    run->apart += !auditor_epoch_known(&run->place.auditor, record->epoch);
}

static void put_report(struct log_run *run, const struct audit_report *report)
{
    json_t *json = run->call->json, *kinds = put_object(json, "kinds");

    put_uint(json, "size", report->head.size);
    put_digest(json, "root", &report->head.root);
    put_uint(json, "published", report->published.size);
    put_uint(json, "read", report->read);
    put_uint(json, "permits", report->permits);
    put_uint(json, "denials", report->kinds[RECORD_DECISION] - report->permits);
    put_uint(json, "installs", report->kinds[RECORD_INSTALL]);
    put_uint(json, "sessions", report->kinds[RECORD_KEY_ROTATION]);
    for (size_t kind = 1; kind < RECORD_KINDS; kind++)
        if (report->kinds[kind] > 0)
            put_uint(kinds, record_kind_name((enum record_kind)kind), report->kinds[kind]);
    put_uint(json, "interrupted_sessions", report->interrupted);
    put_uint(json, "lost_attempts", report->lost);
    put_uint(json, "open_attempts", report->open);
    put_uint(json, "unpublished", report->unpublished);
    put_uint(json, "torn_bytes", report->torn);
    put_bool(json, "running", report->running);
    put_bool(json, "sealed", report->sealed);
    put_uint(json, "witnesses", run->place.auditor.n_witnesses);
    put_uint(json, "cosigned", report->cosigned.size);
    put_uint(json, "cosignatures", report->cosignatures);
}

static void say_facts(struct call *call, const struct audit_report *report)
{
    if (report->interrupted > 0)
        say(call, "  %llu sessions ended without a stop, with %llu attempts without an outcome",
            (unsigned long long)report->interrupted, (unsigned long long)report->lost);
    if (report->open > 0)
        say(call, "  %llu attempts have no outcome yet", (unsigned long long)report->open);
    if (report->unpublished > 0)
        say(call, "  %llu entries are not under the checkpoint yet",
            (unsigned long long)report->unpublished);
    if (report->torn > 0)
        say(call, "  the journal's last frame is torn, %llu octets: never promised",
            (unsigned long long)report->torn);
}

static void say_report(struct log_run *run, const struct audit_report *report,
                       const struct checkpoint *since)
{
    struct call *call = run->call;
    char root[DIGEST_TEXT];

    digest_text(&report->head.root, root);
    say(call, "The ledger holds together: %llu entries; root %s",
        (unsigned long long)report->head.size, root);
    if (since->size > 0)
        say(call, "  it continues the %llu entries that were verified before",
            (unsigned long long)since->size);
    say(call, "  read: %llu entries (%llu permits, %llu denials, %llu installs) of %llu sessions",
        (unsigned long long)report->read, (unsigned long long)report->permits,
        (unsigned long long)(report->kinds[RECORD_DECISION] - report->permits),
        (unsigned long long)report->kinds[RECORD_INSTALL],
        (unsigned long long)report->kinds[RECORD_KEY_ROTATION]);
    if (report->sealed)
        say(call, "  the hardware's seal on the first %llu entries holds",
            (unsigned long long)report->published.size);
    if (report->cosignatures > 0)
        say(call, "  %zu of %zu witnesses have cosigned the first %llu entries",
            report->cosignatures, run->place.auditor.n_witnesses,
            (unsigned long long)report->cosigned.size);
    say_facts(call, report);
    if (run->place.auditor.n_epochs > 0)
        say(call,
            "  held against what the authority signed for %zu epochs; %llu records are of others",
            run->place.auditor.n_epochs, (unsigned long long)run->apart);
    for (size_t i = 0; i < run->n_views; i++)
        say(call, "It still contains \"%s\".", run->views[i].from);
}

static struct audit_job job_of(struct log_run *run)
{
    run->progress = progress_begin(run->call);
    return (struct audit_job){
        .dir = (const char *)run->place.dir.ptr,
        .own = run->place.own,
        .auditor = &run->place.auditor.auditor,
        .views = run->views,
        .n_views = run->n_views,
        .disclosed = run->disclosed,
        .n_disclosed = run->n_disclosed,
        .found = found,
        .progress = step,
        .context = run,
    };
}

/* ---- verify ---------------------------------------------------------------------------------- */

#define WITNESS_OPTION                                                                             \
    {                                                                                              \
        "witness", 0, OPT_LIST, "VKEY",                                                            \
            "a witness whose signatures are judged, besides those in gate.json"                    \
    }

static const struct opt VERIFY_OPTIONS[] = {
    LOG_ENROLMENT_OPTION,
    LOG_OPTION,
    {"against", 0, OPT_LIST, "FILE",
     "a permit or checkpoint received earlier, or a directory of them: the log must contain it"},
    WITNESS_OPTION,
    {"since-file", 0, OPT_VALUE, "FILE",
     "where the last verified head is remembered (default: \"verified\" in --state)"},
    {"full", 0, OPT_FLAG, NULL, "every entry, not only those since the last verified head"},
    {0},
};

static err_code verify_run(struct call *call)
{
    CLEANUP(log_run_free) struct log_run run = {.call = call};
    struct audit_report report;
    struct audit_job job;

    TRY(log_place_find(call, NULL, &run.place));
    TRY(log_place_trust(call, &run.place));
    TRY(log_run_take_witnesses(&run));
    TRY(log_run_take_views(&run));
    TRY(log_run_since_path(&run));
    job = job_of(&run);
    job.whole = args_flag(call->args, "full");
    job.remember = &run.memory;
    TRY(log_run_read_since(&run, &job));
    TRY(audit_log(&job, &report, &call->why));
    put_report(&run, &report);
    if (!job.whole)
        put_uint(call->json, "verified_before", job.since.head.size);
    say_report(&run, &report, &job.since.head);
    if (report.published.size == 0)
        return log_run_write_since(&run, &report.head);
    if (report.published.size < job.since.head.size)
        return ERR_OK; /* what is remembered does not go back */
    return log_run_write_since(&run, &report.published);
}

const struct verb VERB_LOG_VERIFY = {
    .name = "log verify",
    .arguments = "",
    .summary = "check that the log is what it was, offline: fast, for every day",
    .details =
        "Computes every hash again from the entries and compares tiles, journal, checkpoint and\n"
        "the hardware's seal; follows every agent's chain, the order of times, epochs, sessions,\n"
        "attempts and their outcomes; checks the hardware's signature under every session. Not\n"
        "the session key's signature on each record, which the sealed root binds: pawl log audit\n"
        "does. Entries up to the head that was verified last are not read again: what is new\n"
        "is held against what is remembered of them, but for enrolments of agents. --full reads\n"
        "and judges everything. A log that was cut at its end together with what is remembered is\n"
        "consistent in itself. Whoever holds a permit from before can tell: give it with\n"
        "--against.",
    .opts = VERIFY_OPTIONS,
    .run = verify_run,
};

/* ---- audit ----------------------------------------------------------------------------------- */

static const struct opt AUDIT_OPTIONS[] = {
    LOG_ENROLMENT_OPTION,
    LOG_OPTION,
    {"root", 0, OPT_VALUE, "FILE", "the authority's root metadata, version 1"},
    {"permits", 0, OPT_LIST, "FILE", "permits, receipts and all, or a directory of them"},
    {"against", 0, OPT_LIST, "FILE", "a permit or checkpoint received earlier, or a directory"},
    {"bundle", 0, OPT_LIST, "FILE",
     "what the authority published for an epoch, or a directory of such bundles"},
    {"disclosures", 0, OPT_LIST, "FILE",
     "what a permit discloses of a redacted record, by itself, or a directory of such files"},
    WITNESS_OPTION,
    {"since-file", 0, OPT_VALUE, "FILE",
     "a head that was verified before: the log must contain it"},
    {"all", 0, OPT_FLAG, NULL, "every finding, not only the first"},
    {0},
};

static err_code against_root(struct log_run *run)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    CLEANUP(root_meta_free) struct root_meta *root = NULL;
    const char *path = args_value(run->call->args, "root", NULL);
    struct why why = {0};

    if (path == NULL)
        return ERR_OK;
    TRY(file_read(path, ENVELOPE_ROOT_MAX, &bytes, &run->call->why));
    TRY(in_file(run->call, root_meta_parse(buf_slice(&bytes), &root, &run->call->why), path));
    if (verify_enrolment(root, &run->place.enrolment, &why) != ERR_OK)
        log_run_fault(run, AUDIT_ENROLMENT_MISMATCH, path, why.text);
    return ERR_OK;
}

/* The answer is the list: so it is no error, but the exit code tells. */
static void answer(struct log_run *run, const struct audit_report *report)
{
    const size_t findings = json_array_size(run->findings);
    struct call *call = run->call;

    put_report(run, report);
    put_uint(call->json, "bundles", run->place.auditor.n_epochs);
    put_uint(call->json, "without_bundle", run->apart);
    put_bool(call->json, "sound", run->exit == 0);
    call->exit = run->exit;
    if (run->exit == 0) {
        say_report(run, report, &(struct checkpoint){0});
        say(call, "  every signature, receipt and chain is good");
        return;
    }
    say(call, "The log is DAMAGED: %zu finding%s; %llu entries were read%s.", findings,
        findings == 1 ? "" : "s", (unsigned long long)report->read,
        args_flag(call->args, "all") ? "" : "; --all goes on after the first");
    say_facts(call, report);
}

static err_code audit_run(struct call *call)
{
    CLEANUP(log_run_free) struct log_run run = {.call = call};
    const char *dir = call->args->n_plain > 0 ? call->args->plain[0] : NULL;
    struct audit_report report;
    struct audit_job job;
    err_code err;

    run.findings = put_array(call->json, "findings");
    TRY(log_place_find(call, dir, &run.place));
    TRY(log_place_trust(call, &run.place));
    TRY(against_root(&run));
    TRY(log_run_take_views(&run));
    TRY(log_run_take_witnesses(&run));
    TRY(log_run_take_bundles(&run));
    TRY(log_run_take_disclosures(&run));
    job = job_of(&run);
    if (args_value(call->args, "since-file", NULL) != NULL) {
        TRY(log_run_since_path(&run));
        TRY(log_run_read_since(&run, &job));
    }
    job.whole = job.thorough = true;
    job.all = args_flag(call->args, "all");
    job.entry = entry;
    err = audit_log(&job, &report, &call->why);
    if (err != ERR_OK && report.findings == 0)
        return err;
    call->why = (struct why){0};
    answer(&run, &report);
    return ERR_OK;
}

const struct verb VERB_LOG_AUDIT = {
    .name = "log audit",
    .arguments = "[DIR]",
    .summary = "check everything about a log or a copy of one, and name what is damaged",
    .details =
        "Everything that pawl log verify checks, and every record's signature and hashes, and the\n"
        "permits that are given. DIR is a directory of the log's files, as a web server offers\n"
        "them or pawl log export writes them; no gate, hardware or database is needed. A finding\n"
        "has a kind with a stable name, the first damaged entry, the file, and what disagrees.\n"
        "Sessions without a stop are facts, and no damage: the gate was killed. Exit code 0: all\n"
        "is good. Otherwise that of the first finding.",
    .opts = AUDIT_OPTIONS,
    .most = 1,
    .run = audit_run,
};
