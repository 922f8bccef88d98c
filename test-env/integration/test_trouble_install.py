#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble_install.py: a served gate that installs an epoch, and the answer to one call is lost
though the hardware did it: the step, the key, the head. Who installs is told that it failed, or
that it is done; installed once more it is done, by one step. No permit of an earlier epoch follows
one of a later epoch, or an install that was acknowledged."""

import json
import time

from daemon import WAIT
from tap import Suite, equal, say, true
from trouble import CODES, OK, Trouble
from world import STRICT, main

suite = Suite()
EFFECTS = ("NV_Increment", "NV_Extend", "NV_Write", "PCR_Event", "C_CreateObject", "C_Sign",
           "C_DestroyObject", "C_GenerateKeyPair", "C_CloseAllSessions", "C_Login")
SOME = {"tpm": 3, "hsm": 150}  # and of the calls without effect each such


def install(world, bundle):
    """What a person is told: OK, or the name of the error."""
    code, out, _ = world.run("install", bundle, "--json")
    value = json.loads(out)
    equal(value["ok"], code == 0, f"exit code {code}: {value}")
    if value["ok"]:
        world.epoch = value["epoch"]  # acknowledged
        return OK, value
    true(world.exits[value["error"]["code"]] == code, value)
    return value["error"]["code"], value


def places(world):
    """The calls of an install at which something is tried: (call, number among its kind)."""
    bundle = world.next_epoch(STRICT)
    world.calm()
    equal(install(world, bundle)[0], OK, "without trouble")
    seen = {}
    for number, call in enumerate(world.calls()):
        seen[call] = seen.get(call, 0) + 1
        if world.name(call) in EFFECTS or number % SOME[world.kind] == 0:
            yield call, seen[call]


@suite.test("an install whose every effect is done, and not answered")
def lost(world):
    world.serve()
    equal(world.try_once(), OK, "before")
    failed = 0
    for call, nth in list(places(world)):
        where = f"{world.name(call)}, number {nth}"
        bundle, before = world.next_epoch(STRICT), world.epoch
        if world.relay:
            world.calm()
            world.relay.fault("break", code=call, nth=nth)
        else:
            world.strike(call, nth, code=CODES["FUNCTION_FAILED"], late=True)
        said, value = install(world, bundle)
        say(f"{where}: {said}")
        failed += said != OK
        world.try_once()
        end = time.monotonic() + WAIT
        while said != OK:
            true(time.monotonic() < end, f"{where}: {value}")
            said, value = install(world, bundle)
        equal(value["epoch"], before + 1, f"{where}: one step")
        world.served_again()
        equal(world.epoch, before + 1, where)
    true(failed > 0, "nothing failed")
    world.halt()
    world.outages()
    world.log()
    world.pawl("status")


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
