/* SPDX-License-Identifier: Apache-2.0 */
/* authzen_fuzz.c: any bytes as a body of either endpoint; whatever comes of it has an answer, which
 * denies as long as nobody decided. */
#include "gate/daemon/authzen.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void check(struct slice bytes, bool batch)
{
    const struct authzen_body body = {bytes, batch, batch ? "execute" : NULL};
    CLEANUP(demand_free) struct demand *demand = NULL;
    CLEANUP(buf_free) struct buf text = {0};
    struct why why = {0};
    bool single = false;
    json_t *answer;
    size_t n, i;

    if (authzen_parse(&body, &demand, &single, &why) != ERR_OK) {
        if (demand != NULL)
            abort();
        return;
    }
    if (single && (demand->n_items != 1 || demand->items[0].malformed != ERR_OK))
        abort();
    for (i = 0; i < demand->n_items; i++)
        demand->items[i].judged = true;
    if (authzen_answer(demand, single, true, &text) != ERR_OK)
        abort();
    answer = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    n = single ? 1 : json_array_size(json_object_get(answer, "evaluations"));
    for (i = 0; i < n; i++) {
        json_t *one = single ? answer : json_array_get(json_object_get(answer, "evaluations"), i);
        if (!json_is_false(json_object_get(one, "decision")))
            abort();
    }
    if (n != demand->n_items)
        abort();
    json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check((struct slice){bytes, len}, false);
    check((struct slice){bytes, len}, true);
    return 0;
}
