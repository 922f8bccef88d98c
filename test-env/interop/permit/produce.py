#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""produce.py: makes what is compared: permits and denials of real gates on software TPMs and
tokens. Each root has two gates of one authority and one of another, with the first gate's name.
usage: produce.py PAWL DIR. Prints one JSON object: the gates, each with root metadata, enrolment
and permits; a root that is not here is left out and said in "skipped"."""

import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../../integration")

from tap import Skip  # pylint: disable=wrong-import-position
from world import CURL, GIT, LAX, STRICT, World  # pylint: disable=wrong-import-position


class Site(World):
    """A gate with hardware of its own. `like`: a gate of the authority that it joins."""

    def __init__(self, kind, pawl, gate, like=None):
        super().__init__(kind, pawl)
        self.gate = gate
        for path in (self.permits, self.bundles):
            os.makedirs(path)
        if like:
            self.authority, self.root = like.authority, like.root
        else:
            self.make_authority(self.authority)
        self.hardware.make()
        self.hardware.start()
        self.init()

    def ask(self, label, resource, decision):
        """One decision, and what pawl said of it. The ledger has grown by two entries or three: a
        process begins with a key_rotation."""
        path = f"{self.permits}/{label}.cose"
        self.pawl(*self.request(resource), "-o", path, code=0 if decision else 10)
        said = self.verify(path, decision)
        return {"label": label, "decision": decision, "epoch": said["epoch"],
                "index": said["ledger_index"], "size": said["tree_size"]}


def epoch(sites, rules):
    """The next epoch for all gates of one authority."""
    sites[0].sign(rules)
    bundle = sites[0].publish()
    for site in sites:
        site.install(bundle)


def life(site, rest):
    """Permits and denials on trees of several sizes, before and after steps; one skips an epoch."""
    sites = [site, *rest]
    epoch(sites, LAX)
    made = [site.ask("first", GIT, True)]
    made += [site.ask(f"epoch1-{number}", CURL, True) for number in range(2, 5)]
    epoch(sites, STRICT)
    made += [site.ask("denial", CURL, False), site.ask("later", GIT, True)]
    site.sign(STRICT)
    site.publish()
    epoch(sites, STRICT)
    made += [site.ask(f"epoch4-{number}", GIT, True) for number in range(1, 4)]
    return made


def keep(site, name, made, where):
    """Copies what a verifier needs, and nothing else."""
    home = f"{where}/{name}"
    os.makedirs(home)
    shutil.copy(site.root, f"{home}/root.cose")
    shutil.copy(site.enrolment, f"{home}/gate.enrolment")
    for permit in made:
        shutil.copy(f"{site.permits}/{permit['label']}.cose", home)
    return {"name": name, "kind": site.kind, "home": home, "permits": made}


def root(kind, pawl, where):
    sites = []
    try:
        sites.append(Site(kind, pawl, "gate-1"))
        sites.append(Site(kind, pawl, "gate-2", like=sites[0]))
        sites.append(Site(kind, pawl, "gate-1"))
        one, two, other = sites
        kept = [keep(one, f"{kind}-one", life(one, [two]), where),
                keep(two, f"{kind}-two", [two.ask("permit", GIT, True)], where)]
        epoch([other], LAX)
        kept.append(keep(other, f"{kind}-other", [other.ask("permit", GIT, True)], where))
        return kept
    finally:
        for site in sites:
            site.close()


def main():
    pawl, where = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    told = {"gates": [], "skipped": {}}
    for kind in ("tpm", "hsm"):
        try:
            told["gates"] += root(kind, pawl, where)
        except Skip as skip:
            told["skipped"][kind] = str(skip)
    print(json.dumps(told, indent=1))


main()
