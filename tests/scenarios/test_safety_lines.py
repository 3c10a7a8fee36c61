"""The lines of safety of the scenarios that there are; whether each costs what it says is proven by `make verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultline import catalogue, safety_lines

REPO = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "slug", ["message-queues", "url-shortener", "booking", "cap-in-practice", "idempotency", "leader-election"]
)
def test_reference_solutions_stand_on_three_lines_or_more(slug: str) -> None:
    """And DESIGN.md says of each by which objective it is missed."""
    folder = REPO / "scenarios" / slug
    found = safety_lines.of_folder(folder)
    assert len({(each.file, each.line) for each in found}) >= 3
    design = " ".join((folder / "DESIGN.md").read_text().split())
    for each in found:
        assert f"`{each.variant}`" in design
        assert each.caught_by in design


@pytest.mark.parametrize("folder", catalogue.folders(REPO / "scenarios"), ids=lambda each: each.name)
def test_each_is_another_program_than_every_other_variant(folder: Path) -> None:
    digests = [catalogue.version(folder, each).digest for each in catalogue.variants(folder)]
    assert len(digests) == len(set(digests))
