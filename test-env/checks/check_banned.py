# SPDX-License-Identifier: Apache-2.0
"""Calls and constructs that are not used here, each with what to use instead."""

import re

from tree import is_test, line_of

TITLE = "no banned call"

BOUNDS = "it does not know the size: use gate/base/bytes.h"
NUMBERS = "it does not report errors: use gate/base/text.h"
ENVIRONMENT = "the environment is read in main alone, with secure_getenv"
SHELL = "no shell"
RANDOM = "not for secrets: use RAND_bytes"
CLOCK = "only main reads the clock; pass the time as an argument"
PASTING = "no token pasting: every name must be found by grep"
JUMP = "the way through a function goes down: use CLEANUP()"

# name: (reason, also in tests)
CALLS = {
    "strcpy": (BOUNDS, True), "stpcpy": (BOUNDS, True), "strcat": (BOUNDS, True),
    "strncpy": (BOUNDS, True), "strncat": (BOUNDS, True),
    "sprintf": (BOUNDS, True), "vsprintf": (BOUNDS, True), "gets": (BOUNDS, True),
    "alloca": ("the stack has no error", True),
    "atoi": (NUMBERS, True), "atol": (NUMBERS, True), "atoll": (NUMBERS, True),
    "atof": (NUMBERS, True), "scanf": (NUMBERS, True), "sscanf": (NUMBERS, False),
    "fscanf": (NUMBERS, True),
    "strtok": ("it keeps state and writes into its input", True),
    "system": (SHELL, False), "popen": (SHELL, False),
    "getenv": (ENVIRONMENT, False), "secure_getenv": (ENVIRONMENT, False),
    "setenv": (ENVIRONMENT, False), "putenv": (ENVIRONMENT, False),
    "unsetenv": (ENVIRONMENT, False),
    "mktemp": ("a race: use mkstemp", True), "tmpnam": ("a race: use mkstemp", True),
    "tempnam": ("a race: use mkstemp", True), "tmpfile": ("a race: use mkstemp", False),
    "rand": (RANDOM, False), "srand": (RANDOM, False), "random": (RANDOM, False),
    "time": (CLOCK, False), "gettimeofday": (CLOCK, False),
    "longjmp": (JUMP, True), "siglongjmp": (JUMP, True),
    "pthread_create": ("threads only where they are the idea of the file", False),
}
MAIN = re.compile(r"^gate/(cli|daemon)/main\w*\.c$")
# setenv quiets the TPM library, which prints on its own.
ALLOWED_IN_MAIN = {"secure_getenv", "setenv", "time"}
# A certificate's "since" is told and never judged by, and the interface of a
# hardware root carries no time. An auditor hashes files side by side, and shares nothing else.
ALLOWED = {
    ("pkcs11/sync.c", "time"),
    ("gate/ledger/audit_both.c", "pthread_create"),
    ("gate/daemon/thread.c", "pthread_create"),
    ("pkcs11/sides.c", "pthread_create"),
}

CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
# A function of that name that belongs to a struct or is being declared here is somebody else's.
CONSTRUCTS = [
    (re.compile(r"\bgoto\b"), JUMP),
    (re.compile(r"\btypedef\s+(struct|union)\b"), "no typedef for structs"),
    (re.compile(r"\bstruct\s+\w+_t\b"), "names ending in _t are the C library's"),
    (re.compile(r"(?<!ERR_)##"), PASTING),
    (re.compile(r"\bCLOCK_REALTIME\b"), CLOCK),
    (re.compile(r"\bpawl_\w+\s*\("), "pawl_ is the public library alone"),
]
# The library itself, and those who use it.
MAY_SAY_PAWL = re.compile(r"gate/client/|(gate/cli|docs/examples)/\w+\.c$")
# Descriptors do not leak into children.
OPENERS = [
    (re.compile(r"(?<![\w.>])(open|openat|mkostemp|memfd_create|socket|pipe2|accept4|dup3)\s*\("),
     "CLOEXEC"),
    (re.compile(r"(?<![\w.>])(pipe|accept|dup|mkstemp|creat)\s*\("), None),
]
IFDEF = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)\b", re.M)


def arguments(code, start):
    """The text between the parenthesis at start - 1 and its partner."""
    depth, end = 1, start
    while end < len(code) and depth:
        depth += {"(": 1, ")": -1}.get(code[end], 0)
        end += 1
    return code[start:end]


def bodies(code):
    """(start, end) of every function body: Linux braces stand in the first column."""
    for match in re.finditer(r"^\{\n.*?^\}", code, re.M | re.S):
        yield match.start(), match.end()


def check_calls(path, code):
    for match in CALL.finditer(code):
        name = match.group(1)
        reason, also_tests = CALLS[name]
        if is_test(path) and not also_tests:
            continue
        if MAIN.match(path) and name in ALLOWED_IN_MAIN or (path, name) in ALLOWED:
            continue
        yield match.start(), f"{name}: {reason}"


def check_constructs(path, code):
    for pattern, reason in CONSTRUCTS:
        if is_test(path) and reason in (CLOCK, PASTING):
            continue
        if MAIN.match(path) and reason == CLOCK:
            continue
        if MAY_SAY_PAWL.match(path) and "public library" in reason:
            continue
        for match in pattern.finditer(code):
            yield match.start(), f"{match.group(0).strip()}: {reason}"
    for start, end in bodies(code):
        for match in IFDEF.finditer(code, start, end):
            yield match.start(), "no #if inside a function: a variant is another file"


def check_openers(path, code):
    if is_test(path):
        return
    for pattern, flag in OPENERS:
        for match in pattern.finditer(code):
            if flag is None or flag not in arguments(code, match.end()):
                yield match.start(), f"{match.group(1)}: the descriptor is not close-on-exec"


def check(tree):
    for path in tree.ending(".c", ".h"):
        code = tree.code(path)
        for part in (check_calls, check_constructs, check_openers):
            for offset, wrong in part(path, code):
                yield f"{path}:{line_of(code, offset)}: {wrong}"


def body(text):
    return "int f(void)\n{\n    " + text + "\n}\n"


SELF_TESTS = [
    ("good code", {"hw/a.c": body('x->open(1); puts("strcpy(a)"); /* goto */ mktime(0);')}, None),
    ("open with flag", {"hw/a.c": body("open(p, O_RDONLY | O_CLOEXEC);")}, None),
    ("open without", {"hw/a.c": body("open(p, O_RDONLY);")}, "close-on-exec"),
    ("pipe", {"hw/a.c": body("pipe(fds);")}, "close-on-exec"),
    ("strcpy", {"hw/a.c": body("strcpy(a, b);")}, "strcpy"),
    ("strcpy in a test", {"hw/a_test.c": body("strcpy(a, b);")}, "strcpy"),
    ("getenv", {"gate/cli/main.c": body('getenv("X");')}, "getenv"),
    ("getenv in a test", {"hw/a_test.c": body('getenv("X");')}, None),
    ("secure_getenv in main", {"gate/cli/main.c": body('secure_getenv("X");')}, None),
    ("secure_getenv elsewhere", {"hw/a.c": body('secure_getenv("X");')}, "secure_getenv"),
    ("clock", {"gate/decide/a.c": body("clock_gettime(CLOCK_REALTIME, &t);")}, "clock"),
    ("goto", {"hw/a.c": body("goto out;")}, "goto"),
    ("typedef", {"hw/a.h": "typedef struct a { int b; } a;\n"}, "typedef"),
    ("pasting", {"hw/a.h": "#define A(x) b_##x\n"}, "pasting"),
    ("#ifdef in a function", {"hw/a.c": body("\n#ifdef X\n#endif\n")}, "#if inside"),
    ("#ifdef outside", {"hw/a.c": "#ifdef X\n#endif\n" + body("return 0;")}, None),
    ("public prefix", {"hw/a.h": "int pawl_ask(void);\n"}, "public library"),
    ("public prefix in a header", {"gate/cli/a.h": "int pawl_ask(void);\n"}, "public library"),
    ("public library used", {"gate/cli/a.c": body("pawl_ask(x);")}, None),
]
