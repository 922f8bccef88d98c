/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h: what a gate must know about its own machine: where the hardware root is and which
 * secrets to read from where. Written by init as gate.json, mode 0600; never holds a secret itself.
 */
#ifndef PAWL_DECIDE_SETTINGS_H
#define PAWL_DECIDE_SETTINGS_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#define SETTINGS_WITNESSES_MAX 32
#define SETTINGS_REDACT_MAX 8

/* Somebody who cosigns the log's checkpoints: member "witnesses", a list of {"url", "vkey"}. What
 * the texts say is judged by who uses them. */
struct settings_witness {
    char *url, *vkey;
};

struct settings {
    char *hardware;          /* URI of the root: tpm:..., pkcs11:... */
    bool insecure_simulator; /* development only */
    struct settings_witness *witnesses;
    size_t n_witnesses;
    size_t witnesses_needed; /* how many of them are enough; all, unless the file says less */
    char **redact;           /* member "redact": what is taken out of attempts and decisions */
    size_t n_redact;         /* (gate/ledger/record_redact.h): of a decision, each once */
};

/* Errors: NOT_ENROLLED when the file is missing; STATE_CORRUPT. Owns: the caller frees. */
err_code settings_load(const char *state_dir, struct settings *ret, struct why *why);
err_code settings_save(const char *state_dir, const struct settings *settings, struct why *why);
err_code settings_make(const char *hardware, bool insecure_simulator, struct settings *ret);
void settings_free(struct settings *settings);

/* Takes what people wrote into the settings that are there, if any, so that saving keeps it. */
err_code settings_inherit(const char *state_dir, struct settings *settings, struct why *why);

#endif
