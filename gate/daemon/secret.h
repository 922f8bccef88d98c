/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h: a PIN that the token refused. A token counts wrong tries and locks itself, so a service
 * that opens its gate again and again must not try the same file again and again: it waits until
 * the file is another one.
 */
#ifndef PAWL_DAEMON_SECRET_H
#define PAWL_DAEMON_SECRET_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct secret {
    bool refused; /* what the file held when it looked like this */
    uint64_t device, file, size;
    struct timespec written, changed;
};

/* The token refused what the file holds that the gate's settings name. */
void secret_refused(struct secret *secret, const char *state_dir);

/* False: it is the file that was refused. */
bool secret_is_new(const struct secret *secret, const char *state_dir);

#endif
