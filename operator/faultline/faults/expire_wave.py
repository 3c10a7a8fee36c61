"""Many keys expire at one moment: who finds none all ask the store behind the cache together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from faultline.faults.base import ForgettingFault, RedisTarget, choose

SCAN_COUNT = 1000
BATCH = 1000


class ExpireWave(ForgettingFault):
    """Lets a percentage of the keys, all of those that are there just before, expire in the same millisecond."""

    percent: float = Field(100, gt=0, le=100, description="of the keys that match")
    match: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        "*", description="which keys, as Redis' SCAN takes it"
    )

    async def apply(self, target: RedisTarget) -> None:
        """Chooses the keys ahead of the moment, and has Redis itself expire them at that moment."""
        if target.state:
            return
        await self.mark(target)
        await target.intend(marked=True)
        await self._expire(target)
        await target.due()

    async def _expire(self, target: RedisTarget) -> None:
        keys = await self._keys(target)
        doomed = choose(keys, target.random, count=None, percent=self.percent) if keys else []
        target.hit([f"{len(doomed)} of {len(keys)} keys"])
        moment = round(target.moment * 1000)
        commands = [("PEXPIREAT", key, moment) for key in [*doomed, self.marker(target)]]
        for start in range(0, len(commands), BATCH):
            await target.calls(*commands[start : start + BATCH])

    async def _keys(self, target: RedisTarget) -> list[str]:
        found: set[str] = set()
        cursor = "0"
        while True:
            cursor, keys = await target.call("SCAN", cursor, "MATCH", self.match, "COUNT", SCAN_COUNT)
            found.update(keys)
            if int(cursor) == 0:
                return sorted(found - {self.marker(target)})
