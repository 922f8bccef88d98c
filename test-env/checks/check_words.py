# SPDX-License-Identifier: Apache-2.0
"""Sources speak about the program: not about the machine they were written on, not about how or
when they were written, and they promise nothing for later."""

import os
import re

from tree import line_of

TITLE = "no path of one machine, no note to self"

# Written with a class here and there, so that this file does not find itself.
PATTERNS = [
    (re.compile(r"(?<![\w.])/(?:wor[k]|hom[e]/\w+|roo[t]|User[s])/"), "a path of one machine"),
    (re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b"), "a note to self: do it, or leave it"),
    (re.compile(r"\bissue #?\d+\b", re.I), "a number of a tracker: say the thing itself"),
    (re.compile(r"\b(?:work[t]ree|code sess[i]on|the ta[s]k says|as req[u]ested)\b", re.I),
     "how the text came about"),
    (re.compile(r"\b(?:language mod[e]l|AI[- ]generate[d]|chatbo[t])\b", re.I),
     "how the text came about"),
    (re.compile(r"\b(?:blazing|world-class|cutting[- ]edge|next[- ]generation|military[- ]grade|"
                r"seamless(?:ly)?|unhackable|bullet-?proof|state[- ]of[- ]the[- ]art)\b", re.I),
     "praise: give a figure or leave it out"),
]
HERE = "test-env/checks/check_words.py"


def check(tree):
    for path in tree.texts():
        if path == HERE or os.path.islink(tree.full(path)):
            continue
        text = tree.read(path)
        for pattern, reason in PATTERNS:
            for match in pattern.finditer(text):
                yield f"{path}:{line_of(text, match.start())}: {match.group(0)!r}: {reason}"


SELF_TESTS = [
    ("plain words", {"a.md": "A TPM session, a session key; https://x.example/work/y.\n"}, None),
    ("a relative path", {"a.md": "a/home/b, ./root/c\n"}, None),
    ("machine path", {"a.md": "see /wor" "k/x\n"}, "one machine"),
    ("home", {"hw/a.c": "/* /home/" "me/x */\n"}, "one machine"),
    ("note", {"hw/a.c": "/* TO" "DO */\n"}, "note to self"),
    ("tracker", {"a.md": "fixes issue " "#12\n"}, "tracker"),
    ("praise", {"README.md": "a seamless gate\n"}, "praise"),
]
