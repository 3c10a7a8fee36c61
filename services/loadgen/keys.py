"""Keys that rotate: a search over the order of a key's operations gets harder with each one, and much harder with each
whose effect is unknown, so each key takes only so many."""

from __future__ import annotations

from random import Random

MOST_OPERATIONS = 90
"""On one key; the check takes 100, the rest is for the final reads."""
MOST_UNKNOWN = 8
"""Operations of a key that are unknown, or may yet become so."""


class Keys:
    """All rotating keys of a run, by their prefix."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, int], int] = {}
        self._operations: dict[str, int] = {}
        self._doubtful: dict[str, int] = {}

    def take(self, prefix: str, side_by_side: int, calls: int, rng: Random) -> str:
        """A key for a task that will make at most `calls` requests on it; `side_by_side` keys are in use at once."""
        slot = (prefix, rng.randrange(side_by_side))
        key = self._name(slot)
        full = self._operations.get(key, 0) + calls > MOST_OPERATIONS
        if key in self._operations and (full or self._doubtful[key] + calls > MOST_UNKNOWN):
            self._current[slot] = self._current.get(slot, 0) + 1
            key = self._name(slot)
        self._operations[key] = self._operations.get(key, 0) + calls
        self._doubtful[key] = self._doubtful.get(key, 0) + calls
        return key

    def again(self, key: str | None) -> None:
        """One request on `key` is made that its task did not ask for."""
        if key in self._doubtful:
            self._operations[key] += 1
            self._doubtful[key] += 1

    def settle(self, key: str | None) -> None:
        """The outcome of one request on `key` is certain."""
        if key in self._doubtful:
            self._doubtful[key] -= 1

    def _name(self, slot: tuple[str, int]) -> str:
        return f"{slot[0]}-{slot[1]}-{self._current.get(slot, 0)}"
