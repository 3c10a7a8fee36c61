"""Objects as they are sent to the API server: `kubectl apply`'s way of changing one, and a new Run."""

from __future__ import annotations

import copy
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from faultline import heldout
from faultline.api.base import API_VERSION
from faultline.names import MAX_SEED

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def new_run(scenario: Mapping[str, Any], seed: int | None = None) -> dict[str, Any]:
    """A Run of a Scenario object; its name has the time, so that files and records of runs never share one.

    Without a seed it has the API's, but where faults are held out: whoever meets the same one each time knows it soon.
    """
    name = scenario["metadata"]["name"]
    if seed is None and scenario["spec"]["tier"] == heldout.TIER:
        seed = secrets.randbelow(MAX_SEED + 1)
    return {
        "apiVersion": API_VERSION,
        "kind": "Run",
        "metadata": {"name": time.strftime(f"{name}-%Y%m%d-%H%M%S", time.gmtime())},
        "spec": {"scenario": name} | ({} if seed is None else {"seed": seed}),
    }


def applied(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the annotation by which `kubectl apply` knows what it wrote last."""
    result = copy.deepcopy(manifest)
    # To the byte as kubectl writes it, which then finds nothing to change.
    result["metadata"].setdefault("annotations", {})
    text = json.dumps(result, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    result["metadata"]["annotations"][LAST_APPLIED] = text
    return result


def three_way(live: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that `kubectl apply` would send: ours is set, what only the last apply had is removed.

    What others added stays, such as the annotation that names the learner's code.
    """
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    last = json.loads(text) if text else {}
    patch: dict[str, Any] = _merge(last, applied(manifest))
    return patch


def _merge(last: Any, new: Any) -> Any:
    if not isinstance(last, dict) or not isinstance(new, dict):
        return new
    gone = {key: None for key in last if key not in new}
    return gone | {key: _merge(last.get(key), value) for key, value in new.items()}
