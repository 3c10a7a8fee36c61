"""How long the system took to be well again after the last fault."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from faultline.api.base import Line
from faultline.measures._load import quoted
from faultline.measures.base import Context, Direction, Measure


class TimeToRecover(Measure):
    """From the end of the last fault to the end of the last bad second.

    A second is bad when under 95% of the requests that were meant to start in it were answered well. 0 when none was
    bad; the whole recovery phase when the system never got well within it.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"

    op: Line | None = Field(None, description="operation as named in load.py; all when left out")

    def query(self, context: Context) -> str:
        """The load generator works it out from its history of every request."""
        return f"faultline_load_recovery_seconds{{run={quoted(context.run)},op={quoted(self.op or '')}}}"

    def window(self) -> str:
        """After the last fault."""
        return "end of the last fault to end of recovery"
