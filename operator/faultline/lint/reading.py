"""`reading`: who begins can read it. The reading grade of the prose, and no sentence without end.

The grade, in years of school, is the Automated Readability Index (Smith and Senter, 1967): 4.71 letters per word + 0.5
words per sentence - 21.43. It was made for machines: it counts letters, where others guess syllables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from faultline.lint._document import Document, Span
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

_END = re.compile(r"""(?<=[.!?])["')*\]]*\s+""")
_WORD = re.compile(r"[A-Za-z][A-Za-z'\u2019-]*|\d[\d.,]*")
SHOWN = 3
"""The hardest paragraphs, which are named."""


@dataclass(frozen=True)
class Measured:
    """How long a text is."""

    sentences: int
    words: int
    letters: int

    @property
    def grade(self) -> float:
        """Years of school; 0 for no text."""
        if not self.sentences or not self.words:
            return 0.0
        return 4.71 * self.letters / self.words + 0.5 * self.words / self.sentences - 21.43


class Reading(Rule):
    """SCENARIO.md and HINTS.md of the tiers that have a limit are plain to read."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """The text's grade where it is too high, with its hardest paragraphs; each sentence that is too long."""
        for name in ("SCENARIO.md", "HINTS.md"):
            if name in folder.documents:
                yield from self._text(folder, name, folder.documents[name])

    def _text(self, folder: Folder, name: str, document: Document) -> Iterator[Problem]:
        limit, longest = folder.tier.grade, folder.tier.sentence
        grade = measure(each.text for each in document.paragraphs).grade
        if limit is not None and grade > limit:
            hardest = sorted(document.paragraphs, key=_weight, reverse=True)[:SHOWN]
            lines = ", ".join(f"line {each.line} ({measure([each.text]).grade:.1f})" for each in hardest)
            message = f"the reading level must be grade {limit:g} or lower in this tier, got {grade:.1f}"
            yield self.problem(name, hardest[0].line, message, f"shorter sentences, plainer words: {lines}")
        for paragraph in document.paragraphs if longest else []:
            for sentence in sentences(paragraph.text):
                words = len(_WORD.findall(sentence))
                if longest and words > longest:
                    message = f"a sentence may have {longest} words in this tier, got {words}: {sentence[:60]}…"
                    yield self.problem(name, paragraph.line, message, "make two of it")


def sentences(text: str) -> list[str]:
    """A paragraph's sentences."""
    return [each.replace("\n", " ") for each in _END.split(text) if _WORD.search(each)]


def measure(paragraphs: Iterator[str] | list[str]) -> Measured:
    """The words of all paragraphs; the end of a paragraph ends a sentence."""
    found = [_WORD.findall(each) for text in paragraphs for each in sentences(text)]
    return Measured(len(found), sum(map(len, found)), sum(len(word) for each in found for word in each))


def _weight(paragraph: Span) -> float:
    """What a paragraph adds to the text's grade: a hard one of three words is not worth mending first."""
    found = measure([paragraph.text])
    return found.grade * found.words
