#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench_service.py BUILD [--quick] [--round-us N] [--docs DIR]: how many decisions pawld makes a
second, how long one takes, and what it costs. One JSON object a line.

  service_HARDWARE_N           permits a second with N clients, one request at a time each; beside
                               it p50_ms and p99_ms. HARDWARE: swtpm, softhsm, tpm_30ms, tpm_100ms,
                               tpm_300ms: swtpm behind a relay that adds so much to each command,
                               one command after the other. ..._fresh: the policy that permits says
                               @freshness("5s")
  decisions_per_round_64       permits a second of 64 clients over rounds a second of one, on a TPM
                               that takes 30 ms more for each signature (TPM2_Sign, TPM2_NV_Certify)
  decision_cpu_over_floor      processor time of pawld for a decision at 512 clients, over that of
                               libevent's HTTP server for a request and an answer of the same sizes
                               and of one ES256 signature by OpenSSL; all take turns
  decision_latency_over_floor  median with one client, over the sum of what it waits for, bare: the
                               TPM commands of a round (--round-us, tpm_round_raw of tpm_bench),
                               one fdatasync, and one HTTP answer
  service_waiting_kib          memory for a thousand requests that wait

--docs: writes the plot and the tables into that directory; see figures.py.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{os.path.dirname(HERE)}/integration")

# pylint: disable=wrong-import-position
import figures
from daemon import Service
from hardware import Tpm, die_with_parent
from tap import Skip
from world import GIT

FRESH = "program::/usr/bin/make"
RULES = """permit (principal == agent::"build-7", action, resource == program::"/usr/bin/git");
@freshness("5s")
permit (principal == agent::"build-7", action, resource == program::"/usr/bin/make");
"""
CLIENTS = (1, 8, 64, 512)
DELAYS = (30, 100, 300)
SIGN, CERTIFY = "0x15d", "0x184"
TICK = os.sysconf("SC_CLK_TCK")
RELAY = ""  # the program
MEASURED = {}


class Relayed(Tpm):
    """swtpm behind a relay that can be told to be slow."""

    def __init__(self, base, state):
        super().__init__(base, state)
        self.front, self.control = f"{base}/r", f"{base}/k"
        self.uri = f"tpm:swtpm:path={self.front}"
        self.relay = None

    def start(self):
        super().start()
        if self.relay is None:
            self.relay = subprocess.Popen(
                [RELAY, self.front, self.socket, "--control", self.control],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
            self.relay.stdout.readline()

    def stop(self):
        if self.relay is not None:
            self.relay.kill()
            self.relay.wait()
            self.relay.stdout.close()
            self.relay = None
        super().stop()

    def tell(self, *lines):
        for line in lines:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(self.control)
                link.sendall(line.encode() + b"\n")
                link.shutdown(socket.SHUT_WR)
                got = link.recv(100)
                if not got.startswith(b"ok"):
                    raise RuntimeError(f"relay: {line}: {got!r}")


class Served(Service):
    """A gate with rules of both kinds, served."""

    def __init__(self, kind, options):
        super().__init__("hsm" if kind == "hsm" else "tpm", f"{options.build}/gate/cli/pawl")
        if kind == "relay":
            self.hardware = Relayed(self.base, f"{self.live}/hw")
        self.options = argparse.Namespace(pawld=f"{options.build}/gate/daemon/pawld")
        self.build_directory = options.build

    def begin(self):
        self.go("enrolled")
        self.install(self.next_epoch(RULES))
        self.serve()

    def load(self, clients, seconds, resource=GIT):
        return load(self.build_directory, self.socket(), clients, seconds, resource)


def say(text):
    print(f"bench_service: {text}", file=sys.stderr, flush=True)


def put(metric, value, unit, **more):
    MEASURED[metric] = value
    print(json.dumps({"metric": metric, "value": round(value, 3), "unit": unit, **more}),
          flush=True)


def load(build, path, clients, seconds, resource=GIT):
    done = subprocess.run([f"{build}/test-env/load/load_client", "--socket", path, "--clients",
                           str(clients), "--seconds", str(seconds), "--resource", resource,
                           "--deadline", "60000"],
                          stdout=subprocess.PIPE, check=True)
    got = json.loads(done.stdout)
    if got["permits"] != got["answers"] or got["refused"] or got["unanswered"]:
        raise RuntimeError(f"not everything was permitted: {got}")
    return got


def cpu_s(pid):
    """User and system time of a process and all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def median(values):
    return sorted(values)[len(values) // 2]


class Echo:
    """The bare HTTP server."""

    def __init__(self, options, base, octets):
        self.path = f"{base}/echo"
        self.process = subprocess.Popen(
            [f"{options.build}/test-env/load/floor", "echo", self.path, str(octets)],
            stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        while not os.path.exists(self.path):
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        os.unlink(self.path)


def floor_number(options, *args):
    done = subprocess.run([f"{options.build}/test-env/load/floor", *map(str, args)],
                          stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


class Bench:
    def __init__(self, options):
        self.options = options
        self.cells = {}  # (hardware, clients, fresh): what the load client said

    def span(self, seconds):
        return seconds / 4 if self.options.quick else seconds

    def sweep(self, world, name, seconds):
        for fresh in (False, True):
            for clients in (1, 64) if self.options.quick else CLIENTS:
                got = world.load(clients, self.span(seconds), FRESH if fresh else GIT)
                self.cells[name, clients, fresh] = got
                put(f"service_{name}_{clients}{'_fresh' if fresh else ''}",
                    got["permits_per_second"], "1/s", p50_ms=got["p50_ms"], p99_ms=got["p99_ms"])

    # ---- against the floor ----

    def cpu(self, world, answer):
        """Turns of each, so that all see the same machine."""
        pawld, echo, sign = [], [], []
        with Echo(self.options, world.base, answer) as bare:
            for _ in range(1 if self.options.quick else 5):
                for pid, path, to in ((world.process.pid, world.socket(), pawld),
                                      (bare.process.pid, bare.path, echo)):
                    before = cpu_s(pid)
                    got = load(self.options.build, path, 512, self.span(4))
                    to.append((cpu_s(pid) - before) / got["answers"] * 1e6)
                sign.append(floor_number(self.options, "sign", 10000))
        put("decision_cpu", median(pawld), "us")
        put("decision_cpu_echo", median(echo), "us")
        put("decision_cpu_signature", median(sign), "us")
        ratios = [one / (two + three) for one, two, three in zip(pawld, echo, sign)]
        put("decision_cpu_over_floor", median(ratios), "ratio")

    def latency(self, world, answer):
        own, echo, sync = [], [], []
        with Echo(self.options, world.base, answer) as bare:
            for _ in range(1 if self.options.quick else 5):
                own.append(world.load(1, self.span(3))["p50_ms"] * 1000)
                echo.append(load(self.options.build, bare.path, 1, 0.5)["p50_ms"] * 1000)
                sync.append(floor_number(self.options, "sync", f"{world.base}/sync", 4096, 100))
        round_us = self.options.round_us or self.bare_round()
        put("decision_latency", median(own), "us")
        put("decision_latency_echo", median(echo), "us")
        put("decision_latency_fdatasync", median(sync), "us")
        put("decision_latency_round", round_us, "us")
        ratios = [one / (two + three + round_us) for one, two, three in zip(own, echo, sync)]
        put("decision_latency_over_floor", median(ratios), "ratio")

    def bare_round(self):
        done = subprocess.run([f"{self.options.build}/tpm/tpm_bench"], stdout=subprocess.PIPE,
                              check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return next(one["value"] for one in lines if one["metric"] == "tpm_round_raw")

    @staticmethod
    def answer_size(world):
        return len(world.evaluate(
            {"subject": {"type": "agent", "id": "build-7"},
             "action": {"name": "exec", "properties": {"class": "execute"}},
             "resource": {"type": "program", "id": "/usr/bin/git"}}).bytes)

    # ---- slow hardware ----

    def per_round(self, world):
        world.hardware.tell("clear", f"delay 30 {SIGN}",
                            f"fault slow code={CERTIFY} times=0 ms=30")
        rounds = world.load(1, self.span(8))["permits_per_second"]
        permits = world.load(64, self.span(8))["permits_per_second"]
        put("rounds_per_second_30ms_signatures", rounds, "1/s")
        put("permits_per_second_64_30ms_signatures", permits, "1/s")
        put("decisions_per_round_64", permits / rounds, "ratio")

    def memory(self, world):
        """All wait while one command takes its time."""
        world.load(64, self.span(4))  # what is made once is made
        before = rss_kib(world.process.pid)
        world.hardware.tell("clear", "delay 500")
        client = subprocess.Popen(
            [f"{self.options.build}/test-env/load/load_client", "--socket", world.socket(),
             "--clients", "1000", "--requests", "1000", "--deadline", "60000"],
            stdout=subprocess.DEVNULL)
        time.sleep(2)  # a round takes three times as long
        after = rss_kib(world.process.pid)
        world.hardware.tell("clear", "delay 0")
        client.wait()
        put("service_waiting_kib", after - before, "KiB")

    # ---- the whole ----

    def run_on(self, kind, work):
        try:
            world = Served(kind, self.options)
        except Skip as skip:
            put_skip(kind, skip)
            return
        try:
            say(f"{kind}: a gate is made")
            world.begin()
            work(world)
            world.halt()
        finally:
            world.close()

    def on_swtpm(self, world):
        answer = self.answer_size(world)
        put("decision_answer", answer, "octets")
        self.latency(world, answer)
        self.cpu(world, answer)
        self.sweep(world, "swtpm", 4)

    def on_softhsm(self, world):
        self.sweep(world, "softhsm", 4)

    def on_relay(self, world):
        self.memory(world)
        self.per_round(world)
        for delay in DELAYS[:1] if self.options.quick else DELAYS:
            world.hardware.tell("clear", f"delay {delay}")
            self.sweep(world, f"tpm_{delay}ms", {30: 4, 100: 6, 300: 12}[delay])
        world.hardware.tell("clear", "delay 0")

    def run(self):
        self.run_on("tpm", self.on_swtpm)
        self.run_on("hsm", self.on_softhsm)
        self.run_on("relay", self.on_relay)
        if self.options.docs:
            figures.write(self.options.docs, self.cells, MEASURED)


def put_skip(kind, reason):
    print(json.dumps({"metric": f"service_{kind}", "skipped": str(reason)}), flush=True)


def main():
    global RELAY  # pylint: disable=global-statement
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=os.path.abspath)
    parser.add_argument("--quick", action="store_true", help="that it runs; no figure counts")
    parser.add_argument("--round-us", type=float, help="tpm_round_raw of tpm_bench")
    parser.add_argument("--docs", type=os.path.abspath)
    parser.add_argument("--only", choices=("tpm", "hsm", "relay"))
    options = parser.parse_args()
    RELAY = f"{options.build}/test-env/tpm_relay"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options)
    if options.only:
        bench.run_on(options.only, {"tpm": bench.on_swtpm, "hsm": bench.on_softhsm,
                                    "relay": bench.on_relay}[options.only])
    else:
        bench.run()


if __name__ == "__main__":
    main()
