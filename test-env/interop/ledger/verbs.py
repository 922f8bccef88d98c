# SPDX-License-Identifier: Apache-2.0
"""verbs.py: pawl's own verbs on the ledger of a gate, as whoever got a copy of the files runs them:
"log audit" finds what the others find and more, "log prove" makes what they take."""

import base64
import json
import os
import subprocess

import logs
from logs import read

ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TSS2_LOG": "all+none"}


class Auditor:
    """pawl without a gate: it has the enrolment, the root metadata and a directory."""

    def __init__(self, pawl, gate, where):
        self.pawl, self.where = pawl, where
        self.trust = ["--enrolment", f"{gate['home']}/gate.enrolment"]
        self.root = ["--root", f"{gate['home']}/root.cose"]

    def run(self, *args):
        done = subprocess.run([self.pawl, *args, "--json"], env=ENV, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, {}

    def audit(self, directory):
        """Whether all is good, and what was said if not."""
        code, said = self.run("log", "audit", directory, *self.trust, *self.root)
        findings = said.get("findings") or [said.get("error")]
        return code == 0 and said.get("sound") is True, str(findings)[:300]

    def prove(self, directory, index, *options):
        path = f"{self.where}/proof"
        if os.path.exists(path):
            os.unlink(path)
        code, said = self.run("log", "prove", str(index), *options, "--log", directory, "-o", path)
        return (read(path), "") if code == 0 else (None, str(said)[:300])


def audits(tally, title, auditor, peers, log, chance, count):
    """The gate's ledger is good; no damaged copy of it is."""
    good, said = auditor.audit(log.directory)
    tally.add(f"{title}: pawl log audit", 1, 1, [] if good else [said])
    damages = [*logs.flips(log, chance, count), *logs.cuts(log, chance), *logs.moved(log, chance),
               *logs.longer(log), *logs.old_checkpoints(log, [])]
    if "seal" in log.beside:
        bits = len(read(f"{log.directory}/seal")) * 8
        damages += [[["flip", "seal", chance.randrange(bits)]] for _ in range(count // 4)]
        damages.append([["delete", "seal"]])
    wrong = []
    for damage in damages:
        if auditor.audit(peers.copy(log, damage))[0]:
            wrong.append(f"pawl log audit takes {str(damage)[:200]}")
    good, said = auditor.audit(peers.copy(log))
    if not good:
        wrong.append(f"pawl log audit refuses a copy without a damage: {said}")
    tally.add(f"{title}: pawl log audit of damaged copies", len(damages) + 1, 1, wrong)


def proofs(tally, title, auditor, peers, log, statements, indexes):
    """Proof files for x/mod, receipts for scitt-cose, of entries that had no receipt before."""
    entries, wrong, files = log.entries(), [], []
    newest = list(statements.values())[-1]  # its receipt key is that of the published head
    for index in indexes:
        text, said = auditor.prove(log.directory, index)
        if text is None:
            wrong.append(f"no proof of entry {index}: {said}")
        else:
            files.append((index, text))
        receipt, said = auditor.prove(log.directory, index, "--receipt")
        if receipt is None:
            wrong.append(f"no receipt of entry {index}: {said}")
            continue
        for number, entry in enumerate(entries):
            if newest.by_scitt(receipt, entry).ok != (number == index):
                wrong.append(f"scitt-cose on the receipt of entry {index}, with entry {number}")
    questions = [{"what": "check-file", "proof": base64.b64encode(text).decode(),
                  "entry": base64.b64encode(entries[number]).decode()}
                 for index, text in files for number in range(len(entries))]
    wanted = [number == index for index, _ in files for number in range(len(entries))]
    for question, answer, want in zip(questions, peers.ask("proofs", log, questions), wanted):
        if (answer["said"] == "good") != want:
            wrong.append(f"x/mod {answer['said']} of {question['proof'][:100]}")
    count = (1 + len(entries)) * len(indexes)
    tally.add(f"{title}: pawl log prove", 2 * count, 2 * len(indexes), wrong)


def compare(tally, pawl, peers, log, gate, statements, chance, count):
    title = f"the ledger on {gate['kind']}"
    auditor = Auditor(pawl, gate, peers.where)
    for verb in ("audit", "prove"):
        said = auditor.run("log", verb, "/nonexistent")[1]
        if said.get("error", {}).get("code") == "USAGE":
            tally.skip(f"{title}: pawl log {verb}", "this pawl has no such verb")
            return
    audits(tally, title, auditor, peers, log, chance, count)
    indexes = sorted({0, log.size - 1, *(chance.randrange(log.size) for _ in range(6))})
    proofs(tally, title, auditor, peers, log, statements, indexes)
