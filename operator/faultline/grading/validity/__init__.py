"""What a run has to keep to count at all, one file each; `RULES` maps a rule's name (its file's) to its class."""

from __future__ import annotations

import sys

from faultline.discovery import extensions
from faultline.grading.validity.base import Rule

RULES: dict[str, type[Rule]] = extensions(sys.modules[__name__], Rule)  # type: ignore[type-abstract]
