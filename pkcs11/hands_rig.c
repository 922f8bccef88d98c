/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/hands_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void hands_on(struct hands *h, const struct rig *rig, CK_USER_TYPE user)
{
    struct why why = {0};

    *h = (struct hands){0};
    expect_err(hsm_uri_parse(rig->uri, &h->uri, &why), ERR_OK);
    expect_err(hsm_token_open(&h->token, &h->uri, NULL, &why), ERR_OK);
    expect_err(hsm_login(&h->token, user, user == CKU_SO ? rig->hsm.so_pin : rig->hsm.pin, &why),
               ERR_OK);
    expect_err(hsm_space_of(rig->owner, &h->space, &why), ERR_OK);
}

void hands_off(struct hands *h)
{
    hsm_token_close(&h->token);
    hsm_uri_free(&h->uri);
}

CK_OBJECT_HANDLE hands_epoch_key(struct hands *h, uint64_t epoch)
{
    struct hsm_key keys[8];
    struct why why = {0};
    size_t n = 0;

    expect_err(hsm_epoch_keys(&h->token, &h->space, keys, HSM_N(keys), &n, &why), ERR_OK);
    for (size_t i = 0; i < n; i++)
        if (keys[i].epoch == epoch)
            return keys[i].handle;
    return 0;
}

CK_RV hands_set_flag(struct hands *h, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                     CK_BBOOL value)
{
    CK_ATTRIBUTE change = HSM_ATTR(type, value);

    return h->token.f->C_SetAttributeValue(h->token.session, object, &change, 1);
}

CK_RV hands_copy(struct hands *h, CK_OBJECT_HANDLE object)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE same = HSM_ATTR(CKA_TOKEN, yes), more = HSM_ATTR(CKA_EXTRACTABLE, yes);
    CK_OBJECT_HANDLE copied;

    assert_int_not_equal(h->token.f->C_CopyObject(h->token.session, object, &more, 1, &copied),
                         CKR_OK);
    return h->token.f->C_CopyObject(h->token.session, object, &same, 1, &copied);
}

CK_RV hands_sign_init(struct hands *h, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {type, NULL, 0};

    return h->token.f->C_SignInit(h->token.session, &mechanism, key);
}
