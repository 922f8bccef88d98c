#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_cddl.py: every file that authority and gate have written, held against docs/*.cddl; and
every rule there, held against the files: one that nothing meets describes nothing."""

import glob
import os

import cbor
from cddl import Cddl, Mismatch
from forge import digest_of, openssl, text_id
from tap import Suite, equal, fail, true
from world import CURL, GIT, LAX, TOP, World, main, read

suite = Suite()
CORPUS = f"{TOP}/test-env/fuzz/corpus"
# What the other root's gates write.
OTHERS = {"tpm": {"token_enrolment", "chain_of_device"},
          "hsm": {"tpm_enrolment", "tpm_name", "chain_of_device"}}


class Writers(World):
    """Stage "all": as many kinds of content as the formats have."""

    def add_key(self, role, *options):
        path = f"{self.live}/{role}-more.pem"
        openssl("genpkey", "-quiet", "-out", path, *options)
        self.pawl("authority", "add-key", path, "--authority", self.authority, "--role", role)

    def build_all(self):
        self.go("epoch1")
        self.add_key("approver", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
        self.add_key("override", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        self.pawl("authority", "rotate", "--authority", self.authority)
        self.sign(LAX, alias="scoped", actions="delegate,mutate", agent="build-7", zone="lab")
        first = f"{self.authority}/policy/builds/1.cose"
        self.pawl("revoke", "object", text_id(digest_of(read(first))), "--authority",
                  self.authority, "--reason", "for the formats")
        bundle = self.next_epoch()
        if self.kind == "hsm":  # the security officer's part: anchors for the new keys
            self.install(bundle, want="ANCHOR_MISSING")
            self.check(GIT, True, 1)
            self.init(trust=bundle)
        self.install(bundle)
        self.check(GIT, True, 2)
        self.check(CURL, False, 2)

    def emitted(self):
        """(file of rules, rule, where, bytes) of all that was written."""
        files = (("root", "authority/root/*.cose"), ("policy", "authority/policy/*/*.cose"),
                 ("bundle", "authority/*.bundle"), ("bundle", "authority/publish/*.bundle"),
                 ("bundle", "state/*.bundle"), ("bundle", "state/installed/*.bundle"),
                 ("enrolment", "gate.enrolment"), ("enrolment", "state/enrolment.cbor"))
        for rule, pattern in files:
            found = sorted(glob.glob(f"{self.live}/{pattern}"))
            true(found, f"no file is {pattern}")
            for path in found:
                yield "formats.cddl", rule, path, read(path)
        for path in sorted(glob.glob(f"{self.permits}/*.cose")):
            yield "ledger.cddl", "permit", path, read(path)
        path = f"{self.state}/ledger/seal"
        yield "ledger.cddl", "sealed", path, read(path)
        for number, record in enumerate(journaled(read(f"{self.state}/ledger/journal"))):
            yield "ledger.cddl", "record", f"ledger[{number}]", record
        # Of kinds that did not come up here.
        for path in sorted(glob.glob(f"{CORPUS}/record_fuzz/*")):
            if os.path.basename(path) != "cut":
                yield "ledger.cddl", "record", path, read(path)
        path = f"{CORPUS}/permit_fuzz/permit"
        yield "ledger.cddl", "permit", path, read(path)[1:]


def journaled(data):
    """The entries of a journal that was never folded: see docs/formats.md."""
    at = 96
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big") - 32
        at += 4 + 8 + 8 + 4 + 32
        while at < end:
            size = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + size]
            at += 2 + size
        equal(at, end, "end of a frame")
        at += 32


def rules():
    return {name: Cddl(read(f"{TOP}/docs/{name}").decode())
            for name in ("formats.cddl", "ledger.cddl")}


@suite.test("what was written is as the rules say", at="all")
def as_described(world):
    files = rules()
    for name, rule, where, data in world.emitted():
        try:
            files[name].check(rule, data)
        except Mismatch as error:
            fail(f"{os.path.basename(where)}: {error}")
    unmet = {rule for file in files.values() for rule in set(file.rules) - file.met}
    equal(unmet, OTHERS[world.kind], "rules that nothing met")


# ---- the rules do not take everything ------------------------------------------------------------

OPTIONAL = {4, 33, "seal", "agents", "zones", "zone", "snapshot", "approver", "override", "uid",
            "name", "cgroup", "parent",
            "pawl-seal", "pawl-simulated", "pawl-disclosures"}


def is_name(key):
    """Of a member of a table, any of which may be missing."""
    return isinstance(key, bytes) or key in ("builds", "scoped")


def without(value):
    """The same value with one thing wrong, anywhere in it, also inside of byte strings."""
    if isinstance(value, dict):
        yield "surplus member", {**value, "zzzzzzzzzzzzzzzzzzzzzz": 0}
        for key, item in value.items():
            if key not in OPTIONAL and not is_name(key):
                yield f"no {key}", {name: value[name] for name in value if name != key}
            for what, other in without(item):
                yield f"{key}: {what}", {**value, key: other}
    elif isinstance(value, list):
        yield "surplus item", value + [0]
        for at, item in enumerate(value):
            for what, other in without(item):
                yield f"[{at}]: {what}", value[:at] + [other] + value[at + 1 :]
    elif isinstance(value, cbor.Tag):
        yield "another tag", cbor.Tag(value.number + 1, value.value)
        for what, other in without(value.value):
            yield what, cbor.Tag(value.number, other)
    else:
        yield "another type", [value]
        for what, other in without_inside(value):
            yield what, cbor.encode(other)


def without_inside(value):
    """Of a byte string that is an encoded map, array or tag. Digests, coordinates and signatures
    are shorter than any of these, and now and then look like one."""
    if not isinstance(value, bytes) or len(value) in (32, 48, 64):
        return
    try:
        inner = cbor.decode(value)
    except (ValueError, KeyError, IndexError, TypeError):
        return
    if isinstance(inner, (dict, list, cbor.Tag)) and cbor.encode(inner) == value:
        yield from without(inner)


@suite.test("what is written otherwise is not", at="all")
def otherwise(world):
    files, number = rules(), 0
    newest = {rule: (name, data) for name, rule, _, data in world.emitted()}
    for rule, (name, data) in newest.items():
        for what, other in without(cbor.decode(data)):
            number += 1
            try:
                files[name].check(rule, cbor.encode(other))
            except Mismatch:
                continue
            fail(f"{rule}: {what}")
    true(number > 1000, f"only {number} damages")


if __name__ == "__main__":
    main(suite, Writers)
