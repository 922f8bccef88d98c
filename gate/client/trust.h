/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h: whom a client takes for the service: root, and the user to whom the gate belongs. The
 * kernel says who made a socket listen; names and files only say where it is. systemd, which makes
 * the sockets of a unit, is root.
 */
#ifndef PAWL_CLIENT_TRUST_H
#define PAWL_CLIENT_TRUST_H

#include "gate/base/why.h"

#include <sys/stat.h>

/* Whether a file or directory is the owner's or root's, and nobody else can change it. Error:
 * SERVICE_UNTRUSTED, naming both users, or the mode. */
err_code trust_file(const char *path, const struct stat *st, uid_t owner, struct why *why);

/* The same of the directory that a socket lies in. What is not there is not looked at: who connects
 * is told. ret_owner: whose the directory is; may be NULL. Errors: also NO_MEMORY. */
err_code trust_dir_of(const char *path, const uid_t *owner, uid_t *ret_owner, struct why *why);

/* Whether who listens at the other end is the owner, or root. Errors: SERVICE_UNTRUSTED, naming
 * both users; SERVICE_UNREACHABLE. */
err_code trust_peer(int fd, const char *path, uid_t owner, struct why *why);

#endif
