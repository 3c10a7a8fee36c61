"""What stays of a run outside the cluster: `runs/RUN/` in the data volume."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from faultline.api.run import RunStatus
from faultline.clients.kube import Json

log = logging.getLogger(__name__)


def folder(data: Path, run: str) -> Path:
    """Of one run."""
    return data / "runs" / run


def write(where: Path, name: str, content: bytes) -> str | None:
    """Write one file whole or not at all; the problem in words when the disk does not take it."""
    temporary = where / f".{name}.part"
    try:
        where.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, where / name)
    except OSError as error:
        log.warning("%s/%s was not written: %s", where, name, error)
        temporary.unlink(missing_ok=True)
        return f"{name} was not written: {error.strerror}"
    return None


def run_json(run: Json, status: RunStatus) -> bytes:
    """Spec and status of a run, as `kubectl get run -o json` would have them."""
    record = {
        "apiVersion": run.get("apiVersion"),
        "kind": "Run",
        "metadata": {key: run["metadata"].get(key) for key in ("name", "creationTimestamp", "labels")},
        "spec": run["spec"],
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    return json.dumps(record, indent=1).encode()
