/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/attempts.h"

#include <stdlib.h>
#include <string.h>

void attempts_free(struct attempts *attempts)
{
    free(attempts->list);
    *attempts = (struct attempts){0};
}

err_code attempts_add(struct attempts *attempts, const struct attempt *attempt)
{
    size_t cap = attempts->cap == 0 ? 16 : attempts->cap * 2;
    struct attempt *list;

    if (attempts->n == ATTEMPTS_MAX)
        return ERR_TOO_LARGE;
    if (attempts->n == attempts->cap) {
        list = realloc(attempts->list, cap * sizeof *list);
        if (list == NULL)
            return ERR_NO_MEMORY;
        attempts->list = list;
        attempts->cap = cap;
    }
    attempts->list[attempts->n++] = *attempt;
    return ERR_OK;
}

size_t attempts_find(const struct attempts *attempts, struct slice id, uint64_t session)
{
    const size_t len = sizeof attempts->list->id - 1;

    if (id.len != len)
        return attempts->n;
    for (size_t i = 0; i < attempts->n; i++) {
        const struct attempt *attempt = &attempts->list[i];

        /* Ids of one time begin alike: their random ends differ at once. */
        if (!attempt->closed && attempt->session == session &&
            memcmp(id.ptr + len - 8, attempt->id + len - 8, 8) == 0 &&
            memcmp(id.ptr, attempt->id, len) == 0)
            return i;
    }
    return attempts->n;
}

void attempts_cut(struct attempts *attempts, size_t n)
{
    attempts->n = attempts->n < n ? attempts->n : n;
}

void attempts_settle(struct attempts *attempts, uint64_t session)
{
    size_t kept = 0;

    for (size_t i = 0; i < attempts->n; i++)
        if (!attempts->list[i].closed && attempts->list[i].session == session)
            attempts->list[kept++] = attempts->list[i];
    attempts->n = kept;
    if (kept == 0)
        attempts_free(attempts);
}
