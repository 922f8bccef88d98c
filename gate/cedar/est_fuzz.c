/* SPDX-License-Identifier: Apache-2.0 */
/* est_fuzz.c: any bytes as policies in JSON; what is accepted is written, and reads back as it. */
#include "gate/cedar/policies.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void check_set(struct slice json)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL, *again = NULL;
    CLEANUP(buf_free) struct buf first = {0}, second = {0};
    struct why why = {0};

    if (cedar_parse_json(json, &policies, &why) != ERR_OK) {
        if (policies != NULL || why.text[0] == '\0')
            abort();
        return;
    }
    if (cedar_print_json(policies, &first) != ERR_OK ||
        cedar_parse_json(buf_slice(&first), &again, NULL) != ERR_OK ||
        cedar_print_json(again, &second) != ERR_OK ||
        !slice_eq(buf_slice(&first), buf_slice(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL;
    CLEANUP(buf_free) struct buf printed = {0};
    struct slice json = {bytes, len};

    check_set(json);
    if (cedar_parse_json_policy(json, slice_str("a"), &policies, NULL) == ERR_OK &&
        (cedar_print_json(policies, &printed) != ERR_OK || cedar_count(policies) != 1))
        abort();
    if (printed.len > 0)
        check_set(buf_slice(&printed));
    return 0;
}
