# SPDX-License-Identifier: Apache-2.0
"""remade.py: permits of a gate that lies. Its keys are ours, so it signs whatever we want: records,
receipts, seals and enrolments in which one member is another, while everything that follows from it
follows, and every signature is good. What damage on the way never reaches, because a signature
stops it, is compared with these: each rule of docs/ for itself."""

import base64
import copy
import datetime
import hashlib
import os
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import did
import names
import shape
from shape import cbor, sha256, tagged, thumbprint

DROP = object()
UNMAKEABLE = (TypeError, ValueError, AttributeError, LookupError, struct.error)
OWNER = struct.pack(">I", 0x40000001)
# What a certified device and everything below it have.
NAMES = [x509.DNSName("gate.example"), x509.RFC822Name("gate@example.org"),
         x509.UniformResourceIdentifier("https://example.org/gate")]
PURPOSES = ["1.3.6.1.5.5.7.3.36", "1.2.3.4"]
# scitt-cose takes no larger tree.
TREE_MAX = 2**62


class Key:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.point = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        self.kid = thumbprint(self.point)
        self.cose = {1: 2, 3: -7, -1: 1, -2: self.point[0], -3: self.point[1]}

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign1(self, protected, payload, unprotected=None, detached=False):
        head = cbor.encode(protected)
        signature = self.sign(cbor.encode(["Signature1", head, b"", payload]))
        return cbor.Tag(18, [head, unprotected or {}, None if detached else payload, signature])


class Edits:
    """Values at paths. Maps and lists pass here once they are made, and come out changed."""

    def __init__(self, edits):
        self.edits = edits

    def at(self, path, value):
        for where, new in self.edits.items():
            if where[: len(path)] == path:
                value = put(value, where[len(path) :], new)
        return value

    def touches(self, room):
        return any(where[0] == room for where in self.edits)


def put(value, where, new):
    if not where:
        return copy.deepcopy(new)
    if isinstance(value, bytes | str | int | None):
        return value
    value = copy.copy(value)
    if new is DROP and len(where) == 1:
        del value[where[0]]
    elif len(where) == 1:
        value[where[0]] = copy.deepcopy(new)
    else:
        value[where[0]] = put(value[where[0]], where[1:], new)
    return value


class Liar:
    """Takes its form from a real gate and one of its permits."""

    predicates = "san:dns:gate.example"

    def __init__(self, gate, permit, home):
        self.kind, self.home = gate.kind, home
        self.statement, self.receipt, self.seal = Key(), Key(), Key()
        self.authority = Key() if did.is_did(gate.facts.issuer()) else None
        self.first = self.receipt if self.kind == "tpm" else Key()
        self.device = self.receipt if self.kind == "tpm" else self.seal
        self.root_bytes = gate.root
        leaf, receipt, key, _ = shape.permit(permit.data)
        self.record = shape.record(leaf, "decision")
        self.key = shape.record(key, "key_rotation")
        self.head, self.proof, _ = shape.receipt(receipt)
        self.epoch = self.record[1]["pawl"]["epoch"]
        self.plain_key = self.chain = None
        self.chain = self.make_certificates(Edits({}))
        self.facts = self.enrol(gate.facts.enrolment)
        os.mkdir(home)
        write(f"{home}/root.cose", self.root_bytes)
        write(f"{home}/gate.enrolment", cbor.encode(self.facts))

    def enrol(self, like, edits=Edits({})):
        facts = {**like, "receipt": self.first.cose, "seal": self.seal.cose, "epoch": 0,
                 "issuer": self.issuer(like["issuer"])}
        if self.authority:
            facts["device-chain"] = self.chain[-2:]
        facts = edits.at(("enrolment",), facts)
        if self.kind == "tpm":
            content = shape.decode(shape.decode(self.root_bytes).value[2])
            try:
                facts.update(names.names(sha256(self.root_bytes), content, facts))
            except (KeyError, TypeError, struct.error):
                pass  # as they were: nothing follows from such an enrolment
        return edits.at(("enrolment",), facts)

    def issuer(self, like):
        """A did:x509 of our own authority where the gate's is one."""
        return did_of(self.chain[-1], self.predicates) if self.authority else like

    # ---- the parts, from the inside out ----

    def make_record(self, edits, room, template, key, unprotected=None):
        """The message, and what was said in it. room: the first member of the paths."""
        head, body = copy.deepcopy(template)
        own = body["pawl"]
        head[15][1] = self.issuer(head[15][1])
        if room == "key":
            head[15][2] = head["agent_id"] = body["agent_id"] = head[15][1]
            own["key"] = self.statement.cose
            own["certificates"] = (self.make_certificates(edits) if edits.touches("certificate")
                                   else self.chain)
        own = edits.at((room, "pawl"), own)
        body["pawl"] = own
        body = edits.at((room, "body"), body)
        body["outcome_hash"] = sha256(cbor.encode(own))
        if room == "key":
            body["input_hash"] = point_of(own, self.statement.kid)
        head[4] = key.kid
        head = edits.at((room, "head"), head)
        body["operator_pubkey_id"] = head[4].hex() if isinstance(head.get(4), bytes) else ""
        body = edits.at((room, "body"), body)
        payload = cbor.encode(body)
        head["content_hash"] = sha256(payload)
        head = edits.at((room, "head"), head)
        try:
            agent = head["agent_id"].encode()
            head["chain_hash"] = sha256(head["content_hash"], head["prev_chain_hash"],
                                        struct.pack(">Q", head["action_timestamp_ms"]),
                                        struct.pack(">I", len(agent)), agent)
        except (KeyError, TypeError, AttributeError, struct.error):
            pass
        return key.sign1(edits.at((room, "head"), head), payload, unprotected), own

    def make_certificates(self, edits):
        """Each by the next one, the last by itself."""
        keys = [self.statement, self.receipt, self.seal][: 2 if self.kind == "tpm" else 3]
        keys += [self.authority] if self.authority else []
        made = []
        changed = {where[1] for where in edits.edits if where[0] == "certificate"}
        for number, key in enumerate(keys):
            if self.chain and number not in changed:
                made.append(self.chain[number])
                continue
            above = min(number + 1, len(keys) - 1)
            made.append(certificate(edits.at(("certificate", number), {
                "key": key, "by": keys[above], "subject": f"key {number}",
                "issuer": f"key {above}", "from": 0, "until": 253402300799, "ca": number > 0,
                "below": max(number - 1, 0), "usage": True, "signs": number > 0, "own id": key,
                "issuer id": keys[above], "unknown": None, "basic": True, "hash": hashes.SHA256(),
                "signature": True, "commits": False, "twice": False,
                "names": NAMES if self.authority else [],
                "purposes": PURPOSES if self.authority else [],
            })))
        return edits.at(("certificates",), made)

    def make_key(self, edits):
        """The key_rotation, and its certificates."""
        if not edits.touches("key") and not edits.touches("certificate"):
            if self.plain_key is None:
                self.plain_key = cbor.encode(self.make_record(edits, "key", self.key,
                                                              self.receipt)[0])
            return self.plain_key, self.chain
        message, own = self.make_record(edits, "key", self.key, self.receipt)
        return cbor.encode(message), own.get("certificates") if isinstance(own, dict) else None

    def make_receipt(self, edits, leaf, chain):
        proof = edits.at(("proof",), self.proof)
        root = names.root_of(leaf, proof)
        head = {**copy.deepcopy(self.head), 4: self.receipt.kid, "pawl-signer": self.statement.kid}
        head[15][1] = self.issuer(head[15][1])
        if isinstance(proof, list) and len(proof) > 0:
            head["pawl-size"] = proof[0]
        head = edits.at(("receipt",), head)
        unprotected = {396: {-1: [cbor.encode(proof)]}}
        if isinstance(chain, list) and chain[1:]:
            unprotected[33] = x5chain(chain[1:])
        unprotected = edits.at(("beside receipt",), unprotected)
        message = self.receipt.sign1(head, root, unprotected, detached=True)
        return cbor.encode(message), root, head

    def make_attest(self, edits, root, head):
        try:
            bound = tagged("pawl-seal-v1",
                           struct.pack(">QQ", head["pawl-size"], head["pawl-round"]), root,
                           head["pawl-snapshot"], struct.pack(">Q", head["pawl-epoch"]),
                           head["pawl-signer"])
        except (KeyError, TypeError, struct.error):
            bound = bytes(32)
        counter = self.facts["base"] + self.epoch
        parts = edits.at(("attest",), {
            "magic": 0xFF544347, "type": 0x8014,
            "signer": b"\0\x0b" + sha256(OWNER, self.facts["seal-name"]), "extra": bound,
            "clock": bytes(16), "safe": 1, "firmware": bytes(8),
            "index": self.facts["index-name"], "offset": 0,
            "contents": struct.pack(">Q", counter), "more": b"",
        })
        statement = (struct.pack(">IH", parts["magic"], parts["type"]) +
                     names.sized(parts["signer"]) + names.sized(parts["extra"]) + parts["clock"] +
                     bytes([parts["safe"]]) + parts["firmware"] + names.sized(parts["index"]) +
                     struct.pack(">H", parts["offset"]) + names.sized(parts["contents"]) +
                     parts["more"])
        return {"kind": "tpm-certify", "signature": self.seal.sign(statement),
                "statement": statement}

    def make_chain(self, edits):
        """Two certificates: of the enrolment, which is of epoch 0, and of the record's epoch."""
        before, whole = None, b""
        for number, (key, epoch) in enumerate(((self.first, 0), (self.receipt, self.epoch))):
            parts = edits.at(("chain", number), {
                "tag": b"pawl-epoch-v1\0", "epoch": epoch, "since": 0, "x": key.point[0],
                "y": key.point[1], "previous": before[1] if before else 0,
                "snapshot": self.head["pawl-snapshot"] if before else bytes(32),
                "link": sha256(before[2]) if before else bytes(32), "by": before and before[0],
                "identity": self.seal,
            })
            signed = (parts["tag"] + struct.pack(">QQ", parts["epoch"], parts["since"]) +
                      parts["x"] + parts["y"] + parts["snapshot"] +
                      struct.pack(">Q", parts["previous"]) + parts["link"])
            cert = (signed + (parts["by"].sign(signed) if parts["by"] else bytes(64)) +
                    parts["identity"].sign(signed))
            whole += cert
            before = key, epoch, cert
        return {"kind": "epoch-chain", "signature": b"", "statement": whole}

    def make(self, edits):
        edits = Edits(edits)
        record, _ = self.make_record(edits, "record", self.record, self.statement)
        key, chain = self.make_key(edits)
        receipt, root, head = self.make_receipt(edits, cbor.encode(record), chain)
        seal = self.make_attest(edits, root, head) if self.kind == "tpm" else self.make_chain(edits)
        extra = {394: [receipt], "pawl-key": key, "pawl-seal": edits.at(("seal",), seal)}
        if isinstance(chain, list) and chain:
            extra[33] = x5chain(chain)
        record.value[1] = edits.at(("beside",), extra)
        return cbor.encode(record)


def x5chain(ders):
    return ders[0] if len(ders) == 1 else ders


def certificate(parts):
    """DER of what the parts say, well formed and signed."""
    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def time(seconds):
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)

    subject = x509.Name([*name(parts["subject"])] * (2 if parts["twice"] else 1))
    made = (x509.CertificateBuilder().subject_name(subject)
            .issuer_name(name(parts["issuer"])).public_key(parts["key"].private.public_key())
            .serial_number(1).not_valid_before(time(parts["from"]))
            .not_valid_after(time(parts["until"])))
    if parts["basic"]:
        made = made.add_extension(x509.BasicConstraints(
            parts["ca"], parts["below"] if parts["ca"] else None), True)
    if parts["usage"]:
        made = made.add_extension(x509.KeyUsage(
            parts["signature"], parts["commits"], False, False, False, parts["signs"], False, False,
            False), True)
    if parts["own id"]:
        made = made.add_extension(x509.SubjectKeyIdentifier(parts["own id"].kid[:20]), False)
    if parts["issuer id"]:
        made = made.add_extension(
            x509.AuthorityKeyIdentifier(parts["issuer id"].kid[:20], None, None), False)
    if parts["names"]:
        made = made.add_extension(x509.SubjectAlternativeName(parts["names"]), False)
    if parts["purposes"]:
        made = made.add_extension(
            x509.ExtendedKeyUsage(list(map(x509.ObjectIdentifier, parts["purposes"]))), False)
    if parts["unknown"] is not None:
        made = made.add_extension(x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\0"), parts["unknown"])
    return made.sign(parts["by"].private, parts["hash"]).public_bytes(
        serialization.Encoding.DER)


def did_of(der, predicates, name="sha256"):
    digest = base64.urlsafe_b64encode(hashlib.new(name, der).digest()).decode().rstrip("=")
    return f"did:x509:0:{name}:{digest}::{predicates}"


def point_of(own, other):
    key = own.get("key")
    try:
        return thumbprint((key[-2], key[-3]))
    except (KeyError, TypeError):
        return other


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


# ---- what it lies about -------------------------------------------------------------------------


def others(value):
    """Values that may stand where this one stood."""
    if isinstance(value, bool):
        return [not value, int(value), None, "true"]
    if isinstance(value, int):
        return [0, 1, value + 1, max(0, value - 1), 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63,
                2**64 - 1, -1, -2**63, -2**64, str(value), b"\1", None, True, [value]]
    if isinstance(value, str):
        sizes = (1, 2, 64, 65, 128, 129, 256, 257, 1024, 1025)
        near = value[:-1] + ("1" if value.endswith("0") else "0")
        return (["", near, value + "x", value[:-1], value.upper(), value.title(), value + "\0",
                 "\n", "\u00e4", "\U0001f600" * 64, "/", value.encode(), 0, None, [value]] +
                ["x" * size for size in sizes])
    if isinstance(value, bytes):
        flipped = bytes([value[0] ^ 1]) + value[1:] if value else b"x"
        return [b"", value[:-1], value + b"\0", flipped, bytes(len(value)), value.hex(), 0, None,
                [value]]
    if isinstance(value, list):
        return [[], value + value, value + [0], value * 33, value * 65, value[::-1], None, {}, "x"]
    if isinstance(value, dict):
        return [{}, {**value, "zz": 0}, {**value, 99: 0}, {**value, "": None}, [], None, "x"]
    return [0, False, "", b"", {}, [], "null"]


def walk(path, value):
    """Each member below a path: left out, or as something else."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(members):
        where = (*path, key)
        if isinstance(value, dict):
            yield where, DROP
        for other in others(inner):
            if not (type(other) is type(inner) and other == inner):
                yield where, other
        if isinstance(inner, dict | list):
            yield from walk(where, inner)
    if isinstance(value, dict):
        for key in ("zz", "", 0, 2, 5, -1, 99):
            if key not in value:
                yield (*path, key), 0


def one_by_one(liar):
    """One member of one map at a time."""
    key_own = {**liar.key[1]["pawl"], "key": liar.statement.cose, "certificates": liar.chain}
    rooms = [(("record", "pawl"), liar.record[1]["pawl"]), (("record", "body"), liar.record[1]),
             (("record", "head"), liar.record[0]), (("key", "pawl"), key_own),
             (("key", "body"), liar.key[1]), (("key", "head"), liar.key[0]),
             (("receipt",), liar.head)]
    for path, room in rooms:
        for where, other in walk(path, room):
            if where[:2] != (path[0], "body") or where[2:3] != ("pawl",):
                yield {where: other}


def together(liar):
    """Members that agree with each other, at their limits."""
    for agent in ("", "a", "x" * 1024, "x" * 1025, "\0", "\u00e4" * 512, "\u00e4" * 513, "//"):
        yield {("record", "head", "agent_id"): agent, ("record", "head", 15, 2): agent,
               ("record", "body", "agent_id"): agent, ("record", "pawl", "subject", "id"): agent}
    last = 253402300799999
    for time in (0, 999, 1000, last, last + 1, 2**63, 2**64 - 1):
        for later in (0, 1):
            yield {("record", "head", "action_timestamp_ms"): time,
                   ("record", "head", 15, 6): time // 1000,
                   ("record", "body", "action_timestamp_ms"): time,
                   ("record", "body", "captured_timestamp_ms"): min(time + later, 2**64 - 1),
                   ("key", "head", "action_timestamp_ms"): 0, ("key", "head", 15, 6): 0,
                   ("key", "body", "action_timestamp_ms"): 0}
    for epoch in (0, 1, liar.epoch + 1, 2**53, 2**63, 2**64 - 1):
        edits = {("record", "pawl", "epoch"): epoch, ("receipt", "pawl-epoch"): epoch}
        yield edits
        edits = {**edits, ("key", "pawl", "epoch"): epoch}
        yield edits
        if liar.kind == "tpm":
            counter = (liar.facts["base"] + epoch) % 2**64
            yield {**edits, ("attest", "contents"): struct.pack(">Q", counter)}
        else:
            yield {**edits, ("chain", 1, "epoch"): epoch}
    for policies in ([], [["a", 1, bytes(32)]], [["a", 2**64 - 1, bytes(32)]] * 64,
                     [["a", 1, bytes(32)]] * 65, [["\u00e4", 0, bytes(32)]]):
        refs = [f"{alias}@{version}#sha256:{value.hex()}" for alias, version, value in policies]
        yield {("record", "pawl", "policies"): policies, ("record", "body", "policy_refs"): refs}
    for determining in (["x"] * 32, ["x"] * 33, ["x" * 256], ["x" * 257], [""]):
        yield {("record", "pawl", "determining"): determining}
    for decision, state in (("permit", "failed"), ("deny", "failed"), ("deny", "completed")):
        yield {("record", "pawl", "decision"): decision, ("record", "body", "outcome_state"): state}
    ones = b"\1" * 32
    for chain, number in ((bytes(32), 0), (bytes(32), 1), (ones, 0), (ones, 2**64 - 1)):
        yield {("record", "head", "prev_chain_hash"): chain,
               ("record", "head", "sequence_number"): number}
    yield from other_keys(liar)


def other_keys(liar):
    """Statement keys in other forms, introduced with the thumbprint that they have."""
    good = liar.statement.cose
    for more in ({2: b"kid"}, {4: [2]}, {4: [1]}, {5: b""}, {-4: bytes(32)}, {"x": 0}):
        yield {("key", "pawl", "key"): {**good, **more}}
    for changed in ({1: 2, -1: 1, -2: good[-2], -3: good[-3]}, {**good, -3: True},
                    {**good, -3: good[-3][-1] & 1 == 1}, {**good, 3: -9}, {**good, 3: -35},
                    {**good, -2: bytes(32), -3: bytes(32)}, {**good, -2: b"\0" + good[-2]},
                    {**good, -1: 2}, {**good, 1: 1}):
        yield {("key", "pawl", "key"): changed}
    for action, own in (("dev.pawl.install", {"from": 0, "epoch": 1, "hardware": "x",
                                              "snapshot": bytes(32), "simulated": True}),
                        ("dev.pawl.enrol", {"root": bytes(32), "epoch": 1, "hardware": "x",
                                            "simulated": True}),
                        ("dev.pawl.decision", liar.record[1]["pawl"])):
        yield {("key", "body", "action_type"): action, ("key", "pawl"): own}


def trees(_):
    """Places in trees, with paths of every length. Only the lengths that fit are proofs."""
    sizes = [*range(1, 18), 2**32 + 1, 2**53 + 3, TREE_MAX - 1, TREE_MAX]
    for size in sizes:
        for index in sorted({*range(min(size, 17)), size // 2, size - 2, size - 1, size, size + 1}):
            for length in (0, 1, 2, 3, 4, 5, 6, 32, 33, 53, 54, 61, 62, 63, 64, 65):
                if index >= 0 and (length < 7 or size > 17):
                    yield {("proof",): [size, index, [bytes(32)] * length]}


def seals(liar):
    if liar.kind == "tpm":
        parts = {"magic": [0, 0xFF544348], "type": [0x8017, 0x8018, 0x801C, 0],
                 "signer": [b"", b"\0\x0b" + bytes(32), bytes(66), bytes(67)],
                 "extra": [b"", bytes(32), bytes(64)], "clock": [b"\xff" * 16],
                 "safe": [0, 2, 255], "firmware": [b"\xff" * 8],
                 "index": [b"", b"\0\x0b" + bytes(32), bytes(66)], "offset": [1, 8, 65535],
                 "contents": [b"", bytes(7), bytes(8), bytes(9), struct.pack(">Q", 63),
                              b"\xff" * 8, bytes(1024)],
                 "more": [b"\0", bytes(1024)]}
        for part, values in parts.items():
            for value in values:
                yield {("attest", part): value}
        return
    for number in (0, 1):
        for part, values in {
                "tag": [bytes(14), b"pawl-epoch-v2\0"], "since": [1, 2**64 - 1],
                "epoch": [0, 1, 2, 3, 5, 2**64 - 1], "previous": [0, 1, 2**64 - 1],
                "snapshot": [bytes(32), b"\1" * 32, liar.head["pawl-snapshot"]],
                "link": [bytes(32), b"\1" * 32], "by": [None, liar.seal, liar.receipt],
                "identity": [liar.first, liar.receipt],
                "x": [bytes(32), liar.statement.point[0]],
                "y": [bytes(32), liar.statement.point[1]]}.items():
            for value in values:
                yield {("chain", number, part): value}
        yield {("chain", number, "x"): liar.seal.point[0],
               ("chain", number, "y"): liar.seal.point[1]}


def certificates(liar):
    """Each certificate with one thing changed; permit and receipt carry what was signed."""
    seconds = liar.record[0]["action_timestamp_ms"] // 1000
    other = Key()
    changes = {"key": [other, liar.statement, liar.receipt], "by": [other, liar.statement],
               "subject": ["x", ""], "issuer": ["x", "key 0"],
               "from": [seconds - 1, seconds, seconds + 1],
               "until": [seconds + 1, seconds, seconds - 1, 0], "ca": [True, False],
               "below": [None, 0, 1, 5], "usage": [False], "signs": [True, False],
               "own id": [None, other], "issuer id": [None, other], "unknown": [False, True],
               "basic": [False], "hash": [hashes.SHA384(), hashes.SHA512()], "signature": [False],
               "twice": [True],
               "names": [[], NAMES[1:], NAMES + [x509.RegisteredID(x509.ObjectIdentifier("1.2"))],
                         [x509.DNSName("other.example")]], "purposes": [[], ["1.2.3.5"]]}
    for number in range(len(liar.chain)):
        for part, values in changes.items():
            for value in values:
                edits = {("certificate", number, part): value}
                if part == "key":
                    yield {**edits, ("certificate", number, "own id"): value}
                yield edits
        yield {("certificate", number, "signature"): False,
               ("certificate", number, "commits"): True}
    chain = liar.chain
    for ders in ([], chain[:1], chain[1:], chain[:-1], chain[::-1], chain * 2, chain + chain[-1:],
                 chain[:1] + chain, [chain[0], *chain[2:]], [chain[0] + b"\0", *chain[1:]],
                 [*chain[:-1], chain[-1][:-1]], [bytes(8192), *chain[1:]], chain * 4):
        yield {("key", "pawl", "certificates"): ders}
    for room, good in (("beside", chain), ("beside receipt", chain[1:])):
        for value in (DROP, None, [], good[0], good[:1], good * 2, good[::-1], b"", 0, [b""], "x"):
            if value != x5chain(good):
                yield {(room, 33): value}


def disclosures(liar):
    """Redacted records, and what is said to have stood there."""
    own, salt = liar.record[1]["pawl"], bytes(range(16))
    values = {"agent_version": liar.record[1]["agent_version"],
              "input_hash": liar.record[1]["input_hash"], "pawl.action": own["action"],
              "pawl.determining": "\n".join(own["determining"]),
              "pawl.resource.id": own["resource"]["id"],
              "pawl.resource.type": own["resource"]["type"],
              "pawl.subject.type": own["subject"]["type"]}
    where = {"agent_version": ("record", "body", "agent_version"),
             "pawl.determining": ("record", "pawl", "determining")}

    def made(paths, salts=salt, **others):
        edits, receipts, told = {}, [], []
        for path in paths:
            value = others.get(path.rsplit(".", 1)[-1], values[path])
            raw = value.encode() if isinstance(value, str) else value
            digest = tagged("pawl-redact-v1", salts, raw)
            receipts.append({"policy_id": "p", "field_path": path, "timestamp_ms": 0,
                             "original_hash": digest})
            told.append({"path": path, "salt": salts, "value": value})
            place = where.get(path, ("record", *path.split(".")))
            edits[place] = ["[REDACTED]"] if path == "pawl.determining" else "[REDACTED]"
            if path == "input_hash":
                del edits[place]
                edits["record", "body", "input_hash"] = digest
        edits["record", "body", "redaction_receipts"] = receipts
        return edits, told

    def with_told(edits, told):
        return {**edits, ("beside", "pawl-disclosures"): told}

    everything = list(values)
    some = ["input_hash", "pawl.resource.id"]
    for paths in (everything, some, ["agent_version"], ["pawl.determining"], ["pawl.action"],
                  some[::-1], some * 2, ["input_hash"]):
        edits, told = made(paths)
        yield edits
        yield with_told(edits, told)
        yield with_told(edits, told[:1])
        yield with_told(edits, told[::-1])
        yield with_told(edits, told + told[-1:])
        yield with_told(edits, [])
        yield with_told({}, told)
        for path, other in walk((), told):
            if isinstance(other, list | dict) and len(other) > 9:
                continue
            try:
                yield with_told(edits, put(told, path, other))
            except UNMAKEABLE:
                continue
    edits, told = made(some)
    yield with_told({**edits, ("record", "pawl", "resource", "id"): "x"}, told)
    for value in ("", "a\nb", "\u202e", "x" * 100000, b"x", b"\xff"):
        for paths, member in ((["input_hash", "pawl.resource.id"], "id"),
                              (["pawl.determining"], "determining")):
            yield with_told(*made(paths, **{member: value}))
    for value in (b"", bytes(31), bytes(33), "x"):
        yield with_told(*made(some, input_hash=value))
    for size in (0, 15, 17, 32):
        yield with_told(*made(some, salts=bytes(size)))


def permits(liar):
    """Each variant with what was changed; first of all nothing."""
    yield "nothing", liar.make({})
    everything = (one_by_one, together, certificates, disclosures, trees, seals)
    for kind in (certificates,) if liar.authority else everything:
        for edits in kind(liar):
            try:
                data = liar.make(edits)
            except UNMAKEABLE:
                continue  # nothing like it can be made
            yield f"{kind.__name__}: {shown(edits)}", data


def shown(edits):
    return ", ".join(f"{'.'.join(map(str, where))} = "
                     f"{'left out' if new is DROP else repr(new)[:80]}"
                     for where, new in edits.items())


def enrolments(liar, like):
    """Enrolments, each with what was changed, to be judged with a good permit."""
    for where, other in walk(("enrolment",), {} if liar.authority else liar.facts):
        try:
            data = cbor.encode(liar.enrol(like, Edits({where: other})))
        except UNMAKEABLE:
            continue
        yield shown({where: other}), data, None
