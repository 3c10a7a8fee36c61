"""Helm as a subprocess that can neither hang nor block: values go in by standard input, each call has a bound.

Never `--wait`: the operator watches a lab itself, so that it can say which pod is late, and be killed meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from faultline.errors import FaultlineError, HostProblem, InvalidInput, Unreachable

RELEASE = "lab"
TIMEOUT_SECONDS = 60.0
INTERRUPTED = "another operation"
"""What Helm says where an earlier one was interrupted, or is still at work."""
PENDING_SELECTOR = "owner=helm,name={release},status in (pending-install,pending-upgrade,pending-rollback)"
"""Release Secrets that an interrupted Helm left behind, and that no Helm will go on with."""

ClearPending = Callable[[str, str], Awaitable[None]]
"""Deletes what `PENDING_SELECTOR` finds: (namespace, label selector)."""


def default_binary() -> str:
    """$FAULTLINE_HOME/bin/helm where there is one (a developer's machine), else the helm of PATH (the image)."""
    home = Path(os.environ.get("FAULTLINE_HOME") or Path.home() / ".faultline")
    own = home / "bin" / "helm"
    return str(own) if own.exists() else shutil.which("helm") or "helm"


def default_chart() -> Path:
    """The lab chart: $FAULTLINE_LAB_CHART (the image sets it), else the repository's."""
    given = os.environ.get("FAULTLINE_LAB_CHART")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "charts" / "lab"


class Helm:
    """One chart and the helm that installs it.

    `clear_pending` is asked to remove what an earlier, interrupted Helm left; without it that is an error.
    `kubeconfig` and `context` are for use outside the cluster.
    """

    def __init__(
        self,
        chart: Path | None = None,
        *,
        binary: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        clear_pending: ClearPending | None = None,
        kubeconfig: Path | None = None,
        context: str | None = None,
    ) -> None:
        self.chart = chart or default_chart()
        self._binary = binary or default_binary()
        self._timeout = timeout
        self._clear_pending = clear_pending
        self._target = [*(["--kubeconfig", str(kubeconfig)] if kubeconfig else [])]
        self._target += [*(["--kube-context", context] if context else [])]

    async def install(self, namespace: str, values: Mapping[str, Any], release: str = RELEASE) -> None:
        """`helm upgrade --install`; returns once the API server has the objects. Safe to call again.

        Raises InvalidInput (FL123) when the chart refuses the values, Unreachable (FL613) when time is up, HostProblem
        (FL525) for all else that Helm reports.
        """
        args = ["upgrade", "--install", release, str(self.chart), "--namespace", namespace, "--history-max", "2"]
        # The schema and `helm template` are tested; the API server validates again, so Helm need not fetch OpenAPI.
        args += ["--disable-openapi-validation", "--values", "-", *self._target]
        document = json.dumps(values)
        try:
            await self._run(args, document)
        except HostProblem as error:
            if INTERRUPTED not in error.message or self._clear_pending is None:
                raise
            await self._clear_pending(namespace, PENDING_SELECTOR.format(release=release))
            await self._run(args, document)

    async def uninstall(self, namespace: str, release: str = RELEASE) -> None:
        """Removes what the release holds; absent already counts as done."""
        await self._run(["uninstall", release, "--namespace", namespace, "--ignore-not-found", *self._target])

    async def template(self, values: Mapping[str, Any], namespace: str = "harness", release: str = RELEASE) -> str:
        """The manifests, without a cluster. Raises InvalidInput (FL123) when the chart refuses the values."""
        return await self._run(
            ["template", release, str(self.chart), "--namespace", namespace, "--values", "-"], json.dumps(values)
        )

    async def lint(self) -> str:
        """What `helm lint --strict` says about the chart. Raises HostProblem (FL525) when it finds fault."""
        return await self._run(["lint", "--strict", str(self.chart)])

    async def _run(self, args: Sequence[str], document: str | None = None) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                self._binary,
                *args,
                stdin=asyncio.subprocess.PIPE if document is not None else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise HostProblem("FL521", f"{self._binary} is not there", "run `make up`: it brings helm") from error
        try:
            out, err = await asyncio.wait_for(
                process.communicate(document.encode() if document is not None else None), self._timeout
            )
        except BaseException as error:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                raise Unreachable(
                    "FL613",
                    f"helm {args[0]} did not end within {self._timeout:g} s",
                    "see whether the API server answers: `make status`",
                ) from error
            raise
        if process.returncode:
            raise _failure(args[0], err.decode(errors="replace"))
        return out.decode(errors="replace")


def _failure(command: str, stderr: str) -> FaultlineError:
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith(("WARNING", "I0", "W0"))]
    text = "\n".join(lines)[:4000].removeprefix("Error: ")
    if "values don't meet the specifications of the schema" in text:
        return InvalidInput("FL123", f"the lab's chart refuses its values: {text}", "mend the scenario's `app`")
    return HostProblem("FL525", f"helm {command}: {text}", "read the message; it comes from Helm or the API server")
