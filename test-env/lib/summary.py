#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""summary.py NAME LOG.json: counts what `meson test` ran, test by test.

Reads meson's log (one JSON object a line). A program that speaks cmocka or TAP counts once per
test inside it, any other program once. Prints a line for every failure, with the end of its output,
and for every skip, with its reason; then "N passed, N failed, N skipped". Exit status 1 if anything
failed or nothing passed.
"""

import json
import re
import sys

RUN = re.compile(r"^\[ RUN      \] (\S+)")
OK = re.compile(r"^\[       OK \] (\S+)")
FAILED = re.compile(r"^\[  FAILED  \] (\S+)$")
SKIPPED = re.compile(r"^\[  SKIPPED \] (\S+)$")
ERROR = re.compile(r"^\[  ERROR   \] (\S+)$")
GROUP = re.compile(r"^\[==========\] Running \d+ test\(s\)")
TOTAL = re.compile(r"^\[==========\] .*\b\d+ test\(s\) run")
TAP = re.compile(r"^(not )?ok\b[ \t]*\d*[ \t]*-?[ \t]*([^#]*?)[ \t]*(?:#[ \t]*(\w+)[ \t]*(.*))?$")
BAD_RESULTS = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}
EXIT_SKIP = 77


class Outcome:
    """What one program said about the tests inside it."""

    def __init__(self):
        self.passed = []
        self.failed = []
        self.skipped = []  # (name, reason)


def read_cmocka(text):
    """cmocka's standard output form: RUN, then OK, FAILED or SKIPPED for each test. None if the
    text is not cmocka's. A test that began and never ended (the program died) has failed."""
    if not any(GROUP.match(line) for line in text.splitlines()):
        return None
    outcome = Outcome()
    current, said = None, []
    for line in text.splitlines():
        if match := RUN.match(line):
            if current:
                outcome.failed.append(current)
            current, said = match.group(1), []
        elif (match := OK.match(line)) and current:
            outcome.passed.append(current)
            current = None
        elif (FAILED.match(line) or ERROR.match(line)) and current:
            outcome.failed.append(current)
            current = None
        elif SKIPPED.match(line) and current:
            outcome.skipped.append((current, said[-1] if said else "no reason given"))
            current = None
        elif TOTAL.match(line):
            current = None
        elif current and line.strip():
            said.append(line.strip())
    if current:
        outcome.failed.append(current)
    return outcome


def read_tap(text):
    """TAP. None if there is no plan line."""
    lines = text.splitlines()
    if not any(re.match(r"^1\.\.\d+", line) for line in lines):
        return None
    outcome = Outcome()
    for line in lines:
        match = TAP.match(line)
        if not match:
            continue
        name, directive = match.group(2) or "?", (match.group(3) or "").lower()
        if directive == "skip":
            outcome.skipped.append((name, match.group(4) or "no reason given"))
        elif match.group(1):
            outcome.failed.append(name)
        else:
            outcome.passed.append(name)
    return outcome


def last_line(text, otherwise):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else otherwise


def outcome_of(test):
    """The outcome of one meson test, with the program's exit status taken into account: a program
    that failed has at least one failure, and one that died is not excused by what it printed."""
    out, err = test.get("stdout") or "", test.get("stderr") or ""
    result, name = test["result"], test["name"]
    inside = read_cmocka(err) or read_cmocka(out) or read_tap(out)
    if result in ("SKIP", "IGNORED") or test.get("returncode") == EXIT_SKIP:
        outcome = Outcome()
        outcome.skipped.append((name, last_line(out + err, "no reason given")))
        return outcome
    if inside is None:
        inside = Outcome()
        if result not in BAD_RESULTS:
            inside.passed.append(name)
    if result in BAD_RESULTS and not inside.failed:
        inside.failed.append(f"{name} ({result.lower()}, exit status {test.get('returncode')})")
    return inside


def report(label, test, outcome):
    program = test["name"]
    for name, reason in outcome.skipped:
        shown = program if name == program else f"{program}: {name}"
        print(f"SKIP  {label}: {shown}: {reason}")
    for name in outcome.failed:
        print(f"FAIL  {label}: {program}: {name}")
    if outcome.failed:
        text = (test.get("stdout") or "") + (test.get("stderr") or "")
        for line in text.splitlines()[-40:]:
            print("    | " + line)


def main():
    label, path = sys.argv[1], sys.argv[2]
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            outcome = outcome_of(test)
            report(label, test, outcome)
            passed += len(outcome.passed)
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
