"""The measures, one file each; `MEASURES` maps a measure's name (its file's name) to its class."""

from __future__ import annotations

import sys

from faultline.discovery import extensions
from faultline.measures.base import Measure

MEASURES: dict[str, type[Measure]] = extensions(sys.modules[__name__], Measure)  # type: ignore[type-abstract]
