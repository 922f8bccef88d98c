/* SPDX-License-Identifier: Apache-2.0 */
/* epoch_cert_fuzz.c: the chain of epoch certificates, as a verifier of permits gets it from
 * anybody. */
#include "pkcs11/epoch_cert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice chain = {data, size};
    CLEANUP(buf_free) struct buf again = {0};
    struct hw_enrolment enrolment = {0};
    struct hsm_cert first, last;

    if (hsm_cert_parse(slice_part(chain, 0, HSM_CERT_LEN), &first, NULL) != ERR_OK)
        return 0;
    if (hsm_cert_encode(&first, &again) != ERR_OK ||
        !slice_eq(buf_slice(&again), slice_part(chain, 0, HSM_CERT_LEN)))
        abort();
    /* The enrolment that fits best, so that the signatures are reached. */
    enrolment.epoch = first.epoch;
    enrolment.receipt = enrolment.seal = first.key;
    if (hsm_chain_verify(&enrolment, chain, &last, NULL) == ERR_OK && last.epoch < first.epoch)
        abort();
    return 0;
}
