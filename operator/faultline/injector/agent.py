"""A small program in an app's own container, as its own user, which does what only a neighbour can do.

It stops, continues and kills the app's processes, holds memory of the container's, and reads the container's cgroup. It
is started by exec and listens on its input: one word an order, one line an answer. It is its own dead man's switch:
when its input ends, or says nothing for `SILENCE_SECONDS`, it lets everything go and ends. Bash and perl are in every
image of Debian's, and start in a few ms even with a small CPU limit, where Python would take half a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

from faultline.clients.execute import Session
from faultline.clients.kube import Kube
from faultline.errors import Unreachable

NAME = "faultline-agent"
SILENCE_SECONDS = 3
BEAT_SECONDS = 1.0
ANSWER_SECONDS = 3.0
CHUNK_MIB = 8

SCRIPT = r"""
shopt -s nullglob
first() { local line; IFS= read -r line <"$1" && number=$line; }
stat_of() {
  local key value
  number=0
  while read -r key value _; do [[ $key == "$2" ]] && number=$value; done <"$1"
}
v1=; [[ -e /sys/fs/cgroup/memory/memory.usage_in_bytes ]] && v1=1
memory() {
  if [[ $v1 ]]; then
    first /sys/fs/cgroup/memory/memory.usage_in_bytes; used=$number
    stat_of /sys/fs/cgroup/memory/memory.stat total_inactive_file; used=$((used - number))
    first /sys/fs/cgroup/memory/memory.limit_in_bytes; limit=$number
  else
    first /sys/fs/cgroup/memory.current; used=$number
    stat_of /sys/fs/cgroup/memory.stat inactive_file; used=$((used - number))
    first /sys/fs/cgroup/memory.max; limit=$number
  fi
}
cpu() {
  if [[ $v1 ]]; then
    stat_of /sys/fs/cgroup/cpu/cpu.stat throttled_time; throttled=$((number / 1000))
    first /sys/fs/cgroup/cpu/cpu.cfs_quota_us; quota=$number
  else
    stat_of /sys/fs/cgroup/cpu.stat throttled_usec; throttled=$number
    read -r quota _ </sys/fs/cgroup/cpu.max
  fi
}
apps() {
  local folder arguments
  found=()
  for folder in /proc/[0-9]*; do
    [[ -O $folder ]] || continue
    mapfile -d '' -t arguments 2>/dev/null <"$folder/cmdline" || continue
    [[ ${#arguments[@]} == 0 || ${arguments[0]} == */tini || " ${arguments[*]} " == *" $0 "* ]] && continue
    found+=("${folder#/proc/}")
  done
}
signal() { apps; ((${#found[@]})) && kill "-$1" "${found[@]}" 2>/dev/null; }
pipes=()
hold() {
  local pipe size left before tries goal=$1
  memory
  while left=$((goal - used)) && ((left > 6 << 20 && ${#pipes[@]} < 200)); do
    size=$((left - (5 << 20))); ((size > CHUNK << 20)) && size=$((CHUNK << 20))
    exec {pipe}> >(exec perl -e 'my $held = "x" x $ARGV[0]; <STDIN>' "$size" "$0" >/dev/null)
    pipes+=("$pipe")
    before=$used
    for ((tries = 0; tries < 50 && used < before + size; tries++)); do sleep 0.01; memory; done
  done
}
drop() { local pipe; for pipe in "${pipes[@]}"; do exec {pipe}>&-; done; pipes=(); }
echo ready
while read -r -t SILENCE order number; do
  case $order in
    stop) signal STOP; echo "${#found[@]}" ;;
    go) signal CONT; echo "${#found[@]}" ;;
    kill) signal KILL; echo "${#found[@]}" ;;
    hold) hold "$number"; echo "${#pipes[@]}" ;;
    drop) drop; echo 0 ;;
    look) memory; cpu; echo "$used $limit ${#pipes[@]} $throttled $quota" ;;
  esac
done
[[ $order == kill ]] || signal CONT
drop
"""


def script(silence: int = SILENCE_SECONDS) -> str:
    """The program, for `bash -c`; it ends after so many seconds without a word."""
    return SCRIPT.replace("SILENCE", str(silence)).replace("CHUNK", str(CHUNK_MIB))


class Look(NamedTuple):
    """What the container's own cgroup says: bytes, seconds, cores; `held` is how many pieces of memory it holds."""

    used: int
    limit: int
    held: int
    throttled: float
    quota: float


class Agent:
    """One in one pod; orders go one after the other. Close it to let everything go."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = asyncio.Lock()
        self._beats = asyncio.create_task(self._beat(), name="agent")

    @classmethod
    async def start(cls, kube: Kube, namespace: str, pod: str) -> Agent:
        """Starts one in the pod's container `app`. Raises Unreachable (FL606)."""
        session = await Session.open(kube, namespace, pod, "app", ["bash", "-c", script(), NAME])
        try:
            await session.line(ANSWER_SECONDS)
        except BaseException:
            await session.close()
            raise
        return cls(session)

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return not self._session.closed

    async def tell(self, order: str) -> str:
        """Its answer to an order. Raises Unreachable (FL606) when it has ended or does not answer."""
        async with self._lock:
            await self._session.send(order)
            return await self._session.line(ANSWER_SECONDS)

    async def look(self) -> Look:
        """What the cgroup says now."""
        used, limit, held, throttled, quota = (await self.tell("look")).split()
        cores = float("inf") if quota in ("max", "-1") else int(quota) / 100_000
        return Look(int(used), int(limit), int(held), int(throttled) / 1e6, cores)

    async def close(self) -> None:
        """Let everything go and end."""
        self._beats.cancel()
        await asyncio.gather(self._beats, return_exceptions=True)
        await self._session.close()

    async def _beat(self) -> None:
        """It hears from us, or it ends."""
        with contextlib.suppress(Unreachable):
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                await self._session.send("")
