/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "gate/ledger/audit_memory.h"
#include "gate/ledger/audit_walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 8 /* units that are read side by side: a few megabytes */

/* ---- findings -------------------------------------------------------------------------------- */

err_code audit_hold(struct audit *a, enum audit_kind kind, uint64_t index, const char *file,
                    const char *format, ...)
{
    struct audit_finding *finding;
    va_list args;

    if (a->n_held == a->held_cap) {
        size_t cap = a->held_cap == 0 ? 16 : a->held_cap * 2;
        struct audit_finding *bigger = reallocarray(a->held, cap, sizeof *bigger);

        if (bigger == NULL)
            return ERR_NO_MEMORY;
        a->held = bigger;
        a->held_cap = cap;
    }
    finding = &a->held[a->n_held++];
    *finding = (struct audit_finding){.kind = kind, .has_index = index != AUDIT_NO_INDEX};
    finding->index = finding->has_index ? index : 0;
    (void)snprintf(finding->file, sizeof finding->file, "%s", file);
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    /* From a log that somebody wrote, for a terminal. */
    text_defuse(finding->file, strlen(finding->file));
    text_defuse(finding->text, strlen(finding->text));
    return ERR_OK;
}

static uint64_t place(const struct audit_finding *finding)
{
    return finding->has_index ? finding->index : UINT64_MAX;
}

/* Few at a time, mostly none. What names no entry comes last: it may follow from what does. */
static void sort_held(struct audit *a)
{
    for (size_t i = 1; i < a->n_held; i++) {
        struct audit_finding finding = a->held[i];
        size_t at = i;

        for (; at > 0 && place(&a->held[at - 1]) > place(&finding); at--)
            a->held[at] = a->held[at - 1];
        a->held[at] = finding;
    }
}

err_code audit_release(struct audit *a)
{
    sort_held(a);
    for (size_t i = 0; i < a->n_held; i++) {
        const struct audit_finding *finding = &a->held[i];

        if (a->report.findings++ == 0)
            a->first = *finding;
        if (a->job->found != NULL)
            a->job->found(a->job->context, finding);
        if (!a->job->all)
            return audit_kind_error(finding->kind);
    }
    a->n_held = 0;
    return ERR_OK;
}

/* ---- the tree -------------------------------------------------------------------------------- */

static err_code full_tile(void *context, unsigned level, uint64_t tile, const struct digest *hashes)
{
    return audit_judge_tile(context, level, tile, hashes, AUDIT_WIDTH, NULL);
}

/* Whoever said what the log was at this size said it right, or did not. */
static err_code check_stops(struct audit *a)
{
    struct digest root;
    bool have = false;

    for (; a->next_stop < a->n_stops; a->next_stop++) {
        const struct audit_stop *stop = &a->stops[a->next_stop];
        uint64_t agreed = a->next_stop > 0 ? a->stops[a->next_stop - 1].head.size : 0;

        if (stop->head.size > a->tree->size)
            return ERR_OK;
        if (stop->head.size < a->tree->size)
            continue; /* before the walk began */
        if (!have)
            TRY(audit_tree_root(a->tree, &root));
        have = true;
        if (digest_eq(&root, &stop->head.root))
            continue;
        TRY(audit_hold(a, stop->kind, stop->has_index ? stop->index : AUDIT_NO_INDEX, stop->file,
                       "its root over %" PRIu64 " entries is not the one over those that are "
                       "there; looked at behind entry %" PRIu64,
                       stop->head.size, agreed));
    }
    return ERR_OK;
}

static bool stops_inside(const struct audit *a, uint64_t end)
{
    return a->next_stop < a->n_stops && a->stops[a->next_stop].head.size < end;
}

static err_code grow(struct audit *a, const struct audit_unit *unit, const struct digest *truth,
                     unsigned n)
{
    struct digest top = unit->top;

    if (n == AUDIT_WIDTH && !stops_inside(a, a->tree->size + AUDIT_WIDTH)) {
        if (unit->n < AUDIT_WIDTH || memcmp(truth, unit->leaves, sizeof unit->leaves) != 0)
            TRY(audit_top(&a->hasher, truth, &top));
        TRY(audit_tree_tile(a->tree, &top));
        return check_stops(a);
    }
    for (unsigned i = 0; i < n; i++) {
        TRY(audit_tree_leaf(a->tree, &truth[i]));
        TRY(check_stops(a));
    }
    return ERR_OK;
}

/* ---- one unit -------------------------------------------------------------------------------- */

static uint64_t remembered_size(const struct audit *a)
{
    return a->report.published.size > 0 ? a->report.published.size : a->size;
}

static err_code take_records(struct audit *a, const struct audit_unit *unit, const bool *changed,
                             struct why *why)
{
    uint64_t start = unit->number * AUDIT_WIDTH;

    for (unsigned i = 0; i < unit->n; i++) {
        if (a->keys != NULL)
            a->judged[i] = false;
        if (start + i + 1 == a->report.published.size)
            TRY(buf_add_slice(&a->last, unit->entries[i]));
        if (start + i < a->from)
            continue;
        if (changed[i]) {
            audit_chain_hole(a, start + i);
            continue;
        }
        TRY(audit_chain_take(a, unit, i, why));
        if (a->job->remember != NULL && start + i + 1 == remembered_size(a))
            TRY(audit_memory_write(&a->chain, a->job->remember));
        if (a->keys == NULL || !a->has_session_key || a->record->kind == RECORD_KEY_ROTATION)
            continue;
        a->keys[i] = a->session_key;
        a->judged[i] = true;
    }
    return ERR_OK;
}

static err_code take_unit(struct audit *a, const struct audit_unit *unit, struct why *why)
{
    uint64_t start = unit->number * AUDIT_WIDTH;
    unsigned want = a->size - start < AUDIT_WIDTH ? (unsigned)(a->size - start) : AUDIT_WIDTH, n;
    struct digest truth[AUDIT_WIDTH];
    bool changed[AUDIT_WIDTH];

    TRY(audit_judge_unit(a, unit, want, truth, changed, &n, why));
    TRY(take_records(a, unit, changed, why));
    if (a->keys != NULL)
        TRY(audit_signatures(a, unit, changed, why));
    if (unit->n < want)
        audit_chain_hole(a, start + want - 1);
    TRY(grow(a, unit, truth, n));
    TRY(audit_release(a));
    if (n < want)
        a->size = start + n; /* nothing is known of what follows */
    return ERR_OK;
}

/* ---- the walk -------------------------------------------------------------------------------- */

struct hand {
    struct audit *a;
    struct audit_unit *units; /* every other one */
    size_t from, n;
    struct hasher hasher;
    err_code err;
    struct why why;
};

static void load_half(void *context)
{
    struct hand *hand = context;

    hand->err = ERR_OK;
    for (size_t i = hand->from; i < hand->n && hand->err == ERR_OK; i += 2)
        hand->err = audit_unit_load(&hand->units[i], &hand->a->dir, &hand->a->journal,
                                    &hand->hasher, &hand->why);
}

struct desk {
    struct audit_unit units[BATCH];
    struct hand hands[2];
};

static void desk_free(struct desk **desk)
{
    if (*desk == NULL)
        return;
    for (size_t i = 0; i < BATCH; i++)
        audit_unit_free(&(*desk)->units[i]);
    hasher_free(&(*desk)->hands[0].hasher);
    hasher_free(&(*desk)->hands[1].hasher);
    free(*desk);
}

static err_code load_batch(struct audit *a, struct desk *desk, uint64_t first, size_t *ret_n,
                           struct why *why)
{
    uint64_t units = a->size / AUDIT_WIDTH + (a->size % AUDIT_WIDTH != 0);
    size_t n = units - first < BATCH ? (size_t)(units - first) : BATCH;

    for (size_t i = 0; i < n; i++)
        desk->units[i].number = first + i;
    for (size_t h = 0; h < 2; h++) {
        desk->hands[h].a = a;
        desk->hands[h].units = desk->units;
        desk->hands[h].from = h;
        desk->hands[h].n = n;
    }
    if (n > 1)
        audit_both(load_half, &desk->hands[0], &desk->hands[1]);
    else
        load_half(&desk->hands[0]);
    for (size_t h = 0; h < 2; h++)
        if (desk->hands[h].err != ERR_OK) {
            if (why != NULL)
                *why = desk->hands[h].why;
            return desk->hands[h].err;
        }
    *ret_n = n;
    return ERR_OK;
}

/* The tiles to the left of the first unit were verified before: what they hold of the right edge is
 * believed until the first root is compared. */
static err_code begin_at(struct audit *a, uint64_t unit, struct why *why)
{
    struct digest hashes[AUDIT_WIDTH];
    char path[AUDIT_PATH];
    bool found;

    a->tree->level[0].tile = unit;
    for (unsigned level = 1; level < AUDIT_LEVELS; level++) {
        uint64_t before = unit >> (8 * (level - 1)), tile = before / AUDIT_WIDTH;
        size_t n = (size_t)(before % AUDIT_WIDTH);

        TRY(audit_tile_front(&a->dir, level, tile, n, hashes, path, &found, why));
        if (!found) {
            TRY(audit_hold(a, AUDIT_TILE_MISSING, unit * AUDIT_WIDTH, path,
                           "does not hold the %zu hashes of what was verified before", n));
            return audit_release(a);
        }
        TRY(audit_tree_prefix(a->tree, level, tile, hashes, n));
    }
    return ERR_OK;
}

static err_code resume(struct audit *a, struct desk *desk, struct why *why)
{
    uint64_t size = a->from, last = size - 1;
    struct audit_unit *unit = &desk->units[0];
    unsigned at = (unsigned)(last % AUDIT_WIDTH);

    unit->number = last / AUDIT_WIDTH;
    TRY(audit_unit_load(unit, &a->dir, &a->journal, &desk->hands[0].hasher, why));
    if (a->job->memory.len == 0)
        audit_chain_hole(a, last);
    if (size == a->report.published.size && size % AUDIT_WIDTH == 0 && at < unit->n)
        TRY(buf_add_slice(&a->last, unit->entries[at])); /* no unit of the walk has it */
    TRY(begin_at(a, size / AUDIT_WIDTH, why));
    TRY(check_stops(a));
    if (a->job->memory.len > 0)
        return audit_chain_remember(a, why);
    if (at < unit->n && audit_chain_resume(a, unit->entries[at], NULL) == ERR_OK)
        return ERR_OK;
    TRY(audit_hold(a, AUDIT_ENTRY_CHANGED, last, unit->bundle.file, "cannot be read"));
    return audit_release(a);
}

static err_code walk(struct audit *a, struct desk *desk, struct why *why)
{
    uint64_t unit;
    size_t n;

    if (!a->job->whole && a->job->since.head.size <= a->size)
        a->from = a->job->since.head.size;
    unit = a->from / AUDIT_WIDTH;
    if (a->from > 0)
        TRY(resume(a, desk, why));
    while (unit * AUDIT_WIDTH < a->size) {
        TRY(load_batch(a, desk, unit, &n, why));
        for (size_t i = 0; i < n && desk->units[i].number * AUDIT_WIDTH < a->size; i++)
            TRY(take_unit(a, &desk->units[i], why));
        unit += n;
        if (a->job->progress != NULL)
            a->job->progress(a->job->context, a->tree->size, a->size);
    }
    return ERR_OK;
}

/* The tiles that are not full, and what stands where none may be. */
static err_code edge(struct audit *a, struct why *why)
{
    for (unsigned level = 0; level < AUDIT_LEVELS; level++) {
        const struct audit_level *l = &a->tree->level[level];

        if (level > 0 || l->n == 0)
            TRY(audit_judge_tile(a, level, l->tile, l->hashes, (unsigned)l->n, why));
    }
    TRY(audit_seal(a));
    TRY(audit_chain_end(a));
    TRY(audit_disclosures(a));
    return audit_release(a);
}

static err_code run(struct audit *a, struct why *why)
{
    CLEANUP(desk_free) struct desk *desk = calloc(1, sizeof *desk);

    if (desk == NULL)
        return ERR_NO_MEMORY;
    TRY(audit_dir_open(a->job->dir, &a->dir, why));
    TRY(succession_init(&a->chain, NULL));
    TRY(audit_heads(a, why));
    TRY(walk(a, desk, why));
    TRY(edge(a, why));
    a->report.head.size = a->tree->size;
    a->report.unpublished =
        a->tree->size > a->report.published.size ? a->tree->size - a->report.published.size : 0;
    return audit_tree_root(a->tree, &a->report.head.root);
}

static void audit_free(struct audit **pointer)
{
    struct audit *a = *pointer;

    if (a == NULL)
        return;
    audit_dir_close(&a->dir);
    audit_journal_free(&a->journal);
    audit_room_free(&a->cosigned);
    audit_room_free(&a->seal);
    buf_free(&a->last);
    buf_free(&a->preimage);
    hasher_free(&a->hasher);
    free(a->tree);
    free(a->stops);
    free(a->held);
    succession_free(&a->chain);
    free(a->record);
    free(a->keys);
    free(a->judged);
    free(a->shown);
    free(a->seen);
    free(a);
}

static err_code make(const struct audit_job *job, struct audit **ret)
{
    CLEANUP(audit_free) struct audit *a = calloc(1, sizeof *a);

    if (a == NULL)
        return ERR_NO_MEMORY;
    a->job = job;
    a->epochs.sure = true; /* nothing is in force before the first entry */
    a->tree = calloc(1, sizeof *a->tree);
    a->record = calloc(1, sizeof *a->record);
    if (job->thorough) {
        a->keys = calloc(AUDIT_WIDTH, sizeof *a->keys);
        a->judged = calloc(AUDIT_WIDTH, sizeof *a->judged);
        a->shown = calloc(job->n_disclosed + 1, sizeof *a->shown);
    }
    if (a->tree == NULL || a->record == NULL ||
        (job->thorough && (a->keys == NULL || a->judged == NULL || a->shown == NULL)))
        return ERR_NO_MEMORY;
    a->tree->hasher = &a->hasher;
    a->tree->full = full_tile;
    a->tree->context = a;
    *ret = a;
    a = NULL; /* transferred */
    return ERR_OK;
}

/* The first finding in one sentence. */
static err_code answer(const struct audit *a, struct why *why)
{
    const struct audit_finding *f = &a->first;
    char entry[40] = "";

    if (f->has_index)
        (void)snprintf(entry, sizeof entry, " at entry %" PRIu64, f->index);
    return why_say(why, audit_kind_error(f->kind), "%s%s%s%s%s: %s", audit_kind_name(f->kind),
                   entry, f->file[0] != '\0' ? ", \"" : "", f->file, f->file[0] != '\0' ? "\"" : "",
                   f->text);
}

err_code audit_log(const struct audit_job *job, struct audit_report *ret, struct why *why)
{
    CLEANUP(audit_free) struct audit *a = NULL;
    err_code err;

    TRY(make(job, &a));
    err = run(a, why);
    *ret = a->report;
    return a->report.findings > 0 ? answer(a, why) : err;
}
