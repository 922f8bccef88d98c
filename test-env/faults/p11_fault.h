/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11_fault.h: how a test steers the PKCS#11 module p11_fault.so, which wraps another module,
 * counts the calls, and makes chosen ones fail. The switches live in a file that test and module
 * both map, so they can be turned while the module is loaded, and the counts outlive a killed
 * process. The module finds the file by the environment variable PAWL_P11_FAULT.
 */
#ifndef PAWL_FAULTS_P11_FAULT_H
#define PAWL_FAULTS_P11_FAULT_H

#include <stdint.h>

/* The calls that are watched. */
enum p11_fault_fn {
    P11_FAULT_NONE = 0,
    P11_FAULT_C_Initialize,
    P11_FAULT_C_Finalize,
    P11_FAULT_C_GetInfo,
    P11_FAULT_C_GetSlotList,
    P11_FAULT_C_GetTokenInfo,
    P11_FAULT_C_GetMechanismInfo,
    P11_FAULT_C_OpenSession,
    P11_FAULT_C_CloseSession,
    P11_FAULT_C_CloseAllSessions,
    P11_FAULT_C_Login,
    P11_FAULT_C_Logout,
    P11_FAULT_C_FindObjectsInit,
    P11_FAULT_C_FindObjects,
    P11_FAULT_C_FindObjectsFinal,
    P11_FAULT_C_GetAttributeValue,
    P11_FAULT_C_CreateObject,
    P11_FAULT_C_DestroyObject,
    P11_FAULT_C_GenerateKeyPair,
    P11_FAULT_C_SignInit,
    P11_FAULT_C_Sign,
    P11_FAULT_C_VerifyInit,
    P11_FAULT_C_Verify,
    P11_FAULT_N,
};

#define P11_FAULT_ORDER_MAX 2048 /* later calls are not kept */

struct p11_fault {
    char module[256];            /* the real one */
    uint32_t calls[P11_FAULT_N]; /* how often each was called */
    uint32_t total;              /* all of them together, but for those that only look */
    uint32_t kill_at; /* SIGKILL instead of the call with this number in total; 0: never */

    uint32_t inside; /* calls that are being passed on: what happens to files is the token's */

    /* The call number `at` of `fn` (counting from 1, against `calls`) and the `times` - 1 calls of
     * it that follow answer rv. They are not passed on, unless late: then they are, and the answer
     * is lost. Set fn to P11_FAULT_NONE to switch off. */
    uint32_t fn, at, times, late;
    uint64_t rv;

    uint64_t flags;          /* added to CK_TOKEN_INFO.flags */
    uint32_t unlike_softhsm; /* take "SoftHSM" out of every name */
    uint32_t slots;          /* how many C_GetSlotList says it has written; 0: the true number */
    uint32_t sign_len;       /* the length that C_Sign answers; 0: the true one */
    uint64_t
        ignore_attribute; /* type left out of templates that make objects, as sloppy tokens do */
    uint32_t ignoring;
    uint64_t
        turn_attribute; /* type of a boolean that C_GetAttributeValue answers the other way round */
    uint32_t turning;   /* 1: always; 2: only where the true answer is yes */
    uint64_t verify_data_len;  /* seen: the length of the last C_Verify's data */
    uint64_t login_flags;      /* added to CK_TOKEN_INFO.flags from the next C_Login on */
    uint64_t initialize_flags; /* seen: CK_C_INITIALIZE_ARGS.flags of the last C_Initialize */
    uint32_t n_order;          /* seen: which functions were called, in order; set to 0 to begin */
    uint8_t order[P11_FAULT_ORDER_MAX];
    uint32_t stall_ms; /* the chosen calls take so much longer, at most until this is 0 */
    uint32_t delay_us; /* all calls of a round do, as on a network HSM */
    uint32_t meet;     /* C_Verify waits until so many are at it at once; 0: it does not */
    uint32_t meeting;  /* seen: so many came */
    uint32_t missed;   /* seen: one waited for a minute, and nobody came */
};

#endif
