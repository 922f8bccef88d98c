# SPDX-License-Identifier: Apache-2.0
"""mutants.py: the small faults that can be put into a C source, from a table of rules."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "checks"))
from tree import BLANK, blanked  # noqa: E402

# (name, what is looked for, what it becomes). In what is looked for, group 1 alone is replaced if
# there is one. Only code is looked at, not comments and strings.
RULES = [
    ("equal", r"(?<=[^=!<>])==(?=[^=])", "!="),
    ("not equal", r"!=", "=="),
    ("less", r" (<) ", "<="),
    ("less", r" (<) ", ">="),
    ("at most", r"<=", "<"),
    ("greater", r" (>) ", ">="),
    ("greater", r" (>) ", "<="),
    ("at least", r">=", ">"),
    ("and", r"&&", "||"),
    ("or", r"\|\|", "&&"),
    ("plus", r" (\+) ", "-"),
    ("minus", r" (-) ", "+"),
    ("negation", r"(?<=[(=&| ])(!)(?=[\w(])", ""),
    ("truth", r"\btrue\b", "false"),
    ("truth", r"\bfalse\b", "true"),
    ("never", r"\bif \(()(?=[^\n]*\)$)", "0 && "),
    ("always", r"\bif \(()(?=[^\n]*\)$)", "1 || "),
    ("ends early", r"\bfor \([^;\n]*; ()(?=[^;\n]+;)", "0 && "),
    ("number", r"(?<![\w.\[])(?<!calloc\()([0-9]+)(?![\w.])", lambda n: str(int(n) + 1)),
    ("number", r"(?<![\w.\[])([1-9][0-9]*)(?![\w.])", lambda n: str(int(n) - 1)),
    ("effect", r"\bCEDAR_EFFECT_PERMIT\b", "CEDAR_EFFECT_FORBID"),
    ("effect", r"\bCEDAR_EFFECT_FORBID\b", "CEDAR_EFFECT_PERMIT"),
    ("decision", r"\bCEDAR_PERMIT\b", "CEDAR_DENY"),
    ("decision", r"\bCEDAR_DENY\b", "CEDAR_PERMIT"),
    ("fault", r"\bCEDAR_FAULT_(?!NONE)\w+(?=[;,)])", "CEDAR_FAULT_NONE"),
    ("fault", r"\bCEDAR_FAULT_(TYPE|ENTITY|ATTRIBUTE|TAG|OVERFLOW)\b", "EXTENSION"),
    ("operator", r"\bcase CEDAR_OP_(LT|LE|GT|GE|ADD|SUB|MUL|EQ|NE|AND|OR|CONTAINS_ALL"
                 r"|CONTAINS_ANY)\b", None),
    ("kind", r"\bCEDAR_(BOOL|LONG|STRING|ENTITY|SET|RECORD)\b", None),
]
SWAPS = {"LT": "LE", "LE": "LT", "GT": "GE", "GE": "GT", "ADD": "SUB", "SUB": "ADD", "MUL": "ADD",
         "EQ": "NE", "NE": "EQ", "AND": "OR", "OR": "AND", "CONTAINS_ALL": "CONTAINS_ANY",
         "CONTAINS_ANY": "CONTAINS_ALL", "BOOL": "LONG", "LONG": "STRING", "STRING": "LONG",
         "ENTITY": "STRING", "SET": "RECORD", "RECORD": "SET"}


class Mutant:
    """One fault: the file, where, and the line before and after."""

    def __init__(self, path, text, rule, where, put):
        begin, end, self.function = where
        self.path, self.rule = path, rule
        self.text = text[:begin] + put + text[end:]
        self.line = text.count("\n", 0, begin) + 1
        self.before = text.splitlines()[self.line - 1].strip()
        self.after = self.text.splitlines()[self.line - 1].strip()

    def keys(self):
        """What equivalent.txt may call it: this fault alone, or all in its function."""
        name = os.path.basename(self.path)
        return [(name, self.before, self.after),
                (f"{name} {self.function}()", self.before, self.after),
                (name, self.function + "()", "*")]

    def __str__(self):
        return (f"{self.path}:{self.line}: {self.function}(): {self.rule}:\n"
                f"          {self.before}\n          {self.after}")


def bodies_of(code):
    """(begin, end, name) of the functions: what stands outside is declared, not done."""
    for match in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S):
        before = code[:match.start()].rstrip()
        head = before[max(before.rfind(";"), before.rfind("\n}"), before.rfind("\n\n")) + 1:]
        yield match.start(), match.end(), (re.findall(r"(\w+)\s*\(", head) or ["?"])[0]


def without_memory(text, code):
    """Code without what happens when memory runs out, which no test here tries: the line that
    gives up and the condition before it. Nor is an arena asked for more or less, since it rounds
    up."""
    lines, shown = code.splitlines(keepends=True), text.splitlines()
    for at, line in enumerate(shown):
        if "cedar_arena_take(" in line:
            lines[at] = re.sub(r"[^\n]", " ", lines[at])
        if "ERR_NO_MEMORY" in line or "return stop(" in line:
            for near in range(at, -1, -1):
                lines[near] = re.sub(r"[^\n]", " ", lines[near])
                if re.match(r"\s*(if|while|for|return stop) ?\(", shown[near]) and (
                        near != at or "if" in shown[near]):
                    break
    return "".join(lines)


def mutants_of(root, path):
    """Every fault in one file, each text once."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    code = without_memory(text, BLANK.sub(blanked, text))
    bodies = list(bodies_of(BLANK.sub(blanked, text)))
    seen = set()
    for rule, pattern, put in RULES:
        for match in re.finditer(pattern, code, re.M):
            group = 1 if match.re.groups else 0
            begin, end = match.span(group)
            old = match.group(group)
            name = [name for low, high, name in bodies if low < begin < high]
            if not name:
                continue
            if callable(put):
                new = put(old)
            else:
                new = SWAPS[old] if put is None else put
            mutant = Mutant(path, text, rule, (begin, end, name[0]), new)
            if mutant.text not in seen and mutant.text != text:
                seen.add(mutant.text)
                yield mutant
