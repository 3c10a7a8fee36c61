"""What to type next: after a verdict, and for a lab as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from faultline import workspace
from faultline.cli import _standing
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.cli.base import typed
from faultline.learning import Standing
from faultline.progress import LEARNER


def scenario(standing: Standing) -> str:
    """Take up the recommended scenario; once all are passed, look at them."""
    return typed("apply", standing.next.slug) if standing.next else typed("progress")


def after(lab: Lab, run: RunView) -> str:
    """What helps most after the verdict of `run`."""
    if lab.name != lab.slug:
        return lab.command("chaos")
    code = run.status.code.variant if run.status.code else ""
    match run.status.verdict:
        case "pass":
            return _passed(lab, code)
        case "fail" if not workspace.folder(lab.slug).is_dir():
            return f"{lab.command('apply')}, which makes {workspace.shown(lab.slug)} for you to edit"
        case "fail":
            mend = f"edit {workspace.shown(lab.slug)} and {lab.command('fix')}"
            if code == "flawed":
                return f"{lab.command('diagnose')}, then {mend}"
            return f"{mend} ({lab.command('hint')} helps)"
    return lab.command("chaos")


def _passed(lab: Lab, code: str) -> str:
    standing = _standing.read()[1]
    if standing.next is None or standing.next.slug != lab.slug:
        return scenario(standing)
    # It is not on record as passed: nobody has looked at the run yet, or the code is not the learner's.
    return lab.command("grade") if code == LEARNER else f"{lab.command('fix')}, with code of your own"


def of_lab(lab: Lab, runs: Sequence[RunView]) -> str:
    """What `lab` needs now: to come up, a run, patience, or better code. `runs` are its own, oldest first."""
    if not lab.ready:
        return lab.command("apply") if lab.name == lab.slug else f"faultline apply {lab.slug} --name {lab.name}"
    digest = (lab.status.get("code") or {}).get("digest")
    of_this = [each for each in runs if not each.done or (each.status.code and each.status.code.digest == digest)]
    if not of_this:
        return lab.command("chaos")
    if not of_this[-1].done:
        return f"{lab.command('grade')}, which waits for the score; {lab.command('stop')} ends the run"
    return after(lab, of_this[-1])
