"""Redis restarts and comes back empty."""

from __future__ import annotations

from pydantic import Field

from faultline.api.base import PositiveDuration, seconds
from faultline.faults.base import ForgettingFault, RedisTarget, StoreError


class RestartCold(ForgettingFault):
    """Redis' process crashes, is away for `down`, and starts again with its settings and without its data.

    It starts itself again: nothing that dies meanwhile keeps it from that.
    """

    down: PositiveDuration = Field("1s", description="how long nobody listens; shorter than the fault")

    async def apply(self, target: RedisTarget) -> None:
        """Crashes it, unless an injector before this one did."""
        if target.state.get("crashed"):
            return
        await self.mark(target)
        await target.intend(marked=True)
        await target.due()
        await target.intend(marked=True, crashed=True)
        try:
            await target.call("DEBUG", "CRASH-AND-RECOVER", round(seconds(self.down) * 1000))
        except StoreError as error:
            # It crashes before it answers.
            if error.state:
                raise
