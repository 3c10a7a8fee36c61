"""The CRDs are what the models say, structural, and bounded; the API server's own verdict is an end-to-end test."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from faultline import crds, documents
from faultline.api.run import RunSpec, RunStatus
from faultline.api.status import ScenarioStatus
from faultline.errors import InvalidInput
from faultline.faults import FAULTS
from faultline.measures import MEASURES
from faultline.scenario import ScenarioSpec

FOLDER = Path(__file__).parents[1] / "charts/faultline/crds"


@pytest.mark.parametrize("name", ["scenarios.yaml", "runs.yaml"])
def test_files_are_what_the_models_generate(name):
    wanted = crds.render(crds.definitions()[name])
    assert (FOLDER / name).read_text() == wanted, "run `python -m faultline.crds`"


def nodes(schema: dict[str, Any], where: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(where, schema)]
    for name, each in schema.get("properties", {}).items():
        found += nodes(each, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            found += nodes(schema[key], f"{where}[]")
    return found


@pytest.mark.parametrize("model", [ScenarioSpec, ScenarioStatus, RunSpec, RunStatus])
def test_schemas_have_only_what_structural_ones_may(model):
    allowed = crds.KEPT | {"properties", "items", "additionalProperties", "exclusiveMinimum", "exclusiveMaximum"}
    for where, node in nodes(crds.structural(model)):
        assert set(node) <= allowed, where
        assert "type" in node, where
        assert node.get("exclusiveMinimum", True) is True, where


@pytest.mark.parametrize("model", [ScenarioSpec, RunSpec])
def test_every_list_map_and_text_of_a_spec_is_bounded(model):
    for where, node in nodes(crds.structural(model)):
        match node["type"]:
            case "array":
                assert "maxItems" in node, where
            case "string":
                assert "maxLength" in node or "enum" in node, where
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, where


def test_a_fault_has_one_property_per_type_and_exactly_one_of_them():
    fault = crds.structural(ScenarioSpec)["properties"]["faults"]["items"]
    assert set(FAULTS) < set(fault["properties"])
    assert all(f"has(self.{name})" in fault["x-kubernetes-validations"][0]["rule"] for name in FAULTS)
    assert fault["x-kubernetes-validations"][0]["message"] == f"must have exactly one fault, one of {', '.join(FAULTS)}"


def test_an_objective_has_one_property_per_measure():
    objective = crds.structural(ScenarioSpec)["properties"]["objectives"]["items"]
    assert set(MEASURES) < set(objective["properties"])


def test_a_run_is_never_edited():
    assert crds.structural(RunSpec)["x-kubernetes-validations"][0]["rule"] == "self == oldSelf"


def test_a_keyword_that_is_not_known_is_an_error():
    class Odd(BaseModel):
        pair: tuple[int, int]

    with pytest.raises(InvalidInput, match="schema keyword 'prefixItems' has no structural form"):
        crds.structural(Odd)


def test_both_kinds_are_cluster_scoped_with_status_and_columns():
    for name, columns in (
        ("scenarios.yaml", ["Tier", "Phase", "Score", "Age"]),
        ("runs.yaml", ["Scenario", "Phase", "Score", "Verdict", "Age"]),
    ):
        spec = documents.read((FOLDER / name).read_text())["spec"]
        (version,) = spec["versions"]
        assert spec["scope"] == "Cluster"
        assert version["subresources"] == {"status": {}}
        assert [each["name"] for each in version["additionalPrinterColumns"]] == columns


@pytest.mark.parametrize("store", ["redis", "rabbitmq"])
def test_an_edge_to_a_store_that_is_left_out_is_none(store):
    left_out = f"!(name == '{store}' && has(self.app.{store}) && self.app.{store}.replicas == 0)"
    assert left_out in crds.UNKNOWN_EDGE
