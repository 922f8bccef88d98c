# SPDX-License-Identifier: Apache-2.0
"""statements.py: statements and receipts in both directions. pawl's permits are transparent
statements: a COSE_Sign1 with a receipt under 394; scitt-cose, cwt and go-cose judge them, whole and
damaged. Then pawl judges what those libraries make.

The leaf entry is a parameter of the profile, as neither RFC 9942 nor RFC 9943 fixes it: "raw" is
the statement with an empty unprotected header (pawl's own), "sha256" its SHA-256 (scitt-cose's
vectors)."""

import hashlib
import json
import subprocess
import tempfile

import cbor
import cwt
import scitt_cose
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

RECEIPTS, VDS, VDP = 394, 395, 396
CERTIFICATE_SIZE, CERTIFICATE_X = 294, 14 + 8 + 8  # epoch-chain: docs/formats.md
PROFILES = {"raw": lambda statement: statement,
            "sha256": lambda statement: hashlib.sha256(statement).digest()}


class Key:
    """A point of P-256 in the form that each library wants."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        numbers = [int.from_bytes(part, "big") for part in (x, y)]
        public = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
        self.pem = public.public_bytes(serialization.Encoding.PEM,
                                       serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def point(self):
        return self.x + self.y

    def cwt(self, kid):
        return cwt.COSEKey.new({1: 2, -1: 1, -2: self.x, -3: self.y, 3: -7,
                                **({2: kid} if kid else {})})


def find_keys(value):
    """Every COSE_Key on P-256 in a value, also within byte strings that hold CBOR."""
    if isinstance(value, dict):
        if value.get(1) == 2 and value.get(-1) == 1:
            yield Key(value[-2], value[-3])
            return
        for inner in value.values():
            yield from find_keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from find_keys(inner)
    elif isinstance(value, bytes) and value[:1] in (b"\xa4", b"\xa5", b"\xa6"):
        try:
            inner = cbor.decode(value)
        except Exception:  # pylint: disable=broad-except
            return
        yield from find_keys(inner)


def decode(data):
    return cbor.decode(data).value


def encode(parts):
    return cbor.encode(cbor.Tag(18, parts))


class Statement:
    """A permit, and the keys that its two messages are signed with."""

    def __init__(self, data, enrolment):
        self.data = data
        self.protected, self.extra, self.payload, self.signature = decode(data)
        self.entry = encode([self.protected, {}, self.payload, self.signature])
        self.receipt, = self.extra[RECEIPTS]
        self.index = cbor.decode(decode(self.receipt)[1][VDP][-1][0])[1]
        self.kid = cbor.decode(self.protected).get(4)
        self.receipt_kid = cbor.decode(decode(self.receipt)[0]).get(4)
        self.key = next(find_keys(cbor.decode(decode(self.extra["pawl-key"])[2])))
        seal = self.extra.get("pawl-seal", {})
        if seal.get("kind") == "epoch-chain":
            last = seal["statement"][-CERTIFICATE_SIZE:][CERTIFICATE_X:]
            self.receipt_key = Key(last[:32], last[32:64])
        else:
            self.receipt_key = next(find_keys(cbor.decode(enrolment)["receipt"]))
        self.root = bytes.fromhex(self.by_scitt(self.receipt, self.entry).root or "")

    def by_scitt(self, receipt, entry, key=None):
        return scitt_cose.verify_receipt(receipt, leaf_entry_hex=entry.hex(),
                                         log_public_key_pem=(key or self.receipt_key).pem)


# ---- judges: each takes messages of one kind and says which of them it takes --------------------


def statements_by_scitt(statement, messages, key):
    return [scitt_cose.parse_signed_statement(data, public_key_pem=key.pem)["signature_verified"]
            is True for data in messages]


def receipts_by_scitt(statement, messages, key):
    return [statement.by_scitt(data, statement.entry, key).ok for data in messages]


def taken_by_cwt(key, message, detached):
    try:
        payload = cwt.COSE.new().decode(message, key, **({"detached_payload": detached}
                                                         if detached else {}))
    except Exception:  # pylint: disable=broad-except
        return False
    return not detached or payload == detached


def statements_by_cwt(statement, messages, key):
    known = key.cwt(statement.kid)
    return [taken_by_cwt(known, data, None) for data in messages]


def receipts_by_cwt(statement, messages, key):
    known = key.cwt(statement.receipt_kid)
    return [taken_by_cwt(known, data, statement.root) for data in messages]


class Go:
    """go-cose, a process for each list of messages."""

    def __init__(self, program):
        self.program = program

    def judge(self, key, messages, detached=b""):
        with tempfile.TemporaryFile() as file:
            for message in messages:
                file.write(key.point)
                for data in (message, detached):
                    file.write(len(data).to_bytes(4, "big") + data)
            file.seek(0)
            done = subprocess.run([self.program, "cose"], stdin=file, stdout=subprocess.PIPE,
                                  check=True)
        said = done.stdout.split()
        assert len(said) == len(messages), f"go-cose: {len(said)} answers on {len(messages)}"
        return [word == b"1" for word in said]

    def statements(self, _, messages, key):
        return self.judge(key, messages)

    def receipts(self, statement, messages, key):
        return self.judge(key, messages, statement.root)


class Ours:
    """pawl's own reading of the messages of others: see judge.c."""

    def __init__(self, program):
        self.program = program

    def ask(self, questions):
        """Questions are of what, key, message, and the rest. Returns pawl's lines."""
        with tempfile.TemporaryFile() as file:
            for what, key, message, other in questions:
                for data in (what.encode(), key.point, message, other):
                    file.write(len(data).to_bytes(4, "big") + data)
            file.seek(0)
            done = subprocess.run([self.program], stdin=file, stdout=subprocess.PIPE, check=True)
        lines = done.stdout.decode(errors="replace").splitlines()
        assert len(lines) == len(questions), f"{len(lines)} answers on {len(questions)} questions"
        return lines


# ---- damages ------------------------------------------------------------------------------------


def covered(data):
    """The bytes of a COSE_Sign1 that its signature covers, or is made of."""
    protected, _, payload, signature = decode(data)
    at = []
    for part in (protected, payload, signature):
        if part:
            start = data.index(part)
            at += range(start, start + len(part))
    return at


def without_chain(data):
    """All bytes but the certificates in the unprotected header: these only help to find the key."""
    chain = decode(data)[1].get(33)
    if chain is None:
        return range(len(data))
    pair = cbor.encode(33) + cbor.encode(chain)
    start = data.index(pair)
    return [*range(start), *range(start + len(pair), len(data))]


def flipped(data, places, step=1, first=0):
    bits = [byte * 8 + bit for byte in places for bit in range(8)]
    for bit in bits[first % step :: step]:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def with_parts(receipt, protected=None, unprotected=None, payload=None):
    parts = list(decode(receipt))
    for number, part in enumerate((protected, unprotected, payload)):
        if part is not None:
            parts[number] = part
    return encode(parts)


def proofs(receipt):
    """Receipts with another proof under the same signature: what the path must catch."""
    proof = decode(receipt)[1][VDP][-1][0]
    size, index, path = cbor.decode(proof)
    others = [[size, index, path[:-1]], [size, index, path + [bytes(32)]],
              [size, index, path[::-1]], [size, index, [bytes(32) for _ in path]],
              [size, index + 1, path], [size, size, path]]
    others += [[size, index, path[:at] + [bytes([node[0] ^ 1]) + node[1:]] + path[at + 1 :]]
               for at, node in enumerate(path)]
    for other in others:
        if other != [size, index, path]:
            yield with_parts(receipt, unprotected={VDP: {-1: [cbor.encode(other)]}})
    yield with_parts(receipt, unprotected={VDP: {-1: []}})
    yield with_parts(receipt, unprotected={VDP: {-2: [proof]}})
    yield with_parts(receipt, unprotected={})
    yield with_parts(receipt, payload=bytes(32))


def moved(receipt):
    """The same path for other places. RFC 9942 does not sign the size, and some paths lead to the
    root for another one as well: it depends."""
    size, index, path = cbor.decode(decode(receipt)[1][VDP][-1][0])
    for other in ((size + 1, index + 1), (size + 1, index), (size - 1, index - 1),
                  (2 * size, index)):
        if 0 <= other[1] < other[0]:
            yield with_parts(receipt, unprotected={VDP: {-1: [cbor.encode([*other, path])]}})


def sign(protected, payload, secret):
    """A signature of our own making, so that nothing but what was meant is wrong."""
    head = cbor.encode(protected)
    body = cbor.encode(["Signature1", head, b"", payload])
    r, s = utils.decode_dss_signature(secret.sign(body, ec.ECDSA(hashes.SHA256())))
    return head, r.to_bytes(32, "big") + s.to_bytes(32, "big")


def other_trees(receipt, root, secret):
    """The same receipt, well signed by this key, but over no tree of RFC 9162 or not saying so."""
    head, unprotected, _, _ = decode(receipt)
    protected = cbor.decode(head)
    for what, vds in (("good", 1), ("vds 0", 0), ("vds 2", 2), ("vds 3", 3), ("vds -1", -1),
                      ("vds as text", "1"), ("no vds", None)):
        changed = {key: value for key, value in protected.items() if key != VDS}
        if vds is not None:
            changed[VDS] = vds
        new_head, signature = sign(changed, root, secret)
        yield what, encode([new_head, unprotected, None, signature])
        if vds is None:
            yield "vds unprotected", encode([new_head, {**unprotected, VDS: 1}, None, signature])


def secret_key():
    secret = ec.generate_private_key(ec.SECP256R1())
    numbers = secret.public_key().public_numbers()
    return secret, Key(numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big"))


def pem_of(secret):
    return secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())


# ---- pawl's, judged by others -------------------------------------------------------------------


def judges(go):
    found = [("scitt-cose", statements_by_scitt, receipts_by_scitt),
             ("cwt", statements_by_cwt, receipts_by_cwt)]
    if go:
        found.append(("go-cose", go.statements, go.receipts))
    return found


def compare_one(tally, title, said, wanted):
    wrong = [f"message {number} was {'taken' if taken else 'refused'}"
             for number, (taken, want) in enumerate(zip(said, wanted)) if taken != want]
    tally.add(title, len(said), sum(wanted), wrong)


def judged_by_others(tally, name, statement, others, go, step, first):
    """All libraries on one permit: as it is, each bit flipped, other keys, other parts."""
    certified(tally, name, statement)
    _, stranger = secret_key()
    places = covered(statement.entry)
    damaged = [statement.entry, *flipped(statement.entry, places, step, first)]
    broken = [statement.receipt, *flipped(statement.receipt, covered(statement.receipt), step,
                                          first)]
    for library, of_statement, of_receipt in judges(go):
        said = of_statement(statement, [statement.data], statement.key)
        compare_one(tally, f"{name}: {library} on the transparent statement", said, [True])
        said = of_statement(statement, damaged, statement.key)
        compare_one(tally, f"{name}: {library} on damaged statements", said,
                    [True] + [False] * (len(damaged) - 1))
        said = of_receipt(statement, broken, statement.receipt_key)
        compare_one(tally, f"{name}: {library} on damaged receipts", said,
                    [True] + [False] * (len(broken) - 1))
        said = of_statement(statement, [statement.entry], stranger)
        said += of_receipt(statement, [statement.receipt], stranger)
        said += of_statement(statement, [statement.entry], statement.receipt_key)
        compare_one(tally, f"{name}: {library} with other keys", said, [False] * 3)

    everything = list(flipped(statement.receipt, without_chain(statement.receipt), step, first))
    everything += proofs(statement.receipt)
    said = receipts_by_scitt(statement, everything, statement.receipt_key)
    compare_one(tally, f"{name}: scitt-cose on receipts damaged anywhere", said,
                [False] * len(everything))
    leaves = damaged[1:] + [other.entry for other in others if other is not statement]
    said = [statement.by_scitt(statement.receipt, leaf).ok for leaf in leaves]
    compare_one(tally, f"{name}: scitt-cose on other leaves", said, [False] * len(leaves))
    secret, mine = secret_key()
    trees = list(other_trees(statement.receipt, statement.root, secret))
    said = [statement.by_scitt(data, statement.entry, mine).ok for _, data in trees]
    compare_one(tally, f"{name}: scitt-cose on other kinds of tree", said,
                [what == "good" for what, _ in trees])


def our_own(tally, name, statements, ours):
    """pawl reads its own receipts as foreign ones, in its own profile and in no other."""
    questions, wanted = [], []
    for statement in statements:
        for profile in PROFILES:
            questions.append((f"receipt-{profile}", statement.receipt_key, statement.receipt,
                              statement.entry))
            wanted.append(profile == "raw")
    said = [line.startswith("good ") for line in ours.ask(questions)]
    compare_one(tally, f"{name}: pawl on its own receipts in both leaf profiles", said, wanted)


def chain_faults(message, key):
    """What python3-cryptography has against the x5chain (33) of a message signed by this key."""
    protected, unprotected, _, _ = decode(message)
    chain = unprotected.get(33) or cbor.decode(protected).get(33) or []
    chain = [x509.load_der_x509_certificate(der)
             for der in (chain if isinstance(chain, list) else [chain])]
    if not chain:
        return None
    wrong = []
    leaf = chain[0].public_key().public_bytes(serialization.Encoding.PEM,
                                              serialization.PublicFormat.SubjectPublicKeyInfo)
    if leaf != key.pem:
        wrong.append("the first certificate is of another key")
    for certificate, issuer in zip(chain, chain[1:]):
        try:
            certificate.verify_directly_issued_by(issuer)
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(f"{certificate.subject} is not issued by {issuer.subject}: {error!r}")
    return wrong


def certified(tally, name, statement):
    """The certificates that permit and receipt carry: of the key that signed, each by the next."""
    for what, message, key in (("statement", statement.data, statement.key),
                               ("receipt", statement.receipt, statement.receipt_key)):
        wrong = chain_faults(message, key)
        if wrong is not None:
            tally.add(f"{name}: certificates of the {what}", 1, 1, wrong)


# ---- others', judged by pawl --------------------------------------------------------------------


def scitt_receipts(random):
    """Statements and receipts that scitt-cose makes, with what pawl must say of each."""
    log, log_key = secret_key()
    issuer, _ = secret_key()
    _, stranger = secret_key()
    for size in (2, 3, 7, 8, 33):
        statements = [scitt_cose.build_signed_statement(
            random.randbytes(random.randrange(1, 300)), issuer="https://issuer.example",
            subject=f"item {number}", content_type="application/json", alg="ES256",
            private_key_pem=pem_of(issuer)) for number in range(size)]
        for profile, entry_of in PROFILES.items():
            entries = [entry_of(statement).hex() for statement in statements]
            for index in sorted({0, 1, size // 2, size - 1}):
                receipt = scitt_cose.build_receipt(
                    leaf_entry_hex=entries[index], leaf_index=index, tree_entries_hex=entries,
                    alg="ES256", log_private_key_pem=pem_of(log), iss="https://log.example",
                    sub=f"item {index}", kid=b"log-key")
                root = bytes.fromhex(scitt_cose.merkle_root(entries))
                what = f"receipt-{profile}"
                yield (what, log_key, receipt, statements[index]), f"good {index} {size}"
                yield (what, stranger, receipt, statements[index]), None
                yield (what, log_key, receipt, statements[index - 1]), None
                other = next(key for key in PROFILES if key != profile)
                yield (f"receipt-{other}", log_key, receipt, statements[index]), None
                for changed in proofs(receipt):
                    yield (what, log_key, changed, statements[index]), None
                for changed in moved(receipt):
                    said = scitt_cose.verify_receipt(changed, leaf_entry_hex=entries[index],
                                                     log_public_key_pem=log_key.pem)
                    yield ((what, log_key, changed, statements[index]),
                           f"good {said.leaf_index} {said.tree_size}" if said.ok else None)
                for kind, changed in other_trees(receipt, root, log):
                    yield ((what, log_key, changed, statements[index]),
                           f"good {index} {size}" if kind == "good" else None)
                for changed in flipped(receipt, covered(receipt), 41, index):
                    yield (what, log_key, changed, statements[index]), None


def judge_theirs(tally, title, ours, cases):
    cases = list(cases)
    wrong, valid = [], 0
    for (question, want), line in zip(cases, ours.ask([question for question, _ in cases])):
        valid += want is not None
        if line != want if want else line.startswith("good"):
            wrong.append(f"{question[0]}: wanted {want or 'a refusal'}: {line}")
    tally.add(title, len(cases), valid, wrong)


def signed_by_libraries(random, go):
    """COSE_Sign1 messages of each library, whole and damaged."""
    secret, key = secret_key()
    _, stranger = secret_key()
    numbers = secret.private_numbers()
    maker = cwt.COSEKey.new({1: 2, -1: 1, -2: key.x, -3: key.y, 3: -7, 2: b"key-1",
                             -4: numbers.private_value.to_bytes(32, "big")})
    made = []
    for size in (1, 24, 300, 65536):
        payload = random.randbytes(size)
        made.append((key, scitt_cose.sign_sign1(payload, alg="ES256",
                                                private_key_pem=pem_of(secret)), b""))
        made.append((key, scitt_cose.sign_sign1(payload, alg="ES256", detached=True,
                                                private_key_pem=pem_of(secret)), payload))
        sender = cwt.COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=True)
        protected = {15: {1: "https://issuer.example", 2: "item"}}
        made.append((key, sender.encode_and_sign(payload, maker, protected=protected), b""))
    if go:
        done = subprocess.run([go.program, "sign"], stdout=subprocess.PIPE, check=True)
        for one in json.loads(done.stdout):
            point, message, detached = (bytes.fromhex(one[name])
                                        for name in ("point", "message", "detached"))
            made.append((Key(point[:32], point[32:]), message, detached))
    for signer, message, detached in made:
        yield ("statement", signer, message, detached), "good"
        yield ("statement", stranger, message, detached), None
        if detached:
            yield ("statement", signer, message, detached + b"x"), None
        places = covered(message)
        for changed in flipped(message, places, max(1, len(places) // 40)):
            yield ("statement", signer, changed, detached), None
