/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/disk_state_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

struct disk disk;

/* ---- what was written ------------------------------------------------------------------------ */

static struct change *add(enum kind kind, size_t file)
{
    if (disk.n == disk.cap) {
        disk.cap = disk.cap == 0 ? 1024 : disk.cap * 2;
        disk.changes = realloc(disk.changes, disk.cap * sizeof *disk.changes);
        assert_non_null(disk.changes);
    }
    disk.changes[disk.n] = (struct change){.kind = kind, .file = file, .durable = SIZE_MAX};
    return &disk.changes[disk.n++];
}

/* The number of an open file; a new inode gets a new one. */
static size_t file_of(int fd, bool fresh)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    for (size_t i = 0; i < disk.n_known; i++)
        if (disk.known[i].inode == st.st_ino) {
            if (fresh)
                disk.known[i].file = disk.n_files++;
            return disk.known[i].file;
        }
    assert_true(disk.n_known < FILES);
    disk.known[disk.n_known].inode = st.st_ino;
    disk.known[disk.n_known].file = disk.n_files++;
    return disk.known[disk.n_known++].file;
}

/* Path below the watched directory, or NULL for one outside. */
static const char *inside(int at, const char *path, char ret[static NAME])
{
    char link[64], dir[NAME];
    ssize_t len;

    if (disk.dir[0] == '\0' || disk.paused)
        return NULL;
    if (path[0] == '/') {
        (void)snprintf(ret, NAME, "%s", path);
    } else {
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        len = readlink(link, dir, sizeof dir - 1);
        if (len < 0)
            return NULL;
        dir[len] = '\0';
        assert_true(snprintf(ret, NAME, "%s/%s", dir, path) < NAME);
    }
    len = (ssize_t)strlen(disk.dir);
    if (strncmp(ret, disk.dir, (size_t)len) != 0 || ret[len] != '/')
        return NULL;
    memmove(ret, ret + len + 1, strlen(ret + len + 1) + 1);
    return ret;
}

static bool watched(int fd)
{
    char link[64], path[NAME], rest[NAME];
    ssize_t len;

    if (disk.dir[0] == '\0' || disk.paused)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    return strcmp(path, disk.dir) == 0 || inside(AT_FDCWD, path, rest) != NULL;
}

/* Counts from the moment after it on. */
static void made_durable(struct change *change)
{
    if (change->durable == SIZE_MAX)
        change->durable = disk.n + 1;
}

/* What could not be made durable never will be: the kernel forgets that it has to be written. */
#define LOST (SIZE_MAX - 1)

static void lose(int fd, bool everything)
{
    struct stat st;
    size_t file;

    if (!watched(fd) || fstat(fd, &st) != 0 || (S_ISDIR(st.st_mode) && !everything))
        return;
    file = everything ? 0 : file_of(fd, false);
    for (size_t i = 0; i < disk.n; i++) {
        struct change *change = &disk.changes[i];
        if (change->kind == WRITE && change->durable == SIZE_MAX &&
            (everything || change->file == file))
            change->durable = LOST;
    }
}

static void moment_passes(void)
{
    add(NOTHING_MORE, 0)->durable = 0;
}

bool disk_is_data(const struct change *change)
{
    return change->kind == WRITE || change->kind == CUT;
}

static void synced(int fd)
{
    struct stat st;
    size_t file = 0;

    if (!watched(fd) || fstat(fd, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode))
        file = file_of(fd, false);
    for (size_t i = 0; i < disk.n; i++) {
        struct change *change = &disk.changes[i];
        /* Only the watched directory itself is ever synced: names directly in it. */
        if (S_ISDIR(st.st_mode) ? !disk_is_data(change) && strchr(change->name, '/') == NULL &&
                                      strchr(change->to, '/') == NULL
                                : disk_is_data(change) && change->file == file)
            made_durable(change);
    }
    moment_passes();
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* What a call does, which says what can go wrong with it. */
enum needs {
    READS,
    NOTHING, /* takes away, or makes durable */
    ROOM,    /* makes a name */
    DATA,
};

/* What becomes of this call: true when it does nothing and fails with errno. */
static bool fails(enum needs needs, enum disk_fault *ret)
{
    size_t call;

    *ret = DISK_WORKS;
    if (!disk.armed || disk.paused)
        return false;
    if (disk.dead) {
        errno = EIO;
        return true;
    }
    call = disk.calls++;
    assert_true(call < CALLS);
    disk.needs[call] = (uint8_t)needs;
    if (call != disk.at)
        return false;
    disk.hit = disk.fault != DISK_WORKS;
    *ret = disk.fault;
    disk.dead = disk.fault == DISK_KILL || disk.fault == DISK_TORN;
    errno = disk.fault == DISK_FULL ? ENOSPC : EIO;
    return disk.fault == DISK_KILL || disk.fault == DISK_EIO || disk.fault == DISK_FULL;
}

/* The end of a call that was done: it says what it did, or that it failed. */
static int ends(int result, enum disk_fault fault)
{
    if (fault != DISK_LATE && fault != DISK_TORN)
        return result;
    errno = EIO;
    return -1;
}

/* ---- the calls ------------------------------------------------------------------------------- */

int __real_openat64(int at, const char *path, int flags, ...);
int __wrap_openat64(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_pread64(int fd, void *bytes, size_t len, off_t at);
ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t at);
ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __wrap_read(int fd, void *bytes, size_t len);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __real_ftruncate64(int fd, off_t len);
int __wrap_ftruncate64(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __real_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to);
int __real_unlinkat(int at, const char *path, int flags);
int __wrap_unlinkat(int at, const char *path, int flags);
int __real_mkdirat(int at, const char *path, mode_t mode);
int __wrap_mkdirat(int at, const char *path, mode_t mode);

static int open_file(int at, const char *path, int flags, mode_t mode)
{
    bool makes = (flags & O_CREAT) != 0, cuts = (flags & O_TRUNC) != 0, there;
    enum disk_fault fault;
    struct change *change;
    char name[NAME];
    struct stat st;
    int fd;

    if (fails(makes ? ROOM : READS, &fault))
        return -1;
    there = fstatat(at, path, &st, 0) == 0;
    fd = __real_openat64(at, path, flags, mode);
    if (fd >= 0 && makes && inside(at, path, name) != NULL) {
        size_t file = file_of(fd, !there);
        change = add(there && cuts ? CUT : MAKE, file);
        (void)snprintf(change->name, sizeof change->name, "%s", name);
        if (there && !cuts)
            disk.n--;
    }
    if (ends(0, fault) != 0 && fd >= 0) {
        (void)close(fd);
        errno = EIO;
        fd = -1;
    }
    return fd;
}

int __wrap_openat64(int at, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file(at, path, flags, mode);
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file(at, path, flags, mode);
}

static ssize_t write_file(int fd, const void *bytes, size_t len, off_t at)
{
    enum disk_fault fault;
    struct change *change;

    if (fails(DATA, &fault))
        return -1;
    if ((fault == DISK_SHORT || fault == DISK_TORN) && len > 1)
        len /= 2;
    assert_int_equal(__real_pwrite64(fd, bytes, len, at), len);
    if (watched(fd)) {
        change = add(WRITE, file_of(fd, false));
        change->bytes = malloc(len + 1);
        assert_non_null(change->bytes);
        memcpy(change->bytes, bytes, len);
        change->at = (size_t)at;
        change->len = len;
    }
    return ends(0, fault) == 0 ? (ssize_t)len : -1;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    return write_file(fd, bytes, len, at);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return write_file(fd, bytes, len, at);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    off_t at;
    ssize_t n;

    if (!watched(fd))
        return __real_write(fd, bytes, len);
    at = lseek(fd, 0, SEEK_CUR);
    n = write_file(fd, bytes, len, at);
    if (n > 0)
        (void)lseek(fd, at + n, SEEK_SET);
    return n;
}

ssize_t __wrap_pread64(int fd, void *bytes, size_t len, off_t at)
{
    enum disk_fault fault;

    if (fails(READS, &fault))
        return -1;
    return ends(0, fault) == 0 ? __real_pread64(fd, bytes, len, at) : -1;
}

ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t at)
{
    return __wrap_pread64(fd, bytes, len, at);
}

ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
    enum disk_fault fault;

    if (!watched(fd))
        return __real_read(fd, bytes, len);
    if (fails(READS, &fault))
        return -1;
    return ends(0, fault) == 0 ? __real_read(fd, bytes, len) : -1;
}

int __wrap_fdatasync(int fd)
{
    enum disk_fault fault;

    if (fails(NOTHING, &fault)) {
        if (fault == DISK_EIO)
            lose(fd, false);
        return -1;
    }
    synced(fd);
    return ends(0, fault);
}

int __wrap_fsync(int fd)
{
    return __wrap_fdatasync(fd);
}

int __wrap_syncfs(int fd)
{
    enum disk_fault fault;

    if (fails(NOTHING, &fault)) {
        if (fault == DISK_EIO)
            lose(fd, true);
        return -1;
    }
    if (watched(fd)) {
        for (size_t i = 0; i < disk.n; i++)
            made_durable(&disk.changes[i]);
        moment_passes();
    }
    return ends(0, fault);
}

int __wrap_ftruncate64(int fd, off_t len)
{
    enum disk_fault fault;

    if (fails(NOTHING, &fault))
        return -1;
    assert_int_equal(__real_ftruncate64(fd, len), 0);
    if (watched(fd))
        add(CUT, file_of(fd, false))->at = (size_t)len;
    return ends(0, fault);
}

int __wrap_ftruncate(int fd, off_t len)
{
    return __wrap_ftruncate64(fd, len);
}

int __wrap_renameat(int from_at, const char *from, int to_at, const char *to)
{
    char names[2][NAME];
    enum disk_fault fault;
    struct change *change;
    int result;

    if (fails(ROOM, &fault))
        return -1;
    result = __real_renameat(from_at, from, to_at, to);
    if (result == 0 && inside(from_at, from, names[0]) != NULL &&
        inside(to_at, to, names[1]) != NULL) {
        int fd = __real_openat64(to_at, to, O_RDONLY | O_CLOEXEC);

        change = add(RENAME, file_of(fd, false));
        (void)close(fd);
        (void)snprintf(change->name, sizeof change->name, "%s", names[0]);
        (void)snprintf(change->to, sizeof change->to, "%s", names[1]);
    }
    return ends(result, fault);
}

int __wrap_unlinkat(int at, const char *path, int flags)
{
    enum disk_fault fault;
    char name[NAME];
    int result;

    if (fails(NOTHING, &fault))
        return -1;
    if (inside(at, path, name) == NULL)
        return __real_unlinkat(at, path, flags);
    result = __real_unlinkat(at, path, flags);
    if (result == 0) {
        struct change *change = add(REMOVE, 0);
        (void)snprintf(change->name, sizeof change->name, "%s", name);
    }
    return ends(result, fault);
}

int __wrap_mkdirat(int at, const char *path, mode_t mode)
{
    enum disk_fault fault;
    char name[NAME];
    int result;

    if (fails(ROOM, &fault))
        return -1;
    result = __real_mkdirat(at, path, mode);
    if (result == 0 && inside(at, path, name) != NULL) {
        struct change *change = add(MAKE_DIR, 0);
        (void)snprintf(change->name, sizeof change->name, "%s", name);
    }
    return ends(result, fault);
}

/* ---- for the test ---------------------------------------------------------------------------- */

void disk_watch(const char *dir)
{
    disk_forget();
    (void)snprintf(disk.dir, sizeof disk.dir, "%s", dir);
}

void disk_forget(void)
{
    for (size_t i = 0; i < disk.n; i++)
        free(disk.changes[i].bytes);
    free(disk.changes);
    memset(&disk, 0, sizeof disk);
}

void disk_arm(size_t at, enum disk_fault fault)
{
    disk.armed = true;
    disk.dead = false;
    disk.hit = false;
    disk.calls = 0;
    disk.at = at;
    disk.fault = fault;
}

size_t disk_disarm(bool *ret_hit)
{
    disk.armed = false;
    *ret_hit = disk.hit;
    return disk.calls;
}

bool disk_dead(void)
{
    return disk.armed && disk.dead;
}

bool disk_applies(size_t at, enum disk_fault fault)
{
    static const bool WRONG[][DISK_FAULTS] = {
        [READS] = {[DISK_EIO] = true},
        [NOTHING] = {[DISK_KILL] = true, [DISK_EIO] = true, [DISK_LATE] = true},
        [ROOM] = {[DISK_KILL] = true, [DISK_FULL] = true, [DISK_LATE] = true},
        [DATA] = {[DISK_KILL] = true,
                  [DISK_TORN] = true,
                  [DISK_EIO] = true,
                  [DISK_FULL] = true,
                  [DISK_SHORT] = true,
                  [DISK_LATE] = true},
    };

    return at < disk.calls && WRONG[disk.needs[at]][fault];
}

void disk_pause(bool pause)
{
    disk.paused = pause;
}

size_t disk_operations(void)
{
    return disk.n;
}

size_t disk_pending(size_t moment)
{
    size_t n = 0;

    for (size_t i = 0; i < moment; i++)
        n += disk.changes[i].durable > moment;
    return n;
}

bool disk_before_sync(size_t moment)
{
    return moment < disk.n && disk.changes[moment].kind == NOTHING_MORE;
}
