"""`links`: what a text links to is there."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from faultline.lint._document import Document, Span
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

WEB = ("http", "https")


class Links(Rule):
    """Links lead to files of the checkout and headings that exist; addresses on the web are not asked."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each link that leads nowhere."""
        for name, document in folder.documents.items():
            for link in document.links + document.pictures:
                problem = _broken(folder.path, folder.path / name, document, link)
                if problem:
                    yield self.problem(name, link.line, f"the link {link.text} {problem}", "mend or remove it")


def _broken(folder: Path, place: Path, document: Document, link: Span) -> str | None:
    """What is wrong with a link in the file at `place`; None for a good one."""
    address = urllib.parse.urlsplit(link.text)
    if address.scheme in WEB:
        return None if address.netloc else "names no host"
    if address.scheme or address.netloc:
        return f"must be relative, http or https, got {address.scheme or address.netloc}"
    target = (place.parent / urllib.parse.unquote(address.path)).resolve() if address.path else place
    if not target.is_relative_to(folder.parents[1].resolve()):
        return "leads out of the checkout"
    if not target.exists():
        return "leads to a file that is not there"
    if not address.fragment or (address.path and target.suffix != ".md"):
        return None
    there = Document(target.read_text(encoding="utf-8")) if address.path else document
    if address.fragment in {each.anchor for each in there.headings}:
        return None
    return f"names the heading #{address.fragment}, which is not there"
