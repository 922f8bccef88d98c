/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hands_rig.h: the attacker's hands: somebody with a PIN and PKCS#11 tools on the token of a rig.
 * For tests only.
 */
#ifndef PAWL_PKCS11_HANDS_RIG_H
#define PAWL_PKCS11_HANDS_RIG_H

#include "pkcs11/internal.h"
#include "pkcs11/rig.h"

struct hands {
    struct hsm_uri uri;
    struct hsm_token token;
    struct hsm_space space; /* of the rig's gate */
};

/* Logs in with the rig's PIN, and out. */
void hands_on(struct hands *h, const struct rig *rig, CK_USER_TYPE user);
void hands_off(struct hands *h);

/* The epoch key of the rig's gate, 0 if there is none. */
CK_OBJECT_HANDLE hands_epoch_key(struct hands *h, uint64_t epoch);

/* What the token answers. */
CK_RV hands_set_flag(struct hands *h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                     CK_BBOOL value);
CK_RV hands_copy(struct hands *h, CK_OBJECT_HANDLE object);
CK_RV hands_sign_init(struct hands *h, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type);

#endif
