#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_clock.py: the gate's clock, set by somebody who can set clocks. What is recorded already
bounds it from below; what has ended, has not begun or is stale is denied."""

import os
import shutil

from tap import Skip, Suite, equal, true
from world import CURL, GIT, LAX, STRICT, World, main

suite = Suite()
MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = [("five minutes", 5 * MINUTE), ("an hour", HOUR), ("a day", DAY), ("20 years", 7300 * DAY)]


class Clocked(World):
    """Every pawl runs with its clock moved by `ahead` seconds; the hardware has its own."""

    ahead = 0

    def prepare(self):
        if not shutil.which("faketime"):
            raise Skip("faketime is not here")
        if self.options.variant == "sanitize":
            raise Skip("AddressSanitizer and a preloaded clock exclude each other")

    def run(self, *args, before=(), **more):
        if self.ahead:
            before = ("faketime", "-f", f"{self.ahead:+d}", *before)
        return super().run(*args, before=before, **more)

    def go(self, stage):
        self.ahead = 0
        super().go(stage)

    def denied_for(self, reason, resource=GIT):
        """An answer, with its record and its receipt, and not an error."""
        path = self.permit_path()
        got = self.pawl(*self.request(resource), "-o", path, code=self.exits[reason])
        equal((got["decision"], got["reason"]), (False, reason), "answer")
        self.verify(path, False)
        status = self.status(code=self.exits[reason])
        equal((status["serving"], status["reason"]), (False, reason), "status")

    def build_short(self):
        """Epoch 3: a policy from +1h to +3h, in a snapshot that ends at +5h."""
        self.go("epoch2")
        self.sign(LAX, not_before="+1h", expires="+3h")
        self.install(self.publish(expires="+5h"))


@suite.cases([(f"the clock set back by {name}", seconds) for name, seconds in STEPS])
def set_back(world, seconds):
    """The gate was used two minutes ahead of now, so that the machine's speed is no matter."""
    world.ahead = 2 * MINUTE
    world.check(CURL, False, 2)
    before, journal = world.files(world.state), world.journal()
    world.ahead -= seconds
    for resource in (GIT, CURL):
        error = world.refused("CLOCK_BACK", resource)
        true("last entry" in error["why"], f"names both times: {error}")
    status = world.status(code=world.exits["CLOCK_BACK"])
    equal((status["serving"], status["reason"]), (False, "CLOCK_BACK"), "status")
    equal(world.files(world.state), before, "a refused check changes nothing")
    equal(world.journal(), journal, "a refused check is not on record")
    world.ahead = 2 * MINUTE
    world.sound(2)


@suite.cases([
    ("an install while the clock is back by an hour", HOUR, "NOT_YET_VALID", True),
    ("an install while the clock is back by two minutes", 2 * MINUTE, "CLOCK_BACK", False),
])
def install_back(world, seconds, want, untouched):
    """Two minutes may be the difference of two clocks: the step is good, but it cannot be recorded;
    no answer comes before the clock is right."""
    world.ahead = 2 * MINUTE
    world.check(CURL, False, 2)
    bundle = world.next_epoch()
    before = world.files(world.state)
    world.ahead -= seconds
    world.install(bundle, want=want)
    if untouched:
        equal(world.files(world.state), before, "a refused install changes nothing")
    for resource in (GIT, CURL):
        world.refused("CLOCK_BACK", resource)
    world.ahead = 2 * MINUTE
    world.install(bundle)
    world.sound(3)
    equal(world.log()["installs"], 3, "installs on record")


@suite.test("the clock set back to stretch what has ended", at="short")
def stretch(world):
    """Once the gate has recorded the end of a policy, the clock does not bring it back."""
    world.ahead = 2 * HOUR
    world.check(CURL, True, 3)
    world.ahead = 4 * HOUR
    world.denied_for("EXPIRED", CURL)
    world.ahead = 2 * HOUR
    world.refused("CLOCK_BACK", CURL)
    world.ahead = 4 * HOUR
    world.log()
    world.install(world.next_epoch(STRICT))
    world.sound(4)


@suite.test("a policy before its time, in it, and after", at="short")
def window(world):
    for hours, reason in ((0.5, "NOT_YET_VALID"), (2, None), (4, "EXPIRED"),
                          (6, "SNAPSHOT_STALE"), (10000, "SNAPSHOT_STALE")):
        world.ahead = int(hours * HOUR)
        if reason:
            world.denied_for(reason)
        else:
            world.check(GIT, True, 3)
    world.log()


@suite.test("a stale bundle installed")
def stale_bundle(world):
    world.sign(STRICT + "// three\n")
    bundle = world.publish(expires="+1h")
    world.ahead = 2 * HOUR
    before = world.files(world.state)
    world.install(bundle, want="SNAPSHOT_STALE")
    equal(world.files(world.state), before, "a refused install changes nothing")
    world.sound(2)


@suite.test("a bundle from the future installed")
def future_bundle(world):
    world.ahead = 2 * HOUR
    bundle = world.next_epoch()
    world.ahead = 0
    before = world.files(world.state)
    world.install(bundle, want="NOT_YET_VALID")
    equal(world.files(world.state), before, "a refused install changes nothing")
    world.sound(2)
    world.ahead = 2 * HOUR
    world.install(bundle)
    world.sound(3)


@suite.test("an authority whose clock is back")
def authority_back(world):
    """Two snapshots whose order and times disagree would deny one of them everywhere."""
    before = world.files(world.authority)
    world.ahead = -HOUR
    world.pawl("publish", "--authority", world.authority, "--for", world.enrolment, "-o",
               f"{world.bundles}/back.bundle", want="CLOCK_BACK")
    true(not os.path.exists(f"{world.bundles}/back.bundle"), "no bundle")
    equal(world.files(world.authority), before, "a refused publish changes nothing")
    world.ahead = 0
    world.install(world.next_epoch())
    world.sound(3)


if __name__ == "__main__":
    main(suite, Clocked, Clocked.prepare)
