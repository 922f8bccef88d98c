/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/audit.h"

#include "gate/cose/cose_key.h"
#include "pkcs11/epoch_cert.h"

#include <string.h>

void audit_trust_free(struct audit_trust *trust)
{
    buf_free(&trust->issuer);
    *trust = (struct audit_trust){0};
}

/* The receipt key of an epoch by the token's certificates. */
static err_code key_of_epoch(struct slice chain, uint64_t epoch, struct hw_pubkey *ret,
                             struct why *why)
{
    for (size_t at = 0; at + HSM_CERT_LEN <= chain.len; at += HSM_CERT_LEN) {
        struct hsm_cert cert;
        TRY(hsm_cert_parse(slice_part(chain, at, HSM_CERT_LEN), &cert, why));
        if (cert.epoch == epoch) {
            *ret = cert.key;
            return ERR_OK;
        }
    }
    return why_say(why, ERR_SIGNER_UNKNOWN, "the token certified no key for epoch %llu",
                   (unsigned long long)epoch);
}

static err_code find_key(const struct ledger_trust *ledger_trust, const struct digest *kid,
                         uint64_t epoch, struct hw_pubkey *ret, struct why *why)
{
    const struct audit_trust *trust = ledger_trust->context;
    struct hw_pubkey key = trust->enrolment->hw.receipt;
    struct digest own;

    if (trust->chain.len > 0)
        TRY(key_of_epoch(trust->chain, epoch, &key, why));
    TRY(cose_key_thumbprint(&key, &own));
    if (!digest_eq(&own, kid))
        return why_say(why, ERR_SIGNER_UNKNOWN, "the receipt key of epoch %llu is another one",
                       (unsigned long long)epoch);
    *ret = key;
    return ERR_OK;
}

err_code audit_trust_make(const struct enrolment *enrolment, struct slice chain,
                          struct audit_trust *ret, struct why *why)
{
    struct hsm_cert last;

    if (strcmp(enrolment->hw.about.kind, "pkcs11") == 0)
        TRY(hsm_chain_verify(&enrolment->hw, chain, &last, why));
    else
        chain = (struct slice){0};
    *ret = (struct audit_trust){.enrolment = enrolment, .chain = chain};
    TRY(buf_add_slice(&ret->issuer, enrolment->issuer));
    ret->trust =
        (struct ledger_trust){.key = find_key, .context = ret, .issuer = buf_slice(&ret->issuer)};
    return ERR_OK;
}
