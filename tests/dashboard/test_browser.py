"""The pages in a real browser: what a person sees, presses and hears."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browsing import CONTRAST
from tests.conftest import BUSY_SECONDS
from tests.dashboard.conftest import SHOP, World, run_object, small

from faultline import catalogue
from faultline.clients.kube_objects import path
from faultline.host.home import REPO
from faultline.lint import Folder
from faultline.scaffold import TEMPLATE

expect.set_options(timeout=BUSY_SECONDS * 1000)
SIZES = {"desk": (1500, 950), "tablet": (820, 1100), "phone": (360, 740)}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    one = browser.new_context(viewport={"width": 1500, "height": 950}, reduced_motion="reduce")
    one.set_default_timeout(BUSY_SECONDS * 1000)
    yield one
    one.close()


# They go after five seconds, which a busy machine may take to look.
TOASTS_STAY = """
const timer = window.setTimeout;
window.setTimeout = (what, after, ...more) => timer(what, after === 5000 ? 600000 : after, ...more);
"""


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test when its scripts fail, or when something is not loaded."""
    one = context.new_page()
    problems: list[str] = []
    one.add_init_script(TOASTS_STAY)
    one.on("pageerror", lambda error: problems.append(str(error)))
    one.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    yield one
    assert problems == []


def begin_run(world: World, runs: Any, name: str, **status: Any) -> dict[str, Any]:
    """A run under way, its fault on since ten seconds."""
    body = run_object(runs(name), created="2026-11-21T12:00:00Z")
    mark = time.time() - 25
    fault = {"name": "payments-slow", "type": "latency", "edge": "checkout->payments", "plannedStart": mark + 12,
             "plannedEnd": mark + 23, "applied": mark + 15}  # fmt: skip
    body["status"] = {
        "phase": "Fault",
        "mark": mark,
        "started": mark - 10,
        "code": {"digest": "4be1c0ffee12", "variant": "flawed"},
        "phases": [{"name": "Baseline", "start": mark, "end": mark + 10}, {"name": "Fault", "start": mark + 10}],
        "faults": [fault],
        **status,
    }
    world.series.fault = (mark + 15, mark + 100)
    world.call(lambda: world.cluster.put(path("Run", name), body, "ADDED"))
    return body


def test_a_lab_is_seen_live(world: World, runs: Any, page: Page) -> None:
    page.goto(f"{world.url}/scenarios/{SHOP}")
    expect(page.get_by_role("heading", name="The shop that stops when payments do")).to_be_visible()
    expect(page.locator("#phase")).to_have_text("Ready")
    expect(page.locator("#v-rate")).to_contain_text("/s")
    expect(page.locator("svg.lab.wide .node.up")).to_have_count(7)
    expect(page.locator("svg.lab.wide .edge.up")).to_have_count(8)
    expect(page.locator("[data-chart=load] canvas")).to_be_visible()
    expect(page.locator("[data-chart=latency] .legend")).to_contain_text("ms")
    # What this lab has not is named, not drawn.
    expect(page.locator("[data-chart=queue]")).to_be_hidden()
    expect(page.locator("#quiet-panels")).to_contain_text("queues")
    expect(page.locator(".lesson .diagram svg")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()

    begin_run(world, runs, f"{SHOP}-7")
    expect(page.locator("#v-faults")).to_have_text("1")
    expect(page.locator('svg.lab.wide [data-edge="checkout->payments"]')).to_have_class("edge fault")
    expect(page.locator("#run-said")).to_contain_text("to the score")
    expect(page.locator("#needle")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    page.get_by_text("Pods and edges in words").click()
    expect(page.locator('[data-row="checkout->payments"]')).to_contain_text("a fault is on")


def test_a_run_from_chaos_to_its_report(world: World, runs: Any, page: Page) -> None:
    page.goto(f"{world.url}/scenarios/{SHOP}")
    page.get_by_role("button", name="Chaos").click()
    expect(page.locator(".toast")).to_contain_text("is queued")
    (where,) = [each for each in world.cluster.objects if "/runs/" in each]
    name = where.rsplit("/", 1)[1]
    expect(page.locator("#run-said")).to_have_text("Waiting for its turn")
    done = runs(name)
    world.keep_run(done, in_cluster=False)
    world.call(lambda: world.cluster.put(where, run_object(done)))
    expect(page.locator("#run-said")).to_contain_text("fail 17")
    expect(page.locator(".toast", has_text="fail, 17 of 100")).to_be_visible()
    expect(page.locator("#message")).to_contain_text("make fix")
    page.get_by_role("button", name="Grade").click()
    expect(page.get_by_role("heading", name="Where points were lost")).to_be_visible()
    page.get_by_role("link", name="Scenario").click()
    expect(page.locator("#runs tr")).to_have_count(1)


def test_what_to_do_next(world: World, runs: Any, page: Page) -> None:
    body = small("indexes", "About indexes", "crawling", ["indexes"])
    world.call(lambda: world.cluster.put(f"{catalogue.CONFIGMAPS}/lesson-indexes", body, "ADDED"))
    begin_run(world, runs, f"{SHOP}-7")
    page.goto(f"{world.url}/scenarios/{SHOP}")
    expect(page.locator("#run-said")).to_contain_text("to the score")
    expect(page.get_by_role("button", name="Chaos")).to_be_disabled()
    following = page.get_by_role("link", name="Next scenario")
    expect(following).to_be_hidden()

    passed = run_object(runs(f"{SHOP}-7", good=True))
    passed["status"]["code"] = {"digest": "4be1c0ffee12", "variant": "learner"}
    world.call(lambda: world.cluster.put(path("Run", f"{SHOP}-7"), passed))
    expect(page.get_by_role("button", name="Chaos")).to_be_enabled()
    expect(page.locator(".verbs .primary:visible")).to_have_text("Next scenario")
    following.click()
    expect(page).to_have_url(f"{world.url}/scenarios/indexes")


def test_a_lesson_s_sections_and_a_run_s_faults_are_named_in_full(world: World, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(BUSY_SECONDS * 1000)
    page.goto(f"{world.url}/scenarios/{SHOP}")
    expect(page.locator("#phase")).to_have_text("Ready")
    cut_off = page.eval_on_selector_all(
        ".toc, .plan .fault span, .plan .fault i",
        "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)",
    )
    assert cut_off == []
    expect(page.locator("[data-fault=payments-cut-off]")).to_have_attribute(
        "title", "partition checkout → payments, second 22 to 30"
    )
    page.close()


def test_stop_ends_the_run(world: World, runs: Any, page: Page) -> None:
    begin_run(world, runs, f"{SHOP}-7")
    page.goto(f"{world.url}/scenarios/{SHOP}")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".toast")).to_contain_text(f"stopped {SHOP}-7")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_what_goes_wrong_is_said(world: World, page: Page) -> None:
    page.goto(f"{world.url}/scenarios/{SHOP}")
    expect(page.locator("#phase")).to_have_text("Ready")
    world.series.broken = True
    expect(page.get_by_role("alert")).to_contain_text("it is broken")
    world.series.broken = False
    expect(page.get_by_role("alert")).to_be_hidden()
    world.call(lambda: world.cluster.remove(path("Scenario", SHOP)))
    expect(page.locator("#phase")).to_have_text("No lab")
    expect(page.get_by_role("button", name="Chaos")).to_be_disabled()
    expect(page.get_by_role("button", name="Apply")).to_have_class("primary")


def test_hints_are_revealed_one_at_a_time_by_keyboard(world: World, page: Page) -> None:
    page.goto(f"{world.url}/scenarios/{SHOP}")
    page.get_by_role("button", name="Hint", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Hints")
    expect(dialog).to_be_visible()
    reveal = dialog.get_by_role("button", name="Reveal hint 1")
    reveal.focus()
    page.keyboard.press("Enter")
    expect(dialog.locator(".rung")).to_have_count(1)
    expect(dialog.locator(".rung h3")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Hint", exact=True)).to_be_focused()


def test_two_runs_are_overlaid(world: World, runs: Any, page: Page) -> None:
    world.keep_run(runs(f"{SHOP}-1"))
    world.keep_run(runs(f"{SHOP}-2", good=True))
    page.goto(f"{world.url}/runs")
    button = page.get_by_role("button", name="Overlay two runs")
    expect(button).to_be_disabled()
    page.get_by_label(f"Compare {SHOP}-1").check()
    page.get_by_label(f"Compare {SHOP}-2").check()
    button.click()
    expect(page.get_by_role("heading", name="The shop that stops")).to_be_visible()
    expect(page.locator("[data-chart=p95] canvas")).to_be_visible()
    expect(page.locator("[data-chart=p95] .legend li")).to_have_text(["flawed, 17", "solution, 100"])


def test_the_catalogue_is_filtered_and_remembers_it(world: World, page: Page) -> None:
    page.goto(f"{world.url}/")
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("searchbox").fill("no such words")
    expect(page.locator(".card")).to_be_hidden()
    page.get_by_role("searchbox").fill("bulkhead")
    expect(page.locator(".card")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("bulkhead")
    page.get_by_role("link", name="The shop that stops when payments do").first.click()
    expect(page).to_have_url(f"{world.url}/scenarios/{SHOP}")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(world: World, runs: Any, browser: Browser, size: str) -> None:
    world.keep_run(runs(f"{SHOP}-1"))
    world.keep_run(runs(f"{SHOP}-2", good=True))
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(BUSY_SECONDS * 1000)
    page = context.new_page()
    for where in ("/", f"/scenarios/{SHOP}", "/runs", f"/compare?a={SHOP}-1&b={SHOP}-2", f"/runs/{SHOP}-1"):
        page.goto(world.url + where)
        if where.startswith("/scenarios"):
            expect(page.locator("#v-rate")).to_contain_text("/s")
            if size != "desk":
                page.get_by_role("button", name="Live").click()
            page.locator("[data-chart=load]").scroll_into_view_if_needed()
            expect(page.locator("[data-chart=load] canvas")).to_be_attached()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{where} is {wide} wide on {size}"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(world: World, browser: Browser, scheme: Any) -> None:
    """Contrast of text against what it stands on, as WCAG 2 asks for: 4.5 to 1, large text 3 to 1."""
    context = browser.new_context(viewport={"width": 1500, "height": 950}, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(BUSY_SECONDS * 1000)
    page = context.new_page()
    for where in ("/", f"/scenarios/{SHOP}", "/runs"):
        page.goto(world.url + where)
        if where.startswith("/scenarios"):
            expect(page.locator("#phase")).to_have_text("Ready")
        assert page.evaluate(CONTRAST) == []
    context.close()


def test_every_control_has_a_name_and_headings_are_in_order(world: World, page: Page) -> None:
    for where in ("/", f"/scenarios/{SHOP}", "/runs"):
        page.goto(world.url + where)
        nameless = page.eval_on_selector_all(
            "button, a, input, select",
            "all => all.filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim()))"
            ".map(e => e.outerHTML)",
        )
        assert nameless == [], where
        assert page.locator("h1").count() == 1, where
        assert page.locator("main").count() == 1
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_the_theme_that_was_chosen_is_kept(world: World, page: Page) -> None:
    page.goto(f"{world.url}/")
    button = page.get_by_role("button", name="Colours")
    button.click()
    button.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


LESSONS = [*catalogue.folders(REPO / "scenarios"), TEMPLATE]


@pytest.mark.parametrize("folder", LESSONS, ids=lambda folder: folder.name)
def test_every_diagram_of_every_lesson_is_drawn_and_has_its_title(folder: Path, page: Page) -> None:
    sources = [each.text for each in Folder(folder).lesson.diagrams]
    page.set_content("<body></body>")
    page.add_script_tag(path=REPO / "operator/faultline/dashboard/static/mermaid.tiny.js")
    draw = """async ([source, name]) => {
      mermaid.initialize({startOnLoad: false, securityLevel: "strict"});
      document.body.innerHTML = (await mermaid.render(name, source)).svg;
      return document.querySelector("svg > title").textContent;
    }"""
    for number, source in enumerate(sources):
        title = page.evaluate(draw, [source, f"diagram-{number}"])
        assert f"accTitle: {title}\n" in source
