"""`python -m faultline.dashboard`: the dashboard on the pod's loopback, and a word for the kubelet beside it.

Only a port-forward gets to the loopback of a pod. What runs in labs, which is learners' code, cannot.
"""

from __future__ import annotations

import asyncio
import logging

import uvicorn
from aiohttp import web
from fastapi import FastAPI

from faultline.clients.kube_stream import KubeStream
from faultline.clients.prometheus import Prometheus
from faultline.dashboard.app import build
from faultline.dashboard.settings import Settings

STOP_SECONDS = 1


def _health(app: FastAPI) -> web.Application:
    async def ready(request: web.Request) -> web.Response:
        seen = app.state.parts.mirror.complete
        return web.Response(status=200 if seen else 503, text="ok" if seen else "the first lists have not come yet")

    async def alive(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    health = web.Application()
    health.add_routes([web.get("/readyz", ready), web.get("/healthz", alive)])
    return health


async def main(settings: Settings) -> None:
    """Serve until SIGTERM."""
    app = build(settings, KubeStream.in_cluster(), Prometheus(settings.prometheus_url))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    runner = web.AppRunner(_health(app), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.health_host, settings.health_port).start()
    try:
        await uvicorn.Server(config).serve()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(Settings.from_environment()))
