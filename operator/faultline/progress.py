"""What a learner has done, kept on the host so that `make down` does not lose it: `$FAULTLINE_HOME/progress.json`.

Writers hold a file lock and replace the file whole: two commands at once both count, a full disk loses nothing. The
dashboard has a copy in the cluster, the ConfigMap `progress`; commands and the port-forward merge the two.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from faultline.errors import HostProblem, InvalidInput
from faultline.names import PROGRESS_CONFIGMAP, PROGRESS_KEY

FLAWED = "flawed"
LEARNER = "learner"
PAUSE_SECONDS = 1800.0
"""What a longer pause between two things on record counts for: so long one may read or edit, then one has gone home."""
Direction = Literal["up", "down"]


class Attempt(BaseModel):
    """One graded run of somebody's code in the learner's own lab."""

    run: str
    variant: str
    score: int | None
    verdict: str
    ended: float


class ClaimScore(BaseModel):
    """What a run said of a claim: shares of 1, and points of 100."""

    run: str
    after: float
    moved: Literal["up", "down", "still"]
    cause: float
    direction: float
    number: float
    confidence: float
    points: int


class Claim(BaseModel):
    """What the learner claimed before a fix (diagnosis.py): the cause, and which metric will move where to."""

    made: float
    cause: str
    metric: str
    objective: str
    direction: Direction
    expected: float
    confidence: int
    """That the cause is right, in per cent."""
    unit: str = ""
    before_run: str
    before: float
    before_digest: str = ""
    score: ClaimScore | None = None


class SolutionSeen(BaseModel):
    """When a solution was first shown, and how many attempts of one's own there had been by then."""

    at: float
    attempts: int


class ScenarioProgress(BaseModel):
    """One scenario's record. Times are Unix seconds."""

    started: float | None = None
    attempts: list[Attempt] = Field(default_factory=list)
    hints: dict[int, float] = Field(default_factory=dict)
    """When each rung was first shown."""
    claims: list[Claim] = Field(default_factory=list)
    """Oldest first. The newest is the one that counts for the next run; those that it replaced stay without a score."""
    solution: SolutionSeen | None = None

    @property
    def own(self) -> list[Attempt]:
        """The attempts with the learner's own code that came to a conclusion."""
        return [each for each in self.attempts if each.variant == LEARNER and each.verdict != "inconclusive"]

    @property
    def best(self) -> int | None:
        """The best score of the learner's own code."""
        return max((each.score for each in self.own if each.score is not None), default=None)

    @property
    def passed(self) -> float | None:
        """When the learner's own code first passed."""
        return min((each.ended for each in self.own if each.verdict == "pass"), default=None)

    def before(self, variant: str, ended: float | None, kept: Callable[[str], bool]) -> list[str]:
        """The runs that one of `variant` is compared with: the newest of the flawed app, and the learner's best so far.

        Only those that ended before it, have a score, and are `kept`; a run of the flawed app has no other of its kind.
        """
        earlier = [
            each for each in self.attempts if each.score is not None and each.ended < (ended or 0.0) and kept(each.run)
        ]
        flawed = [each for each in earlier if each.variant == FLAWED != variant]
        mine = [each for each in earlier if each.variant == LEARNER]
        newest = max(flawed, key=lambda each: each.ended, default=None)
        best = max(mine, key=lambda each: (each.score or 0, each.ended), default=None)
        return [each.run for each in (newest, best) if each]

    @property
    def hints_used(self) -> int:
        """How many hints were shown before the learner's own code passed; those looked at afterwards helped nobody."""
        return sum(self.passed is None or at <= self.passed for at in self.hints.values())

    @property
    def seconds_to_fix(self) -> float | None:
        """From the end of the first run, which showed what is wrong, to that of the first that the learner passed.

        From the first apply where these two are one run. A pause counts PAUSE_SECONDS at most.
        """
        passed = self.passed
        if passed is None:
            return None
        runs = [each.ended for each in self.attempts if each.ended < passed]
        begun = min(runs, default=self.started)
        if begun is None:
            return None
        noted = [*runs, *self.hints.values(), *(each.made for each in self.claims)]
        noted += [self.solution.at] if self.solution else []
        times = sorted({begun, passed, *(each for each in noted if begun < each < passed)})
        return sum(min(later - earlier, PAUSE_SECONDS) for earlier, later in pairwise(times))

    @property
    def pending(self) -> Claim | None:
        """The claim that waits for its run."""
        return self.claims[-1] if self.claims and self.claims[-1].score is None else None

    @property
    def diagnosis(self) -> int | None:
        """Points of the first claim that was scored: after it the cause is known."""
        return next((each.score.points for each in self.claims if each.score), None)

    def merged(self, other: ScenarioProgress) -> ScenarioProgress:
        """What either record knows: attempts by run, claims, the earliest start, the first time of each hint."""
        both = sorted((*self.attempts, *other.attempts), key=lambda each: (each.ended, each.model_dump_json()))
        runs: dict[str, Attempt] = {}
        for each in both:
            runs.setdefault(each.run, each)
        starts = [each for each in (self.started, other.started) if each is not None]
        hints = dict(self.hints)
        for rung, at in other.hints.items():
            hints[rung] = min(at, hints.get(rung, at))
        claims: dict[float, Claim] = {}
        for claim in sorted(
            (*self.claims, *other.claims), key=lambda each: (each.made, each.score is None, each.model_dump_json())
        ):
            claims.setdefault(claim.made, claim)
        seen = [each for each in (self.solution, other.solution) if each is not None]
        return ScenarioProgress(
            solution=min(seen, key=lambda each: (each.at, each.attempts), default=None),
            started=min(starts, default=None),
            claims=list(claims.values()),
            attempts=list(runs.values()),
            hints=dict(sorted(hints.items())),
        )


class Progress(BaseModel):
    """The whole file."""

    version: int = 1
    scenarios: dict[str, ScenarioProgress] = Field(default_factory=dict)

    def of(self, slug: str) -> ScenarioProgress:
        """The record of one scenario, made when it is new."""
        return self.scenarios.setdefault(slug, ScenarioProgress())

    def merged(self, other: Progress) -> Progress:
        """What either of two copies knows. Nothing is lost whichever was changed, so copies may be merged in any order
        and as often as one likes: that of the host and that of the dashboard become the same.
        """
        slugs = sorted({*self.scenarios, *other.scenarios})
        none = ScenarioProgress()
        return Progress(
            version=self.version,
            scenarios={slug: self.scenarios.get(slug, none).merged(other.scenarios.get(slug, none)) for slug in slugs},
        )

    def next_hint(self, slug: str, rungs: int, now: float, first: Sequence[int] = ()) -> int:
        """The number (from 1) of the next rung that was not shown yet, noted; the last one when all were.

        Those of `first` come before the others.
        """
        hints = self.of(slug).hints
        rung = next((each for each in (*first, *range(1, rungs + 1)) if each not in hints), rungs)
        hints.setdefault(rung, now)
        return rung

    def solution_opened(self, slug: str, now: float) -> SolutionSeen:
        """A solution was shown or deployed; only the first time counts."""
        record = self.of(slug)
        record.solution = record.solution or SolutionSeen(at=now, attempts=len(record.own))
        return record.solution

    def attempt(self, slug: str, attempt: Attempt) -> bool:
        """A run was graded; whether that was news. The same run again changes nothing."""
        record = self.of(slug)
        if any(each.run == attempt.run for each in record.attempts):
            return False
        record.attempts.append(attempt)
        return True


def from_cluster(configmap: dict[str, Any]) -> Progress:
    """The copy in the ConfigMap; empty while there is none. Raises InvalidInput (FL116) for a damaged one."""
    text = (configmap.get("data") or {}).get(PROGRESS_KEY)
    try:
        return Progress.model_validate_json(text) if text else Progress()
    except ValidationError as error:
        message = f"the ConfigMap {PROGRESS_CONFIGMAP} is damaged: {error.errors()[0]['msg']}"
        raise InvalidInput("FL116", message, "delete its data, what the host knows comes back") from error


class Store:
    """The file; `read` needs no lock because writers replace it whole."""

    def __init__(self, home: Path) -> None:
        self.path = home / "progress.json"

    def read(self) -> Progress:
        """What is on record; empty when there is no file yet. Raises InvalidInput (FL116) for a damaged file."""
        try:
            return Progress.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Progress()
        except ValidationError as error:
            first = error.errors()[0]["msg"]
            raise InvalidInput("FL116", f"{self.path} is damaged: {first}", "mend it, or move it away") from error

    @contextmanager
    def change(self) -> Iterator[Progress]:
        """The record, to be changed; written when the block ends without an error."""
        from faultline.locks import locked  # the host's: the dashboard, which reads the models, has no filelock

        with locked(self.path.with_suffix(".lock"), str(self.path)):
            progress = self.read()
            yield progress
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        try:
            with tempfile.NamedTemporaryFile("w", dir=self.path.parent, prefix=".progress-", delete=False) as file:
                try:
                    file.write(progress.model_dump_json(indent=2))
                    file.flush()
                    os.fsync(file.fileno())
                except BaseException:
                    os.unlink(file.name)
                    raise
            os.replace(file.name, self.path)
        except OSError as error:
            raise HostProblem("FL524", f"{self.path} cannot be written: {error.strerror}", "free disk space") from error

    def started(self, slug: str, now: float) -> None:
        """The scenario was applied; only the first time counts."""
        with self.change() as progress:
            record = progress.of(slug)
            record.started = record.started or now

    def attempt(self, slug: str, attempt: Attempt) -> None:
        """A run was graded; the same run again changes nothing."""
        with self.change() as progress:
            progress.attempt(slug, attempt)

    def next_hint(self, slug: str, rungs: int, now: float, first: Sequence[int] = ()) -> int:
        """The number (from 1) of the next rung that was not shown yet, now on record; the last one when all were."""
        with self.change() as progress:
            return progress.next_hint(slug, rungs, now, first)

    def solution_opened(self, slug: str, now: float) -> SolutionSeen:
        """A solution was shown or deployed; only the first time counts."""
        with self.change() as progress:
            return progress.solution_opened(slug, now)
