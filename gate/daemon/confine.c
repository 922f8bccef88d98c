/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/confine.h"

#include "gate/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* landlock(7), in names of our own: headers of Debian 12 end with the first version. */
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_DIR (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR (UINT64_C(1) << 7)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_MAKE_SOCK (UINT64_C(1) << 9)
#define FS_REFER (UINT64_C(1) << 13)     /* version 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define FS_ALL_2 ((FS_REFER << 1) - 1)
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* version 6 */
#define VERSION_FLAG 1u
#define RULE_PATH_BENEATH 1
#define VERSION_LEAST 2 /* the first one allows no renaming between directories at all */

struct ruleset {
    uint64_t fs, net, scoped;
};
struct [[gnu::packed]] path_rule {
    uint64_t allowed;
    int32_t parent;
};

static const uint64_t ACCESS[] = {
    [CONFINE_READ] = FS_READ_FILE | FS_READ_DIR,
    [CONFINE_EXISTS] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
    [CONFINE_REMOVE] = FS_REMOVE_FILE,
    [CONFINE_WRITE] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_FILE |
                      FS_REMOVE_DIR | FS_MAKE_REG | FS_MAKE_DIR | FS_MAKE_SOCK | FS_REFER |
                      FS_IOCTL_DEV,
};

static const struct confine_path SYSTEM[] = {
    {"/usr", CONFINE_READ},        {"/lib", CONFINE_READ},         {"/lib64", CONFINE_READ},
    {"/etc", CONFINE_READ},        {"/opt", CONFINE_READ},         {"/proc", CONFINE_READ},
    {"/sys", CONFINE_READ},        {"/dev/null", CONFINE_EXISTS},  {"/dev/zero", CONFINE_READ},
    {"/dev/random", CONFINE_READ}, {"/dev/urandom", CONFINE_READ},
};

static struct ruleset rules_of(long version)
{
    struct ruleset out = {.fs = FS_ALL_2};

    if (version >= 3)
        out.fs |= FS_TRUNCATE;
    if (version >= 5)
        out.fs |= FS_IOCTL_DEV;
    if (version >= 6)
        out.scoped = SCOPE_SIGNAL;
    return out;
}

/* The kernel refuses what it does not know, unless it is zero and not there. */
static size_t size_of(long version)
{
    return version >= 6 ? sizeof(struct ruleset) : offsetof(struct ruleset, net);
}

static err_code allow(int ruleset, const struct ruleset *rules, const struct confine_path *path,
                      struct why *why)
{
    CLEANUP(fd_close) int fd = open(path->path, O_PATH | O_CLOEXEC);
    struct path_rule rule = {.allowed = ACCESS[path->access] & rules->fs, .parent = fd};
    struct stat st;

    if (fd < 0)
        return errno == ENOENT || errno == EACCES ? ERR_OK
                                                  : why_errno(why, errno, "allow", path->path);
    if (fstat(fd, &st) != 0)
        return why_errno(why, errno, "allow", path->path);
    if (!S_ISDIR(st.st_mode))
        rule.allowed &= FS_OF_FILES;
    if (rule.allowed != 0 &&
        syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
        return why_foreign(why, ERR_INTERNAL, "errno", (uint64_t)errno,
                           "Landlock refuses a rule for \"%s\"", path->path);
    return ERR_OK;
}

err_code confine_files(const struct confine_path *paths, size_t n, bool *ret, struct why *why)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    CLEANUP(fd_close) int fd = -1;
    struct ruleset rules;

    *ret = false;
    if (version < VERSION_LEAST)
        return ERR_OK;
    rules = rules_of(version);
    fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size_of(version), 0);
    if (fd < 0)
        return why_foreign(why, ERR_INTERNAL, "errno", (uint64_t)errno,
                           "Landlock refuses a set of rules");
    for (size_t i = 0; i < sizeof SYSTEM / sizeof *SYSTEM; i++)
        TRY(allow(fd, &rules, &SYSTEM[i], why));
    for (size_t i = 0; i < n; i++)
        TRY(allow(fd, &rules, &paths[i], why));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        return why_foreign(why, ERR_INTERNAL, "errno", (uint64_t)errno,
                           "Landlock refuses to restrict this process");
    *ret = true;
    return ERR_OK;
}
