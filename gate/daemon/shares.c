/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/shares.h"

#include <stdlib.h>
#include <string.h>

/* The place of this caller's, or of the next that is made. */
static struct share **find(struct share **list, const char *caller)
{
    while (*list != NULL && strcmp((*list)->caller, caller) != 0)
        list = &(*list)->next;
    return list;
}

bool shares_may(const struct shares *shares, const char *caller, size_t n)
{
    struct share *list = shares->list;
    const struct share *own = *find(&list, caller);
    size_t left = shares->most - shares->all, has = own == NULL ? 0 : own->n;

    return n <= left && has <= left - n;
}

err_code shares_take(struct shares *shares, const char *caller, size_t n)
{
    struct share **place = find(&shares->list, caller);

    if (n == 0)
        return ERR_OK;
    if (*place == NULL) {
        struct share *share = calloc(1, sizeof *share);
        if (share == NULL || (share->caller = strdup(caller)) == NULL) {
            free(share);
            return ERR_NO_MEMORY;
        }
        *place = share;
    }
    (*place)->n += n;
    shares->all += n;
    return ERR_OK;
}

void shares_give_back(struct shares *shares, const char *caller, size_t n)
{
    struct share **place = find(&shares->list, caller), *share = *place;

    if (share == NULL)
        return;
    share->n -= n;
    shares->all -= n;
    if (share->n > 0)
        return;
    *place = share->next;
    free(share->caller);
    free(share);
}
