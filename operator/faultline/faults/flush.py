"""Redis loses every key: a cache that is suddenly cold."""

from __future__ import annotations

from faultline.faults.base import ForgettingFault, RedisTarget


class Flush(ForgettingFault):
    """Empties Redis (FLUSHALL) at its start; what is written afterwards stays."""

    async def apply(self, target: RedisTarget) -> None:
        """Empties it, unless an injector before this one did."""
        if target.state.get("flushed"):
            return
        await self.mark(target)
        await target.intend(marked=True)
        await target.due()
        await target.intend(marked=True, flushed=True)
        await target.call("FLUSHALL")
