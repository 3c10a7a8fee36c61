"""The faults, one file each; `FAULTS` maps a fault's type (its file's name) to its class."""

from __future__ import annotations

import sys

from faultline.discovery import extensions
from faultline.faults.base import Fault

FAULTS: dict[str, type[Fault]] = extensions(sys.modules[__name__], Fault)  # type: ignore[type-abstract]
