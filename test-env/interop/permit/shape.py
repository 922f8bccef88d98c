# SPDX-License-Identifier: Apache-2.0
"""shape.py: deterministic CBOR, and the shapes of docs/ledger.cddl and docs/formats.cddl as far as
a permit needs them. Independent of the code under test. What does not fit raises Refused."""

import base64
import hashlib
import os
import re
import sys
from functools import lru_cache

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../../integration")

import cbor  # pylint: disable=wrong-import-position

UINT_MAX = 2**64 - 1
NUMBER_MAX = 2**53 - 1
RECEIPT_MAX, SEAL_MAX, PERMIT_MAX = 24576, 1208320, 2 * 1024 * 1024
SECONDS_MAX = 253402300799
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
COUNTRY = re.compile(r"[A-Z]{2}")
ASCII = re.compile(r"[ -~]{0,256}")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
ACTION_TYPES = {"key_rotation": "key_rotation", **{
    f"dev.pawl.{kind}": kind for kind in (
        "attempt", "decision", "start", "stop", "enrol", "install", "bump", "install_refused",
        "override", "approval", "revocation", "hardware_lost", "hardware_back", "agent_enrol",
        "agent_remove")}}
# What can be taken out of a decision, in the order of the receipts, and how to get at it.
REDACTABLE = {"agent_version": lambda body: body["agent_version"],
              "input_hash": None,
              "pawl.action": lambda body: body["pawl"]["action"],
              "pawl.determining": lambda body: "\n".join(body["pawl"]["determining"]),
              "pawl.resource.id": lambda body: body["pawl"]["resource"]["id"],
              "pawl.resource.type": lambda body: body["pawl"]["resource"]["type"],
              "pawl.subject.type": lambda body: body["pawl"]["subject"]["type"]}
REDACTED = "[REDACTED]"
RETENTION = ("regulatory_7yr", "regulatory_5yr", "regulatory_3yr", "operational_1yr", "custom")


class Refused(Exception):
    """Not a valid permit; says why."""


def need(holds, what):
    if not holds:
        raise Refused(what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *parts):
    return sha256(tag.encode() + b"\0", *parts)


# ---- values -------------------------------------------------------------------------------------


def decode(data):
    """The value, if this is its one deterministic encoding: any other form is encoded otherwise."""
    try:
        value = cbor.decode(data)
        again = cbor.encode(value)
    except Exception as error:  # pylint: disable=broad-except
        raise Refused(f"not CBOR: {error!r}") from error
    need(again == data, "not deterministic CBOR")
    return value


def is_key(key, want):
    return type(key) is type(want) and key == want


def members(value, required, optional=()):
    """A map with these members and no others; their order is that of the encoding."""
    need(isinstance(value, dict), f"no map: {value!r}")
    for key in required:
        need(any(is_key(k, key) for k in value), f"{key!r} is missing")
    for key in value:
        need(any(is_key(key, k) for k in (*required, *optional)), f"{key!r} does not belong here")
    return value


def array(value, least, most):
    need(isinstance(value, list) and least <= len(value) <= most, f"no such array: {value!r}")
    return value


def uint(value, most=UINT_MAX):
    need(type(value) is int and 0 <= value <= most, f"no such number: {value!r}")
    return value


def boolean(value):
    need(value is True or value is False, f"no bool: {value!r}")
    return value


def octets(value, least, most=None):
    size = least if most is None else most
    need(isinstance(value, bytes) and least <= len(value) <= size, f"no such bytes: {value!r}")
    return value


def digest(value):
    return octets(value, 32)


NOT_PLAIN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


def text(value, least, most):
    need(isinstance(value, str) and least <= len(value.encode()) <= most, f"no text: {value!r}")
    need(not NOT_PLAIN.search(value), f"not plain: {value!r}")
    return value


def id_(value):
    return text(value, 1, 1024)


def name(value):
    return text(value, 1, 256)


def like(value, pattern):
    need(isinstance(value, str) and pattern.fullmatch(value), f"not {pattern.pattern}: {value!r}")
    return value


def one_of(value, words):
    need(any(is_key(value, word) for word in words), f"none of {words}: {value!r}")
    return value


def p256(value):
    members(value, (1, 3, -1, -2, -3))
    for label, want in ((1, 2), (3, -7), (-1, 1)):
        one_of(value[label], (want,))
    return octets(value[-2], 32), octets(value[-3], 32)


def thumbprint(point):
    """RFC 9679: over the required members alone."""
    return sha256(cbor.encode({1: 2, -1: 1, -2: point[0], -3: point[1]}))


def sign1(data, most):
    """The four parts of a tagged COSE_Sign1."""
    need(len(data) <= most, f"{len(data)} bytes")
    value = decode(data)
    need(isinstance(value, cbor.Tag) and value.number == 18, "not tagged as COSE_Sign1")
    parts = array(value.value, 4, 4)
    octets(parts[0], 0, most)
    octets(parts[3], 64)
    return parts


# ---- record -------------------------------------------------------------------------------------


def record_protected(data):
    head = members(decode(data), (1, 4, 15, 16, "agent_id", "chain_hash", "content_hash",
                                  "prev_chain_hash", "sequence_number", "action_timestamp_ms"))
    one_of(head[1], (-7,))
    digest(head[4])
    claims = members(head[15], (1, 2, 6))
    id_(claims[1])
    id_(claims[2])
    uint(claims[6], SECONDS_MAX)
    one_of(head[16], ("application/pawl-record+cose",))
    id_(head["agent_id"])
    for key in ("chain_hash", "content_hash", "prev_chain_hash"):
        digest(head[key])
    uint(head["sequence_number"])
    uint(head["action_timestamp_ms"], SECONDS_MAX * 1000 + 999)
    return head


def record_payload(data):
    body = members(decode(data), (
        "pawl", "agent_id", "record_id", "input_hash", "session_id", "tool_calls", "action_type",
        "operator_id", "policy_refs", "jurisdiction", "outcome_hash", "agent_version",
        "external_refs", "outcome_state", "schema_version", "retention_class",
        "operator_pubkey_id", "redaction_receipts", "action_timestamp_ms", "written_timestamp_ms",
        "captured_timestamp_ms"))
    for key in ("agent_id", "operator_id", "agent_version"):
        id_(body[key])
    for key in ("record_id", "session_id"):
        like(body[key], UUID7)
    for key in ("input_hash", "outcome_hash"):
        digest(body[key])
    for key in ("tool_calls", "external_refs"):
        array(body[key], 0, 0)
    for receipt_ in array(body["redaction_receipts"], 0, 8):
        members(receipt_, ("policy_id", "field_path", "timestamp_ms", "original_hash"))
        name(receipt_["policy_id"])
        name(receipt_["field_path"])
        uint(receipt_["timestamp_ms"], SECONDS_MAX * 1000 + 999)
        digest(receipt_["original_hash"])
    one_of(body["action_type"], ACTION_TYPES)
    array(body["policy_refs"], 0, 64)
    like(body["jurisdiction"], COUNTRY)
    one_of(body["outcome_state"], ("completed", "failed", "pending_confirmation"))
    one_of(body["schema_version"], ("air-1.0",))
    one_of(body["retention_class"], RETENTION)
    for key in ("action_timestamp_ms", "captured_timestamp_ms"):
        uint(body[key], SECONDS_MAX * 1000 + 999)
    need(body["written_timestamp_ms"] is None, "written_timestamp_ms")
    return body


def decision(own):
    members(own, ("class", "epoch", "event", "round", "action", "reason", "subject", "decision",
                  "hardware", "attempt", "policies", "resource", "snapshot", "simulated",
                  "determining"))
    like(own["attempt"], UUID7)
    for key in ("class", "reason", "hardware"):
        name(own[key])
    uint(own["epoch"])
    uint(own["round"])
    id_(own["action"])
    for key in ("subject", "resource"):
        members(own[key], ("id", "type"))
        id_(own[key]["id"])
        id_(own[key]["type"])
    permit_ = one_of(own["decision"], ("permit", "deny")) == "permit"
    one_of(own["event"], ("GENERATE",) if permit_ else ("DENY", "ERROR"))
    need((own["reason"] == "OK") == permit_, "reason")
    for policy in array(own["policies"], 0, 64):
        array(policy, 3, 3)
        text(policy[0], 1, 128)
        uint(policy[1])
        digest(policy[2])
    digest(own["snapshot"])
    boolean(own["simulated"])
    for policy in array(own["determining"], 0, 32):
        name(policy)


def key_rotation(own):
    members(own, ("key", "epoch", "round", "hardware", "simulated", "certificates"), ("snapshot",))
    p256(own["key"])
    uint(own["epoch"])
    uint(own["round"])
    for certificate in array(own["certificates"], 0, 8):
        octets(certificate, 1, 8192)
    name(own["hardware"])
    if "snapshot" in own:
        digest(own["snapshot"])
    boolean(own["simulated"])


def redacted(body, decided):
    """The receipts are in order, each for something that is not there."""
    paths = list(REDACTABLE) if decided else ["agent_version"]
    found = [receipt_["field_path"] for receipt_ in body["redaction_receipts"]]
    need(found == [path for path in paths if path in found], f"redaction receipts: {found}")
    for receipt_ in body["redaction_receipts"]:
        value = REDACTABLE[receipt_["field_path"]]
        need(body["input_hash"] == receipt_["original_hash"] if value is None
             else value(body) == REDACTED, f"{receipt_['field_path']} is there")
    asked = [path for path in found if path.startswith("pawl.") and path != "pawl.determining"]
    need(not asked or "input_hash" in found, "the digest of the request is there")


def follows(head, body):
    """What a record says twice, or what follows from something else in it."""
    own, agent = body["pawl"], head["agent_id"]
    decided = body["action_type"] == "dev.pawl.decision"
    time = head["action_timestamp_ms"]
    need(head[15][2] == agent == body["agent_id"], "agent_id")
    need(agent == (own["subject"]["id"] if decided else head[15][1]), "agent_id")
    need(body["action_timestamp_ms"] == time and head[15][6] == time // 1000, "time")
    need(body["captured_timestamp_ms"] >= time, "captured before it happened")
    need(body["operator_pubkey_id"] == head[4].hex(), "operator_pubkey_id")
    need(body["outcome_hash"] == sha256(cbor.encode(own)), "outcome_hash")
    denied = decided and own["decision"] == "deny"
    need(body["outcome_state"] == ("failed" if denied else "completed"), "outcome_state")
    refs = [f"{alias}@{version}#sha256:{value.hex()}"
            for alias, version, value in (own["policies"] if decided else [])]
    need(body["policy_refs"] == refs, "policy_refs")
    redacted(body, decided)
    if not decided:
        need(body["input_hash"] == thumbprint(p256(own["key"])), "input_hash")


def chained(head, payload):
    need(head["content_hash"] == sha256(payload), "content_hash")
    need(head["sequence_number"] > 0 or head["prev_chain_hash"] == bytes(32), "prev_chain_hash")
    agent = head["agent_id"].encode()
    want = sha256(head["content_hash"], head["prev_chain_hash"],
                  head["action_timestamp_ms"].to_bytes(8, "big"),
                  len(agent).to_bytes(4, "big"), agent)
    need(head["chain_hash"] == want, "chain_hash")


@lru_cache(maxsize=8)
def record(data, kind):
    """Header and payload of a record of this kind."""
    protected, unprotected, payload, _ = sign1(data, 65535)
    need(unprotected == {}, "a record with an unprotected header")
    octets(payload, 1, 65535)
    head, body = record_protected(protected), record_payload(payload)
    need(ACTION_TYPES[body["action_type"]] == kind, f"{body['action_type']} where {kind} belongs")
    {"decision": decision, "key_rotation": key_rotation}[kind](body["pawl"])
    follows(head, body)
    chained(head, payload)
    return head, body


# ---- receipt ------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def receipt(data):
    """Protected header, the proof (tree size, leaf index, path), and header 33."""
    protected, unprotected, payload, _ = sign1(data, RECEIPT_MAX)
    need(payload is None, "a receipt that carries its root")
    head = members(decode(protected), (1, 4, 15, 395, "pawl-size", "pawl-epoch", "pawl-round",
                                       "pawl-signer", "pawl-snapshot"), ("pawl-simulated",))
    one_of(head[1], (-7,))
    digest(head[4])
    claims = members(head[15], (1, 2, 6))
    id_(claims[1])
    one_of(claims[2], ("ledger",))
    uint(claims[6], SECONDS_MAX)
    one_of(head[395], (1,))
    uint(head["pawl-size"])
    uint(head["pawl-epoch"])
    uint(head["pawl-round"])
    digest(head["pawl-signer"])
    digest(head["pawl-snapshot"])
    need(head.get("pawl-simulated", True) is True, "pawl-simulated")
    proofs = array(members(members(unprotected, (396,), (33,))[396], (-1,))[-1], 1, 1)
    proof = array(decode(octets(proofs[0], 1, RECEIPT_MAX)), 3, 3)
    need(33 not in unprotected or unprotected[33] is not None, "33 is null")
    need(uint(proof[0]) == head["pawl-size"], "the proof is of another size than is signed")
    need(uint(proof[1]) < proof[0], "beyond the tree")
    for node in array(proof[2], 1, 64):
        digest(node)
    return head, proof, unprotected.get(33)


# ---- permit -------------------------------------------------------------------------------------


def permit(data):
    """The parts: leaf entry, receipt, key_rotation, seal or None."""
    parts, extra = opened(data)
    octets(array(extra[394], 1, 1)[0], 0, RECEIPT_MAX)
    octets(extra["pawl-key"], 0, 65535)
    seal = extra.get("pawl-seal")
    if seal is not None:
        members(seal, ("kind", "signature", "statement"))
        one_of(seal["kind"], ("tpm-certify", "epoch-chain", "fake"))
        octets(seal["signature"], 0, SEAL_MAX)
        octets(seal["statement"], 0, SEAL_MAX)
    need("pawl-seal" not in extra or seal is not None, "pawl-seal")
    leaf = cbor.encode(cbor.Tag(18, [parts[0], {}, parts[2], parts[3]]))
    return leaf, extra[394][0], extra["pawl-key"], seal


def opened(data):
    parts = sign1(data, PERMIT_MAX)
    return parts, members(parts[1], (394, "pawl-key"), (33, "pawl-seal", "pawl-disclosures"))


def beside(data, body):
    """Header 33, once the disclosures fit the record."""
    extra = opened(data)[1]
    hashes = {receipt_["field_path"]: receipt_["original_hash"]
              for receipt_ in body["redaction_receipts"]}
    for item in array(extra["pawl-disclosures"], 1, 8) if "pawl-disclosures" in extra else []:
        disclosed(item, hashes)
    need(33 not in extra or extra[33] is not None, "33 is null")
    return extra.get(33)


def disclosed(item, hashes):
    """One member as it was. Takes its hash away: nothing is disclosed twice."""
    members(item, ("path", "salt", "value"))
    name(item["path"])
    octets(item["salt"], 16)
    value = item["value"]
    if item["path"] == "input_hash":
        digest(value)
    else:
        need(isinstance(value, str), f"no text: {value!r}")
        lines = value.split("\n") if item["path"] == "pawl.determining" else [value]
        need(not any(NOT_PLAIN.search(line) for line in lines), f"not plain: {value!r}")
        value = value.encode()
    need(hashes.pop(item["path"], None) == tagged("pawl-redact-v1", item["salt"], value),
         f"{item['path']} does not fit its redaction receipt")


# ---- enrolment ----------------------------------------------------------------------------------

ABOUT_BOOLS = ("es384", "ps256", "seals", "verifies", "simulator", "refuses-rollback")
ABOUT_TEXTS = ("kind", "model", "firmware")
TPM_ONLY = ("base", "index", "seal-name", "index-name", "seal-handle", "receipt-name",
            "receipt-handle")


def log_key(value, origin):
    """A C2SP verifier key of Ed25519: name, id and key."""
    need(isinstance(value, str), "log")
    found, _, rest = value.partition("+")
    number, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise Refused("log: not base64") from error
    need(base64.b64encode(key).decode() == encoded and len(key) == 33 and key[0] == 1, "log: key")
    need(found == origin, "log: name")
    need(number == sha256(found.encode(), b"\n", key)[:4].hex(), "log: id")


def enrolment(data):
    need(len(data) <= 65536, "enrolment: too large")
    facts = decode(data)
    need(isinstance(facts, dict), "enrolment: no map")
    about = members(facts.get("about"), ABOUT_BOOLS + ABOUT_TEXTS)
    for key in ABOUT_BOOLS:
        boolean(about[key])
    for key in ABOUT_TEXTS:
        like(about[key], ASCII)
    more = TPM_ONLY if one_of(about["kind"], ("tpm", "pkcs11")) == "tpm" else ("serial",)
    members(facts, ("log", "gate", "root", "seal", "about", "epoch", "domain", "issuer", "receipt",
                    *more),
            ("zone", "device-chain"))
    for key in {"gate", "domain", "zone"}.intersection(facts):
        like(facts[key], NAME)
    if "serial" in more:
        like(facts["serial"], ASCII)
    log_key(facts["log"], f"{facts['domain']}/{facts['gate']}")
    id_(facts["issuer"])
    if not facts["issuer"].startswith("did:x509:"):  # what that needs is judged in certs.py
        need(facts["issuer"] == f"dev.pawl:{facts['domain']}/{facts['gate']}", "issuer")
        need("device-chain" not in facts, "certificates of a device that nobody has certified")
    need("device-chain" not in facts or facts["device-chain"] is not None, "device-chain is null")
    digest(facts["root"])
    uint(facts["epoch"], NUMBER_MAX)
    for key in ("seal", "receipt"):
        p256(facts[key])
    if more is TPM_ONLY:
        uint(facts["base"], NUMBER_MAX)
        for key in ("index", "seal-handle", "receipt-handle"):
            uint(facts[key], 2**32 - 1)
        for key in ("seal-name", "index-name", "receipt-name"):
            octets(facts[key], 34)
    return facts
