/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/desk_testing.h"

#include "gate/daemon/held_testing.h"
#include "gate/decide/site_testing.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

static struct keeper *asked;
static size_t away;
static atomic_uint_fast64_t clock_now = SITE_MS;

uint64_t desk_clock_ms(void)
{
    return atomic_fetch_add(&clock_now, 1);
}

void desk_pass_ms(uint64_t ms)
{
    atomic_fetch_add(&clock_now, ms);
}

void desk_ask_of(struct keeper *keeper)
{
    asked = keeper;
}

struct demand *desk_demand(const char *caller, const char *const *agents, size_t n)
{
    static const char *const NONE[] = {NULL};
    struct demand *demand;
    struct why why = {0};

    SITE_OK(demand_new(n, &demand));
    demand->caller = strdup(caller);
    demand->due_ns = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct request_flags flags = {
            "agent", agents[i], "exec", "execute", "program", "/usr/bin/true", NONE, NULL, NULL};
        SITE_OK(request_from_flags(&flags, &demand->items[i].request, &why));
    }
    return demand;
}

static void came_back(struct demand *demand)
{
    *(struct demand **)demand->ctx = demand;
    away--;
}

void desk_give(struct demand *demand, struct demand **place)
{
    struct why why = {0};

    *place = NULL;
    demand->done = came_back;
    demand->ctx = place;
    SITE_OK(keeper_submit(asked, demand, &why));
    away++;
}

static void was_run(struct errand *errand)
{
    (void)errand;
    away--;
}

void desk_send(struct errand *errand)
{
    errand->done = was_run;
    assert_int_equal(keeper_send(asked, errand), ERR_OK);
    away++;
}

size_t desk_away(void)
{
    return away;
}

void desk_collect(size_t left)
{
    struct pollfd fd = {.fd = keeper_fd(asked), .events = POLLIN};

    while (away > left) {
        assert_int_equal(poll(&fd, 1, -1), 1);
        keeper_collect(asked);
    }
}

void desk_do(err_code (*run)(struct errand *errand, struct gate *gate, struct scribe *scribe,
                             struct why *why))
{
    struct errand errand = {.run = run};
    struct why why;

    desk_send(&errand);
    desk_collect(0);
    why = errand.why;
    SITE_OK(errand.err);
}

err_code desk_nothing(struct errand *errand, struct gate *gate, struct scribe *scribe,
                      struct why *why)
{
    (void)errand;
    (void)gate;
    (void)why;
    return scribe != NULL ? ERR_OK : ERR_INTERNAL;
}

err_code desk_take_hardware(struct errand *errand, struct gate *gate, struct scribe *scribe,
                            struct why *why)
{
    (void)errand;
    (void)scribe;
    (void)why;
    held_take(&gate->hw);
    return ERR_OK;
}
