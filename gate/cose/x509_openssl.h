/* SPDX-License-Identifier: Apache-2.0 */
/* x509_openssl.h: what the files that read certificates share; inside the room only. */
#ifndef PAWL_COSE_X509_OPENSSL_H
#define PAWL_COSE_X509_OPENSSL_H

#include "gate/cose/x509.h"

#include <openssl/x509.h>

/* Parses and judges as x509_check() says. Owns: the caller frees. */
err_code x509_open(struct slice cert, X509 **ret, struct why *why);

/* X509_free() that can stand in CLEANUP(). */
void x509_close(X509 **cert);

/* Leaves no entry of ours in OpenSSL's queue of errors. */
void x509_forget_errors(void);

#endif
