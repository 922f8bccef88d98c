/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h: the TPM commands that pawl uses, one function each, with the arguments that pawl
 * varies. All return the TPM's own code (resource manager layers masked, see rc.h) and leave their
 * results untouched unless it is TPM2_RC_SUCCESS. Part and clause: TPM 2.0 part 3.
 */
#ifndef PAWL_TPM_COMMAND_H
#define PAWL_TPM_COMMAND_H

#include "tpm/chip.h"

/* 30.2 GetCapability: fixed properties from first on, as many as one answer holds; is this command,
 * algorithm or curve there; the handles from first on within its range. */
TSS2_RC tpm_get_properties(struct tpm_chip *chip, TPM2_PT first, TPML_TAGGED_TPM_PROPERTY *ret);
TSS2_RC tpm_get_support(struct tpm_chip *chip, TPM2_CAP capability, uint32_t what, bool *ret);
TSS2_RC tpm_get_handles(struct tpm_chip *chip, uint32_t first, TPML_HANDLE *ret);

/* 9.3 Startup(CLEAR); 9.4 Shutdown(CLEAR); 28.4 FlushContext. */
TSS2_RC tpm_startup(struct tpm_chip *chip);
TSS2_RC tpm_shutdown(struct tpm_chip *chip);
TSS2_RC tpm_flush(struct tpm_chip *chip, TPM2_HANDLE handle);

/* 11.1 StartAuthSession: an unbound, unsalted policy session with SHA-256. */
TSS2_RC tpm_start_session(struct tpm_chip *chip, TPM2_SE type, TPM2_HANDLE *ret);

/* 31.6 NV_ReadPublic: the marshalled TPMS_NV_PUBLIC and the Name. 31.13 NV_Read with the empty
 * authorization of the index. 31.3 NV_DefineSpace under the owner. */
TSS2_RC tpm_nv_read_public(struct tpm_chip *chip, TPM2_HANDLE index, TPM2B_NV_PUBLIC *ret,
                           TPM2B_NAME *ret_name);
TSS2_RC tpm_nv_read_counter(struct tpm_chip *chip, TPM2_HANDLE index, uint64_t *ret);
TSS2_RC tpm_nv_define(struct tpm_chip *chip, const TPM2B_AUTH *owner, struct slice public_area);

/* 31.4 NV_UndefineSpace under the owner. 31.8 NV_Increment with the empty authorization of the
 * index. Both for enrol's scratch counter only. */
TSS2_RC tpm_nv_undefine(struct tpm_chip *chip, const TPM2B_AUTH *owner, TPM2_HANDLE index);
TSS2_RC tpm_nv_increment_plain(struct tpm_chip *chip, TPM2_HANDLE index);

/* An index that is used with its own authorization. 31.3 NV_DefineSpace of it under the
 * owner; 31.13 NV_Read of its first len bytes; 31.7 NV_Write from its beginning; 31.8
 * NV_Increment; 31.9 NV_Extend. */
struct tpm_nv {
    TPM2_HANDLE index;
    const TPM2B_AUTH *auth;
};
TSS2_RC tpm_nv_define_with(struct tpm_chip *chip, const TPM2B_AUTH *owner, const TPM2B_AUTH *auth,
                           struct slice public_area);
TSS2_RC tpm_nv_read(struct tpm_chip *chip, const struct tpm_nv *nv, uint8_t *ret, uint16_t len);
TSS2_RC tpm_nv_write(struct tpm_chip *chip, const struct tpm_nv *nv, struct slice octets);
TSS2_RC tpm_nv_step(struct tpm_chip *chip, const struct tpm_nv *nv);
TSS2_RC tpm_nv_extend(struct tpm_chip *chip, const struct tpm_nv *nv, struct slice octets);

/* 29.1 ReadClock. */
TSS2_RC tpm_read_clock(struct tpm_chip *chip, TPMS_CLOCK_INFO *ret);

/* 31.8 NV_Increment, 20.2 Sign, 31.16 NV_Certify: authorized by the chip's policy session. */
TSS2_RC tpm_nv_increment(struct tpm_chip *chip, TPM2_HANDLE index);
TSS2_RC tpm_sign(struct tpm_chip *chip, TPM2_HANDLE key, const struct digest *digest,
                 TPMT_SIGNATURE *ret);
TSS2_RC tpm_nv_certify(struct tpm_chip *chip, TPM2_HANDLE key, TPM2_HANDLE index,
                       const struct digest *binding, TPM2B_ATTEST *ret, TPMT_SIGNATURE *ret_sig);

/* 22.3 PCR_Event: extends the PCR in every bank that the TPM has. (PCR_Extend names the banks, and
 * a bank that is not allocated is passed over without a word: no change, no session dies.) */
TSS2_RC tpm_pcr_event(struct tpm_chip *chip, uint8_t pcr, const struct digest *event);

/* 12.3 LoadExternal of a public key into the owner hierarchy (only there are tickets made); 20.1
 * VerifySignature; 12.4 ReadPublic. public_area: a marshalled TPMT_PUBLIC. */
TSS2_RC tpm_load_external(struct tpm_chip *chip, struct slice public_area, TPM2_HANDLE *ret,
                          TPM2B_NAME *ret_name);
TSS2_RC tpm_verify_signature(struct tpm_chip *chip, TPM2_HANDLE key, const TPM2B_DIGEST *digest,
                             const TPMT_SIGNATURE *sig, TPMT_TK_VERIFIED *ret);
TSS2_RC tpm_read_public(struct tpm_chip *chip, TPM2_HANDLE handle, TPM2B_PUBLIC *ret,
                        TPM2B_NAME *ret_name);

/* 20.2 Sign with a key that is authorized by its authValue. */
struct tpm_sign_with {
    TPM2_HANDLE key;
    const TPM2B_AUTH *auth;
    enum hw_alg alg;
};
TSS2_RC tpm_sign_with(struct tpm_chip *chip, const struct tpm_sign_with *with, struct slice digest,
                      TPMT_SIGNATURE *ret);

/* 24.1 CreatePrimary and 28.5 EvictControl under the owner. auth: of the new key; NULL: empty.
 * template: a marshalled TPMT_PUBLIC. */
struct tpm_primary {
    TPM2_HANDLE handle; /* transient: the caller flushes */
    TPM2B_PUBLIC area;
    TPM2B_NAME name;
};
TSS2_RC tpm_create_primary(struct tpm_chip *chip, const TPM2B_AUTH *owner, const TPM2B_AUTH *auth,
                           struct slice template, struct tpm_primary *ret);
TSS2_RC tpm_evict(struct tpm_chip *chip, const TPM2B_AUTH *owner, TPM2_HANDLE object,
                  TPM2_HANDLE persistent);

/* 23: the policy commands, on a given session. PolicyNV compares the whole counter with operand;
 * PolicyPCR selects nothing. */
TSS2_RC tpm_policy_restart(struct tpm_chip *chip, TPM2_HANDLE session);
TSS2_RC tpm_policy_nv(struct tpm_chip *chip, TPM2_HANDLE session, TPM2_HANDLE index,
                      uint64_t operand, TPM2_EO operation);
TSS2_RC tpm_policy_pcr(struct tpm_chip *chip, TPM2_HANDLE session);
TSS2_RC tpm_policy_command(struct tpm_chip *chip, TPM2_HANDLE session, TPM2_CC code);
TSS2_RC tpm_policy_never_written(struct tpm_chip *chip, TPM2_HANDLE session);
TSS2_RC tpm_policy_authorize(struct tpm_chip *chip, TPM2_HANDLE session,
                             const struct digest *approved, const struct digest *ref,
                             const uint8_t name[static HW_TPM_NAME_LEN],
                             const TPMT_TK_VERIFIED *ticket);
TSS2_RC tpm_policy_or(struct tpm_chip *chip, TPM2_HANDLE session, const struct digest *branches,
                      size_t n);
TSS2_RC tpm_policy_get(struct tpm_chip *chip, TPM2_HANDLE session, struct digest *ret);

#endif
