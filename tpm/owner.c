/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/owner.h"

#include "gate/base/file.h"

#include <string.h>

err_code tpm_auth_read(const char *path, TPM2B_AUTH *ret, struct why *why)
{
    CLEANUP(buf_free) struct buf secret = {0};

    *ret = (TPM2B_AUTH){0};
    if (path == NULL)
        return ERR_OK;
    TRY(file_read_secret(path, &secret, why));
    if (secret.len > sizeof ret->buffer)
        return why_say(why, ERR_TPM_AUTH, "the authorization in %s has %zu bytes, more than %zu",
                       path, secret.len, sizeof ret->buffer);
    ret->size = (uint16_t)secret.len;
    if (secret.len > 0)
        memcpy(ret->buffer, secret.ptr, secret.len);
    return ERR_OK;
}

void tpm_auth_wipe(TPM2B_AUTH *auth)
{
    mem_wipe(auth, sizeof *auth);
}
