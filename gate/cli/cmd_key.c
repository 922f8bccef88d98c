/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_key.c: pawl key generate, list, show: keys by reference, wherever they are. */
#include "gate/base/text.h"
#include "gate/cli/key_ref.h"
#include "gate/cli/keyring.h"
#include "gate/cli/verbs.h"
#include "gate/cose/cose_key.h"
#include "pkcs11/signer.h"
#include "tpm/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 256

static err_code show_key(struct call *call, json_t *json, const char *ref,
                         const struct hw_pubkey *key)
{
    char text[DIGEST_TEXT];
    struct digest kid;

    TRY(cose_key_thumbprint(key, &kid));
    digest_text(&kid, text);
    put_text(json, "ref", ref);
    put_text(json, "alg", hw_alg_name(key->alg));
    put_text(json, "kid", text);
    say(call, "%-6s %s  %s", hw_alg_name(key->alg), text, ref);
    return ERR_OK;
}

/* ---- generate -------------------------------------------------------------------------------- */

static const struct opt GENERATE_OPTIONS[] = {
    {"alg", 0, OPT_VALUE, "ALG", "ES256 (default), ES384 or PS256"},
    {"tpm", 0, OPT_VALUE, "URI", "where tpm2: keys are (default: tpm:device:/dev/tpmrm0)"},
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"},
    {0},
};

static err_code read_alg(const char *name, enum hw_alg *ret, struct why *why)
{
    static const enum hw_alg ALGS[] = {HW_ES256, HW_ES384, HW_PS256};

    for (size_t i = 0; i < sizeof ALGS / sizeof *ALGS; i++)
        if (strcmp(name, hw_alg_name(ALGS[i])) == 0) {
            *ret = ALGS[i];
            return ERR_OK;
        }
    return why_say(why, ERR_COSE_ALG, "\"%s\" is not ES256, ES384 or PS256", name);
}

static err_code generate_run(struct call *call)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    const struct key_ref_options options = keyring_ref_options(call);
    enum hw_alg alg = HW_ALG_NONE;

    TRY(read_alg(args_value(call->args, "alg", "ES256"), &alg, &call->why));
    TRY(key_ref_generate(call->args->plain[0], alg, &options, &signer, &call->why));
    return show_key(call, call->json, call->args->plain[0], &signer->key);
}

const struct verb VERB_KEY_GENERATE = {
    .name = "key generate",
    .arguments = "KEY",
    .summary = "make a key pair: in a PEM file, on a token, or in a TPM",
    .details = "KEY is FILE.pem (written with mode 0600), "
               "pkcs11:token=NAME;object=LABEL?module-path=..., or\n"
               "tpm2:handle=0x81... Never replaces a key that is there.",
    .opts = GENERATE_OPTIONS,
    .least = 1,
    .most = 1,
    .run = generate_run,
};

/* ---- show ------------------------------------------------------------------------------------ */

static const struct opt SHOW_OPTIONS[] = {
    {"tpm", 0, OPT_VALUE, "URI", "where tpm2: keys are (default: tpm:device:/dev/tpmrm0)"},
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"},
    {0},
};

static err_code show_run(struct call *call)
{
    CLEANUP(buf_free) struct buf pem = {0};
    const struct key_ref_options options = keyring_ref_options(call);
    struct hw_pubkey key;

    TRY(key_ref_public(call->args->plain[0], &options, &key, &call->why));
    TRY(show_key(call, call->json, call->args->plain[0], &key));
    TRY(hw_pubkey_to_pem(&key, &pem));
    put_slice(call->json, "pem", buf_slice(&pem));
    say_text(call, buf_slice(&pem));
    return ERR_OK;
}

const struct verb VERB_KEY_SHOW = {
    .name = "key show",
    .arguments = "KEY",
    .summary = "print a key's algorithm, key id (RFC 9679) and public half",
    .opts = SHOW_OPTIONS,
    .least = 1,
    .most = 1,
    .run = show_run,
};

/* ---- list ------------------------------------------------------------------------------------ */

/* What cannot be used as a key is named with the reason, so that nobody looks for it in vain. */
static void show_passed_over(struct call *call, json_t *list, const char *ref, const char *reason)
{
    json_t *entry = add_object(list);

    put_text(entry, "ref", ref);
    put_text(entry, "reason", reason);
    say(call, "%-6s %s  (%s)", "-", ref, reason);
}

static err_code list_file(struct call *call, json_t *list, const char *path)
{
    const struct key_ref_options options = {0};
    struct hw_pubkey key;
    err_code err = key_ref_public(path, &options, &key, &call->why);

    if (err == ERR_KEY_REF) {
        show_passed_over(call, list, path, "it holds no key");
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    return show_key(call, add_object(list), path, &key);
}

static err_code list_token(struct call *call, json_t *list, const char *uri)
{
    struct hsm_listed *found = calloc(LIST_MAX, sizeof *found);
    size_t n = 0;
    err_code err;

    if (found == NULL)
        return ERR_NO_MEMORY;
    err = hsm_signer_list(uri, found, LIST_MAX, &n, &call->why);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        if (found[i].key.alg == HW_ALG_NONE)
            show_passed_over(call, list, found[i].uri, found[i].reason);
        else
            err = show_key(call, add_object(list), found[i].uri, &found[i].key);
    }
    free(found);
    return err;
}

static err_code list_tpm(struct call *call, json_t *list, const char *uri)
{
    const struct hw_options options = {.allow_simulator =
                                           args_flag(call->args, "insecure-simulator")};
    struct tpm_listed *found = calloc(LIST_MAX, sizeof *found);
    char ref[48];
    size_t n = 0;
    err_code err;

    if (found == NULL)
        return ERR_NO_MEMORY;
    err = tpm_signer_list(uri, &options, found, LIST_MAX, &n, &call->why);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        (void)snprintf(ref, sizeof ref, "tpm2:handle=0x%08x", found[i].handle);
        if (found[i].key.alg == HW_ALG_NONE)
            show_passed_over(call, list, ref, found[i].reason);
        else
            err = show_key(call, add_object(list), ref, &found[i].key);
    }
    free(found);
    return err;
}

static err_code list_run(struct call *call)
{
    json_t *list = put_array(call->json, "keys");

    for (size_t i = 0; i < call->args->n_plain; i++) {
        const char *source = call->args->plain[i];
        if (strncmp(source, "pkcs11:", 7) == 0)
            TRY(list_token(call, list, source));
        else if (strncmp(source, "tpm:", 4) == 0)
            TRY(list_tpm(call, list, source));
        else
            TRY(list_file(call, list, source));
    }
    return ERR_OK;
}

static const struct opt LIST_OPTIONS[] = {
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM"},
    {0},
};

const struct verb VERB_KEY_LIST = {
    .name = "key list",
    .arguments = "SOURCE...",
    .summary = "list keys with the references that other verbs take",
    .details = "SOURCE is a PEM file, a token "
               "(pkcs11:token=NAME?module-path=...&pin-source=file:/PATH) or a\n"
               "TPM (tpm:device:/dev/tpmrm0).",
    .opts = LIST_OPTIONS,
    .least = 1,
    .most = ARGS_MAX,
    .run = list_run,
};
