"""One edit on its way into a lab: check it, show what changed, let it serve. What `fix` does once and `watch` again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faultline import catalogue, tuning, workspace
from faultline.catalogue import CodeVersion
from faultline.cli import _labs, _ship, _swap, _syntax
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.cli._show import Line, difference
from faultline.cli.base import console
from faultline.errors import InvalidInput
from faultline.host.home import Home
from faultline.progress import Store


@dataclass(frozen=True)
class Sent:
    """What became of one version: whether it was news, and whether the pods that run took it at once."""

    code: CodeVersion
    changed: bool
    swapped: bool
    serving_seconds: float

    def as_json(self, lab: Lab) -> dict[str, Any]:
        """For programs."""
        return {
            "scenario": lab.name,
            "variant": self.code.variant,
            "digest": self.code.digest,
            "changed": self.changed,
            "serving_seconds": round(self.serving_seconds, 2),
        }


def learners(cluster: Cluster, lab: Lab) -> CodeVersion:
    """The workspace as it is now, checked.

    Raises NotFound (FL204) without one, InvalidInput (FL112 to FL114) for files that cannot go, and as `checked` does.
    """
    return checked(cluster, lab, workspace.read(lab.slug))


def checked(cluster: Cluster, lab: Lab, files: Mapping[str, str]) -> CodeVersion:
    """A learner's files as a version to send.

    Raises InvalidInput: FL118 naming the line that does not compile, FL137 for a value that is not allowed,
    FL138 for a file that is not the learner's, FL120 for more CPU than a lab may have.
    """
    tuning.check_files(files)
    if tuning.FILE in files:
        from faultline.lab import check_cpu  # Not needed otherwise, and it takes its time.
        from faultline.scenario import ScenarioSpec
        from faultline.validation import parse

        check_cpu(tuning.applied(parse(ScenarioSpec, lab.raw["spec"]), files).app)
    problem = _syntax.problem(cluster, lab, files)
    if problem:
        raise InvalidInput("FL118", f"{workspace.shown(lab.slug)}{problem}", "mend it; nothing was sent")
    return CodeVersion(lab.slug, catalogue.LEARNER, files)


def send(cluster: Cluster, lab: Lab, code: CodeVersion) -> Sent:
    """Show the difference to what runs now, ship it, and see to it that it serves.

    Raises InvalidInput (FL117) for code that does not start, which is taken back before; NotReady (FL313).
    """
    before = _ship.deployed_files(cluster, lab)
    began = time.monotonic()
    if before == dict(code.files):
        console.print(f"{lab.name} runs exactly this code already")
        return Sent(code, False, False, 0.0)
    difference(workspace.difference(before, code.files) if before else {})
    _ship.make_way(cluster, lab, before, code.files)
    swapped = _replace(cluster, lab, code, before)
    return Sent(code, True, swapped, time.monotonic() - began)


def _replace(cluster: Cluster, lab: Lab, code: CodeVersion, before: dict[str, str]) -> bool:
    """Ship, and see to it that it serves; whether the running pods took it, and no roll-out need be awaited."""
    with Line() as line:
        line.update("the pods start the new code")
        swapped = _swap.serve(cluster, lab, code, before)
        _ship.ship(cluster, lab, code)
        if not swapped:
            try:
                _ship.wait_serving(cluster, lab, code, line)
            except InvalidInput:
                _ship.point_at(cluster, lab, lab.code)
                raise
    return swapped


def variant(lab: Lab, name: str) -> CodeVersion:
    """Code of the catalogue; in the learner's own lab it is noted that a solution was opened.

    Raises NotFound (FL203) naming the variants there are.
    """
    code = catalogue.version(_labs.scenario_folder(lab.slug), name)
    if name.startswith("solution") and lab.is_own and lab.name == lab.slug:
        Store(Home.from_environment().root).solution_opened(lab.slug, time.time())
    return code
