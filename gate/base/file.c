/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/file.h"

#include "gate/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRET_MAX 4096
#define TEMP_SUFFIX ".tmp"

void dir_close(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
    *dir = NULL;
}

void fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

err_code path_join(const char *dir, const char *name, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(buf_add_str(&out, dir));
    TRY(buf_add_u8(&out, '/'));
    TRY(buf_add_str(&out, name));
    TRY(buf_terminate(&out));
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}

/* Reads to the end, one byte more than max at most, so that a file that grows is noticed. */
static err_code read_all(int fd, size_t max, struct buf *out, const char *path, struct why *why)
{
    uint8_t chunk[8192];
    ssize_t n;

    for (;;) {
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(why, errno, "read", path);
        if (n == 0)
            return ERR_OK;
        if ((size_t)n > max - out->len)
            return why_say(why, ERR_TOO_LARGE, "\"%s\" holds more than %zu bytes", path, max);
        TRY(buf_add(out, chunk, (size_t)n));
        mem_wipe(chunk, (size_t)n);
    }
}

static err_code read_fd(int fd, const char *path, size_t max, struct buf *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(read_all(fd, max, &out, path, why));
    TRY(buf_terminate(&out));
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}

/* Never waits for a writer, should path be a pipe. */
static err_code open_to_read(const char *path, int *ret_fd, struct stat *ret, struct why *why)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, ret) != 0)
        return why_errno(why, errno, "open", path);
    *ret_fd = fd;
    fd = -1;
    return ERR_OK;
}

static err_code read_regular(int fd, const struct stat *st, const char *path, size_t max,
                             struct buf *ret, struct why *why)
{
    if (!S_ISREG(st->st_mode))
        return why_say(why, ERR_STORAGE, "\"%s\" is not a regular file", path);
    if ((uintmax_t)st->st_size > max)
        return why_say(why, ERR_TOO_LARGE, "\"%s\" holds %jd bytes, the limit is %zu", path,
                       (intmax_t)st->st_size, max);
    return read_fd(fd, path, max, ret, why);
}

err_code file_read(const char *path, size_t max, struct buf *ret, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct stat st;

    if (strcmp(path, "-") == 0)
        return read_fd(STDIN_FILENO, "standard input", max, ret, why);
    TRY(open_to_read(path, &fd, &st, why));
    return read_regular(fd, &st, path, max, ret, why);
}

err_code file_read_stat(const char *path, size_t max, struct stat *ret_stat, struct buf *ret,
                        struct why *why)
{
    CLEANUP(fd_close) int fd = -1;

    TRY(open_to_read(path, &fd, ret_stat, why));
    return read_regular(fd, ret_stat, path, max, ret, why);
}

/* The mode is that of the file that is read, whatever path names by then. */
err_code file_read_secret(const char *path, struct buf *ret, struct why *why)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(buf_free) struct buf out = {0};
    struct stat st;

    TRY(open_to_read(path, &fd, &st, why));
    if ((st.st_mode & 007) != 0)
        return why_say(why, ERR_STORAGE,
                       "\"%s\" holds a secret but everybody may use it (mode %04o): chmod 600 %s",
                       path, st.st_mode & 07777, path);
    TRY(read_regular(fd, &st, path, SECRET_MAX, &out, why));
    if (out.len > 0 && out.ptr[out.len - 1] == '\n')
        buf_cut(&out, out.len - 1);
    if (out.len > 0 && out.ptr[out.len - 1] == '\r')
        buf_cut(&out, out.len - 1);
    TRY(buf_terminate(&out));
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}

/* The directory part of path, "." when there is none. */
static err_code dir_of(const char *path, struct buf *ret)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        TRY(buf_add_str(ret, "."));
    else
        TRY(buf_add(ret, path, slash == path ? 1 : (size_t)(slash - path)));
    return buf_terminate(ret);
}

err_code file_sync_dir(const char *path, struct why *why)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        return why_errno(why, errno, "make durable", path);
    return ERR_OK;
}

int file_put_at(int fd, struct slice content, uint64_t at)
{
    while (content.len > 0) {
        ssize_t n = pwrite(fd, content.ptr, content.len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        content = slice_part(content, (size_t)n, content.len - (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

static err_code write_durable(const char *temp, struct slice content, mode_t mode, struct why *why)
{
    CLEANUP(fd_close)
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int error;

    if (fd < 0)
        return why_errno(why, errno, "create", temp);
    error = file_put_at(fd, content, 0);
    if (error != 0)
        return why_errno(why, error, "write", temp);
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
        return why_errno(why, errno, "make durable", temp);
    return ERR_OK;
}

static err_code write_as(const char *path, struct slice content, mode_t mode, bool fresh,
                         struct why *why)
{
    CLEANUP(buf_free) struct buf temp = {0}, dir = {0};
    uint8_t random[8];
    char suffix[2 * sizeof random + 1];
    err_code err;

    /* A name that nobody can have put there before, so that O_EXCL does not fail. */
    if (RAND_bytes(random, sizeof random) != 1)
        return ERR_INTERNAL;
    hex_encode(SLICE_OF(random), suffix, sizeof suffix);
    TRY(buf_add_str(&temp, path));
    TRY(buf_add_u8(&temp, '.'));
    TRY(buf_add_str(&temp, suffix));
    TRY(buf_add_str(&temp, TEMP_SUFFIX));
    TRY(buf_terminate(&temp));
    TRY(dir_of(path, &dir));

    err = write_durable((const char *)temp.ptr, content, mode, why);
    if (err == ERR_OK && fresh && link((const char *)temp.ptr, path) != 0)
        err = errno == EEXIST ? why_say(why, ERR_EXISTS, "\"%s\" exists already", path)
                              : why_errno(why, errno, "create", path);
    else if (err == ERR_OK && !fresh && rename((const char *)temp.ptr, path) != 0)
        err = why_errno(why, errno, "replace", path);
    if (err != ERR_OK || fresh)
        (void)unlink((const char *)temp.ptr);
    if (err != ERR_OK)
        return err;
    return file_sync_dir((const char *)dir.ptr, why);
}

err_code file_write(const char *path, struct slice content, mode_t mode, struct why *why)
{
    return write_as(path, content, mode, false, why);
}

err_code file_write_new(const char *path, struct slice content, mode_t mode, struct why *why)
{
    return write_as(path, content, mode, true, why);
}

err_code file_make_dir(const char *path, mode_t mode, struct why *why)
{
    CLEANUP(buf_free) struct buf part = {0}, parent = {0};
    struct stat st;

    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '/' && c != path && c[1] != '\0') {
            TRY(buf_terminate(&part));
            if (mkdir((const char *)part.ptr, mode) != 0 && errno != EEXIST)
                return why_errno(why, errno, "create directory", (const char *)part.ptr);
        }
        TRY(buf_add_u8(&part, (uint8_t)*c));
    }
    if (mkdir(path, mode) != 0) {
        if (errno != EEXIST)
            return why_errno(why, errno, "create directory", path);
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
            return why_say(why, ERR_STORAGE, "\"%s\" is not a directory", path);
        return ERR_OK;
    }
    TRY(dir_of(path, &parent));
    return file_sync_dir((const char *)parent.ptr, why);
}

void file_take_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        /* It becomes the lowest that is free: fd. */
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd)
            return; /* nothing can be opened: nor will anything else */
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

err_code lock_take(const char *path, unsigned wait_ms, struct lock *ret, struct why *why)
{
    CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

    if (fd < 0)
        return why_errno(why, errno, "open", path);
    for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += 5) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return why_errno(why, errno, "lock", path);
        if (waited >= wait_ms)
            return why_say(why, ERR_BUSY, "another pawl process held \"%s\" for longer than %u ms",
                           path, wait_ms);
        (void)nanosleep(&pause, NULL);
    }
    ret->fd = fd + 1;
    fd = -1;
    return ERR_OK;
}

void lock_free(struct lock *lock)
{
    int fd = lock->fd - 1;

    fd_close(&fd);
    lock->fd = 0;
}

void file_remove_temps(const char *dir)
{
    CLEANUP(dir_close) DIR *list = opendir(dir);

    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        size_t len = strlen(entry->d_name), tail = strlen(TEMP_SUFFIX);
        if (len > tail && strcmp(entry->d_name + len - tail, TEMP_SUFFIX) == 0)
            (void)unlinkat(dirfd(list), entry->d_name, 0);
    }
}
