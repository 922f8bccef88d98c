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


def commands(text):
    """The part of a page about each verb: from its line in COMMANDS to the next one's."""
    _, _, body = text.partition("\n# COMMANDS\n")
    body = re.split(r"^# ", body, maxsplit=1, flags=re.M)[0]
    found, name = {}, None
    for line in body.splitlines():
        if match := re.match(r"\*pawl ([a-z -]+)\*", line):
            name = match.group(1)
            found[name] = ""
        elif name:
            found[name] += line + "\n"
    return found


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
    parts = {}
    for path in pages:
        parts.update(commands(tree.read(path)))
    for verb in verbs:
        name = verb["name"]
        if not verb.get("summary"):
            yield f"{name}: no help"
        if name not in parts:
            yield f"{name}: no manual page describes *pawl {name}*"
            continue
        for option in verb.get("options", []):
            if f"*--{option['name']}*" not in parts[name]:
                yield f"{name}: the manual page does not describe *--{option['name']}*"


PAGE = """pawl-log(1)

# NAME

pawl-log - x

# DESCRIPTION

# COMMANDS

*pawl log show* [_OPTIONS_]
\tShow.

\t*-n*, *--tail* _N_
\t\tOnly N.

*pawl log verify*
\tVerify.

\t*--against* _PERMIT_
\t\tOne.
"""
SHOW = {"name": "log show", "summary": "x", "options": [{"name": "tail"}]}


def planted(page, verbs):
    return {FOLDER + "pawl-log.1.scd": page, "verbs.json": json.dumps({"verbs": verbs})}


SELF_TESTS = [
    ("good", planted(PAGE, [SHOW]), None),
    ("no page", planted(PAGE, [{**SHOW, "name": "log cut"}]), "*pawl log cut*"),
    ("no help", planted(PAGE, [{**SHOW, "summary": ""}]), "no help"),
    ("option of another verb", planted(PAGE, [{**SHOW, "name": "log verify"}]), "*--tail*"),
    ("another name", planted(PAGE.replace("pawl-log(1)", "pawl-x(1)"), []), "first line"),
    ("no section", planted(PAGE.replace("# DESCRIPTION", ""), []), "no section"),
]
