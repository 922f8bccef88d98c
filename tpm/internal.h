/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h: what the files of the TPM root share, and what tests need to stand between the root
 * and its TPM. Nobody outside tpm/ includes it.
 */
#ifndef PAWL_TPM_INTERNAL_H
#define PAWL_TPM_INTERNAL_H

#include "tpm/chip.h"
#include "tpm/head.h"
#include "tpm/policy.h"
#include "tpm/tickets.h"
#include "tpm/uri.h"

/* A grant that fits the plan, with the TPM's ticket for its signature. */
struct tpm_approval {
    struct hw_grant grant;
    struct digest served[TPM_SERVED_BRANCHES]; /* SIGN, CERTIFY: of tpm_served */
    struct hw_statement statement;             /* what the ratchet key signed */
    uint8_t verifier[HW_TPM_NAME_LEN];
    TPMT_TK_VERIFIED ticket;
};

struct tpm_root {
    struct hw_root root; /* first */
    struct tpm_uri uri;
    struct hw_options options; /* strings borrowed from the caller */
    struct tpm_chip chip;
    struct tpm_tickets tickets;

    bool attached;
    struct tpm_plan plan;
    struct hw_enrolment enrolment; /* as attached */
    uint64_t base;

    bool prepared;
    bool begun; /* a round is open: begin saw the prepared epoch, and nothing changed it since */
    uint64_t epoch; /* prepared */
    struct tpm_approval sign, certify;

    struct tpm_heads heads;
};

/* As tpm_root_open, on a transport of the caller's. Owns: the source, also on failure. */
err_code tpm_root_open_source(const struct tpm_uri *uri, struct tpm_source *source,
                              const struct hw_options *options, struct hw_root **ret,
                              struct why *why);

/* The start of each operation that needs an attached root: NOT_ENROLLED, or the chip made ready. A
 * chip that had to be opened again is compared like one that is attached. */
err_code tpm_root_ready(struct tpm_root *root, struct why *why);

/* What attach compares, of a root that is open: the enrolment with what follows from the owner,
 * then counter and keys in the TPM with both. Changes nothing in the TPM. Errors: those of attach.
 */
err_code tpm_root_compare_all(struct tpm_root *root, const struct hw_owner *owner,
                              const struct hw_enrolment *enrolment, struct why *why);

/* The counter, now. Errors: COUNTER_MISSING, TPM_*. */
err_code tpm_counter(struct tpm_root *root, uint64_t *ret, struct why *why);
/* The epoch, now: counter - base. */
err_code tpm_epoch(struct tpm_root *root, uint64_t *ret, struct why *why);

/* --- verify.c: signatures judged inside the TPM --- */

/* Errors: SIGNATURE_INVALID, UNSUPPORTED, KEY_MALFORMED, TPM_*. */
err_code tpm_verify(struct tpm_root *root, const struct hw_statement *statement, struct why *why);
/* The same, with the ticket that PolicyAuthorize consumes. */
err_code tpm_verify_ticket(struct tpm_root *root, const struct hw_statement *statement,
                           TPMT_TK_VERIFIED *ret, struct why *why);

/* --- approve.c: grants, and what they allow --- */

/* Picks the grant of these terms whose signature the TPM (or a ticket of its) vouches for.
 * Error: GRANT_INVALID, saying what is missing or wrong. */
err_code tpm_approve(struct tpm_root *root, const struct tpm_terms *terms,
                     const struct hw_grant *grants, size_t n_grants, struct tpm_approval *ret,
                     struct why *why);

/* A command that the policy session authorizes. */
struct tpm_use {
    TSS2_RC (*run)(struct tpm_root *root, struct tpm_use *use);
    const char *name;
};

/* Satisfies the approval's policy in a session and runs the command; builds the session again when
 * a PCR changed in between or somebody took it away, and the ticket when it was refused.
 * Errors: TPM_POLICY when the counter has passed what the grant allows; GRANT_INVALID; TPM_*. */
err_code tpm_use_approved(struct tpm_root *root, struct tpm_approval *approval, struct tpm_use *use,
                          struct why *why);

/* --- attach.c --- */

bool tpm_name_is(const TPM2B_NAME *name, const uint8_t want[static HW_TPM_NAME_LEN]);

/* Compares the counter's public area with the plan. Errors: COUNTER_MISSING, COUNTER_FOREIGN.
 * ret_written: it has been incremented. */
err_code tpm_counter_compare(struct tpm_root *root, bool *ret_written, struct why *why);

/* Compares counter and keys with the plan and the enrolment. */
err_code tpm_root_compare(struct tpm_root *root, struct why *why);

err_code tpm_root_attach(struct hw_root *root, const struct hw_owner *owner,
                         const struct hw_enrolment *enrolment, struct why *why);

/* --- enrol.c, step.c, round.c --- */

err_code tpm_root_enrol(struct hw_root *root, const struct hw_owner *owner,
                        struct hw_enrolment *ret, struct why *why);

/* Increments under a BUMP approval until the counter reaches limit. */
err_code tpm_increment_to(struct tpm_root *root, struct tpm_approval *approval, uint64_t limit,
                          struct why *why);
err_code tpm_root_step(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);

/* Makes sure that no session of an earlier epoch lives: extends the PCR unless that was done in
 * this epoch already (see step.c). */
err_code tpm_settle(struct tpm_root *root, uint64_t epoch, struct why *why);

err_code tpm_root_prepare(struct hw_root *root, const struct hw_mandate *mandate, struct why *why);
err_code tpm_root_begin(struct hw_root *root, struct why *why);
/* A round that is not open is opened. */
err_code tpm_in_round(struct tpm_root *root, struct why *why);
err_code tpm_root_sign(struct hw_root *root, const struct digest *digest, uint8_t ret[static 64],
                       struct why *why);
err_code tpm_root_seal(struct hw_root *root, const struct digest *binding, struct hw_seal *ret,
                       struct why *why);

#endif
