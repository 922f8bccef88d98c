/* SPDX-License-Identifier: Apache-2.0 */
/* A journal of these bytes, of a log without tiles. What opens can be read again, entry by entry,
 * and goes on; what was torn is gone then. */
#include "gate/base/file.h"
#include "gate/tlog/journal.h"

#include "test-env/fuzz/driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64]; /* of this process */

static void remove_dir(void)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/journal", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* In memory where that can be had, and not by file_write(): nothing of this has to be durable,
 * there are thousands, and a busy disk would take a minute. */
static void put(struct slice bytes)
{
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    CLEANUP(fd_close) int fd = -1;
    char path[128];

    if (dir[0] == '\0') {
        (void)snprintf(dir, sizeof dir, "%s/pawl-journal-XXXXXX", where);
        if (mkdtemp(dir) == NULL || atexit(remove_dir) != 0)
            abort();
    }
    (void)snprintf(path, sizeof path, "%s/journal", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(tlog_close) struct tlog *tlog = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct digest check, root = {0};
    struct tlog_head head;

    (void)journal_header_parse((struct slice){data, size}, &head, &check, NULL);
    put((struct slice){data, size});
    if (tlog_open(dir, TLOG_READ, &tlog, NULL) == ERR_OK) {
        head = tlog_head(tlog);
        for (uint64_t i = tlog_folded(tlog); i < head.checkpoint.size; i++)
            if (tlog_entry(tlog, i, &entry, NULL) != ERR_OK)
                abort();
        if (tlog_torn(tlog) >= size ||
            tree_root(tlog_tree(tlog), head.checkpoint.size, &root, NULL) != ERR_OK ||
            !digest_eq(&root, &head.checkpoint.root))
            abort();
    }
    return 0;
}
