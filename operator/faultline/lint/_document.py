"""A Markdown text by its parts, each with the line it stands on: headings, sections, links, code, diagrams, prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True)
class Heading:
    """A heading; `level` is 1 for `#`."""

    level: int
    text: str
    line: int

    @property
    def anchor(self) -> str:
        """The name that a link has for it, as repositories' web pages make it."""
        return re.sub(r"[^\w\- ]", "", self.text.lower()).strip().replace(" ", "-")


@dataclass(frozen=True)
class Span:
    """A piece of the text: where a link leads, what stands in code, a paragraph's words."""

    text: str
    line: int
    label: str = ""
    """A link's words, a picture's description, the language of a code block."""


@dataclass(frozen=True)
class Table:
    """A table's cells, the head apart from the rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int


class Document:
    """One Markdown file."""

    def __init__(self, text: str, first_line: int = 1) -> None:
        self.text = text
        self._first = first_line

    @cached_property
    def _tokens(self) -> list[Token]:
        # With HTML, so that a comment, such as a rung's condition, is no prose.
        return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(self.text)

    def _line(self, token: Token) -> int:
        return (token.map[0] if token.map else 0) + self._first

    @cached_property
    def headings(self) -> list[Heading]:
        """All headings in their order."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return [
            Heading(int(token.tag[1]), inline.content, self._line(token))
            for token, inline in pairs
            if token.type == "heading_open"
        ]

    def section(self, title: str) -> Document | None:
        """What stands below the heading `## title`, to the next of that level; None where there is none."""
        tops = [each for each in self.headings if each.level <= 2]
        for place, heading in enumerate(tops):
            if heading.level == 2 and heading.text == title:
                end = tops[place + 1].line if place + 1 < len(tops) else len(self.text.splitlines()) + self._first
                lines = self.text.splitlines()[heading.line - self._first + 1 : end - self._first]
                return Document("\n".join(lines), heading.line + 1)
        return None

    @cached_property
    def _inline(self) -> list[tuple[Token, int]]:
        """Everything within paragraphs, headings and cells, with its line."""
        found = []
        for token in self._tokens:
            if token.type != "inline":
                continue
            line = self._line(token)
            for child in token.children or []:
                found.append((child, line))
                line += child.type in ("softbreak", "hardbreak")
        return found

    @cached_property
    def links(self) -> list[Span]:
        """Where links lead; pictures are none."""
        return [Span(str(each.attrGet("href") or ""), line) for each, line in self._inline if each.type == "link_open"]

    @cached_property
    def pictures(self) -> list[Span]:
        """Where pictures lie, with what is said of them to those who do not see them."""
        return [
            Span(str(each.attrGet("src") or ""), line, each.content)
            for each, line in self._inline
            if each.type == "image"
        ]

    @cached_property
    def codes(self) -> list[Span]:
        """Code within a line."""
        return [Span(each.content, line) for each, line in self._inline if each.type == "code_inline"]

    @cached_property
    def blocks(self) -> list[Span]:
        """Code blocks, diagrams included; the line is the fence's."""
        return [
            Span(each.content, self._line(each), each.info.strip())
            for each in self._tokens
            if each.type in ("fence", "code_block")
        ]

    @property
    def diagrams(self) -> list[Span]:
        """The Mermaid diagrams' sources."""
        return [each for each in self.blocks if each.label == "mermaid"]

    @cached_property
    def tables(self) -> list[Table]:
        """All tables."""
        return list(self._tables())

    def _tables(self) -> Iterator[Table]:
        rows: list[list[str]] = []
        line = 0
        for token, after in zip(self._tokens, [*self._tokens[1:], None], strict=True):
            if token.type == "table_open":
                rows, line = [], self._line(token)
            elif token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open") and after is not None:
                rows[-1].append(after.content)
            elif token.type == "table_close":
                yield Table(tuple(rows[0]), tuple(tuple(each) for each in rows[1:]), line)

    @cached_property
    def items(self) -> list[Span]:
        """The items of lists."""
        found, depth = [], 0
        for token in self._tokens:
            depth += (token.type == "list_item_open") - (token.type == "list_item_close")
            if token.type == "inline" and depth:
                found.append(Span(token.content, self._line(token)))
        return found

    @cached_property
    def paragraphs(self) -> list[Span]:
        """Prose without tables and headings; code within a line is one short word, since nobody reads it aloud."""
        found, skipped = [], 0
        for token in self._tokens:
            if token.type in ("table_open", "heading_open"):
                skipped += 1
            elif token.type in ("table_close", "heading_close"):
                skipped -= 1
            elif token.type == "inline" and not skipped:
                found.append(Span(_words(token), self._line(token)))
        return found


def _words(token: Token) -> str:
    kinds = {"code_inline": "x", "softbreak": "\n", "hardbreak": "\n"}
    return "".join(kinds.get(each.type, each.content) for each in token.children or [] if each.type != "image")
