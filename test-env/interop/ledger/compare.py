#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py: pawl and programs that know nothing of it, on statements, receipts, logs and proofs,
whole and damaged, both ways. usage: compare.py SETS BUILD PAWL DIR SEED COUNT [GO-PEER [FSCK]].
Prints each disagreement, the counts, and "passed failed skipped" on the last line. COUNT is how
many damages of each log are tried."""

import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../../integration", f"{HERE}/.."]

import logs  # pylint: disable=wrong-import-position
import statements  # pylint: disable=wrong-import-position
import verbs  # pylint: disable=wrong-import-position
from statements import Go, Ours, Statement  # pylint: disable=wrong-import-position
from tally import Tally  # pylint: disable=wrong-import-position

THOROUGH = "first"  # the permit of which every bit is flipped; of the others every 23rd
STEP = 23


def read(path):
    with open(path, "rb") as file:
        return file.read()


def statements_of(gate):
    enrolment = read(f"{gate['home']}/gate.enrolment")
    return {entry["label"]: Statement(read(f"{gate['home']}/{entry['label']}.cose"), enrolment)
            for entry in gate["permits"]}


def main():
    sets, build, pawl, where = sys.argv[1:5]
    seed, count = int(sys.argv[5]), int(sys.argv[6])
    go = Go(sys.argv[7]) if len(sys.argv) > 7 else None
    fsck = sys.argv[8] if len(sys.argv) > 8 else None
    ours = Ours(f"{build}/test-env/interop/ledger/ledger_judge")
    chance, tally = random.Random(seed), Tally()
    told = json.loads(read(sets))
    for kind, why in told["skipped"].items():
        tally.skip(f"gates on {kind}", why)
    gates = []
    for gate in told["gates"]:
        found = statements_of(gate)
        gates.append((gate, found))
        for label, statement in found.items():
            step = 1 if label == THOROUGH else STEP
            statements.judged_by_others(tally, gate["name"], statement, list(found.values()), go,
                                        step, chance.randrange(step))
        statements.our_own(tally, gate["name"], list(found.values()), ours)
    statements.judge_theirs(tally, "pawl on receipts of scitt-cose", ours,
                            statements.scitt_receipts(chance))
    statements.judge_theirs(tally, "pawl on messages of scitt-cose, cwt and go-cose", ours,
                            statements.signed_by_libraries(chance, go))
    if go:
        peers = logs.Peers(go.program, fsck, build, where)
        for found in logs.compare(tally, peers, gates, chance, count):
            verbs.compare(tally, pawl, peers, *found, chance, count // 4)
    tally.close()


main()
