/* SPDX-License-Identifier: Apache-2.0 */
/* history_test.c: the state that a ledger lives with is the one that its entries tell: over random
 * histories, kills, and everything that may happen to the database. */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/log.h"
#include "gate/ledger/log_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HISTORIES 100

struct setting {
    struct testing t;
    char dir[64];
    uint64_t random; /* splitmix64: the histories are the same every time */
};

static struct why why; /* of the last refusal */

#define OK(call)                                                                                   \
    do {                                                                                           \
        err_code got_ = (call);                                                                    \
        if (got_ != ERR_OK)                                                                        \
            fail_msg("line %d: %s: %s: %s", __LINE__, #call, err_name(got_), why.text);            \
    } while (0)

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);

    assert_non_null(s);
    testing_init(&s->t);
    (void)snprintf(s->dir, sizeof s->dir, "/dev/shm/pawl-ledger-XXXXXX");
    if (mkdtemp(s->dir) == NULL) /* a disk takes minutes for what is made durable here */
        testing_dir(s->dir, sizeof s->dir);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    testing_free(&s->t);
    testing_remove(s->dir);
    free(s);
    return 0;
}

static uint64_t any(struct setting *s, uint64_t below)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static const char *in(const struct setting *s, const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", s->dir, name);
    return path;
}

static void read_file(const struct setting *s, const char *name, struct buf *ret)
{
    buf_free(ret);
    testing_read(in(s, name), ret);
}

static void dump(const struct setting *s, struct buf *ret)
{
    OK(ledger_state_dump(s->dir, in(s, "dump"), &why));
    read_file(s, "dump", ret);
    assert_int_equal(unlink(in(s, "dump")), 0);
}

/* ---- live and rebuilt ------------------------------------------------------------------------ */

static void stage_something(struct setting *s, struct ledger *ledger)
{
    enum session_phase phase = ledger_state(ledger)->phase;
    char agent[32];

    s->t.now_ms += any(s, 3);
    if (phase == SESSION_NONE || phase == SESSION_STOPPED || any(s, 20) == 0) {
        testing_new_session(&s->t);
        OK(testing_stage(&s->t, ledger, RECORD_KEY_ROTATION, NULL));
        return;
    }
    (void)snprintf(agent, sizeof agent, "agent-%d", (int)any(s, 12));
    switch (any(s, 12)) {
    case 10: /* without an outcome: the session may be cut off behind it */
        OK(testing_stage_one(&s->t, ledger, RECORD_ATTEMPT, agent, NULL));
        return;
    case 11:
        if (ledger_state(ledger)->open == 0)
            OK(testing_stage(&s->t, ledger, RECORD_STOP, NULL));
        return;
    case 0:
        OK(testing_stage(&s->t, ledger, RECORD_INSTALL, NULL));
        return;
    case 2:
    case 3:
    case 4:
        testing_change_roster(&s->t, ledger, any(s, UINT64_MAX));
        return;
    case 1:
        OK(testing_stage(&s->t, ledger, RECORD_ENROL, NULL));
        return;
    default:
        OK(testing_stage(&s->t, ledger, RECORD_DECISION, agent));
    }
}

/* A batch, which may be abandoned, and then perhaps a fold. */
static void live_a_while(struct setting *s, struct ledger *ledger)
{
    for (uint64_t n = any(s, 5); n > 0; n--)
        stage_something(s, ledger);
    if (any(s, 3) == 0 && ledger_state(ledger)->sessions == 1)
        ledger_abandon(ledger);
    OK(testing_commit(ledger, &why));
    if (any(s, 4) == 0)
        OK(ledger_fold(ledger, &why));
}

/* What is in memory and in the database together is what is in the entries. */
static void live_is_rebuilt(struct setting *s, struct buf *first)
{
    CLEANUP(buf_free) struct buf second = {0}, third = {0};

    dump(s, first);
    OK(ledger_rebuild(s->dir, NULL, &why));
    read_file(s, "state.db", &second);
    if (!slice_eq(buf_slice(first), buf_slice(&second)))
        fail_msg("the live state is another than the rebuilt one");
    dump(s, &third);
    assert_true(slice_eq(buf_slice(first), buf_slice(&third)));
}

static void histories(void **state)
{
    struct setting *s = *state;
    char whole[sizeof s->dir];
    uint64_t folded = 0, entries = 0, enrolled = 0;

    memcpy(whole, s->dir, sizeof whole);
    for (uint64_t seed = 0; seed < HISTORIES; seed++) {
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        CLEANUP(buf_free) struct buf live = {0};

        s->random = seed;
        (void)snprintf(s->dir, sizeof s->dir, "%.40s/%d", whole, (int)seed);
        assert_int_equal(mkdir(s->dir, 0700), 0);
        testing_new_session(&s->t);
        OK(ledger_open(s->dir, LEDGER_CREATE, &ledger, &why));
        for (uint64_t n = any(s, 12); n > 0; n--) {
            live_a_while(s, ledger);
            if (any(s, 5) == 0) {
                ledger_close(&ledger);
                OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
            }
        }
        folded += tlog_folded(ledger->tlog);
        entries += ledger_size(ledger);
        enrolled += ledger_roster(ledger)->n;
        ledger_close(&ledger);
        live_is_rebuilt(s, &live);
        OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why)); /* and it goes on with it */
        live_a_while(s, ledger);
        ledger_close(&ledger);
        live_is_rebuilt(s, &live);
        testing_remove(s->dir);
        memcpy(s->dir, whole, sizeof whole);
    }
    assert_true(folded > 200 && entries > folded + 200 && enrolled > 100);
}

/* ---- killed ---------------------------------------------------------------------------------- */

/* A session of some decisions; folds in between if asked to. */
static void session(struct setting *s, struct ledger *ledger, int n, bool fold)
{
    char agent[32];

    testing_new_session(&s->t);
    OK(testing_stage(&s->t, ledger, RECORD_KEY_ROTATION, NULL));
    for (int i = 0; i < n; i++) {
        s->t.now_ms++;
        (void)snprintf(agent, sizeof agent, "agent-%d", i % 3);
        OK(testing_stage(&s->t, ledger, RECORD_DECISION, agent));
        OK(testing_commit(ledger, &why));
        if (fold && i == n / 2)
            OK(ledger_fold(ledger, &why));
    }
}

static void begin(struct setting *s, struct ledger **ret)
{
    OK(ledger_open(s->dir, LEDGER_CREATE, ret, &why));
    session(s, *ret, 9, true);
}

static void goes_on(struct setting *s)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf live = {0};

    OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
    session(s, ledger, 4, true);
    ledger_close(&ledger);
    live_is_rebuilt(s, &live);
}

/* Between its two steps: the state is saved, the journal still there. */
static void killed_in_a_fold(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL, *reader = NULL;
    CLEANUP(buf_free) struct buf before = {0}, after = {0};
    struct tlog_head head;

    begin(s, &ledger);
    dump(s, &before);
    head = ledger_head(ledger);
    OK(state_save(ledger->state, &ledger->succession, &head, &why));
    ledger_close(&ledger);
    OK(ledger_open(s->dir, LEDGER_READ, &reader, &why));
    assert_int_equal(reader->succession.agents.n, 0); /* nothing is left to go through */
    assert_true(tlog_folded(reader->tlog) < ledger_size(reader));
    dump(s, &after);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
    goes_on(s);
}

/* ---- a database that does not fit ------------------------------------------------------------ */

static err_code opening(const struct setting *s, enum ledger_mode mode)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;

    return ledger_open(s->dir, mode, &ledger, &why);
}

/* Refused in every mode with this error, and made good by rebuilding. */
static void refused(struct setting *s, const char *name, err_code want)
{
    static const enum ledger_mode MODES[] = {LEDGER_READ, LEDGER_APPEND, LEDGER_CREATE};

    for (size_t i = 0; i < 3; i++) {
        err_code got = opening(s, MODES[i]);
        if (got != want)
            fail_msg("%s, mode %zu: %s: %s", name, i, err_name(got), why.text);
        assert_non_null(strstr(why.text, "state.db"));
    }
    if (want == ERR_STATE_CORRUPT)
        assert_non_null(strstr(why.text, "pawl log rebuild"));
    OK(ledger_rebuild(s->dir, NULL, &why));
    goes_on(s);
}

static void put_state(const struct setting *s, const struct buf *content)
{
    (void)unlink(in(s, "state.db-wal"));
    (void)unlink(in(s, "state.db-shm"));
    testing_write(in(s, "state.db"), buf_slice(content));
}

static void no_database(void **state)
{
    struct setting *s = *state;
    struct ledger *ledger = NULL;

    begin(s, &ledger);
    ledger_close(&ledger);
    assert_int_equal(unlink(in(s, "state.db")), 0);
    refused(s, "deleted", ERR_STATE_CORRUPT);
}

/* It is begun only with the log; not where one is already that has seen more. */
static void database_before_the_log(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf later = {0};
    struct ledger *ledger = NULL;
    char own[sizeof s->dir];

    memcpy(own, s->dir, sizeof own);
    (void)snprintf(s->dir, sizeof s->dir, "%.40s/other", own);
    assert_int_equal(mkdir(s->dir, 0700), 0);
    begin(s, &ledger);
    ledger_close(&ledger);
    read_file(s, "state.db", &later);
    memcpy(s->dir, own, sizeof own);
    OK(ledger_open(s->dir, LEDGER_CREATE, &ledger, &why));
    ledger_close(&ledger);
    put_state(s, &later);
    assert_int_equal(opening(s, LEDGER_CREATE), ERR_LEDGER_ROLLBACK);
    OK(ledger_rebuild(s->dir, NULL, &why));
    OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
    session(s, ledger, 2, false); /* nothing was folded yet */
    ledger_close(&ledger);
    assert_int_equal(unlink(in(s, "state.db")), 0);
    refused(s, "deleted before the first fold", ERR_STATE_CORRUPT);
}

static void cut_databases(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf whole = {0};
    struct ledger *ledger = NULL;

    begin(s, &ledger);
    ledger_close(&ledger);
    read_file(s, "state.db", &whole);
    for (size_t pages = 0; pages < whole.len / 4096; pages++) {
        buf_cut(&whole, whole.len);
        testing_write(in(s, "state.db"), (struct slice){whole.ptr, pages * 4096});
        (void)unlink(in(s, "state.db-wal"));
        assert_int_equal(opening(s, LEDGER_APPEND), ERR_STATE_CORRUPT);
    }
    testing_write(in(s, "state.db"), (struct slice){whole.ptr, 4096 + 17});
    refused(s, "cut", ERR_STATE_CORRUPT);
}

/* An older one is good as long as the journal holds what came after it. */
static void older_databases(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf old = {0}, before = {0}, after = {0};
    struct ledger *ledger = NULL;

    begin(s, &ledger);
    ledger_close(&ledger);
    read_file(s, "state.db", &old); /* as of the fold in the middle */
    OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
    session(s, ledger, 3, false);
    dump(s, &before);
    ledger_close(&ledger);
    put_state(s, &old);
    dump(s, &after);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));

    OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
    OK(ledger_fold(ledger, &why));
    ledger_close(&ledger);
    put_state(s, &old);
    refused(s, "older than the journal", ERR_STATE_CORRUPT);
}

/* The state has seen what the log has not: somebody took entries away. */
static void newer_database(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf journal = {0};
    struct ledger *ledger = NULL;

    begin(s, &ledger);
    read_file(s, "ledger/journal", &journal);
    session(s, ledger, 3, true);
    ledger_close(&ledger);
    testing_write(in(s, "ledger/journal"), buf_slice(&journal));
    refused(s, "newer than the log", ERR_LEDGER_ROLLBACK);
}

static void database_of_another(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf other = {0};
    char own[sizeof s->dir];
    struct ledger *ledger = NULL;

    memcpy(own, s->dir, sizeof own);
    (void)snprintf(s->dir, sizeof s->dir, "%.40s/other", own);
    assert_int_equal(mkdir(s->dir, 0700), 0);
    begin(s, &ledger);
    ledger_close(&ledger);
    read_file(s, "state.db", &other);
    memcpy(s->dir, own, sizeof own);
    begin(s, &ledger);
    ledger_close(&ledger);
    put_state(s, &other);
    refused(s, "of another gate", ERR_STATE_CORRUPT);
}

/* A damaged page denies: when the ledger is opened, or when an agent is looked up that it holds. */
static void damaged_pages(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf whole = {0};
    size_t pages, harmless = 0;
    char agent[32];

    OK(ledger_open(s->dir, LEDGER_CREATE, &ledger, &why));
    session(s, ledger, 3, false);
    for (size_t i = 0; i < 120; i++) { /* several pages of agents */
        (void)snprintf(agent, sizeof agent, "agent-%zu", i);
        OK(testing_stage(&s->t, ledger, RECORD_DECISION, agent));
    }
    OK(testing_commit(ledger, &why));
    OK(ledger_fold(ledger, &why));
    ledger_close(&ledger);
    read_file(s, "state.db", &whole);
    pages = whole.len / 4096;
    assert_true(pages >= 5);
    for (size_t page = 0; page < pages; page++) {
        CLEANUP(buf_free) struct buf bad = {0};
        size_t denied = 0;

        assert_int_equal(buf_add_slice(&bad, buf_slice(&whole)), ERR_OK);
        for (size_t i = page * 4096 + 8; i < (page + 1) * 4096; i += 3)
            bad.ptr[i] ^= 0x5a;
        put_state(s, &bad);
        if (ledger_open(s->dir, LEDGER_APPEND, &ledger, &why) != ERR_OK) {
            assert_int_equal(why.code, ERR_STATE_CORRUPT);
            continue;
        }
        for (size_t i = 0; i < 120; i++) {
            (void)snprintf(agent, sizeof agent, "agent-%zu", i);
            struct record_link link;
            err_code err = ledger_link(ledger, slice_str(agent), &link, &why);
            denied += err == ERR_STATE_CORRUPT;
            if (err == ERR_OK && link.sequence != (i < 3 ? 4u : 2u))
                fail_msg("page %zu: agent %zu is at %llu", page, i,
                         (unsigned long long)link.sequence);
        }
        harmless += denied == 0; /* a page of a table without rows */
        ledger_close(&ledger);
    }
    assert_in_range(harmless, 0, 2);
    put_state(s, &whole);
    goes_on(s);
}

/* ---- beside others --------------------------------------------------------------------------- */

/* A reader that stays open neither sees what comes later nor stops the writer. */
static void folds_beside_a_reader(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL, *reader = NULL;
    CLEANUP(buf_free) struct buf entry = {0}, live = {0};
    struct record_link link;
    uint64_t size;

    begin(s, &ledger);
    OK(ledger_open(s->dir, LEDGER_READ, &reader, &why));
    size = ledger_size(reader);
    for (int i = 0; i < 5; i++)
        session(s, ledger, 6, true);
    assert_int_equal(ledger_size(reader), size);
    for (uint64_t i = 0; i < size; i++)
        OK(ledger_entry(reader, i, &entry, &why));
    OK(ledger_link(reader, slice_str("agent-1"), &link, &why));
    assert_int_equal(link.sequence, 6);
    ledger_close(&reader);
    OK(ledger_fold(ledger, &why));
    ledger_close(&ledger);
    live_is_rebuilt(s, &live);
}

/* What is in memory is what changed since the last fold, and no more. */
static void many_agents(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    struct record_link link;
    char agent[32];
    size_t most = 0;

    OK(ledger_open(s->dir, LEDGER_CREATE, &ledger, &why));
    session(s, ledger, 1, true);
    /* 100,000 agents that were there before: rows as a fold leaves them */
    for (size_t from = 0; from < 100000; from += 5000) {
        struct tlog_head head = ledger_head(ledger);
        for (size_t i = from; i < from + 5000; i++) {
            size_t at;
            (void)snprintf(agent, sizeof agent, "old-%zu", i);
            OK(agents_at(&ledger->succession.agents, slice_str(agent), &at, &why));
            ledger->succession.agents.entries[at].link.sequence = i + 1;
        }
        OK(state_save(ledger->state, &ledger->succession, &head, &why));
        agents_cut(&ledger->succession.agents, 0);
    }
    for (size_t i = 0; i < 100000; i += 101) {
        (void)snprintf(agent, sizeof agent, "old-%zu", i);
        OK(ledger_link(ledger, slice_str(agent), &link, &why));
        assert_int_equal(link.sequence, i + 1);
    }
    assert_int_equal(ledger->succession.agents.n, 0); /* asking keeps nothing */
    for (int i = 0; i < 60; i++) {
        (void)snprintf(agent, sizeof agent, "new-%d", i);
        OK(testing_stage(&s->t, ledger, RECORD_DECISION, agent));
        OK(testing_commit(ledger, &why));
        most = ledger->succession.agents.n > most ? ledger->succession.agents.n : most;
        if (i % 20 == 19)
            OK(ledger_fold(ledger, &why));
    }
    assert_in_range(most, 20, 21);
    assert_int_equal(ledger->succession.agents.n, 0);
    assert_int_equal(ledger->succession.agents.cap, 0);
    ledger_close(&ledger);
    OK(ledger_open(s->dir, LEDGER_APPEND, &ledger, &why));
    assert_int_equal(ledger->succession.agents.n, 0);
}

struct seen {
    uint64_t calls, done, of;
};

static void saw(void *context, uint64_t done, uint64_t of)
{
    struct seen *seen = context;

    seen->calls++;
    assert_true(done > seen->done || seen->calls == 1);
    seen->done = done;
    seen->of = of;
}

static void rebuilding(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf live = {0};
    struct seen seen = {0};
    struct stat st;

    assert_int_equal(ledger_rebuild(s->dir, NULL, &why), ERR_NOT_FOUND);
    OK(ledger_open(s->dir, LEDGER_CREATE, &ledger, &why));
    ledger_close(&ledger);
    live_is_rebuilt(s, &live); /* an empty one */
    begin(s, &ledger);
    ledger_close(&ledger);
    testing_write(in(s, "state.db.new"), slice_str("left by a rebuild that was killed"));
    testing_write(in(s, "state.db.tidy"), slice_str("left by a rebuild that was killed"));
    OK(ledger_rebuild(s->dir, &(struct ledger_progress){saw, &seen}, &why));
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.done, TESTING_SIZE(9));
    assert_int_equal(seen.of, TESTING_SIZE(9));
    assert_int_equal(stat(in(s, "state.db"), &st), 0);
    assert_int_equal(st.st_mode & 0137, 0);
    assert_int_not_equal(stat(in(s, "state.db.new"), &st), 0);
    assert_int_not_equal(stat(in(s, "state.db.tidy"), &st), 0);
    testing_write(in(s, "dump"), slice_str("something"));
    assert_int_equal(ledger_state_dump(s->dir, in(s, "dump"), &why), ERR_EXISTS);
    assert_int_equal(unlink(in(s, "dump")), 0);
    goes_on(s);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(histories),      WITH_SETTING(killed_in_a_fold),
        WITH_SETTING(no_database),    WITH_SETTING(database_before_the_log),
        WITH_SETTING(cut_databases),  WITH_SETTING(older_databases),
        WITH_SETTING(newer_database), WITH_SETTING(database_of_another),
        WITH_SETTING(damaged_pages),  WITH_SETTING(folds_beside_a_reader),
        WITH_SETTING(many_agents),    WITH_SETTING(rebuilding),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
