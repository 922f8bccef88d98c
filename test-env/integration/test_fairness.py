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
from daemon import Connection, Service, as_user, evaluation, subject
from load import status
from tap import Skip, Suite, equal, true
from world import GIT, main, shown_to_others

suite = Suite()
BATCH = 256
ROUND = 512   # requests of one round
JUDGES = min(os.cpu_count(), 4)  # threads, each of which may have a batch in hand
PATIENT = {"Content-Type": "application/json", "X-Pawl-Deadline-Ms": "300000"}


class Fairness(Service):
    """Its agents' socket is where other users may go."""

    def socket(self, kind="enforcement"):
        return f"{self.base}/agents" if kind == "agents" else super().socket(kind)

    def open(self):
        self.serve("--log", "none", "--agents", f"{self.base}/agents")
        self.ask(GIT, True)

    def shut(self):
        self.halt()
        self.log()


def ask(world, body, batch=False, kind="enforcement", link=None):
    """Asks, and does not wait for the answer."""
    link = link or Connection(world.socket(kind))
    path = "/access/v1/evaluations" if batch else "/access/v1/evaluation"
    link.request("POST", path, json.dumps(body), PATIENT)
    daemon.taken(link)
    return link


def batch_of(agents):
    return {**evaluation(GIT), "evaluations": [{"subject": subject(name)} for name in agents]}


def taken(world, times=3):
    """What was sent before is in the queue, or its refusal has been sent: one thread has all
    connections, and looks at each of them before it looks at one again."""
    for _ in range(times):
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


def behind(world, make, *, quiet=1, more=lambda: None):
    """Of batches that take all the room of an enforcement point, how many requests were on record
    before the last of some other agents behind it, each with one request, and how many after it."""
    with held(world):
        first = ask(world, evaluation(GIT))
        taken(world)
        links = press(world, make)
        more()
        others = [ask(world, evaluation(GIT, subject=subject(f"quiet-{number}")))
                  for number in range(quiet)]
        taken(world)
    equal(len(places(first)), 1, "the first")
    return around(links, others)


def around(links, others):
    got = [index for link in links for index in places(link)]
    last = max(index for link in others for index in places(link))
    return sum(index < last for index in got), sum(index > last for index in got)


# What may be ahead of the queue: a round that is filled, one that was judged, and what judges have.
AHEAD = ROUND + ROUND + BATCH + JUDGES * BATCH


@suite.test("one agent with thousands waiting, others with one, behind one enforcement point",
            roots=("tpm",))
def agents(world):
    world.open()
    before, after = behind(world, lambda _: batch_of(["noisy"] * BATCH), quiet=20)
    true(before <= AHEAD and after >= BATCH, f"{before} before, {after} after")
    world.shut()


def resident(world):
    """MiB."""
    with open(f"/proc/{world.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


@suite.test("an enforcement point that names tens of thousands of agents", roots=("tpm",))
def names(world):
    world.open()

    def make(at):
        return batch_of([f"name-{at}-{number}" for number in range(BATCH)])

    def more():
        before = resident(world)
        for at in range(TAKEN, 100):
            equal(places(ask(world, make(at), batch=True)), [], "refused")
        grown = resident(world) - before
        true(grown < 32 or world.options.variant in ("sanitize", "tsan"), f"{grown} MiB more")

    before, after = behind(world, make, more=more)
    true(before <= AHEAD and after >= BATCH, f"{before} before, {after} after")
    world.shut()


FIRST, USERS = 4001, 8


@suite.test("batches of the greatest size of eight users, and one request of a ninth",
            roots=("tpm",))
def eight(world):
    if os.geteuid() != 0:
        raise Skip("only root can be nine users")
    shown_to_others(world.base)
    os.chmod(world.base, 0o711)
    world.open()
    links = []
    for uid in range(FIRST, FIRST + USERS + 1):
        got = world.call("POST", "/v1/agents", {"id": f"user-{uid}", "uid": uid}, kind="admin")
        equal(got.status, 201, got.bytes)
    with held(world):
        first = ask(world, evaluation(GIT))
        taken(world)
        for _ in range(2):
            for uid in range(FIRST, FIRST + USERS):
                with as_user(uid):
                    links.append(ask(world, batch_of([f"user-{uid}"] * BATCH), True, "agents"))
        taken(world)
        with as_user(FIRST + USERS):
            ninth = ask(world, evaluation(GIT, subject=subject(f"user-{FIRST + USERS}")),
                        kind="agents")
        taken(world)
    equal(len(places(first)), 1, "the first")
    before, after = around(links, [ninth])
    equal(before + after, 2 * USERS * BATCH, "all of them")
    true(before <= AHEAD + USERS * BATCH and after >= BATCH, f"{before} before, {after} after")
    world.shut()


@suite.test("who waits no longer than a millisecond keeps nobody from being served",
            roots=("tpm",))
def hurried(world):
    world.open()
    with held(world):
        first = ask(world, evaluation(GIT))
        taken(world)
        for _ in range(3 * TAKEN):
            got = world.evaluations(batch_of(["hurried"] * BATCH), kind="admin",
                                    headers={"X-Pawl-Deadline-Ms": "1"})
            equal(got.status, 503, got.bytes[:200])
            true(got.json()["error"] in ("DEADLINE", "OVERLOADED"), got.bytes)
        patient = [ask(world, evaluation(GIT)) for _ in range(20)]
        taken(world)
        true(status(world)["waiting"] <= ROUND + ROUND + BATCH + 8192, "what waits")
    for link in (first, *patient):
        equal(len(places(link)), 1, "served")
    end = time.monotonic() + 60
    while status(world)["waiting"] > 0:
        true(time.monotonic() < end, "what nobody waits for is still there")
    world.shut()


@suite.test("bodies that take all the room they can leave some to others", roots=("tpm",))
def bodies(world):
    world.open()
    large = evaluation(GIT, context={"a": ["x" * 1000] * 900})
    with held(world):
        first = ask(world, evaluation(GIT))
        taken(world)
        greedy = [ask(world, large) for _ in range(20)]
        taken(world, 50)  # of each connection 16 KiB at a time
        other = ask(world, large, kind="admin")
        taken(world, 50)
    equal((len(places(first)), len(places(other))), (1, 1), "served")
    got = sum(len(places(link)) for link in greedy)
    true(0 < got <= 9, f"{got} of {len(greedy)}")
    world.shut()


if __name__ == "__main__":
    main(suite, Fairness)
