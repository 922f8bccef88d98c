/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_show.c: pawl show: any of pawl's binary files in the notation of RFC 8949 8. */
#include "gate/base/file.h"
#include "gate/cli/verbs.h"
#include "gate/cose/cbor.h"
#include "gate/cose/cbor_diag.h"

static err_code run(struct call *call)
{
    CLEANUP(buf_free) struct buf bytes = {0}, text = {0};

    TRY(file_read(call->args->plain[0], CBOR_SIZE_MAX, &bytes, &call->why));
    TRY(in_file(call, cbor_diag(buf_slice(&bytes), &text), call->args->plain[0]));
    put_slice(call->json, "diagnostic", buf_slice(&text));
    say_text(call, buf_slice(&text));
    return ERR_OK;
}

const struct verb VERB_SHOW = {
    .name = "show",
    .arguments = "FILE",
    .summary = "print any CBOR or COSE file in diagnostic notation; verifies nothing",
    .opts = NO_OPTIONS,
    .least = 1,
    .most = 1,
    .run = run,
};
