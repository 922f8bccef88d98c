# SPDX-License-Identifier: Apache-2.0
"""load.py: clients that ask a service without a pause, through its ends and beginnings, and the
book of all that they were answered, which is held against the ledger afterwards."""

import base64
import collections
import dataclasses
import hashlib
import http.client
import os
import random
import shutil
import threading
import time

import cbor
from daemon import Connection, evaluation, resource
from libpawl import Judge
from tap import Skip, equal, say, true
from world import CURL, GIT, read, write

AUDITED = 1000  # permits that the audit itself is given, of all
RETRY = 0.005   # seconds until who found nobody tries again


@dataclasses.dataclass
class Answer:
    """On record. sent, came: of the monotonic clock; permit: None, or the file's octets."""

    sent: float
    came: float
    agent: str
    name: str
    decision: bool
    epoch: int
    index: int
    attempt: str
    permit: bytes


def reason_of(refusal):
    """Who has no memory for a reason says none."""
    if refusal.status == 503 and refusal.headers.get("Content-Type") != "application/json":
        return "nothing said"
    return refusal.json()["error"]


class Client(threading.Thread):
    """Asks by itself, or in batches, over one connection after the other."""

    def __init__(self, crowd, number):
        super().__init__(daemon=True)
        self.crowd, self.number = crowd, number
        self.agent, self.kind = crowd.askers[number % len(crowd.askers)]
        self.batch = number % 4 == 3
        self.link = None

    def questions(self, turn):
        names = (GIT, CURL) if (turn + self.number) % 2 else (CURL, GIT)
        return (*names, GIT) if self.batch else names[:1]

    def call(self, names):
        world = self.crowd.world
        subject = {"type": "agent", "id": self.agent}
        if self.link is None:
            self.link = Connection(world.socket(self.kind))
        if self.batch:
            body = {**evaluation(GIT, subject=subject),
                    "evaluations": [{"resource": resource(name)} for name in names]}
            return world.evaluations(body, link=self.link)
        return world.evaluate(evaluation(names[0], subject=subject), link=self.link)

    def drop(self):
        if self.link:
            self.link.close()
        self.link = None

    def one(self, turn):
        names = self.questions(turn)
        sent = time.monotonic()
        try:
            got = self.call(names)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            self.crowd.unanswered(len(names), error)
            time.sleep(RETRY)
            return
        came = time.monotonic()
        if got.headers.get("Connection") == "close":
            self.drop()
        if got.status != 200:
            self.crowd.refused(got.status, reason_of(got), (sent, came))
            time.sleep(RETRY)
            return
        value = got.json()
        for name, item in zip(names, value["evaluations"] if self.batch else [value]):
            self.crowd.take(self, (sent, came), name, item)

    def run(self):
        turn = 0
        try:
            while not self.crowd.over.is_set():
                self.one(turn)
                turn += 1
        except BaseException as error:  # pylint: disable=broad-except
            self.crowd.errors.append(f"client {self.number}: {error!r}")
        finally:
            self.drop()


class Crowd:
    """Threads that ask for an agent, over one kind of socket; in turn those of askers. What they
    were answered is in answers; what was refused or not decided is counted by its reason."""

    def __init__(self, world, clients=8, askers=(("build-7", "enforcement"),)):
        self.world, self.askers = world, askers
        self.over, self.lock = threading.Event(), threading.Lock()
        self.answers, self.errors, self.others = [], [], []
        self.refusals, self.lost = collections.Counter(), 0
        self.clients = [Client(self, number) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join()

    def unanswered(self, items, _):
        with self.lock:
            self.lost += items

    def refused(self, status, name, times):
        with self.lock:
            self.refusals[f"{status} {name}"] += 1
            self.others.append((*times, name))

    def take(self, client, times, name, item):
        context = item["context"]
        with self.lock:
            if "ledger" not in context:
                assert item["decision"] is False, f"a permit that is not on record: {item}"
                reason = context.get("reason") or f"{context['error']['status']} of one"
                self.refusals[reason] += 1
                self.others.append((*times, reason))
                return
            permit = context.get("permit")
            self.answers.append(Answer(
                *times, client.agent, name, item["decision"], context["epoch"],
                context["ledger"]["index"], context["evaluation_id"],
                permit and base64.b64decode(permit, validate=True)))

    def wait(self, number, seconds=120):
        """Until so many more answers are there."""
        want, end = len(self.answers) + number, time.monotonic() + seconds
        while len(self.answers) < want and not self.errors:
            true(time.monotonic() < end, f"no {number} answers in {seconds} s, but "
                 f"{self.refusals}: {read(self.world.log_path)[-2000:]!r}")
            time.sleep(0.002)

    def take_answers(self):
        with self.lock:
            answers, self.answers = self.answers, []
        return answers


def leaf_of(permit):
    """The hash of the ledger's entry that this is the permit of."""
    message = cbor.decode(permit)
    parts = [message.value[0], {}, *message.value[2:]]
    return hashlib.sha256(b"\0" + cbor.encode(cbor.Tag(message.number, parts))).digest()


def tile_path(number):
    text = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03}/{text}"
    return text


def leaves(world, size):
    """The hashes of all entries, as they are published."""
    out = b""
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        path = f"{world.state}/ledger/tile/0/{tile_path(number)}"
        out += read(path if width == 256 else f"{path}.p/{width}")
    return [out[at:at + 32] for at in range(0, len(out), 32)]


def strict(answer):
    return answer.name == GIT


class Book:
    """Every answer of a test. Permits are verified when they come in; then their hashes stay, and
    as many of themselves, by chance, as the audit is given."""

    def __init__(self, world, rules=strict, seed=0):
        self.world, self.rules, self.random = world, rules, random.Random(seed)
        self.rows, self.sample, self.permits = [], [], 0
        try:
            self.judge = Judge(world)
        except Skip:
            self.judge = None  # the audit of the sample remains

    def take(self, answers):
        for answer in answers:
            if self.rules:
                equal(answer.decision, self.rules(answer), f"the rules: {answer}")
            leaf = None
            if answer.permit:
                leaf = leaf_of(answer.permit)
                self.keep(answer)
            self.rows.append((answer.index, answer.attempt, answer.decision, answer.epoch, leaf))

    def keep(self, answer):
        if self.judge:
            equal(self.judge.judge(answer.permit), (answer.decision, answer.epoch, answer.index),
                  f"what {answer.attempt} says")
        self.permits += 1
        if len(self.sample) < AUDITED:
            self.sample.append(answer.permit)
        elif (place := self.random.randrange(self.permits)) < AUDITED:
            self.sample[place] = answer.permit

    def audit(self):
        directory = f"{self.world.base}/sample"
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory)
        for number, permit in enumerate(self.sample):
            write(f"{directory}/{number}.cose", permit)
        got = self.world.pawl("log", "audit", "--enrolment", self.world.enrolment, "--root",
                              self.world.root, "--permits", directory)
        equal((got["sound"], got["unpublished"], got["torn_bytes"]), (True, 0, 0), got)
        return got

    def settle(self):
        """After an end in order: every answer is in the ledger, where it says, and once. Returns
        what the audit says, and the entries."""
        if self.judge:
            self.judge.close()
        report = self.audit()
        entries = self.world.pawl("log", "show", "--all")["entries"]
        equal([entry["index"] for entry in entries], list(range(report["size"])), "indexes")
        hashes = leaves(self.world, report["size"])
        equal((len(hashes), len(set(hashes))), (report["size"],) * 2, "entries, each once")
        decided = [entry for entry in entries if entry["kind"] == "decision"]
        of = {entry["attempt"]: entry for entry in decided}
        equal(len(of), len(decided), "attempts that were decided, each once")
        for index, attempt, decision, epoch, leaf in self.rows:
            true(attempt in of, f"{attempt} was answered, and is not in the ledger")
            entry = of[attempt]
            equal((entry["index"], entry["decision"], entry["epoch"]), (index, decision, epoch),
                  f"{attempt}: place, decision and epoch in the ledger")
            true(leaf is None or hashes[index] == leaf, f"{attempt}: another entry {index}")
        equal(len({row[0] for row in self.rows}), len(self.rows), "places, each of one answer")
        say(f"{len(self.rows)} answers, {self.permits} of them with their proof, in a ledger of "
            f"{report['size']} entries and {report['sessions']} sessions")
        return report, entries


def settle(world, crowd, names=(), rules=strict):
    """The end of a test: what was answered stands, and what was not decided has one of these
    names. Returns what the audit says, and the entries."""
    equal(crowd.errors, [], "clients")
    true(set(crowd.refusals) <= set(names), f"reasons: {crowd.refusals}")
    say(f"not decided: {dict(crowd.refusals)}, unheard: {crowd.lost}")
    book = Book(world, rules)
    book.take(crowd.take_answers())
    return book.settle()


def status(world):
    return world.call("GET", "/v1/status", kind="admin").json()


def until(world, crowd, holds, what, seconds=120):
    end = time.monotonic() + seconds
    while not holds() and not crowd.errors:
        true(time.monotonic() < end, f"not {what}: {read(world.log_path)[-2000:]!r}")
        time.sleep(0.01)
