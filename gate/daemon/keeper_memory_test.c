/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_memory_test.c: keeper_memory_test tpm|token: one decision after the other, and in each of
 * them one allocation of the gate's own code fails, or a row of them: it is denied for want of
 * memory, or permitted as ever, and then the permit proves itself; and the service serves on, with
 * no restart. The linker puts the functions below in the place of malloc and its kin (--wrap).
 */
#include "gate/daemon/desk_testing.h"
#include "gate/decide/site_testing.h"
#include "gate/decide/verify.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define STEP 3 /* one place of failure of so many is tried; all of them take two minutes */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

/* Which allocations fail, of all that are asked for from now on: n from the first one on, and one
 * more behind it. Numbers begin with 1; 0: none. */
struct want {
    size_t first, n, later;
};

static struct {
    atomic_size_t asked;
    atomic_bool on;
    struct want want; /* changed while it is not on */
} memory;

static void fail_from_now_on(const struct want *want)
{
    memory.want = *want;
    memory.asked = 0;
    memory.on = true;
}

static size_t fail_no_more(void)
{
    memory.on = false;
    return memory.asked;
}

static bool refused(void)
{
    const struct want *want = &memory.want;
    size_t number;

    if (!memory.on)
        return false;
    number = atomic_fetch_add(&memory.asked, 1) + 1;
    return (number >= want->first && number - want->first < want->n) || number == want->later;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
    return refused() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
    return refused() ? NULL : __real_strndup(text, n);
}

static enum site_kind kind; /* of this process: its first argument */
static struct site *site;
static struct keeper *keeper;

static void start(void)
{
    const struct keeper_options options = {
        .state_dir = site->state, .clock_ms = desk_clock_ms, .judges = 1};
    struct why why = {0};

    SITE_OK(keeper_start(&options, &keeper, &why));
    desk_ask_of(keeper);
}

/* ---- one decision ---------------------------------------------------------------------------- */

struct outcome {
    size_t asked, index;
    bool permitted;
    err_code err; /* of one that was not */
};

/* What is said is true: the ledger has it, and hardware of this gate has signed that. */
static size_t expect_proof(const struct demand_item *item)
{
    static struct verified verified;
    struct why why = {0};
    size_t index;

    assert_true(item->recorded);
    SITE_OK(verify_permit(buf_slice(&item->permit_file), &site->enrolment, &verified, &why));
    assert_true(verified.permit.record.decision.permit);
    index = (size_t)verified.permit.receipt.leaf_index;
    verified_free(&verified);
    return index;
}

static err_code expect_denial(const struct demand *demand)
{
    const struct demand_item *item = &demand->items[0];

    assert_false(item->permit);
    if (demand->refused != ERR_OK) {
        assert_false(item->recorded);
        assert_null(item->permit_file.ptr);
        return demand->refused;
    }
    return item->recorded ? item->answer.reason : ERR_NO_MEMORY;
}

static void came_back(struct demand *demand)
{
    *(bool *)demand->ctx = true;
}

/* False: it was not taken for want of memory. */
static bool submit(struct demand *demand)
{
    struct pollfd fd = {.fd = keeper_fd(keeper), .events = POLLIN};
    bool back = false;
    struct why why = {0};
    err_code err;

    demand->done = came_back;
    demand->ctx = &back;
    err = keeper_submit(keeper, demand, &why);
    if (err != ERR_OK) {
        SITE_EXPECT(err, ERR_NO_MEMORY);
        return false;
    }
    while (!back) {
        assert_int_equal(poll(&fd, 1, -1), 1);
        keeper_collect(keeper);
    }
    return true;
}

static err_code look(struct errand *errand, struct gate *gate, struct scribe *scribe,
                     struct why *why)
{
    (void)errand;
    (void)gate;
    (void)scribe;
    (void)why;
    return ERR_OK;
}

/* Asks while these allocations fail. */
static struct outcome ask(const struct want *want)
{
    static const char *const AGENT[] = {"build-1"};
    CLEANUP(demand_free) struct demand *demand = desk_demand("build-1", AGENT, 1);
    struct outcome out = {0};
    bool taken;

    fail_from_now_on(want);
    taken = submit(demand);
    desk_do(look); /* behind what follows the answer */
    out.asked = fail_no_more();
    out.permitted = demand->items[0].permit;
    if (out.permitted)
        out.index = expect_proof(&demand->items[0]);
    else
        out.err = taken ? expect_denial(demand) : ERR_NO_MEMORY;
    return out;
}

/* Without a restart: when, is the keeper's pause. */
static struct outcome ask_until_served(void)
{
    static const struct want NOTHING;
    struct outcome out = ask(&NOTHING);

    for (; !out.permitted; out = ask(&NOTHING))
        (void)poll(NULL, 0, 10);
    return out;
}

/* ---- the tests ------------------------------------------------------------------------------- */

struct tally {
    size_t asked, index; /* of who was served last */
    size_t denied, permitted;
};

/* One who asks while these fail, and one after him, who gets a permit. */
static size_t two_ask(const struct want *want, struct tally *tally)
{
    struct outcome got = ask(want), after;

    if (!got.permitted && got.err != ERR_NO_MEMORY)
        fail_msg("allocation %zu, %zu in all, and %zu: %s", want->first, want->n, want->later,
                 err_name(got.err));
    after = ask_until_served();
    assert_true(after.index > tally->index); /* nothing that was on record is gone */
    if (got.permitted)
        assert_true(got.index > tally->index && got.index < after.index);
    tally->index = after.index;
    tally->asked = after.asked;
    tally->denied += !got.permitted;
    tally->permitted += got.permitted;
    return got.asked;
}

static struct tally begin(void)
{
    struct outcome out = ask_until_served();

    return (struct tally){.asked = out.asked, .index = out.index};
}

static void end(const struct tally *tally)
{
    print_message("%zu denied, %zu permitted\n", tally->denied, tally->permitted);
    assert_true(tally->denied > 0);
}

/* Each alone, until one run needs no more. */
static void one(void **state)
{
    struct tally tally = begin();
    struct want want = {.first = 1, .n = 1};

    (void)state;
    for (; two_ask(&want, &tally) >= want.first; want.first += STEP)
        continue;
    assert_true(tally.permitted > 0);
    end(&tally);
}

/* As the first of a row that lasts into what the failure itself brings about. */
static void a_row(void **state)
{
    struct tally tally = begin();
    struct want want = {.first = 1, .n = 40};

    (void)state;
    for (; two_ask(&want, &tally) >= want.first; want.first += 7 * STEP)
        continue;
    end(&tally);
}

/* And each of those by which the gate is opened anew. */
static void opening(void **state)
{
    struct tally tally = begin();
    struct want want = {.first = tally.asked / 2, .n = 1};
    const size_t last = two_ask(&want, &tally);

    (void)state;
    for (want.later = want.first + 1; want.later <= last; want.later += 7 * STEP)
        (void)two_ask(&want, &tally);
    end(&tally);
}

static int make_site(void **state)
{
    (void)state;
    site = site_new(kind, NULL);
    site_policy(site, "builds", "permit (principal, action, resource);");
    site_install(site, NULL);
    site_close(site);
    start();
    return 0;
}

static int remove_site(void **state)
{
    (void)state;
    keeper_free(&keeper);
    site_free(&site);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one),
        cmocka_unit_test(a_row),
        cmocka_unit_test(opening),
    };

    if (argc != 2)
        return 2;
    kind = strcmp(argv[1], "tpm") == 0 ? SITE_TPM : SITE_TOKEN;
    json_set_alloc_funcs(__wrap_malloc, free);
    return cmocka_run_group_tests(tests, make_site, remove_site);
}
