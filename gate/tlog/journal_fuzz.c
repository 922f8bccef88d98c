/* SPDX-License-Identifier: Apache-2.0 */
/* A journal of these bytes, of a log without tiles. What opens can be read again, entry by entry,
 * and goes on; what was torn is gone then. */
#include "gate/base/file.h"
#include "gate/tlog/journal.h"

#include "test-env/fuzz/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(tlog_close) struct tlog *tlog = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    struct digest check, root = {0};
    struct tlog_head head;
    char dir[] = "/tmp/pawl-journal-XXXXXX", path[64];

    (void)journal_header_parse((struct slice){data, size}, &head, &check, NULL);
    if (mkdtemp(dir) == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s/journal", dir);
    if (file_write(path, (struct slice){data, size}, 0600, NULL) != ERR_OK)
        abort();
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
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}
