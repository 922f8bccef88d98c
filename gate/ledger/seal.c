/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/seal.h"

#include <inttypes.h>

static const struct {
    enum hw_seal_kind kind;
    const char *name;
} SEALS[] = {
    {HW_SEAL_TPM_CERTIFY, "tpm-certify"},
    {HW_SEAL_EPOCH_CHAIN, "epoch-chain"},
    {HW_SEAL_FAKE, "fake"},
};

err_code seal_put(struct cbor_writer *w, const struct hw_seal *seal)
{
    const char *name = NULL;

    for (size_t i = 0; i < sizeof SEALS / sizeof *SEALS; i++)
        if (SEALS[i].kind == seal->kind)
            name = SEALS[i].name;
    if (name == NULL)
        return ERR_INTERNAL;
    cbor_put_map(w, 3);
    cbor_put_text(w, "kind");
    cbor_put_text(w, name);
    cbor_put_text(w, "signature");
    cbor_put_bytes(w, buf_slice(&seal->sig));
    cbor_put_text(w, "statement");
    cbor_put_bytes(w, buf_slice(&seal->statement));
    return ERR_OK;
}

err_code seal_get(struct cbor_reader *r, struct seal *ret)
{
    struct cbor_map map = cbor_open_map(r);
    struct seal seal = {0};
    struct slice kind;

    cbor_need(&map, "kind");
    kind = cbor_get_text(r);
    cbor_need(&map, "signature");
    seal.sig = cbor_get_bytes(r);
    cbor_need(&map, "statement");
    seal.statement = cbor_get_bytes(r);
    cbor_close_map(&map);
    if (seal.sig.len > SEAL_PART_MAX || seal.statement.len > SEAL_PART_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < sizeof SEALS / sizeof *SEALS; i++)
        if (slice_eq_str(kind, SEALS[i].name))
            seal.kind = SEALS[i].kind;
    if (seal.kind == HW_SEAL_NONE || r->err != ERR_OK)
        return seal.kind == HW_SEAL_NONE ? ERR_FORMAT : r->err;
    *ret = seal;
    return ERR_OK;
}

/* ---- the file beside a checkpoint ------------------------------------------------------------ */

static err_code read_sealed(struct slice bytes, struct sealed *ret, struct slice *ret_receipt)
{
    struct cbor_reader r = cbor_read(bytes, CBOR_DETERMINISTIC);
    struct cbor_map map = cbor_open_map(&r);

    if (cbor_key(&map, "seal"))
        TRY(seal_get(&r, &ret->seal));
    cbor_need(&map, "receipt");
    *ret_receipt = cbor_get_bytes(&r);
    cbor_close_map(&map);
    return cbor_done(&r);
}

static err_code parse(struct slice bytes, struct x509_known *known, struct sealed *ret,
                      struct why *why)
{
    struct slice receipt;
    err_code err;

    if (bytes.len > SEALED_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a sealed head has %zu bytes, the limit is %zu",
                       bytes.len, SEALED_SIZE_MAX);
    err = read_sealed(bytes, ret, &receipt);
    if (err != ERR_OK)
        return why_say(why, err, "not a sealed head as docs/ledger.cddl says");
    TRY(known != NULL ? receipt_parse_known(receipt, known, &ret->receipt, why)
                      : receipt_parse(receipt, RECEIPT_OWN, &ret->receipt, why));
    if (ret->receipt.leaf_index + 1 != ret->receipt.tree_size)
        return why_say(why, ERR_FORMAT,
                       "the receipt of a sealed head is for entry %" PRIu64 " of %" PRIu64
                       ", not for the last",
                       ret->receipt.leaf_index, ret->receipt.tree_size);
    return ERR_OK;
}

err_code sealed_make_known(struct slice receipt, const struct hw_seal *seal,
                           struct x509_known *known, struct buf *ret, struct why *why)
{
    bool has_seal = seal->kind != HW_SEAL_NONE;
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);
    struct sealed check = {0};

    cbor_put_map(&w, has_seal ? 2 : 1);
    if (has_seal) {
        cbor_put_text(&w, "seal");
        TRY(seal_put(&w, seal));
    }
    cbor_put_text(&w, "receipt");
    cbor_put_bytes(&w, receipt);
    TRY(cbor_written(&w));
    TRY(parse(buf_slice(&out), known, &check, why));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code sealed_make(struct slice receipt, const struct hw_seal *seal, struct buf *ret,
                     struct why *why)
{
    return sealed_make_known(receipt, seal, NULL, ret, why);
}

err_code sealed_parse(struct slice bytes, struct sealed *ret, struct why *why)
{
    err_code err;

    *ret = (struct sealed){0};
    err = parse(bytes, NULL, ret, why);
    if (err != ERR_OK)
        *ret = (struct sealed){0};
    return err;
}
