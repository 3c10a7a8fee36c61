"""A solution on the terminal, and when it may be opened."""

from __future__ import annotations

from pathlib import Path

from rich.markdown import Markdown

from faultline import catalogue, workspace
from faultline.catalogue import CodeVersion
from faultline.cli._show import difference
from faultline.cli.base import console
from faultline.errors import Conflict, NotFound
from faultline.progress import ScenarioProgress


def find(folder: Path, variant: str) -> CodeVersion:
    """A solution's code. Raises NotFound (FL203) naming the solutions there are."""
    known = [each for each in catalogue.variants(folder) if each.startswith("solution")]
    if variant not in known:
        raise NotFound("FL203", f"{folder.name} has no {variant}", f"it has {', '.join(known) or 'no solution'}")
    return catalogue.version(folder, variant)


def check_open(slug: str, record: ScenarioProgress, anyway: bool) -> None:
    """Raises Conflict (FL413) before the first attempt, unless it is opened all the same or was before."""
    if not (record.own or record.solution or anyway):
        raise Conflict(
            "FL413",
            f"the solution of {slug} opens after an attempt of your own: a graded run of code that you changed",
            f"make hint S={slug}; or faultline solution {slug} --anyway, which your record notes",
        )


def show(flawed: CodeVersion, code: CodeVersion, why: str) -> list[str]:
    """Its reasons, and the difference to the flawed code, which is given back."""
    changes = workspace.difference(flawed.files, code.files)
    console.print(Markdown(why), soft_wrap=False)
    console.rule(f"what {code.variant} changes", align="left")
    difference(changes, None)
    return [line for lines in changes.values() for line in lines]
