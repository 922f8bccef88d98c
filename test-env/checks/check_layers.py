# SPDX-License-Identifier: Apache-2.0
"""Includes point only downwards, name the path from the top, and only the room of a hardware root
knows its library."""

import re

from tree import is_test, line_of

TITLE = "every include goes down"

LEVELS = {
    "gate/base": 1,
    "hw": 2,
    "gate/cedar": 2,
    "gate/cose": 3,
    "gate/tlog": 3,
    "tpm": 3,
    "pkcs11": 3,
    "gate/policy": 4,
    "gate/ledger": 4,
    "gate/decide": 5,
    "gate/daemon": 6,
    "gate/client": 6,
    "gate/cli": 7,
    "test-env": 8,
}

# Library headers and the rooms that may include them; tests of other rooms may not either.
OWNED = [
    (re.compile(r"tss2/"), ("tpm/", "test-env/")),
    (re.compile(r"p11-kit/|pkcs11\.h|libp11\.h"), ("pkcs11/", "test-env/")),
    (re.compile(r"sqlite3\.h"), ("gate/ledger/",)),
    (re.compile(r"curl/"), ("gate/cli/", "test-env/")),
    (re.compile(r"event2/|systemd/"), ("gate/daemon/", "test-env/")),
]
TEST_ONLY = re.compile(r"cmocka\.h|setjmp\.h")
TEST_HEADER = re.compile(
    r"(^|/)(fake|rig|fixture|conformance)\w*\.h$|_(fake|rig|fixture|test|testing)\.h$|^test-env/"
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def room_of(path):
    rooms = [room for room in LEVELS if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def check_project_include(tree, path, name):
    here, there = room_of(path), room_of(name)
    if here is None:
        return f"the folder is no room: add it to LEVELS in {__name__}.py"
    if "/" not in name or there is None:
        return f'"{name}" does not name the path from the top'
    if not tree.has(name):
        return f'"{name}" is not there'
    if TEST_HEADER.search(name) and not is_test(path):
        return f'"{name}" is for tests only'
    if here == there or there == "test-env":
        return None
    if LEVELS[there] >= LEVELS[here]:
        return f'"{name}" is not below: {there} {LEVELS[there]}, {here} {LEVELS[here]}'
    return None


def check_library_include(path, name):
    for pattern, rooms in OWNED:
        if pattern.match(name) and not path.startswith(rooms):
            return f"<{name}> belongs to {rooms[0]} alone"
    if TEST_ONLY.match(name) and not is_test(path):
        return f"<{name}> is for tests only"
    return None


def check(tree):
    for path in tree.ending(".c", ".h"):
        text = tree.uncommented(path)
        for match in INCLUDE.finditer(text):
            if match.group(1) == '"':
                wrong = check_project_include(tree, path, match.group(2))
            else:
                wrong = check_library_include(path, match.group(2))
            if wrong:
                yield f"{path}:{line_of(text, match.start())}: {wrong}"


EMPTY = {"gate/base/err.h": "", "hw/root.h": "", "hw/fake.h": "", "tpm/root.h": ""}


def planted(path, text):
    return {**EMPTY, path: text}


SELF_TESTS = [
    ("downwards", planted("tpm/a.c", '#include "hw/root.h"\n#include <tss2/x.h>\n'), None),
    ("in a comment", planted("hw/a.c", '/*\n#include "tpm/root.h"\n*/\n'), None),
    ("upwards", planted("gate/base/a.h", '#include "hw/root.h"\n'), "is not below"),
    ("equal level", planted("pkcs11/a.c", '#include "tpm/root.h"\n'), "is not below"),
    ("tests obey", planted("hw/a_test.c", '#include "tpm/root.h"\n'), "is not below"),
    ("short name", planted("hw/a.c", '#include "root.h"\n'), "path from the top"),
    ("absent", planted("hw/a.c", '#include "gate/base/no.h"\n'), "not there"),
    ("no room", planted("misc/a.c", '#include "gate/base/err.h"\n'), "no room"),
    ("foreign library", planted("gate/cose/a.c", "#include <tss2/tss2_esys.h>\n"), "alone"),
    ("foreign network", planted("hw/a.c", "#include <curl/curl.h>\n"), "alone"),
    ("foreign token", planted("tpm/a.c", "# include <p11-kit/uri.h>\n"), "alone"),
    ("fake in production", planted("tpm/a.c", '#include "hw/fake.h"\n'), "tests only"),
    ("fake in a test", planted("tpm/a_test.c", '#include "hw/fake.h"\n'), None),
    ("cmocka in production", planted("hw/a.c", "#include <cmocka.h>\n"), "tests only"),
]
