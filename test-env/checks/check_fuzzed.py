# SPDX-License-Identifier: Apache-2.0
"""Every function that reads bytes from outside is called by a fuzz target, or unfuzzed.txt says
through which other one it is reached."""

import re

from tree import is_test, line_of

TITLE = "every parser has a fuzz target"

LIST = "test-env/checks/unfuzzed.txt"
PARSER = re.compile(
    r"\b([a-z]\w*(?:_parse|_decode|_from_(?:spki|pem|der|cbor|json|uri|bytes)|_json_read))\s*\("
)


def parsers(tree):
    for path in tree.ending(".h"):
        if is_test(path):
            continue
        code = tree.code(path)
        for match in PARSER.finditer(code):
            yield match.group(1), f"{path}:{line_of(code, match.start())}"


def check(tree):
    fuzzed = set()
    for path in tree.ending("_fuzz.c"):
        fuzzed.update(re.findall(r"\b\w+(?=\s*\()", tree.code(path)))
    excused = {}
    if tree.has(LIST):
        for line in tree.read(LIST).splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(" ")
                excused[name] = reason.strip()
    seen = set()
    for name, place in parsers(tree):
        seen.add(name)
        if name in fuzzed and name in excused:
            yield f"{LIST}: {name} has a fuzz target now: remove the line"
        if name not in fuzzed and name not in excused:
            yield f"{place}: no fuzz target calls {name}"
    for name, reason in excused.items():
        if name not in seen:
            yield f"{LIST}: {name} is not declared anywhere: remove the line"
        if len(reason) < 10:
            yield f"{LIST}: {name}: no reason"


HEADER = {"hw/a.h": "int a_parse(struct slice bytes);\n"}

SELF_TESTS = [
    ("fuzzed", {**HEADER, "hw/a_fuzz.c": "int f(void)\n{\n    a_parse(x);\n}\n"}, None),
    ("not fuzzed", HEADER, "no fuzz target calls a_parse"),
    ("only in a comment", {**HEADER, "hw/a_fuzz.c": "/* a_parse(x) */\n"}, "no fuzz target"),
    ("excused", {**HEADER, LIST: "a_parse reached through b_parse\n"}, None),
    ("excused without reason", {**HEADER, LIST: "a_parse\n"}, "no reason"),
    ("excused and gone", {LIST: "a_parse reached through b_parse\n"}, "not declared"),
    ("excused and fuzzed",
     {**HEADER, "hw/a_fuzz.c": "a_parse(x);\n", LIST: "a_parse reached through b\n"}, "remove"),
]
