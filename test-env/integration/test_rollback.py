#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_rollback.py: what lies on the disk is older than the hardware: all of it, or parts of it, or
what is installed again. Nothing of it is served, and the newest bundle brings the gate back."""

import hashlib
import itertools
import os
import shutil

import tap
from journal import head_of, renumbered
from tap import equal, true
from wire import restart_in_order
from world import CURL, GIT, copy, main, read, write

suite = tap.Suite()
PARTS = ("installed", "hw", "ledger")
# The newest ledger is put back by people: the gate does not go on from an older one.


def put_back(world, parts):
    if "ledger" in parts:
        parts = (*parts, "state.db")
        for name in ("state.db-wal", "state.db-shm"):
            if os.path.exists(f"{world.state}/{name}"):
                os.unlink(f"{world.state}/{name}")
    for part in parts:
        source, target = f"{world.live}/old/{part}", f"{world.state}/{part}"
        if os.path.isdir(source):
            copy(source, target)
        else:
            shutil.copy2(source, target)


def mixtures():
    for number in range(1, len(PARTS) + 1):
        for parts in itertools.combinations(PARTS, number):
            yield f"old {', '.join(parts)} put back", parts


@suite.cases(list(mixtures()))
def old_parts(world, parts):
    world.keep_disk("true")
    put_back(world, parts)
    if "installed" in parts:
        world.refused("ROLLBACK", GIT)
        error = world.refused("ROLLBACK", CURL)
        true("foreign" in error, f"no code of the hardware: {error}")
        status = world.status(code=world.exits["ROLLBACK"])
        equal((status["serving"], status["reason"], status["epoch"]), (False, "ROLLBACK", 2),
              "status")
    elif "ledger" in parts:
        for resource in (GIT, CURL):
            error = world.refused("LEDGER_ROLLBACK", resource)
            true("entries" in error["why"], f"names both sizes: {error}")
        status = world.status(code=world.exits["LEDGER_ROLLBACK"])
        equal((status["serving"], status["reason"]), (False, "LEDGER_ROLLBACK"), "status")
    else:
        world.check(CURL, False, 2)
        world.check(GIT, True, 2)
    if "ledger" in parts:
        world.log(want=("LEDGER_INCONSISTENT", "SIGNER_UNKNOWN"))
    world.install(f"{world.bundles}/1.bundle", want="ROLLBACK")
    if len(parts) > 1 or parts[0] != "hw":
        world.put_disk_back("true")
    world.sound(2)


@suite.test("the whole old disk: the newest bundle brings it back")
def recovers(world):
    world.keep_disk("true")
    world.put_old_disk_back()
    world.refused("ROLLBACK", CURL)
    # What was recorded after the image was made is gone: the gate does not go on without it, and
    # whoever holds a permit can tell.
    world.install(f"{world.bundles}/2.bundle", want="LEDGER_ROLLBACK")
    world.log(want="LEDGER_INCONSISTENT")
    world.put_ledger_back("true")
    got = world.install(f"{world.bundles}/2.bundle")
    equal((got["from_epoch"], got["epoch"], got["changed"]), (1, 2, True), "install")
    world.check(CURL, False, 2)
    world.check(GIT, True, 2)
    world.install(world.next_epoch())
    world.check(CURL, False, 3)
    equal(world.pawl("log", "verify", "--full")["installs"], 3, "installs on record: 1, 2, 3")


@suite.test("a disk without bundles: the newest bundle brings it back")
def recovers_from_nothing(world):
    shutil.rmtree(f"{world.state}/installed")
    world.refused("ROLLBACK", CURL)
    world.install(f"{world.bundles}/1.bundle", want="ROLLBACK")
    got = world.install(f"{world.bundles}/2.bundle")
    equal((got["from_epoch"], got["epoch"]), (0, 2), "install")
    world.sound(2)


@suite.test("a disk without a ledger: no bundle and no question begins another")
def no_ledger(world):
    world.keep_disk("true")
    shutil.rmtree(f"{world.state}/ledger")
    for resource in (GIT, CURL):
        world.refused("STATE_CORRUPT", resource)
    world.install(world.next_epoch(), want="STATE_CORRUPT")
    true(not os.path.exists(f"{world.state}/ledger"), "no ledger")
    world.put_disk_back("true")
    world.sound(2)
    world.install(f"{world.bundles}/3.bundle")
    world.sound(3)


@suite.test("a bundle beyond the hardware is installed on the old disk")
def recovers_ahead(world):
    bundle = world.next_epoch()
    world.keep_disk("true")
    world.put_old_disk_back()
    world.put_ledger_back("true")
    world.refused("ROLLBACK", CURL)
    if world.kind == "hsm":  # the token alone knows which epoch 2 it was stepped for
        got = world.install(bundle, want="SUCCESSION")["error"]["why"]
        true("at epoch 2, the disk holds 1 and not 2: install the bundle of epoch 2" in got, got)
        world.install(f"{world.bundles}/2.bundle")
    equal(world.install(bundle)["epoch"], 3, "install")
    world.check(CURL, False, 3)


@suite.test("the newest bundle on the newest disk is known already")
def known(world):
    for _ in range(2):
        got = world.install(f"{world.bundles}/2.bundle")
        equal((got["changed"], got["epoch"]), (False, 2), "install")
    world.sound(2)


@suite.test("the old bundle again, on the newest disk")
def old_bundle(world):
    before = world.files(world.state)
    world.install(f"{world.bundles}/1.bundle", want="ROLLBACK")
    equal(world.files(world.state), before, "a refused install changes nothing")
    (entry,) = world.pawl("log", "show", "--kind", "install_refused")["entries"]
    equal(entry["detail"], "ROLLBACK, epoch 1", "that it was refused is on record")
    world.sound(2)


@suite.test("the old disk on a gate that went on without it")
def many_epochs(world):
    """Several steps later, also skipping some."""
    world.next_epoch()
    world.next_epoch()
    world.install(world.next_epoch())
    world.check(CURL, False, 5)
    world.keep_disk("true")
    world.put_old_disk_back()
    world.refused("ROLLBACK", CURL)
    for epoch in (1, 2, 3, 4):
        world.install(f"{world.bundles}/{epoch}.bundle", want="ROLLBACK")
    world.refused("ROLLBACK", CURL)
    world.put_disk_back("true")
    world.sound(5)


# ---- an older ledger that is said to be of the newest round ----

def lie_about_the_boot(world, newest, head):
    """That the chain, as the newest disk knows it, ends with this head."""
    if world.kind == "tpm":
        text = read(f"{world.live}/{newest}/hw/head")[:8 + 32] + head
        write(f"{world.state}/hw/head",
              text + hashlib.sha256(b"pawl-boot-head-v1\0" + text).digest()[:16])


@suite.cases([("an older ledger renumbered, in the same boot", False),
              ("an older ledger renumbered, after a restart in order", True)])
def renumbered_ledger(world, restart):
    world.keep_disk("older")
    for _ in range(3):
        world.check(GIT, True, 2)
    newest = world.journal()
    world.keep_disk("true")
    world.put_disk_back("older")
    journal = renumbered(world.journal(), newest)
    write(f"{world.state}/ledger/journal", journal)
    if restart and world.kind == "tpm":
        restart_in_order(world.hardware)
    for lie in (False, True):
        if lie:
            lie_about_the_boot(world, "true", head_of(journal))
        for _ in range(2):
            world.status(code=world.exits["LEDGER_INCONSISTENT"])
            world.refused("LEDGER_INCONSISTENT")
    world.put_disk_back("true")
    world.sound(2)


if __name__ == "__main__":
    main(suite)
