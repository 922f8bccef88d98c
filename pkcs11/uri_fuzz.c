/* SPDX-License-Identifier: Apache-2.0 */
/* uri_fuzz.c: PKCS#11 URIs, as they come from a command line or a settings file. */
#include "pkcs11/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(hsm_uri_free) struct hsm_uri uri = {0};
    char text[512];

    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (hsm_uri_parse(text, &uri, NULL) != ERR_OK)
        return 0;
    if (uri.module.len == 0 || uri.module.ptr[0] != '/' ||
        (uri.pin.len > 0 && uri.pin.ptr[0] != '/'))
        abort();
    (void)hsm_uri_names_object(&uri);
    return 0;
}
