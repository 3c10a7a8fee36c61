"""The control: nothing is disturbed, and nothing may be found. Also the template for a new fault."""

from __future__ import annotations

from typing import ClassVar

from faultline.faults.base import Family, Fault, Target


class NoFault(Fault):
    """No disturbance."""

    family: ClassVar[Family] = "none"

    async def apply(self, target: Target) -> None:
        """Nothing to do."""

    async def revert(self, target: Target) -> None:
        """Nothing to undo."""
