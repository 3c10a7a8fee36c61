"""The API server itself takes the CRDs, good objects, and refuses bad ones with field, rule and value."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.e2e.lab import kubectl
from tests.test_validation import BAD, GOOD, merged

from faultline.faults import FAULTS
from faultline.scenario import KINDS

pytestmark = pytest.mark.e2e

CRDS = Path(__file__).parents[2] / "charts/faultline/crds"


def dry_run(tmp_path: Path, body: dict) -> str:
    file = tmp_path / "object.json"
    file.write_text(json.dumps(body))
    return said(kubectl("create", "--dry-run=server", "-f", str(file), check=False))


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["scenarios.yaml", "runs.yaml"])
def test_the_api_server_takes_the_definitions(name):
    options = ["--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=test"]
    assert "serverside-applied (server dry run)" in said(kubectl("apply", *options, "-f", str(CRDS / name)))


def test_a_good_scenario_is_taken(tmp_path):
    assert "scenario.faultline.dev/good created (server dry run)" in dry_run(tmp_path, yaml.safe_load(GOOD.read_text()))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_scenario_is_refused(tmp_path, file):
    case, body = yaml.safe_load(file.read_text()), yaml.safe_load(GOOD.read_text())
    body["spec"] = merged(body["spec"], case["spec"])
    wanted = case["api"].replace("FAULTS", ", ".join(sorted(FAULTS))).replace("KINDS", ", ".join(sorted(KINDS)))
    assert wanted in dry_run(tmp_path, body)


@pytest.mark.parametrize("name", ["Upper", "9lives", "x" * 41])
def test_a_name_that_would_not_fit_into_a_namespace_is_refused(tmp_path, name):
    body = yaml.safe_load(GOOD.read_text())
    body["metadata"]["name"] = name
    assert "metadata.name" in dry_run(tmp_path, body)


def test_a_run_needs_a_scenario(tmp_path):
    run = {"apiVersion": "faultline.dev/v1alpha1", "kind": "Run", "metadata": {"name": "test-dry"}, "spec": {}}
    assert "spec.scenario: Required value" in dry_run(tmp_path, run)
