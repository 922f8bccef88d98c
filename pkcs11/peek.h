/* SPDX-License-Identifier: Apache-2.0 */
/* peek.h: what can be seen of a token without changing anything in it, and without the PIN: a wrong
 * one would cost a try. For whoever looks for what is wrong, and not for decisions. */
#ifndef PAWL_PKCS11_PEEK_H
#define PAWL_PKCS11_PEEK_H

#include "hw/root.h"

struct hsm_peek {
    struct hw_description about;
    bool pin_low, pin_last, pin_locked; /* CKF_USER_PIN_COUNT_LOW, _FINAL_TRY, _LOCKED */
};

/* serial: of the token that it must be. Errors: those of hsm_uri_parse() and hsm_token_open(). */
err_code hsm_peek(const char *uri, const char *serial, struct hsm_peek *ret, struct why *why);

/* The PIN file that the URI names; len 0: none. Errors: those of hsm_uri_parse(). Owns: *ret,
 * NUL-terminated beyond len. */
err_code hsm_peek_pin_file(const char *uri, struct buf *ret, struct why *why);

#endif
