#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py: judges permits as docs/formats.md says ("What makes a permit valid"), with the COSE
and receipt libraries of others: pycose for every COSE signature, scitt-cose for RFC 9942 receipts.
What these libraries leave open, such as other encodings and further labels, is decided here.
usage: verify.py ROOT ENROLMENT PERMIT..."""

import struct
import sys
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message, SignMessage
from scitt_cose import verify_receipt

import certs
import did
import shape
from names import names
from shape import Refused, need, sha256, tagged, thumbprint

CERTIFICATE = struct.Struct(">14s Q Q 32s 32s 32s Q 32s")
CERTIFICATE_SIZE = CERTIFICATE.size + 64 + 64
TPM_GENERATED, TPM_ST_ATTEST_NV = 0xFF544347, 0x8014
OWNER = struct.pack(">I", 0x40000001)


# ---- signatures ---------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def public_key(point):
    x, y = (int.from_bytes(part, "big") for part in point)
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise Refused(f"not a point of P-256: {error}") from error


@lru_cache(maxsize=64)
def pem(point):
    return public_key(point).public_bytes(serialization.Encoding.PEM,
                                          serialization.PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=64)
def raw_good(point, data, signature):
    """ECDSA with SHA-256 over what is no COSE message."""
    key = public_key(point)
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def cose_good(point, message, detached=None):
    """What pycose says of a COSE_Sign1."""
    try:
        parsed = Sign1Message.decode(message)
        parsed.key = EC2Key(crv=P256, x=point[0], y=point[1])
        return parsed.verify_signature(detached) is True
    except Exception:  # pylint: disable=broad-except
        return False


@lru_cache(maxsize=64)
def receipt_root(point, receipt, leaf):
    """The root that scitt-cose finds in a receipt that it takes for this leaf, or None."""
    result = verify_receipt(receipt, leaf_entry_hex=leaf.hex(), log_public_key_pem=pem(point))
    return bytes.fromhex(result.root) if result.ok else None


# ---- root metadata and enrolment ----------------------------------------------------------------


def root_signed(data, content):
    """pycose on a COSE_Sign of ES256 keys: a threshold of the role "root" has signed."""
    threshold, kids = content["roles"]["root"]
    message = SignMessage.decode(data)
    seen = set()
    for signer in message.signers:
        kid = shape.decode(signer.phdr_encoded)[4]
        if kid not in kids:
            continue
        key = content["keys"][kid]
        signer.key = EC2Key(crv=P256, x=key[-2], y=key[-3])
        need(signer.verify_signature() is True, "root metadata: a signature is wrong")
        seen.add(kid)
    need(len(seen) >= threshold, "root metadata: too few signatures")


class Facts:
    """Root metadata 1 and an enrolment that fits it."""

    def __init__(self, root, enrolment):
        self.enrolment = shape.enrolment(enrolment)
        content = shape.decode(shape.decode(root).value[2])
        root_signed(root, content)
        need(content["version"] == 1, "not version 1 of the root metadata")
        need(self.enrolment["root"] == sha256(root), "the enrolment is of other root metadata")
        need(self.enrolment["domain"] == content["domain"], "the enrolment is of another domain")
        self.kind = self.enrolment["about"]["kind"]
        self.receipt, self.seal = self.point("receipt"), self.point("seal")
        public_key(self.receipt)
        public_key(self.seal)
        if did.is_did(self.issuer()):
            certs.enrolled(self.issuer(), self.enrolment.get("device-chain"), self.device())
        if self.kind == "tpm":
            for key, want in names(sha256(root), content, self.enrolment).items():
                need(self.enrolment[key] == want, f"{key} does not follow from the root metadata")

    def point(self, key):
        return self.enrolment[key][-2], self.enrolment[key][-3]

    def issuer(self):
        return self.enrolment["issuer"]

    def device(self):
        """The key that everything else of the gate comes from."""
        return self.receipt if self.kind == "tpm" else self.seal


# ---- seals --------------------------------------------------------------------------------------


def certificates(facts, chain):
    """Epoch, key and snapshot at the end of an epoch chain. 5, epoch-chain."""
    count = len(chain) // CERTIFICATE_SIZE
    need(1 <= count <= 4096 and len(chain) == count * CERTIFICATE_SIZE, "no chain of certificates")
    before = None
    for at in range(0, len(chain), CERTIFICATE_SIZE):
        whole = chain[at : at + CERTIFICATE_SIZE]
        signed, by_previous, by_identity = whole[:166], whole[166:230], whole[230:]
        tag, epoch, _, x, y, snapshot, previous, link = CERTIFICATE.unpack(signed)
        need(tag == b"pawl-epoch-v1\0", "no epoch certificate")
        if before is None:
            need((epoch, (x, y)) == (facts.enrolment["epoch"], facts.receipt), "another beginning")
            need((previous, link, by_previous) == (0, bytes(32), bytes(64)), "a first with a past")
            need(snapshot == bytes(32), "a first with a snapshot")
        else:
            need(epoch > before[0] == previous, "epochs that do not follow")
            need(snapshot != bytes(32), "no snapshot")
            need(link == sha256(before[2]), "made for another certificate")
            need(raw_good(before[1], signed, by_previous), "not signed by the key before")
        need(raw_good(facts.seal, signed, by_identity), "not signed by the identity key")
        public_key((x, y))
        before = epoch, (x, y), whole
    return before[0], before[1], snapshot


def take(data, size):
    need(len(data) >= size, "the attestation is cut")
    return data[:size], data[size:]


def take_sized(data):
    size, data = take(data, 2)
    return take(data, struct.unpack(">H", size)[0])


def attested(facts, statement, binding):
    """The counter in a TPMS_ATTEST that says what it must. 5, tpm-certify."""
    need(len(statement) <= 1024, "the attestation is too large")
    head, rest = take(statement, 6)
    need(struct.unpack(">IH", head) == (TPM_GENERATED, TPM_ST_ATTEST_NV), "no such attestation")
    signer, rest = take_sized(rest)
    extra, rest = take_sized(rest)
    clock, rest = take(rest, 17 + 8)
    need(clock[16] in (0, 1), "a bool that is none")
    index, rest = take_sized(rest)
    offset, rest = take(rest, 2)
    contents, rest = take_sized(rest)
    need(rest == b"", "the attestation is longer")
    need(signer == b"\0\x0b" + sha256(OWNER, facts.enrolment["seal-name"]), "another signing key")
    need(extra == binding, "bound to something else")
    need(index == facts.enrolment["index-name"], "another counter")
    need(offset == b"\0\0" and len(contents) == 8, "not the whole counter")
    return int.from_bytes(contents, "big")


def sealed_epoch(facts, seal, binding):
    need(len(seal["signature"]) == 64, "the seal's signature has another length")
    counter = attested(facts, seal["statement"], binding)
    need(raw_good(facts.seal, seal["statement"], seal["signature"]), "not signed by the seal key")
    need(counter >= facts.enrolment["base"], "a counter below the base")
    return counter - facts.enrolment["base"]


# ---- the permit ---------------------------------------------------------------------------------


def same(facts, record, key, receipt):
    """2 and 3: what the parts say of each other, and of the gate."""
    head, body = record
    own, key_head, key_body = body["pawl"], *key
    issuer, about = head[15][1], facts.enrolment["about"]
    need(issuer == key_head[15][1] == receipt[15][1] == facts.issuer(), "issuers")
    need(own["epoch"] == receipt["pawl-epoch"] == key_body["pawl"]["epoch"], "epochs")
    need(head[4] == receipt["pawl-signer"], "a receipt of another session's round")
    need(own["snapshot"] == receipt["pawl-snapshot"], "snapshots")
    need(own["simulated"] == ("pawl-simulated" in receipt) == about["simulator"], "simulated")
    need(own["hardware"] == about["model"], "hardware")
    need(body["operator_id"] == facts.enrolment["domain"], "operator_id")
    need(body["session_id"] == key_body["session_id"], "sessions")
    need(key_head["action_timestamp_ms"] <= head["action_timestamp_ms"], "a key from later on")
    need(head[4] == key_body["input_hash"], "signed by another key than pawl-key introduces")


def judge(facts, data):
    """Returns (permit or deny, epoch, leaf index, tree size). Raises Refused."""
    leaf, receipt_bytes, key_bytes, seal = shape.permit(data)
    head, body = shape.record(leaf, "decision")
    key = shape.record(key_bytes, "key_rotation")
    chain = shape.beside(data, body)
    receipt_head, proof, above = shape.receipt(receipt_bytes)
    own = body["pawl"]
    same(facts, (head, body), key, receipt_head)

    need(seal is not None, "no seal")
    need((facts.kind, seal["kind"]) in (("tpm", "tpm-certify"), ("pkcs11", "epoch-chain")),
         "not this hardware's seal")
    epoch, point = None, facts.receipt
    if facts.kind == "pkcs11":
        need(seal["signature"] == b"", "an epoch chain with a signature")
        epoch, point, snapshot = certificates(facts, seal["statement"])
        need(snapshot in (bytes(32), receipt_head["pawl-snapshot"]), "stepped for another snapshot")
    need(receipt_head[4] == key[0][4] == thumbprint(point), "signed by another receipt key")
    root = receipt_root(point, receipt_bytes, leaf)
    need(root is not None, "scitt-cose does not take the receipt")
    if facts.kind == "tpm":
        binding = tagged("pawl-seal-v1", proof[0].to_bytes(8, "big"),
                         receipt_head["pawl-round"].to_bytes(8, "big"), root,
                         receipt_head["pawl-snapshot"], own["epoch"].to_bytes(8, "big"),
                         receipt_head["pawl-signer"])
        epoch = sealed_epoch(facts, seal, binding)
    need(epoch == own["epoch"], "the hardware certifies another epoch")

    statement_key = shape.p256(key[1]["pawl"]["key"])
    public_key(statement_key)
    need(cose_good(point, receipt_bytes, root), "pycose does not take the receipt")
    need(cose_good(point, key_bytes), "pycose does not take the key_rotation")
    need(cose_good(statement_key, data), "pycose does not take the record")
    certs.judge((certs.chain(chain), certs.chain(above), key[1]["pawl"]["certificates"]),
                (statement_key, point), facts.device(), facts.issuer(), head[15][6])
    return own["decision"], epoch, proof[1], proof[0]


def main():
    contents = []
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            contents.append(file.read())
    facts = Facts(*contents[:2])
    for path, data in zip(sys.argv[3:], contents[2:]):
        try:
            print(path, *judge(facts, data))
        except Refused as error:
            print(path, "refused:", error)


if __name__ == "__main__":
    main()
