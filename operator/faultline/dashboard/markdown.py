"""Lessons as HTML: CommonMark with tables, no HTML of the author's own, diagrams left for the page to draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token


@dataclass(frozen=True)
class Heading:
    """A section of a lesson, for its table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True)
class Page:
    """A rendered text: its first heading apart from the rest, and the sections."""

    title: str
    html: str
    sections: tuple[Heading, ...]


class _Renderer(RendererHTML):
    """Tables that scroll in themselves, diagrams as figures, links that leave the dashboard in a tab of their own."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A code block; Mermaid's keep their source for the page's script, and for those who read it as text."""
        token = tokens[idx]
        if token.info.strip() != "mermaid":
            return f'<div class="code">{super().fence(tokens, idx, options, env)}</div>\n'
        source = _escape(token.content)
        return f'<figure class="diagram"><pre class="mermaid" role="img" aria-label="Diagram">{source}</pre></figure>\n'

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A table may be wider than a phone."""
        return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """The end of what `table_open` began."""
        return "</table></div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Links to elsewhere do not take the lesson away."""
        if str(tokens[idx].attrGet("href") or "").startswith(("http:", "https:")):
            tokens[idx].attrSet("target", "_blank")
            tokens[idx].attrSet("rel", "noreferrer")
        return self.renderToken(tokens, idx, options, env)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])


def render(text: str) -> Page:
    """A Markdown text as a page. Headings get anchors; the first one of level 1 becomes the title."""
    tokens = _parser().parse(text)
    title, sections = "", []
    for place, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        words = tokens[place + 1].content
        if token.tag == "h1" and not title:
            title = words
            for each in tokens[place : place + 3]:
                each.hidden = True
            tokens[place + 1].children = []
            tokens[place + 1].content = ""
            continue
        if token.tag == "h2":
            sections.append(Heading(_anchor(words), _plain(words)))
            token.attrSet("id", _anchor(words))
    return Page(_plain(title), str(_parser().renderer.render(tokens, _parser().options, {})), tuple(sections))


def _anchor(words: str) -> str:
    return "lesson-" + re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _plain(words: str) -> str:
    return re.sub(r"[*_`]", "", words)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
