"""Which code a lab runs: the ConfigMap that the Scenario's annotation names, else the flawed one of the catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from faultline import tuning
from faultline.catalogue import (
    ANNOTATION_DIGEST,
    ANNOTATION_VARIANT,
    CONFIGMAPS,
    ENTRY_HELDOUT,
    LABEL_SLUG,
    LEARNER,
    catalogue_name,
    path_of,
)
from faultline.clients.kube import Json, path
from faultline.controller.api import Api
from faultline.errors import InvalidInput, NotFound
from faultline.lab import CodeVersion, seed_digest
from faultline.names import ANNOTATION_CODE

SEED = "seed"
SEED_FILE = "seed.sql"


@dataclass(frozen=True)
class Code:
    """The code in force, and what comes with it from the folder."""

    configmap: str
    digest: str
    variant: str
    slug: str
    data: Mapping[str, str]
    """Files by ConfigMap key."""
    load_py: str
    seed: str | None
    held_out: str | None = None
    """Digest of the folder's heldout.yaml, None where nothing is held out."""

    @property
    def version(self) -> CodeVersion:
        """As the chart's values want it."""
        return CodeVersion(self.digest, self.configmap, {key: path_of(key) for key in self.data})

    @property
    def files(self) -> dict[str, str]:
        """By path."""
        return {path_of(key): text for key, text in self.data.items()}

    @property
    def seed_digest(self) -> str | None:
        """Digest of the seed, None without one."""
        return seed_digest(self.seed) if self.seed is not None else None


async def in_force(api: Api, scenario: Json) -> Code:
    """The code of a Scenario object now.

    Raises NotFound: FL207 when the folder is not in the cluster, FL208 when the code is not; InvalidInput:
    FL107 for the code of another scenario, FL110, and FL138 for one with files that are not the learner's.
    """
    slug = scenario["spec"]["slug"]
    folder = await api.get(f"{CONFIGMAPS}/{catalogue_name(slug)}")
    if folder is None:
        raise NotFound("FL207", f"spec.slug: the catalogue in the cluster has no {slug}", f"faultline apply {slug}")
    entry = folder.get("data") or {}
    named = (scenario["metadata"].get("annotations") or {}).get(ANNOTATION_CODE)
    name = named or entry["flawed"]
    found = await api.get(f"{CONFIGMAPS}/{name}")
    if found is None:
        raise NotFound("FL208", f"{ANNOTATION_CODE}: there is no code {name} in the cluster", f"make fix S={slug}")
    meta, data = found["metadata"], found.get("data") or {}
    if (meta.get("labels") or {}).get(LABEL_SLUG) != slug:
        raise InvalidInput("FL107", f"{ANNOTATION_CODE}: {name} is not code of {slug}", f"make fix S={slug}")
    tuning.check_files({path_of(key): text for key, text in data.items()})
    annotations = meta.get("annotations") or {}
    return Code(
        configmap=name,
        digest=annotations.get(ANNOTATION_DIGEST) or content_digest(data),
        variant=annotations.get(ANNOTATION_VARIANT, LEARNER),
        slug=slug,
        data=data,
        load_py=entry["load.py"],
        seed=entry.get(SEED_FILE),
        held_out=entry.get(ENTRY_HELDOUT),
    )


def content_digest(data: Mapping[str, str]) -> str:
    """For a ConfigMap that somebody wrote by hand."""
    return hashlib.sha256("\0".join(f"{key}\0{data[key]}" for key in sorted(data)).encode()).hexdigest()


async def copy_into(api: Api, namespace: str, code: Code) -> None:
    """Bring the code and its seed into the lab's namespace. The code's ConfigMap is never changed once it is there."""
    if await api.get(path("ConfigMap", code.configmap, namespace)) is None:
        await api.apply(
            path("ConfigMap", code.configmap, namespace),
            _configmap(code.configmap, namespace, code, dict(code.data)) | {"immutable": True},
        )
    if code.seed is not None:
        body = _configmap(SEED, namespace, code, {SEED_FILE: code.seed})
        del body["metadata"]["labels"]
        await api.apply(path("ConfigMap", SEED, namespace), body)


def _configmap(name: str, namespace: str, code: Code, data: dict[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL_SLUG: code.slug}},
        "data": data,
    }


async def remove_others(api: Api, namespace: str, keep: str) -> None:
    """Delete the versions of the code that no pod runs any more."""
    for each in await api.items(path("ConfigMap", namespace=namespace), LABEL_SLUG):
        if each["metadata"]["name"] != keep:
            await api.delete(path("ConfigMap", each["metadata"]["name"], namespace))
