# SPDX-License-Identifier: Apache-2.0
"""logs.py: logs in directories of tiles (C2SP tlog-tiles), both ways: tessera's fsck and a reader
made of golang.org/x/mod/sumdb judge pawl's ledgers and proofs, pawl judges what tessera wrote.
Every log is judged whole, then with one damage after another."""

import base64
import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time

TILE = 256
MINUTE = 60


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


# ---- what a log of a size consists of -----------------------------------------------------------


def number_path(number):
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


def resources(size):
    """Path and width of every tile and bundle that a log of this size is made of."""
    for level in ("entries", *range(8)):
        count = size if level == "entries" else size // TILE**level
        for number in range(-(-count // TILE)):
            width = min(TILE, count - number * TILE)
            path = f"tile/{level}/{number_path(number)}"
            yield (path if width == TILE else f"{path}.p/{width}"), width


class Log:
    """A directory with a log in it."""

    def __init__(self, directory, vkey):
        self.directory, self.vkey = directory, vkey
        self.checkpoint = read(f"{directory}/checkpoint")
        self.size = int(self.checkpoint.split(b"\n")[1])
        self.files = {}
        self.beside = [name for name in ("seal",) if os.path.exists(f"{directory}/{name}")]
        for path, _ in resources(self.size):
            self.files[path] = read(f"{directory}/{self.there(path)}")

    @classmethod
    def of(cls, directory, vkey):
        """One that may be growing: what its checkpoint says."""
        log = cls.__new__(cls)
        log.directory, log.vkey, log.files, log.beside = directory, vkey, {}, []
        log.checkpoint = read(f"{directory}/checkpoint")
        log.size = int(log.checkpoint.split(b"\n")[1])
        return log

    def there(self, path):
        """The file of a partial tile may have given way to the full one."""
        full = path.split(".p/")[0]
        return path if os.path.exists(f"{self.directory}/{path}") else full

    def entries(self):
        return [entry for path, data in self.files.items() if path.startswith("tile/entries/")
                for entry in split(data)]


def split(bundle):
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


def join(entries):
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


# ---- damages ------------------------------------------------------------------------------------


def signature_line(log):
    """Where in the checkpoint the base64 of the log's own signature begins and ends."""
    name = log.vkey.split("+")[0].encode()
    mark = b"\xe2\x80\x94 " + name + b" "
    start = log.checkpoint.index(b"\n\n") + 2
    start = log.checkpoint.index(mark, start) + len(mark)
    return start, log.checkpoint.index(b"\n", start)


def signed_bits(log):
    """Bits of the checkpoint that no other reading can take: the text, and the log's signature
    without the last digits of its base64, of which Go ignores some bits."""
    start, end = signature_line(log)
    text = log.checkpoint.index(b"\n\n") + 2
    return [byte * 8 + bit for byte in (*range(text), *range(start, end - 2)) for bit in range(8)]


def flips(log, chance, count):
    """The checkpoint has a tenth of them; of the others each file has its turn."""
    bits = signed_bits(log)
    for _ in range(count // 10):
        yield [["flip", "checkpoint", chance.choice(bits)]]
    names = sorted(log.files)
    for number in range(count - count // 10):
        name = names[number % len(names)]
        if log.files[name]:
            yield [["flip", name, chance.randrange(len(log.files[name]) * 8)]]


def cuts(log, chance):
    for name, data in log.files.items():
        yield [["delete", name]]
        yield [["cut", name, 0]]
        if len(data) > 1:
            yield [["cut", name, len(data) - 1]]
            yield [["cut", name, chance.randrange(1, len(data))]]
    for length in (0, 1, len(log.checkpoint) // 2, log.checkpoint.index(b"\n\n") + 2):
        yield [["cut", "checkpoint", length]]
    yield [["delete", "checkpoint"]]


def splice(name, old, new):
    return [["splice", name, 0, len(old), new.hex()]]


def moved(log, chance):
    """Entries and hashes in each other's place, left out, twice, or made up; files exchanged."""
    for name, data in log.files.items():
        parts = (split(data) if "/entries/" in name else
                 [data[at : at + 32] for at in range(0, len(data), 32)])
        whole = join if "/entries/" in name else b"".join
        if len(set(parts)) > 1:
            one, other = chance.sample(range(len(parts)), 2)
            changed = list(parts)
            changed[one], changed[other] = parts[other], parts[one]
            if changed != parts:
                yield splice(name, data, whole(changed))
            changed[other] = parts[other]
            if changed != parts:
                yield splice(name, data, whole(changed))
        one = chance.randrange(len(parts))
        yield splice(name, data, whole(parts[:one] + parts[one + 1 :]))
        made_up = bytes(len(parts[one]) or 1)
        if made_up != parts[one]:
            yield splice(name, data, whole(parts[:one] + [made_up] + parts[one + 1 :]))
        others = [path for path in log.files if path != name and log.files[path] != data]
        if others:
            yield [["swap", name, chance.choice(others)]]
            yield [["copy", chance.choice(others), name]]


def longer(log):
    """More in a file than belongs there. tessera looks at the beginning of a partial tile or bundle
    alone, so this is for the others to find."""
    for name in log.files:
        more = join([b"more"]) if "/entries/" in name else bytes(32)
        yield [["append", name, more.hex()]]
        yield [["append", name, "00"]]


def old_checkpoints(log, checkpoints):
    """A checkpoint of this log over what is not its tree; and one of another log."""
    text = log.checkpoint
    lines = text.split(b"\n")
    for other in checkpoints:
        if other != text:
            theirs = other.split(b"\n")
            yield splice("checkpoint", text, b"\n".join([*theirs[:3], *lines[3:]]))
    for size in (b"0", b"1", b"%d" % (log.size - 1), b"%d" % (log.size + 1), b"0" + lines[1]):
        yield splice("checkpoint", text, b"\n".join([lines[0], size, *lines[2:]]))
    yield splice("checkpoint", text, b"\n".join([lines[0] + b"x", *lines[1:]]))


def apply(directory, damages):
    """What files.damage in files.go does, on a disk."""
    for what, name, *rest in damages:
        path = f"{directory}/{name}"
        data = read(path) if os.path.exists(path) else b""
        if what == "flip":
            changed = bytearray(data)
            changed[rest[0] // 8] ^= 1 << rest[0] % 8
            write(path, bytes(changed))
        elif what == "cut":
            write(path, data[: rest[0]])
        elif what == "append":
            write(path, data + bytes.fromhex(rest[0]))
        elif what == "splice":
            write(path, data[: rest[0]] + bytes.fromhex(rest[2]) + data[rest[1] :])
        elif what == "swap":
            write(path, read(f"{directory}/{rest[0]}"))
            write(f"{directory}/{rest[0]}", data)
        elif what == "copy":
            write(f"{directory}/{rest[0]}", data)
        else:
            os.unlink(path)


# ---- the judges ---------------------------------------------------------------------------------


class Peers:
    """The Go programs, and pawl."""

    def __init__(self, program, fsck, build, where):
        self.program, self.fsck, self.where = program, fsck, where
        self.built = f"{build}/test-env/interop/ledger"

    def ask(self, what, log, questions):
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run([self.program, what, log.directory, log.vkey], check=True,
                              input=lines.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(questions), f"{len(answers)} answers on {len(questions)}"
        return answers

    def ours(self, log, questions):
        """pawl's lines: see tiles.c."""
        done = subprocess.run([f"{self.built}/ledger_tiles", log.vkey], input="".join(
            f"{question}\n" for question in questions).encode(), stdout=subprocess.PIPE, check=True)
        lines = done.stdout.decode(errors="replace").splitlines()
        assert len(lines) == len(questions), f"{len(lines)} answers on {len(questions)} questions"
        return lines

    def copy(self, log, damage=()):
        """The log elsewhere, with a damage."""
        where = f"{self.where}/copy"
        shutil.rmtree(where, ignore_errors=True)
        for name in ("checkpoint", *log.beside, *map(log.there, log.files)):
            write(f"{where}/{name}", read(f"{log.directory}/{name}"))
        apply(where, damage)
        return where

    def by_command(self, log, directory=None, url=None):
        """What tessera's command says; its exit status says nothing. With one worker it waits for
        ever once that has found a damage."""
        key = f"{self.where}/vkey"
        write(key, log.vkey.encode())
        try:
            done = subprocess.run(
                [self.fsck, "--ui=false", "-N=64", "-logtostderr", f"--public_key={key}",
                 f"--storage_url={url or f'file://{directory or log.directory}/'}"],
                stdin=subprocess.DEVNULL,
                capture_output=True, timeout=MINUTE, check=False)
        except subprocess.TimeoutExpired:
            return False
        return b"Successfully fsck'd log" in done.stderr and b"fsck failed" not in done.stderr

    def make(self, name, origin, sizes):
        directory = f"{self.where}/{name}"
        os.makedirs(directory)
        done = subprocess.run([self.program, "make", directory, origin, *map(str, sizes)],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        told = json.loads(done.stdout)
        return (Log(directory, told["vkey"]),
                [base64.b64decode(text) for text in told["checkpoints"]])


    def make_ours(self, name, origin, sizes):
        """Logs of pawl's store, one for each size that it was published at."""
        base = f"{self.where}/{name}"
        done = subprocess.run([f"{self.built}/ledger_make", base, origin, *map(str, sizes)],
                              check=True, stdout=subprocess.PIPE)
        return [Log(f"{base}.{size}", done.stdout.decode().strip()) for size in sizes]


# ---- comparisons --------------------------------------------------------------------------------


def whole(tally, title, peers, log):
    said, = peers.ask("log", log, [[]])
    wrong = [f"{name}: {verdict}" for name, verdict in said.items() if verdict != "good"]
    if peers.fsck and not peers.by_command(log):
        wrong.append("tessera's fsck command does not say that it is good")
    line, = peers.ours(log, [f"check {log.directory}"])
    if not line.startswith("good"):
        wrong.append(f"pawl: {line}")
    tally.add(f"{title}: as it is", 3 + bool(peers.fsck), 3 + bool(peers.fsck), wrong)


def damaged(tally, title, peers, log, damages, judges=("fsck", "sumdb")):
    """Each of these judges must refuse each of these damages."""
    damages = list(damages)
    wrong = []
    for damage, said in zip(damages, peers.ask("log", log, damages)):
        wrong += [f"{name} takes {str(damage)[:200]}" for name in judges if said[name] == "good"]
    tally.add(title, len(damages) * len(judges), 0, wrong)


def catalogue(tally, title, peers, log, checkpoints, chance, count):
    damaged(tally, f"{title}: bits", peers, log, flips(log, chance, count))
    damaged(tally, f"{title}: cut or gone", peers, log, cuts(log, chance))
    damaged(tally, f"{title}: moved, twice, made up", peers, log, moved(log, chance))
    damaged(tally, f"{title}: longer", peers, log, longer(log), judges=("sumdb",))
    damaged(tally, f"{title}: other checkpoints", peers, log, old_checkpoints(log, checkpoints))


def catalogue_on_disk(tally, title, peers, log, chance, count):
    """On copies of the log: pawl's reader, and on some of them tessera's command, which is slow."""
    kinds = [list(flips(log, chance, count)), list(cuts(log, chance)), list(moved(log, chance)),
             list(longer(log)), list(old_checkpoints(log, []))]
    ours, theirs, n_ours, n_theirs = [], [], 0, 0
    for number, damages in enumerate(kinds):
        some = chance.sample(range(len(damages)), min(2, len(damages)))
        for at, damage in enumerate(damages):
            copy = peers.copy(log, damage)
            line, = peers.ours(log, [f"check {copy}"])
            n_ours += 1
            if line.startswith("good"):
                ours.append(f"pawl takes {str(damage)[:200]}")
            if peers.fsck and at in some and number < 3:
                n_theirs += 1
                if peers.by_command(log, copy):
                    theirs.append(f"takes {str(damage)[:200]}")
    tally.add(f"{title}: damages, by pawl's reader", n_ours, 0, ours)
    tally.add(f"{title}: damages, by tessera's command", n_theirs, 0, theirs)


def proof_questions(log, chance, count):
    """What both are asked: pawl's words, and x/mod's."""
    edges = sorted({1, 2, log.size // 2, log.size - 1, log.size, *(
        size for size in (255, 256, 257, 512) if size <= log.size)} - {0})
    pairs = [(old, size) for old in edges for size in edges if old <= size]
    pairs += [tuple(sorted(chance.choices(range(1, log.size + 1), k=2))) for _ in range(count)]
    for old, size in pairs:
        index = chance.randrange(size)
        yield (f"inclusion {log.directory} {index} {size}",
               {"what": "inclusion", "index": index, "size": size})
        yield (f"consistency {log.directory} {old} {size}",
               {"what": "consistency", "old": old, "size": size})


def proofs(tally, title, peers, log, chance, count):
    """The same proofs from the same tiles; each takes the other's, and none that was changed."""
    questions = list(proof_questions(log, chance, count))
    ours = peers.ours(log, [one for one, _ in questions])
    theirs = peers.ask("proofs", log, [other for _, other in questions])
    entries, wrong, checks = log.entries(), [], []
    for (_, question), line, answer in zip(questions, ours, theirs):
        path = line.split()[1:]
        if not line.startswith("good") or answer != {"said": "good", "path": path}:
            wrong.append(f"{question}: pawl {line[:200]}, x/mod {answer}")
            continue
        entry = base64.b64encode(entries[question.get("index", 0)]).decode()
        for changed in (path, path[1:], path + path[:1], path[::-1]):
            checks.append(({**question, "what": f"check-{question['what']}", "path": changed,
                            "entry": entry}, changed == path))
    said = peers.ask("proofs", log, [question for question, _ in checks])
    wrong += [f"x/mod says {answer['said']}: {str(question)[:200]}"
              for (question, want), answer in zip(checks, said)
              if (answer["said"] == "good") != want]
    tally.add(f"{title}: proofs", len(questions) + len(checks), len(questions), wrong)


def proof_files(tally, title, peers, log, chance, count):
    """tlog-proof files of pawl's for x/mod, whole and damaged."""
    entries, cases, wrong = log.entries(), [], []
    indexes = [chance.randrange(log.size) for _ in range(count)]
    for index, line in zip(indexes, peers.ours(log, [f"prove {log.directory} {index}"
                                                     for index in indexes])):
        if not line.startswith("good "):
            wrong.append(f"no proof of entry {index}: {line}")
            continue
        text, entry = base64.b64decode(line.split()[1]), entries[index]
        cases += [(text, entry, True), (text, entry + b"x", False)]
        at = chance.randrange(text.index(b"\n\n"))
        cases.append((text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :], entry, False))
        lines = text.split(b"\n")
        cases.append((b"\n".join([*lines[:2], *lines[3:]]), entry, False))
        cases.append((text[: chance.randrange(len(text))], entry, False))
    encoded = [[base64.b64encode(part).decode() for part in case[:2]] for case in cases]
    theirs = peers.ask("proofs", log, [{"what": "check-file", "proof": text, "entry": entry}
                                       for text, entry in encoded])
    ours = peers.ours(log, [f"verify {text} {entry}" for text, entry in encoded])
    for (text, _, want), answer, line in zip(cases, theirs, ours):
        if (answer["said"] == "good", line.startswith("good")) != (want, want):
            wrong.append(f"x/mod {answer['said']}, pawl {line}, wanted {want}: {text[:200]}")
    tally.add(f"{title}: tlog-proof files", 2 * len(cases), 2 * len(indexes), wrong)


def judged(tally, title, peers, log, chance, count):
    catalogue_on_disk(tally, title, peers, log, chance, count // 8)
    proofs(tally, title, peers, log, chance, count // 8)
    proof_files(tally, title, peers, log, chance, count // 16)


def permits(tally, title, log, statements):
    """Each permit's record is the entry that its receipt says."""
    entries = log.entries()
    wrong = [f"{label} is not entry {statement.index}" for label, statement in statements.items()
             if entries[statement.index] != statement.entry]
    tally.add(f"{title}: permits", len(statements), len(statements), wrong)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A static web server."""

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def while_written(tally, peers):
    """tessera's command over HTTP, again and again while pawl's store appends, folds, publishes."""
    base, wrong, n = f"{peers.where}/live", [], 0
    sizes = [f"={size}" for size in range(2, 6000, 5)]
    with subprocess.Popen([f"{peers.built}/ledger_make", base, "example.org%2Fgate-1", *sizes],
                          stdout=subprocess.PIPE) as maker, http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=base)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        vkey, seen = maker.stdout.readline().decode().strip(), set()
        while not os.path.exists(f"{base}/checkpoint") and maker.poll() is None:
            time.sleep(0.01)
        while True:
            last = maker.poll() is not None
            log = Log.of(base, vkey)
            seen.add(log.size)
            n += 1
            if not peers.by_command(log, url=f"http://127.0.0.1:{server.server_port}/"):
                wrong.append(f"refused while it was written, at {log.size} entries or later")
            if last:
                break
        server.shutdown()
        if maker.wait() != 0 or len(seen) < 3:
            wrong.append(f"the maker ended with {maker.returncode}, sizes seen: {sorted(seen)}")
    tally.add("a log of pawl's store, served by a web server while it is written", n, n, wrong)


def compare(tally, peers, gates, chance, count):
    """tessera's own logs first: what is a damage there has to be one in pawl's. Yields the ledgers
    of gates, with gate and statements."""
    for name, sizes in (("small", [1, 2, 7]), ("one-tile", [200, 256]), ("two", [5, 256, 300]),
                        ("many", [255, 1000, 1281])):
        log, checkpoints = peers.make(name, "example.org%2Flog", sizes)
        title = f"a log of tessera's, {log.size} entries"
        whole(tally, title, peers, log)
        catalogue(tally, title, peers, log, checkpoints[:-1], chance, count // 4)
        judged(tally, title, peers, log, chance, count)
    made = peers.make_ours("ours", "example.org%2Fgate-1", [1, 2, 7, 255, 256, 300, 513, 1281])
    for log in made:
        title = f"a log of pawl's store, {log.size} entries"
        whole(tally, title, peers, log)
        if log.size in (7, 300, 1281):
            older = [other.checkpoint for other in made if other.size < log.size]
            catalogue(tally, title, peers, log, older, chance, count)
            judged(tally, title, peers, log, chance, count)
    if peers.fsck:
        while_written(tally, peers)
    for gate, statements in gates:
        directory = f"{gate['home']}/ledger"
        if not os.path.exists(f"{directory}/checkpoint"):
            tally.skip(f"the ledger on {gate['kind']}", "it is not published as tiles")
            continue
        log = Log(directory, gate["vkey"])
        title = f"the ledger on {gate['kind']}, {log.size} entries"
        whole(tally, title, peers, log)
        catalogue(tally, title, peers, log, [], chance, count)
        judged(tally, title, peers, log, chance, count)
        permits(tally, title, log, statements)
        yield log, gate, statements
