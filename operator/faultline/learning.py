"""The learner's way through the catalogue: its order, what to do next, how far they are by tier and by concept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faultline.progress import Progress

TIERS = ("crawling", "walking", "running", "sprinting")
LAST = 10_000
"""The place of a scenario that names none."""


@dataclass(frozen=True)
class Lesson:
    """A scenario as the path sees it; `order` is its place within the tier."""

    slug: str
    title: str
    tier: str
    concepts: tuple[str, ...] = ()
    order: int = LAST

    @classmethod
    def of(cls, slug: str, spec: Mapping[str, Any]) -> Lesson:
        """From the spec of its Scenario object, which may be of another version."""
        return cls(
            slug=slug,
            title=str(spec.get("title", slug)),
            tier=str(spec.get("tier", "")),
            concepts=tuple(str(each) for each in spec.get("concepts") or ()),
            order=int(spec.get("order", LAST)),
        )

    @property
    def place(self) -> tuple[int, int, str]:
        """Sorts by the recommended order."""
        return (TIERS.index(self.tier) if self.tier in TIERS else len(TIERS), self.order, self.slug)


@dataclass(frozen=True)
class Share:
    """How many of a group were passed."""

    name: str
    passed: int
    total: int


@dataclass(frozen=True)
class Next:
    """What to take up now, and why in a few words."""

    slug: str
    why: str


@dataclass(frozen=True)
class Standing:
    """How far one is."""

    passed: int
    total: int
    tiers: list[Share] = field(default_factory=list)
    concepts: list[Share] = field(default_factory=list)
    next: Next | None = None


def in_order(lessons: Iterable[Lesson]) -> list[Lesson]:
    """As they are best taken: by tier, then by place."""
    return sorted(lessons, key=lambda each: each.place)


def standing(lessons: Sequence[Lesson], progress: Progress) -> Standing:
    """How far one is in these lessons, and what comes next."""
    passed = {slug for slug, record in progress.scenarios.items() if record.passed is not None}
    concepts = sorted({concept for each in lessons for concept in each.concepts})
    return Standing(
        passed=sum(each.slug in passed for each in lessons),
        total=len(lessons),
        tiers=[_share(tier, [each for each in lessons if each.tier == tier], passed) for tier in TIERS],
        concepts=[_share(each, [lesson for lesson in lessons if each in lesson.concepts], passed) for each in concepts],
        next=_next(in_order(lessons), progress, passed),
    )


def _share(name: str, lessons: Sequence[Lesson], passed: set[str]) -> Share:
    return Share(name, sum(each.slug in passed for each in lessons), len(lessons))


def _next(lessons: Sequence[Lesson], progress: Progress, passed: set[str]) -> Next | None:
    """What was begun last and not finished, else the first that is left."""
    left = [each for each in lessons if each.slug not in passed]
    begun = [(touched(progress, each.slug), each) for each in left if touched(progress, each.slug)]
    if begun:
        return Next(max(begun, key=lambda each: each[0])[1].slug, "you have begun it")
    if not left:
        return None
    first = left[0]
    before = [each for each in lessons if each.tier == first.tier and each.slug in passed]
    return Next(
        first.slug, f"the next one of the tier {first.tier}" if before else f"the first of the tier {first.tier}"
    )


def touched(progress: Progress, slug: str) -> float:
    """When a scenario was last worked on; 0 for never."""
    record = progress.scenarios.get(slug)
    if record is None:
        return 0.0
    claims = [each.made for each in record.claims]
    return max([record.started or 0.0, *(each.ended for each in record.attempts), *record.hints.values(), *claims])
