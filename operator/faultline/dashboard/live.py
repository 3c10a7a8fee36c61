"""One look at Prometheus a second for each lab that anybody watches, told to all who do.

Fifty viewers of a lab cost one query a second, as one does; a lab that nobody looks at costs none.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from faultline import panels
from faultline.clients.prometheus import Prometheus, Series
from faultline.errors import FaultlineError

KEPT_SECONDS = 300
"""How much a new viewer sees of what was before."""
BEHIND_SECONDS = 0.4
"""How old a second must be before it is asked for: the scrapes of it are in by then."""
LINGER_SECONDS = 15.0
"""How long a lab is still asked about when its last viewer has gone: they may only have reloaded the page."""
QUEUE_LENGTH = 30
"""Frames that a viewer may be behind; whoever reads slower than that is sent the whole again."""

log = logging.getLogger(__name__)
Frame = bytes
Values = dict[str, dict[str, float]]


def frame(event: str, data: Any) -> Frame:
    """One server-sent event, encoded once for all viewers."""
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Viewer:
    """One open page: the frames that it has not read yet."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue(QUEUE_LENGTH)
        self.lost = False

    def put(self, one: Frame) -> None:
        """Queue a frame; when the queue is full, remember that some were lost."""
        try:
            self.frames.put_nowait(one)
        except asyncio.QueueFull:
            self.lost = True


class Channel:
    """Those who watch one lab, and the last minutes of what was to be seen of it."""

    def __init__(self, scenario: str, prometheus: Prometheus, state: Callable[[str], Any]) -> None:
        self.scenario = scenario
        self.viewers: set[Viewer] = set()
        self.idle_since = math.inf
        self._prometheus = prometheus
        self._state = state
        self._query = panels.together(scenario)
        self._seconds: OrderedDict[int, Values] = OrderedDict()
        self._problem = ""
        self._told: Frame = b""

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            now = time.time()
            await self._look(math.floor(now - BEHIND_SECONDS))
            due = math.floor(now - BEHIND_SECONDS) + 1 + BEHIND_SECONDS
            await asyncio.sleep(max(0.05, due - time.time()))

    async def _look(self, until: int) -> None:
        first = max(next(reversed(self._seconds), 0) + 1, until - KEPT_SECONDS + 1)
        if first > until:
            return
        try:
            found = await self._prometheus.range(self._query, first, until)
        except FaultlineError as error:
            self._problem = error.message
            self.tell(frame("problem", {"message": error.message}))
            return
        new = _by_second(found, first, until)
        self._seconds |= new
        while len(self._seconds) > KEPT_SECONDS:
            self._seconds.popitem(last=False)
        if self._problem:
            self._problem = ""
            self.tell(frame("problem", {"message": ""}))
        self.tell(frame("tick", _columns(new)))

    def tell(self, one: Frame) -> None:
        """Queue a frame for every viewer."""
        for viewer in self.viewers:
            viewer.put(one)

    def tell_state(self) -> None:
        """Tell all viewers how the lab is, if that has changed."""
        one = frame("lab", self._state(self.scenario))
        if one != self._told:
            self._told = one
            self.tell(one)

    def greeting(self) -> list[Frame]:
        """What a new viewer gets first."""
        return [frame("lab", self._state(self.scenario)), frame("history", _columns(self._seconds))]


class Board:
    """The channels by scenario. `look` says whether a scenario has a lab that Prometheus may know."""

    def __init__(self, prometheus: Prometheus, state: Callable[[str], Any]) -> None:
        self._prometheus = prometheus
        self._state = state
        self._channels: dict[str, Channel] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._dirty: set[str] = set()
        self._changed = asyncio.Event()

    def changed(self, kind: str, scenario: str) -> None:
        """The mirror's news: the state of a lab may be another one. A change of runs is every lab's: they queue."""
        self._dirty |= set(self._channels) if not scenario or kind == "runs" else {scenario}
        self._changed.set()

    async def run(self) -> None:
        """Pass on changes and let go of channels that nobody watches, until cancelled."""
        try:
            while True:
                try:
                    await asyncio.wait_for(self._changed.wait(), LINGER_SECONDS / 3)
                except TimeoutError:
                    self._let_go()
                    continue
                self._changed.clear()
                for scenario in self._dirty & set(self._channels):
                    self._channels[scenario].tell_state()
                self._dirty.clear()
                await asyncio.sleep(0.1)  # pods come and go in bursts
        finally:
            for task in self._tasks.values():
                task.cancel()

    @asynccontextmanager
    async def watching(self, scenario: str) -> AsyncIterator[AsyncIterator[Frame]]:
        """The frames of one lab, for as long as the block lasts."""
        channel = self._channels.get(scenario)
        if channel is None:
            channel = self._channels[scenario] = Channel(scenario, self._prometheus, self._state)
            self._tasks[scenario] = asyncio.create_task(channel.run())
        viewer = Viewer()
        channel.viewers.add(viewer)
        channel.idle_since = math.inf
        try:
            yield _read(channel, viewer)
        finally:
            channel.viewers.discard(viewer)
            if not channel.viewers:
                channel.idle_since = time.monotonic()

    @property
    def watched(self) -> dict[str, int]:
        """How many look at each lab."""
        return {name: len(each.viewers) for name, each in self._channels.items()}

    def _let_go(self) -> None:
        now = time.monotonic()
        for name, channel in list(self._channels.items()):
            if now - channel.idle_since > LINGER_SECONDS:
                del self._channels[name]
                self._tasks.pop(name).cancel()


async def _read(channel: Channel, viewer: Viewer) -> AsyncIterator[Frame]:
    viewer.lost = True
    while True:
        if viewer.lost:
            viewer.lost = False
            while not viewer.frames.empty():
                viewer.frames.get_nowait()
            for one in channel.greeting():
                yield one
        yield await viewer.frames.get()


def _by_second(found: list[Series], first: int, until: int) -> dict[int, Values]:
    """The values of each second; one without any stays, so that a gap is seen as one."""
    seconds: dict[int, Values] = {at: {} for at in range(first, until + 1)}
    for series in found:
        panel, line = panels.line_of(series.labels)
        for at, value in series.points:
            if math.isfinite(value) and (place := round(at)) in seconds:
                seconds[place].setdefault(panel, {})[line] = float(f"{value:.4g}")
    return seconds


def _columns(seconds: dict[int, Values]) -> dict[str, Any]:
    """Seconds and, by panel and line, a value for each; None where there was none."""
    lines: dict[str, dict[str, None]] = {}
    for values in seconds.values():
        for panel, found in values.items():
            lines.setdefault(panel, {}).update(dict.fromkeys(found))
    return {
        "seconds": list(seconds),
        "panels": {
            panel: {
                label: [values.get(panel, {}).get(label) for values in seconds.values()] for label in sorted(labels)
            }
            for panel, labels in lines.items()
        },
    }
