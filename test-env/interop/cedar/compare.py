#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares this library with Cedar's own implementation, over random cases: whether texts are read,
validated and linked, what is decided and why; and whether each reads what the other writes.
usage: compare.py PEER OURS DIR SEED COUNT [JOBS]

Prints each disagreement as the smallest case that shows it, then "passed failed" on the last line.
One comparison is one verdict that both gave: that a text is accepted, that a request fits the
schema, a decision with its reasons and errors. Where this library has met one of its limits
(docs/cedar.md), which the other does not have, the case is counted apart."""

import collections
import concurrent.futures
import json
import re
import subprocess
import sys

from reduce import Reducer

CHUNK = 250
SHOWN_MAX = 12
VERDICTS = ("parse", "entities", "schema", "validate", "valid_entities")
OF_REQUEST = ("names", "context", "valid", "decision", "reason", "errors")
# Fields of ours alone, which stand there when this library disagrees with itself.
OWN = ("explanation", "gate")


class Program:
    """One of the two, asked line by line."""

    def __init__(self, command):
        self.command, self.process = command, None

    def ask(self, case):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write(json.dumps(case).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            self.close()
            return {"crash": True}
        return json.loads(line)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
        self.process = None


def has_twice(text):
    """True if an object of this JSON has a member twice: RFC 8259 leaves open what that means, this
    library refuses it, and the other does so in some places only."""
    def pairs(items):
        names = [name for name, _ in items]
        if len(set(names)) < len(names):
            raise KeyError
    try:
        json.loads(text, object_pairs_hook=pairs)
    except KeyError:
        return True
    except ValueError:
        pass
    return False


def known(case):
    """The name of a difference that is meant to be, or None."""
    texts = [case["entities"]] + [request["context"] for request in case["requests"]]
    if case["form"] == "json":
        texts.append(case["policies"])
    if case.get("schema") and case["schema_form"] == "json":
        texts.append(case["schema"])
    if any(has_twice(text) for text in texts):
        return "a member twice"
    # Declarations of what another part of a schema defines: this library has no parts to link.
    if re.search(r"\bexternal\b", case.get("schema") or ""):
        return "an external declaration"
    return None


def answers_of(command, lines, path):
    """The answers to all lines. A program that dies is started again behind the line."""
    out = []
    while len(out) < len(lines):
        with open(path, "wb") as file:
            file.writelines(lines[len(out):])
        with open(path, "rb") as file:
            done = subprocess.run(command, stdin=file, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False)
        found = done.stdout.split(b"\n")[:-1]
        out.extend(json.loads(line) for line in found)
        if len(out) < len(lines):
            out.append({"crash": True})
    return out


def differences(ours, theirs, counts=None, loose=False):
    """What differs, as short names. loose: policies may stand in another order."""
    found = []

    def compare(name, mine, other):
        if counts is not None:
            counts["compared"] += 1
            counts[name, str(other)] += 1
        if mine != other:
            found.append(name)

    if "crash" in ours or "crash" in theirs:
        return ["crash"]
    if "limit" in ours or "limit" in theirs:
        return []
    for key in VERDICTS:
        if key in ours or key in theirs:
            compare(key, ours.get(key), theirs.get(key))
    for mine, other in zip(ours.get("links", []), theirs.get("links", [])):
        compare("link", mine, other)
    for mine, other in zip(ours.get("answers", []), theirs.get("answers", [])):
        for key in OF_REQUEST[:3]:
            if key in mine or key in other:
                compare(key, mine.get(key), other.get(key))
        if "decision" in mine or "decision" in other:
            decided = [decision(answer, loose) for answer in (mine, other)]
            compare("decision", *decided)
            if counts is not None:
                counts[other.get("decision")] += 1
        found.extend(key for key in OWN if key in mine)
    found.extend(key for key in ("format", "print") if key in ours)
    return found


def decision(answer, loose):
    parts = [sorted(answer.get("reason", [])), sorted(answer.get("errors", []))]
    if loose:
        parts = [len(part) for part in parts]
    return [answer.get("decision"), *parts]


def pattern(parts):
    """A pattern in one form: the other writes each character and each star by itself."""
    out = []
    for part in parts:
        if part != "Wildcard" and out and out[-1] != "Wildcard":
            out[-1] = {"Literal": out[-1]["Literal"] + part["Literal"]}
        elif part != "Wildcard" or out[-1:] != ["Wildcard"]:
            out.append(part)
    return out


def plain(tree):
    """Policies as JSON without what may be written in two ways."""
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    out = {key: plain(value) for key, value in tree.items()}
    if isinstance(out.get("pattern"), list):
        out["pattern"] = pattern(out["pattern"])
    for link in tree.get("templateLinks", []):
        link["values"] = {slot: uid.get("__entity", uid) for slot, uid in link["values"].items()}
        out["templateLinks"] = sorted(tree["templateLinks"], key=lambda link: link["newId"])
    return out


def compare_json(case, ours, theirs):
    """Whether the same text became the same JSON."""
    if case["form"] != "text" or "json" not in ours or "json" not in theirs:
        return True
    return plain(json.loads(ours["json"])) == plain(json.loads(theirs["json"]))


def crossed(case, ours, theirs):
    """What each must read of what the other wrote: (case, who reads it, in another order?)."""
    if not case.get("print") or "text" not in ours or not theirs.get("parse"):
        return
    base = {**case, "links": [], "print": False}
    linked = any(ours.get("links", []))
    same_ids = case["form"] == "text"
    yield {**base, "form": "json", "policies": ours["json"]}, "theirs", False
    yield {**base, "form": "json", "policies": theirs["json"]}, "ours", False
    if not linked and "templateLinks\":[{" not in ours["json"]:
        yield {**base, "form": "text", "policies": ours["text"]}, "theirs", not same_ids
        if "text" in theirs:
            yield {**base, "form": "text", "policies": theirs["text"]}, "ours", True


def cross_answers(case, asked):
    """The disagreements of crossed(), asking one by one. asked: name -> Program."""
    ours, theirs = asked["ours"].ask(case), asked["theirs"].ask(case)
    for other, who, loose in crossed(case, ours, theirs):
        again = asked[who].ask(other)
        again.pop("links", None)
        pair = (again, theirs) if who == "ours" else (ours, again)
        if different_cross(*pair, None, loose):
            yield f"what {'they' if who == 'ours' else 'we'} wrote as {other['form']}"


def different_cross(mine, other, counts, loose):
    mine, other = dict(mine), dict(other)
    for answer in (mine, other):
        answer.pop("links", None)
        answer.pop("format", None)
    return differences(mine, other, counts, loose)


def chunk(peer, filter_, folder, seed):
    """Compares CHUNK cases: counts, and the cases that disagree with what they disagree in."""
    counts = collections.Counter()
    wrong = []
    lines = subprocess.run([peer, "generate", str(seed), str(CHUNK)], stdout=subprocess.PIPE,
                           check=True).stdout.splitlines(keepends=True)
    path = f"{folder}/cases.{seed}"
    programs = {"ours": [filter_], "theirs": [peer, "answer"]}
    ours = answers_of(programs["ours"], lines, path)
    theirs = answers_of(programs["theirs"], lines, path)
    again = {"ours": [], "theirs": []}
    for line, mine, other in zip(lines, ours, theirs):
        case = json.loads(line)
        counts["cases"] += 1
        limit = mine.get("limit") or other.get("limit")
        counts[f"limit {limit}"] += bool(limit)
        found = differences(mine, other, counts)
        if found and known(case):
            counts["known " + known(case)] += 1
            continue
        if found:
            wrong.append((sorted(set(found)), case))
            continue
        if limit:
            continue
        counts["compared"] += 1
        if not compare_json(case, mine, other):
            wrong.append((["JSON of a text"], case))
        for cross, who, loose in crossed(case, mine, other):
            again[who].append((cross, mine, other, loose, case))
    for who, list_ in again.items():
        lines = [json.dumps(item[0]).encode() + b"\n" for item in list_]
        read = answers_of(programs[who], lines, path) if lines else []
        for answer, (cross, mine, other, loose, case) in zip(read, list_):
            pair = (answer, other) if who == "ours" else (mine, answer)
            if different_cross(*pair, counts, loose):
                writer = "they" if who == "ours" else "we"
                wrong.append(([f"what {writer} wrote as {cross['form']}"], case))
    return counts, wrong


class Shower:
    """Shows disagreements, each kind a few times, made small."""

    def __init__(self, peer, filter_):
        self.asked = {"ours": Program([filter_]), "theirs": Program([peer, "answer"])}
        self.seen = collections.Counter()

    def kinds(self, case):
        if known(case):
            return set()
        ours, theirs = self.asked["ours"].ask(case), self.asked["theirs"].ask(case)
        found = differences(ours, theirs)
        if not found and "limit" not in ours and not compare_json(case, ours, theirs):
            return {"JSON of a text"}
        return set(found) or set(cross_answers(case, self.asked))

    def show(self, kinds, case):
        self.seen[tuple(kinds)] += 1
        if self.seen[tuple(kinds)] > 2 or sum(map(bool, self.seen.values())) > SHOWN_MAX:
            return
        wanted = set(kinds[:1])
        small = Reducer(lambda other: bool(wanted & self.kinds(other))).case(case)
        small = {key: value for key, value in small.items() if value not in (None, [], False)}
        print(f"DISAGREE  {', '.join(kinds)}")
        for key, value in small.items():
            if key not in ("requests", "links"):
                print(f"    {key}: {value}")
        for item in small.get("links", []) + small.get("requests", []):
            print(f"    {json.dumps(item, ensure_ascii=False)}")
        explained = {"links": [], "requests": [], **small, "explain": True}
        for who, program in self.asked.items():
            print(f"    {who}: {json.dumps(program.ask(explained), ensure_ascii=False)[:1500]}")
        print(f"    case: {json.dumps(small)}", flush=True)


def main():
    peer, filter_, folder = sys.argv[1:4]
    seed, count = int(sys.argv[4]), int(sys.argv[5])
    jobs = int(sys.argv[6]) if len(sys.argv) > 6 else 2
    counts, failed = collections.Counter(), 0
    shower = Shower(peer, filter_)
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        seeds = iter(range(seed * 1_000_000, (seed + 1) * 1_000_000))
        running = {pool.submit(chunk, peer, filter_, folder, next(seeds)) for _ in range(jobs)}
        while running:
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                more, wrong = future.result()
                counts.update(more)
                failed += len(wrong)
                for kinds, case in wrong:
                    shower.show(kinds, case)
                if counts["compared"] < count:
                    running.add(pool.submit(chunk, peer, filter_, folder, next(seeds)))
    for program in shower.asked.values():
        program.close()
    for kinds, number in shower.seen.most_common():
        print(f"{number} disagree in {', '.join(kinds)}")
    names = [("parse", "True"), ("parse", "False"), ("entities", "True"), ("entities", "False"),
             ("schema", "True"), ("schema", "False"), ("validate", "True"), ("validate", "False"),
             ("valid_entities", "True"), ("valid_entities", "False"), ("valid", "True"),
             ("valid", "False"), ("link", "True"), ("link", "False"), "allow", "deny"]
    for name in names:
        label = name if isinstance(name, str) else f"{name[0]} {name[1]}"
        print(f"{counts[name]:>9}  {label}")
        if counts[name] == 0:
            print("these comparisons prove nothing")
            failed += 1
    for name in counts:
        if str(name).startswith(("limit ", "known ")) and counts[name] > 0:
            print(f"{counts[name]:>9}  {name}")
    print(f"{counts['cases']} cases, {counts['compared']} comparisons")
    print(counts["compared"], failed)


main()
