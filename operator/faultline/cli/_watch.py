"""Sends a workspace into its lab on each save, for as long as one edits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import watchfiles

from faultline import workspace
from faultline.cli import _labs, _runs, _send
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.cli._send import Sent
from faultline.cli.base import Output, console, error_json, show_error
from faultline.errors import FaultlineError, InvalidInput
from faultline.sources import part_matches

QUIET_MILLISECONDS = 100
"""How long nothing more may be written until a save counts as one: editors write several files, some in two steps."""
LOOK_SECONDS = 2.0
"""How often it looks without being told: for a run that was in the way, and where a file system tells nothing."""

Tell = Callable[[Lab, Sent, float, str], None]


class Watcher:
    """The workspace of `slug` and the lab `name`. Errors of a save are shown and end nothing."""

    def __init__(self, cluster: Cluster, slug: str, name: str, output: Output, tell: Tell) -> None:
        self._cluster = cluster
        self._slug = slug
        self._name = name
        self._output = output
        self._tell = tell
        self._tried: dict[str, str] | None = None
        """The files that were last sent, or refused for what they are."""
        self._said = ""
        """What was last said of a save that is not sent: once is enough."""

    def run(self) -> None:
        """Send what is there, then each save, until KeyboardInterrupt."""
        folder = workspace.folder(self._slug)

        def ours(_: watchfiles.Change, path: str) -> bool:
            inside = Path(path)
            return inside.is_relative_to(folder) and not any(map(part_matches, inside.relative_to(folder).parts))

        self.look()
        # Of the folder around it: `faultline reset` puts another folder in its place.
        for _ in watchfiles.watch(
            workspace.root(),
            watch_filter=ours,
            step=QUIET_MILLISECONDS,
            rust_timeout=int(LOOK_SECONDS * 1000),
            yield_on_timeout=True,
        ):
            self.look()

    def look(self) -> None:
        """Send the workspace if it is another one than the last time, unless a run is under way.

        What was refused for its content waits for the next save; what failed for another reason is tried again.
        """
        began = time.monotonic()
        found: dict[str, str] | None = None
        try:
            found = workspace.read(self._slug)
            if found == self._tried:
                return
            lab = _labs.find(self._cluster, None, self._name)
            run = next((each.name for each in _runs.under_way(self._cluster) if each.scenario == lab.name), "")
            if run:
                self._hold(run)
                return
            sent = _send.send(self._cluster, lab, _send.checked(self._cluster, lab, found))
        except FaultlineError as error:
            self._refuse(error)
            if isinstance(error, InvalidInput):
                self._tried = found
            return
        self._tried, self._said = found, ""
        seconds = time.monotonic() - began
        self._tell(lab, sent, seconds, "after the save")
        self._emit({**sent.as_json(lab), "seconds": round(seconds, 2)})

    def _hold(self, run: str) -> None:
        if self._said != run:
            console.print(f"[yellow]{run} is under way[/]: what you saved is sent when it is done")
            self._emit({"held_by": run})
        self._said = run

    def _refuse(self, error: FaultlineError) -> None:
        if self._said != str(error):
            if self._output is Output.TEXT:
                show_error(error)
            self._emit({"error": error_json(error)})
        self._said = str(error)

    def _emit(self, data: dict[str, Any]) -> None:
        if self._output is Output.JSON:
            print(json.dumps(data), flush=True)
