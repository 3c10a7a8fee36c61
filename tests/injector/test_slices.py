"""Short slices reach every thread and process that begins later."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from faultline.injector import slices

NORMAL = "import os; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)); "
"""Those who run tests at idle priority, which has no slices, test the same."""
CODE = NORMAL + "from faultline.injector import slices; assert slices.take_short_slices(); "
PRINT = "from faultline.injector import slices; print(slices.slice_nanoseconds())"
SHOW = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{PRINT}'])"


def kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


needs_slices = pytest.mark.skipif(kernel() < (6, 12), reason="slices came with Linux 6.12")


@needs_slices
def test_a_process_that_begins_later_has_it():
    done = subprocess.run([sys.executable, "-c", CODE + SHOW], capture_output=True, text=True, check=True, env=ENV)
    assert int(done.stdout) == slices.SLICE_NANOSECONDS


@needs_slices
def test_only_the_slice_changes():
    code = NORMAL + "before = os.nice(0), os.sched_getscheduler(0); " + CODE
    code += "assert (os.nice(0), os.sched_getscheduler(0)) == before"
    subprocess.run([sys.executable, "-c", code], check=True, env=ENV)


def test_a_machine_that_is_unknown_goes_without(monkeypatch):
    monkeypatch.setattr(slices.platform, "machine", lambda: "pdp11")
    assert not slices.take_short_slices()


@needs_slices
def test_a_kernel_that_refuses_is_no_error(monkeypatch, caplog):
    monkeypatch.setattr(slices, "SLICE_NANOSECONDS", 2**63)
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: it must not change those of other tests
        assert not pool.submit(slices.take_short_slices).result()


ENV = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(slices.__file__)))}
