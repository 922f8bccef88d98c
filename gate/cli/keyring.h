/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h: the keys that an authority verb signs with: those of --key, and those that the
 * directory's authority.json names for the roles in question. authority.json holds references,
 * never keys; a reference whose file is not here (a key kept offline) is passed over.
 */
#ifndef PAWL_CLI_KEYRING_H
#define PAWL_CLI_KEYRING_H

#include "gate/cli/key_ref.h"
#include "gate/cli/verb.h"
#include "gate/policy/authority.h"

#define KEYRING_MAX 64

struct keyring {
    struct hw_signer *signers[KEYRING_MAX];
    size_t n;
};
/* Opens the authority of --authority, else of the current directory. Error: NOT_FOUND when that
 * holds none. Owns: authority_close(). */
err_code authority_at(struct call *call, struct authority **ret);

void keyring_free(struct keyring *ring);

/* For authority_*(). Borrows: ring. */
struct authority_keys keyring_keys(const struct keyring *ring);

/* The options that every verb with keys has. */
#define KEYRING_OPTIONS                                                                            \
    {"key", 'k', OPT_LIST, "KEY",                                                                  \
     "sign with this key: FILE.pem, pkcs11:..., tpm2:handle=0x81..."},                             \
        {"tpm", 0, OPT_VALUE, "URI", "where tpm2: keys are (default: tpm:device:/dev/tpmrm0)"},    \
    {                                                                                              \
        "insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"         \
    }

struct key_ref_options keyring_ref_options(const struct call *call);

/* Opens what --key names and what dir/authority.json lists for the roles (ending with ROLE_NONE).
 */
err_code keyring_open(struct call *call, const char *dir, const enum root_role *roles,
                      struct keyring *ret);

/* Adds one more, which the ring owns from then on. Error: TOO_LARGE. */
err_code keyring_add(struct keyring *ring, struct hw_signer *signer);

/* Notes in dir/authority.json that ref is the key of a role. */
/* note: a path is relative to dir. note_given: as somebody typed it, relative to where he stands.
 */
err_code keyring_note_given(const char *dir, enum root_role role, const char *ref, struct why *why);
err_code keyring_note(const char *dir, enum root_role role, const char *ref, struct why *why);

#endif
