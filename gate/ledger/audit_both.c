/* SPDX-License-Identifier: Apache-2.0 */
/* audit_both.c: the one place with a second thread: hashing and parsing of many files that depend
 * on nothing. It ends before its caller goes on, and shares nothing but what the caller gave it. */
#include "gate/ledger/audit_walk.h"

#include <pthread.h>
#include <signal.h>

struct errand {
    void (*run)(void *);
    void *context;
};

static void *start(void *errand)
{
    const struct errand *e = errand;

    e->run(e->context);
    return NULL;
}

void audit_both(void (*run)(void *), void *one, void *other)
{
    struct errand errand = {run, other};
    sigset_t all, before;
    pthread_t thread;
    bool helped;

    (void)sigfillset(&all); /* signals are the main thread's */
    helped = pthread_sigmask(SIG_SETMASK, &all, &before) == 0 &&
             pthread_create(&thread, NULL, start, &errand) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    run(one);
    if (helped)
        (void)pthread_join(thread, NULL);
    else
        run(other);
}
