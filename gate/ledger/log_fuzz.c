/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger file of these bytes. What opens can be read again, entry by entry. */
#include "gate/base/file.h"
#include "gate/ledger/log.h"

#include "test-env/fuzz/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    CLEANUP(buf_free) struct buf entry = {0};
    CLEANUP(fd_close) int fd = memfd_create("ledger", MFD_CLOEXEC);
    struct checkpoint head;
    uint64_t whole = 0;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
        ledger_open(path, LEDGER_APPEND, &ledger, NULL) != ERR_OK)
        return 0;
    for (uint64_t i = 0; i < ledger_size(ledger); i++, whole += 4 + entry.len)
        if (ledger_entry(ledger, i, &entry, NULL) != ERR_OK)
            abort();
    if (whole + ledger_torn(ledger) != size || ledger_checkpoint(ledger, &head) != ERR_OK ||
        ledger_check_checkpoint(ledger, &head, NULL) != ERR_OK)
        abort();
    return 0;
}
