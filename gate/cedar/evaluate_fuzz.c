/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate_fuzz.c: policies, entities and a context, with bytes 0xff between them, are decided. The
 * index changes nothing, forbid wins, and a gate permits no more than Cedar. */
#include "gate/cedar/authorize.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>
#include <string.h>

static struct slice part(struct slice *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->ptr, 0xff, rest->len);
    struct slice part = slice_part(*rest, 0, end == NULL ? rest->len : (size_t)(end - rest->ptr));

    *rest = slice_part(*rest, part.len + 1, rest->len - part.len - (end != NULL));
    return part;
}

/* A decision against what every policy by itself comes to. */
static bool fits(const struct cedar_answer *answer, const struct cedar_explanation *all)
{
    size_t n[2] = {0}, failed = 0;

    for (size_t i = 0; i < all->n; i++) {
        n[all->list[i].policy->effect] += all->list[i].outcome == CEDAR_SATISFIED;
        failed += all->list[i].outcome == CEDAR_FAILED;
    }
    if (answer->n_errors != failed)
        return false;
    if (n[CEDAR_EFFECT_FORBID] > 0 || n[CEDAR_EFFECT_PERMIT] == 0)
        return answer->decision == CEDAR_DENY && answer->n_reasons == n[CEDAR_EFFECT_FORBID];
    return answer->decision == CEDAR_PERMIT && answer->n_reasons == n[CEDAR_EFFECT_PERMIT];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(cedar_entities_free) struct cedar_entities *entities = NULL;
    CLEANUP(cedar_owned_free) struct cedar_owned_value *context = NULL;
    static struct cedar_worker *worker; /* one for all: it is large, and making it is no parser */
    CLEANUP(cedar_explanation_free) struct cedar_explanation explanation = {0};
    struct slice rest = {bytes, len}, texts[3] = {part(&rest), part(&rest), part(&rest)};
    struct cedar_answer cedar, gate;
    struct cedar_request request = {.action = cedar_uid_of(slice_str("Action"), slice_str("a"))};

    if (cedar_parse(texts[0], &policies, NULL, NULL) != ERR_OK ||
        cedar_entities_parse(texts[1], &entities, NULL) != ERR_OK ||
        cedar_value_parse(texts[2], &context, NULL) != ERR_OK ||
        cedar_entities_count(entities) == 0 ||
        (worker == NULL && cedar_worker_make(&worker) != ERR_OK))
        return 0;
    request.context = cedar_owned(context);
    request.principal = cedar_entities_at(entities, 0)->uid;
    request.resource = cedar_entities_at(entities, cedar_entities_count(entities) - 1)->uid;
    if (cedar_authorize(policies, entities, &request, CEDAR_MODE_CEDAR, worker, &cedar) != ERR_OK ||
        cedar_explain(policies, entities, &request, &explanation) != ERR_OK)
        return 0;
    if (!fits(&cedar, &explanation) ||
        cedar_authorize(policies, entities, &request, CEDAR_MODE_GATE, worker, &gate) != ERR_OK ||
        (gate.decision == CEDAR_PERMIT && (cedar.decision != CEDAR_PERMIT || gate.n_errors > 0)))
        abort();
    return 0;
}
