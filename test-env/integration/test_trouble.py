#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble.py: a served gate whose hardware fails at each call of a round, once, with each code
that is no verdict: repeated where that is promised, else denied with the reason, and served again
without a restart. What was answered is in the ledger, and so is each outage."""

from tap import Suite, equal
from trouble import CODES, OK, TOKEN, TPM, Trouble, wanted
from world import main

suite = Suite()

def sweep(world, kind, codes):
    world.serve()
    outages = []
    for call, nth in world.round():
        for name in codes:
            where = f"{name} at {world.name(call)}, number {nth}"
            world.strike(call, nth, code=CODES[name])
            reason = world.try_once()
            world.struck(where)
            equal(reason, wanted(kind, name, call), where)
            if reason != OK:
                outages.append(reason)
                world.calm()
                world.served_again()
    world.over(outages)


@suite.cases([(f"a TPM that is {kind}, at each command", kind) for kind in TPM], roots=("tpm",))
def tpm(world, kind):
    sweep(world, kind, TPM[kind])


@suite.cases([(f"a token that is {kind}, at each call", kind) for kind in TOKEN], roots=("hsm",))
def token(world, kind):
    sweep(world, kind, TOKEN[kind])


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
