/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/token.h"

#include "gate/base/file.h"
#include "pkcs11/sides.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_MAX 256

void hsm_field(const unsigned char *field, size_t len, char *ret)
{
    while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
        len--;
    for (size_t i = 0; i < len; i++)
        ret[i] = field[i] >= 0x20 && field[i] < 0x7f ? (char)field[i] : '?';
    ret[len] = '\0';
}

bool hsm_is_simulator(const char *name)
{
    static const char *const NAMES[] = {"SoftHSM", "Kryoptic", "Software Token", "NSS "};

    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcasestr(name, NAMES[i]) != NULL)
            return true;
    return false;
}

/* ---- what an answer means -------------------------------------------------------------------- */

bool hsm_means_lost(CK_RV rv)
{
    static const CK_RV LOST[] = {
        CKR_DEVICE_ERROR,
        CKR_DEVICE_REMOVED,
        CKR_TOKEN_NOT_PRESENT,
        CKR_TOKEN_NOT_RECOGNIZED,
        CKR_SESSION_HANDLE_INVALID,
        CKR_SESSION_CLOSED,
        CKR_USER_NOT_LOGGED_IN,
        CKR_OBJECT_HANDLE_INVALID,
        CKR_KEY_HANDLE_INVALID,
        CKR_OPERATION_ACTIVE,
        CKR_OPERATION_NOT_INITIALIZED,
        CKR_CRYPTOKI_NOT_INITIALIZED,
    };

    for (size_t i = 0; i < sizeof LOST / sizeof *LOST; i++)
        if (rv == LOST[i])
            return true;
    return false;
}

err_code hsm_ckr(struct hsm_token *token, CK_RV rv, const char *call, struct why *why)
{
    bool removed =
        rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_TOKEN_NOT_RECOGNIZED;

    if (rv == CKR_OK)
        return ERR_OK;
    token->state = hsm_means_lost(rv) ? HSM_TOKEN_LOST : HSM_TOKEN_STALE;
    return why_foreign(why, removed ? ERR_HSM_REMOVED : ERR_HSM_FAILED, "CKR", rv,
                       "%s on token \"%s\": %s (0x%lx)", call, token->label, p11_kit_strerror(rv),
                       rv);
}

/* ---- finding the token ----------------------------------------------------------------------- */

/* The library stays mapped after the release below: exit handlers that it registered must not point
 * into nothing. */
static void pin_library(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (handle != NULL)
        (void)dlclose(handle);
}

/* What a general error while starting mostly means. */
static const char *own_configuration(const char *path, CK_RV rv)
{
    if (rv != CKR_GENERAL_ERROR)
        return "";
    if (strcasestr(path, "softhsm") != NULL)
        return "; it reads its configuration from the file that SOFTHSM2_CONF names (default "
               "/etc/softhsm/softhsm2.conf), and must be able to use the directory of tokens there";
    return "; see the module's own configuration";
}

static err_code load(struct hsm_token *token, const char *path, struct why *why)
{
    CK_RV rv;

    pin_library(path);
    token->f = p11_kit_module_load(path, 0);
    if (token->f == NULL)
        return why_say(why, ERR_HSM_MODULE, "cannot load \"%s\": %s", path, p11_kit_message());
    /* Managed by p11-kit: it passes CKF_OS_LOCKING_OK and counts the users of one module, so that
     * closing one root does not finalise another's. */
    rv = p11_kit_module_initialize(token->f);
    if (rv != CKR_OK) {
        p11_kit_module_release(token->f);
        token->f = NULL;
        return why_foreign(why, ERR_HSM_MODULE, "CKR", rv, "\"%s\" does not start: %s (0x%lx)%s",
                           path, p11_kit_strerror(rv), rv, own_configuration(path, rv));
    }
    return ERR_OK;
}

static err_code slots_of(struct hsm_token *token, CK_SLOT_ID *slots, CK_ULONG *n, struct why *why)
{
    CK_RV rv = token->f->C_GetSlotList(CK_TRUE, NULL, n);

    TRY(hsm_ckr(token, rv, "C_GetSlotList", why));
    if (*n > SLOTS_MAX)
        return why_say(why, ERR_TOO_LARGE, "the module has %lu slots, the limit is %d", *n,
                       SLOTS_MAX);
    *n = SLOTS_MAX;
    TRY(hsm_ckr(token, token->f->C_GetSlotList(CK_TRUE, slots, n), "C_GetSlotList", why));
    if (*n > SLOTS_MAX)
        return why_say(why, ERR_HSM_FAILED, "the module put %lu slots into room for %d", *n,
                       SLOTS_MAX);
    return ERR_OK;
}

static void take_info(struct hsm_token *token, const CK_TOKEN_INFO *info, const CK_INFO *module)
{
    char library[33], maker[33];

    hsm_field(info->label, sizeof info->label, token->label);
    hsm_field(info->serialNumber, sizeof info->serialNumber, token->serial);
    hsm_field(info->manufacturerID, sizeof info->manufacturerID, token->maker);
    hsm_field(info->model, sizeof info->model, token->model);
    hsm_field(module->libraryDescription, sizeof module->libraryDescription, library);
    hsm_field(module->manufacturerID, sizeof module->manufacturerID, maker);
    (void)snprintf(token->firmware, sizeof token->firmware, "token %u.%u, module %u.%u",
                   info->firmwareVersion.major, info->firmwareVersion.minor,
                   module->libraryVersion.major, module->libraryVersion.minor);
    token->simulator = hsm_is_simulator(token->maker) || hsm_is_simulator(token->model) ||
                       hsm_is_simulator(library) || hsm_is_simulator(maker);
}

/* Looks through the slots; *found counts the tokens that match, the last of which is taken. */
static err_code search(struct hsm_token *token, const struct hsm_uri *uri, const char *serial,
                       struct why *why)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = 0;
    CK_INFO module = {0};
    unsigned found = 0;

    TRY(hsm_ckr(token, token->f->C_GetInfo(&module), "C_GetInfo", why));
    TRY(slots_of(token, slots, &n, why));
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info = {0};
        char number[sizeof info.serialNumber + 1];
        if (token->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            (info.flags & CKF_TOKEN_INITIALIZED) == 0)
            continue;
        hsm_field(info.serialNumber, sizeof info.serialNumber, number);
        if (!p11_kit_uri_match_token_info(uri->parsed, &info) ||
            !p11_kit_uri_match_module_info(uri->parsed, &module) ||
            (serial != NULL && strcmp(serial, number) != 0))
            continue;
        if (found++ > 0)
            return why_say(why, ERR_HSM_TOKEN_AMBIGUOUS,
                           "the URI matches token \"%s\" with serial %s and one with serial %s",
                           token->label, token->serial, number);
        take_info(token, &info, &module);
        token->slot = slots[i];
    }
    if (found == 0)
        return why_say(why, ERR_HSM_TOKEN_NOT_FOUND, "none of the %lu tokens matches the URI%s%s",
                       n, serial != NULL ? " and has serial " : "", serial != NULL ? serial : "");
    return ERR_OK;
}

err_code hsm_token_open(struct hsm_token *token, const struct hsm_uri *uri, const char *serial,
                        struct why *why)
{
    err_code err;

    hsm_token_close(token);
    TRY(load(token, (const char *)uri->module.ptr, why));
    err = search(token, uri, serial, why);
    if (err != ERR_OK) {
        hsm_token_close(token);
        return err;
    }
    token->state = HSM_TOKEN_GOOD;
    return ERR_OK;
}

void hsm_token_close(struct hsm_token *token)
{
    if (token->f != NULL) {
        hsm_sides_rest(token);
        if (token->session != 0)
            (void)token->f->C_CloseSession(token->session);
        (void)p11_kit_module_finalize(token->f);
        p11_kit_module_release(token->f);
    }
    token->f = NULL;
    token->session = 0;
    token->logged_in = false;
    token->state = HSM_TOKEN_CLOSED;
}

/* ---- sessions and PINs ----------------------------------------------------------------------- */

err_code hsm_session_open(struct hsm_token *token, struct why *why)
{
    CK_RV rv;

    if (token->session != 0)
        return ERR_OK;
    rv = token->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                 &token->session);
    if (rv != CKR_OK)
        token->session = 0;
    return hsm_ckr(token, rv, "C_OpenSession", why);
}

static const char *who(CK_USER_TYPE user)
{
    return user == CKU_SO ? "security officer's" : "user";
}

/* The token says how its PIN stands before a try is spent on it. */
static err_code look_at_flags(struct hsm_token *token, CK_USER_TYPE user, struct why *why)
{
    CK_FLAGS last = user == CKU_SO ? CKF_SO_PIN_FINAL_TRY : CKF_USER_PIN_FINAL_TRY;
    CK_FLAGS locked = user == CKU_SO ? CKF_SO_PIN_LOCKED : CKF_USER_PIN_LOCKED;
    CK_TOKEN_INFO info = {0};

    TRY(hsm_ckr(token, token->f->C_GetTokenInfo(token->slot, &info), "C_GetTokenInfo", why));
    if (user == CKU_USER && (info.flags & CKF_USER_PIN_INITIALIZED) == 0)
        return why_say(why, ERR_HSM_PIN_MISSING, "token \"%s\" has no user PIN yet", token->label);
    if ((info.flags & locked) != 0)
        return why_say(why, ERR_HSM_PIN_LOCKED, "the %s PIN of token \"%s\" is locked", who(user),
                       token->label);
    if ((info.flags & last) != 0)
        return why_say(why, ERR_HSM_PIN_LAST_TRY, "the %s PIN of token \"%s\" has one try left",
                       who(user), token->label);
    return ERR_OK;
}

/* What is left of a PIN after the newline that file_read_secret() cut. */
static const char *odd_end(const struct buf *pin)
{
    uint8_t last = pin->len > 0 ? pin->ptr[pin->len - 1] : 0;

    return last == '\n' || last == '\r'  ? ", which ends in an empty line"
           : last == ' ' || last == '\t' ? ", which ends in a blank"
                                         : "";
}

/* The token's word on the tries that are left. */
static const char *tries_left(struct hsm_token *token, CK_USER_TYPE user)
{
    bool so = user == CKU_SO;
    CK_TOKEN_INFO info = {0};

    if (token->f->C_GetTokenInfo(token->slot, &info) != CKR_OK)
        return "";
    if ((info.flags & (so ? CKF_SO_PIN_LOCKED : CKF_USER_PIN_LOCKED)) != 0)
        return "; it is locked now (PIN_LOCKED)";
    if ((info.flags & (so ? CKF_SO_PIN_FINAL_TRY : CKF_USER_PIN_FINAL_TRY)) != 0)
        return "; one try is left (PIN_FINAL_TRY)";
    if ((info.flags & (so ? CKF_SO_PIN_COUNT_LOW : CKF_USER_PIN_COUNT_LOW)) != 0)
        return "; it counts wrong tries (PIN_COUNT_LOW)";
    return "";
}

/* A PIN and where it comes from. */
struct pin {
    CK_USER_TYPE user;
    const char *path;
    struct buf text;
};

static err_code login_result(struct hsm_token *token, const struct pin *pin, CK_RV rv,
                             struct why *why)
{
    CK_USER_TYPE user = pin->user;
    bool *refused = user == CKU_SO ? &token->so_pin_refused : &token->user_pin_refused;

    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
        token->logged_in = true;
        return ERR_OK;
    }
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE) {
        *refused = true;
        return why_foreign(why, ERR_HSM_PIN_WRONG, "CKR", rv,
                           "token \"%s\" refused the %s PIN in \"%s\"%s: %s (0x%lx)%s",
                           token->label, who(user), pin->path, odd_end(&pin->text),
                           p11_kit_strerror(rv), rv, tries_left(token, user));
    }
    if (rv == CKR_PIN_LOCKED) {
        *refused = true;
        return why_foreign(why, ERR_HSM_PIN_LOCKED, "CKR", rv, "token \"%s\": %s (0x%lx)",
                           token->label, p11_kit_strerror(rv), rv);
    }
    return hsm_ckr(token, rv, "C_Login", why);
}

static void pin_free(struct pin *pin)
{
    buf_free(&pin->text);
}

err_code hsm_login(struct hsm_token *token, CK_USER_TYPE user, const char *pin_path,
                   struct why *why)
{
    CLEANUP(pin_free) struct pin pin = {.user = user, .path = pin_path};
    CK_RV rv;

    if (pin_path == NULL || *pin_path == '\0')
        return why_say(why, ERR_HSM_PIN_MISSING, "no PIN file for token \"%s\"", token->label);
    if (user == CKU_SO ? token->so_pin_refused : token->user_pin_refused)
        return why_say(why, ERR_HSM_PIN_WRONG, "token \"%s\" refused the %s PIN in \"%s\" before",
                       token->label, who(user), pin_path);
    TRY(look_at_flags(token, user, why));
    TRY(file_read_secret(pin_path, &pin.text, why));
    if (pin.text.len == 0)
        return why_say(why, ERR_HSM_PIN_MISSING, "\"%s\" is empty", pin_path);
    TRY(hsm_session_open(token, why));
    rv = token->f->C_Login(token->session, user, pin.text.ptr, pin.text.len);
    return login_result(token, &pin, rv, why);
}

err_code hsm_sessions_close(struct hsm_token *token, bool logout, struct why *why)
{
    CK_RV left = CKR_OK, closed;

    if (token->session == 0)
        return ERR_OK;
    hsm_sides_rest(token);
    if (logout)
        left = token->f->C_Logout(token->session);
    closed = token->f->C_CloseAllSessions(token->slot); /* whatever logging out said */
    token->session = 0;
    token->logged_in = false;
    if (left != CKR_USER_NOT_LOGGED_IN)
        TRY(hsm_ckr(token, left, "C_Logout", why));
    return hsm_ckr(token, closed, "C_CloseAllSessions", why);
}
