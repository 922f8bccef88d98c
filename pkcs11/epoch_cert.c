/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/epoch_cert.h"

#include <inttypes.h>
#include <string.h>

static const char TAG[] = "pawl-epoch-v1"; /* its terminator is part of the format */

static const uint8_t ZERO[64];

/* ---- one certificate ------------------------------------------------------------------------- */

static err_code add_body(const struct hsm_cert *cert, struct buf *ret)
{
    if (cert->key.alg != HW_ES256)
        return ERR_KEY_MALFORMED;
    TRY(buf_add(ret, TAG, sizeof TAG));
    TRY(buf_add_u64(ret, cert->epoch));
    TRY(buf_add_u64(ret, cert->since));
    TRY(buf_add(ret, cert->key.x, 32));
    TRY(buf_add(ret, cert->key.y, 32));
    TRY(buf_add_slice(ret, digest_slice(&cert->snapshot)));
    TRY(buf_add_u64(ret, cert->previous));
    return buf_add_slice(ret, digest_slice(&cert->previous_cert));
}

err_code hsm_cert_digest(const struct hsm_cert *cert, struct digest *ret)
{
    CLEANUP(buf_free) struct buf body = {0};

    TRY(add_body(cert, &body));
    return hash_sha256(buf_slice(&body), ret);
}

err_code hsm_cert_encode(const struct hsm_cert *cert, struct buf *ret)
{
    CLEANUP(buf_free) struct buf out = {0};

    TRY(add_body(cert, &out));
    TRY(buf_add(&out, cert->previous_sig, sizeof cert->previous_sig));
    TRY(buf_add(&out, cert->identity_sig, sizeof cert->identity_sig));
    return buf_add_slice(ret, buf_slice(&out));
}

err_code hsm_cert_parse(struct slice bytes, struct hsm_cert *ret, struct why *why)
{
    struct reader r = reader_of(bytes);
    struct hsm_cert cert = {.key = {.alg = HW_ES256}};
    struct slice tag = reader_bytes(&r, sizeof TAG);

    cert.epoch = reader_u64(&r);
    cert.since = reader_u64(&r);
    reader_copy(&r, cert.key.x, 32);
    reader_copy(&r, cert.key.y, 32);
    reader_copy(&r, cert.snapshot.bytes, sizeof cert.snapshot.bytes);
    cert.previous = reader_u64(&r);
    reader_copy(&r, cert.previous_cert.bytes, sizeof cert.previous_cert.bytes);
    reader_copy(&r, cert.previous_sig, sizeof cert.previous_sig);
    reader_copy(&r, cert.identity_sig, sizeof cert.identity_sig);
    if (reader_done(&r) != ERR_OK)
        return why_say(why, ERR_FORMAT, "an epoch certificate of %zu bytes, wanted %d", bytes.len,
                       HSM_CERT_LEN);
    if (!slice_eq(tag, (struct slice){(const uint8_t *)TAG, sizeof TAG}))
        return why_say(why, ERR_FORMAT, "an epoch certificate that does not begin with %s", TAG);
    *ret = cert;
    return ERR_OK;
}

bool hsm_cert_unbound(const struct hsm_cert *cert)
{
    return slice_eq(digest_slice(&cert->snapshot), slice_part(SLICE_OF(ZERO), 0, 32));
}

/* ---- the chain ------------------------------------------------------------------------------- */

err_code hsm_chain_count(struct slice chain, size_t *ret, struct why *why)
{
    size_t n = chain.len / HSM_CERT_LEN;

    if (n > HSM_CHAIN_MAX)
        return why_say(why, ERR_TOO_LARGE, "%zu epoch certificates, the limit is %d", n,
                       HSM_CHAIN_MAX);
    if (n == 0 || chain.len % HSM_CERT_LEN != 0)
        return why_say(why, ERR_FORMAT, "%zu bytes are no chain of certificates of %d bytes",
                       chain.len, HSM_CERT_LEN);
    *ret = n;
    return ERR_OK;
}

static struct slice nth(struct slice chain, size_t i)
{
    return slice_part(chain, i * HSM_CERT_LEN, HSM_CERT_LEN);
}

err_code hsm_chain_first(struct slice chain, struct hsm_cert *ret, struct why *why)
{
    size_t n = 0;

    TRY(hsm_chain_count(chain, &n, why));
    return hsm_cert_parse(nth(chain, 0), ret, why);
}

err_code hsm_chain_last(struct slice chain, struct hsm_cert *ret, struct why *why)
{
    size_t n = 0;

    TRY(hsm_chain_count(chain, &n, why));
    return hsm_cert_parse(nth(chain, n - 1), ret, why);
}

static err_code signed_by(const struct hw_pubkey *key, const struct digest *digest,
                          const uint8_t sig[static 64], struct why *why)
{
    struct hw_statement statement = {.key = *key, .sig_len = 64};

    memcpy(statement.digest, digest->bytes, sizeof digest->bytes);
    memcpy(statement.sig, sig, 64);
    return hw_verify_soft(&statement, why);
}

static err_code check_first(const struct hw_enrolment *enrolment, const struct hsm_cert *cert,
                            struct why *why)
{
    if (cert->epoch != enrolment->epoch || !hw_pubkey_eq(&cert->key, &enrolment->receipt))
        return why_say(why, ERR_HSM_KEY_FOREIGN,
                       "the chain begins at epoch %" PRIu64
                       " with key %02x%02x%02x%02x, the gate was "
                       "enrolled at epoch %" PRIu64 " with key %02x%02x%02x%02x",
                       cert->epoch, cert->key.x[0], cert->key.x[1], cert->key.x[2], cert->key.x[3],
                       enrolment->epoch, enrolment->receipt.x[0], enrolment->receipt.x[1],
                       enrolment->receipt.x[2], enrolment->receipt.x[3]);
    if (cert->previous != 0 ||
        !slice_eq(digest_slice(&cert->previous_cert), slice_part(SLICE_OF(ZERO), 0, 32)) ||
        !slice_eq(SLICE_OF(cert->previous_sig), SLICE_OF(ZERO)))
        return why_say(why, ERR_FORMAT, "the first certificate names a predecessor");
    if (!hsm_cert_unbound(cert))
        return why_say(why, ERR_FORMAT, "the first certificate names a snapshot");
    return ERR_OK;
}

static err_code check_link(const struct hsm_cert *before, struct slice before_bytes,
                           const struct hsm_cert *cert, struct why *why)
{
    struct digest link, digest;

    if (cert->epoch <= before->epoch || cert->previous != before->epoch)
        return why_say(why, ERR_FORMAT,
                       "the certificate of epoch %" PRIu64 " follows epoch %" PRIu64
                       " and names epoch %" PRIu64 " as its predecessor",
                       cert->epoch, before->epoch, cert->previous);
    if (hsm_cert_unbound(cert))
        return why_say(why, ERR_FORMAT, "the certificate of epoch %" PRIu64 " names no snapshot",
                       cert->epoch);
    TRY(hash_sha256(before_bytes, &link));
    if (!digest_eq(&link, &cert->previous_cert))
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the certificate of epoch %" PRIu64
                       " was made for another one of epoch %" PRIu64,
                       cert->epoch, before->epoch);
    TRY(hsm_cert_digest(cert, &digest));
    if (signed_by(&before->key, &digest, cert->previous_sig, why) != ERR_OK)
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the certificate of epoch %" PRIu64
                       " is not signed by the key of epoch %" PRIu64,
                       cert->epoch, before->epoch);
    return ERR_OK;
}

static err_code check_identity(const struct hw_enrolment *enrolment, const struct hsm_cert *cert,
                               struct why *why)
{
    struct digest digest;

    TRY(hsm_cert_digest(cert, &digest));
    if (signed_by(&enrolment->seal, &digest, cert->identity_sig, why) != ERR_OK)
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the certificate of epoch %" PRIu64 " is not signed by the identity key",
                       cert->epoch);
    return ERR_OK;
}

err_code hsm_chain_verify_rest(const struct hw_enrolment *enrolment, struct slice chain,
                               size_t n_verified, struct hsm_cert *ret_last, struct why *why)
{
    struct hsm_cert cert = {0}, before = {0};
    size_t n = 0;

    TRY(hsm_chain_count(chain, &n, why));
    if (n_verified > n)
        return why_say(why, ERR_INTERNAL, "%zu of %zu certificates are verified", n_verified, n);
    for (size_t i = n_verified == 0 ? 0 : n_verified - 1; i < n; i++) {
        TRY(hsm_cert_parse(nth(chain, i), &cert, why));
        if (i >= n_verified) {
            TRY(i == 0 ? check_first(enrolment, &cert, why)
                       : check_link(&before, nth(chain, i - 1), &cert, why));
            TRY(check_identity(enrolment, &cert, why));
        }
        before = cert;
    }
    *ret_last = cert;
    return ERR_OK;
}

err_code hsm_chain_verify(const struct hw_enrolment *enrolment, struct slice chain,
                          struct hsm_cert *ret_last, struct why *why)
{
    return hsm_chain_verify_rest(enrolment, chain, 0, ret_last, why);
}
