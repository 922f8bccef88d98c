/* SPDX-License-Identifier: Apache-2.0 */
/* request_fuzz.c: any bytes as an AuthZEN request; what is accepted keeps its promises. */
#include "gate/base/text.h"
#include "gate/decide/request.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static bool text_ok(struct slice text)
{
    return text.len > 0 && text.len <= REQUEST_TEXT_MAX && utf8_valid(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(request_free) struct request request = {0};
    struct why why = {0};

    if (request_parse((struct slice){bytes, len}, &request, &why) != ERR_OK) {
        if (request.json != NULL)
            abort();
        return 0;
    }
    if (!text_ok(request.subject_type) || !text_ok(request.subject_id) ||
        !text_ok(request.action_name) || !text_ok(request.action_class) ||
        !text_ok(request.resource_type) || !text_ok(request.resource_id) ||
        request.n_aliases > REQUEST_ALIASES_MAX)
        abort();
    return 0;
}
