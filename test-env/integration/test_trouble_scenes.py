#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_trouble_scenes.py: a served gate whose TPM dies in the middle of a command, whose PCRs are
extended all the time, that is locked out; whose token goes, comes back, and has another PIN. Denied
with the reason while it lasts, served again without a restart; no answered permit is missing."""

import re
import threading
import time

from daemon import evaluation
from tap import Suite, equal, say, true
from trouble import BUSY, CODES, COMMANDS, OK, Trouble
from wire import Refused, Wire, sized
from world import GIT, main, write

suite = Suite()
GONE = ("TPM_FAILED", "TPM_NOT_FOUND", "TPM_TIMEOUT")
ROUNDS_LOST = 256  # so many a TPM may count before it writes them down


@suite.cases([("the connection breaks behind each command", {"kind": "break"}),
              ("each command is refused at the door", {"kind": "refuse"}),
              ("each answer is cut in its header", {"kind": "cut", "len": 7}),
              ("each answer is cut behind it", {"kind": "cut", "len": 10})], roots=("tpm",))
def lines(world, how):
    world.serve()
    outages = []
    for call, nth in world.round():
        where = f"{how} at {world.name(call)}, number {nth}"
        world.calm()
        world.relay.fault(**how, code=call, nth=nth)
        reason = world.try_once()
        if reason == OK and how.get("len") == 10:
            continue  # the whole answer was a header
        true(reason in GONE, f"{where}: {reason}")
        outages.append(reason)
        world.served_again()
    world.over(outages)


@suite.cases([("each answer of the token is lost, the call is done", 0x06),
              ("the token is gone behind each call", 0x32)], roots=("hsm",))
def late(world, code):
    world.serve()
    outages = []
    for call, nth in world.round():
        world.strike(call, nth, code=code, late=True)
        reason = world.try_once()
        world.struck(call)
        equal(reason, OK if code == 0x32 else "HSM_FAILED", f"at {call}, number {nth}")
        if reason != OK:
            outages.append(reason)
            world.served_again()
    world.over(outages)


@suite.cases([("swtpm is killed while it runs each command", "kill"),
              ("swtpm is killed behind each command", "kill-after")], roots=("tpm",))
def killed(world, how):
    """The power fails, and comes back."""
    world.serve()
    outages = 0
    for call, nth in world.round():
        world.calm()
        world.relay.kill(how, code=call, nth=nth)
        where = f"{how} at {world.name(call)}, number {nth}"
        true(world.try_once() in GONE, where)
        world.hardware.stop()  # it is dead: this takes its leave of it
        true(world.try_once() in GONE, f"{where}, without a TPM")
        world.hardware.start()
        world.served_again()
        outages += 1
    world.halt()
    equal(len(world.outages()), outages, "outages on record")
    world.log()
    starts = world.pawl("log", "show", "--kind", "start")["entries"]
    say(f"missing at most: {[entry['missing'] for entry in starts]}")
    true(all(entry["missing"] <= ROUNDS_LOST for entry in starts), starts)


@suite.test("a PCR is extended before every command; before some signatures", roots=("tpm",))
def storm(world):
    world.serve()
    world.round()
    world.calm()
    world.relay.fault("extend", code=0x15D, times=5)
    equal(world.try_once(), OK, "five storms outlasted")
    world.relay.fault("extend", times=0)
    equal(world.try_once(), BUSY, "a storm without end")
    true(world.try_once() != OK, "in the storm")
    world.calm()
    world.served_again()
    world.over([BUSY])


def lock(wire):
    """Wrong authorizations of somebody else's index, until the TPM takes none any more."""
    index = 0x01500009
    public = (index.to_bytes(4, "big") + b"\x00\x0b" + (0x00040004).to_bytes(4, "big") +
              sized(b"") + b"\x00\x08")
    wire.send(0x12A, sized(b"right") + sized(public), wire.auth(), (0x40000001).to_bytes(4, "big"))
    wrong = wire.auth()[:-2] + sized(b"wrong")
    place = index.to_bytes(4, "big") * 2
    for _ in range(40):
        try:
            wire.send(0x137, sized(bytes(8)) + b"\0\0", wrong, place)
        except Refused as refused:
            if refused.code == 0x921:
                return
    raise AssertionError("it takes wrong authorizations without end")


@suite.test("a TPM that is locked out: the gate's own keys are not", roots=("tpm",))
def lockout(world):
    world.serve()
    equal(world.try_once(), OK, "before")
    lock(Wire(world.hardware.socket))
    for _ in range(3):
        equal(world.try_once(), OK, "locked out")
    world.strike(COMMANDS["Sign"], code=CODES["LOCKOUT"])
    context = world.evaluate(evaluation(GIT)).json()["context"]
    equal(context["reason"], "TPM_LOCKED_OUT", "what is said if it does concern the gate")
    true(re.search(r": (\d+) wrong authorizations of at most \1; one is forgotten every [1-9]\d* s",
                   context["why"]), context["why"])
    world.served_again()
    world.halt()
    world.serve()
    equal(world.try_once(), OK, "opened while it is locked out")
    world.over(["TPM_LOCKED_OUT"])


@suite.test("an idle hardware goes, is missed, and comes back: on record")
def idle(world):
    world.serve(env={"WATCHDOG_USEC": "400000"})
    equal(world.try_once(), OK, "before")
    world.hardware.take_away()
    world.says(b"denying everything")
    world.hardware.put_back()
    world.says(b"serving", 2)
    world.served_again()
    world.halt()
    equal(len(world.outages()), 1, "outages")
    world.log()


@suite.test("hardware that goes and comes while many ask")
def in_use(world):
    world.serve()
    answers, over = [], threading.Event()

    def client():
        while not over.is_set():
            answers.append(world.try_once())

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        world.hardware.take_away()
        time.sleep(0.3)
        world.hardware.put_back()
        world.served_again()
    over.set()
    for thread in clients:
        thread.join()
    say({reason: answers.count(reason) for reason in set(answers)})
    true(set(answers) <= {OK, *world.hardware.gone, "TPM_BUSY"}, set(answers))
    world.halt()
    world.outages()
    world.log()


@suite.test("another PIN: one try, until the file has the right one", roots=("hsm",))
def pin(world):
    world.serve()
    equal(world.try_once(), OK, "before")
    fresh = "fresh-5gT1kZ0q"
    world.hardware.tool("pkcs11-tool", "--module", world.hardware.module, "--token-label",
                        world.hardware.label, "--login", "--pin", world.hardware.pin,
                        "--change-pin", "--new-pin", fresh)
    equal(world.try_once(), OK, "who is logged in stays so")
    world.strike("C_Sign", code=0xB0)
    equal(world.try_once(), "HSM_PIN_WRONG", "a session that has to be opened anew")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        equal(world.try_once(), "HSM_PIN_WRONG", "with the old PIN in the file")
        told = world.call("GET", "/v1/gate", kind="admin").json()
        equal(told["error"], "HSM_PIN_WRONG", "what an administrator is told, with the old PIN")
    equal(world.token.calls("C_Login"), 1, "wrong PINs that the token saw")
    write(world.hardware.pin_file, fresh.encode() + b"\n")
    world.served_again()
    equal(world.token.calls("C_Login"), 2, "PINs that the token saw")
    write(world.hardware.pin_file, world.hardware.pin.encode() + b"\n")
    world.hardware.tool("pkcs11-tool", "--module", world.hardware.module, "--token-label",
                        world.hardware.label, "--login", "--pin", fresh,
                        "--change-pin", "--new-pin", world.hardware.pin)
    world.over(["HSM_PIN_WRONG"])


if __name__ == "__main__":
    main(suite, Trouble, Trouble.prepare)
