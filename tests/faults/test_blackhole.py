"""blackhole: packets vanish, in a network namespace of the test's own, as the injector's pod has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nftables (in the lab: tests/e2e)"
)
CASES = Path(__file__).parent / "in_own_network.py"


@pytest.mark.parametrize("case", ["silences_and_lets_go_on", "is_proven", "ends_by_itself", "leaves_probes_uncounted"])
def test_in_own_network(case: str, toxiproxy: str, tmp_path: Path) -> None:
    script = f"ip link set lo up && exec {sys.executable} -m pytest -q -p no:cacheprovider {CASES} -k {case}"
    environment = os.environ | {"FAULTLINE_TOXIPROXY": toxiproxy}
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
