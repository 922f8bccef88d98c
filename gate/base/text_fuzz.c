/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/base/text.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>
#include <string.h>

/* Text that a person or a file gives. What a reader takes, it writes back to the same value. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf decoded = {0}, base64 = {0}, back = {0};
    struct digest digest, again;
    char text[300], written[DIGEST_TEXT];
    int64_t seconds;
    uint64_t number;
    size_t at;

    if (len >= sizeof text)
        return 0;
    if (len > 0)
        memcpy(text, bytes, len);
    text[len] = 0;
    if (text_is_plain((struct slice){bytes, len}, &at) &&
        (!utf8_valid((struct slice){bytes, len}) || memchr(text, '\n', len) != NULL))
        abort();
    (void)duration_parse(text, &seconds);
    if (hex_decode(text, &decoded) == ERR_OK && decoded.len != strlen(text) / 2)
        abort();
    if (base64_decode((struct slice){bytes, len}, &base64) == ERR_OK &&
        (base64_encode(buf_slice(&base64), &back) != ERR_OK ||
         !slice_eq(buf_slice(&back), (struct slice){bytes, len})))
        abort();
    if (number_parse(text, 1000, &number) == ERR_OK && number > 1000)
        abort();
    if (time_parse(text, 1000, &seconds) == ERR_OK && seconds > 253402300799)
        abort();
    if (digest_parse(text, &digest) == ERR_OK) {
        digest_text(&digest, written);
        if (digest_parse(written, &again) != ERR_OK || memcmp(&digest, &again, sizeof digest) != 0)
            abort();
    }
    return 0;
}
