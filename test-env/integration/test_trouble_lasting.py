#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble_lasting.py: a served gate with one call that goes wrong until it does not any more:
denied all the while, with the reason, and served again without a restart. A code that says "later"
is repeated; what lasts longer than a request wants to wait is test_trouble_slow.py."""

import time

from tap import Suite, true
from trouble import CODES, COMMANDS, FAILED, OK, TOKEN, TPM, Trouble
from world import main

suite = Suite()


def reasons(kind, name):
    """What is said while it lasts."""
    if name in TPM.get(kind, {}):
        return {TPM[kind][name][2]}
    return {"HSM_FAILED", "HSM_REMOVED", "NV_SPACE"}


def sweep(world, kind, codes):
    world.serve()
    outages = []
    for call in dict.fromkeys(call for call, _ in world.round()):
        for name in codes:
            where = f"{name} at {world.name(call)}"
            world.strike(call, times=0, code=CODES[name])
            said = [world.try_once() for _ in range(2)]
            world.struck(where)
            true(OK not in said and set(said) <= reasons(kind, name), f"{where}: {said}")
            outages.append(said[0])
            world.calm()
            world.served_again()
    world.over(outages, again=True)


@suite.cases([(f"a TPM that is {kind}", kind) for kind in TPM if kind != "later"], roots=("tpm",))
def tpm(world, kind):
    sweep(world, kind, TPM[kind])


@suite.cases([(f"a token that is {kind}", kind) for kind in TOKEN], roots=("hsm",))
def token(world, kind):
    sweep(world, kind, TOKEN[kind])


@suite.test("a round that fails behind each opening: opened at growing intervals")
def spaced(world):
    world.serve()
    world.round()
    call, mark, each = COMMANDS["NV_Certify"], COMMANDS["GetCapability"], 5
    if world.token:
        call, mark, each = "C_DestroyObject", "C_Initialize", 1
    world.strike(call, times=0, code=CODES["FUNCTION_FAILED" if world.token else "FAILURE"])
    end = time.monotonic() + 2
    while time.monotonic() < end or world.calls().count(mark) < each:
        true(world.try_once() != OK, "permitted")
    openings = world.calls().count(mark) // each
    true(1 <= openings <= 7, f"{openings} openings in two seconds")
    world.calm()
    world.served_again()
    world.over(["HSM_FAILED" if world.token else FAILED], again=True)


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
