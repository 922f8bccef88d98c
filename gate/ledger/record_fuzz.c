/* SPDX-License-Identifier: Apache-2.0 */
/* A record that parses names its kind; none of its beginnings is taken for a whole one, and each is
 * known for one. */
#include "gate/ledger/record.h"

#include "test-env/fuzz/driver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {data, size};
    struct record *record = calloc(1, sizeof *record);
    bool good;

    if (record == NULL)
        return 0;
    good = record_parse(bytes, record, NULL) == ERR_OK;
    if (good != (record->kind != RECORD_NONE))
        abort();
    if (good && (record_kind_name(record->kind)[0] == 'n' || record_could_begin(bytes, size)))
        abort();
    for (size_t n = 0; good && n < size; n++)
        if (!record_could_begin((struct slice){data, n}, size))
            abort();
    (void)record_could_begin(bytes, 2 * size);
    free(record);
    return 0;
}
