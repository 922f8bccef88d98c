# SPDX-License-Identifier: Apache-2.0
"""cddl.py: holds CBOR against docs/*.cddl: as much of RFC 8610 as these files use. Stricter in one
point: members of a map stand in the order of the rule, as the files say."""

import re

import cbor

TOKEN = re.compile(r"""\s+|;[^\n]*|(?P<string>"[^"]*")|(?P<tag>\#6\.\d+)|(?P<times>\d*\*\d*|\?)
    |(?P<number>-?\d+)|(?P<control>\.[a-z]+)|(?P<name>[a-z][\w-]*)|(?P<mark>=>|\.\.|[^\s\w"])""",
                   re.VERBOSE)
PRELUDE = {"bstr": bytes, "tstr": str, "bool": bool, "uint": int, "nil": type(None),
           "null": type(None)}


class Mismatch(Exception):
    """What does not fit, and where."""


class Parser:
    """Trees of tuples whose first member says what they are."""

    def __init__(self, text):
        self.tokens = [(m.lastgroup, m.group(m.lastgroup)) for m in TOKEN.finditer(text)
                       if m.lastgroup] + [("end", "")]
        self.at = 0

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self, wanted=None):
        kind, text = self.peek()
        if wanted is not None and text != wanted:
            raise ValueError(f"{text!r} where {wanted!r} is needed")
        self.at += 1
        return text

    def has(self, mark):
        if self.peek() != ("mark", mark):
            return False
        self.at += 1
        return True

    def listed(self, one):
        items = []
        while not self.has(">"):
            items.append(one())
            self.has(",")
        return items

    def rules(self):
        rules = {}
        while self.peek()[0] != "end":
            name = self.take()
            parameters = self.listed(self.take) if self.has("<") else []
            self.take("=")
            rules[name] = (parameters, self.choice())
        return rules

    def choice(self):
        options = [self.controlled()]
        while self.has("/"):
            options.append(self.controlled())
        return ("choice", options) if len(options) > 1 else options[0]

    def controlled(self):
        left = self.plain()
        if self.has(".."):
            return ("range", left[1], self.plain()[1])
        if self.peek()[0] == "control":
            return ("control", self.take(), left, self.plain())
        return left

    def plain(self):
        kind, text = self.peek()
        self.at += 1
        if kind == "string":
            return ("literal", text[1:-1])
        if kind == "number":
            return ("literal", int(text))
        if kind == "tag":
            return ("tag", int(text[3:]), self.plain())
        if kind == "name":
            return ("name", text, self.listed(self.choice) if self.has("<") else [])
        if text == "(":
            inner = self.choice()
            self.take(")")
            return inner
        if text in "[{":
            return ("array" if text == "[" else "map", self.group("]" if text == "[" else "}"))
        raise ValueError(f"{text!r} begins no type")

    def group(self, end):
        entries = []
        while not self.has(end):
            least, most = 1, 1
            if self.peek()[0] == "times":
                least, most = self.times(self.take())
            key = None
            if self.peek(1) == ("mark", ":"):
                kind, text = self.peek()
                key = ("literal", {"string": text[1:-1], "name": text}.get(kind) or int(text))
                self.at += 2
            value = self.choice()
            if self.has("=>"):
                key, value = value, self.choice()
            entries.append((least, most, key, value))
            self.has(",")
        return entries

    @staticmethod
    def times(text):
        if text == "?":
            return 0, 1
        least, most = text.split("*")
        return int(least or 0), int(most or 1 << 32)


class Cddl:
    def __init__(self, text):
        self.rules = Parser(text).rules()
        self.met = set()

    def check(self, rule, data):
        """data: encoded. Raises Mismatch."""
        self.encoded(data, ("name", rule, []), {}, rule)

    def encoded(self, data, tree, scope, where):
        try:
            value = cbor.decode(data)
        except (ValueError, KeyError, IndexError) as error:
            raise Mismatch(f"{where}: no CBOR: {error}") from error
        need(cbor.encode(value) == data, where, "is not deterministic")
        self.fits(value, tree, scope, where)

    def fits(self, value, tree, scope, where):
        getattr(self, "fits_" + tree[0])(value, tree, scope, where)

    def fits_literal(self, value, tree, _, where):
        need(type(value) is type(tree[1]) and value == tree[1], where,
             f"is {value!r}, not {tree[1]!r}")

    def fits_range(self, value, tree, _, where):
        need(type(value) is int and tree[1] <= value <= tree[2], where,
             f"is {value!r}, not within {tree[1]}..{tree[2]}")

    def fits_choice(self, value, tree, scope, where):
        said = []
        for option in tree[1]:
            try:
                return self.fits(value, option, scope, where)
            except Mismatch as error:
                said.append(str(error))
        raise Mismatch("; or ".join(said))

    def fits_tag(self, value, tree, scope, where):
        tagged = isinstance(value, cbor.Tag) and value.number == tree[1]
        need(tagged, where, f"has no tag {tree[1]}")
        self.fits(value.value, tree[2], scope, where)

    def fits_name(self, value, tree, scope, where):
        name, arguments = tree[1], tree[2]
        if name in scope:
            return self.fits(value, *scope[name], where)
        if name == "true":
            return need(value is True, where, f"is {value!r}, not true")
        if name in PRELUDE:
            need(type(value) is PRELUDE[name] and (name != "uint" or 0 <= value < 1 << 64), where,
                 f"is {value!r}, no {name}")
            return None
        parameters, body = self.rules[name]
        inner = {p: (argument, scope) for p, argument in zip(parameters, arguments, strict=True)}
        self.fits(value, body, inner, f"{where} ({name})" if where != name else where)
        self.met.add(name)
        return None

    def fits_control(self, value, tree, scope, where):
        _, control, left, right = tree
        self.fits(value, left, scope, where)
        if control == ".cbor":
            return self.encoded(value, right, scope, where)
        if control == ".regexp":
            return need(re.fullmatch(right[1], value), where, f"is {value!r}, not {right[1]}")
        need(control == ".size", where, f"{control}?")
        size = len(value.encode() if isinstance(value, str) else value)
        return self.fits(size, right, scope, f"{where}: size")

    def fits_array(self, value, tree, scope, where):
        need(type(value) is list, where, f"is {value!r}, no array")
        at = 0
        for least, most, _, wanted in tree[1]:
            count = 0
            while at < len(value) and count < most:
                try:
                    self.fits(value[at], wanted, scope, f"{where}[{at}]")
                except Mismatch:
                    if count < least:
                        raise
                    break
                at, count = at + 1, count + 1
            need(count >= least, where, f"has {len(value)} items, too few")
        need(at == len(value), where, f"has {len(value)} items, of which {at} fit")

    def fits_map(self, value, tree, scope, where):
        need(type(value) is dict, where, f"is {value!r}, no map")
        counts, at = [0] * len(tree[1]), 0
        for key, item in value.items():
            inner = f"{where}.{key.hex() if isinstance(key, bytes) else key}"
            while at < len(tree[1]) and not self.is_key(key, tree[1][at][2], scope):
                at += 1
            need(at < len(tree[1]), inner, "is no member, or not at its place")
            self.fits(item, tree[1][at][3], scope, inner)
            counts[at] += 1
        for count, (least, most, key, _) in zip(counts, tree[1]):
            need(least <= count <= most, where, f"has {count} of {key[1]!r}")

    def is_key(self, key, tree, scope):
        try:
            self.fits(key, tree, scope, "key")
        except Mismatch:
            return False
        return True


def need(holds, where, what):
    if not holds:
        raise Mismatch(f"{where}: {what}")
