/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h: what a gate must know about its own machine: where the hardware root is and which
 * secrets to read from where. Written by init as gate.json, mode 0600; never holds a secret itself.
 */
#ifndef PAWL_DECIDE_SETTINGS_H
#define PAWL_DECIDE_SETTINGS_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

struct settings {
    char *hardware;          /* URI of the root: tpm:..., pkcs11:... */
    bool insecure_simulator; /* development only */
};

/* Errors: NOT_ENROLLED when the file is missing; STATE_CORRUPT. Owns: the caller frees. */
err_code settings_load(const char *state_dir, struct settings *ret, struct why *why);
err_code settings_save(const char *state_dir, const struct settings *settings, struct why *why);
err_code settings_make(const char *hardware, bool insecure_simulator, struct settings *ret);
void settings_free(struct settings *settings);

#endif
