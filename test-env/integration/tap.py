# SPDX-License-Identifier: Apache-2.0
"""tap.py: a small runner. A test is a function with a name; what it raises is its failure. The
results are printed as TAP, so that meson counts each."""

import sys
import time
import traceback


class Skip(Exception):
    """This test cannot run here; says why."""


class Suite:
    """The tests of one program, in order. Each begins at a stage of the world (see world.py)."""

    def __init__(self):
        self.tests = []

    def test(self, name, at="epoch2", roots=("tpm", "hsm")):
        def register(function):
            self.tests.append((name, at, roots, function))
            return function

        return register

    def cases(self, rows, at="epoch2", roots=("tpm", "hsm")):
        """A table: one test for each row, whose first member is the name."""

        def register(function):
            for row in rows:
                self.tests.append(
                    (row[0], at, roots, lambda world, row=row: function(world, *row[1:]))
                )
            return function

        return register


def say(text):
    for line in str(text).rstrip().split("\n"):
        print("# " + line, flush=True)


def run_one(number, label, function):
    begun = time.monotonic()
    try:
        function()
    except Skip as skip:
        print(f"ok {number} - {label} # SKIP {skip}", flush=True)
        return True
    except Exception as error:  # pylint: disable=broad-except
        print(f"not ok {number} - {label}", flush=True)
        if isinstance(error, AssertionError):
            at = traceback.extract_tb(error.__traceback__)
            say(error)
            for frame in at[1:]:
                say(f"  {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.line}")
        else:
            say("".join(traceback.format_exception(error)))
        return False
    print(f"ok {number} - {label}", flush=True)
    say(f"{time.monotonic() - begun:.2f} s")
    return True


def run(suite, world, only=None):
    """Runs those whose name contains `only`. Returns the exit status."""
    chosen = [test for test in suite.tests if world.kind in test[2]]
    if only:
        chosen = [test for test in chosen if only in test[0]]
    print(f"1..{len(chosen)}", flush=True)
    good = True
    for number, (name, at, _, function) in enumerate(chosen, 1):

        def whole(at=at, function=function):
            world.go(at)
            function(world)

        good = run_one(number, f"{world.kind}: {name}", whole) and good
    return 0 if good else 1


def equal(got, want, what):
    assert got == want, f"{what}: got {got!r}, wanted {want!r}"


def true(holds, what):
    assert holds, what


def fail(what):
    raise AssertionError(what)


def out_of_order():
    sys.exit("run me through the programs beside me")


if __name__ == "__main__":
    out_of_order()
