# SPDX-License-Identifier: Apache-2.0
"""names.py: what follows from something else: of root metadata 1 a TPM's counter and keys, their
policies and their Names; of a path the root of a tree. From docs/formats.md, and TPM 2.0 part 1
(16), part 2 (12.2, 13.5) and part 3 (23)."""

import struct

from shape import sha256, tagged

ALG_RSA, ALG_SHA256, ALG_NULL, ALG_RSAPSS, ALG_ECDSA, ALG_ECC = 1, 0xB, 0x10, 0x16, 0x18, 0x23
ECC_P256 = 3
CC_POLICY_AUTHORIZE, CC_POLICY_OR = 0x16A, 0x171
SIGN, RESTRICTED, USER_WITH_AUTH = 1 << 18, 1 << 16, 1 << 6
OWN_KEY = SIGN | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 10  # fixedTPM fixedParent sensitiveDataOrigin noDA
# COUNTER POLICYWRITE AUTHREAD NO_DA WRITTEN
COUNTER = 1 << 4 | 1 << 3 | 1 << 18 | 1 << 25 | 1 << 29


def sized(data):
    return struct.pack(">H", len(data)) + data


def name(public):
    return struct.pack(">H", ALG_SHA256) + sha256(public)


def p256(attributes, policy, point):
    return (struct.pack(">HHI", ALG_ECC, ALG_SHA256, attributes) + sized(policy) +
            struct.pack(">HHHHH", ALG_NULL, ALG_ECDSA, ALG_SHA256, ECC_P256, ALG_NULL) +
            sized(point[0]) + sized(point[1]))


def rsa(attributes, modulus, exponent):
    number = int.from_bytes(exponent, "big")
    return (struct.pack(">HHI", ALG_RSA, ALG_SHA256, attributes) + sized(b"") +
            struct.pack(">HHHHI", ALG_NULL, ALG_RSAPSS, ALG_SHA256, len(modulus) * 8,
                        0 if number == 65537 else number) + sized(modulus))


def verifier_name(key):
    """Of a ratchet key, a COSE_Key, as it is loaded into the TPM."""
    if key[1] == 2:
        return name(p256(SIGN | USER_WITH_AUTH, b"", (key[-2], key[-3])))
    return name(rsa(SIGN | USER_WITH_AUTH, key[-1], key[-2]))


def policy(purpose, root, domain, ratchet, more=()):
    ref = tagged("pawl-ref-v1", purpose.encode(), b"\0", root, domain.encode())
    branches = [sha256(sha256(bytes(32), struct.pack(">I", CC_POLICY_AUTHORIZE),
                              verifier_name(key)), ref) for key in ratchet]
    return sha256(bytes(32), struct.pack(">I", CC_POLICY_OR), *branches, *more)


def names(root, content, facts):
    """index-name, receipt-name and seal-name that an enrolment must have. root: the digest;
    content: of root metadata 1."""
    ratchet = [content["keys"][kid] for kid in content["roles"]["ratchet"][1]]
    base = tagged("pawl-base-v1", struct.pack(">Q", facts["base"]))

    def of(purpose, *more):
        return policy(purpose, root, content["domain"], ratchet, more)

    def point(key):
        return facts[key][-2], facts[key][-3]

    counter = struct.pack(">IHI", facts["index"], ALG_SHA256, COUNTER) + sized(of("bump", base))
    return {
        "index-name": name(counter + struct.pack(">H", 8)),
        "receipt-name": name(p256(OWN_KEY, of("sign"), point("receipt"))),
        "seal-name": name(p256(OWN_KEY | RESTRICTED, of("certify"), point("seal"))),
    }


def root_of(leaf, proof):
    """RFC 9162 2.1.3.2; of a proof that leads nowhere, anything."""
    try:
        size, index, path = proof
        node, first, last = sha256(b"\0", leaf), index, size - 1
        for other in path:
            if first & 1 or first == last:
                node = sha256(b"\1", other, node)
                while first & 1 == 0 and first:
                    first, last = first >> 1, last >> 1
            else:
                node = sha256(b"\1", node, other)
            first, last = first >> 1, last >> 1
        return node
    except (TypeError, ValueError):
        return bytes(32)
