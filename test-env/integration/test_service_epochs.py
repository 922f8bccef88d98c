#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_epochs.py: epochs installed, policies revoked and agents enrolled and removed while
clients ask. What was acknowledged holds for everything that was asked after it, and, over the whole
ledger, for everything that stands behind it there."""

import os
import time

from daemon import Service
from load import Crowd, settle, until
from tap import Suite, equal, say, true
from world import CURL, GIT, LAX, STRICT, main

suite = Suite()
STEPS = 6
ANYBODY = 'permit (principal, action == Action::"exec", resource);\n'


class Step:
    """Something that was acknowledged: from when to when it was under way, and its record."""

    def __init__(self, world, what, *args):
        self.sent = time.monotonic()
        self.got = world.pawl(*args)
        self.came = time.monotonic()
        self.what, self.index = what, self.got["ledger_index"]


def between(crowd, before, after):
    """What was asked after one thing was acknowledged, and answered before the next was begun."""
    return [answer for answer in crowd.answers
            if answer.sent > before.came and (after is None or answer.came < after.sent)]


def take_steps(world, crowd, commands):
    """One after the other, with answers before, between and behind; and where a command names an
    agent, one of his behind it."""
    steps = []
    for what, args, *heard in commands:
        crowd.wait(32)
        step = Step(world, what, *args)
        steps.append(step)
        until(world, crowd, lambda: set(heard) <= {
            answer.agent for answer in between(crowd, step, None)}, f"{heard} heard")
    crowd.wait(32)
    return steps


@suite.test("epochs installed under load: what was over when it was asked for decides nothing")
def installs(world):
    bundles = [world.next_epoch(rules) for rules in (LAX, STRICT) * (STEPS // 2)]
    world.serve("--log", "none")
    with Crowd(world) as crowd:
        steps = take_steps(world, crowd,
                           [(3 + n, ("install", path)) for n, path in enumerate(bundles)])
    world.halt()
    for step in steps:
        equal(step.got["epoch"], step.what, "the epoch that was acknowledged")
        asked = between(crowd, step, None)
        true(asked, f"nobody asked after epoch {step.what}")
        for answer in asked:
            true(answer.epoch >= step.what, f"epoch {step.what} was acknowledged: {answer}")
    for answer in crowd.answers:
        # Odd epochs are lax, even ones strict.
        equal(answer.decision, answer.name == GIT or answer.epoch % 2 == 1, f"{answer}")
    equal({answer.epoch for answer in crowd.answers}, set(range(2, 3 + STEPS)), "epochs")
    _, entries = settle(world, crowd, rules=None)
    epoch = 0
    for entry in entries:
        if entry["kind"] == "install":
            epoch = entry["epoch"]
        if entry["kind"] in ("attempt", "decision"):
            equal(entry["epoch"], epoch, f"epoch of entry {entry['index']}")
    equal([step.index for step in steps],
          [entry["index"] for entry in entries if entry["kind"] == "install"][2:], "records")
    world.sound(2 + STEPS)


@suite.test("a policy revoked under load: nothing is permitted by it afterwards")
def revoked(world):
    """Version 3 is revoked, and nothing takes its place; then version 4 does."""
    world.install(world.next_epoch(STRICT + "// three\n"))
    digest = world.pawl("status")["policies"][0]["digest"]
    world.pawl("revoke", "object", digest, "--reason", "a test", "--authority", world.authority)
    bundles = [world.publish(), world.next_epoch(STRICT + "// four\n")]
    world.serve("--log", "none")
    with Crowd(world) as crowd:
        gone, back = take_steps(world, crowd, [(number, ("install", path))
                                               for number, path in enumerate(bundles)])
    world.halt()
    true(between(crowd, gone, back), "nobody asked in between")
    for answer in crowd.answers:
        equal(answer.decision, answer.name == GIT and answer.epoch != 4, f"{answer}")
    for answer in between(crowd, gone, back):
        equal((answer.epoch, answer.decision), (4, False), f"revoked: {answer}")
    _, entries = settle(world, crowd, rules=None)
    for entry in entries[gone.index:back.index]:
        true(entry.get("decision") is not True, f"permitted by what is revoked: {entry}")
    world.sound(5)


OWN, OTHER = "build-8", "build-9"


@suite.test("agents enrolled and removed under load")
def agents(world):
    """One asks for himself, and may while he is enrolled; for the other an enforcement point asks:
    while he is enrolled a policy must cover him that nobody has."""
    world.install(world.next_epoch(ANYBODY))
    world.serve("--log", "none")
    askers = ((OWN, "agents"), (OTHER, "enforcement"))
    on = [("on", ("agent", "enrol", OWN, "--uid", os.getuid()), OWN),
          ("on", ("agent", "enrol", OTHER, "--alias", "nobody"))]
    off = [("off", ("agent", "remove", OWN)), ("off", ("agent", "remove", OTHER), OTHER)]
    with Crowd(world, askers=askers) as crowd:
        steps = take_steps(world, crowd, (on + off) * 3)
    world.halt()
    for number, agent in enumerate((OWN, OTHER)):
        mine = steps[number::2]
        for step, after in zip(mine, [*mine[1:], None]):
            may = (step.what == "on") is (agent == OWN)
            asked = [answer for answer in between(crowd, step, after) if answer.agent == agent]
            true(asked or not may, f"{agent} was not decided after {step.what}")
            for answer in asked:
                equal(answer.decision, may, f"after {step.what} at {step.index}: {answer}")
    true(crowd.refusals["403 AGENT_UNKNOWN"] > 0, crowd.refusals)
    _, entries = settle(world, crowd, ("403 AGENT_UNKNOWN", "403 of one", "AGENT_UNKNOWN"),
                        rules=None)
    enrolled = {step.index: (agent, step.what == "on")
                for number, agent in enumerate((OWN, OTHER)) for step in steps[number::2]}
    there = {OWN: False, OTHER: False}
    for entry in entries:
        if entry["index"] in enrolled:
            agent, what = enrolled[entry["index"]]
            equal(entry["kind"], "agent_enrol" if what else "agent_remove", f"{entry}")
            there[agent] = what
        if entry["kind"] == "decision" and entry["agent"] in there:
            may = there[entry["agent"]] is (entry["agent"] == OWN)
            equal(entry["decision"], may, f"entry {entry['index']}, enrolled: {there}")
    say(f"{len(steps)} steps, the last at {steps[-1].index} of {len(entries)}")
    world.log()


if __name__ == "__main__":
    main(suite, Service)
