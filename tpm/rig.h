/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig.h: what the tests of the TPM root share: an authority with two ratchet keys, an owner
 * made from it, grants, and a swtpm with a store directory beside it.
 */
#ifndef PAWL_TPM_RIG_H
#define PAWL_TPM_RIG_H

#include "test-env/faults/fault_tcti.h"
#include "test-env/fixtures/swtpm.h"
#include "tpm/internal.h"
#include "tpm/root.h"

/* Fails the running cmocka test unless the call returns want; prints why's sentence. */
#define EXPECT(call, want) fx_expect((call), (want), &fx->why, #call, __FILE__, __LINE__)
#define OK(call) EXPECT(call, ERR_OK)

struct fx {
    struct swtpm tpm;
    char store[96];
    struct hw_options options;
    struct hw_signer *ratchet[2];
    struct hw_owner owner;
    struct tpm_plan plan;
    uint64_t base;          /* the fleet's; TPM_DEFAULT_BASE unless changed by fx_rebase */
    struct digest snapshot; /* that grants and mandates are for; a test may change it */
    struct hw_grant grants[16];
    size_t n_grants;
    struct hw_enrolment enrolment;
    struct hw_root *root;
    struct fault_plan faults; /* of fx_open_faulty */
    struct why why;
};

void fx_expect(err_code got, err_code want, const struct why *why, const char *call,
               const char *file, int line);

/* Starts a swtpm and makes the authority; nothing is enrolled. Ratchet keys: ES256 and ES256, or
 * ES256 and PS256 if ps256 is set. */
struct fx *fx_new(bool ps256);
void fx_free(struct fx *fx);

/* Makes owner, plan and enrolment grants anew from the ratchet keys. */
void fx_rekey(struct fx *fx);

/* Plan and grants from now on are of this base. */
void fx_rebase(struct fx *fx, uint64_t base);

/* A grant by ratchet key number by; with the fleet's base unless it is FIRST. */
struct hw_grant fx_grant(struct fx *fx, enum hw_grant_kind kind, uint64_t epoch, unsigned by);
struct hw_grant fx_grant_at(struct fx *fx, enum hw_grant_kind kind, uint64_t base, uint64_t epoch,
                            unsigned by);

/* BUMP, SIGN and CERTIFY of an epoch, in fx->grants. Borrowed until the next call. */
struct hw_mandate *fx_mandate(struct fx *fx, uint64_t epoch);

/* Opens a root on the fixture's swtpm; closes the one before. */
void fx_open(struct fx *fx);
/* The same through a fault TCTI that follows fx->faults; real: the source does not say by its name
 * that it is a simulator. */
err_code fx_open_faulty(struct fx *fx, bool real);

/* What that root meets at its nth command from now on. */
enum fx_cut {
    FX_GATE_BEFORE, /* the gate dies: this command is not sent any more, nor any other */
    FX_GATE_AFTER,  /* the TPM runs it, but nobody is there for the answer */
    FX_POWER_BEFORE,
    FX_POWER_AFTER, /* the TPM loses power having answered */
    FX_CUTS,
};
extern const char *const FX_CUT_TEXT[FX_CUTS];
void fx_cut_at(struct fx *fx, enum fx_cut cut, unsigned nth);

void fx_close(struct fx *fx);
/* fx_open, enrol, attach. */
void fx_enrol(struct fx *fx);
/* fx_open, attach to what was enrolled. */
void fx_attach(struct fx *fx);
/* prepare and step to an epoch. */
void fx_step(struct fx *fx, uint64_t epoch);

/* The TPM keeps a place for heads, and none yet. */
void fx_no_heads(struct fx *fx);

/* One begin, sign and seal; checks both signatures in software. */
void fx_round(struct fx *fx);

/* A second user of the same TPM, with the chip's commands at hand: the attacker, mostly. */
struct tpm_chip *fx_other(struct fx *fx);
void fx_other_close(struct tpm_chip **chip);

/* Satisfies an approval's policy in a session of the other user, all but the use: its raw code.
 * command: what the session is for; normally the one of the grant's kind. */
TSS2_RC fx_satisfy(struct fx *fx, struct tpm_chip *chip, const struct tpm_approval *approval,
                   TPM2_CC command);
/* The approval that the fixture's root uses, or would use, for a grant of this kind and epoch. */
void fx_approval(struct fx *fx, enum hw_grant_kind kind, uint64_t epoch, struct tpm_approval *ret);

/* The root's inside, for tests that look or reach into it. */
struct tpm_root *fx_inside(struct fx *fx);

#endif
