/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#define AGENTS 300

/* A state of AGENTS agents and three attempts. */
struct setting {
    char dir[64], path[80], other[80];
    struct succession succession;
    struct tlog_head head;
};

static struct why why; /* of the last refusal */

#define OK(call)                                                                                   \
    do {                                                                                           \
        err_code got_ = (call);                                                                    \
        if (got_ != ERR_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, err_name(got_), why.text);                               \
    } while (0)

static void fill(uint8_t *to, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(seed * 37 + i * 11 + 5);
}

static void set_agent(struct succession *s, size_t number, uint64_t sequence)
{
    char id[32];
    size_t at;

    (void)snprintf(id, sizeof id, "agent-%zu", number);
    OK(agents_at(&s->agents, slice_str(id), &at, &why));
    s->agents.entries[at].link.sequence = sequence;
    fill(s->agents.entries[at].link.prev.bytes, SHA256_LEN, number + sequence);
}

static void set_head(struct setting *s, uint64_t size)
{
    struct succession_head *head = &s->succession.head;

    s->head = (struct tlog_head){.round = size + 3, .checkpoint.size = size};
    fill(s->head.checkpoint.root.bytes, SHA256_LEN, size);
    *head = (struct succession_head){
        .entries = size,
        .time_ms = TESTING_T0 + size,
        .epoch = UINT64_MAX - 5, /* every value is kept, also those that SQLite calls negative */
        .installed = 4,
        .has_snapshot = true,
        .phase = SESSION_RUNNING,
        .key_epoch = 7,
        .clean = true,
        .began = size / 2,
        .key_round = 8,
        .round = 9,
        .sessions = 2,
        .open = s->succession.attempts.n,
        .interrupted = 1,
    };
    fill(head->snapshot.bytes, SHA256_LEN, 1);
    fill(head->key.bytes, SHA256_LEN, 2);
    memcpy(head->session_id, "0199c8a0-0000-7000-8000-000000000001", RECORD_UUID_TEXT);
}

static void enrol(struct succession *s, const char *id, const char *parent, uint64_t entry)
{
    const struct record_agent agent = {
        .id = slice_str(id),
        .name = slice_str("Somebody"),
        .has_uid = entry % 2 == 0,
        .uid = entry % 2 == 0 ? entry : 0,
        .cgroup = slice_str(entry % 3 == 0 ? "/a.slice/b" : ""),
        .zone = slice_str("lab"),
        .parent = slice_str(parent),
        .n_aliases = entry % 3,
        .aliases = {slice_str("base"), slice_str("deploys")},
        .admin = entry * 7,
    };
    struct enrolled *enrolled = NULL;

    OK(roster_admits(&s->roster, &agent, &why));
    OK(roster_room(&s->roster));
    OK(enrolled_make(&agent, entry, TESTING_T0 + entry, &enrolled));
    roster_put(&s->roster, enrolled);
    s->roster.changed = entry + 1;
}

static void add_attempts(struct succession *s)
{
    for (uint64_t i = 0; i < 3; i++) {
        struct attempt attempt = {.entry = i + 1, .session = 2};
        (void)snprintf(attempt.id, sizeof attempt.id, "0199c8a0-0000-7000-8000-%012x",
                       (unsigned)(9 - i));
        fill(attempt.agent.bytes, SHA256_LEN, i);
        fill(attempt.input.bytes, SHA256_LEN, i + 9);
        OK(attempts_add(&s->attempts, &attempt));
    }
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);
    struct state *db = NULL;

    assert_non_null(s);
    testing_dir(s->dir, sizeof s->dir);
    (void)snprintf(s->path, sizeof s->path, "%s/state.db", s->dir);
    (void)snprintf(s->other, sizeof s->other, "%s/dump", s->dir);
    OK(succession_init(&s->succession, NULL));
    OK(buf_add_str(&s->succession.issuer, TESTING_ISSUER));
    for (size_t i = 0; i < AGENTS; i++)
        set_agent(&s->succession, i, i + 1);
    add_attempts(&s->succession);
    enrol(&s->succession, "whole", "", 10);
    enrol(&s->succession, "part", "whole", 12); /* before its parent in the order */
    enrol(&s->succession, "other", "", 15);
    set_head(s, 1000);
    OK(state_make(s->path, &why));
    OK(state_open(s->path, STATE_WRITE, &db, &why));
    OK(state_save(db, &s->succession, &s->head, &why));
    state_close(&db);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    succession_free(&s->succession);
    testing_remove(s->dir);
    free(s);
    return 0;
}

static uint64_t sequence_of(const struct succession *s, const char *agent)
{
    struct record_link link;

    OK(succession_link(s, slice_str(agent), &link, &why));
    return link.sequence;
}

static void empty_state(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *db = NULL;
    CLEANUP(succession_free) struct succession loaded = {0};
    struct tlog_head head;
    struct digest empty;
    struct stat st;

    OK(state_make(s->path, &why)); /* in the place of the other one */
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0137, 0);
    OK(state_open(s->path, STATE_READ, &db, &why));
    OK(state_load(db, &loaded, &why));
    OK(tree_empty(&empty));
    head = state_head(db);
    assert_int_equal(head.round, 0);
    assert_int_equal(head.checkpoint.size, 0);
    assert_memory_equal(&head.checkpoint.root, &empty, sizeof empty);
    assert_int_equal(loaded.head.entries, 0);
    assert_int_equal(loaded.head.phase, SESSION_NONE);
    assert_int_equal(loaded.issuer.len, 0);
    assert_int_equal(sequence_of(&loaded, "agent-5"), 0);
}

static void same_roster(const struct roster *got, const struct roster *want)
{
    assert_int_equal(got->n, want->n);
    assert_int_equal(got->n_places, want->n_places);
    assert_int_equal(got->bytes, want->bytes);
    for (size_t i = 0; i < want->n; i++)
        assert_true(digest_eq(&got->list[i]->sum, &want->list[i]->sum));
    for (size_t i = 0; i < want->n_places; i++)
        assert_true(slice_eq(got->places[i]->id, want->places[i]->id));
}

/* Rows of the roster are written when it has changed, and then as it is. */
static void roster_that_changes(void **state)
{
    struct setting *s = *state;
    struct enrolled *gone;

    for (uint64_t i = 1; i < 6; i++) {
        CLEANUP(state_close) struct state *db = NULL;
        CLEANUP(succession_free) struct succession loaded = {0};
        char id[32];

        OK(state_open(s->path, STATE_WRITE, &db, &why));
        if (i == 2) {
            gone = roster_take(&s->succession.roster, slice_str("part"));
            enrolled_free(&gone);
            s->succession.roster.changed = 1000 + i;
        } else if (i != 4) {
            (void)snprintf(id, sizeof id, "later-%d", (int)i);
            enrol(&s->succession, id, "", 1000 + i - 1);
        }
        set_head(s, 1000 + i);
        OK(state_save(db, &s->succession, &s->head, &why));
        OK(state_load(db, &loaded, &why));
        same_roster(&loaded.roster, &s->succession.roster);
        assert_int_equal(loaded.roster.changed, 0);
    }
}

static void comes_back_as_it_was(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *db = NULL;
    CLEANUP(succession_free) struct succession loaded = {0};
    struct tlog_head head;

    OK(state_open(s->path, STATE_READ, &db, &why));
    head = state_head(db);
    assert_memory_equal(&head, &s->head, sizeof head);
    OK(state_load(db, &loaded, &why));
    assert_memory_equal(&loaded.head, &s->succession.head, sizeof loaded.head);
    assert_true(slice_eq(buf_slice(&loaded.issuer), buf_slice(&s->succession.issuer)));
    assert_int_equal(loaded.attempts.n, 3);
    assert_memory_equal(loaded.attempts.list, s->succession.attempts.list,
                        3 * sizeof *loaded.attempts.list);
    same_roster(&loaded.roster, &s->succession.roster);
    assert_int_equal(roster_find(&loaded.roster, slice_str("whole"))->children, 1);
    assert_int_equal(loaded.agents.n, 0); /* nobody is in memory before he is needed */
    for (size_t i = 0; i < AGENTS; i++) {
        const struct agent_entry *entry = &s->succession.agents.entries[i];
        struct record_link link;
        OK(succession_link(&loaded, (struct slice){entry->id, entry->id_len}, &link, &why));
        assert_memory_equal(&link, &entry->link, sizeof link);
    }
    assert_int_equal(sequence_of(&loaded, "agent"), 0);
    assert_int_equal(sequence_of(&loaded, "agent-1x"), 0);
    assert_int_equal(sequence_of(&loaded, ""), 0);
    assert_int_equal(sequence_of(&loaded, "zzz"), 0);
}

static void readers_keep_what_they_saw(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *writer = NULL, *reader = NULL, *later = NULL;
    CLEANUP(succession_free) struct succession seen = {0}, new = {0};

    OK(state_open(s->path, STATE_WRITE, &writer, &why));
    OK(state_open(s->path, STATE_READ, &reader, &why));
    OK(state_load(reader, &seen, &why));
    for (uint64_t i = 1; i < 20; i++) {
        set_agent(&s->succession, 7, 100 + i);
        set_head(s, 1000 + i);
        OK(state_save(writer, &s->succession, &s->head, &why));
    }
    assert_int_equal(sequence_of(&seen, "agent-7"), 8);
    assert_int_equal(state_head(reader).checkpoint.size, 1000);
    OK(state_open(s->path, STATE_READ, &later, &why));
    OK(state_load(later, &new, &why));
    assert_int_equal(sequence_of(&new, "agent-7"), 119);
    assert_int_equal(new.head.entries, 1019);
}

static void two_writers(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *writer = NULL;
    sqlite3 *other = NULL;

    OK(state_open(s->path, STATE_WRITE, &writer, &why));
    assert_int_equal(sqlite3_open(s->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    set_head(s, 1001);
    assert_int_equal(state_save(writer, &s->succession, &s->head, &why), ERR_BUSY);
    assert_non_null(strstr(why.text, s->path));
    assert_int_equal(state_head(writer).checkpoint.size, 1000);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    OK(state_save(writer, &s->succession, &s->head, &why));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void dump_to(struct setting *s, struct buf *ret)
{
    CLEANUP(state_close) struct state *db = NULL;

    OK(state_open(s->path, STATE_READ, &db, &why));
    OK(state_dump(db, s->other, &why));
    testing_read(s->other, ret);
    assert_int_equal(unlink(s->other), 0);
}

/* However it came about, the same state has the same canonical form. */
static void equal_states_equal_bytes(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf first = {0}, second = {0}, third = {0}, other = {0};
    CLEANUP(state_close) struct state *db = NULL;

    dump_to(s, &first);
    OK(state_open(s->path, STATE_WRITE, &db, &why));
    for (uint64_t i = 1; i < 30; i++) { /* back and forth */
        set_agent(&s->succession, (size_t)i, 100 + i);
        set_head(s, 1000 + i);
        OK(state_save(db, &s->succession, &s->head, &why));
    }
    for (size_t i = 0; i < AGENTS; i++)
        set_agent(&s->succession, i, i + 1);
    set_head(s, 1000);
    OK(state_save(db, &s->succession, &s->head, &why));
    state_close(&db);
    dump_to(s, &second);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));

    OK(state_make(s->path, &why)); /* in one step, in another order */
    agents_cut(&s->succession.agents, 0);
    for (size_t i = AGENTS; i-- > 0;)
        set_agent(&s->succession, i, i + 1);
    OK(state_open(s->path, STATE_BUILD, &db, &why));
    OK(state_save(db, &s->succession, &s->head, &why));
    state_close(&db);
    dump_to(s, &third);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&third)));

    OK(state_open(s->path, STATE_WRITE, &db, &why));
    set_agent(&s->succession, 17, 3);
    OK(state_save(db, &s->succession, &s->head, &why));
    assert_int_equal(state_dump(db, s->path, &why), ERR_EXISTS);
    state_close(&db);
    dump_to(s, &other);
    assert_false(slice_eq(buf_slice(&first), buf_slice(&other)));
}

/* A dump is a state itself. */
static void a_dump_can_take_its_place(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *db = NULL;
    CLEANUP(succession_free) struct succession loaded = {0};

    OK(state_open(s->path, STATE_READ, &db, &why));
    OK(state_dump(db, s->other, &why));
    state_close(&db);
    OK(state_make(s->path, &why));
    OK(state_replace(s->path, s->other, &why));
    OK(state_open(s->path, STATE_WRITE, &db, &why));
    OK(state_load(db, &loaded, &why));
    assert_int_equal(sequence_of(&loaded, "agent-9"), 10);
    OK(state_save(db, &s->succession, &s->head, &why));
}

/* ---- what is not as it was left -------------------------------------------------------------- */

static err_code opening(struct setting *s)
{
    CLEANUP(state_close) struct state *db = NULL;
    CLEANUP(succession_free) struct succession loaded = {0};

    TRY(state_open(s->path, STATE_READ, &db, &why));
    TRY(state_load(db, &loaded, &why));
    for (size_t i = 0; i < 2 * AGENTS; i++) {
        struct record_link link;
        char id[32];
        (void)snprintf(id, sizeof id, "agent-%zu", i);
        TRY(succession_link(&loaded, slice_str(id), &link, &why));
        if (link.sequence != (i < AGENTS ? i + 1 : 0))
            return ERR_INTERNAL; /* believed what is not so */
    }
    return ERR_OK;
}

static void other_files(void **state)
{
    struct setting *s = *state;
    char target[96];

    assert_int_equal(opening(s), ERR_OK);
    (void)snprintf(target, sizeof target, "%s/target", s->dir);
    assert_int_equal(rename(s->path, target), 0);
    assert_int_equal(opening(s), ERR_NOT_FOUND);
    assert_int_equal(symlink(target, s->path), 0);
    assert_int_equal(opening(s), ERR_STORAGE);
    assert_int_equal(unlink(s->path), 0);
    assert_int_equal(mkdir(s->path, 0700), 0);
    assert_int_equal(opening(s), ERR_STORAGE);
    assert_int_equal(rmdir(s->path), 0);
    testing_write(s->path, slice_str(""));
    assert_int_equal(opening(s), ERR_STATE_CORRUPT);
    testing_write(s->path, slice_str("nothing that SQLite knows, and longer than its magic text"));
    assert_int_equal(opening(s), ERR_STATE_CORRUPT);
    assert_non_null(strstr(why.text, s->path));
    assert_non_null(strstr(why.text, "pawl log rebuild"));
}

/* What another program, or another version of this one, may do to it. */
static const char *const MEDDLING[] = {
    "PRAGMA application_id=1",
    "PRAGMA user_version=1",
    "CREATE TABLE more (x)",
    "CREATE INDEX more ON agents (sequence)",
    "CREATE TRIGGER more AFTER INSERT ON agents BEGIN DELETE FROM attempts; END",
    "ALTER TABLE agents ADD COLUMN more INTEGER",
    "DROP TABLE attempts",
    "DELETE FROM head",
    "UPDATE head SET size = size + 1",
    "UPDATE head SET round = round + 1",
    "UPDATE head SET root = zeroblob(32)",
    "UPDATE head SET root = zeroblob(31)",
    "UPDATE head SET issuer = x'61'",
    "UPDATE head SET time_ms = time_ms - 1",
    "UPDATE head SET epoch = 7",
    "UPDATE head SET installed = 5",
    "UPDATE head SET snapshot = NULL",
    "UPDATE head SET snapshot = zeroblob(32)",
    "UPDATE head SET phase = 3",
    "UPDATE head SET phase = 99",
    "UPDATE head SET key = zeroblob(32)",
    "UPDATE head SET key_epoch = 8",
    "UPDATE head SET session = x''",
    "UPDATE head SET session = zeroblob(300)",
    "UPDATE head SET clean = 0",
    "UPDATE head SET began = 0",
    "UPDATE head SET key_round = 0",
    "UPDATE head SET entry_round = 0",
    "UPDATE head SET sessions = 1",
    "UPDATE head SET interrupted = 0",
    "UPDATE head SET sum = x''",
    "DELETE FROM attempts WHERE entry = 2",
    "UPDATE attempts SET entry = 9 WHERE entry = 3",
    "UPDATE attempts SET agent = zeroblob(32) WHERE entry = 3",
    "UPDATE attempts SET input = zeroblob(3) WHERE entry = 3",
    "UPDATE attempts SET id = x'61' WHERE entry = 3",
    "UPDATE enrolled SET entry = 3 WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET since_ms = 3 WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET admin = 3 WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET name = x'' WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET uid = NULL WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET uid = 0 WHERE id = CAST('other' AS BLOB)",
    "UPDATE enrolled SET cgroup = x'' WHERE id = CAST('other' AS BLOB)",
    "UPDATE enrolled SET zone = x'' WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET parent = x'' WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET parent = x'61' WHERE id = CAST('part' AS BLOB)",
    "UPDATE enrolled SET aliases = x'' WHERE id = CAST('whole' AS BLOB)",
    "UPDATE enrolled SET aliases = zeroblob(99) WHERE id = CAST('whole' AS BLOB)",
    "UPDATE enrolled SET aliases = CAST(replace(hex(zeroblob(99)), '00', '0' || char(10)) AS BLOB)",
    "UPDATE enrolled SET id = x'61' WHERE id = CAST('other' AS BLOB)",
    "DELETE FROM enrolled WHERE id = CAST('other' AS BLOB)",
    "DELETE FROM enrolled",
    "UPDATE agents SET sequence = 9 WHERE id = CAST('agent-7' AS BLOB)",
    "UPDATE agents SET prev = zeroblob(32) WHERE id = CAST('agent-7' AS BLOB)",
    "UPDATE agents SET prev = x'00' WHERE id = CAST('agent-7' AS BLOB)",
    "UPDATE agents SET sum = x'0011223344556677' WHERE id = CAST('agent-7' AS BLOB)",
};

static void other_content(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf whole = {0};

    testing_read(s->path, &whole);
    for (size_t i = 0; i < sizeof MEDDLING / sizeof *MEDDLING; i++) {
        sqlite3 *db = NULL;
        err_code err;

        testing_write(s->path, buf_slice(&whole));
        assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
        if (sqlite3_exec(db, MEDDLING[i], NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", MEDDLING[i], sqlite3_errmsg(db));
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        err = opening(s);
        if (err != ERR_STATE_CORRUPT)
            fail_msg("%s: %s: %s", MEDDLING[i], err_name(err), why.text);
        assert_non_null(strstr(why.text, "pawl log rebuild"));
    }
}

/* One byte anywhere: it is found, or it is in a place that means nothing. Never is anything else
 * believed than what was written. */
static void no_damaged_byte_is_believed(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf whole = {0};
    size_t found = 0, harmless = 0;

    testing_read(s->path, &whole);
    for (size_t at = 0; at < whole.len; at += 41) {
        err_code err;

        whole.ptr[at] ^= 0x20;
        testing_write(s->path, buf_slice(&whole));
        whole.ptr[at] ^= 0x20;
        err = opening(s);
        found += err == ERR_STATE_CORRUPT;
        harmless += err == ERR_OK;
        if (err == ERR_INTERNAL)
            fail_msg("byte %zu: believed", at);
    }
    assert_true(found > 100);
    assert_true(harmless > 0);
}

/* A damaged id does not make its agent a new one, on whichever side of its place it comes to be. */
static void damaged_ids(void **state)
{
    static const char *const AGENT[] = {"agent-0", "agent-299", "agent-88"};
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf whole = {0};

    testing_read(s->path, &whole);
    for (size_t i = 0; i < sizeof AGENT / sizeof *AGENT; i++)
        for (int higher = 0; higher < 2; higher++) {
            char *at = memmem(whole.ptr, whole.len, AGENT[i], strlen(AGENT[i]));
            char was;

            assert_non_null(at);
            was = at[6];
            at[6] = higher == 1 ? 'z' : '!';
            testing_write(s->path, buf_slice(&whole));
            at[6] = was;
            if (opening(s) != ERR_STATE_CORRUPT)
                fail_msg("%s, higher: %d", AGENT[i], higher);
        }
}

static void cut_off(void **state)
{
    struct setting *s = *state;
    CLEANUP(buf_free) struct buf whole = {0};

    testing_read(s->path, &whole);
    for (size_t len = 0; len < whole.len; len += 777) {
        err_code err;

        testing_write(s->path, (struct slice){whole.ptr, len});
        err = opening(s);
        if (err != ERR_STATE_CORRUPT)
            fail_msg("%zu of %zu bytes: %s: %s", len, whole.len, err_name(err), why.text);
    }
}

/* The write-ahead log of a database that is no more must not be applied to the one in its place. */
static void a_stale_log_is_not_applied(void **state)
{
    struct setting *s = *state;
    CLEANUP(state_close) struct state *db = NULL;
    CLEANUP(buf_free) struct buf log = {0};
    sqlite3 *reader = NULL;
    char name[96];

    /* A reader keeps the log from being emptied. */
    assert_int_equal(sqlite3_open(s->path, &reader), SQLITE_OK);
    OK(state_open(s->path, STATE_WRITE, &db, &why));
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM head", NULL, NULL, NULL),
                     SQLITE_OK);
    set_agent(&s->succession, 7, 1234);
    set_head(s, 1001);
    OK(state_save(db, &s->succession, &s->head, &why));
    (void)snprintf(name, sizeof name, "%s-wal", s->path);
    testing_read(name, &log);
    assert_true(log.len > 0);
    state_close(&db);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    testing_write(name, buf_slice(&log));
    OK(state_make(s->path, &why));
    OK(state_open(s->path, STATE_WRITE, &db, &why));
    assert_int_equal(state_head(db).checkpoint.size, 0);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(empty_state),
        WITH_SETTING(comes_back_as_it_was),
        WITH_SETTING(roster_that_changes),
        WITH_SETTING(readers_keep_what_they_saw),
        WITH_SETTING(two_writers),
        WITH_SETTING(equal_states_equal_bytes),
        WITH_SETTING(a_dump_can_take_its_place),
        WITH_SETTING(other_files),
        WITH_SETTING(other_content),
        WITH_SETTING(no_damaged_byte_is_believed),
        WITH_SETTING(damaged_ids),
        WITH_SETTING(cut_off),
        WITH_SETTING(a_stale_log_is_not_applied),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
