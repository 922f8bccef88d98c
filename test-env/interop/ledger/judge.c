/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c: pawl's word on messages and receipts of other people's making, as a filter; for tests
 * only. Standard input holds questions of four fields, each with its length as four octets,
 * big-endian, before it: what is asked, a point of P-256, a COSE_Sign1, and
 *
 *     statement         the detached payload; empty: it is attached
 *     receipt-raw       the statement: its octets are the leaf entry, as in pawl's own ledger
 *     receipt-sha256    the statement: its SHA-256 is the leaf entry, as in scitt-cose's vectors
 *
 * RFC 9942 and RFC 9943 leave open what the leaf entry is, so a verifier has to be told. Each line
 * of standard output answers one: "good", for a receipt with leaf index and tree size, or the
 * name of the error and what it says.
 */
#include "gate/base/frame_testing.h"
#include "gate/ledger/receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHAT, POINT, MESSAGE, OTHER, N_FIELDS };

static err_code judge_statement(const struct hw_pubkey *key, struct slice bytes,
                                struct slice detached, struct why *why)
{
    struct hw_statement statement;
    struct cose_sign1 message;

    TRY(cose_sign1_parse(bytes, CBOR_FOREIGN, &message, why));
    TRY(cose_sign1_statement(&message, key, detached, &statement, why));
    return hw_verify_soft(&statement, why);
}

static err_code judge_receipt(const struct hw_pubkey *key, struct slice bytes, struct slice entry,
                              struct receipt *receipt, struct why *why)
{
    struct checkpoint checkpoint;

    TRY(receipt_parse(bytes, RECEIPT_FOREIGN, receipt, why));
    return receipt_verify(receipt, entry, key, &checkpoint, why);
}

static err_code judge(const struct buf field[static N_FIELDS], struct receipt *receipt,
                      struct why *why)
{
    struct slice what = buf_slice(&field[WHAT]), other = buf_slice(&field[OTHER]);
    struct hw_pubkey key = {.alg = HW_ES256};
    struct digest digest;

    if (field[POINT].len != 64)
        return why_say(why, ERR_KEY_MALFORMED, "a point of %zu bytes", field[POINT].len);
    memcpy(key.x, field[POINT].ptr, 32);
    memcpy(key.y, field[POINT].ptr + 32, 32);
    TRY(hw_pubkey_check(&key, why));
    if (slice_eq_str(what, "statement"))
        return judge_statement(&key, buf_slice(&field[MESSAGE]), other, why);
    if (slice_eq_str(what, "receipt-raw"))
        return judge_receipt(&key, buf_slice(&field[MESSAGE]), other, receipt, why);
    if (!slice_eq_str(what, "receipt-sha256"))
        return why_say(why, ERR_USAGE, "no such question");
    TRY(hash_sha256(other, &digest));
    return judge_receipt(&key, buf_slice(&field[MESSAGE]), digest_slice(&digest), receipt, why);
}

int main(void)
{
    static struct buf field[N_FIELDS];
    static struct receipt receipt;
    size_t n = 0;

    while (frame_next(&field[n])) {
        struct why why = {0};
        err_code err;

        if (++n < N_FIELDS)
            continue;
        n = 0;
        receipt = (struct receipt){0};
        err = judge(field, &receipt, &why);
        if (err != ERR_OK)
            printf("%s %s\n", err_name(err), why.text);
        else if (receipt.kind != RECEIPT_NONE)
            printf("good %" PRIu64 " %" PRIu64 "\n", receipt.leaf_index, receipt.tree_size);
        else
            printf("good\n");
    }
    for (n = 0; n < N_FIELDS; n++)
        buf_free(&field[n]);
    return 0;
}
