"""Puts the parts together: mirror, board, record, pages and the API behind the buttons, as one ASGI app."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from sse_starlette.sse import EventSourceResponse
from starlette.exceptions import HTTPException

from faultline import learning
from faultline.clients.kube_stream import KubeStream
from faultline.clients.prometheus import Prometheus
from faultline.dashboard import pages, state
from faultline.dashboard.actions import Actions, revealed
from faultline.dashboard.guard import Guard
from faultline.dashboard.history import History
from faultline.dashboard.lessons import Entry, Lessons
from faultline.dashboard.live import Board
from faultline.dashboard.mirror import Mirror
from faultline.dashboard.record import Keeper, Record
from faultline.dashboard.settings import Settings
from faultline.errors import Conflict, FaultlineError, InvalidInput, NotFound, NotReady
from faultline.names import LABEL_BY
from faultline.progress import Progress, ScenarioProgress
from faultline.report import STATIC as REPORT_STATIC
from faultline.report import RunRecord, comparison, events, overlay, render

PING_SECONDS = 15
_STATUS = {NotFound: 404, InvalidInput: 400, Conflict: 409, NotReady: 503}
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""A report carries its own styles and script, to be a file that works anywhere."""


class Dashboard:
    """The parts, wired."""

    def __init__(self, settings: Settings, kube: KubeStream, prometheus: Prometheus) -> None:
        self.mirror = Mirror(kube)
        self._prometheus = prometheus
        self.lessons = Lessons(self.mirror)
        self.record = Record(kube)
        self.board = Board(prometheus, lambda name: state.lab(self.mirror, name))
        self.history = History(settings.data, self.mirror)
        self.actions = Actions(kube, prometheus, self.mirror, self.lessons, self.record)
        self._keeper = Keeper(self.mirror, self.record)
        self.mirror.listen(self.board.changed)
        self.mirror.listen(self._keeper.changed)

    async def run(self) -> None:
        """All that goes on in the background, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in (self.mirror.run, self.board.run, self._keeper.run):
                tasks.create_task(each())

    def titles(self) -> dict[str, str]:
        """Of each scenario that is known, by the name of its object."""
        known = {str(each.manifest["metadata"]["name"]): each.lesson.title for each in self.lessons.all()}
        return known | {
            str(each["metadata"]["name"]): str(each["spec"].get("title", "")) for each in self.mirror.scenarios
        }

    async def told(self, name: str) -> RunRecord:
        """A run for its report, with what its app went through while Prometheus knows it. Raises NotFound (FL206)."""
        record = await asyncio.to_thread(self.history.record, name, self.titles())
        if record.span is None:
            return record
        try:
            found = await events.asked(self._prometheus, record.spec.scenario, *record.span)
        except FaultlineError as error:
            return record.model_copy(update={"events_problem": error.message})
        return record.model_copy(update={"events": found})

    async def before(self, record: RunRecord) -> list[RunRecord]:
        """What a run of a learner's lab is drawn over: see `ScenarioProgress.before`."""
        lab = record.spec.scenario
        if not self.is_learners(lab):
            return []
        progress = (await self.record.read()).of(self.slug(lab))
        found = progress.before(record.variant, record.status.ended, self.history.kept)
        return [await asyncio.to_thread(self.history.record, each, self.titles()) for each in found]

    def slug(self, lab: str) -> str:
        """The scenario of a lab; of one that is gone, what it is called."""
        found = self.mirror.scenario(lab)
        return str(found["spec"]["slug"]) if found else lab

    def is_learners(self, lab: str) -> bool:
        """Whether a lab is a learner's and none that a command made for itself. Of one that is gone its name tells:
        those of commands are named otherwise than their scenario.
        """
        found = self.mirror.scenario(lab)
        if found is not None:
            return LABEL_BY not in (found["metadata"].get("labels") or {})
        return any(str(each.manifest["metadata"]["name"]) == lab for each in self.lessons.all())

    def labs_of(self, entry: Entry) -> list[str]:
        """The names of a scenario's labs, its own first; that one is there even before it is applied."""
        own = str(entry.manifest["metadata"]["name"])
        found = [str(each["metadata"]["name"]) for each in self.mirror.scenarios if each["spec"]["slug"] == entry.slug]
        return [own, *(each for each in found if each != own)]


def build(settings: Settings, kube: KubeStream, prometheus: Prometheus) -> FastAPI:
    """The app. Its lifespan opens both connections and runs what goes on in the background."""
    parts = Dashboard(settings, kube, prometheus)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with kube, prometheus:
            task = asyncio.create_task(parts.run())
            try:
                yield
            finally:
                task.cancel()

    app = FastAPI(lifespan=lifespan, title="Faultline", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.parts = parts
    app.add_middleware(Guard)
    app.add_exception_handler(FaultlineError, _say)
    app.add_exception_handler(HTTPException, _say_http)
    app.mount("/static/report", StaticFiles(directory=REPORT_STATIC))
    app.mount("/static", _Fresh(directory=pages.HERE / "static"))
    _add_pages(app, parts)
    _add_api(app, parts)
    return app


class _Fresh(StaticFiles):
    """Files that a browser keeps but asks about each time: an upgrade is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """One file."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def _add_pages(app: FastAPI, parts: Dashboard) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def catalogue() -> str:
        entries, progress = parts.lessons.all(), await parts.record.read()
        standing = learning.standing([each.lesson for each in entries], progress)
        return pages.catalogue(entries, progress, standing, _labs(parts))

    @app.get("/scenarios/{slug}", response_class=HTMLResponse)
    async def scenario(slug: str, lab: str = "") -> str:
        entry, progress = parts.lessons.get(slug), await parts.record.read()
        record = progress.scenarios.get(slug, ScenarioProgress())
        labs = parts.labs_of(entry)
        chosen = lab if lab in labs else labs[0]
        others = {each.slug: each.lesson for each in parts.lessons.all() if each.slug != slug}
        following = learning.standing(list(others.values()), progress).next
        return pages.scenario(
            entry,
            chosen,
            labs,
            record,
            revealed(entry, set(record.hints)),
            others[following.slug] if following else None,
        )

    @app.get("/runs", response_class=HTMLResponse)
    async def runs(scenario: str = "", every: bool = False) -> str:
        found = await asyncio.to_thread(parts.history.all, scenario)
        own = [each for each in found if scenario or parts.is_learners(each["scenario"])]
        return pages.runs(found if every else own, parts.titles(), scenario, len(found) - len(own), every)

    @app.get("/runs/{name}", response_class=HTMLResponse)
    async def run(name: str) -> HTMLResponse:
        record = await parts.told(name)
        before = await parts.before(record)
        page = await asyncio.to_thread(render, [record], before=before, links=_links(parts, record.spec.scenario))
        return HTMLResponse(page, headers={"content-security-policy": _REPORT_POLICY})

    @app.get("/compare", response_class=HTMLResponse)
    async def compare(a: str, b: str) -> str:
        records = [await asyncio.to_thread(parts.history.record, name, parts.titles()) for name in (a, b)]
        return pages.compare(records, comparison(records), overlay.charts(records))

    @app.get("/compare/report", response_class=HTMLResponse)
    async def side_by_side(a: str, b: str) -> HTMLResponse:
        records = [await parts.told(name) for name in (a, b)]
        page = await asyncio.to_thread(render, records, links=_links(parts, records[0].spec.scenario))
        return HTMLResponse(page, headers={"content-security-policy": _REPORT_POLICY})


def _links(parts: Dashboard, lab: str) -> list[tuple[str, str]]:
    """From a report back to where one came from."""
    slug = parts.slug(lab)
    known = any(each.slug == slug for each in parts.lessons.all())
    back = [(f"/scenarios/{slug}", "Scenario")] if known else []
    return [("/", "Catalogue"), *back, (f"/runs?scenario={lab}", "Runs")]


def _labs(parts: Dashboard) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in parts.mirror.scenarios:
        found[str(each["spec"]["slug"])].append(state.summary(parts.mirror, each))
    return dict(found)


Verbs = Mapping[str, Callable[[str], Awaitable[dict[str, Any]]]]


def _verb(known: Verbs, verb: str) -> Callable[[str], Awaitable[dict[str, Any]]]:
    if verb not in known:
        raise NotFound("FL152", f"there is no verb {verb!r} here", f"there are {', '.join(known)}")
    return known[verb]


def _add_api(app: FastAPI, parts: Dashboard) -> None:
    actions = parts.actions
    on_scenarios: Verbs = {"apply": actions.apply, "hint": actions.hint}
    on_labs: Verbs = {"chaos": actions.chaos, "stop": actions.stop, "grade": actions.grade}

    @app.post("/api/scenarios/{slug}/{verb}")
    async def on_scenario(slug: str, verb: str) -> dict[str, Any]:
        return await _verb(on_scenarios, verb)(slug)

    @app.post("/api/labs/{name}/{verb}")
    async def on_lab(name: str, verb: str) -> dict[str, Any]:
        return await _verb(on_labs, verb)(name)

    @app.get("/api/labs")
    async def labs() -> dict[str, Any]:
        return _labs(parts)

    @app.get("/api/progress")
    async def progress() -> Progress:
        return await parts.record.read()

    @app.get("/api/live/{name}")
    async def live(name: str) -> EventSourceResponse:
        async def frames() -> AsyncIterator[bytes]:
            async with parts.board.watching(name) as found:
                async for one in found:
                    yield one

        return EventSourceResponse(frames(), ping=PING_SECONDS, headers={"cache-control": "no-store"})


async def _say(request: Request, error: Exception) -> Response:
    """One of our errors, as a page for people and as JSON for scripts."""
    if not isinstance(error, FaultlineError):
        raise error
    status = next((each for kind, each in _STATUS.items() if isinstance(error, kind)), 502)
    return _answer(request, status, error.code, error.message, error.next_step)


async def _say_http(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    if not isinstance(error, HTTPException):
        raise error
    return _answer(
        request, error.status_code, "FL152", f"there is no page {request.url.path}", "start at the catalogue"
    )


def _answer(request: Request, status: int, code: str, message: str, next_step: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": {"code": code, "message": message, "next": next_step}}, status)
    return HTMLResponse(pages.problem(status, code, message, next_step), status)
