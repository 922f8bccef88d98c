/* SPDX-License-Identifier: Apache-2.0 */
/* enrolment_fuzz.c: any bytes as an enrolment file; what is accepted is written back the same. */
#include "gate/policy/enrolment.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf again = {0};
    struct enrolment enrolment = {0};
    struct why why = {0};

    if (enrolment_parse((struct slice){bytes, len}, &enrolment, &why) != ERR_OK)
        return 0;
    if (enrolment_write(&enrolment, &again, &why) != ERR_OK ||
        !slice_eq(buf_slice(&again), (struct slice){bytes, len}))
        abort();
    return 0;
}
