# SPDX-License-Identifier: Apache-2.0
"""What pawld is to a service manager: its watchdog, its reload; and what it takes from itself."""

import os
import signal
import socket
import subprocess
import threading
import time

from daemon import WAIT, Connection, Service, evaluation
from hardware import die_with_parent
from shim import Shim
from tap import Skip, Suite, equal, true
from world import CURL, GIT, main, read, write

suite = Suite()


class Managed(Service):
    """pawld with a manager that is told, and a watchdog."""

    told = None

    def manage(self, *more, **env):
        path = f"{self.base}/told"
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(path)
        self.log_path = f"{self.base}/pawld.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [self.options.pawld, "--state", self.state, *more],
                env={**self.environment(), "NOTIFY_SOCKET": path, **env},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.base,
                preexec_fn=die_with_parent)
        self.hear(b"READY=1")

    def hear(self, word, seconds=WAIT):
        """Waits until the manager is told a message with this word. False: he is not."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.told.settimeout(left)
            try:
                got = self.told.recv(4096)
            except socket.timeout:
                break
            if word in got:
                return got
        true(seconds < WAIT, f"the manager was not told {word}: {read(self.log_path)!r}")
        return False

    def dismiss(self):
        """The end of both."""
        self.halt()
        self.hear(b"STOPPING=1")
        self.told.close()
        os.unlink(f"{self.base}/told")


@suite.test("the watchdog is fed while the hardware answers, and while it is away")
def watchdog(world):
    world.manage(WATCHDOG_USEC="1000000")
    for _ in range(3):  # nobody asks for anything
        world.hear(b"WATCHDOG=1")
    world.ask(GIT, True)
    world.hardware.take_away()
    for _ in range(3):
        world.hear(b"WATCHDOG=1")
    world.hardware.put_back()
    world.hear(b"STATUS=serving")
    world.dismiss()
    world.log()


class Halting:
    """A hardware that does not answer for a while."""

    def __init__(self, world):
        self.hardware, self.shim = world.hardware, None
        if world.kind == "hsm":
            uri = world.hardware.uri
            self.shim = Shim(world, world.options.shim)
            path = f"{world.state}/gate.json"
            write(path, read(path).replace(uri.encode(), world.hardware.uri.encode()))
            world.hardware.uri = uri  # of the other tests

    def stop(self):
        if self.shim:
            self.shim.turn(fn="C_Verify", at=1, times=1 << 31, stall_ms=1 << 30)
        else:
            self.hardware.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        if self.shim:
            self.shim.turn()
        else:
            self.hardware.process.send_signal(signal.SIGCONT)


@suite.test("a hardware that hangs stops the watchdog, and one that is back feeds it again")
def hangs(world):
    halting = Halting(world)
    world.manage("--no-confine", WATCHDOG_USEC="1000000")
    world.hear(b"WATCHDOG=1")
    halting.stop()
    fed = 0  # while the machine was busy, too, and heard only now
    while world.hear(b"WATCHDOG=1", 3):
        fed += 1
        true(fed < 20, "fed while the hardware hangs")
    true(world.process.poll() is None, "that is the manager's to do")
    halting.go_on()
    for _ in range(3):
        world.hear(b"WATCHDOG=1")
    world.until(GIT, True)
    world.dismiss()
    world.log()


@suite.test("SIGHUP: the gate is opened anew, and no request is lost")
def reload(world):
    world.manage()
    found, errors = [], []

    def client(number):
        try:
            link = Connection(world.socket())
            for turn in range(40):
                name = GIT if (turn + number) % 2 else CURL
                got = world.evaluate(evaluation(name), link=link).json()
                found.append((name, got["decision"], got["context"]))
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(repr(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        world.process.send_signal(signal.SIGHUP)
        world.hear(b"RELOADING=1")
        world.hear(b"READY=1")
    for thread in threads:
        thread.join()
    equal(errors, [], "clients that got no answer")
    for name, decision, context in found:
        equal((decision, "ledger" in context), (name == GIT, True), context)
    equal(len({context["ledger"]["index"] for _, _, context in found}), 160, "places")
    for _, decision, context in found[::16]:
        world.keep(context, decision)
    world.dismiss()
    got = world.log()
    equal(got["interrupted_sessions"], 0, got)
    true(got["kinds"]["start"] >= 4, got)


@suite.test("SIGHUP: settings that cannot be read do not end what is served")
def unreadable(world):
    world.manage()
    path = f"{world.state}/gate.json"
    good = read(path)
    write(path, b"{")
    world.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + WAIT
    while b"not reloaded: STATE_CORRUPT" not in read(world.log_path):
        true(time.monotonic() < end, read(world.log_path))
        time.sleep(0.01)
    world.ask(GIT, True)
    write(path, good)
    world.process.send_signal(signal.SIGHUP)
    world.hear(b"READY=1")
    world.ask(GIT, True)
    world.dismiss()
    world.log()


def confined(world):
    """Of every thread: whether it may gain privileges, and its filter of system calls."""
    found = set()
    for task in os.listdir(f"/proc/{world.process.pid}/task"):
        lines = read(f"/proc/{world.process.pid}/task/{task}/status").decode().splitlines()
        values = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        found.add((values["NoNewPrivs"], values["Seccomp"]))
    return found


@suite.test("it takes from itself what it does not need, and serves on")
def confinement(world):
    if world.options.variant == "sanitize":
        raise Skip("a build with sanitizers does not")
    paths = [] if world.kind == "tpm" else ["--allow", world.hardware.state, "--allow",
                                             world.hardware.env["SOFTHSM2_CONF"]]
    for args in ([], paths) if paths else ([],):
        world.manage(*args)
        said = read(world.log_path)
        true(b"pawld: confined: " in said and b"system calls" in said, said)
        equal(confined(world), {("1", "2")}, "threads")
        world.ask(GIT, True)
        world.hardware.take_away()  # which opens everything anew
        world.until(GIT, False)
        world.hardware.put_back()
        world.until(GIT, True)
        world.ask(CURL, False)
        world.dismiss()
    world.manage("--no-confine")
    true(b"pawld: not confined" in read(world.log_path), read(world.log_path))
    equal(confined(world), {("0", "0")}, "threads")
    world.dismiss()
    world.log()


@suite.test("files beyond what is allowed are not there", roots=("hsm",))
def beyond(world):
    if world.options.variant == "sanitize":
        raise Skip("a build with sanitizers does not")
    world.manage("--allow", f"{world.base}/home")
    said = read(world.log_path)
    if b"files" not in said:
        world.dismiss()
        raise Skip("the kernel has no Landlock")
    got = world.evaluate(evaluation(GIT)).json()  # the token can be read, beside the PIN
    equal((got["decision"], got["context"]["stage"]), (False, "hardware"), got)
    world.kill()
    world.told.close()
    os.unlink(f"{world.base}/told")


if __name__ == "__main__":
    main(suite, Managed)
