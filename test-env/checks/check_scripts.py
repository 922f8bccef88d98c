# SPDX-License-Identifier: Apache-2.0
"""shellcheck has nothing to say about the scripts and what they source; python files compile."""

import ast
import re
import shutil
import subprocess

from tree import Skip

TITLE = "shellcheck has nothing to say"


def check(tree):
    for path in tree.ending(".py"):
        try:
            ast.parse(tree.read(path), path)
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"
    if not shutil.which("shellcheck"):
        raise Skip("shellcheck is not here")
    scripts = tree.scripts()
    if not scripts:
        return
    run = subprocess.run(
        ["shellcheck", "-x", "-a", "-f", "gcc", *scripts],
        cwd=tree.root, capture_output=True, text=True, check=False,
    )
    for line in run.stdout.splitlines():
        if re.match(r"[^:]+:\d+:", line):
            yield line
    if run.returncode > 1:
        yield run.stderr.strip()


HEAD = "#!/bin/bash\n"

SELF_TESTS = [
    ("good", {"a*": HEAD + 'echo "$1"\n'}, None),
    ("unquoted", {"a*": HEAD + "rm -rf $1/x\n"}, "SC2086"),
    ("in a sourced file",
     {"a*": HEAD + "# shellcheck source=b.sh\n. ./b.sh\n", "b.sh": HEAD + "rm $1\n"}, "b.sh"),
    ("python", {"a.py": "def f(:\n"}, "a.py:1"),
]
