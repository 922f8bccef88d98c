# SPDX-License-Identifier: Apache-2.0
"""trouble.py: a served gate whose hardware goes wrong where a test wants it: a TPM behind
tpm_relay, a token behind p11_fault.so. What is asked meanwhile is answered with a permit that the
hardware signed, or with a denial that says why; never with anything else."""

import os
import socket
import subprocess
import time
from itertools import groupby

from daemon import WAIT, Service, evaluation
from hardware import die_with_parent
from shim import Shim
from tap import Skip, equal, true
from world import GIT, read

COMMANDS = {
    "NV_Increment": 0x134, "NV_Extend": 0x136, "NV_Write": 0x137, "PCR_Event": 0x13C,
    "NV_Read": 0x14E, "PolicyNV": 0x149, "Sign": 0x15D, "PolicyAuthorize": 0x16A,
    "PolicyCommandCode": 0x16C, "NV_ReadPublic": 0x169, "ReadPublic": 0x173,
    "StartAuthSession": 0x176, "GetCapability": 0x17A, "PolicyOR": 0x171, "PolicyPCR": 0x17F,
    "PolicyRestart": 0x180, "ReadClock": 0x181, "NV_Certify": 0x184,
}
NAMES = {code: name for name, code in COMMANDS.items()}


BUSY, FAILED, LOCKED, OK = "TPM_BUSY", "TPM_FAILED", "TPM_LOCKED_OUT", "OK"
# Code: what it leads to; where a policy session is at work, and elsewhere.
TPM = {
    "later": {"RETRY": (0x922, OK, OK), "YIELDED": (0x908, OK, OK), "TESTING": (0x90A, OK, OK),
              "NV_RATE": (0x920, OK, OK), "NV_UNAVAILABLE": (0x923, OK, OK)},
    "full": {"CONTEXT_GAP": (0x901, BUSY, BUSY), "OBJECT_MEMORY": (0x902, BUSY, BUSY),
             "SESSION_MEMORY": (0x903, BUSY, BUSY), "MEMORY": (0x904, BUSY, BUSY),
             "SESSION_HANDLES": (0x905, BUSY, BUSY), "OBJECT_HANDLES": (0x906, BUSY, BUSY)},
    "failing": {"CANCELED": (0x909, BUSY, BUSY), "PCR_CHANGED": (0x128, OK, BUSY),
                "LOCKOUT": (0x921, LOCKED, LOCKED), "FAILURE": (0x101, FAILED, FAILED),
                "INITIALIZE": (0x100, FAILED, FAILED), "REFERENCE_H0": (0x910, OK, FAILED),
                "REFERENCE_S0": (0x918, OK, FAILED)},
}
POLICY = {COMMANDS[name] for name in ("PolicyPCR", "PolicyNV", "PolicyCommandCode", "PolicyOR",
                                      "PolicyAuthorize", "Sign", "NV_Certify")}
TOKEN = {
    "lost": {"DEVICE_ERROR": 0x30, "DEVICE_REMOVED": 0x32, "SESSION_HANDLE_INVALID": 0xB3,
             "SESSION_CLOSED": 0xB0, "TOKEN_NOT_PRESENT": 0xE0, "USER_NOT_LOGGED_IN": 0x101,
             "OBJECT_HANDLE_INVALID": 0x82, "KEY_HANDLE_INVALID": 0x60},
    "failing": {"DEVICE_MEMORY": 0x31, "HOST_MEMORY": 0x02, "FUNCTION_FAILED": 0x06,
                "GENERAL_ERROR": 0x05, "PIN_LOCKED": 0xA4, "SESSION_COUNT": 0xB1,
                "FUNCTION_CANCELED": 0x50},
}


CODES = {**{name: row[0] for kind in TPM.values() for name, row in kind.items()},
         **{name: code for kind in TOKEN.values() for name, code in kind.items()}}


def wanted(kind, name, call):
    """What one such answer, at this call of a round, leads to."""
    if isinstance(call, int):
        return TPM[kind][name][1 if call in POLICY else 2]
    if kind == "lost":  # the session is opened anew, once
        return OK
    return "NV_SPACE" if (name, call) == ("DEVICE_MEMORY", "C_CreateObject") else "HSM_FAILED"


class Relay:
    """Between pawl and swtpm; see faults/tpm_relay.c."""

    def __init__(self, world):
        program, hardware = world.options.relay, world.hardware
        if not program:
            raise Skip("tpm_relay is not here")
        base, self.hardware = world.base, hardware
        self.path, self.steer = f"{base}/r", f"{base}/steer"
        self.process = subprocess.Popen(
            [program, self.path, hardware.socket, "--control", self.steer],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        equal(self.process.stdout.readline(), b"ready\n", "tpm_relay")
        hardware.uri = hardware.uri.replace(hardware.socket, self.path)

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.steer)
            link.sendall(line.encode())
            answer = b""
            while part := link.recv(65536):
                answer += part
        return answer.decode()

    def tell(self, line):
        equal(self.say(line), "ok\n", line)

    def fault(self, kind, **options):
        self.tell(" ".join(["fault", kind, *(f"{name}={value}" for name, value in
                                             options.items())]))

    def kill(self, kind, **options):
        """At the command so described swtpm gets SIGKILL: while it runs it, or behind it."""
        self.fault(kind, pid=self.hardware.process.pid, **options)

    def clear(self):
        self.tell("clear")

    def log(self):
        """(code, response code) of every command since the last clear."""
        return [tuple(int(word, 16) for word in line.split())
                for line in self.say("log").splitlines()]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Trouble(Service):
    """A service with its hardware behind something that makes trouble."""

    relay = token = announced = None
    epoch = 0  # of the last permit

    def prepare(self):
        if self.kind == "tpm":
            self.relay = Relay(self)
        else:
            self.token = Shim(self, self.options.shim)

    def close(self):
        super().close()
        if self.relay:
            self.relay.close()

    def go(self, stage):
        self.epoch = 0
        self.calm()
        super().go(stage)

    def calm(self):
        """No trouble any more."""
        if self.relay:
            self.relay.clear()
            self.relay.tell("delay 0")
        if self.token:
            self.token.turn()

    def calls(self):
        """Of the TPM or the token, in order, since there was calm."""
        return [code for code, _ in self.relay.log()] if self.relay else self.token.order()

    def strike(self, call, nth=1, times=1, code=0, late=False):
        """From now on this call is answered with this code, so many times (0: always). late: and
        done before."""
        self.calm()
        self.announced = call, code
        if self.token:
            self.token.turn(fn=call, at=nth, times=times or 1 << 31, rv=code, late=int(late))
        elif late:
            self.relay.fault("lost-answer", code=call, nth=nth, times=times)
        else:
            self.relay.fault("answer", code=call, nth=nth, times=times, rc=code)

    def name(self, call):
        return NAMES.get(call, call)

    def struck(self, where):
        """What strike() announced has happened."""
        call, code = self.announced
        seen = self.relay.log() if self.relay else [(call, code) for call in self.token.order()]
        true((call, code) in seen, f"{where}: not among {seen}")

    def round(self):
        """The calls of a round: (call, number among those of its kind)."""
        self.served_again()
        self.calm()
        equal(self.try_once(), "OK", "a round without trouble")
        seen, out = {}, []
        for call in self.calls():
            seen[call] = seen.get(call, 0) + 1
            out.append((call, seen[call]))
        return out

    # ---- what is asked, and what is answered ----

    def try_once(self):
        """Asks; what is answered is a permit, or a denial that has its reason. Returns this reason,
        OK for a permit."""
        answer = self.evaluate(evaluation(GIT))
        equal(answer.status, 200, answer.bytes)
        value = answer.json()
        context = value["context"]
        if value["decision"]:
            self.keep(context, True)
            true(context["epoch"] >= self.epoch, f"a permit of {self.epoch} before: {context}")
            self.epoch = context["epoch"]
            return "OK"
        true("permit" not in context and "ledger" not in context, f"a denial with proof: {value}")
        equal(context["stage"], "hardware", f"stage: {value}")
        true(context["reason"] in self.exits and context["why"], f"a denial without why: {value}")
        return context["reason"]

    def served_again(self):
        """Asks until there is a permit."""
        end = time.monotonic() + WAIT
        while (reason := self.try_once()) != "OK":
            true(time.monotonic() < end, f"{reason} for ever: {read(self.log_path)!r}")
            time.sleep(0.01)

    def over(self, outages, again=False):
        """The end in order: every answer is in the ledger, and every outage, by its error. again:
        one that lasts may come to its end, and begin again, more than once."""
        self.halt()
        found = self.outages()
        if again:
            true(len(found) >= len(outages), f"outages on record: {found}, answered: {outages}")
            found, outages = ([name for name, _ in groupby(names)] for names in (found, outages))
        equal(found, outages, "outages on record")
        got = self.log()
        true(got["interrupted_sessions"] >= len(outages) and got["lost_attempts"] == 0,
             f"sessions that an outage ended: {got}")
        return got

    def outages(self):
        """The errors of the outages on record. Each that began has ended."""
        lost, back = ([entry["detail"] for entry in
                       self.pawl("log", "show", "--kind", kind)["entries"]]
                      for kind in ("hardware_lost", "hardware_back"))
        equal(lost, back, "outages that began, and ended")
        return [detail.split(",")[0] for detail in lost]
