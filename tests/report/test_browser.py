"""The page as a file in a real browser that has no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.browsing import CONTRAST
from tests.conftest import BUSY_SECONDS

from faultline.report import render

INK = """canvas => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return data.some((value, place) => place % 4 === 3 && value > 0);
}"""
"""Whether anything is drawn on a canvas."""


@pytest.fixture(params=["light", "dark"])
def page(request: Any, browser: Browser) -> Iterator[Page]:
    """A page that fails the test for whatever its scripts complain of, and for each request but the file's own."""
    context = browser.new_context(
        viewport={"width": 1300, "height": 900}, color_scheme=request.param, reduced_motion="reduce", offline=True
    )
    context.set_default_timeout(BUSY_SECONDS * 1000)
    one = context.new_page()
    problems: list[str] = []
    one.on("pageerror", lambda error: problems.append(str(error)))
    one.on("console", lambda said: problems.append(said.text))
    one.on("request", lambda asked: problems.append(asked.url) if not asked.url.endswith(".html") else None)
    yield one
    assert problems == []
    context.close()


def _open(page: Page, folder: Path, text: str) -> None:
    path = folder / "report.html"
    path.write_text(text)
    page.goto(path.as_uri())


def test_one_run_shows_everything_without_a_network(page: Page, tmp_path: Path, kept: Any) -> None:
    check = {"name": "once", "check": "duplicate_effects", "result": "violated", "violations": 1, "unit": "keys",
             "examples": [{"text": "key 7 took effect twice", "operations": [
                 {"op": "buy", "start": 1_800_000_020.0, "end": 1_800_000_020.3, "outcome": "ok", "key": "7"},
                 {"op": "buy", "start": 1_800_000_021.0, "outcome": "unknown", "key": "7"}]}]}  # fmt: skip
    run, before = kept(checks=[check]), kept("before", good=True)
    _open(page, tmp_path, render([run], before=[before], next_command="make fix S=shop"))
    for section in ("timeline", "overlay", "heat", "timelines", "checks", "post-mortem"):
        assert page.locator(f"#{section} h2").is_visible(), section
    assert page.locator("#timeline svg rect.missed").count() == 4
    assert page.locator("#heat svg rect.unknown").count() == 24  # Seconds of either fault.
    assert page.locator("#checks svg.history rect.ok").count() == 1
    assert page.locator("#post-mortem pre").is_visible()
    plots = page.locator(".plot canvas")
    assert plots.count() == page.locator(".plot").count() == 6 + 4  # Overlaid, and by itself.
    for place in range(plots.count()):
        assert plots.nth(place).evaluate(INK), f"canvas {place} is blank"
    assert page.locator("#overlay .u-legend").first.inner_text().count("solution, 100") == 1


def test_runs_side_by_side_show_everything_without_a_network(page: Page, tmp_path: Path, kept: Any) -> None:
    _open(page, tmp_path, render([kept("a"), kept("b", good=True)]))
    assert page.locator("#timeline svg").count() == page.locator("#heat svg").count() == 2
    assert page.locator("#timelines .plot canvas").count() == 8
    assert page.locator("#overlay .plot canvas").count() == 6


def test_text_can_be_read(page: Page, tmp_path: Path, kept: Any) -> None:
    _open(page, tmp_path, render([kept("a"), kept("b", good=True)], next_command="make fix S=shop"))
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [360, 820, 1300])
def test_nothing_is_wider_than_the_screen(page: Page, tmp_path: Path, kept: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    _open(page, tmp_path, render([kept("a"), kept("b", good=True)]))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for picture in ("#timeline svg", "#heat svg"):
        outside = page.locator(picture).first.evaluate(
            """svg => [...svg.querySelectorAll("text")].filter(text => {
              const [inner, outer] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
              return inner.left < outer.left - 1 || inner.right > outer.right + 1;
            }).map(text => text.textContent)"""
        )
        assert outside == []
