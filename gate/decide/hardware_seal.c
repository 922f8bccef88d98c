/* SPDX-License-Identifier: Apache-2.0 */
/* hardware_seal.c: seals judged in software. Apart from what opens hardware, so that a verifier is
 * not linked with the libraries of every root. */
#include "gate/decide/hardware.h"
#include "pkcs11/epoch_cert.h"
#include "tpm/attest.h"

#include <string.h>

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
