"""Asks Prometheus: a small client with bounded time-outs and typed answers, for the grader and the CLI.

Through a Service it is `Prometheus("http://prometheus.faultline-system:9090")`; from outside the cluster the API
server's proxy does (`.../api/v1/namespaces/NS/services/NAME:PORT/proxy`, with the kubeconfig's headers and TLS).
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from faultline.errors import FaultlineError, InvalidInput, Unreachable

TIMEOUT_SECONDS = 5.0
SIDE_BY_SIDE = 16
"""Queries under way at once: Prometheus itself runs 20 and queues the rest."""


@dataclass(frozen=True)
class Sample:
    """One number of an instant query; `time` is when it was evaluated, in Unix seconds."""

    labels: Mapping[str, str]
    time: float
    value: float


@dataclass(frozen=True)
class Series:
    """Several samples of one label set: (Unix seconds, value), oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """A Prometheus server. Use it as an async context manager; all methods may run side by side.

    Every method raises InvalidInput (FL161) when Prometheus refuses the query, and Unreachable (FL661) when it does
    not answer within `timeout` seconds or answers something else than Prometheus would.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        ssl: tls.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._ssl = ssl
        self._timeout = timeout
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=SIDE_BY_SIDE, ssl=self._ssl if self._ssl is not None else True)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=aiohttp.ClientTimeout(total=self._timeout)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def instant(self, query: str, at: float) -> list[Sample]:
        """The value of an expression at one moment (Unix seconds); a scalar is a sample without labels."""
        data = await self._ask("query", {"query": query, "time": f"{at:.3f}"})
        if data["resultType"] == "scalar":
            return [_sample({}, data["result"])]
        if data["resultType"] != "vector":
            raise InvalidInput("FL161", f"the query gives a {data['resultType']}, not one value per series: {query}")
        return [_sample(each["metric"], each["value"]) for each in data["result"]]

    async def raw(self, query: str, at: float) -> list[Series]:
        """The stored samples, with their own times, that a range selector such as `up[90s]` covers at `at`."""
        data = await self._ask("query", {"query": query, "time": f"{at:.3f}"})
        return _matrix(data, query)

    async def range(self, query: str, start: float, end: float, step: float = 1.0) -> list[Series]:
        """The values of an expression from `start` to `end` (Unix seconds, both included), every `step` seconds."""
        fields = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return _matrix(await self._ask("query_range", fields), query)

    async def _ask(self, what: str, fields: dict[str, str]) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("Prometheus is used outside `async with`")
        async with self._slots:
            try:
                async with self._session.post(f"{self.url}/api/v1/{what}", data=fields) as reply:
                    return _data(await _json(reply), reply.status, fields["query"])
            except TimeoutError as error:
                raise self._unreachable(f"did not answer within {self._timeout:g} s") from error
            except aiohttp.ClientError as error:
                raise self._unreachable(f"cannot be reached: {error}") from error

    def _unreachable(self, what: str) -> FaultlineError:
        return Unreachable("FL661", f"Prometheus at {self.url} {what}", "`make doctor` shows whether its pod is up")


async def _json(reply: aiohttp.ClientResponse) -> Any:
    try:
        return await reply.json(content_type=None)
    except ValueError as error:  # a proxy's error page
        raise Unreachable("FL661", f"{reply.url} answered {reply.status} and no JSON") from error


def _data(body: Any, status: int, query: str) -> dict[str, Any]:
    if isinstance(body, dict) and body.get("status") == "success" and isinstance(body.get("data"), dict):
        data: dict[str, Any] = body["data"]
        return data
    message = body.get("error") or body.get("message") if isinstance(body, dict) else body
    if isinstance(body, dict) and body.get("errorType") in ("bad_data", "execution"):
        raise InvalidInput("FL161", f"Prometheus refuses the query: {message}: {query}")
    raise Unreachable("FL661", f"Prometheus answered {status}: {message}", "`make doctor` shows whether its pod is up")


def _sample(labels: Mapping[str, str], pair: list[Any]) -> Sample:
    return Sample(labels, float(pair[0]), float(pair[1]))


def _matrix(data: dict[str, Any], query: str) -> list[Series]:
    if data["resultType"] != "matrix":
        raise InvalidInput("FL161", f"the query gives a {data['resultType']}, not a range of samples: {query}")
    return [
        Series(each["metric"], tuple((float(at), float(value)) for at, value in each["values"]))
        for each in data["result"]
    ]
