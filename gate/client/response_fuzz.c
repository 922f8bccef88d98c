/* SPDX-License-Identifier: Apache-2.0 */
/* response_fuzz.c: any bytes as what a service answers. */
#include "gate/client/client.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf body = {0};
    struct pawl_answer *answer = NULL;
    struct response response;
    struct why why = {0};

    if (response_parse((struct slice){bytes, len}, &response, &why) != ERR_OK || response.head == 0)
        return 0;
    if (response.head > len || response.head > RESPONSE_HEAD_MAX ||
        response.body > RESPONSE_BODY_MAX)
        abort();
    /* What follows, whatever the length says, so that mutants need not get it right. */
    if (buf_add(&body, bytes + response.head, len - response.head) != ERR_OK)
        return 0;
    if (client_answer_read(&response, &body, &answer, &why) != ERR_OK) {
        if (answer != NULL)
            abort();
        return 0;
    }
    if (pawl_answer_permitted(answer) &&
        (response.status != 200 || strcmp(pawl_answer_reason(answer), "OK") != 0))
        abort();
    pawl_answer_free(&answer);
    return 0;
}
