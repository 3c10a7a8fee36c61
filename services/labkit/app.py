"""`create_app`: a FastAPI app with /healthz, /metrics, request metrics and JSON errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from labkit import clock
from labkit.metrics import APP_INFO, RequestMetrics

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]

MAX_PAD = 65536


def create_app(name: str, *, lifespan: Lifespan | None = None) -> FastAPI:
    """An app called `name`.

    GET /healthz answers 200 as long as the process serves; it looks at no dependency, so that a slow one does not get
    its callers restarted. GET /metrics gives Prometheus' default registry. Under /faultline/clock faults shift the time
    that `labkit.clock` tells. An exception that no handler takes becomes
    a 500 with `{"detail": "internal error"}`.
    """
    app = FastAPI(title=name, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(RequestMetrics)
    APP_INFO.clear()
    APP_INFO.labels(service=name, digest=os.environ.get("CODE_DIGEST", "")).set(1)

    @app.get("/healthz")
    async def healthz(pad: Annotated[int, Query(ge=0, le=MAX_PAD)] = 0) -> dict[str, str]:
        # The injector's probe asks for a large answer where only a large one shows the fault, as with bandwidth.
        return {"status": "ok"} | ({"pad": "x" * pad} if pad else {})

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @app.get("/faultline/clock")
    async def read_clock() -> dict[str, float]:
        return {"now": clock.now()}

    @app.put("/faultline/clock")
    async def shift_clock(wanted: clock.Shift) -> dict[str, float]:
        clock.shift(wanted)
        return {"now": clock.now()}

    @app.delete("/faultline/clock/{name}")
    async def unshift_clock(name: str) -> dict[str, float]:
        clock.unshift(name)
        return {"now": clock.now()}

    return app
