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

static void bounds(void **state)
{
    struct queue *queue = queue_of(10, 4);

    (void)state;
    put(queue, "a", 3, ERR_OK);
    put(queue, "a", 2, ERR_OVERLOADED);
    put(queue, "a", 1, ERR_OK);
    put(queue, "b", 4, ERR_OK);
    put(queue, "c", 3, ERR_OVERLOADED);
    put(queue, "c", 2, ERR_OK);
    assert_int_equal(queue_waiting(queue), 10);
    expect(queue, "a");
    put(queue, "a", 3, ERR_OK); /* there is room again */
    queue_close(queue);
    put(queue, "d", 1, ERR_STOPPING);
    expect(queue, "b");
    expect(queue, "c");
    expect(queue, "a");
    expect(queue, "a");
    assert_null(queue_take(queue));
    queue_free(&queue);
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
        cmocka_unit_test(turns),
        cmocka_unit_test(bounds),
        cmocka_unit_test(collisions),
        cmocka_unit_test(crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
