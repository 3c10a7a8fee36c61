"""Passwords are kept as `pbkdf2_sha256$ROUNDS$SALT$HASH`, so that whoever steals the table has to guess, slowly."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode

HASH_BYTES = 18


def matches(password: str, kept: str) -> bool:
    """Whether `password` is the one that was kept."""
    _, rounds, salt, wanted = kept.split("$")
    found = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(rounds), HASH_BYTES)
    return hmac.compare_digest(found, b64decode(wanted))
