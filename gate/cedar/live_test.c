/* SPDX-License-Identifier: Apache-2.0 */
/* live_test.c: many threads decide while another replaces the policies. Under ThreadSanitizer, when
 * the compiler has it, and without. */
#include "gate/cedar/live.h"

#include "gate/cedar/authorize.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define READERS 4
#define SETS 200

struct shared {
    struct cedar_live *live;
    atomic_bool done;
    atomic_uint decisions, wrong;
};

/* A set of n policies that permit, or one that does nothing but forbid. */
static struct cedar_policies *make(unsigned n)
{
    struct cedar_policies *policies = NULL;
    char text[2048] = "forbid(principal, action, resource);";
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "permit(principal, action, resource) when { context has a || "
                                "[principal, User::\"x\"].contains(principal) };");
    assert_int_equal(cedar_parse(slice_str(text), &policies, NULL, NULL), ERR_OK);
    return policies;
}

/* A decision with what is in force is right for that set: all of it permits, or it forbids. */
static bool decide(struct shared *shared, struct cedar_worker *worker)
{
    CLEANUP(cedar_lease_free) struct cedar_lease lease = cedar_live_take(shared->live);
    struct cedar_request request = {cedar_uid_of(slice_str("User"), slice_str("a")),
                                    cedar_uid_of(slice_str("Action"), slice_str("b")),
                                    cedar_uid_of(slice_str("Doc"), slice_str("c")),
                                    {.kind = CEDAR_RECORD}};
    struct cedar_answer answer;

    if (lease.policies == NULL)
        return true;
    if (cedar_authorize(lease.policies, NULL, &request, CEDAR_MODE_GATE, worker, &answer) != ERR_OK)
        return false;
    return answer.n_reasons == cedar_count(lease.policies) &&
           (answer.decision == CEDAR_PERMIT) ==
               (cedar_at(lease.policies, 0)->effect == CEDAR_EFFECT_PERMIT);
}

static void *read_on(void *argument)
{
    struct shared *shared = argument;
    struct cedar_worker *worker = NULL;

    if (cedar_worker_make(&worker) != ERR_OK)
        atomic_fetch_add(&shared->wrong, 1);
    while (worker != NULL && !atomic_load(&shared->done)) {
        if (!decide(shared, worker))
            atomic_fetch_add(&shared->wrong, 1);
        atomic_fetch_add(&shared->decisions, 1);
    }
    cedar_worker_free(&worker);
    return NULL;
}

static void readers_and_a_writer(void **state)
{
    static struct shared shared;
    pthread_t threads[READERS];

    (void)state;
    assert_int_equal(cedar_live_make(&shared.live), ERR_OK);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &shared), 0);
    for (unsigned i = 0; i < SETS; i++) {
        struct cedar_policies *policies = make(i % 5);
        unsigned seen = atomic_load(&shared.decisions);

        assert_int_equal(cedar_live_replace(shared.live, &policies), ERR_OK);
        assert_null(policies);
        while (atomic_load(&shared.decisions) == seen) /* some reader has seen this one, perhaps */
            ;
    }
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.wrong, 0);
    assert_true(shared.decisions >= SETS);
    cedar_live_free(&shared.live);
    assert_null(shared.live);
}

static void a_lease_outlives_what_it_was_taken_from(void **state)
{
    struct cedar_live *live = NULL;
    struct cedar_policies *first = make(2), *second = make(0);
    const struct cedar_policies *kept = first;
    struct cedar_lease none, lease, again, other;

    (void)state;
    assert_int_equal(cedar_live_make(&live), ERR_OK);
    none = cedar_live_take(live);
    assert_null(none.policies);
    cedar_lease_free(&none);
    assert_int_equal(cedar_live_replace(live, &first), ERR_OK);
    lease = cedar_live_take(live);
    again = cedar_live_take(live);
    assert_ptr_equal(lease.policies, kept);
    assert_int_equal(cedar_live_replace(live, &second), ERR_OK);
    other = cedar_live_take(live);
    assert_int_equal(cedar_count(other.policies), 1);
    cedar_lease_free(&lease);
    assert_null(lease.policies);
    cedar_lease_free(&lease); /* nothing more to give back */
    assert_int_equal(cedar_count(again.policies), 2);
    cedar_live_free(&live);
    assert_int_equal(cedar_count(again.policies), 2);
    assert_int_equal(cedar_count(other.policies), 1);
    cedar_lease_free(&again);
    cedar_lease_free(&other);
    cedar_live_free(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_outlives_what_it_was_taken_from),
        cmocka_unit_test(readers_and_a_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
