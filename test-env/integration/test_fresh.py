#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_fresh.py: @freshness through pawld: who is told how old the hardware's check was, that every
answer is proved and on record all the same, and that a window is no way around the hardware."""

import os
import shutil
import threading

from daemon import Connection, Service, evaluation
from tap import Suite, equal, true
from world import CURL, GIT, LAX, copy, main, write

suite = Suite()
HOUR = 3600000
MAKE, OTHER = "program::/usr/bin/make", "program::/usr/bin/vi"
WINDOWS = """
@id("long") @freshness("60m")
permit (principal == agent::"build-7", action, resource == program::"/usr/bin/git");
@id("none")
permit (principal == agent::"build-7", action, resource == program::"/usr/bin/make");
@id("never") @freshness("2m")
forbid (principal, action, resource == program::"/usr/bin/curl");
"""
CLIENTS, EACH = 12, 20


def serve_windows(world):
    world.install(world.next_epoch(WINDOWS))
    world.serve()


def expect_age(context, most):
    """The check of an answer with a window is not older than that; of others it is not said."""
    age = context.get("checked_ms_ago")
    if most is None:
        equal(age, None, f"checked_ms_ago: {context}")
    else:
        true(isinstance(age, int) and 0 <= age <= most, f"checked_ms_ago, not {most}: {context}")


@suite.test("the age of the check, in answers that have a window", at="epoch1")
def ages(world):
    serve_windows(world)
    for name, decision, policies, most in (
            (MAKE, True, ["none"], None), (GIT, True, ["long"], HOUR), (OTHER, False, [], None),
            (CURL, False, ["never"], 120000), (GIT, True, ["long"], HOUR)):
        context = world.ask(name, decision)
        equal([one["policy"] for one in context["determining"]], policies, context)
        expect_age(context, most)
    world.halt()
    got = world.log()
    equal((got["lost_attempts"], got["open_attempts"]), (0, 0), got)
    # Without a service each request has a check of its own, and the answer does not say more.
    world.check(GIT, True)


@suite.test("a policy of another object takes the window away", at="epoch1")
def two_objects(world):
    world.sign(LAX, alias="baseline")
    serve_windows(world)
    context = world.ask(GIT, True)
    aliases = sorted(policy["alias"] for policy in context["policies"])
    equal(aliases, ["baseline", "builds"], context)
    expect_age(context, None)
    world.halt()
    world.log()


REFUSED = ["", "5", "5 s", "05s", "-1s", "1h", "61m", "3601s", "3600001ms", "99999999999999999999s"]


@suite.test("what is no window is not signed, and one of an hour is", at="bare", roots=("hsm",))
def values(world):
    path = f"{world.live}/rules.cedar"
    for value in REFUSED:
        write(path, f'@id("x") @freshness("{value}") {LAX}'.encode())
        error = world.pawl("policy", "sign", path, "--authority", world.authority, "--alias",
                           "builds", "--actions", "execute", want="CEDAR_ANNOTATION")["error"]
        for word in ('"x"', f'"{value}"', "60m"):
            true(word in error["why"], error)
    for value in ("0s", "1ms", "3600s", "60m"):
        world.sign(f'@freshness("{value}") {LAX}')


@suite.test("many at once, with windows and without: every answer is on record", at="epoch1")
def crowd(world):
    serve_windows(world)
    answers, errors, lock = [], [], threading.Lock()

    def client(number):
        try:
            link = Connection(world.socket())
            for turn in range(EACH):
                name = (GIT, MAKE, GIT, CURL)[(number + turn) % 4]
                value = world.evaluate(evaluation(name), link=link).json()
                with lock:
                    answers.append((name, value))
            link.close()
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(errors, [], "clients")
    equal(len(answers), CLIENTS * EACH, "answers")
    for name, value in answers:
        equal(value["decision"], name != CURL, f"{name}: {value}")
        expect_age(value["context"], {GIT: HOUR, MAKE: None, CURL: 120000}[name])
    for name, value in answers[::10]:
        world.keep(value["context"], value["decision"])
    indexes = {value["context"]["ledger"]["index"] for _, value in answers}
    equal(len(indexes), len(answers), "places in the ledger")
    world.halt()
    got = world.log()
    equal((got["lost_attempts"], got["open_attempts"]), (0, 0), got)


@suite.test("somebody steps the hardware within the window: no permit", at="epoch1")
def stepped(world):
    other = f"{world.base}/other"
    serve_windows(world)
    bundle = world.next_epoch(WINDOWS)
    world.ask(GIT, True)
    copy(world.state, other)
    shutil.rmtree(f"{other}/run")
    os.unlink(f"{other}/service.json")  # or pawl would have the service install it
    world.pawl("install", bundle, "--state", other)
    reasons = []
    for _ in range(3):
        value = world.evaluate(evaluation(GIT)).json()
        equal(value["decision"], False, f"{value}")
        true("permit" not in value["context"] and "ledger" not in value["context"], value)
        reasons.append(value["context"]["reason"])
    # First what the hardware refused, unless the service had looked after it meanwhile.
    first = ("ROLLBACK", "TPM_POLICY", "HSM_KEY_MISSING", "LEDGER_INCONSISTENT")
    true(reasons[0] in first, reasons)
    equal(reasons[2], "ROLLBACK", reasons)
    world.kill()
    shutil.rmtree(other)


if __name__ == "__main__":
    main(suite, Service)
