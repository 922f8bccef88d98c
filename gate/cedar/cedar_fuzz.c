/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_fuzz.c: any bytes as a policy text; what is accepted is printed, formatted and linted. */
#include "gate/cedar/lint.h"
#include "gate/cedar/same.h"
#include "gate/cedar/window.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A window is one that a gate takes, or none. */
static void look_at_windows(const struct cedar_policies *policies)
{
    for (size_t i = 0; i < cedar_count(policies); i++) {
        const struct cedar_policy *policy = cedar_at(policies, i);
        const struct cedar_annotation *said = cedar_annotation(policy, CEDAR_WINDOW);
        uint32_t ms = 0;

        if (said == NULL || cedar_window_parse(said->value, &ms) != ERR_OK)
            must(ms == 0);
        must(ms <= CEDAR_WINDOW_MAX_MS && cedar_window(policy) == ms);
    }
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
    look_at_windows(policies);
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
