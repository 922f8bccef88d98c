/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_fuzz.c: any bytes as a policy text; what is accepted is printed, formatted and linted. */
#include "gate/cedar/lint.h"
#include "gate/cedar/same.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(cedar_free) struct cedar_policies *policies = NULL, *again = NULL;
    CLEANUP(cedar_findings_free) struct cedar_findings findings = {0};
    CLEANUP(buf_free) struct buf printed = {0}, once = {0}, twice = {0};
    struct cedar_place where = {0};
    struct why why = {0};
    err_code err;

    if (cedar_parse((struct slice){bytes, len}, &policies, &where, &why) != ERR_OK) {
        must(policies == NULL && why.text[0] != '\0' && where.line != 0 && where.offset <= len);
        return 0;
    }
    must(cedar_print(policies, &printed) == ERR_OK);
    must(cedar_parse(buf_slice(&printed), &again, NULL, NULL) == ERR_OK);
    must(cedar_policies_same(policies, again));
    err = cedar_format((struct slice){bytes, len}, &once, NULL, NULL);
    if (err == ERR_CEDAR_TEXT_SIZE)
        return 0; /* indentation made it too long */
    must(err == ERR_OK);
    must(cedar_format(buf_slice(&once), &twice, NULL, NULL) == ERR_OK);
    must(slice_eq(buf_slice(&once), buf_slice(&twice)));
    must(cedar_lint(policies, &findings) == ERR_OK);
    return 0;
}
