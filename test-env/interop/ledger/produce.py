#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""produce.py: makes what is compared: a gate on a software TPM and one on a software token, each
with some decisions in several sessions and epochs. usage: produce.py PAWL DIR. Prints one JSON
object: the gates, each with root metadata, enrolment, permits and ledger; a root that is not here
is left out and said in "skipped"."""

import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../../integration")

import cbor  # pylint: disable=wrong-import-position
from tap import Skip  # pylint: disable=wrong-import-position
from world import CURL, GIT, LAX, STRICT, World  # pylint: disable=wrong-import-position


class Site(World):
    """A gate that lives from its enrolment on."""

    def begin(self):
        for path in (self.permits, self.bundles):
            os.makedirs(path)
        self.make_authority(self.authority)
        self.hardware.make()
        self.hardware.start()
        self.init()

    def ask(self, label, resource, decision):
        path = f"{self.permits}/{label}.cose"
        self.pawl(*self.request(resource), "-o", path, code=0 if decision else 10)
        return {"label": label, "decision": decision}

    def life(self):
        self.install(self.next_epoch(LAX))
        made = [self.ask("first", GIT, True), self.ask("second", CURL, True)]
        self.install(self.next_epoch(STRICT))
        return made + [self.ask("denial", CURL, False), self.ask("third", GIT, True)]

    def keep(self, made, where):
        """Copies what a verifier needs, and nothing else."""
        home = f"{where}/{self.kind}"
        os.makedirs(home)
        shutil.copy(self.root, f"{home}/root.cose")
        shutil.copy(self.enrolment, f"{home}/gate.enrolment")
        for permit in made:
            shutil.copy(f"{self.permits}/{permit['label']}.cose", home)
        if os.path.isdir(f"{self.state}/ledger"):
            shutil.copytree(f"{self.state}/ledger", f"{home}/ledger")
        return {"name": self.kind, "kind": self.kind, "home": home, "permits": made,
                "vkey": cbor.decode(self.enrolment_bytes()).get("log")}


def gate(kind, pawl, where):
    site = Site(kind, pawl)
    try:
        site.begin()
        return site.keep(site.life(), where)
    finally:
        site.close()


def main():
    pawl, where = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    told = {"gates": [], "skipped": {}}
    for kind in ("tpm", "hsm"):
        try:
            told["gates"].append(gate(kind, pawl, where))
        except Skip as skip:
            told["skipped"][kind] = str(skip)
    print(json.dumps(told, indent=1))


main()
