# SPDX-License-Identifier: Apache-2.0
"""exposition.py: reads what Prometheus is given (text format 0.0.4), strictly: what its own tools
would only warn of is refused, too. promtool judges it as well, where it is installed."""

import math
import re
import shutil
import subprocess

from tap import equal, true

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) (\S.*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SAMPLE = re.compile(rf"({NAME})(?:\{{([^}}]*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
UNITS = ("milliseconds", "_ms", "_ns", "minutes", "_kb", "_mb")  # base units alone


def labels_of(text, line):
    if not text:
        return {}
    parts = [LABEL.fullmatch(part) for part in text.split(",")]
    true(all(parts), f"labels: {line}")
    found = {part.group(1): part.group(2) for part in parts}
    equal(len(found), len(parts), f"a label twice: {line}")
    return found


def families(text):
    """[(name, type, [(sample's name, labels, value)])]: each family in one piece, with its HELP and
    TYPE before it."""
    true(text.endswith("\n") and "\n\n" not in text and "\r" not in text, "lines")
    found, lines = [], text.splitlines()
    for number, line in enumerate(lines):
        if match := HELP.fullmatch(line):
            following = TYPE.fullmatch(lines[number + 1]) if number + 1 < len(lines) else None
            true(following and following.group(1) == match.group(1), f"no TYPE behind: {line}")
        elif match := TYPE.fullmatch(line):
            true(number > 0 and HELP.fullmatch(lines[number - 1]), f"no HELP before: {line}")
            found.append((match.group(1), match.group(2), []))
        else:
            match = SAMPLE.fullmatch(line)
            true(match and found, f"no sample: {line}")
            found[-1][2].append((match.group(1), labels_of(match.group(2), line),
                                 float(match.group(3))))
    names = [name for name, _, _ in found]
    equal(len(names), len(set(names)), f"a family twice: {names}")
    return found


def histogram(name, samples):
    """Buckets rise, the last is the count, and there is a sum: for each set of labels."""
    series = {}
    for sample, labels, value in samples:
        of = tuple(sorted(item for item in labels.items() if item[0] != "le"))
        part = sample[len(name):]
        true(sample.startswith(name) and part in ("_bucket", "_sum", "_count"), sample)
        equal("le" in labels, part == "_bucket", f"le: {sample} {labels}")
        where = series.setdefault(of, {"_bucket": [], "_sum": [], "_count": []})
        where[part].append((float(labels["le"].replace("+Inf", "inf")), value)
                           if part == "_bucket" else value)
    for of, parts in series.items():
        bounds = [bound for bound, _ in parts["_bucket"]]
        counts = [count for _, count in parts["_bucket"]]
        equal((len(parts["_sum"]), len(parts["_count"])), (1, 1), f"{name} {of}")
        equal((bounds, bounds[-1]), (sorted(set(bounds)), math.inf), f"{name} {of}: bounds")
        equal((counts, counts[-1]), (sorted(counts), parts["_count"][0]), f"{name} {of}: counts")


def read(text):
    """Every sample by its name with labels, of a text that is as it has to be."""
    found = {}
    for name, kind, samples in families(text):
        equal(name.endswith("_total"), kind == "counter", f"{name} is a {kind}")
        true(not any(unit in name for unit in UNITS), f"{name}: no base unit")
        if kind == "histogram":
            histogram(name, samples)
        for sample, labels, value in samples:
            true(kind == "histogram" or sample == name, f"{sample} among {name}")
            true(kind == "gauge" or value >= 0, f"{sample} {value}")
            inner = ",".join(f'{label}="{labels[label]}"' for label in labels)
            key = f"{sample}{{{inner}}}" if inner else sample
            true(key not in found, f"twice: {key}")
            found[key] = value
    return found


def promtool(text):
    """What Prometheus says itself."""
    program = shutil.which("promtool")
    if program is None:
        return
    done = subprocess.run([program, "check", "metrics"], input=text.encode(), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    equal((done.returncode, done.stdout), (0, b""), "promtool check metrics")
