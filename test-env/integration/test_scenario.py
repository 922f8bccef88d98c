#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_scenario.py: the certification scenario of OpenID AuthZEN (authorization-api-1_0-scenario),
Basic, Batch and Discovery, each under its own id, against pawld and rules of its fixture. Whoever
certifies knows no classes of actions: pawld has --class. Not claimed: Search (c-4), for which there
is no endpoint, and HTTPS (c-5, its first rule), which is another listener's."""

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

# What the scenario wants (None: any decision, and nothing but the form is looked at), and what the
# rules above answer where it does not say.
BASIC = [
    ("c-2-2-1", "Core", WHOLE, True, True),
    ("c-2-2-2", "Core", {**BOB, **WRITE, **ONE}, False, False),
    ("c-2-2-3", "Core", {**WHOLE, "context": {"time": TIME, "ip": "192.168.1.1"}}, True, True),
    ("c-2-2-4", "Properties", {**ALICE, **WRITE, **ARCHIVED}, False, False),
    ("c-2-2-5", "Properties", {**ADMIN, **WRITE, **ARCHIVED}, True, True),
    ("c-2-2-6", "Properties", {**ALICE, **act("delete", soft=True), **ONE}, True, True),
    ("c-2-2-7", "Properties", {**ALICE, **act("delete", soft=False), **ONE}, False, False),
    ("c-2-2-8", "Core", {
        "subject": entity("user", "alice", department="Sales", role="manager"),
        **act("read", method="GET"),
        "resource": entity("record", "record-1", status="active", owner="bob")}, True, True),
    ("c-2-2-9", "Core", {**WHOLE, "foo": "bar", "futureField": {"nested": True}}, True, True),
    ("c-1-4 rule 2", "Core", {**ALICE, **WRITE, **ONE}, True, True),
    ("c-1-4 rule 3", "Core", {**BOB, **READ, **ONE}, True, True),
]

BATCH = [
    ("c-3-2-1", "Core", {**ALICE, **READ, "evaluations": [ONE, TWO]}, [None, None], [True, False]),
    ("c-3-2-2", "Core", {**BOB, **ONE, "evaluations": [READ, WRITE]}, [True, False], [True, False]),
    ("c-3-2-3", "Properties", {**ALICE, **WRITE, "evaluations": [ACTIVE, ARCHIVED]}, [True, False],
     [True, False]),
    ("c-3-2-4", "Properties", {**WRITE, **ARCHIVED, "evaluations": [ALICE, ADMIN]}, [False, True],
     [False, True]),
    ("c-3-2-5", "Core", {"evaluations": [WHOLE, {**BOB, **WRITE, **ONE}]}, [True, False],
     [True, False]),
    ("c-3-2-6", "Core", {**ALICE, **READ, "context": {"time": TIME}, "evaluations": [
        ONE, {**TWO, "context": {"time": TIME, "source": "batch-override"}}]}, [None, None],
     [True, False]),
    ("c-3-2-7", "Properties", {**ALICE, **WRITE, **ACTIVE, "evaluations": [{}, ARCHIVED]},
     [True, False], [True, False]),
    ("c-3-4-1", "Core", {**ALICE, **READ, "options": {"evaluations_semantic": "execute_all"},
                         "evaluations": [ONE, {}]}, [True, False], [True, False]),
]

# c-3-2-7 and 7.1.1 of the API, the other way round: a part of an object is not added to the
# default, but is all there is, and lacks the rest.
PARTS = {**ALICE, **WRITE, "resource": {"type": "record"}, "evaluations": [
    {"resource": {"id": "record-1", "properties": {"status": "active"}}}, ACTIVE]}


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
    patience = {}

    def build_fixture(self):
        self.go("enrolled")
        self.install(self.next_epoch(RULES))


def decided(name, one, want, here):
    true(isinstance(one["decision"], bool), f"{name}: c-2-3-1: {one}")
    true(isinstance(one.get("context", {}), dict), f"{name}: c-2-3-2: {one}")
    if want is not None:
        equal(one["decision"], want, f"{name}: {one}")
    equal(one["decision"], here, f"{name}, by our rules: {one}")


@suite.test("Basic: decisions, each on both endpoints and twice", at="fixture")
def basic(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, level, body, want, here in BASIC:
        for ask in (world.evaluate, world.evaluate, world.evaluations):  # c-2-6, c-3-4-2
            got = ask(body, link=link)
            equal((got.status, got.headers["Content-Type"]), (200, "application/json"), name)
            decided(f"{name} ({level})", got.json(), want, here)
    got = world.evaluations({**WHOLE, "evaluations": []}, link=link)
    equal((got.status, "evaluations" in got.json()), (200, False), "c-3-4-3")
    decided("c-3-4-3", got.json(), True, True)
    world.halt()


TYPES = [
    ("text/plain", 400), ("application/jsonp", 400), ("application/json-patch+json", 400),
    ("application/x-www-form-urlencoded", 400), ("", 400), ("application/json", 200),
    ("application/json; charset=utf-8", 200), ("Application/JSON;charset=UTF-8", 200),
]


@suite.test("Basic: what is refused, and request ids", at="fixture")
def refused(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, body in REFUSED:
        got = world.evaluate(body, headers={"X-Request-ID": name}, link=link)
        equal((got.status, got.headers["X-Request-ID"]), (400, name), f"{name}: {got.bytes}")
        true(got.json()["message"], name)
    for kind, status in TYPES:
        for ask in (world.evaluate, world.evaluations):
            got = ask(WHOLE, headers={"Content-Type": kind}, link=link)
            equal(got.status, status, f"c-2-4-3: {kind!r}")
    got = world.evaluate(WHOLE, headers={"X-Request-ID": "bfe9eb29"}, link=link)
    equal((got.status, got.headers["X-Request-ID"]), (200, "bfe9eb29"), "c-2-5-1")
    got = world.evaluate(WHOLE, link=link)
    equal((got.status, got.headers["X-Request-ID"]), (200, None), "c-2-5-2")
    world.halt()


@suite.test("Batch: order, number and decisions", at="fixture")
def batch(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for name, level, body, want, here in BATCH:
        got = world.evaluations(body, link=link)
        equal((got.status, got.headers["Content-Type"]), (200, "application/json"),
              f"{name}: {got.bytes}")
        value = got.json()
        equal(set(value), {"evaluations"}, f"{name}: c-3-3-4")
        equal(len(value["evaluations"]), len(want), f"{name}: c-3-3-1")
        for one, *decision in zip(value["evaluations"], want, here):  # c-3-3-2, c-3-3-3
            decided(f"{name} ({level})", one, *decision)
    equal(value["evaluations"][1]["context"]["error"]["status"], 400, "c-3-4-1: which failed")
    first, second = world.evaluations(PARTS, link=link).json()["evaluations"]
    decided("a part of an object", first, None, False)
    equal(first["context"]["error"]["status"], 400, "a part of an object")
    decided("a whole object", second, None, True)
    equal(world.evaluations(b'{"evaluations": [', link=link).status, 400, "c-3-4: not JSON")
    world.halt()


# Three that are denied, permitted, denied, and one that is malformed.
SHORT = {**ALICE, **READ, "evaluations": [TWO, ONE, TWO, {"resource": 7}]}
SEMANTICS = [
    ({}, [False, True, False, False]),
    ({"evaluations_semantic": "execute_all"}, [False, True, False, False]),
    ({"evaluations_semantic": "deny_on_first_deny"}, [False]),
    ({"evaluations_semantic": "permit_on_first_permit"}, [False, True]),
    ({"another_option": 1}, [False, True, False, False]),
    ({"evaluations_semantic": "all"}, None),
    ({"evaluations_semantic": ""}, None),
    ({"evaluations_semantic": "EXECUTE_ALL"}, None),
    ({"evaluations_semantic": None}, None),
    ({"evaluations_semantic": ["execute_all"]}, None),
    (None, None),
    ([], None),
]


@suite.test("Batch: how far it is executed (7.1.2.1 of the API)", at="fixture")
def semantics(world):
    world.serve("--class", "execute")
    link = Connection(world.socket())
    for options, want in SEMANTICS:
        got = world.evaluations({**SHORT, "options": options}, link=link)
        equal(got.status, 200 if want else 400, f"{options}: {got.bytes}")
        if want:
            equal([one["decision"] for one in got.json()["evaluations"]], want, options)
    got = world.evaluations({**SHORT, "evaluations": [{"resource": 7}, ONE], "options": {
        "evaluations_semantic": "deny_on_first_deny"}}, link=link).json()
    equal([one["decision"] for one in got["evaluations"]], [False], "a failure ends it, too")
    world.halt()


@suite.test("Discovery", at="fixture")
def discovery(world):
    world.serve("--class", "execute")
    got = world.call("GET", "/.well-known/authzen-configuration")
    equal((got.status, got.headers["Content-Type"]), (200, "application/json"), "c-6-2")
    value = got.json()
    equal(value["policy_decision_point"], "https://gate", "c-6-3, c-6-5: the URL that was used")
    for name, path in (("access_evaluation_endpoint", "/access/v1/evaluation"),  # c-6-3
                       ("access_evaluations_endpoint", "/access/v1/evaluations")):  # c-6-4
        equal(value[name], value["policy_decision_point"] + path, "c-6-5")
    equal(len(value), 3, f"what is not served is not named: {value}")
    world.halt()


if __name__ == "__main__":
    main(suite, Scenario)
