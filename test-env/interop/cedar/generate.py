#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes random comparisons, one JSON object a line: policies in every form that the scope grammar
has, in every dress (blanks, comments, escapes, trailing commas), a hierarchy without cycles, and
requests that are likely to hit. Some texts are then damaged word by word: of these, only whether
they are Cedar is compared. usage: generate.py SEED COUNT [common]

common: without the dress that cedar-go does not know: blanks outside of ASCII, underscores in
\\u{}, a comment that a carriage return ends, an annotation without a value, a line feed or NUL in a
string."""

import json
import random
import re
import sys

TYPES = ["U", "G", "A::B", "principal", "_x1", "when::in2"]
ACTIONS = ["Action", "N::Action", "A::B::Action"]
IDS = ["", "a", "b", "A", "a\"b", "\\", "\n", "\t\r", "\0", "'", "ä", "\U0001f600", "\x7f", "//",
       "\u202e"]
WHITE = [" ", "  ", "\n", "\t", "\r\n", " // note\n", "\u00a0", "\u2028", "\v", "\f", "\u3000",
         "\u0085", "//\r", "\n//; permit(\n"]
SIMPLE = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "\0": "\\0", "'": "\\'",
          "\"": "\\\""}
# The first of these are the ones that every implementation knows.
COMMON = 6
# What may stand where another word stood.
WORDS = ["permit", "forbid", "principal", "action", "resource", "in", "is", "==", "=", "!=", "(",
         ")", "[", "]", "{", "}", ",", ";", ":", "::", "@", "@id", "@x", "\"a\"", "\"\\q\"",
         "\"\\x80\"", "\"\\u{d800}\"", "\"\r\"", "if", "true", "has", "like", "__cedar", "Action",
         "User", "1", "?principal", "?resource", "?x", "when", "unless", "context", "&&", "-", ".",
         "#", "'", "\"", "\ufeff", "\u200b", "ä", "when {true}", "User::\"a\"", "Action::\"a\"",
         "//", "/*", "\\"]
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[_a-zA-Z][_a-zA-Z0-9]*|::|==|\S', re.S)


class Scene:
    def __init__(self, rng, common):
        self.rng = rng
        self.common = common
        self.plain = rng.random() < 0.3

    def blank(self, must=False):
        if self.plain:
            return " "
        white = WHITE[:COMMON] if self.common else WHITE
        return self.rng.choice(white) if must or self.rng.random() < 0.3 else ""

    def string(self, value):
        out = []
        for char in value:
            code, dice = ord(char), self.rng.random()
            must = char in "\"\\\r" or self.common and char in "\n\0"
            if must and dice < 0.7 or char in SIMPLE and dice < 0.4:
                out.append(SIMPLE[char])
            elif code < 0x80 and dice < 0.55 and char != "\n":
                out.append("\\x%02x" % code)
            elif must or dice < 0.75:
                digits = "%x" % code
                if not self.common and self.rng.random() < 0.3:
                    digits = digits[0] + "_" + digits[1:] + "_"
                out.append("\\u{%s}" % digits)
            else:
                out.append(char)
        return '"' + "".join(out) + '"'

    def type(self, name):
        return (self.blank() + "::" + self.blank()).join(name.split("::"))

    def entity(self, entity):
        return (self.type(entity[0]) + self.blank() + "::" + self.blank() + self.string(entity[1]))

    def any(self, types=None):
        few = IDS[:3] if self.rng.random() < 0.7 else IDS
        return (self.rng.choice(types or TYPES + ACTIONS[:1]), self.rng.choice(few))

    def subject(self, word):
        dice = self.rng.random()
        if dice < 0.4:
            return word
        if dice < 0.55:
            return word + self.blank() + "==" + self.blank() + self.entity(self.any())
        if dice < 0.7:
            return word + self.blank(True) + "in" + self.blank(True) + self.entity(self.any())
        is_type = word + self.blank(True) + "is" + self.blank(True)
        is_type += self.type(self.rng.choice(TYPES))
        if dice < 0.85:
            return is_type
        return is_type + self.blank(True) + "in" + self.blank(True) + self.entity(self.any())

    def action(self):
        dice = self.rng.random()
        if dice < 0.4:
            return "action"
        if dice < 0.6:
            return "action" + self.blank() + "==" + self.blank() + self.entity(self.any(ACTIONS))
        if dice < 0.75:
            text = "action" + self.blank(True) + "in" + self.blank(True)
            return text + self.entity(self.any(ACTIONS))
        items = [self.entity(self.any(ACTIONS)) for _ in range(self.rng.randrange(4))]
        text = (self.blank() + "," + self.blank()).join(items)
        if items and self.rng.random() < 0.3:
            text += self.blank() + ","
        text = "[" + self.blank() + text + self.blank() + "]"
        return "action" + self.blank(True) + "in" + self.blank() + text

    def policy(self):
        text = ""
        if self.rng.random() < 0.2:
            text += "@" + self.blank() + "id(" + self.string("i" + self.rng.choice(IDS)) + ")"
            text += self.blank()
        if self.rng.random() < 0.2:
            values = ["(" + self.string(self.rng.choice(IDS)) + ")"]
            if not self.common:
                values.append("")
            text += "@description" + self.rng.choice(values) + " "
        parts = [self.subject("principal"), self.action(), self.subject("resource")]
        if self.rng.random() < 0.2:
            parts.append("")
        text += self.rng.choice(["permit", "permit", "forbid"]) + self.blank() + "(" + self.blank()
        text += (self.blank() + "," + self.blank()).join(parts)
        return text + self.blank() + ")" + self.blank() + ";"

    def policies(self):
        count = self.rng.randrange(6)
        return "".join(self.blank() + self.policy() for _ in range(count)) + self.blank()

    def damage(self, text):
        words = list(TOKEN.finditer(text))
        if not words:
            return self.rng.choice(WORDS)
        word = self.rng.choice(words)
        dice = self.rng.random()
        if dice < 0.3:
            return text[:word.start()] + text[word.end():]
        if dice < 0.6:
            return text[:word.start()] + self.rng.choice(WORDS) + text[word.end():]
        if dice < 0.9:
            return text[:word.start()] + self.rng.choice(WORDS) + " " + text[word.start():]
        return text[:self.rng.randrange(len(text) + 1)]


def name(entity):
    return {"type": entity[0], "id": entity[1]}


def is_action(entity):
    return entity[0].split("::")[-1] == "Action"


def comparison(rng, common):
    scene = Scene(rng, common)
    if rng.random() < 0.3:
        text = scene.damage(scene.policies())
        while rng.random() < 0.3:
            text = scene.damage(text)
        return {"policies": text, "parents": [], "requests": [], "damaged": True}
    order = sorted({scene.any() for _ in range(rng.randrange(8))})
    rng.shuffle(order)
    parents = []
    for i, child in enumerate(order):
        for parent in order[i + 1:]:
            # Cedar has actions in actions alone
            if rng.random() < 0.3 and is_action(parent) >= is_action(child):
                parents.append([name(child), name(parent)])
    requests = []
    for _ in range(6):
        known = [rng.choice(order) if order and rng.random() < 0.6 else scene.any()
                 for _ in range(2)]
        requests.append({"principal": name(known[0]), "action": name(scene.any(ACTIONS)),
                         "resource": name(known[1])})
    return {"policies": scene.policies(), "parents": parents, "requests": requests}


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(comparison(rng, "common" in sys.argv[3:])))


main()
