"""What `faultline verify` has proven: one record a scenario, in its folder, each row bound to what it was proven on.

A row holds for the digest of its variant (code, load, data, Scenario) and of the engine (images and the lab's chart).
Rows of another variant's digest are dropped: they say nothing about what is there now. Rows of another engine are kept
until newer ones replace them, and are told apart.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from faultline import catalogue, heldout, safety_lines
from faultline.cli import _record
from faultline.cli._cluster import Cluster
from faultline.controller.deploy import chart_digest
from faultline.errors import InvalidInput, NotReady
from faultline.host import images
from faultline.host.home import REPO
from faultline.scenario import ScenarioSpec
from faultline.validation import parse, scenario_object

FILE = "verified.json"
DIGITS = 12
PACKAGE = REPO / "operator" / "faultline"
NOT_OF_THE_ENGINE = {"dashboard"}
"""Images that no run uses."""


class Row(BaseModel):
    """One graded run of a variant, after at most two inconclusive ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: str
    digest: str
    engine: str
    seed: int
    run: str
    ended: float
    """Unix seconds."""
    verdict: str
    expected: str
    score: int | None
    caught_by: str | None
    """The objective that must catch a wrong fix, or the solution without a line of safety."""
    lost: list[str]
    measured: dict[str, float | None] = {}
    """Each objective's value, for the lesson's table."""
    reasons: list[str]
    retries: int
    """Inconclusive runs before this one."""
    run_seconds: float
    memory_bytes: float | None
    """At most, of the system and its harness."""
    cores: float | None
    """At most over 10 s, of the system and its harness."""

    @property
    def as_expected(self) -> bool:
        """The right verdict, and for what must be caught by the objective that is named for it."""
        return self.verdict == self.expected and (self.caught_by is None or self.caught_by in self.lost)


def engine_digest(folder: Path) -> str:
    """Of all that grades and runs a scenario but is no part of it.

    Less the faults, measures and checks that it does not name, so that a new one voids no proof of other scenarios.
    """
    without = unused(folder)
    tags = [f"{name}:{images.tag(name, without)}" for name in images.CHART_IMAGES if name not in NOT_OF_THE_ENGINE]
    return _digest([images.KUBERNETES_VERSION, chart_digest(REPO / "charts" / "lab"), *tags])


def require_engine(cluster: Cluster) -> None:
    """Refuse to prove anything on images that are not this checkout's: it would stand under the wrong digest.

    Raises NotReady (FL327).
    """
    found = cluster.get(f"{catalogue.CONFIGMAPS}/images") or {}
    there = json.loads((found.get("data") or {}).get("images.json") or "{}")
    other = [
        name
        for name, ref in images.image_refs().items()
        if name not in NOT_OF_THE_ENGINE and not str(there.get(name, "")).endswith(ref)
    ]
    if other:
        message = f"the cluster runs other images than this checkout has, of {', '.join(other)}"
        raise NotReady("FL327", f"{message}: what it shows proves nothing of it", "make up")


def spec_of(folder: Path) -> ScenarioSpec:
    """The scenario of a folder. Raises InvalidInput for a scenario.yaml that breaks a rule."""
    return parse(ScenarioSpec, scenario_object(folder / "scenario.yaml")["spec"])


def unused(folder: Path) -> frozenset[Path]:
    """The files of faults, measures and checks that a scenario does not name, and that no other file imports.

    Raises InvalidInput for a scenario.yaml or heldout.yaml that breaks a rule.
    """
    spec = spec_of(folder)
    held_out = heldout.of_folder(folder, spec)
    kinds = {each.type for each in spec.objectives}
    faults = {each.type for each in [*spec.faults, *(held_out.faults if held_out else [])]}
    return frozenset(
        path
        for package, named in (("faults", faults), ("measures", kinds), ("checks", kinds))
        for path in (PACKAGE / package).glob("[a-z]*.py")
        if path.stem not in {*named, "base"} and f"faultline.{package}.{path.stem}" not in _imported()
    )


@cache
def _imported() -> frozenset[str]:
    """All that the files of the package import from it: modules, and names in them."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
            elif isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
    return frozenset(found)


def variant_digest(folder: Path, variant: str) -> str:
    """Of a variant's code and of what all variants of the folder share.

    That is the object, the load, the data, what is held out, and the objective that must catch the variant.
    """
    texts = [_text(folder / name) for name in ("scenario.yaml", "load.py", "seed.sql")]
    texts.append(caught_by(folder, variant) or "")
    if (held_out := folder / heldout.FILE).is_file():
        texts.append(_text(held_out))
    return _digest([catalogue.version(folder, variant).digest, *texts])


def caught_by(folder: Path, variant: str) -> str | None:
    """The objective that must catch a variant, as its wrong.yaml or safety.yaml says; None where none has to."""
    if (line := catalogue.safety_line(folder, variant)) is not None:
        return line.caught_by
    if not variant.startswith("wrong/"):
        return None
    return str(yaml.safe_load((folder / variant / "wrong.yaml").read_text(encoding="utf-8"))["objective"])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]


def read(folder: Path) -> list[Row]:
    """The rows of a folder, oldest first; none where nothing was proven.

    Raises InvalidInput (FL139) for a record that somebody has broken.
    """
    path = folder / FILE
    try:
        return [Row.model_validate(each) for each in json.loads(_text(path) or "[]")]
    except (ValueError, ValidationError) as error:
        raise InvalidInput(
            "FL139", f"{_record.shown(path)} cannot be read: {error}", "restore it with `git checkout`"
        ) from error


def current(folder: Path, rows: Sequence[Row]) -> list[Row]:
    """Those that are about the variants as they are now, on whatever engine."""
    now = {each: variant_digest(folder, each) for each in catalogue.variants(folder)}
    return [each for each in rows if now.get(each.variant) == each.digest]


def add(folder: Path, row: Row) -> None:
    """Keep a row, and of its variant only those on the same engine. The file is whole at any moment.

    A row without a verdict gives way to the next one, which counts its tries as its own.
    """
    rows = current(folder, read(folder))
    same = [each for each in rows if each.variant == row.variant and each.engine == row.engine]
    undecided = [each for each in same if each.verdict == "inconclusive"]
    row = row.model_copy(update={"retries": row.retries + sum(each.retries + 1 for each in undecided)})
    kept = [each for each in rows if each.variant != row.variant or (each in same and each not in undecided)]
    rows = sorted([*kept, row], key=lambda each: (each.variant, each.ended))
    new = folder / f".{FILE}"
    new.write_text(json.dumps([each.model_dump() for each in rows], indent=1) + "\n", encoding="utf-8")
    os.replace(new, folder / FILE)


def rounds(variants: Sequence[str], repeat: int) -> list[tuple[str, int]]:
    """Variant and seed of each run of so many rounds; a solution without a line of safety is in the first one alone."""
    return [
        (variant, seed)
        for seed in range(1, repeat + 1)
        for variant in variants
        if seed == 1 or not variant.startswith(safety_lines.PREFIX)
    ]


def missing(folder: Path, repeat: int) -> list[tuple[str, int]]:
    """Variant and seed of each run that is still to be done on this engine, round by round."""
    engine, rows = engine_digest(folder), current(folder, read(folder))
    done = {(each.variant, each.seed) for each in rows if each.engine == engine and each.as_expected}
    return [each for each in rounds(catalogue.variants(folder), repeat) if each not in done]
