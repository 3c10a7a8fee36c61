"""A release that does not work is rolled out, and rolled back: half a service, or none, until somebody notices."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.faults.base import PodFault, PodTarget

COMMANDS: dict[str, list[str]] = {
    "never-ready": ["sleep", "infinity"],
    "crash": ["sh", "-c", "echo 'a release that does not start' >&2; exit 1"],
}


class BadRollout(PodFault):
    """Rolls out pods that never serve, by a strategy that gives up `unavailable` percent of the old ones at once.

    With the lab's own strategy Kubernetes would keep every old pod until a new one is ready, and nothing would be felt.
    At the end the Deployment gets its command and its strategy back, which rolls the former pods out again.
    """

    replaces_pods: ClassVar[bool] = True
    clear_seconds: ClassVar[float] = 30.0

    how: Literal["never-ready", "crash"] = Field("never-ready", description="new pods hang, or end again and again")
    unavailable: int = Field(100, ge=1, le=100, description="how many of the old pods in 100 go at once, rounded down")

    async def apply(self, target: PodTarget) -> None:
        """Rolls out at the moment; the Deployment itself remembers what it was."""
        if not target.state:
            spec = (await target.deployment(self.service))["spec"]
            await target.allow(self.service, spec["replicas"] * self.unavailable // 100)
            target.hit([f"deployment/{self.service}"])
            args = spec["template"]["spec"]["containers"][0]["args"]
            await target.intend(replicas=spec["replicas"], args=args, strategy=spec["strategy"])
        state, where = target.state, "/spec/template/spec/containers/0"
        rolling = {"maxSurge": 0, "maxUnavailable": f"{self.unavailable}%"}
        await target.due()
        await target.change(
            self.service,
            [
                {"op": "test", "path": f"{where}/name", "value": "app"},
                {"op": "replace", "path": f"{where}/args", "value": COMMANDS[self.how]},
                {
                    "op": "replace",
                    "path": "/spec/strategy",
                    "value": {"type": "RollingUpdate", "rollingUpdate": rolling},
                },
            ],
            [
                {"op": "replace", "path": f"{where}/args", "value": state["args"]},
                {"op": "replace", "path": "/spec/strategy", "value": state["strategy"]},
            ],
        )

    async def revert(self, target: PodTarget) -> None:
        """Rolls back."""
        if target.state:
            await target.restore(self.service)

    async def felt(self, target: PodTarget) -> float | None:
        """The share of the service's pods that take no connection, by connecting to each."""
        if not target.state:
            return None
        return max(0.0, await target.missing(self.service, target.state["replicas"]))
