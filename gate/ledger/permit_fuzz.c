/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the parser: p for a permit, r for a receipt of ours, d for disclosures,
 * s for what lies beside a checkpoint, else a foreign receipt. A permit that parses can be put
 * together again from its parts, octet for octet. */
#include "gate/ledger/permit.h"

#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void permit(struct slice bytes, struct permit *permit)
{
    CLEANUP(buf_free) struct buf again = {0};
    CLEANUP(hw_seal_free) struct hw_seal seal = {0};
    struct permit_parts parts = {.seal = &seal};

    if (permit_parse(bytes, permit, NULL) != ERR_OK)
        return;
    seal.kind = permit->seal.kind;
    parts.record = buf_slice(&permit->entry);
    parts.receipt = permit->receipt.message.raw;
    parts.rotation = permit->rotation_entry;
    parts.disclosures = permit->disclosed;
    if (buf_add_slice(&seal.statement, permit->seal.statement) != ERR_OK ||
        buf_add_slice(&seal.sig, permit->seal.sig) != ERR_OK ||
        permit_make(&parts, &again, NULL) != ERR_OK || !slice_eq(buf_slice(&again), bytes))
        abort();
}

static void receipt(struct slice bytes, enum receipt_rules rules)
{
    struct hw_pubkey key = {.alg = HW_ES256};
    struct hw_statement statement;
    struct checkpoint head = {0};
    struct receipt got;

    if (receipt_parse(bytes, rules, &got, NULL) != ERR_OK)
        return;
    got.kid = (struct slice){0};
    (void)receipt_statement(&got, bytes, &key, &head, &statement, NULL);
}

static void disclosures(struct slice bytes)
{
    struct record_disclosures got;
    struct record empty = {.kind = RECORD_STOP};

    if (record_disclosures_parse(bytes, &got, NULL) == ERR_OK &&
        (got.n == 0 || record_disclosures_check(&empty, &got, NULL) == ERR_OK))
        abort();
}

static void sealed(struct slice bytes)
{
    struct sealed got;

    (void)sealed_parse(bytes, &got, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct permit *space = size == 0 ? NULL : calloc(1, sizeof *space);
    struct slice bytes = {data, size};

    if (space == NULL)
        return 0;
    bytes = slice_part(bytes, 1, size - 1);
    if (data[0] == 'p')
        permit(bytes, space);
    else if (data[0] == 'd')
        disclosures(bytes);
    else if (data[0] == 's')
        sealed(bytes);
    else
        receipt(bytes, data[0] == 'r' ? RECEIPT_OWN : RECEIPT_FOREIGN);
    permit_free(space);
    free(space);
    return 0;
}
