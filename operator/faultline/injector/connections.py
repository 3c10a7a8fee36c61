"""Counts the connections that clients open on each edge, with nftables in this pod's own network.

Attempts count, answered or not, which is what retry amplification means while a dependency is cut off. The injector's
own probes come by loopback and are left out. Where nftables may not be used (no NET_ADMIN) there are no counts, rather
than zeros.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence

from faultline.injector.config import EdgeConfig, split

log = logging.getLogger(__name__)

TABLE = "faultline_edges"
REFRESH_SECONDS = 0.5
NFT_SECONDS = 2.0


class Connections:
    """`counts` by edge, refreshed twice a second while `run` goes; `problem` says why there are none."""

    def __init__(self, edges: Sequence[EdgeConfig]) -> None:
        self._ports = {split(edge.listen)[1]: edge.name for edge in edges}
        self.counts: dict[str, int] = {}
        self.problem = "not counted yet"

    async def run(self) -> None:
        """Counts until cancelled; gives up when nftables may not be used here."""
        try:
            await _nft(self._rules())
            while True:
                self.counts = self._read(await _nft("", "--json", "list", "counters", "table", "inet", TABLE))
                self.problem = ""
                await asyncio.sleep(REFRESH_SECONDS)
        except (OSError, TimeoutError) as error:
            self.counts, self.problem = {}, str(error) or "nft was too slow"
            log.warning("connections are not counted: %s", self.problem)

    def _rules(self) -> str:
        counters = "".join(f"  counter port{port} {{ }}\n" for port in self._ports)
        rules = "".join(f"    tcp dport {port} ct state new counter name port{port}\n" for port in self._ports)
        # Made, removed and made again in one transaction: a table that an injector before this one left starts from 0.
        return (
            f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{counters}  chain input {{\n"
            f'    type filter hook input priority 0; policy accept;\n    iifname "lo" accept\n{rules}  }}\n}}\n'
        )

    def _read(self, listing: str) -> dict[str, int]:
        counters = [each["counter"] for each in json.loads(listing)["nftables"] if "counter" in each]
        return {self._ports[int(each["name"].removeprefix("port"))]: each["packets"] for each in counters}


async def _nft(rules: str, *arguments: str) -> str:
    """Runs nft on `rules`, or with `arguments`. Raises OSError when it may not or cannot."""
    process = await asyncio.create_subprocess_exec(
        "nft",
        *(arguments or ("-f", "-")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(NFT_SECONDS):
            output, complaint = await process.communicate(rules.encode())
    except TimeoutError:
        process.kill()
        raise
    if process.returncode:
        raise OSError(f"nft ended with {process.returncode}: {complaint.decode().strip()[:300]}")
    return output.decode()
