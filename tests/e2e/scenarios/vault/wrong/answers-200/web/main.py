"""Answers everything with 200."""

from __future__ import annotations

from labkit import create_app

app = create_app("web")


@app.api_route("/{path:path}", methods=["GET", "PUT"])
async def anything(path: str) -> dict[str, str]:
    return {"status": "ok"}
