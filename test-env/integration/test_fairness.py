#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_fairness.py: many who ask at once: what one caller, or one agent behind an enforcement
point, takes is his own. Counted by places in the ledger, not by time."""

import contextlib
import json
import os
import select
import signal
import time

import daemon
from daemon import Connection, Service, evaluation, subject
from load import status
from tap import Suite, equal, true
from world import GIT, main

suite = Suite()
BATCH = 256
ROUND = 512   # requests of one round
JUDGES = min(os.cpu_count(), 4)  # threads, each of which may have a batch in hand
PATIENT = {"Content-Type": "application/json", "X-Pawl-Deadline-Ms": "300000"}


def ask(world, body, batch=False, kind="enforcement"):
    """Asks, and does not wait for the answer."""
    link = Connection(world.socket(kind))
    path = "/access/v1/evaluations" if batch else "/access/v1/evaluation"
    link.request("POST", path, json.dumps(body), PATIENT)
    daemon.taken(link)
    return link


def batch_of(agents):
    return {**evaluation(GIT), "evaluations": [{"subject": subject(name)} for name in agents]}


def taken(world):
    """What was sent before is in the queue, or its refusal has been sent: one thread has all
    connections, and looks at each of them before it looks at one again."""
    for _ in range(3):
        status(world)


def is_refused(link):
    return bool(select.select([link.sock], [], [], 0)[0])


def places(link):
    """Where the answer is in the ledger, item for item; [] of one that was refused."""
    got = link.getresponse()
    value = json.loads(got.read())
    link.close()
    if got.status == 503:
        equal(value["error"], "OVERLOADED", value)
        return []
    equal(got.status, 200, str(value)[:200])
    items = value.get("evaluations", [value])
    return [item["context"]["ledger"]["index"] for item in items]


@contextlib.contextmanager
def held(world):
    """The hardware does not answer."""
    swtpm = world.hardware.process
    swtpm.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        swtpm.send_signal(signal.SIGCONT)


# Batches that are taken for certain while the hardware is held: judged, in hands, in the queue.
TAKEN = 2 + JUDGES + 4


def press(world, make):
    """Batches, until as many are taken as there is room for. Judges make some, at first."""
    links, refused, end = [], 0, time.monotonic() + 20
    while len(links) < TAKEN:
        true(time.monotonic() < end, f"{len(links)} batches were taken, and {refused} refused")
        link = ask(world, make(len(links)), batch=True)
        taken(world)
        if is_refused(link):
            refused += 1
            equal(places(link), [], "refused")
        else:
            links.append(link)
    return links


def behind(world, make, *, quiet=1):
    """Of batches that take all the room of an enforcement point, how many requests were on record
    before the last of some other agents behind it, each with one request, and how many after it."""
    with held(world):
        first = ask(world, evaluation(GIT))
        taken(world)
        links = press(world, make)
        others = [ask(world, evaluation(GIT, subject=subject(f"quiet-{number}")))
                  for number in range(quiet)]
        taken(world)
    equal(len(places(first)), 1, "the first")
    got = [index for link in links for index in places(link)]
    last = max(index for link in others for index in places(link))
    return sum(index < last for index in got), sum(index > last for index in got)


# What may be ahead of the queue: a round that is filled, one that was judged, and what judges have.
AHEAD = ROUND + ROUND + BATCH + JUDGES * BATCH


@suite.test("one agent with thousands waiting, others with one, behind one enforcement point",
            roots=("tpm",))
def agents(world):
    world.serve("--log", "none")
    world.ask(GIT, True)
    before, after = behind(world, lambda _: batch_of(["noisy"] * BATCH), quiet=20)
    true(before <= AHEAD and after >= BATCH, f"{before} before, {after} after")
    world.halt()
    world.log()


@suite.test("an enforcement point that names thousands of agents", roots=("tpm",))
def names(world):
    world.serve("--log", "none")
    world.ask(GIT, True)
    before, after = behind(world, lambda at: batch_of([f"name-{at}-{number}"
                                                       for number in range(BATCH)]))
    true(before <= AHEAD and after >= BATCH, f"{before} before, {after} after")
    world.halt()
    world.log()


if __name__ == "__main__":
    main(suite, Service)
