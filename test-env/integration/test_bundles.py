#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_bundles.py: bundles that no gate may install: put together by outsiders from what they found
or made themselves, and such as an authority makes by mistake or with too few of its keys. Each is
refused with its own name; nothing is stored, and the gate goes on as before."""

import os
import time

from busy import Busy, refused
from forge import Bundle, Signed, digest_of, root_digest, text_id
from tap import Suite
from world import LAX, STRICT, main

suite = Suite()
NOW = int(time.time())
DAY = 86400


# ---- outsiders: no key of the authority ----------------------------------------------------------

def old_snapshot_new_grants(world):
    bundle, old = world.bundle(3), world.bundle(1)
    bundle.snapshot, bundle.policies = old.snapshot, old.policies
    return bundle


def old_snapshot_relabelled(world):
    bundle, old = world.bundle(3), world.bundle(1)
    members = {"epoch": 3, "previous": bundle.signed().content()["previous"]}
    bundle.snapshot = Signed(old.snapshot).edit(members).bytes()
    bundle.policies = old.policies
    return bundle


def old_policies_for_new(world):
    bundle = world.bundle(3)
    place, _ = bundle.policy("builds", 3)
    del bundle.policies[place]
    return bundle


def old_policy_relabelled(world):
    bundle = world.bundle(3)
    place, _ = bundle.policy("builds", 3)
    previous = digest_of(bundle.policies[bundle.policy("builds", 2)[0]])
    _, old = bundle.policy("builds", 1)
    bundle.policies[place] = old.edit({"version": 3, "previous": previous}).bytes()
    return bundle


def edited_rules(world):
    bundle = world.bundle(3)
    place, policy = bundle.policy("builds", 3)
    bundle.policies[place] = policy.edit({"policies": LAX}).bytes()
    return bundle


def edited_rules_relisted(world):
    """The snapshot lists the edited object, signed by nobody who may."""
    bundle = world.bundle(3)
    place, policy = bundle.policy("builds", 3)
    return bundle.replace_policy(place, policy.edit({"policies": LAX}).bytes(), [world.stranger])


def other_authority(world):
    return Bundle(f"{world.bundles}/other.bundle")


def others_snapshot(world):
    bundle, other = world.bundle(3), other_authority(world)
    ours = bundle.signed().content()
    members = {name: ours[name] for name in ("epoch", "root", "previous")}
    theirs = Signed(other.snapshot).edit(members)
    bundle.snapshot = theirs.sign(*world.keys("snapshot", "other")).bytes()
    bundle.policies = other.policies
    return bundle


def others_root_on_top(world):
    bundle, other = world.bundle(3), other_authority(world)
    second = Signed(other.roots[0]).edit({"version": 2}).sign(*world.keys("root", "other"))
    bundle.roots.append(second.bytes())
    return bundle


def others_root_below(world):
    bundle, other = world.bundle(3), other_authority(world)
    bundle.roots = other.roots + [Signed(bundle.roots[0]).edit({"version": 2}).bytes()]
    return bundle


def no_snapshot_signature(world):
    bundle = world.bundle(3)
    bundle.snapshot = bundle.signed().sign().bytes()
    return bundle


def strangers_snapshot(world):
    bundle = world.bundle(3)
    bundle.snapshot = bundle.signed().sign(world.stranger).bytes()
    return bundle


def stranger_names_our_key(world):
    bundle, liar = world.bundle(3), world.stranger
    liar.kid = world.keys("snapshot")[0].kid
    bundle.snapshot = bundle.signed().edit({"revoked": []}).sign(liar).bytes()
    return bundle


def policy_as_snapshot(world):
    bundle = world.bundle(3)
    bundle.snapshot = bundle.policies[-1]
    return bundle


def snapshot_as_policy(world):
    bundle = world.bundle(3)
    bundle.policies.append(world.bundle(2).snapshot)
    return bundle


def others_policy(world):
    bundle, other = world.bundle(3), other_authority(world)
    bundle.policies.append(other.policies[0])
    return bundle


def no_roots(world):
    bundle = world.bundle(3)
    bundle.roots = []
    return bundle


def enrolment_bundle(world):
    bundle = Bundle(f"{world.authority}/enrol.bundle")
    return bundle


OUTSIDE = [
    ("an old snapshot with new grants", old_snapshot_new_grants, "ROLLBACK"),
    ("an old snapshot that says epoch 3", old_snapshot_relabelled, "SIGNATURE_INVALID"),
    ("the old policies with the new snapshot", old_policies_for_new, "SUCCESSION"),
    ("an old policy that says version 3", old_policy_relabelled, "SIGNATURE_INVALID"),
    ("rules edited", edited_rules, "SIGNATURE_INVALID"),
    ("rules edited and listed by a stranger", edited_rules_relisted, "SIGNER_UNKNOWN"),
    ("of another authority of the same domain", other_authority, "ROOT_UNTRUSTED"),
    ("another authority's snapshot under our root", others_snapshot, "SIGNER_UNKNOWN"),
    ("another authority's root as version 2", others_root_on_top, "SIGNER_UNKNOWN"),
    ("another authority's root below ours", others_root_below, "ROOT_UNTRUSTED"),
    ("a snapshot without signatures", no_snapshot_signature, "COSE_MALFORMED"),
    ("a snapshot signed by a stranger", strangers_snapshot, "SIGNER_UNKNOWN"),
    ("a stranger's signature in our key's name", stranger_names_our_key, "SIGNATURE_INVALID"),
    ("a policy as snapshot", policy_as_snapshot, "FORMAT"),
    ("a snapshot among the policies", snapshot_as_policy, "FORMAT"),
    ("another authority's policy among ours", others_policy, "SIGNER_UNKNOWN"),
    ("no root metadata", no_roots, "FORMAT"),
    ("an enrolment bundle", enrolment_bundle, "FORMAT"),
]


@suite.cases(OUTSIDE, at="next")
def outside(world, make, want):
    refused(world, world.made(make(world)), want)


# ---- grants: what the TPM itself goes by ---------------------------------------------------------

def grants_of_epoch_2(world):
    bundle = world.bundle(3)
    bundle.grants = world.bundle(2).grants
    return bundle


def grants_relabelled(world):
    bundle = grants_of_epoch_2(world)
    for grant in bundle.grants:
        grant["epoch"] = 3
    return bundle


def without(kind):
    def make(world):
        bundle = world.bundle(3)
        bundle.grants = [grant for grant in bundle.grants if grant["for"] != kind]
        return bundle

    return make


def swapped_kinds(world):
    bundle = world.bundle(3)
    for grant in bundle.grants:
        grant["for"] = {"sign": "certify", "certify": "sign"}.get(grant["for"], grant["for"])
    return bundle


def others_grants(world):
    """Signed by a ratchet key, but not by ours."""
    bundle = world.bundle(3)
    for grant in bundle.grants:
        grant["kid"] = world.keys("ratchet", "other")[0].kid
    return bundle


def bent_signatures(world):
    bundle = world.bundle(3)
    for grant in bundle.grants:
        grant["signature"] = bytes([grant["signature"][0] ^ 1]) + grant["signature"][1:]
    return bundle


def another_snapshots(world):
    """Of the epoch, and made for the snapshot that was published, not for this one."""
    return revoking_a_signer((0, 1, 2))(world)


def other_index(world):
    bundle = world.bundle(3)
    for grant in bundle.grants:
        grant["index"] += 1
    return bundle


GRANTS = [
    ("grants of epoch 2", grants_of_epoch_2, "GRANT_INVALID"),
    ("grants of epoch 2 that say epoch 3", grants_relabelled, "GRANT_INVALID"),
    ("no grant to bump", without("bump"), "GRANT_INVALID"),
    ("no grant to sign", without("sign"), "GRANT_INVALID"),
    ("no grant to certify", without("certify"), "GRANT_INVALID"),
    ("grants to sign and to certify exchanged", swapped_kinds, "GRANT_INVALID"),
    ("grants in the name of another authority's key", others_grants, "GRANT_INVALID"),
    ("grants with a bit flipped in the signature", bent_signatures, "GRANT_INVALID"),
    ("grants for another counter", other_index, "GRANT_INVALID"),
    ("grants for another snapshot of the epoch", another_snapshots, "GRANT_INVALID"),
]


@suite.cases(GRANTS, at="next", roots=("tpm",))
def grants(world, make, want):
    refused(world, world.made(make(world)), want)


# ---- the authority's own keys, too few of them or used wrongly -----------------------------------

def resigned(signers):
    """Epoch 3 with its policy signed by whom signers(world) names."""

    def make(world):
        bundle = world.bundle(3)
        place, policy = bundle.policy("builds", 3)
        data = policy.sign(*signers(world)).bytes()
        return bundle.replace_policy(place, data, world.keys("snapshot"))

    return make


def listing(**content):
    """Epoch 3 with members of its snapshot changed, signed by the snapshot key."""

    def make(world):
        bundle = world.bundle(3)
        bundle.snapshot = bundle.signed().edit(content).sign(*world.keys("snapshot")).bytes()
        return bundle

    return make


def claiming(**claims):
    labels = {"iss": 1, "sub": 2, "exp": 4, "iat": 6}

    def make(world):
        bundle = world.bundle(3)
        edited = bundle.signed().edit(claims={labels[name]: v for name, v in claims.items()})
        bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
        return bundle

    return make


def revoking_a_signer(signers):
    def make(world):
        keys = world.keys("policy")
        bundle = resigned(lambda world: [keys[i] for i in signers])(world)
        revoked = [{"id": keys[0].kid, "kind": "key", "since": NOW, "reason": "stolen"}]
        edited = bundle.signed().edit({"revoked": revoked})
        bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
        return bundle

    return make


def forked_policy(world):
    """Another version 2, properly signed: two contents for one version."""
    world.sign(LAX, authority=f"{world.live}/fork-of-1")
    fork = Bundle(world.publish(authority=f"{world.live}/fork-of-1", name="fork"))
    bundle = world.bundle(3)
    bundle.policies = fork.policies
    digest = digest_of(fork.policies[fork.policy("builds", 2)[0]])
    edited = bundle.signed().edit({"policies": {"builds": [2, digest]}})
    bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
    return bundle


def forked_predecessor(world):
    """Version 3 follows a version 2 that this gate has not seen."""
    bundle, fork = world.bundle(3), forked_policy(world)
    forked = fork.policies[fork.policy("builds", 2)[0]]
    place, policy = bundle.policy("builds", 3)
    bundle.policies[bundle.policy("builds", 2)[0]] = forked
    data = policy.edit({"previous": digest_of(forked)}).sign(*world.keys("policy")).bytes()
    return bundle.replace_policy(place, data, world.keys("snapshot"))


def forked_snapshot(world):
    """Another epoch 2."""
    world.sign(LAX, authority=f"{world.live}/fork-of-1")
    return Bundle(world.publish(authority=f"{world.live}/fork-of-1", name="fork"))


def version_back(world):
    bundle = world.bundle(3)
    place, policy = bundle.policy("builds", 1)
    bundle.policies = [policy.bytes()]
    edited = bundle.signed().edit({"policies": {"builds": [1, digest_of(policy.bytes())]}})
    bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
    return bundle


def gap(world):
    """Version 4 without version 3."""
    world.next_epoch(STRICT + "// four\n")
    bundle = world.bundle(4)
    del bundle.policies[bundle.policy("builds", 3)[0]]
    return bundle


def skipped_version(world):
    """Version 5 straight after version 3, by the authority's own hand."""
    bundle = world.bundle(3)
    place, policy = bundle.policy("builds", 3)
    data = policy.edit({"version": 5}).sign(*world.keys("policy")).bytes()
    return bundle.replace_policy(place, data, world.keys("snapshot"))


def wrong_predecessor(world):
    bundle = world.bundle(3)
    place, policy = bundle.policy("builds", 3)
    data = policy.edit({"previous": bytes(32)}).sign(*world.keys("policy")).bytes()
    return bundle.replace_policy(place, data, world.keys("snapshot"))


def policy_with(content=None, claims=None):
    def make(world):
        bundle = world.bundle(3)
        place, policy = bundle.policy("builds", 3)
        data = policy.edit(content, claims).sign(*world.keys("policy")).bytes()
        return bundle.replace_policy(place, data, world.keys("snapshot"))

    return make


SCHEMA = """entity agent { level: Long };
entity program;
action exec appliesTo { principal: agent, resource: program };
"""


def with_schema(policies=LAX, schema=SCHEMA, **more):
    """Rules that an honest tool would not have signed."""
    return policy_with({"policies": policies, "schema": schema} | more)


def root_two(signers):
    """Root metadata version 2, which drops nothing, signed by signers(world)."""

    def make(world):
        bundle = world.bundle(3)
        second = Signed(bundle.roots[0]).edit({"version": 2}).sign(*signers(world))
        bundle.roots.append(second.bytes())
        edited = bundle.signed().edit({"root": [2, root_digest(bundle.roots[1])]})
        bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
        return bundle

    return make


def root_three(world):
    bundle = root_two(lambda world: world.keys("root"))(world)
    bundle.roots[1] = Signed(bundle.roots[0]).edit({"version": 3}).sign(*world.keys("root")).bytes()
    edited = bundle.signed().edit({"root": [3, root_digest(bundle.roots[1])]})
    bundle.snapshot = edited.sign(*world.keys("snapshot")).bytes()
    return bundle


def first(count):
    return lambda world: world.keys("policy")[:count]


INSIDE = [
    ("a policy signed by one of two", resigned(first(1)), "THRESHOLD"),
    ("a policy signed twice by one key", resigned(lambda w: first(1)(w) * 2), "THRESHOLD"),
    ("a policy signed by one key and a snapshot key",
     resigned(lambda w: first(1)(w) + w.keys("snapshot")), "THRESHOLD"),
    ("a policy signed by one key and a stranger",
     resigned(lambda w: first(1)(w) + [w.stranger]), "THRESHOLD"),
    ("a policy signed by root keys", resigned(lambda w: w.keys("root")), "SIGNER_UNKNOWN"),
    ("a policy that needs a revoked signature", revoking_a_signer((0, 1)), "REVOKED"),
    ("another version 2 of a policy", forked_policy, "EQUIVOCATION"),
    ("a policy that follows another version 2", forked_predecessor, "EQUIVOCATION"),
    ("another epoch 2", forked_snapshot, "EQUIVOCATION"),
    ("a policy taken back to version 1", version_back, "POLICY_ROLLBACK"),
    ("a chain of predecessors with a gap", gap, "SUCCESSION"),
    ("a version left out", skipped_version, "SUCCESSION"),
    ("a predecessor that does not exist", wrong_predecessor, "SUCCESSION"),
    ("a snapshot that follows another epoch 2", listing(previous=bytes(32)), "SUCCESSION"),
    ("a snapshot that follows nothing", listing(previous=None), "FORMAT"),
    ("a snapshot of another domain", listing(domain="example.com"), "FORMAT"),
    ("a snapshot issued by another domain", claiming(iss="example.com", sub="example.com"),
     "FORMAT"),
    ("a snapshot that expired", claiming(iat=NOW - 2 * DAY, exp=NOW - DAY), "SNAPSHOT_STALE"),
    ("a snapshot from the future", claiming(iat=NOW + DAY, exp=NOW + 2 * DAY), "NOT_YET_VALID"),
    ("a snapshot that names root metadata 2", listing(root=[2, bytes(32)]), "ROOT_SEQUENCE"),
    ("a snapshot that names other root metadata 1", listing(root=[1, bytes(32)]),
     "ROOT_UNTRUSTED"),
    ("a policy of another domain", policy_with(claims={1: "example.com"}), "SIGNER_UNKNOWN"),
    ("a policy with a condition that cannot be evaluated",
     policy_with({"policies": LAX.replace(";", " when { 1 like 2 };")}),
     ("CEDAR_UNSUPPORTED", "CEDAR_SYNTAX")),
    ("a policy that is no Cedar", policy_with({"policies": "permit everything\n"}),
     "CEDAR_SYNTAX"),
    ("a policy in another version of the language", policy_with({"language": "cedar-5"}),
     "UNSUPPORTED"),
    ("a policy that a schema does not allow",
     with_schema("permit (principal, action, resource) when { principal.lvl > 1 };"),
     "CEDAR_INVALID"),
    ("entities that a schema does not allow",
     with_schema(entities='[{"uid": {"type": "agent", "id": "a"}, "attrs": {}, "parents": []}]'),
     "CEDAR_INVALID"),
    ("a schema that is none", with_schema(schema="entity a in b;"), "CEDAR_SCHEMA"),
    ("a schema in JSON that is none", with_schema(schema='{"": {}}'), "CEDAR_SCHEMA"),
    ("entities that are none", policy_with({"entities": "{}"}), "CEDAR_ENTITY"),
    ("a policy with an unknown annotation",
     policy_with({"policies": '@advice("x") permit (principal, action, resource);'}),
     "CEDAR_ANNOTATION"),
    ("a policy that takes a check of two hours ago",
     policy_with({"policies": '@freshness("120m") permit (principal, action, resource);'}),
     "CEDAR_ANNOTATION"),
    ("a template", policy_with({"policies": "permit (principal == ?principal, action, resource);"}),
     "CEDAR_UNSUPPORTED"),
    ("root metadata 2 signed by one of two", root_two(lambda w: w.keys("root")[:1]), "THRESHOLD"),
    ("root metadata 2 signed twice by one key", root_two(lambda w: w.keys("root")[:1] * 2),
     "THRESHOLD"),
    ("root metadata 2 signed by policy keys", root_two(first(2)), "SIGNER_UNKNOWN"),
    ("root metadata 3 after 1", root_three, "ROOT_SEQUENCE"),
    ("the last epoch that there is", listing(epoch=2**53 - 1), "SUCCESSION"),
    ("an epoch out of reach", listing(epoch=2 + 2**20 + 1), "SUCCESSION"),
]


@suite.cases(INSIDE, at="next")
def inside(world, make, want):
    refused(world, world.made(make(world).grant_again(world.keys("ratchet"))), want)


# ---- the same, done right: the refusals above are not for other reasons --------------------------

RIGHT = [
    ("control: published as it is", lambda world: world.bundle(3)),
    ("control: signed by two of three", resigned(first(2))),
    ("control: a stranger's signature beside enough others",
     resigned(lambda w: first(2)(w) + [w.stranger])),
    ("control: a revoked signature beside enough others", revoking_a_signer((0, 1, 2))),
    ("control: a key revoked that did not sign", revoking_a_signer((1, 2))),
    ("control: listed and signed again", listing(revoked=[])),
    ("control: with a schema", with_schema(
        STRICT + 'forbid (principal == agent::"a", action, resource) when { principal.level > 1 };',
        entities='[{"uid": {"type": "agent", "id": "a"}, "attrs": {"level": 1}, "parents": []}]')),
    ("control: root metadata 2 by two of three", root_two(lambda w: w.keys("root")[:2])),
]


@suite.test("an unlisted policy of our own", at="next")
def unlisted(world):
    """Signed and in no snapshot: nobody said that it is in force."""
    bundle, spare = world.bundle(3), world.bundle_of_unpublished("spare")
    bundle.policies.append(spare)
    refused(world, world.made(bundle), "FORMAT")


@suite.cases(RIGHT, at="next")
def right(world, make):
    world.install(world.made(make(world).grant_again(world.keys("ratchet"))))
    world.sound(3)


# ---- root metadata altered on the way ------------------------------------------------------------

def rotate_twice(world):
    """A gate that is away meanwhile gets a version in the middle."""
    for number, role in ((1, "override"), (2, "approver")):
        world.pawl("authority", "add-key", f"{world.authority}.policy-{number}.pem", "--role", role,
                   "--authority", world.authority)
        world.pawl("authority", "rotate", "--authority", world.authority)


def turned(world, root):
    return root.turn()


def with_stranger(world, root):
    return root.cosign(world.stranger)


@suite.cases([("root metadata 2 with n - s", turned),
              ("root metadata 2 with a stranger's signature more", with_stranger)], at="next")
def altered_on_the_way(world, change):
    """Whoever delivers needs no key for this. It must not cut the gate off from what comes after,
    neither in the same epoch nor in the next."""
    rotate_twice(world)
    genuine = world.next_epoch(STRICT)
    bundle = world.bundle(4)
    bundle.roots[1] = change(world, Signed(bundle.roots[1])).bytes()
    world.install(world.made(bundle))
    world.sound(4)
    world.install(genuine)
    world.install(world.next_epoch(STRICT))
    world.sound(5)


# ---- one stolen key of the role snapshot ---------------------------------------------------------

@suite.test("one snapshot key against all root keys", at="next")
def revoking_roots(world):
    """It revokes them and leaps ahead, where no grants are needed for that; a TPM takes it with a
    ratchet key. They rotate it away, and the authority publishes beyond its epoch."""
    stolen = world.keys("snapshot")[0]
    epoch = 500 if world.kind == "hsm" else 3
    revoked = [{"id": kid, "kind": "key", "since": NOW, "reason": "x"}
               for kid in sorted(key.kid for key in world.keys("root"))]
    bundle = world.bundle(3)
    edited = bundle.signed().edit({"revoked": revoked, "epoch": epoch})
    bundle.snapshot = edited.sign(stolen).bytes()
    if world.kind == "tpm":
        refused(world, world.made(bundle), "GRANT_INVALID")
        bundle.grant_again(world.keys("ratchet"))
    world.install(world.made(bundle))
    world.sound(epoch)
    world.pawl("authority", "add-key", f"{world.authority}.policy-3.pem", "--role", "snapshot",
               "--authority", world.authority)
    world.pawl("authority", "drop-key", text_id(stolen.kid), "--role", "snapshot", "--authority",
               world.authority)
    world.pawl("authority", "rotate", "--authority", world.authority)
    for kid in revoked:
        world.pawl("revoke", "key", text_id(kid["id"]), "--reason", "x", "--authority",
                   world.authority, want="USAGE")
    world.sign(STRICT)
    world.install(world.publish(epoch=str(epoch + 2)))
    world.sound(epoch + 2)
    world.install(world.made(bundle), want="ROLLBACK")


@suite.test("the last epoch, put on the disk", at="next", roots=("hsm",))
def leap_on_disk(world):
    """The key of the role snapshot is not enough there either: the token is not stepped."""
    bundle, last = world.bundle(3), 2**53 - 1
    bundle.snapshot = bundle.signed().edit({"epoch": last}).sign(*world.keys("snapshot")).bytes()
    path = bundle.save(f"{world.state}/installed/{last}.bundle")
    world.refused("SUCCESSION")
    os.unlink(path)
    world.sound(2)


if __name__ == "__main__":
    main(suite, Busy)
