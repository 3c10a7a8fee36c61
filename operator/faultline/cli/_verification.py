"""docs/verification.md: every variant of every scenario with what its graded runs gave."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from faultline import catalogue, curriculum
from faultline.cli import _verified
from faultline.cli._verified import Row
from faultline.cli.verify import expected
from faultline.host.home import REPO

PAGE = REPO / "docs" / "verification.md"
MIB = 1024**2
CONFIDENCE = 0.95
HEAD = """# Verification

What each scenario has proven on a real cluster: its flawed app fails, its solutions pass, its wrong fixes fail by the
objective that is there to catch them, and so does its reference solution when a line of safety is taken away
(`without/NAME`, from `scenarios/SLUG/safety.yaml`; one run shows that). `make verify-all` writes this page from
`scenarios/SLUG/verified.json`, and runs what is not proven yet: `make verify-all REPEAT=3 BUDGET=60m`.

Each row is one variant as it is now; runs of other versions of its code, load, data or Scenario do not count.
**Runs** are those with the expected verdict, of all; **tries** the inconclusive runs before them, which are no verdict
and were run again; **flips at most** what so many runs without a flip say of the next one, with 95% confidence. Memory
and cores are the most that system and harness together used. **Engine**: `=` when the images and the lab's chart are
those of this checkout.
"""
TABLE = """
| variant | must | runs | score | tries | seconds | memory | cores | flips at most | engine |
|---|---|---|---|---|---|---|---|---|---|
"""


def write(folders: Sequence[Path]) -> str:
    """Write the page; its path in the checkout."""
    PAGE.write_text(page(folders), encoding="utf-8")
    return str(PAGE.relative_to(REPO))


def page(folders: Sequence[Path]) -> str:
    """The page."""
    engine = _verified.engine_digest()
    return HEAD + "".join(_scenario(each, engine) for each in folders)


def _scenario(folder: Path, engine: str) -> str:
    rows = _verified.current(folder, _verified.read(folder))
    lines = [
        _variant(each, [row for row in rows if row.variant == each], engine) for each in catalogue.variants(folder)
    ]
    return f"\n## {folder.name}\n\n{curriculum.lesson(folder).title}.\n{TABLE}" + "\n".join(lines) + "\n"


def _variant(variant: str, rows: Sequence[Row], engine: str) -> str:
    good = [each for each in rows if each.as_expected]
    cells = [variant, expected(variant), f"{len(good)} of {len(rows)}"]
    if rows:
        memory = [each.memory_bytes / MIB for each in rows if each.memory_bytes is not None]
        cores = [each.cores for each in rows if each.cores is not None]
        cells += [
            _span([each.score for each in rows if each.score is not None]),
            str(sum(each.retries for each in rows)),
            f"{statistics.median(each.run_seconds for each in rows):.0f}",
            f"{max(memory):.0f} MiB" if memory else "?",
            f"{max(cores):.2f}" if cores else "?",
            f"{1 - (1 - CONFIDENCE) ** (1 / len(rows)):.0%}" if len(good) == len(rows) else "it flips",
            "=" if all(each.engine == engine for each in rows) else "before",
        ]
    else:
        cells += ["", "", "", "", "", "", "never run"]
    return f"| {' | '.join(cells)} |"


def _span(scores: Sequence[int]) -> str:
    if not scores:
        return "-"
    return str(scores[0]) if len(set(scores)) == 1 else f"{min(scores)} to {max(scores)}"
