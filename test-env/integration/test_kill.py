#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_kill.py: kill -9 between every two effects of check, install and init. Afterwards, without
an operator: the epoch served is at least the last one acknowledged, no permit exists without its
record, the ledger verifies, and the same command goes through."""

import json
import os

import cbor
from fragile import Fragile, enough, prepare
from tap import Suite, equal, say, true
from world import CURL, GIT, main, read

suite = Suite()


def settle_permits(world, known):
    """Whatever file a killed check left: it is whole, it verifies, and the ledger has it."""
    fresh = [f"{world.permits}/{name}" for name in sorted(os.listdir(world.permits))
             if name not in known and name.endswith(".cose")]
    for path in fresh:
        world.verify(path)
    against = [word for path in fresh for word in ("--against", path)]
    world.pawl("log", "verify", "--full", "--enrolment", world.enrolment, *against)
    return len(fresh)


@suite.test("check, killed before each of its effects")
def kill_check(world):
    left = []

    def args():
        world.known = set(os.listdir(world.permits))
        return (*world.request(GIT), "-o", f"{world.permits}/{len(world.known)}-killed.cose")

    def after():
        got = world.pawl(*world.request(GIT), "-o",
                         f"{world.permits}/{len(world.known)}-again.cose")
        equal((got["decision"], got["epoch"]), (True, 2), "the answer to the same question")
        left.append(settle_permits(world, world.known) - 1)

    for way in world.ways():
        total = world.each_effect(way, args, after)
        say(f"{total} {way}, killed before each")
        enough(total, way)
    true(0 < sum(left) < len(left), f"permits of killed checks: {sum(left)} of {len(left)}")
    for name in os.listdir(world.permits):
        if not name.endswith(".cose"):
            os.unlink(f"{world.permits}/{name}")
    world.sound(2)


@suite.test("install, killed before each of its effects")
def kill_install(world):
    """Each time a new epoch, so that every kill meets a gate in use."""
    served = [2]
    seen = set()

    def args():
        world.bundle = world.publish()
        return ("install", world.bundle)

    def after():
        old, new = served[0], world.publish_number(world.bundle)
        if new % 2 == 0:  # the next thing that happens is a question
            got = world.pawl(*world.request(CURL), code=10)
            true(got["epoch"] in (old, new), f"epoch {got['epoch']}, wanted {old} or {new}")
            seen.add(got["epoch"] == new)
        equal(world.install(world.bundle)["epoch"], new, "the same install again")
        if new % 2 == 1:
            got = world.pawl(*world.request(GIT))
            equal((got["decision"], got["epoch"]), (True, new), "served after that")
        served[0] = new if new % 8 else world.again("epoch2", 2, new)

    for way in world.ways():
        total = world.each_effect(way, args, after)
        say(f"{total} {way}, killed before each")
        enough(total, way)
    equal(seen, {False, True}, "epochs that went forward and that did not, by the kill alone")
    equal(world.sound(served[0])["installs"], served[0], "installs on record")


@suite.test("install, killed and the disk of before put back")
def kill_and_restore(world):
    """Power goes in the middle of a step, and somebody restores the image of the day before. Where
    the hardware has a record by then, the gate wants the ledger that holds it, and only that."""
    wanted = set()
    for way in world.ways():
        world.go("epoch2")
        total = world.count(way, "install", world.next_epoch())
        for number in range(total // 3, total, max(total // 8, 1)):
            world.go("epoch2")
            bundle = world.next_epoch()
            world.keep_disk("before")
            equal(world.killed_at(way, number, "install", bundle), None,
                  f"killed at {number} of {total} {way}")
            world.keep_disk("killed")
            world.put_disk_back("before")
            code, out, _ = world.run(*world.request(CURL), "--json")
            name = "" if code == 10 else json.loads(out)["error"]["code"]
            true(name in ("", "ROLLBACK", "LEDGER_ROLLBACK"), f"{way} {number}: exit {code}: {out}")
            code, out, _ = result = world.run("install", bundle, "--json")
            older = name != "" and code == world.exits["LEDGER_ROLLBACK"] and b"LEDGER_R" in out
            true(older or name != "LEDGER_ROLLBACK", f"{way} {number}: {name}, then {out}")
            wanted.add(older)
            if older:
                world.put_ledger_back("killed")
                world.install(bundle)
            else:
                world.judge(("install", bundle), result)
            world.sound(3)
    equal(wanted, {False, True}, "ledgers that the hardware wanted back, and that it did not")


@suite.test("init, killed before its effects", at="bare")
def kill_init(world):
    """A counter is padded in 64 rounds of the same commands; of these only some are visited."""
    args = ("init", "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
            *world.hardware.init_options)
    for way in world.ways():
        world.go("bare")
        total = world.count(way, *args)
        numbers = visited(total)
        say(f"{total} {way}, killed before {len(numbers)} of them")
        enough(total, way)
        for number in numbers:
            init_at(world, args, way, number)


def init_at(world, args, way, number):
    at = f"{way} {number}"
    world.go("bare")
    equal(world.killed_at(way, number, *args), None, f"killed at {at}")
    world.refused(("NOT_ENROLLED", "NOTHING_INSTALLED"))
    world.init()
    first = read(world.enrolment)
    equal(cbor.decode(first)["epoch"], 0, f"epoch after a kill at {at}")
    if number % 4 == 0:
        world.init()
        equal(read(world.enrolment), first, f"enrolment after a kill at {at}")
        world.install(world.next_epoch())
        world.check(GIT, True, 1)


def visited(total):
    """Every second one of a short command; of a long one the ends, and the middle with a stride
    that falls on different commands of the round."""
    if total <= 60:
        return list(range(1, total + 1, 2))
    ends = [*range(1, 26), *range(total - 24, total + 1)]
    return sorted({*ends, *range(26, total - 24, max(total // 10 | 1, 1))})


if __name__ == "__main__":
    main(suite, Fragile, prepare)
