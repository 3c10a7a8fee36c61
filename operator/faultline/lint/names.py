"""`names`: what a text tells the reader to type, open or look at is this scenario's, and finished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from faultline import catalogue
from faultline.errors import FaultlineError
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

_SLUG = r"([a-z0-9][a-z0-9-]*[a-z0-9])"
_PLACES = (
    re.compile(rf"\bmake [a-z-]+ S={_SLUG}"),
    re.compile(rf"\bworkspace/{_SLUG}"),
    re.compile(rf"\b(?:lab|harness)-{_SLUG}(?=[\s\"'`)])"),
    re.compile(rf"\bfaultline (?:apply|chaos|grade|fix|hint|verify|plan|reset) {_SLUG}"),
)
"""Where a text names the scenario itself."""
_FILE = re.compile(r"(?:workspace/[a-z0-9-]+/)?((?:[\w-]+/)+[\w-]+\.(?:py|sql))")
_UNFINISHED = re.compile(r"\b(TODO|TBD|FIXME|XXX|MEASURED|REPLACE|Lorem ipsum)\b")
TEXTS = ("SCENARIO.md", "HINTS.md", "DESIGN.md")


class Names(Rule):
    """Commands and namespaces are this scenario's, files that are named exist, and nothing is left to be written."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each name that is of another scenario, each file that no variant has, each place left open."""
        files = _files(folder)
        for name in TEXTS:
            document = folder.documents.get(name)
            if document is None:
                continue
            for number, line in enumerate(document.text.splitlines(), start=1):
                for other in sorted({each for place in _PLACES for each in place.findall(line)} - {folder.slug}):
                    message = f"names the scenario {other}, and this is {folder.slug}"
                    yield self.problem(name, number, message, f"write {folder.slug}")
                for word in _UNFINISHED.findall(line):
                    yield self.problem(name, number, f"{word} is left", "write what belongs there, or remove it")
            for code in document.codes:
                named = _FILE.fullmatch(code.text)
                if files and named and named[1] not in files:
                    message = f"{code.text} is in no variant of the code"
                    yield self.problem(name, code.line, message, "name a file of app/ or of a solution")


def _files(folder: Folder) -> set[str]:
    """What is in any variant of the code, and the packages of the services that all labs share."""
    try:
        versions = [catalogue.version(folder.path, each) for each in catalogue.variants(folder.path)]
    except FaultlineError:
        return set()  # the rule `variants` says so
    return {str(PurePosixPath(path)) for each in versions for path in each.files}
