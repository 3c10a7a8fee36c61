"""The injector's HTTP API (docs/architecture.md): translates between requests and the runner, no more."""

from __future__ import annotations

import hmac
import logging
import time
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import ValidationError

from faultline.api.base import Line, Model
from faultline.errors import Conflict, FaultlineError, NotFound
from faultline.injector.lab import Lab
from faultline.injector.plan import Plan, Problem, problems_of, problems_with

log = logging.getLogger(__name__)

OPEN_PATHS = {"/healthz", "/metrics"}
M = TypeVar("M", bound=Model)


class LeaseBody(Model):
    """Whose lease to renew."""

    run: Line


class Invalid(Exception):
    """A body that breaks rules."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def application(lab: Lab, token: str) -> web.Application:
    """The whole API; `lab` is what it speaks for."""
    app = web.Application(middlewares=[_guard(token), _answer_errors], client_max_size=256 * 1024)
    calls = Calls(lab)
    app.add_routes(
        [
            web.get("/healthz", calls.healthz),
            web.get("/metrics", calls.metrics),
            web.get("/state", calls.state),
            web.get("/ready", calls.ready),
            web.put("/plan", calls.put_plan),
            web.delete("/plan/{run}", calls.delete_plan),
            web.post("/lease", calls.lease),
            web.post("/stop", calls.stop),
            web.post("/reset", calls.reset),
        ]
    )
    return app


class Calls:
    """One method for each call."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def healthz(self, request: web.Request) -> web.Response:
        """The process serves."""
        return web.json_response({"ok": True})

    async def metrics(self, request: web.Request) -> web.Response:
        """For Prometheus."""
        return web.Response(body=self._lab.metrics(), content_type="text/plain", charset="utf-8")

    async def state(self, request: web.Request) -> web.Response:
        """Edges, the plan and its faults."""
        return web.json_response(self._lab.state())

    async def ready(self, request: web.Request) -> web.Response:
        """Whether a run can start."""
        problems = await self._lab.problems()
        return web.json_response({"problems": problems}, status=503 if problems else 200)

    async def put_plan(self, request: web.Request) -> web.Response:
        """Takes a run's plan."""
        plan = await _body(request, Plan)
        if problems := problems_with(plan, set(self._lab.edges), self._lab.config.parts, self._lab.clock.now()):
            raise Invalid(problems)
        await self._lab.runner.load(plan)
        return web.json_response({"lease_expires": self._lab.runner.lease_expires}, status=201)

    async def delete_plan(self, request: web.Request) -> web.Response:
        """Ends a run's faults."""
        statuses = await self._lab.runner.forget(request.match_info["run"])
        return web.json_response([each.model_dump(mode="json", by_alias=True) for each in statuses])

    async def lease(self, request: web.Request) -> web.Response:
        """Renews a run's lease."""
        body = await _body(request, LeaseBody)
        return web.json_response({"lease_expires": self._lab.runner.renew(body.run)})

    async def stop(self, request: web.Request) -> web.Response:
        """Ends everything."""
        started = time.monotonic()
        ended = await self._lab.runner.stop()
        log.warning("stopped %s in %.3f s", ended, time.monotonic() - started)
        return web.json_response({"ended": ended})

    async def reset(self, request: web.Request) -> web.Response:
        """Gives the lab its first data again."""
        return web.json_response({"seconds": await self._lab.reset()})


async def _body(request: web.Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise Invalid(problems_of(error)) from error


def _guard(token: str) -> Middleware:
    expected = token.encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        # The API server's service proxy, the way of `faultline stop`, keeps Authorization to itself.
        given = request.headers.get("X-Faultline-Token", bearer).encode(errors="replace")
        if request.path not in OPEN_PATHS and not hmac.compare_digest(given, expected):
            return web.json_response({"message": "the operator's bearer token is needed"}, status=401)
        return await handler(request)

    return guard


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Invalid as error:
        body = {"message": str(error), "problems": [each.model_dump() for each in error.problems]}
        return web.json_response(body, status=422)
    except FaultlineError as error:
        status = {NotFound: 404, Conflict: 409}.get(type(error), 502)
        log.warning("%s %s: %s", request.method, request.path, error)
        return web.json_response({"code": error.code, "message": error.message}, status=status)
