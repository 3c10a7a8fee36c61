"""What every scenario's folder has to be, whatever it teaches."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import yaml
from tests import preloaded

from faultline import catalogue, scaffold, tuning
from faultline.api.app import App
from faultline.cli import _labs, _verification
from faultline.lab import check_cpu
from faultline.lint import lint
from faultline.scenario import ScenarioSpec
from loadgen.loadfile import named_ops

REPO = Path(__file__).parents[2]
FOLDERS = [*catalogue.folders(REPO / "scenarios"), scaffold.TEMPLATE]
EXPORTER_CORES, EXPORTER_BYTES = 0.04, 48 * 2**20
"""charts/lab: `lab.exporter`, one beside each data store."""

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def scenario(folder: Path) -> ScenarioSpec:
    return ScenarioSpec.model_validate(yaml.safe_load((folder / "scenario.yaml").read_text())["spec"])


def cores_and_bytes(app: App) -> tuple[float, float]:
    copies = [(each, each.replicas) for each in app.services]
    stores = [(app.postgres, 1 + app.postgres.replicas + app.postgres.second)] if app.postgres else []
    stores += [(app.pgbouncer, 1)] if app.pgbouncer else []
    stores += [(each, each.replicas) for each in (app.redis, app.rabbitmq) if each]
    # RabbitMQ exports its numbers itself.
    exporters = sum(count for each, count in stores if each is not app.rabbitmq)
    cores = sum(int(each.cpu.removesuffix("m")) * count for each, count in copies + stores) / 1000
    memory = sum(int(each.memory.removesuffix("Mi")) * count for each, count in copies + stores) * 2**20
    return cores + exporters * EXPORTER_CORES, memory + exporters * EXPORTER_BYTES


@each_folder
def test_keeps_the_standard_for_lessons(folder):
    assert lint(folder) == []


@each_folder
def test_fits_the_budget_of_a_lab(folder):
    cores, memory = cores_and_bytes(scenario(folder).app)
    assert cores <= 1.2
    assert memory <= 2**30


@each_folder
def test_values_that_a_variant_sets_leave_it_within_a_lab_s_limits(folder):
    for variant in catalogue.variants(folder):
        app = tuning.applied(scenario(folder), catalogue.version(folder, variant).files).app
        check_cpu(app)
        assert cores_and_bytes(app)[1] <= 2**30, variant


@each_folder
def test_a_quick_run_leaves_time_for_reset_and_grading(folder):
    assert scenario(folder).phases.windows()["drain"][1] <= 70


@each_folder
def test_load_has_the_operations_of_the_objectives(folder):
    found, computed = named_ops((folder / "load.py").read_text())
    wanted = {each.kind.op for each in scenario(folder).objectives if getattr(each.kind, "op", None)}
    assert not computed
    assert wanted <= found


@pytest.mark.integration
@pytest.mark.parametrize(
    ("folder", "variant"),
    [(folder, variant) for folder in FOLDERS for variant in catalogue.variants(folder)],
    ids=lambda part: getattr(part, "name", part),
)
def test_modules_import(folder, variant, tmp_path):
    for path, text in catalogue.version(folder, variant).files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    services = [each for each in scenario(folder).app.services if not each.shared]
    dependencies = {name for each in services for name in each.dependencies}
    environment = {f"{name.upper().replace('-', '_')}_URL": "http://127.0.0.1:1" for name in dependencies}
    for each in services:
        done = preloaded.run([each.module, "--check"], str(tmp_path), **environment, **each.env)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="what is on record was proven on x86_64, with its images")
def test_the_page_of_what_is_proven_is_that_of_the_records():
    page = _verification.page([_labs.scenario_folder(each) for each in _labs.slugs()])
    assert _verification.PAGE.read_text() == page, "make verify-all BUDGET=0"
