/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ledger/receipt.h"
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"

#include <inttypes.h>

#define VDS_RFC9162_SHA256 1
#define PROOF_INCLUSION (-1)
#define PROOF_CONSISTENCY (-2)
#define LABEL_SIZE "pawl-size"
#define LABEL_EPOCH "pawl-epoch"
#define LABEL_ROUND "pawl-round"
#define LABEL_SIGNER "pawl-signer"
#define LABEL_SNAPSHOT "pawl-snapshot"
#define LABEL_SIMULATED "pawl-simulated"

/* ---- writing --------------------------------------------------------------------------------- */

void receipt_draft_free(struct receipt_draft *draft)
{
    buf_free(&draft->protected_);
    buf_free(&draft->x5chain);
    *draft = (struct receipt_draft){0};
}

/* The pairs that pawl adds to the header: each key and value encoded in a buffer of its own. */
#define PAIRS 7

struct pairs {
    struct buf key[PAIRS], value[PAIRS];
    struct cose_pair all[PAIRS];
    size_t n;
};

static void pairs_free(struct pairs *pairs)
{
    for (size_t i = 0; i < PAIRS; i++) {
        buf_free(&pairs->key[i]);
        buf_free(&pairs->value[i]);
    }
}

/* Begins a pair: the caller writes its value, then calls pair_end(). */
static struct cbor_writer pair_begin(struct pairs *pairs, const char *label)
{
    struct cbor_writer w = cbor_write(&pairs->key[pairs->n]);

    if (label == NULL)
        cbor_put_int(&w, COSE_VDS);
    else
        cbor_put_text(&w, label);
    if (cbor_written(&w) != ERR_OK)
        return w; /* its failure sticks, and fails pair_end() */
    return cbor_write(&pairs->value[pairs->n]);
}

static err_code pair_end(struct pairs *pairs, const struct cbor_writer *w)
{
    size_t n = pairs->n;

    TRY(cbor_written(w));
    pairs->all[n] = (struct cose_pair){buf_slice(&pairs->key[n]), buf_slice(&pairs->value[n])};
    pairs->n++;
    return ERR_OK;
}

static err_code write_protected(const struct hw_pubkey *key, const struct receipt_head *head,
                                struct buf *ret)
{
    CLEANUP(pairs_free) struct pairs pairs = {0};
    struct cose_header_spec spec = {.extra = pairs.all};
    struct cbor_writer w = pair_begin(&pairs, NULL);

    cbor_put_uint(&w, VDS_RFC9162_SHA256);
    TRY(pair_end(&pairs, &w));
    w = pair_begin(&pairs, LABEL_SIZE);
    cbor_put_uint(&w, head->checkpoint.size);
    TRY(pair_end(&pairs, &w));
    w = pair_begin(&pairs, LABEL_EPOCH);
    cbor_put_uint(&w, head->epoch);
    TRY(pair_end(&pairs, &w));
    w = pair_begin(&pairs, LABEL_ROUND);
    cbor_put_uint(&w, head->round);
    TRY(pair_end(&pairs, &w));
    w = pair_begin(&pairs, LABEL_SIGNER);
    cbor_put_bytes(&w, digest_slice(&head->signer));
    TRY(pair_end(&pairs, &w));
    w = pair_begin(&pairs, LABEL_SNAPSHOT);
    cbor_put_bytes(&w, digest_slice(&head->snapshot));
    TRY(pair_end(&pairs, &w));
    if (head->simulated) {
        w = pair_begin(&pairs, LABEL_SIMULATED);
        cbor_put_bool(&w, true);
        TRY(pair_end(&pairs, &w));
    }
    spec.n_extra = pairs.n;
    spec.claims.iss = head->issuer;
    spec.claims.sub = slice_str(RECEIPT_SUB);
    spec.claims.has_iat = true;
    spec.claims.iat = head->iat;
    return cose_protected_make(key, &spec, ret);
}

/* The certificates are beside the signature and prove nothing by themselves. What ties them to it
 * is that the first one is of the key that the protected kid names. */
static err_code leaf_of(const struct x509_chain *chain, struct digest *ret, struct why *why)
{
    struct hw_pubkey key;

    TRY(x509_key(chain->certs[0], &key, why));
    return cose_key_thumbprint(&key, ret);
}

static err_code check_leaf(const struct digest *leaf, struct slice kid, struct why *why)
{
    if (slice_eq(digest_slice(leaf), kid))
        return ERR_OK;
    return why_say(why, ERR_CERT_CHAIN, "a receipt's certificate is not of the key that signed it");
}

static err_code write_chain(const struct hw_pubkey *key, const struct receipt_head *head,
                            struct buf *ret, struct why *why)
{
    struct digest kid, leaf;

    if (head->chain.n == 0)
        return ERR_OK;
    TRY(cose_key_thumbprint(key, &kid));
    TRY(x509_chain_encode(&head->chain, ret));
    if (head->known == NULL) {
        TRY(leaf_of(&head->chain, &leaf, why));
    } else {
        TRY(x509_known_decode(buf_slice(ret), head->known, why));
        leaf = head->known->thumbprint;
    }
    return check_leaf(&leaf, digest_slice(&kid), why);
}

err_code receipt_prepare(const struct hw_pubkey *key, const struct receipt_head *head,
                         struct receipt_draft *ret, struct why *why)
{
    CLEANUP(receipt_draft_free) struct receipt_draft draft = {.checkpoint = head->checkpoint};
    CLEANUP(buf_free) struct buf tbs = {0};

    if (key->alg != HW_ES256)
        return why_say(why, ERR_COSE_ALG, "a receipt must be signed with ES256, not with %s",
                       hw_alg_name(key->alg));
    if (head->checkpoint.size < 2)
        return why_say(why, ERR_INTERNAL, "a receipt for a ledger of %" PRIu64 " entries",
                       head->checkpoint.size);
    TRY(write_protected(key, head, &draft.protected_));
    TRY(write_chain(key, head, &draft.x5chain, why));
    TRY(cose_sign1_tbs(buf_slice(&draft.protected_), (struct slice){0},
                       digest_slice(&draft.checkpoint.root), &tbs));
    TRY(hash_sha256(buf_slice(&tbs), &draft.tbs));
    *ret = draft;
    draft = (struct receipt_draft){0};
    return ERR_OK;
}

/* Of inclusion: the tree's size and the entry's index; of consistency: both sizes. */
static err_code write_proof(const uint64_t numbers[static 2], const struct tree_path *path,
                            struct buf *ret)
{
    struct cbor_writer w = cbor_write(ret);

    cbor_put_array(&w, 3);
    cbor_put_uint(&w, numbers[0]);
    cbor_put_uint(&w, numbers[1]);
    cbor_put_array(&w, path->n);
    for (size_t i = 0; i < path->n; i++)
        cbor_put_bytes(&w, digest_slice(&path->hashes[i]));
    return cbor_written(&w);
}

/* A signed head, and the way of an entry or of an earlier head to it. */
struct assembly {
    struct slice protected_, sig, x5chain;
    int64_t proof;
    uint64_t numbers[2];
};

static err_code assemble(const struct assembly *parts, const struct tree_path *path,
                         struct buf *ret)
{
    CLEANUP(buf_free) struct buf proof = {0}, unprotected = {0};
    struct cbor_writer w = cbor_write(&unprotected);

    if (path->n == 0 || path->n > TREE_PATH_MAX)
        return ERR_INTERNAL;
    TRY(write_proof(parts->numbers, path, &proof));
    cbor_put_map(&w, parts->x5chain.len > 0 ? 2 : 1);
    if (parts->x5chain.len > 0) {
        cbor_put_int(&w, COSE_X5CHAIN);
        cbor_put_item(&w, parts->x5chain);
    }
    cbor_put_int(&w, COSE_VDP);
    cbor_put_map(&w, 1);
    cbor_put_int(&w, parts->proof);
    cbor_put_array(&w, 1);
    cbor_put_bytes(&w, buf_slice(&proof));
    TRY(cbor_written(&w));
    return cose_sign1_assemble(parts->protected_, buf_slice(&unprotected), (struct slice){0}, true,
                               parts->sig, ret);
}

err_code receipt_finish(const struct receipt_draft *draft, uint64_t leaf_index,
                        const struct tree_path *path, const uint8_t sig[static 64], struct buf *ret)
{
    const struct assembly parts = {buf_slice(&draft->protected_),
                                   {sig, 64},
                                   buf_slice(&draft->x5chain),
                                   PROOF_INCLUSION,
                                   {draft->checkpoint.size, leaf_index}};

    return assemble(&parts, path, ret);
}

/* The hardware's signature, with another proof. */
static err_code again(const struct receipt *receipt, int64_t proof,
                      const uint64_t numbers[static 2], const struct tree_path *path,
                      struct buf *ret)
{
    const struct assembly parts = {
        receipt->message.protected_,
        receipt->message.signature,
        cose_header_find(receipt->message.headers.unprotected, COSE_X5CHAIN),
        proof,
        {numbers[0], numbers[1]}};

    return assemble(&parts, path, ret);
}

err_code receipt_again(const struct receipt *receipt, uint64_t leaf_index,
                       const struct tree_path *path, struct buf *ret)
{
    const uint64_t numbers[] = {receipt->tree_size, leaf_index};

    return leaf_index < receipt->tree_size ? again(receipt, PROOF_INCLUSION, numbers, path, ret)
                                           : ERR_FORMAT;
}

err_code receipt_continues(const struct receipt *receipt, uint64_t earlier,
                           const struct tree_path *path, struct buf *ret)
{
    const uint64_t numbers[] = {earlier, receipt->tree_size};

    return earlier > 0 && earlier < receipt->tree_size
               ? again(receipt, PROOF_CONSISTENCY, numbers, path, ret)
               : ERR_FORMAT;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The signed number that says how to read the proofs. It counts only under protection. */
static err_code check_vds(const struct cose_sign1 *message, struct why *why)
{
    struct cbor_reader r = {.rest = cose_header_find(message->headers.protected_map, COSE_VDS)};
    int64_t vds;

    if (r.rest.len == 0)
        return why_say(why, ERR_FORMAT, "a receipt without vds (395) in its protected header");
    vds = cbor_get_int(&r);
    if (cbor_done(&r) != ERR_OK)
        return why_say(why, ERR_FORMAT, "a receipt's vds (395) is not a number");
    if (vds != VDS_RFC9162_SHA256)
        return why_say(why, ERR_UNSUPPORTED,
                       "a receipt of verifiable data structure %" PRId64
                       ", only 1 (RFC9162_SHA256) is read",
                       vds);
    return ERR_OK;
}

/* pawl's own header, label by label in its deterministic order. */
static err_code read_own_protected(struct receipt *receipt, uint64_t *ret_size)
{
    struct cbor_reader r = {.rest = receipt->message.headers.protected_map};
    struct cbor_map map = cbor_open_map(&r), claims;
    struct digest kid;

    if (!cbor_key_int(&map, COSE_ALG))
        return ERR_FORMAT;
    (void)cbor_get_item(&r);
    if (!cbor_key_int(&map, COSE_KID))
        return ERR_FORMAT;
    cbor_get_digest(&r, &kid);
    if (!cbor_key_int(&map, COSE_CWT_CLAIMS))
        return ERR_FORMAT;
    claims = cbor_open_map(&r);
    for (int64_t claim = 1; claim <= 6; claim += claim == 1 ? 1 : 4) { /* iss, sub, iat */
        if (!cbor_key_int(&claims, claim))
            return ERR_FORMAT;
        (void)cbor_get_item(&r);
    }
    cbor_close_map(&claims);
    if (!cbor_key_int(&map, COSE_VDS))
        return ERR_FORMAT;
    (void)cbor_get_item(&r);
    cbor_need(&map, LABEL_SIZE);
    *ret_size = cbor_get_uint(&r);
    cbor_need(&map, LABEL_EPOCH);
    receipt->epoch = cbor_get_uint(&r);
    cbor_need(&map, LABEL_ROUND);
    receipt->round = cbor_get_uint(&r);
    cbor_need(&map, LABEL_SIGNER);
    cbor_get_digest(&r, &receipt->signer);
    cbor_need(&map, LABEL_SNAPSHOT);
    cbor_get_digest(&r, &receipt->snapshot);
    if (cbor_key(&map, LABEL_SIMULATED)) {
        receipt->simulated = cbor_get_bool(&r);
        if (!receipt->simulated) /* one way only to say that it is not */
            return ERR_FORMAT;
    }
    cbor_close_map(&map);
    return cbor_done(&r);
}

static err_code check_own(struct receipt *receipt, uint64_t *ret_size, struct why *why)
{
    const struct cose_headers *h = &receipt->message.headers;

    if (h->alg != cose_alg_value(HW_ES256))
        return why_say(why, ERR_COSE_ALG,
                       "a receipt signed with algorithm %" PRId64 ", not ES256 (-7)", h->alg);
    if (read_own_protected(receipt, ret_size) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "a receipt's protected header is not as docs/ledger.cddl says");
    if (h->claims.iss.len == 0 || !slice_eq_str(h->claims.sub, RECEIPT_SUB) || h->claims.iat < 0 ||
        h->claims.iat > RECEIPT_TIME_MAX)
        return why_say(why, ERR_FORMAT, "a receipt's claims are not as docs/ledger.cddl says");
    if (receipt->message.signature.len != 64)
        return why_say(why, ERR_SIGNATURE_INVALID, "a receipt's signature has %zu bytes, not 64",
                       receipt->message.signature.len);
    receipt->iat = h->claims.iat;
    return ERR_OK;
}

/* The one proof that a receipt holds: unprotected {396: {-1 or -2: [bstr]}}. */
static err_code find_proof(struct receipt *receipt, enum receipt_rules rules, struct slice *ret)
{
    struct cbor_reader outer = {.rest = receipt->message.headers.unprotected};
    struct cbor_reader r = {.rest = cose_header_find(outer.rest, COSE_VDP)};
    struct cbor_map map;

    size_t labels = cose_header_find(outer.rest, COSE_X5CHAIN).len > 0 ? 2 : 1;

    if (r.rest.len == 0 || (rules == RECEIPT_OWN && cbor_get_map(&outer) != labels))
        return ERR_FORMAT;
    map = cbor_open_map(&r);
    if (cbor_key_int(&map, PROOF_INCLUSION))
        receipt->kind = RECEIPT_INCLUSION;
    else if (rules == RECEIPT_FOREIGN && cbor_key_int(&map, PROOF_CONSISTENCY))
        receipt->kind = RECEIPT_CONSISTENCY;
    else
        return ERR_FORMAT;
    if (cbor_get_array(&r) != 1)
        return ERR_FORMAT;
    *ret = cbor_get_bytes(&r);
    cbor_close_map(&map);
    return cbor_done(&r);
}

static err_code read_proof(struct receipt *receipt, enum receipt_rules rules)
{
    struct cbor_reader r;
    struct slice proof;
    uint64_t place;

    TRY(find_proof(receipt, rules, &proof));
    r = cbor_read(proof, rules == RECEIPT_OWN ? CBOR_DETERMINISTIC : CBOR_FOREIGN);
    if (cbor_get_array(&r) != 3)
        return ERR_FORMAT;
    receipt->tree_size = cbor_get_uint(&r);
    place = cbor_get_uint(&r);
    if (receipt->kind == RECEIPT_CONSISTENCY) { /* the earlier size stands first */
        receipt->earlier_size = receipt->tree_size;
        receipt->tree_size = place;
    } else {
        receipt->leaf_index = place;
    }
    receipt->path.n = cbor_get_array(&r);
    if (receipt->path.n == 0 || receipt->path.n > TREE_PATH_MAX)
        return ERR_FORMAT;
    for (size_t i = 0; i < receipt->path.n; i++)
        cbor_get_digest(&r, &receipt->path.hashes[i]);
    return cbor_done(&r);
}

/* Somebody else's certificates are for whoever knows that log. */
static err_code read_chain(struct receipt *receipt, struct x509_known *known, struct why *why)
{
    struct slice item = cose_header_find(receipt->message.headers.unprotected, COSE_X5CHAIN);
    struct digest leaf;

    if (receipt->rules == RECEIPT_FOREIGN || item.len == 0)
        return ERR_OK;
    if (known == NULL) {
        TRY(x509_chain_decode(item, &receipt->chain, why));
        TRY(leaf_of(&receipt->chain, &leaf, why));
    } else {
        TRY(x509_known_decode(item, known, why));
        receipt->chain = known->chain;
        leaf = known->thumbprint;
    }
    return check_leaf(&leaf, receipt->kid, why);
}

static err_code check_place(const struct receipt *receipt, struct why *why)
{
    if (receipt->kind == RECEIPT_INCLUSION && receipt->leaf_index >= receipt->tree_size)
        return why_say(why, ERR_FORMAT, "a receipt for entry %" PRIu64 " of a ledger of %" PRIu64,
                       receipt->leaf_index, receipt->tree_size);
    if (receipt->kind == RECEIPT_CONSISTENCY &&
        (receipt->earlier_size == 0 || receipt->earlier_size > receipt->tree_size))
        return why_say(why, ERR_FORMAT, "a receipt from size %" PRIu64 " to size %" PRIu64,
                       receipt->earlier_size, receipt->tree_size);
    return ERR_OK;
}

static err_code parse(struct slice bytes, enum receipt_rules rules, struct x509_known *known,
                      struct receipt *ret, struct why *why)
{
    enum cbor_rules encoding = rules == RECEIPT_OWN ? CBOR_DETERMINISTIC : CBOR_FOREIGN;
    uint64_t signed_size = 0;

    ret->rules = rules;
    if (bytes.len > RECEIPT_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a receipt has %zu bytes, the limit is %d", bytes.len,
                       RECEIPT_SIZE_MAX);
    TRY(cose_sign1_parse(bytes, encoding, &ret->message, why));
    if (!ret->message.detached)
        return why_say(why, ERR_FORMAT, "a receipt carries its root, which belongs outside");
    TRY(check_vds(&ret->message, why));
    if (rules == RECEIPT_OWN)
        TRY(check_own(ret, &signed_size, why));
    ret->issuer = ret->message.headers.claims.iss;
    ret->kid = ret->message.headers.kid;
    if (read_proof(ret, rules) != ERR_OK)
        return why_say(why, ERR_FORMAT, "a receipt's proof is not one of RFC 9942 5");
    TRY(read_chain(ret, known, why));
    if (rules == RECEIPT_OWN && ret->tree_size != signed_size)
        return why_say(why, ERR_FORMAT,
                       "a receipt's proof is for %" PRIu64 " entries, its signature for %" PRIu64,
                       ret->tree_size, signed_size);
    return check_place(ret, why);
}

static err_code parse_whole(struct slice bytes, enum receipt_rules rules, struct x509_known *known,
                            struct receipt *ret, struct why *why)
{
    err_code err;

    *ret = (struct receipt){0};
    err = parse(bytes, rules, known, ret, why);
    if (err != ERR_OK)
        *ret = (struct receipt){0};
    return err;
}

err_code receipt_parse(struct slice bytes, enum receipt_rules rules, struct receipt *ret,
                       struct why *why)
{
    return parse_whole(bytes, rules, NULL, ret, why);
}

err_code receipt_parse_known(struct slice bytes, struct x509_known *known, struct receipt *ret,
                             struct why *why)
{
    return parse_whole(bytes, RECEIPT_OWN, known, ret, why);
}

/* ---- judging --------------------------------------------------------------------------------- */

static err_code check_signer(const struct receipt *receipt, const struct hw_pubkey *key,
                             struct why *why)
{
    char want[DIGEST_TEXT], got[2 * SHA256_LEN + 1];
    struct digest kid;

    if (receipt->rules == RECEIPT_FOREIGN)
        return ERR_OK;
    TRY(cose_key_thumbprint(key, &kid));
    if (slice_eq(digest_slice(&kid), receipt->kid))
        return ERR_OK;
    digest_text(&kid, want);
    hex_encode(
        slice_part(receipt->kid, 0, receipt->kid.len < SHA256_LEN ? receipt->kid.len : SHA256_LEN),
        got, sizeof got);
    return why_say(why, ERR_SIGNER_UNKNOWN, "the receipt is signed by key %s, not by %s", got,
                   want);
}

err_code receipt_statement(const struct receipt *receipt, struct slice entry,
                           const struct hw_pubkey *key, struct checkpoint *ret_checkpoint,
                           struct hw_statement *ret, struct why *why)
{
    struct checkpoint head = {.size = receipt->tree_size};
    struct digest leaf;

    if (receipt->kind != RECEIPT_INCLUSION)
        return why_say(why, ERR_FORMAT, "not an inclusion receipt");
    TRY(check_signer(receipt, key, why));
    TRY(tree_leaf(entry, &leaf));
    if (tree_root_from(&leaf, receipt->leaf_index, head.size, &receipt->path, &head.root) != ERR_OK)
        return why_say(why, ERR_FORMAT,
                       "a path of %zu hashes cannot prove entry %" PRIu64 " of %" PRIu64,
                       receipt->path.n, receipt->leaf_index, head.size);
    TRY(cose_sign1_statement(&receipt->message, key, digest_slice(&head.root), ret, why));
    *ret_checkpoint = head;
    return ERR_OK;
}

err_code receipt_verify(const struct receipt *receipt, struct slice entry,
                        const struct hw_pubkey *key, struct checkpoint *ret_checkpoint,
                        struct why *why)
{
    struct hw_statement statement;
    struct checkpoint head;

    TRY(receipt_statement(receipt, entry, key, &head, &statement, why));
    TRY(hw_verify_soft(&statement, why));
    if (receipt->chain.n > 0)
        TRY(x509_chain_validate(&receipt->chain, receipt->iat, why));
    *ret_checkpoint = head;
    return ERR_OK;
}

err_code receipt_verify_consistency(const struct receipt *receipt, const struct checkpoint *earlier,
                                    const struct checkpoint *later, const struct hw_pubkey *key,
                                    struct why *why)
{
    struct hw_statement statement;
    err_code err;

    if (receipt->kind != RECEIPT_CONSISTENCY)
        return why_say(why, ERR_FORMAT, "not a consistency receipt");
    if (receipt->earlier_size != earlier->size || receipt->tree_size != later->size)
        return why_say(why, ERR_FORMAT,
                       "the receipt is from size %" PRIu64 " to %" PRIu64 ", asked is from %" PRIu64
                       " to %" PRIu64,
                       receipt->earlier_size, receipt->tree_size, earlier->size, later->size);
    TRY(check_signer(receipt, key, why));
    TRY(cose_sign1_statement(&receipt->message, key, digest_slice(&later->root), &statement, why));
    TRY(hw_verify_soft(&statement, why));
    err = tree_check_consistency(earlier, later, &receipt->path);
    if (err != ERR_OK)
        return why_say(why, err,
                       "the tree of %" PRIu64 " entries does not continue that of %" PRIu64,
                       later->size, earlier->size);
    return ERR_OK;
}
