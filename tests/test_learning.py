"""The recommended order, and what comes next."""

from __future__ import annotations

from faultline.learning import Lesson, in_order, standing
from faultline.progress import Attempt, Progress

LESSONS = [
    Lesson("chat", "Chat", "sprinting", ("ordering",), 14),
    Lesson("indexes", "Indexes", "crawling", ("indexes",), 2),
    Lesson("slow", "Slow", "crawling", ("latency", "indexes"), 1),
    Lesson("new", "New", "crawling"),
]


def attempt(run: str, verdict: str = "pass", ended: float = 10.0, score: int = 100) -> Attempt:
    return Attempt(run=run, variant="learner", score=score, verdict=verdict, ended=ended)


def test_tier_then_place() -> None:
    assert [each.slug for each in in_order(LESSONS)] == ["slow", "indexes", "new", "chat"]


def test_the_first_that_is_left_is_next() -> None:
    progress = Progress()
    found = standing(LESSONS, progress).next
    assert found is not None
    assert (found.slug, found.why) == ("slow", "the first of the tier crawling")
    progress.of("slow").attempts.append(attempt("a"))
    found = standing(LESSONS, progress).next
    assert found is not None
    assert (found.slug, found.why) == ("indexes", "the next one of the tier crawling")


def test_what_was_begun_last_comes_before_what_is_new() -> None:
    progress = Progress()
    progress.of("indexes").started = 5.0
    progress.of("chat").attempts.append(attempt("a", "fail", ended=9.0))
    found = standing(LESSONS, progress).next
    assert found is not None
    assert (found.slug, found.why) == ("chat", "you have begun it")


def test_shares_by_tier_and_concept() -> None:
    progress = Progress()
    progress.of("slow").attempts.append(attempt("a"))
    found = standing(LESSONS, progress)
    assert (found.passed, found.total) == (1, 4)
    assert [(each.name, each.passed, each.total) for each in found.tiers if each.total] == [
        ("crawling", 1, 3),
        ("sprinting", 0, 1),
    ]
    assert {each.name: (each.passed, each.total) for each in found.concepts} == {
        "indexes": (1, 2),
        "latency": (1, 1),
        "ordering": (0, 1),
    }


def test_nothing_is_left() -> None:
    progress = Progress()
    progress.of("slow").attempts.append(attempt("a"))
    assert standing([LESSONS[2]], progress).next is None
