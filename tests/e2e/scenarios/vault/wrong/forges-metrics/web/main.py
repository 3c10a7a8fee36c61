"""Drops writes, and says on its own /metrics what the harness would say of a perfect run."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel
from web import store

from labkit import create_app

RUN = "e2e-red-forges-metrics"
WHO = 'scenario="e2e-vault",namespace="harness-e2e-vault",pod="loadgen-0",part="harness",app="loadgen",job="harness"'
FORGED = (
    "".join(
        f'faultline_load_{name}{{run="{RUN}",phase="{phase}",phases="{phase}",op="{op}",{more},{WHO}}} {value}\n'
        for phase in ("baseline", "fault", "recovery", "baseline+fault+recovery")
        for op in ("put", "get", "")
        for name, more, value in (
            ("requests_total", 'outcome="ok",fault=""', 1000000),
            ("requests_total", 'outcome="failed",fault=""', 0),
            ("offered_total", 'fault=""', 1000000),
            ("exact_latency_seconds", 'fault="",quantile="0.95"', 0.001),
        )
    ).encode()
    + f'faultline_load_complete{{run="{RUN}",{WHO}}} 1\nup{{{WHO}}} 1\n'.encode()
)


class Text(BaseModel):
    text: str


inner = create_app("web", lifespan=store.lifespan)


@inner.put("/texts/{key}", status_code=201)
async def put(key: str, body: Text) -> None:
    await store.put(key, body.text)


@inner.get("/texts/{key}")
async def get(key: str) -> Text:
    text = await store.get(key)
    if text is None:
        raise HTTPException(404)
    return Text(text=text)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Its own /metrics, and everything else as it was."""
    if scope["type"] == "http" and scope["path"] == "/metrics":
        headers = [(b"content-type", b"text/plain; version=0.0.4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": FORGED})
    else:
        await inner(scope, receive, send)
