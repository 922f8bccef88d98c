/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cose/cbor_copy_testing.h"
#include "gate/cose/cbor_diag.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

/* What is accepted can be read to its end and printed; what is deterministic is what the writer
 * writes. Readers over unchecked octets stay inside them. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf out = {0};
    CLEANUP(buf_free) struct buf text = {0};
    struct slice in = {bytes, len};
    bool own = cbor_check(in, CBOR_DETERMINISTIC) == ERR_OK;
    bool foreign = cbor_check(in, CBOR_FOREIGN) == ERR_OK;
    struct cbor_reader r = {.rest = in}, item = r;
    struct cbor_writer w = cbor_write(&out);
    err_code printed = cbor_diag(in, &text);

    (void)cbor_get_item(&item);
    if ((own && !foreign) || (foreign && cbor_done(&item) != ERR_OK) ||
        (foreign ? printed != ERR_OK && printed != ERR_TOO_LARGE : printed == ERR_OK))
        abort();
    if (!foreign)
        return 0;
    cbor_copy(&r, &w);
    if (cbor_done(&r) != ERR_OK)
        abort();
    if (own && (cbor_written(&w) != ERR_OK || !slice_eq(buf_slice(&out), in)))
        abort();
    return 0;
}
