/* SPDX-License-Identifier: Apache-2.0 */
#include "test-env/faults/fault_tcti.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX 4096

struct fault_tcti {
    TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first */
    struct fault_plan *plan;
    TSS2_TCTI_CONTEXT *lower;
    struct fault now; /* what happens to the command under way */
    size_t len;
    uint8_t answer[ANSWER_MAX];
};

void fault_clear(struct fault_plan *plan)
{
    *plan = (struct fault_plan){0};
}

void fault_add(struct fault_plan *plan, const struct fault *fault)
{
    for (size_t i = 0; i < FAULTS_MAX; i++)
        if (plan->faults[i].kind == FAULT_NONE) {
            plan->faults[i] = *fault;
            plan->seen[i] = 0;
            return;
        }
    abort();
}

size_t fault_count(const struct fault_plan *plan, uint32_t code)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_log; i++)
        n += code == 0 || plan->log[i] == code;
    return n;
}

static struct fault_tcti *fault_of(TSS2_TCTI_CONTEXT *tcti)
{
    return (struct fault_tcti *)(void *)tcti;
}

static void put_be32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_be32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* The first fault whose turn it is. All that match count the command. */
static struct fault choose(struct fault_plan *plan, uint32_t code)
{
    struct fault out = {0};

    if (plan->n_log < FAULT_LOG_MAX)
        plan->log[plan->n_log++] = code;
    for (size_t i = 0; i < FAULTS_MAX; i++) {
        const struct fault *f = &plan->faults[i];
        unsigned first = f->nth == 0 ? 1 : f->nth;

        if (f->kind == FAULT_NONE || (f->code != 0 && f->code != code))
            continue;
        plan->seen[i]++;
        if (out.kind == FAULT_NONE && plan->seen[i] >= first &&
            (f->times == 0 || plan->seen[i] < first + f->times))
            out = *f;
    }
    return out;
}

static TSS2_RC fault_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    struct fault_tcti *t = fault_of(tcti);

    t->len = 0;
    t->now = choose(t->plan, get_be32(command + 6));
    switch (t->now.kind) {
    case FAULT_REFUSE:
        return TSS2_TCTI_RC_NO_CONNECTION;
    case FAULT_ANSWER:
        t->answer[0] = 0x80;
        t->answer[1] = 0x01;
        put_be32(t->answer + 2, 10);
        put_be32(t->answer + 6, t->now.rc);
        t->len = 10;
        return TSS2_RC_SUCCESS;
    case FAULT_BYTES:
        memcpy(t->answer, t->now.bytes, t->now.len);
        t->len = t->now.len;
        return TSS2_RC_SUCCESS;
    case FAULT_LOST:
        return TSS2_RC_SUCCESS;
    case FAULT_BEFORE:
        t->now.hook(t->now.arg);
        break;
    case FAULT_NONE:
    case FAULT_LOST_ANSWER:
    case FAULT_BREAK:
    case FAULT_CUT:
    case FAULT_AFTER:
        break;
    }
    return Tss2_Tcti_Transmit(t->lower, size, command);
}

static TSS2_RC no_answer(int32_t timeout)
{
    const struct timespec rest = {timeout / 1000, (long)(timeout % 1000) * 1000000};

    if (timeout < 0)
        abort(); /* the code under test would wait for ever */
    (void)nanosleep(&rest, NULL);
    return TSS2_TCTI_RC_TRY_AGAIN;
}

/* The whole answer from below, however long it takes: the TPM has then run the command. */
static TSS2_RC answer_below(struct fault_tcti *t, int32_t timeout)
{
    TSS2_RC rc;

    t->len = sizeof t->answer;
    rc = Tss2_Tcti_Receive(t->lower, &t->len, t->answer, timeout);
    if (rc != TSS2_RC_SUCCESS)
        t->len = 0;
    return rc;
}

static TSS2_RC fault_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response,
                             int32_t timeout)
{
    struct fault_tcti *t = fault_of(tcti);
    TSS2_RC rc = TSS2_RC_SUCCESS;

    if (t->now.kind == FAULT_LOST)
        return no_answer(timeout);
    if (t->len == 0)
        rc = answer_below(t, timeout);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if (t->now.kind == FAULT_LOST_ANSWER) {
        t->now.kind = FAULT_LOST;
        return no_answer(timeout);
    }
    if (t->now.kind == FAULT_BREAK)
        return TSS2_TCTI_RC_IO_ERROR;
    if (t->now.kind == FAULT_CUT && t->len > t->now.len)
        t->len = t->now.len;
    if (t->now.kind == FAULT_AFTER)
        t->now.hook(t->now.arg);
    t->now.kind = FAULT_NONE;
    if (response == NULL) {
        *size = t->len;
        return TSS2_RC_SUCCESS;
    }
    if (*size < t->len)
        return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    memcpy(response, t->answer, t->len);
    *size = t->len;
    return TSS2_RC_SUCCESS;
}

static void fault_finalize(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti;
}

static TSS2_RC fault_cancel(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC fault_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles,
                                  size_t *n)
{
    (void)tcti, (void)handles, (void)n;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC fault_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
    (void)tcti, (void)locality;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

TSS2_TCTI_CONTEXT *fault_tcti_new(struct fault_plan *plan, TSS2_TCTI_CONTEXT *lower)
{
    struct fault_tcti *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->tcti = (TSS2_TCTI_CONTEXT_COMMON_V1){.magic = 0x7061776c66617574, /* "pawlfaut" */
                                            .version = 1,
                                            .transmit = fault_transmit,
                                            .receive = fault_receive,
                                            .finalize = fault_finalize,
                                            .cancel = fault_cancel,
                                            .getPollHandles = fault_poll_handles,
                                            .setLocality = fault_locality};
    t->plan = plan;
    t->lower = lower;
    return (TSS2_TCTI_CONTEXT *)(void *)t;
}

void fault_tcti_free(TSS2_TCTI_CONTEXT **tcti)
{
    free(*tcti);
    *tcti = NULL;
}
