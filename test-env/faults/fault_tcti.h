/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_tcti.h: a TCTI that stands between the code under test and a real one, counts and records
 * the commands, and lets chosen ones go wrong. What it does is written down in a plan, which
 * belongs to the test and outlives the connection.
 */
#ifndef PAWL_FAULTS_FAULT_TCTI_H
#define PAWL_FAULTS_FAULT_TCTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_ANSWER,      /* the TPM never sees the command; the answer is rc */
    FAULT_LOST_ANSWER, /* the TPM runs the command; no answer ever comes */
    FAULT_LOST,        /* neither */
    FAULT_BREAK,       /* the TPM runs the command; then the connection fails */
    FAULT_REFUSE,      /* the command cannot be sent */
    FAULT_CUT,         /* the answer has only the first len octets */
    FAULT_BYTES,       /* the TPM never sees the command; the answer is bytes[len] */
    FAULT_BEFORE,      /* nothing goes wrong, but hook(arg) is called first */
    FAULT_AFTER,       /* hook(arg) is called when the answer is there */
};

struct fault {
    enum fault_kind kind;
    uint32_t code;  /* TPM_CC; 0: any command */
    unsigned nth;   /* the nth of these from now on; 0 and 1: the next */
    unsigned times; /* and so many after each other; 0: for ever */
    uint32_t rc;
    size_t len;
    const uint8_t *bytes;
    void (*hook)(void *arg);
    void *arg;
};

#define FAULTS_MAX 8
#define FAULT_LOG_MAX 4096

struct fault_plan {
    struct fault faults[FAULTS_MAX];
    unsigned seen[FAULTS_MAX]; /* commands that matched so far */
    size_t n_log;
    uint32_t log[FAULT_LOG_MAX]; /* codes of all commands, in order */
};

/* Forgets all faults and the log. */
void fault_clear(struct fault_plan *plan);
/* Adds a fault; aborts when there are FAULTS_MAX. */
void fault_add(struct fault_plan *plan, const struct fault *fault);
/* How many commands of this code the log has; 0 counts all. */
size_t fault_count(const struct fault_plan *plan, uint32_t code);

/* Wraps lower. Borrows: plan and lower. Free the wrapper, then close lower. NULL: no memory. */
TSS2_TCTI_CONTEXT *fault_tcti_new(struct fault_plan *plan, TSS2_TCTI_CONTEXT *lower);
void fault_tcti_free(TSS2_TCTI_CONTEXT **tcti);

#endif
