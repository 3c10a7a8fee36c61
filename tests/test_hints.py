from pathlib import Path

import pytest

from faultline import catalogue, hints
from faultline.clients.prometheus import Prometheus
from faultline.errors import Conflict, InvalidInput, NotFound
from faultline.hints import Rung
from faultline.progress import Attempt, ScenarioProgress

FOLDERS = catalogue.folders(Path(__file__).parents[1] / "scenarios")


def test_rungs_keep_their_order_and_text():
    text = "# Hints\nintro\n\n## Rung 1: The symptom\n\nLook at *errors*.\n\n## Rung 2: Why\nBecause.\n### detail\nx\n"
    assert [(each.title, each.text) for each in hints.parse(text, "HINTS.md")] == [
        ("The symptom", "Look at *errors*."),
        ("Why", "Because.\n### detail\nx"),
    ]


def test_a_rung_that_is_missing_is_named():
    with pytest.raises(InvalidInput, match=r"rung 2 must be `## Rung 2: title`, got 3"):
        hints.parse("## Rung 1: a\n## Rung 3: b\n", "HINTS.md")


def test_no_rung_at_all_is_an_error():
    with pytest.raises(InvalidInput, match="has no `## Rung 1: title`"):
        hints.parse("# Hints\n", "HINTS.md")


def test_a_scenario_without_hints_sends_to_the_lesson(tmp_path):
    with pytest.raises(NotFound) as caught:
        hints.rungs(tmp_path)
    assert caught.value.code == "FL211"


TEXT = """# Hints

## Rung 1: Symptom

Look.

## Rung 2: Seats

<!-- when: max_over_time(sum(app_pool_waiting{namespace="LAB"})[RUN:1s]) > 10
  and on() sum(rate(x{namespace="HARNESS"}[5s])) < 1 -->

Count.
"""


def test_a_condition_is_no_part_of_the_text():
    symptom, seats = hints.parse(TEXT, "HINTS.md")
    assert (symptom.when, seats.text) == ("", "Count.")
    assert seats.when.endswith('> 10 and on() sum(rate(x{namespace="HARNESS"}[5s])) < 1')


def test_a_condition_is_asked_of_one_lab_and_one_run():
    assert hints.parse(TEXT, "HINTS.md")[1].query("shop", 41.6) == (
        'max_over_time(sum(app_pool_waiting{namespace="lab-shop"})[42s:1s]) > 10'
        ' and on() sum(rate(x{namespace="harness-shop"}[5s])) < 1'
    )


def test_conditions_of_hints_that_were_shown_are_not_asked():
    rungs = hints.parse(TEXT, "HINTS.md")
    assert (hints.waiting(rungs, []), hints.waiting(rungs, [2])) == ([2], [])


def test_the_last_tier_opens_its_hints_after_an_attempt():
    tried = Attempt(run="r", variant="learner", score=1, verdict="fail", ended=1.0)
    hints.check_open("shop", "running", ScenarioProgress())
    hints.check_open("shop", "sprinting", ScenarioProgress(attempts=[tried]))
    with pytest.raises(Conflict, match="FL412: hints of the tier sprinting open after an attempt"):
        hints.check_open("shop", "sprinting", ScenarioProgress())


@pytest.mark.e2e
async def test_prometheus_understands_every_condition(prometheus_server):
    conditions = [rung for folder in FOLDERS for rung in hints.rungs(folder) if rung.when]
    series = 'app_pool_waiting{namespace="lab-shop"} 11 1790000000\n'
    text = f"# TYPE app_pool_waiting gauge\n{series}# EOF\n"
    async with Prometheus(prometheus_server(text)) as prometheus:
        for rung in conditions:
            assert await prometheus.instant(rung.query("shop", 60), 1790000000) == []
        simple = Rung("", "", 'max_over_time(sum(app_pool_waiting{namespace="LAB"})[RUN:1s]) > 10')
        assert await prometheus.instant(simple.query("shop", 60), 1790000000)
