/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/root.h"

#include <string.h>

void hw_seal_free(struct hw_seal *seal)
{
    buf_free(&seal->statement);
    buf_free(&seal->sig);
    seal->kind = HW_SEAL_NONE;
}

void hw_root_close(struct hw_root **root)
{
    if (*root != NULL)
        (*root)->ops->close(*root);
    *root = NULL;
}

const struct hw_pubkey *hw_enrolment_device(const struct hw_enrolment *enrolment)
{
    return strcmp(enrolment->about.kind, "tpm") == 0 ? &enrolment->receipt : &enrolment->seal;
}

err_code hw_seal_binding(const struct hw_seal_head *head, struct digest *ret)
{
    uint8_t size[8], round[8], epoch[8];
    const struct slice parts[] = {
        SLICE_OF(size),
        SLICE_OF(round),
        digest_slice(&head->tree_root),
        digest_slice(&head->snapshot),
        SLICE_OF(epoch),
        digest_slice(&head->signer),
    };

    put_u64(size, head->tree_size);
    put_u64(round, head->round);
    put_u64(epoch, head->epoch);
    return hash_tagged("pawl-seal-v1", parts, sizeof parts / sizeof *parts, ret);
}
