/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sides.h: calls to a token side by side. A network HSM takes milliseconds for each call and
 * answers several sessions at once, so calls that do not need each other's answers wait together.
 *
 * A side is a thread with a session of its own. Only its yes counts: whatever else came of a call,
 * the root makes it again in its own session, with that one's errors and repairs. So nothing that
 * happens to a side changes what is known of the token, and a token that has one session for
 * everybody is asked in that one.
 */
#ifndef PAWL_PKCS11_SIDES_H
#define PAWL_PKCS11_SIDES_H

#include "pkcs11/token.h"

#define HSM_SIDES_MAX 8

/* So many sides, at most HSM_SIDES_MAX; thread and session of each are made when it is given
 * something. Owns: hsm_sides_free(), after the token is closed. */
err_code hsm_sides_new(unsigned n, struct hsm_sides **ret);
void hsm_sides_free(struct hsm_sides **sides);

unsigned hsm_sides_n(const struct hsm_sides *sides); /* NULL: 0 */

/* Calls to be made; token: a copy, with the side's session. */
typedef err_code (*hsm_aside)(struct hsm_token *token, void *ctx, struct why *why);

/* Gives it to the side (counted from 0), which is free. Borrows: ctx, until hsm_side_take(). */
void hsm_side_give(struct hsm_token *token, unsigned side, hsm_aside calls, void *ctx);

/* Waits for it. True: every call was made and answered OK. */
bool hsm_side_take(struct hsm_token *token, unsigned side);

/* Waits for all of them, and closes their sessions: before whatever ends sessions or handles. */
void hsm_sides_rest(struct hsm_token *token);

#endif
