/* SPDX-License-Identifier: Apache-2.0 */
/* Records one after the other, each behind a u32 length. What was taken can be taken back. */
#include "gate/ledger/succession.h"

#include "test-env/fuzz/driver.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(succession_free) struct succession s = {0};
    static const struct succession_head NONE;
    static struct record record; /* large */
    struct reader r = reader_of((struct slice){data, size});
    size_t taken = 0;

    if (succession_init(&s, NULL) != ERR_OK)
        return 0;
    while (r.err == ERR_OK && r.rest.len > 0) {
        struct slice bytes = reader_bytes(&r, reader_u32(&r));
        if (record_parse(bytes, &record, NULL) == ERR_OK)
            taken += succession_take(&s, &record, NULL) == ERR_OK;
    }
    if (s.head.entries != taken || s.n_undo != taken)
        abort();
    succession_undo(&s, 0);
    if (memcmp(&s.head, &NONE, sizeof NONE) != 0 || s.agents.n != 0 || s.attempts.n != 0 ||
        s.roster.n != 0 || s.issuer.len != 0)
        abort();
    return 0;
}
