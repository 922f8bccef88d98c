# SPDX-License-Identifier: Apache-2.0
"""Nothing that is installed contains a test, a fake or a test library, and what shells and man(1)
read is installed. Reads what meson wrote into the build directory."""

import json
import os
import re

from tree import Skip, is_test

TITLE = "no test code in what is installed, and all that belongs to it"

EDGE = re.compile(r"^build (.+?): (\w+) (.*)$")
OBJECT = re.compile(r"([^/ ]+)\.p/([^/ ]+\.c)\.o$")
TEST_LIBRARY = re.compile(r"-lcmocka|libcmocka|-fsanitize=fuzzer\b")


def edges(text):
    """output -> (inputs, link arguments) of every compile and link step."""
    found, output = {}, None
    for line in text.replace("$\n", "").splitlines():
        if match := EDGE.match(line):
            output = match.group(1).split(" | ")[0].strip()
            found[output] = ([w for w in match.group(3).split() if w not in ("|", "||")], "")
        elif output and (match := re.match(r"^ (?:LINK_ARGS) = (.*)$", line)):
            found[output] = (found[output][0], match.group(1))
    return found


def contents(output, found, seen):
    """Every object and link argument that ends up in output."""
    if output in seen or output not in found:
        return
    seen.add(output)
    inputs, arguments = found[output]
    for word in inputs + arguments.split():
        yield word
        if word.endswith((".a", ".so")):
            yield from contents(word, found, seen)


def faults(name, words):
    for word in words:
        if match := OBJECT.search(word):
            # meson writes the source's path with _ for /; what counts is how the name ends.
            if is_test(match.group(2)) or word.startswith("test-env/"):
                yield f"{name} contains {word}"
        elif TEST_LIBRARY.search(word):
            yield f"{name} is linked with {word}"


COMPLETIONS = ("share/bash-completion/completions/pawl.bash", "share/zsh/site-functions/_pawl",
               "share/fish/vendor_completions.d/pawl.fish")


def missing(tree):
    """Completions; and every manual page, where there is what makes them."""
    with open(os.path.join(tree.build, "meson-info", "intro-installed.json"),
              encoding="utf-8") as file:
        paths = list(json.load(file).values())
    for name in COMPLETIONS:
        if not any(path.endswith("/" + name) for path in paths):
            yield f"{name} is not installed"
    made = [path for path in paths if "/share/man/" in path]
    for name in tree.ending(".scd") if made else ():
        page = os.path.basename(name).removesuffix(".scd")
        if not any(path.endswith(f"/man{page[-1]}/{page}") for path in made):
            yield f"the manual page {page} is not installed"


def check(tree):
    if tree.build is None:
        raise Skip("no build directory was named")
    targets = os.path.join(tree.build, "meson-info", "intro-targets.json")
    ninja = os.path.join(tree.build, "build.ninja")
    if not os.path.exists(targets) or not os.path.exists(ninja):
        raise Skip("the build directory is not meson's")
    with open(ninja, encoding="utf-8") as file:
        found = edges(file.read())
    installed = 0
    with open(targets, encoding="utf-8") as file:
        for target in json.load(file):
            if not target["installed"] or target["type"] == "custom":
                continue
            installed += 1
            for filename in target["filename"]:
                output = os.path.relpath(os.path.join(tree.build, filename), tree.build)
                yield from faults(target["name"], contents(output, found, set()))
    if installed == 0:
        raise Skip("nothing is installed yet")
    yield from missing(tree)


PLACES = [*(f"/usr/{name}" for name in COMPLETIONS), "/usr/share/man/man8/pawld.8"]


def planted(ninja, without=None):
    target = {"name": "pawl", "installed": True, "type": "executable", "filename": ["cli/pawl"]}
    places = {str(number): path for number, path in enumerate(PLACES) if path != without}
    return {"build/build.ninja": ninja, "build/meson-info/intro-targets.json": json.dumps([target]),
            "build/meson-info/intro-installed.json": json.dumps(places),
            "docs/man/pawld.8.scd": "pawld(8)\n"}


PROGRAM = "build cli/pawl: c_LINKER cli/pawl.p/main.c.o | hw/libhw.a\n LINK_ARGS = -lcrypto\n"
LIBRARY = "build hw/libhw.a: STATIC_LINKER hw/libhw.a.p/key.c.o\n"
TEST = "build hw/a_test: c_LINKER hw/a_test.p/a_test.c.o\n LINK_ARGS = -lcmocka\n"

SELF_TESTS = [
    ("good", planted(PROGRAM + LIBRARY + TEST), None),
    ("a fake in a library", planted(PROGRAM + LIBRARY.replace("key.c", "fake.c")), "fake.c.o"),
    ("test library", planted(PROGRAM.replace("-lcrypto", "-lcmocka") + LIBRARY), "-lcmocka"),
    ("no completion", planted(PROGRAM, PLACES[1]), "zsh"),
    ("a manual page that is not installed",
     {**planted(PROGRAM), "docs/man/pawl.1.scd": "pawl(1)\n"}, "pawl.1"),
    ("a test's object", planted(PROGRAM.replace("main.c", "x_test.c") + LIBRARY), "x_test.c.o"),
]
