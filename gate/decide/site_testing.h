/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_testing.h: one authority with its keys in memory, and one gate that it enrolled, on a
 * software TPM or a software token of its own. For integration tests; every step asserts that it
 * worked.
 */
#ifndef PAWL_DECIDE_SITE_TESTING_H
#define PAWL_DECIDE_SITE_TESTING_H

#include "gate/decide/gate.h"
#include "gate/policy/authority.h"
#include "gate/policy/cast_testing.h"
#include "test-env/fixtures/softhsm.h"
#include "test-env/fixtures/swtpm.h"

#define SITE_NOW 5000 /* seconds since 1970 */
#define SITE_MS (SITE_NOW * UINT64_C(1000))

enum site_kind {
    SITE_TPM,
    SITE_TOKEN,
    SITE_KINDS,
};

struct site {
    enum site_kind kind;
    char dir[48];
    char state[64], authority[64];
    char uri[512], so_pin[80];
    struct swtpm tpm;
    struct softhsm hsm; /* .dir is empty when the token belongs to another site */
    struct cast cast;
    struct hw_signer *signers[CAST_END]; /* of cast, for struct authority_keys */
    struct buf root_bytes, enrolment_bytes;
    struct root_meta *root; /* version 1 */
    struct enrolment enrolment;
    struct gate *gate; /* while it is open */
};

/* Makes authority and hardware and enrols; nothing is installed and the gate is closed. Everything
 * is signed by as many keys as the threshold asks for: root and policy 2 of 2, snapshot 1 of 2,
 * ratchet 1 of 2. beside: NULL, or another site of the same kind whose SoftHSM gets one more token,
 * since a process has only one. Exits with 77 when the hardware's double is not installed. */
struct site *site_new(enum site_kind kind, const struct site *beside);
void site_free(struct site **site);

/* The gate, opened if it is not; and closed. */
struct gate *site_gate(struct site *site);
void site_close(struct site *site);

/* Signs the next version of an alias. */
void site_policy(struct site *site, const char *alias, const char *text);

/* Makes the next version of the root metadata: the snapshot key that never signs is gone. Once. */
void site_rotate(struct site *site);

/* The next epoch as a bundle. Owns: the caller frees. */
struct buf site_publish(struct site *site);

/* Publishes and installs; bundle: NULL, or gets a copy. */
void site_install(struct site *site, struct buf *bundle);

/* The permit, or the denial, that a process would get that just started; and those of one process
 * for n requests, one after the other. Owns: the caller frees them. */
struct buf site_decide(struct site *site, const char *agent);
void site_decide_all(struct site *site, const char *const *agents, size_t n, struct buf *ret);

/* Asserts that a call gave this error, printing what it said. */
#define SITE_EXPECT(call, wanted) site_expect((call), (wanted), &why, #call, __FILE__, __LINE__)
#define SITE_OK(call) SITE_EXPECT(call, ERR_OK)
void site_expect(err_code got, err_code wanted, const struct why *why, const char *call,
                 const char *file, int line);

#endif
