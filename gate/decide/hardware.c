/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/hardware.h"

#include "pkcs11/root.h"
#include "pkcs11/uri.h"
#include "tpm/root.h"

#include <string.h>

typedef err_code (*open_fn)(const char *, const struct hw_options *, struct hw_root **,
                            struct why *);

static const struct {
    const char *scheme;
    open_fn open;
} ROOTS[] = {
    {"tpm:", tpm_root_open},
    {"pkcs11:", hsm_root_open},
};

err_code hardware_open(const char *uri, const struct hw_options *options, struct hw_root **ret,
                       struct why *why)
{
    for (size_t i = 0; i < sizeof ROOTS / sizeof *ROOTS; i++)
        if (strncmp(uri, ROOTS[i].scheme, strlen(ROOTS[i].scheme)) == 0)
            return ROOTS[i].open(uri, options, ret, why);
    return why_say(why, ERR_HARDWARE_URI, "\"%s\" begins with neither tpm: nor pkcs11:", uri);
}

err_code hardware_secret(const char *uri, struct buf *ret, struct why *why)
{
    CLEANUP(hsm_uri_free) struct hsm_uri parsed = {0};

    buf_cut(ret, 0);
    if (strncmp(uri, "pkcs11:", 7) != 0)
        return ERR_OK;
    TRY(hsm_uri_parse(uri, &parsed, why));
    *ret = buf_take(&parsed.pin);
    return ERR_OK;
}
