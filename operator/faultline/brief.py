"""A scenario as an outsider gets it: what is seen, what the system is made of, what must hold. No cause, fault or hint.

The name under which a scenario is hidden is made from its slug with a key of this machine, or FAULTLINE_OPAQUE_KEY
where several are to agree: it stays the same, and nobody without the key finds the slug by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from faultline.api.base import seconds
from faultline.api.run import PASS_MARK
from faultline.errors import NotFound
from faultline.lint import Folder
from faultline.locks import locked
from faultline.names import lab_namespace
from faultline.scenario import ScenarioSpec

STORES = ("postgres", "redis", "pgbouncer", "rabbitmq")
KEY_VARIABLE = "FAULTLINE_OPAQUE_KEY"


def opaque_name(slug: str, home: Path) -> str:
    """The name that hides a scenario, such as case-1f2e3d4c5b: a DNS label, the same each time."""
    return "case-" + hmac.new(_key(home), slug.encode(), hashlib.sha256).hexdigest()[:10]


def _key(home: Path) -> bytes:
    if given := os.environ.get(KEY_VARIABLE):
        return given.encode()
    path = home / "opaque.key"
    with locked(home / ".opaque.lock", str(home)):
        if not path.is_file():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path.read_bytes()


def brief(folder: Folder, name: str, *, opaque: bool = False) -> dict[str, Any]:
    """The task, its lab called `name`. With `opaque` nothing in it says which scenario it is.

    Raises InvalidInput (FL104, FL105) for a scenario.yaml that is none, NotFound (FL225) without a symptom.
    """
    spec = folder.spec
    known = {} if opaque else {"slug": folder.slug, "title": spec.title}
    return {
        "name": name,
        **known,
        "symptom": symptom(folder),
        "system": _system(spec),
        "load": {
            "requests_per_second": max(each.rate for each in spec.load.stages),
            "answer_within_seconds": seconds(spec.load.deadline),
        },
        "must_hold": [each.name for each in spec.objectives],
        "pass_mark": PASS_MARK,
        "access": _access(folder.slug, name, opaque),
    }


def symptom(folder: Folder) -> str:
    """The first paragraph of the lesson below the line with the tier, on one line. Raises NotFound (FL225)."""
    tier = f"{folder.spec.tier.capitalize()}."
    for paragraph in folder.lesson.paragraphs[:2]:
        if not paragraph.text.startswith(tier):
            return " ".join(paragraph.text.split())
    raise NotFound("FL225", f"{folder.slug} does not say what is seen", f"faultline lint {folder.slug}")


def _system(spec: ScenarioSpec) -> dict[str, Any]:
    off = spec.app.stores(off=True) - spec.app.stores()
    return {
        "entry": spec.app.entry,
        "services": [
            {"name": each.name, "yours": not each.shared, "calls": list(each.dependencies)}
            for each in spec.app.services
        ],
        "data_stores": [name for name in STORES if name in spec.app.stores()],
        "data_stores_off": [name for name in STORES if name in off],
    }


def _access(slug: str, name: str, opaque: bool) -> dict[str, Any]:
    """Where to look, where to write, what to type. Without the slug the code is what the pods have at /app."""
    which = f"--name {name}" if opaque or name != slug else slug
    return {
        "namespace": lab_namespace(name),
        "code": "/app in the pods of your services" if opaque else f"workspace/{slug}/",
        "look": f"faultline kubeconfig {which} --learner",
        "run": f"faultline chaos {which}",
        "score": f"faultline grade {which}",
    } | ({} if opaque else {"send": f"faultline fix {slug}"})
