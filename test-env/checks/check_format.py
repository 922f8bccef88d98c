# SPDX-License-Identifier: Apache-2.0
"""clang-format leaves every C file as it is. Releases differ in taste, so only one is asked."""

import re
import shutil
import subprocess

from tree import Skip

TITLE = "clang-format has nothing to change"

MAJOR = 14


def program():
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        if shutil.which(name):
            out = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
            major = int(re.search(r"version (\d+)", out.stdout).group(1))
            if major == MAJOR:
                return name
            raise Skip(f"this is clang-format {major}, and the form is that of {MAJOR}")
    raise Skip("clang-format is not here")


def check(tree):
    name = program()
    files = tree.ending(".c", ".h")
    if not files or not tree.has(".clang-format"):
        yield "no C file, or no .clang-format"
        return
    run = subprocess.run(
        [name, "--dry-run", "-Werror", *files],
        cwd=tree.root, capture_output=True, text=True, check=False,
    )
    for line in run.stderr.splitlines():
        match = re.match(r"([^:]+:\d+):\d+: error:", line)
        if match:
            yield f"{match.group(1)}: run clang-format -i"
    if run.returncode != 0 and "error:" not in run.stderr:
        yield run.stderr.strip()


STYLE = "BasedOnStyle: LLVM\nIndentWidth: 4\n"

SELF_TESTS = [
    ("formatted", {".clang-format": STYLE, "hw/a.c": "int a;\n"}, None),
    ("not formatted", {".clang-format": STYLE, "hw/a.c": "int   a ;\n"}, "hw/a.c:1"),
]
