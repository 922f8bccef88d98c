/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_rounds_test.c: keeper_rounds_test tpm|token: what rounds do at the same time, and what
 * must not happen meanwhile, on hardware whose calls are held at a given place.
 */
#include "gate/daemon/desk_testing.h"
#include "gate/daemon/held_testing.h"
#include "gate/daemon/identify.h"
#include "gate/decide/auditor.h"
#include "gate/decide/site_testing.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static enum site_kind kind; /* of this process: its first argument */
static struct site *site;
static struct registry *registry;
static struct keeper *keeper;

static void start(uint64_t stop_ns)
{
    const struct keeper_options options = {.state_dir = site->state,
                                           .clock_ms = desk_clock_ms,
                                           .judges = 2,
                                           .stop_ns = stop_ns,
                                           .registry = registry};
    struct why why = {0};

    site_close(site);
    SITE_OK(keeper_start(&options, &keeper, &why));
    desk_ask_of(keeper);
    desk_do(desk_take_hardware);
}

enum { MANY = 12 };
static struct demand *asked[MANY], *back[MANY];

static void ask_as(size_t at, const char *agent)
{
    asked[at] = desk_demand("build", &agent, 1);
    asked[at]->who = (struct caller){
        .kind = strcmp(agent, "guest") == 0 ? CALLER_AGENT : CALLER_ENFORCEMENT, .uid = 7};
    identify_all(registry, asked[at]);
    desk_give(asked[at], &back[at]);
}

static void ask(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ask_as(i, "build-1");
}

static void free_all(void)
{
    for (size_t i = 0; i < MANY; i++) {
        demand_free(&back[i]);
        asked[i] = NULL;
    }
}

static uint64_t permitted_at(size_t at)
{
    const struct demand *d = back[at];
    struct why why = d->refused_why;

    SITE_OK(d->refused);
    assert_true(d->items[0].recorded && d->items[0].permit && d->items[0].permit_file.len > 0);
    return (uint64_t)json_integer_value(
        json_object_get(json_object_get(d->items[0].context, "ledger"), "index"));
}

static void refused_at(size_t at, err_code err)
{
    struct why why = back[at]->refused_why;

    SITE_EXPECT(back[at]->refused, err);
    assert_false(back[at]->items[0].recorded || back[at]->items[0].permit);
    assert_null(back[at]->items[0].permit_file.ptr);
}

static struct keeper_state now(void)
{
    struct keeper_state state;

    keeper_look(keeper, &state);
    return state;
}

/* Until so many are in the round that is filled. */
static void wait_filling(size_t n)
{
    while (now().filling < n)
        (void)poll(NULL, 0, 2);
}

/* Until somebody is served again, which ends with hardware that can be held. */
static void recover(void)
{
    bool served = false;

    while (!served) {
        ask(0, 1);
        desk_collect(0);
        served = back[0]->refused == ERR_OK;
        free_all();
    }
    desk_ask_of(keeper);
    desk_do(desk_take_hardware);
}

/* Every record and every head, by whoever has the files. */
static void audit(void)
{
    CLEANUP(auditor_free) struct decide_auditor trust = {0};
    CLEANUP(buf_free) struct buf chain = {0};
    struct audit_job job = {.own = true, .thorough = true, .auditor = &trust.auditor};
    struct audit_report report;
    char dir[96], path[96];
    struct why why = {0};

    (void)snprintf(dir, sizeof dir, "%s/ledger", site->state);
    (void)snprintf(path, sizeof path, "%s/hw/epochs", site->state);
    desk_do(desk_nothing); /* behind what follows the answers */
    if (kind == SITE_TOKEN)
        SITE_OK(file_read(path, (size_t)1 << 20, &chain, &why));
    SITE_OK(auditor_make(&site->enrolment, buf_slice(&chain), &trust, &why));
    job.dir = dir;
    SITE_OK(audit_log(&job, &report, &why));
    assert_int_equal(report.findings, 0);
}

/* The next round is filled while the hardware has one, and is proved by a check of its own. */
static void filled_while_proved(void **state)
{
    struct keeper_state before = now();
    unsigned checks = held_calls(HELD_BEGIN);

    (void)state;
    held_hold(HELD_BIND);
    ask(0, 1);
    held_wait();
    ask(1, MANY);
    wait_filling(MANY - 1);
    assert_int_equal(desk_away(), MANY);
    assert_int_equal(held_calls(HELD_BEGIN), checks + 1);
    held_go(ERR_OK);
    desk_collect(0);
    assert_int_equal(held_calls(HELD_BEGIN), checks + 2);
    assert_int_equal(now().rounds, before.rounds + 2);
    for (size_t i = 0; i < MANY; i++)
        assert_true(permitted_at(i) > 0);
    free_all();
}

/* Who asks once the hardware's check has begun waits for the next. */
static void asked_after_the_check(void **state)
{
    struct keeper_state before = now();
    unsigned checks = held_calls(HELD_BEGIN);

    (void)state;
    held_hold(HELD_BEGIN);
    ask(0, 1);
    held_wait();
    ask(1, 3);
    while (now().waiting < 3)
        (void)poll(NULL, 0, 2);
    (void)poll(NULL, 0, 50); /* so that both have been judged, most likely */
    assert_int_equal(now().filling, 1);
    held_go(ERR_OK);
    desk_collect(0);
    assert_in_range(now().rounds, before.rounds + 2, before.rounds + 3);
    assert_in_range(held_calls(HELD_BEGIN), checks + 2, checks + 3);
    assert_true(permitted_at(0) < permitted_at(1) && permitted_at(0) < permitted_at(2));
    free_all();
}

/* What a policy says of the time is so when it is decided, however long the hardware kept it. */
static void judged_as_of_the_decision(void **state)
{
    (void)state;
    held_hold(HELD_BEGIN);
    ask(0, 1);
    held_wait();
    ask_as(1, "early");
    while (now().waiting < 2)
        (void)poll(NULL, 0, 2);
    (void)poll(NULL, 0, 50); /* so that it has been judged, most likely */
    desk_pass_ms(100000);
    held_go(ERR_OK);
    desk_collect(0);
    assert_true(permitted_at(0) > 0);
    assert_int_equal(back[1]->refused, ERR_OK);
    assert_true(back[1]->items[0].recorded && !back[1]->items[0].permit);
    assert_int_equal(back[1]->items[0].answer.reason, ERR_DENIED);
    free_all();
}

/* Of two who ask again and again one waits while the other is answered. */
static uint64_t rounds_of_both(void)
{
    uint64_t before = now().rounds;

    held_hold(HELD_BIND);
    ask(0, 1);
    held_wait();
    ask(1, 2);
    wait_filling(1);
    (void)poll(NULL, 0, 200); /* it takes its time, of which a part is waited */
    held_go(ERR_OK);
    desk_collect(1);
    ask(2, 3);
    desk_collect(0);
    for (size_t i = 0; i < 3; i++)
        assert_true(permitted_at(i) > 0);
    free_all();
    return now().rounds - before;
}

/* Both are in the next round, once it is seen that whoever was answered comes back. A machine that
 * is too busy for it to come in time shows nothing. */
static void who_was_answered_comes_along(void **state)
{
    uint64_t rounds = 3;

    (void)state;
    for (int i = 0; i < 100 && rounds == 3; i++)
        rounds = rounds_of_both();
    assert_int_equal(rounds, 2);
}

/* What fails denies the round, and the one that was filled meanwhile; and the gate recovers. */
static void fails_at(enum held_op op, err_code err)
{
    const struct keeper_state before = now();
    struct keeper_state after;

    held_hold(op);
    ask(0, 1);
    held_wait();
    ask(1, 6);
    if (op != HELD_BEGIN)
        wait_filling(5);
    held_go(err);
    desk_collect(desk_away() - 1);
    after = now(); /* who was refused finds why, unless it was opened anew since */
    assert_true(after.openings > before.openings || (!after.serving && after.error == err));
    desk_collect(0);
    refused_at(0, err);
    if (op != HELD_BEGIN)
        for (size_t i = 1; i < 6; i++)
            refused_at(i, err);
    free_all();
    recover();
    audit();
}

static void a_failed_round_denies_the_next(void **state)
{
    const err_code err = kind == SITE_TPM ? ERR_TPM_FAILED : ERR_HSM_FAILED;

    (void)state;
    fails_at(HELD_BEGIN, err);
    fails_at(HELD_BIND, err);
    fails_at(HELD_SIGN, err);
    fails_at(HELD_SEAL, err);
}

/* The first round after an outage says that it is over. Who asks while it is proved, when the
 * hardware has not told yet that it is, is served behind it. */
static void asked_while_an_outage_ends(void **state)
{
    (void)state;
    held_hold(HELD_SIGN);
    ask(0, 1);
    held_wait();
    held_go(kind == SITE_TPM ? ERR_TPM_FAILED : ERR_HSM_FAILED);
    desk_collect(0);
    free_all();
    desk_ask_of(keeper);
    desk_do(desk_take_hardware);
    held_hold(HELD_BIND);
    ask(0, 1);
    held_wait();
    ask(1, MANY);
    (void)poll(NULL, 0, 100); /* so that they have been judged, most likely */
    held_go(ERR_OK);
    desk_collect(0);
    for (size_t i = 0; i < MANY; i++)
        assert_true(permitted_at(i) > 0);
    free_all();
    audit();
}

static err_code enrol(struct errand *errand, struct gate *gate, struct scribe *scribe,
                      struct why *why)
{
    const struct record_agent agent = {.id = slice_str("guest"), .has_uid = true, .uid = 7};
    uint64_t index;
    (void)errand;

    return scribe == NULL ? ERR_INTERNAL : scribe_enrol(scribe, &agent, gate->now_ms, &index, why);
}

static err_code remove_agent(struct errand *errand, struct gate *gate, struct scribe *scribe,
                             struct why *why)
{
    uint64_t index;
    (void)errand;

    return scribe == NULL ? ERR_INTERNAL
                          : scribe_remove(scribe, slice_str("guest"), 0, gate->now_ms, &index, why);
}

/* So whoever is killed then leaves a ledger that holds together. */
static void nothing_follows_what_is_not_published(void **state)
{
    struct errand here = {.run = enrol}, gone = {.run = remove_agent};
    char path[96];
    (void)state;

    (void)snprintf(path, sizeof path, "%s/ledger/tile.new", site->state);
    assert_int_equal(mkdir(path, 0700), 0); /* in the way of every file that is to be replaced */
    desk_send(&here);
    desk_collect(0);
    desk_send(&gone);
    desk_collect(0);
    audit(); /* the second in another session, or refused */
    for (size_t i = 0; i < 3; i++) {
        ask(i, i + 1);
        desk_collect(0);
    }
    audit();
    assert_int_equal(rmdir(path), 0);
    free_all();
    recover();
    if (gone.err != ERR_OK) {
        desk_send(&gone);
        desk_collect(0);
    }
    audit();
}

/* An agent that is removed after it was judged, and before its round, is nobody in it. */
static void removed_meanwhile(void **state)
{
    struct errand here = {.run = enrol}, gone = {.run = remove_agent};
    struct why why = {0};

    (void)state;
    desk_send(&here);
    desk_collect(0);
    SITE_OK(here.err);
    held_hold(HELD_BEGIN);
    ask(0, 1);
    held_wait();
    ask_as(1, "guest");
    assert_non_null(asked[1]->items[0].known.enrolled);
    desk_send(&gone);
    held_go(ERR_OK);
    desk_collect(0);
    SITE_OK(gone.err);
    assert_true(permitted_at(0) > 0);
    assert_int_equal(back[1]->items[0].malformed, ERR_AGENT_UNKNOWN);
    assert_false(back[1]->items[0].permit || back[1]->items[0].recorded);
    free_all();
}

/* ---- the end, and no end --------------------------------------------------------------------- */

/* A process of its own, which ends as body says. */
static pid_t child(void (*body)(int to), int to)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    body(to);
    _exit(1);
}

/* One round is being proved and the next one is filled; then nothing goes on. */
static void in_the_middle(int to)
{
    start(1000000000);
    held_hold(HELD_BIND);
    ask(0, 2);
    held_wait();
    ask(2, MANY);
    wait_filling(MANY - 2);
    if (to >= 0 && write(to, "x", 1) == 1)
        (void)pause();
}

static void killed_in_the_middle(void **state)
{
    struct why why = {0};
    int pipes[2], status;
    char byte;
    pid_t pid;

    (void)state;
    SITE_OK(keeper_stop(keeper, "signal", &why));
    keeper_free(&keeper);
    assert_int_equal(pipe(pipes), 0);
    pid = child(in_the_middle, pipes[1]);
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    (void)close(pipes[0]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    desk_pass_ms(100000); /* that process had a clock of its own */
    start(0);
    ask(0, 1);
    desk_collect(0);
    assert_true(permitted_at(0) > 0);
    free_all();
    audit();
}

/* Hardware that does not answer keeps nobody from stopping, and permits nothing. */
static void stopped_in_the_middle(int to)
{
    struct why why = {0};

    (void)to;
    in_the_middle(-1);
    if (keeper_is_lost(keeper))
        _exit(4); /* nobody wants it to end yet */
    keeper_will_stop(keeper);
    while (!keeper_is_lost(keeper))
        (void)usleep(1000);
    if (keeper_stop(keeper, "signal", &why) != ERR_DEADLINE)
        _exit(2);
    keeper_collect(keeper);
    for (size_t i = 0; i < MANY; i++)
        if (back[i] != NULL)
            _exit(3);
    _exit(0);
}

static void stops_all_the_same(void **state)
{
    struct why why = {0};
    int status;
    pid_t pid;

    (void)state;
    SITE_OK(keeper_stop(keeper, "signal", &why));
    keeper_free(&keeper);
    pid = child(stopped_in_the_middle, -1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    desk_pass_ms(100000);
    start(0);
    ask(0, 1);
    desk_collect(0);
    assert_true(permitted_at(0) > 0);
    free_all();
    audit();
}

/* A TPM that loses power after the service has stopped in order has forgotten nothing. */
static void stopped_in_order(void **state)
{
    CLEANUP(scribe_close) struct scribe *scribe = NULL;
    struct why why = {0};

    (void)state;
    if (kind != SITE_TPM)
        return; /* a token forgets nothing */
    SITE_OK(keeper_stop(keeper, "signal", &why));
    keeper_free(&keeper);
    swtpm_kill(&site->tpm);
    swtpm_run(&site->tpm);
    SITE_OK(scribe_open(site_gate(site), &scribe, &why));
    assert_int_equal(scribe_kept(scribe)->missing, 0);
    scribe_close(&scribe);
    start(0);
}

static int make_site(void **state)
{
    (void)state;
    site = site_new(kind, NULL);
    site_policy(site, "builds",
                "permit (principal, action, resource);"
                "forbid (principal == agent::\"early\", action, resource)"
                " when { context.gate.now >= datetime(\"1970-01-01T01:25:00Z\") };");
    site_install(site, NULL);
    if (registry_new(&registry) != ERR_OK)
        return 1;
    start(0);
    ask(0, 1); /* the session's own first round */
    desk_collect(0);
    free_all();
    return 0;
}

static int remove_site(void **state)
{
    (void)state;
    keeper_free(&keeper);
    registry_free(&registry);
    site_free(&site);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filled_while_proved),
        cmocka_unit_test(asked_after_the_check),
        cmocka_unit_test(judged_as_of_the_decision),
        cmocka_unit_test(who_was_answered_comes_along),
        cmocka_unit_test(a_failed_round_denies_the_next),
        cmocka_unit_test(asked_while_an_outage_ends),
        cmocka_unit_test(nothing_follows_what_is_not_published),
        cmocka_unit_test(removed_meanwhile),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(stops_all_the_same),
        cmocka_unit_test(stopped_in_order),
    };

    if (argc != 2)
        return 2;
    kind = strcmp(argv[1], "tpm") == 0 ? SITE_TPM : SITE_TOKEN;
    return cmocka_run_group_tests(tests, make_site, remove_site);
}
