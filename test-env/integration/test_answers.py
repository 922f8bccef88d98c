#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_answers.py: hardware that answers otherwise than the doubles do: a TPM that cannot certify
its counter, and either that finds a signature wrong which is right. What the hardware says counts,
and nothing that pawl could work out by itself."""

import json
import re
import socket
import struct

from cut import TpmCuts, message
from shim import Shim
from tap import Suite, equal, say, true
from wire import NV_CERTIFY
from world import CURL, GIT, World, main

suite = Suite()
GET_CAPABILITY, VERIFY_SIGNATURE = 0x17A, 0x177
CAP_COMMANDS, RC_COMMAND_CODE = 2, 0x143
RC_SIGNATURE, RV_SIGNATURE_INVALID = 0x2DB, 0xC0  # of parameter 2; CKR_SIGNATURE_INVALID
# Of the new bundle: root metadata that is in force already is not verified again.
SIGNATURES = {"the snapshot: signature 1 of 1",
              "signature 1 of 3", "signature 2 of 3", "signature 3 of 3"}


class TpmAnswers(TpmCuts):
    """Stands between pawl and swtpm, and answers in its place."""

    def heal(self):
        self.certifies, self.wrong, self.seen = True, 0, 0

    def refuse(self, number):
        """From now on, the verification with this number finds the signature wrong."""
        self.wrong, self.seen = number, 0

    def asked(self):
        return self.seen

    def instead(self, command):
        code, body = struct.unpack(">I", command[6:10])[0], command[10:]
        if code == VERIFY_SIGNATURE:
            self.seen += 1
            if self.seen == self.wrong:
                return struct.pack(">HII", 0x8001, 10, RC_SIGNATURE)
        if code == GET_CAPABILITY and not self.certifies:
            capability, first, _ = struct.unpack(">III", body)
            if (capability, first) == (CAP_COMMANDS, NV_CERTIFY):  # the next one that it has
                return struct.pack(">HIIBIII", 0x8001, 23, 0, 1, capability, 1, NV_CERTIFY + 1)
        if code == NV_CERTIFY and not self.certifies:
            return struct.pack(">HII", 0x8001, 10, RC_COMMAND_CODE)
        return None

    def pass_on(self, client):
        command = message(client)
        answer = self.instead(command)
        if answer is None:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(self.real)
                link.sendall(command)
                answer = message(link)
        client.sendall(answer)


class HsmAnswers:
    def __init__(self, world):
        self.shim = Shim(world, world.options.shim)
        self.heal = self.shim.set

    def refuse(self, number):
        self.shim.set(fn="C_Verify", at=number, times=1, rv=RV_SIGNATURE_INVALID)

    def asked(self):
        return self.shim.calls("C_Verify")


class Answers(World):
    def prepare(self):
        self.answers = TpmAnswers(self) if self.kind == "tpm" else HsmAnswers(self)

    def go(self, stage):
        self.answers.heal()
        super().go(stage)


@suite.test("the hardware finds a signature wrong", at="epoch1")
def wrong(world):
    """Each signature in turn: were one verified in software, the hardware would not be asked."""
    bundle, named, refused = world.next_epoch(), set(), 0
    for number in range(1, 100):
        world.answers.refuse(number)
        code, out, _ = world.run("install", bundle, "--json")
        reached = world.answers.asked() >= number
        world.answers.heal()
        value = json.loads(out)
        if not reached:
            break
        if not value["ok"]:
            named.add(refusal(world, code, value["error"]))
            refused += 1
        if world.status()["epoch"] != 1:
            # Not what was in force was believed, so this one took its place; or the refusal came
            # when it was stored, and the next command went on.
            world.go("epoch1")
            bundle = world.next_epoch()
    say(f"{number - 1} verifications, {refused} refusals: {sorted(named - {None})}")
    true(value["ok"], value)
    equal(SIGNATURES - named, set(), "signatures that the hardware was not asked about")
    world.sound(2)


def refusal(world, code, error):
    """Which signature of the new bundle it names, if it does."""
    # SUCCESSION: what the disk holds of this epoch is not believed.
    true(error["code"] in ("SIGNATURE_INVALID", "GRANT_INVALID", "SUCCESSION"), error)
    equal(code, world.exits[error["code"]], "exit code")
    found = re.search(r'/2\.bundle": ((the snapshot: )?signature \d of \d), by', error["why"])
    return found.group(1) if found else None


@suite.test("a check, when the hardware finds a signature of what is in force wrong")
def wrong_later(world):
    for number in range(1, 200):
        world.answers.refuse(number)
        code, out, _ = world.run(*world.request(CURL), "--json")
        world.answers.heal()
        value = json.loads(out)
        if value["ok"]:
            break
        true(value["error"]["code"] in ("SIGNATURE_INVALID", "GRANT_INVALID"), value)
    equal((code, value["decision"]), (10, False), "the answer when all is well")
    true(number > 3, f"only {number} verifications")
    world.sound(2)


@suite.test("a TPM that cannot certify: its permits are taken only on request", at="bare",
            roots=("tpm",))
def unsealed(world):
    world.answers.certifies = False
    world.init()
    world.install(world.next_epoch())
    for resource, decision in ((GIT, True), (CURL, False)):
        path = world.permit_path()
        got = world.pawl(*world.request(resource), "-o", path, code=0 if decision else 10)
        equal(got["decision"], decision, resource)
        why = world.verify(path, decision, want="PERMIT_INVALID")["error"]["why"]
        true("TPM2_NV_Certify" in why and "--allow-unsealed" in why, why)
        line = ("permit", "verify", path, "--root", world.root, "--enrolment", world.enrolment)
        code, out, _ = world.run(*line)
        equal((code, out), (world.exits["PERMIT_INVALID"], b""), "as text")
        taken = world.pawl(*line, "--allow-unsealed", code=0 if decision else 10)
        equal((taken["valid"], taken["sealed"], taken["epoch"]), (True, False, 1), taken)
        code, out, _ = world.run(*line, "--allow-unsealed")
        true(b"NOT sealed" in out, out)


if __name__ == "__main__":
    main(suite, Answers, Answers.prepare)
