/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/gate_ledger.h"

#include "gate/base/file.h"

err_code gate_ledger_make(const char *state_dir, struct why *why)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;

    return ledger_open(state_dir, LEDGER_CREATE, &ledger, why);
}

err_code gate_ledger_open(const char *state_dir, enum ledger_mode mode, struct ledger **ret,
                          struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0}, enrolment = {0};
    err_code err;

    TRY(path_join(state_dir, "ledger", &path));
    TRY(path_join(state_dir, "enrolment.cbor", &enrolment));
    err = ledger_open(state_dir, mode, ret, why);
    if (err != ERR_NOT_FOUND)
        return err;
    if (!file_exists((const char *)enrolment.ptr))
        return why_say(why, ERR_NOT_ENROLLED, "\"%s\" holds no enrolment", state_dir);
    return why_say(why, ERR_STATE_CORRUPT, "the gate is enrolled, but \"%s\" is gone",
                   (const char *)path.ptr);
}
