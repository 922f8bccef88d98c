#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the evaluator in many places, one at a time, and sees which tests notice.

usage: mutate.py TOP WORK [COUNT [FILE...]]

TOP is the source directory, WORK a directory for the copies that are broken, COUNT how many faults
are tried, spread evenly over the files ("all": every one). Each is built and goes through the unit
tests of gate/cedar, those first that noticed most in that file before, until one notices; what none
of them does goes through the conformance corpus. A fault that makes the same machine code, or that
stands in equivalent.txt with the reason why no test can see it, does not count. Faults in what is
done when memory runs out are not made. Everything is built with AddressSanitizer. Ends with "N
passed, N failed, N skipped": passed are the faults that were noticed."""

import collections
import concurrent.futures
import filecmp
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import time

from mutants import mutants_of

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["authorize.c", "entities.c", "evaluate.c", "ext.c", "ext_datetime.c", "ext_decimal.c",
         "ext_ip.c", "finish.c", "fold.c", "index.c", "index_keys.c", "like.c", "run.c", "value.c",
         "value_sort.c"]
ROOM = "gate/cedar"
JOBS = os.cpu_count() or 1


def equivalents():
    """(file, before, after) -> why, from equivalent.txt."""
    found = {}
    with open(os.path.join(HERE, "equivalent.txt"), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip() and line[0] != "#"]
    for at in range(0, len(lines), 4):
        name, before, after, why = (line.strip() for line in lines[at:at + 4])
        found[name, before, after] = why
    return found


def update(top, copy):
    """Makes copy the same as the sources. Only what differs is written, so that a build directory
    from the last time stays of use."""
    wanted = set()
    for folder, dirs, files in os.walk(top):
        here = os.path.relpath(folder, top)
        dirs[:] = [name for name in dirs if name != ".git" and not (
            here == "." and name.startswith("build"))]
        os.makedirs(os.path.join(copy, here), exist_ok=True)
        for name in files:
            path = os.path.normpath(os.path.join(here, name))
            wanted.add(path)
            source, target = os.path.join(top, path), os.path.join(copy, path)
            if not os.path.exists(target) or not filecmp.cmp(source, target, False):
                shutil.copyfile(source, target)
                shutil.copymode(source, target)
    for folder, _, files in os.walk(copy):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, copy) not in wanted:
                os.remove(path)


class Copy:
    """A copy of the sources with a build directory of its own."""

    def __init__(self, top, work):
        self.source, self.build = os.path.join(work, "source"), os.path.join(work, "build")
        update(top, self.source)
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            subprocess.run(["meson", "setup", self.build, self.source, "--buildtype=plain",
                            "--optimization=1", "-Dsanitize=true"],
                           stdout=subprocess.DEVNULL, check=True)
        self.make(["build.ninja"])
        done = subprocess.run(["meson", "introspect", "--tests", self.build],
                              stdout=subprocess.PIPE, check=True)
        self.tests, self.corpus = [], None
        for test in json.loads(done.stdout):
            program = test["cmd"][0]
            if f"/{ROOM}/" not in program or program.endswith(("_bench", "_tsan_test")):
                continue
            if test["name"] == "cedar_corpus":
                self.corpus = test
            elif any(suite.endswith("unit") for suite in test["suite"]):
                self.tests.append(test)
        self.seconds = collections.defaultdict(lambda: 600)
        self.noticed = collections.defaultdict(collections.Counter)
        targets = map(self.target, self.tests + [self.corpus] * bool(self.corpus))
        failed = self.make([*targets])
        if failed is not None:
            raise SystemExit("mutate: the sources do not build:\n" + failed[-4000:])
        for name in os.listdir(os.path.join(self.source, ROOM)):
            if os.path.exists(self.object(name)):
                shutil.copyfile(self.object(name), self.object(name) + ".whole")
        wrong = []
        for test in self.tests + [self.corpus] * bool(self.corpus):
            begin = time.monotonic()
            found = self.fails(test)
            wrong += [found] if found else []
            self.seconds[test["name"]] = 5 + 10 * (time.monotonic() - begin)
        if wrong:
            raise SystemExit("mutate: without any fault: " + "; ".join(wrong))

    def target(self, test):
        return os.path.relpath(test["cmd"][0], self.build)

    def make(self, targets):
        """None, or what the compiler said."""
        done = subprocess.run(["ninja", "-j1", "-C", self.build, *targets],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return None if done.returncode == 0 else done.stdout.decode(errors="replace")

    def object(self, path):
        name = f"{ROOM}/libcedar.a.p/{os.path.basename(path)}.o"
        return os.path.join(self.build, name)

    def fails(self, test):
        """None if the test passes or cannot run; otherwise the test and what failed in it."""
        environment = {**os.environ, **test["env"]}
        try:
            done = subprocess.run(test["cmd"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, env=environment,
                                  cwd=test["workdir"] or self.build, check=False,
                                  timeout=self.seconds[test["name"]])
        except subprocess.TimeoutExpired:
            return f"{test['name']} (does not end)"
        if done.returncode in (0, 77):
            return None
        names = re.findall(rb"\[  FAILED  \] (?:\w+: )?(\w+)\n", done.stdout)
        more = names[0].decode() if names else f"exit {done.returncode}"
        return f"{test['name']}: {more}"

    def judge(self, mutant):
        """(verdict, by which test)."""
        path = os.path.join(self.source, mutant.path)
        whole = self.object(mutant.path) + ".whole"
        with open(path, encoding="utf-8") as file:
            original = file.read()
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(mutant.text)
            if self.make([f"{ROOM}/libcedar.a"]) is not None:
                return "no program", None
            if filecmp.cmp(self.object(mutant.path), whole, False):
                return "same code", None
            return self.try_tests(mutant)
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(original)


    def try_tests(self, mutant):
        before = self.noticed[mutant.path]
        order = sorted(self.tests, key=lambda test: (-before[test["name"]],
                                                     self.seconds[test["name"]]))
        for test in order + [self.corpus] * bool(self.corpus):
            if self.make([self.target(test)]) is not None:
                return "no program", None
            caught = self.fails(test)
            if caught:
                before[test["name"]] += 1
                return "noticed", caught
        return "survived", None


def chosen(top, count, names):
    """The faults to try: for each file its share, evenly over its length."""
    every = {name: list(mutants_of(top, f"{ROOM}/{name}")) for name in names
             if os.path.exists(os.path.join(top, ROOM, name))}
    total = sum(map(len, every.values()))
    out = []
    for found in every.values():
        found.sort(key=lambda mutant: mutant.line)
        share = len(found) if count == "all" else max(1, round(int(count) * len(found) / total))
        share = min(share, len(found))
        out += [found[i * len(found) // share] for i in range(share)]
    return out, total


def main():
    top, work = map(os.path.abspath, sys.argv[1:3])
    os.environ.setdefault("PAWL_SHARED", os.path.join(os.path.dirname(top), "shared"))
    count = sys.argv[3] if len(sys.argv) > 3 else "200"
    mutants, total = chosen(top, count, sys.argv[4:] or FILES)
    known = equivalents()
    unused = set(known)
    copies = queue.Queue()
    for number in range(JOBS):
        copies.put(Copy(top, os.path.join(work, str(number))))
    tally = {"noticed": 0, "survived": 0, "same code": 0, "no program": 0, "equivalent": 0}
    by_test = collections.Counter()

    def judge(mutant):
        copy = copies.get()
        try:
            verdict, caught = copy.judge(mutant)
        finally:
            copies.put(copy)
        if verdict == "survived" and any(key in known for key in mutant.keys()):
            verdict = "equivalent"
        return mutant, verdict, caught

    print(f"{len(mutants)} of {total} faults", flush=True)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for mutant, verdict, caught in pool.map(judge, mutants):
            tally[verdict] += 1
            unused -= set(mutant.keys())
            if verdict == "noticed" and set(mutant.keys()[:2]) & set(known):
                print(f"in equivalent.txt, but noticed: {mutant}", flush=True)
            if verdict == "noticed":
                by_test[caught.split(":")[0]] += 1
                print(f"noticed   {mutant}\n          by {caught}", flush=True)
            elif verdict == "survived":
                print(f"SURVIVED  {mutant}", flush=True)
    if count == "all":
        for key in sorted(unused):
            print("in equivalent.txt, but no fault of ours:", *key, sep="\n    ")
    print("noticed first by", ", ".join(f"{name} {n}" for name, n in by_test.most_common()))
    print(", ".join(f"{number} {name}" for name, number in tally.items()))
    print(f"{tally['noticed']} passed, {tally['survived']} failed, {tally['equivalent']} skipped")
    return 1 if tally["survived"] or not tally["noticed"] else 0


if __name__ == "__main__":
    sys.exit(main())
