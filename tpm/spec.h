/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h: the numbers of the TPM 2.0 library specification that pawl needs where no TPM and no TPM
 * library is at hand (the authority, the offline verifier). Part 2 (Structures), revision 1.59; the
 * clause stands beside each group.
 */
#ifndef PAWL_TPM_SPEC_H
#define PAWL_TPM_SPEC_H

/* Part 2, 6.3 TPM_ALG_ID */
#define TPM_ALG_RSA 0x0001
#define TPM_ALG_SHA256 0x000B
#define TPM_ALG_NULL 0x0010
#define TPM_ALG_RSAPSS 0x0016
#define TPM_ALG_ECDSA 0x0018
#define TPM_ALG_ECC 0x0023

/* Part 2, 6.4 TPM_ECC_CURVE */
#define TPM_ECC_NIST_P256 0x0003

/* Part 2, 6.5.2 TPM_CC */
#define TPM_CC_NV_INCREMENT 0x00000134
#define TPM_CC_POLICY_NV 0x00000149
#define TPM_CC_SIGN 0x0000015D
#define TPM_CC_POLICY_AUTHORIZE 0x0000016A
#define TPM_CC_POLICY_COMMAND_CODE 0x0000016C
#define TPM_CC_POLICY_OR 0x00000171
#define TPM_CC_POLICY_PCR 0x0000017F
#define TPM_CC_NV_CERTIFY 0x00000184
#define TPM_CC_POLICY_NV_WRITTEN 0x0000018F

/* Part 2, 6.8 TPM_EO: operand A is the content of the index */
#define TPM_EO_UNSIGNED_LT 0x0005
#define TPM_EO_UNSIGNED_LE 0x0009

/* Part 2, 6.9 TPM_ST; 6.2 TPM_GENERATED_VALUE */
#define TPM_ST_ATTEST_NV 0x8014
#define TPM_GENERATED 0xFF544347

/* Part 2, 7.4 TPM_RH; 7.5 TPM_HC: where the ranges of handles begin. (The TSS2 headers shift signed
 * numbers into the sign bit to say the same.) */
#define TPM_RH_OWNER_HANDLE 0x40000001
#define TPM_LOADED_SESSIONS 0x02000000u
#define TPM_SAVED_SESSIONS 0x03000000u
#define TPM_TRANSIENT_OBJECTS 0x80000000u
#define TPM_PERSISTENT_OBJECTS 0x81000000u

/* Part 2, 8.3 TPMA_OBJECT */
#define TPM_OBJECT_FIXED_TPM 0x00000002
#define TPM_OBJECT_FIXED_PARENT 0x00000010
#define TPM_OBJECT_SENSITIVE_DATA_ORIGIN 0x00000020
#define TPM_OBJECT_USER_WITH_AUTH 0x00000040
#define TPM_OBJECT_NO_DA 0x00000400
#define TPM_OBJECT_RESTRICTED 0x00010000
#define TPM_OBJECT_SIGN 0x00040000

/* Part 2, 13.4 TPMA_NV; TPM_NT_COUNTER and TPM_NT_EXTEND in bits 7:4 */
#define TPM_NV_AUTHWRITE 0x00000004
#define TPM_NV_POLICYWRITE 0x00000008
#define TPM_NV_COUNTER 0x00000010
#define TPM_NV_EXTEND 0x00000040
#define TPM_NV_AUTHREAD 0x00040000
#define TPM_NV_NO_DA 0x02000000
#define TPM_NV_ORDERLY 0x04000000
#define TPM_NV_WRITTEN 0x20000000

#endif
