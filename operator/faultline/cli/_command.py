"""Runs the `faultline` command itself, for what is measured as a person waits for it."""

from __future__ import annotations

import os
import subprocess
import sys

from faultline.errors import HostProblem

TIMEOUT_SECONDS = 1800


def run_self(*args: str, **environment: str) -> str:
    """`faultline ARGS -o json`, with more in its environment: what it printed.

    Raises HostProblem (FL523) when it ends with an error.
    """
    command = [sys.executable, "-m", "faultline", *args, "-o", "json"]
    done = subprocess.run(  # noqa: S603 - our own command, its arguments are ours
        command,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        message = (
            f"`faultline {' '.join(args)}` ended with status {done.returncode}: {(done.stdout + done.stderr)[-800:]}"
        )
        raise HostProblem("FL523", message, f"faultline {' '.join(args)}")
    return done.stdout
