#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_agents.py: agents enrolled, listed, shown and removed: on record, found again after a
rebuild, refused where they contradict each other; and asked under the policies and in the zone that
they are enrolled with."""

import os

from tap import Suite, equal, true
from world import CURL, GIT, LAX, World, main

suite = Suite()
FACTS = {"id": "build-7", "name": "The builder", "uid": 4001,
         "cgroup": "/agents.slice/build-7.service", "zone": "lab", "parent": "owner",
         "aliases": ["builds", "more"]}


class Agents(World):
    def enrol(self, name, *options, **more):
        return self.pawl("agent", "enrol", name, *options, **more)

    def remove(self, name, **more):
        return self.pawl("agent", "remove", name, **more)

    def agents(self):
        return self.pawl("agent", "list")["agents"]

    def last(self, kind):
        return [e for e in self.pawl("log", "show")["entries"] if e["kind"] == kind][-1]

    def denied(self, want):
        equal(self.check(GIT, False)["reason"], want, "reason")


def facts_of(agent):
    return {key: value for key, value in agent.items() if key in FACTS}


@suite.test("enrolled, shown, removed: and on record", at="epoch1")
def on_record(world):
    equal(world.agents(), [], "agents of a new gate")
    world.enrol("owner")
    got = world.enrol("build-7", "--name", "The builder", "--uid", 4001, "--cgroup",
                      "/agents.slice/build-7.service", "--zone", "lab", "--parent", "owner",
                      "--alias", "more", "--alias", "builds", "--alias", "more")
    equal(facts_of(got), FACTS, "what was enrolled")
    equal(got["admin"], os.getuid(), "who did it")
    record = world.last("agent_enrol")
    equal((got["ledger_index"], got["since"]), (record["index"], record["time"]), "its record")
    true("build-7" in record["detail"], f"{record}")
    shown = world.pawl("agent", "show", "build-7")
    del got["published"], got["aliases_without_policy"]
    equal(shown, got, "what is shown")
    equal([agent["id"] for agent in world.agents()], ["build-7", "owner"], "all of them")
    listed = world.agents()
    world.pawl("log", "rebuild")
    equal(world.agents(), listed, "after a rebuild")
    world.log()
    world.remove("build-7")
    true("build-7" in world.last("agent_remove")["detail"], "on record")
    world.remove("owner")
    equal(world.agents(), [], "in the end")
    world.log()


@suite.test("what contradicts itself is refused, and nothing is recorded", at="epoch1")
def refused(world):
    world.enrol("owner", "--uid", 4000)
    world.enrol("build-7", "--parent", "owner", "--cgroup", "/a")
    size = world.log()["size"]
    for want, name, *options in (
            ("EXISTS", "owner"), ("EXISTS", "other", "--uid", 4000),
            ("EXISTS", "other", "--cgroup", "/a"), ("NOT_FOUND", "other", "--parent", "nobody"),
            ("NOT_FOUND", "other", "--user", "nobody-of-this-name"),
            ("FORMAT", "other", "--cgroup", "a"), ("FORMAT", "other", "--cgroup", "/a/../b"),
            ("FORMAT", "two\nlines"), ("FORMAT", ""), ("FORMAT", "other", "--alias", ""),
            ("USAGE", "other", "--zone", ""), ("USAGE", "other", "--uid", -1),
            ("USAGE", "other", "--uid", 4294967295), ("USAGE", "other", "--uid", "4001x"),
            ("USAGE", "other", "--uid", 1, "--user", "root"), ("USAGE", "other", "more")):
        world.enrol(name, *options, want=want)
    world.remove("nobody", want="NOT_FOUND")
    world.remove("owner", want="AGENT_PARENT")
    world.pawl("agent", "show", "other", want="NOT_FOUND")
    equal(world.log()["size"], size, "entries")
    world.enrol("other", "--user", "root", "--cgroup", "/a")
    equal(world.pawl("agent", "show", "other")["uid"], 0, "uid of root")
    world.sound(1)


@suite.test("a request adds to the policies of the enrolment, and takes none away", at="epoch1")
def aliases(world):
    world.enrol("build-7", "--alias", "strict")
    world.denied("ALIAS_UNKNOWN")
    world.sign(LAX + 'forbid (principal, action, resource == program::"/usr/bin/curl");\n',
               alias="strict")
    world.install(world.publish())
    world.check(GIT, True, 2)
    world.check(CURL, False, 2)
    world.sign(LAX, alias="strict", actions="mutate")
    world.install(world.publish())
    world.denied("NO_POLICY")
    world.remove("build-7")
    world.check(GIT, True, 3)
    world.log()


@suite.test("an agent stands in its own zone", at="epoch1")
def zones(world):
    world.sign(LAX, zone="lab")
    world.install(world.publish())
    world.denied("NO_POLICY")
    world.enrol("build-7", "--zone", "lab")
    world.check(GIT, True, 2)
    world.remove("build-7")
    world.enrol("build-7", "--zone", "plant")
    world.denied("NO_POLICY")
    world.log()


if __name__ == "__main__":
    main(suite, Agents)
