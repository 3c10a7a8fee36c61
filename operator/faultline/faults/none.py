"""The control: nothing is disturbed, and nothing may be found. Also the template for a new fault."""

from __future__ import annotations

from typing import ClassVar, Literal

from faultline.faults.base import Fault, Target


class NoFault(Fault):
    """No disturbance."""

    family: ClassVar[Literal["edge", "none"]] = "none"

    async def apply(self, target: Target) -> None:
        """Nothing to do."""

    async def revert(self, target: Target) -> None:
        """Nothing to undo."""
