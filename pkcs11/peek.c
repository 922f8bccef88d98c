/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/peek.h"

#include "pkcs11/internal.h"

static err_code look(struct hsm_token *token, struct hsm_peek *ret, struct why *why)
{
    struct hsm_root root = {.token = *token};
    CK_TOKEN_INFO info = {0};

    TRY(hsm_ckr(token, token->f->C_GetTokenInfo(token->slot, &info), "C_GetTokenInfo", why));
    hsm_describe(&root, &ret->about);
    ret->pin_low = (info.flags & CKF_USER_PIN_COUNT_LOW) != 0;
    ret->pin_last = (info.flags & CKF_USER_PIN_FINAL_TRY) != 0;
    ret->pin_locked = (info.flags & CKF_USER_PIN_LOCKED) != 0;
    return ERR_OK;
}

err_code hsm_peek(const char *uri, const char *serial, struct hsm_peek *ret, struct why *why)
{
    CLEANUP(hsm_uri_free) struct hsm_uri parsed = {0};
    CLEANUP(hsm_token_close) struct hsm_token token = {0};

    TRY(hsm_uri_parse(uri, &parsed, why));
    TRY(hsm_token_open(&token, &parsed, serial, why));
    return look(&token, ret, why);
}

err_code hsm_peek_pin_file(const char *uri, struct buf *ret, struct why *why)
{
    CLEANUP(hsm_uri_free) struct hsm_uri parsed = {0};

    TRY(hsm_uri_parse(uri, &parsed, why));
    if (parsed.pin.len == 0)
        return ERR_OK;
    TRY(buf_add_slice(ret, buf_slice(&parsed.pin)));
    return buf_terminate(ret);
}
