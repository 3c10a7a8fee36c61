"""Redis has less memory than its keys take, as when a neighbour or a bigger data set takes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faultline.faults.base import RedisAccess, RedisFault, RedisTarget, StoreError

PROBE_BYTES = 4096
PROBE_SECONDS = 5


class Evict(RedisFault):
    """Caps `maxmemory` at a percentage of what the keys take at its start; the policy decides what goes.

    With the policy `noeviction` nothing goes, and writes are refused. The cap outlives an injector that is killed: the
    one that follows it takes it away, also in a new pod.
    """

    percent: float = Field(50, ge=1, le=100, description="of the memory that keys take then")
    policy: (
        Literal["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "noeviction"] | None
    ) = Field(None, description="who goes first; as the scenario has it when left out")

    async def apply(self, target: RedisTarget) -> None:
        """Measures ahead of the moment, caps at it."""
        if not target.state:
            memory = await target.info("memory")
            keys = int(memory["used_memory"]) - int(memory["used_memory_startup"])
            await target.intend(maxmemory=int(memory["used_memory_startup"]) + round(keys * self.percent / 100))
        await target.due()
        if self.policy:
            await target.call("CONFIG", "SET", "maxmemory-policy", self.policy)
        await target.call("CONFIG", "SET", "maxmemory", target.state["maxmemory"])

    async def revert(self, target: RedisTarget) -> None:
        """As the scenario has it."""
        await self.restore(target)

    async def felt(self, target: RedisTarget) -> float | None:
        """1 while a small write is refused or costs other keys their place."""
        try:
            await target.call("SET", f"faultline:{target.fault}", "x" * PROBE_BYTES, "EX", PROBE_SECONDS)
            evicted = int((await target.info("stats"))["evicted_keys"])
        except StoreError as error:
            return 1.0 if error.state == "OOM" else None
        before = target.memory.setdefault("evicted", evicted)
        target.memory["evicted"] = evicted
        return float(evicted > before)

    @classmethod
    async def restore(cls, target: RedisAccess) -> None:
        """The scenario's own settings."""
        for name, value in target.settings.items():
            await target.call("CONFIG", "SET", name, value)
