/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip.h: one open TPM: transport, line, SAPI context, what the chip is, and the one policy session
 * that pawl keeps in it. A chip that failed below its own commands (deadline passed, connection
 * lost) is broken: nothing is known of the last command, so everything is closed, and the next use
 * opens it again from its source.
 */
#ifndef PAWL_TPM_CHIP_H
#define PAWL_TPM_CHIP_H

#include "hw/root.h"
#include "tpm/line.h"
#include "tpm/rc.h"
#include "tpm/source.h"

#include <tss2/tss2_sys.h>

#define TPM_DEADLINE_MS 30000u

struct tpm_chip {
    struct tpm_source *source; /* owned */
    TSS2_TCTI_CONTEXT *tcti;   /* owned; NULL while closed */
    struct tpm_line line;
    TSS2_SYS_CONTEXT *sys; /* owned; NULL while closed */
    unsigned deadline_ms;
    bool allow_simulator;
    bool broken;
    TPM2_HANDLE session; /* policy session; 0: none */
    bool session_dirty;  /* it holds the remains of a policy that was not used */
    uint32_t orderly;    /* TPM_PT_ORDERLY_COUNT */
    struct hw_description about;
};

/* Opens the source, takes the chip's description, refuses simulators unless they are allowed.
 * Owns: the source, from now on, also on failure. Close in any case.
 * Errors: SIMULATOR_REFUSED, TPM_NOT_FOUND, TPM_PERMISSION, TPM_FAILED... */
err_code tpm_chip_open(struct tpm_chip *chip, struct tpm_source *source,
                       const struct hw_options *options, struct why *why);
void tpm_chip_close(struct tpm_chip *chip);

/* Makes sure that commands can be sent: opens a broken chip again. Call at the start of each
 * operation. Afterwards the session is gone and must be started anew. */
err_code tpm_chip_ready(struct tpm_chip *chip, struct why *why);

/* Wipes the last command, which may hold an authorization, out of every buffer; the chip stays
 * open. Closing does the same. */
void tpm_chip_forget(struct tpm_chip *chip);

/* What every command of command.h returns its code through: masks the layers of resource managers
 * (rc.h), and marks the chip as broken if the code came from below the TPM. */
TSS2_RC tpm_chip_rc(struct tpm_chip *chip, TSS2_RC rc);

/* Turns a response code into an error and a sentence. doing: the command's name. Never returns OK.
 */
err_code tpm_chip_fail(struct tpm_chip *chip, TSS2_RC rc, const char *doing, struct why *why);

/* Starts the policy session unless there is one; a dirty one is restarted. */
TSS2_RC tpm_chip_session(struct tpm_chip *chip);
/* Ends it, whatever state it is in. */
void tpm_chip_drop_session(struct tpm_chip *chip);

/* If a code says that the TPM's working memory is full: frees what earlier users left in it, where
 * no one else can be using it. True if something was freed, so that the command may be tried again,
 * once. Any command that uses a key may need room, also with keys at persistent handles. No
 * transient object of ours may be in use. */
bool tpm_chip_room(struct tpm_chip *chip, TSS2_RC rc);

#endif
