/* SPDX-License-Identifier: Apache-2.0 */
/* x509_chain.c: chains as COSE headers (RFC 9360) and PEM files carry them. */
#include "gate/base/text.h"
#include "gate/cose/cose_key.h"
#include "gate/cose/x509.h"

#include <string.h>

void x509_chain_put(struct cbor_writer *w, const struct x509_chain *chain)
{
    if (chain->n != 1)
        cbor_put_array(w, chain->n);
    for (size_t i = 0; i < chain->n; i++)
        cbor_put_bytes(w, chain->certs[i]);
}

err_code x509_chain_encode(const struct x509_chain *chain, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};
    struct cbor_writer w = cbor_write(&out);

    if (chain->n == 0 || chain->n > X509_CHAIN_MAX)
        return ERR_INTERNAL;
    x509_chain_put(&w, chain);
    TRY(cbor_written(&w));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code x509_chain_get(struct cbor_reader *r, struct x509_chain *ret, struct why *why)
{
    struct x509_chain out = {.n = 1};
    size_t bytes = 0;

    if (cbor_peek(r) != CBOR_BYTES) {
        out.n = cbor_get_array(r);
        if (r->err != ERR_OK || out.n < 2)
            return why_say(why, ERR_FORMAT,
                           "certificates are neither a byte string nor an array of two and more");
    }
    if (out.n > X509_CHAIN_MAX)
        return why_say(why, ERR_TOO_LARGE, "a chain of %zu certificates, the limit is %d", out.n,
                       X509_CHAIN_MAX);
    for (size_t i = 0; i < out.n; i++) {
        out.certs[i] = cbor_get_bytes(r);
        if (r->err != ERR_OK)
            return why_say(why, ERR_FORMAT, "certificate %zu of the chain is no byte string", i);
        TRY(x509_check(out.certs[i], why));
        bytes += out.certs[i].len;
    }
    if (bytes > X509_CHAIN_BYTES_MAX)
        return why_say(why, ERR_TOO_LARGE, "a chain of %zu bytes, the limit is %d", bytes,
                       X509_CHAIN_BYTES_MAX);
    *ret = out;
    return ERR_OK;
}

err_code x509_chain_decode(struct slice encoded, struct x509_chain *ret, struct why *why)
{
    struct cbor_reader r = cbor_read(encoded, CBOR_DETERMINISTIC);
    struct x509_chain out;

    if (r.err != ERR_OK)
        return why_say(why, r.err, "a chain of certificates that is no CBOR item");
    TRY(x509_chain_get(&r, &out, why));
    if (cbor_done(&r) != ERR_OK)
        return why_say(why, ERR_FORMAT, "something follows a chain of certificates");
    *ret = out;
    return ERR_OK;
}

void x509_known_free(struct x509_known *known)
{
    buf_free(&known->encoded);
    *known = (struct x509_known){0};
}

err_code x509_known_decode(struct slice encoded, struct x509_known *known, struct why *why)
{
    CLEANUP(x509_known_free) struct x509_known out = {0};

    if (known->encoded.len > 0 && slice_eq(encoded, buf_slice(&known->encoded)))
        return ERR_OK;
    x509_known_free(known);
    TRY(buf_add_slice(&out.encoded, encoded));
    TRY(x509_chain_decode(buf_slice(&out.encoded), &out.chain, why));
    TRY(x509_key(out.chain.certs[0], &out.key, why));
    TRY(cose_key_thumbprint(&out.key, &out.thumbprint));
    *known = out;
    out = (struct x509_known){0};
    return ERR_OK;
}

/* ---- PEM ------------------------------------------------------------------------------------- */

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

static struct slice find(struct slice in, const char *text)
{
    const uint8_t *at = in.len == 0 ? NULL : memmem(in.ptr, in.len, text, strlen(text));

    return at == NULL ? (struct slice){0} : slice_part(in, (size_t)(at - in.ptr), strlen(text));
}

/* Splits off what is between two marks; *rest moves behind the second. False: none is left. */
static bool next_block(struct slice *rest, struct slice *ret_before, struct slice *ret)
{
    struct slice begin = find(*rest, PEM_BEGIN), after, end;
    size_t at;

    if (begin.len == 0)
        return false;
    at = (size_t)(begin.ptr - rest->ptr);
    *ret_before = slice_part(*rest, 0, at);
    after = slice_part(*rest, at + begin.len, rest->len - at - begin.len);
    end = find(after, PEM_END);
    if (end.len == 0)
        return false;
    at = (size_t)(end.ptr - after.ptr);
    *ret = slice_part(after, 0, at);
    *rest = slice_part(after, at + end.len, after.len - at - end.len);
    return true;
}

static err_code unwrap(struct slice block, struct buf *ret)
{
    CLEANUP(buf_free) struct buf line = {0};

    for (size_t i = 0; i < block.len; i++)
        if (block.ptr[i] != '\n' && block.ptr[i] != '\r')
            TRY(buf_add_u8(&line, block.ptr[i]));
    return base64_decode(buf_slice(&line), ret);
}

/* Another block (a private key, above all) is a mistake of the person who gave the file. */
static err_code no_other_block(struct slice text, struct why *why)
{
    if (find(text, "-----").len == 0)
        return ERR_OK;
    return why_say(why, ERR_CERT_MALFORMED, "a PEM block that is no certificate, or not closed");
}

err_code x509_chain_from_pem(struct slice pem, struct buf *ret, struct why *why)
{
    struct buf der[X509_CHAIN_MAX] = {0};
    CLEANUP(buf_free) struct buf out = {0};
    struct slice rest = pem, before, block;
    struct x509_chain chain = {0}, again;
    err_code err = ERR_OK;

    while (err == ERR_OK && next_block(&rest, &before, &block)) {
        if (chain.n == X509_CHAIN_MAX) {
            err = why_say(why, ERR_TOO_LARGE, "more than %d certificates", X509_CHAIN_MAX);
            break;
        }
        err = no_other_block(before, why);
        if (err == ERR_OK && unwrap(block, &der[chain.n]) != ERR_OK)
            err = why_say(why, ERR_CERT_MALFORMED, "certificate %zu is not in base64", chain.n);
        chain.certs[chain.n] = buf_slice(&der[chain.n]);
        chain.n++;
    }
    if (err == ERR_OK)
        err = no_other_block(rest, why);
    if (err == ERR_OK && chain.n == 0)
        err = why_say(why, ERR_CERT_MALFORMED, "there is no PEM certificate in it");
    if (err == ERR_OK)
        err = x509_chain_encode(&chain, &out);
    for (size_t i = 0; i < chain.n; i++)
        buf_free(&der[i]);
    TRY(err);
    TRY(x509_chain_decode(buf_slice(&out), &again, why)); /* judges each */
    buf_free(ret);
    *ret = buf_take(&out);
    return ERR_OK;
}
