/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/tickets.h"

#include "gate/base/file.h"

#include <string.h>

static const char MAGIC[] = "pawl-tickets-v1"; /* with its terminator */

#define ENTRY_MAX (SHA256_LEN + 4 + 1 + TPM_TICKET_MAX)

err_code tpm_ticket_id(const struct hw_statement *statement, struct digest *ret)
{
    size_t coord = hw_coord_len(statement->key.alg);
    const struct slice parts[] = {
        {statement->key.x, coord},
        {statement->key.y, coord},
        {statement->key.n, statement->key.n_len},
        {statement->digest, hw_digest_len(statement->key.alg)},
        {statement->sig, statement->sig_len},
    };

    return hash_tagged("pawl-ticket-v1", parts, sizeof parts / sizeof *parts, ret);
}

static err_code path_of(const char *dir, struct buf *ret)
{
    return dir == NULL ? ERR_NOT_FOUND : path_join(dir, "tickets", ret);
}

void tpm_tickets_load(const char *dir, struct tpm_tickets *ret)
{
    CLEANUP(buf_free) struct buf path = {0}, file = {0};
    struct tpm_tickets out = {0};
    struct reader r;

    memset(ret, 0, sizeof *ret);
    if (path_of(dir, &path) != ERR_OK ||
        file_read((const char *)path.ptr, sizeof MAGIC + TPM_TICKETS_MAX * ENTRY_MAX, &file,
                  NULL) != ERR_OK)
        return;
    r = reader_of(buf_slice(&file));
    if (!slice_eq(reader_bytes(&r, sizeof MAGIC),
                  (struct slice){(const uint8_t *)MAGIC, sizeof MAGIC}))
        return;
    while (r.err == ERR_OK && r.rest.len > 0 && out.n < TPM_TICKETS_MAX) {
        struct tpm_ticket *t = &out.ticket[out.n++];

        reader_copy(&r, t->id.bytes, sizeof t->id.bytes);
        t->hierarchy = reader_u32(&r);
        t->len = reader_u8(&r);
        if (t->len > sizeof t->hmac)
            return;
        reader_copy(&r, t->hmac, t->len);
    }
    if (reader_done(&r) == ERR_OK)
        *ret = out;
}

static err_code write_all(const struct tpm_tickets *tickets, struct buf *ret)
{
    TRY(buf_add(ret, MAGIC, sizeof MAGIC));
    for (size_t i = 0; i < tickets->n; i++) {
        const struct tpm_ticket *t = &tickets->ticket[i];

        TRY(buf_add(ret, t->id.bytes, sizeof t->id.bytes));
        TRY(buf_add_u32(ret, t->hierarchy));
        TRY(buf_add_u8(ret, t->len));
        TRY(buf_add(ret, t->hmac, t->len));
    }
    return ERR_OK;
}

void tpm_tickets_save(const char *dir, const struct tpm_tickets *tickets)
{
    CLEANUP(buf_free) struct buf path = {0}, file = {0};

    if (path_of(dir, &path) == ERR_OK && write_all(tickets, &file) == ERR_OK) {
        err_code ignored = file_write((const char *)path.ptr, buf_slice(&file), 0600, NULL);

        (void)ignored;
    }
}

const struct tpm_ticket *tpm_tickets_find(const struct tpm_tickets *tickets,
                                          const struct digest *id)
{
    for (size_t i = 0; i < tickets->n; i++)
        if (digest_eq(&tickets->ticket[i].id, id))
            return &tickets->ticket[i];
    return NULL;
}

void tpm_tickets_put(struct tpm_tickets *tickets, const struct tpm_ticket *ticket)
{
    size_t at = 0;

    while (at < tickets->n && !digest_eq(&tickets->ticket[at].id, &ticket->id))
        at++;
    if (at == tickets->n && tickets->n == TPM_TICKETS_MAX)
        at = 0;
    if (at < tickets->n) {
        memmove(&tickets->ticket[at], &tickets->ticket[at + 1],
                (tickets->n - at - 1) * sizeof *ticket);
        tickets->n--;
    }
    tickets->ticket[tickets->n++] = *ticket;
}
