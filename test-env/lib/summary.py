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
GROUP = re.compile(r"^\[==========\] (?:.*: )?Running \d+ test\(s\)")
TOTAL = re.compile(r"^\[==========\] .*\b\d+ test\(s\) run")
CMOCKA = re.compile(r"^\[ ?[ A-Z=]+\]|^\d+ (SKIPPED|FAILED) TEST")
TAP = re.compile(r"^(not )?ok\b[ \t]*\d*[ \t]*-?[ \t]*([^#]*?)[ \t]*(?:#[ \t]*(\w+)[ \t]*(.*))?$")
PASSED = re.compile(r"^ok \d|^1\.\.\d|^\[ RUN|^\[       OK ")
SHOWN = 60
BAD_RESULTS = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}
EXIT_SKIP = 77


class Outcome:
    """What one program said about the tests inside it."""

    def __init__(self):
        self.passed = []
        self.failed = []
        self.skipped = []  # (name, reason)


def skip_reasons(err, number):
    """What a program said on standard error while it skipped: one line per skipped test, if the
    numbers agree, else the last line for all."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    lines = [line for line in lines if not CMOCKA.match(line)]
    told = [line for line in lines if re.match(r"skip", line, re.I)] or lines
    if len(told) == number:
        return told
    return [told[-1] if told else "no reason given"] * number


def read_cmocka(out, err):
    """cmocka's standard form: on standard output RUN, then OK, FAILED or SKIPPED for each test.
    None if this is not cmocka. A test that began and came to no end (its set-up failed, or the
    program died) has failed."""
    if not any(GROUP.match(line) for line in out.splitlines()):
        return None
    outcome = Outcome()
    current, said, untold = None, [], []
    for line in out.splitlines() + ["[==========] 0 test(s) run."]:
        run = RUN.match(line)
        if run or TOTAL.match(line):
            if current:
                outcome.failed.append(current)
            current, said = run.group(1) if run else None, []
        elif not current:
            continue
        elif OK.match(line):
            outcome.passed.append(current)
            current = None
        elif FAILED.match(line):
            outcome.failed.append(current)
            current = None
        elif SKIPPED.match(line):
            if said:
                outcome.skipped.append((current, said[-1]))
            else:
                untold.append(current)
            current = None
        elif line.strip():
            said.append(line.strip())
    outcome.skipped += zip(untold, skip_reasons(err, len(untold)))
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
    result, name = test["result"], test["name"].split(" / ")[-1]
    inside = read_cmocka(out, err) or read_tap(out)
    if result in ("SKIP", "IGNORED") or test.get("returncode") == EXIT_SKIP:
        outcome = Outcome()
        told = re.search(r"^1\.\.0 # SKIP (.+)", out, re.M)
        reason = told.group(1) if told else last_line(out + err, "no reason given")
        outcome.skipped.append((name, reason))
        return outcome
    if inside is None:
        inside = Outcome()
        if result not in BAD_RESULTS:
            inside.passed.append(name)
    if result in BAD_RESULTS and not inside.failed:
        inside.failed.append(f"{name} ({result.lower()}, exit status {test.get('returncode')})")
    return inside


def report(label, test, outcome):
    program = test["name"].split(" / ")[-1]
    for name, reason in outcome.skipped:
        shown = program if name == program else f"{program}: {name}"
        print(f"SKIP  {label}: {shown}: {reason}")
    for name in outcome.failed:
        print(f"FAIL  {label}: {program}: {name}")
    if outcome.failed:
        text = (test.get("stdout") or "") + (test.get("stderr") or "")
        lines = [line for line in text.splitlines() if line.strip() and not PASSED.match(line)]
        for line in lines[-SHOWN:]:
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
