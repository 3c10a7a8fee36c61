"""Takes no texts at the moment."""

from __future__ import annotations

from fastapi import HTTPException

from labkit import create_app

app = create_app("web")


@app.put("/texts/{key}")
async def put(key: str) -> None:
    raise HTTPException(503, "texts are switched off")


@app.get("/texts/{key}")
async def get(key: str) -> None:
    raise HTTPException(404)
