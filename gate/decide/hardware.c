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
                              const struct digest *binding, struct hardware_sealed *ret,
                              struct why *why)
{
    struct tpm_sealed sealed;
    struct hsm_cert last;

    if (seal->kind == HW_SEAL_TPM_CERTIFY && strcmp(enrolment->about.kind, "tpm") == 0) {
        TRY(tpm_seal_verify(enrolment, seal, binding, &sealed, why));
        *ret = (struct hardware_sealed){.epoch = sealed.epoch, .receipt_key = enrolment->receipt};
        return ERR_OK;
    }
    if (seal->kind == HW_SEAL_EPOCH_CHAIN && strcmp(enrolment->about.kind, "pkcs11") == 0) {
        if (seal->sig.len != 0)
            return why_say(why, ERR_PERMIT_INVALID, "an epoch chain carries no further signature");
        TRY(hsm_chain_verify(enrolment, buf_slice(&seal->statement), &last, why));
        *ret = (struct hardware_sealed){.epoch = last.epoch,
                                        .receipt_key = last.key,
                                        .names_snapshot = !hsm_cert_unbound(&last),
                                        .snapshot = last.snapshot};
        return ERR_OK;
    }
    return why_say(why, ERR_PERMIT_INVALID, "a seal of kind %d does not fit a %s root",
                   (int)seal->kind, enrolment->about.kind);
}
