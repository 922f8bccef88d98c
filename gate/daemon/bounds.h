/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounds.h: what a gate needs for being served, by where its hardware is; everything else is taken
 * from the process (confine.h).
 *
 *     TPM               its directory, its sockets, the devices that are there
 *     swtpm at a path   its directory, its sockets
 *     TPM over TCP      the same, and the network
 *     token             the network; files only once it is said what the module needs
 *     tpm:cmd:...       anything: this simulator is a program that is run
 */
#ifndef PAWL_DAEMON_BOUNDS_H
#define PAWL_DAEMON_BOUNDS_H

#include "gate/daemon/sockets.h"
#include "gate/daemon/tls.h"

#define BOUNDS_ALLOW_MAX 16

struct bounds_options {
    const char *state_dir;
    const struct sockets *sockets; /* their names are removed at the end */
    const char *const *allow;      /* what a module reads and writes beside that */
    size_t n_allow;
    const struct tls_files *tls; /* read anew when it is wanted; NULL: none */
};

struct bounds {
    bool files, calls; /* are kept to what is needed */
    bool wanted;       /* the hardware can be used so */
    bool network;
};

/* Before there are other threads. Errors: those of settings_load(); HARDWARE_URI and others of the
 * URI; INTERNAL. */
err_code bounds_files(const struct bounds_options *options, struct bounds *ret, struct why *why);

/* For all threads, once the service has been started. Errors: INTERNAL. */
err_code bounds_calls(struct bounds *bounds, struct why *why);

#endif
