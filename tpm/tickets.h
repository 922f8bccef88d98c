/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tickets.h: the TPM's tickets for signatures that it has verified, kept in a file so that a grant
 * is verified once and not at each start. A cache and no more: the TPM checks each ticket with a
 * secret of its own (part 2, 10.7), so a lost, old or forged file costs time and nothing else.
 */
#ifndef PAWL_TPM_TICKETS_H
#define PAWL_TPM_TICKETS_H

#include "hw/key.h"

#define TPM_TICKET_MAX 64 /* bytes of the ticket's HMAC */
#define TPM_TICKETS_MAX 64

struct tpm_ticket {
    struct digest id; /* of the statement that was verified */
    uint32_t hierarchy;
    uint8_t len;
    uint8_t hmac[TPM_TICKET_MAX];
};

struct tpm_tickets {
    size_t n;
    struct tpm_ticket ticket[TPM_TICKETS_MAX]; /* the newest last */
};

/* Names a statement: SHA-256("pawl-ticket-v1" 00, key, digest, signature). */
err_code tpm_ticket_id(const struct hw_statement *statement, struct digest *ret);

/* Reads dir/tickets. Whatever is wrong with the file, the cache is then empty. dir may be NULL. */
void tpm_tickets_load(const char *dir, struct tpm_tickets *ret);
/* Writes it; a failure is no error. */
void tpm_tickets_save(const char *dir, const struct tpm_tickets *tickets);

const struct tpm_ticket *tpm_tickets_find(const struct tpm_tickets *tickets,
                                          const struct digest *id);
/* Adds or replaces; the oldest makes room. */
void tpm_tickets_put(struct tpm_tickets *tickets, const struct tpm_ticket *ticket);

#endif
