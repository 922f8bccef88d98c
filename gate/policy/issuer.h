/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer.h: in whose name a gate writes, and by which certificates others see that it does. A gate
 * is "dev.pawl:<domain>/<gate>", and the device certifies itself; or a certificate authority has
 * certified the device, and the gate is the did:x509 that its chain resolves to.
 *
 * A chain is, leaf first: the key of a session, unless it is a receipt's; the key of the epoch, if
 * that is not the device's own (on a token); the device; the authority's.
 */
#ifndef PAWL_POLICY_ISSUER_H
#define PAWL_POLICY_ISSUER_H

#include "gate/policy/enrolment.h"

/* Holds issuer and device chain of an enrolment against each other and against the hardware's key:
 * no chain and the gate's own name; or a did:x509 that resolves for the chain, whose first
 * certificate is of the device's key and may issue. Times are not looked at. Errors: FORMAT, those
 * of did_x509_parse() and did_x509_resolve(). */
err_code issuer_of_enrolment(const struct enrolment *enrolment, struct why *why);

/* Judges the chain of a key of this gate at a time (seconds since 1970). device: place of the
 * device's certificate in it, above at least one other. The certificate there is of the enrolled
 * device's key; without a did:x509 it signs itself and ends the chain, with one the whole chain
 * resolves it. Errors: CERT_CHAIN, EXPIRED, NOT_YET_VALID, DID_REFUSED, CERT_MALFORMED. */
err_code issuer_check(const struct enrolment *enrolment, const struct x509_chain *chain,
                      size_t device, int64_t at, struct why *why);

#endif
