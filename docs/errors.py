#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""errors.py: writes the tables of docs/errors.md and pawl-errors(7) from gate/base/err.h.

Run it after adding an error. A test compares."""

import collections
import os
import re
import sys

SOURCE = "gate/base/err.h"
MARKDOWN = "docs/errors.md"
MANUAL = "docs/man/pawl-errors.7.scd"
BEGIN_MD, END_MD = "<!-- begin: written by docs/errors.py -->", "<!-- end -->"
BEGIN_MAN, END_MAN = "; begin: written by docs/errors.py", "; end"

Error = collections.namedtuple("Error", "name number exit meaning hint group")

STRING = r'((?:"(?:\\.|[^"\\])*"\s*)+)'
ITEM = re.compile(
    r"/\*\s*(?P<group>.*?)\s*\*/"
    r"|X\(\s*(?P<name>\w+),\s*(?P<number>\d+),\s*(?P<exit>\d+),\s*"
    + STRING.replace("(", "(?P<meaning>", 1) + r",\s*"
    + STRING.replace("(", "(?P<hint>", 1) + r"\)",
    re.S,
)


def unquoted(literals):
    parts = re.findall(r'"((?:\\.|[^"\\])*)"', literals)
    return "".join(parts).replace('\\"', '"').replace("\\\\", "\\")


def parse(text):
    """The entries of ERR_LIST, in order, each with the comment it stands under."""
    match = re.search(r"^#define ERR_LIST\(X\)((?:.*\\\n)+.*\n)", text, re.M)
    errors, group = [], ""
    for item in ITEM.finditer(match.group(1).replace("\\\n", "\n") if match else ""):
        if item.group("name") is None:
            group = item.group("group")
            continue
        errors.append(Error(item.group("name"), int(item.group("number")), int(item.group("exit")),
                            unquoted(item.group("meaning")), unquoted(item.group("hint")), group))
    return errors


def groups(errors):
    found = collections.OrderedDict()
    for error in errors:
        if error.name != "OK":
            found.setdefault(error.group, []).append(error)
    return found


def markdown(errors):
    lines = []
    for group, members in groups(errors).items():
        lines += [f"### {group[:1].upper()}{group[1:]}", "",
                  "| name | exit | meaning | what to do |", "|---|---|---|---|"]
        for error in members:
            cells = [f"`{error.name}`", str(error.exit), error.meaning, error.hint]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def escaped(text):
    return re.sub(r"([\\*_<>#+~`])", r"\\\1", text)


def manual(errors):
    lines = []
    for group, members in groups(errors).items():
        lines += [f"## {group.upper()}", ""]
        for error in members:
            lines += [f"*{escaped(error.name)}* (exit status {error.exit})",
                      f"\t{escaped(error.meaning)}.++", f"What to do: {escaped(error.hint)}.", ""]
    return "\n".join(lines)


def filled(path, text, errors):
    """The document with its table made anew; unchanged outside of the two marks."""
    begin, end = (BEGIN_MD, END_MD) if path == MARKDOWN else (BEGIN_MAN, END_MAN)
    body = markdown(errors) if path == MARKDOWN else manual(errors)
    head, mark, rest = text.partition(begin + "\n")
    _, close, tail = rest.partition(end + "\n")
    if not mark or not close:
        return None
    return f"{head}{begin}\n\n{body}\n{end}\n{tail}"


def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    with open(os.path.join(top, SOURCE), encoding="utf-8") as file:
        errors = parse(file.read())
    for path in (MARKDOWN, MANUAL):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        new = filled(path, text, errors)
        if new is None:
            sys.exit(f"{path}: the marks are missing")
        if new != text:
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(new)
            print(f"{path}: written, {len(errors)} errors")


if __name__ == "__main__":
    main()
