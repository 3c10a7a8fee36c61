"""The standard for a scenario's folder, one rule a file; `RULES` maps a rule's name (its file's) to its class."""

from __future__ import annotations

import sys
from pathlib import Path

from faultline.discovery import extensions
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

__all__ = ["RULES", "Folder", "Problem", "Rule", "lint"]

RULES: dict[str, type[Rule]] = extensions(sys.modules[__name__], Rule)  # type: ignore[type-abstract]


def lint(folder: Path) -> list[Problem]:
    """What a scenario's folder breaks of the standard, by file and line.

    A folder whose scenario.yaml cannot be read is judged by that alone: what the lesson has to be depends on its tier.
    """
    subject = Folder(folder)
    if subject.unreadable:
        return [subject.unreadable]
    return sorted({problem for rule in RULES.values() for problem in rule().check(subject)})
