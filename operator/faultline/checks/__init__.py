"""The checks over a run's history, one file each; `CHECKS` maps a check's name (its file's name) to its class."""

from __future__ import annotations

import sys

from faultline.checks.base import Check
from faultline.discovery import extensions

CHECKS: dict[str, type[Check]] = extensions(sys.modules[__name__], Check)  # type: ignore[type-abstract]
