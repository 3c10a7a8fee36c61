"""Cells of the crash matrix on a real lab: a sample for `make test`, every cell for `make test-crash`.

The sample is of parts that no other test here kills: see test_operator_killed, test_faults (the injector), test_stop
(Toxiproxy).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from faultline.cli import _crash
from faultline.cli._cluster import Cluster
from faultline.cli._crash import Matrix
from faultline.cli._show import Line

SAMPLE = [("loadgen", "during late"), ("apiserver", "during hole")]
CELLS = _crash.cells() if os.environ.get("CRASH") == "all" else SAMPLE


@pytest.fixture(scope="module")
def matrix(cluster: Cluster) -> Iterator[Matrix]:
    one = Matrix(cluster)
    with Line() as line:
        try:
            one.up(line)
            yield one
        finally:
            one.down()


@pytest.mark.parametrize(("component", "step"), CELLS, ids=lambda each: each.replace(" ", "-"))
def test_no_fault_is_left_and_the_run_ends_right(matrix: Matrix, component: str, step: str) -> None:
    with Line() as line:
        cell = matrix.cell(component, step, line)
    assert (cell.leaks, cell.problems) == ([], [])
    assert cell.clean_seconds <= _crash.LEFT_SECONDS


def test_the_next_run_is_clean(matrix: Matrix) -> None:
    with Line() as line:
        cell = matrix.undisturbed(line)
    assert (cell.leaks, cell.problems) == ([], [])
