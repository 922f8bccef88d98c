# SPDX-License-Identifier: Apache-2.0
"""plain.py: what each COSE library says alone of the three COSE_Sign1 in a permit, and of every bit
that their signatures cover: rule 2 of compare.py."""

import subprocess
import tempfile

import shape
from shape import cbor
from verify import certificates, cose_good, receipt_root

# pycose computes ECDSA in Python: some ms each. Has no divisor in common with 8, so that every bit
# of a byte has its turn.
PYCOSE_STEP = 17


class Signed:
    """One COSE_Sign1 of a permit, the key it is signed with, and the root for a receipt."""

    def __init__(self, message, point, leaf, root):
        self.message, self.point, self.leaf = message, point, leaf
        self.detached = root if message.name == "receipt" else None
        pair = cbor.encode(33), cbor.encode(cbor.decode(message.data).value[1].get(33))
        at = message.data.find(b"".join(pair))
        # Of the receipt: no signature covers them, and they say nothing that the key does not.
        self.certificates = range(at, at + len(b"".join(pair))) if at >= 0 else range(0)
        self.size = self.size_of_tree() if self.detached else range(0)

    def size_of_tree(self):
        """Not signed by RFC 9942, and a path leads to the same root in trees of several sizes."""
        proof = cbor.decode(self.message.data).value[1][396][-1][0]
        at = self.message.data.index(proof) + 1
        return range(at, at + len(cbor.encode(cbor.decode(proof)[0])))

    def flipped(self, step=1, everything=False):
        """Bit and message, for each bit that is covered."""
        for bit in range(0, len(self.message.data) * 8, step):
            byte = bit // 8
            covered = self.message.covers(self.message.start + byte)
            if covered or everything and byte not in (*self.certificates, *self.size):
                changed = bytearray(self.message.data)
                changed[bit // 8] ^= 1 << bit % 8
                yield bit, bytes(changed)


def signed_parts(gate, permit):
    leaf, receipt, key_bytes, seal = shape.permit(permit.data)
    point = gate.facts.receipt
    if gate.kind == "hsm":
        point = certificates(gate.facts, seal["statement"])[1]
    root = receipt_root(point, receipt, leaf)
    statement = shape.p256(shape.record(key_bytes, "key_rotation")[1]["pawl"]["key"])
    return [Signed(message, statement if message.name == "record" else point, leaf, root)
            for message in permit.messages()]


def by_pycose(part, messages):
    return [cose_good(part.point, message, part.detached) for message in messages]


def by_scitt(part, messages):
    return [receipt_root(part.point, message, part.leaf) is not None for message in messages]


class Go:
    def __init__(self, program):
        self.program = program

    def __call__(self, part, messages):
        with tempfile.TemporaryFile() as file:
            for message in messages:
                file.write(b"".join(part.point))
                for data in (message, part.detached or b""):
                    file.write(len(data).to_bytes(4, "big") + data)
            file.seek(0)
            done = subprocess.run([self.program], stdin=file, stdout=subprocess.PIPE, check=True)
        said = done.stdout.split()
        assert len(said) == len(messages), f"go-cose: {len(said)} answers on {len(messages)}"
        return [word == b"1" for word in said]


def libraries(go):
    """Name, judge, every so many'th bit, also bits that no signature covers, which messages."""
    every = ("record", "receipt", "key")
    found = [("pycose", by_pycose, PYCOSE_STEP, False, every),
             ("scitt-cose", by_scitt, 1, True, ("receipt",))]
    if go:
        found.append(("go-cose", Go(go), 1, False, every))
    return found


def compare(gate, label, permit, tally, go):
    """Good messages are taken, messages with a flipped bit are not."""
    for part in signed_parts(gate, permit):
        for library, judge, step, everything, which in libraries(go):
            name = part.message.name
            if name not in which:
                continue
            flipped = list(part.flipped(step, everything))
            said = judge(part, [part.message.data, *(data for _, data in flipped)])
            wrong = [] if said[0] else [f"{label}: the good one is refused"]
            wrong += [f"{label}: taken with bit {bit} flipped"
                      for (bit, _), taken in zip(flipped, said[1:]) if taken]
            tally.add(f"{gate.name}: {library} alone on the {name}", len(said), 1, wrong)
