/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/session_cert.h"

#include "gate/base/file.h"
#include "gate/base/text.h"
#include "gate/policy/issuer.h"

#include <inttypes.h>
#include <stdio.h>

#define LIFE (SESSION_CERT_YEARS * INT64_C(31557600)) /* of 365.25 days */

typedef err_code (*sign_fn)(struct hw_root *hw, const struct digest *digest, uint8_t ret[static 64],
                            struct why *why);

void session_cert_free(struct session_cert *cert)
{
    for (size_t i = 0; i < sizeof cert->made / sizeof *cert->made; i++)
        buf_free(&cert->made[i]);
    cert->chain = (struct x509_chain){0};
}

struct x509_chain session_cert_receipt(const struct session_cert *cert)
{
    struct x509_chain chain = {0};

    for (size_t i = 1; i < cert->chain.n; i++)
        chain.certs[chain.n++] = cert->chain.certs[i];
    return chain;
}

static err_code finish(struct hw_root *hw, sign_fn sign, const struct x509_draft *draft,
                       struct buf *ret, struct why *why)
{
    uint8_t sig[64];

    TRY(sign(hw, &draft->digest, sig, why));
    return x509_finish(draft, sig, ret, why);
}

/* ---- the device's own ------------------------------------------------------------------------ */

/* What lies there is a copy for speed: anything else than a certificate that this device would have
 * made for itself is made anew. */
static bool usable(const struct session_ask *ask, struct slice cert)
{
    const struct x509_chain alone = {1, {cert}};

    return x509_may_issue(cert, NULL) == ERR_OK &&
           issuer_check(ask->enrolment, &alone, 0, ask->now, NULL) == ERR_OK;
}

static err_code make_device(const struct session_ask *ask, unsigned depth, struct buf *ret,
                            struct why *why)
{
    const struct enrolment *enrolment = ask->enrolment;
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    const struct x509_device device = {
        .key = hw_enrolment_device(&enrolment->hw),
        .organization = enrolment->domain,
        .common_name = enrolment->gate,
        .uri = enrolment->issuer,
        .not_before = ask->now,
        .depth = depth,
    };

    TRY(x509_prepare_device(&device, &draft, why));
    return finish(ask->hw, ask->hw->ops->device_sign, &draft, ret, why);
}

static err_code own_device(const struct session_ask *ask, unsigned depth, struct buf *ret,
                           struct why *why)
{
    CLEANUP(buf_free) struct buf path = {0};

    TRY(path_join(ask->state_dir, "device.crt", &path));
    if (file_exists((const char *)path.ptr) &&
        file_read((const char *)path.ptr, X509_CERT_MAX, ret, NULL) == ERR_OK &&
        usable(ask, buf_slice(ret)))
        return ERR_OK;
    buf_cut(ret, 0);
    TRY(make_device(ask, depth, ret, why));
    return file_write((const char *)path.ptr, buf_slice(ret), 0644, why);
}

/* ---- what it issues -------------------------------------------------------------------------- */

struct issuing {
    const struct hw_pubkey *key;
    const char *qualifier;
    bool authority;
    sign_fn sign;
};

/* Of the certificate above. What it issues cannot outlive it. */
static err_code until_when(const struct session_ask *ask, struct slice issuer, int64_t *ret,
                           struct why *why)
{
    char now[TIME_TEXT], limit[TIME_TEXT];
    int64_t from, until;

    TRY(x509_validity(issuer, &from, &until, why));
    time_text(ask->now, now);
    time_text(ask->now < from ? from : until, limit);
    if (ask->now < from)
        return why_say(why, ERR_NOT_YET_VALID,
                       "the device's certificate is valid from %s, it is %s", limit, now);
    if (ask->now > until)
        return why_say(why, ERR_EXPIRED, "the device's certificate was valid until %s, it is %s",
                       limit, now);
    *ret = until - ask->now > LIFE ? ask->now + LIFE : until;
    return ERR_OK;
}

static err_code issue(const struct session_ask *ask, struct slice issuer,
                      const struct issuing *what, struct buf *ret, struct why *why)
{
    CLEANUP(x509_draft_free) struct x509_draft draft = {0};
    struct x509_issue facts = {
        .issuer = issuer,
        .key = what->key,
        .qualifier = what->qualifier,
        .not_before = ask->now,
        .authority = what->authority,
    };

    TRY(until_when(ask, issuer, &facts.not_after, why));
    TRY(x509_prepare_issue(&facts, &draft, why));
    return finish(ask->hw, what->sign, &draft, ret, why);
}

/* Puts one in front. */
static void prepend(struct x509_chain *chain, struct slice cert)
{
    for (size_t i = chain->n; i > 0; i--)
        chain->certs[i] = chain->certs[i - 1];
    chain->certs[0] = cert;
    chain->n++;
}

static err_code issue_below(const struct session_ask *ask, const struct issuing *what,
                            struct buf *made, struct x509_chain *chain, struct why *why)
{
    if (chain->n == X509_CHAIN_MAX)
        return why_say(why, ERR_TOO_LARGE, "a chain of more than %d certificates", X509_CHAIN_MAX);
    TRY(issue(ask, chain->certs[0], what, made, why));
    prepend(chain, buf_slice(made));
    return ERR_OK;
}

static err_code make(const struct session_ask *ask, struct session_cert *out, struct why *why)
{
    const struct hw_root_ops *ops = ask->hw->ops;
    struct hw_pubkey receipt, device;
    char epoch[32];
    bool own;

    TRY(ops->receipt_key(ask->hw, &receipt, why));
    TRY(ops->device_key(ask->hw, &device, why));
    own = hw_pubkey_eq(&receipt, &device);
    out->chain = ask->enrolment->device_chain;
    if (out->chain.n == 0) {
        TRY(own_device(ask, own ? 0 : 1, &out->made[0], why));
        out->chain = (struct x509_chain){1, {buf_slice(&out->made[0])}};
    }
    (void)snprintf(epoch, sizeof epoch, "epoch-%" PRIu64, ask->epoch);
    if (!own)
        TRY(issue_below(ask, &(struct issuing){&receipt, epoch, true, ops->device_sign},
                        &out->made[1], &out->chain, why));
    TRY(issue_below(ask, &(struct issuing){ask->key, ask->session_id, false, ops->sign},
                    &out->made[2], &out->chain, why));
    return issuer_check(ask->enrolment, &out->chain, own ? 1 : 2, ask->now, why);
}

err_code session_cert_make(const struct session_ask *ask, struct session_cert *ret, struct why *why)
{
    CLEANUP(session_cert_free) struct session_cert out = {0};

    TRY(make(ask, &out, why));
    *ret = out;
    out = (struct session_cert){0}; /* transferred */
    return ERR_OK;
}
