# SPDX-License-Identifier: Apache-2.0
"""A file is one idea and a function one step. What is longer stands in long.txt with its length,
which may only shrink."""

import re

from tree import line_of

TITLE = "no file above 600 lines, no function above 60"

FILE_MAX = 600
FUNCTION_MAX = 60
LIST = "test-env/checks/long.txt"


def functions(code):
    """(name, first line, lines) of every function body in Linux braces."""
    for match in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S):
        before = code[: match.start()].rstrip()
        head = before[max(before.rfind(";"), before.rfind("\n}"), before.rfind("\n\n")) + 1 :]
        names = re.findall(r"(\w+)\s*\(", head)
        yield (
            names[0] if names else "?",
            line_of(code, match.start()),
            match.group(0).count("\n") + 1,
        )


def allowed(tree):
    entries = {}
    if not tree.has(LIST):
        return entries
    for line in tree.read(LIST).splitlines():
        if line.strip() and not line.startswith("#"):
            what, lines = line.split()
            entries[what] = int(lines)
    return entries


def measured(tree):
    """(what, lines, limit) for everything that is longer than its limit."""
    for path in tree.ending(".c", ".h", ".py", ".sh"):
        lines = tree.read(path).count("\n")
        if lines > FILE_MAX:
            yield path, lines, FILE_MAX
        if path.endswith((".c", ".h")):
            for name, _, length in functions(tree.code(path)):
                if length > FUNCTION_MAX:
                    yield f"{path}:{name}", length, FUNCTION_MAX


def check(tree):
    entries = allowed(tree)
    seen = {}
    for what, lines, limit in measured(tree):
        seen[what] = lines
        if lines > entries.get(what, limit):
            yield f"{what}: {lines} lines, the limit is {entries.get(what, limit)}"
    for what, lines in entries.items():
        if what not in seen:
            yield f"{LIST}: {what} is short enough now: remove the line"
        elif seen[what] < lines:
            yield f"{LIST}: {what} has {seen[what]} lines now: write that instead of {lines}"


def function(lines):
    return "static int f(int a,\n             int b)\n{\n" + "    a++;\n" * (lines - 2) + "}\n"


SELF_TESTS = [
    ("short", {"hw/a.c": function(60)}, None),
    ("long function", {"hw/a.c": function(61)}, "hw/a.c:f: 61 lines"),
    ("second of two", {"hw/a.c": function(3) + "\n" + function(70)}, "hw/a.c:f: 70"),
    ("long file", {"hw/a.h": "\n" * 601}, "hw/a.h: 601 lines"),
    ("listed", {"hw/a.c": function(70), LIST: "hw/a.c:f 70\n"}, None),
    ("listed and grown", {"hw/a.c": function(71), LIST: "hw/a.c:f 70\n"}, "the limit is 70"),
    ("listed and shrunk", {"hw/a.c": function(69), LIST: "hw/a.c:f 70\n"}, "instead of 70"),
    ("listed and gone", {"hw/a.c": function(9), LIST: "hw/a.c:f 70\n"}, "remove the line"),
]
