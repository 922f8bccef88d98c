#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_gone.py: the hardware is gone, from the start or in the middle of a command. Nothing is
permitted without it, what was acknowledged stays, and when it is there again the gate goes on."""

import json
import os

from cut import cuts_for
from tap import Suite, equal, say, true
from world import CURL, GIT, World, main

suite = Suite()


class Cut(World):
    def prepare(self):
        self.cuts = cuts_for(self)

    def go(self, stage):
        self.cuts.heal()
        super().go(stage)

    def try_one(self, name, switch, args):
        """Runs a command that is cut there. True when it answered all the same."""
        switch()
        code, out, _ = self.run(*args, "--json")
        self.cuts.heal()
        value = json.loads(out)
        if value["ok"]:
            return True
        error = value["error"]
        # A TPM full of sessions that others left is made room in; cut there, it is still full.
        true(error["code"] in (*self.hardware.gone, "TPM_BUSY"), f"{name}: {value}")
        equal(code, self.exits[error["code"]], f"{name}: exit code")
        return False


@suite.test("the hardware is away")
def away(world):
    before = world.files(world.state)
    world.hardware.take_away()
    for resource in (GIT, CURL):
        world.refused(world.hardware.gone, resource)
    for args in (("install", f"{world.bundles}/1.bundle"), ("install", f"{world.bundles}/2.bundle"),
                 ("status",)):
        world.pawl(*args, want=world.hardware.gone)
    world.init(want=world.hardware.gone)
    equal(world.files(world.state), before, "nothing changed")
    world.hardware.put_back()
    world.sound(2)


@suite.test("the hardware goes away during a check")
def check(world):
    answered = total = 0
    places = list(world.cuts.places(lambda: world.check(GIT, True, 2)))
    if world.options.variant == "sanitize":  # slow; in turn all the ways to be cut
        places = places[:: 5 if world.kind == "tpm" else 4]
    for name, switch in places:
        path = world.permit_path()
        good = world.try_one(name, switch, (*world.request(GIT), "-o", path))
        equal(os.path.exists(path), good, f"{name}: a permit file")
        if good:
            world.verify(path)
        answered, total = answered + good, total + 1
    say(f"{total} cuts, {answered} answered all the same")
    true(total > 20 and answered < total, f"{total} cuts, {answered} answered")
    world.sound(2)


@suite.test("the hardware goes away during an install")
def install(world):
    served, answered = 3, 0
    places = list(world.cuts.places(lambda: world.install(world.next_epoch())))
    visited = places[:: 5 if world.kind == "tpm" else 4]  # in turn all the ways to be cut
    for name, switch in visited:
        if served > 10:  # a token that has seen many epochs is slow
            world.go("epoch2")
            served = 2
        bundle = world.publish()
        new = world.publish_number(bundle)
        good = world.try_one(name, switch, ("install", bundle))
        got = world.pawl(*world.request(CURL), code=10)
        wanted = (new,) if good else (served, new)
        true(got["epoch"] in wanted, f"{name}: epoch {got['epoch']}, wanted {wanted}")
        equal(world.install(bundle)["epoch"], new, f"{name}: the same install again")
        served, answered = new, answered + good
    say(f"{len(places)} places, {len(visited)} cut, {answered} answered all the same")
    true(0 < answered < len(visited), "some are at the end, and not all")
    equal(world.sound(served)["installs"], served, "installs on record")


@suite.test("the hardware goes away during init", at="bare")
def init(world):
    """Of a long enrolment only some places are visited, in one go: each init finds what the one
    before it left."""
    args = ("init", "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
            *world.hardware.init_options)
    places = list(world.cuts.places(world.init))
    world.go("bare")
    visited = places[:: max(len(places) // 40 | 1, 1)]
    for name, switch in visited:
        world.try_one(name, switch, args)
    say(f"{len(places)} places, {len(visited)} cut")
    world.init()
    world.install(world.next_epoch())
    world.check(GIT, True, 1)


if __name__ == "__main__":
    main(suite, Cut, Cut.prepare)
