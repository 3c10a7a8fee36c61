"""`Scenario.status`: what is deployed and how it is. Written by the operator only."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from faultline.api.base import Line, Model
from faultline.api.run import CodeRef


class LabPhase(StrEnum):
    """Where a lab is."""

    PENDING = "Pending"
    DEPLOYING = "Deploying"
    READY = "Ready"
    FAILED = "Failed"
    SUSPENDED = "Suspended"


class Condition(Model):
    """As Kubernetes has them. Types: Valid, Deployed, Ready, CodeRejected."""

    type: Line
    status: Literal["True", "False", "Unknown"]
    reason: Line
    message: str = ""
    last_transition_time: str = Field(alias="lastTransitionTime", description="RFC 3339")
    observed_generation: int | None = Field(None, alias="observedGeneration")


class LabNamespaces(Model):
    """The two namespaces that the Scenario owns."""

    lab: Line
    harness: Line


class ScenarioStatus(Model):
    """`deployed` is the digest of the values that Helm installed; the same digest is not deployed again."""

    phase: LabPhase = LabPhase.PENDING
    message: str = ""
    observed_generation: int | None = Field(None, alias="observedGeneration")
    namespaces: LabNamespaces | None = None
    code: CodeRef | None = None
    code_config_map: Line | None = Field(None, alias="codeConfigMap")
    deployed: Line | None = None
    conditions: list[Condition] = Field(default_factory=list, max_length=10)
    last_run: Line | None = Field(None, alias="lastRun")
    last_score: int | None = Field(None, alias="lastScore")
    last_verdict: Literal["pass", "fail", "inconclusive"] | None = Field(None, alias="lastVerdict")
