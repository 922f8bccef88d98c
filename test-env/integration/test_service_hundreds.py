#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_hundreds.py: hundreds of clients on a TPM that takes as long for a signature as a
slow chip does, and kill -9 in the middle of it. Everybody gets permits that the hardware signed,
each of which verifies offline, and the ledger holds together. PAWL_KILLS says how often it is
killed, PAWL_SEED when."""

import base64
import json
import os
import random
import signal
import subprocess
import time

from daemon import Service
from hardware import die_with_parent
from load import Answer, Book
from tap import Skip, Suite, equal, say, true
from trouble import COMMANDS, Relay
from world import GIT, main, read

suite = Suite()
CLIENTS = 512
SIGNATURE_MS = 300
KILLS = int(os.environ.get("PAWL_KILLS", "4"))
SEED = int(os.environ.get("PAWL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


class Hundreds:
    """Clients that ask without a pause, also while nobody listens; one process."""

    def __init__(self, world):
        path = f"{world.base}/kept"
        self.process = subprocess.Popen(
            [world.options.load_client, "--socket", world.socket(), "--clients", str(CLIENTS),
             "--seconds", "3600", "--deadline", "300000", "--agent", "build-7",
             "--resource", GIT, "--keep", path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        end = time.monotonic() + 60
        while not os.path.exists(path):
            true(time.monotonic() < end, "load_client does not begin")
            time.sleep(0.01)
        self.kept = open(path, encoding="ascii")  # pylint: disable=consider-using-with
        self.rest, self.served = "", set()

    def take(self):
        """What was answered since. served: the clients that were permitted something."""
        lines = (self.rest + self.kept.read()).split("\n")
        self.rest = lines.pop()
        out = []
        for line in map(json.loads, lines):
            if line["decision"]:
                self.served.add(line["client"])
            out.append(Answer(line["asked_ns"] / 1e9, line["answered_ns"] / 1e9, "build-7", GIT,
                              line["decision"], line["epoch"], line["index"], line["id"],
                              base64.b64decode(line["permit"], validate=True)))
        return out

    def end(self):
        """Who waits is answered. Returns what the process says."""
        self.process.send_signal(signal.SIGTERM)
        said = json.loads(self.process.communicate(timeout=300)[0])
        return said

    def close(self):
        self.kept.close()


class Slow(Service):
    """A service whose TPM takes its time to sign."""

    relay = None

    def prepare(self):
        self.relay = Relay(self)

    def close(self):
        super().close()
        if self.relay:
            self.relay.close()


def serve(world, clients, enough):
    """Starts pawld, and waits until there are enough answers. Returns them: who verifies them at
    once has more of them to verify in the end."""
    answers, end = [], time.monotonic() + 300
    world.launch()
    while not enough(answers):
        true(time.monotonic() < end, f"{len(answers)} answers, {len(clients.served)} of {CLIENTS} "
             f"clients were permitted anything: {read(world.log_path)[-2000:]!r}")
        time.sleep(0.05)
        answers += clients.take()
    return answers


@suite.test(f"{CLIENTS} clients, {SIGNATURE_MS} ms a signature, kill -9: permits for all",
            roots=("tpm",))
def hundreds(world):
    if not world.options.load_client:
        raise Skip("load_client is not here")
    say(f"{KILLS} kills, PAWL_SEED={SEED}")
    moment = random.Random(SEED)
    world.relay.tell(f"delay {SIGNATURE_MS} {COMMANDS['Sign']:#x}")
    book, clients = Book(world, seed=SEED), Hundreds(world)
    for _ in range(KILLS):
        answers = serve(world, clients, lambda got: len(got) >= CLIENTS)
        time.sleep(moment.uniform(0, 2 * SIGNATURE_MS / 1000))
        equal(world.process.poll(), None, f"pawld: {read(world.log_path)!r}")
        world.kill()
        book.take(answers + clients.take())
    clients.served.clear()
    answers = serve(world, clients, lambda _: len(clients.served) == CLIENTS)
    said = clients.end()
    world.halt()
    book.take(answers + clients.take())
    clients.close()
    equal((said["unanswered"], said["denials"], said["refused"]), (0, 0, 0), said)
    report, _ = book.settle()
    equal(report["interrupted_sessions"], KILLS, report)


if __name__ == "__main__":
    main(suite, Slow, Slow.prepare)
