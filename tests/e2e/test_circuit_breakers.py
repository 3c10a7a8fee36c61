"""The grader proves itself on a real cluster: circuit-breakers' flawed app fails, its solution passes."""

from __future__ import annotations

import json
import subprocess

import pytest

from faultline.workspace import REPO


@pytest.mark.timeout(900)
def test_the_flawed_app_fails_and_the_solution_passes() -> None:
    command = [
        str(REPO / ".venv" / "bin" / "faultline"), "verify", "circuit-breakers",
        "--variant", "flawed", "--variant", "solution", "-o", "json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdicts = {each["variant"]: each["verdict"] for each in json.loads(done.stdout)["runs"]}
    assert verdicts == {"flawed": "fail", "solution": "pass"}
