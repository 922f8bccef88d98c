/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h: the line to the TPM: a TCTI around another TCTI that gives every command a deadline and
 * sends it again when the TPM says "later". Sitting below the TSS2 libraries, it covers every
 * command, also those inside the one-call functions, which otherwise wait without end.
 */
#ifndef PAWL_TPM_LINE_H
#define PAWL_TPM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

struct tpm_line {
    TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first: this is what the TSS2 libraries see */
    TSS2_TCTI_CONTEXT *lower;         /* borrowed */
    unsigned deadline_ms;             /* for one command, with everything it waits for */
    unsigned nv_wait_ms;              /* TPM_PT_NV_WRITE_RECOVERY: pause after TPM_RC_NV_RATE */
    bool sent;                        /* the last command reached the TPM, as far as we know */
    bool expired;                     /* its deadline passed: whether it ran is unknown */
    bool answered;
    int64_t until_ms;
    size_t command_len, response_len;
    uint8_t command[TPM2_MAX_COMMAND_SIZE];
    uint8_t response[TPM2_MAX_COMMAND_SIZE];
};

/* Makes line ready to be handed to Tss2_Sys_Initialize. Borrows: lower, for the life of the line.
 */
void tpm_line_init(struct tpm_line *line, TSS2_TCTI_CONTEXT *lower, unsigned deadline_ms);
TSS2_TCTI_CONTEXT *tpm_line_tcti(struct tpm_line *line);

/* Wipes the last command and its answer. */
void tpm_line_wipe(struct tpm_line *line);

/* Milliseconds on the monotonic clock; and a pause that signals do not shorten. */
int64_t tpm_now_ms(void);
void tpm_pause_ms(unsigned ms);

#endif
