#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""interface_test.py SOURCE BUILD LIBRARY: what programs see of libpawl: its symbols, its header in
C and C++, its pkg-config file, and the examples, compiled as a program of somebody else would be
and run against a service that follows a script. Prints TAP."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

SOURCE, BUILD, LIBRARY = sys.argv[1:4]
SANITIZED = len(sys.argv) > 4
HEADER = os.path.join(SOURCE, "gate/client/pawl.h")
EXAMPLES = os.path.join(SOURCE, "docs/examples")
# What a library has no business with: the process, its output, its signals, its environment.
FOREIGN = {
    "exit", "_exit", "abort", "atexit", "printf", "fprintf", "vprintf", "puts", "putchar", "fputs",
    "fputc", "fwrite", "perror", "stdout", "stderr", "__printf_chk", "__fprintf_chk", "syslog",
    "signal", "sigaction", "sigprocmask", "pthread_sigmask", "raise", "kill", "alarm", "getenv",
    "secure_getenv", "setenv", "putenv", "unsetenv", "environ", "system", "popen", "fork",
    "pthread_create", "setlocale", "chdir", "umask", "dlopen",
}
C_KINDS = [["-std=c99"], ["-std=c11"], ["-std=gnu2x"]]
CXX_KINDS = [["-std=c++11"], ["-std=c++17"], ["-std=c++20"]]
USER = """#include <pawl.h>
#include <pawl.h>
int main(void)
{
    struct pawl_answer *answer = NULL;
    struct pawl_bytes none = {NULL, 0};
    return pawl_answer_permitted(answer) + (none.ptr != NULL);
}
"""


class Skip(Exception):
    """This test cannot run here; says why."""


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def good(done):
    assert done.returncode == 0, f"{' '.join(done.args)}: {done.stdout}{done.stderr}"
    return done.stdout


def declared():
    text = re.sub(r"/\*.*?\*/", "", open(HEADER, encoding="utf-8").read(), flags=re.S)
    return set(re.findall(r"\b(pawl_\w+)\s*\(", text))


def symbols():
    lines = good(run("nm", "-D", "--defined-only", LIBRARY)).splitlines()
    found = {line.split()[-1] for line in lines}
    found.discard("LIBPAWL_0")
    return found


def exported_is_declared():
    names = declared()
    assert len(names) > 20
    assert symbols() == {name + "@@LIBPAWL_0" for name in names}, symbols() ^ {
        name + "@@LIBPAWL_0" for name in names}


def every_prototype_is_marked():
    text = re.sub(r"/\*.*?\*/", "", open(HEADER, encoding="utf-8").read(), flags=re.S)
    marked = set(re.findall(r"PAWL_API[^;]*?\b(pawl_\w+)\s*\(", text))
    assert marked == declared(), marked ^ declared()


def soname_and_needs():
    text = good(run("readelf", "-dW", LIBRARY))
    assert "[libpawl.so.0]" in text, text
    needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\.so", text))
    if SANITIZED:
        raise Skip("a sanitizer brings libraries of its own")
    assert needed == {"libcrypto", "libjansson", "libc"}, needed


def nothing_foreign():
    if SANITIZED:
        raise Skip("a sanitizer brings calls of its own")
    lines = good(run("nm", "-D", "--undefined-only", LIBRARY)).splitlines()
    used = {line.split()[-1].split("@")[0] for line in lines}
    assert not used & FOREIGN, used & FOREIGN


def no_constructors():
    if SANITIZED:
        raise Skip("a sanitizer brings constructors of its own")
    text = good(run("readelf", "-SW", LIBRARY))
    match = re.search(r"\.init_array\s+INIT_ARRAY\s+\w+ \w+ (\w+)", text)
    # One is the compiler's own, which registers nothing.
    assert match is None or int(match.group(1), 16) <= 8, text
    assert ".ctors" not in text


def compilers(*names):
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise Skip(f"none of {', '.join(names)} is here")
    return found


def header_in(names, kinds, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "user" + suffix)
        with open(path, "w", encoding="utf-8") as file:
            file.write(USER)
        for compiler in compilers(*names):
            for kind in kinds:
                if run(compiler, *kind, "-E", "-x", "c++" if suffix == ".cc" else "c",
                       os.devnull).returncode != 0:
                    continue # this release does not know it
                good(run(compiler, *kind, "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
                         "-Wstrict-prototypes" if suffix == ".c" else "-Wundef", "-fsyntax-only",
                         "-I", os.path.dirname(HEADER), path))


def flags(prefix):
    """What a program is compiled with when the library is installed under prefix."""
    if not shutil.which("pkg-config"):
        raise Skip("pkg-config is not here")
    where = os.path.join(BUILD, "meson-private")
    asked = ["pkg-config", f"--define-variable=prefix={prefix}"]
    env = {**os.environ, "PKG_CONFIG_PATH": where}
    folders = [good(run(*asked, f"--variable={name}", "libpawl", env=env)).strip()
               for name in ("includedir", "libdir")]
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
    shutil.copy(HEADER, folders[0])
    shutil.copy(LIBRARY, os.path.join(folders[1], "libpawl.so.0"))
    os.symlink("libpawl.so.0", os.path.join(folders[1], "libpawl.so"))
    return good(run(*asked, "--cflags", "--libs", "libpawl", env=env)).split()


def pkg_config_file():
    text = open(os.path.join(BUILD, "meson-private", "libpawl.pc"), encoding="utf-8").read()
    assert "-lpawl\n" in text and "Requires" not in text, text
    with tempfile.TemporaryDirectory() as folder:
        words = flags(folder)
        assert f"-I{folder}/include" in words and "-lpawl" in words, words


# ---- examples --------------------------------------------------------------------------------

PERMIT = {"decision": True, "context": {"reason": "OK", "epoch": 7, "ledger": {"index": 41}}}
DENIAL = {"decision": False, "context": {"reason": "DENIED", "why": "because", "epoch": 7,
                                         "ledger": {"index": 42}}}
REFUSAL = {"error": "OVERLOADED", "message": "too many"}


class Service:
    """Answers each question with the next of a list, and keeps the questions."""

    def __init__(self, *answers):
        self.answers, self.asked = answers, []
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "s")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        for status, answer in self.answers:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rb") as file:
                head = {}
                file.readline()
                while (line := file.readline().decode().strip()):
                    name, _, value = line.partition(":")
                    head[name.lower()] = value.strip()
                body = file.read(int(head["content-length"]))
                self.asked.append((head, json.loads(body)))
                text = json.dumps(answer)
                connection.sendall((
                    f"HTTP/1.1 {status} x\r\nX-Request-ID: {head['x-request-id']}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
                ).encode())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.folder.cleanup()


def program(folder, name):
    """An example, compiled as its own first lines say."""
    out = os.path.join(folder, name)
    compiler = compilers("cc", "gcc", "clang")[0]
    good(run(compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", out,
             os.path.join(EXAMPLES, name + ".c"), *flags(folder)))
    return [out]


def try_example(command):
    library = os.path.dirname(LIBRARY)
    env = {**os.environ, "LD_LIBRARY_PATH": library}
    words = ["build-7", "exec", "execute", "program", "/usr/bin/git"]
    cases = [
        (200, PERMIT, 0, "permitted, entry 41 of the ledger"),
        (200, DENIAL, 10, "denied: DENIED because"),
        (503, REFUSAL, 10, "denied: OVERLOADED"),
        (200, {"decision": "true"}, 1, ""),
        (200, [True], 1, ""),
    ]
    with Service(*[case[:2] for case in cases]) as service:
        for status, answer, code, text in cases:
            done = run(*command, service.path, *words, env=env, timeout=60)
            assert done.returncode == code, (status, answer, done)
            assert text in done.stdout, (text, done)
        head, body = service.asked[0]
        assert body == {
            "subject": {"type": "agent", "id": "build-7"},
            "action": {"name": "exec", "properties": {"class": "execute"}},
            "resource": {"type": "program", "id": "/usr/bin/git"},
        }, body
        assert head["x-pawl-deadline-ms"] == "5000" and head["idempotency-key"]
    done = run(*command, service.path, *words, env=env, timeout=60)
    assert done.returncode == 1 and "no answer" in done.stderr, done
    assert run(*command, env=env).returncode == 2


def example_ask_c():
    if SANITIZED:
        raise Skip("the example is compiled without the sanitizer that the library needs")
    with tempfile.TemporaryDirectory() as folder:
        try_example(program(folder, "ask"))


def example_verify_c():
    if SANITIZED:
        raise Skip("the example is compiled without the sanitizer that the library needs")
    with tempfile.TemporaryDirectory() as folder:
        command = program(folder, "verify")
        env = {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(LIBRARY)}
        assert run(*command, env=env).returncode == 2
        done = run(*command, HEADER, HEADER, HEADER, HEADER, env=env)
        assert done.returncode == 1 and "not good" in done.stderr, done


def example_ask_py():
    try_example([os.path.join(EXAMPLES, "ask.py")])


TESTS = [
    ("the exported symbols are those of the header", exported_is_declared),
    ("every prototype is marked", every_prototype_is_marked),
    ("the name of the library, and what it needs", soname_and_needs),
    ("no output, signals, environment, processes or threads", nothing_foreign),
    ("no constructors", no_constructors),
    ("the header in C", lambda: header_in(["gcc", "clang"], C_KINDS, ".c")),
    ("the header in C++", lambda: header_in(["g++", "clang++"], CXX_KINDS, ".cc")),
    ("pkg-config", pkg_config_file),
    ("the example ask.c", example_ask_c),
    ("the example verify.c", example_verify_c),
    ("the example ask.py", example_ask_py),
]


def main():
    print(f"1..{len(TESTS)}")
    failed = False
    for number, (name, function) in enumerate(TESTS, 1):
        try:
            function()
            print(f"ok {number} - {name}")
        except Skip as skip:
            print(f"ok {number} - {name} # SKIP {skip}")
        except AssertionError as error:
            failed = True
            print(f"not ok {number} - {name}")
            print("# " + str(error).replace("\n", "\n# "))
    return 1 if failed else 0


sys.exit(main())
