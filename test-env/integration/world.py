# SPDX-License-Identifier: Apache-2.0
"""world.py: one authority, one gate and its hardware, in a private directory; and pawl, run the way
a person or a script runs it. Everything that must hold after every attack is in World.sound()."""

import argparse
import json
import os
import re
import resource as resource_limits
import shutil
import subprocess
import sys
import tempfile

import tap
from hardware import DOUBLES
from tap import Skip, equal, fail, true

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
LAX = 'permit (principal == agent::"build-7", action == Action::"exec", resource);\n'
STRICT = LAX + 'forbid (principal, action, resource == program::"/usr/bin/curl");\n'
GIT, CURL = "program::/usr/bin/git", "program::/usr/bin/curl"
TIMEOUT = 1800
SANITIZERS = ("ASAN", "UBSAN", "LSAN", "TSAN")
LINE = re.compile(r"X\((\w+), (\d+), (\d+),")


def errors():
    """Name to exit code, from the one list."""
    with open(f"{TOP}/gate/base/err.h", encoding="utf-8") as header:
        return {name: int(code) for name, _, code in LINE.findall(header.read())}


def copy(source, target):
    """What somebody does who images a disk: modes and times as well; sockets are not data."""
    if os.path.lexists(target):
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


class World:
    """Stages are kept as copies of `live` with the hardware off, so that each test begins clean:
    "bare" (authority made), "enrolled", "epoch1" (lax rules), "epoch2" (strict rules)."""

    domain, gate = "example.org", "gate-1"
    policy_keys = 3  # of which two must sign

    def __init__(self, kind, pawl):
        self.kind, self.program = kind, pawl
        self.base = tempfile.mkdtemp(prefix="pawl-")
        self.live = f"{self.base}/live"
        self.state, self.authority = f"{self.live}/state", f"{self.live}/authority"
        self.permits, self.bundles = f"{self.live}/permits", f"{self.live}/bundles"
        self.enrolment = f"{self.live}/gate.enrolment"
        self.root = os.path.join(self.authority, "root", "1.cose")
        self.hardware = DOUBLES[kind](self.base, f"{self.live}/hw")
        self.exits = errors()
        self.stages = set()
        self.kept = {}
        os.mkdir(f"{self.base}/home")

    def close(self):
        self.hardware.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    # ---- running pawl ----

    def environment(self, extra=None):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "LANG") or name.split("_")[0] in SANITIZERS}
        env.update(self.hardware.env)
        env.update(HOME=f"{self.base}/home", TMPDIR=self.base, TSS2_LOG="all+none")
        env.update(extra or {})
        return env

    def command(self, args):
        state = [] if any(a == "--state" for a in args) else ["--state", self.state]
        return [self.program, *map(str, args), *state]

    def run(self, *args, stdin=None, env=None, before=()):
        """Runs pawl as it is. Returns exit code, standard output, standard error."""
        done = subprocess.run([*before, *self.command(args)], env=self.environment(env),
                              input=stdin if stdin is not None else b"", capture_output=True,
                              timeout=TIMEOUT, check=False, cwd=self.base)
        self.no_secret(done.stdout + done.stderr)
        return done.returncode, done.stdout, done.stderr

    def no_secret(self, output):
        for secret in self.hardware.secrets:
            true(secret.encode() not in output, f"a PIN in the output: {output!r}")
        true(b"PRIVATE KEY" not in output, f"a private key in the output: {output!r}")

    def pawl(self, *args, want=None, code=None, **more):
        """Runs pawl --json. want: the error it must fail with, or a tuple of them; code: the exit
        code of an answer that is no error. Returns the JSON value."""
        got, out, err = self.run(*args, "--json", **more)
        return self.judge(args, (got, out, err), want, code)

    def judge(self, args, result, want=None, code=None):
        got, out, err = result
        said = f"{out!r}\n{err.decode(errors='replace')}"
        shown = f"pawl {' '.join(map(str, args))}: exit {got}\n{said}"
        try:
            value = json.loads(out)
        except ValueError:
            fail(f"not one JSON value: {shown}")
        equal(value.get("schema"), "pawl/1", f"schema in {shown}")
        if want is None:
            true(value["ok"] is True, shown)
            equal(got, code or 0, f"exit code of {shown}")
            return value
        names = (want,) if isinstance(want, str) else want
        true(value["ok"] is False, f"not refused, wanted {want}: {shown}")
        name = value["error"]["code"]
        true(name in names, f"wanted {want}: {shown}")
        equal((got, value["error"]["exit"]), (self.exits[name],) * 2, f"exit codes of {shown}")
        return value

    # ---- the authority ----

    def make_authority(self, where, name=None):
        keys = []
        for number in range(1, self.policy_keys + 1):
            path = f"{where}.policy-{number}.pem"
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-out", path], check=True,
                           stderr=subprocess.DEVNULL)
            keys += ["--key", f"policy={path}"]
        self.pawl("authority", "init", where, "--domain", name or self.domain, *keys,
                  "--threshold", "policy=2")

    def sign(self, text, authority=None, alias="builds", actions="execute", **options):
        """Signs rules as the next version of a policy."""
        path = f"{self.live}/rules.cedar"
        write(path, text.encode())
        more = [word for name, value in options.items()
                for word in ("--" + name.replace("_", "-"), value)]
        return self.pawl("policy", "sign", path, "--authority", authority or self.authority,
                         "--alias", alias, "--actions", actions, *more)

    def publish(self, authority=None, name=None, **options):
        """Publishes the next epoch. Returns the bundle's path."""
        path = f"{self.bundles}/{name or 'next'}.bundle"
        more = [word for key, value in options.items() for word in ("--" + key, value)]
        done = self.pawl("publish", "--authority", authority or self.authority, "--for",
                         self.enrolment, "-o", path, *more)
        if name is None:
            os.rename(path, f"{self.bundles}/{done['epoch']}.bundle")
            path = f"{self.bundles}/{done['epoch']}.bundle"
        return path

    @staticmethod
    def publish_number(bundle):
        return int(os.path.basename(bundle).split(".")[0])

    def next_epoch(self, rules=STRICT):
        self.sign(rules)
        return self.publish()

    # ---- the gate ----

    def init(self, *more, trust=None, **options):
        return self.pawl("init", "--hardware", self.hardware.uri, "--trust",
                         trust or f"{self.authority}/enrol.bundle", "--gate", self.gate,
                         "--insecure-simulator", "-o", self.enrolment, *self.hardware.init_options,
                         *more, **options)

    def install(self, bundle, **options):
        return self.pawl("install", bundle, **options)

    def request(self, resource):
        return ("check", "--agent", "build-7", "--action", "exec", "--class", "execute",
                "--resource", resource)

    def permit_path(self):
        return f"{self.permits}/{len(os.listdir(self.permits))}.cose"

    def check(self, resource=GIT, decision=True, epoch=None, **options):
        """Asks; the answer is kept and verified offline."""
        path = self.permit_path()
        got = self.pawl(*self.request(resource), "-o", path, code=0 if decision else 10, **options)
        equal(got["decision"], decision, f"decision on {resource}")
        verified = self.verify(path, decision)
        if epoch is not None:
            equal((got["epoch"], verified["epoch"]), (epoch, epoch), "epoch of the permit")
        equal(verified["ledger_index"], got["ledger_index"], "place in the ledger")
        return got

    def verify(self, path, decision=True, **options):
        got = self.pawl("permit", "verify", path, "--root", self.root, "--enrolment",
                        self.enrolment, code=None if "want" in options else 0 if decision else 10,
                        **options)
        return got

    def refused(self, want, resource=GIT):
        """A check that must fail: no permit file, and nobody is told yes."""
        path = f"{self.base}/refused.cose"
        if os.path.exists(path):
            os.unlink(path)
        got = self.pawl(*self.request(resource), "-o", path, want=want)
        true(not os.path.exists(path), f"a permit was written although {want}")
        true("decision" not in got and "permit" not in got, f"an answer beside an error: {got}")
        return got["error"]

    def status(self, **options):
        return self.pawl("status", **options)

    def evidence(self):
        return [word for name in sorted(os.listdir(self.permits))
                for word in ("--against", f"{self.permits}/{name}")]

    def log(self, **options):
        return self.pawl("log", "verify", "--full", "--enrolment", self.enrolment, *self.evidence(),
                         **options)

    def sound(self, epoch):
        """Nothing is lost: the gate serves this epoch, permits and denies as its rules say, and the
        ledger holds every answer that was ever given."""
        status = self.status()
        equal((status["serving"], status["epoch"], status["installed_epoch"]),
              (True, epoch, epoch), "status")
        self.check(GIT, True, epoch)
        self.check(CURL, epoch < 2, epoch)
        return self.log()

    # ---- stages ----

    def go(self, stage):
        """Begins at a stage: builds it once, puts a copy back ever after."""
        if stage not in self.stages:
            self.build(stage)
            self.hardware.stop()
            copy(self.live, f"{self.base}/stages/{stage}")
            self.stages.add(stage)
        else:
            self.hardware.stop()
            copy(f"{self.base}/stages/{stage}", self.live)
        self.hardware.start()

    def build(self, stage):
        getattr(self, "build_" + stage)()

    def build_bare(self):
        self.hardware.stop()
        shutil.rmtree(self.live, ignore_errors=True)
        for path in (self.permits, self.bundles):
            os.makedirs(path)
        self.make_authority(self.authority)
        self.hardware.make()
        self.hardware.start()

    def build_enrolled(self):
        self.go("bare")
        self.init()

    def build_epoch1(self):
        self.go("enrolled")
        self.install(self.next_epoch(LAX))
        self.check(GIT, True, 1)

    def build_epoch2(self):
        """Also keeps what an attacker has: the disk of epoch 1."""
        self.go("epoch1")
        copy(self.state, f"{self.live}/old")
        self.install(self.next_epoch(STRICT))
        self.check(CURL, False, 2)

    # ---- attacks that every test can use ----

    def put_old_disk_back(self):
        copy(f"{self.live}/old", self.state)

    def enrolment_bytes(self):
        return read(self.enrolment)

    @staticmethod
    def files(directory):
        """Every file's path and content, but for caches that may come and go, and what is written
        with every record."""
        found = (os.path.relpath(os.path.join(where, name), directory)
                 for where, _, names in os.walk(directory) for name in names)
        return {path: read(os.path.join(directory, path)) for path in found
                if not re.match(r"ledger/|state\.db|hw/tickets$|hw/head|tickets$|verified$", path)}

    def journal(self):
        return read(f"{self.state}/ledger/journal")

    def put_ledger_back(self, name):
        """The newest ledger onto an older disk."""
        for part in ("ledger", "state.db", "state.db-wal", "state.db-shm"):
            source, target = f"{self.live}/{name}/{part}", f"{self.state}/{part}"
            if os.path.isdir(source):
                copy(source, target)
            elif os.path.exists(source):
                shutil.copy2(source, target)
            elif os.path.exists(target):
                os.unlink(target)

    def keep_disk(self, name):
        copy(self.state, f"{self.live}/{name}")
        self.kept[name] = len(os.listdir(self.permits))

    def put_disk_back(self, name):
        """With what was answered meanwhile, on another disk, this one has nothing to do."""
        copy(f"{self.live}/{name}", self.state)
        for number in range(self.kept[name], len(os.listdir(self.permits))):
            os.unlink(f"{self.permits}/{number}.cose")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", choices=sorted(DOUBLES))
    parser.add_argument("pawl")
    parser.add_argument("--pawld", type=os.path.abspath, help="the service")
    parser.add_argument("--killat", help="the program that stops another between two effects")
    parser.add_argument("--load-client", help="the program that is many clients")
    parser.add_argument("--relay", help="the program that stands between pawl and a TPM")
    parser.add_argument("--memory", help="the library that lets allocations fail")
    parser.add_argument("--shim", help="the PKCS#11 module that passes calls on and counts them")
    parser.add_argument("--variant", default="gcc", help="how pawl was built")
    parser.add_argument("--only", help="run the tests whose name contains this")
    return parser.parse_args()


def descriptors(number):
    """For a test that needs so many: skips it where they are not allowed."""
    soft, hard = resource_limits.getrlimit(resource_limits.RLIMIT_NOFILE)
    if hard != resource_limits.RLIM_INFINITY and hard < number:
        raise Skip(f"{hard} descriptors are allowed, {number} are needed")
    if soft != resource_limits.RLIM_INFINITY and soft < number:
        resource_limits.setrlimit(resource_limits.RLIMIT_NOFILE, (number, hard))


def shown_to_others(*paths):
    """For a test that is another user for a while: skips it where that one does not get there."""
    for path in paths:
        while (path := os.path.dirname(os.path.realpath(path))) != "/":
            if not os.stat(path).st_mode & 1:
                raise Skip(f"another user does not get through {path}")


def main(suite, world_class=World, prepare=None):
    """Runs a suite on the root that the command line names."""
    options = arguments()
    world = None
    try:
        world = world_class(options.root, os.path.abspath(options.pawl))
        world.options = options
        if prepare:
            prepare(world)
        status = tap.run(suite, world, options.only)
    except tap.Skip as skip:
        print(f"1..0 # SKIP {skip}")
        status = 0  # as TAP wants it: the plan says that nothing ran, and why
    finally:
        if world:
            world.close()
    sys.exit(status)
