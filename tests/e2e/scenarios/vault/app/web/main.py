"""`web.main:app`: keeps texts by their key. The attacks of test_red_team.py are other versions of these files."""

from __future__ import annotations

from fastapi import HTTPException
from pydantic import BaseModel

from labkit import create_app
from web import store


class Text(BaseModel):
    text: str


app = create_app("web", lifespan=store.lifespan)


@app.put("/texts/{key}", status_code=201)
async def put(key: str, body: Text) -> None:
    await store.put(key, body.text)


@app.get("/texts/{key}")
async def get(key: str) -> Text:
    try:
        text = await store.get(key)
    except TimeoutError as error:
        raise HTTPException(503, "the database does not answer") from error
    if text is None:
        raise HTTPException(404)
    return Text(text=text)
