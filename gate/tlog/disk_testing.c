/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/disk_testing.h"

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

#define NAME 256
#define FILES 4096
#define CALLS 4096

enum kind {
    MAKE, /* a name for a new file */
    RENAME,
    REMOVE,
    MAKE_DIR,
    WRITE,
    CUT,
    NOTHING_MORE, /* a moment between two changes, when something became durable */
};

/* One change, and when it became durable. */
struct change {
    enum kind kind;
    size_t file; /* number of the file, not of its name */
    char name[NAME], to[NAME];
    uint8_t *bytes;
    size_t at, len;
    size_t durable; /* number of changes there were when it became so; SIZE_MAX: it has not */
};

static struct {
    char dir[NAME];
    struct change *changes;
    size_t n, cap;
    size_t n_files;
    struct {
        ino_t inode;
        size_t file;
    } known[FILES];
    size_t n_known;
    bool armed, dead, hit, paused;
    size_t calls, at;
    uint8_t needs[CALLS];
    enum disk_fault fault;
} disk;

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

static bool is_data(const struct change *change)
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
        if (S_ISDIR(st.st_mode) ? !is_data(change) && strchr(change->name, '/') == NULL &&
                                      strchr(change->to, '/') == NULL
                                : is_data(change) && change->file == file)
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
    enum disk_fault fault;

    if (fails(NOTHING, &fault)) {
        if (fault == DISK_EIO)
            lose(fd, false);
        return -1;
    }
    synced(fd);
    return ends(0, fault);
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

/* ---- after a power cut ----------------------------------------------------------------------- */

struct name {
    char path[NAME];
    size_t file;
    bool dir, there;
};

struct content {
    uint8_t *bytes;
    size_t len, cap;
};

/* The disk as it is put together again. */
struct image {
    struct name *names;
    size_t n;
    struct content *files;
};

static struct name *find(struct image *image, const char *path)
{
    for (size_t i = 0; i < image->n; i++)
        if (strcmp(image->names[i].path, path) == 0)
            return &image->names[i];
    return NULL;
}

static struct name *name(struct image *image, const char *path)
{
    struct name *found = find(image, path);

    if (found == NULL) {
        found = &image->names[image->n++];
        (void)snprintf(found->path, sizeof found->path, "%s", path);
    }
    found->there = true;
    return found;
}

static void set_length(struct content *content, size_t len)
{
    if (len > content->cap) {
        content->bytes = realloc(content->bytes, len);
        assert_non_null(content->bytes);
        content->cap = len;
    }
    if (len > content->len)
        memset(content->bytes + content->len, 0, len - content->len);
    content->len = len;
}

static void apply(struct image *image, const struct change *change, size_t len, bool zeroes)
{
    struct content *content = &image->files[change->file];
    struct name *found;

    switch (change->kind) {
    case MAKE:
        found = name(image, change->name);
        found->file = change->file;
        found->dir = false;
        break;
    case RENAME:
        found = find(image, change->name);
        if (found != NULL && found->file == change->file)
            found->there = false;
        found = name(image, change->to);
        found->file = change->file;
        found->dir = false;
        break;
    case REMOVE:
        found = find(image, change->name);
        if (found != NULL)
            found->there = false;
        break;
    case MAKE_DIR:
        name(image, change->name)->dir = true;
        break;
    case WRITE:
        if (change->at + len > content->len)
            set_length(content, change->at + len);
        if (len > 0 && !zeroes) /* else what was new is zero, and what was there is as it was */
            memcpy(content->bytes + change->at, change->bytes, len);
        break;
    case CUT:
        set_length(content, change->at);
        break;
    case NOTHING_MORE:
        break;
    }
}

static uint64_t mixed(uint64_t seed, size_t i)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u ^ (i + 1) * 0xbf58476d1ce4e5b9u;

    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 29;
}

/* How much of a pending change, number i of n, is there. */
static bool kept(const struct change *change, enum disk_loss loss, uint64_t which, size_t i,
                 bool *ret_zeroes, size_t *ret_len)
{
    *ret_zeroes = false;
    *ret_len = change->len;
    switch (loss) {
    case LOSE_ALL:
        return false;
    case LOSE_DATA:
        return !is_data(change);
    case LOSE_ZEROES:
        *ret_zeroes = true;
        return true;
    case LOSE_NAMES:
        return is_data(change);
    case LOSE_NONE:
        return true;
    case LOSE_HALF:
        if (is_data(change) && i == which)
            *ret_len /= 2;
        return true;
    case LOSE_ONE:
        return i != which;
    case LOSE_OTHERS:
        return i == which;
    case LOSE_SOME:
        *ret_zeroes = mixed(which, i) % 8 == 2;
        return mixed(which, i) % 2 == 0;
    }
    return false;
}

static void write_image(struct image *image, const char *dir)
{
    char path[2 * NAME];

    /* Names are recorded after those of the directories above them. */
    for (size_t i = 0; i < image->n; i++) {
        const struct name *n = &image->names[i];
        int fd;

        if (!n->there)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, n->path);
        if (n->dir) {
            (void)mkdir(path, 0700);
            continue;
        }
        fd = __real_openat64(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
            continue; /* its directory is not there */
        assert_int_equal(__real_write(fd, image->files[n->file].bytes, image->files[n->file].len),
                         image->files[n->file].len);
        (void)close(fd);
    }
}

void disk_restore(size_t moment, enum disk_loss loss, uint64_t which, const char *dir)
{
    struct image image = {.names = calloc(disk.n * 2 + 1, sizeof *image.names),
                          .files = calloc(disk.n_files + 1, sizeof *image.files)};
    size_t pending = 0;

    assert_non_null(image.names);
    assert_non_null(image.files);
    for (size_t i = 0; i < moment; i++) {
        const struct change *change = &disk.changes[i];
        size_t len = change->len;
        bool zeroes = false;

        if (change->durable > moment && !kept(change, loss, which, pending++, &zeroes, &len))
            continue;
        apply(&image, change, len, zeroes);
    }
    write_image(&image, dir);
    for (size_t i = 0; i < disk.n_files; i++)
        free(image.files[i].bytes);
    free(image.files);
    free(image.names);
}
