/* SPDX-License-Identifier: Apache-2.0 */
/* head_object.c: the data objects with the last heads. */
#include "gate/base/text.h"
#include "pkcs11/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION "pawl"

static const char VALUE[] = "pawl-head-object-v1";

static void label_of(const struct hsm_space *space, char ret[static HSM_LABEL_MAX])
{
    (void)snprintf(ret, HSM_LABEL_MAX, "%s:head:%016" PRIx64, space->prefix, get_u64(space->id));
}

static err_code value_write(const struct hsm_space *space, const struct hw_head_record *record,
                            uint8_t ret[static HSM_HEAD_VALUE_LEN])
{
    memcpy(ret, space->root.bytes, SHA256_LEN);
    TRY(hw_head_record_write(record, ret + SHA256_LEN));
    return hw_head_check_put(VALUE, ret, HSM_HEAD_VALUE_LEN);
}

/* FORMAT: nothing that was written whole. */
static err_code value_read(const struct hsm_root *root, struct slice value,
                           struct hw_head_record *ret, struct why *why)
{
    const struct digest *ours = &root->space.root;
    char got[DIGEST_TEXT], want[DIGEST_TEXT];
    struct digest theirs;

    if (value.len != HSM_HEAD_VALUE_LEN || hw_head_check_see(VALUE, value) != ERR_OK)
        return ERR_FORMAT;
    memcpy(theirs.bytes, value.ptr, SHA256_LEN);
    if (digest_eq(&theirs, ours))
        return hw_head_record_read(slice_part(value, SHA256_LEN, HW_HEAD_RECORD_LEN), ret);
    digest_text(&theirs, got);
    digest_text(ours, want);
    return why_say(why, ERR_HEAD_FOREIGN,
                   "an object %s:head on token \"%s\" is of root metadata 1 %s, this gate's is %s",
                   root->space.prefix, root->token.label, got, want);
}

/* A broken object (the token was switched off while it wrote) sorts behind the whole ones. */
static void insert(struct hsm_head_found *found, CK_OBJECT_HANDLE object, bool whole,
                   const struct hw_head_record *record)
{
    size_t at = found->n;

    if (whole) {
        at = 0;
        while (at < found->whole && found->record[at].head.round >= record->head.round)
            at++;
        memmove(&found->object[at + 1], &found->object[at],
                (found->n - at) * sizeof *found->object);
        memmove(&found->record[at + 1], &found->record[at],
                (found->n - at) * sizeof *found->record);
        found->whole++;
    }
    found->object[at] = object;
    found->record[at] = whole ? *record : (struct hw_head_record){0};
    found->n++;
}

err_code hsm_head_objects(struct hsm_root *root, struct hsm_head_found *ret, struct why *why)
{
    CLEANUP(hsm_found_free) struct hsm_found found = {0};
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char label[HSM_LABEL_MAX];
    CK_ATTRIBUTE wanted[] = {
        HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_TOKEN, yes), {CKA_LABEL, label, 0}};

    label_of(&root->space, label);
    wanted[2].ulValueLen = strlen(label);
    *ret = (struct hsm_head_found){0};
    TRY(hsm_find(&root->token, wanted, HSM_N(wanted), &found, why));
    if (found.n >= HSM_N(ret->object))
        return why_say(why, ERR_TOO_LARGE, "%zu objects %s on token \"%s\"", found.n, label,
                       root->token.label);
    for (size_t i = 0; i < found.n; i++) {
        uint8_t space[HSM_HEAD_VALUE_LEN + 1];
        struct hw_head_record record = {0};
        struct slice value = {0};
        err_code err = hsm_attribute(&root->token, found.handles[i], CKA_VALUE, &value, space,
                                     sizeof space, why);

        if (err == ERR_OK)
            err = value_read(root, value, &record, why);
        if (err != ERR_OK && err != ERR_NOT_FOUND && err != ERR_FORMAT)
            return err;
        insert(ret, found.handles[i], err == ERR_OK, &record);
    }
    return ERR_OK;
}

static err_code create(struct hsm_root *root, uint8_t *octets, CK_OBJECT_HANDLE *ret,
                       struct why *why)
{
    struct hsm_token *token = &root->token;
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char application[] = APPLICATION, label[HSM_LABEL_MAX];
    CK_ATTRIBUTE template[] = {
        HSM_ATTR(CKA_CLASS, class), HSM_ATTR(CKA_TOKEN, yes),
        HSM_ATTR(CKA_PRIVATE, yes), {CKA_APPLICATION, application, strlen(application)},
        {CKA_LABEL, label, 0},      {CKA_VALUE, octets, HSM_HEAD_VALUE_LEN}};
    CK_OBJECT_HANDLE object = 0;
    CK_RV rv;

    label_of(&root->space, label);
    template[4].ulValueLen = strlen(label);
    rv = token->f->C_CreateObject(token->session, template, HSM_N(template), &object);
    if (rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
        rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED)
        return why_foreign(why, ERR_UNSUPPORTED, "CKR", rv,
                           "token \"%s\" takes no private data objects, which are to keep the "
                           "ledger's head: %s (0x%lx)",
                           token->label, p11_kit_strerror(rv), rv);
    if (rv == CKR_DEVICE_MEMORY)
        return why_foreign(why, ERR_NV_SPACE, "CKR", rv,
                           "token \"%s\" has no room for the objects that are to keep the "
                           "ledger's head",
                           token->label);
    TRY(hsm_ckr(token, rv, "C_CreateObject", why));
    *ret = object;
    return ERR_OK;
}

err_code hsm_head_object_put(struct hsm_root *root, const struct hw_head_record *record,
                             CK_OBJECT_HANDLE *object, struct why *why)
{
    struct hsm_token *token = &root->token;
    CK_OBJECT_HANDLE old = *object;
    uint8_t octets[HSM_HEAD_VALUE_LEN];
    CK_ATTRIBUTE value = {CKA_VALUE, octets, sizeof octets};
    CK_RV rv = CKR_ATTRIBUTE_READ_ONLY;

    TRY(value_write(&root->space, record, octets));
    if (old != 0)
        rv = token->f->C_SetAttributeValue(token->session, old, &value, 1);
    if (rv != CKR_ATTRIBUTE_READ_ONLY && rv != CKR_ACTION_PROHIBITED &&
        rv != CKR_FUNCTION_NOT_SUPPORTED)
        return hsm_ckr(token, rv, "C_SetAttributeValue", why);
    TRY(create(root, octets, object, why));
    return old != 0 ? hsm_destroy(token, old, why) : ERR_OK;
}
