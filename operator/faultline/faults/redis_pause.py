"""Redis answers nobody: connections stay, every command waits."""

from __future__ import annotations

import asyncio

from faultline.faults.base import HeldFault, On, RedisFault, RedisTarget, StoreError

SLICE_SECONDS = 0.2
AHEAD = 10
"""Slices that wait in Redis at any time: how long it stays paused when its injector's machine is gone."""
SLOW_SECONDS = 0.15


class RedisPause(HeldFault, RedisFault):
    """Pauses Redis for all clients (CLIENT PAUSE), in slices of 200 ms that follow each other without a gap.

    A paused Redis takes no command to end the pause. So the next slices wait in Redis itself, first of all that waits,
    on one connection: when that goes, they go with it, and Redis answers within a slice.
    """

    async def hold(self, target: RedisTarget, on: On) -> None:
        """Keeps some slices ahead."""
        command = ("CLIENT", "PAUSE", str(round(SLICE_SECONDS * 1000)), "ALL")
        async with target.line() as line:
            await target.due()
            await line.send(*[command] * AHEAD)
            on()
            while not line.lost.is_set():
                await asyncio.sleep(SLICE_SECONDS)
                await line.send(command)

    async def felt(self, target: RedisTarget) -> float | None:
        """1 while a PING waits for its answer longer than 150 ms."""
        started = target.now()
        try:
            await target.call("PING")
        except StoreError:
            return 1.0
        return float(target.now() - started > SLOW_SECONDS)
