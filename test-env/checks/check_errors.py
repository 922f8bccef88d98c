# SPDX-License-Identifier: Apache-2.0
"""Every error has one name and one number, and docs/errors.md and pawl-errors(7) say what the
source says. docs/errors.py writes their tables."""

import importlib.util
import os
import re

from tree import line_of

TITLE = "every error is numbered once and documented"

SOURCE = "gate/base/err.h"
# Names of OpenSSL and of ours that are no errors.
FOREIGN = {"LIST", "H", "GET_REASON", "GET_LIB"}
HERE = os.path.dirname(os.path.abspath(__file__))
GENERATOR = os.path.join(HERE, "..", "..", "docs", "errors.py")


def generator():
    spec = importlib.util.spec_from_file_location("errors", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_list(errors):
    names, last = set(), -1
    for error in errors:
        if error.name in names:
            yield f"{SOURCE}: {error.name} is there twice"
        names.add(error.name)
        if error.number <= last:
            yield f"{SOURCE}: {error.name} has number {error.number}, after {last}"
        last = error.number
        if error.exit > 125:
            yield f"{SOURCE}: {error.name}: exit code {error.exit} belongs to the shell"
        if error.name != "OK" and (not error.meaning or not error.hint):
            yield f"{SOURCE}: {error.name} has no meaning or no hint"


def check_exit_codes(errors, text, path):
    listed = {int(code) for code in re.findall(r"^\| *(\d+) *\|", text, re.M)}
    for error in errors:
        if error.exit not in listed:
            yield f"{path}: exit code {error.exit} ({error.name}) is not in the table"


def check(tree):
    errors_py = generator()
    errors = errors_py.parse(tree.read(SOURCE))
    if len(errors) < 2:
        yield f"{SOURCE}: no list of errors found"
    count = len(re.findall(r"\bX\((?!name, number)", tree.code(SOURCE)))
    if count != len(errors):
        yield f"{SOURCE}: {count} entries, but {len(errors)} were understood"
    yield from check_list(errors)
    for path in (errors_py.MARKDOWN, errors_py.MANUAL):
        if not tree.has(path):
            yield f"{path} is not there"
            continue
        text = tree.read(path)
        if errors_py.filled(path, text, errors) != text:
            yield f"{path} differs from {SOURCE}: run docs/errors.py"
        if path == errors_py.MARKDOWN:
            yield from check_exit_codes(errors, text, path)
    known = {error.name for error in errors}
    for path in tree.ending(".c", ".h"):
        for match in re.finditer(r"\bERR_([A-Z][A-Z0-9_]*)\b", tree.code(path)):
            if match.group(1) not in known | FOREIGN and path != SOURCE:
                line = line_of(tree.read(path), match.start())
                yield f"{path}:{line}: {match.group(0)} is not in {SOURCE}"


def planted(entries, markdown=None):
    errors_py = generator()
    source = "#define ERR_LIST(X) \\\n    /* all */ \\\n    " + " \\\n    ".join(entries) + "\n\n"
    errors = errors_py.parse(source)
    empty = f"{errors_py.BEGIN_MD}\n{errors_py.END_MD}\n"
    manual = f"{errors_py.BEGIN_MAN}\n{errors_py.END_MAN}\n"
    table = "| 0 |\n| 2 |\n"
    filled = errors_py.filled(errors_py.MARKDOWN, table + empty, errors)
    return {
        SOURCE: source,
        errors_py.MARKDOWN: markdown if markdown is not None else filled,
        errors_py.MANUAL: errors_py.filled(errors_py.MANUAL, manual, errors),
    }


OK = 'X(OK, 0, 0, "success", "")'
USAGE = 'X(USAGE, 3, 2, "wrong", "look")'

SELF_TESTS = [
    ("good", planted([OK, USAGE]), None),
    ("same number", planted([OK, USAGE, 'X(B, 3, 2, "b", "b")']), "after 3"),
    ("same name", planted([OK, USAGE, 'X(USAGE, 4, 2, "b", "b")']), "twice"),
    ("no hint", planted([OK, 'X(B, 3, 2, "b", "")']), "no hint"),
    ("not documented", planted([OK, USAGE], "| 0 |\n| 2 |\n"), "run docs/errors.py"),
    ("exit code not explained", planted([OK, 'X(B, 3, 9, "b", "b")']), "exit code 9"),
    ("unknown name", {**planted([OK, USAGE]), "hw/a.c": "return ERR_NOPE;\n"}, "ERR_NOPE"),
]
