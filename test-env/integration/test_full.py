#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_full.py: a disk that is full: from any effect on, at one effect alone, and at any byte of
a file. Nothing is permitted that is not recorded, nothing that was acknowledged is lost, and with
room again everything goes on without repair."""

import base64
import errno
import json
import os
import platform

from fragile import Fragile, enough, prepare
from tap import Skip, Suite, equal, say, true
from world import CURL, GIT, main, write

suite = Suite()
# A token that keeps its objects on the same disk has no word for that.
FULL = ("STORAGE_FULL", "STORAGE", "HSM_FAILED")
LASTING = ("--errno-from", str(errno.ENOSPC))
ONCE = ("--errno", str(errno.ENOSPC))
BROKEN = ("--errno", str(errno.EIO))


def ready(world):
    prepare(world)
    if platform.machine() != "x86_64":
        raise Skip("killat lets system calls fail on x86-64 only")


def refused_for_room(world, result, where, names=FULL):
    """Either the command did all it should, or it says that there is no room."""
    value = json.loads(result[1])
    if not value["ok"]:
        true(value["error"]["code"] in names, f"{where}: {value}")
        equal(result[0], world.exits[value["error"]["code"]], f"{where}: exit code")
    return value["ok"]


def keep_permit(world, result):
    """Of an answer without a file: the permit stands in the answer itself."""
    text = json.loads(result[1])["permit"]
    write(world.permit_path(), base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def check_args(world):
    path = f"{world.permits}/{len(os.listdir(world.permits))}-full.cose"
    return path, (*world.request(GIT), "-o", path)


@suite.cases([("check on a disk that is full from some effect on", LASTING),
              ("check, one effect of which finds no room", ONCE),
              ("check, one effect of which fails", BROKEN)])
def full_check(world, options):
    _, args = check_args(world)
    total = world.count("effects", *args, options=options)
    enough(total, "effects")
    answers = 0
    for number in range(1, total + 1):
        path, args = check_args(world)
        result = world.under_killat(number, *args, options=options)
        good = refused_for_room(world, result, f"effect {number} of {total}")
        answers += good
        # An error after the last step may leave the file: then it is whole, and on record.
        true(os.path.exists(path) or not good, f"effect {number}: no permit file")
        if os.path.exists(path):
            world.verify(path)
        result = world.under_killat(number, *world.request(GIT), options=options)
        if refused_for_room(world, result, f"effect {number} of {total}, no file"):
            keep_permit(world, result)
            answers += 1
        equal(world.pawl(*world.request(GIT))["decision"], True, "with room again")
    say(f"{total} effects, {answers} answers all the same")
    true(0 < answers < 2 * total, "some are after the record, and not all")
    world.log()
    world.sound(2)


@suite.cases([("install on a disk that is full from some effect on", LASTING),
              ("install, one effect of which finds no room", ONCE)])
def full_install(world, options):
    total = world.count("effects", "install", world.next_epoch(), options=options)
    enough(total, "effects")
    served = 3
    for number in range(1, total + 1):
        if number % 8 == 0:  # a token that has seen many epochs is slow
            served = world.again("epoch2", 2, served)
        bundle = world.publish()
        new = world.publish_number(bundle)
        result = world.under_killat(number, "install", bundle, options=options)
        good = refused_for_room(world, result, f"effect {number} of {total}")
        got = world.pawl(*world.request(CURL), code=10)
        wanted = (new,) if good else (served, new)
        true(got["epoch"] in wanted, f"effect {number}: epoch {got['epoch']}, wanted {wanted}")
        equal(world.install(bundle)["epoch"], new, "with room again")
        served = new
    equal(world.sound(served)["installs"], served, "installs on record")


@suite.test("init on a disk that is full from some effect on", at="bare")
def full_init(world):
    args = ("init", "--hardware", world.hardware.uri, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator",
            *world.hardware.init_options)
    total = world.count("effects", *args, options=LASTING)
    enough(total, "effects")
    world.go("bare")
    for number in range(1, total + 1):
        refused_for_room(world, world.under_killat(number, *args, options=LASTING),
                         f"effect {number} of {total}")
    world.init()
    world.install(world.next_epoch())
    world.check(GIT, True, 1)


@suite.test("the ledger full at any byte of a record")
def full_ledger(world):
    """The kernel writes as much as there is room for, and only then fails: as a disk does."""
    ledger = f"{world.state}/ledger/journal"
    size = os.path.getsize(ledger)
    _, args = check_args(world)
    world.judge(args, world.run(*args, "--json"))
    record = os.path.getsize(ledger) - size - 32  # signatures in certificates differ in length
    for room in (0, 1, 3, 4, 5, *range(6, record, max(record // 24, 1)), record - 1):
        size = os.path.getsize(ledger)
        path, args = check_args(world)
        result = world.run(*args, "--json", before=("prlimit", f"--fsize={size + room}"))
        equal(refused_for_room(world, result, f"room for {room} bytes", "STORAGE_FULL"), False,
              f"room for {room} of {record} bytes")
        true(not os.path.exists(path), f"a permit with room for {room} bytes")
        equal(os.path.getsize(ledger), size, f"the ledger with room for {room} bytes")
    world.log()
    world.sound(2)


if __name__ == "__main__":
    main(suite, Fragile, ready)
