/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h: one token behind one PKCS#11 module: loading, finding, logging in, and the rules that
 * every call obeys. After an unexpected answer no handle is believed any more: the state of the
 * token says so, and whoever owns it opens it again by its URI.
 *
 * PKCS#11 has no deadlines: a call returns when the module returns. A vendor module that may hang
 * belongs into a `p11-kit server` process of its own, which a service manager can restart; its
 * p11-kit-client.so is then the module of the URI.
 */
#ifndef PAWL_PKCS11_TOKEN_H
#define PAWL_PKCS11_TOKEN_H

#include "pkcs11/uri.h"

#include <p11-kit/p11-kit.h>

enum hsm_token_state {
    HSM_TOKEN_CLOSED = 0,
    HSM_TOKEN_GOOD,
    HSM_TOKEN_STALE, /* an operation may be left active: open again before the next one */
    HSM_TOKEN_LOST,  /* every handle is void: open again, then repeat the operation once */
};

struct hsm_token {
    CK_FUNCTION_LIST *f;
    enum hsm_token_state state;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session; /* 0: none */
    bool logged_in;            /* by hsm_login() in this session */
    char label[33], serial[17], maker[33], model[17];
    char firmware[64];
    bool simulator;
    struct hsm_sides *sides; /* sessions beside this one (sides.h); NULL: none */
    /* A PIN that the token refused is not tried again with this struct, which is why closing keeps
     * these two. */
    bool user_pin_refused, so_pin_refused;
};

/* Loads the module, initialises it for use with native locks (CKF_OS_LOCKING_OK), and finds the one
 * initialised token that the URI means. serial: also wanted; NULL for any. Errors: HSM_MODULE,
 * HSM_TOKEN_NOT_FOUND, HSM_TOKEN_AMBIGUOUS (naming two of them), HSM_FAILED. */
err_code hsm_token_open(struct hsm_token *token, const struct hsm_uri *uri, const char *serial,
                        struct why *why);

/* Finalises the module: its own exit handlers must find nothing to do, since they run after
 * OpenSSL's (SoftHSM crashes there). Accepts a closed token. */
void hsm_token_close(struct hsm_token *token);

/* Opens a read-write session without logging in: for public objects. */
err_code hsm_session_open(struct hsm_token *token, struct why *why);

/* Opens a read-write session, unless one is open, and logs in with the PIN from the file. Looks at
 * the token's PIN flags first. Errors: HSM_PIN_MISSING, HSM_PIN_WRONG, HSM_PIN_LAST_TRY,
 * HSM_PIN_LOCKED, and those of file_read_secret(). */
err_code hsm_login(struct hsm_token *token, CK_USER_TYPE user, const char *pin_path,
                   struct why *why);

/* Closes every session that this struct opened, and with them whatever operation was begun in one.
 * Every handle is void afterwards. logout: also when another root of this process is still logged
 * in (login belongs to the process, PKCS#11 2.40 base 2.6.8). */
err_code hsm_sessions_close(struct hsm_token *token, bool logout, struct why *why);

/* OK for CKR_OK; otherwise sets the token's state and says which call failed with which code.
 * Errors: HSM_REMOVED, HSM_FAILED. */
err_code hsm_ckr(struct hsm_token *token, CK_RV rv, const char *call, struct why *why);

/* True for the answers after which no handle and no session is believed any more. */
bool hsm_means_lost(CK_RV rv);

/* Copies a field of a CK_ structure, padded with blanks, as text: the trailing blanks are cut and
 * what is not printable ASCII becomes '?'. ret holds len + 1 characters. */
void hsm_field(const unsigned char *field, size_t len, char *ret);

/* True for the names that software tokens give themselves. */
bool hsm_is_simulator(const char *name);

#endif
