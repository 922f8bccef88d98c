/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/log_run.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/decide/settings.h"
#include "gate/decide/verify.h"
#include "gate/ledger/audit_memory.h"
#include "gate/policy/bundle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEWS_MAX 4096
#define REMEMBERED "pawl-verified-v2"
#define REMEMBERED_MAX (256 + AUDIT_MEMORY_MAX) /* bytes of that file */

void log_run_free(struct log_run *run)
{
    log_place_free(&run->place);
    for (size_t i = 0; i < run->n_views; i++)
        free((char *)(uintptr_t)run->views[i].from);
    free(run->views);
    for (size_t i = 0; i < run->n_disclosed; i++) {
        free((char *)(uintptr_t)run->disclosed[i].from);
        buf_free(&run->disclosed_bytes[i]);
    }
    free(run->disclosed);
    free(run->disclosed_bytes);
    buf_free(&run->since_path);
    buf_free(&run->since);
    buf_free(&run->memory);
}

/* ---- what others saw ------------------------------------------------------------------------- */

void log_run_fault(struct log_run *run, enum audit_kind kind, const char *file, const char *text)
{
    struct audit_finding finding = {.kind = kind};

    (void)snprintf(finding.file, sizeof finding.file, "%s", file);
    (void)snprintf(finding.text, sizeof finding.text, "%.300s", text);
    text_defuse(finding.file, strlen(finding.file));
    text_defuse(finding.text, strlen(finding.text));
    log_run_add(run, &finding);
}

static err_code add_view(struct log_run *run, const struct checkpoint *head, const char *from)
{
    if (run->n_views == VIEWS_MAX)
        return why_say(&run->call->why, ERR_TOO_LARGE, "more than %d files to compare with",
                       VIEWS_MAX);
    if (run->views == NULL)
        run->views = calloc(VIEWS_MAX, sizeof *run->views);
    if (run->views == NULL)
        return ERR_NO_MEMORY;
    run->views[run->n_views].head = *head;
    run->views[run->n_views].from = strdup(from);
    return run->views[run->n_views++].from != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static void verified_done(struct verified **verified)
{
    if (*verified != NULL)
        verified_free(*verified);
    free(*verified);
}

static bool is_note(struct slice bytes)
{
    return bytes.len > 0 && bytes.ptr[0] >= ' ' && bytes.ptr[0] < 0x7f;
}

/* A permit or a checkpoint that somebody kept. What proves nothing is said, and is no error. */
static err_code take_view(struct log_run *run, const char *path)
{
    CLEANUP(verified_done) struct verified *verified = calloc(1, sizeof *verified);
    CLEANUP(buf_free) struct buf bytes = {0};
    const struct auditor *auditor = &run->place.auditor.auditor;
    struct checkpoint head = {0};
    struct why why = {0};
    bool note;
    err_code err;

    if (verified == NULL)
        return ERR_NO_MEMORY;
    TRY(file_read(path, PERMIT_SIZE_MAX, &bytes, &run->call->why));
    note = is_note(buf_slice(&bytes));
    if (note) {
        err = auditor->checkpoint(auditor, buf_slice(&bytes), &head, &why);
    } else {
        err = verify_permit(buf_slice(&bytes), &run->place.enrolment, verified, &why);
        head = verified->checkpoint;
    }
    if (err == ERR_OK)
        return add_view(run, &head, path);
    if (run->findings == NULL)
        return in_file(run->call, why_say(&run->call->why, err, "%s", why_text(&why, err)), path);
    log_run_fault(run, note ? AUDIT_CHECKPOINT_FORGED : AUDIT_RECEIPT_INVALID, path,
                  why_text(&why, err));
    return ERR_OK;
}

/* What the authority published. A bundle that does not hold vouches for no epoch. */
static err_code take_bundle(struct log_run *run, const char *path)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct why why = {0};
    err_code err;

    TRY(file_read(path, BUNDLE_SIZE_MAX, &bytes, &run->call->why));
    err = auditor_take_bundle(&run->place.auditor, buf_slice(&bytes), &why);
    if (err == ERR_NO_MEMORY || err == ERR_INTERNAL)
        return err;
    if (err != ERR_OK)
        log_run_fault(run, AUDIT_EPOCH_UNKNOWN, path, why_text(&why, err));
    return ERR_OK;
}

static err_code more_disclosed(struct log_run *run)
{
    if (run->n_disclosed == VIEWS_MAX)
        return why_say(&run->call->why, ERR_TOO_LARGE, "more than %d files of disclosures",
                       VIEWS_MAX);
    if (run->disclosed == NULL)
        run->disclosed = calloc(VIEWS_MAX, sizeof *run->disclosed);
    if (run->disclosed_bytes == NULL)
        run->disclosed_bytes = calloc(VIEWS_MAX, sizeof *run->disclosed_bytes);
    return run->disclosed == NULL || run->disclosed_bytes == NULL ? ERR_NO_MEMORY : ERR_OK;
}

/* What stands under "pawl-disclosures" in a permit, by itself. */
static err_code take_disclosures(struct log_run *run, const char *path)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct audit_disclosed *disclosed;
    struct why why = {0};
    err_code err;

    TRY(more_disclosed(run));
    disclosed = &run->disclosed[run->n_disclosed];
    TRY(file_read(path, PERMIT_SIZE_MAX, &bytes, &run->call->why));
    err = record_disclosures_parse(buf_slice(&bytes), &disclosed->list, &why);
    if (err != ERR_OK) {
        log_run_fault(run, AUDIT_DISCLOSURE_INVALID, path, why_text(&why, err));
        return ERR_OK;
    }
    disclosed->from = strdup(path);
    if (disclosed->from == NULL)
        return ERR_NO_MEMORY;
    run->disclosed_bytes[run->n_disclosed++] = buf_take(&bytes);
    return ERR_OK;
}

/* A file, or every file of a directory; suffix: of those that count there. */
struct taker {
    err_code (*take)(struct log_run *run, const char *path);
    const char *suffix;
};

static bool counts(const char *name, const char *suffix)
{
    size_t len = strlen(name), end = strlen(suffix);

    return name[0] != '.' && len >= end && strcmp(name + len - end, suffix) == 0;
}

static err_code take_path(struct log_run *run, const struct taker *taker, const char *path)
{
    CLEANUP(dir_close) DIR *dir = opendir(path);
    struct dirent *entry;

    if (dir == NULL)
        return taker->take(run, path);
    while ((entry = readdir(dir)) != NULL) {
        CLEANUP(buf_free) struct buf file = {0};

        if (!counts(entry->d_name, taker->suffix))
            continue;
        TRY(path_join(path, entry->d_name, &file));
        TRY(taker->take(run, (const char *)file.ptr));
    }
    return ERR_OK;
}

static err_code take_list(struct log_run *run, const struct taker *taker, const char *option)
{
    const char *path;

    for (size_t i = 0; (path = args_list(run->call->args, option, i)) != NULL; i++)
        TRY(take_path(run, taker, path));
    return ERR_OK;
}

err_code log_run_take_views(struct log_run *run)
{
    static const struct taker VIEWS = {take_view, ""};

    TRY(take_list(run, &VIEWS, "against"));
    return take_list(run, &VIEWS, "permits");
}

err_code log_run_take_bundles(struct log_run *run)
{
    static const struct taker BUNDLES = {take_bundle, ".bundle"};
    const char *beside = run->place.own ? run->call->state_dir : (const char *)run->place.dir.ptr;
    CLEANUP(buf_free) struct buf installed = {0};

    TRY(path_join(beside, "installed", &installed));
    if (file_exists((const char *)installed.ptr))
        TRY(take_path(run, &BUNDLES, (const char *)installed.ptr));
    return take_list(run, &BUNDLES, "bundle");
}

err_code log_run_take_disclosures(struct log_run *run)
{
    static const struct taker DISCLOSURES = {take_disclosures, ""};

    return take_list(run, &DISCLOSURES, "disclosures");
}

static void settings_done(struct settings *settings)
{
    settings_free(settings);
}

/* Whoever may not read gate.json knows no witnesses but those that he names. */
static err_code own_witnesses(struct log_run *run)
{
    CLEANUP(settings_done) struct settings settings = {0};

    if (!run->place.own || settings_load(run->call->state_dir, &settings, NULL) != ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < settings.n_witnesses; i++)
        TRY(auditor_take_witness(&run->place.auditor, slice_str(settings.witnesses[i].vkey),
                                 &run->call->why));
    return ERR_OK;
}

err_code log_run_take_witnesses(struct log_run *run)
{
    const char *vkey;

    TRY(own_witnesses(run));
    for (size_t i = 0; (vkey = args_list(run->call->args, "witness", i)) != NULL; i++)
        TRY(why_reading(&run->call->why,
                        auditor_take_witness(&run->place.auditor, slice_str(vkey), &run->call->why),
                        "--witness \"%s\"", vkey));
    return ERR_OK;
}

/* ---- what was verified before ---------------------------------------------------------------- */

err_code log_run_since_path(struct log_run *run)
{
    const char *given = args_value(run->call->args, "since-file", NULL);

    if (given == NULL)
        return run->place.own ? path_join(run->call->state_dir, "verified", &run->since_path)
                              : ERR_OK;
    TRY(buf_add_str(&run->since_path, given));
    return buf_terminate(&run->since_path);
}

/* Three lines, what it is, size and root in base64; then what is known at that head.
 * Without that, which can be too much to be kept, everything is read again. */
static err_code parse_since(struct slice rest, struct checkpoint *ret, struct slice *ret_memory)
{
    struct slice magic, size, root;

    TRY(note_line(&rest, &magic));
    TRY(note_line(&rest, &size));
    TRY(note_line(&rest, &root));
    if (!slice_eq_str(magic, REMEMBERED))
        return ERR_FORMAT;
    TRY(note_number(size, &ret->size));
    *ret_memory = rest;
    return note_hash(root, &ret->root);
}

err_code log_run_read_since(struct log_run *run, struct audit_job *job)
{
    const char *path = (const char *)run->since_path.ptr;

    if (run->since_path.len == 0 || !file_exists(path))
        return ERR_OK;
    TRY(file_read(path, REMEMBERED_MAX, &run->since, &run->call->why));
    if (parse_since(buf_slice(&run->since), &job->since.head, &job->memory) != ERR_OK)
        return in_file(run->call,
                       why_say(&run->call->why, ERR_FORMAT, "not what pawl log verify remembers"),
                       path);
    job->since.from = path;
    job->whole = job->whole || job->memory.len == 0;
    return ERR_OK;
}

err_code log_run_write_since(struct log_run *run, const struct checkpoint *head)
{
    const char *path = (const char *)run->since_path.ptr;
    CLEANUP(buf_free) struct buf text = {0};
    err_code err;

    if (run->since_path.len == 0 || run->memory.len == 0)
        return ERR_OK; /* nowhere; or that head is remembered already */
    TRY(buf_add_str(&text, REMEMBERED "\n"));
    TRY(note_put_number("", head->size, &text));
    TRY(note_put_hash(&head->root, &text));
    TRY(buf_add_slice(&text, buf_slice(&run->memory)));
    err = file_write(path, buf_slice(&text), 0644, &run->call->why);
    if (err == ERR_OK || args_value(run->call->args, "since-file", NULL) != NULL)
        return err;
    say(run->call, "(not remembered: \"%s\" cannot be written)", path);
    run->call->why = (struct why){0};
    return ERR_OK;
}
