/* SPDX-License-Identifier: Apache-2.0 */
/* p11_fault.c: the PKCS#11 module of p11_fault.h. Part of the tests, never installed. */
#include "test-env/faults/p11_fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TEMPLATE_MAX 32

/* A PKCS#11 module has no context: these stand for the process, as in every other one. */
static struct p11_fault *control;
static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

/* Before and after a call that changes nothing the token is the same, so killing there is no use.
 */
static bool only_looks(enum p11_fault_fn fn)
{
    static const enum p11_fault_fn LOOKS[] = {
        P11_FAULT_C_GetInfo,          P11_FAULT_C_GetSlotList,
        P11_FAULT_C_GetTokenInfo,     P11_FAULT_C_GetMechanismInfo,
        P11_FAULT_C_FindObjectsInit,  P11_FAULT_C_FindObjects,
        P11_FAULT_C_FindObjectsFinal, P11_FAULT_C_GetAttributeValue,
        P11_FAULT_C_SignInit,         P11_FAULT_C_VerifyInit,
        P11_FAULT_C_Verify,
    };

    for (size_t i = 0; i < sizeof LOOKS / sizeof *LOOKS; i++)
        if (LOOKS[i] == fn)
            return true;
    return false;
}

static void delay(uint64_t us)
{
    struct timespec rest = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

    while (nanosleep(&rest, &rest) != 0)
        continue;
}

/* In pieces: once it is switched off it ends. */
static void stall(void)
{
    for (uint32_t ms = 0; ms < __atomic_load_n(&control->stall_ms, __ATOMIC_SEQ_CST); ms += 10)
        delay(10000);
}

/* Counts a call. True: it answers *rv; *pass: after it has been passed on. */
static bool struck(enum p11_fault_fn fn, CK_RV *rv, bool *pass)
{
    uint32_t n = __atomic_add_fetch(&control->calls[fn], 1, __ATOMIC_SEQ_CST);
    uint32_t order = __atomic_fetch_add(&control->n_order, 1, __ATOMIC_SEQ_CST);

    *pass = true;
    if (order < P11_FAULT_ORDER_MAX)
        control->order[order] = (uint8_t)fn;
    delay(control->delay_us);
    if (!only_looks(fn) &&
        __atomic_add_fetch(&control->total, 1, __ATOMIC_SEQ_CST) == control->kill_at)
        (void)kill(getpid(), SIGKILL);
    if (control->fn != (uint32_t)fn || n < control->at || n - control->at >= control->times)
        return false;
    if (control->stall_ms != 0) {
        stall();
        return false;
    }
    *rv = (CK_RV)control->rv;
    *pass = control->late != 0;
    return true;
}

/* The body of a wrapped call. */
#define WRAP(fn, call)                                                                             \
    CK_RV rv = CKR_OK, answer;                                                                     \
    bool pass, hit = struck((fn), &rv, &pass);                                                     \
    (void)__atomic_add_fetch(&control->inside, 1, __ATOMIC_SEQ_CST);                               \
    answer = pass ? (call) : rv;                                                                   \
    (void)__atomic_sub_fetch(&control->inside, 1, __ATOMIC_SEQ_CST);                               \
    return hit ? rv : answer

static CK_RV initialize(void *args)
{
    const CK_C_INITIALIZE_ARGS *a = args;

    control->initialize_flags = a != NULL ? a->flags : 0;
    control->inside = 0; /* of a process that was killed inside one */
    WRAP(P11_FAULT_C_Initialize, real->C_Initialize(args));
}

static CK_RV finalize(void *reserved)
{
    WRAP(P11_FAULT_C_Finalize, real->C_Finalize(reserved));
}

static void rename_field(unsigned char *field, size_t len)
{
    if (control->unlike_softhsm != 0) {
        memset(field, ' ', len);
        memcpy(field, "Example", 7);
    }
}

static CK_RV pass_info(CK_INFO *info)
{
    WRAP(P11_FAULT_C_GetInfo, real->C_GetInfo(info));
}

static CK_RV get_info(CK_INFO *info)
{
    CK_RV rv = pass_info(info);

    if (rv == CKR_OK) {
        rename_field(info->manufacturerID, sizeof info->manufacturerID);
        rename_field(info->libraryDescription, sizeof info->libraryDescription);
    }
    return rv;
}

static CK_RV pass_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    WRAP(P11_FAULT_C_GetSlotList, real->C_GetSlotList(present, slots, n));
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    CK_RV rv = pass_slot_list(present, slots, n);

    if (rv == CKR_OK && slots != NULL && control->slots != 0)
        *n = control->slots;
    return rv;
}

static CK_RV pass_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    WRAP(P11_FAULT_C_GetTokenInfo, real->C_GetTokenInfo(slot, info));
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = pass_token_info(slot, info);

    if (rv == CKR_OK) {
        info->flags |= (CK_FLAGS)control->flags;
        rename_field(info->manufacturerID, sizeof info->manufacturerID);
        rename_field(info->model, sizeof info->model);
    }
    return rv;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    WRAP(P11_FAULT_C_GetMechanismInfo, real->C_GetMechanismInfo(slot, type, info));
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    WRAP(P11_FAULT_C_OpenSession, real->C_OpenSession(slot, flags, app, notify, session));
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    WRAP(P11_FAULT_C_CloseSession, real->C_CloseSession(session));
}

static CK_RV close_all_sessions(CK_SLOT_ID slot)
{
    WRAP(P11_FAULT_C_CloseAllSessions, real->C_CloseAllSessions(slot));
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
    control->flags |= control->login_flags;
    WRAP(P11_FAULT_C_Login, real->C_Login(session, user, pin, len));
}

static CK_RV logout(CK_SESSION_HANDLE session)
{
    WRAP(P11_FAULT_C_Logout, real->C_Logout(session));
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
    WRAP(P11_FAULT_C_FindObjectsInit, real->C_FindObjectsInit(session, template, n));
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
                          CK_ULONG *n)
{
    WRAP(P11_FAULT_C_FindObjects, real->C_FindObjects(session, objects, max, n));
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
    WRAP(P11_FAULT_C_FindObjectsFinal, real->C_FindObjectsFinal(session));
}

static CK_RV pass_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                  CK_ATTRIBUTE *template, CK_ULONG n)
{
    WRAP(P11_FAULT_C_GetAttributeValue, real->C_GetAttributeValue(session, object, template, n));
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE *template, CK_ULONG n)
{
    CK_RV rv = pass_attribute_value(session, object, template, n);

    for (CK_ULONG i = 0; rv == CKR_OK && control->turning != 0 && i < n; i++) {
        CK_BBOOL *value = template[i].pValue;
        if (template[i].type == control->turn_attribute && value != NULL &&
            template[i].ulValueLen == sizeof *value && (control->turning == 1 || *value))
            *value = *value ? CK_FALSE : CK_TRUE;
    }
    return rv;
}

/* Copies a template without the attribute that is to be ignored. */
static CK_ULONG thin_out(const CK_ATTRIBUTE *from, CK_ULONG n, CK_ATTRIBUTE *to)
{
    CK_ULONG kept = 0;

    for (CK_ULONG i = 0; i < n && kept < TEMPLATE_MAX; i++)
        if (control->ignoring == 0 || from[i].type != control->ignore_attribute)
            to[kept++] = from[i];
    return kept;
}

/* Not watched. */
static CK_RV set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_ATTRIBUTE *template, CK_ULONG n)
{
    delay(control->delay_us);
    return real->C_SetAttributeValue(session, object, template, n);
}

static CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n,
                           CK_OBJECT_HANDLE *object)
{
    CK_ATTRIBUTE own[TEMPLATE_MAX];
    CK_ULONG kept = thin_out(template, n, own);

    WRAP(P11_FAULT_C_CreateObject, real->C_CreateObject(session, own, kept, object));
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    WRAP(P11_FAULT_C_DestroyObject, real->C_DestroyObject(session, object));
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public, CK_ULONG n_public, CK_ATTRIBUTE *private,
                               CK_ULONG n_private, CK_OBJECT_HANDLE *public_key,
                               CK_OBJECT_HANDLE *private_key)
{
    CK_ATTRIBUTE own[TEMPLATE_MAX];
    CK_ULONG kept = thin_out(private, n_private, own);

    WRAP(P11_FAULT_C_GenerateKeyPair, real->C_GenerateKeyPair(session, mechanism, public, n_public,
                                                              own, kept, public_key, private_key));
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    WRAP(P11_FAULT_C_SignInit, real->C_SignInit(session, mechanism, key));
}

static CK_RV pass_sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len,
                       unsigned char *sig, CK_ULONG *sig_len)
{
    WRAP(P11_FAULT_C_Sign, real->C_Sign(session, data, len, sig, sig_len));
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *sig,
                  CK_ULONG *sig_len)
{
    CK_RV rv = pass_sign(session, data, len, sig, sig_len);

    if (rv == CKR_OK && control->sign_len != 0)
        *sig_len = control->sign_len;
    return rv;
}

static CK_RV verify_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    WRAP(P11_FAULT_C_VerifyInit, real->C_VerifyInit(session, mechanism, key));
}

static void meet(void)
{
    unsigned ms = 0;

    if (control->meet == 0)
        return;
    (void)__atomic_add_fetch(&control->meeting, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&control->meeting, __ATOMIC_SEQ_CST) < control->meet && ms++ < 60000)
        delay(1000);
    if (ms >= 60000)
        control->missed = 1;
}

static CK_RV verify(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len,
                    unsigned char *sig, CK_ULONG sig_len)
{
    __atomic_store_n(&control->verify_data_len, len, __ATOMIC_SEQ_CST);
    meet();
    WRAP(P11_FAULT_C_Verify, real->C_Verify(session, data, len, sig, sig_len));
}

static CK_RV own_function_list(CK_FUNCTION_LIST **ret);

static void fill_list(void)
{
    list = *real;
    list.C_GetFunctionList = own_function_list;
    list.C_Initialize = initialize;
    list.C_Finalize = finalize;
    list.C_GetInfo = get_info;
    list.C_GetSlotList = get_slot_list;
    list.C_GetTokenInfo = get_token_info;
    list.C_GetMechanismInfo = get_mechanism_info;
    list.C_OpenSession = open_session;
    list.C_CloseSession = close_session;
    list.C_CloseAllSessions = close_all_sessions;
    list.C_Login = login;
    list.C_Logout = logout;
    list.C_FindObjectsInit = find_objects_init;
    list.C_FindObjects = find_objects;
    list.C_FindObjectsFinal = find_objects_final;
    list.C_GetAttributeValue = get_attribute_value;
    list.C_SetAttributeValue = set_attribute_value;
    list.C_CreateObject = create_object;
    list.C_DestroyObject = destroy_object;
    list.C_GenerateKeyPair = generate_key_pair;
    list.C_SignInit = sign_init;
    list.C_Sign = sign;
    list.C_VerifyInit = verify_init;
    list.C_Verify = verify;
}

static bool load(void)
{
    const char *path = getenv("PAWL_P11_FAULT");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *handle, *map;
    CK_RV (*get)(CK_FUNCTION_LIST **);

    if (fd < 0)
        return false;
    map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (map == MAP_FAILED)
        return false;
    control = map;
    handle = dlopen(control->module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL)
        return false;
    *(void **)&get = dlsym(handle, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK)
        return false;
    fill_list();
    return true;
}

static CK_RV own_function_list(CK_FUNCTION_LIST **ret)
{
    /* The file may be another one than last time: each test has its own. */
    if (control != NULL)
        (void)munmap(control, sizeof *control);
    control = NULL;
    if (!load())
        return CKR_GENERAL_ERROR;
    *ret = &list;
    return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
    return own_function_list(ret);
}
