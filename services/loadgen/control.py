"""The control API: runs are put, started, read and deleted over HTTP, with a bearer token."""

from __future__ import annotations

import hmac
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, ValidationError

from loadgen.board import Board
from loadgen.metrics import RunCollector
from loadgen.plan import Plan
from loadgen.runs import Run

RUN_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,80}[a-z0-9])?")
BODY_LIMIT = 1024 * 1024
MOST_OPEN_SECONDS = 10.0
"""A gate that nobody keeps open closes by itself."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Start(BaseModel):
    """Body of POST /runs/RUN/start: Unix seconds at which the baseline starts."""

    mark: float


class Move(BaseModel):
    """Body of POST /runs/RUN/faults/FAULT: the fault's gate is open until then (Unix seconds; what is past closes)."""

    until: float


class Control:
    """Holds the one run that there is at a time."""

    def __init__(self, folder: Path, token: str) -> None:
        self._folder = folder
        self._token = token
        self._runs: dict[str, Run] = {}
        self._collector = RunCollector()
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)

    def app(self) -> web.Application:
        """The API."""
        app = web.Application(middlewares=[self._authorize], client_max_size=BODY_LIMIT)
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.put("/runs/{run}", self._put),
                web.post("/runs/{run}/start", self._start),
                web.get("/runs/{run}", self._get),
                web.get("/runs/{run}/history", self._history),
                web.get("/runs/{run}/faults/{fault}", self._gate),
                web.post("/runs/{run}/faults/{fault}", self._move),
                web.delete("/runs/{run}", self._delete),
            ]
        )
        app.on_shutdown.append(self._shut_down)
        return app

    def metrics_app(self) -> web.Application:
        """The metrics, on a port of their own and without a token."""
        app = web.Application()
        app.add_routes([web.get("/metrics", self._metrics), web.get("/healthz", self._healthz)])
        return app

    @web.middleware
    async def _authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if request.path != "/healthz" and not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _problem(401, "a bearer token is needed")
        return await handler(request)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _put(self, request: web.Request) -> web.Response:
        name = request.match_info["run"]
        if not RUN_NAME.fullmatch(name):
            return _problem(422, f"run must match {RUN_NAME.pattern}, got {name}")
        busy = next((run.name for run in self._runs.values() if run.live), None)
        if busy:
            return _problem(409, f"run {busy} is under way")
        try:
            plan = Plan.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        for old in self._runs.values():
            shutil.rmtree(old.history.parent, ignore_errors=True)
        run = self._collector.run = Run(name, plan, self._folder / name)
        self._runs = {name: run}
        return web.json_response(run.status(), status=201)

    async def _start(self, request: web.Request) -> web.Response:
        run = self._find(request)
        try:
            start = Start.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        if run.state != "ready":
            return _problem(409, f"run {run.name} must be ready to start, it is {run.state}")
        await run.start(start.mark)
        return web.json_response(run.status())

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).status())

    async def _history(self, request: web.Request) -> web.StreamResponse:
        run = self._find(request)
        if run.live:
            return _problem(409, f"run {run.name} is {run.state}, its history is not written yet")
        if not run.history.exists():
            return _problem(404, f"run {run.name} has no history: {run.error}")
        # No Content-Encoding: the file is the content, nobody on the way shall unpack it.
        return web.FileResponse(run.history, headers={"Content-Type": "application/gzip"})

    async def _gate(self, request: web.Request) -> web.Response:
        board, fault = self._find_gate(request)
        return web.json_response(board.gate(fault)._asdict())

    async def _move(self, request: web.Request) -> web.Response:
        board, fault = self._find_gate(request)
        try:
            move = Move.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        now = time.time()
        if move.until > now + MOST_OPEN_SECONDS:
            return _problem(422, f"until must be at most {MOST_OPEN_SECONDS:g} s away, got {move.until - now:.1f} s")
        board.move(fault, move.until, now)
        return web.json_response(board.gate(fault)._asdict())

    def _find_gate(self, request: web.Request) -> tuple[Board, str]:
        board, fault = self._find(request).board, request.match_info["fault"]
        if board is None or fault not in board.faults:
            raise web.HTTPNotFound(text=f'{{"problem": "no fault {fault}"}}', content_type="application/json")
        return board, fault

    async def _delete(self, request: web.Request) -> web.Response:
        run = self._find(request)
        await run.stop()
        del self._runs[run.name]
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Run:
        name = request.match_info["run"]
        if name not in self._runs:
            raise web.HTTPNotFound(text=f'{{"problem": "no run {name}"}}', content_type="application/json")
        return self._runs[name]

    async def _shut_down(self, _app: web.Application) -> None:
        for run in self._runs.values():
            await run.stop()


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"problem": message}, status=status)


def _invalid(error: ValidationError) -> web.Response:
    problems = [
        {"field": ".".join(map(str, each["loc"])), "rule": each["msg"], "value": repr(each["input"])[:200]}
        for each in error.errors(include_url=False)
    ]
    return web.json_response({"problem": "the body breaks a rule", "problems": problems}, status=422)
