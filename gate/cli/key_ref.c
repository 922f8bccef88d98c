/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cli/key_ref.h"

#include "gate/base/file.h"
#include "pkcs11/signer.h"
#include "tpm/signer.h"

#include <string.h>

#define PEM_MAX 65536
#define TPM_DEFAULT "tpm:device:/dev/tpmrm0"

enum ref_kind { REF_FILE = 0, REF_PKCS11, REF_TPM, REF_FOREIGN };

static enum ref_kind kind_of(const char *ref)
{
    static const struct {
        const char *scheme;
        enum ref_kind kind;
    } SCHEMES[] = {
        {"pkcs11:", REF_PKCS11},    {"tpm2:", REF_TPM},        {"azurekms:", REF_FOREIGN},
        {"awskms:", REF_FOREIGN},   {"gcpkms:", REF_FOREIGN},  {"hashivault:", REF_FOREIGN},
        {"cloudkms:", REF_FOREIGN}, {"yubikey:", REF_FOREIGN}, {"tpmkms:", REF_FOREIGN},
        {"k8s:", REF_FOREIGN},      {"did:", REF_FOREIGN},     {"fido2:", REF_FOREIGN},
    };

    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++)
        if (strncmp(ref, SCHEMES[i].scheme, strlen(SCHEMES[i].scheme)) == 0)
            return SCHEMES[i].kind;
    return REF_FILE;
}

static err_code foreign(const char *ref, struct why *why)
{
    return why_say(why, ERR_KEY_REF,
                   "\"%s\" is not built in; use the vendor's PKCS#11 module: pkcs11:...", ref);
}

static const char *path_of(const char *ref)
{
    return strncmp(ref, "file:", 5) == 0 ? ref + 5 : ref;
}

static struct hw_options options_of(const struct key_ref_options *options)
{
    return (struct hw_options){.allow_simulator = options->allow_simulator};
}

static const char *tpm_of(const struct key_ref_options *options)
{
    return options->tpm != NULL ? options->tpm : TPM_DEFAULT;
}

err_code key_ref_open(const char *ref, const struct key_ref_options *options,
                      struct hw_signer **ret, struct why *why)
{
    CLEANUP(buf_free) struct buf pem = {0};
    const struct hw_options hw = options_of(options);

    switch (kind_of(ref)) {
    case REF_PKCS11:
        return hsm_signer_open(ref, ret, why);
    case REF_TPM:
        return tpm_signer_open(tpm_of(options), ref, &hw, ret, why);
    case REF_FOREIGN:
        return foreign(ref, why);
    case REF_FILE:
        break;
    }
    TRY(file_read(path_of(ref), PEM_MAX, &pem, why));
    if (hw_signer_from_pem(buf_slice(&pem), ret, why) != ERR_OK)
        return why_say(why, ERR_KEY_REF,
                       "\"%s\" holds no unencrypted private key of a kind that pawl uses",
                       path_of(ref));
    return ERR_OK;
}

err_code key_ref_public(const char *ref, const struct key_ref_options *options,
                        struct hw_pubkey *ret, struct why *why)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(buf_free) struct buf pem = {0};

    if (kind_of(ref) == REF_FILE) {
        TRY(file_read(path_of(ref), PEM_MAX, &pem, why));
        if (hw_pubkey_from_pem(buf_slice(&pem), ret, NULL) == ERR_OK)
            return ERR_OK;
    }
    TRY(key_ref_open(ref, options, &signer, why));
    *ret = signer->key;
    return ERR_OK;
}

static err_code generate_file(const char *path, enum hw_alg alg, struct hw_signer **ret,
                              struct why *why)
{
    CLEANUP(hw_signer_close) struct hw_signer *signer = NULL;
    CLEANUP(buf_free) struct buf pem = {0};

    TRY(hw_signer_generate(alg, &signer, why));
    TRY(hw_signer_to_pem(signer, &pem));
    TRY(file_write_new(path, buf_slice(&pem), 0600, why));
    *ret = signer;
    signer = NULL; /* transferred */
    return ERR_OK;
}

static err_code generate_pkcs11(const char *ref, enum hw_alg alg, struct hw_signer **ret,
                                struct why *why)
{
    char uri[HSM_KEY_URI_MAX];

    TRY(hsm_signer_generate(ref, alg, uri, why));
    return hsm_signer_open(uri, ret, why);
}

err_code key_ref_generate(const char *ref, enum hw_alg alg, const struct key_ref_options *options,
                          struct hw_signer **ret, struct why *why)
{
    const struct hw_options hw = options_of(options);

    switch (kind_of(ref)) {
    case REF_PKCS11:
        return generate_pkcs11(ref, alg, ret, why);
    case REF_TPM:
        return tpm_signer_generate(tpm_of(options), ref, alg, &hw, ret, why);
    case REF_FOREIGN:
        return foreign(ref, why);
    case REF_FILE:
        break;
    }
    return generate_file(path_of(ref), alg, ret, why);
}
