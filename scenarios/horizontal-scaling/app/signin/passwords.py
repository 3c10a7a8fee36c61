"""Passwords are kept as `scrypt$N$R$SALT$HASH`, so that whoever steals the table has to guess, slowly."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode

HASH_BYTES = 18


def matches(password: str, kept: str) -> bool:
    """Whether `password` is the one that was kept."""
    _, n, r, salt, wanted = kept.split("$")
    found = hashlib.scrypt(password.encode(), salt=salt.encode(), n=int(n), r=int(r), p=1, dklen=HASH_BYTES)
    return hmac.compare_digest(found, b64decode(wanted))
