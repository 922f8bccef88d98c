#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""corpus.py DIRECTORY: writes the corpora of cbor_fuzz and cose_fuzz, one file per input.

The encoder here is not the one under test, and it writes what that one must refuse, too.
"""

import pathlib
import struct
import sys


class Raw(bytes):
    """Octets that stand in the output as they are."""


class Tag:
    def __init__(self, number, content):
        self.number, self.content = number, content


def head(major, argument):
    for info, size, form in ((24, 0x100, ">B"), (25, 0x10000, ">H"), (26, 1 << 32, ">I")):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < size:
            return bytes([major << 5 | info]) + struct.pack(form, argument)
    return bytes([major << 5 | 27]) + struct.pack(">Q", argument)


def encode(value):
    """Deterministic, except that maps keep the order in which they are given."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        pairs = (encode(key) + encode(item) for key, item in value.items())
        return head(5, len(value)) + b"".join(pairs)
    return head(6, value.number) + encode(value.content)


def hexed(text):
    return Raw(bytes.fromhex(text))


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


CBOR = {
    "numbers": [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1, -1, -24, -25,
                -2**64],
    "strings": [b"", b"\x00\xff", "", "a", "\u00fc\u6c34\U00010151", "\u202e\u0007"],
    "simple": [False, True, None, hexed("f7"), hexed("f0"), hexed("f8ff")],
    "floats": [hexed(text) for text in (
        "f90000", "f98000", "f93c00", "f97bff", "f90001", "f97c00", "f97e00", "fa47c35000",
        "fa7f7fffff", "fb3ff199999999999a", "fb7e37e43c8800759c")],
    "map": {0: 1, 24: 2, -1: 3, b"a": 4, "a": 5, "b": 6, "aa": 7, False: 8},
    "map-in-key": Raw(b"\xa1" + encode({1: 2}) + b"\x00"),
    "tags": Tag(0, Tag(1, Tag(2**32, "2026-11-22T00:00:00Z"))),
    "depth-16": nested(16),
    "depth-17": nested(17),
    "mixed": {"alias": "purchasing", "version": 3, "policies": [b"\x01" * 32, {"x": [1, [2, {}]]}]},
    "long-head": hexed("1900ff"),
    "long-float": hexed("fb3ff0000000000000"),
    "unsorted": {1: 0, 0: 0},
    "duplicate": hexed("a201000100"),
    "duplicate-by-value": hexed("a20100180100"),
    "indefinite": hexed("9f01ff"),
    "reserved": hexed("1c"),
    "not-utf8": hexed("62c328"),
    "count-too-large": hexed("9bffffffffffffffff00"),
    "trailing": hexed("0000"),
}

X256 = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
Y256 = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")
X384 = bytes.fromhex("aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
                     "5502f25dbf55296c3a545e3872760ab7")
Y384 = bytes.fromhex("3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"
                     "0a60b1ce1d7e819d7a431d7c90ea0e5f")
KID, SIGNATURE = bytes(range(32)), b"\x5a" * 64
CLAIMS = {1: "plant-7", 2: "purchasing", 4: 2000000000, 5: 1700000000, 6: 1700000000,
          7: b"\x01\x02"}
SIGNER = encode({1: -7, 4: KID})
BODY = encode({3: "application/cbor", 15: CLAIMS, 16: "application/pawl-policy+cose"})


def sign1(protected, unprotected=None, payload=b"payload", signature=SIGNATURE):
    return Tag(18, [protected, unprotected or {}, payload, signature])


def sign(*signatures, protected=BODY):
    return Tag(98, [protected, {}, b"payload", list(signatures)])


COSE = {
    "sign1": sign1(SIGNER),
    "sign1-full": sign1(encode({1: -7, 3: "application/cbor", 4: KID, 15: CLAIMS, 16: "t",
                                33: b"der", 34: [-16, KID], 395: 1, "pawl-epoch": 3})),
    "sign1-detached": sign1(SIGNER, payload=None),
    "sign1-receipts": sign1(SIGNER, {394: [encode(sign1(SIGNER, payload=None))], "pawl-seal": {}}),
    "sign1-empty-header": sign1(b""),
    "sign1-empty-map": sign1(b"\xa0"),
    "sign1-crit": sign1(encode({1: -7, 2: [1, 16], 16: "t"})),
    "sign1-crit-unknown": sign1(encode({1: -7, 2: [999], 999: 0})),
    "sign1-both-buckets": sign1(SIGNER, {4: KID}),
    "sign1-alg-unprotected": sign1(b"", {1: -7, 4: b"11"}),
    "sign1-alg-text": sign1(encode({1: "unknown"})),
    "sign1-eddsa": sign1(encode({1: -8})),
    "sign1-unsorted": sign1(encode({395: 1, 1: -7})),
    "sign1-float-iat": sign1(encode({1: -7, 15: {6: hexed("fb41d584367c20000000")}})),
    "sign1-tagged-iat": sign1(encode({1: -7, 15: {6: Tag(1, 1700000000)}})),
    "sign1-untagged": [SIGNER, {}, b"payload", SIGNATURE],
    "sign1-three": Tag(18, [SIGNER, {}, b"payload"]),
    "sign-one": sign([SIGNER, {}, SIGNATURE]),
    "sign-two": sign([SIGNER, {}, SIGNATURE], [encode({1: -35, 4: KID[::-1]}), {}, b"\x01" * 96]),
    "sign-no-header": sign([SIGNER, {}, SIGNATURE], protected=b""),
    "sign-none": sign(),
    "sign-seventeen": sign(*[[b"", {}, b""] for _ in range(17)]),
    "key-p256": {1: 2, 3: -7, -1: 1, -2: X256, -3: Y256},
    "key-p384": {1: 2, 3: -35, -1: 2, -2: X384, -3: Y384},
    "key-compressed": {1: 2, -1: 1, -2: X256, -3: False},
    "key-kid-ops": {1: 2, 2: b"11", 3: -7, 4: [2, "verify"], -1: 1, -2: X256, -3: Y256},
    "key-private": {1: 2, -1: 1, -2: X256, -3: Y256, -4: X256},
    "key-rsa": {1: 3, 3: -37, -1: b"\xc5" * 256, -2: b"\x01\x00\x01"},
    "key-okp": {1: 1, -1: 6, -2: X256},
}


def main():
    root = pathlib.Path(sys.argv[1])
    for target, inputs in (("cbor_fuzz", CBOR), ("cose_fuzz", COSE)):
        (root / target).mkdir(parents=True, exist_ok=True)
        for name, value in inputs.items():
            (root / target / name).write_bytes(encode(value))


if __name__ == "__main__":
    main()
