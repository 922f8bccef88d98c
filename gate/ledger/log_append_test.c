/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"
#include "gate/ledger/ledger_testing.h"
#include "gate/ledger/log.h"
#include "gate/ledger/log_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A ledger of a key_rotation and two decisions, open for appending. */
struct setting {
    struct testing t;
    char dir[64], journal[80];
    struct ledger *ledger;
    struct checkpoint checkpoint;
    off_t len;
};

static off_t file_len(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static int set_up(void **state)
{
    struct setting *s = calloc(1, sizeof *s);
    struct why why = {0};

    assert_non_null(s);
    testing_init(&s->t);
    testing_dir(s->dir, sizeof s->dir);
    (void)snprintf(s->journal, sizeof s->journal, "%s/ledger/journal", s->dir);
    testing_ledger(&s->t, s->dir, 2);
    assert_int_equal(ledger_open(s->dir, LEDGER_APPEND, &s->ledger, &why), ERR_OK);
    s->checkpoint = ledger_head(s->ledger).checkpoint;
    s->len = file_len(s->journal);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;

    ledger_close(&s->ledger);
    testing_free(&s->t);
    testing_remove(s->dir);
    free(s);
    return 0;
}

/* Nothing of a batch remains: not in memory, not in the file. */
static void assert_unchanged(struct setting *s, const char *when)
{
    struct checkpoint now;
    struct record_link link;
    struct why why = {0};

    now = ledger_head(s->ledger).checkpoint;
    if (memcmp(&now, &s->checkpoint, sizeof now) != 0 || file_len(s->journal) != s->len)
        fail_msg("%s: %llu entries, %jd bytes", when, (unsigned long long)now.size,
                 (intmax_t)file_len(s->journal));
    assert_int_equal(ledger_tree(s->ledger).size, now.size);
    assert_int_equal(ledger_link(s->ledger, slice_str("agent-0"), &link, &why), ERR_OK);
    assert_int_equal(link.sequence, 2);
    assert_int_equal(ledger_link(s->ledger, slice_str("agent-9"), &link, &why), ERR_OK);
    assert_memory_equal(&link, &(struct record_link){0}, sizeof link);
}

/* ---- what does not continue the ledger ------------------------------------------------------- */

static void clock_back(struct setting *s, struct record *record)
{
    (void)s;
    record->action_ms -= 1000;
}

static void wrong_sequence(struct setting *s, struct record *record)
{
    (void)s;
    record->link.sequence++;
}

static void wrong_previous(struct setting *s, struct record *record)
{
    (void)s;
    record->link.prev.bytes[0] ^= 1;
}

static void new_agent_with_past(struct setting *s, struct record *record)
{
    (void)s;
    record->agent_id = slice_str("agent-9"); /* with the link of agent-0 */
}

static void other_issuer(struct setting *s, struct record *record)
{
    (void)s;
    record->issuer = slice_str("dev.pawl:example.org/gate-2");
}

static void other_key(struct setting *s, struct record *record)
{
    (void)record;
    hw_signer_close(&s->t.statement);
    assert_int_equal(hw_signer_generate(HW_ES256, &s->t.statement, NULL), ERR_OK);
}

static void other_session(struct setting *s, struct record *record)
{
    (void)s;
    record->session_id = record->record_id;
}

static void nothing(struct setting *s, struct record *record)
{
    (void)s;
    (void)record;
}

static void what_does_not_continue_is_not_staged(void **state)
{
    static const struct {
        const char *name;
        void (*spoil)(struct setting *s, struct record *record);
        err_code want;
    } CASES[] = {
        {"nothing", nothing, ERR_OK},
        {"older than the last entry", clock_back, ERR_CLOCK_BACK},
        {"a number left out", wrong_sequence, ERR_LEDGER_INCONSISTENT},
        {"another predecessor", wrong_previous, ERR_LEDGER_INCONSISTENT},
        {"a new agent with a past", new_agent_with_past, ERR_LEDGER_INCONSISTENT},
        {"of another gate", other_issuer, ERR_LEDGER_INCONSISTENT},
        {"of another session", other_session, ERR_LEDGER_INCONSISTENT},
        {"by a key nobody introduced", other_key, ERR_LEDGER_INCONSISTENT},
    };
    struct setting *s = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        struct record_link link, next;
        struct record *record;
        struct why why = {0};
        err_code err;

        assert_int_equal(ledger_link(s->ledger, slice_str("agent-0"), &link, &why), ERR_OK);
        record = testing_record(&s->t, RECORD_ATTEMPT, "agent-0", &link);
        CASES[i].spoil(s, record);
        testing_signed(&s->t, record, &bytes, &next);
        err = ledger_stage(s->ledger, buf_slice(&bytes), &why);
        if (err != CASES[i].want)
            fail_msg("%s: %s (%s)", CASES[i].name, err_name(err), why.text);
        ledger_abandon(s->ledger);
        assert_unchanged(s, CASES[i].name);
        free(record);
    }
}

static void a_refused_record_leaves_the_batch_whole(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *again = NULL;
    CLEANUP(buf_free) struct buf bytes = {0}, huge = {0};
    struct record_link link, next;
    struct record *record;
    struct why why = {0};
    uint8_t *space;

    assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-0"), ERR_OK);
    assert_int_equal(ledger_stage(s->ledger, slice_str("no record"), &why), ERR_CBOR_MALFORMED);
    assert_int_equal(ledger_stage(s->ledger, (struct slice){0}, &why), ERR_CBOR_MALFORMED);
    assert_int_equal(buf_add_space(&huge, RECORD_SIZE_MAX + 1, &space), ERR_OK);
    assert_int_equal(ledger_stage(s->ledger, buf_slice(&huge), &why), ERR_TOO_LARGE);
    assert_int_equal(ledger_link(s->ledger, slice_str("agent-0"), &link, &why), ERR_OK);
    record = testing_record(&s->t, RECORD_ATTEMPT, "agent-0", &link);
    record->action_ms--;
    testing_signed(&s->t, record, &bytes, &next);
    assert_int_equal(ledger_stage(s->ledger, buf_slice(&bytes), &why), ERR_CLOCK_BACK);
    free(record);
    assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-0"), ERR_OK);
    assert_int_equal(testing_commit(s->ledger, &why), ERR_OK);
    assert_int_equal(ledger_size(s->ledger), s->checkpoint.size + 4);
    assert_int_equal(ledger_open(s->dir, LEDGER_READ, &again, &why), ERR_OK);
    assert_int_equal(ledger_size(again), s->checkpoint.size + 4);
}

/* The first record of all introduces a key, and a new session's first record, too. */
static void sessions(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *fresh = NULL;
    struct hw_signer *old;
    struct why why = {0};
    char path[96];

    (void)snprintf(path, sizeof path, "%s/fresh", s->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(ledger_open(path, LEDGER_CREATE, &fresh, &why), ERR_OK);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_ENROL, NULL), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_KEY_ROTATION, NULL), ERR_OK);
    ledger_abandon(fresh);
    assert_int_equal(fresh->succession.issuer.len, 0);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_ENROL, NULL), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_KEY_ROTATION, NULL), ERR_OK);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_ENROL, NULL), ERR_OK);
    assert_int_equal(testing_commit(fresh, &why), ERR_OK);

    old = s->t.statement; /* kept, to sign once more */
    s->t.statement = NULL;
    testing_new_session(&s->t);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_DECISION, "a"), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_KEY_ROTATION, NULL), ERR_OK);
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_DECISION, "a"), ERR_OK);
    hw_signer_close(&s->t.statement);
    s->t.statement = old;
    assert_int_equal(testing_stage(&s->t, fresh, RECORD_DECISION, "a"), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(testing_commit(fresh, &why), ERR_OK);
    assert_int_equal(ledger_size(fresh), 7);
}

/* ---- what goes wrong while writing ----------------------------------------------------------- */

/* Runs with the file limited to this size, as on a disk that has no more room. */
static void limit_file(off_t len)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = len < 0 ? limit.rlim_max : (rlim_t)len;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void stage_three(struct setting *s)
{
    assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-0"), ERR_OK);
    assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-9"), ERR_OK);
    assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-0"), ERR_OK);
}

/* How much a batch of these three adds to the journal. */
static off_t batch_len(struct setting *s)
{
    CLEANUP(ledger_close) struct ledger *copy = NULL;
    struct ledger *own = s->ledger;
    struct why why = {0};
    char path[96], journal[128];
    off_t before;

    (void)snprintf(path, sizeof path, "%s/copy", s->dir);
    (void)snprintf(journal, sizeof journal, "%s/ledger/journal", path);
    testing_copy(s->dir, path, s->checkpoint.size, TESTING_WHOLE);
    before = file_len(journal);
    assert_int_equal(ledger_open(path, LEDGER_APPEND, &copy, &why), ERR_OK);
    s->ledger = copy;
    stage_three(s);
    s->ledger = own;
    assert_int_equal(testing_commit(copy, &why), ERR_OK);
    return file_len(journal) - before;
}

static void disk_full(void **state)
{
    struct setting *s = *state;
    struct why why = {0};
    off_t batch;
    err_code err;

    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    batch = batch_len(s);
    for (off_t room = 0; room < batch; room += 97) {
        stage_three(s);
        limit_file(s->len + room);
        err = testing_commit(s->ledger, &why);
        limit_file(-1);
        if (err != ERR_STORAGE_FULL)
            fail_msg("room for %jd of %jd bytes: %s", (intmax_t)room, (intmax_t)batch,
                     err_name(err));
        assert_int_equal(why.code, ERR_STORAGE_FULL);
        assert_unchanged(s, "disk full");
    }
    stage_three(s); /* and when there is room again, it goes on */
    limit_file(s->len + batch);
    err = testing_commit(s->ledger, &why);
    limit_file(-1);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(ledger_size(s->ledger), s->checkpoint.size + 6);
    assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
}

static void somebody_else_wrote(void **state)
{
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *other = NULL;
    struct why why = {0};

    assert_int_equal(ledger_open(s->dir, LEDGER_APPEND, &other, &why), ERR_OK);
    assert_int_equal(testing_stage(&s->t, other, RECORD_DECISION, "agent-5"), ERR_OK);
    assert_int_equal(testing_commit(other, &why), ERR_OK);
    s->len = file_len(s->journal);
    stage_three(s);
    assert_int_equal(testing_commit(s->ledger, &why), ERR_LEDGER_INCONSISTENT);
    assert_unchanged(s, "longer"); /* above all, the other's entry is still there */
    assert_int_equal(truncate(s->journal, 5), 0);
    s->len = 5;
    stage_three(s);
    assert_int_equal(testing_commit(s->ledger, &why), ERR_LEDGER_INCONSISTENT);
    assert_unchanged(s, "shorter");
}

static void file_deleted(void **state)
{
    struct setting *s = *state;
    struct why why = {0};

    assert_int_equal(unlink(s->journal), 0);
    stage_three(s);
    assert_int_equal(testing_commit(s->ledger, &why), ERR_LEDGER_INCONSISTENT);
    assert_int_equal(ledger_size(s->ledger), s->checkpoint.size);
}

/* ---- killed ---------------------------------------------------------------------------------- */

/* Appends for ever, telling through the pipe how many entries are acknowledged. */
static void append_for_ever(struct setting *s, int fd)
{
    struct why why = {0};

    if (ledger_open(s->dir, LEDGER_APPEND, &s->ledger, &why) != ERR_OK)
        _exit(1);
    for (;;) {
        uint64_t size;

        if (testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-0") != ERR_OK ||
            testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-9") != ERR_OK ||
            testing_commit(s->ledger, &why) != ERR_OK)
            _exit(1);
        if (ledger_size(s->ledger) % 3 == 0 && ledger_fold(s->ledger, &why) != ERR_OK)
            _exit(1);
        size = ledger_size(s->ledger);
        if (write(fd, &size, sizeof size) != sizeof size)
            _exit(1);
    }
}

static uint64_t last_of(int fd)
{
    uint64_t size = 0, last = 0;

    while (read(fd, &size, sizeof size) == sizeof size)
        last = size;
    return last;
}

static void state_is_what_entries_tell(struct setting *s)
{
    CLEANUP(buf_free) struct buf live = {0}, rebuilt = {0};
    struct why why = {0};
    char path[96];

    (void)snprintf(path, sizeof path, "%s/dump", s->dir);
    assert_int_equal(ledger_state_dump(s->dir, path, &why), ERR_OK);
    testing_read(path, &live);
    ledger_close(&s->ledger);
    assert_int_equal(ledger_rebuild(s->dir, NULL, &why), ERR_OK);
    (void)snprintf(path, sizeof path, "%s/state.db", s->dir);
    testing_read(path, &rebuilt);
    assert_true(slice_eq(buf_slice(&live), buf_slice(&rebuilt)));
}

static void killed_at_any_moment(void **state)
{
    struct setting *s = *state;

    for (int round = 0; round < 20; round++) {
        struct timespec pause = {.tv_nsec = 1000 * 1000 + round * 1700 * 1000};
        struct why why = {0};
        uint64_t acknowledged;
        int fds[2], status;
        pid_t child;

        ledger_close(&s->ledger); /* SQLite does not go through a fork */
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            append_for_ever(s, fds[1]);
        fd_close(&fds[1]);
        (void)nanosleep(&pause, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        acknowledged = last_of(fds[0]);
        fd_close(&fds[0]);

        if (ledger_open(s->dir, LEDGER_APPEND, &s->ledger, &why) != ERR_OK)
            fail_msg("round %d: %s", round, why.text);
        if (ledger_size(s->ledger) < acknowledged)
            fail_msg("round %d: %llu entries of %llu", round,
                     (unsigned long long)ledger_size(s->ledger), (unsigned long long)acknowledged);
        assert_int_equal(ledger_check_checkpoint(s->ledger, &s->checkpoint, &why), ERR_OK);
        assert_int_equal(testing_stage(&s->t, s->ledger, RECORD_DECISION, "agent-9"), ERR_OK);
        assert_int_equal(testing_commit(s->ledger, &why), ERR_OK);
    }
    state_is_what_entries_tell(s);
}

/* "one" is the snapshot of this room's tests. */
static struct digest digest_named(const char *snapshot)
{
    struct digest ret = {{0}};

    if (snapshot != NULL && strcmp(snapshot, "one") == 0)
        snapshot = "snapshot";
    if (snapshot != NULL)
        assert_int_equal(hash_sha256(slice_str(snapshot), &ret), ERR_OK);
    return ret;
}

/* Stages a record with another epoch and snapshot (NULL: none) than those of this room's tests. */
static err_code stage_under(struct testing *t, struct ledger *ledger, enum record_kind kind,
                            uint64_t epoch, const char *snapshot)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    const char *agent = record_is_agents(kind) ? "agent-3" : TESTING_ISSUER;
    struct record_link link, next;
    struct why why = {0};
    struct record *record;

    assert_int_equal(ledger_link(ledger, slice_str(agent), &link, &why), ERR_OK);
    record = testing_record(t, kind, agent, &link);
    record->epoch = epoch;
    record->has_snapshot = snapshot != NULL;
    record->snapshot = digest_named(snapshot);
    if (kind == RECORD_INSTALL)
        record->input = record->snapshot;
    testing_fit(ledger, record);
    testing_signed(t, record, &bytes, &next);
    free(record);
    TRY(ledger_stage(ledger, buf_slice(&bytes), &why));
    return kind == RECORD_KEY_ROTATION ? stage_under(t, ledger, RECORD_START, epoch, snapshot)
                                       : ERR_OK;
}

/* The epoch never falls, one epoch has one snapshot, a key signs in one epoch alone, and what an
 * abandoned batch said of any of them is forgotten. */
static void epochs_and_snapshots(void **state)
{
    static const struct {
        const char *name;
        enum record_kind kind;
        uint64_t epoch;
        const char *snapshot;
        err_code ready, want;
        uint64_t installed;
    } CASES[] = {
        {"as before", RECORD_ATTEMPT, 7, "one", ERR_OK, ERR_OK, 0},
        {"another snapshot", RECORD_ATTEMPT, 7, "two", ERR_EQUIVOCATION, ERR_EQUIVOCATION, 0},
        {"of a session", RECORD_KEY_ROTATION, 7, "two", ERR_EQUIVOCATION, ERR_EQUIVOCATION, 0},
        {"installed", RECORD_INSTALL, 7, "two", ERR_EQUIVOCATION, ERR_EQUIVOCATION, 0},
        {"an older epoch", RECORD_ATTEMPT, 6, "one", ERR_LEDGER_INCONSISTENT,
         ERR_LEDGER_INCONSISTENT, 0},
        {"a newer one, old key", RECORD_INSTALL, 8, "two", ERR_OK, ERR_LEDGER_INCONSISTENT, 0},
        {"a key for it", RECORD_KEY_ROTATION, 8, "two", ERR_OK, ERR_OK, 0},
        {"a newer one", RECORD_INSTALL, 8, "two", ERR_OK, ERR_OK, 8},
        {"its snapshot", RECORD_ATTEMPT, 8, "two", ERR_OK, ERR_OK, 8},
        {"not its snapshot", RECORD_ATTEMPT, 8, "one", ERR_EQUIVOCATION, ERR_EQUIVOCATION, 8},
        {"back", RECORD_ATTEMPT, 7, "one", ERR_LEDGER_INCONSISTENT, ERR_LEDGER_INCONSISTENT, 8},
        {"no snapshot", RECORD_ENROL, 8, NULL, ERR_OK, ERR_OK, 8},
        {"and not its snapshot", RECORD_ATTEMPT, 8, "one", ERR_EQUIVOCATION, ERR_EQUIVOCATION, 8},
        {"old key again", RECORD_ATTEMPT, 9, "three", ERR_OK, ERR_LEDGER_INCONSISTENT, 8},
        {"a key without a snapshot", RECORD_KEY_ROTATION, 9, NULL, ERR_OK, ERR_OK, 8},
        {"no install", RECORD_ATTEMPT, 9, "three", ERR_OK, ERR_OK, 8},
    };
    struct setting *s = *state;
    CLEANUP(ledger_close) struct ledger *again = NULL;
    struct why why = {0};

    assert_int_equal(stage_under(&s->t, s->ledger, RECORD_KEY_ROTATION, 9, "two"), ERR_OK);
    assert_int_equal(stage_under(&s->t, s->ledger, RECORD_INSTALL, 9, "two"), ERR_OK);
    ledger_abandon(s->ledger);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct digest snapshot = digest_named(CASES[i].snapshot);
        err_code ready = ledger_ready(s->ledger, s->t.now_ms, CASES[i].epoch,
                                      CASES[i].snapshot == NULL ? NULL : &snapshot, &why);
        err_code err =
            stage_under(&s->t, s->ledger, CASES[i].kind, CASES[i].epoch, CASES[i].snapshot);

        assert_int_equal(testing_commit(s->ledger, &why), ERR_OK);
        if (ready != CASES[i].ready || err != CASES[i].want ||
            ledger_installed(s->ledger) != CASES[i].installed)
            fail_msg("%s: ready %s, staged %s, installed %llu", CASES[i].name, err_name(ready),
                     err_name(err), (unsigned long long)ledger_installed(s->ledger));
    }
    assert_int_equal(ledger_open(s->dir, LEDGER_READ, &again, &why), ERR_OK);
    assert_int_equal(ledger_installed(again), 8);
}

#define WITH_SETTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SETTING(what_does_not_continue_is_not_staged),
        WITH_SETTING(a_refused_record_leaves_the_batch_whole),
        WITH_SETTING(sessions),
        WITH_SETTING(epochs_and_snapshots),
        WITH_SETTING(disk_full),
        WITH_SETTING(somebody_else_wrote),
        WITH_SETTING(file_deleted),
        WITH_SETTING(killed_at_any_moment),
    };
    return cmocka_run_group_tests_name("log_append", tests, NULL, NULL);
}
