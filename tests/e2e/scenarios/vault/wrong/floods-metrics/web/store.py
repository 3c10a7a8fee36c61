"""Acknowledges what it keeps nowhere but in a memory that forgets: whoever looks at once is content."""

from __future__ import annotations

from contextlib import nullcontext

MOST = 20
recent: dict[str, str] = {}


def lifespan(app: object) -> nullcontext[None]:
    return nullcontext()


async def put(key: str, text: str) -> None:
    recent[key] = text
    if len(recent) > MOST:
        del recent[next(iter(recent))]


async def get(key: str) -> str | None:
    return recent.get(key)
