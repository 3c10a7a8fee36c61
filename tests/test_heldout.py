"""What a folder holds out: which faults it may have, and which of them a seed chooses."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from faultline import catalogue, documents, heldout
from faultline.errors import InvalidInput
from faultline.scenario import ScenarioSpec

REPO = Path(__file__).resolve().parents[1]
FOLDERS = [each.parent for each in sorted(REPO.glob(f"scenarios/*/{heldout.FILE}"))]
SPEC = ScenarioSpec.model_validate(
    documents.read("""
      slug: shop
      title: A shop
      tier: sprinting
      app:
        entry: web
        services: [{name: web, module: "main:app", dependencies: [redis]}]
        redis: {}
      load: {stages: [{rate: 20}], deadline: 1s}
      phases: {fault: 20s}
      faults: [{name: cut, at: 1s, for: 2s, edge: web->redis, partition: {}}]
      objectives: [{name: up, weight: 1, target: 0.99, worst: 0.5, reason: r, availability: {}}]
    """)
)
GOOD = """
choose: 1
faults:
  - {name: slow, at: 5s, for: 2s, edge: web->redis, latency: {delay: 90ms}}
  - {name: dead, at: 5s, for: 1s, kill: {service: web, pods: 1}}
  - {name: gone, at: 5s, for: 1s, flush: {}}
"""


def test_the_same_seed_chooses_the_same_and_all_are_chosen_by_some_seed():
    held = heldout.parsed(GOOD, SPEC)
    found = [[each.name for each in held.chosen(seed)] for seed in range(30)]
    assert found == [[each.name for each in heldout.parsed(GOOD, SPEC).chosen(seed)] for seed in range(30)]
    assert all(len(each) == 1 for each in found)
    assert {name for names in found for name in names} == {"slow", "dead", "gone"}


def test_the_choice_does_not_depend_on_the_order_of_the_file():
    turned = yaml.safe_load(GOOD)
    turned["faults"].reverse()
    other = heldout.parsed(yaml.safe_dump(turned), SPEC)
    for seed in range(30):
        assert other.chosen(seed) == heldout.parsed(GOOD, SPEC).chosen(seed)


def test_a_run_has_what_was_chosen_behind_the_scenario_s_own():
    chosen = heldout.parsed(GOOD.replace("choose: 1", "choose: 2"), SPEC).chosen(7)
    assert [each.name for each in heldout.added(SPEC, chosen).faults] == ["cut", *(each.name for each in chosen)]
    assert len(chosen) == 2


def test_the_digest_is_of_all_that_is_said_of_a_fault():
    one, other = (heldout.parsed(text, SPEC).faults for text in (GOOD, GOOD.replace("90ms", "80ms")))
    assert heldout.digest(one) == heldout.digest(heldout.parsed(GOOD, SPEC).faults)
    assert heldout.digest(one) != heldout.digest(other)
    assert heldout.digest(one[1:]) == heldout.digest(other[1:])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: slow, ", "", "heldout.faults[0].name is required"),
        (
            "edge: web->redis",
            "edge: web->db",
            "heldout.faults[0].edge must be one of client->web, web->redis, got web->db",
        ),
        ("service: web", "service: shop", "heldout.faults[1].kill.service must be one of web, got shop"),
        (
            "flush: {}",
            "replay_pause: {}",
            "heldout.faults[2].replay_pause needs postgres in the app, got redis",
        ),
        ("name: dead", "name: slow", "heldout.faults[1].name must be none of cut, slow, got slow"),
        ("name: dead", "name: cut", "heldout.faults[1].name must be none of cut, slow, got cut"),
        ("for: 2s", "for: 30s", "ends 35s after the start of the fault phase, which is only phases.fault = 20s long"),
        (
            "for: 2s",
            "for: 13s",
            "heldout.faults[0] must end 3s before the recovery, at 17s of the fault phase, got 18s",
        ),
        ("choose: 1", "choose: 3", "heldout.choose must be below the number of faults 3, got 3"),
        ("choose: 1", "pick: 1", "heldout.pick is not a known field, got 1"),
        (
            "flush: {}",
            "hot_key: {share: 0.8}",
            "faults[2].hot_key must not be a fault made of traffic: its requests are counted by its name",
        ),
    ],
)
def test_a_broken_rule_is_said_with_field_and_value(old, new, said):
    assert GOOD.count(old) == 1
    with pytest.raises(InvalidInput) as caught:
        heldout.parsed(GOOD.replace(old, new), SPEC)
    assert caught.value.code == "FL105"
    assert said in caught.value.message


def test_what_is_no_yaml_is_said():
    with pytest.raises(InvalidInput, match="is not YAML") as caught:
        heldout.parsed("faults: [", SPEC)
    assert caught.value.code == "FL104"


def test_a_folder_without_the_file_holds_nothing_out(tmp_path):
    assert heldout.of_folder(tmp_path, SPEC) is None


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_seeds_reach_every_fault_that_a_scenario_holds_out(folder):
    assert folder in catalogue.folders(REPO / "scenarios")
    spec = ScenarioSpec.model_validate(documents.read((folder / "scenario.yaml").read_text())["spec"])
    held = heldout.of_folder(folder, spec)
    assert {each.name for seed in range(1, 21) for each in held.chosen(seed)} == {each.name for each in held.faults}
