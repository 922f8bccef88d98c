# SPDX-License-Identifier: Apache-2.0
"""Every source begins with its licence and says what it is for; text is plain."""

import os
import re

TITLE = "licence line, purpose, plain text"

LICENCE = "SPDX-License-Identifier: Apache-2.0"
C_LICENCE = f"/* {LICENCE} */"


def check_head(tree, path, text):
    lines = text.split("\n")
    if path.endswith((".c", ".h")):
        if lines[0] != C_LICENCE:
            return f"{path}:1: the first line is not {C_LICENCE}"
        has_header = path.endswith(".c") and tree.has(path[:-2] + ".h")
        about = re.search(r"(\w+)_(test|fuzz)\.c$", path)
        if not has_header and not about and (len(lines) < 2 or not lines[1].startswith("/*")):
            return f"{path}:2: no comment says what the file is for"
    elif path.endswith((".py", ".sh")) or lines[0].startswith("#!"):
        if not any(LICENCE in line for line in lines[:3]):
            return f"{path}:1: no {LICENCE} in the first three lines"
    return None


def check_text(path, text):
    if "\r" in text:
        yield f"{path}: carriage returns"
    if text and not text.endswith("\n"):
        yield f"{path}: no newline at the end"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield f"{path}:{number}: space at the end of the line"
        if "\t" in line and not path.endswith(".scd"):
            yield f"{path}:{number}: a tab"
        if len(line) > 100 and path.endswith((".c", ".h", ".py", ".sh")):
            yield f"{path}:{number}: {len(line)} columns, the limit is 100"


def check(tree):
    scripts = set(tree.scripts())
    for path in tree.texts():
        if os.path.islink(tree.full(path)):
            continue
        text = tree.read(path)
        if path.endswith((".c", ".h", ".py", ".sh")) or path in scripts:
            wrong = check_head(tree, path, text)
            if wrong:
                yield wrong
        yield from check_text(path, text)


SELF_TESTS = [
    ("good", {"hw/a.h": C_LICENCE + "\n/* a.h: x */\n", "hw/a.c": C_LICENCE + "\nint a;\n"}, None),
    ("no licence", {"hw/a.h": "/* a.h: x */\n"}, "first line"),
    ("no purpose", {"hw/a.h": C_LICENCE + "\nint a;\n"}, "what the file is for"),
    ("script", {"b*": "#!/bin/bash\necho\n"}, "first three lines"),
    ("trailing space", {"a.md": "a \n"}, "space at the end"),
    ("no newline", {"a.md": "a"}, "no newline"),
    ("tab", {"hw/a.h": C_LICENCE + "\n/* a.h */\n\tint a;\n"}, "a tab"),
]
