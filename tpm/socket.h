/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h: a TCTI for swtpm's data socket that keeps its time-outs. The one in the TSS2 libraries
 * (3.2 to 4.1) ignores them and offers nothing to poll, so a stopped simulator would stop pawl.
 */
#ifndef PAWL_TPM_SOCKET_H
#define PAWL_TPM_SOCKET_H

#include "gate/base/why.h"

#include <tss2/tss2_tcti.h>

/* conf: "path=/ABSOLUTE/SOCKET", or "host=127.0.0.1,port=2321" with a numeric address. Connects for
 * each command, as the libraries do, so that several clients can share one simulator. Nothing is
 * sent yet. send_ms: deadline for connecting and sending. Owns: close with tpm_socket_close.
 * Error: HARDWARE_URI. */
err_code tpm_socket_open(const char *conf, unsigned send_ms, TSS2_TCTI_CONTEXT **ret,
                         struct why *why);
void tpm_socket_close(TSS2_TCTI_CONTEXT **tcti);

#endif
