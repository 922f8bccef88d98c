# SPDX-License-Identifier: Apache-2.0
"""damage.py: a permit taken apart, and everything that can happen to it on the way: bits, lengths,
other encodings, parts of other permits, the other form of an ECDSA signature. Each variant is a
pair: what was done, and the bytes."""

import itertools
from dataclasses import dataclass

from shape import cbor

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PARTS = ("protected", "payload", "signature", "record", "receipt", "key", "seal", "seal signature",
         "seal statement", "certificates", "receipt protected", "receipt proof",
         "receipt signature", "key protected", "key payload", "key signature", "disclosures")


class Permit:
    """A permit in parts; those of receipt and key_rotation as well."""

    def __init__(self, data):
        self.data = data
        self.protected, self.extra, self.payload, self.signature = cbor.decode(data).value
        self.receipt, self.key = self.extra[394][0], self.extra["pawl-key"]
        self.seal, self.chain = self.extra["pawl-seal"], self.extra[33]

    def messages(self):
        """The three COSE_Sign1: name, place, and the ranges of what a signature covers."""
        found = [Message("record", self.data, 0, self.data)]
        for name, inner in (("receipt", self.receipt), ("key", self.key)):
            found.append(Message(name, self.data, place(self.data, inner), inner))
        return found

    def get(self, part):
        if part in ("protected", "payload", "signature", "receipt", "key", "seal"):
            return getattr(self, part)
        if part == "certificates":
            return self.chain
        if part == "disclosures":
            return self.extra.get("pawl-disclosures")
        if part == "record":
            return self.protected, self.payload, self.signature
        outer, inner = part.split(" ")
        if outer == "seal":
            return self.seal[inner]
        return cbor.decode(getattr(self, outer)).value[INNER[inner]]

    def put(self, part, value):
        """The permit with another part, as bytes."""
        protected, payload, signature = self.protected, self.payload, self.signature
        receipt, key, seal = self.receipt, self.key, dict(self.seal)
        told = self.extra.get("pawl-disclosures")
        if part == "disclosures":
            told = value
        elif part == "certificates":
            pass
        elif part == "record":
            protected, payload, signature = value
        elif part in ("protected", "payload", "signature"):
            protected = value if part == "protected" else protected
            payload = value if part == "payload" else payload
            signature = value if part == "signature" else signature
        elif part in ("receipt", "key", "seal"):
            receipt = value if part == "receipt" else receipt
            key = value if part == "key" else key
            seal = value if part == "seal" else seal
        else:
            outer, inner = part.split(" ")
            if outer == "seal":
                seal[inner] = value
            elif outer == "receipt":
                receipt = with_inner(receipt, INNER[inner], value)
            else:
                key = with_inner(key, INNER[inner], value)
        chain = value if part == "certificates" else self.chain
        extra = {**self.extra, 33: chain, 394: [receipt], "pawl-key": key, "pawl-seal": seal,
                 "pawl-disclosures": told}
        if told is None:
            del extra["pawl-disclosures"]
        return cbor.encode(cbor.Tag(18, [protected, extra, payload, signature]))


INNER = {"protected": 0, "proof": 1, "payload": 2, "signature": 3}


def with_inner(message, at, value):
    parts = list(cbor.decode(message).value)
    parts[at] = value
    return cbor.encode(cbor.Tag(18, parts))


def place(whole, part):
    """Where a part is; it is there once."""
    assert whole.count(part) == 1, "not there once"
    return whole.index(part)


@dataclass
class Message:
    """A COSE_Sign1 within a permit."""

    name: str
    whole: bytes
    start: int
    data: bytes

    def __post_init__(self):
        parts = cbor.decode(self.data).value
        self.end = self.start + len(self.data)
        self.covered = []
        for part in (parts[0], parts[2], parts[3]):
            if part is not None:
                at = place(self.whole, part)
                self.covered.append(range(at, at + len(part)))

    def covers(self, at):
        return any(at in part for part in self.covered)


# ---- bits and lengths ---------------------------------------------------------------------------


def marks(data, base=0):
    """The bytes that are no contents of strings, also of the messages that are contents."""
    found = set()
    for at, major, number, size in heads(data):
        found.update(range(base + at, base + at + size))
        inner = data[at + size : at + size + number] if major == 2 else b""
        try:
            nested = isinstance(cbor.decode(inner), list | dict | cbor.Tag)
        except (ValueError, LookupError, TypeError, RecursionError):
            nested = False
        if nested:
            found |= marks(inner, base + at + size)
    return found


def bits(permit, which):
    """Each of these bits alone."""
    for bit in which:
        changed = bytearray(permit.data)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(changed)


def lengths(permit, step=1):
    for length in range(0, len(permit.data), step):
        yield f"cut to {length}", permit.data[:length]
    for more in (b"\0", b"\xf6", b"\xff", b"\xa0", permit.data):
        yield f"followed by {more[:4].hex()}", permit.data + more


# ---- other encodings ----------------------------------------------------------------------------


def heads(data):
    """Place, major type, argument, and the length of each head; contents of strings are skipped."""
    at = 0
    while at < len(data):
        major, low = data[at] >> 5, data[at] & 31
        size = 1 if low < 24 else 1 + (1 << (low - 24))
        number = low if low < 24 else int.from_bytes(data[at + 1 : at + size], "big")
        yield at, major, number, size
        at += size + (number if major in (2, 3) else 0)


def longer_heads(data):
    for at, major, number, size in heads(data):
        for bits_, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if 1 + width > size and major < 7:
                yield (f"head at {at} in {width} bytes", data[:at] + bytes([major << 5 | bits_]) +
                       number.to_bytes(width, "big") + data[at + size :])
        if 2 <= major <= 5:
            end = cbor.decode_item(data, at)[1]
            skip = size if major > 3 else 0
            yield (f"indefinite at {at}", data[:at] + bytes([major << 5 | 31]) +
                   data[at + skip : end] + b"\xff" + data[end:])


def header(pairs):
    return cbor.head(5, len(pairs)) + b"".join(key + value for key, value in pairs)


def headers(permit):
    """The unprotected header in other orders, twice in parts, with more in it, with less."""
    enc = cbor.encode
    pairs = sorted((enc(key), enc(value)) for key, value in permit.extra.items())
    more = [(enc(key), enc(value)) for key, value in (
        (1, -7), (2, [1]), (3, 0), (4, b"kid"), (16, "x"), (33, b"x"), (34, b"x"), (395, 1),
        (396, {}), (-1, 0), (-70000, 0), (0, 0), ("", 0), ("a", 0), ("pawl-sea", 0),
        ("pawl-disclosures", []), ("zzzzzzzzzz", None))]
    places = range(len(pairs))
    for order in itertools.permutations(places):
        if order != tuple(places):
            yield f"order {order}", header([pairs[number] for number in order])
    for number in places:
        yield f"pair {number} twice", header(sorted(pairs + [pairs[number]]))
        yield f"without pair {number}", header(pairs[:number] + pairs[number + 1 :])
    for pair in more:
        yield f"also {pair[0].hex()}", header(sorted(pairs + [pair]))
    chain = permit.chain
    for label, value in ((394, [permit.receipt, permit.receipt]), (394, []),
                         (394, permit.receipt), ("pawl-key", [permit.key]),
                         ("pawl-key", permit.key.hex()), ("pawl-seal", [permit.seal]),
                         ("pawl-seal", None), (33, None), (33, []), (33, chain[0]),
                         (33, chain[:1]), (33, chain[1:]), (33, chain[::-1]), (33, chain * 2),
                         (33, chain + chain[-1:]), (33, chain * 9), (33, [b"", *chain[1:]]),
                         (33, [*chain, 0]), (33, b"".join(chain)), (33, {0: chain[0]}),
                         ("pawl-disclosures", None), ("pawl-disclosures", {})):
        changed = {**permit.extra, label: value}
        yield (f"{label} as {str(value)[:30]}",
               header(sorted((enc(key), enc(each)) for key, each in changed.items())))
    yield "an empty header", b"\xa0"
    yield "no map", enc([permit.receipt])


def seals(permit):
    good = permit.seal
    for kind in ("tpm-certify", "epoch-chain", "fake", "", "Fake"):
        yield f"seal of kind {kind!r}", {**good, "kind": kind}
    for more in ({"extra": 0}, {0: 0}, {"": b""}):
        yield f"seal with {more}", {**good, **more}
    for member in good:
        yield f"seal without {member}", {key: good[key] for key in good if key != member}
    for member in ("signature", "statement"):
        for value in (b"", good[member] + b"\0", good[member][:-1], bytes(1208321), "x", None):
            yield f"seal with another {member}", {**good, member: value}


def encodings(permit):
    for what, changed in other_encodings(permit):
        if changed != permit.data:
            yield what, changed


def other_encodings(permit):
    protected, _, payload, signature = (cbor.encode(part) for part in
                                        cbor.decode(permit.data).value)
    yield from longer_heads(permit.data)
    for part in ("protected", "payload", "receipt", "key", "receipt protected", "key protected",
                 "key payload"):
        for what, changed in longer_heads(permit.get(part)):
            yield f"{part}: {what}", permit.put(part, changed)
    for what, unprotected in headers(permit):
        yield what, b"\xd2\x84" + protected + unprotected + payload + signature
    for what, seal in seals(permit):
        yield what, permit.put("seal", seal)
    for part in ("receipt", "key"):
        inner = cbor.decode(permit.get(part)).value
        for more in ({}, {"a": 0}, {**inner[1], "a": 0}, {4: b"kid"}, {**inner[1], 1: -7}):
            if more != inner[1]:
                yield f"{part} with {list(more)}", permit.put(part, with_inner(permit.get(part), 1,
                                                                               more))
        yield f"{part} with a payload", permit.put(part, with_inner(permit.get(part), 2, b"x"))
        yield f"{part} untagged", permit.put(part, permit.get(part)[1:])
    yield "untagged", permit.data[1:]
    yield "tagged twice", b"\xd2" + permit.data
    yield "self-described", b"\xd9\xd9\xf7" + permit.data
    yield "tagged as COSE_Sign", cbor.encode(cbor.Tag(98, cbor.decode(permit.data).value))
    yield "without payload", (b"\xd2\x84" + protected + cbor.encode(permit.extra) + b"\xf6" +
                              signature)
    yield "too large", permit.data + bytes(2 * 1024 * 1024)


# ---- parts of others ----------------------------------------------------------------------------


def swaps(permit, others):
    """Every part of every other permit in the place of this one's."""
    for name, other in others:
        for part in PARTS:
            changed = permit.put(part, other.get(part))
            if changed != permit.data:
                yield f"{part} of {name}", changed


def proofs(permit):
    """Another proof under the same signed root and size: most of what RFC 9942 leaves unsigned."""
    beside = permit.get("receipt proof")
    proof = cbor.decode(beside[396][-1][0])
    size, index, path = proof
    nodes = [path[:-1], path[1:], path + [bytes(32)], path[::-1], path * 9, [b"x"], "x"]
    changed = [[size, index, other] for other in nodes if other != path]
    changed += [[size, other, path] for other in range(size + 2) if other != index]
    changed += [[other, index, path] for other in range(1, 2 * size) if other != size]
    changed += [[2**64 - 1, index, path], [size, 2**64 - 1, path], [size, -1, path],
                [size, index], [size, index, path, 0], [True, index, path], {}]
    for other in changed:
        value = {**beside, 396: {-1: [cbor.encode(other)]}}
        yield f"proof {str(other)[:60]}", permit.put("receipt proof", value)
    good = cbor.encode(proof)
    for what, value in (("two proofs", {-1: [good, good]}), ("none", {-1: []}),
                        ("consistency", {-2: [good]}), ("both", {-1: [good], -2: [good]}),
                        ("not wrapped", {-1: [proof]}), ("no list", {-1: good})):
        yield what, permit.put("receipt proof", {**beside, 396: value})
    chain = beside[33] if isinstance(beside[33], list) else [beside[33]]
    for other in (chain, chain[0], permit.chain, permit.chain[0], chain[::-1], chain * 2, [], None,
                  b"", 0):
        if other != beside[33]:
            yield (f"certificates {str(other)[:30]}",
                   permit.put("receipt proof", {**beside, 33: other}))
    yield "no certificates", permit.put("receipt proof", {396: beside[396]})


def disclosures(permit):
    """Fewer, in another order, twice, changed. Those that are left say what was there."""
    told = permit.get("disclosures")
    if not told:
        return
    found = [told[:count] for count in range(len(told))] + [told[::-1], told * 2, told[:1] * 2]
    found += [told[at : at + 1] for at in range(len(told))]
    for at, item in enumerate(told):
        salt, value = item["salt"], item["value"]
        for more in ({"path": "pawl.reason"}, {"path": "x"}, {"salt": salt[:-1]}, {"x": 0},
                     {"salt": bytes([salt[0] ^ 1]) + salt[1:]}, {"salt": bytes(16)},
                     {"value": "[REDACTED]"}, {"value": value + value[:1]}, {"value": None},
                     {"value": value.hex() if isinstance(value, bytes) else value.encode()},
                     *({"path": other["path"]} for other in told if other is not item),
                     *({"salt": other["salt"]} for other in told if other is not item)):
            found.append([*told[:at], {**item, **more}, *told[at + 1 :]])
        for key in item:
            found.append([{name: item[name] for name in item if name != key}])
    for number, other in enumerate(found):
        changed = permit.put("disclosures", other)
        if changed != permit.data:
            yield f"disclosures {number}: {str(other)[:60]}", changed
    yield "nothing is disclosed", permit.put("disclosures", None)


# ---- signatures ---------------------------------------------------------------------------------


def other_form(signature):
    """(r, n - s), which is valid whenever (r, s) is."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def signature_forms(signature):
    zero, order = bytes(32), P256_ORDER.to_bytes(32, "big")
    r, s = signature[:32], signature[32:]
    yield "n - s", other_form(signature)
    for what, value in (("r 0", zero + s), ("s 0", r + zero), ("r n", order + s),
                        ("s n", r + order), ("all 0", zero + zero), ("none", b""),
                        ("63 bytes", signature[:-1]), ("65 bytes", signature + b"\0"),
                        ("wider", b"\0" + r + b"\0" + s), ("s and r", s + r)):
        yield what, value


def signatures(permit):
    for part in ("signature", "key signature", "receipt signature"):
        for what, value in signature_forms(permit.get(part)):
            yield f"{part}: {what}", permit.put(part, value)
    if permit.seal["kind"] == "tpm-certify":
        for what, value in signature_forms(permit.seal["signature"]):
            yield f"seal: {what}", permit.put("seal signature", value)
        return
    chain = permit.seal["statement"]
    for at in range(166, len(chain), 294):
        for shift in (0, 64):
            place_ = at + shift
            for what, value in signature_forms(chain[place_ : place_ + 64]):
                changed = chain[:place_] + value + chain[place_ + 64 :]
                if changed != chain:
                    yield (f"certificate at {place_}: {what}",
                           permit.put("seal statement", changed))


def chains(permit):
    """Certificates left out, repeated, reordered."""
    if permit.seal["kind"] != "epoch-chain":
        return
    whole = permit.seal["statement"]
    certs = [whole[at : at + 294] for at in range(0, len(whole), 294)]
    for count in range(len(certs) + 2):
        for order in itertools.product(range(len(certs)), repeat=count):
            changed = b"".join(certs[number] for number in order)
            if changed != whole:
                yield f"certificates {order}", permit.put("seal statement", changed)
