"""Never two holders of a lock that both get their work done."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from faultline.api.base import Line
from faultline.checks._history import History, Operation, by_key
from faultline.checks.base import Check, Judgement, Operations, absent, named


class MutualExclusion(Check):
    """By fencing tokens: no token is given to two sessions, and an accepted effect never has a lower token than one
    that was accepted before it began.

    An `acquires` operation's token is its `token`, or its `result`; an `effects` operation's is its `token`. Two leases
    may overlap (the first holder was paused and does not know that its lease has run out), two effective holders may
    not. `releases` that were answered well close a time for which the session certainly held the lock, unless another
    of its acquires may have taken effect meanwhile: two such times must not overlap either, which needs no token.
    """

    acquires: Operations = Field(description="operations that take the lock named by their `key`")
    effects: list[Line] = Field(
        default_factory=list, max_length=8, description="operations that only the holder of the lock `key` may do"
    )
    releases: list[Line] = Field(
        default_factory=list,
        max_length=8,
        description="operations that give the lock back, and are answered well only if it was still held",
    )

    def judge(self, history: History) -> Judgement:
        """Each lock on its own."""
        found = Judgement(undecided=absent(history, ("acquires", self.acquires)))
        attempted = by_key(each for each in history.named(self.acquires) if each.effect != "no")
        acquired = by_key(history.answered(self.acquires))
        effects, released = by_key(history.answered(self.effects)), by_key(history.answered(self.releases))
        for key in acquired.keys() | effects.keys():
            found.examined += len(acquired.get(key, ())) + len(effects.get(key, ()))
            _tokens_once(found, key, acquired.get(key, []))
            _tokens_rise(found, key, effects.get(key, []))
            _holds_apart(found, key, attempted.get(key, []), released.get(key, []))
        unfenced = [each for own in effects.values() for each in own if each.token is None]
        if self.effects and not self.releases and unfenced:
            found.undecided.append(f"{len(unfenced)} of the operations {', '.join(self.effects)} carried no token")
        if (
            not self.effects
            and not self.releases
            and all(token(each) is None for own in acquired.values() for each in own)
        ):
            found.undecided.append("nothing to tell holders apart by: neither tokens, nor effects, nor releases")
        return found


def token(acquire: Operation) -> float | None:
    """The fencing token that came with the lock."""
    found = acquire.result if acquire.token is None else acquire.token
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _tokens_once(found: Judgement, key: str | None, acquired: Sequence[Operation]) -> None:
    holders: dict[float, Operation] = {}
    for each in acquired:
        number = token(each)
        first = holders.setdefault(number, each) if number is not None else each
        if first.session != each.session:
            found.violated(
                f"{named(key)}: token {number:g} was given to two sessions",
                (first, f"{first.session} holds the lock"),
                (each, f"{each.session} holds it with the same token"),
            )


def _tokens_rise(found: Judgement, key: str | None, effects: Sequence[Operation]) -> None:
    """Against the effect with the highest token of all that had ended before."""
    fenced = [(each.token, each) for each in effects if each.token is not None]
    ended = sorted(fenced, key=lambda each: each[1].end)
    highest: tuple[float, Operation] | None = None
    place = 0
    for number, each in fenced:
        while ended[place][1].end < each.start:
            highest = max(highest or ended[place], ended[place], key=lambda one: one[0])
            place += 1
        if highest and number < highest[0]:
            found.violated(
                f"{named(key)}: token {number:g} was accepted after token {highest[0]:g}",
                (highest[1], f"token {highest[0]:g} accepted"),
                (each, f"token {number:g} is of a former holder, and accepted"),
            )


def _holds_apart(found: Judgement, key: str | None, locks: Sequence[Operation], released: Sequence[Operation]) -> None:
    """Certain holds of two sessions have no time in common."""
    holds = [(taken, each) for each in released if (taken := _taken(each, locks, released))]
    holds.sort(key=lambda hold: hold[0].end)
    latest: tuple[Operation, Operation] | None = None
    for hold in holds:
        if latest and hold[0].end < latest[1].start and hold[0].session != latest[0].session:
            found.violated(
                f"{named(key)}: {latest[0].session} and {hold[0].session} held it at the same time",
                (latest[0], f"{latest[0].session} has it"),
                (hold[0], f"{hold[0].session} has it as well"),
                (latest[1], f"{latest[0].session} still had it"),
                (hold[1], f"{hold[0].session} still had it"),
            )
        if latest is None or hold[1].start > latest[1].start:
            latest = hold


def _taken(release: Operation, locks: Sequence[Operation], released: Sequence[Operation]) -> Operation | None:
    """The acquire that `release` ends, if the session certainly held the lock from that one's end to its start.

    It did not, for all that one can know, where another acquire of the session may have taken effect in between: one
    without a reply, whenever it began, or one that was under way together with the release.
    """
    own = [each for each in locks if each.session == release.session and each.start < release.end]
    if not own or any(each.done >= release.start for each in own):
        return None
    last = max(own, key=lambda each: each.end)
    before = [each for each in released if each.session == release.session and last.end < each.start < release.start]
    return None if before else last
