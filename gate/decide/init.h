/* SPDX-License-Identifier: Apache-2.0 */
/* init.h: enrols a hardware root for a domain and makes the gate's state directory. */
#ifndef PAWL_DECIDE_INIT_H
#define PAWL_DECIDE_INIT_H

#include "gate/decide/gate.h"

struct init_wish {
    const char *state_dir;
    const char *hardware;  /* URI */
    const char *gate_name; /* within the domain */
    const char *zone;      /* or NULL */
    bool insecure_simulator;
    bool again; /* replace an enrolment, also one that the hardware has and state_dir has not */
    const char *owner_auth_file; /* or NULL */
    const char *so_pin_file;     /* or NULL */
    struct slice device_chain;   /* certificates of the device's key, encoded by
                                    x509_chain_encode(); empty: none */
    const char *issuer;          /* did:x509; NULL: what the chain's subject gives */
    const struct digest *root;   /* digest that root metadata 1 must have; NULL: whatever it is */
    int64_t now;
};

/* Enrols. Safe to repeat: finds and compares what an earlier run made and finishes its work. trust:
 * a bundle of the authority (enrol.bundle, or any published one). A chain needs a key to certify,
 * so it comes with a second init; while nothing is recorded, or with the issuer that the records
 * have, it takes the place of the old one. Errors: EXISTS when the state directory belongs to
 * another domain, gate or hardware, or has records of another issuer; ROOT_UNTRUSTED when root
 * metadata 1 is not the expected one; GATE_EXISTS when the hardware has a gate of this root that is
 * not in state_dir; those of the hardware. Appends the enrolment file to
 * ret_enrolment. */
err_code gate_init(const struct init_wish *wish, struct slice trust, struct buf *ret_enrolment,
                   struct why *why);

#endif
