# SPDX-License-Identifier: Apache-2.0
"""Links between documents lead somewhere, and so does every mention of a file under docs/."""

import os
import re

from tree import line_of

TITLE = "links and mentions of documents resolve"

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
MENTION = re.compile(r"\bdocs/[\w./-]*\w\.(?:md|cddl|scd|py)\b")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def without_code(text):
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def anchors(text):
    """The anchors of a document's headings, as the usual renderers make them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", without_code(text), re.M):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def check_link(tree, path, target):
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    there = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    if not tree.has(there):
        return f"{target} is not there"
    if anchor and there.endswith(".md") and anchor not in anchors(tree.read(there)):
        return f"{there} has no heading #{anchor}"
    return None


def check(tree):
    for path in tree.ending(".md"):
        text = without_code(tree.read(path))
        for match in LINK.finditer(text):
            wrong = check_link(tree, path, match.group(1))
            if wrong:
                yield f"{path}:{line_of(text, match.start())}: {wrong}"
    for path in tree.texts():
        if path.startswith("test-env/checks/check_"):
            continue  # their self-tests name files that are not there
        text = tree.read(path)
        for match in MENTION.finditer(text):
            if not tree.has(match.group(0)):
                yield f"{path}:{line_of(text, match.start())}: {match.group(0)} is not there"


SELF_TESTS = [
    ("good", {"a.md": "# A b\n[x](docs/b.md#c-d) [y](#a-b) [z](https://x.example/)\n",
              "docs/b.md": "# `C` d\n"}, None),
    ("absent file", {"a.md": "[x](b.md)\n"}, "b.md is not there"),
    ("absent heading", {"a.md": "# A\n[x](#b)\n"}, "no heading #b"),
    ("absent mention", {"hw/a.h": "/* see docs/no.md */\n"}, "docs/no.md is not there"),
    ("in a code block", {"a.md": "```\n[x](b.md)\n```\n"}, None),
]
