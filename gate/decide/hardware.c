/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/hardware.h"

#include "pkcs11/epoch_cert.h"
#include "pkcs11/root.h"
#include "tpm/attest.h"
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

err_code hardware_seal_verify(const struct hw_enrolment *enrolment, const struct hw_seal *seal,
                              const struct digest *binding, uint64_t *ret_epoch,
                              struct hw_pubkey *ret_receipt_key, struct why *why)
{
    struct tpm_sealed sealed;

    if (seal->kind == HW_SEAL_TPM_CERTIFY && strcmp(enrolment->about.kind, "tpm") == 0) {
        TRY(tpm_seal_verify(enrolment, seal, binding, &sealed, why));
        *ret_epoch = sealed.epoch;
        *ret_receipt_key = enrolment->receipt;
        return ERR_OK;
    }
    if (seal->kind == HW_SEAL_EPOCH_CHAIN && strcmp(enrolment->about.kind, "pkcs11") == 0) {
        if (seal->sig.len != 0)
            return why_say(why, ERR_PERMIT_INVALID, "an epoch chain carries no further signature");
        return hsm_chain_verify(enrolment, buf_slice(&seal->statement), ret_epoch, ret_receipt_key,
                                why);
    }
    return why_say(why, ERR_PERMIT_INVALID, "a seal of kind %d does not fit a %s root",
                   (int)seal->kind, enrolment->about.kind);
}
