"""Seat maps in Redis: everybody looks, few buy, and a map that is half a second old is good enough to choose from."""

from __future__ import annotations

from redis.asyncio import Redis

from booking.desk import Desk, SeatMap

FRESH_MILLISECONDS = 500


class SeatMaps:
    def __init__(self, redis: Redis, desk: Desk) -> None:
        self._redis = redis
        self._desk = desk

    async def show(self, show: int) -> SeatMap:
        kept = await self._redis.get(f"map:{show}")
        if kept:
            return SeatMap.model_validate_json(kept)
        seats = await self._desk.seats(show)
        await self._redis.set(f"map:{show}", seats.model_dump_json(), px=FRESH_MILLISECONDS)
        return seats
