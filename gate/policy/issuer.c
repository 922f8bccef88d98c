/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/policy/issuer.h"

#include "gate/cose/did_x509.h"

#include <string.h>

#define DID "did:x509:"

static bool is_did(struct slice issuer)
{
    return slice_eq_str(slice_part(issuer, 0, strlen(DID)), DID);
}

static err_code of_device(const struct enrolment *enrolment, struct slice cert, struct why *why)
{
    struct hw_pubkey key;

    TRY(x509_key(cert, &key, why));
    if (hw_pubkey_eq(&key, hw_enrolment_device(&enrolment->hw)))
        return ERR_OK;
    return why_say(why, ERR_CERT_CHAIN,
                   "the device's certificate is of key %02x%02x..., the hardware's is %02x%02x...",
                   key.x[0], key.x[1], hw_enrolment_device(&enrolment->hw)->x[0],
                   hw_enrolment_device(&enrolment->hw)->x[1]);
}

static err_code resolve(struct slice issuer, const struct x509_chain *chain, int64_t at,
                        struct why *why)
{
    struct did_x509_document document;
    struct did_x509 did;

    TRY(did_x509_parse(issuer, &did, why));
    if (did.fragment.len > 0)
        return why_say(why, ERR_DID_MALFORMED, "an issuer with a fragment");
    TRY(did_x509_resolve(&did, chain, at, &document, why));
    return document.assertion
               ? ERR_OK
               : why_say(why, ERR_DID_REFUSED, "the certificate's keyUsage lacks digitalSignature");
}

static err_code own_name(const struct enrolment *e, struct why *why)
{
    CLEANUP(buf_free) struct buf own = {0};

    TRY(enrolment_issuer(e->domain, e->gate, &own));
    if (!slice_eq(e->issuer, buf_slice(&own)))
        return why_say(why, ERR_FORMAT, "the issuer is \"%.*s\", neither \"%s\" nor a did:x509",
                       TERM_ARG(e->issuer), (const char *)own.ptr);
    if (e->device_chain.n > 0)
        return why_say(why, ERR_FORMAT,
                       "the device has a chain of certificates, but the issuer is no did:x509");
    return ERR_OK;
}

err_code issuer_of_enrolment(const struct enrolment *enrolment, struct why *why)
{
    const struct x509_chain *chain = &enrolment->device_chain;

    if (!is_did(enrolment->issuer))
        return own_name(enrolment, why);
    if (chain->n == 0)
        return why_say(why, ERR_FORMAT, "the issuer is a did:x509, and the device has no chain");
    TRY(of_device(enrolment, chain->certs[0], why));
    TRY(x509_may_issue(chain->certs[0], why));
    return resolve(enrolment->issuer, chain, X509_ANY_TIME, why);
}

err_code issuer_check(const struct enrolment *enrolment, const struct x509_chain *chain,
                      size_t device, int64_t at, struct why *why)
{
    if (device >= chain->n)
        return why_say(why, ERR_CERT_CHAIN, "a chain of %zu certificates, wanted %zu at least",
                       chain->n, device + 1);
    TRY(of_device(enrolment, chain->certs[device], why));
    if (is_did(enrolment->issuer))
        return resolve(enrolment->issuer, chain, at, why);
    if (chain->n != device + 1)
        return why_say(why, ERR_CERT_CHAIN,
                       "a chain of %zu certificates, wanted %zu: the device's is the last",
                       chain->n, device + 1);
    TRY(x509_self_signed(chain->certs[device], why));
    return x509_chain_validate(chain, at, why);
}
