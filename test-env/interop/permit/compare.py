#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py: "pawl permit verify" and other verifiers on good permits and on damaged ones. usage:
compare.py SETS KIND BUILD PAWL SEED COUNT [GO-PEER], KIND being tpm or hsm. Prints each
disagreement, the counts, and "passed failed skipped" on the last line.

Permits are cut at every length, and of the bits that damage.marks() calls heads each one is
flipped: tags, lengths, labels, numbers, simple values, on every level. COUNT is about how many
others of a permit are flipped, which are contents of strings and of certificates; SEED is where
that begins. With "all" for it every bit of one permit is flipped and some of each byte of others
(BITS).

What it means to agree:
1. pawl and verify.py, which is written from docs/ and lets pycose and scitt-cose judge all COSE
   signatures and receipts, give the same verdict on every variant, and the same epoch, leaf index,
   tree size and decision when it is valid. Where the libraries take more than the documents allow
   (other encodings, other order, further labels: nothing that a signature covers), verify.py's own
   rules decide. Why a variant is refused is not compared.
2. Each library alone takes each COSE_Sign1 of a good permit: the permit itself, the key_rotation,
   and the receipt over its root. It refuses each of them with any bit flipped that its signature
   covers. Of a receipt, scitt-cose refuses it with any bit flipped at all, but for the
   certificates, which it does not read, and the size of the tree, of which only pawl's header is
   signed.

"The liar" is a gate whose keys are this program's, with everything well signed: see remade.py. Only
trees of more than 2^62 entries are left out there, which scitt-cose does not take.

pawl is here permit_judge, which is the code of "pawl permit verify" without a process for each
variant; every good permit and a sample of the others goes through the program itself, which must
exit with the code of that answer."""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")

import certified  # pylint: disable=wrong-import-position
import damage  # pylint: disable=wrong-import-position
import plain  # pylint: disable=wrong-import-position
import remade  # pylint: disable=wrong-import-position
import shape  # pylint: disable=wrong-import-position
from damage import Permit  # pylint: disable=wrong-import-position
from tally import Tally  # pylint: disable=wrong-import-position
from verify import Facts, judge  # pylint: disable=wrong-import-position

# In which bits permits are damaged when "all" are asked for: each, or every seventh, which is some
# of every byte, and each of a byte in turn. Otherwise THOROUGH is the one whose heads are flipped.
# LENGTHS: cut at every length. The rest is done to all that are not alike.
BITS = {"redacted": 1, "later": 7, "denial": 7}
THOROUGH = "redacted"
LENGTHS = ("epoch4-3", "denial", "redacted")
LIARS = {"one": "later", "certified": "certified"}  # which gates' permits, and whose form is taken
ALIKE = {"epoch1-3", "withheld", "redacted-denial"}  # others of their gate are damaged for them
ALONE = {"denial", "redacted"}  # rule 2
SAMPLE = 53  # every so many'th variant goes through the program itself


tally = Tally()


class Gate:
    """One gate: what its permits are judged by, and the judges."""

    def __init__(self, told, build, pawl):
        self.name, self.kind, self.home = told["name"], told["kind"], told["home"]
        self.paths = [f"{self.home}/root.cose", f"{self.home}/gate.enrolment"]
        self.built = build, pawl
        self.program = [f"{build}/test-env/interop/permit/permit_judge", *self.paths]
        self.pawl = pawl
        self.root = read(self.paths[0])
        self.facts = Facts(self.root, read(self.paths[1]))
        self.told = {entry["label"]: entry for entry in told["permits"]}
        self.permits = {label: Permit(read(f"{self.home}/{label}.cose")) for label in self.told}

    def ours(self, variants):
        """permit_judge's line for each variant."""
        with tempfile.TemporaryFile() as file:
            for data in variants:
                file.write(len(data).to_bytes(4, "big") + data)
            file.seek(0)
            run = subprocess.run(self.program, stdin=file, stdout=subprocess.PIPE, check=True)
        lines = run.stdout.decode(errors="replace").split("\n")[:-1]
        assert len(lines) == len(variants), f"{len(lines)} answers on {len(variants)} variants"
        return lines

    def by_program(self, data):
        """The exit code of pawl itself."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return subprocess.run(
                [self.pawl, "permit", "verify", file.name, "--root", self.paths[0], "--enrolment",
                 self.paths[1], "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False).returncode

    def theirs(self, data):
        try:
            return " ".join(map(str, judge(self.facts, data)))
        except shape.Refused as refused:
            return f"refused: {refused}"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def exits():
    """Name of an answer to exit code, from pawl's list of errors."""
    header = read(f"{damage.__file__.rsplit('/', 4)[0]}/gate/base/err.h").decode()
    found = {name: int(code) for name, code in re.findall(r"X\((\w+), \d+, (\d+),", header)}
    return {**found, "permit": 0, "deny": 10}


EXITS = exits()


def is_good(line):
    return line.split(" ")[0] in ("permit", "deny")


def compare(gate, label, title, variants):
    """Rule 1 over one kind of damage."""
    variants, wrong, valid = list(variants), [], 0
    ours = gate.ours([data for _, data in variants])
    for number, ((what, data), mine) in enumerate(zip(variants, ours)):
        theirs = gate.theirs(data)
        agree = theirs == mine if is_good(mine) else theirs.startswith("refused: ")
        valid += is_good(mine)
        if not agree:
            wrong.append(f"{label}, {what}\n    permit_judge: {mine}\n    verify.py: {theirs}")
        elif number % SAMPLE == 0:
            code, want = gate.by_program(data), EXITS[mine.split(" ")[0]]
            if code != want:
                wrong.append(f"{label}, {what}\n    pawl exits with {code}, not {want}: {mine}")
    tally.add(f"{gate.name}: {title}", len(variants), valid, wrong)


def good_ones(gate):
    """All that was produced is valid and says what pawl said when it was made."""
    wrong = []
    for label, entry in gate.told.items():
        decision = "permit" if entry["decision"] else "deny"
        want = f"{decision} {entry['epoch']} {entry['index']} {entry['size']}"
        data = gate.permits[label].data
        got = [gate.theirs(data), gate.ours([data])[0]]
        code = gate.by_program(data)
        if got != [want, want] or code != EXITS[decision]:
            wrong.append(f"{label} should be {want}: {got}, exit code {code}")
    tally.add(f"{gate.name}: as produced", len(gate.told), len(gate.told) - len(wrong), wrong)


class Amount:
    """How much of a permit's bits and lengths is tried."""

    def __init__(self, seed, count):
        self.seed, self.all = seed, count == "all"
        self.count = None if self.all else int(count)

    def bits(self, label, permit):
        """The step is odd: each bit of a byte has its turn."""
        if self.all:
            return damage.bits(permit, range(0, len(permit.data) * 8, BITS[label]))
        heads = damage.marks(permit.data) if label == THOROUGH else set()
        rest = [bit for bit in range(len(permit.data) * 8) if bit // 8 not in heads]
        step = max(1, len(rest) // self.count) | 1
        chosen = [8 * byte + bit for byte in heads for bit in range(8)]
        return damage.bits(permit, sorted(chosen + rest[self.seed % step :: step]))


def damaged(gate, label, permit, everyone, amount):
    if label in BITS:
        compare(gate, label, "bits", amount.bits(label, permit))
    if label in LENGTHS:
        compare(gate, label, "lengths", damage.lengths(permit))
    compare(gate, label, "encodings", damage.encodings(permit))
    compare(gate, label, "parts of others", damage.swaps(permit, everyone))
    compare(gate, label, "proofs", damage.proofs(permit))
    compare(gate, label, "disclosures", damage.disclosures(permit))
    compare(gate, label, "signatures", damage.signatures(permit))
    if gate.kind == "hsm":
        compare(gate, label, "chains", damage.chains(permit))


def under(gate, enrolment, permit):
    """Both verdicts on a permit under another enrolment."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(enrolment)
        file.flush()
        run = subprocess.run([*gate.program[:2], file.name], stdout=subprocess.PIPE, check=False,
                             input=len(permit).to_bytes(4, "big") + permit)
    try:
        theirs = " ".join(map(str, judge(Facts(gate.root, enrolment), permit)))
    except shape.Refused as refused:
        theirs = f"refused: {refused}"
    return run.stdout.decode(errors="replace").strip(), theirs


def lies(gate, permit):
    """Permits and enrolments with one member changed and everything well signed. Of a gate whose
    device an authority has certified, what that adds."""
    liar = remade.Liar(gate, permit, f"{gate.home}-liar")
    place = Gate({"name": f"{gate.name}-liar", "kind": gate.kind, "home": liar.home, "permits": []},
                 *gate.built)
    compare(place, "liar", "permits", remade.permits(liar))
    good = liar.make({})
    if not is_good(place.ours([good])[0]):
        tally.add(place.name, 1, 0, ["the permit is refused with nothing changed"])
    for title, variants in (("enrolments", remade.enrolments(liar, gate.facts.enrolment)),
                            ("identifiers", certified.resolved(liar))):
        wrong, valid, number = [], 0, 0
        for number, (what, enrolment, data) in enumerate(variants, 1):
            mine, theirs = under(place, enrolment, data or good)
            valid += is_good(mine)
            if not (theirs == mine if is_good(mine) else theirs.startswith("refused: ")):
                wrong.append(f"{what}\n    permit_judge: {mine}\n    verify.py: {theirs}")
        if number:
            tally.add(f"{place.name}: {title}", number, valid, wrong)


def main():
    told = json.loads(read(sys.argv[1]))
    kind, build, pawl = sys.argv[2:5]
    amount = Amount(int(sys.argv[5]), sys.argv[6])
    go = sys.argv[7] if len(sys.argv) > 7 else None
    if kind in told["skipped"]:
        print(f"SKIP  {kind}: {told['skipped'][kind]}")
        print(0, 0, 1)
        return
    gates = [Gate(entry, build, pawl) for entry in told["gates"]]
    everyone = [(f"{gate.name}/{label}", permit) for gate in gates
                for label, permit in gate.permits.items()]
    for gate in gates:
        if gate.kind != kind:
            continue
        good_ones(gate)
        compare(gate, "all", "permits of all gates",
                [(name, permit.data) for name, permit in everyone])
        liar = LIARS.get(gate.name.removeprefix(f"{kind}-"))
        if not liar:
            continue
        for label, permit in gate.permits.items():
            if label not in ALIKE:
                damaged(gate, label, permit, everyone, amount)
        lies(gate, gate.permits[liar])
        for label in ALONE.intersection(gate.permits):
            plain.compare(gate, label, gate.permits[label], tally, go)
    tally.close()


if __name__ == "__main__":
    main()
