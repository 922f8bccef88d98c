/* SPDX-License-Identifier: Apache-2.0 */
/* record_read.c: what kind of COSE_Sign1 a record is, and which profile reads it. */
#include "gate/ledger/record_air.h"
#include "gate/ledger/record_labels.h"
#include "gate/ledger/record_rules.h"

/* What kind of COSE_Sign1 a record is. */
static err_code check_message(const struct cose_sign1 *message, struct why *why)
{
    const uint8_t EMPTY_MAP[] = {0xa0};

    if (message->detached || message->payload.len == 0)
        return why_say(why, ERR_FORMAT, "a record without a payload");
    if (!slice_eq(message->headers.unprotected, SLICE_OF(EMPTY_MAP)))
        return why_say(why, ERR_FORMAT, "a record with an unprotected header");
    if (message->headers.alg != cose_alg_value(HW_ES256))
        return why_say(why, ERR_COSE_ALG, "a record signed with algorithm %lld, not ES256 (-7)",
                       (long long)message->headers.alg);
    if (message->signature.len != 64)
        return why_say(why, ERR_SIGNATURE_INVALID, "a record's signature has %zu bytes, not 64",
                       message->signature.len);
    return ERR_OK;
}

/* The type that a pre-image must be said to have, and the algorithm (RFC 9995 3). */
static bool is_envelope_of_ours(const struct cose_sign1 *message)
{
    struct cbor_reader alg = {.rest =
                                  cose_header_find(message->protected_, LABEL_PAYLOAD_HASH_ALG)};
    struct cbor_reader type = {.rest = cose_header_find(message->protected_, LABEL_PREIMAGE_TYPE)};

    return cbor_get_int(&alg) == HASH_ALG_SHA256 && alg.err == ERR_OK &&
           slice_eq_str(cbor_get_text(&type), PREIMAGE_TYPE) && type.err == ERR_OK &&
           cose_header_find(message->protected_, COSE_CONTENT_TYPE).len == 0 &&
           message->payload.len == SHA256_LEN;
}

static bool is_envelope(const struct cose_sign1 *message)
{
    return cose_header_find(message->protected_, LABEL_PAYLOAD_HASH_ALG).len > 0;
}

/* What the profile is to read: the payload, or the pre-image of which it is the hash. */
static err_code find_payload(const struct record_source *source, struct record *record,
                             struct slice *ret, struct why *why)
{
    struct digest hash;

    record->enveloped = is_envelope(&record->message);
    if (!record->enveloped && source->preimage.len > 0)
        return why_say(why, ERR_FORMAT, "a pre-image for a record that is no hash envelope");
    *ret = record->enveloped ? source->preimage : record->message.payload;
    if (!record->enveloped)
        return ERR_OK;
    if (!is_envelope_of_ours(&record->message))
        return why_say(why, ERR_FORMAT, "a hash envelope that is not as docs/ledger.cddl says");
    if (source->preimage.len == 0)
        return why_say(why, ERR_PREIMAGE_MISSING, "the record is a hash envelope");
    if (source->preimage.len > RECORD_PREIMAGE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a pre-image has %zu bytes, the limit is %zu",
                       source->preimage.len, RECORD_PREIMAGE_MAX);
    TRY(hash_sha256(source->preimage, &hash));
    if (!slice_eq(digest_slice(&hash), record->message.payload))
        return why_say(why, ERR_FORMAT, "the pre-image of a record is not the one that was hashed");
    return ERR_OK;
}

static const struct record_profile *profile_of(const struct record_source *source, struct slice typ)
{
    for (size_t i = 0; i < source->n_profiles; i++)
        if (slice_eq_str(typ, source->profiles[i]->typ))
            return source->profiles[i];
    return NULL;
}

static err_code parse(const struct record_source *source, struct record *ret, struct why *why)
{
    const struct record_profile *profile;
    struct slice payload;

    if (source->bytes.len > RECORD_SIZE_MAX)
        return why_say(why, ERR_TOO_LARGE, "a record has %zu bytes, the limit is %d",
                       source->bytes.len, RECORD_SIZE_MAX);
    TRY(cose_sign1_parse(source->bytes, CBOR_DETERMINISTIC, &ret->message, why));
    TRY(check_message(&ret->message, why));
    profile = profile_of(source, ret->message.headers.typ);
    if (profile == NULL)
        return why_say(why, ERR_FORMAT, "not of type %s, or of another known to be a record's",
                       RECORD_TYP);
    TRY(find_payload(source, ret, &payload, why));
    TRY(profile->read(ret, payload, why));
    return record_check(ret, why);
}

err_code record_parse_as(const struct record_source *source, struct record *ret, struct why *why)
{
    err_code err;

    *ret = (struct record){0};
    err = parse(source, ret, why);
    if (err != ERR_OK)
        *ret = (struct record){0};
    return err;
}

static const struct record_profile *const PROFILES[] = {&RECORD_AIR};

err_code record_parse_whole(struct slice bytes, struct slice preimage, struct record *ret,
                            struct why *why)
{
    const struct record_source source = {bytes, preimage, PROFILES,
                                         sizeof PROFILES / sizeof *PROFILES};

    return record_parse_as(&source, ret, why);
}

err_code record_parse(struct slice bytes, struct record *ret, struct why *why)
{
    return record_parse_whole(bytes, (struct slice){0}, ret, why);
}

err_code record_preimage(struct slice bytes, bool *ret_needed, struct digest *ret, struct why *why)
{
    struct cose_sign1 message;

    TRY(cose_sign1_parse(bytes, CBOR_DETERMINISTIC, &message, why));
    *ret_needed = is_envelope(&message);
    *ret = (struct digest){0};
    return *ret_needed ? digest_from(message.payload, ret) : ERR_OK;
}
