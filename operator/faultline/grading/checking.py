"""The checks of a run over its history, in a process of their own: what they cost the operator is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from faultline.api.run import CheckStatus
from faultline.checks import CHECKS
from faultline.checks._judge import STATUSES, Asked, Order, undecided
from faultline.scenario import ScenarioSpec

PATIENCE_SECONDS = 30.0
"""For all checks of a run; over 10,000 requests they take about a second."""
ERROR_LENGTH = 300


def asked(spec: ScenarioSpec) -> list[Asked]:
    """The checks among the objectives, in their order."""
    return [
        Asked(name=each.name, check=each.type, parameters=each.kind.model_dump(mode="json", by_alias=True))
        for each in spec.objectives
        if each.type in CHECKS
    ]


async def check(
    spec: ScenarioSpec, history: Path | None, healed: float | None, patience: float = PATIENCE_SECONDS
) -> list[CheckStatus]:
    """The status of each check among the objectives, in their order; `healed` is when the last fault was gone.

    Never raises for what the history holds: a check that cannot be made is undecided, and says why.
    """
    wanted = asked(spec)
    if not wanted:
        return []
    if history is None:
        return _none(wanted, "no data: the history was not kept")
    order = Order(history=history, healed=healed, asked=wanted)
    async with _process() as process:
        try:
            out, err = await asyncio.wait_for(process.communicate(order.model_dump_json().encode()), patience)
        except TimeoutError:
            return _none(wanted, f"the checks were not through after {patience:g} s")
    if process.returncode:
        said = err.decode(errors="replace").strip().splitlines()[-1:]
        return _none(wanted, f"the checks ended with {process.returncode}: {''.join(said)[:ERROR_LENGTH]}")
    try:
        return STATUSES.validate_json(out)
    except ValidationError as error:
        return _none(wanted, f"the checks gave no statuses: {str(error)[:ERROR_LENGTH]}")


@contextlib.asynccontextmanager
async def _process() -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "faultline.checks._judge"]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _none(wanted: Sequence[Asked], problem: str) -> list[CheckStatus]:
    return [undecided(each, problem) for each in wanted]
