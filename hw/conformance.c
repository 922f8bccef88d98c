/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/conformance_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reporting ------------------------------------------------------------------------------- */

bool conform_true(struct conform *c, const char *check, bool ok, const char *format, ...)
{
    va_list args;

    c->checks++;
    if (ok)
        return true;
    c->failures++;
    fprintf(stderr, "%s: %s: ", c->kind, check);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

bool conform_ok(struct conform *c, const char *check, err_code got)
{
    return conform_true(c, check, got == ERR_OK, "got %s, wanted OK: %s", err_name(got),
                        c->why.text);
}

bool conform_refused(struct conform *c, const char *check, err_code got, const err_code *wanted,
                     size_t n_wanted)
{
    char names[256] = "an error";
    size_t len = 0;
    bool ok = n_wanted == 0 && got != ERR_OK;

    for (size_t i = 0; i < n_wanted; i++) {
        int n = snprintf(names + len, sizeof names - len, "%s%s", i == 0 ? "" : " or ",
                         err_name(wanted[i]));
        len += n > 0 && (size_t)n < sizeof names - len ? (size_t)n : 0;
        ok = ok || got == wanted[i];
    }
    if (!conform_true(c, check, ok, "got %s, wanted %s: %s", err_name(got), names, c->why.text))
        return false;
    return conform_true(c, check, c->why.code == got && c->why.text[0] != '\0',
                        "refused with %s, but why says %s: \"%s\"", err_name(got),
                        err_name(c->why.code), c->why.text);
}

/* ---- things that many checks need ------------------------------------------------------------ */

struct why *conform_why(struct conform *c)
{
    c->why = (struct why){0};
    return &c->why;
}

const struct hw_mandate *conform_mandate(struct conform *c, uint64_t epoch)
{
    struct hw_mandate **slot = &c->mandates[epoch];
    err_code err;

    if (*slot != NULL)
        return *slot;
    *slot = calloc(1, sizeof **slot);
    if (*slot == NULL)
        abort();
    err = c->bench->mandate(c->bench->ctx, &c->enrolment, epoch, *slot);
    conform_true(c, "bench gives a mandate", err == ERR_OK && (*slot)->epoch == epoch,
                 "got %s for epoch %" PRIu64 ", wanted OK for epoch %" PRIu64, err_name(err),
                 (*slot)->epoch, epoch);
    return *slot;
}

struct hw_mandate *conform_spoilt(struct conform *c, uint64_t epoch, enum conform_spoil how)
{
    const struct hw_mandate *good = conform_mandate(c, epoch);
    const struct hw_pubkey *stranger = &c->stranger->key;

    free(c->bad_grants);
    c->bad_grants = calloc(good->n_grants + 1, sizeof *c->bad_grants);
    if (c->bad_grants == NULL)
        abort();
    *c->bad = *good;
    c->bad->grants = c->bad_grants;
    for (size_t i = 0; i < good->n_grants; i++)
        c->bad_grants[i] = good->grants[i];
    if (how == SPOIL_EMPTY)
        c->bad->n_statements = c->bad->n_grants = 0;
    for (size_t i = 0; i < c->bad->n_statements; i++) {
        struct hw_statement *s = &c->bad->statements[i];

        if (how == SPOIL_BIT)
            s->sig[s->sig_len / 2] ^= 4;
        else if (how == SPOIL_DIGEST)
            s->digest[7] ^= 1;
        else if (how == SPOIL_STRANGER)
            conform_sign(c, c->stranger, s->digest, s);
    }
    for (size_t i = 0; i < c->bad->n_grants; i++) {
        struct hw_grant *g = &c->bad_grants[i];
        struct hw_statement s = {0};

        if (how == SPOIL_BIT)
            g->sig[g->sig_len / 2] ^= 4;
        else if (how == SPOIL_DIGEST)
            g->policy.bytes[7] ^= 1;
        if (how != SPOIL_STRANGER)
            continue;
        conform_sign(c, c->stranger, g->policy.bytes, &s);
        g->key = *stranger;
        g->sig_len = s.sig_len;
        memcpy(g->sig, s.sig, s.sig_len);
    }
    return c->bad;
}

struct hw_mandate *conform_twin(struct conform *c, uint64_t epoch)
{
    *c->bad = *conform_mandate(c, epoch);
    c->bad->snapshot.bytes[0] ^= 1;
    c->bad->n_statements = 1;
    conform_sign(c, c->bench->authority, c->bad->snapshot.bytes, &c->bad->statements[0]);
    return c->bad;
}

void conform_sign(struct conform *c, struct hw_signer *signer, const uint8_t *digest,
                  struct hw_statement *ret)
{
    CLEANUP(buf_free) struct buf sig = {0};
    struct hw_statement out = {.key = signer->key};
    struct slice hash = {digest, hw_digest_len(signer->key.alg)};
    err_code err = signer->ops->sign(signer, hash, &sig, conform_why(c));

    memcpy(out.digest, digest, hash.len);
    if (conform_true(c, "bench signs", err == ERR_OK && sig.len <= sizeof out.sig,
                     "got %s and %zu bytes, wanted OK", err_name(err), sig.len)) {
        memcpy(out.sig, sig.ptr, sig.len);
        out.sig_len = sig.len;
    }
    *ret = out;
}

void conform_epoch(struct conform *c, const char *check, uint64_t wanted)
{
    uint64_t got = UINT64_MAX;
    err_code err = c->root->ops->epoch(c->root, &got, conform_why(c));

    if (conform_ok(c, check, err))
        conform_true(c, check, got == wanted, "epoch is %" PRIu64 ", wanted %" PRIu64, got, wanted);
}

bool conform_open(struct conform *c)
{
    hw_root_close(&c->root);
    return conform_ok(c, "open", c->bench->open(c->bench->ctx, &c->root, conform_why(c))) &&
           conform_true(c, "open", c->root != NULL, "root is NULL");
}

bool conform_attach(struct conform *c, const char *check)
{
    return conform_ok(
        c, check, c->root->ops->attach(c->root, c->bench->owner, &c->enrolment, conform_why(c)));
}

/* ---- the run --------------------------------------------------------------------------------- */

static void ops_are_all_there(struct conform *c)
{
    const struct hw_root_ops *o = c->root->ops;
    const bool there[] = {
        o->name != NULL,       o->describe != NULL,    o->enrol != NULL, o->attach != NULL,
        o->verify != NULL,     o->epoch != NULL,       o->step != NULL,  o->prepare != NULL,
        o->begin != NULL,      o->sign != NULL,        o->seal != NULL,  o->receipt_key != NULL,
        o->device_key != NULL, o->device_sign != NULL, o->close != NULL, o->head_check != NULL,
        o->head_bind != NULL,
    };

    for (size_t i = 0; i < sizeof there; i++)
        if (!conform_true(c, "no operation is NULL", there[i], "member %zu of the ops is NULL", i))
            c->fatal = true;
}

static bool printable(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return len > 0 && len < size;
}

static void description_is_sane(struct conform *c)
{
    struct hw_description *d = &c->about;
    const char *const kinds[] = {"tpm", "pkcs11", "fake"};
    bool known = false;

    memset(d, 0xff, sizeof *d);
    if (!conform_ok(c, "describe", c->root->ops->describe(c->root, d, conform_why(c)))) {
        c->fatal = true;
        return;
    }
    for (size_t i = 0; i < 3; i++)
        known = known || strncmp(d->kind, kinds[i], sizeof d->kind) == 0;
    conform_true(c, "describe kind", known, "kind is \"%.15s\", wanted tpm, pkcs11 or fake",
                 d->kind);
    conform_true(c, "describe kind", strncmp(d->kind, c->root->ops->name, sizeof d->kind) == 0,
                 "kind is \"%.15s\", the ops say \"%s\"", d->kind, c->root->ops->name);
    conform_true(c, "describe model", printable(d->model, sizeof d->model),
                 "model \"%.40s\" is empty or not printable", d->model);
    conform_true(c, "describe firmware", printable(d->firmware, sizeof d->firmware),
                 "firmware \"%.40s\" is empty or not printable", d->firmware);
    conform_true(c, "describe verifies", d->verifies, "the root does not verify signatures");
    conform_true(c, "describe refuses_rollback", d->refuses_rollback, "the root is no ratchet");
}

static bool start(struct conform *c)
{
    snprintf(c->kind, sizeof c->kind, "?");
    c->bad = calloc(1, sizeof *c->bad);
    c->other = calloc(1, sizeof *c->other);
    if (c->bad == NULL || c->other == NULL)
        abort();
    if (!conform_ok(c, "make a stranger's key",
                    hw_signer_generate(HW_ES256, &c->stranger, conform_why(c))) ||
        !conform_open(c))
        return false;
    snprintf(c->kind, sizeof c->kind, "%s", c->root->ops->name);
    ops_are_all_there(c);
    if (!c->fatal)
        description_is_sane(c);
    return !c->fatal;
}

static void finish(struct conform *c)
{
    hw_root_close(&c->root);
    hw_signer_close(&c->stranger);
    for (size_t i = 0; i < HW_BENCH_EPOCHS; i++)
        free(c->mandates[i]);
    free(c->bad_grants);
    free(c->bad);
    free(c->other);
    fprintf(stderr, "%s: conformance: %u checks, %u failed\n", c->kind, c->checks, c->failures);
}

unsigned hw_conformance(const struct hw_bench *bench)
{
    struct conform *c = calloc(1, sizeof *c);
    unsigned failures;

    if (c == NULL)
        abort();
    c->bench = bench;
    if (start(c))
        conform_enrolment(c);
    if (!c->fatal && c->failures == 0)
        conform_verify(c);
    if (!c->fatal && c->failures == 0)
        conform_life(c);
    if (!c->fatal && c->failures == 0)
        conform_heads(c);
    failures = c->failures;
    finish(c);
    free(c);
    return failures;
}
