#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_scenario.py: the certification scenario of OpenID AuthZEN (authorization-api-1_0-scenario),
Basic, Batch and Discovery, each under its own id, against pawld and rules of its fixture. Whoever
certifies knows no classes of actions: pawld has --class."""

import json

from daemon import Connection, Service
from tap import Suite, equal, true
from world import main

suite = Suite()

# c-1-4. What subjects say of themselves is no evidence here: that bob is an administrator stands in
# the rules, where rule 6 wants it.
RULES = """
permit (principal == user::"alice", action == Action::"read", resource == record::"record-1");
permit (principal == user::"alice", action == Action::"write", resource)
unless { resource has status && resource.status == "archived" };
permit (principal == user::"alice", action == Action::"delete", resource == record::"record-1")
when { context.action has soft && context.action.soft };
permit (principal == user::"bob", action == Action::"read", resource == record::"record-1");
permit (principal == user::"bob", action == Action::"write", resource)
when { resource has status && resource.status == "archived" };
"""


def entity(kind, name, **properties):
    return {"type": kind, "id": name, **({"properties": properties} if properties else {})}


def act(name, **properties):
    return {"action": {"name": name, **({"properties": properties} if properties else {})}}


ALICE, BOB = {"subject": entity("user", "alice")}, {"subject": entity("user", "bob")}
ADMIN = {"subject": entity("user", "bob", role="admin")}
READ, WRITE = act("read"), act("write")
ONE, TWO = {"resource": entity("record", "record-1")}, {"resource": entity("record", "record-2")}
ACTIVE = {"resource": entity("record", "record-1", status="active")}
ARCHIVED = {"resource": entity("record", "record-2", status="archived")}
WHOLE = {**ALICE, **READ, **ONE}
TIME = "2025-06-27T18:03-07:00"

# Decisions of the fixture; None: any.
BASIC = [
    ("c-2-2-1", WHOLE, True),
    ("c-2-2-2", {**BOB, **WRITE, **ONE}, False),
    ("c-2-2-3", {**WHOLE, "context": {"time": TIME, "ip": "192.168.1.1"}}, True),
    ("c-2-2-4", {**ALICE, **WRITE, **ARCHIVED}, False),
    ("c-2-2-5", {**ADMIN, **WRITE, **ARCHIVED}, True),
    ("c-2-2-6", {**ALICE, **act("delete", soft=True), **ONE}, True),
    ("c-2-2-7", {**ALICE, **act("delete", soft=False), **ONE}, False),
    ("c-2-2-8", {"subject": entity("user", "alice", department="Sales"), **act("read", via="API"),
                 "resource": entity("record", "record-1", owner="bob")}, None),
    ("c-2-2-9", {**WHOLE, "foo": "bar", "futureField": {"nested": True}}, None),
    ("c-1-4 rule 2", {**ALICE, **WRITE, **ONE}, True),
    ("c-1-4 rule 3", {**BOB, **READ, **ONE}, True),
]

BATCH = [
    ("c-3-2-1", {**ALICE, **READ, "evaluations": [ONE, TWO]}, [None, None]),
    ("c-3-2-2", {**BOB, **ONE, "evaluations": [READ, WRITE]}, [True, False]),
    ("c-3-2-3", {**ALICE, **WRITE, "evaluations": [ACTIVE, ARCHIVED]}, [True, False]),
    ("c-3-2-4", {**WRITE, **ARCHIVED, "evaluations": [ALICE, ADMIN]}, [False, True]),
    ("c-3-2-5", {"evaluations": [WHOLE, {**BOB, **WRITE, **ONE}]}, [True, False]),
    ("c-3-2-6", {**ALICE, **READ, "context": {"time": TIME}, "evaluations": [
        ONE, {**TWO, "context": {"time": TIME, "source": "batch-override"}}]}, [None, None]),
    ("c-3-2-7", {**ALICE, **WRITE, **ACTIVE, "evaluations": [{}, ARCHIVED]}, [True, False]),
    ("c-3-4-1", {**ALICE, **READ, "evaluations": [ONE, {}]}, [True, False]),
]


def without(body, *path):
    copy = json.loads(json.dumps(body))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return copy


REFUSED = [
    *((f"c-2-4-1 {name}", without(WHOLE, name)) for name in WHOLE),
    *((f"c-2-4-2 {'.'.join(path)}", without(WHOLE, *path)) for path in (
        ("subject", "type"), ("subject", "id"), ("action", "name"), ("resource", "type"),
        ("resource", "id"))),
    ("c-2-4-4", b'{"subject": {"type": "user"'),
    ("c-2-4-5", b""),
    ("c-2-4-6 subject", {**WHOLE, "subject": "alice"}),
    ("c-2-4-6 action.name", {**WHOLE, "action": {"name": 123}}),
]


class Scenario(Service):
    def build_fixture(self):
        self.go("enrolled")
        self.install(self.next_epoch(RULES))


def decided(name, one, want):
    true(isinstance(one["decision"], bool), f"{name}: c-2-3-1: {one}")
    true(isinstance(one.get("context", {}), dict), f"{name}: c-2-3-2: {one}")
    if want is not None:
        equal(one["decision"], want, f"{name}: {one}")


@suite.test("Basic: decisions, each on both endpoints and twice", at="fixture")
def basic(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, body, want in BASIC:
        for ask in (world.evaluate, world.evaluate, world.evaluations):  # c-2-6, c-3-4-2
            got = ask(body, link=link)
            equal((got.status, got.headers["Content-Type"]), (200, "application/json"), name)
            decided(name, got.json(), want)
    got = world.evaluations({**WHOLE, "evaluations": []}, link=link)
    decided("c-3-4-3", got.json(), True)
    world.halt()


@suite.test("Basic: what is refused, and request ids", at="fixture")
def refused(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, body in REFUSED:
        equal(world.evaluate(body, link=link).status, 400, name)
    got = world.evaluate(WHOLE, headers={"Content-Type": "text/plain"}, link=link)
    true(got.status in (400, 415), f"c-2-4-3: {got.status}")
    got = world.evaluate(WHOLE, headers={"X-Request-ID": "bfe9eb29"}, link=link)
    equal((got.status, got.headers["X-Request-ID"]), (200, "bfe9eb29"), "c-2-5-1")
    got = world.evaluate(WHOLE, link=link)
    equal((got.status, got.headers["X-Request-ID"]), (200, None), "c-2-5-2")
    world.halt()


@suite.test("Batch: order, number and decisions", at="fixture")
def batch(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, body, want in BATCH:
        got = world.evaluations(body, link=link)
        equal(got.status, 200, f"{name}: {got.bytes}")
        value = got.json()
        equal(len(value["evaluations"]), len(want), f"{name}: c-3-3-1")
        for one, decision in zip(value["evaluations"], want):  # c-3-3-2, c-3-3-3
            decided(name, one, decision)
    equal(world.evaluations(b'{"evaluations": [', link=link).status, 400, "c-3-4: not JSON")
    world.halt()


@suite.test("Discovery", at="fixture")
def discovery(world):
    world.serve("--class", "execute")
    got = world.call("GET", "/.well-known/authzen-configuration")
    equal((got.status, got.headers["Content-Type"]), (200, "application/json"), "c-6")
    value = got.json()
    for name, path in (("access_evaluation_endpoint", "/access/v1/evaluation"),
                       ("access_evaluations_endpoint", "/access/v1/evaluations")):
        equal(value[name], value["policy_decision_point"] + path, "c-6")
    world.halt()


if __name__ == "__main__":
    main(suite, Scenario)
