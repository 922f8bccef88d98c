/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/ed25519.h"
#include "hw/key.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

/* Keys and signatures in DER and PEM. What is accepted can be written, and reads back as the same.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    CLEANUP(buf_free) struct buf der = {0};
    CLEANUP(buf_free) struct buf raw = {0};
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(hw_ed25519_wipe) struct hw_ed25519 pair = {0};
    struct slice in = {bytes, len};
    struct hw_pubkey key = {0}, again = {0};

    if (hw_pubkey_from_spki(in, &key, NULL) == ERR_OK) {
        if (hw_pubkey_to_spki(&key, &der) != ERR_OK ||
            hw_pubkey_from_spki(buf_slice(&der), &again, NULL) != ERR_OK ||
            !hw_pubkey_eq(&key, &again))
            abort();
    }
    if (hw_ed25519_from_pem(in, &pair, NULL) == ERR_OK && hw_ed25519_to_pem(&pair, &raw) != ERR_OK)
        abort();
    buf_free(&raw);
    (void)hw_pubkey_from_pem(in, &key, NULL);
    (void)hw_signer_from_pem(in, &signer, NULL);
    if (hw_sig_from_der(HW_ES256, in, &raw) == ERR_OK && raw.len != 64)
        abort();
    return 0;
}
