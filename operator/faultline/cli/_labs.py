"""Which lab a verb means: scenario folders on the host, Scenario objects in the cluster."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultline.api.base import API_VERSION
from faultline.cli._cluster import Cluster
from faultline.cli.base import given_verb, typed
from faultline.errors import InvalidInput, NotFound
from faultline.names import ANNOTATION_CODE, LABEL_BY, LABEL_PART, harness_namespace, lab_namespace
from faultline.workspace import REPO

SCENARIOS = f"/apis/{API_VERSION}/scenarios"
ALIKE = 0.6
"""From which share of their letters on one name may be another one's misspelling."""


@dataclass(frozen=True)
class Lab:
    """A Scenario object."""

    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the object; part of the namespaces' names."""
        return str(self.raw["metadata"]["name"])

    @property
    def slug(self) -> str:
        """The folder under scenarios/."""
        return str(self.raw["spec"]["slug"])

    @property
    def status(self) -> dict[str, Any]:
        """As the operator wrote it; empty at first."""
        return dict(self.raw.get("status") or {})

    @property
    def code(self) -> str | None:
        """The ConfigMap that the Scenario names; None while the flawed code is in force."""
        found = (self.raw["metadata"].get("annotations") or {}).get(ANNOTATION_CODE)
        return str(found) if found else None

    @property
    def generation(self) -> int | None:
        """The version of the object's spec."""
        found = self.raw["metadata"].get("generation")
        return int(found) if found is not None else None

    @property
    def ready(self) -> bool:
        """Whether the operator has seen this version of the object and found the lab up."""
        seen = self.status.get("observedGeneration")
        return self.condition("Ready").get("status") == "True" and seen == self.generation

    def condition(self, kind: str) -> dict[str, Any]:
        """One of the status' conditions; empty when it is not there."""
        return next((each for each in self.status.get("conditions") or [] if each.get("type") == kind), {})

    @property
    def is_own(self) -> bool:
        """Whether it is a learner's lab, not one that demo, verify or a bench made for itself."""
        return LABEL_BY not in (self.raw["metadata"].get("labels") or {})

    def command(self, verb: str) -> str:
        """What to type for a verb of this lab."""
        return typed(verb, self.slug) if self.name == self.slug else f"faultline {verb} --name {self.name}"


def scenarios_root() -> Path:
    """The folder of all scenarios."""
    return REPO / "scenarios"


def slugs() -> list[str]:
    """Every scenario there is, by its folder's name."""
    return sorted(each.parent.name for each in scenarios_root().glob("*/scenario.yaml"))


def recommended() -> str:
    """The scenario to take up now, by one's progress."""
    from faultline.cli import _standing  # which looks up the folders here

    following = _standing.read()[1].next
    return following.slug if following else "SLUG"


def scenario_folder(slug: str) -> Path:
    """The folder of a scenario. Raises NotFound (FL201) naming those of names that are much alike."""
    found = scenarios_root() / slug
    if slug in slugs():
        return found
    near = difflib.get_close_matches(slug, slugs(), n=3, cutoff=ALIKE)
    if not near:
        raise NotFound(
            "FL201", f"there is no scenario {slug!r}", "make progress lists all, docs/curriculum.md tells more"
        )
    message = f"there is no scenario {slug!r}: did you mean {' or '.join(near)}?"
    raise NotFound("FL201", message, typed(given_verb(), near[0]))


def labs(cluster: Cluster) -> list[Lab]:
    """All Scenario objects, by name."""
    return sorted((Lab(each) for each in cluster.items(SCENARIOS)), key=lambda lab: lab.name)


def find(cluster: Cluster, slug: str | None, name: str | None) -> Lab:
    """The lab that a verb was given, or the only one there is.

    Raises NotFound: FL201 for an unknown slug, FL202 when that scenario has no lab; InvalidInput (FL115) when there
    are several to choose from.
    """
    if name or slug:
        raw = cluster.get(f"{SCENARIOS}/{name or slug}")
        if raw:
            return Lab(raw)
        known = slug or str(name)
        if slug:
            scenario_folder(slug)
        raise NotFound("FL202", f"{name or slug} has no lab", f"make apply S={known}")
    own = [each for each in labs(cluster) if each.is_own]
    if not own:
        raise NotFound("FL202", "there is no lab", f"make apply S={recommended()}")
    if len(own) > 1:
        raise InvalidInput(
            "FL115", f"there are several labs: {', '.join(each.name for each in own)}", "name one: make ... S=SLUG"
        )
    return own[0]


def only_slug(cluster: Cluster) -> str:
    """The slug to apply when none was named: the only lab's, or the only scenario there is.

    Raises InvalidInput (FL115) when there are several to choose from.
    """
    choices = sorted({each.slug for each in labs(cluster) if each.is_own}) or slugs()
    if len(choices) == 1:
        return choices[0]
    raise InvalidInput("FL115", f"which scenario? There are: {', '.join(choices) or 'none'}", "make apply S=SLUG")


def app_pods(cluster: Cluster, lab: str, part: str = "") -> list[dict[str, Any]]:
    """The pods of a lab, all or those of one part (app, shared, store)."""
    labels = f"{LABEL_PART}={part}" if part else ""
    return cluster.items(f"/api/v1/namespaces/{lab_namespace(lab)}/pods", labels)


def harness_pods(cluster: Cluster, lab: str) -> list[dict[str, Any]]:
    """The pods that drive and measure a lab."""
    return cluster.items(f"/api/v1/namespaces/{harness_namespace(lab)}/pods")


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod serves: its Ready condition holds and it is not on its way out."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def app_of(pod: dict[str, Any]) -> str:
    """The name of the service or store that a pod belongs to."""
    labels = pod["metadata"].get("labels") or {}
    return str(labels.get("app") or pod["metadata"]["name"])
