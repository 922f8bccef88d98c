#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_service_room.py: a service in use without room: a disk that is full at any octet, too little
memory, a directory that is moved away. Nothing is permitted that is not on record, what cannot be
is denied by its name, and with room again it is served without a restart."""

import collections
import errno
import http.client
import json
import os
import resource as resource_limits
import shutil
import subprocess
import threading
import time

from daemon import Connection, Service, evaluation
from hardware import LIBC
from load import Crowd, settle, status, until
from tap import Skip, Suite, equal, say, true
from world import CURL, GIT, copy, main, read

suite = Suite()
CLONE_NEWNS = 0x20000
FULL = ("STORAGE_FULL", "STORAGE", "HSM_FAILED", "NO_MEMORY")


def journal_size(world):
    return os.path.getsize(f"{world.state}/ledger/journal")


def limit_files(world, size):
    """A limit of sizes is a disk that is full at any octet, and has room again."""
    resource_limits.prlimit(world.process.pid, resource_limits.RLIMIT_FSIZE,
                            (size, resource_limits.RLIM_INFINITY))


def is_full(world):
    """What was cut off may leave room for a moment, in which it is served."""
    got = status(world)
    true(got["serving"] or got["error"] in FULL, got)
    return not got["serving"]


def full_and_freed(world, crowd, fill, free):
    crowd.wait(16)
    fill()
    before = sum(crowd.refusals.values())
    until(world, crowd, lambda: sum(crowd.refusals.values()) > before + 8, "refused")
    until(world, crowd, lambda: is_full(world), "full")
    free()
    crowd.wait(16)
    until(world, crowd, lambda: status(world)["serving"], "served again")


@suite.test("files that may not grow, and may again, under load")
def full(world):
    world.serve("--log", "none")
    with Crowd(world) as crowd:
        for room in (0, 60, 9000):
            full_and_freed(world, crowd,
                           lambda room=room: limit_files(world, journal_size(world) + room),
                           lambda: limit_files(world, resource_limits.RLIM_INFINITY))
    world.halt()
    settle(world, crowd, FULL)
    world.sound(2)


class SmallDisk:
    """The gate's directory on a disk of its own, which goes with this process."""

    def __init__(self, world, size="24m"):
        self.world = world
        aside = f"{world.base}/aside"
        copy(world.state, aside)
        if LIBC.unshare(CLONE_NEWNS) != 0:
            raise Skip("nothing can be mounted here")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", world.state],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Skip("nothing can be mounted here")
        shutil.copytree(aside, world.state, symlinks=True, dirs_exist_ok=True)

    def fill(self, left):
        """The service writes, too, so this may be more than there is."""
        room = os.statvfs(self.world.state)
        with open(f"{self.world.state}/ballast", "wb", buffering=0) as ballast:
            try:
                ballast.write(b"x" * max(room.f_bavail * room.f_bsize - left, 0))
            except OSError as error:
                equal(error.errno, errno.ENOSPC, "ballast")

    def free(self):
        os.unlink(f"{self.world.state}/ballast")

    def close(self):
        self.world.kill()
        aside = f"{self.world.base}/aside"
        copy(self.world.state, aside)
        subprocess.run(["umount", self.world.state], check=True)
        copy(aside, self.world.state)


@suite.test("a disk that is full, and has room again, under load")
def full_disk(world):
    disk = SmallDisk(world)
    try:
        world.serve("--log", "none")
        with Crowd(world) as crowd:
            for left in (0, 8192, 65536):
                full_and_freed(world, crowd, lambda left=left: disk.fill(left), disk.free)
        world.halt()
    finally:
        disk.close()
    settle(world, crowd, FULL)
    world.sound(2)


class Large(threading.Thread):
    """Asks what needs much memory. Keeps what came of it: a status, or no answer at all."""

    BODY = json.dumps(evaluation(GIT, context={"a": ["x" * 1000] * 900})).encode()

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.got = world, None

    def run(self):
        try:
            got = self.world.evaluate(self.BODY)
            self.got = "permitted" if got.status == 200 and got.json()["decision"] else "refused"
        except (OSError, http.client.HTTPException):
            self.got = "unanswered"


def large(world, number):
    threads = [Large(world) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return collections.Counter(thread.got for thread in threads)


@suite.test("too little memory, and enough again, under load")
def memory(world):
    if world.options.variant in ("sanitize", "tsan"):
        raise Skip("a sanitizer needs all the room there is")
    world.serve("--log", "none")
    pid = world.process.pid
    with Crowd(world, clients=4) as crowd:
        crowd.wait(16)
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            size = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        found = collections.Counter()
        for room in (8 << 20, 1 << 20, 0):
            resource_limits.prlimit(pid, resource_limits.RLIMIT_AS,
                                    (size + room, resource_limits.RLIM_INFINITY))
            found += large(world, 8)
            equal(world.process.poll(), None,
                  f"pawld with room for {room}: {read(world.log_path)[-2000:]!r}")
        resource_limits.prlimit(pid, resource_limits.RLIMIT_AS,
                                (resource_limits.RLIM_INFINITY,) * 2)
        crowd.wait(16)
        until(world, crowd, lambda: large(world, 1)["permitted"] == 1, "served again")
    say(f"large ones: {dict(found)}")
    true(found["refused"] + found["unanswered"] > 0, f"memory was enough: {found}")
    world.halt()
    settle(world, crowd, set(crowd.refusals))


@suite.test("the directory moved away, and put back")
def moved(world):
    world.serve("--log", "none")
    away = f"{world.live}/away"
    with Crowd(world, clients=4) as crowd:
        crowd.wait(16)
        os.rename(world.state, away)
        time.sleep(1)
        link = Connection(f"{away}/run/enforcement.sock")
        for _ in range(50):
            value = world.evaluate(evaluation(CURL), link=link).json()
            equal(value["decision"], False, value)
        os.rename(away, world.state)
        crowd.wait(16)
        until(world, crowd, lambda: status(world)["serving"], "served again")
    world.halt()
    settle(world, crowd, set(crowd.refusals))
    world.sound(2)


@suite.test("the directory moved away, and an older one in its place")
def replaced(world):
    """What is decided meanwhile is in the directory that was moved; the older one is refused."""
    world.keep_disk("older")
    world.serve("--log", "none")
    away = f"{world.live}/away"
    with Crowd(world, clients=4) as crowd:
        crowd.wait(16)
        os.rename(world.state, away)
        copy(f"{world.live}/older", world.state)
        time.sleep(1)
    world.kill()
    for name in (GIT, CURL):
        world.refused(("LEDGER_ROLLBACK", "LEDGER_INCONSISTENT"), name)
    copy(away, world.state)
    world.serve("--log", "none")
    world.ask(GIT, True)
    world.halt()
    settle(world, crowd, set(crowd.refusals))
    world.sound(2)


if __name__ == "__main__":
    main(suite, Service)
