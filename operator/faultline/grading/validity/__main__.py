"""`python -m faultline.grading.validity` writes docs/validity.md; a test fails when it is stale."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from faultline.grading.validity import RULES

PAGE = Path(__file__).parents[4] / "docs" / "validity.md"
HEAD = """# When a run does not count

A run that breaks one of these rules is inconclusive, whatever it measured: it has no score, says which rule it broke
and what to do, and can be run again. Each rule is `operator/faultline/grading/validity/NAME.py`; adding one is adding
such a file. This page is generated from them: `python -m faultline.grading.validity`.

Within a valid run, fail beats inconclusive beats pass: a run fails when no missing value could have saved it, and it
passes only when every objective has its value.
"""


def page() -> str:
    """The content of docs/validity.md."""
    return HEAD + "".join(f"\n## {name}\n\n{inspect.getdoc(rule)}\n" for name, rule in sorted(RULES.items()))


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
