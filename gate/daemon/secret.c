/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/secret.h"

#include "gate/decide/hardware.h"
#include "gate/decide/settings.h"

#include <string.h>
#include <sys/stat.h>

/* As the file is now; one that cannot be looked at is like no other. */
static struct secret look(const char *state_dir)
{
    CLEANUP(settings_free) struct settings settings = {0};
    CLEANUP(buf_free) struct buf path = {0};
    struct secret out = {0};
    struct stat st;

    if (settings_load(state_dir, &settings, NULL) != ERR_OK ||
        hardware_secret(settings.hardware, &path, NULL) != ERR_OK || path.len == 0 ||
        stat((const char *)path.ptr, &st) != 0)
        return out;
    out.device = st.st_dev;
    out.file = st.st_ino;
    out.size = (uint64_t)st.st_size;
    out.written = st.st_mtim;
    out.changed = st.st_ctim;
    return out;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void secret_refused(struct secret *secret, const char *state_dir)
{
    *secret = look(state_dir);
    secret->refused = true;
}

bool secret_is_new(const struct secret *secret, const char *state_dir)
{
    struct secret now;

    if (!secret->refused)
        return true;
    now = look(state_dir);
    return now.device != secret->device || now.file != secret->file || now.size != secret->size ||
           !same_time(&now.written, &secret->written) || !same_time(&now.changed, &secret->changed);
}
