#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""targets.py TARGETS.json < lines: shows measured figures beside their targets.

Lines are {"metric": ..., "value": ..., "unit": ...}, or {"metric": ..., "skipped": why} for what
cannot be measured here. Exit status 1 if a target is missed, or if a metric that has a target has
no line.
"""

import json
import sys


def verdict(target, value):
    if "at_most" in target:
        return f"<= {target['at_most']}", value <= target["at_most"]
    return f">= {target['at_least']}", value >= target["at_least"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        targets = json.load(file)
    missed, seen = 0, set()
    print(f"{'METRIC':<36}  {'VALUE':>12}  {'UNIT':<8}  {'TARGET':<10}  RESULT")
    for line in sys.stdin:
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        name = item["metric"]
        seen.add(name)
        if "skipped" in item:
            print(f"{name:<36}  {'-':>12}  {'':<8}  {'':<10}  skipped: {item['skipped']}")
            continue
        value = item["value"]
        wanted, result = "", ""
        if name in targets:
            wanted, met = verdict(targets[name], value)
            result = "met" if met else "MISSED"
            missed += 0 if met else 1
        shown = f"{value:.3f}" if isinstance(value, float) else str(value)
        print(f"{name:<36}  {shown:>12}  {item.get('unit', ''):<8}  {wanted:<10}  {result}")
    for name in sorted(set(targets) - seen):
        print(f"{name:<36}  {'-':>12}  {'':<8}  {'':<10}  NOT MEASURED")
        missed += 1
    return 0 if missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
