#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""summary_test.py: the counting of tests, tried on what test programs print. As TAP."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import summary  # noqa: E402

TWO_GOOD = """[==========] Running 2 test(s).
[ RUN      ] a
[       OK ] a
[ RUN      ] b
[       OK ] b
[==========] 2 test(s) run.
"""
NAMED = TWO_GOOD.replace("] Running", "] group: Running").replace("] 2 test", "] group: 2 test")
ONE_BAD = TWO_GOOD.replace("[       OK ] b", "[  FAILED  ] b")
SETUP = TWO_GOOD.replace("[       OK ] b\n", "")
DIED = TWO_GOOD[: TWO_GOOD.index("[       OK ] b")]
SKIPPED = TWO_GOOD.replace("[       OK ] b", "[  SKIPPED ] b")
TOLD = SKIPPED.replace("[  SKIPPED ] b", "no token here\n[  SKIPPED ] b")
ON_STDERR = """skipped: no token here
[  PASSED  ] 1 test(s).
[  SKIPPED ] b

 1 SKIPPED TEST(S)
"""
TAP = "1..4\nok 1 - a\nnot ok 2 - b\n# why\nok 3 - c # SKIP no tool\nok 4\n"

# (case, result, exit status, stdout, stderr, passed, failed, skips)
CASES = [
    ("cmocka", "OK", 0, TWO_GOOD, "", 2, 0, []),
    ("cmocka with group names", "OK", 0, NAMED, "", 2, 0, []),
    ("two groups", "OK", 0, TWO_GOOD + NAMED, "", 4, 0, []),
    ("one failed", "FAIL", 1, ONE_BAD, "", 1, 1, []),
    ("set-up failed", "FAIL", 1, SETUP, "", 1, 1, []),
    ("died in the middle", "FAIL", -6, DIED, "", 1, 1, []),
    ("leak found at the end", "FAIL", 1, TWO_GOOD, "LeakSanitizer", 2, 1, []),
    ("too slow", "TIMEOUT", -15, DIED, "", 1, 1, []),
    ("skip, told before", "OK", 0, TOLD, "", 1, 0, ["no token here"]),
    ("skip, told on stderr", "OK", 0, SKIPPED, ON_STDERR, 1, 0, ["skipped: no token here"]),
    ("skip, not told", "OK", 0, SKIPPED, "", 1, 0, ["no reason given"]),
    ("plain program", "OK", 0, "fine\n", "", 1, 0, []),
    ("plain program failed", "FAIL", 3, "", "", 0, 1, []),
    ("plain program skipped", "SKIP", 77, "no swtpm\n", "", 0, 0, ["no swtpm"]),
    ("tap", "FAIL", 1, TAP, "", 2, 1, ["no tool"]),
    ("tap, nothing ran", "SKIP", 0, "1..0 # SKIP no tool\n", "", 0, 0, ["no tool"]),
]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (case, result, status, out, err, good, bad, skips) in enumerate(CASES, 1):
        got = summary.outcome_of({"name": "suite / x", "result": result, "returncode": status,
                                  "stdout": out, "stderr": err})
        have = (len(got.passed), len(got.failed), [reason for _, reason in got.skipped])
        right = have == (good, bad, skips)
        failed += 0 if right else 1
        print(f"{'ok' if right else 'not ok'} {number} - {case}")
        if not right:
            print(f"# have {have}, want {(good, bad, skips)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
