from pathlib import Path

import pytest

from faultline import documents
from faultline.errors import InvalidInput, NotFound
from faultline.faults import FAULTS
from faultline.scenario import KINDS, ScenarioSpec
from faultline.validation import parse, scenario_object

BAD = sorted((Path(__file__).parent / "fixtures/scenarios/bad").glob("*.yaml"))
GOOD = Path(__file__).parent / "fixtures/scenarios/good.yaml"


def merged(base, change):
    """`change` over `base`; a null removes."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    result = {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}
    return {key: value for key, value in result.items() if value is not None}


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_scenario_is_refused_with_field_rule_and_value(file):
    case = documents.read(file.read_text())
    spec = merged(documents.read(GOOD.read_text())["spec"], case["spec"])
    with pytest.raises(InvalidInput) as caught:
        parse(ScenarioSpec, spec)
    wanted = case["operator"].replace("FAULTS", ", ".join(sorted(FAULTS)))
    assert caught.value.message == wanted.replace("KINDS", ", ".join(sorted(KINDS)))


def test_a_good_one_is_taken(tmp_path):
    assert scenario_object(GOOD)["metadata"]["name"] == "good"


def test_a_file_that_is_not_there():
    with pytest.raises(NotFound, match="there is no scenario at /nowhere"):
        scenario_object(Path("/nowhere"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("kind: Pod", "apiVersion must be faultline.dev/v1alpha1, got None"),
        ("- 1", "apiVersion must be faultline.dev/v1alpha1"),
        ("{apiVersion: faultline.dev/v1alpha1, kind: Pod}", "kind must be Scenario, got Pod"),
        ("{apiVersion: faultline.dev/v1alpha1, kind: Scenario}", "metadata.name is required"),
    ],
)
def test_a_file_that_is_no_scenario(tmp_path, text, message):
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        scenario_object(file)
