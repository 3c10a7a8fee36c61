"""Porcupine, the published checker for linearizability, on the same histories."""

from __future__ import annotations

import json
import math
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from faultline.checks._register import Step, linearizable
from faultline.host import binaries, building, images
from faultline.host.process import Log

pytestmark = pytest.mark.e2e  # Docker compiles it
HISTORIES = 3000
NEVER = 10**6


@pytest.fixture(scope="session")
def porcupine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tools/porcupine, compiled as the other Go tools are."""
    folder = tmp_path_factory.mktemp("porcupine")
    program = folder / "porcupine-register"
    log = Log(folder / "log")
    building.build_all(["tool-porcupine"], log)
    log.close()
    binaries.copy_out(images.ref("tool-porcupine"), "/bin/porcupine-register", program)
    return program


def made_up(rng: random.Random) -> list[Step]:
    """A register with up to 5 clients, some of whose answers are made up, and some of whose writes have no reply."""
    clients, values = rng.randint(1, 5), rng.randint(1, 6)
    moments: list[tuple[float, Step]] = []
    for client in range(clients):
        at = client * 0.001
        for _ in range(rng.randint(1, 6)):
            start, moment, end = (at := at + rng.random()), (at := at + rng.random()), (at := at + rng.random())
            write = rng.random() < 0.5
            if write and rng.random() < 0.15:
                end = math.inf
            moments.append((moment, Step(write, rng.randint(1, values), round(start, 6), round(end, 6))))
    held, steps = 0, []
    for _, each in sorted(moments, key=lambda each: each[0]):
        if each.write:
            held = int(str(each.value))
        steps.append(each if each.write or rng.random() < 0.15 else each._replace(value=held))
    return steps


def as_json(steps: Sequence[Step]) -> str:
    """Porcupine wants whole numbers, and knows no missing end: one after everything else is the same."""
    return json.dumps(
        [
            {
                "write": each.write,
                "value": each.value,
                "start": round(each.start * 1e6),
                "end": round(min(each.end, NEVER) * 1e6),
            }
            for each in steps
        ]
    )


def test_porcupine_gives_the_same_verdicts(porcupine: Path) -> None:
    rng = random.Random(5)  # noqa: S311 - made-up data
    histories = [made_up(rng) for _ in range(HISTORIES)]
    asked = "".join(f"{as_json(each)}\n" for each in histories)
    told = subprocess.run([porcupine], input=asked, capture_output=True, text=True, timeout=120, check=True).stdout
    theirs = [line == "true" for line in told.splitlines()]
    ours = [linearizable(each, 0) for each in histories]
    assert len(theirs) == HISTORIES
    assert ours == theirs
    # Both verdicts have to be there often, or the comparison says nothing.
    assert HISTORIES / 5 < sum(ours) < HISTORIES * 4 / 5
