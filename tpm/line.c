/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/line.h"

#include "gate/base/bytes.h"
#include "tpm/rc.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define HEADER 10         /* tag, size, code (part 1, 18) */
#define RESUBMISSIONS 64  /* of one command */
#define PAUSE_MAX_MS 250u /* between two of them */

int64_t tpm_now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void tpm_pause_ms(unsigned ms)
{
    struct timespec rest = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

static struct tpm_line *line_of(TSS2_TCTI_CONTEXT *tcti)
{
    return (struct tpm_line *)(void *)tcti;
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static TSS2_RC line_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    struct tpm_line *line = line_of(tcti);
    TSS2_RC rc;

    if (command == NULL || size < HEADER || size > sizeof line->command)
        return TSS2_TCTI_RC_BAD_VALUE;
    memcpy(line->command, command, size);
    line->command_len = size;
    line->answered = line->expired = line->sent = false;
    line->until_ms = tpm_now_ms() + line->deadline_ms;
    rc = Tss2_Tcti_Transmit(line->lower, size, line->command);
    line->sent = rc == TSS2_RC_SUCCESS;
    return rc;
}

/* One answer from below, whole, or TRY_AGAIN when the deadline has passed. */
static TSS2_RC receive_once(struct tpm_line *line)
{
    for (;;) {
        int64_t left = line->until_ms - tpm_now_ms();
        size_t size = sizeof line->response;
        TSS2_RC rc;

        if (left <= 0) {
            line->expired = true;
            return TSS2_TCTI_RC_TRY_AGAIN;
        }
        rc = Tss2_Tcti_Receive(line->lower, &size, line->response, (int32_t)left);
        if (rc == TSS2_TCTI_RC_TRY_AGAIN) {
            tpm_pause_ms(1); /* some transports answer this at once */
            continue;
        }
        if (rc != TSS2_RC_SUCCESS)
            return rc;
        /* The libraries above trust the size in the header; what was not received they would read
         * from the answer before. */
        if (size < HEADER || size > sizeof line->response || be32(line->response + 2) != size)
            return TSS2_TCTI_RC_MALFORMED_RESPONSE;
        line->response_len = size;
        return TSS2_RC_SUCCESS;
    }
}

/* A command that is sent again needs time to be answered: better this answer than none. */
static bool worth_sending(const struct tpm_line *line, unsigned pause)
{
    return tpm_now_ms() + pause + line->deadline_ms / 8 < line->until_ms;
}

/* How long to wait before the command is sent again; 0: the answer is final. None of these codes
 * leaves an effect behind (part 2, 6.6.3, Table 17: warnings), so the octets may be repeated. */
static unsigned pause_before_again(const struct tpm_line *line, unsigned attempt)
{
    unsigned pause;

    switch (tpm_rc(be32(line->response + 6))) {
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
        pause = attempt < 8 ? 1u << attempt : PAUSE_MAX_MS;
        break;
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
        pause = line->nv_wait_ms > 10 ? line->nv_wait_ms : 10;
        break;
    default:
        return 0;
    }
    return attempt < RESUBMISSIONS && worth_sending(line, pause) ? pause : 0;
}

static TSS2_RC fetch(struct tpm_line *line)
{
    for (unsigned attempt = 0;; attempt++) {
        TSS2_RC rc = receive_once(line);
        unsigned pause;

        if (rc != TSS2_RC_SUCCESS)
            return rc;
        pause = pause_before_again(line, attempt);
        if (pause == 0)
            break;
        tpm_pause_ms(pause);
        if (!worth_sending(line, 0))
            break;
        rc = Tss2_Tcti_Transmit(line->lower, line->command_len, line->command);
        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    line->answered = true;
    return TSS2_RC_SUCCESS;
}

/* The libraries call twice: without a buffer for the size, then for the octets. */
static TSS2_RC line_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response,
                            int32_t timeout)
{
    struct tpm_line *line = line_of(tcti);

    (void)timeout; /* the deadline stands */
    if (size == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    if (!line->answered) {
        TSS2_RC rc = fetch(line);

        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    if (response != NULL) {
        if (*size < line->response_len)
            return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
        memcpy(response, line->response, line->response_len);
    }
    *size = line->response_len;
    return TSS2_RC_SUCCESS;
}

static void line_finalize(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti; /* whoever opened the lower one closes it */
}

static TSS2_RC line_cancel(TSS2_TCTI_CONTEXT *tcti)
{
    return Tss2_Tcti_Cancel(line_of(tcti)->lower);
}

static TSS2_RC line_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
    (void)tcti, (void)handles, (void)n;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC line_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
    (void)tcti, (void)locality;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

void tpm_line_init(struct tpm_line *line, TSS2_TCTI_CONTEXT *lower, unsigned deadline_ms)
{
    *line = (struct tpm_line){.tcti = {.magic = 0x7061776c6c696e65, /* "pawlline" */
                                       .version = 1,
                                       .transmit = line_transmit,
                                       .receive = line_receive,
                                       .finalize = line_finalize,
                                       .cancel = line_cancel,
                                       .getPollHandles = line_poll_handles,
                                       .setLocality = line_locality},
                              .lower = lower,
                              .deadline_ms = deadline_ms};
}

TSS2_TCTI_CONTEXT *tpm_line_tcti(struct tpm_line *line)
{
    return (TSS2_TCTI_CONTEXT *)(void *)line;
}

void tpm_line_wipe(struct tpm_line *line)
{
    mem_wipe(line->command, sizeof line->command);
    mem_wipe(line->response, sizeof line->response);
    line->command_len = line->response_len = 0;
    line->answered = false;
}
