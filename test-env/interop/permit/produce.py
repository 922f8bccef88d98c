#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""produce.py: makes what is compared: permits and denials of real gates on software TPMs and
tokens. Each root has two gates of one authority and one of another, with the first gate's name;
and one whose device an X.509 authority has certified, and which redacts what it is asked.
usage: produce.py PAWL DIR. Prints one JSON object: the gates, each with root metadata, enrolment
and permits; a root that is not here is left out and said in "skipped"."""

import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../../integration")

from tap import Skip  # pylint: disable=wrong-import-position
from test_certs import Authority  # pylint: disable=wrong-import-position
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


    def certify(self, rest=None):
        """An authority certifies the device. rest: of the did:x509, or what pawl makes of it."""
        key, authority = f"{self.base}/device.pem", Authority(self)
        self.init("--device-key", key)
        chosen = ["--issuer", authority.did(rest)] if rest else []
        self.init("--device-chain", authority.certify(key), *chosen)

    def redact(self, *paths):
        with open(f"{self.state}/gate.json", "r+", encoding="utf-8") as file:
            settings = {**json.load(file), "redact": paths}
            file.seek(0)
            file.truncate()
            json.dump(settings, file)


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


def certified_life(site):
    """Permits with nothing, with some and with all redacted that can be."""
    site.certify("::san:dns:gate-1.example.org" if site.kind == "hsm" else None)
    epoch([site], LAX)
    made = [site.ask("certified", GIT, True)]
    site.redact("pawl.resource.id")
    made.append(site.ask("withheld", GIT, True))
    site.redact("agent_version", "pawl.action", "pawl.determining", "pawl.resource.id",
                "pawl.resource.type", "pawl.subject.type")
    made.append(site.ask("redacted", GIT, True))
    epoch([site], STRICT)
    return [*made, site.ask("redacted-denial", CURL, False)]


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
        sites.append(Site(kind, pawl, "gate-1"))
        kept.append(keep(sites[-1], f"{kind}-certified", certified_life(sites[-1]), where))
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
