/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide/auditor_epochs.h"

#include "gate/cose/cose_key.h"
#include "gate/cose/x509.h"
#include "gate/decide/hardware.h"
#include "gate/tlog/cosign.h"
#include "pkcs11/epoch_cert.h"

#include <stdlib.h>
#include <string.h>

/* The receipt key of an epoch by the token's certificates. */
static err_code key_of_epoch(struct slice chain, uint64_t epoch, struct hw_pubkey *ret,
                             struct why *why)
{
    for (size_t at = 0; at + HSM_CERT_LEN <= chain.len; at += HSM_CERT_LEN) {
        struct hsm_cert cert;
        TRY(hsm_cert_parse(slice_part(chain, at, HSM_CERT_LEN), &cert, why));
        if (cert.epoch == epoch) {
            *ret = cert.key;
            return ERR_OK;
        }
    }
    return why_say(why, ERR_SIGNER_UNKNOWN, "the token certified no key for epoch %llu",
                   (unsigned long long)epoch);
}

static err_code find_key(const struct auditor *auditor, const struct digest *kid, uint64_t epoch,
                         struct hw_pubkey *ret, struct why *why)
{
    const struct decide_auditor *own = auditor->context;
    struct hw_pubkey key = own->enrolment->hw.receipt;
    struct digest known;

    if (own->chain.len > 0)
        TRY(key_of_epoch(own->chain, epoch, &key, why));
    TRY(cose_key_thumbprint(&key, &known));
    if (!digest_eq(&known, kid))
        return why_say(why, ERR_SIGNER_UNKNOWN, "the receipt key of epoch %llu is another one",
                       (unsigned long long)epoch);
    *ret = key;
    return ERR_OK;
}

/* ---- checkpoint ------------------------------------------------------------------------------ */

static void note_done(struct note **note)
{
    free(*note);
}

static err_code open_checkpoint(const struct auditor *auditor, struct slice bytes,
                                struct checkpoint *ret, struct why *why)
{
    const struct decide_auditor *own = auditor->context;
    CLEANUP(note_done) struct note *note = malloc(sizeof *note);
    struct checkpoint_text text;

    if (note == NULL)
        return ERR_NO_MEMORY;
    TRY(checkpoint_note_open(bytes, &own->log, note, &text, why));
    *ret = text.checkpoint;
    return ERR_OK;
}

static void verdict_done(struct cosign_verdict **verdict)
{
    free(*verdict);
}

static err_code count_cosigned(const struct auditor *auditor, struct slice bytes, size_t *ret,
                               struct why *why)
{
    const struct decide_auditor *own = auditor->context;
    const struct cosign_policy policy = {&own->log, own->witnesses, own->n_witnesses, 0};
    CLEANUP(verdict_done) struct cosign_verdict *verdict = calloc(1, sizeof *verdict);

    if (verdict == NULL)
        return ERR_NO_MEMORY;
    TRY(cosign_open(bytes, &policy, verdict, why));
    *ret = verdict->n_good;
    return ERR_OK;
}

err_code auditor_take_witness(struct decide_auditor *own, struct slice vkey, struct why *why)
{
    struct note_key key;

    TRY(note_key_parse(vkey, &key, why));
    if (key.type != NOTE_COSIGNATURE)
        return why_say(why, ERR_KEY_MALFORMED, "a key of type %d, and a witness's is of type %d",
                       (int)key.type, (int)NOTE_COSIGNATURE);
    for (size_t i = 0; i < own->n_witnesses; i++)
        if (memcmp(own->witnesses[i].ed25519, key.ed25519, sizeof key.ed25519) == 0)
            return ERR_OK;
    if (own->n_witnesses == COSIGN_WITNESSES_MAX)
        return why_say(why, ERR_TOO_LARGE, "more than %d witnesses", COSIGN_WITNESSES_MAX);
    if (own->witnesses == NULL)
        own->witnesses = calloc(COSIGN_WITNESSES_MAX, sizeof *own->witnesses);
    if (own->witnesses == NULL)
        return ERR_NO_MEMORY;
    own->witnesses[own->n_witnesses++] = key;
    own->auditor.cosigned = count_cosigned;
    return ERR_OK;
}

/* ---- seal ------------------------------------------------------------------------------------ */

static err_code judge_epoch(const struct enrolment *enrolment, const struct sealed *sealed,
                            const struct checkpoint *head, struct why *why)
{
    const struct receipt *receipt = &sealed->receipt;
    const struct hw_seal_head bound = {
        .tree_size = head->size,
        .round = receipt->round,
        .epoch = receipt->epoch,
        .tree_root = head->root,
        .snapshot = receipt->snapshot,
        .signer = receipt->signer,
    };
    const struct hw_seal seal = {
        .kind = sealed->seal.kind,
        .statement = {(uint8_t *)(uintptr_t)sealed->seal.statement.ptr, sealed->seal.statement.len,
                      0},
        .sig = {(uint8_t *)(uintptr_t)sealed->seal.sig.ptr, sealed->seal.sig.len, 0},
    };
    struct hardware_sealed said;
    struct digest binding;

    if (sealed->seal.kind == HW_SEAL_NONE && strcmp(enrolment->hw.about.kind, "tpm") == 0 &&
        !enrolment->hw.about.seals)
        return ERR_OK; /* this one has no such command */
    TRY(hw_seal_binding(&bound, &binding));
    TRY(hardware_seal_verify(&enrolment->hw, &seal, &binding, &said, why));
    if (said.epoch != receipt->epoch)
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the receipt says epoch %llu, the hardware certifies %llu",
                       (unsigned long long)receipt->epoch, (unsigned long long)said.epoch);
    if (said.names_snapshot && !digest_eq(&said.snapshot, &receipt->snapshot))
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the receipt names another snapshot than the hardware was stepped for");
    return ERR_OK;
}

static err_code judge_seal(const struct auditor *auditor, const struct sealed *sealed,
                           struct slice entry, const struct checkpoint *head, struct why *why)
{
    const struct decide_auditor *own = auditor->context;
    struct checkpoint got;
    struct hw_pubkey key;
    struct digest kid;

    TRY(digest_from(sealed->receipt.kid, &kid));
    TRY(find_key(auditor, &kid, sealed->receipt.epoch, &key, why));
    TRY(receipt_verify(&sealed->receipt, entry, &key, &got, why));
    if (got.size != head->size || !digest_eq(&got.root, &head->root))
        return why_say(why, ERR_SIGNATURE_INVALID,
                       "the hardware signed another root over %llu entries than the checkpoint has",
                       (unsigned long long)head->size);
    if (!slice_eq(sealed->receipt.issuer, own->enrolment->issuer))
        return why_say(why, ERR_SIGNATURE_INVALID, "the receipt is by \"%.*s\"",
                       TERM_ARG(sealed->receipt.issuer));
    return judge_epoch(own->enrolment, sealed, head, why);
}

/* ---- records --------------------------------------------------------------------------------- */

/* The certificates of a session say what its key_rotation says: this key, by the receipt key of the
 * epoch, at that time. */
static err_code judge_certificates(const struct auditor *auditor, const struct record *record,
                                   struct why *why)
{
    const struct record_rotation *from = &record->rotation;
    struct x509_chain chain = {.n = from->n_certs};
    struct hw_pubkey key, above;

    if (chain.n == 0)
        return ERR_OK;
    if (chain.n < 2 || chain.n > X509_CHAIN_MAX)
        return why_say(why, ERR_CERT_CHAIN, "a chain of %zu certificates", chain.n);
    for (size_t i = 0; i < chain.n; i++)
        chain.certs[i] = from->certs[i];
    TRY(x509_chain_validate(&chain, (int64_t)(record->action_ms / 1000), why));
    TRY(x509_key(chain.certs[0], &key, why));
    if (!hw_pubkey_eq(&key, &record->key))
        return why_say(why, ERR_CERT_CHAIN, "the session's certificate is of another key");
    TRY(find_key(auditor, &record->kid, record->epoch, &above, why));
    TRY(x509_key(chain.certs[1], &key, why));
    if (!hw_pubkey_eq(&key, &above))
        return why_say(why, ERR_CERT_CHAIN,
                       "the session's certificate is issued by another key than the receipt key");
    return ERR_OK;
}

/* What a record says of the enrolment, and of the hardware that it is made on. */
static err_code judge_record(const struct auditor *auditor, const struct record *record,
                             enum audit_kind *ret_kind, struct why *why)
{
    const struct decide_auditor *own = auditor->context;

    *ret_kind = AUDIT_EPOCH_UNKNOWN;
    TRY(auditor_epoch_judge(own, record, why));
    *ret_kind = AUDIT_CERTIFICATE_INVALID;
    if (record->kind == RECORD_KEY_ROTATION)
        return judge_certificates(auditor, record, why);
    *ret_kind = AUDIT_ENROLMENT_MISMATCH;
    if (record->kind != RECORD_ENROL)
        return ERR_OK;
    if (!digest_eq(&record->root, &own->enrolment->root))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "it names another root metadata version 1 than the enrolment");
    if (!slice_eq(record->log_vkey, own->enrolment->log))
        return why_say(why, ERR_ROOT_UNTRUSTED,
                       "it names another key of the log than the enrolment");
    return ERR_OK;
}

static err_code judge_whole(const struct auditor *auditor, const struct record *record,
                            enum audit_kind *ret_kind, struct why *why)
{
    *ret_kind = AUDIT_EPOCH_UNKNOWN;
    return auditor_policies_judge(auditor->context, record, why);
}

err_code auditor_chain_of(struct slice bytes, struct slice *ret, struct why *why)
{
    struct sealed sealed;

    TRY(sealed_parse(bytes, &sealed, why));
    *ret = sealed.seal.kind == HW_SEAL_EPOCH_CHAIN ? sealed.seal.statement : (struct slice){0};
    return ERR_OK;
}

err_code auditor_make(const struct enrolment *enrolment, struct slice chain,
                      struct decide_auditor *ret, struct why *why)
{
    struct hsm_cert last;

    if (strcmp(enrolment->hw.about.kind, "pkcs11") == 0)
        TRY(hsm_chain_verify(&enrolment->hw, chain, &last, why));
    else
        chain = (struct slice){0};
    *ret = (struct decide_auditor){.enrolment = enrolment, .chain = chain};
    TRY(note_key_parse(enrolment->log, &ret->log, why));
    ret->auditor = (struct auditor){
        .key = find_key,
        .checkpoint = open_checkpoint,
        .seal = judge_seal,
        .record = judge_record,
        .whole = judge_whole,
        .context = ret,
        .issuer = enrolment->issuer,
    };
    return ERR_OK;
}
