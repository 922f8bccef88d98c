/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h: the hardware root on a PKCS#11 token. What it promises, and what it does not:
 *
 * A token evaluates no policy. What it refuses, it refuses because the key is gone: epoch e signs
 * with a key pair of its own, and the step to a later epoch destroys it. refuses_rollback in the
 * description means this and no more. Whoever restores a backup of the token (or the directory of a
 * SoftHSM) has the old key back. Whoever has the PIN can have the current key sign anything.
 *
 * C_DestroyObject does not stop a signature that another process began (C_SignInit) before it: each
 * such session gives one signature more, then CKR_OBJECT_HANDLE_INVALID. The step closes the
 * sessions of this process; sessions of other processes with the PIN it cannot close. So what can
 * be signed after a step is at most one digest per session that was open and had begun before it.
 *
 * PKCS#11 has no deadlines, so hw_options.timeout_ms has no effect here: see token.h. A program
 * that may be given p11-kit-client.so as its module has to ignore SIGPIPE: that module writes to a
 * socket.
 */
#ifndef PAWL_PKCS11_ROOT_H
#define PAWL_PKCS11_ROOT_H

#include "hw/root.h"

/* uri (RFC 7512): "pkcs11:token=gate;serial=0123?module-path=/usr/lib/softhsm/libsofthsm2.so&
 * pin-source=file:/run/credentials/pawl.service/pin". Loads the module and finds the token; logs in
 * at the first operation that needs it. Errors: HARDWARE_URI, HSM_PIN_IN_URI, HSM_MODULE,
 * HSM_TOKEN_NOT_FOUND, HSM_TOKEN_AMBIGUOUS, SIMULATOR_REFUSED. Owns: closed with hw_root_close().
 */
err_code hsm_root_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why);

#endif
