"""The nftables table of this pod's own network: counts what clients open on each edge, and drops packets of an edge.

What it drops it drops for 3 s at a time, renewed each second, so that the kernel lets packets through again by itself
when the injector is gone. Each edge's port is a name in the table.

It also ends dials that nobody answers. Toxiproxy takes one client after the other and dials for it before it takes the
next: a single dial to a pod that has just vanished would keep everybody else waiting, for up to two minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Self

log = logging.getLogger(__name__)

TABLE = "faultline_edges"
NFT_SECONDS = 2.0
DROP_SECONDS = 3
RENEW_SECONDS = 1.0
DIAL_PACKETS = 2
"""How often a dial may knock: the kernel sends the second packet after 1 s; the third, after 3 s, is refused."""
DIAL_SECONDS = 5
"""How long a dial is remembered after its last packet: longer than the kernel waits before the third."""


class Firewall:
    """The table. Methods raise OSError when nftables may not be used here (no NET_ADMIN) or is too slow."""

    def __init__(self, ports: Sequence[int], allowed: bool) -> None:
        self._ports = list(ports)
        self._allowed = allowed
        self._made = asyncio.Event()
        self._dropped: dict[int, set[str]] = {}
        """The faults on whose behalf each port is dropped."""
        self._lock = asyncio.Lock()
        self.problem = "not set up yet"

    async def run(self) -> None:
        """Makes the table, then renews what is dropped until cancelled; ends when nftables may not be used."""
        try:
            if not self._allowed:
                raise PermissionError("this network is not the injector's own (FAULTLINE_OWN_NETWORK)")
            await _nft(self._rules())
            self.problem = ""
            self._made.set()
            while True:
                await asyncio.sleep(RENEW_SECONDS)
                for port in list(self._dropped):
                    await self._renew(port)
        except OSError as error:
            self.problem = str(error)
            self._made.set()
            log.warning("connections are not counted and packets not dropped: %s", error)

    async def ready(self) -> None:
        """Waits for the table. Raises OSError when there is none."""
        await self._made.wait()
        if self.problem:
            raise OSError(self.problem)

    async def list_counters(self) -> str:
        """nft's JSON about the table's counters, one for each port, named `portN`."""
        return await _nft("", "--json", "list", "counters", "table", "inet", TABLE)

    async def drop(self, port: int, owner: str, wait: float = 0.0) -> None:
        """In `wait` seconds drop the packets of an edge's port, both ways, loopback included so that probes feel it."""
        await self.ready()
        async with _Nft() as nft:
            await asyncio.sleep(wait)
            self._dropped.setdefault(port, set()).add(owner)
            async with self._lock:
                if self._dropped.get(port):
                    await nft.load(_dropping(port))

    async def undrop(self, port: int, owner: str, wait: float = 0.0) -> None:
        """In `wait` seconds let them through, unless another owner still drops them; not dropped is fine."""
        async with _Nft() as nft:
            await asyncio.sleep(wait)
            self._dropped.get(port, set()).discard(owner)
            async with self._lock:
                if not self.problem and not self._dropped.get(port):
                    await nft.load(_passing(port))

    async def clear(self) -> None:
        """Drop nothing any more."""
        dropped, self._dropped = self._dropped, {}
        for port in dropped:
            await self.undrop(port, "")

    async def _renew(self, port: int) -> None:
        async with self._lock:
            if self._dropped.get(port):
                await _nft(_dropping(port))

    def _rules(self) -> str:
        counters = "".join(f"  counter port{port} {{ }}\n" for port in self._ports)
        counting = "".join(f"    tcp dport {port} ct state new counter name port{port}\n" for port in self._ports)
        dial = f"tcp sport . ip daddr . tcp dport limit rate over 1/minute burst {DIAL_PACKETS} packets"
        again = f"update @dials {{ {dial} }}"
        # Made, removed and made again in one transaction: what an injector before this one left is gone.
        return f"""table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
{counters}  set dropped {{ type inet_service; flags timeout; }}
  set dials {{
    type inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout {DIAL_SECONDS}s; size 65535;
  }}
  chain input {{
    type filter hook input priority 0; policy accept;
    iifname != "lo" jump opened
    tcp dport @dropped drop
    iifname "lo" tcp sport @dropped drop
  }}
  chain output {{
    type filter hook output priority 0; policy accept;
    oifname != "lo" tcp sport @dropped drop
    oifname != "lo" tcp flags & (syn | ack) == syn {again} reject with tcp reset
  }}
  chain opened {{
{counting}  }}
}}
"""


def _dropping(port: int) -> str:
    """One transaction: what is there already would keep its old time."""
    return _passing(port) + f"add element inet {TABLE} dropped {{ {port} timeout {DROP_SECONDS}s }}\n"


def _passing(port: int) -> str:
    """Adding comes first, for what is not there cannot be removed."""
    return f"add element inet {TABLE} dropped {{ {port} }}\ndelete element inet {TABLE} dropped {{ {port} }}\n"


class _Nft:
    """An nft that is started ahead of its rules: starting a program takes longer than what it then does.

    Raises OSError when it may not run or cannot.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments or ("-f", "-")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            "nft",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._process and self._process.returncode is None:
            # Without rules there is nothing that it could do.
            self._process.kill()
            await self._process.wait()

    async def load(self, rules: str) -> str:
        """What it says to these rules."""
        if self._process is None:
            raise RuntimeError("use nft as an async context manager")
        try:
            async with asyncio.timeout(NFT_SECONDS):
                output, complaint = await self._process.communicate(rules.encode())
        except TimeoutError as error:
            raise OSError(f"nft did not end within {NFT_SECONDS:g}s") from error
        if self._process.returncode:
            message = complaint.decode().strip()[:300]
            raise OSError(f"nft ended with {self._process.returncode}: {message}")
        return output.decode()


async def _nft(rules: str, *arguments: str) -> str:
    """Runs nft on `rules`, or with `arguments`, at once."""
    async with _Nft(*arguments) as nft:
        return await nft.load(rules)
