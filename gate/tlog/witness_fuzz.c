/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/witness.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static const unsigned STATUS[] = {200, 409, 422, 404};

/* A request as it stands; and an answer: one octet for the status, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf again = {0};
    struct slice in = {bytes, len};
    struct witness_response response;
    struct witness_request request;
    struct witness_word word;

    if (witness_request_parse(in, &request, NULL) == ERR_OK && request.old != 0 &&
        (witness_request_make(&request, &again, NULL) != ERR_OK ||
         !slice_eq(buf_slice(&again), in)))
        abort();
    if (len == 0)
        return 0;
    response = (struct witness_response){STATUS[bytes[0] % 4], slice_str(WITNESS_SIZE_TYPE),
                                         (struct slice){bytes + 1, len - 1}};
    if (witness_response_parse(&response, "w", &word, NULL) == ERR_OK &&
        (word.answer == WITNESS_NONE || response.status == 422 || response.status == 404))
        abort();
    return 0;
}
