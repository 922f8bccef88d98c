#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble_lasting.py: a served gate with one call that goes wrong until it does not any more:
denied all the while, with the reason, and served again without a restart. A code that says "later"
is repeated; what lasts longer than a request wants to wait is test_trouble_slow.py."""

from tap import Suite, true
from trouble import CODES, OK, TOKEN, TPM, Trouble
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


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
