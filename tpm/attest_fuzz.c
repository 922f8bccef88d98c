/* SPDX-License-Identifier: Apache-2.0 */
/* attest_fuzz.c: the attestation parser and the two URI parsers on any octets. */
#include "test-env/fuzz/driver.h"
#include "tpm/attest.h"
#include "tpm/uri.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf text = {0};
    struct tpm_attest attest;
    struct tpm_key_ref ref;
    struct tpm_uri uri;
    struct why why;

    if (tpm_attest_parse((struct slice){data, size}, &attest, &why) == ERR_OK) {
        size_t inside = 4 + 2 + 2 + attest.signer.len + 2 + attest.extra.len + 17 + 8 + 2 +
                        attest.index_name.len + 2 + 2 + attest.contents.len;

        if (inside != size)
            abort();
    }
    if (size > 1024 || buf_add(&text, data, size) != ERR_OK || buf_terminate(&text) != ERR_OK)
        return 0;
    if (tpm_uri_parse((const char *)text.ptr, &uri, &why) == ERR_OK && uri.pcr > 15)
        abort();
    if (tpm_key_ref_parse((const char *)text.ptr, &ref, &why) == ERR_OK && ref.handle >> 24 != 0x81)
        abort();
    return 0;
}
