/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log_witness.c: pawl log witness: has the published checkpoint cosigned by the witnesses that
 * gate.json names. Needs no hardware. */
#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/cli/http.h"
#include "gate/cli/verb.h"
#include "gate/cli/verbs.h"
#include "gate/cli/witness_ask.h"
#include "gate/decide/settings.h"
#include "gate/policy/enrolment.h"
#include "gate/tlog/tile.h"

#include <stdlib.h>

#define LOCK_WAIT_MS 2000

/* Everything that one call knows. */
struct asking {
    struct call *call;
    struct settings settings;
    struct note_key log, witnesses[SETTINGS_WITNESSES_MAX];
    struct cosign_policy policy; /* nothing is needed while asking */
    struct buf dir, file;        /* <state>/ledger; the checkpoint in it */
    struct buf note;             /* the checkpoint, with what was taken so far */
    struct cosign_verdict verdict;
    struct tiles *tiles;
    size_t taken;
    err_code failed; /* the first that went wrong; evidence goes before trouble */
    struct why why;
};

static void asking_done(struct asking **asking)
{
    struct asking *a = *asking;

    if (a == NULL)
        return;
    settings_free(&a->settings);
    buf_free(&a->dir);
    buf_free(&a->file);
    buf_free(&a->note);
    tiles_close(&a->tiles);
    free(a);
}

/* ---- what is to be asked --------------------------------------------------------------------- */

/* The log's key, as the gate's enrolment names it. */
static err_code read_log_key(struct asking *a)
{
    CLEANUP(buf_free) struct buf path = {0}, bytes = {0};
    struct enrolment enrolment = {0};
    struct why *why = &a->call->why;

    TRY(path_join(a->call->state_dir, "enrolment.cbor", &path));
    TRY(file_read((const char *)path.ptr, ENROLMENT_SIZE_MAX, &bytes, why));
    TRY(in_file(a->call, enrolment_parse(buf_slice(&bytes), &enrolment, why),
                (const char *)path.ptr));
    return in_file(a->call, note_key_parse(enrolment.log, &a->log, why), (const char *)path.ptr);
}

static err_code read_witnesses(struct asking *a)
{
    struct why *why = &a->call->why;

    TRY(settings_load(a->call->state_dir, &a->settings, why));
    TRY(read_log_key(a));
    if (a->settings.n_witnesses == 0)
        return why_say(why, ERR_USAGE, "\"%s/gate.json\" names no witnesses", a->call->state_dir);
    for (size_t i = 0; i < a->settings.n_witnesses; i++) {
        const struct settings_witness *witness = &a->settings.witnesses[i];
        TRY(why_reading(why, note_key_parse(slice_str(witness->vkey), &a->witnesses[i], why),
                        "witness \"%s\"", witness->vkey));
        TRY(http_url_check(witness->url, why));
    }
    a->policy = (struct cosign_policy){&a->log, a->witnesses, a->settings.n_witnesses, 0};
    return cosign_policy_check(&a->policy, why);
}

/* The published checkpoint, and the tiles below it, which must be of the same tree: a witness is
 * not bothered with a log that is broken here. */
static err_code read_log(struct asking *a)
{
    struct why *why = &a->call->why;
    struct digest root;
    uint64_t size;

    TRY(path_join(a->call->state_dir, "ledger", &a->dir));
    TRY(path_join((const char *)a->dir.ptr, "checkpoint", &a->file));
    TRY(file_read((const char *)a->file.ptr, NOTE_SIZE_MAX, &a->note, why));
    TRY(in_file(a->call, cosign_open(buf_slice(&a->note), &a->policy, &a->verdict, why),
                (const char *)a->file.ptr));
    size = a->verdict.text.checkpoint.size;
    TRY(tiles_open((const char *)a->dir.ptr, size, &a->tiles, why));
    TRY(tree_root(tiles_tree(a->tiles), size, &root, why));
    if (!digest_eq(&root, &a->verdict.text.checkpoint.root))
        return why_say(why, ERR_LEDGER_INCONSISTENT,
                       "the tiles of %llu entries have another root than the checkpoint",
                       (unsigned long long)size);
    return ERR_OK;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_evidence(err_code err)
{
    return err == ERR_LEDGER_ROLLBACK || err == ERR_LEDGER_INCONSISTENT;
}

static void note_failure(struct asking *a, err_code err, const struct why *why)
{
    if (a->failed != ERR_OK && (is_evidence(a->failed) || !is_evidence(err)))
        return;
    a->failed = err;
    a->why = *why;
}

static err_code ask_one(struct asking *a, size_t i, struct why *why)
{
    CLEANUP(buf_free) struct buf lines = {0}, merged = {0};
    const struct cosign_policy policy = {&a->log, &a->witnesses[i], 1, 1};
    const struct witness_job job = {
        .url = a->settings.witnesses[i].url,
        .name = a->witnesses[i].name,
        .note = buf_slice(&a->note),
        .checkpoint = a->verdict.text.checkpoint,
        .source = tiles_tree(a->tiles),
        .timeout_ms = WITNESS_TIMEOUT_MS,
    };
    size_t n;

    TRY(witness_ask(&job, &lines, why));
    TRY(why_reading(why,
                    cosign_merge(buf_slice(&a->note), buf_slice(&lines), &policy, &merged, &n, why),
                    "the answer of \"%s\"", job.name));
    buf_free(&a->note);
    a->note = buf_take(&merged);
    a->taken += n;
    return ERR_OK;
}

static err_code ask_all(struct asking *a)
{
    for (size_t i = 0; i < a->settings.n_witnesses; i++) {
        struct why why = {0};
        err_code err = ask_one(a, i, &why);

        if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
            return err;
        if (err == ERR_OK)
            continue;
        note_failure(a, err, &why);
        say(a->call, "%-12s %s: %s", err_name(err), a->witnesses[i].name, why.text);
    }
    return cosign_open(buf_slice(&a->note), &a->policy, &a->verdict, &a->call->why);
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* The newest cosigned checkpoint stays in a file of its own: the gate publishes the next one over
 * "checkpoint" at any time. That one gets the signatures too if it is still the same head. */
static err_code keep(struct asking *a, bool *ret_published)
{
    CLEANUP(buf_free) struct buf cosigned = {0}, lock_path = {0}, now = {0};
    CLEANUP(lock_free) struct lock lock = {0};
    struct why *why = &a->call->why;
    struct note note;
    err_code err;

    TRY(path_join((const char *)a->dir.ptr, "cosigned", &cosigned));
    TRY(file_write((const char *)cosigned.ptr, buf_slice(&a->note), 0644, why));
    TRY(path_join(a->call->state_dir, "lock", &lock_path));
    err = lock_take((const char *)lock_path.ptr, LOCK_WAIT_MS, &lock, why);
    if (err == ERR_BUSY)
        return ERR_OK;
    TRY(err);
    TRY(file_read((const char *)a->file.ptr, NOTE_SIZE_MAX, &now, why));
    TRY(note_parse(buf_slice(&now), &note, why));
    if (!slice_eq(note.text, a->verdict.note.text))
        return ERR_OK;
    TRY(file_write((const char *)a->file.ptr, buf_slice(&a->note), 0644, why));
    *ret_published = true;
    return ERR_OK;
}

static void report(struct asking *a, bool published)
{
    json_t *json = a->call->json, *list = put_array(json, "witnesses");

    for (size_t i = 0; i < a->settings.n_witnesses; i++) {
        const struct note_good *good = &a->verdict.witnesses[i];
        json_t *one = add_object(list);
        char when[TIME_TEXT];

        put_text(one, "name", a->witnesses[i].name);
        put_text(one, "url", a->settings.witnesses[i].url);
        put_bool(one, "cosigned", good->good);
        if (!good->good)
            continue;
        time_text((int64_t)good->time, when);
        put_time(one, "time", (int64_t)good->time);
        say(a->call, "%-12s %s  %s", "cosigned", a->witnesses[i].name, when);
    }
    put_uint(json, "size", a->verdict.text.checkpoint.size);
    put_digest(json, "root", &a->verdict.text.checkpoint.root);
    put_uint(json, "cosigned", a->verdict.n_good);
    put_uint(json, "needed", a->settings.witnesses_needed);
    put_bool(json, "published", published);
    say(a->call, "%zu of %zu witnesses have cosigned %llu entries; %zu are needed.",
        a->verdict.n_good, a->settings.n_witnesses,
        (unsigned long long)a->verdict.text.checkpoint.size, a->settings.witnesses_needed);
}

static err_code witness_run(struct call *call)
{
    CLEANUP(asking_done) struct asking *a = calloc(1, sizeof *a); /* large */
    bool published = false;

    if (a == NULL)
        return ERR_NO_MEMORY;
    a->call = call;
    TRY(read_witnesses(a));
    TRY(read_log(a));
    TRY(ask_all(a));
    if (a->taken > 0)
        TRY(keep(a, &published));
    report(a, published);
    if (!is_evidence(a->failed) && a->verdict.n_good >= a->settings.witnesses_needed)
        return ERR_OK;
    call->why = a->why;
    return a->failed;
}

const struct verb VERB_LOG_WITNESS = {
    .name = "log witness",
    .arguments = "",
    .summary = "have the published checkpoint cosigned by the witnesses in gate.json",
    .details = "Whoever knows a witness can tell from its cosignature that everybody is shown the\n"
               "same log. The newest cosigned checkpoint is the file \"cosigned\" beside the log.",
    .opts = NO_OPTIONS,
    .run = witness_run,
};
