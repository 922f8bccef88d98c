/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/policies.h"

#include "gate/cedar/lex.h"
#include "gate/cedar/set.h"

#include <stdlib.h>

void cedar_free(struct cedar_policies **policies)
{
    if (*policies != NULL)
        cedar_arena_free(&(*policies)->arena);
    free(*policies);
    *policies = NULL;
}

size_t cedar_count(const struct cedar_policies *policies)
{
    return policies->n;
}

const struct cedar_policy *cedar_at(const struct cedar_policies *policies, size_t i)
{
    return i < policies->n ? &policies->list[i] : NULL;
}

const struct cedar_policy *cedar_find(const struct cedar_policies *policies, struct slice id)
{
    for (size_t i = 0; i < policies->n; i++)
        if (slice_eq(policies->list[i].id, id))
            return &policies->list[i];
    return NULL;
}

struct slice cedar_source(const struct cedar_policies *policies)
{
    return policies->source;
}

struct cedar_place cedar_place_at(const struct cedar_policies *policies, uint32_t offset)
{
    struct cedar_place place = {.line = 1, .column = 1};

    if (policies->source.ptr == NULL || offset > policies->source.len)
        return (struct cedar_place){0};
    /* Policies stand in the order of the text, links behind them. What is before the policy that
     * holds the place need not be counted again. */
    for (size_t i = 0; i < policies->n && policies->list[i].template == NULL &&
                       policies->list[i].offset <= offset;
         i++)
        place = policies->list[i].place;
    cedar_place_skip(&place, slice_part(policies->source, place.offset, offset - place.offset));
    return place;
}
