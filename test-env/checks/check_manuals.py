# SPDX-License-Identifier: Apache-2.0
"""Manual pages compile, and every verb of the program has help and a place in one of them."""

import json
import os
import re
import shutil
import subprocess

from tree import Skip

TITLE = "every verb has help and a manual page"

FOLDER = "docs/man/"
HEAD = re.compile(r"^([\w-]+)\((\d)\)")


def check_page(tree, path):
    text = tree.read(path)
    match = HEAD.match(text)
    name = os.path.basename(path)
    if not match or name != f"{match.group(1)}.{match.group(2)}.scd":
        yield f"{path}:1: the first line does not name {name}"
    for section in ("# NAME", "# DESCRIPTION"):
        if section not in text:
            yield f"{path}: no section {section}"
    if shutil.which("scdoc"):
        run = subprocess.run(["scdoc"], input=text, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            yield f"{path}: scdoc: {run.stderr.strip()}"


def verbs_of(tree):
    """What `pawl help --json` lists, or the file verbs.json of a self-test."""
    if tree.has("verbs.json"):
        return json.loads(tree.read("verbs.json"))["verbs"]
    program = os.path.join(tree.build or "", "gate", "cli", "pawl")
    if not os.access(program, os.X_OK):
        return None
    run = subprocess.run([program, "help", "--json"], capture_output=True, text=True, check=False)
    return json.loads(run.stdout)["verbs"] if run.returncode == 0 else None


def check(tree):
    pages = [path for path in tree.ending(".scd") if path.startswith(FOLDER)]
    for path in pages:
        yield from check_page(tree, path)
    verbs = verbs_of(tree)
    if verbs is None:
        raise Skip("the program is not built yet, so its verbs are not known")
    text = "\n".join(tree.read(path) for path in pages)
    for verb in verbs:
        name, about = verb["name"], verb.get("about") or verb.get("help")
        if not about:
            yield f"{name}: no help"
        if not re.search(r"\*pawl " + re.escape(name) + r"\*", text):
            yield f"{name}: no manual page has *pawl {name}*"


PAGE = "pawl-log(1)\n\n# NAME\n\npawl-log - x\n\n# DESCRIPTION\n\n*pawl log show*\n"


def planted(page, verbs):
    return {FOLDER + "pawl-log.1.scd": page, "verbs.json": json.dumps({"verbs": verbs})}


SELF_TESTS = [
    ("good", planted(PAGE, [{"name": "log show", "about": "x"}]), None),
    ("no page", planted(PAGE, [{"name": "log verify", "about": "x"}]), "*pawl log verify*"),
    ("no help", planted(PAGE, [{"name": "log show", "about": ""}]), "no help"),
    ("another name", planted(PAGE.replace("pawl-log(1)", "pawl-x(1)"), []), "first line"),
    ("no section", planted(PAGE.replace("# DESCRIPTION", ""), []), "no section"),
]
