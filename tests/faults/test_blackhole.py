"""blackhole: packets vanish, in a network namespace of the test's own, as the injector's pod has one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faultline.host.home import REPO

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (in the lab: tests/e2e)")
FILE = Path(__file__).parent / "in_own_network.py"
CASES = [
    "silences_and_lets_go_on",
    "is_proven",
    "ends_by_itself",
    "leaves_probes_uncounted",
    "a_dial_that_nobody_answers_is_ended",
]


def test_in_own_network(toxiproxy: str, subtests: pytest.Subtests) -> None:
    """All cases in one test: starting pytest costs more than they do, and workers would each start it for a part."""
    script = f"ip link set lo up && exec {sys.executable} -m pytest -q -rA -p no:cacheprovider {FILE}"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script],
        env=os.environ | {"FAULTLINE_TOXIPROXY": toxiproxy},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    for case in CASES:
        with subtests.test(case):
            assert f"PASSED {FILE.relative_to(REPO)}::test_{case}\n" in done.stdout, done.stdout


def test_every_case_is_asked_for() -> None:
    assert re.findall(r"^async def test_(\w+)", FILE.read_text(), re.M) == CASES
