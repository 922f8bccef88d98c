/* SPDX-License-Identifier: Apache-2.0 */
/* errors.c: the errors of the project under the names of the public header, and the version. */
#include "gate/client/client.h"

#include <stdio.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "numbers do not change")
SAME(PAWL_OK, ERR_OK);
SAME(PAWL_NO_MEMORY, ERR_NO_MEMORY);
SAME(PAWL_USAGE, ERR_USAGE);
SAME(PAWL_TOO_LARGE, ERR_TOO_LARGE);
SAME(PAWL_REQUEST_MALFORMED, ERR_REQUEST_MALFORMED);
SAME(PAWL_SIGNATURE_INVALID, ERR_SIGNATURE_INVALID);
SAME(PAWL_JSON_MALFORMED, ERR_JSON_MALFORMED);
SAME(PAWL_ROOT_UNTRUSTED, ERR_ROOT_UNTRUSTED);
SAME(PAWL_PERMIT_INVALID, ERR_PERMIT_INVALID);
SAME(PAWL_DEADLINE, ERR_DEADLINE);
SAME(PAWL_UNREACHABLE, ERR_SERVICE_UNREACHABLE);
SAME(PAWL_ANSWER_MALFORMED, ERR_SERVICE_ANSWER);
SAME(PAWL_UNTRUSTED, ERR_SERVICE_UNTRUSTED);

const char *pawl_version(void)
{
    return PAWL_VERSION;
}

const char *pawl_strerror(int err)
{
    return err == PAWL_AGAIN ? "no answer yet" : err_text((err_code)err);
}

const char *pawl_errname(int err)
{
    return err == PAWL_AGAIN ? "AGAIN" : err_name((err_code)err);
}

struct slice client_slice(struct pawl_bytes bytes)
{
    return (struct slice){bytes.ptr, bytes.ptr != NULL ? bytes.len : 0};
}

int client_tell(err_code err, const struct why *why, struct pawl_why *ret)
{
    if (ret != NULL)
        (void)snprintf(ret->text, sizeof ret->text, "%s",
                       err != ERR_OK && why->code == err ? why->text : "");
    return (int)err;
}
