/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/held_testing.h"

#include <pthread.h>
#include <stdlib.h>

struct held {
    struct hw_root root; /* first */
    struct hw_root *inner;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static enum held_op wanted;
static bool holds, go;
static err_code result;
static unsigned calls[HELD_SEAL + 1];

void held_hold(enum held_op op)
{
    (void)pthread_mutex_lock(&lock);
    wanted = op;
    (void)pthread_mutex_unlock(&lock);
}

void held_wait(void)
{
    (void)pthread_mutex_lock(&lock);
    while (!holds)
        (void)pthread_cond_wait(&change, &lock);
    (void)pthread_mutex_unlock(&lock);
}

void held_go(err_code err)
{
    (void)pthread_mutex_lock(&lock);
    result = err;
    go = true;
    (void)pthread_cond_broadcast(&change);
    (void)pthread_mutex_unlock(&lock);
}

unsigned held_calls(enum held_op op)
{
    unsigned n;

    (void)pthread_mutex_lock(&lock);
    n = calls[op];
    (void)pthread_mutex_unlock(&lock);
    return n;
}

/* Once for each held_hold(). */
static err_code pass(enum held_op op, struct why *why)
{
    err_code err = ERR_OK;

    (void)pthread_mutex_lock(&lock);
    calls[op]++;
    if (wanted == op) {
        wanted = HELD_NONE;
        holds = true;
        (void)pthread_cond_broadcast(&change);
        while (!go)
            (void)pthread_cond_wait(&change, &lock);
        holds = go = false;
        err = result;
    }
    (void)pthread_mutex_unlock(&lock);
    return err == ERR_OK ? ERR_OK : why_say(why, err, "the test lets it fail");
}

static struct hw_root *in(struct hw_root *root)
{
    return ((struct held *)root)->inner;
}

static err_code begin(struct hw_root *root, struct why *why)
{
    TRY(pass(HELD_BEGIN, why));
    return in(root)->ops->begin(in(root), why);
}

static err_code head_bind(struct hw_root *root, const struct hw_head *head, enum hw_keep keep,
                          struct why *why)
{
    TRY(pass(HELD_BIND, why));
    return in(root)->ops->head_bind(in(root), head, keep, why);
}

static void sign_ahead(struct hw_root *root, const struct digest *digest)
{
    in(root)->ops->sign_ahead(in(root), digest);
}

static err_code sign(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                     struct why *why)
{
    TRY(pass(HELD_SIGN, why));
    return in(root)->ops->sign(in(root), digest, ret, why);
}

static err_code seal(struct hw_root *root, const struct digest *binding, struct hw_seal *ret,
                     struct why *why)
{
    TRY(pass(HELD_SEAL, why));
    return in(root)->ops->seal(in(root), binding, ret, why);
}

static err_code describe(struct hw_root *root, struct hw_description *ret, struct why *why)
{
    return in(root)->ops->describe(in(root), ret, why);
}

static err_code enrol(struct hw_root *root, const struct hw_owner *owner, struct hw_enrolment *ret,
                      struct why *why)
{
    return in(root)->ops->enrol(in(root), owner, ret, why);
}

static err_code attach(struct hw_root *root, const struct hw_owner *owner,
                       const struct hw_enrolment *enrolment, struct why *why)
{
    return in(root)->ops->attach(in(root), owner, enrolment, why);
}

static err_code verify(struct hw_root *root, const struct hw_statement *statement, struct why *why)
{
    return in(root)->ops->verify(in(root), statement, why);
}

static err_code epoch(struct hw_root *root, uint64_t *ret, struct why *why)
{
    return in(root)->ops->epoch(in(root), ret, why);
}

static err_code step(struct hw_root *root, const struct hw_mandate *mandate, struct why *why)
{
    return in(root)->ops->step(in(root), mandate, why);
}

static err_code prepare(struct hw_root *root, const struct hw_mandate *mandate, struct why *why)
{
    return in(root)->ops->prepare(in(root), mandate, why);
}

static err_code receipt_key(struct hw_root *root, struct hw_pubkey *ret, struct why *why)
{
    return in(root)->ops->receipt_key(in(root), ret, why);
}

static err_code device_key(struct hw_root *root, struct hw_pubkey *ret, struct why *why)
{
    return in(root)->ops->device_key(in(root), ret, why);
}

static err_code device_sign(struct hw_root *root, const struct digest *digest,
                            uint8_t ret[static 64], struct why *why)
{
    return in(root)->ops->device_sign(in(root), digest, ret, why);
}

static err_code head_check(struct hw_root *root, const struct hw_head *heads, size_t n,
                           struct hw_kept *ret, struct why *why)
{
    return in(root)->ops->head_check(in(root), heads, n, ret, why);
}

static err_code rest(struct hw_root *root, struct why *why)
{
    return in(root)->ops->rest(in(root), why);
}

static void close_both(struct hw_root *root)
{
    in(root)->ops->close(in(root));
    free(root);
}

static const struct hw_root_ops OPS = {
    .name = "held",
    .describe = describe,
    .enrol = enrol,
    .attach = attach,
    .verify = verify,
    .epoch = epoch,
    .step = step,
    .prepare = prepare,
    .begin = begin,
    .sign_ahead = sign_ahead,
    .sign = sign,
    .seal = seal,
    .receipt_key = receipt_key,
    .device_key = device_key,
    .device_sign = device_sign,
    .head_check = head_check,
    .head_bind = head_bind,
    .rest = rest,
    .close = close_both,
};

void held_take(struct hw_root **root)
{
    struct held *held = calloc(1, sizeof *held);

    if (held == NULL)
        abort();
    held->root.ops = &OPS;
    held->inner = *root;
    *root = &held->root;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i <= HELD_SEAL; i++)
        calls[i] = 0;
    (void)pthread_mutex_unlock(&lock);
}
