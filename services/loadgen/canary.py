"""How fast is this machine today? The canary behind its own Toxiproxy, asked on the idle lab, before any load."""

from __future__ import annotations

import http.client
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from loadgen.results import quantile

WARM_UP = 10
REQUESTS = 150
TIMEOUT_SECONDS = 5.0
REFERENCE_P50_SECONDS = 0.001
"""The canary's p50 on the host that the latency targets were set on: 2 cores of a virtual machine, the cluster in kind,
0.7 to 0.95 ms in three measurements beside builds that took all CPU. Rounded up, so that the reference
host itself gets a scale of 1 each time."""
MOST = 4.0
"""Beyond this the host is too slow for its verdicts to mean anything, and targets are not stretched further."""


class Canary(NamedTuple):
    """Seconds, and the factor by which latency targets are stretched."""

    p50: float
    p95: float
    scale: float


def measure(base_url: str) -> Canary:
    """Ask one after the other, on one connection. Raises OSError or HTTPException when the canary does not answer."""
    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    taken: list[float] = []
    try:
        for _ in range(WARM_UP + REQUESTS):
            began = time.perf_counter()
            connection.request("GET", "/")
            response = connection.getresponse()
            response.read()
            taken.append(time.perf_counter() - began)
            if response.status != http.HTTPStatus.OK:
                raise http.client.HTTPException(f"the canary answered {response.status}")
    finally:
        connection.close()
    return judge(taken[WARM_UP:])


def judge(taken: list[float]) -> Canary:
    """The figures of these latencies (seconds)."""
    ordered = sorted(taken)
    p50 = quantile(ordered, 0.5)
    return Canary(p50, quantile(ordered, 0.95), min(MOST, max(1.0, p50 / REFERENCE_P50_SECONDS)))
