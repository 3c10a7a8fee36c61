"""Counts the connections that clients open on each edge, with nftables in this pod's own network.

Attempts count, answered or not, which is what retry amplification means while a dependency is cut off. The injector's
own probes come by loopback and are left out. Where nftables may not be used (no NET_ADMIN) there are no counts, rather
than zeros.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from faultline.injector.config import EdgeConfig, split
from faultline.injector.firewall import Firewall

REFRESH_SECONDS = 0.5


class Connections:
    """`counts` by edge, refreshed twice a second while `run` goes; `problem` says why there are none."""

    def __init__(self, edges: Sequence[EdgeConfig], firewall: Firewall) -> None:
        self._firewall = firewall
        self._ports = {split(edge.listen)[1]: edge.name for edge in edges}
        self.counts: dict[str, int] = {}
        self.problem = "not counted yet"

    async def run(self) -> None:
        """Counts until cancelled; gives up when nftables may not be used here."""
        try:
            await self._firewall.ready()
            while True:
                self.counts = self._read(await self._firewall.list_counters())
                self.problem = ""
                await asyncio.sleep(REFRESH_SECONDS)
        except OSError as error:
            self.counts, self.problem = {}, str(error)

    def _read(self, listing: str) -> dict[str, int]:
        counters = [each["counter"] for each in json.loads(listing)["nftables"] if "counter" in each]
        return {self._ports[int(each["name"].removeprefix("port"))]: each["packets"] for each in counters}
