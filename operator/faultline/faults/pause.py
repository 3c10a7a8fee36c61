"""Pods stop and go on, as in a long collection of garbage, a stalled disk or a virtual machine that is moved."""

from __future__ import annotations

from typing import ClassVar

from faultline.errors import NotFound
from faultline.faults.base import PodTarget, SomePods


class Pause(SomePods):
    """SIGSTOP for the app's processes, SIGCONT at the end: connections are accepted by the kernel and nobody answers.

    No readiness probe takes the pod out within 30 s. An agent in the container does it as the app's own user, with a
    dead man's switch: without a word from the injector for 3 s it lets the app go on.
    """

    outlives_injector: ClassVar[bool] = False

    async def apply(self, target: PodTarget) -> None:
        """Stops at the moment. Raises NotFound (FL224) when there is nothing to stop."""
        pods = await self.take(target)
        await target.agents(pods)
        await target.due()
        if not all(await target.tell(pods, "stop")):
            raise NotFound("FL224", f"no process of the app runs in some of the pods {', '.join(pods)}")

    async def revert(self, target: PodTarget) -> None:
        """Lets the processes go on."""
        if pods := target.state.get("pods"):
            await target.agents(pods)
            await target.tell(pods, "go")
        await target.dismiss()

    async def felt(self, target: PodTarget) -> float | None:
        """The share of its pods that leave a small HTTP request, asked of the pod itself, without an answer."""
        if not target.state:
            return None
        return await target.silent(target.state["pods"])
