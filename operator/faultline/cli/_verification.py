"""docs/verification.md: every variant of every scenario with what its graded runs gave."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path

from faultline import catalogue, curriculum
from faultline.cli import _verified
from faultline.cli._verified import Row
from faultline.cli.verify import expected
from faultline.host.home import REPO
from faultline.measures.base import Measure
from faultline.report.quantity import quantity
from faultline.scenario import ObjectiveSpec

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
those of this checkout, but for faults, measures and checks that the scenario does not name. A run that failed by a
counter-example while something else made its measurements doubtful is **without** a score.

Below stands what each objective tells apart in the same runs: its target (of latencies before it is scaled to the
machine), what the solutions had, and which variants failed it; how often, where it was not each time. An objective that
no variant fails has not shown yet that it can fail.
"""
TABLE = """
| variant | must | runs | score | tries | seconds | memory | cores | flips at most | engine |
|---|---|---|---|---|---|---|---|---|---|
"""
OBJECTIVES = """

| objective | target | solutions | failed by |
|---|---|---|---|
"""


def write(folders: Sequence[Path]) -> str:
    """Write the page; its path in the checkout."""
    PAGE.write_text(page(folders), encoding="utf-8")
    return str(PAGE.relative_to(REPO))


def page(folders: Sequence[Path]) -> str:
    """The page."""
    return HEAD + "".join(_scenario(each) for each in folders)


def _scenario(folder: Path) -> str:
    engine = _verified.engine_digest(folder)
    rows = _verified.current(folder, _verified.read(folder))
    lines = [
        _variant(each, [row for row in rows if row.variant == each], engine) for each in catalogue.variants(folder)
    ]
    objectives = [_objective(each, rows) for each in _verified.spec_of(folder).objectives]
    title = f"\n## {folder.name}\n\n{curriculum.lesson(folder).title}.\n"
    return title + TABLE + "\n".join(lines) + OBJECTIVES + "\n".join(objectives) + "\n"


def _variant(variant: str, rows: Sequence[Row], engine: str) -> str:
    good = [each for each in rows if each.as_expected]
    cells = [variant, expected(variant), f"{len(good)} of {len(rows)}"]
    if rows:
        memory = [each.memory_bytes / MIB for each in rows if each.memory_bytes is not None]
        cores = [each.cores for each in rows if each.cores is not None]
        cells += [
            _scores(rows),
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


def _objective(objective: ObjectiveSpec, rows: Sequence[Row]) -> str:
    kind, target, unit = objective.kind, "no violation", ""
    if isinstance(kind, Measure):
        unit = kind.value_unit
        target = f"at {'least' if kind.improves == 'higher' else 'most'} {quantity(objective.target, unit)}"
    kept = [each.measured.get(objective.name) for each in rows if each.expected == "pass"]
    values = [each for each in kept if each is not None]
    failed = [_failed(objective.name, list(runs)) for _, runs in itertools.groupby(rows, key=lambda row: row.variant)]
    cells = [objective.name, target, _range(values, unit), ", ".join(filter(None, failed)) or "no variant"]
    return f"| {' | '.join(cells)} |"


def _range(values: Sequence[float], unit: str) -> str:
    if not values:
        return "-"
    low, high = quantity(min(values), unit), quantity(max(values), unit)
    number, _, of = low.partition(" ")
    return low if low == high else f"{number if of and high.endswith(f' {of}') else low} to {high}"


def _failed(objective: str, rows: Sequence[Row]) -> str:
    count = sum(objective in each.lost for each in rows)
    if not count:
        return ""
    return rows[0].variant if count == len(rows) else f"{rows[0].variant} ({count} of {len(rows)})"


def _scores(rows: Sequence[Row]) -> str:
    scores = [each.score for each in rows if each.score is not None]
    low, high = min(scores, default="-"), max(scores, default="-")
    without = f" ({len(rows) - len(scores)} without)" if len(scores) < len(rows) else ""
    return f"{low if low == high else f'{low} to {high}'}{without}"
