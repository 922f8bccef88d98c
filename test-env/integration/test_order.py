#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_order.py: what reaches the disk before what, and before the hardware moves on. A kill does
not show it, since the kernel lives on and writes what it was given; a power cut does. So the system
calls of a command are listed (killat --list) and their order is looked at."""

import os

from fragile import Fragile, enough, prepare
from shim import FUNCTIONS
from tap import Suite, equal, true
from wire import NV_CERTIFY, NV_EXTEND, NV_INCREMENT, SIGN
from world import GIT, main, read

suite = Suite()
# What the hardware is asked for: TPM_CC of a command sent, or function of a token.
STEP = {"tpm": (NV_INCREMENT,), "hsm": ("C_GenerateKeyPair", "C_CreateObject")}
HEAD = {"tpm": (NV_EXTEND,), "hsm": ("C_CreateObject",)}
SIGNS = {"tpm": (SIGN, NV_CERTIFY), "hsm": ("C_Sign",)}


class Effects:
    """The effects of one command, each a tuple: kind, file, and what came with it."""

    def __init__(self, world, *args):
        path = f"{world.base}/effects"
        if world.shim:
            world.shim.set()
        world.judge(args, world.under_killat(0, *args, options=("--list", path)))
        self.ledger = f"{world.state}/ledger"
        self.list = [self.understood(line.split("\t")) for line in read(path).decode().splitlines()]
        enough(len(self.list), f"effects of {args[0]}")

    def understood(self, words):
        """Commands to the TPM as ("asks", TPM_CC), calls to a token as ("asks", its name). The
        ledger alone names its files from its own directory."""
        if words[0] == "send":
            return ("asks", int(words[2][12:20], 16))
        if words[0] == "call":
            return ("asks", FUNCTIONS[int(words[1]) - 1])
        if words[0] in ("create", "name", "remove"):
            words[1:] = [os.path.join(self.ledger, word) for word in words[1:]]
        return tuple(words)

    def places(self, *start):
        """Where the effects are that begin like this."""
        return [at for at, effect in enumerate(self.list) if effect[: len(start)] == start]

    def one(self, *start):
        found = self.places(*start)
        equal(len(found), 1, f"number of {start} in {self.shown()}")
        return found[0]

    def asked(self, names):
        """Where the hardware was asked for one of these."""
        found = [at for at, effect in enumerate(self.list)
                 if effect[0] == "asks" and effect[1] in names]
        true(found, f"none of {names} in {self.shown()}")
        return found

    def after(self, place, *start):
        """The first such effect behind a place."""
        found = [at for at in self.places(*start) if at > place]
        true(found, f"no {start} after effect {place} in {self.shown()}")
        return found[0]

    def shown(self):
        return "\n".join(f"{at}: {effect}" for at, effect in enumerate(self.list))

    def durable(self, path):
        """A file that was written beside its place: written, synced, named, and the directory
        synced. Returns where the last of these is."""
        named = [at for at, effect in enumerate(self.list)
                 if effect[0] == "name" and effect[2:] == (path,)]
        true(named, f"{path} was not put in place: {self.shown()}")
        temp = self.list[named[-1]][1]
        equal(os.path.dirname(temp), os.path.dirname(path), "directory of the temporary file")
        written, synced = self.places("write", temp), self.places("sync", temp)
        true(written and synced and max(written) < max(synced) < named[-1],
             f"{path}: written {written}, synced {synced}, named {named[-1]}")
        return self.after(named[-1], "sync", os.path.dirname(path))

    def all_durable(self):
        """Whatever is put in place is, but what is published of the ledger: the journal has it."""
        for path in {effect[2] for effect in self.list if effect[0] == "name" and effect[2:]}:
            if not self.published(path):
                self.durable(path)

    def published(self, path):
        name = os.path.relpath(path, self.ledger)
        return name in ("checkpoint", "seal") or name.startswith("tile/")

    def recorded(self, kind):
        """The journal is synced with nothing between, each time; the hardware keeps the head and
        makes the receipt only then; what is published comes last. Returns where the record is."""
        journal = f"{self.ledger}/journal"
        written, synced = self.places("write", journal), self.places("sync", journal)
        equal(synced, [at + 1 for at in written], f"the syncs of the ledger in {self.shown()}")
        # The first rewrites the last frame that was there, in case its sync was never reached.
        equal(len(written), 2, f"writes to the ledger in {self.shown()}")
        synced = synced[-1]
        later = [self.list[at][1] for at in self.asked(SIGNS[kind]) if at > synced]
        equal(tuple(later), SIGNS[kind], f"what is signed after the record in {self.shown()}")
        head, signed = self.asked(HEAD[kind]), self.asked(SIGNS[kind])[-1]
        true(synced < head[-1] < signed, f"head kept at {head[-1]}: {self.shown()}")
        for name in ("checkpoint", "seal"):
            public = [at for at, effect in enumerate(self.list)
                      if effect[0] == "name" and effect[2:] == (f"{self.ledger}/{name}",)]
            true(public and signed < public[0], f"{name} in place at {public}: {self.shown()}")
        return synced


@suite.test("init: the ledger's name and the gate's own directory are durable", at="bare")
def order_init(world):
    got = Effects(world, "init", "--hardware", world.hardware.uri, "--trust",
                  f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
                  "-o", world.enrolment, *world.hardware.init_options)
    ledger, home = f"{world.state}/ledger", os.path.dirname(world.state)
    made = got.places("name", ledger)[0]
    true(got.after(made, "sync", world.state) < got.places("create", f"{ledger}/journal.new")[0],
         got.shown())
    synced = got.durable(f"{ledger}/journal")
    # Where gate.json is, the gate is enrolled: the rest is there by then.
    enrolled = got.places("create", f"{world.state}/gate.json")
    equal(enrolled, [], "gate.json is not written in place")
    last = min(got.durable(f"{world.state}/{name}") for name in ("trust.bundle", "enrolment.cbor"))
    true(synced < last < got.durable(f"{world.state}/gate.json"), got.shown())
    true(got.after(got.places("name", world.state)[0], "sync", home) < made, got.shown())
    got.all_durable()
    world.install(world.next_epoch())
    world.check(GIT, True, 1)


@suite.test("install: the bundle before the step, the record before the receipt", at="epoch1")
def order_install(world):
    bundle = world.next_epoch()
    got = Effects(world, "install", bundle)
    kept = got.durable(f"{world.state}/installed/2.bundle")
    steps = got.asked(STEP[world.kind])
    removed = got.one("remove", f"{world.state}/installed/1.bundle")
    true(kept < steps[0] < removed, f"stored at {kept}, stepped at {steps}: {got.shown()}")
    # What is stepped after the record is the number of its round.
    recorded = got.recorded(world.kind)
    true(removed < recorded, f"recorded at {recorded}: {got.shown()}")
    equal([at for at in steps if removed < at < recorded], [], f"steps in {got.shown()}")
    if world.kind == "hsm":
        # The first object to go is the public half of the new key, the last is the old key.
        certified = got.durable(f"{world.state}/hw/epochs")
        gone = [at for at in got.asked(("C_DestroyObject",)) if at < recorded]
        equal([at < certified for at in gone], [True, False], f"what goes when: {got.shown()}")
    got.all_durable()
    world.sound(2)


@suite.test("check: the record before the receipt and the permit")
def order_check(world):
    path = world.permit_path()
    got = Effects(world, *world.request(GIT), "-o", path)
    recorded = got.recorded(world.kind)
    signed = got.asked(SIGNS[world.kind])[-1]
    temp = [at for at, effect in enumerate(got.list)
            if effect[0] == "create" and effect[1].startswith(path)]
    true(recorded < signed < temp[0] < got.durable(path), got.shown())
    equal(got.places("create", path), [], "the permit is not written in place")
    world.verify(path)
    world.log()


if __name__ == "__main__":
    main(suite, Fragile, prepare)
