"""`create_app`: a FastAPI app with /healthz, /metrics, request metrics and JSON errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from labkit.metrics import APP_INFO, RequestMetrics

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def create_app(name: str, *, lifespan: Lifespan | None = None) -> FastAPI:
    """An app called `name`.

    GET /healthz answers 200 as long as the process serves; it looks at no dependency, so that a slow one does not get
    its callers restarted. GET /metrics gives Prometheus' default registry. An exception that no handler takes becomes
    a 500 with `{"detail": "internal error"}`.
    """
    app = FastAPI(title=name, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(RequestMetrics)
    APP_INFO.clear()
    APP_INFO.labels(service=name, digest=os.environ.get("CODE_DIGEST", "")).set(1)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return app
