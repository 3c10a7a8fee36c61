"""One, some or a percentage of what there is, chosen by a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def choose(found: Sequence[T], random: Random, *, count: int | None, percent: float | None) -> list[T]:
    """`count` of `found`, or `percent` of them, rounded up; one when both are None. Never more than there are.

    `found` has to be in a stable order: the same seed then gives the same places in it.
    """
    wanted = math.ceil(len(found) * percent / 100) if percent is not None else (count or 1)
    places = sorted(random.sample(range(len(found)), min(wanted, len(found))))
    return [found[place] for place in places]
