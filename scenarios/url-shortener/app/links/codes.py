"""Codes of links, short enough for a poster."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import count

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 7


def codes(target: str) -> Iterator[str]:
    """Codes for a link to `target`: the first one, and others to take when it is taken."""
    for number in count():
        rest = int.from_bytes(sha256(f"{target}#{number}".encode()).digest())
        code = ""
        for _ in range(LENGTH):
            rest, digit = divmod(rest, len(ALPHABET))
            code += ALPHABET[digit]
        yield code
