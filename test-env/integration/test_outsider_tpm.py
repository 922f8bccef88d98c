#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_outsider_tpm.py: root on the gate's machine, with tpm2-tools, raw TPM commands, every public
file of the authority and a copy of the old disk, but no key of the authority. Whatever they do, no
permit under the older epoch comes out, and the counter moves by grants alone."""

import os
import shutil
import subprocess

import cbor
from forge import Bundle
from tap import Skip, Suite, equal, fail, true
from wire import (LE, LT, NV_CERTIFY, NV_INCREMENT, OWNER, PLATFORM, RC_PCR_CHANGED, RC_POLICY,
                  RC_POLICY_FAIL, RC_VALUE, SIGN, Refused, Wire, served, sha)
from world import CURL, GIT, STRICT, World, main, read, write

suite = Suite()
INDEX, RECEIPT, SEAL = 0x01800100, 0x81000100, 0x81000101
BASE = 64


class Robbed(World):
    def __init__(self, kind, pawl):
        super().__init__(kind, pawl)
        self.wire = Wire(self.hardware.socket) if kind == "tpm" else None

    def build_ready(self):
        """Epoch 1 in force, epoch 2 published."""
        self.go("epoch1")
        self.next_epoch(STRICT)

    # ---- what the outsider can read ----

    def grant(self, bundle, kind):
        grants = Bundle(f"{self.bundles}/{bundle}.bundle").grants
        return next(grant for grant in grants if grant["for"] == kind)

    def snapshot(self, bundle):
        return Bundle(f"{self.bundles}/{bundle}.bundle").signed().snapshot_digest()

    def plan(self):
        return Bundle(f"{self.bundles}/1.bundle").plan(BASE)

    def number_of(self, kid):
        root = Bundle(f"{self.bundles}/1.bundle").roots[0]
        return cbor.decode(cbor.decode(root).value[2])["roles"]["ratchet"][1].index(kid)

    # ---- policy sessions, step by step ----

    def steps(self, purpose, command, bundle, epoch, snapshot=None):
        """The commands that satisfy a key's or the counter's policy with a grant, in the order that
        docs/formats.md gives. snapshot: in the place of the bundle's own."""
        wire, plan, grant = self.wire, self.plan(), self.grant(bundle, purpose)
        number = self.number_of(grant["kid"])
        dead = served(snapshot or self.snapshot(bundle))

        def authorize(session):
            key = wire.load_external(plan.public[number])
            try:
                ticket = wire.verify(key, sha(grant["digest"], plan.ref(purpose)),
                                     grant["signature"])
            finally:
                wire.flush(key)
            wire.policy_authorize(session, grant["digest"], plan.ref(purpose), plan.names[number],
                                  ticket)

        def counter(session):
            wire.policy_nv(session, INDEX, BASE + epoch, LT if purpose == "bump" else LE)

        steps = {
            "counter": counter,
            "pcr": wire.policy_pcr,
            "command": lambda session: wire.policy_command(session, command),
            "served": lambda session: wire.policy_or(session, [wire.policy_digest(session), dead]),
            "authorize": authorize,
            "or": lambda session: wire.policy_or(session, plan.branches(purpose)),
        }
        return [(name, steps[name]) for name in ORDER[purpose]]


ORDER = {
    "bump": ("pcr", "counter", "command", "authorize", "or"),
    "sign": ("pcr", "counter", "command", "served", "authorize", "or"),
    "certify": ("pcr", "counter", "command", "served", "authorize", "or"),
}


def walk(steps, session):
    for _, step in steps:
        step(session)
    return session


def must_refuse(what, call, codes=None):
    try:
        call()
    except Refused as refused:
        if codes:
            true(refused.base() in codes or refused.code in codes, f"{what}: {refused}")
        return
    fail(f"the TPM did not refuse: {what}")


def tools(world, *command, good=None):
    """Runs a tool of tpm2-tools. good: whether it must succeed or fail."""
    if not shutil.which(command[0]):
        raise Skip(f"{command[0]} is not here")
    run = subprocess.run(command, env={**os.environ, "TPM2TOOLS_TCTI": world.hardware.tcti,
                                       "TSS2_LOG": "all+none"},
                         cwd=world.live, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    text = run.stdout.decode(errors="replace")
    if good is not None:
        equal(run.returncode == 0, good, f"{' '.join(command)}: {text}")
    return text


def old_disk_refused(world, want="ROLLBACK"):
    """With the old disk in place: no answer to what the old rules allowed, also after asking for
    everything that a gate can do by itself."""
    world.keep_disk("true")
    world.put_old_disk_back()
    for _ in range(2):
        world.refused(want, CURL)
    world.install(f"{world.bundles}/1.bundle", want=(*names(want), "ROLLBACK"))
    world.refused(want, CURL)
    world.put_disk_back("true")


def names(want):
    return (want,) if isinstance(want, str) else tuple(want)


# ---- the counter ---------------------------------------------------------------------------------

COUNTER = [
    ("tpm2_nvincrement as the index", ("tpm2_nvincrement", "-C", hex(INDEX), hex(INDEX))),
    ("tpm2_nvincrement as the owner", ("tpm2_nvincrement", "-C", "o", hex(INDEX))),
    ("tpm2_nvincrement as the platform", ("tpm2_nvincrement", "-C", "p", hex(INDEX))),
    ("tpm2_nvwrite as the index", ("tpm2_nvwrite", "-C", hex(INDEX), "-i", "eight", hex(INDEX))),
    ("tpm2_nvwrite as the owner", ("tpm2_nvwrite", "-C", "o", "-i", "eight", hex(INDEX))),
    ("tpm2_nvsetbits", ("tpm2_nvsetbits", "-C", "o", "-i", "1", hex(INDEX))),
    ("tpm2_nvextend", ("tpm2_nvextend", "-C", "o", "-i", "eight", hex(INDEX))),
    ("tpm2_nvwritelock", ("tpm2_nvwritelock", "-C", "o", hex(INDEX))),
    ("tpm2_nvreadlock", ("tpm2_nvreadlock", "-C", "o", hex(INDEX))),
    ("tpm2_changeauth of the index", ("tpm2_changeauth", "-c", hex(INDEX), "new")),
]


@suite.cases(COUNTER, roots=("tpm",))
def counter_tools(world, command):
    write(f"{world.live}/eight", bytes(7) + b"\x01")
    tools(world, *command, good=False)
    equal(world.wire.counter(INDEX), BASE + 2, "counter")
    old_disk_refused(world)
    world.sound(2)


@suite.test("the owner locks what may be locked for all", roots=("tpm",))
def global_lock(world):
    """The index takes no part in global locks."""
    for hierarchy in (OWNER, PLATFORM):
        world.wire.global_write_lock(hierarchy)
    world.install(world.next_epoch())
    world.sound(3)


@suite.test("grants of the past, replayed with raw commands", roots=("tpm",))
def replayed_bumps(world):
    """Each is good once: until the counter is where it says."""
    for bundle, epoch in ((1, 1), (2, 2)):
        session = world.wire.start()
        must_refuse(f"bump grant of epoch {epoch}",
                    lambda: walk(world.steps("bump", NV_INCREMENT, bundle, epoch), session),
                    (RC_POLICY,))
        world.wire.flush(session)
    equal(world.wire.counter(INDEX), BASE + 2, "counter")
    world.sound(2)


@suite.test("the next grant, used by an outsider before the gate", roots=("tpm",))
def early_bump(world):
    """A published grant is public: whoever has it can step once. The gate takes the epoch over,
    and nothing of the old comes back."""
    world.next_epoch()
    session = walk(world.steps("bump", NV_INCREMENT, 3, 3), world.wire.start())
    world.wire.increment(INDEX, session)
    equal(world.wire.counter(INDEX), BASE + 3, "counter")
    must_refuse("the same grant again",
                lambda: walk(world.steps("bump", NV_INCREMENT, 3, 3), session))
    world.wire.flush(session)
    world.refused("ROLLBACK", GIT)
    world.install(f"{world.bundles}/3.bundle")
    world.sound(3)


@suite.test("a bump grant with another command code or another comparison", roots=("tpm",))
def bent_bump(world):
    world.next_epoch()
    wire, plan, grant = world.wire, world.plan(), world.grant(3, "bump")
    for operand, operation in ((BASE + 9, LT), (BASE + 3, LE)):
        session = wire.start()
        wire.policy_nv(session, INDEX, operand, operation)
        wire.policy_command(session, NV_INCREMENT)
        authorize = dict(world.steps("bump", NV_INCREMENT, 3, 3))["authorize"]
        must_refuse("an approval of something else", lambda: authorize(session))
        must_refuse("PolicyOR", lambda: wire.policy_or(session, plan.branches("bump")))
        must_refuse("increment", lambda: wire.increment(INDEX, session))
        wire.flush(session)
    true(grant["epoch"] == 3, "the grant of epoch 3")
    equal(wire.counter(INDEX), BASE + 2, "counter")
    world.sound(2)


def attributes(*more):
    return "|".join(("nt=counter", "policywrite", "authread", "no_da", *more))


def policy_file(world):
    """The true authorization policy, as anybody can read it from the TPM."""
    text = tools(world, "tpm2_nvreadpublic", hex(INDEX), good=True)
    policy = next(line.split(":")[1].strip() for line in text.splitlines()
                  if "authorization policy" in line)
    write(f"{world.live}/policy", bytes.fromhex(policy))
    return "policy"


@suite.test("the counter undefined", roots=("tpm",))
def undefined(world):
    tools(world, "tpm2_nvundefine", "-C", "o", hex(INDEX), good=True)
    old_disk_refused(world, "COUNTER_MISSING")
    world.refused("COUNTER_MISSING", GIT)


@suite.test("the counter undefined and defined with the same attributes", roots=("tpm",))
def redefined(world):
    policy = policy_file(world)
    tools(world, "tpm2_nvundefine", "-C", "o", hex(INDEX), good=True)
    tools(world, "tpm2_nvdefine", "-C", "o", "-s", "8", "-a", attributes(), "-L", policy,
          hex(INDEX), good=True)
    old_disk_refused(world, "COUNTER_MISSING")
    # The public grant for the first increment: the counter goes on above every value it had. With
    # the gate's authorization, or this init would make the indexes of the ledger's head anew.
    os.makedirs(f"{world.live}/new/hw")
    shutil.copy2(f"{world.state}/hw/head-auth", f"{world.live}/new/hw/head-auth")
    again = ("init", "--state", f"{world.live}/new", "--hardware", world.hardware.uri, "--trust",
             f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    world.pawl(*again, want="TPM_BUSY")
    world.pawl(*again)
    true(world.wire.counter(INDEX) > BASE + 2, f"counter at {world.wire.counter(INDEX)}")
    old_disk_refused(world)
    world.refused("ROLLBACK", GIT)
    # The authority goes on from there.
    while world.wire.counter(INDEX) > BASE + world.publish_number(world.next_epoch()):
        pass
    epoch = world.wire.counter(INDEX) - BASE
    world.install(f"{world.bundles}/{epoch}.bundle")
    world.sound(epoch)


FORGED = [
    ("written by the owner", ("-a", "nt=counter|ownerwrite|authread|no_da"), True),
    ("written by its password", ("-a", "nt=counter|authwrite|authread|no_da"), True),
    ("orderly", ("-a", "nt=counter|policywrite|authread|no_da|orderly", "-L", "policy"), False),
    ("with a policy of the outsider's",
     ("-a", "nt=counter|policywrite|authread|no_da", "-L", "none"), False),
    ("read by the owner as well",
     ("-a", "nt=counter|policywrite|authread|ownerread|no_da", "-L", "policy"), False),
]


@suite.cases([(f"another counter in its place, {name}", *rest) for name, *rest in FORGED],
             roots=("tpm",))
def forged_counter(world, options, increment):
    policy_file(world)
    write(f"{world.live}/none", bytes(32))
    tools(world, "tpm2_nvundefine", "-C", "o", hex(INDEX), good=True)
    tools(world, "tpm2_nvdefine", "-C", "o", "-s", "8", *options, hex(INDEX), good=True)
    if increment:
        auth = "o" if "ownerwrite" in options[1] else hex(INDEX)
        tools(world, "tpm2_nvincrement", "-C", auth, hex(INDEX), good=True)
    old_disk_refused(world, "COUNTER_FOREIGN")
    world.refused("COUNTER_FOREIGN", GIT)


@suite.test("an ordinary index in its place that holds the old number", roots=("tpm",))
def forged_number(world):
    tools(world, "tpm2_nvundefine", "-C", "o", hex(INDEX), good=True)
    tools(world, "tpm2_nvdefine", "-C", "o", "-s", "8", "-a", "ownerwrite|authread|no_da",
          hex(INDEX), good=True)
    write(f"{world.live}/eight", (BASE + 1).to_bytes(8, "big"))
    tools(world, "tpm2_nvwrite", "-C", "o", "-i", "eight", hex(INDEX), good=True)
    equal(world.wire.counter(INDEX), BASE + 1, "what the index says")
    old_disk_refused(world, "COUNTER_FOREIGN")
    # The key's own policy speaks of the true counter's Name.
    session = world.wire.start()
    must_refuse("the receipt key under the forged index",
                lambda: walk(world.steps("sign", SIGN, 1, 1), session))
    world.wire.flush(session)


# ---- the keys ------------------------------------------------------------------------------------

@suite.test("the keys without their policy", roots=("tpm",))
def bare_keys(world):
    digest = bytes(32)
    must_refuse("TPM2_Sign with a password", lambda: world.wire.sign(RECEIPT, digest))
    must_refuse("TPM2_NV_Certify with a password", lambda: world.wire.certify(SEAL, INDEX))
    session = world.wire.start()
    must_refuse("TPM2_Sign with an empty policy", lambda: world.wire.sign(RECEIPT, digest, session))
    must_refuse("TPM2_Sign with the seal key", lambda: world.wire.sign(SEAL, digest, session))
    world.wire.policy_command(session, SIGN)
    must_refuse("TPM2_Sign with a policy of its own",
                lambda: world.wire.sign(RECEIPT, digest, session))
    world.wire.flush(session)
    write(f"{world.live}/digest", digest)
    for handle in (RECEIPT, SEAL):
        tools(world, "tpm2_sign", "-c", hex(handle), "-g", "sha256", "-d", "-o", "sig", "digest",
              good=False)
        tools(world, "tpm2_changeauth", "-c", hex(handle), "new", good=False)
        tools(world, "tpm2_duplicate", "-C", "null", "-c", hex(handle), "-G", "null", "-r", "priv",
              "-s", "seed", good=False)
    world.sound(2)


@suite.test("grants of the old epoch with raw commands", roots=("tpm",))
def old_grants(world):
    for kind, command in (("sign", SIGN), ("certify", NV_CERTIFY)):
        session = world.wire.start()
        must_refuse(f"the {kind} grant of epoch 1",
                    lambda: walk(world.steps(kind, command, 1, 1), session), (RC_POLICY,))
        world.wire.flush(session)
    # The control: grants of this epoch do sign, so what is refused above is refused for its epoch.
    session = walk(world.steps("sign", SIGN, 2, 2), world.wire.start())
    equal(len(world.wire.sign(RECEIPT, bytes(32), session)), 64, "a signature under epoch 2")
    must_refuse("a session used once", lambda: world.wire.sign(RECEIPT, bytes(32), session))
    world.wire.flush(session)
    world.sound(2)


@suite.test("the digests of the grants, computed by an outsider", roots=("tpm",))
def computed(world):
    for epoch in (1, 2):
        for kind in ("bump", "sign", "certify"):
            equal(world.grant(epoch, kind)["digest"],
                  world.plan().approved(kind, INDEX, epoch, world.snapshot(epoch)),
                  f"digest of the {kind} grant of epoch {epoch}")


@suite.test("grants of the epoch with raw commands, for another snapshot", roots=("tpm",))
def another_snapshot(world):
    """The grant says which snapshot is served: with any other the session holds another digest, and
    it stays at that."""
    for kind, command in (("sign", SIGN), ("certify", NV_CERTIFY)):
        steps = world.steps(kind, command, 2, 2, world.snapshot(1))
        without = [(name, step) for name, step in steps if name != "served"]
        for wrong in (steps, without):
            session = world.wire.start()
            must_refuse("PolicyAuthorize", lambda: walk(wrong[:-1], session), (RC_VALUE,))
            must_refuse("PolicyOR of the ratchet keys", lambda: wrong[-1][1](session), (RC_VALUE,))
            must_refuse("the key", lambda: world.wire.sign(RECEIPT, bytes(32), session)
                        if kind == "sign" else world.wire.certify(SEAL, INDEX, session),
                        (RC_POLICY_FAIL,))
            world.wire.flush(session)
    world.sound(2)


@suite.test("a grant to sign, used to certify, and the other way round", roots=("tpm",))
def crossed_grants(world):
    for kind, call in (("sign", lambda s: world.wire.certify(SEAL, INDEX, s)),
                       ("certify", lambda s: world.wire.sign(RECEIPT, bytes(32), s))):
        command = SIGN if kind == "sign" else NV_CERTIFY
        session = walk(world.steps(kind, command, 2, 2), world.wire.start())
        must_refuse(f"a {kind} session for the other key", lambda: call(session))
        world.wire.flush(session)
    world.sound(2)


def evict(world, handle):
    tools(world, "tpm2_evictcontrol", "-C", "o", "-c", hex(handle), good=True)


@suite.test("the keys removed from their handles, and made again by init", roots=("tpm",))
def evicted(world):
    for handle in (RECEIPT, SEAL):
        evict(world, handle)
        old_disk_refused(world, "TPM_KEY_MISSING")
        world.refused("TPM_KEY_MISSING", GIT)
    before = read(world.enrolment)
    world.init()
    equal(read(world.enrolment), before, "a primary key comes out the same")
    old_disk_refused(world)
    world.sound(2)


@suite.test("a key of the outsider's at the handle of the receipt key", roots=("tpm",))
def foreign_key(world):
    evict(world, RECEIPT)
    tools(world, "tpm2_createprimary", "-C", "o", "-G", "ecc256:ecdsa", "-a",
          "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda", "-c", "key.ctx",
          good=True)
    tools(world, "tpm2_evictcontrol", "-C", "o", "-c", "key.ctx", hex(RECEIPT), good=True)
    tools(world, "tpm2_flushcontext", "-t", good=True)
    old_disk_refused(world, "HANDLE_FOREIGN")
    world.refused("HANDLE_FOREIGN", GIT)
    world.init(want="HANDLE_FOREIGN")


@suite.test("the seal key at the handle of the receipt key", roots=("tpm",))
def swapped_keys(world):
    """The keys themselves cannot move: they are made again under each other's handle."""
    evict(world, RECEIPT)
    evict(world, SEAL)
    swapped = world.hardware.uri + f"?receipt={SEAL:#x}&seal={RECEIPT:#x}"
    args = ("init", "--state", f"{world.live}/new", "--hardware", swapped, "--trust",
            f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    world.pawl(*args, want="GATE_EXISTS")
    world.pawl(*args, "--again")
    old_disk_refused(world, "HANDLE_FOREIGN")
    world.refused("HANDLE_FOREIGN", GIT)


@suite.test("the TPM cleared", roots=("tpm",))
def cleared(world):
    tools(world, "tpm2_clear", "-c", "p", good=True)
    old_disk_refused(world, "COUNTER_MISSING")
    world.refused("COUNTER_MISSING", GIT)
    first = read(world.enrolment)
    # Enrolled again it is another gate: other keys, a counter above every value it had.
    world.pawl("init", "--state", f"{world.live}/new", "--hardware", world.hardware.uri, "--trust",
               f"{world.authority}/enrol.bundle", "--gate", world.gate, "--insecure-simulator")
    true(world.wire.counter(INDEX) > BASE + 2, f"counter at {world.wire.counter(INDEX)}")
    old_disk_refused(world, "COUNTER_FOREIGN")
    equal(read(world.enrolment), first, "the enrolment that verifiers have")


@suite.test("the TPM cleared and enrolled again by its owner", roots=("tpm",))
def cleared_again(world):
    """What a person does after TPM_CLEAR: a new enrolment, grants for it, and on."""
    tools(world, "tpm2_clear", "-c", "p", good=True)
    first = cbor.decode(read(world.enrolment))
    world.init("--again")
    second = cbor.decode(read(world.enrolment))
    true(first["receipt"] != second["receipt"], "the seed differs, so the keys do")
    world.install(world.next_epoch())
    got = world.check(CURL, False)
    equal(got["epoch"], 3, "epoch of the first answer")


# ---- sessions satisfied before the step ----------------------------------------------------------

COMMANDS = {"bump": NV_INCREMENT, "sign": SIGN, "certify": NV_CERTIFY}
GRANTED = {"bump": 2, "sign": 1, "certify": 1}  # the epoch of the grant that is good in epoch 1


def bank(world, purpose, until, saved):
    """A session under epoch 1, taken as far as the step named. Returns it and what is left."""
    session = world.wire.start()
    epoch = GRANTED[purpose]
    rest = world.steps(purpose, COMMANDS[purpose], epoch, epoch)
    for number, (name, step) in enumerate(rest):
        step(session)
        if name == until:
            rest = rest[number + 1 :]
            break
    return (world.wire.save(session) if saved else session), rest


def use(world, purpose, banked, rest):
    wire = world.wire
    session = wire.load(banked) if isinstance(banked, bytes) else banked
    try:
        for _, step in rest:
            step(session)
        if purpose == "bump":
            return wire.increment(INDEX, session)
        if purpose == "sign":
            return wire.sign(RECEIPT, sha(b"a tree head of epoch 1"), session)
        return wire.certify(SEAL, INDEX, session)
    finally:
        wire.flush(session)


BANKED = [
    (f"a session to {purpose} kept {'on disk' if saved else 'in the TPM'} across the step, "
     f"after {until}", purpose, until, saved)
    for purpose in ("sign", "certify", "bump") for until in ORDER[purpose]
    for saved in (False, True)
]


@suite.cases(BANKED, at="ready", roots=("tpm",))
def banked_session(world, purpose, until, saved):
    """Begun while epoch 1 lasts, ended after the step to epoch 2."""
    banked, rest = bank(world, purpose, until, saved)
    world.install(f"{world.bundles}/2.bundle")
    must_refuse("a banked session", lambda: use(world, purpose, banked, rest),
                (RC_PCR_CHANGED, RC_POLICY))
    equal(world.wire.counter(INDEX), BASE + 2, "counter")
    world.check(CURL, False, 2)


@suite.test("control: the same sessions work while epoch 1 lasts", at="ready", roots=("tpm",))
def banked_control(world):
    for purpose in ("sign", "certify", "bump"):
        for until in ORDER[purpose]:
            if world.wire.counter(INDEX) == BASE + 1:
                use(world, purpose, *bank(world, purpose, until, True))
    equal(world.wire.counter(INDEX), BASE + 2, "counter")


@suite.test("as many sessions as the TPM holds, left behind by others", roots=("tpm",))
def crowded(world):
    """Sessions of strangers fill the TPM: the gate makes room for its own, or says that it is
    busy, and goes on once they are gone."""
    kept = []
    try:
        for _ in range(64):
            kept.append(world.wire.start())
    except Refused:
        pass
    code, out, _ = world.run(*world.request(CURL), "--json")
    true(code in (10, world.exits["TPM_BUSY"]), f"exit {code}: {out}")
    for session in kept:
        try:
            world.wire.flush(session)
        except Refused:
            pass
    world.sound(2)


@suite.test("the owner's password set by an outsider", roots=("tpm",))
def owner_password(world):
    """Only enrolment asks for it."""
    tools(world, "tpm2_changeauth", "-c", "o", "seized", good=True)
    world.install(world.next_epoch())
    world.sound(3)
    world.init(want="TPM_AUTH")
    write(f"{world.base}/owner-auth", b"seized\n")
    os.chmod(f"{world.base}/owner-auth", 0o600)
    world.init("--owner-auth-file", f"{world.base}/owner-auth")
    world.sound(3)


@suite.test("PCRs extended by others", roots=("tpm",))
def pcrs(world):
    for number in (0, 14, 16, 23):
        tools(world, "tpm2_pcrextend", f"{number}:sha256={'11' * 32}", good=True)
        world.check(CURL, False, 2)
    world.sound(2)


@suite.test("the machine restarted, once in order and once not", roots=("tpm",))
def restarted(world):
    tools(world, "tpm2_shutdown", "-c", good=True)
    world.hardware.stop()
    world.hardware.start()
    world.sound(2)
    world.hardware.stop()
    world.hardware.start()
    old_disk_refused(world)
    world.sound(2)


if __name__ == "__main__":
    main(suite, Robbed)
