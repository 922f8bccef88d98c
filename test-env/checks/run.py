#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py NAME [ROOT [BUILD]]: one source check, as TAP.

Runs the check's own self-tests first: each is a small tree in which the check must find something,
or nothing. A check that cannot see a planted fault proves nothing about the real tree.
"""

import importlib
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tree as trees  # noqa: E402

SHOWN = 60


def planted(files):
    """Writes a self-test's tree; a name ending in '*' is made executable."""
    folder = tempfile.TemporaryDirectory(prefix="pawl-check-")
    for path, text in files.items():
        full = os.path.join(folder.name, path.rstrip("*"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        if path.endswith("*"):
            os.chmod(full, 0o755)
    return folder


def self_test(check, files, want):
    """None if the check behaves; otherwise what is wrong with it."""
    with planted(files) as root:
        findings = list(check.check(trees.Tree(root, os.path.join(root, "build"))))
    if want is None:
        return None if not findings else f"found something in a good tree: {findings[0]}"
    if any(want in finding for finding in findings):
        return None
    return f"did not find {want!r}; found {findings or 'nothing'}"


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = False

    def result(self, good, name, notes=()):
        self.number += 1
        self.failed = self.failed or not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}")
        for note in list(notes)[:SHOWN]:
            print(f"# {note}")
        if len(notes) > SHOWN:
            print(f"# and {len(notes) - SHOWN} more")

    def skip(self, name, reason):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {reason}")


def main():
    name = sys.argv[1]
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "..", ".."))
    build = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    check = importlib.import_module("check_" + name)
    tap = Tap()
    print(f"1..{len(check.SELF_TESTS) + 1}")
    for case, files, want in check.SELF_TESTS:
        try:
            wrong = self_test(check, files, want)
            tap.result(wrong is None, f"self-test: {case}", [wrong] if wrong else [])
        except trees.Skip as reason:
            tap.skip(f"self-test: {case}", reason)
    try:
        findings = sorted(set(check.check(trees.Tree(root, build))))
        tap.result(not findings, check.TITLE, findings)
    except trees.Skip as reason:
        tap.skip(check.TITLE, reason)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
