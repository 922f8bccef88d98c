# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone and twice, with every compiler that is here."""

import os
import re
import shutil
import subprocess

from tree import Skip

TITLE = "every header compiles alone"

PACKAGES = ["tss2-sys", "p11-kit-1", "libp11", "jansson", "libcrypto", "cmocka"]
# cmocka.h asks its user to include these first.
BEFORE = "#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n"


def flags():
    out = subprocess.run(
        ["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True, check=False
    )
    if out.returncode != 0:
        raise Skip("pkg-config does not know all libraries: " + out.stderr.strip().split("\n")[0])
    return out.stdout.split()


def guard_fault(path, text, seen):
    """The guard begins with PAWL_, ends with the file's name, and is nobody else's."""
    match = re.search(r"^#ifndef (PAWL_\w+)\n#define \1$", text, re.M)
    name = re.sub(r"\W", "_", os.path.basename(path)).upper()
    if not match or not match.group(1).endswith("_" + name):
        return f"the include guard is not PAWL_..._{name}"
    if match.group(1) in seen:
        return f"{seen[match.group(1)]} has the same include guard"
    seen[match.group(1)] = path
    return None


def check(tree):
    compilers = [cc for cc in ("gcc", "clang") if shutil.which(cc)]
    if not compilers:
        raise Skip("neither gcc nor clang is here")
    extra = flags()
    seen = {}
    for path in tree.ending(".h"):
        text = tree.read(path)
        wrong = guard_fault(path, text, seen)
        if wrong:
            yield f"{path}: {wrong}"
        before = BEFORE if "cmocka.h" in text else ""
        source = f'{before}#include "{path}"\n#include "{path}"\n'
        for compiler in compilers:
            command = [compiler, "-std=gnu2x", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                       "-Wno-unused-function", "-fsyntax-only", "-I", tree.root, *extra,
                       "-x", "c", "-"]
            run = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                errors = [line for line in run.stderr.splitlines() if "error" in line]
                first = errors[0] if errors else run.stderr.strip()
                yield f"{path}: {compiler}: {first.replace(tree.root + os.sep, '')}"


GOOD = "#ifndef PAWL_HW_A_H\n#define PAWL_HW_A_H\n#include <stddef.h>\nsize_t a(void);\n#endif\n"

SELF_TESTS = [
    ("stands alone", {"hw/a.h": GOOD}, None),
    ("needs another", {"hw/a.h": GOOD.replace("#include <stddef.h>\n", "")}, "error"),
    ("another guard", {"hw/a.h": GOOD.replace("PAWL_HW_A_H", "HW_A_H")}, "include guard"),
    ("same guard twice", {"hw/a.h": GOOD, "tpm/a.h": GOOD}, "same include guard"),
]
