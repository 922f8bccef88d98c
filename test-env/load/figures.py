# SPDX-License-Identifier: Apache-2.0
"""figures.py: a plot (SVG) and tables (Markdown) of permits per second over clients. The same
figures give the same octets."""

import json
import math
import os
import re

NAMES = {"swtpm": "swtpm", "softhsm": "SoftHSM", "tpm_30ms": "TPM, 30 ms a command",
         "tpm_100ms": "TPM, 100 ms a command", "tpm_300ms": "TPM, 300 ms a command"}
# Each stands out on white and on black.
COLOURS = {"swtpm": "#2f81f7", "softhsm": "#1a9850", "tpm_30ms": "#d98200",
           "tpm_100ms": "#d6486f", "tpm_300ms": "#8a63d2"}
HERE = os.path.dirname(os.path.abspath(__file__))
RATIOS = ("decisions_per_round_64", "decision_cpu_over_floor", "decision_latency_over_floor")
PARTS = (
    ("decision_cpu", "processor time of pawld for a decision, 512 clients", "µs"),
    ("decision_cpu_echo", "the same of a bare HTTP server", "µs"),
    ("decision_cpu_signature", "one ES256 signature by OpenSSL", "µs"),
    ("decision_latency", "a decision, one client, median", "µs"),
    ("decision_latency_round", "the TPM commands of a round, sent bare", "µs"),
    ("decision_latency_fdatasync", "one write and fdatasync", "µs"),
    ("decision_latency_echo", "a bare HTTP answer", "µs"),
    ("rounds_per_second_30ms_signatures", "rounds a second, 30 ms a signature, one client", ""),
    ("permits_per_second_64_30ms_signatures", "permits a second, the same with 64 clients", ""),
    ("service_waiting_kib", "memory for a thousand requests that wait", "KiB"),
)
WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 46, 56
BEGIN, END = "<!-- measured: written by the bench -->", "<!-- end of what the bench writes -->"
STYLE = """text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; } .grid { stroke: #8b949e; stroke-opacity: .35; stroke-width: 1; }
.line { fill: none; stroke-width: 2.2; } .fresh { stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } }"""


class Plot:
    """Both axes are logarithmic."""

    def __init__(self, cells):
        self.cells = cells
        self.clients = sorted({clients for _, clients, _ in cells})
        values = [max(cell["permits_per_second"], 0.01) for cell in cells.values()]
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)

    def x(self, clients):
        first, last = (math.log(self.clients[n]) for n in (0, -1))
        part = (math.log(clients) - first) / (last - first) if last > first else 0.5
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        part = (math.log10(max(value, 0.01)) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def grid(self):
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for power in range(self.low, self.high + 1):
            y = self.y(10 ** power)
            text = f"{10 ** power:,}" if power >= 0 else f"{10 ** power:.{-power}f}"
            yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
            yield (f'<text class="small" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                   f"{text}</text>")
        for clients in self.clients:
            x = self.x(clients)
            yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>'
            yield (f'<text class="small" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
                   f"{clients}</text>")

    def points(self, name, fresh):
        return [(self.x(clients), self.y(self.cells[name, clients, fresh]["permits_per_second"]))
                for clients in self.clients if (name, clients, fresh) in self.cells]

    def lines(self, name):
        for fresh in (False, True):
            points = self.points(name, fresh)
            if not points:
                continue
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            kind = "line fresh" if fresh else "line"
            yield f'<polyline class="{kind}" stroke="{COLOURS[name]}" points="{path}"/>'
            if not fresh:
                for x, y in points:
                    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{COLOURS[name]}"/>'

    def legend(self, names):
        x, y = WIDTH - RIGHT + 20, TOP + 8
        for name in names:
            yield (f'<line x1="{x}" y1="{y}" x2="{x + 22}" y2="{y}" class="line" '
                   f'stroke="{COLOURS[name]}"/>')
            yield f'<text class="small" x="{x + 28}" y="{y + 4}">{NAMES[name]}</text>'
            y += 22
        yield (f'<line x1="{x}" y1="{y + 8}" x2="{x + 22}" y2="{y + 8}" class="line fresh" '
               'stroke="#8b949e"/>')
        yield f'<text class="small" x="{x + 28}" y="{y + 12}">with @freshness("5s")</text>'

    def svg(self):
        names = [name for name in NAMES if any(key[0] == name for key in self.cells)]
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="Permits per second over '
            'the number of clients">', f"<style>{STYLE}</style>",
            f'<text x="{LEFT}" y="24">Permits per second</text>',
            f'<text x="{middle:.1f}" y="{HEIGHT - 14}" text-anchor="middle">clients, one request '
            "at a time each</text>", *self.grid()]
        for name in names:
            parts += self.lines(name)
        return "\n".join([*parts, *self.legend(names), "</svg>", ""])


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(cells, fresh):
    clients = sorted({key[1] for key in cells})
    yield "| | " + " | ".join(f"{n} client{'s' if n > 1 else ''}" for n in clients) + " |"
    yield "|---|" + "---|" * len(clients)
    for name, title in NAMES.items():
        row = [cells.get((name, n, fresh)) for n in clients]
        if any(row):
            shown = [f"**{figure(cell['permits_per_second'])}** ({figure(cell['p50_ms'])}; "
                     f"{figure(cell['p99_ms'])})" if cell else "" for cell in row]
            yield f"| {title} | " + " | ".join(shown) + " |"


def ratios(measured):
    with open(f"{HERE}/../lib/targets.json", encoding="utf-8") as file:
        targets = json.load(file)
    for name in RATIOS:
        if name in measured:
            (kind, bound), = targets[name].items()
            sign = "≤" if kind == "at_most" else "≥"
            yield f"| `{name}` | {figure(measured[name])} | {sign} {bound} |"


def parts(measured):
    """What the ratios are made of."""
    for name, text, unit in PARTS:
        if name in measured:
            yield f"| {text} | {figure(measured[name])} {unit} |"


def write(docs, cells, measured):
    with open(f"{docs}/permits.svg", "w", encoding="utf-8") as file:
        file.write(Plot(cells).svg())
    lines = ["", "| ratio | measured | target |", "|---|---|---|", *ratios(measured), "",
             "| | |", "|---|---|", *parts(measured), "",
             "Permits a second, and in brackets the median and the 99th percentile of the time "
             "that a client", "waits, in milliseconds:", "", *table(cells, False), "",
             'The same where the policy that permits says `@freshness("5s")`:', "",
             *table(cells, True), ""]
    path = f"{docs}/performance.md"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})",
                  lambda match: match[1] + "\n".join(lines) + "\n" + match[2], text, flags=re.S)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
