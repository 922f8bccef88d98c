/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h: every way pawl can fail or refuse, in one list: stable name, number, exit code, meaning,
 * and what to do next. The names are an interface (scripts and auditors match on them): append,
 * never rename, never renumber. Exit codes are grouped as in docs/errors.md.
 */
#ifndef PAWL_BASE_ERR_H
#define PAWL_BASE_ERR_H

/* X(name, number, exit, meaning, hint) */
#define ERR_LIST(X)                                                                                \
    X(OK, 0, 0, "success", "")                                                                     \
    /* the machine */                                                                              \
    X(INTERNAL, 1, 1, "a step that cannot fail has failed", "please report this as a bug")         \
    X(NO_MEMORY, 2, 1, "out of memory", "free memory, then try again")                             \
    X(USAGE, 3, 2, "the command line is not right", "see: pawl help")                              \
    X(NOT_FOUND, 4, 3, "no such file or object", "check the name")                                 \
    X(EXISTS, 5, 3, "it exists already and is different", "choose another name")                   \
    X(LINT, 6, 4, "the policy has findings", "mend the lines named above")                         \
    X(UNSUPPORTED, 7, 1, "not offered here", "see: pawl status")                                   \
    X(TOO_LARGE, 8, 20, "larger than the limit", "see docs/formats.md for the limits")             \
    X(TEST_FAILED, 9, 4, "a policy does not decide as its test expects",                           \
      "mend the policy or the test that is named")                                                 \
    X(TEST_FILE, 10, 20, "not a usable file of policy tests", "see: man pawl-policy, TESTS")       \
    /* decisions */                                                                                \
    X(DENIED, 20, 10, "denied by policy", "ask the authority for a policy that permits it")        \
    X(NO_POLICY, 21, 10, "no policy in force covers this request",                                 \
      "publish a policy whose scope and actions cover it")                                         \
    X(ALIAS_UNKNOWN, 22, 10, "no policy of this alias is in force", "see: pawl status")            \
    X(REQUEST_MALFORMED, 23, 20, "the request is not a well-formed AuthZEN evaluation request",    \
      "see docs/formats.md, section request")                                                      \
    X(EVALUATION, 24, 10, "a policy failed while it was evaluated, which denies",                  \
      "mend the policy that is named, or the request")                                             \
    X(REQUEST_INVALID, 25, 20, "the request does not fit the schema of a policy",                  \
      "send what the schema declares: pawl policy show")                                           \
    X(AGENT_UNKNOWN, 26, 10, "nobody enrolled this agent, so it may do nothing",                   \
      "pawl agent enrol NAME")                                                                     \
    X(SUBJECT_MISMATCH, 27, 10, "the caller is not the agent that it speaks for",                  \
      "ask as the agent itself, or through an enforcement point")                                  \
    X(AGENT_PARENT, 28, 3, "other agents belong to this one",                                      \
      "remove those first: pawl agent list")                                                       \
    /* encodings and signatures */                                                                 \
    X(CBOR_MALFORMED, 30, 20, "not well-formed CBOR", "fetch the file again")                      \
    X(CBOR_NOT_DETERMINISTIC, 31, 20, "CBOR is not in its deterministic form",                     \
      "fetch the file again")                                                                      \
    X(CBOR_DUPLICATE_KEY, 32, 20, "a map has the same key twice", "fetch the file again")          \
    X(CBOR_TOO_DEEP, 33, 20, "nested deeper than the limit", "fetch the file again")               \
    X(CBOR_TRAILING, 34, 20, "bytes follow the last item", "fetch the file again")                 \
    X(CBOR_TYPE, 35, 20, "another CBOR type was expected", "fetch the file again")                 \
    X(COSE_MALFORMED, 36, 20, "not a well-formed COSE message", "fetch the file again")            \
    X(COSE_CRIT, 37, 20, "a critical header is not understood", "update pawl")                     \
    X(COSE_ALG, 38, 20, "this algorithm is not accepted", "sign with ES256, ES384 or PS256")       \
    X(KEY_MALFORMED, 39, 20, "not a usable public key", "check the key")                           \
    X(SIGNATURE_INVALID, 40, 20, "a signature is not valid",                                       \
      "the file was changed after signing, or signed with another key: fetch it again")            \
    X(FORMAT, 41, 20, "the content does not follow docs/formats.cddl", "fetch the file again")     \
    X(CEDAR_SYNTAX, 42, 4, "not valid Cedar", "mend the line named above")                         \
    X(CEDAR_UNSUPPORTED, 43, 4, "a part of Cedar that a gate does not take",                       \
      "write a policy without slots for each case")                                                \
    X(CEDAR_ANNOTATION, 44, 4, "an annotation that pawl does not take",                            \
      "@id, @description and @freshness are known: docs/cedar.md says what they may hold")         \
    X(JSON_MALFORMED, 45, 20, "not well-formed JSON", "check the input")                           \
    X(CEDAR_SCHEMA, 46, 4, "not a valid Cedar schema", "mend the line named above")                \
    X(CEDAR_INVALID, 47, 4, "it does not fit the schema", "mend what is named above")              \
    X(CEDAR_ENTITY, 48, 20, "not a usable Cedar entity or value", "mend what is named above")      \
    X(CEDAR_TEXT_SIZE, 49, 20, "a Cedar text or name is longer than the limit",                    \
      "see docs/cedar.md for the limits")                                                          \
    X(CEDAR_NESTING, 50, 20, "nested deeper than the limit", "see docs/cedar.md for the limits")   \
    X(CEDAR_COUNT, 51, 20, "more policies or entities than the limit",                             \
      "see docs/cedar.md for the limits")                                                          \
    X(CEDAR_LIST_SIZE, 52, 20, "a Cedar set or record is larger than the limit",                   \
      "see docs/cedar.md for the limits")                                                          \
    X(CEDAR_STEPS, 53, 20, "more steps or memory than the limit are needed",                       \
      "see docs/cedar.md for the limits")                                                          \
    X(CERT_MALFORMED, 54, 20, "not a usable X.509 certificate", "fetch the file again")            \
    X(DID_MALFORMED, 55, 20, "not a did:x509 identifier that pawl reads",                          \
      "see docs/formats.md, section issuer")                                                       \
    X(PREIMAGE_MISSING, 56, 20, "a record's payload is kept apart, and is not there",              \
      "get the payload from whoever wrote the record")                                             \
    /* trust */                                                                                    \
    X(SIGNER_UNKNOWN, 60, 21, "the signer does not hold this role",                                \
      "sign with a key that the root metadata lists for the role")                                 \
    X(THRESHOLD, 61, 21, "too few distinct keys have signed",                                      \
      "have more holders of the role sign: --key KEY, or pawl policy cosign")                      \
    X(ROOT_UNTRUSTED, 62, 21, "the root metadata is not the one this gate was enrolled under",     \
      "get the root metadata chain from the authority")                                            \
    X(ROOT_SEQUENCE, 63, 21, "a version of the root metadata is missing or repeated",              \
      "fetch a bundle that carries the whole chain")                                               \
    X(ROOT_EQUIVOCATION, 64, 21, "two root metadata of one version differ",                        \
      "tell the authority: its root keys may be in other hands")                                   \
    X(GRANT_INVALID, 65, 21,                                                                       \
      "a grant is missing, not signed by a ratchet key, or not for this gate and snapshot",        \
      "ask the authority to publish for this gate: pawl publish --for ENROLMENT")                  \
    X(ANCHOR_MISSING, 66, 21, "the token has no trusted anchor for this key",                      \
      "have the security officer add it: pawl init ... --so-pin-file FILE")                        \
    X(ANCHOR_FOREIGN, 67, 21, "an object at the anchor's place is not our trusted anchor",         \
      "have the security officer look at the token")                                               \
    X(PERMIT_INVALID, 68, 21, "the permit does not prove what it claims", "do not act on it")      \
    X(CERT_CHAIN, 69, 21, "a chain of certificates does not hold",                                 \
      "get a complete chain from the certificate authority")                                       \
    X(DID_REFUSED, 70, 21, "the identifier does not name the holder of this certificate",          \
      "check the did:x509 against the certificates: openssl x509 -text")                           \
    /* freshness */                                                                                \
    X(NOT_YET_VALID, 80, 22, "not valid yet", "wait, or check the clock")                          \
    X(EXPIRED, 81, 22, "no longer valid", "ask the authority for a new version")                   \
    X(SNAPSHOT_STALE, 82, 22, "the snapshot has expired",                                          \
      "install a newer bundle from the authority")                                                 \
    X(REVOKED, 83, 23, "revoked by the authority", "install what replaces it")                     \
    X(ROLLBACK, 84, 24, "refused: the hardware has already moved on to a newer epoch",             \
      "install the newest bundle; there is no override")                                           \
    X(POLICY_ROLLBACK, 85, 24, "refused: a newer version of this policy was already in force",     \
      "sign the rules again under a higher version")                                               \
    X(EQUIVOCATION, 86, 21, "two signed contents for one version",                                 \
      "tell the authority: a signing key may be in other hands")                                   \
    X(SUCCESSION, 87, 21, "the chain of predecessors has a gap",                                   \
      "install the bundle that is named, or one that carries the versions in between")             \
    X(NOTHING_INSTALLED, 88, 22, "no snapshot is installed, so every action is denied",            \
      "pawl install BUNDLE")                                                                       \
    X(CLOCK_BACK, 89, 42, "the clock is behind what is already recorded",                          \
      "set the clock, then try again")                                                             \
    /* the service */                                                                              \
    X(OVERLOADED, 90, 34, "more requests wait than the service takes", "ask again later")          \
    X(STOPPING, 91, 34, "the service is stopping", "ask again when it runs")                       \
    X(DEADLINE, 92, 34, "no answer in time, so it is denied", "ask again; see: pawl status")       \
    X(CALLER_REFUSED, 93, 31, "this caller may not ask that here", "see: man pawld, SOCKETS")      \
    X(SERVICE_UNREACHABLE, 94, 40, "the service does not answer, so it is denied",                 \
      "systemctl status pawld")                                                                    \
    X(SERVICE_ANSWER, 95, 40, "no answer that can be relied on, so it is denied",                  \
      "see who listens on the socket, and that both are of one version")                           \
    X(STARTING, 96, 34, "the service has not opened its gate yet", "ask again in a moment")        \
    X(SERVICE_UNTRUSTED, 97, 40, "somebody else may be in the service's place, so it is denied",   \
      "see who made that, and with which right; then start pawld anew")                            \
    /* hardware */                                                                                 \
    X(HARDWARE_URI, 100, 2, "not a hardware URI that pawl knows",                                  \
      "tpm:device:/dev/tpmrm0, or pkcs11:token=NAME?module-path=...")                              \
    X(NOT_ENROLLED, 101, 30, "this gate is not enrolled", "pawl init")                             \
    X(TPM_NOT_FOUND, 102, 30, "no TPM found; pawl never falls back to software",                   \
      "enable the TPM in the firmware, or add one to the virtual machine")                         \
    X(TPM_PERMISSION, 103, 31, "not allowed to open the TPM",                                      \
      "add the user to group tss, or ask the service")                                             \
    X(TPM_FAILED, 104, 34, "the TPM answered with an error", "see: tpm2 rc_decode CODE")           \
    X(TPM_TIMEOUT, 105, 34, "the TPM did not answer in time; the outcome is unknown",              \
      "run the command again: pawl reads the counter first")                                       \
    X(TPM_BUSY, 106, 34, "the TPM is busy, out of memory or limits its write rate",                \
      "try again later; another program may have left objects in it")                              \
    X(TPM_LOCKED_OUT, 107, 33, "the TPM is locked after wrong authorizations",                     \
      "see: tpm2 dictionarylockout")                                                               \
    X(TPM_AUTH, 108, 32, "the TPM refused the owner authorization", "give --owner-auth-file")      \
    X(TPM_POLICY, 109, 24, "the TPM refused: the counter does not satisfy the signed policy",      \
      "install the newest bundle; there is no override")                                           \
    X(COUNTER_MISSING, 110, 43, "the counter is gone: the TPM was cleared or the index deleted",   \
      "find out who did it, then enrol again: pawl init --again")                                  \
    X(COUNTER_FOREIGN, 111, 43, "the NV index at the counter's place is not ours",                 \
      "choose another index in the URI, or remove the other one")                                  \
    X(HANDLE_FOREIGN, 112, 43, "the object at a persistent handle of ours is not our key",         \
      "choose another handle in the URI, or remove the other one")                                 \
    X(NV_SPACE, 113, 34, "the TPM has no room for the counter",                                    \
      "remove an index that is not used")                                                          \
    X(SIMULATOR_REFUSED, 114, 35,                                                                  \
      "this is a simulator, whose state is a file that can be restored",                           \
      "for development only: pawl init --insecure-simulator")                                      \
    X(TPM_KEY_MISSING, 115, 43, "a permit key is gone from its handle in the TPM",                 \
      "find out who removed it, then repeat pawl init as at first, which makes the same key")      \
    X(HSM_MODULE, 120, 30, "the PKCS#11 module cannot be loaded",                                  \
      "check module-path in the URI, and what the module itself is configured with")               \
    X(HSM_TOKEN_NOT_FOUND, 121, 30, "no token matches the URI", "see: p11tool --list-tokens")      \
    X(HSM_FAILED, 122, 34, "the token answered with an error", "see the token's own log")          \
    X(HSM_REMOVED, 123, 34, "the token went away", "put it back, then try again")                  \
    X(HSM_PIN_WRONG, 124, 32, "wrong PIN for the token; it was tried once and not again",          \
      "check the PIN file")                                                                        \
    X(HSM_PIN_LAST_TRY, 125, 33, "the token's next wrong PIN would lock it, so pawl did not try",  \
      "log in once by hand")                                                                       \
    X(HSM_PIN_LOCKED, 126, 33, "the token's PIN is locked", "the security officer must reset it")  \
    X(HSM_PIN_MISSING, 127, 32, "no PIN was given", "put pin-source=file:/PATH in the URI")        \
    X(HSM_PIN_IN_URI, 128, 2, "a PIN does not belong in a URI",                                    \
      "use pin-source=file:/PATH instead of pin-value")                                            \
    X(HSM_KEY_MISSING, 129, 43, "the epoch key is gone: the token was initialised or is another",  \
      "find out who did it, then enrol again: pawl init --again")                                  \
    X(HSM_KEY_FOREIGN, 130, 43,                                                                    \
      "a key at the epoch key's place is not the one that was certified",                          \
      "have the security officer look at the token")                                               \
    X(HSM_KEY_WEAK, 131, 43, "the token does not protect the key as asked",                        \
      "use a token that enforces these attributes")                                                \
    X(HSM_TOKEN_AMBIGUOUS, 132, 2, "more than one token matches the URI",                          \
      "add serial=... to the URI")                                                                 \
    X(HSM_CHAIN_STALE, 133, 43, "the epoch certificates end before the token's epoch",             \
      "put the newest copy of the gate's hw directory back, or enrol again: pawl init --again")    \
    /* state */                                                                                    \
    X(STORAGE_FULL, 140, 41, "no space left for the record, so nothing was permitted",             \
      "free space, then try again")                                                                \
    X(STORAGE, 141, 41, "a file could not be read or written", "check the disk and permissions")   \
    X(STATE_CORRUPT, 142, 43, "the gate's own files do not fit together",                          \
      "do not delete them: they are evidence; see docs/recovery.md")                               \
    X(LEDGER_INCONSISTENT, 143, 43, "the ledger was cut or changed", "keep it as evidence")        \
    X(BUSY, 144, 34, "another pawl process holds this directory, and did not let go in time",      \
      "try again when it is done; see: fuser FILE, with the lock file named above")                \
    X(LEDGER_ROLLBACK, 145, 43, "the ledger on disk is older than the hardware says",              \
      "put the newest copy of the ledger back; see docs/recovery.md")                              \
    X(HEAD_MISSING, 146, 43, "what keeps the ledger's head in the hardware is gone",               \
      "find out who did it, then enrol again: pawl init --again")                                  \
    X(GATE_EXISTS, 147, 3, "the hardware holds a gate of this root that this directory is not of", \
      "use that gate's directory; pawl init --again ends its ledger and begins a new one")         \
    X(HEAD_FOREIGN, 148, 43, "an object at the place of the ledger's head is of another root",     \
      "remove it, or have the security officer look at the token")                                 \
    X(KEY_REF, 150, 2, "not a key reference that pawl knows",                                      \
      "FILE.pem, pkcs11:..., or tpm2:handle=0x81...")                                              \
    X(KEY_SIGN, 151, 1, "the key could not sign", "check the key")                                 \
    /* witnesses */                                                                                \
    X(WITNESS_REFUSED, 160, 36, "a witness did not cosign the checkpoint",                         \
      "ask who runs the witness")                                                                  \
    X(WITNESS_UNREACHABLE, 161, 36, "a witness could not be asked",                                \
      "check its URL in gate.json and the network, then try again")

#define X(name, number, exit, meaning, hint) ERR_##name = number,
typedef enum [[nodiscard]] err_code{ERR_LIST(X)} err_code;
#undef X

/* Returns from the calling function on the first failure. The only macro with control flow. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        err_code try_ = (call);                                                                    \
        if (try_ != ERR_OK)                                                                        \
            return try_;                                                                           \
    } while (0)

/* The stable name ("ROLLBACK"), the process exit code, one sentence, and the next step. An unknown
 * number gives the texts of INTERNAL. Borrows: static storage. */
const char *err_name(err_code err);
int err_exit(err_code err);
const char *err_text(err_code err);
const char *err_hint(err_code err);

/* The error of a stable name; INTERNAL when there is none. */
err_code err_from_name(const char *name);

#endif
