"""The pages: HTML from templates, which the scripts under static/ bring to life."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from faultline import panels
from faultline.api.base import seconds
from faultline.dashboard import picture
from faultline.dashboard.lessons import Entry
from faultline.learning import TIERS, Lesson, Standing
from faultline.progress import Progress, ScenarioProgress
from faultline.report.quantity import quantity
from faultline.scenario import ScenarioSpec, fault_name

HERE = Path(__file__).parent
TIER_WORDS = {
    "crawling": "You are told what to look for, step by step.",
    "walking": "You are told what kind of problem it is.",
    "running": "You get the symptom; the cause is yours to find.",
    "sprinting": "You get the system, and what it must hold.",
}


def catalogue(entries: list[Entry], progress: Progress, standing: Standing, labs: dict[str, Any]) -> str:
    """All scenarios by tier, how far one is, what comes next."""
    cards = [_card(each, progress.scenarios.get(each.slug, ScenarioProgress()), labs) for each in entries]
    following = next((each for each in cards if standing.next and each["slug"] == standing.next.slug), None)
    return _render(
        "catalogue.html.j2",
        place="catalogue",
        cards={tier: [each for each in cards if each["tier"] == tier] for tier in TIERS},
        words=TIER_WORDS,
        standing=standing,
        following=following,
        why=standing.next.why if standing.next else "",
    )


def _card(entry: Entry, record: ScenarioProgress, labs: dict[str, Any]) -> dict[str, Any]:
    lesson = entry.lesson
    return {
        "slug": lesson.slug,
        "title": lesson.title,
        "tier": lesson.tier,
        "concepts": lesson.concepts,
        "passed": record.passed is not None,
        "begun": record.started is not None or bool(record.attempts),
        "words": _done(record),
        "labs": labs.get(lesson.slug, []),
    }


def _done(record: ScenarioProgress) -> list[str]:
    """What was done in a scenario, in words."""
    counts = [(len(record.own), "attempt"), (record.hints_used, "hint")]
    words = [] if record.best is None else [f"best {record.best}"]
    words += [] if record.seconds_to_fix is None else [f"fixed in {_duration(record.seconds_to_fix)}"]
    return words + [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]


def scenario(
    entry: Entry,
    lab: str,
    labs: list[str],
    record: ScenarioProgress,
    hints: list[dict[str, Any]],
    following: Lesson | None,
) -> str:
    """A scenario: its lesson beside its live lab, and what follows once it is passed."""
    spec = entry.spec
    return _render(
        "scenario.html.j2",
        place="scenario",
        entry=entry,
        lesson=entry.lesson,
        page=entry.page,
        lab=lab,
        labs=labs,
        record=record,
        hints=hints,
        following=following,
        rungs=len(entry.rungs),
        wide=picture.svg(picture.draw(spec.app)),
        tall=picture.svg(picture.draw(spec.app, tall=True)),
        edges=list(spec.app.edges(off=True)),
        plan=plan(spec),
        words=TIER_WORDS.get(entry.lesson.tier, ""),
        data=_json({"lab": lab, "slug": entry.slug, "panels": json.loads(panels.as_json()), "plan": plan(spec)}),
    )


def plan(spec: ScenarioSpec) -> dict[str, Any]:
    """The timed phases and faults of a run, in seconds after its mark; the drain is too short to be shown."""
    windows = spec.phases.windows()
    begin = windows["fault"][0]
    return {
        "length": windows["recovery"][1],
        "end": windows["drain"][1],
        "phases": [{"name": name, "start": windows[name][0], "end": windows[name][1]} for name in list(windows)[:3]],
        "faults": [
            {
                "name": fault_name(place, each),
                "type": each.type.replace("_", " "),
                "edge": each.edge or "",
                "start": begin + each.window()[0],
                "end": begin + each.window()[1],
            }
            for place, each in enumerate(spec.faults)
        ],
        "rate": max(stage.rate for stage in spec.load.stages),
        "deadline": seconds(spec.load.deadline),
    }


def runs(found: list[dict[str, Any]], titles: dict[str, str], chosen: str, others: int, every: bool) -> str:
    """Runs that were kept: of a chosen lab, of all learners' labs, or with `others`, those of commands, too."""
    values = {"runs": found, "titles": titles, "chosen": chosen, "others": others, "every": every}
    return _render("runs.html.j2", place="runs", **values)


def compare(records: list[Any], rows: list[Any], charts: dict[str, Any]) -> str:
    """Two runs overlaid."""
    return _render("compare.html.j2", place="runs", records=records, rows=rows, data=_json(charts))


def problem(status: int, code: str, message: str, next_step: str) -> str:
    """An error as a page."""
    return _render("problem.html.j2", place="", status=status, code=code, message=message, next_step=next_step)


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


def _json(data: Any) -> Markup:
    """JSON that may stand in a script element, whatever strings it has."""
    text = json.dumps(data, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704 - no markup is left in it


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(quantity=quantity, moment=_moment, iso=_iso, html=Markup)
    return environment


def _iso(at: float | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at or 0))


def _moment(at: float | None) -> str:
    return time.strftime("%d %b %Y, %H:%M UTC", time.gmtime(at or 0))


def _duration(length: float) -> str:
    minutes = round(length / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
