# SPDX-License-Identifier: Apache-2.0
"""What a comparison with other people's programs came to."""

SHOWN = 40  # disagreements


class Tally:
    """What was compared: for each title the variants, those that were valid, and disagreements."""

    def __init__(self):
        self.rows = {}
        self.said = 0
        self.skipped = 0

    def add(self, title, variants, valid, wrong):
        row = self.rows.setdefault(title, [0, 0, 0])
        for column, count in enumerate((variants, valid, len(wrong))):
            row[column] += count
        for what in wrong[: max(0, SHOWN - self.said)]:
            self.said += 1
            print(f"{title}: {what}", flush=True)

    def skip(self, title, why):
        self.skipped += 1
        print(f"SKIP  {title}: {why}", flush=True)

    def close(self):
        for title, (variants, valid, wrong) in self.rows.items():
            print(f"{title}: {variants} variants, {valid} valid, {wrong} disagreements")
        failed = sum(row[2] for row in self.rows.values())
        print(sum(row[0] for row in self.rows.values()) - failed, failed, self.skipped)
