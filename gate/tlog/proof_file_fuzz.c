/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/proof_file.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

/* What is taken is written again as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(proof_file_free) struct proof_file file = {0};
    CLEANUP(buf_free) struct buf again = {0};
    struct slice in = {bytes, len};

    if (proof_file_parse(in, &file, NULL) == ERR_OK &&
        (proof_file_make(&file, &again, NULL) != ERR_OK || !slice_eq(buf_slice(&again), in)))
        abort();
    return 0;
}
