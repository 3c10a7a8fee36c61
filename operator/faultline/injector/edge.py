"""One edge: a Toxiproxy process that is kept alive, and the toxics that should be on it, which outlive that process.

Whatever goes wrong with the process (it dies, its API hangs because a client does not read) has one cure: end it, start
it clean and put on what should be on. So a change is made to `wanted` first, and either the API call or the restart
brings it about.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from faultline.api.toxic import Toxic
from faultline.clients.toxiproxy import EdgeProxy
from faultline.errors import FaultlineError, InvalidInput, Unreachable
from faultline.injector.clock import Clock
from faultline.injector.config import EdgeConfig, split
from faultline.injector.process import ToxiproxyProcess
from faultline.injector.sockets import reset_connections

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.05

NOWHERE = "127.0.0.1:9"
"""Where an edge leads that is shut: nothing listens there."""

HEAL_SECONDS = 1.0
"""How long a change waits for a Toxiproxy that is being started again."""

T = TypeVar("T")


class Edge:
    """Supervises one Toxiproxy process. `run` has to be going for anything else to work."""

    def __init__(self, config: EdgeConfig, program: str, clock: Clock) -> None:
        self.config = config
        self.name = config.name
        self.upstream: str = config.upstream
        """Where it leads, when it is not shut."""
        self._shut = False
        self.wanted: dict[str, Toxic] = {}
        self.restarts = 0
        self._gaps: list[tuple[float, float]] = []
        self._down_since: float | None = None
        self._program = program
        self._clock = clock
        self._process: ToxiproxyProcess | None = None
        self._proxy: EdgeProxy | None = None
        self._furnished = asyncio.Event()
        self._lock = asyncio.Lock()
        # One thread for each edge: a hung call delays nobody else, and calls to one process stay in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=config.name)
        self._cutter = ThreadPoolExecutor(1, thread_name_prefix=f"cut {config.name}")

    @property
    def up(self) -> bool:
        """Whether its process runs and has the toxics that should be on."""
        return self._furnished.is_set()

    @property
    def pid(self) -> int | None:
        """The Toxiproxy process, while there is one."""
        return self._process.pid if self._process else None

    async def ready(self) -> None:
        """Waits until it is up."""
        await self._furnished.wait()

    async def run(self) -> None:
        """Keeps the process alive until cancelled, then ends it."""
        try:
            while True:
                try:
                    process = await self._start()
                    self._note_return()
                    code = await process.ended()
                    log.warning("Toxiproxy of edge %s ended with %s", self.name, code)
                except (OSError, TimeoutError, FaultlineError) as error:
                    log.error("Toxiproxy of edge %s does not start: %s", self.name, error)
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception:
                    # Whatever it is, an edge that nobody looks after any more would be worse.
                    log.exception("Toxiproxy of edge %s does not start", self.name)
                    await asyncio.sleep(RETRY_SECONDS)
                self._furnished.clear()
                self._down_since = self._down_since or self._clock.now()
        finally:
            self._furnished.clear()
            if self._process:
                await self._process.end()
            self._thread.shutdown()
            self._cutter.shutdown()
            if self._proxy:
                self._proxy.close()

    def down_within(self, start: float, end: float) -> float:
        """For how many seconds between two Unix times its process was not there with its toxics."""
        gaps = [*self._gaps, (self._down_since, end)] if self._down_since else self._gaps
        return sum(max(0.0, min(back, end) - max(gone, start)) for gone, back in gaps)

    def _note_return(self) -> None:
        if self._down_since is None:
            return
        now = self._clock.now()
        self.restarts += 1
        self._gaps.append((self._down_since, now))
        log.warning("edge %s was down for %.0f ms", self.name, (now - self._down_since) * 1000)
        self._down_since = None

    async def add(self, toxics: Mapping[str, Toxic], moment: float) -> float:
        """Put toxics on by name at `moment` (Unix seconds; past is at once); when the last of them was on.

        Raises Unreachable (FL612) when the edge's Toxiproxy does not come back up to take them.
        """

        def change(proxy: EdgeProxy) -> None:
            for name, toxic in toxics.items():
                proxy.add(name, toxic)

        try:
            done = await self._change(lambda: self.wanted.update(toxics), change, moment)
            if done is None:
                async with asyncio.timeout(HEAL_SECONDS):
                    await self._furnished.wait()
        except InvalidInput:
            self._want_no_more(toxics)
            raise
        except TimeoutError as error:
            self._want_no_more(toxics)
            message = f"Toxiproxy of edge {self.name} does not come up to take {', '.join(toxics)}"
            raise Unreachable("FL612", message) from error
        return done or self._clock.now()

    async def remove(self, names: Sequence[str], moment: float) -> float:
        """Take toxics off at `moment`; when the last of them was off."""

        def change(proxy: EdgeProxy) -> None:
            for name in names:
                proxy.remove(name)

        # A process that was ended took its toxics along: they are off, also while the next one is not up yet.
        return await self._change(lambda: self._want_no_more(names), change, moment) or self._clock.now()

    def _want_no_more(self, names: Iterable[str]) -> None:
        for name in names:
            self.wanted.pop(name, None)

    async def cut(self, moment: float) -> float:
        """Reset what clients have open at `moment`; when that was done. Raises OSError without the right to."""
        port = split(self.config.listen)[1]

        def on_time() -> float:
            reset_connections(port, lambda: self._clock.wait(moment))
            return self._clock.now()

        # Not under the lock and not in the edge's thread: it is the kernel's work, whatever Toxiproxy does.
        return await asyncio.get_running_loop().run_in_executor(self._cutter, on_time)

    async def clean(self, seconds: float) -> None:
        """Take everything off: by the API when it answers within `seconds`, else by ending the process."""
        self.wanted.clear()
        process = self._process
        try:
            async with asyncio.timeout(seconds), self._lock:
                self.wanted.clear()
                if self.up:
                    await self._call(lambda proxy: proxy.clear())
        except (TimeoutError, Unreachable) as error:
            log.warning("edge %s is not clean by its API (%s): ending its process", self.name, error or "too slow")
            self._kill(process)

    async def lead(self, upstream: str) -> None:
        """Lead somewhere else from now on; connections that are open are closed."""
        if upstream == self.upstream:
            return
        self.upstream = upstream
        await self._redirect()

    @asynccontextmanager
    async def shut(self) -> AsyncIterator[None]:
        """Meanwhile what is open is closed, and what is opened is closed at once."""
        self._shut = True
        try:
            await self._redirect()
            yield
        finally:
            self._shut = False
            await self._redirect()

    @property
    def _leads(self) -> str:
        return NOWHERE if self._shut else self.upstream

    async def _redirect(self) -> None:
        await self._change(lambda: None, lambda proxy: proxy.lead(self._leads), 0.0)

    async def toxics(self) -> set[str]:
        """What the process says is on. Raises Unreachable (FL610) when it does not answer within its bound."""
        async with self._lock:
            return set(await self._call(lambda proxy: proxy.toxics()))

    async def spoilt(self) -> str | None:
        """What somebody else did to its toxics, in words; None when nothing, or when it cannot be seen now.

        A change of our own that is just under way looks the same: only what is still so at the next look counts.
        """
        proxy, wanted = self._proxy, dict(self.wanted)
        if proxy is None or not self.up:
            return None
        try:
            found = await asyncio.to_thread(proxy.spoilt, wanted)
        except Unreachable as error:
            log.warning("%s", error.message)
            return None
        return found if self.up and proxy is self._proxy and wanted == self.wanted else None

    async def _change(self, want: Callable[[], None], call: Callable[[EdgeProxy], None], moment: float) -> float | None:
        """Makes a change by the API, when it was made; None when it is for the next process to make."""

        def on_time(proxy: EdgeProxy) -> float:
            # The thread waits and takes the time, not the loop, which may be busy just then.
            self._clock.wait(moment)
            want()
            call(proxy)
            return self._clock.now()

        async with self._lock:
            process = self._process
            if self.up:
                try:
                    return await self._call(on_time)
                except Unreachable as error:
                    want()
                    log.warning("edge %s: %s", self.name, error)
                    self._kill(process)
            else:
                await asyncio.sleep(moment - self._clock.now())
                want()
        return None

    async def _call(self, call: Callable[[EdgeProxy], T]) -> T:
        proxy = self._proxy
        if proxy is None:
            raise Unreachable("FL610", f"Toxiproxy of edge {self.name} is not up")
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, proxy)

    async def _start(self) -> ToxiproxyProcess:
        process = self._process = await ToxiproxyProcess.start(self._program, self.config.api)
        try:
            async with self._lock:
                if self._proxy:
                    self._proxy.close()
                self._proxy = EdgeProxy(self.name, self.config.api)
                await self._call(self._furnish)
                self._furnished.set()
        except BaseException:
            await process.end()
            raise
        return process

    def _furnish(self, proxy: EdgeProxy) -> None:
        proxy.create(self.config.listen, self._leads)
        for name, toxic in list(self.wanted.items()):
            proxy.add(name, toxic)

    def _kill(self, process: ToxiproxyProcess | None) -> None:
        """Ends the process that was found wanting, unless it has been replaced already."""
        if process is not None and process is self._process:
            self._furnished.clear()
            process.kill()
