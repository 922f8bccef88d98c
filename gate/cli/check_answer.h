/* SPDX-License-Identifier: Apache-2.0 */
/* check_answer.h: what `pawl check` got to know, of this process or of the service, and says in one
 * way. */
#ifndef PAWL_CLI_CHECK_ANSWER_H
#define PAWL_CLI_CHECK_ANSWER_H

#include "gate/cli/verb.h"
#include "gate/client/pawl.h"
#include "gate/decide/request.h"

/* Zeroed memory is denied. */
struct check_answer {
    bool permit;
    err_code reason;
    json_t *context;        /* see answer_json.h */
    struct buf permit_file; /* the permit, or the denial in the same form */
};
void check_answer_free(struct check_answer *answer);

/* Writes the permit where --output says, the members, the lines, and the exit code. Errors:
 * NO_MEMORY when there is no context; those of file_write(). */
err_code check_tell(struct call *call, const struct check_answer *answer);

/* ---- check_service.c ------------------------------------------------------------------------- */

/* Asks. What came to no decision is an error, as it is in this process. Owns: check_answer_free().
 */
err_code check_ask_service(struct call *call, struct pawl_conn *service,
                           const struct request *request, struct check_answer *ret);

#endif
