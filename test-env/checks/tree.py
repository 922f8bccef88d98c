# SPDX-License-Identifier: Apache-2.0
"""tree.py: the files of the project as the checks see them."""

import os
import re

TEXT_SUFFIXES = (
    ".c", ".h", ".py", ".sh", ".md", ".scd", ".cddl", ".txt", ".json", ".build", ".cedar",
)
SKIPPED_DIRS = {"corpus", "__pycache__", "node_modules", "vectors"}

BLANK = re.compile(
    r"""//[^\n]*            # line comment
      | /\*.*?\*/           # block comment
      | "(?:\\.|[^"\\\n])*" # string
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*' # character, and not a digit separator
    """,
    re.S | re.X,
)


TEST_NAME = re.compile(r"(^|_)(test|testing|rig|fixture|fuzz|bench|fake)(_\w+)?\.[ch]$")


class Skip(Exception):
    """The check cannot run here; the text says why."""


def blanked(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def blanked_comment(match):
    text = match.group(0)
    return blanked(match) if text.startswith("/") else text


class Tree:
    """A source directory. Paths are relative to it, with slashes."""

    def __init__(self, root, build=None):
        self.root = root
        self.build = build
        self.paths = sorted(self._walk())

    def _walk(self):
        for folder, dirs, files in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            dirs[:] = [
                name
                for name in dirs
                if name not in SKIPPED_DIRS
                and name != ".git"
                and not (here == "." and name.startswith("build"))
                and not os.path.exists(os.path.join(folder, name, "build.ninja"))
            ]
            for name in files:
                yield os.path.normpath(os.path.join(here, name))

    def full(self, path):
        return os.path.join(self.root, path)

    def has(self, path):
        return os.path.exists(self.full(path))

    def ending(self, *suffixes):
        return [path for path in self.paths if path.endswith(suffixes)]

    def read(self, path):
        with open(self.full(path), encoding="utf-8", errors="replace") as file:
            return file.read()

    def code(self, path):
        """C text with comments and literals blanked, line by line as it was."""
        return BLANK.sub(blanked, self.read(path))

    def uncommented(self, path):
        """C text with comments blanked; literals stay."""
        return BLANK.sub(blanked_comment, self.read(path))

    def scripts(self):
        """Executable files that begin with a shell's name, and the shell libraries beside run."""
        found = []
        for path in self.paths:
            if os.path.islink(self.full(path)):
                continue
            with open(self.full(path), "rb") as file:
                head = file.read(64)
            if re.match(rb"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b", head):
                found.append(path)
        return found

    def texts(self):
        """Everything that people read: sources, scripts, documents."""
        scripts = set(self.scripts())
        return [p for p in self.paths if p.endswith(TEXT_SUFFIXES) or p in scripts]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_test(path):
    """Code that is never installed."""
    name = os.path.basename(path)
    return (
        path.startswith("test-env/")
        or TEST_NAME.search(name) is not None
        or name.startswith(("conformance", "test_"))
    )
