/* SPDX-License-Identifier: Apache-2.0 */
/* queue_test.c: turns, bounds, the end, and many threads at once. */
#include "gate/daemon/queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct demand *demand_of(const char *caller, size_t n)
{
    struct demand *demand;

    assert_int_equal(demand_new(n, &demand), ERR_OK);
    demand->caller = strdup(caller);
    assert_non_null(demand->caller);
    return demand;
}

/* n requests that are all about this agent. */
static struct demand *demand_for(const char *caller, const char *agent, size_t n)
{
    struct demand *demand = demand_of(caller, n);

    for (size_t i = 0; i < n; i++)
        demand->items[i].request.subject_id = slice_str(agent);
    return demand;
}

static struct queue *queue_of(size_t items, size_t per_caller)
{
    const struct queue_limits limits = {items, per_caller};
    struct queue *queue;

    assert_int_equal(queue_new(&limits, &queue), ERR_OK);
    return queue;
}

static void put(struct queue *queue, const char *caller, size_t n, err_code want)
{
    struct demand *demand = demand_of(caller, n);
    struct why why = {0};
    err_code got = queue_put(queue, demand, &why);

    if (got != want)
        fail_msg("%s: %s (%s), wanted %s", caller, err_name(got), why.text, err_name(want));
    if (got != ERR_OK)
        demand_free(&demand);
}

static void expect(struct queue *queue, const char *caller)
{
    struct demand *demand = queue_take(queue);

    assert_non_null(demand);
    assert_string_equal(demand->caller, caller);
    demand_free(&demand);
}

/* One who asks often waits behind each who asks once, but for one turn. */
static void turns(void **state)
{
    struct queue *queue = queue_of(0, 0);

    (void)state;
    for (int i = 0; i < 4; i++)
        put(queue, "often", 1, ERR_OK);
    put(queue, "once", 1, ERR_OK);
    put(queue, "twice", 1, ERR_OK);
    put(queue, "twice", 1, ERR_OK);
    expect(queue, "often");
    expect(queue, "once");
    expect(queue, "twice");
    expect(queue, "often");
    put(queue, "once", 1, ERR_OK); /* a line that had gone */
    expect(queue, "twice");
    expect(queue, "often");
    expect(queue, "once");
    expect(queue, "often");
    assert_int_equal(queue_waiting(queue), 0);
    queue_free(&queue);
}

/* ---- turns of callers and agents ------------------------------------------------------------- */

/* Who asks, for whom, how much: in this order; and in which order it is taken, by the numbers of
 * what was put. */
struct put {
    const char *caller, *agent;
    size_t n; /* requests; 0: end of the list */
};
static const struct order {
    const char *name;
    struct put put[12];
    size_t want[12];
} ORDERS[] = {
    {"one who asks often, and one who asks once",
     {{"a", "x", 1}, {"a", "x", 1}, {"a", "x", 1}, {"b", "y", 1}},
     {0, 3, 1, 2}},
    {"agents of one caller",
     {{"a", "noisy", 1}, {"a", "noisy", 1}, {"a", "noisy", 1}, {"a", "quiet", 1}},
     {0, 3, 1, 2}},
    {"an agent of the same name of another caller",
     {{"a", "x", 1}, {"a", "x", 1}, {"b", "x", 1}, {"b", "x", 1}},
     {0, 2, 1, 3}},
    {"many names take nothing from another caller",
     {{"a", "1", 1},
      {"a", "2", 1},
      {"a", "3", 1},
      {"a", "4", 1},
      {"b", "x", 1},
      {"b", "x", 1},
      {"b", "x", 1}},
     {0, 4, 1, 5, 2, 6, 3}},
    {"a batch counts as many as it has",
     {{"a", "x", 3}, {"b", "y", 1}, {"b", "y", 1}, {"b", "y", 1}, {"b", "y", 1}},
     {1, 2, 0, 3, 4}},
    {"a batch of an agent of the same caller",
     {{"a", "x", 3}, {"a", "y", 1}, {"a", "y", 1}, {"a", "y", 1}, {"a", "y", 1}},
     {1, 2, 0, 3, 4}},
    {"a batch delays its own caller's agents alone",
     {{"a", "x", 4}, {"a", "y", 1}, {"b", "z", 1}, {"b", "z", 1}, {"b", "z", 1}},
     {2, 1, 3, 4, 0}},
    {"a batch behind another of the same agent",
     {{"a", "x", 2}, {"a", "x", 2}, {"b", "y", 1}, {"b", "y", 1}, {"b", "y", 1}},
     {2, 0, 3, 4, 1}},
    {"batches of all", {{"a", "x", 256}, {"b", "x", 255}, {"c", "x", 256}}, {1, 0, 2}},
    {"a batch alone", {{"a", "x", 256}}, {0}},
};

static void orders(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof ORDERS / sizeof ORDERS[0]; at++) {
        const struct order *order = &ORDERS[at];
        struct queue *queue = queue_of(0, 0);
        struct demand *all[12];
        size_t n = 0;

        for (; n < 12 && order->put[n].n > 0; n++) {
            all[n] = demand_for(order->put[n].caller, order->put[n].agent, order->put[n].n);
            assert_int_equal(queue_put(queue, all[n], NULL), ERR_OK);
        }
        for (size_t i = 0; i < n; i++) {
            struct demand *got = queue_take(queue);
            if (got != all[order->want[i]])
                fail_msg("%s: at %zu not number %zu", order->name, i, order->want[i]);
        }
        assert_int_equal(queue_waiting(queue), 0);
        for (size_t i = 0; i < n; i++)
            demand_free(&all[i]);
        queue_free(&queue);
    }
}

/* What is about several agents has a line of its own; what is no request is about nobody. */
static void mixed(void **state)
{
    struct queue *queue = queue_of(0, 0);
    struct demand *all[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        all[i] = demand_for("a", "x", 2);
    all[0]->items[0].request.subject_id = slice_str("y");
    all[0]->items[0].malformed = ERR_AGENT_UNKNOWN;
    all[2]->items[1].request.subject_id = slice_str("y");
    all[3]->items[0].request.subject_id = slice_str("z");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(queue_put(queue, all[i], NULL), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        static const size_t WANT[] = {0, 2, 1, 3};
        struct demand *got = queue_take(queue);
        assert_ptr_equal(got, all[WANT[i]]);
    }
    for (size_t i = 0; i < 4; i++)
        demand_free(&all[i]);
    queue_free(&queue);
}

/* How many of these get in, one after the other. */
static size_t fill(struct queue *queue, const char *caller, const char *agent, size_t n)
{
    struct demand *demand = demand_for(caller, agent, n);
    size_t in = 0;

    for (; queue_put(queue, demand, NULL) == ERR_OK; in++)
        demand = demand_for(caller, agent, n);
    demand_free(&demand);
    return in;
}

static void empty(struct queue *queue)
{
    queue_close(queue);
    for (struct demand *demand; (demand = queue_take(queue)) != NULL;)
        demand_free(&demand);
    queue_free(&queue);
}

/* Whoever wants all that there is leaves room for who comes then, at each level. */
static void bounds(void **state)
{
    struct queue *queue = queue_of(900, 500);

    (void)state;
    assert_int_equal(fill(queue, "a", "noisy", 1), 250); /* half of what is the caller's */
    assert_int_equal(fill(queue, "a", "more", 1), 125);
    assert_int_equal(fill(queue, "a", "batches", 25), 2); /* 50, which leaves 75 */
    put(queue, "a", 1, ERR_OK);
    assert_int_equal(fill(queue, "b", "noisy", 1), 158); /* of 474: one part of three */
    assert_int_equal(fill(queue, "c", "x", 200), 1);
    assert_int_equal(fill(queue, "c", "x", 50), 0);
    put(queue, "d", 1, ERR_OK);
    assert_int_equal(queue_waiting(queue), 250 + 125 + 50 + 1 + 158 + 200 + 1);
    queue_close(queue);
    put(queue, "d", 1, ERR_STOPPING);
    empty(queue);
}

/* Eight callers with as many batches of the greatest size as get in; a ninth gets in, too, and is
 * served after at most one request of each. */
static void eight_greedy(void **state)
{
    struct queue *queue = queue_of(0, 0);
    char name[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "g%d", i);
        assert_true(fill(queue, name, "x", DEMAND_ITEMS_MAX) > 0);
    }
    put(queue, "ninth", 1, ERR_OK);
    expect(queue, "ninth");
    empty(queue);
}

/* A hundred thousand names: nobody else waits for them, and what is kept is bounded. */
static void many_names(void **state)
{
    struct queue *queue = queue_of(0, 0);
    char names[100][16];
    size_t in = 0;

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        struct demand *demand;
        (void)snprintf(names[i % 100], sizeof names[0], "agent-%zu", i);
        demand = demand_for("a", names[i % 100], 1);
        /* The queue borrows what a demand has. */
        demand->items[0].request.json = json_string(names[i % 100]);
        demand->items[0].request.subject_id =
            slice_str(json_string_value(demand->items[0].request.json));
        if (queue_put(queue, demand, NULL) == ERR_OK)
            in++;
        else
            demand_free(&demand);
    }
    assert_int_equal(in, queue_waiting(queue));
    assert_in_range(in, 1024, 2048);
    put(queue, "b", 1, ERR_OK);
    put(queue, "b", 1, ERR_OK);
    expect(queue, "a");
    expect(queue, "b");
    expect(queue, "a");
    expect(queue, "b");
    empty(queue);
}

/* Callers whose names fall into one bucket do not disturb each other. */
static void collisions(void **state)
{
    struct queue *queue = queue_of(0, 0);
    char name[16];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof name, "caller-%d", i);
        put(queue, name, 1, ERR_OK);
        put(queue, name, 1, ERR_OK);
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2000; i++) {
            (void)snprintf(name, sizeof name, "caller-%d", i);
            expect(queue, name);
        }
    queue_free(&queue);
}

enum { EACH = 2000, PUTTERS = 3, TAKERS = 3 };

struct crowd {
    struct queue *queue;
    int number;
    size_t taken;
};

static void *putting(void *arg)
{
    struct crowd *own = arg;
    char name[16];

    for (int i = 0; i < EACH; i++) {
        struct demand *demand;
        (void)snprintf(name, sizeof name, "%d-%d", own->number, i % 7);
        demand = demand_of(name, 1);
        while (queue_put(own->queue, demand, NULL) != ERR_OK)
            (void)sched_yield();
    }
    return NULL;
}

static void *taking(void *arg)
{
    struct crowd *own = arg;

    for (struct demand *demand; (demand = queue_take(own->queue)) != NULL; own->taken++)
        demand_free(&demand);
    return NULL;
}

static void crowd(void **state)
{
    struct queue *queue = queue_of(64, 16);
    struct crowd crowds[PUTTERS + TAKERS];
    pthread_t threads[PUTTERS + TAKERS];
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < PUTTERS + TAKERS; i++) {
        crowds[i] = (struct crowd){queue, i, 0};
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < PUTTERS ? putting : taking, &crowds[i]), 0);
    }
    for (int i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    queue_close(queue);
    for (int i = PUTTERS; i < PUTTERS + TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        taken += crowds[i].taken;
    }
    assert_int_equal(taken, PUTTERS * EACH);
    queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns),      cmocka_unit_test(orders),       cmocka_unit_test(mixed),
        cmocka_unit_test(bounds),     cmocka_unit_test(eight_greedy), cmocka_unit_test(many_names),
        cmocka_unit_test(collisions), cmocka_unit_test(crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
