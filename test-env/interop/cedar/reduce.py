# SPDX-License-Identifier: Apache-2.0
"""reduce.py: makes a case smaller while it still shows the same disagreement."""

import json
import re

WORD = re.compile(r'"(?:\\.|[^"\\])*"|\?[_a-zA-Z0-9]+|[_a-zA-Z][_a-zA-Z0-9]*|[0-9]+|::|==|!=|<=|>='
                  r'|&&|\|\||\S', re.S)
ASKS_MAX = 4000


class Reducer:
    """holds(case) tells whether a case still shows it."""

    def __init__(self, holds):
        self.holds = holds
        self.left = ASKS_MAX

    def keeps(self, case):
        if self.left <= 0:
            return False
        self.left -= 1
        return self.holds(case)

    def list(self, items, build):
        """The shortest list (by leaving out runs of it) with which build(list) still shows it."""
        size = max(1, len(items) // 2)
        while size >= 1 and items:
            at, changed = 0, False
            while at < len(items):
                shorter = items[:at] + items[at + size:]
                if self.keeps(build(shorter)):
                    items, changed = shorter, True
                else:
                    at += size
            if not (changed and size == 1):
                size //= 2
        return items

    def text(self, text, build):
        words = WORD.findall(text)
        if not self.keeps(build(" ".join(words))):
            # White space matters: by characters then.
            return "".join(self.list(list(text), lambda part: build("".join(part))))
        words = self.list(words, lambda part: build(" ".join(part)))
        for at, word in enumerate(words):
            for simple in ("true", "1", '"a"', "A", "a"):
                shorter = words[:at] + [simple] + words[at + 1:]
                if len(simple) < len(word) and self.keeps(build(" ".join(shorter))):
                    words = shorter
                    break
        return " ".join(words)

    def tree(self, tree, build):
        """The same for a JSON tree, inside and out."""
        if isinstance(tree, list):
            tree = self.list(tree, build)
            for at in range(len(tree)):
                inner = self.tree(tree[at], lambda part, at=at: build(
                    tree[:at] + [part] + tree[at + 1:]))
                tree = tree[:at] + [inner] + tree[at + 1:]
        elif isinstance(tree, dict):
            keys = self.list(list(tree), lambda keys: build({k: tree[k] for k in keys}))
            tree = {key: tree[key] for key in keys}
            for key in keys:
                if self.keeps(build(tree[key])):
                    return self.tree(tree[key], build)
                tree[key] = self.tree(tree[key], lambda part, key=key: build(
                    {**tree, key: part}))
        return tree

    def json_text(self, text, build):
        try:
            tree = json.loads(text)
            plain = json.dumps(tree)
        except ValueError:
            return self.text(text, build)
        if not self.keeps(build(plain)):
            return self.text(text, build)
        return json.dumps(self.tree(tree, lambda part: build(json.dumps(part))))

    def field(self, case, key, as_json):
        if not isinstance(case.get(key), str):
            return
        reduce = self.json_text if as_json else self.text
        case[key] = reduce(case[key], lambda text: {**case, key: text})

    def without(self, case, **changes):
        smaller = {**case, **changes}
        if self.keeps(smaller):
            case.update(changes)

    def case(self, case):
        case = dict(case)
        self.without(case, schema=None)
        self.without(case, entities="[]")
        self.without(case, print=False)
        case["requests"] = self.list(case["requests"], lambda part: {**case, "requests": part})
        case["links"] = self.list(case["links"], lambda part: {**case, "links": part})
        before = None
        while before != case and self.left > 0:
            before = dict(case)
            self.field(case, "policies", case["form"] == "json")
            self.field(case, "entities", True)
            self.field(case, "schema", case.get("schema_form") == "json")
            for at in range(len(case["requests"])):
                def build(text, at=at):
                    requests = list(case["requests"])
                    requests[at] = {**requests[at], "context": text}
                    return {**case, "requests": requests}
                text = self.json_text(case["requests"][at]["context"], build)
                case["requests"] = build(text)["requests"]
        return case
