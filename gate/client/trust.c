/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/client/trust.h"

#include "gate/base/bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

err_code trust_file(const char *path, const struct stat *st, uid_t owner, struct why *why)
{
    if (st->st_uid != 0 && st->st_uid != owner)
        return why_say(why, ERR_SERVICE_UNTRUSTED,
                       "\"%s\" belongs to uid %u, and the gate to uid %u: only that one's and "
                       "root's is believed",
                       path, (unsigned)st->st_uid, (unsigned)owner);
    if ((st->st_mode & 022) != 0)
        return why_say(why, ERR_SERVICE_UNTRUSTED,
                       "\"%s\" (uid %u, mode %04o) can be changed by others than uid %u: chmod "
                       "go-w %s",
                       path, (unsigned)st->st_uid, st->st_mode & 07777, (unsigned)owner, path);
    return ERR_OK;
}

err_code trust_dir_of(const char *path, const uid_t *owner, uid_t *ret_owner, struct why *why)
{
    CLEANUP(buf_free) struct buf dir = {0};
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (slash == NULL)
        TRY(buf_add_str(&dir, "."));
    else
        TRY(buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path)));
    TRY(buf_terminate(&dir));
    if (stat((const char *)dir.ptr, &st) != 0)
        return ERR_OK;
    if (ret_owner != NULL)
        *ret_owner = st.st_uid;
    return trust_file((const char *)dir.ptr, &st, owner != NULL ? *owner : st.st_uid, why);
}

err_code trust_peer(int fd, const char *path, uid_t owner, struct why *why)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return why_foreign(why, ERR_SERVICE_UNREACHABLE, "errno", (uint64_t)errno,
                           "who listens at \"%s\" cannot be asked: %s", path,
                           strerrordesc_np(errno));
    if (peer.uid == 0 || peer.uid == owner)
        return ERR_OK;
    return why_say(why, ERR_SERVICE_UNTRUSTED,
                   "who listens at \"%s\" is uid %u, and the gate belongs to uid %u: only that one "
                   "and root are believed",
                   path, (unsigned)peer.uid, (unsigned)owner);
}
