/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c: pawl init: enrols a hardware root. */
#include "gate/base/text.h"
#include "gate/cli/gate_cli.h"
#include "gate/cli/service.h"
#include "gate/cli/verbs.h"
#include "gate/decide/init.h"
#include "gate/decide/installs.h"
#include "gate/decide/manage.h"

#include <string.h>
#include <unistd.h>

#define CHAIN_FILE_MAX ((size_t)64 << 10) /* X509_CHAIN_BYTES_MAX in base64, and comments */

static const struct opt OPTIONS[] = {
    {"hardware", 0, OPT_VALUE, "URI",
     "the hardware root: tpm:device:/dev/tpmrm0, pkcs11:token=NAME?..."},
    {"trust", 0, OPT_VALUE, "FILE", "the authority's enrol.bundle"},
    {"root-digest", 0, OPT_VALUE, "DIGEST", "refuse any other root metadata version 1"},
    {"gate", 0, OPT_VALUE, "NAME", "name of this gate within the domain (default: the host name)"},
    {"zone", 0, OPT_VALUE, "NAME", "zone that this gate stands in, for policies with zones"},
    {"insecure-simulator", 0, OPT_FLAG, NULL, "development only: accept a software TPM or token"},
    {"owner-auth-file", 0, OPT_VALUE, "FILE", "TPM owner authorization (default: empty)"},
    {"so-pin-file", 0, OPT_VALUE, "FILE", "PKCS#11 security officer's PIN, to make the anchors"},
    {"again", 0, OPT_FLAG, NULL,
     "replace an enrolment; the ledger of a gate that the hardware still has ends"},
    {"device-key", 0, OPT_VALUE, "FILE",
     "also write the hardware's own public key here, for a certificate authority"},
    {"device-chain", 0, OPT_VALUE, "FILE",
     "certificates of that key (PEM, its own first): the gate is then a did:x509"},
    {"issuer", 0, OPT_VALUE, "DID",
     "the did:x509 (default: the authority's certificate and the subject of the device's)"},
    {"output", 'o', OPT_VALUE, "FILE", "also write the enrolment file here, for the authority"},
    {0},
};

static err_code host_name(char *ret, size_t size, struct why *why)
{
    if (gethostname(ret, size) != 0)
        return why_say(why, ERR_USAGE, "the host has no name; give --gate NAME");
    ret[size - 1] = '\0';
    for (char *c = ret; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return ERR_OK;
}

static err_code report(struct call *call, const struct buf *enrolment_file, const char *output)
{
    CLEANUP(enrolment_free) struct enrolment enrolment = {0};
    char digest[DIGEST_TEXT], root[DIGEST_TEXT];
    CLEANUP(buf_free) struct buf newest = {0};
    struct digest fingerprint;
    uint64_t installed = 0;

    TRY(enrolment_parse(buf_slice(enrolment_file), &enrolment, &call->why));
    TRY(installs_newest(call->state_dir, &newest, &installed, &call->why));
    TRY(hash_sha256(buf_slice(enrolment_file), &fingerprint));
    digest_text(&fingerprint, digest);
    digest_text(&enrolment.root, root);

    put_slice(call->json, "domain", enrolment.domain);
    put_slice(call->json, "gate", enrolment.gate);
    put_slice(call->json, "issuer", enrolment.issuer);
    put_digest(call->json, "root", &enrolment.root);
    put_digest(call->json, "enrolment_digest", &fingerprint);
    put_bytes(call->json, "enrolment", buf_slice(enrolment_file));
    manage_put_hardware(call->json, &enrolment.hw.about);
    say(call, "Enrolled gate %.*s of %.*s.", TERM_ARG(enrolment.gate), TERM_ARG(enrolment.domain));
    say_hardware(call);
    say(call, "ISSUER   %.*s", TERM_ARG(enrolment.issuer));
    say(call, "ROOT     %s (%s)", root,
        strcmp(enrolment.hw.about.kind, "tpm") == 0 ? "pinned in the TPM"
                                                    : "named by the gate's keys on the token");
    say(call, "ENROLMENT %s", digest);
    if (output != NULL)
        say(call, "         written to %s", output);
    if (installed > 0) {
        say(call, "A bundle is installed. See: pawl status");
        return ERR_OK;
    }
    say(call,
        "Until a bundle is installed every action is denied. Next: give the enrolment file to the");
    say(call, "authority (it compares the digest), then: pawl install BUNDLE");
    return ERR_OK;
}

static err_code write_device_key(const struct buf *enrolment_file, const char *path,
                                 struct why *why)
{
    CLEANUP(enrolment_free) struct enrolment enrolment = {0};
    CLEANUP(buf_free) struct buf pem = {0};

    TRY(enrolment_parse(buf_slice(enrolment_file), &enrolment, why));
    TRY(hw_pubkey_to_pem(hw_enrolment_device(&enrolment.hw), &pem));
    return file_write(path, buf_slice(&pem), 0644, why);
}

static err_code read_chain(struct call *call, struct buf *ret)
{
    CLEANUP(buf_free) struct buf pem = {0};
    const char *path = args_value(call->args, "device-chain", NULL);

    if (path == NULL)
        return ERR_OK;
    TRY(file_read(path, CHAIN_FILE_MAX, &pem, &call->why));
    return why_reading(&call->why, x509_chain_from_pem(buf_slice(&pem), ret, &call->why), "\"%s\"",
                       path);
}

static err_code run(struct call *call)
{
    CLEANUP(buf_free) struct buf trust = {0}, enrolment = {0}, chain = {0};
    const char *device_key = args_value(call->args, "device-key", NULL);
    const struct args *args = call->args;
    const char *output = args_value(args, "output", NULL);
    char host[HW_NAME_MAX + 1] = "";
    struct digest expected;
    struct init_wish wish = {
        .state_dir = call->state_dir,
        .hardware = args_value(args, "hardware", NULL),
        .gate_name = args_value(args, "gate", host),
        .zone = args_value(args, "zone", NULL),
        .insecure_simulator = args_flag(args, "insecure-simulator"),
        .again = args_flag(args, "again"),
        .owner_auth_file = args_value(args, "owner-auth-file", NULL),
        .so_pin_file = args_value(args, "so-pin-file", NULL),
        .issuer = args_value(args, "issuer", NULL),
        .now = call->now,
    };

    if (wish.hardware == NULL || args_value(args, "trust", NULL) == NULL)
        return why_say(&call->why, ERR_USAGE, "--hardware URI and --trust FILE are needed");
    if (wish.gate_name == host)
        TRY(host_name(host, sizeof host, &call->why));
    if (args_value(args, "root-digest", NULL) != NULL) {
        if (digest_parse(args_value(args, "root-digest", NULL), &expected) != ERR_OK)
            return why_say(&call->why, ERR_USAGE, "--root-digest is not sha256:<64 hex digits>");
        wish.root = &expected;
    }
    TRY(file_read(args_value(args, "trust", NULL), BUNDLE_SIZE_MAX, &trust, &call->why));
    TRY(read_chain(call, &chain));
    wish.device_chain = buf_slice(&chain);
    TRY(service_is_away(call));
    TRY(gate_init(&wish, buf_slice(&trust), &enrolment, &call->why));
    if (output != NULL)
        TRY(file_write(output, buf_slice(&enrolment), 0644, &call->why));
    if (device_key != NULL)
        TRY(write_device_key(&enrolment, device_key, &call->why));
    return report(call, &enrolment, output);
}

const struct verb VERB_INIT = {
    .name = "init",
    .arguments = "",
    .summary = "enrol a hardware root: make or find its counter, keys and anchors",
    .details =
        "Safe to repeat: finds what an earlier run made, compares it, and finishes it. "
        "Never touches\n"
        "what it did not make: a gate of this root that the hardware has and this directory has\n"
        "not is refused. A TPM needs the owner authorization only here, a token the\n"
        "security officer's PIN only here.\n"
        "To be known by certificates: init --device-key FILE, have the key certified (as an\n"
        "authority that signs: CA:TRUE, digitalSignature and keyCertSign), and before the "
        "first\n"
        "install init once more with --device-chain.",
    .opts = OPTIONS,
    .run = run,
};
