"""A task for an outsider: everything to work with, and nothing of the answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from faultline import brief, catalogue, heldout
from faultline.api.base import SLUG_PATTERN
from faultline.errors import NotFound
from faultline.lint import Folder
from faultline.scaffold import TEMPLATE, create

REPO = Path(__file__).resolve().parents[1]
FOLDERS = [*catalogue.folders(REPO / "scenarios"), TEMPLATE]
each_folder = pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)


def test_it_says_what_is_seen_what_there_is_and_what_must_hold():
    found = brief.brief(Folder(TEMPLATE), "new-scenario")
    assert found["title"] == "Prices that are slow to come"
    assert found["symptom"].startswith("A shop asks another service for the price of each product.")
    assert found["symptom"].endswith("For those nine seconds the shop showed nothing at all.")
    assert found["system"] == {
        "entry": "shop",
        "services": [
            {"name": "shop", "yours": True, "calls": ["prices"]},
            {"name": "prices", "yours": True, "calls": []},
        ],
        "data_stores": [],
        "data_stores_off": [],
    }
    assert found["load"] == {"requests_per_second": 30, "answer_within_seconds": 1}
    assert found["must_hold"][0] == "pages are shown while prices is slow"
    assert found["access"]["namespace"] == "lab-new-scenario"
    assert found["access"]["send"] == "faultline fix new-scenario"


def test_a_store_that_is_switched_off_is_told_as_such():
    system = brief.brief(Folder(REPO / "scenarios/message-queues"), "message-queues")["system"]
    assert (system["data_stores"], system["data_stores_off"]) == (["postgres", "redis"], ["rabbitmq"])


@each_folder
def test_it_gives_neither_cause_nor_fault_nor_hint(path):
    folder = Folder(path)
    text = json.dumps(brief.brief(folder, folder.slug)).lower()
    for concept in folder.spec.concepts:
        assert concept.lower() not in text
    for objective in folder.spec.objectives:
        assert objective.reason.lower() not in text
    held_out = heldout.of_folder(path, folder.spec)
    for fault in [*folder.spec.faults, *(held_out.faults if held_out else [])]:
        assert fault.name is None or fault.name not in text
    assert "solution/" not in text
    assert "wrong/" not in text
    assert "without/" not in text


@each_folder
def test_opaque_does_not_say_which_it_is(path, tmp_path):
    folder = Folder(path)
    name = brief.opaque_name(folder.slug, tmp_path)
    text = json.dumps(brief.brief(folder, name, opaque=True))
    assert folder.slug not in text
    assert folder.spec.title not in text
    assert text.count(name) == 5


def test_the_name_is_the_same_each_time_and_another_for_another(tmp_path):
    name = brief.opaque_name("indexes", tmp_path)
    assert re.fullmatch(SLUG_PATTERN, name)
    assert brief.opaque_name("indexes", tmp_path) == name
    assert brief.opaque_name("index", tmp_path) != name
    assert (tmp_path / "opaque.key").stat().st_mode & 0o077 == 0


def test_two_machines_agree_by_a_key_of_both(tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert brief.opaque_name("indexes", tmp_path / "one") != brief.opaque_name("indexes", tmp_path / "two")
    monkeypatch.setenv("FAULTLINE_OPAQUE_KEY", "shared")
    assert brief.opaque_name("indexes", tmp_path / "one") == brief.opaque_name("indexes", tmp_path / "two")


def test_a_lesson_without_a_symptom_is_named(tmp_path):
    folder = create(tmp_path, "late-letters")
    lesson = folder / "SCENARIO.md"
    lesson.write_text("# Late letters\n\n*Crawling. You are told what to look for and where.*\n\n## Read\n")
    with pytest.raises(NotFound) as caught:
        brief.brief(Folder(folder), "late-letters")
    assert caught.value.code == "FL225"
