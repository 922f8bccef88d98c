/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: files that are whole or absent, and a lock between processes. All descriptors are
 * close-on-exec. */
#ifndef PAWL_BASE_FILE_H
#define PAWL_BASE_FILE_H

#include "gate/base/bytes.h"
#include "gate/base/why.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Reads a whole regular file, or standard input for "-". Errors: NOT_FOUND, STORAGE, TOO_LARGE when
 * it holds more than max bytes (looked at before reading). Owns: the caller frees *ret. */
err_code file_read(const char *path, size_t max, struct buf *ret, struct why *why);

/* As file_read, though never standard input; says whose the file is that was read, and who may
 * write to it, whatever path names by then. */
err_code file_read_stat(const char *path, size_t max, struct stat *ret_stat, struct buf *ret,
                        struct why *why);

/* Reads a small secret (PIN, authorization value): as file_read, though never standard input, and
 * one trailing newline is cut. The file that is read must not be open to others (mode & 007 refused
 * with STORAGE). */
err_code file_read_secret(const char *path, struct buf *ret, struct why *why);

/* Replaces path durably: write beside it, fsync, rename, fsync the directory. Afterwards path holds
 * either the old or the new content, whatever happens. Errors: STORAGE_FULL, STORAGE. */
err_code file_write(const char *path, struct slice content, mode_t mode, struct why *why);

/* As file_write, but the path must not exist yet. Error: EXISTS. */
err_code file_write_new(const char *path, struct slice content, mode_t mode, struct why *why);

/* Creates a directory (and its parents) unless it is there already. */
err_code file_make_dir(const char *path, mode_t mode, struct why *why);

/* fsyncs a directory, so that names made or removed in it survive a power cut. */
err_code file_sync_dir(const char *path, struct why *why);

/* Removes what a killed file_write() left in a directory that only the caller writes to. */
void file_remove_temps(const char *dir);

/* Writes all of it at this offset of a regular file. Returns 0, or the errno of what failed: ENOSPC
 * where the kernel wrote nothing and said nothing. Some of it may be there then. */
int file_put_at(int fd, struct slice content, uint64_t at);

bool file_exists(const char *path);

/* For the beginning of a process: a standard descriptor that is closed would become that of the
 * next file, and what is said on it would be written there. Such a one is taken, and fails as
 * before. */
void file_take_standard(void);

/* Takes the exclusive lock on path (created if missing) and holds it until lock_free. Waits at most
 * wait_ms milliseconds. Errors: BUSY when somebody else holds it longer, STORAGE. */
struct lock {
    int fd; /* descriptor + 1, so that {0} is no lock */
};
err_code lock_take(const char *path, unsigned wait_ms, struct lock *ret, struct why *why);
void lock_free(struct lock *lock);

/* Joins directory and name with a slash. Owns: *ret, NUL-terminated beyond len. */
err_code path_join(const char *dir, const char *name, struct buf *ret);

/* close() and closedir() that can stand in CLEANUP(). Take the address; -1 and NULL are accepted.
 */
void fd_close(int *fd);
void dir_close(DIR **dir);

#endif
