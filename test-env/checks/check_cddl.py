# SPDX-License-Identifier: Apache-2.0
"""Every rule that a .cddl file uses is defined in it, and every rule that it defines is used,
or named as one that stands by itself."""

import re

from tree import line_of

TITLE = "CDDL rules are defined and used"

PRELUDE = {"bstr", "tstr", "uint", "int", "bool", "nil", "null", "true", "false", "any", "bytes",
           "text", "number"}
HIDDEN = re.compile(r';[^\n]*|"(?:\\.|[^"\\\n])*"')
RULE = re.compile(r"^([a-z][\w-]*)(?:<([^>]*)>)?\s*=", re.M)
# A member's name or label in front of a colon is no rule; nor is a control operator.
WORD = re.compile(r"(?<![\w.#-])([a-z][\w-]*)(?![\w-]*\s*:)")
# Whole messages and files: nothing else refers to them.
STANDALONE = {"bundle", "enrolment", "permit", "sealed"}


def check(tree):
    for path in tree.ending(".cddl"):
        text = HIDDEN.sub(lambda match: " " * len(match.group(0)), tree.read(path))
        rules = {match.group(1): match for match in RULE.finditer(text)}
        parameters = {name.strip() for match in rules.values()
                      for name in (match.group(2) or "").split(",")}
        used = set()
        for match in WORD.finditer(text):
            name = match.group(1)
            if any(rule.start() <= match.start() < rule.end() for rule in rules.values()):
                continue
            used.add(name)
            if name not in rules and name not in PRELUDE | parameters:
                yield f"{path}:{line_of(text, match.start())}: {name} is not defined"
        for name, match in rules.items():
            if name not in used | STANDALONE:
                yield f"{path}:{line_of(text, match.start())}: nothing uses {name}"


GOOD = """permit = #6.18([ a: b<"x", uint>, ? 4: d .size 3 ]) ; no e
b<t, c> = { t => c }
d = bstr
"""

SELF_TESTS = [
    ("good", {"docs/a.cddl": GOOD}, None),
    ("not defined", {"docs/a.cddl": GOOD.replace("d = bstr\n", "")}, "d is not defined"),
    ("not used", {"docs/a.cddl": GOOD + "f = tstr\n"}, "nothing uses f"),
]
