/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_head.c: what the hardware keeps of the ledger's head: an older disk is refused, an
 * interrupted round is finished, and a loss of power costs no more than it says. Epoch 7. */
#include "hw/conformance_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADS 700

static const err_code OLDER[] = {ERR_LEDGER_ROLLBACK};
static const err_code OTHER[] = {ERR_LEDGER_INCONSISTENT, ERR_LEDGER_ROLLBACK};
static const err_code GONE[] = {ERR_HEAD_MISSING, ERR_LEDGER_INCONSISTENT};

/* A disk. */
struct disk {
    struct conform *c;
    struct hw_head heads[HEADS];
    size_t n;
    struct hw_kept kept;
};

static err_code check_n(struct disk *d, size_t n)
{
    memset(&d->kept, 0xff, sizeof d->kept);
    return d->c->root->ops->head_check(d->c->root, d->heads, n, &d->kept, conform_why(d->c));
}

static bool check(struct disk *d, const char *what)
{
    return conform_ok(d->c, what, check_n(d, d->n));
}

/* Refused, and the result untouched. */
static void refused(struct disk *d, const char *what, size_t n, const err_code *wanted,
                    size_t n_wanted)
{
    conform_refused(d->c, what, check_n(d, n), wanted, n_wanted);
    conform_true(d->c, what, d->kept.round == UINT64_MAX, "the result was written");
}

static void commit(struct disk *d, uint64_t round)
{
    struct hw_head *head = &d->heads[d->n];
    uint8_t number[8];

    put_u64(number, round);
    *head = (struct hw_head){.round = round, .size = (d->n > 0 ? head[-1].size : 0) + 3};
    if (hash_sha256(SLICE_OF(number), &head->root) != ERR_OK || d->n + 1 >= HEADS)
        abort();
    d->n++;
}

static err_code bind(struct disk *d, enum hw_keep keep)
{
    struct conform *c = d->c;
    err_code err = c->root->ops->begin(c->root, conform_why(c));

    return err != ERR_OK
               ? err
               : c->root->ops->head_bind(c->root, &d->heads[d->n - 1], keep, conform_why(c));
}

/* Rounds as they should be. The last one is kept so. */
static bool rounds(struct disk *d, const char *what, unsigned n, enum hw_keep keep)
{
    for (unsigned i = 0; i < n; i++) {
        commit(d, ++d->kept.round);
        if (!conform_ok(d->c, what, bind(d, i + 1 == n ? keep : HW_KEEP_ROUND)))
            return false;
    }
    return true;
}

static void exact(struct disk *d, const char *what)
{
    uint64_t last = d->heads[d->n - 1].round;

    if (!check(d, what))
        return;
    conform_true(d->c, what, d->kept.round == last && d->kept.missing == 0 && !d->kept.none,
                 "round %" PRIu64 " and %" PRIu64 " missing, wanted %" PRIu64 " and 0",
                 d->kept.round, d->kept.missing, last);
}

static bool reopen(struct disk *d, bool power, bool clean)
{
    struct conform *c = d->c;

    hw_root_close(&c->root);
    if (power)
        c->bench->power(c->bench->ctx, clean);
    return conform_open(c) && conform_attach(c, "attach for the head") &&
           conform_ok(c, "prepare for the head",
                      c->root->ops->prepare(c->root, conform_mandate(c, c->epoch), conform_why(c)));
}

static void before_any(struct disk *d)
{
    commit(d, 1);
    conform_refused(d->c, "head_bind before head_check", bind(d, HW_KEEP_ROUND), OTHER, 1);
    d->n = 0;
    if (!check(d, "nothing kept yet"))
        return;
    conform_true(d->c, "nothing kept yet",
                 d->kept.none && d->kept.missing == 0 && !d->kept.has_durable,
                 "none is %d, %" PRIu64 " missing", d->kept.none, d->kept.missing);
    /* A disk with heads, and hardware that knows none. */
    commit(d, d->kept.round);
    refused(d, "heads that the hardware never saw", d->n, GONE, 1);
    d->n = 0;
    (void)check(d, "nothing kept yet");
}

static void wrong_rounds(struct disk *d)
{
    static const int OFF[] = {-1, 0, 2, 300};
    uint64_t last = d->heads[d->n - 1].round;

    for (size_t i = 0; i < 4; i++) {
        commit(d, last + (uint64_t)OFF[i]);
        conform_refused(d->c, "a wrong round", bind(d, HW_KEEP_ROUND), OTHER, 1);
        d->heads[d->n - 1].round = last + 1;
        conform_refused(d->c, "a bind after a refused one", bind(d, HW_KEEP_ROUND), OTHER, 1);
        d->n--;
        exact(d, "a wrong round changes nothing");
    }
}

/* Within a boot of the hardware everything is known. */
static void same_boot(struct disk *d)
{
    struct hw_head *last = &d->heads[d->n - 1];
    struct hw_head kept = *last;

    exact(d, "the heads agree");
    refused(d, "one round less", d->n - 1, OLDER, 1);
    refused(d, "half of the rounds", d->n / 2, OLDER, 1);
    refused(d, "an empty disk", 0, OLDER, 1);
    last->root.bytes[5] ^= 1;
    refused(d, "another root in the last round", d->n, OTHER, 2);
    *last = kept;
    last->size++;
    refused(d, "another size in the last round", d->n, OTHER, 2);
    *last = kept;
    commit(d, last->round + 1);
    commit(d, last->round + 2);
    refused(d, "two rounds more than were kept", d->n, GONE, 2);
    d->n -= 2;
    exact(d, "the heads agree still");
}

static void interrupted(struct disk *d)
{
    uint64_t last;

    commit(d, d->heads[d->n - 1].round + 1);
    exact(d, "an interrupted round is finished");
    refused(d, "a finished round is taken back", d->n - 1, OLDER, 1);
    last = d->heads[d->n - 1].round;
    commit(d, last + 1);
    if (!reopen(d, false, true))
        return;
    exact(d, "an interrupted round is finished by the next");
    (void)rounds(d, "rounds after that", 3, HW_KEEP_ROUND);
}

static bool says(const struct conform *c, uint64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof text, " %" PRIu64 " ", number);
    return strstr(c->why.text, text) != NULL;
}

static void durable(struct disk *d)
{
    struct conform *c = d->c;
    const char *what = "a durable head";
    struct hw_head *last;
    struct hw_head kept;

    exact(d, what);
    if (!rounds(d, what, 2, HW_KEEP_DURABLE) || !check(d, what))
        return;
    last = &d->heads[d->n - 1];
    kept = *last;
    conform_true(
        c, what,
        d->kept.has_durable && d->kept.durable.round == kept.round &&
            d->kept.durable.size == kept.size && digest_eq(&d->kept.durable.root, &kept.root),
        "round %" PRIu64 " is kept durably, wanted %" PRIu64, d->kept.durable.round, kept.round);
    for (int power = 0; power < (c->bench->power != NULL ? 3 : 1); power++) {
        if (!reopen(d, power > 0, power != 2))
            return;
        refused(d, "one round less than durable", d->n - 1, OLDER, 1);
        conform_true(
            c, "the refusal names both sizes", says(c, kept.size) && says(c, kept.size - 3),
            "\"%s\" does not name %" PRIu64 " and %" PRIu64, c->why.text, kept.size, kept.size - 3);
        refused(d, "an empty disk", 0, OLDER, 1);
        last->root.bytes[31] ^= 1;
        refused(d, "another root in the durable round", d->n, OTHER, 2);
        *last = kept;
        (void)check(d, "the durable head agrees");
        if (power < 2)
            exact(d, "the durable head agrees");
    }
    (void)rounds(d, "rounds after a durable head", 2, HW_KEEP_ROUND);
    exact(d, "rounds after a durable head");
}

static void restarts(struct disk *d)
{
    if (!rounds(d, "rounds before a restart", 5, HW_KEEP_ROUND) || !reopen(d, true, true))
        return;
    refused(d, "a round less after a clean restart", d->n - 1, OLDER, 1);
    refused(d, "an empty disk after a clean restart", 0, OLDER, 1);
    exact(d, "a clean restart");
    if (!reopen(d, true, true))
        return;
    commit(d, d->kept.round + 1);
    exact(d, "an interrupted round, and a clean restart");
    (void)rounds(d, "rounds after a restart", 3, HW_KEEP_ROUND);
}

/* From each state in a row, so that wherever blocks of rounds end, one is hit. */
static void power_cuts(struct disk *d)
{
    struct conform *c = d->c;
    const char *what = "power was lost";
    uint64_t last, missing;

    for (unsigned i = 0; i < c->bench->power_cuts; i++) {
        if (!rounds(d, what, 1 + i % 5, HW_KEEP_ROUND))
            return;
        last = d->heads[d->n - 1].round;
        if (!reopen(d, true, false) || !check(d, what))
            return;
        missing = d->kept.missing;
        conform_true(c, what, missing <= c->bench->lost_max && d->kept.round == last + missing,
                     "after round %" PRIu64 " %" PRIu64 " may be missing, at most %u, and the next "
                     "is after round %" PRIu64,
                     last, missing, c->bench->lost_max, d->kept.round);
        if (i % 3 == 0) { /* it stays so, also after a clean restart, until it is recorded */
            if (!reopen(d, true, true) || !check(d, what))
                return;
            conform_true(c, what, missing == d->kept.missing && d->kept.round == last + missing,
                         "%" PRIu64 " may be missing, and after a clean restart %" PRIu64, missing,
                         d->kept.missing);
        }
        if (i % 4 == 1) {
            commit(d, d->kept.round + 1);
            exact(d, "an interrupted round after power was lost");
        }
    }
    if (!rounds(d, what, 1, HW_KEEP_ROUND))
        return;
    exact(d, "a round after power was lost");
    for (size_t i = 1; i < 4; i++)
        refused(d, "what was there before power was lost", d->n - i, OLDER, 1);
}

/* What is taken off while the hardware cannot tell is within what it says may be missing. */
static void cut_unnoticed(struct disk *d)
{
    const char *what = "rounds are taken off after power was lost";
    size_t n;
    err_code err;

    if (!check(d, what) || !rounds(d, what, 1, HW_KEEP_DURABLE) ||
        !rounds(d, what, 6, HW_KEEP_ROUND) || !reopen(d, true, false))
        return;
    refused(d, "rounds are taken off to before the durable head", d->n - 7, OLDER, 1);
    for (n = d->n - 6; n < d->n; n++) {
        err = check_n(d, n);
        if (err == ERR_OK)
            conform_true(d->c, what, d->kept.missing >= d->n - n,
                         "%zu were taken off, and %" PRIu64 " may be missing", d->n - n,
                         d->kept.missing);
        else
            conform_refused(d->c, what, err, OLDER, 1);
        if (err == ERR_OK)
            break;
    }
    if (n < d->n) /* the hardware has accepted this disk */
        d->n = n;
    (void)check(d, what);
    (void)rounds(d, what, 1, HW_KEEP_ROUND);
    exact(d, what);
}

void conform_heads(struct conform *c)
{
    static struct disk disk;

    disk = (struct disk){.c = c};
    if (!reopen(&disk, false, true))
        return;
    before_any(&disk);
    if (!rounds(&disk, "the first rounds", 6, HW_KEEP_ROUND))
        return;
    wrong_rounds(&disk);
    same_boot(&disk);
    if (!reopen(&disk, false, true))
        return;
    same_boot(&disk);
    interrupted(&disk);
    durable(&disk);
    if (c->bench->power == NULL)
        return;
    restarts(&disk);
    power_cuts(&disk);
    cut_unnoticed(&disk);
}
