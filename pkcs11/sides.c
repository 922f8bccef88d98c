/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/sides.h"

#include <pthread.h>
#include <stdlib.h>

struct side {
    struct hsm_sides *all;
    pthread_t thread;
    bool has_thread, no_session; /* the token gives it none */
    enum side_state { SIDE_FREE = 0, SIDE_WORKS, SIDE_DONE, SIDE_ENDS } state;
    struct hsm_token token;
    hsm_aside calls;
    void *ctx;
    bool ok;
};

struct hsm_sides {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* the state of a side */
    unsigned n;
    struct side side[HSM_SIDES_MAX];
};

static void close_session(struct side *side)
{
    if (side->token.session != 0)
        (void)side->token.f->C_CloseSession(side->token.session);
    side->token.session = 0;
}

/* An operation may be left active in a session that answered anything but OK. */
static bool make_calls(struct side *side)
{
    if (hsm_session_open(&side->token, NULL) != ERR_OK) {
        side->no_session = true;
        return false;
    }
    if (side->calls(&side->token, side->ctx, NULL) == ERR_OK)
        return true;
    close_session(side);
    return false;
}

static void *run(void *arg)
{
    struct side *side = arg;
    struct hsm_sides *all = side->all;

    (void)pthread_mutex_lock(&all->lock);
    for (;;) {
        bool ok;

        while (side->state != SIDE_WORKS && side->state != SIDE_ENDS)
            (void)pthread_cond_wait(&all->moved, &all->lock);
        if (side->state == SIDE_ENDS)
            break;
        (void)pthread_mutex_unlock(&all->lock);
        ok = make_calls(side);
        (void)pthread_mutex_lock(&all->lock);
        side->ok = ok;
        side->state = SIDE_DONE;
        (void)pthread_cond_broadcast(&all->moved);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

static void move(struct side *side, enum side_state state)
{
    (void)pthread_mutex_lock(&side->all->lock);
    side->state = state;
    (void)pthread_cond_broadcast(&side->all->moved);
    (void)pthread_mutex_unlock(&side->all->lock);
}

/* Returns what came of it, if it was given anything. */
static bool wait_for(struct side *side)
{
    bool ok;

    (void)pthread_mutex_lock(&side->all->lock);
    while (side->state == SIDE_WORKS)
        (void)pthread_cond_wait(&side->all->moved, &side->all->lock);
    ok = side->state == SIDE_DONE && side->ok;
    side->state = SIDE_FREE;
    (void)pthread_mutex_unlock(&side->all->lock);
    return ok;
}

err_code hsm_sides_new(unsigned n, struct hsm_sides **ret)
{
    struct hsm_sides *sides = calloc(1, sizeof *sides);

    if (sides == NULL)
        return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&sides->lock, NULL);
    (void)pthread_cond_init(&sides->moved, NULL);
    sides->n = n < HSM_SIDES_MAX ? n : HSM_SIDES_MAX;
    for (unsigned i = 0; i < sides->n; i++)
        sides->side[i].all = sides;
    *ret = sides;
    return ERR_OK;
}

void hsm_sides_free(struct hsm_sides **sides)
{
    struct hsm_sides *s = *sides;

    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        struct side *side = &s->side[i];
        if (!side->has_thread)
            continue;
        (void)wait_for(side);
        move(side, SIDE_ENDS);
        (void)pthread_join(side->thread, NULL);
    }
    (void)pthread_cond_destroy(&s->moved);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
    *sides = NULL;
}

unsigned hsm_sides_n(const struct hsm_sides *sides)
{
    return sides != NULL ? sides->n : 0;
}

void hsm_side_give(struct hsm_token *token, unsigned side, hsm_aside calls, void *ctx)
{
    struct side *s = &token->sides->side[side];
    const CK_SESSION_HANDLE session = s->token.session;

    if (!s->has_thread)
        s->has_thread = pthread_create(&s->thread, NULL, run, s) == 0;
    if (!s->has_thread || s->no_session)
        return;
    s->token = *token;
    s->token.session = session;
    s->token.sides = NULL;
    s->calls = calls;
    s->ctx = ctx;
    move(s, SIDE_WORKS);
}

bool hsm_side_take(struct hsm_token *token, unsigned side)
{
    return wait_for(&token->sides->side[side]);
}

void hsm_sides_rest(struct hsm_token *token)
{
    for (unsigned i = 0; i < hsm_sides_n(token->sides); i++) {
        struct side *side = &token->sides->side[i];
        (void)wait_for(side);
        close_session(side);
        side->no_session = false;
    }
}
