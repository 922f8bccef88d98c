#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our answers with another implementation's: the same texts are Cedar, the same requests
are allowed, for the same reasons. Prints each disagreement, then "passed failed" on the last line.
usage: compare.py NAME CASES OURS OTHER [--accepts-more | --accepts-less]...

What we refuse by name (conditions, templates, annotations) is no disagreement, whatever the other
says. --accepts-more: the other is known to accept texts that are not Cedar; --accepts-less: to
refuse some that are. Such texts are then counted and not compared."""

import json
import sys

BY_NAME = ("CEDAR_UNSUPPORTED", "CEDAR_ANNOTATION", "TOO_LARGE")


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file.read().split("\n") if line]


def disagreement(case, ours, other, known):
    """None, or what differs, or the name of the known difference."""
    if not ours["ok"]:
        if ours["error"] in BY_NAME or not other["ok"]:
            return None
        if "accepts-more" in known:
            return "accepts-more"
        return "the other accepts, ours says: " + ours["text"]
    if not other["ok"]:
        if "accepts-less" in known:
            return "accepts-less"
        return "ours accepts, the other says: " + other["text"]
    if not len(ours["answers"]) == len(other["answers"]) == len(case["requests"]):
        return "the number of answers"
    for request, mine, theirs in zip(case["requests"], ours["answers"], other["answers"]):
        mine["reason"].sort()
        theirs["reason"].sort()
        if mine != theirs:
            return f"{json.dumps(request)}: ours {mine}, the other {theirs}"
    return None


def main():
    name, cases, ours, other = sys.argv[1:5]
    known = [option[2:] for option in sys.argv[5:]]
    cases, ours, other = lines(cases), lines(ours), lines(other)
    passed = failed = 0
    counts = {"plain": 0, "refused": 0, "by name": 0, "allow": 0, "deny": 0}
    if not len(cases) == len(ours) == len(other):
        print(f"{name}: {len(cases)} texts, {len(ours)} answers of ours, {len(other)} of the other")
        failed = 1
    for number, (case, mine, theirs) in enumerate(zip(cases, ours, other)):
        wrong = disagreement(case, mine, theirs, known)
        if wrong in known:
            counts[wrong] = counts.get(wrong, 0) + 1
        elif wrong is not None:
            failed += 1
            print(f"{name}: text {number}: {wrong}\n    {json.dumps(case['policies'])}")
            continue
        passed += 1
        kind = "plain" if mine["ok"] else "by name" if mine["error"] in BY_NAME else "refused"
        counts[kind] += 1
        for answer in mine.get("answers", []):
            counts[answer["decision"]] += 1
    print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    if min(counts["plain"], counts["refused"], counts["allow"], counts["deny"]) == 0:
        print(f"{name}: these comparisons prove nothing")
        failed += 1
    print(passed, failed)


main()
