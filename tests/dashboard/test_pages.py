"""What the pages hold, what the buttons do, and who may press them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from tests.conftest import until
from tests.dashboard.conftest import SHOP, World, small
from tests.report.conftest import MARK

from faultline import catalogue
from faultline.clients.kube_objects import path
from faultline.dashboard import markdown
from faultline.progress import Progress, from_cluster

OWN = {"X-Faultline": "dashboard"}
PROGRESS = f"{catalogue.CONFIGMAPS}/progress"


async def get(world: World, where: str, **headers: str) -> tuple[int, str, Any]:
    async with aiohttp.ClientSession() as client, client.get(world.url + where, headers=headers) as reply:
        return reply.status, await reply.text(), reply.headers


async def post(world: World, where: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.post(world.url + where, headers={**OWN, **headers}) as reply:
        return reply.status, await reply.json()


def progress(world: World) -> Progress:
    return from_cluster(world.cluster.objects[PROGRESS])


async def test_the_catalogue_shows_each_tier_and_what_is_next(world: World) -> None:
    put = world.cluster.put
    for slug, tier in (("indexes", "crawling"), ("chat", "sprinting")):
        body = small(slug, f"About {slug}", tier, ["ordering"])
        world.call(lambda slug=slug, body=body: put(f"{catalogue.CONFIGMAPS}/lesson-{slug}", body, "ADDED"))
    lessons = world.app.state.parts.lessons
    await until(lambda: len(lessons.all()) == 3)
    status, text, _ = await get(world, "/")
    assert status == 200
    assert text.index("Crawling") < text.index("Running") < text.index("Sprinting")
    assert "About indexes</a></h2>" in text, "the first of the lowest tier comes next"
    assert [each.slug for each in lessons.all()] == ["indexes", SHOP, "chat"]


async def test_a_scenario_s_page_has_lesson_picture_and_plan(world: World) -> None:
    status, text, headers = await get(world, f"/scenarios/{SHOP}")
    assert status == 200
    assert '<h2 id="lesson-diagnose">Diagnose</h2>' in text
    assert '<pre class="mermaid"' in text
    assert 'data-edge="checkout-&gt;payments"' in text
    assert 'data-fault="payments-cut-off"' in text
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_what_is_not_there_is_said_with_its_code(world: World) -> None:
    for where, code in (("/scenarios/nothing", "FL201"), ("/runs/nothing", "FL206"), ("/nothing", "FL152")):
        status, text, _ = await get(world, where)
        assert (status, code in text) == (404, True), where
    for name in ("..%2F..%2Fetc", ".."):
        assert (await get(world, f"/runs/{name}"))[0] in (200, 404)  # a browser's own .. leads to the list
    assert (await post(world, f"/api/labs/{SHOP}/explode"))[0] == 404


async def test_runs_are_kept_from_disk_and_cluster(world: World, runs: Any) -> None:
    world.keep_run(runs(f"{SHOP}-1"), in_cluster=False)
    world.keep_run(runs(f"{SHOP}-2", good=True))
    status, text, _ = await get(world, f"/runs?scenario={SHOP}")
    assert status == 200
    assert f"/runs/{SHOP}-1" in text
    assert f"/runs/{SHOP}-2" in text
    status, text, headers = await get(world, f"/runs/{SHOP}-1")
    assert "Where points were lost" in text
    assert f'<a href="/scenarios/{SHOP}">Scenario</a>' in text
    assert "connect-src" not in headers["content-security-policy"], "a report asks nobody for anything"
    status, text, _ = await get(world, f"/compare?a={SHOP}-1&b={SHOP}-2")
    assert (status, "Two runs overlaid" in text) == (200, True)
    assert (await get(world, f"/compare/report?a={SHOP}-1&b={SHOP}-2"))[0] == 200


async def test_a_report_is_drawn_over_the_runs_of_before_and_knows_what_the_app_went_through(
    world: World, runs: Any
) -> None:
    world.keep_run(runs(f"{SHOP}-1"))
    world.keep_run(runs(f"{SHOP}-2", good=True, ended=MARK + 500))
    await until(lambda: len(progress(world).of(SHOP).attempts) == 2)
    _, text, _ = await get(world, f"/runs/{SHOP}-2")
    assert f"flawed, 17 is <code>{SHOP}-1</code>, solution, 100 is <code>{SHOP}-2</code>" in text
    assert "What the app went through is not known" not in text
    assert 'id="overlay"' not in (await get(world, f"/runs/{SHOP}-1"))[1]
    world.series.broken = True
    _, text, _ = await get(world, f"/compare/report?a={SHOP}-1&b={SHOP}-2")
    assert text.count("What the app went through is not known: Prometheus answered 503: it is broken.") == 2


async def test_a_run_that_was_stopped_is_listed_as_such(world: World, runs: Any) -> None:
    record = runs(f"{SHOP}-1")
    stopped = {"verdict": "inconclusive", "score": None, "reasons": ["stopped on request: `make stop`"]}
    world.keep_run(record.model_copy(update={"status": record.status.model_copy(update=stopped)}))
    _, text, _ = await get(world, f"/runs?scenario={SHOP}")
    assert '<span class="verdict stopped">' in text
    assert "inconclusive" not in text


async def test_runs_of_commands_are_left_out_until_asked_for(world: World, runs: Any) -> None:
    def of(name: str, lab: str) -> Any:
        record = runs(name)
        return record.model_copy(update={"spec": record.spec.model_copy(update={"scenario": lab})})

    shop = world.cluster.objects[path("Scenario", SHOP)]
    for lab, labels in ((f"verify-{SHOP}", {"faultline.dev/by": "verify"}), ("second-try", {})):
        body = {**shop, "metadata": {**shop["metadata"], "name": lab, "labels": labels}}
        world.call(lambda lab=lab, body=body: world.cluster.put(path("Scenario", lab), body, "ADDED"))
    await until(lambda: len(world.app.state.parts.mirror.scenarios) == 3)
    own = {f"{SHOP}-1": SHOP, "second-try-1": "second-try"}
    others = {f"verify-{SHOP}-1": f"verify-{SHOP}", "faultline-demo-1": "faultline-demo"}
    for name, lab in (own | others).items():
        world.keep_run(of(name, lab), in_cluster=False)

    def shown(text: str) -> set[str]:
        return {name for name in own | others if f'href="/runs/{name}"' in text}

    _, text, _ = await get(world, "/runs")
    assert shown(text) == set(own)
    assert "2 of <code>verify</code>" in text
    _, text, _ = await get(world, "/runs?every=true")
    assert shown(text) == {*own, *others}
    assert "Show yours only." in text
    _, text, _ = await get(world, f"/runs?scenario=verify-{SHOP}")
    assert shown(text) == {f"verify-{SHOP}-1"}


async def test_apply_creates_and_changes_the_object(world: World) -> None:
    where = path("Scenario", SHOP)
    world.call(lambda: world.cluster.remove(where))
    status, said = await post(world, f"/api/scenarios/{SHOP}/apply")
    assert (status, said["said"]) == (200, f"{SHOP} is being deployed")
    made = world.cluster.objects[where]
    assert made["spec"]["slug"] == SHOP
    assert progress(world).of(SHOP).started is not None
    made["metadata"]["annotations"]["faultline.dev/code"] = "code-mine"
    assert (await post(world, f"/api/scenarios/{SHOP}/apply"))[0] == 200
    assert world.cluster.objects[where]["metadata"]["annotations"]["faultline.dev/code"] == "code-mine"


async def test_chaos_queues_a_run_grade_finds_it_and_stop_takes_it_away(world: World, runs: Any) -> None:
    _, said = await post(world, f"/api/labs/{SHOP}/chaos")
    where = path("Run", said["run"])
    assert world.cluster.objects[where]["spec"] == {"scenario": SHOP}
    await until(lambda: world.app.state.parts.mirror.runs(SHOP))
    _, graded = await post(world, f"/api/labs/{SHOP}/grade")
    assert (graded["run"], graded["done"]) == (said["run"], False)
    _, stopped = await post(world, f"/api/labs/{SHOP}/stop")
    assert stopped["runs"] == [said["run"]]
    assert where not in world.cluster.objects
    world.keep_run(runs(f"{SHOP}-9"))
    await until(lambda: len(world.app.state.parts.mirror.runs(SHOP)) == 1)
    _, graded = await post(world, f"/api/labs/{SHOP}/grade")
    assert (graded["run"], graded["done"]) == (f"{SHOP}-9", True)


async def test_verbs_on_a_lab_that_is_not_there_say_so(world: World) -> None:
    status, body = await post(world, "/api/labs/nothing/chaos")
    assert (status, body["error"]["code"]) == (404, "FL202")


async def test_hints_come_one_by_one_and_are_noted(world: World) -> None:
    _, first = await post(world, f"/api/scenarios/{SHOP}/hint")
    _, second = await post(world, f"/api/scenarios/{SHOP}/hint")
    assert [each["hints"][0]["rung"] for each in (first, second)] == [1, 2]
    assert sorted(progress(world).of(SHOP).hints) == [1, 2]
    _, text, _ = await get(world, f"/scenarios/{SHOP}")
    assert text.count('class="rung prose"') == 2


@pytest.mark.parametrize(("holds", "broken", "first"), [(True, False, 2), (False, False, 1), (True, True, 1)])
async def test_a_hint_that_fits_the_last_run_comes_first(
    world: World, runs: Any, holds: bool, broken: bool, first: int
) -> None:
    world.series.holds, world.series.broken = holds, broken
    world.keep_run(runs(f"{SHOP}-9"))
    await until(lambda: len(world.app.state.parts.mirror.runs(SHOP)) == 1)
    _, found = await post(world, f"/api/scenarios/{SHOP}/hint")
    assert [each["rung"] for each in found["hints"]] == [first]
    assert "when:" not in found["hints"][0]["html"]
    assert any(f'namespace="lab-{SHOP}"' in each for each in world.series.queries)


async def test_a_graded_run_of_the_learner_s_lab_is_an_attempt(world: World, runs: Any) -> None:
    world.keep_run(runs(f"{SHOP}-3", good=True, code={"digest": "4be1c0ffee12", "variant": "learner"}))
    await until(lambda: progress(world).of(SHOP).best == 100)
    text = (await get(world, "/"))[1]
    assert "best 100" in text


async def test_other_sites_are_kept_out(world: World) -> None:
    where = f"/api/labs/{SHOP}/chaos"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        status, body = await post(world, where, **headers)
        assert (status, body["error"]["code"]) == (403, "FL151"), headers
    form = {"a": "b"}  # which cannot have the page's header
    async with aiohttp.ClientSession() as client, client.post(world.url + where, data=form) as reply:
        assert reply.status == 403
    assert (await get(world, "/", Host="evil.example"))[0] == 403, "nor may a name that was rebound read"
    assert not [each for each in world.cluster.calls if each[0] == "POST"]
    assert (await post(world, where, Origin=world.url, **{"Sec-Fetch-Site": "same-origin"}))[0] == 200


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("[a](javascript:alert(1))", "href"),
        ("```mermaid\n</pre><script>x</script>\n```", "<script>"),
        ('# <img src=x onerror="x">', "<img"),
    ],
)
def test_a_lesson_brings_no_markup_of_its_own(text: str, banned: str) -> None:
    assert banned not in markdown.render(text).html


def test_a_lesson_s_title_and_sections() -> None:
    page = markdown.render("# The *shop*\n\nText.\n\n## What `breaks` at 10x\n\n| a |\n|---|\n| b |\n")
    assert page.title == "The shop"
    assert [(each.anchor, each.text) for each in page.sections] == [("lesson-what-breaks-at-10x", "What breaks at 10x")]
    assert "<h1" not in page.html
    assert '<div class="scroll"' in page.html
