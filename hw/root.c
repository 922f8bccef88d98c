/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/root.h"

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

err_code hw_seal_binding(uint64_t tree_size, const struct digest *tree_root,
                         const struct digest *snapshot, uint64_t epoch, struct digest *ret)
{
    uint8_t size[8], number[8];
    struct slice parts[4];

    put_u64(size, tree_size);
    put_u64(number, epoch);
    parts[0] = SLICE_OF(size);
    parts[1] = digest_slice(tree_root);
    parts[2] = digest_slice(snapshot);
    parts[3] = SLICE_OF(number);
    return hash_tagged("pawl-seal-v1", parts, 4, ret);
}
